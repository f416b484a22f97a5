"""What a repair did, file by file."""

from __future__ import annotations

from collections.abc import Sequence

from ecocompute_lint.findings import Finding, FixLevel
from ecocompute_lint.frozen import dataclass
from ecocompute_lint.report.evidence import repair_cost
from ecocompute_lint.report.style import Style, leading, safe
from ecocompute_lint.report.text import place_of

_LEVELS = {
    FixLevel.EXACT: "exact",
    FixLevel.NUMERIC: "numeric: outputs can change",
    FixLevel.MANUAL: "manual",
}


@dataclass(frozen=True)
class Repaired:
    """One file: what was mended, and what was not with the reason."""

    path: str
    fixed: tuple[Finding, ...] = ()
    left: tuple[tuple[Finding, str], ...] = ()


def render(files: Sequence[Repaired], style: Style, *, dry: bool = False) -> str:
    """The lines about each file, and a closing line. `dry` says what would be done."""
    lines: list[str] = []
    for file in files:
        if file.fixed:
            lines.append(_fixed(file, style, dry))
        lines += [_left(finding, reason, style) for finding, reason in file.left]
    lines.append(_closing(files, style, dry))
    return "".join(f"{line}\n" for line in lines)


def _fixed(file: Repaired, style: Style, dry: bool) -> str:
    done = style.paint("would fix" if dry else "fixed", "bold green")
    counts: dict[tuple[str, str], int] = {}
    for finding in file.fixed:
        level = _LEVELS[finding.fix.level] if finding.fix else "exact"
        if finding.fix and finding.fix.level is FixLevel.NUMERIC:
            loss = repair_cost(finding, style)
            level += f"; {loss}" if loss else ""
        key = (finding.code, level)
        counts[key] = counts.get(key, 0) + 1
    parts = [
        f"{f'{count}x ' if count > 1 else ''}{code} ({level})"
        for (code, level), count in counts.items()
    ]
    path = style.paint(leading(file.path), "bold")
    return f"{path}  {done} {len(file.fixed)}: {', '.join(parts)}"


def _left(finding: Finding, reason: str, style: Style) -> str:
    place = style.paint(place_of(finding), "bold")
    what = f"{finding.code} {finding.level.label.upper()} {finding.name}"
    return f"{place}  {style.paint('not fixed', 'bold yellow')}: {what}: {safe(reason)}"


def _closing(files: Sequence[Repaired], style: Style, dry: bool) -> str:
    fixed = [finding for file in files for finding in file.fixed]
    left = sum(len(file.left) for file in files)
    line = f"{len(fixed):,} {'would be fixed' if dry else 'fixed'}, {left:,} left"
    if any(finding.fix and finding.fix.level is FixLevel.NUMERIC for finding in fixed):
        line += f" {style.dot} numeric repairs can be left out with --fix-level exact"
    return line
