"""Where output goes and how it is drawn there."""

from __future__ import annotations

import errno
import os
import sys
from typing import TextIO

from ecocompute_lint.report.style import Style, safe

_SIGNS = "│─·…"


class OutputClosed(Exception):  # noqa: N818  (a state of the pipe, not a mistake)
    """Whoever read the output has seen enough."""


def style_for(stream: TextIO, color: str = "auto") -> Style:
    """How to draw on a stream."""
    terminal = stream.isatty()
    width = _width() if terminal else None
    return Style(_colored(terminal, color), _takes_signs(stream), width)


def _width() -> int:
    import shutil  # slow to import

    return min(shutil.get_terminal_size().columns, 100)


def _colored(terminal: bool, color: str) -> bool:
    if color != "auto":
        return color == "always"
    if os.environ.get("NO_COLOR"):
        return False
    if os.environ.get("FORCE_COLOR", "0") not in ("", "0"):
        return True
    return terminal and os.environ.get("TERM") != "dumb"


def _takes_signs(stream: TextIO) -> bool:
    try:
        _SIGNS.encode(stream.encoding or "ascii")
    except (UnicodeEncodeError, LookupError):
        return False
    return True


def write(text: str, stream: TextIO | None = None) -> None:
    """Write to a stream; what its encoding lacks is spelled out, never an error."""
    stream = sys.stdout if stream is None else stream
    encoding = stream.encoding or "ascii"
    try:
        stream.write(text.encode(encoding, "backslashreplace").decode(encoding))
        stream.flush()
    except BrokenPipeError:
        raise OutputClosed from None


def write_bytes(data: bytes) -> None:
    """Write bytes to standard output, unchanged."""
    try:
        sys.stdout.flush()
        sys.stdout.buffer.write(data)
        sys.stdout.buffer.flush()
    except BrokenPipeError:
        raise OutputClosed from None


def say(message: str) -> None:
    """Write a line about the run itself to standard error."""
    write(f"ecolint: {safe(message)}\n", sys.stderr)


def warn_on_stderr() -> None:
    """Let the warnings of the package be written as the command's own words."""
    from ecocompute_lint.notices import take_over

    take_over(lambda message: say(f"warning: {message}"))


def write_file(path: str, text: str) -> None:
    """Write a report to a file, whole or not at all; ``-`` is standard output.

    Raises OSError.
    """
    if path == "-":
        write(text)
        return
    data = text.encode("utf-8", "backslashreplace")
    if os.path.exists(path) and not os.path.isfile(path):
        with open(path, "wb") as file:  # a device or a pipe cannot be replaced
            file.write(data)
        return
    real = os.path.realpath(path)
    if os.path.islink(path) and _leads_out(path):
        raise OSError(errno.ELOOP, f"a link that leads to {real}, out of its tree")
    import contextlib
    import tempfile

    mode = os.stat(real).st_mode & 0o7777 if os.path.exists(real) else 0o666 & ~_umask()
    handle, temporary = tempfile.mkstemp(prefix=".ecolint.", dir=os.path.dirname(real))
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
        os.chmod(temporary, mode)
        os.replace(temporary, real)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(temporary)
        raise


def _leads_out(link: str) -> bool:
    """Whether a link in the audited tree leads out of it: a report would replace any file."""
    from ecocompute_lint.confines import holds, tree_around

    folder = os.path.dirname(os.path.abspath(link))
    cwd = os.getcwd()
    return holds(tree_around(cwd), folder) and not holds(tree_around(cwd), link)


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
