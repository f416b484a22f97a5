"""What a result rests on besides the audited text: files that were read, and names that were tried.

Who looks at the file system on behalf of a result does it through these functions. While somebody
records, each look is noted with what was seen, so that it can be seen later whether the result
still holds; nothing else changes.
"""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TypeAlias

Look: TypeAlias = tuple[str, ...]
"""``(CONTENT, path)``, ``(STAMP, path)``, ``(TYPE, path)`` or ``(NAMES, folder, pattern)``."""
Seen: TypeAlias = tuple[int, int, int] | str
"""The stamp of a file; the type of what is no file, or of a name; the names found."""
Looks: TypeAlias = dict[Look, Seen]

CONTENT, STAMP, TYPE, NAMES = "content", "stamp", "type", "names"
FILE, FOLDER, OTHER, ABSENT = "f", "d", "o", "-"

_recording: ContextVar[Looks | None] = ContextVar("recording", default=None)


@contextmanager
def recording() -> Iterator[Looks]:
    """Note all looks that are taken within; those around it are not told (see `tell`)."""
    looks: Looks = {}
    token = _recording.set(looks)
    try:
        yield looks
    finally:
        _recording.reset(token)


def tell(looks: Mapping[Look, Seen]) -> None:
    """Note looks that were taken before, for what rests on them again."""
    noted = _recording.get()
    if noted is not None:
        for look, seen in looks.items():
            noted.setdefault(look, seen)


def reads(path: str | os.PathLike[str]) -> None:
    """The contents of a file are about to be read, or were in this state."""
    _note((CONTENT, os.fspath(path)))


def reads_part(path: str | os.PathLike[str]) -> None:
    """A part of a file too large to be compared is about to be read."""
    _note((STAMP, os.fspath(path)))


def is_file(path: str | os.PathLike[str]) -> bool:
    """As `os.path.isfile`."""
    return _type(os.fspath(path)) == FILE


def is_folder(path: str | os.PathLike[str]) -> bool:
    """As `os.path.isdir`."""
    return _type(os.fspath(path)) == FOLDER


def exists(path: str | os.PathLike[str]) -> bool:
    """As `os.path.exists`."""
    return _type(os.fspath(path)) != ABSENT


def names_in(folder: str | os.PathLike[str], pattern: str) -> list[str]:
    """The names in a folder that a regular expression matches in lower case, in order."""
    look = (NAMES, os.fspath(folder), pattern)
    found = see(look)
    noted = _recording.get()
    if noted is not None:
        noted.setdefault(look, found)
    return found.split("/") if isinstance(found, str) and found else []


def _type(path: str) -> str:
    noted = _recording.get()
    if noted is None:
        return type_of(path)
    look = (TYPE, path)
    seen = noted.get(look)
    if seen is None:
        seen = noted[look] = type_of(path)
    return str(seen)


def _note(look: Look) -> None:
    noted = _recording.get()
    if noted is not None and look not in noted:
        noted[look] = see(look)


# -- what there is to see


def see(look: Look) -> Seen:
    """What a look shows now."""
    if look[0] == TYPE:
        return type_of(look[1])
    if look[0] == NAMES:
        matches = re.compile(look[2]).fullmatch
        try:
            names = os.listdir(look[1])
        except (OSError, ValueError):
            return ""
        return "/".join(sorted(name for name in names if matches(name.lower())))
    return stamp_of(look[1])


def type_of(path: str) -> str:
    """Whether a name is a file's, a folder's, something else's or nobody's."""
    try:
        mode = os.stat(path).st_mode
    except (OSError, ValueError):
        return ABSENT
    if stat.S_ISREG(mode):
        return FILE
    return FOLDER if stat.S_ISDIR(mode) else OTHER


def stamp_of(path: str) -> Seen:
    """Time, size and number of a file; the type of what is none."""
    try:
        state = os.stat(path)
    except (OSError, ValueError):
        return ABSENT
    if stat.S_ISREG(state.st_mode):
        return state.st_mtime_ns, state.st_size, state.st_ino
    return FOLDER if stat.S_ISDIR(state.st_mode) else OTHER
