"""Counts, and the last line of a report, which says what was looked at."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from ecocompute_lint.findings import Finding, Level
from ecocompute_lint.frozen import dataclass
from ecocompute_lint.report.style import LEVEL_STYLES, Style, leading, plural
from ecocompute_lint.report.totals import total

if TYPE_CHECKING:
    from ecocompute_lint.audit import Report

Repairable = Callable[[Finding], bool]
Lines = Callable[[str, int | None], Sequence[str]]


@dataclass(frozen=True)
class View:
    """A report made ready for the formats: what is shown of it, and what a repair would do."""

    report: Report
    findings: tuple[Finding, ...]
    """What is shown, in order."""
    repairable: Repairable
    """Whether `--fix` at the configured level mends a finding."""
    lines: Lines
    """The source lines of a path, or of one cell of the notebook there."""

    def text(self, path: str) -> str:
        """The text of a file, each line ended by a line feed; empty where it cannot be read."""
        return "\n".join(self.lines(path, None))

    @property
    def bad(self) -> tuple[Finding, ...]:
        """What is shown, good choices left aside."""
        return tuple(finding for finding in self.findings if finding.level > Level.GREEN)

    @property
    def good(self) -> int:
        """How many good choices there are, shown or not."""
        return sum(finding.level is Level.GREEN for finding in self.report.findings)

    @property
    def levels(self) -> Counter[Level]:
        """How many findings there are of each level, good choices left aside."""
        return Counter(finding.level for finding in self.bad)

    @property
    def suppressed(self) -> int:
        """How many findings comments silence."""
        return sum(file.suppressed for file in self.report.files)

    @property
    def known(self) -> int:
        """How many findings were left out because they are not new."""
        return sum(file.known for file in self.report.files)

    @property
    def failed(self) -> int:
        """How many files could not be analysed."""
        return sum(file.status == "failed" for file in self.report.files)


def summary(view: View, style: Style) -> list[str]:
    """The closing lines."""
    files = len(view.report.files)
    if not files:
        return ["no files to examine"]
    parts = [_found(view, style), _looked_at(view), *_good(view), f"{view.report.seconds:.2f} s"]
    lines = [f"{leading(file.path)}: skipped, {file.reason}" for file in view.report.too_large]
    lines.append(f" {style.dot} ".join(parts))
    lines += _costs(view, style)
    if hint := fix_hint(view):
        lines.append(hint)
    return lines


def _costs(view: View, style: Style) -> list[str]:
    """What the findings cost together, and what that assumes."""
    sum_ = total(view.findings)
    if sum_ is None or not sum_.deployments:
        return []
    these = "This deployment costs" if sum_.deployments == 1 else "These deployments cost"
    text = (
        f"{these} about ${sum_.usd:,.2f} a month more than the best choice "
        f"(${sum_.usd_low:,.2f} to ${sum_.usd_high:,.2f}): {sum_.kwh:,.0f} kWh, "
        f"{sum_.kg_co2e:,.0f} kg CO2e, as driving {sum_.car_km:,.0f} km."
    )
    if sum_.unpriced:
        text += f" {plural(sum_.unpriced, 'more deployment')} without a measurement."
    assumed = f"Assumed: {' '.join(sum_.assumptions)}"
    return [*style.wrap(text, ""), *style.wrap(assumed, "")]


def _found(view: View, style: Style) -> str:
    files = len(view.report.files)
    if not view.bad:
        return f"no findings in {plural(files, 'file')}"
    levels = view.levels
    counts = ", ".join(
        style.paint(f"{levels[level]} {level.label}", LEVEL_STYLES[level])
        for level in sorted(levels, reverse=True)
    )
    where = len({finding.path for finding in view.bad})
    found = plural(len(view.bad), "finding")
    return f"{found} ({counts}) in {where:,} of {plural(files, 'file')}"


def _good(view: View) -> list[str]:
    if not view.good:
        return []
    listed = any(finding.level is Level.GREEN for finding in view.findings)
    return [plural(view.good, "good choice") + ("" if listed else " (--show-good)")]


def _looked_at(view: View) -> str:
    report = view.report
    text = f"{report.examined:,} examined, {report.skipped:,} skipped"
    if view.failed:
        text += f", {view.failed:,} failed"
    if view.suppressed:
        text += f", {view.suppressed:,} suppressed"
    if view.known:
        text += f", {view.known:,} not new"
    return text


def fix_hint(view: View) -> str:
    """What ``--fix`` would do, or nothing."""
    count = sum(map(view.repairable, view.findings))
    more = sum(
        finding.fix is not None and finding.fix.available and not view.repairable(finding)
        for finding in view.findings
    )
    hint = f"{count:,} fixable with --fix." if count else ""
    if more:
        hint += f"{' ' if hint else ''}{more:,} more with --fix-level numeric."
    return hint
