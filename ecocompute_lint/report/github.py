"""Annotations of a GitHub workflow: commands that the runner reads in the log.

Every line that names something from an audited file is a command of its own, so that nothing in
such a name is taken for one.
"""

from __future__ import annotations

from collections.abc import Iterator

from ecocompute_lint.audit import STDIN
from ecocompute_lint.findings import Finding, Level, Place, Problem
from ecocompute_lint.report.escape import as_text
from ecocompute_lint.report.files import Files
from ecocompute_lint.report.formats import Run
from ecocompute_lint.report.style import Style, safe
from ecocompute_lint.report.summary import summary

_COMMANDS = {Level.RED: "error", Level.YELLOW: "warning"}
_DATA = str.maketrans({"%": "%25", "\r": "%0D", "\n": "%0A"})
_PROPERTY = str.maketrans({"%": "%25", "\r": "%0D", "\n": "%0A", ":": "%3A", ",": "%2C"})


def render(run: Run) -> str:
    """The commands, and a line on what was looked at."""
    view = run.view
    files = Files(view)
    lines = [_problem(problem, files) for problem in view.report.failed]
    lines += [
        _command("notice", file.path, None, "ecolint", f"skipped, {file.reason}", files)
        for file in view.report.too_large
    ]
    lines += [_finding(finding, files) for finding in view.findings]
    lines += [f"ecolint: {text}" for text in _closing(run)]
    return "".join(f"{line}\n" for line in lines)


def _finding(finding: Finding, files: Files) -> str:
    command = _COMMANDS.get(finding.level, "notice")
    cell = f", cell {finding.cell} line {finding.place.line}" if finding.cell is not None else ""
    title = f"{finding.code} {finding.name}{cell}"
    text = safe(finding.message)
    if finding.fix is not None and finding.level is not Level.GREEN:
        text += f"\nRepair ({finding.fix.level.label}): {safe(finding.fix.description)}"
    return _command(command, finding.path, files.place(finding), title, text, files)


def _problem(problem: Problem, files: Files) -> str:
    place = None
    if problem.line is not None:
        column = problem.column or 1
        place = Place(problem.line, column, problem.line, column)
    return _command("error", problem.path, place, problem.code, safe(problem.message), files)


def _command(
    command: str, path: str, place: Place | None, title: str, text: str, files: Files
) -> str:
    parts = [f"title={_property(title)}"]
    if path and path != STDIN:
        parts = [f"file={_property(files.path(path))}", *_lines(place), *parts]
    return f"::{command} {','.join(parts)}::{text.translate(_DATA)}"


def _lines(place: Place | None) -> Iterator[str]:
    if place is None:
        return
    yield f"line={place.line}"
    yield f"endLine={place.end_line}"
    if place.line == place.end_line:  # GitHub takes no columns of several lines
        yield f"col={place.column}"
        yield f"endColumn={place.end_column}"


def _property(text: str) -> str:
    """A value; line ends are carried over, other control characters are spelled out."""
    kept = "".join(char if char in "\r\n" else safe(char) for char in as_text(text))
    return kept.translate(_PROPERTY)


def _closing(run: Run) -> Iterator[str]:
    """The last lines of the report for people, those about single files left aside."""
    view = run.view
    about_files = len(view.report.too_large) if view.report.files else 0
    for line in summary(view, Style())[about_files:]:
        yield line.replace("##[", "## [")
    if run.repaired is not None:
        fixed = sum(len(file.fixed) for file in run.repaired)
        yield f"{fixed:,} {'would be fixed' if run.dry else 'fixed'}"
