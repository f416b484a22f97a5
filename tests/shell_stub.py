"""A small reader of shell lines, for as long as the real one is not there."""

from __future__ import annotations

import importlib.util
import re
import sys
import types
from collections.abc import Iterator, Mapping

from ecocompute_lint.sources.documents import Document, Service, Word
from ecocompute_lint.sources.pieces import Piece

NAME = "ecocompute_lint.sources.shell"
_WORD = re.compile(r"(?:\"(?:[^\"\\]|\\.)*\"|'[^']*'|\\\S|[^\s\"'\\;&|])+")


def _words(piece: Piece) -> Iterator[Word]:
    for match in _WORD.finditer(piece.text):
        place = piece.place(*match.span())
        text = match.group()
        if text[0] in "\"'":
            text = text[1:-1]
        text = re.sub(r"\$\{?\w+\}?", "\0", text)
        yield Word(text, place, place)


def read_piece(piece: Piece, path: str, variables: Mapping[str, str] | None = None) -> Document:
    services = []
    start = 0
    text = re.sub(r"\\\n", "  ", piece.text)
    for end in re.finditer(r"&&|;|\n|\Z", text):
        command = piece.slice(start, end.start())
        start = end.end()
        nested = re.match(r"\s*(?:\S*/)?(?:ba)?sh\s+-l?c\s+([\"'])", command.text)
        if nested:
            inner = piece.slice(nested.end(), max(piece.text.rfind(nested[1]), nested.end()))
            return read_piece(inner, path, variables)
        words = tuple(_words(command))
        if words:
            services.append(Service(words[0].place, words))
    return Document(tuple(services))


def words_of(piece: Piece, variables: Mapping[str, str] | None = None) -> tuple[Word, ...]:
    return tuple(_words(piece))


def install() -> None:
    """Put the stand-in where the reader will be, unless that is there."""
    if NAME not in sys.modules and importlib.util.find_spec(NAME) is None:
        module = types.ModuleType(NAME)
        module.read_piece = read_piece  # type: ignore[attr-defined]
        module.words_of = words_of  # type: ignore[attr-defined]
        sys.modules[NAME] = module
