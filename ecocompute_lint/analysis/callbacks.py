"""Functions given to others that call them: in a thread, for each row, for each item.

Such a call is followed as if it stood there: with the arguments that are seen, inside a loop over
the items where there are items.
"""

from __future__ import annotations

import ast
from collections.abc import Sequence

from ecocompute_lint.analysis.functions import Functions
from ecocompute_lint.analysis.objects import (
    Argument,
    Bound,
    Call,
    Function,
    Loop,
    Partial,
    Ref,
    Seq,
    spot_of,
)
from ecocompute_lint.analysis.project import Project
from ecocompute_lint.knowledge import apis, callbacks
from ecocompute_lint.nodes import walk
from ecocompute_lint.values import Input, Payload, Symbol, Value, union

_MOST_ITEMS = 4


class Callbacks(Functions):
    """Follows calls that others make."""

    def __init__(self, project: Project | None = None) -> None:
        super().__init__(project)
        self._made: dict[ast.Call, ast.Call] = {}

    def apply(self, payload: Payload, call: Call, node: ast.Call) -> Value:
        """Call one thing; defined where calls are."""
        raise TypeError("abstract")

    def splat(self, call: Call, value: Value, node: ast.Call) -> None:
        """Add the items of a dict as keyword arguments; defined where calls are."""
        raise TypeError("abstract")

    def called_back(self, callee: Payload, call: Call, node: ast.Call) -> Value | None:
        """Follow what a call of `callee` calls; its result where that is what the call gives."""
        if isinstance(callee, Symbol):
            position = callbacks.ONCE.get(callee.name)
            if position is not None:
                return self._once(position, call, node)
            if callee.name in callbacks.THREADS:
                self._thread(call, node)
            elif callee.name in callbacks.EACH:
                self._each(call, node, node.args[1:])
            return None
        if not isinstance(callee, (Input, Ref)) or not isinstance(node.func, ast.Attribute):
            return None
        method = node.func.attr
        position = callbacks.ONCE_METHODS.get(method)
        if position is not None:
            value = self._once(position, call, node)
            return None if method in callbacks.FUTURES else value
        if method in callbacks.EACH_METHODS and self._has_items(callee, node.func.value, node):
            given = [item for item in node.args[1:2] if not isinstance(item, ast.Constant)]
            self._each(call, node, given or [node.func.value])
        return None

    @staticmethod
    def _has_items(callee: Payload, owner: ast.expr, node: ast.Call) -> bool:
        """Whether the method hands over single items: not a model's `apply`, groups or batches."""
        if isinstance(callee, Ref):
            names = {callee.obj.callee, *callee.part.split(".")}
            if apis.find_api(callee.obj.callee) is not None:
                return False
            if not callbacks.GROUPING.isdisjoint(part for n in names for part in n.split(".")):
                return False
        if not callbacks.GROUPING.isdisjoint(
            item.attr for item in walk(owner) if isinstance(item, ast.Attribute)
        ):
            return False
        return not any(
            keyword.arg == "batched"
            and not (isinstance(keyword.value, ast.Constant) and keyword.value.value is False)
            for keyword in node.keywords
        )

    # -- the three ways

    def _once(self, position: int, call: Call, node: ast.Call) -> Value | None:
        plain = not any(isinstance(item, ast.Starred) for item in node.args[: position + 1])
        if len(node.args) <= position or not plain:
            return None
        function = call.positional[position].value
        inner = Call(
            call.positional[position + 1 :], call.keywords, call.open, call.forwarded, call.stars
        )
        made = self._as_call(
            node, function, node.args[position], node.args[position + 1 :], node.keywords
        )
        return self._follow(function, inner, made)

    def _thread(self, call: Call, node: ast.Call) -> None:
        given = {keyword.arg: keyword.value for keyword in node.keywords}
        target = call.keywords.get("target")
        if target is None:
            return
        inner = Call()
        arguments, options = call.keywords.get("args"), call.keywords.get("kwargs")
        expressions: list[ast.expr] = []
        keywords: list[ast.keyword] = []
        if arguments is not None:
            payload = arguments.value.only
            if isinstance(payload, Seq) and payload.whole:
                inner.positional.extend(Argument(item) for item in payload.items)
            else:
                inner.stars = True
            shown = given["args"]
            if isinstance(shown, (ast.Tuple, ast.List)):
                expressions.extend(shown.elts)
            else:
                expressions.append(shown)
        made = self._as_call(node, target.value, given["target"], expressions, keywords)
        if options is not None:
            self.splat(inner, options.value, made)
            if not made.keywords:
                made.keywords.append(ast.keyword(None, given["kwargs"]))
        self._follow(target.value, inner, made)

    def _each(self, call: Call, node: ast.Call, collections: Sequence[ast.expr]) -> None:
        shown, function = self._function_of(call, node)
        if shown is None or function is None or not collections:
            return
        names = _parameters(function)[: min(len(collections), _MOST_ITEMS)] or ["item"]
        targets: list[ast.expr] = [
            ast.copy_location(ast.Name(name, ast.Load()), node) for name in names
        ]
        made = self._as_call(node, function, shown, targets, [])
        target = made.args[0] if len(names) == 1 else ast.Tuple(list(made.args), ast.Store())
        source = collections[0] if len(collections) == 1 else ast.Tuple([*collections], ast.Load())
        loop = ast.comprehension(target, source, [], 0)
        items = [Argument(self.unknown(f"item of {spot_of(node)} {name}")) for name in names]
        self.loops.append(Loop(loop, len(self.trail), node))
        self._follow(function, Call(items), made)
        self.loops.pop()

    # -- what they share

    @staticmethod
    def _function_of(call: Call, node: ast.Call) -> tuple[ast.expr | None, Value | None]:
        if node.args and not isinstance(node.args[0], ast.Starred):
            return node.args[0], call.positional[0].value
        for keyword in node.keywords:
            if keyword.arg in callbacks.FUNCTION_WORDS:
                return keyword.value, call.keywords[keyword.arg].value
        return None, None

    def _as_call(
        self,
        node: ast.Call,
        function: Value,
        shown: ast.expr,
        arguments: Sequence[ast.expr],
        keywords: list[ast.keyword],
    ) -> ast.Call:
        """The call that `node` makes, as if it stood there; always the same one."""
        made = self._made.get(node)
        if made is None:
            if isinstance(function.only, Partial) and isinstance(shown, ast.Call) and shown.args:
                arguments = [*shown.args[1:], *arguments]
                keywords = [*shown.keywords, *keywords]
                shown = shown.args[0]
            made = ast.copy_location(ast.Call(shown, list(arguments), list(keywords)), node)
            self._made[node] = made
        return made

    def _follow(self, function: Value, call: Call, made: ast.Call) -> Value | None:
        found = [
            self.apply(item.payload, call, made).within((item.guards,))
            for item in function
            if _is_function(item.payload)
        ]
        return union(found) if found else None


def _is_function(payload: Payload) -> bool:
    if isinstance(payload, Ref):
        return payload.obj.kind == "call"
    return isinstance(payload, (Function, Bound, Partial))


def _parameters(function: Value) -> list[str]:
    """What the function calls its arguments."""
    payload = function.only
    bound = isinstance(payload, Bound)
    payload = payload.function if isinstance(payload, Bound) else payload
    if not isinstance(payload, Function):
        return []
    args = payload.node.args
    names = [item.arg for item in (*args.posonlyargs, *args.args)]
    return names[1:] if bound else names
