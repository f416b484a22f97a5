"""What systemd's units and Procfiles start."""

from __future__ import annotations

import re
from dataclasses import replace

from ecocompute_lint.sources.documents import Document, Word
from ecocompute_lint.sources.pieces import Piece
from ecocompute_lint.sources.shell import pairs_of, read_piece

_SETTING = re.compile(
    r"^(Exec(?:Start|StartPre|StartPost|Reload)|Environment)[ \t]*=[ \t]*"
    r"((?:[^\r\n\\]|\\(?:\r?\n|.))*)",
    re.MULTILINE,
)
_PREFIXES = re.compile(r"[-@:+!|]*")
_PROCESS = re.compile(r"^[\w-]+:[ \t]*([^\r\n]+)", re.MULTILINE)


def read(text: str, path: str) -> Document:
    """What a unit starts, with the variables that it sets."""
    whole = Piece.whole(text)
    environment: dict[str, Word] = {}
    pieces: list[Piece] = []
    for match in _SETTING.finditer(text):
        if not match[2]:
            continue
        piece = whole.slice(match.start(2), match.end(2))
        if match[1] == "Environment":
            for word in pairs_of(piece):
                name, sign, value = word.text.partition("=")
                if sign:
                    environment[name] = replace(word, text=value, removal=None, with_next=None)
            continue
        prefix = _PREFIXES.match(piece.text)
        pieces.append(piece.slice(prefix.end() if prefix is not None else 0, len(piece.text)))
    found: list[Document] = []
    known = {name: word.text for name, word in environment.items()}
    for piece in pieces:
        said = read_piece(piece, path, known)
        services = tuple(
            replace(one, environment={**environment, **one.environment}) for one in said.services
        )
        found.append(replace(said, services=services))
    return Document.of(found)


def read_procfile(text: str, path: str) -> Document:
    """What the processes of a Procfile run."""
    whole = Piece.whole(text)
    processes = _PROCESS.finditer(text)
    return Document.of(read_piece(whole.slice(*match.span(1)), path) for match in processes)
