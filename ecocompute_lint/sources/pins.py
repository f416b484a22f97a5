"""Which versions a project allows of a package: what stands nearest above a file.

Requirements, project tables and lock files, as they lie in the folder of a file or above it. The
nearest folder that names the package decides; within one folder a lock file before
``requirements.txt``, that before ``pyproject.toml``, and that before other requirements files,
conda environments, a Pipfile and what setuptools reads. A further kind of file is one more row of
`READERS`, with a function of `pin_files`.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from fnmatch import fnmatch, translate
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from ecocompute_lint import traces
from ecocompute_lint.facts import PackagePin
from ecocompute_lint.files import contents
from ecocompute_lint.sources.documents import Package, Unreadable

if TYPE_CHECKING:
    from ecocompute_lint.sources.requirements import Statement

_LARGEST = 8_000_000
_MOST_FOLDERS = 12
_PROJECT = (".git", "pyproject.toml", "setup.py", "setup.cfg", "ecolint.toml")


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
    from ecocompute_lint.versions import hull

    versions = hull([item.versions for item in found])
    text = " or ".join(dict.fromkeys(item.text for item in found))
    return PackagePin(package, versions, text, path)


def pins_of(packages: Iterable[Package], path: str) -> dict[str, PackagePin]:
    """What a file's own install lines pin: nearer than anything around the file."""
    from ecocompute_lint.sources.requirements import of_conda, of_requirement
    from ecocompute_lint.versions import ANY

    found: dict[str, list[Statement]] = {}
    for package in packages:
        item = of_requirement(package.text) or of_conda(package.text)
        if package.branch is None and item is not None and item.versions != ANY:
            found.setdefault(package.name, []).append(item)
    return {name: _pin(name, items, path) for name, items in found.items()}


def _statements(path: str, reader: str) -> tuple[Statement, ...]:
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
    path: str, reader: str, stamp: tuple[int, int]
) -> tuple[tuple[Statement, ...], traces.Looks]:
    """All that a file says, and the files that it includes.

    Nothing for one that cannot be read: pins are no duty of a project.
    """
    del stamp
    # Brings `packaging` in, which takes its time, and most folders have nothing to read.
    from ecocompute_lint.sources import pin_files

    read = getattr(pin_files, reader)
    with traces.recording() as looks:
        try:
            return tuple(read(path, contents(path))), looks
        except (OSError, ValueError, RecursionError, Unreadable):
            return (), looks


READERS: tuple[tuple[tuple[str, ...], str], ...] = (
    (("poetry.lock", "uv.lock", "pdm.lock", "pylock.toml", "pylock.*.toml"), "lock"),
    (("pipfile.lock",), "pipfile_lock"),
    (("requirements.txt",), "requirements"),
    (("pyproject.toml",), "project"),
    (("requirements*.txt", "requirements*.in"), "requirements"),
    (
        ("environment.yml", "environment.yaml", "environment*.yml", "environment*.yaml"),
        "environment",
    ),
    (("pipfile",), "pipfile"),
    (("setup.cfg",), "setup_cfg"),
    (("setup.py",), "setup"),
)
"""Names of files, and the function of `pin_files` for them; the first row that names a package
decides."""
_NAMES = "|".join(translate(pattern) for patterns, _ in READERS for pattern in patterns)
