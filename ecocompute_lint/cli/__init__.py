"""The command ``ecolint``: one thin file per subcommand."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence

from ecocompute_lint.cli import streams


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command and return its exit status. User errors never end in a traceback."""
    try:
        streams.fill()
        with streams.ended_in_order():
            status = _run(arguments)
            sys.stdout.flush()
        return status
    except KeyboardInterrupt:
        streams.deaf()
        return fail("interrupted", 130)
    except BrokenPipeError:
        return _closed()
    except OSError as error:
        return _unwritable(error)


def _closed() -> int:
    """Whoever read the output has seen enough. Nothing may be flushed into the pipe at exit."""
    streams.drop()
    return 141


def _unwritable(error: OSError) -> int:
    streams.drop()
    return fail(f"standard output: {(error.strerror or str(error)).lower()}")


def _run(arguments: Sequence[str] | None) -> int:
    import click

    from ecocompute_lint.cli.app import cli

    try:
        result = cli.main(
            list(arguments) if arguments is not None else None,
            prog_name="ecolint",
            standalone_mode=False,
        )
    except click.Abort:
        raise KeyboardInterrupt from None
    except click.UsageError as error:
        return fail(f"{error.format_message()}\nSee `{_help(error)}`.")
    except click.ClickException as error:
        return fail(error.format_message())
    except Exception as error:
        return _unexpected(error)
    return result if isinstance(result, int) else 0


def _help(error: object) -> str:
    context = getattr(error, "ctx", None)
    path = context.command_path if context is not None else "ecolint"
    return f"{path.removesuffix(' check')} --help"


def _unexpected(error: Exception) -> int:
    import errno

    from ecocompute_lint.cli.terminal import OutputClosed, OutputFailed
    from ecocompute_lint.config import ConfigError
    from ecocompute_lint.engine.catalogue import RuleError

    if isinstance(error, OutputClosed):
        return _closed()
    if isinstance(error, OutputFailed):
        return _unwritable(error.error)
    if isinstance(error, OSError) and error.errno == errno.ENOSPC and error.filename is None:
        return _unwritable(error)  # what Click has written itself: help and version
    if isinstance(error, (ConfigError, RuleError)):
        return fail(str(error).replace("\n", "\\n"))  # a name in it may hold one
    if os.environ.get("ECOLINT_TRACEBACK"):
        raise error
    return fail(
        f"internal error, please report it: {type(error).__name__}: {error}\n"
        "(ECOLINT_TRACEBACK=1 shows where)"
    )


def fail(message: str, status: int = 2) -> int:
    """Say what went wrong, if anybody listens; the exit status for it."""
    from ecocompute_lint.report.style import safe

    lines = map(safe, message.split("\n"))
    try:
        print("ecolint: " + "\n".join(lines), file=sys.stderr, flush=True)
    except OSError:
        streams.drop()
    return status
