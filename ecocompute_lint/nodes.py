"""Walking syntax trees: the standard library's way asks each node anew what its fields are."""

from __future__ import annotations

import ast
from collections.abc import Iterator
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


_ALL = Fields()


def walk(tree: ast.AST) -> Iterator[Any]:
    """All nodes below a node and itself, in no particular order."""
    pending: list[Any] = [tree]
    while pending:
        node = pending.pop()
        yield node
        for name in _ALL[type(node)]:
            value = getattr(node, name, None)
            if type(value) is list:
                pending.extend(item for item in value if isinstance(item, ast.AST))
            elif isinstance(value, ast.AST):
                pending.append(value)


def shift_lines(tree: ast.AST, by: int) -> None:
    """Number the lines of a tree as if it stood so many lines further down."""
    for node in walk(tree):
        if hasattr(node, "end_lineno"):
            node.lineno += by
            if node.end_lineno is not None:
                node.end_lineno += by
