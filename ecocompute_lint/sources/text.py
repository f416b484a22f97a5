r"""Bytes to text and back, and positions in a text, exactly as CPython sees them.

Reading never translates newlines and never drops a byte-order mark silently: what is decoded here
can be encoded again to the same bytes. Lines end at ``\n``, ``\r\n`` and ``\r`` only; form feeds,
vertical tabs and Unicode separators are ordinary characters.
"""

from __future__ import annotations

import ast
import codecs
import re
import tokenize
from bisect import bisect_right
from collections.abc import Iterator
from itertools import accumulate, islice

from ecocompute_lint.findings import Place
from ecocompute_lint.frozen import dataclass

_MARKS = {
    "utf-8": codecs.BOM_UTF8,
    "utf-16-le": codecs.BOM_UTF16_LE,
    "utf-16-be": codecs.BOM_UTF16_BE,
}
_LONG_LINE = 2_000
_LINE_END = re.compile(r"\r\n|\r|\n")
_COOKIE = re.compile(rb"[ \t\f]*#.*?coding[:=][ \t]*([-\w.]+)")
_BYTES_LINE_END = re.compile(rb"\r\n|\r|\n")


class UnreadableSource(Exception):  # noqa: N818  (a state of the file, not a mistake of ours)
    """The bytes are no text in the encoding they claim."""

    def __init__(self, reason: str, line: int | None = None) -> None:
        """Say why, and on which line where one can be named."""
        super().__init__(reason)
        self.reason = reason
        self.line = line


@dataclass(frozen=True, slots=True)
class Decoded:
    """A text, and what is needed to write it back as it was."""

    text: str
    encoding: str = "utf-8"
    bom: bool = False


def decode(data: bytes, *, cookie: bool = True) -> Decoded:
    """Decode source bytes: byte-order mark first, then the PEP 263 cookie, then UTF-8.

    With `cookie` false (files that are not Python) only the mark counts, that of UTF-16 too, which
    PowerShell writes. Raises UnreadableSource for NUL bytes, an unknown encoding, or bytes that the
    encoding does not hold.
    """
    if not cookie and data[:2] in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE):
        encoding = "utf-16-le" if data[:2] == codecs.BOM_UTF16_LE else "utf-16-be"
        try:
            return Decoded(data[2:].decode(encoding), encoding, True)
        except UnicodeDecodeError:
            raise UnreadableSource("not valid UTF-16") from None
    nul = data.find(b"\0")
    if nul >= 0:
        raise UnreadableSource("contains NUL bytes", _line_of(data, nul))
    bom = data.startswith(codecs.BOM_UTF8)
    body = data[len(codecs.BOM_UTF8) :] if bom else data
    encoding = _declared(data) if cookie else "utf-8"
    try:
        text = body.decode(encoding)
    except UnicodeDecodeError as error:
        name = "UTF-8" if encoding == "utf-8" else encoding
        raise UnreadableSource(f"not valid {name}", _line_of(body, error.start)) from None
    except (LookupError, UnicodeError, ValueError):
        raise UnreadableSource(f"cannot be decoded as {encoding}") from None
    return Decoded(text, encoding, bom)


def encode(text: str, like: Decoded) -> bytes:
    """Encode `text` the way the file `like` came from was encoded, byte-order mark included."""
    body = text.encode(like.encoding)
    return _MARKS[like.encoding] + body if like.bom else body


def _declared(data: bytes) -> str:
    try:
        encoding, _ = tokenize.detect_encoding(_first_lines(data).__next__)
    except SyntaxError as error:
        # The standard library reports bad bytes in the first lines as a missing declaration.
        body = data.removeprefix(codecs.BOM_UTF8)
        if "invalid or missing" in str(error):
            try:
                body.decode("utf-8")
            except UnicodeDecodeError as bad:
                raise UnreadableSource("not valid UTF-8", _line_of(body, bad.start)) from None
            if cookie := _cookie(body):  # Python 3.14 reads the line by it
                raise UnreadableSource(_impossible(cookie)) from None
        raise UnreadableSource(str(error)) from None
    except LookupError:  # so does this one, where it is no encoding of texts
        raise UnreadableSource(_impossible(_cookie(data))) from None
    encoding = "utf-8" if encoding == "utf-8-sig" else encoding
    try:
        readable = "#\n".encode(encoding) == b"#\n"
    except (LookupError, UnicodeError, ValueError):
        readable = False
    if not readable:  # utf-16, rot13, …: a cookie in ASCII cannot be true there
        raise UnreadableSource(_impossible(encoding))
    return encoding


def _impossible(encoding: str) -> str:
    return f"declares the encoding {encoding}, which no source file can have"


def _cookie(data: bytes) -> str:
    """The encoding that one of the first two lines names; empty where none does."""
    found = filter(None, map(_COOKIE.match, islice(_first_lines(data), 2)))
    return next((match[1].decode("ascii") for match in found), "")


def _first_lines(data: bytes) -> Iterator[bytes]:
    """The first two lines, then empty ones; a lone carriage return ends a line here too."""
    start = 0
    for _ in range(2):
        match = _BYTES_LINE_END.search(data, start)
        end = match.start() if match else len(data)
        yield data[start:end] + b"\n" if match else data[start:end]
        start = match.end() if match else len(data)
    while True:
        yield b""


def _line_of(data: bytes, offset: int) -> int:
    return 1 + sum(1 for _ in _BYTES_LINE_END.finditer(data, 0, offset))


class LineMap:
    """Offsets in a text and (line, column) pairs, both 1-based and in characters."""

    __slots__ = ("_ascii", "_long", "_starts", "text")

    def __init__(self, text: str) -> None:
        """Find where the lines of a text start."""
        self.text = text
        self._ascii = text.isascii()
        self._long: tuple[int, list[int]] = (0, [])
        """A long line, and where each of its characters ends in bytes."""
        self._starts = [0, *(match.end() for match in _LINE_END.finditer(text))]

    @property
    def lines(self) -> int:
        """How many lines there are; a final newline opens one more, empty line."""
        return len(self._starts)

    def offset(self, line: int, column: int) -> int:
        """The offset of a position. The column may be one past the line, its newline included."""
        if not 1 <= line <= len(self._starts):
            raise ValueError(f"line {line} is outside the text")
        start = self._starts[line - 1]
        end = self._starts[line] if line < len(self._starts) else len(self.text)
        if not 0 <= column - 1 <= end - start:
            raise ValueError(f"column {column} is outside line {line}")
        return start + column - 1

    def position(self, offset: int) -> tuple[int, int]:
        """The line and column of an offset."""
        if not 0 <= offset <= len(self.text):
            raise ValueError(f"offset {offset} is outside the text")
        line = bisect_right(self._starts, offset)
        return line, offset - self._starts[line - 1] + 1

    def span(self, place: Place) -> tuple[int, int]:
        """The offsets of a place."""
        start = self.offset(place.line, place.column)
        return start, self.offset(place.end_line, place.end_column)

    def place(self, start: int, end: int) -> Place:
        """The place between two offsets."""
        return Place(*self.position(start), *self.position(end))

    def line_text(self, line: int) -> str:
        """A line without its end."""
        start = self.offset(line, 1)
        end = self._starts[line] if line < len(self._starts) else len(self.text)
        return self.text[start:end].rstrip("\r\n")

    def column(self, line: int, utf8: int) -> int:
        """The column of the character that starts `utf8` bytes into a line, as `ast` counts."""
        if self._ascii:
            return utf8 + 1
        text = self.line_text(line)
        if text.isascii():
            return utf8 + 1
        if len(text) > _LONG_LINE:
            if self._long[0] != line:
                sizes = (len(sign.encode("utf-8", "surrogatepass")) for sign in text)
                self._long = line, list(accumulate(sizes))
            return bisect_right(self._long[1], utf8) + 1
        return len(text.encode("utf-8", "surrogatepass")[:utf8].decode("utf-8", "ignore")) + 1

    def node(self, node: ast.expr | ast.stmt | ast.alias) -> Place:
        """The place of a syntax node that was parsed from this text."""
        end_line = node.end_lineno or node.lineno
        end = node.end_col_offset if node.end_col_offset is not None else node.col_offset
        return Place(
            node.lineno,
            self.column(node.lineno, node.col_offset),
            end_line,
            self.column(end_line, end),
        )


def newline_of(text: str) -> str:
    """The newline a text uses: that of its first line, or a line feed where it has none."""
    match = _LINE_END.search(text)
    return match.group() if match else "\n"
