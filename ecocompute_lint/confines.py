"""How far a tree reaches: what its files name outside of it is not read on their word."""

from __future__ import annotations

import os
from functools import lru_cache


def holds(root: str, path: str | os.PathLike[str]) -> bool:
    """Whether a path, with all links followed, lies in a directory."""
    real = os.path.realpath(root)
    return (os.path.realpath(path) + os.sep).startswith(real.rstrip(os.sep) + os.sep)


def tree_around(folder: str | os.PathLike[str]) -> str:
    """The tree that a folder is part of.

    That is its git repository, else the current directory where the folder lies below it, else the
    folder alone.
    """
    return _tree_around(os.path.realpath(folder), os.path.realpath(os.curdir))


@lru_cache(maxsize=256)
def _tree_around(folder: str, cwd: str) -> str:
    from ecocompute_lint.tree import repository

    return repository(folder) or (cwd if holds(cwd, folder) else folder)
