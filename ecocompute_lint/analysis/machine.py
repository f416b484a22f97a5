"""The state of an abstract run of a module: variables, objects, and the path taken to get here."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from typing import Any

from ecocompute_lint.analysis.lists import begun_alike
from ecocompute_lint.analysis.objects import (
    Argument,
    Call,
    Class,
    CommandLine,
    Event,
    Frame,
    Function,
    Loop,
    Mark,
    Obj,
    Ref,
    Seq,
    Step,
)
from ecocompute_lint.analysis.relevance import Relevance
from ecocompute_lint.knowledge import apis, effects
from ecocompute_lint.values import (
    ABSENT_VALUE,
    ALWAYS,
    Alternative,
    Const,
    Guards,
    Input,
    Key,
    Span,
    Symbol,
    Value,
    Ways,
    key_of,
    known,
    union,
)

_BUDGET = 60_000
_DEEPEST_EXPRESSION = 150
_LISTED = frozenset({"dict", "namespace"})
"""Kinds of objects that code goes through field by field."""
_MOST_ROOTS = 1_000
"""So many objects of a table or a list are told apart."""
_MOST_MARKED = 300_000
_FEW_MARKED = 32
"""What happens to an object is told to so many others where very many have been told already."""
_EXISTS = None
"""The field by which a store knows that an object has been made."""
_ENVIRONMENT = re.compile(effects.ENVIRONMENT)
_GPU = re.compile(effects.GPU_PRESENT)
_CAPABILITY = re.compile(effects.GPU_ASKED)


class Store:
    """Values by key, with cheap copies: a fork sees its parent and keeps its own writes."""

    __slots__ = ("data", "parent")

    def __init__(self, parent: Store | None = None) -> None:
        self.data: dict[Any, Value] = {}
        self.parent = parent

    def get(self, key: Any) -> Value | None:
        """The value of `key`, None if it has none."""
        store: Store | None = self
        while store is not None:
            found = store.data.get(key)
            if found is not None:
                return found
            store = store.parent
        return None


def _joined(key: Any, live: list[tuple[Store, Ways]]) -> Value:
    """What a variable or field is after branches: each one's value under its ways."""
    is_field = isinstance(key[0], Obj)
    if is_field:
        # Branches in which the object was not made have nothing to say about it.
        live = [(store, ways) for store, ways in live if store.get((key[0], _EXISTS)) is not None]
    values = [(store.get(key), ways) for store, ways in live]
    present = [(value, ways) for value, ways in values if value is not None]
    first = present[0][0]
    if len(values) == 1 or (
        len(present) == len(values)
        and all(value is first or value == first for value, _ in present)
    ):
        return first
    if len(present) == len(values) and _one_literal(value for value, _ in present):
        return first
    alike = begun_alike(present) if len(present) == len(values) else None
    if alike is not None:
        return alike
    if all(_opaque(value) for value, _ in present):
        # Nothing can be made of any of them, whatever led there.
        return union(value for value, _ in present)
    parts = [value.within(ways) for value, ways in present]
    if is_field:
        parts += [ABSENT_VALUE.within(ways) for value, ways in values if value is None]
    return union(parts)


def _one_literal(values: Iterable[Value]) -> bool:
    """Whether all values are one and the same constant, wherever it stands."""
    found: set[Key] = set()
    for value in values:
        item = value.alternatives[0] if len(value.alternatives) == 1 else None
        if item is None or item.guards or not isinstance(item.payload, (Const, Symbol)):
            return False
        try:
            found.add(key_of(item.payload))
        except TypeError:
            return False
        if len(found) > 1:
            return False
    return True


def _opaque(value: Value) -> bool:
    """Whether nothing is known of a value that could ever matter to an option."""
    for item in value.alternatives:
        payload = item.payload
        if isinstance(payload, Ref):
            obj = payload.obj
            if not payload.part and (obj.kind != "call" or apis.find_api(obj.callee) is not None):
                return False
        elif not isinstance(payload, Input) or payload.default is not None:
            return False
    return True


class Machine:
    """State and the elementary operations on it. Subclasses evaluate code."""

    def __init__(self) -> None:
        self.store = Store()
        self.path: Ways = ALWAYS
        self.module = Frame(None, "module")
        self.frame = self.module
        self.chain: tuple[int, ...] = ()
        self.active: list[ast.AST] = []
        self.objects: dict[tuple[int, tuple[int, ...]], Obj] = {}
        self.inputs: dict[Any, Input] = {}
        self.functions: dict[ast.AST, Function] = {}
        self.classes: dict[ast.AST, Class] = {}
        self.function_marks: dict[ast.AST | None, set[str]] = {}
        self.inlined: set[ast.AST] = set()
        self.followed: set[ast.AST] = set()
        self.telling: set[ast.AST] = set()
        self._layers: dict[Class, bool] = {}
        self.unresolved_compile = False
        self.loops: list[Loop] = []
        self.trail: list[Step] = []
        self.root: ast.AST | None = None
        self.seen: dict[Any, Value | int | None] | None = None
        """What the function that is followed by itself has read of what it did not make."""
        self.awaited: set[int] = set()
        self.events: list[Event] = []
        self.commands: dict[Any, CommandLine] = {}
        """The command lines of engines, by their words and where they are used."""
        self.displays: dict[Span, Span] = {}
        """Of plain words in list displays of flags: the display."""
        self.spoiled: set[Span] = set()
        """Where the lists begin from which something is taken out."""
        self.texts: dict[Input, str] = {}
        """What is known of texts that are not known as a whole."""
        self.steps = 0
        self.depth = 0
        self.marked = 0
        """How often objects have been marked."""

    # -- budget

    @property
    def exhausted(self) -> bool:
        """Whether the run has become too long to follow further calls."""
        return self.steps > _BUDGET

    def too_deep(self) -> bool:
        """Whether the expression at hand is nested beyond what is followed."""
        return self.depth > _DEEPEST_EXPRESSION

    @property
    def elsewhere(self) -> bool:
        """Whether the code at hand stands in another file than the audited one."""
        return self.frame.module is not self.module

    # -- inputs

    def input(
        self, key: Any, name: str, kind: str = "caller", default: Const | Symbol | None = None
    ) -> Input:
        """The input known by `key`: always the same object, so that guards recognise it."""
        found = self.inputs.get(key)
        if found is None or (found.default is None and default is not None):
            found = Input(name, kind, default)
            self.inputs[key] = found
        return found

    def unknown(self, text: str, kind: str = "caller") -> Value:
        """A value of which nothing is known; the same text means the same input."""
        return known(self.input(("text", text, kind), text, kind))

    def judged(self, text: str) -> Input:
        """The input behind a test nobody can evaluate: up to the environment, or to a caller."""
        kind = "environment" if _ENVIRONMENT.search(text) else "caller"
        kind = "gpu" if _GPU.search(text) else kind
        kind = "capability" if _CAPABILITY.search(text) else kind
        return self.input(("test", text), text, kind)

    def learn(self, frame: Frame) -> None:
        """See that it is known what is worth following; defined where imports are."""
        raise TypeError("abstract")

    def forget(self) -> None:
        """Let go of everything, so that it need not be found to be of no more use."""
        store: Store | None = self.store
        while store is not None:
            store.data.clear()
            store = store.parent
        for kept in (self.objects, self.inputs, self.functions, self.classes, self.commands):
            kept.clear()
        self.events.clear()

    def worth(self, found: Relevance) -> None:
        """Note which functions of a module are worth following."""
        self.followed |= found.followed
        self.telling |= found.telling

    # -- variables

    def read_name(self, name: str) -> Value | None:
        """The value of a variable as seen from the current scope."""
        frame: Frame | None = self.frame
        first = True
        while frame is not None:
            if first or frame.kind != "class":
                if frame.waiting is not None and name in frame.waiting:
                    self.need(frame, name)
                found = self.store.get((frame, name))
                if found is not None:
                    if frame.kind == "module":
                        self.observe(frame, name, found)
                    return found
            frame, first = frame.parent, False
        return None

    def observe(self, holder: Frame | Obj, name: str, value: Value | None) -> None:
        """Note what a function reads that is followed by itself, when it first does."""
        if self.seen is None or (holder, name) in self.seen:
            return
        self.seen[holder, name] = value
        for item in value or ():
            if isinstance(item.payload, Ref) and item.payload.obj.kind in _LISTED:
                self.seen.setdefault((item.payload.obj, None), len(item.payload.obj.names))

    def unchanged(self, seen: Mapping[Any, Value | int | None]) -> bool:
        """Whether all that a function has read is still the same."""
        for (holder, name), before in seen.items():
            if name is None:
                if len(holder.names) != before:
                    return False
                continue
            now = self.store.get((holder, name))
            if not (now is before or now == before):
                return False
        return True

    def write_name(self, name: str, value: Value) -> None:
        """Assign a variable in the scope it belongs to."""
        frame = self.frame
        if name in frame.outward:
            outer = frame.parent
            while outer is not None and outer.parent is not None:
                if self.store.get((outer, name)) is not None and outer.kind != "class":
                    break
                outer = outer.parent
            frame = outer or frame
            self.need(frame, name)
        self.store.data[(frame, name)] = value

    def need(self, frame: Frame, name: str) -> None:
        """See that a name of another module has its value; defined where imports are."""
        raise TypeError("abstract")

    # -- objects

    def make(self, kind: str, node: ast.AST, callee: str = "", call: Call | None = None) -> Obj:
        """The object that `node` makes here; the same one when it is reached again."""
        key = (id(node), self.chain)
        found = self.objects.get(key)
        if found is None or found.kind != kind or found.callee != callee:
            found = Obj(kind, node, callee, chain=self.chain)
            self.objects[key] = found
        else:  # made anew, in a loop or a second pass
            for name in found.names:
                self.store.data[(found, name)] = ABSENT_VALUE
            found.names.clear()
            found.assigned.clear()
        self.store.data[(found, _EXISTS)] = ABSENT_VALUE
        found.ways = self.path
        found.function = self.frame.function
        found.root = self.root
        if call is not None:
            found.call = call
        return found

    def read(self, obj: Obj, name: str) -> Value | None:
        """A field of an object."""
        found = self.store.get((obj, name))
        if obj.root is not self.root:
            self.observe(obj, name, found)
        return None if found is ABSENT_VALUE else found

    def write(self, obj: Obj, name: str, value: Value) -> None:
        """Set a field of an object."""
        if name not in obj.names:
            obj.names[name] = Argument(value)
        if self.store.get((obj, _EXISTS)) is None:
            self.store.data[(obj, _EXISTS)] = ABSENT_VALUE
        self.store.data[(obj, name)] = value

    # -- branches

    def join(self, before: Store, branches: Iterable[tuple[Store, Ways]]) -> None:
        """Continue after several branches that left `before`, each in its own ways."""
        live = [(store, ways) for store, ways in branches if ways]
        self.store = before
        if not live:
            return
        touched: dict[Any, None] = {}
        for store, _ in live:
            current: Store | None = store
            while current is not None and current is not before:
                touched.update(dict.fromkeys(current.data))
                current = current.parent
        self.steps += len(touched) // 2
        # The branches read through `before`, so it changes only when all is decided.
        before.data.update({key: _joined(key, live) for key in touched})

    # -- what happens to objects

    def roots(self, value: Value) -> Iterator[tuple[Obj, str, Guards]]:
        """The objects that a value may be or hold, with the part meant and the guards."""
        seen: set[int] = set()
        pending: list[Alternative] = list(value.alternatives)
        while pending:
            item = pending.pop()
            payload = item.payload
            if isinstance(payload, Ref):
                if id(payload.obj) in seen:
                    continue
                if len(seen) >= _MOST_ROOTS:
                    return
                seen.add(id(payload.obj))
                yield payload.obj, payload.part, item.guards
                if payload.obj.kind == "dict":
                    for name in islice(payload.obj.names, _MOST_ROOTS):
                        field = self.read(payload.obj, name)
                        if field is not None:
                            pending.extend(field.alternatives)
            elif isinstance(payload, Seq):
                for element in payload.items[:_MOST_ROOTS]:
                    pending.extend(element.alternatives)

    def mark(self, value: Value, kind: str) -> None:
        """Note that something happens to the objects of a value, and to what they come from."""
        self.note(kind)
        seen: set[int] = set()
        pending = [obj for obj, _, _ in self.roots(value)]
        most = _FEW_MARKED if self.marked > _MOST_MARKED else _MOST_MARKED
        while pending and len(seen) < most:
            obj = pending.pop()
            if id(obj) in seen:
                continue
            seen.add(id(obj))
            obj.marks.add(kind)
            pending.extend(obj.sources)
            if obj.kind == "instance":
                for name in list(obj.names):
                    field = self.read(obj, name)
                    if field is not None:
                        pending.extend(root for root, _, _ in self.roots(field))
        self.marked += len(seen)

    def happens(self, node: ast.Call, receiver: Any, method: str, made: Obj) -> None:
        """Note a call that may generate, if it stands in this file."""
        if self.elsewhere:
            return
        self.events.append(
            Event(
                node,
                receiver,
                method,
                made,
                tuple(self.loops),
                tuple(self.trail),
                self.root,
                self.path,
                id(node) in self.awaited,
                self._assigned(receiver),
            )
        )

    def _assigned(self, receiver: Any) -> dict[str, Argument]:
        if not isinstance(receiver, Ref):
            return {}
        obj, _ = self.component(receiver.obj, receiver.part)
        spans = ((name, obj.assigned.get(name)) for name in effects.CACHE_SETTINGS)
        now = ((name, span, self.read(obj, name)) for name, span in spans if span is not None)
        return {name: Argument(value, span) for name, span, value in now if value is not None}

    def note(self, kind: str) -> None:
        """Note that something of that kind happens in the current function and module."""
        if self.elsewhere:
            return
        self.function_marks.setdefault(self.frame.function, set()).add(kind)
        self.function_marks.setdefault(None, set()).add(kind)

    def compiles(self, value: Value) -> None:
        """Note that the objects of a value are compiled."""
        self.note("compiled")
        found = False
        for obj, part, _ in self.roots(value):
            found = True
            target, name = self.component(obj, part)
            target.compiled.append(Mark("compiled", name, self.path))
        if not found:
            self.unresolved_compile = True

    def component(self, obj: Obj, part: str) -> tuple[Obj, str]:
        """The object behind a part: `pipe.transformer` is what was given as `transformer=`."""
        first = part.split(".", 1)[0]
        if first and obj.kind == "call":
            given = self.read(obj, first)
            if given is not None:
                for root, inner, _ in self.roots(given):
                    return root, inner.split(".", 1)[0]
        return obj, first
