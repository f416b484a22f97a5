"""What calls do: functions of the file are followed, libraries are looked up in the tables."""

from __future__ import annotations

import ast
from dataclasses import replace

from ecocompute_lint.analysis import library
from ecocompute_lint.analysis.callbacks import Callbacks
from ecocompute_lint.analysis.objects import (
    Argument,
    Bound,
    Call,
    Class,
    Function,
    Obj,
    Partial,
    Ref,
    Seq,
    span_of,
    spot_of,
)
from ecocompute_lint.knowledge import apis, effects
from ecocompute_lint.knowledge.generators import DECODING_TASKS
from ecocompute_lint.values import (
    ABSENT_VALUE,
    Const,
    Guards,
    Input,
    Payload,
    Symbol,
    Value,
    conjunction,
    known,
    union,
)

_DEEPEST_CHAIN = 4
_MOST_CALLEES = 6
_MOST_NAMES = 200
"""A dict with more keys is no set of options."""


class Calls(Callbacks):
    """Evaluates calls."""

    def call(self, node: ast.Call) -> Value:
        """What a call returns."""
        callees = _one_loader(self.evaluate(node.func))
        arguments = self.arguments(node)
        before = self.path
        found: list[Value] = []
        for item in callees.alternatives[:_MOST_CALLEES]:
            path = conjunction(before, (item.guards,))
            if not path:
                continue
            self.path = path
            value = self.called_back(item.payload, arguments, node)
            if value is None:
                value = self.apply(item.payload, arguments, node)
            found.append(value.within((item.guards,)))
        self.path = before
        return union(found) if found else self.unknown(spot_of(node))

    def arguments(self, node: ast.Call) -> Call:
        """The evaluated arguments, with dicts given as ``**splat`` unfolded."""
        call = Call()
        carrier = span_of(node)
        for position, item in enumerate(node.args):
            if isinstance(item, ast.Starred):
                self._star(call, self.evaluate(item.value))
            else:
                argument = Argument(self.evaluate(item), span_of(item), carrier, "call", position)
                call.positional.append(argument)
        for keyword in node.keywords:
            value = self.evaluate(keyword.value)
            if keyword.arg is None:
                self.splat(call, value, node)
            else:
                call.keywords[keyword.arg] = Argument(value, span_of(keyword), carrier)
        return call

    def _star(self, call: Call, value: Value) -> None:
        payload = value.only
        if isinstance(payload, Seq) and payload.whole:
            call.positional.extend(Argument(item) for item in payload.items)
        else:
            call.stars = True

    def splat(self, call: Call, value: Value, node: ast.Call) -> None:
        """Add the items of a dict as keyword arguments."""
        found: dict[str, list[Value]] = {}
        missing: list[Guards] = []
        for item in value.given(self.path):
            obj = item.payload.obj if isinstance(item.payload, Ref) else None
            plain = obj is not None and obj.kind in ("dict", "instance") and not item.payload.part
            if obj is None or not plain or len(obj.names) > _MOST_NAMES:
                call.open |= not isinstance(item.payload, Const)
                call.opaque.append(known(item.payload))
                missing.append(item.guards)
                continue
            obj.users.add(id(node))
            call.open |= obj.open
            call.forwarded |= obj.forwarded
            given = {
                name: field.within((item.guards,))
                for name in obj.names
                if name.isidentifier() and (field := self.read(obj, name)) is not None
            }
            for name in dict.fromkeys((*found, *given)):
                earlier = found.setdefault(name, [_absent(guards) for guards in missing])
                earlier.append(given.get(name) or _absent(item.guards))
                if name in given:
                    self._keyword(call, obj, name)
            missing.append(item.guards)
        for name, values in found.items():
            call.keywords[name] = replace(call.keywords[name], value=union(values))

    def _keyword(self, call: Call, obj: Obj, name: str) -> None:
        """Note where a keyword argument that a dict brings is written."""
        origin = obj.names[name]
        carrier = None if name in obj.assigned else origin.carrier
        call.keywords[name] = Argument(
            origin.value, origin.span, carrier, origin.carrier_kind, holder=obj
        )

    # -- dispatch

    def apply(self, payload: Payload, call: Call, node: ast.Call) -> Value:
        """Call one thing."""
        if isinstance(payload, Function):
            return self.enter(payload, call, node, None)
        if isinstance(payload, Bound):
            return self.enter(payload.function, call, node, payload.instance)
        if isinstance(payload, Class):
            return self.instantiate(payload, call, node)
        if isinstance(payload, Partial):
            return self._partial(payload, call, node)
        if isinstance(payload, Symbol):
            return self.external(payload.name, call, node)
        if isinstance(payload, Ref):
            return self._method(payload, call, node)
        if isinstance(payload, Input):
            return self._unknown_call(payload, call, node)
        return self.unknown(spot_of(node))

    def _partial(self, partial: Partial, call: Call, node: ast.Call) -> Value:
        merged = Call(
            [*partial.call.positional, *call.positional],
            {**partial.call.keywords, **call.keywords},
            partial.call.open or call.open,
        )
        return union(self.apply(item.payload, merged, node) for item in partial.function)

    def _unknown_call(self, callee: Input, call: Call, node: ast.Call) -> Value:
        name = callee.name.rsplit(".", 1)[-1]
        obj = self.result(f"?.{name}", call, node)
        handler = library.UNKNOWN_METHODS.get(name)
        if handler is not None:
            value = handler(self, callee, call, node)
            if value is not None:
                return value
        self.effects(f"?.{name}", obj, call)
        if name in effects.GENERATING_METHODS:
            self.happens(node, callee, name, obj)
        return known(Ref(obj))

    # -- libraries

    def external(self, callee: str, call: Call, node: ast.Call) -> Value:
        """Call something imported."""
        if callee.startswith("super:"):
            callee = callee[len("super:") :].removesuffix(".__init__")
        self.runs(callee, call, node)
        handler = library.FUNCTIONS.get(callee)
        if handler is not None:
            value = handler(self, call, node)
            if value is not None:
                return value
        obj = self.result(callee, call, node)
        self.effects(callee, obj, call)
        row = apis.find_api(callee)
        alias = effects.alias_of(callee)
        if alias is not None and (row is None or row.role == "other"):
            given = call.argument(*alias)
            if given is not None and any(True for _ in self.roots(given.value)):
                return given.value
            if callee == "torch.compile":  # used as a decorator factory
                self.unresolved_compile = True
        if row is not None and row.role in ("load", "apply"):
            self._snapshot(obj, call)
            if row.name == "transformers.pipeline" and _decodes(call):
                for value in call.values():
                    self.mark(value, "decoding")
            if row.name == "accelerate.load_and_quantize_model" and call.positional:
                obj.sources = [root for root, _, _ in self.roots(call.positional[0].value)]
        return known(Ref(obj))

    def result(self, callee: str, call: Call, node: ast.Call) -> Obj:
        """The object a library call returns; its arguments are its first fields."""
        obj = self.make("call", node, callee, call)
        row = apis.find_api(callee)
        for name, argument in call.keywords.items():
            obj.names[name] = argument
            self.write(obj, name, argument.value)
        if row is not None:
            for name, argument in zip(row.parameters, call.positional, strict=False):
                obj.names[name] = argument
                self.write(obj, name, argument.value)
        if row is None or row.role != "config":
            obj.sources = [
                root
                for value in call.values()
                for root, part, _ in self.roots(value)
                if root is not obj and part.split(".")[-1] not in effects.GENERATION_METHODS
            ]
        return obj

    def _snapshot(self, obj: Obj, call: Call) -> None:
        """Keep the state of the configurations that a load is given, as they are now."""
        pending = [root for value in call.values() for root, _, _ in self.roots(value)]
        while pending:
            root = pending.pop()
            if id(root) in obj.snapshots:
                continue
            fields = {name: self.read(root, name) for name in root.names}
            obj.snapshots[id(root)] = {
                name: value for name, value in fields.items() if value is not None
            }
            for value in obj.snapshots[id(root)].values():
                pending.extend(inner for inner, _, _ in self.roots(value))

    def effects(self, callee: str, obj: Obj, call: Call) -> None:
        """Note what a call does to the models it is given."""
        if effects.trains(callee) or self._is_true(call, "is_trainable"):
            for value in call.values():
                self.mark(value, "training")
            self.note("training")
            obj.marks.add("training")
        if effects.compiles(callee) and (call.positional or call.keywords):
            first = call.argument("model", 0) or call.argument("fn", 0)
            if first is not None:
                self.compiles(first.value)
        if effects.places(callee):
            for value in call.values():
                self._placed(value)
        row = apis.find_api(callee)
        if row is None and effects.alias_of(callee) is None:
            for value in call.values():
                for root, _, _ in self.roots(value):
                    root.marks.add("escape")

    def _is_true(self, call: Call, name: str) -> bool:
        argument = call.keywords.get(name)
        return argument is not None and argument.value.constant() is True

    def _method(self, ref: Ref, call: Call, node: ast.Call) -> Value:
        """Call a method of an object that a library made (or call the object itself)."""
        obj = ref.obj
        name = ref.part.rsplit(".", 1)[-1]
        handler = library.METHODS.get((obj.callee or obj.kind, name)) or library.METHODS.get(
            (obj.kind, name)
        )
        if handler is not None:
            value = handler(self, obj, call, node)
            if value is not None:
                return value
        owner = Ref(obj, ref.part.rpartition(".")[0])
        base = obj.callee.rsplit(".", 1)[0] if obj.callee.endswith(".load") else obj.callee
        made = self.result(f"{base}.{name}" if name else f"{base}.__call__", call, node)
        whole = known(owner)
        if name in effects.TRAINING_METHODS or (name == "train" and not _given_false(call)):
            self.mark(whole, "training")
            for value in call.values():
                self.mark(value, "training")
        elif name in effects.GENERATION_METHODS or not name:
            self.mark(whole, "generation")
            if name in effects.DECODING_METHODS:
                self.mark(whole, "decoding")
            self._static_cache(whole, call)
            if not name and self.loops and _continues(node):
                self.mark(whole, "stepwise")
            if not name or name in effects.GENERATING_METHODS:
                self.happens(node, owner, name, made)
        elif name == "step" and effects.is_optimizer(obj.callee):
            self.mark(whole, "training")
        elif name in effects.COMPILING_METHODS and "optimizer" not in call.keywords:
            self.compiles(whole)
        elif name in ("prepare", "prepare_model"):
            for value in call.values():
                self._placed(value)
            items = tuple(argument.value for argument in call.positional)
            return items[0] if len(items) == 1 else known(Seq(items))
        if name in effects.ALIAS_METHODS:
            self._moves(whole, name, call)
            return whole
        if name not in effects.GENERATION_METHODS:
            made.sources = [*made.sources, obj]
        for value in call.values():
            for root, _, _ in self.roots(value):
                root.marks.add("escape")
        return known(Ref(made))

    def _moves(self, model: Value, method: str, call: Call) -> None:
        """Note on what device or in which type a model ends up."""
        words = {method} if method != "to" else set(_words(call))
        kinds = {kind for kind, names in effects.PLACES.items() if not names.isdisjoint(words)}
        if method in effects.PLACING_METHODS and not (words and words <= effects.TYPES):
            kinds.add("placed")
        for obj, _, _ in self.roots(model):
            obj.marks.update(kinds)
            if "half" in kinds:
                obj.halved.extend(self.path)

    def _placed(self, value: Value) -> None:
        """Note that the objects of a value are put on a device."""
        for obj, _, _ in self.roots(value):
            obj.marks.add("placed")

    def _static_cache(self, model: Value, call: Call) -> None:
        if self._is_true(call, "disable_compile"):
            return
        given = [call.keywords.get("cache_implementation")]
        config = call.keywords.get("generation_config")
        for root, _, _ in self.roots(config.value) if config is not None else ():
            given.append(root.names.get("cache_implementation"))
        if any(cache is not None and cache.value.constant() == "static" for cache in given):
            self.compiles(model)
        past = call.keywords.get("past_key_values")
        if past is not None and any(
            root.callee.endswith("StaticCache") for root, _, _ in self.roots(past.value)
        ):
            self.compiles(model)


def _continues(node: ast.Call) -> bool:
    """Whether a forward pass goes on from the cache of an earlier one, as decoding does."""
    return any(
        keyword.arg == "past_key_values" and not isinstance(keyword.value, ast.Constant)
        for keyword in node.keywords
    )


def _decodes(call: Call) -> bool:
    """Whether a pipeline may decode, by its task."""
    task = call.argument("task", 0)
    name = task.value.constant() if task is not None else None
    return not isinstance(name, str) or DECODING_TASKS.fullmatch(name) is not None


def _one_loader(callees: Value) -> Value:
    """Which model class is chosen matters little: all that load the same way are one."""
    names = [item.payload.name for item in callees if isinstance(item.payload, Symbol)]
    rows = {apis.find_api(name) for name in names}
    if len(names) < 2 or len(names) < len(callees.alternatives) or len(rows) > 1 or None in rows:
        return callees
    return known(Symbol(names[0]))


def _words(call: Call) -> list[str]:
    """The device or type that `to` is given, as a word, whatever the spelling."""
    found = []
    for value in call.values():
        for item in value:
            payload = item.payload.default if isinstance(item.payload, Input) else item.payload
            if isinstance(payload, Symbol):
                found.append(payload.name.removeprefix("torch."))
            elif isinstance(payload, Const):
                text = "cuda" if isinstance(payload.value, int) else str(payload.value)
                found.append(text.split(":")[0])
            elif isinstance(payload, Ref) and payload.obj.callee == "torch.device":
                found += _words(payload.obj.call)
    return found


def _absent(guards: Guards) -> Value:
    return ABSENT_VALUE.within((guards,))


def _given_false(call: Call) -> bool:
    first = call.argument("mode", 0)
    return first is not None and first.value.constant() is False
