"""The files below a directory: as git lists them, or by walking."""

from __future__ import annotations

import errno
import os
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING

from ecocompute_lint.patterns import compile_ignore_file

if TYPE_CHECKING:
    from pathspec import GitIgnoreSpec

Wanted = Callable[[str, str], bool]
"""Whether a directory, relative to the base it was found under, is to be looked into."""

# Set while git runs a hook; they would redirect git to another repository.
_GIT_VARIABLES = ("DIR", "WORK_TREE", "INDEX_FILE", "PREFIX", "COMMON_DIR", "OBJECT_DIRECTORY")
# Programs that the configuration of a repository can name are not run: no monitor of the file
# system, no hook, and nothing that fetches what a partial clone lacks.
_QUIET = ("-c", "core.fsmonitor=false", "-c", f"core.hooksPath={os.devnull}")
_ALONE = {
    "LC_ALL": "C",
    "GIT_OPTIONAL_LOCKS": "0",
    "GIT_NO_LAZY_FETCH": "1",
    "GIT_ALLOW_PROTOCOL": "none",
    "GIT_TERMINAL_PROMPT": "0",
}
_SUFFIXES_OF_FILES = (".py", ".pyw")


@dataclass(slots=True)
class Listing:
    """What lies below a base, relative to it, and what could not be read with the reason."""

    files: list[str] = field(default_factory=list)
    unreadable: list[tuple[str, str]] = field(default_factory=list)


def list_directories(bases: Sequence[str], wanted: Wanted) -> Iterator[tuple[str, Listing]]:
    """The files below each base, a real path. One call of git per repository."""
    by_root: dict[str, list[str]] = defaultdict(list)
    for base in bases:
        by_root[repository(base) or ""].append(base)
    for root, inside in sorted(by_root.items()):
        tracked = _git_files(root, inside) if root else None
        for base in inside:
            listing = Listing()
            lister = _Lister(base, wanted, listing)
            if tracked is None:
                lister.walk("", _ignores_above(root or os.getcwd(), base))
            else:
                lister.tracked("", root, tracked)
            yield base, listing


def repository(directory: str) -> str | None:
    """The root of the git repository that a directory belongs to."""
    while not os.path.exists(os.path.join(directory, ".git")):
        parent = os.path.dirname(directory)
        if parent == directory:
            return None
        directory = parent
    return directory


@dataclass(slots=True)
class _GitFiles:
    """What git lists for a repository, relative to its root."""

    paths: list[str]
    warnings: list[tuple[str, str]]
    has_modules: bool


def run_git(root: str, *arguments: str) -> tuple[int, bytes, bytes]:
    """Status, output and errors of git in a repository. Raises OSError where there is no git."""
    import subprocess

    environment = {
        key: value
        for key, value in os.environ.items()
        if key.removeprefix("GIT_") not in _GIT_VARIABLES or not key.startswith("GIT_")
    }
    command = [_git(environment.get("PATH", os.defpath)), *_QUIET, "-C", root, *arguments]
    environment.update(_ALONE)
    done = subprocess.run(command, capture_output=True, env=environment, check=False)
    return done.returncode, done.stdout, done.stderr


@lru_cache(maxsize=4)
def _git(path: str) -> str:
    """Where git is; never in the current directory, where Windows would look first."""
    names = ("git.exe", "git") if os.name == "nt" else ("git",)
    for folder in path.split(os.pathsep):
        for name in names:
            found = os.path.join(folder, name)
            if os.path.isabs(folder) and os.path.isfile(found) and os.access(found, os.X_OK):
                return found
    raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), "git")


def _git_files(root: str, bases: Sequence[str]) -> _GitFiles | None:
    """What git lists under the bases, or None where it cannot."""
    below = [os.path.relpath(base, root) for base in bases]
    options = ("-z", "--cached", "--others", "--exclude-standard")
    try:
        literal = "--literal-pathspecs"
        status, output, errors = run_git(root, literal, "ls-files", *options, "--", *below)
    except OSError:
        return None
    if status != 0:
        return None
    paths = [os.fsdecode(raw) for raw in output.split(b"\0") if raw]
    modules = os.path.exists(os.path.join(root, ".gitmodules"))
    return _GitFiles(paths, list(_warnings(errors)), modules)


def _warnings(errors: bytes) -> Iterator[tuple[str, str]]:
    for line in os.fsdecode(errors).splitlines():
        start = "warning: could not open directory '"
        if line.startswith(start):
            path, _, reason = line[len(start) :].rpartition("/': ")
            yield path, reason.lower()


def _git_ignores(root: str, directory: str) -> bool:
    try:
        return run_git(root, "check-ignore", "-q", "--", os.path.relpath(directory, root))[0] == 0
    except OSError:
        return False


Ignores = tuple[tuple[str, "GitIgnoreSpec"], ...]


def _ignores_above(root: str, base: str) -> Ignores:
    """The ignore files from a root down to a base, for when git cannot be asked.

    None of them where they ignore the base itself: it was asked for by name.
    """
    steps = os.path.relpath(base, root).split(os.sep)
    if steps[0] in (os.curdir, os.pardir):
        return ()
    ignores: Ignores = ()
    for count in range(len(steps)):
        directory = os.path.join(root, *steps[:count])
        if spec := _ignore_file(directory):
            ignores = (*ignores, (directory, spec))
        if _ignored(ignores, os.path.join(directory, steps[count]), directory=True):
            return ()
    return ignores


def _ignore_file(directory: str) -> GitIgnoreSpec | None:
    try:
        path = os.path.join(directory, ".gitignore")
        with open(path, encoding="utf-8", errors="replace") as file:
            return compile_ignore_file(file.read())
    except OSError:
        return None


def _ignored(ignores: Ignores, path: str, *, directory: bool) -> bool:
    """Whether the ignore files say so; the deepest one with an opinion decides."""
    for top, spec in reversed(ignores):
        relative = os.path.relpath(path, top).replace(os.sep, "/")
        verdict = spec.check_file(relative + "/" if directory else relative).include
        if verdict is not None:
            return bool(verdict)
    return False


class _Lister:
    """Fills the listing of one base."""

    def __init__(self, base: str, wanted: Wanted, listing: Listing) -> None:
        self.base = base
        self.wanted = wanted
        self.listing = listing

    def tracked(self, top: str, root: str, files: _GitFiles) -> None:
        """Take what git lists below `top` (relative to the base)."""
        here = os.path.normpath(os.path.join(self.base, top))
        prefix = "" if here == root else os.path.relpath(here, root).replace(os.sep, "/") + "/"
        inside = [path[len(prefix) :] for path in files.paths if path.startswith(prefix)]
        if not inside and here != root and _git_ignores(root, here):
            self.walk(top, ())  # ignored as a whole, but asked for by name
            return
        for path in inside:
            self._listed(os.path.join(top, path), files.has_modules)
        for path, reason in files.warnings:
            if f"{path}/".startswith(prefix) and self._looked_into(path[len(prefix) :]):
                self.listing.unreadable.append((os.path.join(top, path[len(prefix) :]), reason))

    def _looked_into(self, path: str) -> bool:
        return self.wanted(self.base, path)

    def _listed(self, path: str, has_modules: bool) -> None:
        """One entry of git's list: a file, a repository of its own, or a submodule."""
        if not path.endswith("/"):
            known = os.path.splitext(path)[1].lower() in _SUFFIXES_OF_FILES
            if known or not has_modules or not self._is_directory(path):
                self.listing.files.append(path)
                return
        path = path.rstrip("/")
        if not self.wanted(self.base, path):
            return
        root = os.path.join(self.base, path)
        nested = _git_files(root, [root]) if repository(root) == root else None
        if nested is not None:
            self.tracked(path, root, nested)
        else:
            self.walk(path, ())

    def _is_directory(self, path: str) -> bool:
        full = os.path.join(self.base, path)
        return os.path.isdir(full) and not os.path.islink(full)

    def walk(self, top: str, ignores: Ignores) -> None:
        """Take what lies below `top`, as far as no ignore file objects."""
        here = os.path.join(self.base, top) if top else self.base
        if spec := _ignore_file(here):
            ignores = (*ignores, (here, spec))
        try:
            with os.scandir(here) as entries:
                found = sorted(entries, key=lambda entry: entry.name)
        except OSError as error:
            self.listing.unreadable.append((top, (error.strerror or str(error)).lower()))
            return
        for entry in found:
            path = os.path.join(top, entry.name) if top else entry.name
            directory = entry.is_dir(follow_symlinks=False)
            if ignores and _ignored(ignores, entry.path, directory=directory):
                continue
            if not directory:
                self.listing.files.append(path)
            elif self.wanted(self.base, path):
                self._below(path, entry.path, ignores)

    def _below(self, path: str, full: str, ignores: Ignores) -> None:
        nested = None
        if os.path.exists(os.path.join(full, ".git")):
            nested = _git_files(full, [full])
        if nested is not None:
            self.tracked(path, full, nested)
        else:
            self.walk(path, ignores)
