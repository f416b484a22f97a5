"""What expressions evaluate to."""

from __future__ import annotations

import ast
import operator
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from ecocompute_lint.analysis.lists import is_wordy
from ecocompute_lint.analysis.objects import (
    Argument,
    Function,
    Loop,
    Obj,
    Ref,
    Seq,
    span_of,
    spot_of,
)
from ecocompute_lint.analysis.sequences import Sequences
from ecocompute_lint.knowledge import apis
from ecocompute_lint.values import (
    ALWAYS,
    Const,
    Guards,
    Symbol,
    Value,
    Ways,
    conjunction,
    known,
    union,
)

_BINARY: dict[type[ast.operator], Callable[[Any, Any], Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.FloorDiv: operator.floordiv,
    ast.Mod: operator.mod,
}
_BUILTINS = frozenset(
    "bool dict float getattr hasattr int isinstance len list print set setattr str tuple type vars"
    " range enumerate zip map filter sorted super object input open property min max sum any all"
    " classmethod staticmethod repr iter next Exception ValueError".split()
)


class _Methods(dict[type, str]):
    """What evaluates each kind of expression."""

    def __missing__(self, kind: type) -> str:
        self[kind] = f"_on_{kind.__name__}"
        return self[kind]


_METHODS = _Methods()


class Expressions(Sequences):
    """Evaluates expressions."""

    def call(self, node: ast.Call) -> Value:
        """What a call returns; defined where calls are."""
        raise TypeError("abstract")

    def evaluate(self, node: ast.expr) -> Value:
        """What an expression may be, on the current path."""
        self.steps += 1
        method = getattr(self, _METHODS[type(node)], None)
        if method is None or self.too_deep():
            return self.unknown(f"{type(node).__name__} at {node.lineno}:{node.col_offset}")
        self.depth += 1
        try:
            value: Value = method(node)
        finally:
            self.depth -= 1
        return value

    # -- names and literals

    def _on_Constant(self, node: ast.Constant) -> Value:
        return known(Const(node.value), span_of(node))

    def _on_Name(self, node: ast.Name) -> Value:
        value = self.name(node.id).given(self.path)
        for item in value.alternatives:
            if type(item.payload) is Seq:
                self.noted(value)
                break
        return value

    def name(self, name: str) -> Value:
        """The value of a name, wherever it is defined."""
        found = self.read_name(name)
        if found is not None:
            return self.linked(found)
        if name == "__name__":
            return known(Const(self.frame.module.name))
        if name in _BUILTINS:
            return known(Symbol(f"builtins.{name}"))
        stars = self.frame.module.stars
        for module in stars:
            if module in apis.STAR_MODULES and apis.find_api(f"{module}.{name}") is not None:
                return known(Symbol(f"{module}.{name}"))
        if stars and name[:1].isupper():
            return known(Symbol(f"{stars[-1]}.{name}"))
        if not stars and name in apis.UNBOUND:
            return known(Symbol(apis.UNBOUND[name]))  # a part of a page that leaves its imports out
        return self.unknown(name, "caller" if stars else "unbound")

    def _on_JoinedStr(self, node: ast.JoinedStr) -> Value:
        parts = [
            self.evaluate(part.value)
            if isinstance(part, ast.FormattedValue)
            else self.evaluate(part)
            for part in node.values
        ]
        plain = all(
            not isinstance(part, ast.FormattedValue) or part.format_spec is None
            for part in node.values
        )
        if not plain:
            return self.unknown(spot_of(node))
        value = self.folded(node, parts, lambda *items: "".join(map(str, items)))
        span = span_of(node)
        value = Value(tuple(replace(item, origin=span) for item in value))
        return self.remember(node, value, parts)

    def _on_Tuple(self, node: ast.Tuple | ast.List | ast.Set) -> Value:
        items: list[Value] = []
        words: list[Value] = []
        """The items with those of other lists among them, each at its place."""
        whole = True
        for element in node.elts:
            value = self.evaluate(element.value if isinstance(element, ast.Starred) else element)
            if isinstance(element, ast.Starred):
                words.extend(self.starred(value, element))
                whole = False
            else:
                items.append(value)
                words.append(value)
        if not whole and is_wordy(words):
            items = words
        made = known(Seq(tuple(items), whole), span_of(node))
        if isinstance(node, ast.List):
            self.displayed(node)
        self.noted(made)
        return made

    _on_List = _on_Set = _on_Tuple

    def _on_Dict(self, node: ast.Dict) -> Value:
        obj = self.make("dict", node)
        carrier = span_of(node)
        obj.open = False
        for key, item in zip(node.keys, node.values, strict=True):
            value = self.evaluate(item)
            if key is None:
                self.merge(obj, value)
                continue
            name = self.evaluate(key).constant()
            if isinstance(name, str):
                span = (key.lineno, key.col_offset, item.end_lineno or 0, item.end_col_offset or 0)
                obj.names[name] = Argument(value, span, carrier, "dict")
                self.write(obj, name, value)
            elif isinstance(name, (int, float, bool)):
                self.write(obj, repr(name), value)
            else:
                obj.open = True
        return known(Ref(obj), carrier)

    def merge(self, obj: Obj, value: Value) -> None:
        """Add the items of another dict (``**other``, ``update(other)``), or of pairs."""
        for item in value.given(self.path):
            if isinstance(item.payload, Seq):
                self._merge_pairs(obj, item.payload, item.guards)
                continue
            source = item.payload.obj if isinstance(item.payload, Ref) else None
            if source is None or source.kind not in ("dict", "instance"):
                if not isinstance(item.payload, Const):
                    obj.open = True
                continue
            source.users.add(0)
            obj.open |= source.open
            obj.forwarded |= source.forwarded
            for name, argument in list(source.names.items()):
                field = self.read(source, name)
                if field is not None:
                    obj.names.setdefault(name, argument)
                    self.write(obj, name, field.within((item.guards,)))

    def _merge_pairs(self, obj: Obj, pairs: Seq, guards: Guards) -> None:
        obj.open |= not pairs.whole
        for pair in pairs.items:
            items = pair.only.items if isinstance(pair.only, Seq) and pair.only.whole else ()
            name = items[0].constant() if len(items) == 2 else None
            if isinstance(name, str):
                self.write(obj, name, items[1].within((guards,)))
            else:
                obj.open = True

    # -- operators

    def _on_BoolOp(self, node: ast.BoolOp) -> Value:
        before = self.path
        found: list[Value] = []
        is_or = isinstance(node.op, ast.Or)
        reached: Ways = ALWAYS
        for operand in node.values:
            value = self.evaluate(operand)
            if operand is node.values[-1]:
                found.append(value.within(reached))
                break
            found.append(self._limited(value, operand, is_or).within(reached))
            true, false = self.truth(value, operand)
            reached = conjunction(reached, false if is_or else true)
            self.path = conjunction(before, reached)
            if not self.path:
                break
        self.path = before
        return union(found)

    def _limited(self, value: Value, node: ast.AST, side: bool) -> Value:
        """The alternatives that are truthy (or falsy), each where it is."""
        return Value(
            tuple(
                replace(item, guards=guards)
                for item in value
                for guards in self.truth(Value((item,)), node)[0 if side else 1]
            )
        )

    def _on_IfExp(self, node: ast.IfExp) -> Value:
        before = self.path
        found: list[Value] = []
        for ways, side in zip(self.branch(node.test), (node.body, node.orelse), strict=True):
            ways = self.judged_here(ways)
            path = conjunction(before, ways)
            if path:
                self.path = path
                found.append(self.evaluate(side).within(ways))
        self.path = before
        return union(found) if found else self.unknown(spot_of(node))

    def _on_Compare(self, node: ast.Compare) -> Value:
        return self.as_value(self.branch(node))

    def _on_UnaryOp(self, node: ast.UnaryOp) -> Value:
        if isinstance(node.op, ast.Not):
            return self.as_value(self.branch(node))
        signs: dict[type[ast.unaryop], Callable[[Any], Any]] = {
            ast.USub: operator.neg,
            ast.UAdd: operator.pos,
            ast.Invert: operator.invert,
        }
        return self.folded(node, [self.evaluate(node.operand)], signs[type(node.op)])

    def _on_BinOp(self, node: ast.BinOp) -> Value:
        sides = [self.evaluate(node.left), self.evaluate(node.right)]
        if isinstance(node.op, ast.BitOr) and any(_is_dict(side) for side in sides):
            obj = self.make("dict", node)
            for side in sides:
                self.merge(obj, side)
            return known(Ref(obj), span_of(node))
        function = _BINARY.get(type(node.op))
        if function is None:
            return self.unknown(spot_of(node))
        if not isinstance(node.op, ast.Add):
            return self.folded(node, sides, function)
        joined = self.concatenated(node, *sides)
        return joined or self.remember(node, self.folded(node, sides, function), sides)

    # -- the rest

    def _on_Call(self, node: ast.Call) -> Value:
        return self.call(node)

    def _on_Await(self, node: ast.Await | ast.YieldFrom) -> Value:
        self.awaited.add(id(node.value))
        return self.evaluate(node.value)

    _on_YieldFrom = _on_Await

    def _on_Yield(self, node: ast.Yield) -> Value:
        if node.value is not None:
            value = (self.evaluate(node.value), self.path)
            self.frame.returns.append(value)
            self.frame.yields.append(value)
        return self.unknown("sent value")

    def _on_Starred(self, node: ast.Starred) -> Value:
        return self.evaluate(node.value)

    def _on_Slice(self, node: ast.Slice) -> Value:
        return self.unknown(spot_of(node))

    def _on_NamedExpr(self, node: ast.NamedExpr) -> Value:
        value = self.evaluate(node.value)
        self.write_name(node.target.id, value)
        return value

    def _on_Lambda(self, node: ast.Lambda) -> Value:
        function = Function(node, self.frame)
        self.functions.setdefault(node, function)
        return known(function)

    def _on_ListComp(self, node: ast.ListComp | ast.SetComp | ast.GeneratorExp) -> Value:
        before = self.path
        self._generators(node.generators, node)
        item = self.evaluate(node.elt)
        self._leave_generators(node.generators)
        self.path = before
        return known(Seq((item,), whole=False), span_of(node))

    _on_SetComp = _on_GeneratorExp = _on_ListComp

    def _on_DictComp(self, node: ast.DictComp) -> Value:
        before = self.path
        self._generators(node.generators, node)
        self.evaluate(node.key)
        value = self.evaluate(node.value)
        self._leave_generators(node.generators)
        self.path = before
        obj = self.make("dict", node)
        obj.open = True
        self.keep_any(obj, value)
        return known(Ref(obj))

    def _generators(self, generators: list[ast.comprehension], around: ast.expr) -> None:
        for generator in generators:
            if generator.is_async:
                self.awaited.add(id(generator.iter))
            value = self.bind_element(generator.target, generator.iter)
            self.loops.append(Loop(generator, len(self.trail), around, value))
            for test in generator.ifs:
                self.path = conjunction(self.path, self.branch(test)[0]) or self.path

    def _leave_generators(self, generators: list[ast.comprehension]) -> None:
        del self.loops[len(self.loops) - len(generators) :]

    def bind_element(self, target: ast.expr, iterable: ast.expr) -> Value:
        """Assign what iterating gives, and return what is iterated over; defined below."""
        raise TypeError("abstract")


def _is_dict(value: Value) -> bool:
    payload = value.only
    return isinstance(payload, Ref) and payload.obj.kind == "dict" and not payload.part
