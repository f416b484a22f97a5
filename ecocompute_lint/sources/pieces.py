"""Texts cut out of a file, with the way back to where each character stands."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable
from dataclasses import field

from ecocompute_lint.findings import Place
from ecocompute_lint.frozen import dataclass
from ecocompute_lint.sources.text import LineMap


@dataclass(frozen=True, slots=True)
class Piece:
    r"""A text, and the offsets in the file of its characters.

    `starts` and `offsets` run in parallel: the character at index ``starts[i]`` and those behind
    it, up to the next start, stand in the file from ``offsets[i]`` on. `end` is the offset behind
    its last character. An escape such as ``\n`` in a quoted string is one run of its own.
    """

    text: str
    lines: LineMap
    starts: tuple[int, ...] = (0,)
    offsets: tuple[int, ...] = (0,)
    end: int = field(default=-1)

    @classmethod
    def whole(cls, text: str) -> Piece:
        """All of a file."""
        return cls(text, LineMap(text), end=len(text))

    @classmethod
    def of(cls, lines: LineMap, start: int, end: int) -> Piece:
        """The characters between two offsets of a file, as they stand."""
        return cls(lines.text[start:end], lines, (0,), (start,), end)

    @classmethod
    def join(cls, pieces: Iterable[Piece]) -> Piece:
        """Pieces of one file, one behind another."""
        starts: list[int] = []
        offsets: list[int] = []
        texts: list[str] = []
        length, last = 0, None
        for piece in pieces:
            starts += [length + start for start in piece.starts]
            offsets += piece.offsets
            texts.append(piece.text)
            length += len(piece.text)
            last = piece
        if last is None:
            raise ValueError("nothing to join")
        return cls("".join(texts), last.lines, tuple(starts), tuple(offsets), last.end)

    def offset(self, index: int) -> int:
        """Where the character at `index` stands in the file; the end for the last index."""
        if index >= len(self.text):
            return self.end
        run = bisect_right(self.starts, index) - 1
        return self.offsets[run] + index - self.starts[run]

    def offset_behind(self, index: int) -> int:
        """Where the character before `index` ends in the file."""
        if index <= 0:
            return self.offset(0)
        if index >= len(self.text):
            return self.end
        before = self.offset(index - 1)
        if self.text[index - 1] == "\\" and self.offset(index) == before + 2:
            return before + 2  # a backslash that is escaped by another
        if self.lines.text[before] == self.text[index - 1]:
            return before + 1
        return self.offset(index)  # an escape: it ends where the next character begins

    def place(self, start: int, end: int) -> Place:
        """The place in the file of the characters from `start` up to `end`."""
        first, behind = self.offset(start), self.offset_behind(end)
        if behind < first and start < end:
            # It ends with what a variable holds, which stands before: the part up to there.
            run = bisect_right(self.starts, start)
            behind = self.offset_behind(min(end, self.starts[run]))
        return self.lines.place(first, max(first, behind))

    def slice(self, start: int, end: int) -> Piece:
        """A part of it."""
        first = bisect_right(self.starts, start) - 1
        starts, offsets = [0], [self.offset(start)]
        for run in range(first + 1, len(self.starts)):
            if self.starts[run] >= end:
                break
            starts.append(self.starts[run] - start)
            offsets.append(self.offsets[run])
        end = min(end, len(self.text))
        return Piece(
            self.text[start:end], self.lines, tuple(starts), tuple(offsets), self.offset_behind(end)
        )
