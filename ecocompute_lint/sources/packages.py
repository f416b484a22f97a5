"""Files that name packages, by their names: which reader reads them."""

from __future__ import annotations

import re
from collections.abc import Callable
from fnmatch import fnmatch
from typing import TypeAlias

from ecocompute_lint.sources.documents import Document
from ecocompute_lint.sources.locks import read_conda_lock, read_pipfile_lock, read_toml_lock
from ecocompute_lint.sources.package_lists import (
    read_environment,
    read_requirements,
    read_setup,
    read_setup_cfg,
)
from ecocompute_lint.sources.package_tables import read_pipfile, read_pyproject

_NO_RELEASE = re.compile(rb"nightl|dev[\d*]|git|continuous", re.IGNORECASE)

Reader: TypeAlias = Callable[[str, str], Document]

READERS: tuple[tuple[str, tuple[str, ...], Reader], ...] = (
    ("pyproject", ("pyproject.toml",), read_pyproject),
    ("pipfile", ("pipfile",), read_pipfile),
    ("pipfile lock", ("pipfile.lock",), read_pipfile_lock),
    (
        "lock",
        ("poetry.lock", "uv.lock", "pdm.lock", "pylock.toml", "pylock.*.toml"),
        read_toml_lock,
    ),
    ("conda lock", ("conda-lock.y*ml", "*.conda-lock.y*ml"), read_conda_lock),
    ("environment", ("environment*.y*ml", "*environment.y*ml", "conda*.y*ml"), read_environment),
    ("setup.cfg", ("setup.cfg",), read_setup_cfg),
    ("setup.py", ("setup.py",), read_setup),
    (
        "requirements",
        ("*requirements*.txt", "*requirements*.in", "requirements/*.txt", "constraints*.txt"),
        read_requirements,
    ),
)
"""Kinds of files, the names that they go by, and how they are read."""


def reader_of(path: str) -> Reader | None:
    """The reader for a file of this name; None for a file that names no packages."""
    parts = path.replace("\\", "/").lower().rsplit("/", 2)
    names = {parts[-1], "/".join(parts[-2:])}
    for _, patterns, reader in READERS:
        if any(fnmatch(name, pattern) for pattern in patterns for name in names):
            return reader
    return None


def may_matter(data: bytes) -> bool:
    """Whether anything in the raw text may be no release."""
    return _NO_RELEASE.search(data) is not None


def read(text: str, path: str) -> Document:
    """What a file asks for; nothing where its name is not known. Raises Unreadable."""
    reader = reader_of(path)
    return reader(text, path) if reader is not None else Document()
