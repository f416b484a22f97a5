"""What statements do: assignments, branches, loops, definitions."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Sequence
from typing import Any

from ecocompute_lint.analysis.branches import Branches, since
from ecocompute_lint.analysis.machine import Store
from ecocompute_lint.analysis.objects import (
    Argument,
    Bound,
    Class,
    Frame,
    Function,
    Imported,
    Loop,
    Ref,
    Seq,
    span_of,
    spot_of,
)
from ecocompute_lint.values import (
    ABSENT,
    NEVER,
    Const,
    Constraint,
    Guards,
    Symbol,
    Value,
    Ways,
    conjunction,
    known,
    union,
)

_YIELD_ONCE = frozenset({"contextmanager", "asynccontextmanager", "fixture"})
"""Decorators under which a function yields one thing, which it stands for."""


class Statements(Branches):
    """Runs statements."""

    def run(self, body: Iterable[ast.stmt]) -> None:
        """Run statements in order until the path ends."""
        for statement in body:
            if not self.path:
                break
            self.steps += 1
            method = getattr(self, f"_do_{type(statement).__name__}", None)
            if method is not None:
                method(statement)

    # -- functions and classes

    def run_function(self, function: Function, frame: Frame) -> Value:
        """Run a body in its frame; the value returned, with the ways of each return."""
        node = function.node
        if isinstance(node, ast.Lambda):
            return self.evaluate(node.body)
        entry, before = self.path, self.store
        self.store = Store(before)
        frame.entry = before
        self.active.append(node)
        try:
            self.run(node.body)
        finally:
            self.active.pop()
        if self.path:
            self._leave(frame, known(Const(None)))
        ended: list[tuple[Store, Ways]] = []
        for changed, ways in frame.exits:
            store = Store(before)
            store.data = changed
            ended.append((store, since(entry, ways)))
        self.join(before, ended)
        returned = frame.yields if frame.yields and _iterates(function) else frame.returns
        values = [value.within(since(entry, ways)) for value, ways in returned]
        if returned is frame.yields:
            return known(Seq((union(values),), whole=False))
        return union(values) if values else known(Const(None))

    def _leave(self, frame: Frame, value: Value) -> None:
        """Note a return, with what has changed outside the function on the way to it."""
        frame.returns.append((value, self.path))
        changed: dict[Any, Value] = {}
        store: Store | None = self.store
        while store is not None and store is not frame.entry:
            for key, item in store.data.items():
                if key[0] is not frame:
                    changed.setdefault(key, item)
            store = store.parent
        frame.exits.append((changed, self.path))

    # -- assignments

    def _do_Assign(self, node: ast.Assign) -> None:
        value = self.evaluate(node.value)
        for target in node.targets:
            self.assign(target, value)

    def _do_AnnAssign(self, node: ast.AnnAssign) -> None:
        if node.value is not None:
            in_class = self.frame.kind == "class"
            self.assign(
                node.target, self.default(node.value) if in_class else self.evaluate(node.value)
            )

    def _do_AugAssign(self, node: ast.AugAssign) -> None:
        if isinstance(node.op, ast.BitOr):
            more = self.evaluate(node.value)
            for item in self.evaluate(node.target):
                if isinstance(item.payload, Ref) and item.payload.obj.kind == "dict":
                    self.merge(item.payload.obj, more.within((item.guards,)))
            return
        load = ast.BinOp(left=node.target, op=node.op, right=node.value)
        value = self.evaluate(ast.copy_location(load, node))
        self.assign(node.target, value)

    def assign(self, target: ast.expr, value: Value) -> None:
        """Assign a value to a target of any form."""
        if isinstance(target, ast.Name):
            self.write_name(target.id, value)
        elif isinstance(target, (ast.Tuple, ast.List)):
            self._unpack(target.elts, value)
        elif isinstance(target, ast.Starred):
            self.assign(target.value, self.unknown(spot_of(target)))
        elif isinstance(target, ast.Attribute):
            self._assign_attribute(target, value)
        elif isinstance(target, ast.Subscript):
            self._assign_item(target, value)

    def _unpack(self, targets: list[ast.expr], value: Value) -> None:
        for number, target in enumerate(targets):
            parts: list[Value] = []
            for item in value:
                payload = item.payload
                if isinstance(payload, Seq) and number < len(payload.items):
                    parts.append(payload.items[number].within((item.guards,)))
                elif isinstance(payload, Ref) and not payload.part:
                    part = "" if number == 0 else f"[{number}]"
                    parts.append(known(Ref(payload.obj, part)).within((item.guards,)))
                else:
                    parts.append(self.unknown(spot_of(target)))
            self.assign(target, union(parts))

    def _assign_attribute(self, target: ast.Attribute, value: Value) -> None:
        for item in self.evaluate(target.value):
            if isinstance(item.payload, Class):
                self.store.data[(item.payload.frame, target.attr)] = value
            if not isinstance(item.payload, Ref):
                continue
            obj = item.payload.obj
            if item.payload.part or target.attr == "forward":
                name = f"{item.payload.part}.{target.attr}"
                obj.assigned[name] = span_of(target)
                self.write(obj, name, value)
                if target.attr == "cache_implementation" and value.constant() == "static":
                    self.compiles(known(Ref(obj)))
                continue
            obj.assigned[target.attr] = span_of(target)
            if obj.kind == "instance":
                earlier = self.read(obj, target.attr)
                if earlier is not None and _is_none(value):
                    continue  # self.model = None in __init__ or on unloading hides nothing
            self.write(obj, target.attr, value)

    def _assign_item(self, target: ast.Subscript, value: Value) -> None:
        index = self.evaluate(target.slice).constant()
        for item in self.evaluate(target.value):
            if not isinstance(item.payload, Ref) or item.payload.part:
                continue
            obj = item.payload.obj
            if isinstance(index, str):
                obj.names[index] = Argument(value, span_of(target))
                obj.assigned[index] = span_of(target)
                self.write(obj, index, value)
            elif obj.kind == "dict":
                obj.open = True
                self.keep_any(obj, value)

    def _do_Delete(self, node: ast.Delete) -> None:
        for target in node.targets:
            if isinstance(target, ast.Subscript):
                self._assign_item(target, known(ABSENT))

    def _do_Expr(self, node: ast.Expr) -> None:
        if not isinstance(node.value, ast.Constant):
            self.evaluate(node.value)

    # -- the path

    def _do_Return(self, node: ast.Return) -> None:
        value = self.evaluate(node.value) if node.value is not None else known(Const(None))
        self._leave(self.frame, value)
        self.path = NEVER

    def _do_Raise(self, node: ast.Raise) -> None:
        self.path = NEVER

    def _do_Break(self, node: ast.Break | ast.Continue) -> None:
        self.path = NEVER

    _do_Continue = _do_Break

    def _do_For(self, node: ast.For | ast.AsyncFor) -> None:
        self._loop(node, node.body, self.bind_element(node.target, node.iter))
        self.run(node.orelse)

    def _do_AsyncFor(self, node: ast.AsyncFor) -> None:
        self.awaited.add(id(node.iter))
        self._do_For(node)

    def _do_While(self, node: ast.While) -> None:
        entry = self.path
        self.path = conjunction(entry, self.branch(node.test)[0])
        self._loop(node, node.body)
        self.path = entry
        self.run(node.orelse)

    def _loop(
        self,
        node: ast.For | ast.AsyncFor | ast.While,
        body: Sequence[ast.stmt],
        value: Value | None = None,
    ) -> None:
        entry = self.path
        if entry:
            self.loops.append(Loop(node, len(self.trail), node, value))
            self.run(body)
            self.loops.pop()
        self.path = entry

    def bind_element(self, target: ast.expr, iterable: ast.expr) -> Value:
        """Assign to `target` what iterating over `iterable` gives, and return the latter."""
        value = self.evaluate(iterable)
        payload = value.only
        if isinstance(payload, Seq) and payload.items:
            if len(payload.items) == 1:
                self.assign(target, payload.items[0])
                return value
            choice = self.input(("loop", id(iterable)), f"item of {spot_of(iterable)}", "choice")
            found: list[Value] = []
            for number, item in enumerate(payload.items):
                guard: Guards = {choice: Constraint(allowed=frozenset({("item", number)}))}
                found.append(item.within((guard,)))
            self.assign(target, union(found))
            return value
        self.assign(target, self.unknown(f"item of {spot_of(iterable)}"))
        return value

    def _do_With(self, node: ast.With | ast.AsyncWith) -> None:
        for item in node.items:
            value = self._entered(self.evaluate(item.context_expr), item.context_expr)
            if item.optional_vars is not None:
                self.assign(item.optional_vars, value)
        self.run(node.body)

    _do_AsyncWith = _do_With

    def _entered(self, value: Value, node: ast.expr) -> Value:
        """What a context manager of the tree gives on entering; any other gives itself."""
        found: list[Value] = []
        for item in value:
            obj = item.payload.obj if isinstance(item.payload, Ref) else None
            given: Value | None = None
            if obj is not None and obj.cls is not None and not item.payload.part:
                for name in ("__enter__", "__aenter__"):
                    for method in self.attribute(item.payload, name, node):
                        if isinstance(method.payload, Bound):
                            function, owner = method.payload.function, method.payload.instance
                            given = self.invoke(function, owner, node)
            found.append(given.within((item.guards,)) if given is not None else Value((item,)))
        return union(found)

    def _do_Import(self, node: ast.Import) -> None:
        for item in node.names:
            name = item.name if item.asname else item.name.split(".", 1)[0]
            self.write_name(item.asname or name, known(self.local(name) or Symbol(name)))

    def _do_ImportFrom(self, node: ast.ImportFrom) -> None:
        module = "." * node.level + (node.module or "")
        local = self.local(module)
        for item in node.names:
            if item.name == "*":
                found = self.all_of(local) if local is not None else {}
                waiting = self.frame.module.waiting
                for name, value in found.items():
                    if waiting is None or not waiting.owns(name):
                        self.write_name(name, value)
                if not found:
                    self.frame.module.stars.append(module)
            elif local is not None:
                self.write_name(item.asname or item.name, known(Imported(local, item.name)))
            else:
                dot = "" if module.endswith(".") else "."
                self.write_name(
                    item.asname or item.name, known(Symbol(f"{module}{dot}{item.name}"))
                )

    def _do_Global(self, node: ast.Global | ast.Nonlocal) -> None:
        self.frame.outward.update(node.names)

    _do_Nonlocal = _do_Global


def _iterates(function: Function) -> bool:
    """Whether a function that yields is run through, and not entered as a context."""
    return _YIELD_ONCE.isdisjoint(function.decorators)


def _is_none(value: Value) -> bool:
    return all(isinstance(item.payload, Const) and item.payload.value is None for item in value)
