"""Which files a run looks at.

Inside a git repository git says which files there are (tracked, or untracked and not ignored);
elsewhere the directories are walked and ``.gitignore`` files honoured. Files named explicitly are
always taken.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from ecocompute_lint.config import ConfigError, Settings, SettingsFinder
from ecocompute_lint.findings import Problem
from ecocompute_lint.frozen import dataclass
from ecocompute_lint.notices import warn
from ecocompute_lint.patterns import Patterns
from ecocompute_lint.sources.kinds import KINDS, kind_of
from ecocompute_lint.tree import list_directories


@dataclass(frozen=True, slots=True)
class Discovered:
    """One file to look at: where it is, what reports call it, and what governs it."""

    file: Path
    path: str
    kind: str
    settings: Settings
    explicit: bool = False
    once: bool = False
    """Named explicitly, and to be read once only: a pipe."""


@dataclass(frozen=True, slots=True)
class _Folder:
    """What governs the files of one directory, and what the patterns call it, with its slash."""

    settings: Settings
    excluded: Patterns
    name: str


def discover(
    paths: Sequence[str | Path],
    overrides: Mapping[str, Any] | None = None,
    *,
    config: Path | None = None,
) -> Iterator[Discovered | Problem]:
    """Find the files in and under `paths`, in order and each once, and what could not be read.

    Raises ConfigError if the overrides, or the file named as `config`, cannot be used.
    """
    search = _Search(SettingsFinder(overrides, config))
    for path in paths:
        search.named(os.fspath(path))
    search.expand()
    yield from search.problems
    yield from sorted(search.found.values(), key=lambda item: item.path)


def is_excluded(path: str, finder: Callable[[str], Settings]) -> bool:
    """Whether a file or directory, or one above it, is excluded by what governs each.

    Raises ConfigError if a configuration cannot be used.
    """
    if any(
        str(above) not in (".", above.anchor) and _excluded_itself(str(above), finder)
        for above in Path(path).parents
    ):
        return True
    return _excluded_itself(path, finder)


def _excluded_itself(path: str, finder: Callable[[str], Settings]) -> bool:
    settings = finder(path)
    if not settings.covers(path) and os.path.isdir(path):
        return False  # a directory far above, which nobody meant
    return settings.excluded.matches(settings.relative(path), directory=os.path.isdir(path))


class _Search:
    """The state of one search."""

    def __init__(self, finder: SettingsFinder) -> None:
        self.finder = finder
        self.cwd = os.getcwd()
        self.found: dict[str, Discovered] = {}  # by real path
        self.problems: list[Problem] = []
        self._directories: dict[str, str] = {}  # real path -> name
        self._kept: dict[tuple[str, str], bool] = {}
        self._folders: dict[tuple[str, str], _Folder | None] = {}
        self._broken: set[str] = set()

    # -- what was named

    def named(self, path: str) -> None:
        name = self._name(path)
        try:
            status = os.stat(path)
        except (OSError, ValueError) as error:
            self.problem("path", path, _reason(error))
            return
        settings = self.settings(name, directory=stat.S_ISDIR(status.st_mode))
        if settings is None:
            return
        if settings.force_exclude and is_excluded(name, self.finder):
            return
        if stat.S_ISDIR(status.st_mode):
            self._directories.setdefault(os.path.realpath(path), name)
        elif kind := self._kind_of_named(path, status):
            once = not stat.S_ISREG(status.st_mode)
            self.take(
                os.path.realpath(path), Discovered(Path(name), name, kind, settings, True, once)
            )
        else:
            warn("%s: not a kind of file that ecolint reads (%s)", name, KINDS)

    def _name(self, path: str) -> str:
        """What reports call a path: relative where it lies below the current directory."""
        below = self.cwd.rstrip(os.sep) + os.sep
        if path.startswith(below):
            path = os.path.relpath(path, self.cwd)
        return path if ".." in path.split(os.sep) else os.path.normpath(path)

    @staticmethod
    def _kind_of_named(path: str, status: os.stat_result) -> str | None:
        kind = kind_of(path)
        if kind is not None:
            return kind
        if not stat.S_ISREG(status.st_mode):
            return "python"  # a pipe has no name that says what it carries
        try:
            with open(path, "rb") as file:
                first = file.readline(128)
        except OSError:
            return "python"  # reading it again will say what is wrong
        return "python" if first.startswith(b"#!") and b"python" in first else None

    # -- what lies below it

    def expand(self) -> None:
        """Look into the directories that were named."""
        bases = sorted(self._directories)
        for base, listing in list_directories(bases, self.wanted):
            name = self._directories[base]
            for entry in listing.files:
                self._entry(base, name, entry)
            for entry, reason in listing.unreadable:
                self.problem("path", _join(name, entry), reason)

    def wanted(self, base: str, directory: str) -> bool:
        """Whether a directory below the base is looked into."""
        name = self._directories[base]
        return self._keeps(base, os.path.join(self.cwd, name), directory)

    def _keeps(self, base: str, top: str, directory: str) -> bool:
        if not directory:
            return True
        key = (base, directory)
        if key not in self._kept:
            real = os.path.join(base, directory)
            self._kept[key] = (
                self._keeps(base, top, os.path.dirname(directory))
                and not self._excluded(top, os.path.join(top, directory))
                and not os.path.islink(real)
                and not os.path.exists(os.path.join(real, "pyvenv.cfg"))
            )
        return self._kept[key]

    def _entry(self, base: str, name: str, entry: str) -> None:
        kind = kind_of(entry)
        directory, leaf = os.path.split(entry)
        folder = self._folder(base, name, directory) if kind is not None else None
        if kind is None or folder is None or folder.excluded.matches(folder.name + leaf):
            return
        real = os.path.join(base, entry)
        shown = _join(name, entry)
        try:
            mode = os.lstat(real).st_mode
            if stat.S_ISLNK(mode):
                real = os.path.realpath(real)
                if not real.startswith(base.rstrip(os.sep) + os.sep):
                    return  # leads out of the tree
                mode = os.stat(real).st_mode
        except FileNotFoundError:
            return  # tracked, but deleted; or a link to nothing
        except OSError as error:
            if error.errno == errno.ELOOP:
                warn("%s: a link that leads to itself, passed over", shown)
            else:
                self.problem("path", shown, _reason(error))
            return
        if stat.S_ISREG(mode):
            self.take(real, Discovered(Path(shown), shown, kind, folder.settings))

    def _folder(self, base: str, name: str, directory: str) -> _Folder | None:
        """What governs the files of a directory below the base; None where none is taken."""
        key = (base, directory)
        if key not in self._folders:
            top, path = os.path.join(self.cwd, name), os.path.join(self.cwd, name, directory, "_")
            settings = self.settings(path) if self.wanted(base, directory) else None
            folder = None
            if settings is not None:
                excluded, shown = _exclusion(settings, top, path)
                folder = _Folder(settings, excluded, shown.removesuffix("_"))
            self._folders[key] = folder
        return self._folders[key]

    def _excluded(self, top: str, path: str) -> bool:
        """Whether a directory below `top` is excluded."""
        settings = self.settings(path)
        if settings is None:
            return True
        excluded, shown = _exclusion(settings, top, path)
        return excluded.matches(shown, directory=settings.covers(path))

    # -- results

    def take(self, real: str, item: Discovered) -> None:
        """Take a file once; a name given explicitly, or its own, is better than that of a link."""
        before = self.found.get(real)
        if before is None or (item.explicit, _plain(item, real)) > (
            before.explicit,
            _plain(before, real),
        ):
            self.found[real] = item

    def settings(self, path: str, *, directory: bool = False) -> Settings | None:
        """The settings for a path, or None, said once, where they cannot be read."""
        try:
            return self.finder(os.path.join(path, "_") if directory else path)
        except ConfigError as error:
            if str(error) not in self._broken:
                self._broken.add(str(error))
                self.problem("config", error.path or "", str(error), error.line)
            return None

    def problem(self, code: str, path: str, message: str, line: int | None = None) -> None:
        """Note something that could not be looked at."""
        self.problems.append(Problem(code, path.rstrip(os.sep) or path, message, line))


def _exclusion(settings: Settings, top: str, path: str) -> tuple[Patterns, str]:
    """What the settings exclude, and what they call a path below `top`.

    What excludes `top` itself, which somebody asked for, does not count.
    """
    excluded = settings.excluded
    if not settings.covers(path):
        return excluded, os.path.relpath(path, top).replace(os.sep, "/")
    if settings.covers(top) and excluded.matches(above := settings.relative(top) + "/"):
        excluded = excluded.without(above)
    return excluded, settings.relative(path)


def _plain(item: Discovered, real: str) -> bool:
    return os.path.basename(item.path) == os.path.basename(real) and not item.file.is_symlink()


def _join(name: str, entry: str) -> str:
    return entry if name == "." else os.path.join(name, entry)


def _reason(error: Exception) -> str:
    if isinstance(error, OSError) and error.strerror:
        return error.strerror.lower()
    return str(error)
