"""Auditing and repairing notebooks: each is one Python module, reported cell by cell."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from functools import partial
from pathlib import PurePath
from typing import TYPE_CHECKING, Any

from ecocompute_lint import unused
from ecocompute_lint.audit import (
    IRRELEVANT,
    STDIN,
    UNPARSABLE,
    FileReport,
    audit_facts,
    audit_text,
)
from ecocompute_lint.findings import LINES_OF_A_FILE, Edit, Finding, Fix, FixLevel, Place, Problem
from ecocompute_lint.repairs import FixOutcome, fix_text
from ecocompute_lint.sources import registry
from ecocompute_lint.sources.documents import Document, Unreadable
from ecocompute_lint.sources.kinds import NOTEBOOK, PYTHON, SHELL
from ecocompute_lint.sparing import Spared, Unwanted

if TYPE_CHECKING:
    from ecocompute_lint.config import Settings
    from ecocompute_lint.facts import PackagePin
    from ecocompute_lint.sources.notebook import Notebook, Written

_LINE = re.compile(r"`[^`]*`|\bline (\d{1,12})\b")
"""Lines that a sentence names; what stands in backticks is code."""
_CANNOT = "the cells could not be written back"


# -- audits


def audit_notebook(
    raw: str,
    *,
    path: str = STDIN,
    settings: Settings | None = None,
    with_edits: bool = False,
    thorough: bool = False,
    relevant: bool = False,
) -> FileReport:
    """Audit one notebook, given as JSON. Never raises for any text."""
    matters = thorough or relevant or registry.may_matter(NOTEBOOK, raw, loads=_loads(settings))
    if not matters and (settings is None or not unused.asked(raw, settings)):
        return FileReport(path, "skipped", reason=IRRELEVANT)
    from ecocompute_lint.sources.notebook import read

    try:
        notebook = read(raw)
    except Unreadable as error:
        problem = Problem(UNPARSABLE, path, error.reason, error.line, error.column)
        return FileReport(path, "failed", problem=problem)
    if not notebook.is_python:
        return FileReport(path, "skipped", reason=f"a notebook in {notebook.language}")
    if notebook.broken and not notebook.python:
        return FileReport(path, "failed", problem=_nothing_parses(path, notebook))
    documents = tuple(documents_of(notebook))
    report = audit_text(
        notebook.python,
        path=path,
        settings=settings,
        kind=PYTHON,
        with_edits=with_edits,
        pins=_pins(documents, path),
    )
    if report.problem is not None or report.reason == "skip-file":
        return _without_place(report)
    found = [in_cell(item, notebook) for item in report.findings]
    found = [item for item in found if not _may_serve_a_shell(item, notebook)]
    suppressed, status = report.suppressed, report.status
    for written in _files_of(notebook):
        text = written.text.text
        part = audit_text(
            text,
            path=_called(written, path),
            settings=settings,
            kind=written.kind,
            with_edits=with_edits,
        )
        found += [replace(in_written(item, written), path=path) for item in part.findings]
        suppressed += part.suppressed
        status = "examined" if part.status == "examined" else status
    for cell, document in documents:
        part = _of_document(cell, document, notebook, path, settings)
        found += part.findings
        suppressed += part.suppressed
        status = "examined"
    found.sort(key=lambda item: item.sort_key)
    reason = report.reason if status == "skipped" else ""
    return FileReport(path, status, tuple(found), suppressed, reason=reason)


def documents_of(notebook: Notebook) -> Iterator[tuple[int, Document]]:
    """What the shell lines and shell cells of each cell say; positions are those in the cell."""
    from ecocompute_lint.sources.pieces import Piece
    from ecocompute_lint.sources.shell import read_piece

    found: dict[int, Document] = {}
    for item in notebook.shells:
        whole = Piece.whole(notebook.source(item.cell))
        document = read_piece(whole.slice(*whole.lines.span(item.place)))
        if document:
            found[item.cell] = found.get(item.cell, Document()) + document
    yield from found.items()


def _may_serve_a_shell(item: Finding, notebook: Notebook) -> bool:
    """Whether it is about a comment that may silence what a shell line of its cell says."""
    return item.code == unused.UNUSED and any(shell.cell == item.cell for shell in notebook.shells)


def _of_document(
    cell: int, document: Document, notebook: Notebook, path: str, settings: Settings | None
) -> FileReport:
    from ecocompute_lint.sources.serving import facts

    text = notebook.source(cell)
    part = audit_facts(facts(document), text, kind=SHELL, path=path, settings=settings)
    found = []
    for item in part.findings:
        fix = item.fix
        if fix is not None and fix.edits:
            edits = tuple(replace(edit, cell=cell) for edit in fix.edits)
            fix = replace(fix, edits=edits)
            if not notebook.editable:
                fix = Fix(FixLevel.MANUAL, fix.description)
        found.append(replace(item, cell=cell, fix=fix))
    return replace(part, findings=tuple(found))


def _pins(documents: Iterable[tuple[int, Document]], path: str) -> dict[str, PackagePin]:
    """What the notebook's own install lines pin."""
    from ecocompute_lint.sources.pins import pins_of

    return pins_of((one for _, document in documents for one in document.packages), path)


def _loads(settings: Settings | None) -> bool:
    return settings is not None and settings.gpu is not None


def _files_of(notebook: Notebook) -> Iterator[Written]:
    """The files that cells write, and the Python that they run apart."""
    return (item for item in notebook.written if item.kind not in ("", NOTEBOOK))


def _called(written: Written, path: str) -> str:
    """What a file is called that a cell of a notebook writes."""
    return str(PurePath(path).parent / PurePath(written.name).name) if written.name else path


def _nothing_parses(path: str, notebook: Notebook) -> Problem:
    first = notebook.broken[0]
    at = f", line {first.line}" if first.line else ""
    return Problem(
        UNPARSABLE,
        path,
        f"no code cell can be parsed as Python; cell {first.cell}{at}: {first.reason}",
    )


def _without_place(report: FileReport) -> FileReport:
    """The lines of the joined cells mean nothing to a reader."""
    if report.problem is None:
        return report
    return replace(report, problem=replace(report.problem, line=None, column=None))


# -- from the joined text to cells


def in_cell(finding: Finding, notebook: Notebook) -> Finding:
    """A finding in the joined text as one in a cell."""
    cell, place = notebook.locate(finding.place)
    marks = []
    for mark in finding.marks:
        where, moved = (cell, mark) if mark.elsewhere else notebook.locate(mark)
        if where == cell:
            marks.append(moved)
    evidence: dict[str, Any] = dict(finding.evidence)
    if (deployed := evidence.get("deployment")) is not None:
        at = Place(*deployed, *deployed)
        # What is deployed may stand in another cell than what the finding is about.
        where, moved = (cell, at) if at.elsewhere else notebook.locate(at)
        evidence.update(deployment=[moved.line, moved.column], deployment_cell=where)
    fix = finding.fix
    if fix is not None and fix.edits:
        fix = _fix_in_cells(fix, notebook)
    message = told_in_cells(finding.message, notebook, cell)
    return replace(
        finding,
        place=place,
        cell=cell,
        message=message,
        marks=tuple(marks),
        evidence=evidence,
        fix=fix,
    )


def told_in_cells(text: str, notebook: Notebook, here: int | None = None) -> str:
    """A sentence about lines of the joined text as one about those of cells.

    The cell is left out where it is `here`.
    """

    def told(match: re.Match[str]) -> str:
        line = int(match[1]) if match[1] else LINES_OF_A_FILE
        if line >= LINES_OF_A_FILE:
            return match[0]
        cell, place = notebook.locate(Place(line, 1, line, 1))
        return f"line {place.line}{'' if cell == here else f' of cell {cell}'}"

    return _LINE.sub(told, text)


def _fix_in_cells(fix: Fix, notebook: Notebook) -> Fix:
    from ecocompute_lint.sources.notebook import CannotRewrite

    edits: list[Edit] = []
    try:
        for edit in fix.edits:
            notebook.raw_edit(edit)
            edits.append(notebook.cell_edit(edit))
    except CannotRewrite:
        return Fix(FixLevel.MANUAL, fix.description)
    return replace(fix, edits=tuple(edits))


def in_written(finding: Finding, written: Written) -> Finding:
    """A finding in a file that a cell writes: its lines are counted from the cell's first."""

    def told(match: re.Match[str]) -> str:
        line = int(match[1]) if match[1] else LINES_OF_A_FILE
        return match[0] if line >= LINES_OF_A_FILE else f"line {line + written.line - 1}"

    def moved(place: Place) -> Place:
        by = 0 if place.elsewhere else written.line - 1
        return Place(place.line + by, place.column, place.end_line + by, place.end_column)

    evidence: dict[str, Any] = dict(finding.evidence)
    if (deployed := evidence.get("deployment")) is not None:
        at = moved(Place(*deployed, *deployed))
        evidence.update(deployment=[at.line, at.column], deployment_cell=written.cell)
    fix = finding.fix
    if fix is not None and fix.edits:
        edits = (Edit(moved(edit.place), edit.text, written.cell) for edit in fix.edits)
        fix = replace(fix, edits=tuple(edits))
    return replace(
        finding,
        place=moved(finding.place),
        cell=written.cell,
        message=_LINE.sub(told, finding.message),
        marks=tuple(map(moved, finding.marks)),
        evidence=evidence,
        fix=fix,
    )


# -- repairs


def fix_notebook(
    raw: str,
    *,
    path: str = STDIN,
    settings: Settings | None = None,
    unwanted: Unwanted | None = None,
) -> FixOutcome:
    """Repair everything in a notebook that the settings allow; other bytes stay as they are."""
    from ecocompute_lint.sources.notebook import CannotRewrite, read

    before = audit_notebook(raw, path=path, settings=settings)
    if before.status != "examined":
        return FixOutcome(raw, problem=before.problem)
    notebook = read(raw)

    def left_alone(moved: _Move) -> Unwanted | None:
        return None if unwanted is None else lambda item: unwanted(moved(item))

    def left_in_cell(item: Finding) -> bool:
        moved = in_cell(item, notebook)
        return _may_serve_a_shell(moved, notebook) or (unwanted is not None and unwanted(moved))

    whole = fix_text(
        notebook.python,
        path=path,
        settings=settings,
        kind=PYTHON,
        unwanted=left_in_cell,
    )
    apart = [
        (
            item,
            fix_text(
                item.text.text,
                path=_called(item, path),
                settings=settings,
                kind=item.kind,
                unwanted=left_alone(partial(in_written, written=item)),
            ),
        )
        for item in _files_of(notebook)
    ]
    spared = {
        cell: Spared(
            _of_document(cell, document, notebook, path, settings),
            notebook.source(cell),
            SHELL,
            unwanted,
        )
        for cell, document in (documents_of(notebook) if unwanted is not None else ())
    }
    try:
        sources = notebook.sources_of(whole.text)
        for item, outcome in apart:
            if outcome.text != item.text.text:
                source = notebook.source(item.cell)
                head = source[: len(source) - len(item.text.text)]
                sources[item.cell] = head + outcome.text
        after = read(notebook.rewritten(sources))
        if after.python != whole.text:
            raise CannotRewrite(_CANNOT)
        text, of_shells = _shells_fixed(after, path, settings, spared)
    except (CannotRewrite, Unreadable) as error:
        reason = str(error)
        told = (item for item in before.findings if unwanted is None or not unwanted(item))
        return FixOutcome(raw, refused=tuple((item, reason) for item in told))
    return _merged(
        text,
        [
            _moved(whole, lambda item: in_cell(item, notebook), lambda item: in_cell(item, after)),
            *(
                _moved(outcome, lambda item, at=item: replace(in_written(item, at), path=path))  # type: ignore[misc]
                for item, outcome in apart
            ),
            of_shells,
        ],
    )


def _shells_fixed(
    notebook: Notebook, path: str, settings: Settings | None, spared: Mapping[int, Spared]
) -> tuple[str, FixOutcome]:
    """Repair the shell lines of a notebook."""
    from ecocompute_lint.fixes.apply import apply_edits
    from ecocompute_lint.sources.notebook import read

    fixed: list[Finding] = []
    left: list[Finding] = []
    sources: dict[int, str] = {}
    level = settings.fix_level if settings is not None else FixLevel.NUMERIC
    for cell, report in _of_shells(notebook, path, settings, spared):
        edits: list[Edit] = []
        for item in report.findings:
            fix = item.fix
            wanted = fix is not None and fix.available and fix.level <= level
            if fix is None or not wanted or not set(edits).isdisjoint(fix.edits):
                left.append(item)
                continue
            edits += fix.edits
            fixed.append(item)
        if edits:
            sources[cell] = apply_edits(notebook.source(cell), edits)
    if not sources:
        return notebook.raw, FixOutcome(notebook.raw, tuple(fixed), tuple(left))
    text = notebook.rewritten(sources)
    # What is left may stand elsewhere now.
    left = [
        item
        for _, report in _of_shells(read(text), path, settings, spared)
        for item in report.findings
    ]
    return text, FixOutcome(text, tuple(fixed), tuple(left))


def _of_shells(
    notebook: Notebook, path: str, settings: Settings | None, spared: Mapping[int, Spared]
) -> Iterator[tuple[int, FileReport]]:
    """What is found in the shell lines of each cell, without what is to be left alone."""
    for cell, document in documents_of(notebook):
        report = _of_document(cell, document, notebook, path, settings)
        if cell in spared:
            report = spared[cell].without(report, notebook.source(cell))
        yield cell, report


_Move = Callable[[Finding], Finding]


def _moved(outcome: FixOutcome, before: _Move, after: _Move | None = None) -> FixOutcome:
    after = after or before
    return replace(
        outcome,
        fixed=tuple(map(before, outcome.fixed)),
        left=tuple(map(after, outcome.left)),
        refused=tuple((after(item), reason) for item, reason in outcome.refused),
    )


def _merged(text: str, outcomes: Iterable[FixOutcome]) -> FixOutcome:
    fixed: list[Finding] = []
    left: list[Finding] = []
    refused: list[tuple[Finding, str]] = []
    for outcome in outcomes:
        fixed += outcome.fixed
        left += outcome.left
        refused += outcome.refused
    return FixOutcome(text, tuple(fixed), tuple(left), tuple(refused))
