"""What is said about how a finding came to be: places, trails of values, and reasons."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import field
from typing import Any

from ecocompute_lint.findings import LINES_OF_A_FILE, Confidence, Finding
from ecocompute_lint.frozen import dataclass
from ecocompute_lint.knowledge.models import ModelSize


@dataclass(frozen=True, slots=True)
class Spot:
    """A position that a reader can open."""

    path: str
    line: int
    column: int
    imported: int | None = None
    """For another file: the line of the audited one that imports it."""
    cell: int | None = None
    """The cell of a notebook in which the line is counted."""


@dataclass(frozen=True, slots=True)
class Sight:
    """What turns positions of the analysis into those of a reader.

    `file_of` names the file of a line that stands in another one; `import_of` is the line that
    imports a file; `lines_of` the lines on which an input is defined and decides a branch.
    """

    path: str
    file_of: Callable[[int], str | None] = lambda line: None
    import_of: Callable[[str], int | None] = lambda path: None
    lines_of: Callable[[str], tuple[int, ...]] = lambda name: ()

    def spot(self, line: int, column: int) -> Spot:
        """The position as a reader sees it."""
        if line < LINES_OF_A_FILE:
            return Spot(self.path, line, column)
        file = self.file_of(line)
        if file is None:
            return Spot("another file", line % LINES_OF_A_FILE, column)
        shown = os.path.relpath(file) if not os.path.isabs(self.path) else file
        return Spot(shown, line % LINES_OF_A_FILE, column, self.import_of(file))


@dataclass(frozen=True, slots=True)
class Trail:
    """How a value got to where it is used."""

    origin: Spot | None = None
    """Where it is written, if elsewhere than where it is used."""
    name: str = ""
    """The parameter, option or variable of the environment whose default it is."""
    calls: tuple[Spot, ...] = ()
    """The calls that passed it on, outermost first."""
    where: tuple[str, ...] = ()
    """The circumstances under which it is this."""


@dataclass(frozen=True, slots=True)
class Looked:
    """Something that the rule looked at.

    `source` is ``written``, ``library default``, ``implied`` (by what is called), ``passed in``
    (it may come with ``**``), ``absent`` or ``analysis`` (what the code does).
    `value` is empty where not known.
    """

    attribute: str
    name: str
    value: str
    source: str
    of_load: bool = False
    spot: Spot | None = None
    trail: Trail = Trail()
    plain: Any = None
    """The value itself, for what the analysis found."""


@dataclass(frozen=True, slots=True)
class Reason:
    """Something that makes a finding less than certain, and how sure it leaves it."""

    confidence: Confidence
    kind: str
    """``default``, ``branch``, ``calls``, ``value``, ``figures``, ``rule`` or ``elsewhere``."""
    text: str
    spots: tuple[Spot, ...] = ()


@dataclass(frozen=True, slots=True)
class ModelSource:
    """The model of a finding: its name, where that stands, and its size."""

    name: str | None
    trouble: str = ""
    """Why it has no name."""
    loaded: Spot | None = None
    trail: Trail = Trail()
    size: ModelSize | None = None


@dataclass(frozen=True, slots=True)
class Explanation:
    """Everything that led to one finding."""

    finding: Finding
    reasons: tuple[Reason, ...]
    looked: tuple[Looked, ...]
    model: ModelSource
    context: str
    gpu_assumed: bool
    unrepaired: str = ""
    """Why there is no edit, where there is none."""
    lines: frozenset[int] = field(default_factory=frozenset)
    """Lines of the file that the finding covers or rests on."""
