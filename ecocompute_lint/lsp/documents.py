"""What is open in an editor: texts, and notebooks as the cells that they are made of."""

from __future__ import annotations

import difflib
import json
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from ecocompute_lint.findings import Edit, Place
from ecocompute_lint.sources.kinds import NOTEBOOK
from ecocompute_lint.sources.text import LineMap

_MOST_COMPARED = 2_000
"""More changed lines than these become one change."""


@dataclass(frozen=True, slots=True)
class Part:
    """A text that the editor knows by an address: a file, or the cell of a notebook."""

    uri: str
    version: int | None
    text: str
    cell: int | None = None
    language: str = "python"
    is_code: bool = True


@dataclass(frozen=True, slots=True)
class Change:
    """New text for a place in a part."""

    part: Part
    place: Place
    text: str


@dataclass(frozen=True, slots=True)
class Document:
    """What is audited at a time: one text, or all cells of a notebook."""

    uri: str
    path: str
    kind: str
    parts: tuple[Part, ...]

    @property
    def in_cells(self) -> bool:
        """Whether the editor knows it as cells."""
        return self.kind == NOTEBOOK and not (
            len(self.parts) == 1 and self.parts[0].uri == self.uri
        )

    @property
    def text(self) -> str:
        """The text as it would stand in a file."""
        return as_notebook(self.parts) if self.in_cells else self.parts[0].text

    @property
    def stamp(self) -> tuple[tuple[str, int | None], ...]:
        """What differs where the document does."""
        return tuple((part.uri, part.version) for part in self.parts)

    # -- places

    def locate(self, place: Place, cell: int | None = None) -> tuple[Part, Place] | None:
        """Where the editor shows a place of a finding; None for one in another file."""
        if place.elsewhere:
            return None
        if self.in_cells:
            part = next((part for part in self.parts if part.cell == cell), None)
            return None if part is None else (part, place)
        (part,) = self.parts
        if cell is None:
            return part, place
        from ecocompute_lint.sources.documents import Unreadable
        from ecocompute_lint.sources.notebook import read

        try:
            raw = read(part.text).raw_place(cell, place)
        except Unreadable:
            return None
        return None if raw is None else (part, raw)

    # -- changes

    def edited(self, edits: Iterable[Edit]) -> str | None:
        """The text with edits made, None where they cannot be made."""
        from ecocompute_lint.fixes.apply import apply_edits

        try:
            if self.kind != NOTEBOOK:
                return apply_edits(self.text, edits)
            return self._edited_cells(edits)
        except ValueError:
            return None

    def _edited_cells(self, edits: Iterable[Edit]) -> str | None:
        from ecocompute_lint.fixes.apply import apply_edits
        from ecocompute_lint.sources.notebook import CannotRewrite, read

        by_cell: dict[int, list[Edit]] = defaultdict(list)
        for edit in edits:
            if edit.cell is not None:
                by_cell[edit.cell].append(edit)
        notebook = read(self.text)
        try:
            return notebook.rewritten(
                {cell: apply_edits(notebook.source(cell), some) for cell, some in by_cell.items()}
            )
        except CannotRewrite:
            return None

    def changes(self, new: str) -> list[Change]:
        """What has to be changed in which part so that the text becomes `new`."""
        if not self.in_cells:
            return list(_changes(self.parts[0], new))
        cells = json.loads(new)["cells"]
        return [
            change
            for part in self.parts
            if part.cell is not None
            for change in _changes(part, cells[part.cell]["source"])
        ]


# -- notebooks


def as_notebook(parts: Iterable[Part]) -> str:
    """The notebook that has these cells."""
    code = [part.language for part in parts if part.is_code]
    language = "python" if "python" in code or not code else code[0]
    data = {
        "cells": [_cell(part, language) for part in parts],
        "metadata": {"language_info": {"name": language}},
        "nbformat": 4,
        "nbformat_minor": 5,
    }
    return json.dumps(data)


def _cell(part: Part, language: str) -> Mapping[str, object]:
    if not part.is_code:
        return {"cell_type": "markdown", "metadata": {}, "source": part.text}
    other = {"vscode": {"languageId": part.language}} if part.language != language else {}
    return {
        "cell_type": "code",
        "execution_count": None,
        "metadata": other,
        "outputs": [],
        "source": part.text,
    }


# -- differences


def _changes(part: Part, new: str) -> Iterator[Change]:
    """Changes of whole lines: as few as a careful colleague would make."""
    if part.text == new:
        return
    old_lines, new_lines = _lines(part.text), _lines(new)
    lines = LineMap(part.text)
    starts = [0]
    for line in old_lines:
        starts.append(starts[-1] + len(line))
    for first, last, text in _hunks(old_lines, new_lines):
        yield Change(part, lines.place(starts[first], starts[last]), text)


def _lines(text: str) -> list[str]:
    lines = LineMap(text)
    starts = [lines.offset(number, 1) for number in range(1, lines.lines + 1)]
    return [text[a:b] for a, b in zip(starts, [*starts[1:], len(text)], strict=True) if a < b]


def _hunks(old: Sequence[str], new: Sequence[str]) -> Iterator[tuple[int, int, str]]:
    """First and last old line of what differs, and what stands there instead."""
    same = next((n for n, (a, b) in enumerate(zip(old, new, strict=False)) if a != b), None)
    head = min(len(old), len(new)) if same is None else same
    tail = 0
    while tail < min(len(old), len(new)) - head and old[-1 - tail] == new[-1 - tail]:
        tail += 1
    left, right = old[head : len(old) - tail], new[head : len(new) - tail]
    if len(left) + len(right) > _MOST_COMPARED:
        yield head, head + len(left), "".join(right)
        return
    matcher = difflib.SequenceMatcher(None, left, right, autojunk=False)
    for tag, a, b, c, d in matcher.get_opcodes():
        if tag != "equal":
            yield head + a, head + b, "".join(right[c:d])
