"""What files other than Python say: plain data, the same for a shell script and a manifest.

Readers turn a text into a `Document`; `sources.serving` turns that into facts. Positions are those
of the text as it stands in its file.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import field

from ecocompute_lint.findings import Place
from ecocompute_lint.frozen import dataclass

UNKNOWN = "\0"
"""Stands in a word for what is not known of it: ``--model=$MODEL`` is ``--model=\\0``."""


class Unreadable(Exception):  # noqa: N818  (a state of the file, not a mistake of ours)
    """The file is certainly of a kind that is read, and broken. Says why, and where."""

    def __init__(self, reason: str, line: int | None = None, column: int | None = None) -> None:
        super().__init__(reason)
        self.reason = reason
        self.line = line
        self.column = column


@dataclass(frozen=True, slots=True)
class Word:
    """One word as the program that is started gets it.

    `text` is without quotes and with `UNKNOWN` for what nothing in sight gives. `place` is where
    it stands, quotes included. `removal` is what goes when the word goes: the word with the blanks
    or the line that it takes up, a comma, a line continuation; None where it cannot be taken out.
    `variable` names the variable whose default gave (part of) the text: it holds unless set.
    `with_next` is what goes when the word and the one behind it do, a flag and its value.
    """

    text: str
    place: Place
    removal: Place | None = None
    variable: str = ""
    with_next: Place | None = None


@dataclass(frozen=True, slots=True)
class Branch:
    """Why something may not run: the test as written, and who decides.

    `decider` is ``environment`` (the machine: both sides are likely), ``caller`` (an argument or
    variable that nothing in sight sets: possible only) or ``default`` (a variable's default says
    so, and holds unless the variable is set: likely).
    """

    test: str
    decider: str = "caller"


@dataclass(frozen=True, slots=True)
class Service:
    """What one command or container runs.

    `words` are its command line (the entry point, then the arguments), `image` the container
    image, `environment` the variables it is given, `settings` the keys of an engine's own
    configuration file (`engine` then says whose).
    """

    place: Place
    words: tuple[Word, ...] = ()
    image: Word | None = None
    environment: Mapping[str, Word] = field(default_factory=dict)
    engine: str = ""
    settings: Mapping[str, Word] = field(default_factory=dict)
    branch: Branch | None = None
    training: bool = False


@dataclass(frozen=True, slots=True)
class Package:
    """A package that is asked for: an install line, a requirement, a lock entry.

    `name` is canonical (PEP 503). `channel` is ``release``, ``candidate`` (alpha, beta or release
    candidate), ``dev`` (a ``.dev`` version), ``nightly`` (from a nightly index that has to be
    used) or ``source`` (a repository without a release tag). `text` is what was written of it, and
    `place` where; `reason` says what makes it no release, in words.
    """

    name: str
    channel: str
    text: str
    place: Place
    reason: str = ""
    branch: Branch | None = None


@dataclass(frozen=True, slots=True)
class Block:
    """Options of a quantization or of a loading call, written as data.

    `role` is ``checkpoint`` (`quantization_config` of a checkpoint's own config.json),
    ``constructor`` (Hydra's ``_target_``), ``webui`` (text-generation-webui's model settings) or
    ``arguments`` (keyword arguments of a loader, such as lm-eval's ``--model_args``). `target` is
    the class or loader, where one is named. `options` by the names that are written.
    """

    role: str
    place: Place
    options: Mapping[str, Word]
    target: str = ""
    model: Word | None = None
    training: bool = False
    branch: Branch | None = None


@dataclass(frozen=True, slots=True)
class Embedded:
    """A text of another kind inside a file: a ``run:`` step, a heredoc, a cell that writes a file.

    `text` begins at `place`; `kind` is the kind of that text. Readers that find one read it
    themselves with the reader of that kind and hand on what it says, positions moved.
    """

    kind: str
    text: str
    place: Place


@dataclass(frozen=True, slots=True)
class Document:
    """All that one file says."""

    services: tuple[Service, ...] = ()
    packages: tuple[Package, ...] = ()
    blocks: tuple[Block, ...] = ()

    def __add__(self, other: Document) -> Document:
        return Document(
            (*self.services, *other.services),
            (*self.packages, *other.packages),
            (*self.blocks, *other.blocks),
        )

    @classmethod
    def of(cls, documents: Iterable[Document]) -> Document:
        """All that several say, in order."""
        every = tuple(documents)
        return cls(
            tuple(item for one in every for item in one.services),
            tuple(item for one in every for item in one.packages),
            tuple(item for one in every for item in one.blocks),
        )

    def __bool__(self) -> bool:
        return bool(self.services or self.packages or self.blocks)
