"""A small document, and how it is drawn on a terminal and in Markdown."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

from ecocompute_lint.report import table
from ecocompute_lint.report.evidence import bar
from ecocompute_lint.report.style import Style, cells, safe
from ecocompute_lint.report.table import Column


@dataclass(frozen=True, slots=True)
class Heading:
    """A line above what follows; level 1 is the title."""

    text: str
    level: int = 2


@dataclass(frozen=True, slots=True)
class Paragraph:
    """Running text. `lead` is what stands out at its beginning."""

    text: str
    lead: str = ""


@dataclass(frozen=True, slots=True)
class Items:
    """A list, numbered where its order means something."""

    items: Sequence[str]
    numbered: bool = False


@dataclass(frozen=True, slots=True)
class Grid:
    """A table.

    `bars` are one figure per row, None for no bar, drawn in a column of their own behind the column
    with the index `bars_after`, where there is room. `strong` is the row that stands out.
    """

    columns: Sequence[Column]
    rows: Sequence[Sequence[str]]
    bars: Sequence[float | None] = ()
    bars_after: int = 0
    strong: int | None = None


Block: TypeAlias = "Heading | Paragraph | Items | Grid"
Document = Sequence[Block]
_BAR = 24
"""The longest bar, in cells."""
_SHORTEST = 6
_WIDE = 100
"""How wide a table with bars becomes where nothing limits it."""
_ASCII = str.maketrans({"−": "-", "–": "-", "·": "-", "×": "x", "÷": "/", "…": "..."})


# --- on a terminal --------------------------------------------------------------------------------


def text(document: Document, style: Style, width: int | None) -> str:
    """The document for a terminal, or for a file where `width` is None."""
    lines: list[str] = []
    for block in document:
        lines += _lines(block, style, width)
        if not isinstance(block, Heading) or block.level == 1:
            lines.append("")
    drawn = "\n".join(lines).rstrip("\n") + "\n"
    return drawn if style.unicode else drawn.translate(_ASCII)


def _lines(block: Block, style: Style, width: int | None) -> list[str]:
    if isinstance(block, Heading):
        return [style.paint(line, "bold") for line in style.wrap(block.text, "")]
    if isinstance(block, Paragraph):
        return _paragraph(block, style)
    if isinstance(block, Items):
        signs = (f"{i}." if block.numbered else "·" for i in range(1, len(block.items) + 1))
        pairs = zip(signs, block.items, strict=True)
        return [line for sign, item in pairs for line in _item(sign, item, style)]
    return _grid(block, style, width)


def _paragraph(block: Paragraph, style: Style) -> list[str]:
    lead = safe(block.lead)
    first, *rest = style.wrap(f"{lead} {block.text}".strip(), "") or [""]
    if lead and first.startswith(lead):
        first = style.paint(lead, "bold green") + first[len(lead) :]
    return [first, *rest]


def _item(sign: str, item: str, style: Style) -> list[str]:
    indent = " " * (len(sign) + 1)
    first, *rest = style.wrap(item, indent) or [""]
    return [f"{sign} {first.lstrip()}", *rest]


def _grid(block: Grid, style: Style, width: int | None) -> list[str]:
    gone: list[str] = []
    if any(block.bars):
        if _room(block, width) < _SHORTEST:
            # A bar says more at a glance than what may give way.
            block, gone = _without_spare(block)
        if (size := _room(block, width)) >= _SHORTEST:
            block = _with_bars(block, style, min(size, _BAR))
    lines, more = table.render(block.columns, block.rows, style, width, block.strong)
    if gone := [*gone, *more]:
        lines += style.wrap(f"left out for want of room: {', '.join(gone)}", "")
    return lines


def _room(block: Grid, width: int | None) -> int:
    """What is left of the width for bars."""
    lines = [[column.title for column in block.columns], *block.rows]
    widest = [max(cells(safe(cell)) for cell in column) for column in zip(*lines, strict=True)]
    return (width or _WIDE) - sum(widest) - 2 * len(widest)


def _without_spare(block: Grid) -> tuple[Grid, list[str]]:
    """The table without the columns that may give way, and their headings."""
    kept = [index for index, column in enumerate(block.columns) if not column.drop]
    gone = [column.title for column in block.columns if column.drop]
    columns = [block.columns[index] for index in kept]
    rows = [[row[index] for index in kept] for row in block.rows]
    after = sum(index <= block.bars_after for index in kept) - 1
    return Grid(columns, rows, block.bars, after, block.strong), gone


def _with_bars(block: Grid, style: Style, size: int) -> Grid:
    most = max(value for value in block.bars if value is not None) or 1
    drawn = ["" if value is None else bar(value / most, style, size) for value in block.bars]
    place = block.bars_after + 1
    columns = [*block.columns[:place], Column(""), *block.columns[place:]]
    pairs = zip(block.rows, drawn, strict=True)
    rows = [[*row[:place], mark, *row[place:]] for row, mark in pairs]
    return Grid(columns, rows, strong=block.strong)


# --- in Markdown ----------------------------------------------------------------------------------


def markdown(document: Document) -> str:
    """The document in Markdown."""
    return "\n\n".join(_markdown(block) for block in document) + "\n"


def _markdown(block: Block) -> str:
    if isinstance(block, Heading):
        return f"{'#' * block.level} {escaped(block.text)}"
    if isinstance(block, Paragraph):
        lead = f"**{escaped(block.lead)}** " if block.lead else ""
        return (lead + escaped(block.text)).strip()
    if isinstance(block, Items):
        signs = (f"{i}." if block.numbered else "-" for i in range(1, len(block.items) + 1))
        pairs = zip(signs, block.items, strict=True)
        return "\n".join(f"{sign} {escaped(item)}" for sign, item in pairs)
    if any(block.bars):
        block = _with_bars(block, Style(), _BAR // 2)
    heads = [escaped(column.title) for column in block.columns]
    marks = ["---:" if column.right else "---" for column in block.columns]
    rows = [[escaped(cell) for cell in row] for row in block.rows]
    if block.strong is not None:
        rows[block.strong] = [f"**{cell}**" if cell else "" for cell in rows[block.strong]]
    return "\n".join(f"| {' | '.join(row)} |" for row in (heads, marks, *rows))


# Code between backquotes is left as it is, as far as it stands on one line; what stands around it
# means itself. An underscore inside a word is one.
_CODE = re.compile(r"(`[^`\n]+`)")
_SPECIAL = re.compile(r"[\\`*\[\]<>|~#&]|(?<![^\W_])_|_(?![^\W_])")


def escaped(words: str) -> str:
    """Text that means the same in Markdown."""
    parts = _CODE.split(safe(words))
    for i, part in enumerate(parts):
        if i % 2:
            parts[i] = part.replace("|", "\\|")
        else:
            parts[i] = _SPECIAL.sub(r"\\\g<0>", part)
    return "".join(parts)
