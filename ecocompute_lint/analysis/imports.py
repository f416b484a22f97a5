"""Names that come from other modules of the audited tree, read when they are first needed."""

from __future__ import annotations

import ast
from collections.abc import Iterable
from typing import Any

from ecocompute_lint.analysis.machine import Machine
from ecocompute_lint.analysis.objects import Class, Frame, Imported, Local, Seq
from ecocompute_lint.analysis.parts import Waiting
from ecocompute_lint.analysis.project import Parsed, Project
from ecocompute_lint.knowledge import apis
from ecocompute_lint.values import ALWAYS, Payload, Symbol, Value, known, union

_MOST_MODULES = 24
_DEEPEST_IMPORT = 5
_DEEPEST_NEED = 12


class Imports(Machine):
    """Follows imports into the audited tree, as deep as a name needs."""

    def __init__(self, project: Project | None = None) -> None:
        super().__init__()
        self.project = project
        self.module.path = project.file if project is not None else ""
        self.imported: dict[str, Frame] = {self.module.path: self.module}
        self._unread: dict[Frame, Parsed] = {}
        """The modules of which no function has been needed yet."""
        self._importing = 0
        self._pending: list[Imported] = []

    def run(self, body: Iterable[ast.stmt]) -> None:
        """Run statements; defined where statements are."""
        raise TypeError("abstract")

    def local(self, module: str) -> Local | None:
        """The module of the tree that an import names; None for an installed one."""
        importer = self.frame.module.path
        if self.project is None or not importer:
            return None
        path = self.project.find(module, importer)
        return Local(module, path) if path is not None else None

    def of_tree(self, name: str) -> bool:
        """Whether a dotted name is that of something in a module of the audited tree."""
        return self.local(name.rpartition(".")[0]) is not None

    def linked(self, value: Value) -> Value:
        """A value with what was imported in place of the mere name of it."""
        for item in value.alternatives:
            if type(item.payload) is Imported:
                break
        else:
            return value
        return union(
            self._import(item.payload).within((item.guards,))
            if isinstance(item.payload, Imported)
            else Value((item,))
            for item in value
        )

    def _import(self, item: Imported) -> Value:
        dot = "" if item.module.name.endswith(".") else "."
        symbol = f"{item.module.name}{dot}{item.name}"
        if apis.find_api(symbol) is None and item not in self._pending:
            self._pending.append(item)  # modules may import a name from each other in a circle
            found = self.member(item.module, item.name)
            self._pending.pop()
            if found is not None and not self._known_better(found, symbol):
                return found
        return known(Symbol(symbol))

    @staticmethod
    def _known_better(found: Value, symbol: str) -> bool:
        """Whether the tables know by its name what a class of the tree does."""
        is_class = isinstance(found.only, Class) and not found.only.record
        return is_class and apis.find_api(f"{symbol}.from_pretrained") is not None

    def member(self, module: Local, name: str) -> Value | None:
        """What a module of the tree calls by this name, submodules included."""
        frame = self._frame(module.path)
        if frame is not None:
            self.need(frame, name)
            found = self._bottom().get((frame, name))
            if found is not None and not _is_itself(found.only, module.path, name):
                return self.linked(found)
        folder = module.path.removesuffix("__init__.py")
        if folder == module.path and module.path.endswith(".py"):
            return None
        assert self.project is not None
        path = self.project.find(f".{name}", f"{folder.rstrip('/')}/__init__.py")
        return known(Local(f"{module.name}.{name}", path)) if path is not None else None

    def all_of(self, module: Local) -> dict[str, Value]:
        """What a star import of a module of the tree brings."""
        frame = self._frame(module.path)
        if frame is None:
            return {}
        for name in frame.waiting.names if frame.waiting is not None else ():
            self.need(frame, name)
        named = self._public(frame)
        return {
            key[1]: value
            for key, value in list(self._bottom().items())
            if key[0] is frame
            and isinstance(key[1], str)
            and (key[1] in named if named is not None else not key[1].startswith("_"))
        }

    def _public(self, frame: Frame) -> set[str] | None:
        """The names in `__all__`; None where a module has none that can be read."""
        listed = self._bottom().get((frame, "__all__"))
        payload = listed.only if listed is not None else None
        if not isinstance(payload, Seq) or not payload.whole:
            return None
        names = [item.constant() for item in payload.items]
        return {name for name in names if isinstance(name, str)}

    def _bottom(self) -> dict[Any, Value]:
        store = self.store
        while store.parent is not None:
            store = store.parent
        return store.data

    def _frame(self, path: str) -> Frame | None:
        """The scope of a module, its top level run; None for what is no module."""
        frame = self.imported.get(path)
        if frame is not None or self.project is None:
            return frame
        if len(self.imported) > _MOST_MODULES or self._importing >= _DEEPEST_IMPORT:
            return None
        parsed = self.project.module(path)
        if parsed is None:
            return None
        waiting = Waiting(parsed.parts)
        frame = Frame(None, "module", path=path, name=path, waiting=waiting)
        self.imported[path] = frame
        self._unread[frame] = parsed
        self._run_apart(waiting.compiled(), frame)
        return frame

    def learn(self, frame: Frame) -> None:
        """Find out which functions of a module are worth following, if nobody has yet."""
        parsed = self._unread.pop(frame.module, None)
        if parsed is not None:
            self.worth(parsed.relevance)

    def need(self, frame: Frame, name: str) -> None:
        """Run what the top level of another module has to say about one of its names."""
        waiting = frame.waiting
        while waiting is not None and name in waiting and self._importing < _DEEPEST_NEED:
            self._run_apart(waiting.take(name), frame)

    def _run_apart(self, body: Iterable[ast.stmt], frame: Frame) -> None:
        """Run statements of another module, wherever we are, as if at the beginning."""
        kept = (self.store, self.path, self.frame, self.chain, self.steps, self.depth)
        around = (self.loops, self.trail, self.root, self.seen)
        while self.store.parent is not None:
            self.store = self.store.parent
        self.path, self.frame, self.chain = ALWAYS, frame, ()
        self.loops, self.trail, self.root, self.seen = [], [], None, None
        self._importing += 1
        try:
            self.run(body)
        finally:
            self._importing -= 1
            self.store, self.path, self.frame, self.chain, self.steps, self.depth = kept
            self.loops, self.trail, self.root, self.seen = around


def _is_itself(payload: Payload, path: str, name: str) -> bool:
    """Whether a package's name is only its own submodule: ``from . import settings``."""
    return isinstance(payload, Imported) and (payload.module.path, payload.name) == (path, name)
