"""Which methods store something on their instance that others look at.

A class, its bases and the classes derived from it are a family: what one method stores, any of them
may read. Only the methods that tell something (see `relevance`) matter in the end, so a constructor
whose attributes none of them reads needs no following.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass, field
from itertools import islice

from ecocompute_lint.analysis.objects import Class, Frame, Function
from ecocompute_lint.nodes import walk

_MOST_CLASSES = 8
_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
_ANY = "*"
"""Stands for all attributes."""
_BY_NAME = frozenset({"setattr", "getattr", "vars", "delattr"})
_HARMLESS = frozenset({"isinstance", "super", "hasattr", "type", "id", "len", "print"})


@dataclass(slots=True)
class Uses:
    """The attributes of its instance that a method deals with."""

    stores: set[str] = field(default_factory=set)
    loads: set[str] = field(default_factory=set)
    inherits: bool = False
    """Whether it calls the method of its name that a base has."""


def uses_of(function: ast.AST) -> Uses:
    """What a method does with its first parameter, in words."""
    found = Uses()
    if not isinstance(function, _FUNCTIONS):
        return found
    args = [*function.args.posonlyargs, *function.args.args]
    name = args[0].arg if args else "self"
    bare = 0
    for node in walk(function):
        kind = type(node)
        if kind is ast.Attribute:
            if type(node.value) is ast.Name and node.value.id == name:
                bare -= 1
                stored = type(node.ctx) is not ast.Load
                (found.stores if stored else found.loads).add(node.attr)
                if node.attr == "__dict__":
                    bare += 1
        elif kind is ast.Name:
            bare += node.id == name
        elif kind is ast.Call and type(node.func) is ast.Name:
            if node.func.id in _BY_NAME:
                bare += 1
            elif node.func.id in _HARMLESS:
                bare -= sum(isinstance(item, ast.Name) and item.id == name for item in node.args)
                found.inherits |= node.func.id == "super"
    if bare > 0:  # given away: who knows what others do with it
        found.stores.add(_ANY)
        found.loads.add(_ANY)
    return found


class Families:
    """The classes of one file and the attributes that their telling methods read."""

    def __init__(
        self,
        classes: Iterable[Class],
        telling: Collection[ast.AST],
        learn: Callable[[Frame], None],
    ) -> None:
        """`learn` sees that `telling` has the methods of a class's module."""
        self._uses: dict[ast.AST, Uses] = {}
        self._named: dict[Class, dict[str, list[ast.AST]]] = {}
        """The methods of each class by their names."""
        self._members = {cls: list(_family(cls)) for cls in classes}
        for member in {member for members in self._members.values() for member in members}:
            learn(member.frame)
        self._heard: dict[Class, set[str]] = {}
        """What the telling methods of a family read, for each class of one that has some."""
        for cls, members in self._members.items():
            if not any(node in telling for member in members for node in member.node.body):
                continue
            found: set[str] = set()
            for member in members:
                for node in member.node.body:
                    if node in telling:
                        found |= self._reach(cls, node, member in self._members).loads
            for member in members:
                self._heard.setdefault(member, set()).update(found)

    def know(self, classes: Collection[object]) -> bool:
        """Whether these are all the classes there are."""
        return len(classes) == len(self._members)

    def tell(self, cls: Class | None) -> bool:
        """Whether a class, one of its bases or one derived from it has a telling method."""
        return cls is None or cls not in self._members or cls in self._heard

    def hear(self, cls: Class | None, function: Function) -> bool:
        """Whether a telling method reads what a method stores on instances of a class."""
        if cls is None or cls not in self._members:
            return True
        heard = self._heard.get(cls)
        if not heard:
            return False
        stores = self._reach(cls, function.node, True).stores
        return bool(stores) and (_ANY in stores or _ANY in heard or not heard.isdisjoint(stores))

    def _reach(self, cls: Class, function: ast.AST, ours: bool) -> Uses:
        """What a method does, with all methods of the family that it calls."""
        found = Uses()
        done: set[ast.AST] = set()
        pending = [function]
        while pending:
            node = pending.pop()
            if node in done:
                continue
            done.add(node)
            uses = self._uses.get(node)
            if uses is None:
                uses = self._uses[node] = uses_of(node)
            found.stores |= uses.stores
            found.loads |= uses.loads
            names = {*uses.loads}
            if uses.inherits:
                names.add(getattr(node, "name", ""))
            for member in self._members[cls]:
                named = self._methods(member)
                for name in names & named.keys():
                    pending += named[name]
        if not ours:  # others give their instances away for reasons of their own
            found.loads.discard(_ANY)
        return found

    def _methods(self, cls: Class) -> dict[str, list[ast.AST]]:
        named = self._named.get(cls)
        if named is None:
            named = self._named[cls] = {}
            for item in cls.node.body:
                if isinstance(item, _FUNCTIONS):
                    named.setdefault(item.name, []).append(item)
        return named


def _family(cls: Class) -> Iterator[Class]:
    """A class and its bases, as far as they are known."""
    found = [cls]
    for one in islice(found, _MOST_CLASSES):
        yield one
        above = (item.payload for base in one.bases for item in base)
        found += [item for item in above if isinstance(item, Class) and item not in found]
