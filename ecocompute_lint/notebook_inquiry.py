"""Asking about a line of a notebook's cell."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields, replace
from typing import TYPE_CHECKING, Any

from ecocompute_lint.engine.trail import (
    Explanation,
    Looked,
    ModelSource,
    Reason,
    Spot,
    Trail,
)
from ecocompute_lint.findings import LINES_OF_A_FILE, Finding, Place
from ecocompute_lint.frozen import dataclass
from ecocompute_lint.inquiry import Answer, Inquiry, Near, inquire
from ecocompute_lint.notebooks import in_cell, in_written, told_in_cells
from ecocompute_lint.sources.kinds import PYTHON
from ecocompute_lint.sources.notebook import Notebook, Written, read

if TYPE_CHECKING:
    from ecocompute_lint.config import Settings

_OPENED = (Answer, Near, Explanation, Looked, ModelSource, Trail)
"""What is made up of findings and spots."""


def inquire_cell(
    raw: str, cell: int, line: int, column: int | None = None, *, path: str, settings: Settings
) -> Inquiry:
    """Explain what stands at a line of a cell. Raises `sources.python.Unparsable`."""
    notebook = read(raw)
    asked = Inquiry(path, line, column, cell=cell)
    if not notebook.is_python:
        return replace(asked, reason=f"a notebook in {notebook.language}")
    at = notebook.joined_line(cell, line)
    if at is not None:
        moved = _in_notebook(path, notebook)
        text = notebook.python
    else:
        written = _written(notebook, cell, line)
        if written is None:
            return replace(asked, reason=_why_left_out(notebook, cell))
        moved, text = _in_written(path, written), written.text.text
        at = line - written.line + 1
    found = inquire(text, at, column, path=path, settings=settings, kind=PYTHON)
    return replace(
        found,
        line=line,
        cell=cell,
        answers=moved(found.answers),
        near=moved(found.near),
        configured=moved(found.configured),
    )


def _written(notebook: Notebook, cell: int, line: int) -> Written | None:
    for item in notebook.written:
        if item.cell == cell and item.kind == "python" and line >= item.line:
            return item
    return None


def _why_left_out(notebook: Notebook, cell: int) -> str:
    for broken in notebook.broken:
        if broken.cell == cell:
            at = f" (line {broken.line})" if broken.line else ""
            return f"the cell cannot be parsed as Python: {broken.reason}{at}"
    return "the cell does not hold Python"


_Moved = Callable[[Any], Any]


def _in_notebook(path: str, notebook: Notebook) -> _Moved:
    def spot(item: Spot) -> Spot:
        if item.path != path or item.line >= LINES_OF_A_FILE:
            return replace(item, imported=None)
        cell, place = notebook.locate(Place(item.line, item.column, item.line, item.column))
        return Spot(path, place.line, place.column, None, cell)

    return _Mover(
        lambda finding: in_cell(finding, notebook),
        spot,
        lambda text: told_in_cells(text, notebook),
    )


def _in_written(path: str, written: Written) -> _Moved:
    def spot(item: Spot) -> Spot:
        if item.path != path:
            return replace(item, imported=None)
        return Spot(path, item.line + written.line - 1, item.column, None, written.cell)

    return _Mover(lambda finding: in_written(finding, written), spot, lambda text: text)


@dataclass(frozen=True, slots=True)
class _Mover:
    """Moves whatever is made up of findings and spots."""

    finding: Callable[[Finding], Finding]
    spot: Callable[[Spot], Spot]
    words: Callable[[str], str]

    def __call__(self, item: Any) -> Any:
        if isinstance(item, tuple):
            return tuple(map(self, item))
        if isinstance(item, Finding):
            return self.finding(item)
        if isinstance(item, Spot):
            return self.spot(item)
        if isinstance(item, Reason):
            return replace(item, text=self.words(item.text), spots=self(item.spots))
        if isinstance(item, _OPENED):
            return replace(
                item, **{one.name: self(getattr(item, one.name)) for one in fields(item)}
            )
        return item
