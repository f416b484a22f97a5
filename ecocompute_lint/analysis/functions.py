"""Calls into classes and functions of the file itself."""

from __future__ import annotations

import ast
from itertools import islice

from ecocompute_lint.analysis.expressions import Expressions
from ecocompute_lint.analysis.objects import (
    Call,
    Class,
    Frame,
    Function,
    Ref,
    Seq,
    Step,
    span_of,
    spot_of,
)
from ecocompute_lint.analysis.relevance import CONSTRUCTORS
from ecocompute_lint.knowledge.execution_apis import is_model
from ecocompute_lint.values import (
    ABSENT,
    Alternative,
    Const,
    Guards,
    Symbol,
    Value,
    both,
    known,
)

_DEEPEST_CHAIN = 4
_DEEPEST_BASE = 8


class Functions(Expressions):
    """Makes instances and follows calls."""

    def external(self, callee: str, call: Call, node: ast.Call) -> Value:
        """Call something imported; defined where calls are."""
        raise TypeError("abstract")

    def run_function(self, function: Function, frame: Frame) -> Value:
        """Run a body in its frame; defined where statements are."""
        raise TypeError("abstract")

    # -- classes of the file

    def instantiate(self, cls: Class, call: Call, node: ast.expr) -> Value:
        """Make an instance of a class of this file."""
        init = self._class_attribute(cls, "__init__")
        constructor = init.only if init is not None else None
        base = self.external_base(cls)
        if constructor is None and base is not None and not cls.record:
            assert isinstance(node, ast.Call)
            return self.external(base, call, node)
        obj = self.make("instance", node)
        obj.cls = cls
        if cls.record:
            for name, default in self.record_fields(cls).items():
                self.write(obj, name, default)
            for name, argument in zip(cls.fields, call.positional, strict=False):
                self.write(obj, name, argument.value)
        for name, argument in call.keywords.items():
            if cls.record:
                self.write(obj, name, argument.value)
        instance = known(Ref(obj), span_of(node))
        if isinstance(constructor, Function) and isinstance(node, ast.Call):
            if self._is_layer(cls):
                self._escape(call)
            else:
                self.enter(constructor, call, node, instance)
        return instance

    def _is_layer(self, cls: Class) -> bool:
        """Whether a class is part of a model's definition, and no method of it tells a thing."""
        known = self._layers.get(cls)
        if known is None:
            base = self.external_base(cls) or ""
            known = is_model(base.rsplit(".", 1)[-1])
            for one in islice(family := [cls], _DEEPEST_BASE):
                self.learn(one.frame)
                above = (item.payload for value in one.bases for item in value)
                family += [item for item in above if isinstance(item, Class)]
                ours = one is cls or not is_model(one.node.name)
                known = known and not (ours and not self.telling.isdisjoint(one.node.body))
            self._layers[cls] = known
        return known

    def record_fields(self, cls: Class) -> dict[str, Value]:
        """The fields of a dataclass-like class with their defaults, inherited ones first."""
        return self._record_fields(cls, {}, 0)

    def _record_fields(
        self, cls: Class, known: dict[Class, dict[str, Value]], depth: int
    ) -> dict[str, Value]:
        if cls in known or depth > _DEEPEST_BASE:
            return known.get(cls, {})
        found: dict[str, Value] = {}
        for base in cls.bases:
            if isinstance(base.only, Class):
                found.update(self._record_fields(base.only, known, depth + 1))
        found.update(cls.fields)
        known[cls] = found
        return found

    # -- functions of the file

    def invoke(self, function: Function, instance: Value | None, node: ast.expr) -> Value:
        """Call a function without arguments (a property)."""
        return self.enter(function, Call(), node, instance)

    def enter(
        self, function: Function, call: Call, node: ast.expr, instance: Value | None
    ) -> Value:
        """Follow a call into a function of this file."""
        target = function.node
        self.learn(function.frame)
        followed = isinstance(target, ast.Lambda) or target in self.followed
        too_far = len(self.chain) >= _DEEPEST_CHAIN or self.exhausted
        if target in self.active or too_far or not followed:
            self._escape(call)
            return self.unknown(spot_of(node))
        frame = Frame(function.frame, "function", target, instance=instance, cls=function.cls)
        before, caller, chain = self.path, self.frame, self.chain
        self.bind(function, frame, call, node, instance)
        self.frame, self.chain = frame, (*chain, id(node))
        self.inlined.add(target)
        self._used(instance, target, chain)
        self.trail.append(Step(node, function))
        try:
            value = self.run_function(function, frame)
        finally:
            self.trail.pop()
            self.frame, self.chain, self.path = caller, chain, before
        return value

    def _escape(self, call: Call) -> None:
        """Note that others have what a call is given."""
        for value in call.values():
            for root, _, _ in self.roots(value):
                root.marks.add("escape")

    def _used(self, instance: Value | None, method: ast.AST, chain: tuple[int, ...]) -> None:
        """Note that a method of an instance runs."""
        for item in instance or ():
            if isinstance(item.payload, Ref):
                obj = item.payload.obj
                obj.entered.add(method)
                constructed = getattr(method, "name", "") in CONSTRUCTORS
                inside = chain[: len(obj.inside)] == obj.inside
                obj.used = obj.used or not (constructed or inside)

    def bind(
        self,
        function: Function,
        frame: Frame,
        call: Call | None,
        node: ast.expr | None,
        instance: Value | None,
    ) -> None:
        """Give the parameters their values: arguments, defaults, or what a caller may pass."""
        args = function.node.args
        names = [*args.posonlyargs, *args.args]
        if instance is not None and names and "staticmethod" not in function.decorators:
            self.store.data[(frame, names[0].arg)] = instance
            names = names[1:]
        elif function.cls is not None and names and "staticmethod" not in function.decorators:
            names = names if call is not None else names[1:]
        for position, parameter in enumerate((*names, *args.kwonlyargs)):
            at = position if position < len(names) else None
            given = call.argument(parameter.arg, at) if call is not None else None
            value = self.parameter(function, parameter)
            if given is not None and node is not None:
                value = given.value.passed(span_of(node))
                value = _or_default(value, self.parameter(function, parameter))
            self.store.data[(frame, parameter.arg)] = value
        self._bind_rest(function, frame, call, {item.arg for item in (*names, *args.kwonlyargs)})

    def _bind_rest(
        self, function: Function, frame: Frame, call: Call | None, taken: set[str]
    ) -> None:
        args = function.node.args
        if args.vararg is not None:
            self.store.data[(frame, args.vararg.arg)] = known(Seq((), whole=False))
        if args.kwarg is None:
            return
        rest = self.make("dict", args.kwarg)
        rest.forwarded = call is None or call.forwarded
        rest.open = call is not None and call.open
        if call is not None:
            for name, argument in call.keywords.items():
                if name not in taken:
                    rest.names[name] = argument
                    self.write(rest, name, argument.value)
        self.store.data[(frame, args.kwarg.arg)] = known(Ref(rest))

    def parameter(self, function: Function, parameter: ast.arg) -> Value:
        """What a parameter is when we do not see who passes it."""
        default = function.defaults.get(parameter.arg)
        name = parameter.arg
        key = ("parameter", function.node, name)
        if default is None:
            annotated = self._annotated(parameter)
            if annotated is not None:
                return annotated
            kind = "environment" if name in ("device", "rank", "local_rank") else "caller"
            return known(self.input(key, name, kind))
        found: list[Alternative] = []
        for item in default:
            payload = item.payload
            if isinstance(payload, (Const, Symbol)):
                payload = self.input((*key, payload), name, "default", payload)
            found.append(Alternative(payload, item.guards, origin=item.origin))
        return Value(tuple(found))

    def _annotated(self, parameter: ast.arg) -> Value | None:
        """A parameter annotated with a settings class of this file has its defaults."""
        if not isinstance(parameter.annotation, ast.Name):
            return None
        cls = self.name(parameter.annotation.id).only
        if isinstance(cls, Class) and cls.record:
            return self.instantiate(cls, Call(), parameter.annotation)
        return None


def _or_default(value: Value, default: Value) -> Value:
    """An argument that may be absent (from a splat) leaves room for the default."""
    if not any(item.payload is ABSENT for item in value):
        return value
    found: list[Alternative] = []
    for item in value:
        if item.payload is ABSENT:
            for other in default:
                joint: Guards | None = both(item.guards, other.guards)
                if joint is not None:
                    found.append(Alternative(other.payload, joint, origin=other.origin))
        else:
            found.append(item)
    return Value(tuple(found))
