"""The settings at the top level of a module that nothing in it looks at.

Modules of settings are long lists of dicts and numbers, of which the few that are about a model
matter. The others are not run: what they say reaches nothing, and what they import is not needed.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from ecocompute_lint import prefilter
from ecocompute_lint.analysis.relevance import tells, told, word_of_text
from ecocompute_lint.knowledge.apis import NOT_A_MODEL
from ecocompute_lint.knowledge.execution_apis import SILENT
from ecocompute_lint.nodes import CODE, walk

_FEW = 12
"""So few settings are sooner run than looked at."""
_MAKERS = frozenset({"dict", "list", "set", "tuple"})
_CONSTANTS = frozenset({ast.BinOp, ast.JoinedStr, ast.FormattedValue, ast.Tuple, ast.UnaryOp})
_PLAIN = _CONSTANTS | {ast.BoolOp, ast.Compare, ast.Dict, ast.IfExp, ast.List, ast.Set}
_NAMESPACES = frozenset({"eval", "exec", "globals", "locals", "vars"})
"""What sees variables that nobody names."""


@dataclass(slots=True)
class _Setting:
    """What a statement gives values, reads and says; `constant`: numbers and texts alone."""

    given: set[str] = field(default_factory=set)
    read: set[str] = field(default_factory=set)
    words: set[str] = field(default_factory=set)
    constant: bool = True


def without_idle(body: list[ast.stmt]) -> list[ast.stmt]:
    """The statements of a top level but for settings that neither tell nor are looked at."""
    if not prefilter.gates_are_on():
        return body
    settings = {item: found for item in body if (found := _setting(item)) is not None}
    idle = {item: found for item, found in settings.items() if not tells(found.words)}
    if len(idle) < _FEW:
        return body
    needed: set[str] = set()
    made: set[str] = set()
    for item in body:
        if item not in idle:
            _look(item, settings.get(item), needed, made)
    while taken := [
        item
        for item, found in idle.items()
        if not (needed.isdisjoint(found.given) and made.isdisjoint(found.read))
    ]:
        for item in taken:
            _look(item, idle.pop(item), needed, made)
    if not needed.isdisjoint(_NAMESPACES):
        return body
    return [item for item in body if item not in idle]


def _look(item: ast.stmt, setting: _Setting | None, needed: set[str], made: set[str]) -> None:
    """Note the names that a statement that is run needs, and those of what it makes.

    Who reads an object may change what becomes of it; of a constant nothing becomes.
    """
    if setting is not None:
        needed |= setting.read
        if not setting.constant:
            made |= setting.given
    elif not isinstance(item, (ast.Import, ast.ImportFrom)):
        for node in walk(item):
            if isinstance(node, ast.Name):
                needed.add(node.id)
                if not isinstance(node.ctx, ast.Load):
                    made.add(node.id)
            elif isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
                made.add(node.name)


def _setting(statement: ast.stmt) -> _Setting | None:
    """What a statement says that does no more than giving variables plain values, else None."""
    found = _Setting()
    return found if _is_setting(statement, found) else None


def _is_setting(statement: ast.stmt, found: _Setting) -> bool:
    if isinstance(statement, ast.If):
        inner: Iterable[ast.stmt] = (*statement.body, *statement.orelse)
        found.constant = False
        return _is_plain(statement.test, found) and all(_is_setting(item, found) for item in inner)
    if isinstance(statement, ast.Assign):
        targets = statement.targets
    elif isinstance(statement, (ast.AnnAssign, ast.AugAssign)):
        targets = [statement.target]
        found.constant = False
    else:
        return isinstance(statement, ast.Pass)
    for target in targets:
        if not isinstance(target, ast.Name):
            return False
        found.given.add(target.id)
        if isinstance(statement, ast.AugAssign):
            found.read.add(target.id)
    return statement.value is None or _is_plain(statement.value, found)


def _is_plain(value: ast.expr, found: _Setting) -> bool:
    """Whether evaluating an expression does nothing but make dicts and lists; notes its words."""
    pending: list[Any] = [value]
    while pending:
        node = pending.pop()
        kind = type(node)
        if kind is ast.Constant:
            if type(node.value) is str:
                found.words.add(word_of_text(node.value))
            continue
        if kind not in _CONSTANTS:
            found.constant = False
        if kind is ast.Name:
            found.read.add(node.id)
            found.words.add(node.id)
        elif kind is ast.Attribute:
            if not _is_harmless(node):
                found.words.add(node.attr)
            pending.append(node.value)
        elif kind is ast.Call:
            if not isinstance(node.func, ast.Name) or node.func.id not in _MAKERS:
                return False
            pending += (node.func, *node.args)
            for item in node.keywords:
                found.words.add(item.arg or "")
                if item.arg in SILENT:
                    found.words.add(told(item.arg, item.value))
                pending.append(item.value)
        elif kind in _PLAIN:
            pending += CODE.below(node)
        else:
            return False
    return True


def _is_harmless(node: ast.Attribute) -> bool:
    """Whether it is the loader of something that is no model: a tokenizer's."""
    owner = node.value
    return isinstance(owner, ast.Name) and NOT_A_MODEL.fullmatch(owner.id) is not None
