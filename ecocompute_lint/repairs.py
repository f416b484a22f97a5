"""Repairing a text: rounds of edits, each audited again."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from ecocompute_lint.audit import STDIN, FileReport, audit_text, settings_or_default
from ecocompute_lint.findings import Finding, Level, Problem
from ecocompute_lint.frozen import dataclass
from ecocompute_lint.sources import registry
from ecocompute_lint.sources.kinds import NOTEBOOK
from ecocompute_lint.sparing import Spared, Unwanted

if TYPE_CHECKING:
    from ecocompute_lint.config import Settings

_MOST_ROUNDS = 8
_NO_HELP = "the edit would not mend it"


@dataclass(frozen=True, slots=True)
class FixOutcome:
    """A repaired text: what was mended, what is left to do by hand, what could not be edited."""

    text: str
    fixed: tuple[Finding, ...] = ()
    left: tuple[Finding, ...] = ()
    refused: tuple[tuple[Finding, str], ...] = ()
    problem: Problem | None = None


@dataclass(frozen=True, slots=True)
class _Step:
    """One round of repairs: the new text, what it mends, what could not be edited."""

    text: str
    after: FileReport
    done: tuple[Finding, ...] = ()
    refused: tuple[tuple[Finding, str], ...] = ()


def fixer(path: str) -> Callable[..., FixOutcome]:
    """What repairs the text of a file of that name."""
    if registry.kind_at(path) != NOTEBOOK:
        return fix_text
    from ecocompute_lint.notebooks import fix_notebook

    return fix_notebook


def fix_text(
    text: str,
    *,
    path: str = STDIN,
    settings: Settings | None = None,
    kind: str | None = None,
    unwanted: Unwanted | None = None,
) -> FixOutcome:
    """Repair everything in a text that the settings allow; a second call changes nothing.

    Each round is audited again. An edit that does not parse, or that mends nothing, is taken back.
    Findings that are `unwanted` stay, and are not told.
    """
    settings = settings_or_default(settings)
    kind = kind or registry.kind_at(path)
    report = audit_text(text, path=path, settings=settings, kind=kind)
    if report.problem is not None:
        return FixOutcome(text, problem=report.problem)
    fixed: list[Finding] = []
    spared = Spared(report, text, kind, unwanted)
    step = _Step(text, spared.without(report, text))
    for _ in range(_MOST_ROUNDS):
        before = step.text
        step = _round(kind, step.text, step.after, settings, spared)
        fixed.extend(step.done)
        if step.text == before:
            break
    handled = {(finding.code, finding.place) for finding, _ in step.refused}
    left = tuple(item for item in step.after.findings if (item.code, item.place) not in handled)
    return FixOutcome(step.text, tuple(fixed), left, step.refused)


def _round(kind: str, text: str, report: FileReport, settings: Settings, spared: Spared) -> _Step:
    """Apply what can be applied at once."""
    from ecocompute_lint.fixes.apply import apply_edits
    from ecocompute_lint.fixes.plan import OVERLAPS

    wanted = [item for item in report.findings if _wanted(item, settings)]
    silenced = registry.suppressions_of(kind, text)
    if silenced is not None:
        wanted = [item for item in wanted if not _touches_silenced(item, silenced)]
    operations = [step for item in wanted if item.fix for step in item.fix.operations]
    if not operations:
        return _Step(text, report)
    plan = registry.edits_of(kind, text, operations)
    edits, reasons, idle = plan.edits, dict(plan.refused), set(plan.idle)
    done: list[Finding] = []
    refused: list[tuple[Finding, str]] = []
    for item in wanted:
        steps = item.fix.operations if item.fix is not None else ()
        why = [reasons[step] for step in steps if step in reasons]
        if idle.issuperset(steps):  # what the carrier says is overridden elsewhere
            refused.append((item, _NO_HELP))
        elif not why:
            done.append(item)
        elif why[0] != OVERLAPS:
            refused.append((item, why[0]))
    if not edits:
        return _Step(text, report, refused=tuple(refused))
    changed = apply_edits(text, edits)
    after = audit_text(changed, path=report.path, settings=settings, kind=kind)
    after = spared.without(after, changed)
    if after.status == "failed" or _bad(after) > _bad(report) + len(done):
        # Never seen; should it happen, the text stays as it was.
        return _Step(text, report, refused=tuple((item, _NO_HELP) for item in wanted))
    return _Step(changed, after, tuple(done), tuple(refused) if changed == text else ())


def _bad(report: FileReport) -> int:
    """How many findings there are, good choices not counted."""
    return sum(finding.level > Level.GREEN for finding in report.findings)


def _wanted(finding: Finding, settings: Settings) -> bool:
    return (
        finding.fix is not None
        and finding.fix.available
        and finding.fix.level <= settings.fix_level
    )


def _touches_silenced(finding: Finding, silenced: Any) -> bool:
    """A line with a suppression of this code is never rewritten."""
    steps = finding.fix.operations if finding.fix is not None else ()
    lines = {line for step in steps for line in range(step.target.line, step.target.end_line + 1)}
    return bool(silenced.covers(finding.code, lines))
