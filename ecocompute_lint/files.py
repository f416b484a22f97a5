"""Reading files as they are now, whatever has become of them."""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path

_PIECE = 1 << 20
_FLAGS = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)


class TooLarge(Exception):  # noqa: N818  (a state of the file, not a mistake of ours)
    """A file is larger than what is read."""


def contents(path: str | Path, most: int | None = None) -> bytes:
    """The content of a regular file. Where a pipe stands, nothing is waited for.

    Raises OSError, and TooLarge for more than `most` bytes.
    """
    handle = os.open(path, _FLAGS)
    try:
        state = os.fstat(handle)
        if not stat.S_ISREG(state.st_mode):
            raise OSError(errno.EINVAL, "Not a regular file", str(path))
        if most is not None and state.st_size > most:
            raise TooLarge
        data = os.read(handle, state.st_size + 1)
        if len(data) == state.st_size:
            return data
        parts = [data]  # it changes, or the system gives it in pieces
        while part := os.read(handle, _PIECE):
            parts.append(part)
        return b"".join(parts)
    finally:
        os.close(handle)
