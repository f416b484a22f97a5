"""Shell text: the commands that a script runs, and what they deploy and install."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field

from ecocompute_lint.findings import Place
from ecocompute_lint.knowledge import commands, shells
from ecocompute_lint.sources import kinds
from ecocompute_lint.sources.documents import (
    Branch,
    Document,
    Package,
    Service,
    Unreadable,
    Word,
)
from ecocompute_lint.sources.pieces import Piece
from ecocompute_lint.sources.scalars import whole_lines
from ecocompute_lint.sources.scripts import under
from ecocompute_lint.sources.shell_script import Command, run
from ecocompute_lint.sources.shell_values import Scope, Text, expand
from ecocompute_lint.sources.shell_words import tokens

_MOST_INSIDE = 6
_BLANK = re.compile(r"\s")
_LINE_END = re.compile(r"(?:#[^\r\n]*)?\r?\n")


def read(text: str, path: str) -> Document:
    """What a shell script says."""
    return read_piece(Piece.whole(text), path)


def read_piece(
    piece: Piece,
    path: str = "",
    variables: Mapping[str, str | Word] | None = None,
    branch: Branch | None = None,
    depth: int = 0,
) -> Document:
    """What a piece of shell text says; `variables` are those that it is given."""
    reader = _Reader(piece, path, branch, depth)
    for command in run(piece.text, Scope(outside=variables or {}), branch):
        reader.take(command)
    return Document.of(reader.said)


def said_by(
    words: Sequence[Word],
    place: Place,
    environment: Mapping[str, Word] | None = None,
    branch: Branch | None = None,
) -> Document:
    """What one command installs and launches."""
    texts = [word.text for word in words]
    if not texts or _program(texts) in shells.TALKERS:
        return Document()
    packages: tuple[Package, ...] = ()
    if any(installer in text for text in texts[:12] for installer in shells.INSTALLERS):
        from ecocompute_lint.sources.installs import packages_of

        packages = tuple(packages_of(words, branch, environment))
    if commands.launched([commands.told(word.text, word.variable) for word in words]) is None:
        return Document(packages=packages)
    service = Service(place, tuple(words), None, environment or {}, branch=branch)
    return Document((service,), packages)


def words_of(piece: Piece, variables: Mapping[str, str | Word] | None = None) -> tuple[Word, ...]:
    """The words of a piece that is one command, or the arguments of one; ``A=b`` is a word."""
    scope, texts = Scope(outside=variables or {}), []
    for token in tokens(piece.text):
        if token.parts:
            texts += expand(token.parts, scope, token.start, token.end)
        elif texts:
            break
    return tuple(_Layout(piece).words(texts))


@dataclass(slots=True)
class _Reader:
    """Gathers what commands say."""

    piece: Piece
    path: str
    branch: Branch | None
    depth: int
    said: list[Document] = field(default_factory=list)

    def take(self, command: Command) -> None:
        texts = [one.text for one in command.texts]
        name = _program(texts)
        if command.heredoc is not None:
            self._heredoc(self.piece.slice(*command.heredoc), name, command)
        if not texts or name in shells.TALKERS:
            return
        words = list(_Layout(self.piece).words(command.texts))
        if self._container(words, texts, command):
            return
        environment = {key: self._word(value) for key, value in command.environment.items()}
        said = said_by(words, self._place(command), environment, command.branch)
        self.said.append(said)
        if not said.services:
            self._scripts(command.texts, command.branch)

    def _heredoc(self, body: Piece, name: str, command: Command) -> None:
        """What is read by a shell, or written to a file that is read."""
        if name in shells.SHELLS or name in shells.REMOTE:
            self._read_inside(body, command.branch)
            return
        target = command.texts[-1].text if name == "tee" else command.target
        kind = (kinds.kind_of(target) if name in ("cat", "tee") else None) or ""
        if kind == kinds.SHELL:
            self._read_inside(body, command.branch)
        elif kind in kinds.READERS and len(body.starts) == 1 and self.depth < _MOST_INSIDE:
            before = "\n" * (self.piece.lines.position(body.offset(0))[0] - 1)
            with suppress(Unreadable):
                said = kinds.read(kind, before + body.text, target)
                self.said.append(under(said, command.branch))

    def _place(self, command: Command) -> Place:
        return self.piece.place(command.start, command.end)

    def _word(self, text: Text) -> Word:
        return next(iter(_Layout(self.piece).words([text])))

    def _scripts(self, texts: Sequence[Text], branch: Branch | None) -> None:
        """Words that are scripts themselves: ``bash -c "…"``, ``ssh host "…"``, ``eval "…"``."""
        name = _program([one.text for one in texts])
        for text in texts[1:] if len(texts) > 1 else texts:
            inner = script_in(self.piece, text)
            sure = name in shells.SHELLS or name in shells.REMOTE or shells.STARTS.match(text.text)
            if inner is not None and sure:
                self._read_inside(inner, branch)

    def _read_inside(self, piece: Piece, branch: Branch | None) -> None:
        if self.depth < _MOST_INSIDE:
            self.said.append(read_piece(piece, self.path, None, branch, self.depth + 1))

    # -- containers

    def _container(self, words: list[Word], texts: list[str], command: Command) -> bool:
        """``docker run [options] image arguments``."""
        start = _after_run(texts)
        if start is None:
            return False
        environment: dict[str, Word] = {}
        entry: list[Word] = []
        at = start
        while at < len(words) and texts[at].startswith("-"):
            name, equals, value = texts[at].partition("=")
            single = not name.startswith("--")
            if single and len(name) > 2 and name[1] in shells.SHORT_VALUED:
                name, equals, value = name[:2], "=", texts[at][2:]
            plain = name in shells.FLAGS or (single and set(name[1:]) <= shells.SHORT_FLAGS)
            width = 1 if equals or plain else 2
            holder = words[at] if equals else (words[at + 1] if at + 1 < len(words) else None)
            if name in ("-e", "--env") and holder is not None:
                told = value if equals else holder.text
                key, assigned, given = told.partition("=")
                if assigned:
                    removal = _both(words[at].removal, holder.removal)
                    environment[key] = Word(given, holder.place, removal, holder.variable)
            elif name == "--entrypoint" and holder is not None:
                entry = [Word(value if equals else holder.text, holder.place)]
            at += width
        if at >= len(words):
            return True
        arguments = (*entry, *words[at + 1 :])
        service = Service(
            self._place(command), arguments, words[at], environment, branch=command.branch
        )
        self.said.append(Document((service,)))
        self._scripts(command.texts[at:], command.branch)
        return True


def _both(first: Place | None, second: Place | None) -> Place | None:
    if first is None or second is None or second < first:
        return first if first == second else None
    return Place(first.line, first.column, second.end_line, second.end_column)


def _program(texts: Sequence[str]) -> str:
    """The program that a command runs, behind ``sudo`` and the like."""
    for text in texts:
        base = text.rsplit("/", 1)[-1]
        if base in shells.PREFIXES or base.startswith("-") or "=" in base:
            continue
        return base
    return ""


def _after_run(texts: Sequence[str]) -> int | None:
    """The index behind ``docker run``."""
    for index, text in enumerate(texts[:8]):
        if text.rsplit("/", 1)[-1] in shells.CONTAINERS:
            for behind in range(index + 1, min(len(texts), index + 4)):
                if texts[behind] in ("run", "create"):
                    return behind + 1
                if texts[behind] in shells.NO_CONTAINERS:
                    return None
            return None
    return None


def script_in(piece: Piece, text: Text) -> Piece | None:
    """A word of a piece as a piece of its own, if it may be a script."""
    if not (_BLANK.search(text.text) and shells.MAY_RUN.search(text.text)):
        return None
    if len(text.offsets) != len(text.text):
        return None
    starts, offsets = [], []
    last = -2
    for index, at in enumerate(text.offsets):
        offset = piece.offset(at)
        if offset != last + 1:
            starts.append(index)
            offsets.append(offset)
        last = offset
    return Piece(text.text, piece.lines, tuple(starts), tuple(offsets), last + 1)


class _Layout:
    """Where the words of a command stand, and what goes with each."""

    def __init__(self, piece: Piece) -> None:
        self.piece = piece
        self.text = piece.text

    def words(self, texts: Sequence[Text]) -> Iterator[Word]:
        """The words, each with what its removal takes along."""
        for index, text in enumerate(texts):
            behind = texts[index + 1] if index + 1 < len(texts) else None
            alone = self._removal(text.start, text.end)
            pair = self._removal(text.start, behind.end) if behind is not None else None
            if behind is not None and behind.start < text.end:
                pair = None  # they stand in different places
            place = self.piece.place(text.start, text.end)
            yield Word(text.text, place, alone, text.variable, pair)

    def _removal(self, start: int, end: int) -> Place | None:
        """What goes when the text between two offsets does: blanks, a line, a continuation."""
        if end <= start:
            return None
        begin = start
        while begin > 0 and self.text[begin - 1] in " \t":
            begin -= 1
        finish = end
        while finish < len(self.text) and self.text[finish] in " \t":
            finish += 1
        first = begin == 0 or self.text[begin - 1] in "\r\n"
        continued = _continuation(self.text, finish)
        if not first:
            if begin == start and self.text[start - 1] == "=":  # all that a variable is given
                quoted = self.text[start] in "\"'" and self.text[end - 1] == self.text[start]
                return self._place(start + 1, end - 1) if quoted else self._place(start, end)
            if begin == start:  # at the beginning of a quoted text: the blank behind it goes
                return self._place(start, finish)
            return self._place(begin, end)
        if continued:
            return whole_lines(self.piece, begin, continued)
        if begin == 0:
            return self._place(start, finish)
        before = begin - 1
        while before > 0 and self.text[before - 1] in "\r\\ \t":
            before -= 1
        ended = _LINE_END.match(self.text, finish)
        joined = "\\" in self.text[before:begin]
        if ended is not None and not joined:  # a line of an array or of a quoted text
            return whole_lines(self.piece, begin, ended.end())
        if finish > end and not (ended or finish == len(self.text)):
            return self._place(start, finish)  # the next word takes its place
        return self._place(before, end)  # what ends the command, or closes the text, moves up

    def _place(self, start: int, end: int) -> Place:
        return self.piece.place(start, end)


def _continuation(text: str, at: int) -> int:
    """The offset behind a line continuation; 0 where there is none."""
    for mark in ("\\\n", "\\\r\n"):
        if text.startswith(mark, at):
            return at + len(mark)
    return 0
