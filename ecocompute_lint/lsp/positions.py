"""Places in a text as positions of the protocol, and back."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from lsprotocol.types import Position, Range

from ecocompute_lint.findings import Place
from ecocompute_lint.sources.text import LineMap

_UNITS: Mapping[str, Callable[[str], int]] = {
    "utf-8": lambda text: len(text.encode("utf-8", "surrogatepass")),
    "utf-16": lambda text: len(text.encode("utf-16-le", "surrogatepass")) // 2,
    "utf-32": len,
}


class Positions:
    """The positions of one text in the encoding that was agreed on."""

    def __init__(self, text: str, encoding: str) -> None:
        """Raises KeyError for an encoding that the protocol does not have."""
        self._lines = LineMap(text)
        self._units = _UNITS[encoding]

    def range(self, place: Place) -> Range:
        """A place as a range; what lies outside the text is moved to its nearest end."""
        start = self._position(place.line, place.column)
        end = self._position(place.end_line, place.end_column)
        return Range(start, end)

    def _position(self, line: int, column: int) -> Position:
        line = min(max(line, 1), self._lines.lines)
        before = self._lines.line_text(line)[: max(column, 1) - 1]
        return Position(line - 1, self._units(before))

    def line(self, number: int) -> Range:
        """A whole line, counted from 1, without its end."""
        return self.range(Place(number, 1, number, 1 << 31))
