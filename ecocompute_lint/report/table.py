"""Aligned tables. On a narrow terminal the least important columns give way."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal

from ecocompute_lint.frozen import dataclass
from ecocompute_lint.report.style import Style, safe

if TYPE_CHECKING:
    from rich.table import Table

_WIDE = 10_000


@dataclass(frozen=True, slots=True)
class Column:
    """A column: its heading, and how soon it gives way. With `drop` 0 it never does."""

    title: str
    right: bool = False
    drop: int = 0


def render(
    columns: Sequence[Column],
    rows: Sequence[Sequence[str]],
    style: Style,
    width: int | None,
    strong: int | None = None,
) -> tuple[list[str], list[str]]:
    """The lines of a table, at most `width` cells wide, and the headings that had to go.

    A table that is too wide even then keeps its width: a figure cut short would be a wrong one.
    `strong` is the row that stands out in colour.
    """
    kept = list(range(len(columns)))
    while width is not None and _natural_width(_table(columns, rows, kept, style)) > width:
        last = max(kept, key=lambda index: columns[index].drop)
        if not columns[last].drop:
            break
        kept.remove(last)
    table = _table(columns, rows, kept, style, strong)
    gone = [column.title for index, column in enumerate(columns) if index not in kept]
    return _lines(table, style), gone


def _table(
    columns: Sequence[Column],
    rows: Sequence[Sequence[str]],
    kept: Sequence[int],
    style: Style,
    strong: int | None = None,
) -> Table:
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    for index in kept:
        column = columns[index]
        justify: Literal["right", "left"] = "right" if column.right else "left"
        table.add_column(Text(column.title, justify=justify), justify=justify, vertical="bottom")
    for number, row in enumerate(rows):
        emphasis = "bold green" if number == strong else None
        table.add_row(*(Text(safe(row[index])) for index in kept), style=emphasis)
    return table


def _natural_width(table: Table) -> int:
    from rich.console import Console

    return table.__rich_measure__(Console(width=_WIDE), Console(width=_WIDE).options).maximum


def _lines(table: Table, style: Style) -> list[str]:
    import io

    from rich.console import Console

    console = Console(
        file=io.StringIO(),
        width=_WIDE,
        color_system="standard" if style.color else None,
        force_terminal=style.color,
        legacy_windows=False,
        markup=False,
        highlight=False,
        emoji=False,
    )
    with console.capture() as capture:
        console.print(table)
    return [line.rstrip() for line in capture.get().splitlines()]
