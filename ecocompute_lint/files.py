"""Reading files as they are now, whatever has become of them."""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path


def contents(path: str | Path) -> bytes:
    """The content of a regular file. Raises OSError; where a pipe stands, nothing is waited for."""
    handle = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
    with open(handle, "rb") as file:
        if not stat.S_ISREG(os.fstat(handle).st_mode):
            raise OSError(errno.EINVAL, "Not a regular file", str(path))
        return file.read()
