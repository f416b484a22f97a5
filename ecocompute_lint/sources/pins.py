"""Which versions a project allows of a package: what stands nearest above a file.

Requirements, project tables and lock files, as they lie in the folder of a file or above it. The
nearest folder that names the package decides; within one folder a lock file before
``requirements.txt``, that before ``pyproject.toml``, and that before other requirements files,
conda environments, a Pipfile and what setuptools reads. A further kind of file is one more row of
`READERS`, with a function from its bytes to `Statement`s.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from fnmatch import fnmatch, translate
from functools import lru_cache
from pathlib import Path
from typing import Any, TypeAlias

from ecocompute_lint import traces
from ecocompute_lint.facts import PackagePin
from ecocompute_lint.sources.documents import Document, Package, Unreadable
from ecocompute_lint.sources.requirements import (
    Statement,
    decoded,
    of_conda,
    of_poetry,
    of_requirement,
    of_text,
)
from ecocompute_lint.versions import ANY, exactly, hull

_LARGEST = 8_000_000
_MOST_FOLDERS = 12
_PROJECT = (".git", "pyproject.toml", "setup.py", "setup.cfg", "ecolint.toml")

Reader: TypeAlias = Callable[[str, bytes], Iterator[Statement]]


def find_pin(package: str, file: Path, root: Path) -> PackagePin | None:
    """What stands nearest above `file` on a package; None where nothing does.

    The search ends at `root`, or at the project's own folder where the file lies outside of it.
    """
    for folder in _folders(os.path.dirname(os.path.abspath(file)), os.path.abspath(root)):
        pin = _in_folder(package, folder)
        if pin is not None:
            return pin
    return None


def _folders(folder: str, root: str) -> Iterator[str]:
    inside = folder == root or folder.startswith(root.rstrip(os.sep) + os.sep)
    for _ in range(_MOST_FOLDERS):
        yield folder
        above = os.path.dirname(folder)
        ends = _PROJECT[:1] if inside else _PROJECT
        if folder in (root, above) or any(traces.exists(os.path.join(folder, e)) for e in ends):
            return
        folder = above


def _in_folder(package: str, folder: str) -> PackagePin | None:
    names = traces.names_in(folder, _NAMES)
    for patterns, reader in READERS:
        found = [
            (path, item)
            for pattern in patterns
            for name in names
            if fnmatch(name.lower(), pattern)
            for path in [os.path.join(folder, name)]
            for item in _statements(path, reader)
            if item.package == package
        ]
        if found:
            return _pin(package, [item for _, item in found], found[0][0])
    return None


def _pin(package: str, found: Sequence[Statement], path: str) -> PackagePin:
    """Several lines, for several machines perhaps: any of them may be what is installed."""
    versions = hull([item.versions for item in found])
    text = " or ".join(dict.fromkeys(item.text for item in found))
    return PackagePin(package, versions, text, path)


def pins_of(packages: Iterable[Package], path: str) -> dict[str, PackagePin]:
    """What a file's own install lines pin: nearer than anything around the file."""
    found: dict[str, list[Statement]] = {}
    for package in packages:
        item = of_requirement(package.text) or of_conda(package.text)
        if package.branch is None and item is not None and item.versions != ANY:
            found.setdefault(package.name, []).append(item)
    return {name: _pin(name, items, path) for name, items in found.items()}


def _statements(path: str, reader: Reader) -> tuple[Statement, ...]:
    traces.reads(path)
    try:
        state = os.stat(path)
    except OSError:
        return ()
    if state.st_size > _LARGEST:
        return ()
    stamp = (state.st_mtime_ns, state.st_size)
    found, looks = _read(path, reader, stamp)
    if any(traces.see(look) != seen for look, seen in looks.items()):
        found, looks = _read.__wrapped__(path, reader, stamp)  # what it includes has changed
    traces.tell(looks)
    return found


@lru_cache(maxsize=256)
def _read(
    path: str, reader: Reader, stamp: tuple[int, int]
) -> tuple[tuple[Statement, ...], traces.Looks]:
    """All that a file says, and the files that it includes.

    Nothing for one that cannot be read: pins are no duty of a project.
    """
    del stamp
    with traces.recording() as looks:
        try:
            return tuple(reader(path, Path(path).read_bytes())), looks
        except (OSError, ValueError, RecursionError, Unreadable):
            return (), looks


# -- one function per kind of file


def _requirements(path: str, data: bytes) -> Iterator[Statement]:
    yield from of_text(path, data)


def _project(path: str, data: bytes) -> Iterator[Statement]:
    """``[project]``, ``[dependency-groups]`` and Poetry's tables; extras where nothing else is."""
    del path
    table = _toml(data)
    project = _table(table, "project")
    poetry = _table(_table(table, "tool"), "poetry")
    found = [of_requirement(line) for line in _list(project.get("dependencies"))]
    found += [of_poetry(*item) for item in _table(poetry, "dependencies").items()]
    more: list[Statement | None] = []
    for group in (_table(project, "optional-dependencies"), _table(table, "dependency-groups")):
        for lines in group.values():
            more += [of_requirement(line) for line in _list(lines)]
    for group in _table(poetry, "group").values():
        if isinstance(group, dict):
            more += [of_poetry(*item) for item in _table(group, "dependencies").items()]
    more += [of_poetry(*item) for item in _table(poetry, "dev-dependencies").items()]
    first = [item for item in found if item is not None]
    yield from first
    named = {item.package for item in first}
    yield from (item for item in more if item is not None and item.package not in named)


def _lock(path: str, data: bytes) -> Iterator[Statement]:
    """Lock files in TOML: a list of packages, each with its version."""
    del path
    table = _toml(data)
    for item in (*_list(table.get("package")), *_list(table.get("packages"))):
        name = item.get("name") if isinstance(item, dict) else None
        if isinstance(name, str):
            version = item.get("version")
            versions = exactly(version) if isinstance(version, str) else ANY
            yield Statement.of(name, versions, f"{name} {version}")


def _environment(path: str, data: bytes) -> Iterator[Statement]:
    """A conda environment, pip's part included."""
    from ecocompute_lint.sources.package_lists import read_environment

    for package in read_environment(decoded(data), path).packages:
        found = of_requirement(package.text) or of_conda(package.text)
        if found is not None:
            yield Statement.of(package.name, found.versions, found.text)


def _pipfile(path: str, data: bytes) -> Iterator[Statement]:
    del path
    table = _toml(data)
    for group in ("packages", "dev-packages"):
        for name, value in _table(table, group).items():
            found = of_poetry(name, value)
            if found is not None:
                yield found


def _pipfile_lock(path: str, data: bytes) -> Iterator[Statement]:
    del path
    table = json.loads(decoded(data))
    for group in ("default", "develop"):
        for name, value in _table(table, group).items():
            version = value.get("version") if isinstance(value, dict) else None
            if isinstance(version, str):
                number = version.lstrip("= ")
                yield Statement.of(name, exactly(number), f"{name} {number}")


def _setup_cfg(path: str, data: bytes) -> Iterator[Statement]:
    from ecocompute_lint.sources.package_lists import read_setup_cfg

    yield from _required(read_setup_cfg(decoded(data), path))


def _setup(path: str, data: bytes) -> Iterator[Statement]:
    from ecocompute_lint.sources.package_lists import read_setup

    yield from _required(read_setup(decoded(data), path))


def _required(document: Document) -> Iterator[Statement]:
    for package in document.packages:
        found = of_requirement(package.text)
        if found is not None:
            yield found


def _toml(data: bytes) -> dict[str, Any]:
    if sys.version_info >= (3, 11):
        import tomllib
    else:
        import tomli as tomllib

    found: dict[str, Any] = tomllib.loads(data.decode("utf-8-sig"))
    return found


def _table(value: Any, name: str) -> dict[str, Any]:
    found = value.get(name) if isinstance(value, dict) else None
    return found if isinstance(found, dict) else {}


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


READERS: tuple[tuple[tuple[str, ...], Reader], ...] = (
    (("poetry.lock", "uv.lock", "pdm.lock", "pylock.toml", "pylock.*.toml"), _lock),
    (("pipfile.lock",), _pipfile_lock),
    (("requirements.txt",), _requirements),
    (("pyproject.toml",), _project),
    (("requirements*.txt", "requirements*.in"), _requirements),
    (
        ("environment.yml", "environment.yaml", "environment*.yml", "environment*.yaml"),
        _environment,
    ),
    (("pipfile",), _pipfile),
    (("setup.cfg",), _setup_cfg),
    (("setup.py",), _setup),
)
"""Names of files and how they read; the first row that names a package decides."""
_NAMES = "|".join(translate(pattern) for patterns, _ in READERS for pattern in patterns)
