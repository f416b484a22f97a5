"""Walking syntax trees: the standard library's way asks each node anew what its fields are."""

from __future__ import annotations

import ast
from typing import Any


class Fields(dict[type, tuple[str, ...]]):
    """The fields of each kind of node that may hold nodes, but for those left out."""

    def __init__(self, without: frozenset[str] = frozenset()) -> None:
        super().__init__()
        self._without = without

    def __missing__(self, kind: type) -> tuple[str, ...]:
        # What is no node or list of nodes is a name or a number, which has no fields.
        fields = kind._fields if issubclass(kind, ast.AST) else ()
        self[kind] = tuple(name for name in fields if name not in self._without)
        return self[kind]

    def below(self, node: Any) -> list[Any]:
        """What lies directly below a node in these fields, in order; names may be among it."""
        found: list[Any] = []
        for name in self[type(node)]:
            value = getattr(node, name, None)
            if type(value) is list:
                found += value
            elif value is not None:
                found.append(value)
        return found


CODE = Fields(frozenset("annotation returns ctx op ops type_params type_comment".split()))
"""The fields with code that is run: no annotations."""
# Contexts and operators hold nothing, and there are as many as variables.
_ALL = Fields(frozenset("ctx op ops".split()))


def walk(tree: ast.AST) -> list[Any]:
    """A node and all nodes below it, the outer before the inner ones, as `ast.walk` gives them."""
    found: list[Any] = [tree]
    for node in found:  # grows on the way
        for name in _ALL[type(node)]:
            value = getattr(node, name, None)
            if type(value) is list:
                found += [item for item in value if isinstance(item, ast.AST)]
            elif isinstance(value, ast.AST):
                found.append(value)
    return found


def children(node: ast.AST) -> list[Any]:
    """The nodes directly below one, in order."""
    found: list[Any] = []
    for name in _ALL[type(node)]:
        value = getattr(node, name, None)
        if type(value) is list:
            found += [item for item in value if isinstance(item, ast.AST)]
        elif isinstance(value, ast.AST):
            found.append(value)
    return found


def shift_lines(tree: ast.AST, by: int) -> None:
    """Number the lines of a tree as if it stood so many lines further down."""
    for node in walk(tree):
        if hasattr(node, "end_lineno"):
            node.lineno += by
            if node.end_lineno is not None:
                node.end_lineno += by
