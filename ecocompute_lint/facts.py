"""What a program does, as far as rules are concerned: plain data, the same for every kind of file.

Readers of source files produce facts; rules look at nothing else.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from typing import TYPE_CHECKING

from ecocompute_lint.findings import Place
from ecocompute_lint.frozen import dataclass
from ecocompute_lint.values import ALWAYS, Value, Ways

if TYPE_CHECKING:
    from ecocompute_lint.versions import Range


@dataclass(frozen=True, slots=True, repr=False)
class PackagePin:
    """What a project says of a package: the versions it allows, as which line, in which file."""

    package: str
    versions: Range
    text: str
    path: str

    def __repr__(self) -> str:
        return f"{self.text} in {self.path}"


@dataclass(frozen=True, slots=True)
class Carrier:
    """The piece of source that carries options and can be edited: a call or a dict display."""

    place: Place
    kind: str
    """``call``, ``dict``, ``list``, or ``text``: what a removal deletes in any other file."""
    value: Place | None = None
    """Of a ``text``: where the option's value stands."""


@dataclass(frozen=True, slots=True)
class Option:
    """One option of a call: its value and where it is written.

    `carrier` is the call or dict display that holds it literally (None if it comes from elsewhere,
    such as a splatted name or an attribute set later); `position` its index if given by position.
    """

    value: Value
    place: Place | None = None
    carrier: Carrier | None = None
    position: int | None = None
    written: bool = True


@dataclass(frozen=True, slots=True)
class Load:
    """A call that loads a model."""

    api: str
    place: Place
    model: Value
    """The model's name or path."""
    options: Mapping[str, Option] = field(default_factory=dict)
    """What is given to it that rules look at: switches, configuration, placement, dtype."""
    quantization: Usage | None = None
    """What its configuration object says, if there is just one and it is known."""


@dataclass(frozen=True, slots=True)
class Usage:
    """A use of a library: a quantization that is switched on, a call that generates, an engine.

    `options` hold every option by its canonical name; those nobody wrote stand there with the
    library's default. `spelled` maps canonical names to what this API calls them.
    """

    api: str
    method: str
    spelling: str
    """``config``, ``argument`` (a keyword of the loading call), ``dict``, ``layer``, or
    ``applied`` (to a model that is there)."""
    place: Place
    options: Mapping[str, Option]
    carrier: Carrier | None = None
    """Where an option can be added."""
    spelled: Mapping[str, str] = field(default_factory=dict)
    factory: str = ""
    """The configuration class that replaces legacy arguments."""


@dataclass(frozen=True, slots=True)
class Deployment:
    """A usage together with the load it reaches or works on, and what becomes of the model."""

    usage: Usage
    load: Load | None
    context: str
    """``inference`` or ``training``."""
    compiled: Value
    ways: Ways = ALWAYS
    """Under which circumstances it exists."""
    kind: str = "quantization"
    """What sort of usage it is: rules name the sort that they look at."""
    traits: Mapping[str, Value] = field(default_factory=dict)
    """What is known of the usage beyond its options: the loop around it, the handler it is in."""
    words: Mapping[str, str] = field(default_factory=dict)
    """Texts for messages, by the name of their placeholder."""
    marks: tuple[Place, ...] = ()
    """Further places that belong to it."""
    engine: Place | None = None
    """Of a generation: the engine that it is asked of."""
