"""How a dotted name is written at a place, and what the file has to import for it.

`Imports.spell` answers with an expression that uses what is already visible there, and with what is
missing as a `Need`; needs that are taken up with `add` become edits, one per import statement.
All text here ends its lines with a line feed.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator

from ecocompute_lint.findings import Edit, Place
from ecocompute_lint.fixes.arguments import CannotEdit
from ecocompute_lint.fixes.import_text import NewLine, after_statement, extend, top_of_module
from ecocompute_lint.fixes.scopes import Binding, Scope, Way, scopes, way_to
from ecocompute_lint.fixes.splice import changes
from ecocompute_lint.frozen import dataclass
from ecocompute_lint.sources.text import LineMap

_LOADERS = ("transformers", "diffusers", "peft", "accelerate", "bitsandbytes", "torch")
"""Packages next to whose import a missing one is put when that import is not a top-level one."""


@dataclass(frozen=True, slots=True)
class Need:
    """An import that is missing: a name for a statement there is, or a new statement."""

    statement: ast.ImportFrom | None
    entry: str
    """``Name`` or ``Name as Alias`` to add, or the whole new statement."""
    name: str
    """The name that it binds."""
    meaning: str
    """The dotted name that stands behind it."""
    where: NewLine | None = None
    """Where a new statement goes."""


class Imports:
    """The imports of one module, and those it is to gain."""

    def __init__(self, text: str, tree: ast.Module) -> None:
        """Look at a parsed text; nothing is worked out before it is asked for."""
        self._text = text
        self._tree = tree
        self._map = LineMap(text)
        self._known: dict[ast.AST, tuple[Binding, ...]] = {}
        self._needs: dict[Need, None] = {}
        self._taken: set[str] | None = None

    def spell(self, dotted: str, place: Place) -> tuple[str, Need | None]:
        """How to write a dotted name at a place, and the import it needs, if any.

        Raises CannotEdit where the name cannot be made visible there.
        """
        start, end = self._bytes(place)
        way = way_to(self._tree, start, end)
        view = _View(scopes(way, self._known), _callee(way, start, end))
        seen = view.visible(dotted)
        if seen is not None:
            return seen, None
        module, _, name = dotted.rpartition(".")
        if not module:
            raise CannotEdit(f"{dotted} names no module")
        if name[:1].isupper():
            need = self._class(dotted, view, place)
            return need.name, need
        need = self._module(module, view, place)
        return f"{need.entry.rpartition(' ')[2]}.{name}", need

    def add(self, need: Need) -> None:
        """Take an import up; a second time it is the same one."""
        self._needs[need] = None

    def edits(self) -> list[Edit]:
        """The edits for everything taken up."""
        edits: list[Edit] = []
        statements: dict[ast.ImportFrom, list[str]] = {}
        lines: dict[NewLine, list[str]] = {}
        for need in self._needs:
            if need.statement is not None:
                statements.setdefault(need.statement, []).append(need.entry)
            elif need.where is not None:
                lines.setdefault(need.where, []).append(need.entry)
        for statement, entries in statements.items():
            start, end = self._map.span(self._map.node(statement))
            segment = self._text[start:end]
            for entry in entries:
                segment = extend(segment, entry)
            edits += changes(self._text, self._map, start, end, segment)
        edits += [Edit(where.place, where.text(entries)) for where, entries in lines.items()]
        return edits

    def _bytes(self, place: Place) -> tuple[tuple[int, int], tuple[int, int]]:
        """A place as `ast` gives it: lines, and 0-based UTF-8 columns."""
        start = self._map.line_text(place.line)[: place.column - 1]
        end = self._map.line_text(place.end_line)[: place.end_column - 1]
        return (place.line, len(start.encode())), (place.end_line, len(end.encode()))

    def _class(self, dotted: str, view: _View, place: Place) -> Need:
        """``from module import Name``: one more name of a statement, or a new statement."""
        module, _, name = dotted.rpartition(".")
        for scope, statement in view.extensible(module):
            bound = self._free(view, scope, name, dotted)
            if bound is not None:
                entry = name if bound == name else f"{name} as {bound}"
                return Need(statement, entry, bound, dotted)
        scope, where = self._new_line(module, view, place)
        bound = self._free(view, scope, name, dotted)
        if bound is None:
            raise CannotEdit(f"there is no free name for {dotted}")
        entry = f"from {module} import {name}" + ("" if bound == name else f" as {bound}")
        return Need(None, entry, bound, dotted, where)

    def _module(self, module: str, view: _View, place: Place) -> Need:
        """``import module``, as a new statement."""
        scope, where = self._new_line(module, view, place)
        root = module.split(".")[0]
        bound = self._free(view, scope, root, root)
        if bound is None or (bound != root and "." in module):
            raise CannotEdit(f"there is no free name for {module}")
        entry = f"import {module}" + ("" if bound == root else f" as {bound}")
        return Need(None, entry, bound, root, where)

    def _new_line(self, module: str, view: _View, place: Place) -> tuple[Scope, NewLine]:
        anchor = view.anchor(module)
        if anchor is not None:
            where = after_statement(self._map, anchor[1])
            if where is not None:
                return anchor[0], where
        limit = None if view.module.deferred else place.line
        where = top_of_module(self._map, self._tree, limit)
        if where is None:
            raise CannotEdit("there is no line for the import above its use")
        return view.module, where

    def _free(self, view: _View, scope: Scope, name: str, meaning: str) -> str | None:
        """The name itself where nothing at the place or in the scope claims it, else an alias."""
        pending = any(n.name == name and not _same(n.meaning, meaning) for n in self._needs)
        if not pending and not view.claimed(name, scope, meaning):
            return name
        root = meaning.split(".")[0]
        alias = f"{name}_" if name == root else f"{root.capitalize()}{name}"
        taken = self._names() | {n.name for n in self._needs if not _same(n.meaning, meaning)}
        return None if alias in taken else alias

    def _names(self) -> set[str]:
        """Every name that occurs anywhere in the module."""
        if self._taken is None:
            self._taken = set()
            for node in ast.walk(self._tree):
                for field in ("id", "name", "asname", "arg"):
                    if isinstance(value := getattr(node, field, None), str):
                        self._taken.add(value)
        return self._taken


def _callee(way: Way, start: tuple[int, int], end: tuple[int, int]) -> str | None:
    """The first name of what is called at the place: it is imported when the place runs."""
    node: ast.AST | None = way.find(ast.Call, start, end)
    while isinstance(node, (ast.Call, ast.Attribute)):
        node = node.func if isinstance(node, ast.Call) else node.value
    return node.id if isinstance(node, ast.Name) else None


def _same(target: str, dotted: str) -> bool:
    """Whether two dotted names are one object: deep paths inside one package lead to it too."""
    ours, theirs = target.split("."), dotted.split(".")
    return target == dotted or (
        len(ours) > 1 and len(theirs) > 1 and ours[0] == theirs[0] and ours[-1] == theirs[-1]
    )


def _imports(block: list[ast.stmt], index: int) -> bool:
    return index < len(block) and isinstance(block[index], (ast.Import, ast.ImportFrom))


class _View:
    """What can be relied on at one place."""

    def __init__(self, around: list[Scope], callee: str | None) -> None:
        self._scopes = around
        self._callee = callee
        self.module = around[-1]

    def visible(self, dotted: str) -> str | None:
        """An expression for the name by what is imported already."""
        module, _, name = dotted.rpartition(".")
        for scope in self._scopes:
            for binding in scope.bindings:
                target = binding.target or ""
                if "." in target and _same(target, dotted) and self._holds(scope, binding, dotted):
                    return binding.name
        for scope in self._scopes:
            for binding in scope.bindings:
                whole = binding.target == module and (not binding.full or "." not in module)
                deep = (binding.full + ".").startswith(module + ".")
                if (whole or deep) and self._holds(scope, binding, None):
                    return f"{module if deep and not whole else binding.name}.{name}"
        if name[:1].isupper() and not any(scope.binding(name) for scope in self._scopes):
            for scope in self._scopes:
                for star in scope.binding("*"):
                    if star.target == f"{module}.*" and self._live(scope, star):
                        return name
        return None

    def extensible(self, module: str) -> Iterator[tuple[Scope, ast.ImportFrom]]:
        """``from module import …`` statements that run before the place, the best first."""
        found: list[tuple[bool, bool, int, Scope, ast.ImportFrom]] = []
        for scope in self._scopes:
            if isinstance(scope.node, ast.ClassDef):
                continue
            for binding in scope.bindings:
                node = binding.statement
                fits = isinstance(node, ast.ImportFrom) and node.level == 0
                if not fits or node.module != module or binding.name == "*":  # type: ignore[union-attr]
                    continue
                if self._live(scope, binding):
                    outer = scope is not self.module
                    other = binding.name != self._callee
                    found.append((outer, other, node.lineno, scope, node))  # type: ignore
        for *_, scope, node in sorted(found, key=lambda item: item[:3]):
            yield scope, node

    def anchor(self, module: str) -> tuple[Scope, ast.stmt] | None:
        """The nested import beside which a new one goes, where the top of the module is wrong.

        A file that imports its heavy packages only inside functions or guarded blocks has a reason.
        """
        roots = (module.split(".")[0], *_LOADERS)
        found: list[tuple[bool, Scope, Binding]] = []
        for scope in self._scopes:
            for binding in scope.bindings:
                ours = binding.name == self._callee
                heavy = binding.target is not None and binding.target.split(".")[0] in roots
                if binding.target and (ours or heavy) and self._live(scope, binding):
                    found.append((ours, scope, binding))
        found = [item for item in found if item[0]] or found
        if not found or any(s is self.module and len(b.steps) == 1 for _, s, b in found):
            return None
        _, scope, binding = found[0]
        block = getattr(binding.steps[-1].owner, binding.steps[-1].field)
        index = binding.steps[-1].index
        while _imports(block, index + 1):
            index += 1
        return None if isinstance(scope.node, ast.ClassDef) else (scope, block[index])

    def claimed(self, name: str, scope: Scope, meaning: str) -> bool:
        """Whether a name means, or would come to mean, something else at the place."""
        for inner in self._scopes:
            if inner is scope:
                break
            if inner.binding(name):
                return True
        bound = scope.binding(name)
        if any(b.target is None or not _same(b.target, meaning) for b in bound):
            return True
        if scope is self.module or bound:
            return False
        # A new local name must not take over what the function reads under it already.
        return any(isinstance(node, ast.Name) and node.id == name for node in ast.walk(scope.node))

    def _live(self, scope: Scope, binding: Binding) -> bool:
        """Whether the import has run: by its place, or because what is called there needs it."""
        if scope.runs_before(binding):
            return True
        if binding.typing_only or self._callee is None or not binding.steps:
            return False
        if scope.is_above(binding):
            return False
        same = [b for b in scope.binding(self._callee) if not b.typing_only]
        return bool(same) and all(
            b.target is not None and b.steps and b.steps[-1].same_block(binding.steps[-1])
            for b in same
        )

    def _holds(self, scope: Scope, binding: Binding, dotted: str | None) -> bool:
        """Whether the bound name still means that import at the place."""
        for inner in self._scopes:
            if inner is scope:
                break
            if inner.binding(binding.name):
                return False
        if not self._live(scope, binding):
            return False
        owners = [step.owner for step in binding.steps]
        for other in scope.binding(binding.name):
            same = other.target is not None and (
                other.target == binding.target or (dotted and _same(other.target, dotted))
            )
            fallback = any(
                step.owner in owners and step.field in ("handlers", "orelse")
                for step in other.steps
            )
            if not same and not fallback:
                return False
        return True
