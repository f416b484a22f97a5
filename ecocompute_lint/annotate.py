"""Adding the comments that silence findings: ``--add-noqa``."""

from __future__ import annotations

import ast
import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from ecocompute_lint.audit import FileReport, auditor, silencing_lines
from ecocompute_lint.comments import Lines, lines_for
from ecocompute_lint.findings import Edit, Finding, Place
from ecocompute_lint.frozen import dataclass
from ecocompute_lint.markers import Marker, markers
from ecocompute_lint.sources.kinds import NOTEBOOK, PYTHON, SHELL
from ecocompute_lint.sources.registry import kind_at
from ecocompute_lint.sources.text import LineMap, newline_of

if TYPE_CHECKING:
    from ecocompute_lint.config import Settings
    from ecocompute_lint.sources.notebook import Notebook

NO_COMMENTS: Mapping[str, str] = {
    "model-config": "JSON has no comments",
    "lock": "lock files are generated anew",
    "batch": "no comment of such a file begins with #",
}
_NO_PLACE = "no place for a comment: inside of a text, or a line that goes on"
_NO_EFFECT = "a comment there would change what the file says, or silence nothing"
_INDENT = re.compile(r"[ \t]*")


@dataclass(frozen=True, slots=True)
class Annotated:
    """A text with comments: what they silence, and what cannot be silenced, with the reason."""

    text: str
    done: tuple[Finding, ...] = ()
    refused: tuple[tuple[Finding, str], ...] = ()


def annotate(
    text: str, report: FileReport, wanted: Sequence[Finding], reason: str, settings: Settings
) -> Annotated:
    """Silence the findings `wanted` of a file; `report` has all of them.

    Each comment is tried: the file must say the same as before, without these findings.
    """
    path = report.path
    kind = kind_at(path)
    if kind in NO_COMMENTS:
        return Annotated(text, (), tuple((item, NO_COMMENTS[kind]) for item in wanted))
    write = _notebook_writer(text) if kind == NOTEBOOK else _writer(text, kind)

    def tried(items: Sequence[Finding]) -> Annotated | None:
        made = write(items, reason)
        good = made.text != text and _is_same(text, made.text, kind)
        if not made.done or (good and _silences(path, report, made, settings)):
            return made
        return None

    whole = tried(wanted)
    if whole is not None:
        return whole
    # One of them does harm: only those are taken that do none beside the others.
    good: list[Finding] = []
    refused: list[tuple[Finding, str]] = []
    best = Annotated(text)
    for item in wanted:
        made = tried([*good, item])
        if made is not None and item in made.done:
            good.append(item)
            best = made
        else:
            known = made.refused if made is not None else ()
            why = next((why for other, why in known if other == item), _NO_EFFECT)
            refused.append((item, why))
    return Annotated(best.text, best.done, tuple(refused))


def _is_same(old: str, new: str, kind: str) -> bool:
    """Whether a Python text still says the same."""
    if kind != PYTHON:
        return True
    from ecocompute_lint.sources.documents import Unreadable
    from ecocompute_lint.sources.python import parse

    try:
        return ast.dump(parse(old)) == ast.dump(parse(new))
    except (Unreadable, RecursionError):
        return False


def _silences(path: str, before: FileReport, made: Annotated, settings: Settings) -> bool:
    """Whether just what was meant is silent now, and everything is still found."""
    after = auditor(path)(made.text, path=path, settings=settings)
    if after.status != "examined" or _all(after) != _all(before):
        return False
    done = Counter(item.code for item in made.done)
    old = Counter(item.code for item in before.findings)
    new = Counter(item.code for item in after.findings)
    return all(
        new[code] <= count - done[code] if done[code] else new[code] == count
        for code, count in old.items()
    )


def _all(report: FileReport) -> int:
    return len(report.findings) + report.suppressed


# -- one text

_Write = Callable[[Sequence[Finding], str], Annotated]


def _writer(text: str, kind: str, *, noqa: bool = False) -> _Write:
    """What writes comments into a text of a kind; `noqa`: as in Python, whatever the kind."""
    python = kind == PYTHON
    present = markers(text, python=python)
    lines = lines_for(text, kind)

    def write(items: Sequence[Finding], reason: str) -> Annotated:
        from ecocompute_lint.fixes.apply import apply_edits

        planned: dict[_Spot, list[str]] = {}
        done: list[Finding] = []
        refused: list[tuple[Finding, str]] = []
        for item in items:
            spot = _spot(item, present, lines)
            if spot is None:
                refused.append((item, _NO_PLACE))
                continue
            codes = planned.setdefault(spot, [])
            if item.code not in codes:
                codes.append(item.code)
            done.append(item)
        edits = [
            edit
            for spot, codes in planned.items()
            for edit in _edits(text, spot, codes, reason, noqa=python or noqa)
        ]
        return Annotated(apply_edits(text, edits), tuple(done), tuple(refused))

    return write


@dataclass(frozen=True, slots=True)
class _Spot:
    """Where a comment goes: behind or above a line, or into one that is there."""

    line: int = 0
    above: bool = False
    marker: Marker | None = None


def _spot(item: Finding, present: Sequence[Marker], lines: Lines) -> _Spot | None:
    silencing = set(silencing_lines(item))
    places = [place for place in (item.place, *item.marks) if not place.elsewhere]
    order = dict.fromkeys(
        [item.place.line, *(place.line for place in places), *(p.end_line for p in places)]
    )
    wanted = [line for line in order if line in silencing and 1 <= line <= lines.count]
    for line in wanted:
        for marker in present:
            if line in marker.lines:
                return _Spot(marker=marker)
    for line in wanted:
        if lines.behind(line):
            return _Spot(line)
    for line in wanted:
        if lines.above(line):
            return _Spot(line, above=True)
    return None


def _edits(
    text: str, spot: _Spot, codes: Sequence[str], reason: str, *, noqa: bool
) -> Iterable[Edit]:
    lines = LineMap(text)
    named = ", ".join(sorted(codes))
    if (marker := spot.marker) is not None:
        at = marker.codes[-1].end
        here = {code.text for code in marker.codes}
        more = "".join(f", {code}" for code in sorted(codes) if code not in here)
        yield Edit(lines.place(at, at), more)
        if reason not in marker.reason:
            yield Edit(
                lines.place(marker.end, marker.end),
                f"; {reason}" if marker.reason else f" {reason}",
            )
        return
    told = f"# noqa: {named}" if noqa else f"# ecolint: ignore[{named}]"
    comment = f"{told} {reason}".rstrip()
    line = lines.line_text(spot.line)
    if spot.above:
        indent = _INDENT.match(line)
        start = Place(spot.line, 1, spot.line, 1)
        yield Edit(start, f"{indent[0] if indent else ''}{comment}{newline_of(text)}")
        return
    stripped = line.rstrip()
    end = Place(spot.line, len(stripped) + 1, spot.line, len(line) + 1)
    yield Edit(end, f"  {comment}")


# -- notebooks


def _notebook_writer(raw: str) -> _Write:
    from ecocompute_lint.sources.notebook import CannotRewrite, read

    notebook = read(raw)

    def write(items: Sequence[Finding], reason: str) -> Annotated:
        sources: dict[int, str] = {}
        done: list[Finding] = []
        refused: list[tuple[Finding, str]] = []
        cells = dict.fromkeys(item.cell for item in items if item.cell is not None)
        for cell in cells:
            here = [item for item in items if item.cell == cell]
            made = _of_cell(notebook, cell, here, reason)
            done += made.done
            refused += made.refused
            sources[cell] = made.text
        try:
            return Annotated(notebook.rewritten(sources), tuple(done), tuple(refused))
        except CannotRewrite as error:
            return Annotated(raw, (), tuple((item, str(error)) for item in items))

    return write


def _of_cell(notebook: Notebook, cell: int, items: Sequence[Finding], reason: str) -> Annotated:
    source = notebook.source(cell)
    for written in notebook.written:
        if written.cell == cell and written.kind:
            if written.kind in NO_COMMENTS:
                why = NO_COMMENTS[written.kind]
                return Annotated(source, (), tuple((item, why) for item in items))
            # The text of the file alone: what is above it is the cell's.
            head = source[: len(source) - len(written.text.text)]
            by = written.line - 1
            up = [_moved(item, -by) for item in items]
            made = _writer(written.text.text, written.kind)(up, reason)
            return Annotated(
                head + made.text,
                tuple(_moved(item, by) for item in made.done),
                tuple((_moved(item, by), why) for item, why in made.refused),
            )
    shells = [shell.place for shell in notebook.shells if shell.cell == cell]
    in_shell = [
        item for item in items if any(p.line <= item.place.line <= p.end_line for p in shells)
    ]
    kind = SHELL if len(in_shell) == len(items) else PYTHON
    return _writer(source, kind, noqa=True)(items, reason)


def _moved(item: Finding, by: int) -> Finding:
    def moved(place: Place) -> Place:
        if place.elsewhere:
            return place
        return Place(place.line + by, place.column, place.end_line + by, place.end_column)

    return replace(item, place=moved(item.place), marks=tuple(map(moved, item.marks)))
