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


class OutputFailed(Exception):  # noqa: N818  (a state of the disk, not a mistake)
    """Standard output takes no more, as on a full disk."""

    def __init__(self, error: OSError) -> None:
        super().__init__(str(error))
        self.error = error


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
    except OSError as error:
        if stream is not sys.stderr:  # nobody can be told
            raise OutputFailed(error) from None


def write_bytes(data: bytes) -> None:
    """Write bytes to standard output, unchanged."""
    try:
        sys.stdout.flush()
        sys.stdout.buffer.write(data)
        sys.stdout.buffer.flush()
    except BrokenPipeError:
        raise OutputClosed from None
    except OSError as error:
        raise OutputFailed(error) from None


def read_bytes() -> bytes:
    """What comes on standard input. Raises ClickException where that is closed."""
    import click

    # Said to be absent only by Python itself.
    if sys.stdin is None:
        raise click.ClickException("standard input is closed")
    try:
        return sys.stdin.buffer.read()
    except OSError as error:
        raise click.ClickException(f"standard input: {error.strerror}".lower()) from None


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
    from ecocompute_lint import atomic

    mode = os.stat(real).st_mode & 0o7777 if os.path.exists(real) else 0o666 & ~_umask()
    atomic.replace(real, data, finish=lambda name: os.chmod(name, mode))


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
