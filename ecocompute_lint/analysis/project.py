"""The modules of the audited tree: where an import leads, and what stands there. Nothing is run.

Each module that is read gets a range of line numbers of its own, so that one number says both in
which file something stands and where. The audited file itself keeps its lines.
"""

from __future__ import annotations

import ast
import os
import sys
from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from ecocompute_lint import traces
from ecocompute_lint.analysis.parts import Parts
from ecocompute_lint.analysis.relevance import Relevance, relevance_of
from ecocompute_lint.confines import holds, tree_around
from ecocompute_lint.findings import LINES_OF_A_FILE
from ecocompute_lint.knowledge.apis import LIBRARIES

_LARGEST = 300_000
_MOST_KEPT = 64
_MOST_FOLDERS = 12
_MARKERS = (".git", "pyproject.toml", "setup.py", "setup.cfg", "ecolint.toml")


@dataclass(eq=False)
class Parsed:
    """A module that was read."""

    tree: ast.Module
    parts: Parts

    @cached_property
    def relevance(self) -> Relevance:
        """Which of its functions are worth following."""
        return relevance_of(self.tree)


class Project:
    """The tree around one audited file, as its import statements see it."""

    def __init__(self, file: Path, root: Path, parse: Callable[[str], ast.Module | None]) -> None:
        """`parse` gives the tree of the file at a path; None where that is no Python."""
        self.file = os.path.abspath(file)
        self._parse = parse
        self._folders = tuple(_folders(os.path.dirname(self.file), os.path.abspath(root)))
        self._found: dict[tuple[str, str], str | None] = {}
        self._tops: dict[str, list[str]] = {}

    def find(self, module: str, importer: str) -> str | None:
        """The file or folder behind a module's name, as `importer` (a path) writes it."""
        key = (module, os.path.dirname(importer) if module.startswith(".") else "")
        if key not in self._found:
            self._found[key] = self._search(module, key[1])
        return self._found[key]

    def _search(self, module: str, folder: str) -> str | None:
        name = module.lstrip(".")
        parts = name.split(".") if name else []
        level = len(module) - len(name)
        if level:
            for _ in range(level - 1):
                folder = os.path.dirname(folder)
            return _module_at(folder, parts)
        if parts[0] in LIBRARIES or parts[0] in sys.stdlib_module_names:
            return None
        spaces: list[str] = []
        for base in self._holding(parts[0]):
            found = _module_at(base, parts)
            if found is not None and found.endswith(".py"):
                return found
            if found is not None:
                spaces.append(found)
        return spaces[0] if spaces else None

    def _holding(self, top: str) -> Iterable[str]:
        """The folders in which absolute imports find something of that name."""
        found = self._tops.get(top)
        if found is None:
            paths = ((base, os.path.join(base, top)) for base in self._folders)
            found = self._tops[top] = [
                base
                for base, path in paths
                if traces.is_folder(path) or traces.is_file(f"{path}.py")
            ]
        return found

    def module(self, path: str) -> Parsed | None:
        """The module in a file; None for a folder, the audited file and what cannot be read."""
        if path == self.file or not path.endswith(".py"):
            return None
        traces.reads(path)
        try:
            state = os.stat(path)
        except OSError:
            return None
        stamp = (state.st_mtime_ns, state.st_size)
        kept = _kept.get(path)
        if kept is not None and kept[0] == stamp:
            _kept.move_to_end(path)
            return kept[1]
        # A link may lead anywhere; only the tree itself is read on the word of an import.
        parsed = self._read(path) if state.st_size <= _LARGEST and self._holds(path) else None
        _kept[path] = (stamp, parsed)
        if len(_kept) > _MOST_KEPT:
            _kept.popitem(last=False)
        return parsed

    def _holds(self, path: str) -> bool:
        top = min(self._folders, key=len)
        return holds(top, path) or holds(tree_around(os.path.dirname(self.file)), path)

    def _read(self, path: str) -> Parsed | None:
        tree = self._parse(path)
        if tree is None:
            return None
        _numbered.append(path)
        base = len(_numbered) * LINES_OF_A_FILE
        return Parsed(tree, Parts(tree, base))


_kept: OrderedDict[str, tuple[tuple[int, int], Parsed | None]] = OrderedDict()
_numbered: list[str] = []
"""The files behind the ranges of line numbers, in order."""


def file_of(line: int) -> str | None:
    """The file in which a numbered line stands; None for the audited one."""
    number = line // LINES_OF_A_FILE
    return _numbered[number - 1] if number else None


def _module_at(folder: str, parts: list[str]) -> str | None:
    path = os.path.join(folder, *parts)
    if parts and traces.is_file(f"{path}.py"):
        return f"{path}.py"
    inside = os.path.join(path, "__init__.py")
    if traces.is_file(inside):
        return inside
    return path if traces.is_folder(path) else None


def _folders(start: str, root: str) -> Iterator[str]:
    """Where absolute imports may lead: the file's folder and those above it, in the project."""
    folder = start
    for _ in range(_MOST_FOLDERS):
        yield folder
        source = os.path.join(folder, "src")
        if traces.is_folder(source):
            yield source
        above = os.path.dirname(folder)
        at_end = folder == root or above == folder
        if at_end or any(traces.exists(os.path.join(folder, name)) for name in _MARKERS):
            return
        folder = above
