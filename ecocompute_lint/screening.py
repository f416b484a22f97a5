"""Could a parsed module matter? The second gate, before it is followed.

Like the first it never decides that something is wrong; it only says that nothing can be.
"""

from __future__ import annotations

import ast
from typing import Any

from ecocompute_lint import prefilter
from ecocompute_lint.knowledge.apis import (
    CALLEE_NEEDLES,
    COMMON_NEEDLES,
    LOADERS,
    LOADING,
    LOUD_NEEDLES,
    QUIET_OPTIONS,
)
from ecocompute_lint.knowledge.commands import FLAGS, PROGRAMS
from ecocompute_lint.knowledge.execution_apis import SILENT, names_generation
from ecocompute_lint.nodes import Fields, walk


class Words:
    """The words of a module's code.

    Comments, docstrings, annotations and imports that nothing uses do not count.
    """

    def __init__(self, tree: ast.Module) -> None:
        self.words: set[str] = set()
        self.aliases: set[str] = set()
        self.helpers: set[str] = set()
        """What is imported to generate with a model that the module may load."""
        self.program = False
        self.flag = False
        self._read(tree)

    def _read(self, tree: ast.Module) -> None:
        # Written out for speed: every node of every file that passes the first gate comes here.
        add, text = self.words.add, self._text
        pending: list[Any] = [tree]
        while pending:
            node = pending.pop()
            kind = type(node)
            if kind is ast.Name:
                add(node.id)
                continue
            if kind is ast.Constant:
                if type(node.value) is str:
                    text(node.value)
                continue
            if kind is ast.Attribute:
                add(node.attr)
                pending.append(node.value)
                continue
            if kind is ast.arg:
                add(node.arg)
                continue
            if kind is ast.alias:
                self._imported(node)
                continue
            if kind is ast.keyword and node.arg is not None:
                add(node.arg)
            elif kind is ast.Expr and type(node.value) is ast.Constant:
                continue
            for name in _FIELDS[kind]:
                value = getattr(node, name, None)
                if type(value) is list:
                    pending.extend(value)
                elif value is not None:
                    pending.append(value)

    def _imported(self, node: ast.alias) -> None:
        name = node.name.rsplit(".", 1)[-1]
        if node.asname and name in CALLEE_NEEDLES:
            self.aliases.add(node.asname)
        elif names_generation(name):
            self.helpers.add(node.asname or name)

    def _text(self, text: str) -> None:
        self.words.add(text)
        if any(word in text for word in PROGRAMS):
            self.program = True
        if not self.flag and FLAGS.search(text):
            self.flag = True


_NO_VALUES = frozenset("annotation returns ctx op ops type_params type_comment".split())


_FIELDS = Fields(_NO_VALUES)


def screen(tree: ast.Module, *, loads: bool = False) -> bool:
    """The second gate: whether words that can lead to a finding occur in code."""
    if not prefilter.gates_are_on():
        return True
    found = Words(tree)
    words = found.words
    if found.program and (loads or found.flag):
        return True
    if not words.isdisjoint(LOUD_NEEDLES | COMMON_NEEDLES | found.aliases):
        return True
    if not words.isdisjoint(LOADERS) and (loads or not words.isdisjoint(found.helpers)):
        return True
    if words.isdisjoint(QUIET_OPTIONS):
        return False
    if not words.isdisjoint(LOADING):
        return True
    return not words.isdisjoint(SILENT) and _Handed(tree).over


class _Handed:
    """Whether a module may give a quiet option an unusual value that code elsewhere sees."""

    def __init__(self, tree: ast.Module) -> None:
        self.imported: set[str] = set()
        self.called: set[str] = set()
        self.over = any(map(self._hands_over, walk(tree)))
        self.over = self.over or "*" in self.imported or not self.imported.isdisjoint(self.called)

    def _hands_over(self, node: ast.AST) -> bool:
        if isinstance(node, ast.Attribute):
            return node.attr in SILENT and not isinstance(node.ctx, ast.Load)
        if isinstance(node, ast.Subscript):
            return _option(node.slice) and not isinstance(node.ctx, ast.Load)
        if isinstance(node, ast.Dict):
            pairs = zip(node.keys, node.values, strict=True)
            return any(_option(key) and not _usual(value) for key, value in pairs)
        if isinstance(node, ast.Call):
            return self._given(node)
        if isinstance(node, ast.alias):
            self.imported.add((node.asname or node.name).split(".", 1)[0])
        return False

    def _given(self, node: ast.Call) -> bool:
        if any(map(_option, node.args)):  # settings.get("use_cache", value), setattr
            return not all(_option(item) or _usual(item) for item in node.args[1:])
        if any(item.arg in SILENT and not _usual(item.value) for item in node.keywords):
            self.called.add(_root(node.func))
            return _root(node.func) == "dict" or getattr(node.func, "attr", "") == "update"
        return False


def _root(node: ast.expr) -> str:
    """The variable that an attribute is read off, in the end."""
    while isinstance(node, ast.Attribute):
        node = node.value
    return node.id if isinstance(node, ast.Name) else ""


def _option(node: ast.AST | None) -> bool:
    """Whether a literal names a quiet option."""
    text = node.value if isinstance(node, ast.Constant) else None
    return isinstance(text, str) and text in SILENT


def _usual(value: ast.expr) -> bool:
    return isinstance(value, ast.Constant) and any(
        repr(value.value) in usual for usual in SILENT.values()
    )
