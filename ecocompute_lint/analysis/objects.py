"""What the analysis of Python code knows of run-time objects. Code is read, never run."""

from __future__ import annotations

import ast
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ecocompute_lint.analysis.parts import Waiting
from ecocompute_lint.values import ALWAYS, Guards, Span, Value, Ways


def span_of(node: ast.AST) -> Span:
    """The source span of a node: 1-based lines, 0-based byte columns."""
    return (
        node.lineno,  # type: ignore[attr-defined]
        node.col_offset,  # type: ignore[attr-defined]
        node.end_lineno,  # type: ignore[attr-defined]
        node.end_col_offset,  # type: ignore[attr-defined]
    )


def spot_of(node: ast.AST) -> str:
    """A cheap name for an expression: what it is and where."""
    line, column = getattr(node, "lineno", 0), getattr(node, "col_offset", 0)
    return f"{type(node).__name__} at {line}:{column}"


# As in `values`, what is made very often is not frozen. None of it ever changes.
@dataclass(slots=True, unsafe_hash=True)
class Argument:
    """An argument of a call or an item of a dict.

    `span` is where it stands; `carrier` the call or dict display that holds it literally.
    """

    value: Value
    span: Span | None = None
    carrier: Span | None = None
    carrier_kind: str = "call"
    position: int | None = None
    holder: Obj | None = None
    """The dict that it came from, when a splat brought it."""


@dataclass(slots=True)
class Call:
    """The arguments of one call, splats unfolded where they are known.

    `open` are the ways in which further arguments, unknown to us, are passed; `forwarded` says
    that these are only a function's own ``**kwargs``, empty unless a caller fills them.
    """

    positional: list[Argument] = field(default_factory=list)
    keywords: dict[str, Argument] = field(default_factory=dict)
    open: bool = False
    forwarded: bool = False
    stars: bool = False
    opaque: list[Value] = field(default_factory=list)
    """What is splatted into it whose items are not known."""

    def argument(self, name: str, position: int | None = None) -> Argument | None:
        """The argument of that name, or at that position."""
        found = self.keywords.get(name)
        if found is None and position is not None and position < len(self.positional):
            found = self.positional[position]
        return found

    def values(self) -> list[Value]:
        """All argument values."""
        return [item.value for item in (*self.positional, *self.keywords.values())]


@dataclass(frozen=True, slots=True)
class Mark:
    """Something that happens to an object: ``training``, ``generation``, ``compiled``.

    `part` names the component it happens to (``transformer`` of a pipeline), "" for the whole.
    """

    kind: str
    part: str = ""
    ways: Ways = ALWAYS


@dataclass(eq=False, slots=True)
class Obj:
    """An object that one expression makes.

    `kind` is ``call`` (the result of a call into a library), ``dict``, ``instance`` (of a class of
    this file) or ``namespace`` (parsed options). Fields live in the store, by `names`.
    """

    kind: str
    node: ast.AST
    callee: str = ""
    call: Call = field(default_factory=Call)
    chain: tuple[int, ...] = ()
    function: ast.AST | None = None
    root: ast.AST | None = None
    """The function that was followed by itself when this was made; None at the top level."""
    ways: Ways = ALWAYS
    names: dict[str, Argument] = field(default_factory=dict)
    sources: list[Obj] = field(default_factory=list)
    marks: set[str] = field(default_factory=set)
    halved: list[Guards] = field(default_factory=list)
    """The ways in which it is cast to 16 bit."""
    compiled: list[Mark] = field(default_factory=list)
    assigned: dict[str, Span] = field(default_factory=dict)
    snapshots: dict[int, dict[str, Value]] = field(default_factory=dict)
    users: set[int] = field(default_factory=set)
    """The calls (by node) that a dict is splatted into; 0 stands for any other use."""
    cls: Class | None = None
    entered: set[ast.AST] = field(default_factory=set)
    """Of an instance: its methods that were followed."""
    used: bool = False
    """Of an instance: whether a method was called by others than its own constructor."""
    open: bool = False
    forwarded: bool = False

    @property
    def inside(self) -> tuple[int, ...]:
        """The chain of calls in which its constructor runs."""
        return (*self.chain, id(self.node))

    @property
    def span(self) -> Span:
        """Where it is made."""
        return span_of(self.node)


@dataclass(slots=True, unsafe_hash=True)
class Ref:
    """A payload: one object, or a part of it (``loss`` of a model's output)."""

    obj: Obj
    part: str = ""


@dataclass(slots=True, unsafe_hash=True)
class Seq:
    """A payload: a list or tuple with known items."""

    items: tuple[Value, ...]
    whole: bool = True


@dataclass(frozen=True, slots=True)
class CommandLine:
    """A command line: its words, where it begins, and the ways in which it is run."""

    words: tuple[Value, ...]
    span: Span
    ways: Ways
    chain: tuple[int, ...]
    listed: bool
    """Whether it is a list, whose items can be edited."""


@dataclass(frozen=True, slots=True)
class Local:
    """A payload: a module or package of the audited tree, by name and path."""

    name: str
    path: str


@dataclass(slots=True, unsafe_hash=True)
class Imported:
    """What a name holds that was imported from the audited tree, until it is first read."""

    module: Local
    name: str


@dataclass(slots=True, unsafe_hash=True)
class Loop:
    """A loop or comprehension that is being run, and through how many calls it was reached."""

    node: ast.For | ast.AsyncFor | ast.While | ast.comprehension
    depth: int
    around: ast.AST
    """The statement or expression that repeats: the loop itself, or the whole comprehension."""
    value: Value | None = None
    """What it runs over; None for ``while``."""


@dataclass(slots=True, unsafe_hash=True)
class Step:
    """A call into a function of the file that is being followed."""

    call: ast.expr
    function: Function

    @property
    def hop(self) -> int:
        """0 for a function that is written in the call itself, else 1."""
        inner, outer = span_of(self.function.node), span_of(self.call)
        inside = outer[:2] <= inner[:2] and inner[2:] <= outer[2:]
        return 0 if isinstance(self.function.node, ast.Lambda) and inside else 1


@dataclass(frozen=True, slots=True)
class Event:
    """A call of a method that may generate: on what, and in the middle of what."""

    node: ast.Call
    receiver: Any
    method: str
    made: Obj
    loops: tuple[Loop, ...]
    steps: tuple[Step, ...]
    root: ast.AST | None
    """The function that is run by itself, None at the top level of the module."""
    ways: Ways
    awaited: bool
    settings: Mapping[str, Argument] = field(default_factory=dict)
    """The attributes of the receiver that switch its cache, as they are at the call."""


@dataclass(eq=False, slots=True)
class Frame:
    """One scope: a module, a class body or one call of a function."""

    parent: Frame | None
    kind: str
    function: ast.AST | None = None
    outward: set[str] = field(default_factory=set)
    stars: list[str] = field(default_factory=list)
    returns: list[tuple[Value, Ways]] = field(default_factory=list)
    yields: list[tuple[Value, Ways]] = field(default_factory=list)
    exits: list[tuple[dict[Any, Value], Ways]] = field(default_factory=list)
    """What the code that led to each return had changed outside the scope."""
    instance: Value | None = None
    cls: Class | None = None
    entry: Any = None
    """The store at the start of the call."""
    path: str = ""
    """Of a module: its file."""
    name: str = "__main__"
    waiting: Waiting | None = None
    """Of another module: what of its top level has not been needed yet."""
    module: Frame = field(init=False)
    """The scope of the module that this scope lies in."""

    def __post_init__(self) -> None:
        self.module = self if self.parent is None else self.parent.module


@dataclass(eq=False, slots=True)
class Function:
    """A payload: a function of this file, its defaults already evaluated."""

    node: ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda
    frame: Frame
    defaults: dict[str, Value] = field(default_factory=dict)
    cls: Class | None = None
    decorators: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """Its name."""
        return getattr(self.node, "name", "lambda")


@dataclass(slots=True, unsafe_hash=True)
class Bound:
    """A payload: a function of this file bound to its instance."""

    function: Function
    instance: Value


@dataclass(frozen=True, slots=True)
class Parent:
    """A payload: ``super()`` of a class of the tree, on an instance."""

    cls: Class
    instance: Value


@dataclass(eq=False, slots=True)
class Class:
    """A payload: a class of this file."""

    node: ast.ClassDef
    frame: Frame
    bases: tuple[Value, ...] = ()
    record: bool = False
    """Whether calling it fills its annotated fields (dataclass, pydantic, NamedTuple)."""
    fields: dict[str, Value] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Partial:
    """A payload: ``functools.partial``."""

    function: Value
    call: Call
