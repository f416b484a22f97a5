"""The vocabulary of results: where something is, how sure we are, what it means, how to mend it.

Everything here is immutable plain data. Nothing here imports another module of the package.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import field
from typing import Any

from ecocompute_lint.frozen import dataclass


class Confidence(enum.IntEnum):
    """How sure the analysis is that the code does what the finding says."""

    POSSIBLE = 1
    LIKELY = 2
    CERTAIN = 3

    @property
    def label(self) -> str:
        """The lower-case name users write and read."""
        return self.name.lower()


class Level(enum.IntEnum):
    """What a finding means to the reader, ordered by severity."""

    GREEN = 0
    GRAY = 1
    YELLOW = 2
    RED = 3

    @property
    def label(self) -> str:
        """The lower-case name users write and read."""
        return self.name.lower()


class FixLevel(enum.IntEnum):
    """How far a repair may change what the program prints."""

    EXACT = 0
    """Outputs cannot change, except for speed or a crash that goes away."""
    NUMERIC = 1
    """Outputs may change numerically."""
    MANUAL = 2
    """Advice only; no edit exists."""

    @property
    def label(self) -> str:
        """The lower-case name users write and read."""
        return self.name.lower()


LINES_OF_A_FILE = 10_000_000
"""Lines from here on stand in other files than the audited one: each has a range of its own."""


@dataclass(frozen=True, slots=True, order=True)
class Place:
    """A span in a text: 1-based lines, 1-based columns in characters, the end exclusive."""

    line: int
    column: int
    end_line: int
    end_column: int

    @property
    def elsewhere(self) -> bool:
        """Whether it lies in another file than the audited one."""
        return self.line >= LINES_OF_A_FILE

    def contains(self, other: Place) -> bool:
        """Whether `other` lies inside this span."""
        return (self.line, self.column) <= (other.line, other.column) and (
            other.end_line,
            other.end_column,
        ) <= (self.end_line, self.end_column)


@dataclass(frozen=True, slots=True)
class Edit:
    """Replace the text at `place` by `text`."""

    place: Place
    text: str
    cell: int | None = None
    """The cell of a notebook in whose source the place is."""


@dataclass(frozen=True, slots=True)
class Operation:
    """One declarative repair step on a call or a dict literal.

    `action` is one of

    - ``set``: give option `name` the value `value` (source text), replacing or inserting it;
    - ``remove``: drop option `name`;
    - ``move``: move every option of `names` into a new `factory` call passed as option `name`.

    `target` is the span of the call (`carrier` ``call``) or of the dict display (``dict``) that
    carries the options. `position` is the index of the option among the target's positional
    arguments when it was given by position. A `value` or `factory` that is a dotted name
    (``torch.bfloat16``, ``transformers.BitsAndBytesConfig``) with `imports` true is spelled through
    the file's own imports, which gain what is missing.
    """

    action: str
    target: Place
    carrier: str
    name: str
    value: str = ""
    names: tuple[str, ...] = ()
    factory: str = ""
    position: int | None = None
    imports: bool = False


@dataclass(frozen=True, slots=True)
class Fix:
    """A repair: its level, what it does in words, and the steps (none for advice)."""

    level: FixLevel
    description: str
    operations: tuple[Operation, ...] = ()
    edits: tuple[Edit, ...] = ()

    @property
    def available(self) -> bool:
        """Whether there is an edit to make, rather than only advice."""
        return self.level is not FixLevel.MANUAL and bool(self.operations)


@dataclass(frozen=True, slots=True)
class Finding:
    """One rule that holds at one place of one file."""

    code: str
    name: str
    level: Level
    confidence: Confidence
    path: str
    place: Place
    message: str
    cell: int | None = None
    model: str | None = None
    params_b: float | None = None
    gpu: str | None = None
    context: str = "inference"
    """``training``, ``test`` (a test by its name or folder), ``library`` (a caller decides) or
    ``inference``."""
    evidence: Mapping[str, Any] = field(default_factory=dict)
    cost: Mapping[str, Any] | None = None
    fix: Fix | None = None
    marks: tuple[Place, ...] = ()
    """Further places that belong to the finding (the keyword that switches it on)."""

    @property
    def sort_key(self) -> tuple[str, int, int, int, str]:
        """Order for reports: by file, cell, line, column, code."""
        return (self.path, self.cell or 0, self.place.line, self.place.column, self.code)


@dataclass(frozen=True, slots=True)
class Problem:
    """A file that could not be examined, or an edit that could not be written."""

    code: str
    path: str
    message: str
    line: int | None = None
    column: int | None = None
