"""Attributes and items of things, and constants folded together."""

from __future__ import annotations

import ast
import operator
import re
from collections.abc import Callable, Sequence
from typing import Any

from ecocompute_lint.analysis.conditions import Conditions
from ecocompute_lint.analysis.objects import (
    Bound,
    Class,
    Function,
    Imported,
    Local,
    Obj,
    Parent,
    Ref,
    Seq,
    spot_of,
)
from ecocompute_lint.knowledge import apis
from ecocompute_lint.values import (
    Alternative,
    Const,
    Constraint,
    Input,
    Payload,
    Symbol,
    Value,
    both,
    known,
    union,
)

ANY = "[]"
"""The field of a dict for what is put into it under names that are not known."""
_LONGEST_TEXT = 10_000
_LARGEST_NUMBER = 10**6
_WIDE = re.compile(r"[%{:][^a-zA-Z]{0,9}[0-9]{4}")
"""A width in a format that nobody needs."""


class Attributes(Conditions):
    """Reads attributes and items."""

    def invoke(self, function: Function, instance: Value | None, node: ast.expr) -> Value:
        """Call a function of this file without arguments; defined where calls are."""
        raise TypeError("abstract")

    def folded(
        self, node: ast.AST, operands: Sequence[Value], function: Callable[..., Any]
    ) -> Value:
        """A pure function of constants; of inputs with defaults, an input with that default."""
        found: list[Alternative] = []
        choices: list[list[Alternative]] = [[]]
        for operand in operands:
            choices = [[*choice, item] for choice in choices for item in operand][:16]
        for choice in choices:
            guards: Any = {}
            for item in choice:
                guards = None if guards is None else both(guards, item.guards)
            if guards is None:
                continue
            payload = self._fold(node, [item.payload for item in choice], function)
            origin = choice[0].origin if choice else None
            found.append(Alternative(payload, guards, origin=origin))
        return Value(tuple(found)) if found else self.unknown(spot_of(node))

    def _fold(
        self, node: ast.AST, payloads: list[Payload], function: Callable[..., Any]
    ) -> Const | Input:
        plain = [
            item.default if isinstance(item, Input) and item.default is not None else item
            for item in payloads
        ]
        constants = [item.value for item in plain if isinstance(item, Const)]
        result = _made(function, constants) if len(constants) == len(plain) else None
        if result is not None and plain == payloads:
            return result
        kinds = {item.kind for item in payloads if isinstance(item, Input)}
        kind = (
            "default" if result is not None else ("unbound" if kinds == {"unbound"} else "caller")
        )
        return self.input(("folded", id(node), *map(id, payloads)), spot_of(node), kind, result)

    # -- attributes and items

    def _on_Attribute(self, node: ast.Attribute) -> Value:
        base = self.evaluate(node.value)
        return union(
            self.attribute(item.payload, node.attr, node).within((item.guards,)) for item in base
        )

    def attribute(self, payload: Payload, name: str, node: ast.expr) -> Value:
        """The attribute `name` of one thing."""
        if isinstance(payload, Symbol):
            return known(Symbol(f"{payload.name}.{name}"))
        if isinstance(payload, Ref):
            return self._attribute_of(payload, name, node)
        if isinstance(payload, Local):
            return self.linked(known(Imported(payload, name)))
        if isinstance(payload, Parent):
            return self._of_parent(payload, name, node)
        if isinstance(payload, Class):
            found = self._class_attribute(payload, name)
            if found is None:
                return self.unknown(f"{payload.node.name}.{name}")
            function = found.only
            if isinstance(function, Function) and "classmethod" in function.decorators:
                return known(Bound(function, known(payload)))
            return found
        if isinstance(payload, Input):
            kind = "unbound" if payload.kind == "unbound" else "caller"
            return known(self.input(("attr", payload, name), f"{payload.name}.{name}", kind))
        if isinstance(payload, (Const, Seq)):
            return known(Symbol(f"builtins.{type(payload).__name__}.{name}"))
        return self.unknown(spot_of(node))

    def _attribute_of(self, ref: Ref, name: str, node: ast.expr) -> Value:
        obj = ref.obj
        if ref.part:
            kept = self.read(obj, f"{ref.part}.{name}")
            if kept is not None and all(_other(item.payload, obj) for item in kept):
                return kept.given(self.path)  # app.state.model
            return known(Ref(obj, f"{ref.part}.{name}"))
        field = self.read(obj, name)
        if field is not None and self._is_field(obj, name, field):
            return field.given(self.path)
        if obj.kind == "instance" and obj.cls is not None:
            found = self._class_attribute(obj.cls, name)
            if found is None:
                return known(self.input(("field", obj, name), name))
            return self._bind(found, known(Ref(obj)), node)
        if obj.kind == "namespace":
            return known(self.input(("option", obj, name), name))
        return known(Ref(obj, name))

    @staticmethod
    def _is_field(obj: Obj, name: str, field: Value) -> bool:
        """Whether an argument of a library call can be read back: settings and components can."""
        row = apis.find_api(obj.callee)
        return (
            obj.kind != "call"
            or name in obj.assigned
            or (row is not None and row.role == "config")
            or any(isinstance(item.payload, Ref) for item in field)
        )

    def _bind(self, value: Value, instance: Value, node: ast.expr) -> Value:
        found: list[Value] = []
        for item in value:
            function = item.payload
            if not isinstance(function, Function):
                found.append(Value((item,)))
            elif "property" in function.decorators or "cached_property" in function.decorators:
                found.append(self.invoke(function, instance, node))
            elif "staticmethod" in function.decorators:
                found.append(known(function))
            else:
                found.append(known(Bound(function, instance)))
        return union(found)

    def _class_attribute(
        self, cls: Class, name: str, depth: int = 0, seen: set[Class] | None = None
    ) -> Value | None:
        found = self.store.get((cls.frame, name))
        self.observe(cls.frame, name, found)
        seen = set() if seen is None else seen
        if found is not None or depth > 8 or cls in seen:
            return found
        seen.add(cls)
        for base in cls.bases:
            for item in base:
                if isinstance(item.payload, Class):
                    found = self._class_attribute(item.payload, name, depth + 1, seen)
                elif isinstance(item.payload, Symbol) and name.startswith("from_"):
                    found = known(Symbol(f"{item.payload.name}.{name}"))
                if found is not None:
                    return found
        return None

    def _of_parent(self, parent: Parent, name: str, node: ast.expr) -> Value:
        """`super().name`: of the first base that has it, bound to the instance itself."""
        for base in parent.cls.bases:
            for item in base:
                if isinstance(item.payload, Class):
                    found = self._class_attribute(item.payload, name)
                    if found is not None:
                        return self._bind(found, parent.instance, node)
        library = self.external_base(parent.cls)
        # super().__init__(...) of a library class is a call of that class.
        return known(Symbol(f"super:{library}.{name}")) if library else self.unknown(spot_of(node))

    def external_base(self, cls: Class, depth: int = 0) -> str | None:
        """The class of a library that a class of the tree derives from."""
        for base in cls.bases:
            for item in base:
                if isinstance(item.payload, Symbol):
                    return item.payload.name
                if isinstance(item.payload, Class) and depth < 8:
                    return self.external_base(item.payload, depth + 1)
        return None

    def _on_Subscript(self, node: ast.Subscript) -> Value:
        base = self.evaluate(node.value)
        index = self.evaluate(node.slice)
        return union(self._item(item.payload, index, node).within((item.guards,)) for item in base)

    def _item(self, payload: Payload, index: Value, node: ast.Subscript) -> Value:
        key = index.constant()
        if isinstance(payload, Ref) and payload.obj.kind == "dict" and not payload.part:
            return self.dict_item(payload.obj, index, node)
        if isinstance(payload, Ref):
            return known(Ref(payload.obj, f"{payload.part}[]"))
        if isinstance(payload, Seq):
            if isinstance(key, int) and -len(payload.items) <= key < len(payload.items):
                return payload.items[key]
            return self._one_of(payload, index, node) or self.unknown(spot_of(node))
        if isinstance(payload, Symbol) and payload.name == "os.environ" and isinstance(key, str):
            return self.unknown(f"environment variable {key}")
        if isinstance(payload, Const) and isinstance(node.slice, ast.Slice):
            return self.unknown(spot_of(node))
        if isinstance(payload, (Const, Input)) and isinstance(key, (int, str)):
            return self.folded(node, [Value((Alternative(payload),)), index], operator.getitem)
        return self.unknown(spot_of(node))

    def _one_of(self, sequence: Seq, index: Value, node: ast.expr) -> Value | None:
        """An item at an unknown index: the same one of every sequence that it is used on."""
        items = sequence.items
        if len(items) < 2:
            return items[0] if items else None
        chosen = index.only
        if not isinstance(chosen, Input):
            chosen = self.input(("index", id(node)), "an index", "choice")
        return union(
            item.within(({chosen: Constraint(allowed=frozenset({("int", number)}))},))
            for number, item in enumerate(items)
        )

    def keep_any(self, obj: Obj, value: Value) -> None:
        """Something is put into a table under a name that is not known: a model, a pipeline."""
        if all(isinstance(item.payload, Ref) and not item.payload.part for item in value):
            chosen = self.input(("table", obj), "an item of a table", "choice")
            given = value.within(({chosen: Constraint(truth=True)},))
            earlier = self.read(obj, ANY)
            self.write(obj, ANY, given if earlier is None else union((earlier, given)))

    def dict_item(self, obj: Obj, index: Value, node: ast.expr) -> Value:
        """`table[index]`: one field, or each one under the guard that the index names it."""
        found: list[Value] = []
        for item in index:
            if isinstance(item.payload, Const):
                name = item.payload.value
                field = self.read(obj, name if isinstance(name, str) else repr(name))
                field = field if field is not None else self.read(obj, ANY)
                if field is not None and len(index.alternatives) == 1:
                    self._pass_over(obj, field)
                found.append(
                    field.within((item.guards,))
                    if field is not None
                    else self.unknown(spot_of(node))
                )
            elif isinstance(item.payload, Input):
                for name in list(obj.names):
                    field = self.read(obj, name)
                    if field is not None and name == ANY:
                        found.append(field)
                    elif field is not None:
                        is_it = {item.payload: Constraint(allowed=frozenset({("str", name)}))}
                        found.append(field.within((is_it,)))
        return union(found) if found else self.unknown(spot_of(node))

    def _pass_over(self, table: Obj, taken: Value) -> None:
        """Note which entries of a table the program leaves where they are."""
        for name in table.names:
            for item in self.read(table, name) or ():
                if isinstance(item.payload, Ref) and item not in taken.alternatives:
                    item.payload.obj.marks.add("passed over")

    def item_or(self, obj: Obj, index: Value, node: ast.expr, default: Value | None) -> Value:
        """`table.get(index, default)`: the default where the index names none of the fields."""
        found, unknown = self.dict_item(obj, index, node), index.only
        if default is None or not isinstance(unknown, Input):
            return found
        fields = frozenset(("str", name) for name in obj.names)
        return union((found, default.within(({unknown: Constraint(excluded=fields)},))))


def _other(payload: Payload, obj: Obj) -> bool:
    """Whether a payload is an object other than this one."""
    return isinstance(payload, Ref) and payload.obj is not obj


def _made(function: Callable[..., Any], operands: Sequence[Any]) -> Const | None:
    """The literal that a pure function gives; None if it gives none worth keeping."""
    if any(_explodes(operand) for operand in operands):
        return None
    try:
        made = function(*operands)
    except Exception:  # whatever the operation raises, the value is unknown
        return None
    if isinstance(made, (str, bytes)) and len(made) > _LONGEST_TEXT:
        return None
    plain = isinstance(made, (str, bytes, int, float, bool, type(None)))
    return Const(made) if plain else None


def _explodes(operand: Any) -> bool:
    """Whether repeating or padding by this would make an enormous text."""
    if isinstance(operand, int):
        return abs(operand) > _LARGEST_NUMBER
    return isinstance(operand, str) and _WIDE.search(operand) is not None
