"""Which subcommand runs. Without one it is ``check``."""

from __future__ import annotations

import importlib
from typing import Any

import click

from ecocompute_lint import __version__

COMMANDS = {
    "check": ("check", "Audit files and directories (the default)."),
    "explain": ("explain", "Explain a finding, or why a line has none: FILE:LINE."),
    "compare": ("compare", "Compare the precisions of a model on a GPU."),
    "optimize": ("optimize", "Recommend precision and batch size for a purpose."),
    "estimate": ("estimate", "What a setup costs in a month, and what changes save."),
    "diagnose": ("diagnose", "Explain a throughput and a power that were observed."),
    "measure": ("measure", "Measure a model on your own GPU: rows that figures rest on."),
    "rule": ("rules", "Explain one rule: what, why, bad and good, the repair."),
    "rules": ("rules", "List the rules."),
    "models": ("models", "Show how the size of a model is resolved."),
    "gpus": ("gpus", "List the known graphics cards."),
    "lsp": ("lsp", "Serve an editor: findings while you type."),
    "data": ("data", "Show the measurements and whom to credit; check your own."),
    "cache": ("cache", "Show where results are kept between runs; remove them."),
}
_OWN_OPTIONS = ("-h", "--help", "--version")


class DefaultGroup(click.Group):
    """Subcommands, loaded when needed; whatever is none of them goes to ``check``."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Insert the default command where no other is named."""
        if not args or args[0] not in (*COMMANDS, *_OWN_OPTIONS):
            args = ["check", *args]
        return super().parse_args(ctx, args)

    def list_commands(self, ctx: click.Context) -> list[str]:
        """All subcommands."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import the module of a subcommand."""
        if cmd_name not in COMMANDS:
            return None
        module = importlib.import_module(f"ecocompute_lint.cli.{COMMANDS[cmd_name][0]}")
        command: Any = getattr(module, cmd_name)
        return command if isinstance(command, click.Command) else None

    def format_usage(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The usage of the default command, and that of the others."""
        formatter.write_usage(ctx.command_path, "[OPTIONS] [PATHS]...")
        formatter.write_usage(ctx.command_path, "COMMAND [ARGUMENTS]...", prefix="       ")

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The options of the default command, then the subcommands."""
        check = self.get_command(ctx, "check")
        if check is not None:
            check.format_options(click.Context(check, parent=ctx), formatter)
        with formatter.section("Commands"):
            formatter.write_dl([(name, text) for name, (_, text) in COMMANDS.items()])


_EPILOG = """\
Exit status: 0 nothing at or above --fail-on remains, 1 something does, 2 the run itself failed.
A path named like a command is written ./rules or after `--`.
"""


@click.group(
    cls=DefaultGroup,
    epilog=_EPILOG,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.version_option(__version__, prog_name="ecolint", message="%(prog)s %(version)s")
def cli() -> None:
    """Find and repair LLM-inference configurations that waste GPU energy."""
