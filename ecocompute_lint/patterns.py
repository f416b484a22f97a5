"""File patterns in the syntax of .gitignore."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathspec import GitIgnoreSpec

_SPECIAL = frozenset("*?[]!#\\/ ")
_FOLDERS = ".+"
_MOST_FOLDERS = 2
"""So many times a pattern may skip folders: each multiplies the ways to read a path by these."""
_STAR = "[^/]*"
_PLAIN = re.compile(r"(?:[^/()\[\]\\]|\\.|\[\^/\]|\[[^\[\]/\\]+\])+")
"""A part of a regular expression that stays within one name, as pathspec writes it."""


class Patterns:
    """Patterns relative to one directory. Raises ValueError for one that cannot be used.

    A path matches with everything below it, so ``build`` matches ``build/lib/a.py``.
    """

    def __init__(self, lines: tuple[str, ...]) -> None:
        """Compile the patterns `lines`."""
        self.lines = lines
        # Plain names are the usual case, and importing pathspec costs more than a small audit.
        simple = all(line and not _SPECIAL.intersection(line) for line in lines)
        self._names = frozenset(lines) if simple else None
        self._spec = None if simple else compile_patterns(lines)

    def matches(self, path: str, *, directory: bool = False) -> bool:
        """Whether a relative path with forward slashes, or a directory above it, matches."""
        if self._spec is not None:
            return bool(self._spec.match_file(f"{path}/" if directory else path))
        return self._names is not None and not self._names.isdisjoint(path.split("/"))

    def without(self, directory: str) -> Patterns:
        """These patterns less those that match `directory/` itself, which somebody asked for."""
        kept = (line for line in self.lines if not patterns((line,)).matches(directory))
        return patterns(tuple(kept))


@lru_cache(maxsize=512)
def patterns(lines: tuple[str, ...]) -> Patterns:
    """The compiled patterns, shared. Raises ValueError for one that cannot be used."""
    return Patterns(lines)


def compile_patterns(lines: Sequence[str]) -> GitIgnoreSpec:
    """A specification of pathspec. Raises ValueError for a pattern that cannot be used."""
    from pathspec import GitIgnoreSpec

    spec = GitIgnoreSpec.from_lines(lines)
    if any(line.count("*") > 2 for line in lines):
        for pattern in spec.patterns:
            if pattern.regex is not None:
                regex = pattern.regex.pattern
                if regex.count(_FOLDERS) > _MOST_FOLDERS:
                    raise ValueError("too many times `**`")
                pattern.regex = re.compile(_straight(regex))
    return spec


def _straight(regex: str) -> str:
    """The regular expression of a pattern without the many ways to share a name out among stars.

    What follows a star up to the next one is taken where it first occurs, for good: the next star
    takes whatever is left.
    """
    first, *rest = regex.split(_STAR)
    parts = [first]
    for number, text in enumerate(rest):
        last = number == len(rest) - 1
        if last or not text or not _PLAIN.fullmatch(text):
            parts.append(_STAR + text)
        else:
            parts.append(f"(?=(?P<star{number}>[^/]*?{text}))(?P=star{number})")
    return "".join(parts)


def compile_ignore_file(text: str) -> GitIgnoreSpec:
    """The patterns of an ignore file; as in git, lines that mean nothing are passed over."""
    lines = text.splitlines()
    try:
        return compile_patterns(lines)
    except ValueError:
        return compile_patterns([line for line in lines if _usable(line)])


def _usable(line: str) -> bool:
    try:
        compile_patterns([line])
    except ValueError:
        return False
    return True
