"""The top level of a module of the tree in parts: which statements are about which name.

Who imports one name of a module needs little of it. So its top level is not run as a whole, but
what is about a name when somebody first asks for it.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator
from copy import copy

from ecocompute_lint.nodes import children, shift_lines

_DEFINITIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
_IMPORTS = (ast.Import, ast.ImportFrom)
_ROOTED = (ast.Attribute, ast.Subscript, ast.Starred)
_CAPTURES = (ast.ExceptHandler, ast.MatchAs, ast.MatchStar)
_DIVIDED = (ast.If, ast.Try)
"""Branchings, of which a name may need no more than a part."""
STAR = "*"


class Parts:
    """The statements of a module, by the names they are about. Shared by all who import it."""

    def __init__(self, tree: ast.Module, base: int) -> None:
        """`base` is the number of the line before its first one (see `project`)."""
        self._base = base
        self._numbered: set[ast.stmt] = set()
        self.about: dict[ast.stmt, set[str]] = {}
        """The names that each statement gives a value or does something with."""
        self.of: dict[str, list[ast.stmt]] = {}
        """By name: the statements of the top level, in order."""
        self.compiled: list[ast.stmt] = []
        """Definitions that are compiled, which matters whoever needs them."""
        self._values: set[str] = set()
        self._touched: list[tuple[ast.stmt, set[str]]] = []
        for statement in tree.body:
            self._sort(statement)
        for statement, others in self._touched:
            self.about[statement] |= others & self._values
        for statement in tree.body:
            for name in self._about(statement):
                self.of.setdefault(name, []).append(statement)
        del self._values, self._touched

    def _sort(self, statement: ast.stmt) -> None:
        if isinstance(statement, _DIVIDED):
            for body in _bodies(statement):
                for inner in body:
                    self._sort(inner)
            return
        given, others = _names(statement)
        self.about[statement] = given
        if isinstance(statement, _DEFINITIONS):
            if _is_compiled(statement):
                self.compiled.append(statement)
        elif not isinstance(statement, _IMPORTS):
            self._values |= given
        if others:
            self._touched.append((statement, others))

    def _about(self, statement: ast.stmt) -> set[str]:
        """The names that a statement is about, or any of those inside it."""
        known = self.about.get(statement)
        if known is None:
            inner = (self._about(item) for body in _bodies(statement) for item in body)
            known = self.about[statement] = set().union(*inner)
        return known

    def numbered(self, statement: ast.stmt) -> ast.stmt:
        """A statement, its lines numbered as those of this file; of a branching only its head."""
        if statement not in self._numbered:
            self._numbered.add(statement)
            if isinstance(statement, _DIVIDED):
                statement.lineno += self._base
                statement.end_lineno = (statement.end_lineno or 0) + self._base
            if isinstance(statement, ast.If):
                shift_lines(statement.test, self._base)
            elif not isinstance(statement, ast.Try):
                shift_lines(statement, self._base)
        return statement


class Waiting:
    """What has not been run yet of one module, in the run of another one."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._left = dict(parts.of)
        self._done: set[ast.stmt] = set()

    def __contains__(self, name: str) -> bool:
        """Whether statements are left that are about a name, or may bring it."""
        return name in self._left or (STAR in self._left and name not in self._parts.of)

    def owns(self, name: str) -> bool:
        """Whether the module itself gives a name its value, whatever it imports with a star."""
        return name in self._parts.of

    @property
    def names(self) -> list[str]:
        """The names for which there is something left to do."""
        return list(self._left)

    def compiled(self) -> Iterator[ast.stmt]:
        """The definitions that are compiled, in order."""
        return filter(self._fresh, self._parts.compiled)

    def take(self, name: str) -> Iterator[ast.stmt]:
        """The statements left that are about a name, in order. Afterwards none are."""
        name = name if name in self._left else STAR
        return self._about(name, self._left.pop(name, ()))

    def _about(self, name: str, statements: Iterable[ast.stmt]) -> Iterator[ast.stmt]:
        for statement in statements:
            if name not in self._parts.about[statement]:
                continue
            if isinstance(statement, ast.If):
                yield self._divided(statement, name, "body", "orelse")
            elif isinstance(statement, ast.Try):
                yield self._divided(statement, name, "body", "handlers", "orelse", "finalbody")
            elif self._fresh(statement):
                yield self._parts.numbered(statement)

    def _fresh(self, statement: ast.stmt) -> bool:
        fresh = statement not in self._done
        self._done.add(statement)
        return fresh

    def _divided(self, statement: ast.stmt, name: str, *fields: str) -> ast.stmt:
        """A branching with only those statements in it that are about a name."""
        part = copy(self._parts.numbered(statement))
        for item in fields:
            inner = getattr(statement, item)
            if item == "handlers":
                kept = [copy(handler) for handler in inner]
                for handler in kept:
                    handler.body = list(self._about(name, handler.body))
            else:
                kept = list(self._about(name, inner))
            setattr(part, item, kept)
        return part


def _bodies(statement: ast.stmt) -> Iterator[list[ast.stmt]]:
    """The statements inside a branching."""
    if isinstance(statement, ast.If):
        yield from (statement.body, statement.orelse)
    elif isinstance(statement, ast.Try):
        yield from (statement.body, statement.orelse, statement.finalbody)
        yield from (handler.body for handler in statement.handlers)


def _names(statement: ast.stmt) -> tuple[set[str], set[str]]:
    """The names that a statement gives values, and those that its calls do something with."""
    given: set[str] = set()
    others: set[str] = set()
    pending: list[ast.AST] = [statement]
    while pending:
        node = pending.pop()
        if isinstance(node, _DEFINITIONS):
            given.add(node.name)
            continue
        if isinstance(node, _IMPORTS):
            given.update(_imported(item) for item in node.names)
            continue
        if isinstance(node, ast.Expr):
            others.update(item.id for item in _variables(node))
        elif isinstance(node, ast.Name):
            if not isinstance(node.ctx, ast.Load):
                given.add(node.id)
            continue
        elif isinstance(node, _ROOTED):
            if not isinstance(node.ctx, ast.Load):
                given.add(_root(node))
        elif isinstance(node, _CAPTURES) and node.name:
            given.add(node.name)
        elif isinstance(node, ast.Lambda):
            continue
        pending += children(node)
    given.discard("")
    return given, others


def _imported(item: ast.alias) -> str:
    return item.asname or item.name.split(".", 1)[0]


def _root(node: ast.expr) -> str:
    """The variable of which an attribute or an item is given a value."""
    while isinstance(node, _ROOTED):
        node = node.value
    return node.id if isinstance(node, ast.Name) else ""


def _variables(node: ast.AST) -> Iterator[ast.Name]:
    pending = [node]
    while pending:
        item = pending.pop()
        if isinstance(item, ast.Name):
            yield item
        else:
            pending += children(item)


def _is_compiled(node: ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) -> bool:
    words = (
        getattr(item, "attr", getattr(item, "id", ""))
        for decorator in node.decorator_list
        for item in ast.walk(decorator)
    )
    return "compile" in words
