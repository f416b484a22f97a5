"""What a rule is: plain, immutable data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from pathlib import Path
from typing import Any

from ecocompute_lint.findings import Confidence, FixLevel, Level
from ecocompute_lint.frozen import dataclass


@dataclass(frozen=True, slots=True)
class Condition:
    """One attribute with its operators, or a group: ``any`` or ``all`` of `parts`."""

    attribute: str = ""
    operators: tuple[tuple[str, Any], ...] = ()
    group: str = ""
    parts: tuple[Condition, ...] = ()


@dataclass(frozen=True, slots=True)
class FixRule:
    """What a rule repairs, and how."""

    level: FixLevel
    description: str
    advice: str = ""
    set: Mapping[str, str] = field(default_factory=dict)
    replace: Mapping[str, str] = field(default_factory=dict)
    """What the options that the conditions found become, by what they are."""
    remove: tuple[str, ...] | str = ()
    move: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class EvidenceRule:
    """What the data are asked: precision `now` beside those of `against`.

    Those of `where_it_pays` are named only where they save energy against FP16, or FP16 does not
    fit. `fix` is the one that the repair leads to.
    """

    now: str | None = None
    """None: the precision in which the model is loaded."""
    against: tuple[str, ...] = ()
    where_it_pays: tuple[str, ...] = ()
    fix: str | None = None
    batch: int | None = None
    """One request at a time is set beside this batch size, in place of other precisions."""
    from_break_even: bool = False
    """Whether any waste counts, and not only one that is worth a finding of its own."""


@dataclass(frozen=True, slots=True)
class Variant:
    """What is different where further conditions hold."""

    when: tuple[Condition, ...]
    level: Level | None = None
    place: str | None = None
    at_most: Confidence | None = None
    message: str | None = None
    fix: FixRule | None = None
    now: str | None = None
    """The precision in place of the one that the evidence names."""


@dataclass(frozen=True, slots=True)
class Example:
    """A trap and how it is avoided, both complete files."""

    bad: str
    good: str
    gpu: str | None = None
    """The card that has to be configured."""
    file: str = ""
    """What such a file is called, if it is no Python module: its name tells what kind it is."""


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule. See the rule files for what each field means."""

    code: str
    name: str
    level: Level
    category: str
    facts: tuple[str, ...]
    """The kinds of facts that it looks at."""
    place: str
    summary: str
    rationale: str
    message: str
    when: tuple[Condition, ...]
    fix: FixRule | None = None
    """None only for a good choice, which wants no repair."""
    enabled: bool = True
    literal: bool = False
    """Whether it holds only where every value stands there as a literal."""
    anywhere: bool = False
    """Whether it is as sure in a branch as outside: the code is wrong wherever it stands."""
    unless: tuple[str, ...] = ()
    """No finding on a deployment that has one of these codes."""
    variants: tuple[Variant, ...] = ()
    evidence: EvidenceRule | None = None
    examples: tuple[Example, ...] = ()
    references: tuple[str, ...] = ()
    path: Path | None = None

    @property
    def good(self) -> bool:
        """Whether it finds good choices: what is worth keeping."""
        return self.level is Level.GREEN

    @property
    def fixes(self) -> tuple[FixRule, ...]:
        """All repairs that it knows: the usual one, then those of its variants."""
        found = (self.fix, *(item.fix for item in self.variants))
        return tuple(fix for fix in found if fix is not None)

    @property
    def fix_levels(self) -> tuple[FixLevel, ...]:
        """How far its repairs may change what the program prints, the best first."""
        return tuple(sorted({fix.level for fix in self.fixes}))
