"""Makefiles and justfiles: the shell lines of their recipes."""

from __future__ import annotations

import re
from collections.abc import Iterator

from ecocompute_lint.frozen import dataclass
from ecocompute_lint.sources.documents import UNKNOWN, Document
from ecocompute_lint.sources.pieces import Piece
from ecocompute_lint.sources.shell import read_piece

_LINE = re.compile(r"[^\r\n]*(?:\r\n|\r|\n|\Z)")
_VARIABLE = re.compile(
    r"[ ]*(?:export[ \t]+|override[ \t]+)?([\w.-]+)[ \t]*(\?|:{1,3}|\+|!)?=[ \t]*"
)
_USE = re.compile(r"\$(?:\$|\((?P<round>[\w.-]+)\)|\{(?P<curly>[\w.-]+)\}|(?P<rest>[({]|\S))")
_JUST_USE = re.compile(r"\{\{\s*(?P<round>[\w-]+)\s*\}\}|\{\{(?P<rest>.{0,400}?)\}\}")
_JUST_VARIABLE = re.compile(r"([\w-]+)[ \t]*(:)=[ \t]*")
_COMMENT = re.compile(r"(?<![ \t])[ \t]+#")
_PREFIX = re.compile(r"[ \t]*[@+-]*[ \t]*")
_MOST_HOPS = 8
_MOST_FILLED = 20_000
"""So many variables are filled in, and twice as many characters."""


@dataclass(frozen=True, slots=True)
class _Given:
    """What a variable is given, and whether that is only a default."""

    start: int
    end: int
    default: bool


def read(text: str, path: str) -> Document:
    """What the recipes of a Makefile run."""
    return _Reader(text, path, just=False).document()


def read_just(text: str, path: str) -> Document:
    """What the recipes of a justfile run."""
    return _Reader(text, path, just=True).document()


class _Reader:
    def __init__(self, text: str, path: str, *, just: bool) -> None:
        self.text = text
        self.path = path
        self.just = just
        self.whole = Piece.whole(text)
        self.given: dict[str, _Given | None] = {}
        self.recipes: list[tuple[int, int]] = []
        self.room = _MOST_FILLED

    def document(self) -> Document:
        """Read the variables first: a recipe sees what is set behind it too."""
        for start, end in self._logical_lines():
            if self.text[start] == "\t" or (self.just and self.text[start] == " "):
                self.recipes.append((start, end))
            else:
                self._variable(start, end)
        found: list[Document] = []
        for start, end in self.recipes:
            prefix = _PREFIX.match(self.text, start, end)
            begin = prefix.end() if prefix is not None else start
            pieces = list(self._expanded(begin, end, 0))
            if pieces:
                found.append(read_piece(Piece.join(pieces), self.path))
        return Document.of(found)

    def _logical_lines(self) -> Iterator[tuple[int, int]]:
        at, size = 0, len(self.text)
        while at < size:
            start, goes_on = at, False
            while at < size:
                line = _LINE.match(self.text, at)
                begin, at = at, line.end() if line is not None and line.end() > at else size
                content = self.text[begin:at].rstrip("\r\n")
                goes_on = content.endswith("\\") if content else goes_on
                if not goes_on:
                    break
            yield start, at

    def _variable(self, start: int, end: int) -> None:
        pattern = _JUST_VARIABLE if self.just else _VARIABLE
        match = pattern.match(self.text, start, end)
        if match is None:
            return
        value_end = match.end() + len(self.text[match.end() : end].rstrip())
        comment = _COMMENT.search(self.text, match.end(), value_end)
        value_end = comment.start() if comment is not None else value_end
        name = match[1]
        if match[2] in ("+", "!") or "\\\n" in self.text[match.end() : value_end]:
            self.given[name] = None
            return
        made = _Given(match.end(), value_end, match[2] == "?")
        known = self.given.get(name, made)
        same = known is not None and (
            self.text[known.start : known.end] == self.text[made.start : made.end]
        )
        self.given[name] = made if same or name not in self.given else None

    def _expanded(self, start: int, end: int, hops: int) -> Iterator[Piece]:
        """The text between two offsets with the variables filled in."""
        at = start
        for match in (_JUST_USE if self.just else _USE).finditer(self.text, start, end):
            if match.start() < at:
                continue
            if match.start() > at:
                yield self.whole.slice(at, match.start())
            at = match.end()
            if match.group() == "$$":
                yield self.whole.slice(match.start(), match.start() + 1)
                continue
            if match["rest"] in ("(", "{"):
                at = self._closed(match.end(), end)
            groups = match.groupdict()
            name = groups.get("round") or groups.get("curly") or ""
            yield from self._value(name, match.start(), hops)
        if at < end:
            yield self.whole.slice(at, end)

    def _value(self, name: str, place: int, hops: int) -> Iterator[Piece]:
        given = self.given.get(name)
        if given is not None:
            self.room -= 1 + (given.end - given.start) // 2
        if given is None or hops >= _MOST_HOPS or self.room < 0:
            yield self._made(UNKNOWN, place)
            return
        if given.default:
            yield self._made("${" + name.replace("-", "_").replace(".", "_") + ":-", given.start)
        if given.end > given.start:
            yield from self._expanded(given.start, given.end, hops + 1)
        if given.default:
            yield self._made("}", given.end)

    def _made(self, text: str, offset: int) -> Piece:
        """Text that does not stand in the file."""
        size = len(text)
        return Piece(text, self.whole.lines, tuple(range(size)), (offset,) * size, offset)

    def _closed(self, at: int, end: int) -> int:
        level = 1
        while at < end and level:
            level += {"(": 1, "{": 1, ")": -1, "}": -1}.get(self.text[at], 0)
            at += 1
        return at
