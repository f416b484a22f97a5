"""Dockerfiles: what their commands install, and what their containers start."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace

from ecocompute_lint.findings import Place
from ecocompute_lint.sources.documents import UNKNOWN, Document, Service, Word
from ecocompute_lint.sources.pieces import Piece
from ecocompute_lint.sources.shell import read_piece, said_by, script_in, words_of
from ecocompute_lint.sources.shell_values import Text

_INSTRUCTION = re.compile(r"[ \t]*(ONBUILD[ \t]+)?([A-Za-z]+)[ \t]+")
_LINE = re.compile(r"[^\r\n]*(?:\r\n|\r|\n|\Z)")
_COMMENT = re.compile(r"[ \t]*(?:#|$)")
_HEREDOC = re.compile(r"<<-?[ \t]*[\"']?(\w+)[\"']?")
_OPTION = re.compile(r"(?:[ \t]*--[a-z][\w-]*(?:=\S*)?(?:[ \t]+--[a-z][\w-]*(?:=\S*)?)*[ \t]+)?")
_STRING = re.compile(r'"(?:\\.|[^"\\])*"')
_SIGN = re.compile(r"\\u[0-9a-fA-F]{4}|\\?.", re.DOTALL)
_STAGE = re.compile(r"(?:--platform=\S+[ \t]+)?(\S+)(?:[ \t]+[aA][sS][ \t]+(\S+))?")
_MOST_INSTRUCTIONS = 5_000


@dataclass(slots=True)
class _Stage:
    """An image as it grows: what it starts, with which variables."""

    place: Place
    image: Word | None = None
    environment: dict[str, Word] = field(default_factory=dict)
    arguments: dict[str, Word] = field(default_factory=dict)
    entry: tuple[Word, ...] = ()
    command: tuple[Word, ...] = ()
    starts: Place | None = None
    said: Document = field(default_factory=Document)

    @property
    def known(self) -> dict[str, Word]:
        return self.arguments | self.environment


def read(text: str, path: str) -> Document:
    """What a Dockerfile says."""
    reader = _Reader(path)
    for number, (name, piece) in enumerate(_instructions(text)):
        if number >= _MOST_INSTRUCTIONS:
            break
        reader.take(name, piece)
    return reader.finished()


def _instructions(text: str) -> Iterator[tuple[str, Piece]]:
    """Each instruction's name, and what follows it without lines of comment."""
    whole = Piece.whole(text)
    at = 0
    while at < len(text):
        line = _LINE.match(text, at)
        end = line.end() if line is not None else len(text)
        match = _INSTRUCTION.match(text, at, end)
        if match is None or _COMMENT.match(text, at, end):
            at = max(end, at + 1)
            continue
        pieces, at = _body(text, whole, match.end(), end)
        yield match[2].upper(), Piece.join(pieces)


def _body(text: str, whole: Piece, start: int, end: int) -> tuple[list[Piece], int]:
    """The lines of an instruction, and the offset behind them."""
    pieces = [whole.slice(start, end)]
    marks = _HEREDOC.findall(text[start:end])
    while end < len(text):
        before = pieces[-1].text.rstrip("\r\n")
        if not marks and not before.rstrip(" \t").endswith("\\"):
            break
        line = _LINE.match(text, end)
        stop = line.end() if line is not None and line.end() > end else len(text)
        if marks or not _COMMENT.match(text, end, stop):
            pieces.append(whole.slice(end, stop))
            if not marks:
                marks = _HEREDOC.findall(text[end:stop])
            elif text[end:stop].strip() == marks[0]:
                marks.pop(0)
        end = stop
    return pieces, end


class _Reader:
    def __init__(self, path: str) -> None:
        self.path = path
        self.stages: dict[str, _Stage] = {}
        self.stage: _Stage | None = None
        self.arguments: dict[str, Word] = {}
        self.found: list[Document] = []

    def take(self, name: str, piece: Piece) -> None:
        """Take in one instruction."""
        if name == "FROM":
            self._from(piece)
        elif name == "ARG":
            self._argument(piece)
        elif self.stage is not None:
            self._in_stage(self.stage, name, piece)

    def _in_stage(self, stage: _Stage, name: str, piece: Piece) -> None:
        if name == "ENV":
            stage.environment |= _pairs(piece, stage.known)
        elif name == "RUN":
            self.found.append(self._run(stage, piece))
        elif name in ("CMD", "ENTRYPOINT"):
            self._starts(stage, name, piece)

    def _from(self, piece: Piece) -> None:
        self._close()
        match = _STAGE.match(piece.text)
        if match is None:
            return
        name = piece.slice(match.start(1), match.end(1))
        image = next(iter(words_of(name, self.arguments)), None)
        place = piece.place(0, len(piece.text.rstrip()))
        base = self.stages.get(match[1].lower())
        if base is not None:
            self.stage = replace(base, environment=dict(base.environment), place=place)
        else:
            self.stage = _Stage(place, image)
        if match[2]:
            self.stages[match[2].lower()] = self.stage

    def _argument(self, piece: Piece) -> None:
        """``ARG name=default`` may be set at build time; one before ``FROM`` is for ``FROM``."""
        holder = self.stage.arguments if self.stage is not None else self.arguments
        for name, word in _pairs(piece, {}, equals=True).items():
            holder[name] = replace(word, variable=name)
        bare = piece.text.strip()
        if bare in self.arguments and self.stage is not None:
            holder[bare] = self.arguments[bare]

    def _run(self, stage: _Stage, piece: Piece) -> Document:
        options = _OPTION.match(piece.text)
        piece = piece.slice(options.end() if options is not None else 0, len(piece.text))
        heredoc = _HEREDOC.match(piece.text)
        if heredoc is not None:
            begin = piece.text.find("\n") + 1
            close = piece.text.rfind(heredoc[1])
            return read_piece(piece.slice(begin, close), self.path, stage.known) if begin else _NIL
        words, document = self._exec(stage.known, piece)
        if words is None:
            return read_piece(piece, self.path, stage.known)
        return said_by(words, piece.place(0, len(piece.text.rstrip()))) + document

    def _starts(self, stage: _Stage, name: str, piece: Piece) -> None:
        # A container does not know the arguments of its build.
        words, document = self._exec(stage.environment, piece)
        stage.starts = piece.place(0, len(piece.text.rstrip()))
        if words is None:
            document = read_piece(piece, self.path, stage.environment)
            words = () if document else words_of(piece, stage.environment)
        stage.said = document
        if name == "CMD":
            stage.command = words
        else:
            stage.entry, stage.command = words, ()

    def _exec(
        self, variables: Mapping[str, Word], piece: Piece
    ) -> tuple[tuple[Word, ...] | None, Document]:
        """The words of ``["a", "b"]``, and what scripts among them say; None for other texts."""
        begin = piece.text.find("[")
        end = piece.text.rfind("]")
        if begin < 0 or end < begin or piece.text[:begin].strip():
            return None, _NIL
        strings = list(_STRING.finditer(piece.text, begin, end))
        words: list[Word] = []
        document = _NIL
        for index, match in enumerate(strings):
            try:
                text = json.loads(match.group(), strict=False)
            except ValueError:
                return None, _NIL
            place = piece.place(*match.span())
            removal = _item(piece, strings, index)
            words.append(Word(text, place, removal, with_next=_pair(piece, strings, index)))
            signs = _SIGN.finditer(piece.text, match.start() + 1, match.end() - 1)
            offsets = tuple(sign.start() for sign in signs)
            if len(offsets) == len(text):
                inner = script_in(piece, Text(text, offsets, *match.span()))
                if inner is not None:
                    document += read_piece(inner, self.path, variables)
        return tuple(words), document

    # -- stages

    def _close(self) -> None:
        """What the container of a finished stage starts."""
        stage, self.stage = self.stage, None
        if stage is None:
            return
        said = stage.said
        for service in said.services:
            image = service.image or stage.image
            environment = {**stage.environment, **service.environment}
            changed = replace(service, image=image, environment=environment)
            self.found.append(Document((changed,)))
        self.found.append(replace(said, services=()))
        words = (*stage.entry, *stage.command)
        if not said.services and (words or stage.environment):
            place = stage.starts or stage.place
            service = Service(place, words, stage.image, stage.environment)
            self.found.append(Document((service,)))

    def finished(self) -> Document:
        """All that the file says."""
        self._close()
        return Document.of(self.found)


_NIL = Document()


def _item(piece: Piece, strings: list[re.Match[str]], index: int, last: int = -1) -> Place:
    """A string of an array (up to the one at `last`) with the comma that goes with it."""
    last = index if last < 0 else last
    if last + 1 < len(strings):
        return piece.place(strings[index].start(), strings[last + 1].start())
    start = strings[index - 1].end() if index else strings[index].start()
    return piece.place(start, strings[last].end())


def _pair(piece: Piece, strings: list[re.Match[str]], index: int) -> Place | None:
    return _item(piece, strings, index, index + 1) if index + 1 < len(strings) else None


def _pairs(piece: Piece, known: Mapping[str, Word], *, equals: bool = False) -> dict[str, Word]:
    """``A=b C=d``, or ``A b`` with one name and all that follows it."""
    words = words_of(piece, known)
    found: dict[str, Word] = {}
    if words and "=" not in words[0].text and len(words) > 1 and not equals:
        first, second = words[0], words[1]
        text = " ".join(word.text for word in words[1:])
        place = replace(
            second.place, end_line=words[-1].place.end_line, end_column=words[-1].place.end_column
        )
        return {first.text: Word(text, place)}
    for word in words:
        name, sign, value = word.text.partition("=")
        if sign and UNKNOWN not in name:
            found[name] = replace(word, text=value, removal=None)
    return found
