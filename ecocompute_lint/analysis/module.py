"""Follow a whole module: its top level, then every function and method by itself."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from itertools import islice
from typing import Any

from ecocompute_lint.analysis.families import Families
from ecocompute_lint.analysis.idle import without_idle
from ecocompute_lint.analysis.objects import Class, Frame, Function, Obj, Ref
from ecocompute_lint.analysis.project import Project
from ecocompute_lint.analysis.relevance import CONSTRUCTORS, relevance_of
from ecocompute_lint.analysis.statements import Statements
from ecocompute_lint.knowledge import effects
from ecocompute_lint.nodes import walk
from ecocompute_lint.values import ALWAYS, Value, known

_MOST_FUNCTIONS = 2000
_MOST_BASES = 8
_MOST_INSTANCES = 32
_NO_INSTANCE = frozenset({"staticmethod", "classmethod", "property", "cached_property"})
_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)


class Module(Statements):
    """The abstract run of one module."""

    def __init__(self, project: Project | None = None) -> None:
        super().__init__(project)
        self.selves: dict[Class, Obj] = {}
        self._families = Families((), (), self.learn)
        self._read_by: dict[tuple[ast.AST, Any], dict[Any, Value | int | None]] = {}
        self.tree = ast.Module([], [])

    def follow(self, tree: ast.Module) -> None:
        """Run the top level, then each function as if somebody called it with its defaults."""
        self.tree = tree
        relevance = relevance_of(tree)
        self.worth(relevance)
        self.run(without_idle(tree.body))
        self.path = ALWAYS
        self._functions()
        if self.exhausted:
            return
        if self.classes or relevance.shares:
            # What one method or function stores, another one finds only now.
            self._functions()

    def _functions(self) -> None:
        done: set[ast.AST] = set()
        if not self._families.know(self.classes):
            self._families = Families(self.classes.values(), self.telling, self.learn)
        for cls in list(self.classes.values()):
            self._constructed(cls)
        while len(done) < _MOST_FUNCTIONS:
            waiting = [
                item
                for item in self.functions.values()
                if item.node not in done and self._worth_itself(item)
            ]
            if not waiting:
                break
            waiting.sort(key=lambda item: item.name != "__init__")
            for function in waiting:
                done.add(function.node)
                self._alone(function)
        for cls in list(self.classes.values()):
            self._template_methods(cls)
        made = [obj for obj in self.objects.values() if self._left_to_others(obj)]
        for obj in made[:_MOST_INSTANCES]:
            self._called_by_others(obj)

    def _worth_itself(self, function: Function) -> bool:
        """Whether a function is to be followed without anybody calling it."""
        if isinstance(function.node, ast.Lambda):
            return True
        if function.node not in self.followed:
            return False
        if function.node in self.telling:
            return True
        if function.name in CONSTRUCTORS:
            return self._families.hear(function.cls, function)
        return self._families.tell(function.cls)

    def _constructed(self, cls: Class) -> None:
        """A class without a constructor of its own: its methods see what the inherited one sets."""
        found = self._class_attribute(cls, "__init__")
        function = found.only if found is not None else None
        if not isinstance(function, Function) or function.cls is cls:
            return
        if function.node in self.telling or self._families.hear(cls, function):
            self._alone(function, cls)

    def _template_methods(self, cls: Class) -> None:
        """Inherited methods that use what a class defines itself, on an instance of that class."""
        own = {item.name for item in cls.node.body if isinstance(item, _FUNCTIONS)}
        bases = [item.payload for base in cls.bases for item in base]
        for base in islice(bases, _MOST_BASES):
            if not own or not isinstance(base, Class):
                continue
            bases.extend(item.payload for above in base.bases for item in above)
            for node in base.node.body:
                function = self.functions.get(node)
                if function is None or node not in self.followed or function.name in own:
                    continue
                if not own.isdisjoint(_attributes(node)):
                    self._alone(function, cls)

    def _left_to_others(self, obj: Obj) -> bool:
        """Whether an instance is given away, or made and not used: others call its methods."""
        given = obj.kind == "instance" and ("escape" in obj.marks or not obj.used)
        return given and obj.cls is not None and obj not in self.selves.values()

    def _called_by_others(self, obj: Obj) -> None:
        """Run the methods of an instance that nothing here calls, with what it holds."""
        for function in self._methods(obj.cls) if obj.cls is not None else ():
            if function.node in obj.entered or self.exhausted:
                continue
            self.path, self.chain, self.root = obj.ways, obj.inside, function.node
            self._followed(function, known(Ref(obj)))

    def _methods(self, cls: Class) -> Iterator[Function]:
        """The methods worth following that a class of this file defines or inherits."""
        classes, names = [cls], set(CONSTRUCTORS)
        for owner in islice(classes, _MOST_BASES):
            for node in owner.node.body:
                function = self.functions.get(node)
                if function is None or function.name in names:
                    continue
                names.add(function.name)
                if node in self.followed and _NO_INSTANCE.isdisjoint(function.decorators):
                    yield function
            bases = (item.payload for base in owner.bases for item in base)
            classes.extend(base for base in bases if isinstance(base, Class))

    def _alone(self, function: Function, owner: Class | None = None) -> None:
        owner = owner or function.cls
        self.path, self.chain, self.root = ALWAYS, (), function.node
        self._followed(function, self._self(owner) if owner is not None else None)

    def _followed(self, function: Function, instance: Value | None) -> None:
        """Run a function as if somebody called it with its defaults.

        A second time only where something that it has read is another now.
        """
        key = function.node, instance and instance.only
        before = self._read_by.get(key)
        if before is None or not self.unchanged(before):
            self._read_by[key] = self._run_alone(function, instance)
        self.path, self.frame, self.chain, self.root = ALWAYS, self.module, (), None

    def _run_alone(
        self, function: Function, instance: Value | None
    ) -> dict[Any, Value | int | None]:
        """Run a function, and return what it has read of what it did not make itself."""
        seen: dict[Any, Value | int | None] = {}
        self.seen = seen
        frame = Frame(function.frame, "function", function.node, cls=function.cls)
        frame.instance, self.frame = instance, frame
        self.bind(function, frame, None, None, instance)
        value = self.run_function(function, frame)
        for root, _, _ in self.roots(value):
            root.marks.add("escape")
        if instance is not None and function.name in effects.TRAINING_METHODS:
            self.mark(instance, "training")
        self.seen = None
        return seen

    def _self(self, cls: Class) -> Value:
        """The instance that the methods of a class share when we see nobody make one."""
        obj = self.selves.get(cls)
        if obj is None:
            obj = self.make("instance", cls.node)
            self.selves[cls] = obj
            obj.cls = cls
            for name, value in self.record_fields(cls).items():
                self.write(obj, name, value)
        return known(Ref(obj))


def follow(tree: ast.Module, project: Project | None = None) -> Module:
    """The finished abstract run of a module. Never raises for any tree that parsed.

    `project` tells what its imports lead to; without it they lead nowhere.
    """
    run = Module(project)
    run.follow(tree)
    return run


def _attributes(function: ast.AST) -> set[str]:
    """The attributes that a method reads off its instance."""
    return {
        node.attr
        for node in walk(function)
        if isinstance(node, ast.Attribute)
        and isinstance(node.value, ast.Name)
        and node.value.id == "self"
    }
