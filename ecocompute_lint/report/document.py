"""A small document, and how it is drawn on a terminal and in Markdown."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TypeAlias

from ecocompute_lint.frozen import dataclass
from ecocompute_lint.report import table
from ecocompute_lint.report.evidence import bar
from ecocompute_lint.report.style import Style, cells, safe
from ecocompute_lint.report.table import Column


@dataclass(frozen=True, slots=True)
class Heading:
    """A line above what follows; level 1 is the title.

    `place` is where it is about, before it on a terminal and as code behind it in Markdown;
    `style` how it is painted on a terminal.
    """

    text: str
    level: int = 2
    place: str = ""
    style: str = "bold"


@dataclass(frozen=True, slots=True)
class Alert:
    """Lines that stand out, before anything else. `kind` is GitHub's word, `style` the colour."""

    lines: Sequence[str]
    kind: str
    style: str


@dataclass(frozen=True, slots=True)
class Source:
    """Lines that are shown as they are: source code, already without anything dangerous."""

    lines: Sequence[str]


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


Block: TypeAlias = "Heading | Alert | Source | Paragraph | Items | Grid"
Document = Sequence[Block]
_BAR = 24
"""The longest bar, in cells."""
_SHORTEST = 6
_WIDE = 100
"""How wide a table with bars becomes where nothing limits it."""
_ASCII = str.maketrans({"−": "-", "–": "-", "·": "-", "×": "x", "÷": "/", "…": "..."})
LEFT_OUT = "left out for want of room"


# --- on a terminal --------------------------------------------------------------------------------


def text(document: Document, style: Style, width: int | None, left_out: str = LEFT_OUT) -> str:
    """The document for a terminal, or for a file where `width` is None.

    `left_out` are the words before the names of columns for which there is no room.
    """
    lines: list[str] = []
    for block in document:
        lines += _lines(block, style, width, left_out)
        if not isinstance(block, Heading) or block.level == 1:
            lines.append("")
    drawn = "\n".join(lines).rstrip("\n") + "\n"
    return drawn if style.unicode else drawn.translate(_ASCII)


def _lines(block: Block, style: Style, width: int | None, left_out: str) -> list[str]:
    if isinstance(block, Heading):
        words = f"{block.place}  {block.text}" if block.place else block.text
        return [style.paint(line, block.style) for line in style.wrap(words, "")]
    if isinstance(block, Alert):
        bar = style.paint("┃" if style.unicode else "!", block.style)
        wrapped = (line for item in block.lines for line in style.wrap(item, "", less=2))
        return [f"{bar} {line}" for line in wrapped]
    if isinstance(block, Source):
        return list(block.lines)
    if isinstance(block, Paragraph):
        return _paragraph(block, style)
    if isinstance(block, Items):
        signs = (f"{i}." if block.numbered else "·" for i in range(1, len(block.items) + 1))
        pairs = zip(signs, block.items, strict=True)
        return [line for sign, item in pairs for line in _item(sign, item, style)]
    return _grid(block, style, width, left_out)


def _paragraph(block: Paragraph, style: Style) -> list[str]:
    lead = safe(block.lead)
    first, *rest = style.wrap(f"{_led(lead)}{block.text}".strip(), "") or [""]
    if lead and first.startswith(lead):
        first = style.paint(lead, "bold green") + first[len(lead) :]
    return [first, *rest]


def _led(lead: str) -> str:
    """A lead with the space behind it; a wide colon has its own, except in Markdown's stars."""
    return lead if not lead or lead.endswith("：") else f"{lead} "


def _item(sign: str, item: str, style: Style) -> list[str]:
    indent = " " * (len(sign) + 1)
    first, *rest = style.wrap(item, indent) or [""]
    return [f"{sign} {first.lstrip()}", *rest]


def _grid(block: Grid, style: Style, width: int | None, left_out: str) -> list[str]:
    gone: list[str] = []
    if any(block.bars):
        if _room(block, width) < _SHORTEST:
            # A bar says more at a glance than what may give way.
            block, gone = _without_spare(block)
        if (size := _room(block, width)) >= _SHORTEST:
            block = _with_bars(block, style, min(size, _BAR))
    lines, more = table.render(block.columns, block.rows, style, width, block.strong)
    if gone := [*gone, *more]:
        lines += style.wrap(f"{left_out}: {', '.join(gone)}", "")
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
        place = f" {code(block.place)}" if block.place else ""
        return f"{'#' * block.level} {escaped(block.text)}{place}"
    if isinstance(block, Alert):
        return f"> [!{block.kind}]\n" + "\n>\n".join(f"> {escaped(x)}" for x in block.lines)
    if isinstance(block, Source):
        fence = "`" * max(3, _longest_run("\n".join(block.lines)) + 1)
        return "\n".join((fence, *block.lines, fence))
    if isinstance(block, Paragraph):
        lead = _led(f"**{escaped(block.lead)}**") if block.lead else ""
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


def code(words: str) -> str:
    """Any text on one line as code."""
    words = safe(words)
    fence = "`" * (_longest_run(words) + 1)
    room = " " if not words or words[0] in " `" or words[-1] in " `" else ""
    return f"{fence}{room}{words}{room}{fence}"


def _longest_run(text: str) -> int:
    return max(map(len, re.findall("`+", text)), default=0)


# Code between backquotes is left as it is, as far as it stands on one line; what stands around it
# means itself. An underscore inside a word is one.
_CODE = re.compile(r"(`[^`\n]+`)")
_SPECIAL = re.compile(r"[\\`*\[\]<>|~#&]|(?<![^\W_])_|_(?![^\W_])")


# A name behind `@` gets a message, a number behind `#` a link: not for what some file says.
_CALLS = re.compile(r"(?<=[@#])(?=\w)")
_NOWHERE = "\N{ZERO WIDTH SPACE}"


def escaped(words: str) -> str:
    """Text that means the same in Markdown, and calls nobody."""
    parts = _CODE.split(safe(words))
    for i, part in enumerate(parts):
        if i % 2:
            parts[i] = part.replace("|", "\\|")
        else:
            parts[i] = _SPECIAL.sub(r"\\\g<0>", part)
    # Also in code: what GitHub takes for code where backquotes do not pair is another matter.
    return _CALLS.sub(_NOWHERE, "".join(parts))
