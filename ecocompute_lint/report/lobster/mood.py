"""The moods, and what decides them: tables, the first line that holds wins.

Every condition has its words in the message catalogues, under ``why``.
"""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum
from typing import Any, TypeAlias

from ecocompute_lint.advice.compare import Comparison
from ecocompute_lint.advice.diagnose import Examination
from ecocompute_lint.advice.estimate import Estimation, Step
from ecocompute_lint.advice.optimize import Recommendation
from ecocompute_lint.advice.patterns import TRAPS
from ecocompute_lint.findings import Level
from ecocompute_lint.frozen import dataclass
from ecocompute_lint.knowledge.appraisal import Choice, joules
from ecocompute_lint.knowledge.economy import RED_FROM, REPORTED_FROM
from ecocompute_lint.knowledge.energy import Basis
from ecocompute_lint.report.summary import View


class Mood(Enum):
    """How the lobster feels: its sign, its colour on a terminal, its kind of alert on GitHub."""

    RED = ("🔴", "bold red", "CAUTION")
    ORANGE = ("🟠", "red", "WARNING")
    YELLOW = ("🟡", "bold yellow", "IMPORTANT")
    GREEN = ("🟢", "bold green", "TIP")
    GRAY = ("⚪", "bold bright_black", "NOTE")

    @property
    def sign(self) -> str:
        """A dot of its colour."""
        return self.value[0]

    @property
    def style(self) -> str:
        """In rich's words."""
        return self.value[1]

    @property
    def alert(self) -> str:
        """The kind of alert block in GitHub's Markdown."""
        return self.value[2]

    @property
    def key(self) -> str:
        """Its name in the message catalogues."""
        return self.name.lower()


Answer: TypeAlias = "Comparison | Recommendation | Estimation | Examination"


@dataclass(frozen=True, slots=True)
class Verdict:
    """A mood, and the condition that decided it."""

    mood: Mood
    why: str


Table: TypeAlias = "tuple[tuple[Mood, str, Callable[[Any], bool]], ...]"

# --- the audit ------------------------------------------------------------------------------------

OF_LEVEL = {
    Level.RED: Mood.RED,
    Level.YELLOW: Mood.YELLOW,
    Level.GRAY: Mood.GRAY,
    Level.GREEN: Mood.GREEN,
}
"""The mood of a single finding."""


def _has(level: Level) -> Callable[[View], bool]:
    return lambda view: any(finding.level is level for finding in view.bad)


def _priced(view: View) -> bool:
    return any(item.level is Level.YELLOW and item.cost is not None for item in view.bad)


_AUDIT: Table = (
    (Mood.RED, "audit.red", _has(Level.RED)),
    (Mood.ORANGE, "audit.priced", _priced),
    (Mood.YELLOW, "audit.yellow", _has(Level.YELLOW)),
    (Mood.GRAY, "audit.failed", lambda view: bool(view.report.failed)),
    (Mood.GRAY, "audit.gray", _has(Level.GRAY)),
    (Mood.GRAY, "audit.known", lambda view: bool(view.known)),
    (Mood.GRAY, "audit.nothing", lambda view: not view.report.examined),
    (Mood.GREEN, "audit.clean", lambda view: True),
)

# --- what is planned ------------------------------------------------------------------------------


def _chosen(found: Comparison | Recommendation) -> Choice | None:
    return found.best if isinstance(found, Comparison) else found.choice


def _nothing_fits(found: Comparison | Recommendation) -> bool:
    looked = found.ranked if isinstance(found, Comparison) else found.candidates
    known = [item for item in looked if item.memory is not None]
    return _chosen(found) is None and bool(known) and not any(item.fits for item in known)


def _doubtful(found: Comparison | Recommendation) -> bool:
    choice = _chosen(found)
    return choice is not None and choice.memory is not None and choice.memory.fits is None


def _estimated(found: Comparison | Recommendation) -> bool:
    choice = _chosen(found)
    return choice is not None and choice.estimate.basis is not Basis.MEASURED


_CHOICE: Table = (
    (Mood.RED, "choice.too_large", _nothing_fits),
    (Mood.GRAY, "choice.unmeasured", lambda found: _chosen(found) is None),
    (Mood.ORANGE, "choice.tight", _doubtful),
    (Mood.YELLOW, "choice.estimated", _estimated),
    (Mood.GREEN, "choice.measured", lambda found: True),
)


def waste(step: Step) -> float:
    """How much more energy, in percent, is drawn without a change of setup than with it."""
    left = 100 + step.change.value
    return 100 * (100 / left - 1) if left > 0 else float("inf")


def _wastes(line: float) -> Callable[[Estimation], bool]:
    return lambda found: found.together is not None and waste(found.together) >= line


_ESTIMATE: Table = (
    (Mood.RED, "estimate.too_large", lambda found: not found.now.fits),
    (Mood.GRAY, "estimate.unmeasured", lambda found: found.now.cost is None),
    (Mood.RED, "estimate.boiling", _wastes(RED_FROM)),
    (Mood.ORANGE, "estimate.hot", _wastes(REPORTED_FROM)),
    (Mood.YELLOW, "estimate.warm", lambda found: found.together is not None),
    (Mood.GREEN, "estimate.best", lambda found: True),
)


def _as_told(found: Examination) -> bool:
    return found.diagnoses[0].choice is found.expected


def _unknown(found: Examination) -> bool:
    return not found.diagnoses or found.unexplained > found.diagnoses[0].confidence


def _sure(word: str) -> Callable[[Examination], bool]:
    return lambda found: found.diagnoses[0].sureness == word


_DIAGNOSE: Table = (
    (Mood.GRAY, "diagnose.impossible", lambda found: bool(found.certain)),
    (Mood.GRAY, "diagnose.unknown", _unknown),
    (Mood.RED, "diagnose.trap", lambda found: _as_told(found) and _of_a_trap(found)),
    (Mood.GREEN, "diagnose.as_told", _as_told),
    (Mood.RED, "diagnose.sure", _sure("high")),
    (Mood.ORANGE, "diagnose.likely", _sure("medium")),
    (Mood.YELLOW, "diagnose.possible", lambda found: True),
)


def _of_a_trap(found: Examination) -> bool:
    return found.expected.precision in TRAPS


_TABLES: dict[type, Table] = {
    View: _AUDIT,
    Comparison: _CHOICE,
    Recommendation: _CHOICE,
    Estimation: _ESTIMATE,
    Examination: _DIAGNOSE,
}
CONDITIONS = tuple(dict.fromkeys(why for table in _TABLES.values() for _, why, _ in table))
"""All that decides a mood."""


def verdict(found: View | Answer) -> Verdict:
    """The mood over a report or an answer."""
    table = _TABLES[type(found)]
    return next(Verdict(mood, why) for mood, why, holds in table if holds(found))


def mood_of(choice: Choice, best: float) -> Mood:
    """The mood over one of several choices, of which the best draws so many joules."""
    if not choice.counts:
        return Mood.GRAY
    more = 100 * (joules(choice) / best - 1)
    if not choice.fits or more > RED_FROM:
        return Mood.RED
    if more >= REPORTED_FROM:
        return Mood.ORANGE
    return Mood.YELLOW if more > 0 else Mood.GREEN
