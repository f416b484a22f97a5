"""Options and quantizations, read off the arguments that the abstract run has seen."""

from __future__ import annotations

import ast
from collections.abc import Mapping
from dataclasses import dataclass, replace

from ecocompute_lint.analysis.module import Module
from ecocompute_lint.analysis.objects import Argument, Class, Function, Obj, Ref, Seq
from ecocompute_lint.facts import Carrier, Option, Usage
from ecocompute_lint.findings import LINES_OF_A_FILE, Place
from ecocompute_lint.knowledge.api import Api
from ecocompute_lint.knowledge.apis import BITSANDBYTES_PARAMETERS, SWITCHES, find_api
from ecocompute_lint.sources.text import LineMap
from ecocompute_lint.values import (
    ABSENT,
    Alternative,
    Const,
    Input,
    Payload,
    Span,
    Symbol,
    Value,
    known,
    union,
)

_KNOWN_ROOTS = frozenset({"torch", "transformers", "bitsandbytes", "builtins", "numpy", "jax"})
_OPTION_PREFIXES = ("load_in_", "llm_int", "bnb_")
_OTHER_MODULES = "_default"
"""The entry of a table of modules that holds for those without one."""


@dataclass(frozen=True, slots=True)
class Holder:
    """Options as they stand somewhere: in a call, or in a dict given to one."""

    arguments: Mapping[str, Argument]
    values: Mapping[str, Value]
    carrier: Span
    kind: str
    open: bool
    forwarded: bool
    user: Obj
    shared: bool = False


def configuration_in(payload: Payload) -> tuple[Obj, Api] | None:
    """The quantization configuration that a payload is, and its API."""
    if not isinstance(payload, Ref) or payload.part or payload.obj.kind != "call":
        return None
    row = find_api(payload.obj.callee)
    return (payload.obj, row) if row is not None and row.role == "config" else None


class Quantizations:
    """Reads quantizations; the state that this needs of a finished run."""

    def __init__(self, run: Module, lines: LineMap) -> None:
        self.run = run
        self.lines = lines
        self.followed = {id(obj.node) for obj in run.objects.values() if obj.chain}
        self.reached: set[int] = set()
        self.quantized: set[int] = set()
        """The loads whose models are quantized once they are there."""
        self.describing: list[Obj] = []
        """The configurations that are being read."""
        self.roles: dict[int, set[str]] = {}
        self._served: dict[Obj, list[set[str] | None]] = {}
        self._states: dict[Obj, dict[str, Value]] = {}
        for obj in run.objects.values():
            row = find_api(obj.callee) if obj.kind == "call" else None
            self.roles.setdefault(id(obj.node), set()).add(row.role if row is not None else "")

    def holder(self, source: Obj, load: Obj) -> Holder:
        """The options that a dict holds when `load` was called."""
        return Holder(
            source.names,
            self.state(source, load),
            source.span,
            "call" if isinstance(source.node, ast.Call) else "dict",
            source.open,
            source.forwarded,
            load,
            not self._only_for(source, load),
        )

    def _only_for(self, source: Obj, user: Obj) -> bool:
        """Whether a dict serves calls of one sort only, so that editing it mends them all."""
        served = self._served.get(source)
        if served is None:
            served = self._served[source] = []
            for node in source.users:
                roles = self.roles.get(node)
                if roles not in served:
                    served.append(roles)
        wanted = self.roles.get(id(user.node))
        return all(roles == wanted for roles in served)

    def state(self, obj: Obj, load: Obj) -> dict[str, Value]:
        """The fields of an object when `load` was called."""
        kept = load.snapshots.get(id(obj))
        if kept is not None:
            return kept
        known = self._states.get(obj)
        if known is None:
            fields = ((name, self.run.read(obj, name)) for name in obj.names)
            known = {name: value for name, value in fields if value is not None}
            self._states[obj] = known
        return known

    def top(self, obj: Obj, load: Obj) -> Holder:
        """The options that stand in a call itself, as they are when `load` is called."""
        unseen = obj.call.open or (obj.call.stars and not obj.call.positional)
        forwarded = obj.call.forwarded
        return Holder(obj.names, self.state(obj, load), obj.span, "call", unseen, forwarded, obj)

    def configured(self, obj: Obj, row: Api, load: Obj | None) -> Usage:
        """The quantization that a configuration object describes."""
        holder = self.top(obj, load or obj)
        place = obj.span
        for name in SWITCHES:
            if name in obj.assigned and holder.values[name].constant() is not False:
                place = obj.assigned[name]
        if obj in self.describing:  # made of itself, in a loop
            return self.quantization(row, "config", place, holder, row.defaults)
        self.describing.append(obj)
        made = self._described(row, place, holder, load or obj)
        self.describing.pop()
        return made

    def _described(self, row: Api, place: Span, holder: Holder, load: Obj) -> Usage:
        """The quantization that options describe, with what the objects among them say."""
        made = self.quantization(row, "config", place, holder, row.defaults)
        options = dict(made.options)
        carrier = made.carrier
        reader = self._reader(row, holder)
        for name in row.nested:
            for item in holder.values.get(name) or ():
                inner = item.payload.obj if isinstance(item.payload, Ref) else None
                found = configuration_in(item.payload)
                if inner is not None and inner.kind == "dict" and reader is not None:
                    more = self._described(reader, place, self.holder(inner, load), load)
                    made = replace(made, api=more.api, method=more.method)
                    options.update(more.options)
                    carrier = more.carrier
                elif found is not None:
                    options.update(self.reach(*found, load).options)
        for name in row.modules:
            options.update(self._of_modules(holder.values.get(name), load))
        for name, words in row.means.items():
            value = holder.values.get(name)
            word = value.constant() if value is not None else None
            for option, meant in words.get(word, {}).items() if isinstance(word, str) else ():
                options[option] = Option(known(Const(meant)), written=False)
        return replace(made, options=options, carrier=None if row.fixed else carrier)

    def reach(self, obj: Obj, row: Api, load: Obj) -> Usage:
        """What a configuration says that is part of another, and so stands for nothing alone."""
        self.reached.add(id(obj.node))
        return self.configured(obj, row, load)

    @staticmethod
    def _reader(row: Api, holder: Holder) -> Api | None:
        """What reads a nested dict: the backend that is named, None if nothing is known of it."""
        reader: Api | None = replace(row, nested=())
        for name, rows in row.backends.items():
            value = holder.values.get(name)
            word = value.constant() if value is not None else None
            if isinstance(word, str):
                reader = find_api(rows.get(word, ""))
        return reader

    def _of_modules(self, table: Value | None, load: Obj) -> dict[str, Option]:
        """What a table of modules makes of the model: its default, else what all entries share."""
        payload = table.only if table is not None else None
        if not isinstance(payload, Ref) or payload.obj.kind != "dict":
            return {}
        entries = {
            name: options
            for name, value in self.state(payload.obj, load).items()
            if (options := self._of_module(value, load)) is not None
        }
        shared = entries.get(_OTHER_MODULES) or {}
        if not shared and entries and not payload.obj.open:
            first, *others = entries.values()
            shared = {
                name: value
                for name, value in first.items()
                if all(other.get(name) == value for other in others)
            }
        return {name: Option(value, written=False) for name, value in shared.items()}

    def _of_module(self, entry: Value, load: Obj) -> dict[str, Value] | None:
        """The options that one entry stands for; None if it leaves its modules as they are."""
        found: list[tuple[Alternative, Usage | None]] = []
        for item in entry:
            inner = configuration_in(item.payload)
            if inner is not None:
                found.append((item, self.reach(*inner, load)))
            elif item.payload is ABSENT or item.payload == Const(None):
                found.append((item, None))
            else:
                return {}
        names = dict.fromkeys(name for _, made in found if made for name in made.options)
        if not any(made for _, made in found):
            return None
        plain = Option(known(Const(None)))
        return {
            name: union(
                (made.options if made else {}).get(name, plain).value.within((item.guards,))
                for item, made in found
            )
            for name in names
        }

    def quantization(
        self, row: Api, spelling: str, place: Span, holder: Holder, defaults: Mapping[str, object]
    ) -> Usage:
        """The quantization that the options of `holder` make."""
        written = [
            name
            for name in holder.values
            if name in BITSANDBYTES_PARAMETERS or name.startswith(_OPTION_PREFIXES)
        ]
        options: dict[str, Option] = {}
        for name in dict.fromkeys((*defaults, *written)):
            own = row.spelled.get(name, name)
            options[name] = self.option(name, own, holder, defaults.get(name))
        for name, value in row.implied.items():
            options[name] = Option(known(Const(value)), written=False)
        carrier = None
        if not row.fixed and not holder.shared:
            carrier = self.carrier(holder.carrier, holder.kind)
        return Usage(
            row.name,
            row.method,
            "layer" if row.role == "layer" else spelling,
            self.place(place),
            options,
            carrier,
            row.spelled,
            row.factory if row.legacy else "",
        )

    def option(self, name: str, own: str, holder: Holder, default: object) -> Option:
        """One option by its canonical name, and by what this API calls it."""
        value = holder.values.get(own)
        missing = self._missing(name, holder, default)
        if value is None:
            return Option(missing, written=False)
        argument = holder.arguments.get(own)
        settled = self.settled(value)
        if any(item.payload is ABSENT for item in settled):
            parts = [
                missing.within((item.guards,)) if item.payload is ABSENT else Value((item,))
                for item in settled
            ]
            settled = union(parts)
        if argument is None:
            return Option(settled)
        carrier = None
        shared = argument.holder is not None and not self._only_for(argument.holder, holder.user)
        if argument.carrier is not None and not shared:
            carrier = self.carrier(argument.carrier, argument.carrier_kind)
        place = self.place(argument.span) if argument.span is not None else None
        return Option(settled, place, carrier, argument.position)

    def _missing(self, name: str, holder: Holder, default: object) -> Value:
        """What an option nobody writes is: the library's default, unless a splat may hold it."""
        payload: Const | Input = Const(default)
        if holder.open or (holder.forwarded and name in SWITCHES):
            payload = self.run.input(("splat", holder.carrier, name), f"{name} in **splat")
        elif holder.forwarded:
            key = ("splat", holder.carrier, name)
            payload = self.run.input(key, f"{name} in **splat", "default", Const(default))
        return Value((Alternative(payload, default=True),))

    def settled(self, value: Value) -> Value:
        """A value in terms of facts only: literals, known symbols and inputs."""
        return Value(
            tuple(
                Alternative(
                    self._plain(item.payload),
                    item.guards,
                    tuple(self._converted(span) for span in item.via),
                    self._converted(item.origin) if item.origin is not None else None,
                    item.default,
                )
                for item in value
            )
        )

    def _plain(self, payload: Payload) -> Payload:
        if isinstance(payload, Symbol):
            if payload.name.split(".", 1)[0] in _KNOWN_ROOTS:
                return payload
            return self.run.input(("symbol", payload.name), payload.name)
        if isinstance(payload, Ref):
            if payload.obj.kind == "dict" and not payload.part and list(payload.obj.names) == [""]:
                inner = self.run.read(payload.obj, "")  # device_map={"": 0}
                if inner is not None and isinstance(inner.only, Const):
                    return inner.only
            if payload.part or payload.obj.kind == "call":
                row = find_api(payload.obj.callee)
                if row is None or payload.part:
                    return self.run.input(
                        ("object", id(payload.obj), payload.part), "the result of a call"
                    )
            return Symbol(f"object {payload.obj.callee or payload.obj.kind}")
        if isinstance(payload, (Seq, Class, Function)):
            return Symbol(f"object {type(payload).__name__}")
        if isinstance(payload, (Const, Input)) or payload is ABSENT:
            return payload
        return Symbol("object")

    # -- places

    def carrier(self, span: Span, kind: str) -> Carrier | None:
        """A piece of source that can be edited; None for one in another file."""
        place = self.place(span)
        return None if place.elsewhere else Carrier(place, kind)

    def place(self, span: Span) -> Place:
        """A raw span as a place in characters."""
        line, column, end_line, end_column = span
        if line >= LINES_OF_A_FILE:
            return Place(line, column + 1, end_line, end_column + 1)
        return Place(
            line,
            self.lines.column(line, column),
            end_line,
            self.lines.column(end_line, end_column),
        )

    def _converted(self, span: Span) -> Span:
        place = self.place(span)
        return (place.line, place.column, place.end_line, place.end_column)
