"""Could a parsed module matter? The second gate, before it is followed.

Like the first it never decides that something is wrong; it only says that nothing can be.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator

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
from ecocompute_lint.knowledge.execution_apis import SILENT


class Words:
    """The words of a module's code.

    Comments, docstrings, annotations and imports that nothing uses do not count.
    """

    def __init__(self, tree: ast.Module) -> None:
        self.words: set[str] = set()
        self.aliases: set[str] = set()
        self.program = False
        self.flag = False
        self._read(tree)

    def _read(self, tree: ast.Module) -> None:
        add = self.words.add
        pending: list[ast.AST] = [tree]
        while pending:
            node = pending.pop()
            kind = type(node)
            if kind is ast.Name:
                add(node.id)  # type: ignore[attr-defined]
            elif kind is ast.Constant:
                if isinstance(node.value, str):  # type: ignore[attr-defined]
                    self._text(node.value)  # type: ignore[attr-defined]
            elif isinstance(node, ast.alias):
                if node.asname and node.name.rsplit(".", 1)[-1] in CALLEE_NEEDLES:
                    self.aliases.add(node.asname)
            else:
                if isinstance(node, ast.Attribute):
                    add(node.attr)
                elif isinstance(node, ast.arg):
                    add(node.arg)
                elif isinstance(node, ast.keyword) and node.arg is not None:
                    add(node.arg)
                pending.extend(_counting(node))

    def _text(self, text: str) -> None:
        self.words.add(text)
        if any(word in text for word in PROGRAMS):
            self.program = True
        if not self.flag and FLAGS.search(text):
            self.flag = True


_NO_VALUES = frozenset({"annotation", "returns", "ctx", "type_params"})


def _counting(node: ast.AST) -> Iterator[ast.AST]:
    """The parts of a node in which words count."""
    if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
        return
    for name in node._fields:
        if name in _NO_VALUES:
            continue
        value = getattr(node, name, None)
        if isinstance(value, ast.AST):
            yield value
        elif isinstance(value, list):
            for item in value:
                if isinstance(item, ast.AST):
                    yield item


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
    if loads and not words.isdisjoint(LOADERS):
        return True
    if words.isdisjoint(QUIET_OPTIONS):
        return False
    return not words.isdisjoint(LOADING) or any(map(_may_be_unusual, ast.walk(tree)))


def _may_be_unusual(node: ast.AST) -> bool:
    """Whether a node gives a quiet option a value of its own to something of another module."""
    if isinstance(node, ast.Attribute):
        return node.attr in QUIET_OPTIONS and not isinstance(node.ctx, ast.Load)
    if isinstance(node, ast.Call):
        if not isinstance(node.func, ast.Name):
            return _is_setter(node)
        given = ((item.arg, item.value) for item in node.keywords if item.arg in QUIET_OPTIONS)
        return any(_unusual(name, value) for name, value in given if name)
    if isinstance(node, ast.Dict):
        pairs = zip(node.keys, node.values, strict=True)
        return any(_unusual(_text(key), value) for key, value in pairs if _text(key))
    if isinstance(node, ast.Subscript) and not isinstance(node.ctx, ast.Load):
        return _text(node.slice) != ""
    return False


def _is_setter(node: ast.Call) -> bool:
    """``options.setdefault("use_cache", value)``, ``options.update(use_cache=value)``."""
    return any(_text(item) for item in node.args) or (
        getattr(node.func, "attr", "") == "update"
        and any(item.arg in QUIET_OPTIONS for item in node.keywords)
    )


def _text(node: ast.AST | None) -> str:
    """The quiet option that a literal names; empty for any other."""
    text = node.value if isinstance(node, ast.Constant) else None
    return text if isinstance(text, str) and text in QUIET_OPTIONS else ""


def _unusual(option: str, value: ast.expr) -> bool:
    return not (isinstance(value, ast.Constant) and repr(value.value) in SILENT[option])
