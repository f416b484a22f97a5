"""A comment on a pull request: what is wrong, what is good, what to change and what that saves.

GitHub takes a limited number of characters. Findings are taken up by severity until the room is
used up; the comment says how many are left out and where they are to be seen.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from ecocompute_lint.findings import Finding, Level
from ecocompute_lint.frozen import dataclass
from ecocompute_lint.report import markdown_parts as parts
from ecocompute_lint.report.files import Files
from ecocompute_lint.report.formats import Run
from ecocompute_lint.report.markdown_parts import code, prose
from ecocompute_lint.report.style import plural
from ecocompute_lint.report.summary import View, fix_hint
from ecocompute_lint.report.totals import Total, total

LIMIT = 65_536
"""Characters that GitHub takes in a comment."""
SPARE = 1_500
"""Room for what a workflow puts around it, and for what says that findings are left out."""
_MOST_LINES = 20
"""Of lists beside the findings: files that failed, files that were repaired."""
MARK = "<!-- ecolint -->"
"""The first line: by it a workflow finds its comment again."""
_SECTIONS = (
    (Level.RED, "Critical issues"),
    (Level.YELLOW, "Warnings"),
    (Level.GRAY, "Notes"),
    (Level.GREEN, "Good practices"),
)


@dataclass(frozen=True)
class _Entry:
    """A finding: what is said of it, and what is recommended; empty where nothing is."""

    finding: Finding
    about: str
    change: str

    @property
    def size(self) -> int:
        return len(self.about) + len(self.change) + 4


def render(run: Run) -> str:
    """The comment."""
    view = run.view
    files = Files(view)
    costs = total(view.findings)
    head = [
        MARK,
        f"## {_title(view)}",
        *_lead(costs),
        *_failed(view, files),
        *_repaired(run, files),
    ]
    tail = ["### Totals", *_totals(view, costs)]
    room = LIMIT - SPARE - sum(len(block) + 2 for block in (*head, *tail))
    kept, left = _fitting(view, files, room)
    if left:
        head.append(_cut(len(kept), left))
    return "\n\n".join([*head, *_issues(kept, view), *_changes(kept), *tail]) + "\n"


def _title(view: View) -> str:
    files = plural(len(view.report.files), "file")
    if not view.bad:
        return f"ecolint: no {'new ' if view.known else ''}findings in {files}"
    levels = view.levels
    counts = ", ".join(f"{levels[level]} {level.label}" for level in sorted(levels, reverse=True))
    where = len({finding.path for finding in view.bad})
    return f"ecolint: {plural(len(view.bad), 'finding')} ({counts}) in {where:,} of {files}"


def _lead(costs: Total | None) -> list[str]:
    if costs is None or not costs.deployments:
        return []
    return [
        f"About **USD {costs.usd:,.2f} a month** ({costs.usd_low:,.2f} to {costs.usd_high:,.2f}) "
        f"and {costs.kg_co2e:,.0f} kg CO2e more than the best choice."
    ]


def _cut(kept: int, left: int) -> str:
    return (
        f"> [!NOTE]\n> {plural(left, 'finding')} of {kept + left:,} left out, the least severe: "
        f"a comment takes {LIMIT:,} characters. `ecolint` on the command line lists all of them, "
        "and so do the formats `text`, `json`, `html` and `sarif`."
    )


# -- findings


def _fitting(view: View, files: Files, room: int) -> tuple[list[_Entry], int]:
    """The findings that there is room for, the worst first, in reading order; how many are left."""
    entries: dict[int, _Entry] = {}
    order = sorted(range(len(view.findings)), key=lambda i: -view.findings[i].level)
    for taken, number in enumerate(order):
        entry = _entry(view.findings[number], view, files)
        room -= entry.size
        if room < 0:
            return [entries[i] for i in sorted(entries)], len(order) - taken
        entries[number] = entry
    return [entries[i] for i in sorted(entries)], 0


def _entry(finding: Finding, view: View, files: Files) -> _Entry:
    if finding.level is Level.GREEN:
        return _Entry(finding, parts.good(finding, files), "")
    return _Entry(finding, parts.issue(finding, view, files), parts.change(finding, view, files))


def _issues(entries: Sequence[_Entry], view: View) -> list[str]:
    blocks: list[str] = []
    for level, title in _SECTIONS:
        found = [entry.about for entry in entries if entry.finding.level is level]
        between = "\n" if level is Level.GREEN else "\n\n"
        if found:
            blocks += [f"### {title}", between.join(found)]
        elif level is Level.GREEN and view.good:
            count = plural(view.good, "good choice")
            blocks += [f"### {title}", f"{count}, not listed here (`--show-good`)."]
    return blocks


def _changes(entries: Sequence[_Entry]) -> list[str]:
    found = [entry.change for entry in entries if entry.change]
    return ["### Recommended changes", *found] if found else []


# -- beside the findings


def _failed(view: View, files: Files) -> list[str]:
    found = [f"- {parts.problem(item, files)}" for item in view.report.failed]
    return ["### Could not be analysed", _list(found)] if found else []


def _repaired(run: Run, files: Files) -> list[str]:
    if run.repaired is None:
        return []
    title = "Would be fixed" if run.dry else "Fixed"
    found = [
        f"- {code(files.path(file.path))}: {', '.join(sorted({one.code for one in file.fixed}))}"
        for file in run.repaired
        if file.fixed
    ]
    return [f"### {title}", _list(found) if found else "Nothing."]


def _list(items: Sequence[str]) -> str:
    shown = list(items[:_MOST_LINES])
    if len(items) > _MOST_LINES:
        shown.append(f"- and {len(items) - _MOST_LINES:,} more")
    return "\n".join(shown)


def _totals(view: View, costs: Total | None) -> list[str]:
    report = view.report
    looked = [f"{report.examined:,} examined", f"{report.skipped:,} skipped"]
    looked += [f"{view.failed:,} failed"] if view.failed else []
    looked += [f"{view.suppressed:,} suppressed"] if view.suppressed else []
    looked += [f"{view.known:,} not new"] if view.known else []
    blocks = [f"{plural(len(report.files), 'file')}: {', '.join(looked)}."]
    if costs is not None and costs.deployments:
        blocks = [*_costs(costs), *blocks]
    if hint := fix_hint(view):
        blocks.append(re.sub(r"--fix(-level numeric)?", r"`\g<0>`", hint))
    return blocks


def _costs(costs: Total) -> list[str]:
    rows = [
        ("USD", f"{costs.usd:,.2f}", f"{costs.usd_low:,.2f} to {costs.usd_high:,.2f}"),
        ("kWh", f"{costs.kwh:,.0f}", ""),
        ("kg CO2e", f"{costs.kg_co2e:,.0f}", f"as driving {costs.car_km:,.0f} km"),
    ]
    of = plural(costs.deployments, "deployment")
    more = f" {costs.unpriced:,} more without a measurement." if costs.unpriced else ""
    return [
        f"What {of} cost a month more than the best choice.{more}",
        parts.table(("a month", ">more", "range"), rows),
        f"Assumed: {prose(' '.join(costs.assumptions))}",
    ]
