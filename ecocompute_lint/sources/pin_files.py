"""The files that say which versions of packages a project allows: one function per kind.

Each goes from the path and the bytes of a file to what it states. `pins` says which reads what; it
brings this module in when there is a file to read.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from ecocompute_lint.sources.documents import Document
from ecocompute_lint.sources.requirements import (
    Statement,
    decoded,
    of_conda,
    of_poetry,
    of_requirement,
    of_text,
)
from ecocompute_lint.versions import ANY, exactly


def requirements(path: str, data: bytes) -> Iterator[Statement]:
    """What pip reads."""
    yield from of_text(path, data)


def project(path: str, data: bytes) -> Iterator[Statement]:
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


def lock(path: str, data: bytes) -> Iterator[Statement]:
    """Lock files in TOML: a list of packages, each with its version."""
    del path
    table = _toml(data)
    for item in (*_list(table.get("package")), *_list(table.get("packages"))):
        name = item.get("name") if isinstance(item, dict) else None
        if isinstance(name, str):
            version = item.get("version")
            versions = exactly(version) if isinstance(version, str) else ANY
            yield Statement.of(name, versions, f"{name} {version}")


def environment(path: str, data: bytes) -> Iterator[Statement]:
    """A conda environment, pip's part included."""
    from ecocompute_lint.sources.package_lists import read_environment

    for package in read_environment(decoded(data), path).packages:
        found = of_requirement(package.text) or of_conda(package.text)
        if found is not None:
            yield Statement.of(package.name, found.versions, found.text)


def pipfile(path: str, data: bytes) -> Iterator[Statement]:
    """Pipenv's own file."""
    del path
    table = _toml(data)
    for group in ("packages", "dev-packages"):
        for name, value in _table(table, group).items():
            found = of_poetry(name, value)
            if found is not None:
                yield found


def pipfile_lock(path: str, data: bytes) -> Iterator[Statement]:
    """Pipenv's lock file."""
    del path
    table = json.loads(decoded(data))
    for group in ("default", "develop"):
        for name, value in _table(table, group).items():
            version = value.get("version") if isinstance(value, dict) else None
            if isinstance(version, str):
                number = version.lstrip("= ")
                yield Statement.of(name, exactly(number), f"{name} {number}")


def setup_cfg(path: str, data: bytes) -> Iterator[Statement]:
    """What setuptools reads of ``setup.cfg``."""
    from ecocompute_lint.sources.package_lists import read_setup_cfg

    yield from _required(read_setup_cfg(decoded(data), path))


def setup(path: str, data: bytes) -> Iterator[Statement]:
    """What setuptools reads of ``setup.py``."""
    from ecocompute_lint.sources.package_lists import read_setup

    yield from _required(read_setup(decoded(data), path))


def _required(document: Document) -> Iterator[Statement]:
    for package in document.packages:
        found = of_requirement(package.text)
        if found is not None:
            yield found


def _toml(data: bytes) -> dict[str, Any]:
    from ecocompute_lint.bounded import loads_toml

    return loads_toml(data.decode("utf-8-sig"))


def _table(value: Any, name: str) -> dict[str, Any]:
    found = value.get(name) if isinstance(value, dict) else None
    return found if isinstance(found, dict) else {}


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []
