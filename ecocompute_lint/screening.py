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
from ecocompute_lint.knowledge.commands import PROGRAMS, has_flag
from ecocompute_lint.knowledge.execution_apis import (
    GENERATING,
    SILENT,
    is_model,
    names_generation,
)
from ecocompute_lint.nodes import Fields, children


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
        if not self.flag and has_flag(text):
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
    if not words.isdisjoint(LOUD_NEEDLES | found.aliases):
        return True
    loading = not words.isdisjoint(LOADING)
    if not words.isdisjoint(COMMON_NEEDLES):
        common = words & COMMON_NEEDLES
        return loading or not common <= GENERATING or not _only_forwards(tree, common)
    if not words.isdisjoint(LOADERS) and (loads or not words.isdisjoint(found.helpers)):
        return True
    return loading and not words.isdisjoint(QUIET_OPTIONS)


def _only_forwards(tree: ast.Module, words: set[str]) -> bool:
    """Whether code that loads nothing is the models' own: each asks a part of itself to generate.

    A loop that does so, or a cache that is switched off, is looked at all the same.
    """
    pending: list[tuple[ast.AST, bool]] = [(tree, False)]
    while pending:
        node, inside = pending.pop()
        if isinstance(node, ast.ClassDef):
            inside = any(is_model(_word(base)) for base in node.bases)
        elif isinstance(node, _REPEATING):
            inside = False
        elif isinstance(node, ast.Call) and _word(node.func) in words:
            if not (inside and _root(node.func) in _ITSELF and not any(map(_told, node.keywords))):
                return False
            pending += [(item, inside) for item in (*node.args, *node.keywords)]
            continue
        elif _word(node) in words:
            return False
        pending += [(item, inside) for item in children(node)]
    return True


_REPEATING = (
    ast.For,
    ast.AsyncFor,
    ast.While,
    ast.Lambda,
    ast.ListComp,
    ast.SetComp,
    ast.DictComp,
    ast.GeneratorExp,
)
_ITSELF = frozenset({"self", "super", "cls"})


def _word(node: ast.AST) -> str:
    """The last word of a dotted name, or a text."""
    if isinstance(node, ast.Attribute):
        return node.attr
    if isinstance(node, ast.Name):
        return node.id
    text = node.value if isinstance(node, ast.Constant) else None
    return text if isinstance(text, str) else ""


def _root(node: ast.expr) -> str:
    """The variable or function that an attribute is read off, in the end."""
    while isinstance(node, (ast.Attribute, ast.Call)):
        node = node.value if isinstance(node, ast.Attribute) else node.func
    return node.id if isinstance(node, ast.Name) else ""


def _told(keyword: ast.keyword) -> bool:
    """Whether a quiet option is given a value that is not usual."""
    usual = SILENT.get(keyword.arg or "")
    shown = repr(keyword.value.value) if isinstance(keyword.value, ast.Constant) else ""
    return usual is not None and shown not in usual
