"""Shell lines and install commands inside other files: the way to their readers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from importlib import import_module
from typing import Any

from ecocompute_lint.findings import Place
from ecocompute_lint.sources.documents import Branch, Document, Package, Word
from ecocompute_lint.sources.pieces import Piece


def script(
    piece: Piece, path: str, variables: Mapping[str, Word], branch: Branch | None = None
) -> Document:
    """What the shell lines of a piece run."""
    read: Any = _function("shell", "read_piece")
    if read is None or not piece.text.strip():
        return Document()
    known = {name: word.text for name, word in variables.items()}
    document: Document = read(unfolded(piece), path, variables=known)
    return under(document, branch)


def shell_words(piece: Piece, variables: Mapping[str, Word]) -> tuple[Word, ...]:
    """The words of a piece that is one command, or its arguments."""
    split: Any = _function("shell", "words_of")
    if split is None:
        return ()
    return tuple(
        split(unfolded(piece), variables={name: word.text for name, word in variables.items()})
    )


def unfolded(piece: Piece) -> Piece:
    """A text without the backslashes at ends of lines that YAML has put behind one another.

    What is left of a continuation is a backslash and a blank; whoever wrote it meant a blank.
    """
    parts, done = [], 0
    at = piece.text.find("\\ ")
    while at >= 0:
        if piece.lines.text[piece.offset(at + 1)] in "\r\n":
            parts.append(piece.slice(done, at))
            done = at + 1
        at = piece.text.find("\\ ", at + 1)
    return Piece.join([*parts, piece.slice(done, len(piece.text))]) if parts else piece


def packages(words: Sequence[Word], place: Place, branch: Branch | None) -> tuple[Package, ...]:
    """What a list of requirements asks for."""
    ask: Any = _function("installs", "packages_of")
    if ask is None or not words:
        return ()
    command = [Word("pip", place), Word("install", place), *words]
    return tuple(ask(command, branch))


def under(document: Document, branch: Branch | None) -> Document:
    """A document that holds under a condition only; its own conditions come first."""
    if branch is None:
        return document
    return Document(
        tuple(replace(item, branch=item.branch or branch) for item in document.services),
        tuple(replace(item, branch=item.branch or branch) for item in document.packages),
        tuple(replace(item, branch=item.branch or branch) for item in document.blocks),
    )


def _function(module: str, name: str) -> object | None:
    """A function of a sister module, imported when it is first needed."""
    try:
        found = import_module(f"ecocompute_lint.sources.{module}")
    except ModuleNotFoundError:
        return None
    function: object | None = getattr(found, name, None)
    return function
