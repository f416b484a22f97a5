"""Batch files of Windows, as far as plain commands go."""

from __future__ import annotations

import re
from collections.abc import Iterator

from ecocompute_lint.findings import Place
from ecocompute_lint.sources.documents import UNKNOWN, Document, Word
from ecocompute_lint.sources.pieces import Piece
from ecocompute_lint.sources.shell import said_by

_LINE = re.compile(r"(?:[^\r\n^]|\^(?:\r?\n|.)|\^\Z)*(?:\r\n|\r|\n|\Z)")
_COMMENT = re.compile(r"[ \t]*@?(?:rem\b|::)", re.IGNORECASE)
_SET = re.compile(r"[ \t]*@?set[ \t]+\"?(\w+)=([^\"\r\n]*)", re.IGNORECASE)
_WORD = re.compile(r"(?:\"[^\"\r\n]*\"|\^(?:\r?\n|.)|[^\s\"&|<>^()])+|(&&|\|\||[&|()])|[<>]+")
_VARIABLE = re.compile(r"%(\w+)%|%~?\w*|!(\w+)!")
_CONTINUED = re.compile(r"(?:\^\r?\n)+")
_ESCAPE = re.compile(r"\^(\r?\n)?(.?)")


def read(text: str, path: str) -> Document:
    """What a batch file runs."""
    del path
    whole = Piece.whole(text)
    known: dict[str, str] = {}
    found: list[Document] = []
    at = 0
    while at < len(text):
        match = _LINE.match(text, at)
        end = match.end() if match is not None and match.end() > at else len(text)
        setting = _SET.match(text, at, end)
        if setting is not None:
            before = known.get(setting[1].lower())
            value = _VARIABLE.sub(UNKNOWN, setting[2].strip())
            known[setting[1].lower()] = value if before in (None, value) else UNKNOWN
        elif not _COMMENT.match(text, at, end):
            for words in _commands(whole, at, end, known):
                place = words[0].place
                last = words[-1].place
                around = Place(place.line, place.column, last.end_line, last.end_column)
                found.append(said_by(words, around))
        at = end
    return Document.of(found)


def _commands(whole: Piece, start: int, end: int, known: dict[str, str]) -> Iterator[list[Word]]:
    words: list[Word] = []
    before = start
    for match in _WORD.finditer(whole.text, start, end):
        if match[1] is not None:
            if words:
                yield words
            words = []
        elif not match.group().startswith(("<", ">")):
            if _CONTINUED.fullmatch(match.group()):
                continue  # goes with the word behind it
            plain = (
                _ESCAPE.sub(r"\2", match.group()).replace('"', "").lstrip("@" if not words else "")
            )

            def value(found: re.Match[str]) -> str:
                name = found[1] or found[2] or ""
                return known.get(name.lower(), UNKNOWN)

            text = _VARIABLE.sub(value, plain)
            removal = whole.place(before, match.end()) if words else None
            words.append(Word(text, whole.place(*match.span()), removal))
        before = match.end()
    if words:
        yield words
