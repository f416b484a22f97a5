"""Files that are replaced whole or not at all, whatever ends the process.

The new content goes into a file beside the old one, which then takes its place. Only a process that
is killed leaves such a file behind; whoever next replaces a file in that folder removes it.
"""

from __future__ import annotations

import contextlib
import os
import re
import stat
from collections.abc import Callable
from typing import Any

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]

_SUFFIX = ".ecolint-tmp"
_OURS = re.compile(r"\.[^/]{1,16}\.[0-9a-f]{12}" + re.escape(_SUFFIX), re.S)
_NEW = os.O_RDWR | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)


def replace(
    path: str, data: bytes, *, finish: Callable[[str], Any] = lambda name: None, sync: bool = False
) -> None:
    """Give a file new content. Raises OSError, and then the file is as it was.

    `finish` is told the name of the new file before it takes its place: for its mode and owner, and
    for what may yet forbid it. `sync`: on disk before anything refers to it.
    """
    directory, name = os.path.split(path)
    _sweep(directory or ".")
    temporary = ""
    try:
        while True:
            # The name is known before the file is made, so that an interrupt leaves none behind.
            unique = f".{name[:16]}.{os.urandom(6).hex()}{_SUFFIX}"
            temporary = os.path.join(directory, unique)
            with os.fdopen(os.open(temporary, _NEW, 0o600), "wb") as file:
                if not _locked(file.fileno()):
                    continue
                file.write(data)
                file.flush()
                if sync:
                    os.fsync(file.fileno())
                finish(temporary)
                if os.name == "nt":
                    file.close()
                os.replace(temporary, path)
            break
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(temporary)
        raise
    if sync:
        _sync_directory(directory or ".")


def _locked(handle: int) -> bool:
    """Say that the file is in use; false if it was swept away just before."""
    if fcntl is not None:
        with contextlib.suppress(OSError):  # not every file system has locks
            fcntl.flock(handle, fcntl.LOCK_EX)
        return os.fstat(handle).st_nlink > 0
    return True


def _sweep(directory: str) -> None:
    """Remove what killed processes have left in a directory: ours, and locked by nobody."""
    if fcntl is None:
        return
    with contextlib.suppress(OSError), os.scandir(directory) as entries:
        for name in [entry.name for entry in entries if entry.name.endswith(_SUFFIX)]:
            if _OURS.fullmatch(name):
                with contextlib.suppress(OSError):
                    _remove_abandoned(os.path.join(directory, name))


def _remove_abandoned(path: str) -> None:
    handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    try:
        if stat.S_ISREG(os.fstat(handle).st_mode):
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            os.unlink(path)
    finally:
        os.close(handle)


def _sync_directory(directory: str) -> None:
    with contextlib.suppress(OSError):  # not every system opens directories
        handle = os.open(directory, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
