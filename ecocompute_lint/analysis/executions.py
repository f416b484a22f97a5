"""Facts on how models are executed: engines, loads, batch sizes of one, caches switched off."""

from __future__ import annotations

import ast
import math
from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from itertools import islice

from ecocompute_lint.analysis.objects import Argument, Call, Event, Loop, Obj, Ref
from ecocompute_lint.analysis.repetition import fed_by
from ecocompute_lint.analysis.servers import Servers
from ecocompute_lint.facts import Deployment, Load, Option, Usage
from ecocompute_lint.knowledge.api import Api
from ecocompute_lint.knowledge.apis import find_api
from ecocompute_lint.knowledge.effects import CACHE_SETTINGS, DECODING_METHODS, PLACING_WORDS
from ecocompute_lint.knowledge.generators import DECODING_TASKS, INPUTS
from ecocompute_lint.values import (
    ABSENT,
    Const,
    Value,
    Ways,
    known,
    opposite,
    simplified,
    union,
)

_FALSE = known(Const(False))
_DECODING = frozenset({"decoding", "stepwise"})
"""Marks of a model that decodes: by its own method, or step by step in a loop."""
_FAR = 32
"""So many objects are looked at for the data loader behind a loop."""


class Executions(Servers):
    """Reads engines, loads and settings."""

    def executions(self) -> Iterator[Deployment]:
        """All facts on execution."""
        for obj in list(self.run.objects.values()):
            row = find_api(obj.callee) if obj.kind == "call" and self._counts(obj) else None
            if row is None:
                continue
            if row.role == "engine":
                yield self._engine(obj, row)
            elif row.role == "load":
                yield from self._loaded(obj, row)
        yield from self.servers()
        yield from self.generations()
        yield from self._one_by_one()

    # -- engines

    def _engine(self, obj: Obj, row: Api) -> Deployment:
        load = self._load(obj, row, self.top(obj, obj))
        traits = {
            "generates": known(Const(True)),
            "on_gpu": known(Const(self._on_gpu(obj, load) is not False)),
            "halved": known(Const(False)),
            "quantized_later": known(Const(False)),
        }
        usage = self._usage(obj, row)
        return Deployment(usage, load, "inference", _FALSE, obj.ways, kind="engine", traits=traits)

    def _usage(self, obj: Obj, row: Api) -> Usage:
        """A call with its options: those written, and the defaults of the others."""
        holder = self.top(obj, obj)
        names = dict.fromkeys((*row.defaults, *holder.values))
        options: dict[str, Option] = {
            name: self.option(name, name, holder, row.defaults.get(name))
            # What nobody is seen to write is not looked for in what a splat may hold.
            if name in holder.values
            else Option(known(Const(row.defaults[name])), written=False)
            for name in names
            if name.isidentifier()
        }
        place = self.place(obj.span)
        return Usage(row.name, row.name, "call", place, options, self.carrier(obj.span, "call"))

    # -- loads

    def _loaded(self, obj: Obj, row: Api) -> Iterator[Deployment]:
        top = self.top(obj, obj)
        usage = self._usage(obj, row)
        inner = self.inner(obj)
        if inner is not None:  # a pipeline around a loaded model loads nothing, and makes batches
            load, context = inner
            yield Deployment(usage, load, context, _FALSE, obj.ways, kind="engine")
            return
        load = self._load(obj, row, top)
        task = top.values.get("task")
        name = task.constant() if task is not None else None
        decodes = isinstance(name, str) and DECODING_TASKS.fullmatch(name) is not None
        traits = {
            "generates": known(Const(decodes or not _DECODING.isdisjoint(obj.marks))),
            "on_gpu": known(Const(self._on_gpu(obj, load))),
            "halved": _in_ways(tuple(obj.halved)),
            "placed": self._placed(obj, load),
            "inputs_placed": known(Const(self._inputs_placed(obj))),
            "quantized_later": known(Const(id(obj.node) in self.quantized)),
        }
        context = self._context(obj)
        compiled = self._compiled(obj, "")
        yield Deployment(usage, load, context, compiled, obj.ways, kind="load", traits=traits)
        if "decoding" in obj.marks:
            yield from self._cache_of(obj, usage, load, context)

    def _on_gpu(self, obj: Obj, load: Load) -> bool | None:
        """Whether the model is put on a GPU: None where nothing says."""
        if "cpu" in obj.marks and "gpu" not in obj.marks:
            return False
        if "gpu" in obj.marks:
            return True
        for name in ("device_map", "device"):
            option = load.options.get(name)
            for item in option.value if option is not None else ():
                value = item.payload.value if isinstance(item.payload, Const) else None
                if value == "cpu":
                    return False
                if isinstance(value, str) or value == 0:
                    return True
                if value is None and item.payload is not ABSENT:
                    continue
        return None

    def _placed(self, obj: Obj, load: Load) -> Value:
        """Whether the file puts the model on any device; unknown where others may do it."""
        given = (load.options[name] for name in ("device_map", "device"))
        told = any(o.written and any(i.payload != Const(None) for i in o.value) for o in given)
        if told or "placed" in obj.marks or self._places_all:
            return known(Const(True))
        if "escape" in obj.marks or obj.call.open or self._in_subclass(obj):
            return self.run.unknown("placed elsewhere")
        return known(Const(False))

    @cached_property
    def _places_all(self) -> bool:
        """Whether the file says where all models are put."""
        return any(word in self.lines.text for word in PLACING_WORDS)

    def _in_subclass(self, obj: Obj) -> bool:
        """Whether it is made in a class with bases, such as a module that is moved as a whole."""
        line = obj.span[0]
        place = bisect_right(self._subclasses, (line, math.inf)) - 1
        return place >= 0 and line <= self._subclasses[place][1]

    @cached_property
    def _subclasses(self) -> list[tuple[int, float]]:
        """The first and last lines of the classes with bases, in order."""
        return [
            (node.lineno, node.end_lineno or node.lineno)
            for node in self.run.tree.body
            if isinstance(node, ast.ClassDef) and node.bases
        ]

    def _inputs_placed(self, obj: Obj) -> bool:
        """Whether all that the model decodes from is put on a device that is not the CPU."""
        calls = [event.made.call for event in self._decoding.get(obj, ())]
        return bool(calls) and all(map(self._fed_from_gpu, calls))

    def _fed_from_gpu(self, call: Call) -> bool:
        named = (item.value for name, item in call.keywords.items() if name in INPUTS)
        values = [*(item.value for item in call.positional[:1]), *named, *call.opaque]
        marks = [root.marks for value in values for root, _, _ in self.run.roots(value)]
        return bool(marks) and all(
            "placed" in item and ("gpu" in item or "cpu" not in item) for item in marks
        )

    @cached_property
    def _decoding(self) -> Mapping[Obj, Sequence[Event]]:
        """The calls that decode, by the object that they happen to."""
        found: dict[Obj, list[Event]] = {}
        for event in self.run.events:
            receiver = event.receiver
            if event.method in DECODING_METHODS and isinstance(receiver, Ref):
                obj, _ = self.run.component(receiver.obj, receiver.part)
                found.setdefault(obj, []).append(event)
        return found

    def _cache_of(self, obj: Obj, usage: Usage, load: Load, context: str) -> Iterator[Deployment]:
        """A key-value cache that the load, or an attribute of the model, switches off."""
        for settings in self._settings(obj):
            option, made = usage.options.get("use_cache"), usage
            for name in CACHE_SETTINGS:
                given = settings.get(name)
                if given is None or given.span is None or _is_own(given.value, obj, name):
                    continue
                option = Option(self.settled(given.value), self.place(given.span))
                made = replace(usage, place=self.place(given.span), carrier=None)
            if option is not None:
                made = replace(made, options={"use_cache": option})
                yield Deployment(made, load, context, _FALSE, obj.ways, kind="generation")

    def _settings(self, obj: Obj) -> Iterator[Mapping[str, Argument]]:
        """What is assigned to a model wherever it decodes and the call leaves the cache to it."""
        events = self._decoding.get(obj, ())
        for event in events:
            options = self.generating_options(event)
            tokens = options.get("max_new_tokens")
            one = tokens is not None and tokens.value.constant() == 1
            if not one and "use_cache" not in options:
                yield event.settings
        if not events:
            yield {
                name: Argument(value, span)
                for name in CACHE_SETTINGS
                if (span := obj.assigned.get(name)) is not None
                and (value := self.run.read(obj, name)) is not None
            }

    # -- batches of one

    def _one_by_one(self) -> Iterator[Deployment]:
        """Data loaders whose loop generates, as the batches that they make."""
        seen: set[int] = set()
        for event in self.run.events:
            row = self._row(event)
            if row is None or event.awaited:
                continue
            loop = fed_by(event, row, self.flows)
            for obj in self._data_behind(loop) if loop is not None else ():
                if id(obj) not in seen:
                    seen.add(id(obj))
                    yield self._data(obj, event)

    def _data_behind(self, loop: Loop) -> Iterator[Obj]:
        """The data loaders that a loop runs over, through `tqdm`, `enumerate` and the like."""
        pending = [root for root, _, _ in self.run.roots(loop.value)] if loop.value else []
        for obj in islice(pending, _FAR):
            row = find_api(obj.callee)
            if row is not None and row.role == "data":
                yield obj
            elif obj.kind == "call":
                pending.extend(source for source in obj.sources if source not in pending)

    def _data(self, obj: Obj, event: Event) -> Deployment:
        row = find_api(obj.callee)
        assert row is not None
        load, context = self._of_receiver(event)
        return Deployment(self._usage(obj, row), load, context, _FALSE, obj.ways, kind="engine")


def _is_own(value: Value, obj: Obj, name: str) -> bool:
    """Whether a value is what the attribute was before: saved by the program, and put back."""
    return all(
        isinstance(item.payload, Ref) and item.payload.obj is obj and item.payload.part == name
        for item in value
    )


def _in_ways(ways: Ways) -> Value:
    """True in these ways, and else false."""
    if not ways:
        return _FALSE
    found = [known(Const(True)).within(ways)]
    rest = opposite(simplified(ways))
    return union([*found, _FALSE.within(rest)] if rest else found)
