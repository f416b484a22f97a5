"""The command ``ecolint``: one thin file per subcommand."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command and return its exit status. User errors never end in a traceback."""
    try:
        status = _run(arguments)
        sys.stdout.flush()
        return status
    except KeyboardInterrupt:
        print("ecolint: interrupted", file=sys.stderr)
        return 130
    except BrokenPipeError:
        return _closed()


def _closed() -> int:
    """Whoever read the output has seen enough. Nothing may be flushed into the pipe at exit."""
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except BrokenPipeError:
            os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
    return 141


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
    from ecocompute_lint.cli.terminal import OutputClosed
    from ecocompute_lint.config import ConfigError
    from ecocompute_lint.engine.catalogue import RuleError

    if isinstance(error, OutputClosed):
        return _closed()
    if isinstance(error, (ConfigError, RuleError)):
        return fail(str(error).replace("\n", "\\n"))  # a name in it may hold one
    if os.environ.get("ECOLINT_TRACEBACK"):
        raise error
    return fail(
        f"internal error, please report it: {type(error).__name__}: {error}\n"
        "(ECOLINT_TRACEBACK=1 shows where)"
    )


def fail(message: str) -> int:
    """Say what went wrong; the exit status for it."""
    from ecocompute_lint.report.style import safe

    lines = map(safe, message.split("\n"))
    print("ecolint: " + "\n".join(lines), file=sys.stderr)
    return 2
