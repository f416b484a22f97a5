"""Scalars of YAML with the way back from each character to where it stands."""

from __future__ import annotations

import re

from ecocompute_lint.findings import Place
from ecocompute_lint.sources.documents import UNKNOWN
from ecocompute_lint.sources.pieces import Piece

PLACEHOLDER = "\ue000"
"""Stands for what a template fills in; a character that nobody writes and YAML allows."""

_PROPERTIES = re.compile(r"(?:[!&][^\s,\[\]{}]*\s+)+")
_BLANKS = re.compile(r"[ \t]*")
_BREAKS = ("\r", "\n")
_FOLD = re.compile(r"[ \t]*[\r\n](?:[ \t]*[\r\n])*[ \t]*")
_LINE = re.compile(r"([^\r\n]*)(\r\n|\r|\n|\Z)")
_NEWLINE = re.compile(r"\r\n|\r|\n")
_HEADER = re.compile(r"[|>][-+0-9]*[^\r\n]*(?:\r\n|\r|\n|\Z)")
_ESCAPES = {
    "0": "\0", "a": "\a", "b": "\b", "t": "\t", "\t": "\t", "n": "\n", "v": "\v", "f": "\f",
    "r": "\r", "e": "\x1b", " ": " ", '"': '"', "/": "/", "\\": "\\", "N": "\x85", "_": "\xa0",
    "L": "\u2028", "P": "\u2029",
}  # fmt: skip
_CODES = {"x": 2, "u": 4, "U": 8}


def scalar_piece(base: Piece, text: str, start: int, end: int, value: str, style: str) -> Piece:
    """The `value` of the scalar between two offsets of `base`, each character with its offset.

    `text` is that of `base` with its template set aside.
    """
    properties = _PROPERTIES.match(text, start, end)
    body = properties.end() if properties else start
    if not style and PLACEHOLDER not in value and end - body == len(value):
        return base.slice(body, end)
    if style in ("|", ">"):
        characters, offsets = _block(text, body, end, folded=style == ">", like=value)
    elif style in ("'", '"'):
        characters, offsets = _flow(text, body + 1, end - 1, style)
        end -= 1
    else:
        characters, offsets = _flow(text, body, end, "")
    if not _same(characters, value):
        return _somewhere(base, value, start, end)
    del characters[len(value) :], offsets[len(value) :]
    return _piece(base, value, offsets, end if style not in ("|", ">") else None)


def _same(characters: list[str], value: str) -> bool:
    """Whether they make the value; a block may have more line ends behind it."""
    return "".join(characters[: len(value)]) == value


def _piece(base: Piece, value: str, offsets: list[int], end: int | None) -> Piece:
    """Runs of neighbouring characters; placeholders become one unknown."""
    text: list[str] = []
    starts: list[int] = []
    places: list[int] = []
    last = None
    for index, (character, inner) in enumerate(zip(value, offsets, strict=True)):
        if character == PLACEHOLDER and index and value[index - 1] == PLACEHOLDER:
            last = None
            continue
        outer = base.offset(inner)
        if last is None or outer != last + 1:
            starts.append(len(text))
            places.append(outer)
        last = None if character == PLACEHOLDER else outer
        text.append(UNKNOWN if character == PLACEHOLDER else character)
    if not text:
        at = base.offset(end if end is not None else 0)
        return Piece("", base.lines, (0,), (at,), at)
    behind = base.offset_behind(offsets[-1] + 1 if end is None else end)
    return Piece("".join(text), base.lines, tuple(starts), tuple(places), behind)


def _somewhere(base: Piece, value: str, start: int, end: int) -> Piece:
    """A text whose characters could not be told apart: all of them stand where it begins."""
    at = base.offset(start)
    value = re.sub(f"{PLACEHOLDER}+", UNKNOWN, value)
    count = max(1, len(value))
    return Piece(value, base.lines, tuple(range(count)), (at,) * count, base.offset_behind(end))


def _flow(text: str, start: int, end: int, quote: str) -> tuple[list[str], list[int]]:
    """A plain or quoted scalar: lines are folded, escapes done."""
    characters: list[str] = []
    offsets: list[int] = []
    at = start
    while at < end:
        character = text[at]
        if character in " \t\r\n":
            blanks = _BLANKS.match(text, at, end)
            behind = blanks.end() if blanks else at
            fold = _FOLD.match(text, at, end) if text[behind : behind + 1] in _BREAKS else None
            if fold is None:
                characters += text[at:behind]
                offsets += range(at, behind)
                at = behind
                continue
            breaks = len(_NEWLINE.findall(fold.group()))
            characters += "\n" * (breaks - 1) if breaks > 1 else " "
            offsets += [at] * max(1, breaks - 1)
            at = fold.end()
            continue
        if quote == '"' and character == "\\":
            decoded, behind = _escape(text, at, end)
            characters += decoded
            offsets += [at] * len(decoded)
            at = behind
            continue
        characters.append(character)
        offsets.append(at)
        at += 2 if quote == "'" and character == "'" else 1
    return characters, offsets


def _escape(text: str, at: int, end: int) -> tuple[str, int]:
    """What an escape stands for, and where it ends."""
    letter = text[at + 1 : at + 2]
    if letter in _CODES:
        behind = at + 2 + _CODES[letter]
        try:
            return chr(int(text[at + 2 : behind], 16)), behind
        except (ValueError, OverflowError):
            return "", behind
    fold = _FOLD.match(text, at + 1, end) if letter in ("\n", "\r") else None
    if fold:  # the line goes on, without a blank
        return "\n" * (len(_NEWLINE.findall(fold.group())) - 1), fold.end()
    return _ESCAPES.get(letter, letter), at + 2


def _block(
    text: str, start: int, end: int, *, folded: bool, like: str
) -> tuple[list[str], list[int]]:
    """A block scalar: without its indentation, folded where it is to be."""
    header = _HEADER.match(text, start, end)
    at = header.end() if header else end
    lines: list[tuple[int, str, int]] = []
    while at < end:
        line = _LINE.match(text, at, end)
        if line is None:
            break
        lines.append((at, line.group(1), line.end(1)))
        at = line.end()
    indents = [len(line) - len(line.lstrip(" ")) for _, line, _ in lines if line.strip(" ")]
    if not indents:
        return list(like), [end] * len(like)
    first = like.lstrip("\n")
    inner = len(first) - len(first.lstrip(" "))  # of a text whose first line is indented further
    indent = max(0, min(indents[0] - inner, *indents) if inner else indents[0])
    stripped = [(at + min(indent, len(line)), line[indent:], end) for at, line, end in lines]
    return _folded(stripped) if folded else _literal(stripped)


def _literal(lines: list[tuple[int, str, int]]) -> tuple[list[str], list[int]]:
    characters: list[str] = []
    offsets: list[int] = []
    for start, line, end in lines:
        characters += line
        offsets += range(start, start + len(line))
        characters.append("\n")
        offsets.append(end)
    return characters, offsets


def _folded(lines: list[tuple[int, str, int]]) -> tuple[list[str], list[int]]:
    """Lines of one depth go on each other; blank and deeper lines keep their breaks."""
    characters: list[str] = []
    offsets: list[int] = []
    breaks: list[int] = []
    deeper: bool | None = None
    for start, line, end in lines:
        if not line:
            breaks.append(end)
            continue
        further = line[0] in " \t"
        if deeper is None or deeper or further:
            characters += "\n" * len(breaks)
            offsets += breaks
        elif len(breaks) == 1:
            characters.append(" ")
            offsets += breaks
        else:
            characters += "\n" * (len(breaks) - 1)
            offsets += breaks[1:]
        characters += line
        offsets += range(start, start + len(line))
        breaks, deeper = [end], further
    characters += "\n" * len(breaks)
    offsets += breaks
    return characters, offsets


def whole_lines(piece: Piece, start: int, end: int) -> Place:
    """What goes in the file when whole lines of a piece do, whose indentation is not in it.

    That is with the indentation of the line behind them; the last ones with the break before them.
    """
    first, last = piece.offset(start), piece.offset(end)
    indented = piece.lines.text[max(0, first - 1) : first] not in ("", "\n", "\r")
    if indented and end >= len(piece.text) and piece.text[end - 1 : end] == "\n":
        last = piece.offset(end - 1)
        first = piece.offset(start - 1) if start else first
    return piece.lines.place(first, last)
