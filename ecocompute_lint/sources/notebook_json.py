"""Where the values of a JSON text stand, and how to rewrite a text that is kept in it.

The standard library says whether the text is JSON and what it holds; this module walks the same
text for positions. It leaves it to the library to pass over what nobody asks for, such as outputs.
"""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Iterator, Sequence
from functools import cached_property
from typing import Any

from ecocompute_lint.sources.documents import Unreadable
from ecocompute_lint.sources.pieces import Piece
from ecocompute_lint.sources.text import LineMap

Span = tuple[int, int]
Change = tuple[int, int, str]
"""Offsets in the raw text, and what to put there."""

_DECODER = json.JSONDecoder(parse_int=float)  # an integer of any length
_BLANK = re.compile(r"[ \t\r\n]*")
_ESCAPE = re.compile(
    r"\\(?:u(?P<high>[dD][89abAB][0-9a-fA-F]{2})\\u(?P<low>[dD][c-fC-F][0-9a-fA-F]{2})"
    r"|u(?P<code>[0-9a-fA-F]{4})|(?P<sign>.))"
)
_SIGNS = {"b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t"}
_SURROGATE = re.compile("[\ud800-\udfff]")
_ESCAPED_LETTER = re.compile(r"\\u(?!00[01])[0-9a-fA-F]{4}")
_AFTER_NEWLINE = re.compile(r"(?<=\n)")


def load(text: str) -> Any:
    """What a JSON text holds. Raises Unreadable, with the place, for what is no JSON."""
    try:
        return _DECODER.decode(text)
    except json.JSONDecodeError as error:
        line, column = LineMap(text).position(min(error.pos, len(text)))
        raise Unreadable(f"not valid JSON: {error.msg.removesuffix(' at')}", line, column) from None
    except RecursionError:
        raise Unreadable("nested too deeply to be read") from None


# -- positions; the text is known to be JSON


class Walk:
    """A walk over a text that is known to be JSON: `at` is where the next value begins.

    What a loop over `members` or `items` does not walk into itself is passed over.
    """

    def __init__(self, text: str, at: int = 0) -> None:
        """Begin at the value behind `at`."""
        self.text = text
        self.at = at
        self._blank()

    def members(self) -> Iterator[str]:
        """The keys of an object, each with the walk at its value."""
        if self.text[self.at] != "{":
            return
        for _ in self._parts("}"):
            key, self.at = _DECODER.raw_decode(self.text, self.at)
            self._blank()
            self.at += 1  # the colon
            self._blank()
            before = self.at
            yield key
            if self.at == before:
                self.skip()

    def items(self) -> Iterator[None]:
        """The items of an array, each with the walk at it."""
        if self.text[self.at] != "[":
            return
        for _ in self._parts("]"):
            before = self.at
            yield
            if self.at == before:
                self.skip()

    def skip(self) -> Span:
        """Pass over a value; its span."""
        start = self.at
        _, self.at = _DECODER.raw_decode(self.text, start)
        return start, self.at

    def _parts(self, close: str) -> Iterator[None]:
        self.at += 1
        self._blank()
        while self.text[self.at] != close:
            yield
            self._blank()
            if self.text[self.at] == ",":
                self.at += 1
                self._blank()
        self.at += 1

    def _blank(self) -> None:
        match = _BLANK.match(self.text, self.at)
        self.at = match.end() if match else self.at


# -- strings


def unescaped(lines: LineMap, start: int, end: int) -> Piece:
    """The text of the string whose quotes stand at `start` and before `end`."""
    raw, at, close = lines.text, start + 1, end - 1
    if raw.find("\\", at, close) < 0:
        return Piece.of(lines, at, close)
    parts: list[str] = []
    starts: list[int] = []
    offsets: list[int] = []
    length = 0

    def run(text: str, offset: int) -> None:
        nonlocal length
        if text:
            parts.append(text)
            starts.append(length)
            offsets.append(offset)
            length += len(text)

    for escape in _ESCAPE.finditer(raw, at, close):
        run(raw[at : escape.start()], at)
        run(_meant(escape), escape.start())
        at = escape.end()
    run(raw[at:close], at)
    return Piece("".join(parts), lines, tuple(starts), tuple(offsets), close)


def _meant(escape: re.Match[str]) -> str:
    if escape["high"]:
        high, low = int(escape["high"], 16) - 0xD800, int(escape["low"], 16) - 0xDC00
        return chr(0x10000 + (high << 10) + low)
    if escape["code"]:
        return chr(int(escape["code"], 16))
    return _SIGNS.get(escape["sign"], escape["sign"])


class Source:
    """A text that JSON keeps as one string, or as a list of strings that follow each other."""

    def __init__(self, lines: LineMap, span: Span) -> None:
        """Find the strings of the value at `span`."""
        self.lines = lines
        self.start, self.end = span
        raw = lines.text
        self.listed = raw[self.start] == "["
        walk = Walk(raw, self.start)
        spans = [walk.skip() for _ in walk.items()] if self.listed else [span]
        self.strings: Sequence[Span] = [one for one in spans if raw[one[0]] == '"']
        self.sound = len(self.strings) == len(spans)
        """Whether there is nothing in it but strings."""

    @cached_property
    def pieces(self) -> Sequence[Piece]:
        """The texts of its strings."""
        return [unescaped(self.lines, *span) for span in self.strings]

    @cached_property
    def piece(self) -> Piece:
        """The whole text."""
        if not self.pieces:
            return Piece.of(self.lines, self.start + 1, self.start + 1)
        return Piece.join(piece for piece in self.pieces)

    def rewritten(self, new: str) -> list[Change]:
        """The changes in the raw text after which this text is `new`; nothing else is touched."""
        if not self.listed:
            return self._string_changed(0, new)
        old = [piece.text for piece in self.pieces]
        if not self._by_lines and (one := self._one_changed(new)) is not None:
            return one
        first = 0
        while first < len(old) and old[first] and new.startswith(old[first]):
            # The last line of a text may go on in the new one.
            if not old[first].endswith("\n") and len(new) > len(old[first]):
                break
            new = new[len(old[first]) :]
            first += 1
        fresh = [line for line in _AFTER_NEWLINE.split(new) if line]
        matcher = difflib.SequenceMatcher(None, old[first:], fresh, autojunk=False)
        changes: list[Change] = []
        for tag, a, b, c, d in matcher.get_opcodes():
            if tag != "equal":
                changes += self._items_changed(first + a, first + b, fresh[c:d])
        return changes

    @property
    def _by_lines(self) -> bool:
        """Whether each string is one line, as Jupyter writes them."""
        inner = (piece.text[:-1] for piece in self.pieces)
        whole = all(piece.text.endswith("\n") for piece in self.pieces[:-1])
        return whole and not any("\n" in text for text in inner)

    def _one_changed(self, new: str) -> list[Change] | None:
        """The changes if only one string has to be touched."""
        old = self.piece.text
        head, tail = _common(old, new)
        start = 0
        for i, piece in enumerate(self.pieces):
            end = start + len(piece.text)
            if start <= head and len(old) - tail <= end:
                return self._string_changed(i, new[start : len(new) - (len(old) - end)])
            start = end
        return None

    def _items_changed(self, a: int, b: int, new: Sequence[str]) -> list[Change]:
        """Strings from `a` up to `b` become those of `new`."""
        both = min(b - a, len(new))
        changes = [change for i in range(both) for change in self._string_changed(a + i, new[i])]
        at = a + both
        if at < b:
            changes.append(self._removed(at, b))
        elif extra := [self._quoted(text) for text in new[both:]]:
            changes.append(self._inserted(at, extra))
        return changes

    def _string_changed(self, i: int, new: str) -> list[Change]:
        """One string keeps as it is written what stays of it."""
        piece = self.pieces[i]
        old = piece.text
        if old == new:
            return []
        head, tail = _common(old, new)
        inserted = self._escaped(new[head : len(new) - tail])
        return [(piece.offset(head), piece.offset(len(old) - tail), inserted)]

    def _removed(self, a: int, b: int) -> Change:
        if b < len(self.strings):
            return self.strings[a][0], self.strings[b][0], ""
        if a > 0:
            return self.strings[a - 1][1], self.strings[b - 1][1], ""
        return self.start + 1, self.end - 1, ""

    def _inserted(self, at: int, literals: Sequence[str]) -> Change:
        between = self._between
        if at < len(self.strings):
            place = self.strings[at][0]
            return place, place, "".join(literal + between for literal in literals)
        if at > 0:
            place = self.strings[at - 1][1]
            return place, place, "".join(between + literal for literal in literals)
        return self.start + 1, self.end - 1, between.join(literals)

    @property
    def _between(self) -> str:
        """What stands between two strings of the list."""
        raw = self.lines.text
        if len(self.strings) > 1:
            return raw[self.strings[0][1] : self.strings[1][0]]
        if self.strings and (blank := raw[self.start + 1 : self.strings[0][0]]):
            return f",{blank}"
        return ", "

    def _quoted(self, text: str) -> str:
        return f'"{self._escaped(text)}"'

    def _escaped(self, text: str) -> str:
        """As the file writes such characters elsewhere."""
        if text.isascii() or not self._escapes:
            plain = json.dumps(text, ensure_ascii=False)[1:-1]
            return _SURROGATE.sub(lambda match: f"\\u{ord(match[0]):04x}", plain)
        return json.dumps(text)[1:-1]

    @cached_property
    def _escapes(self) -> bool:
        raw = self.lines.text
        for part in (raw[self.start : self.end], raw):
            if not part.isascii():
                return False
            if _ESCAPED_LETTER.search(part):
                return True
        return False


def _common(old: str, new: str) -> tuple[int, int]:
    """How many characters two texts share at the beginning, and then at the end."""
    head, least = 0, min(len(old), len(new))
    while head < least and old[head] == new[head]:
        head += 1
    tail = 0
    while tail < least - head and old[-1 - tail] == new[-1 - tail]:
        tail += 1
    return head, tail
