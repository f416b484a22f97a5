"""What Python itself says of a source: whether it compiles, and which tokens it has."""

from __future__ import annotations

import io
import re
import tokenize
import warnings
from bisect import bisect_left
from collections.abc import Sequence
from typing import NamedTuple

_LINE_END = re.compile(r"\r\n|\r|\n")


class Edit(NamedTuple):
    """A replacement of a part of a text, by offsets."""

    start: int
    end: int
    text: str


def compiles(data: bytes) -> str:
    """Why CPython does not take a source file; empty where it does."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            compile(data, "<source>", "exec", dont_inherit=True)
    except Exception as error:  # SyntaxError, ValueError, RecursionError, MemoryError, ...
        return f"{type(error).__name__}: {error}"
    return ""


def offsets(text: str) -> list[int]:
    """Where the lines of a text start."""
    return [0, *(match.end() for match in _LINE_END.finditer(text))]


def applied(text: str, edits: Sequence[Edit]) -> tuple[str, list[tuple[int, int]]]:
    """The text with edits made, none of which overlap, and where they are in it."""
    parts, places, position, size = [], [], 0, 0
    for edit in sorted(edits, key=lambda one: one[:2]):
        kept = text[position : edit.start]
        size += len(kept)
        places.append((size, size + len(edit.text)))
        size += len(edit.text)
        parts += [kept, edit.text]
        position = edit.end
    return "".join([*parts, text[position:]]), places


def outside(text: str, spans: Sequence[tuple[int, int]]) -> list[tuple[int, str]]:
    """The tokens of a text that no span touches, whatever ends its lines."""
    double = [match.start() for match in re.finditer("\r\n", text)]
    spans = [
        (left - bisect_left(double, left), right - bisect_left(double, right))
        for left, right in spans
    ]
    plain = text.replace("\r\n", "\n").replace("\r", "\n")
    starts = offsets(plain)
    found = []
    for token in tokenize.generate_tokens(io.StringIO(plain).readline):
        if not token.string:
            continue
        start = starts[token.start[0] - 1] + token.start[1]
        end = start + len(token.string)
        if not any(start < right and left < end for left, right in spans):
            found.append((token.type, token.string))
    return found
