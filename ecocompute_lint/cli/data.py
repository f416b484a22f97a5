"""``ecolint data``: the measurements, whom to credit for them, and checks of a user's own."""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ecocompute_lint.cli.terminal import say, style_for, write, write_bytes

if TYPE_CHECKING:
    from ecocompute_lint.knowledge.hardware import Gpu

_CONTEXT = {"help_option_names": ["-h", "--help"], "max_content_width": 100}


class _Group(click.Group):
    """Says what else might have been meant by ``ecolint data PATH``."""

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """The subcommand that the arguments name."""
        if args[0] not in self.commands:
            hint = "A directory named data is audited with `ecolint ./data`"
            raise click.UsageError(f"`ecolint data` has no command {args[0]!r}. {hint}", ctx)
        return super().resolve_command(ctx, args)


@click.group(
    cls=_Group,
    invoke_without_command=True,
    subcommand_metavar="[COMMAND] [ARGS]...",  # older versions of click forget the brackets
    context_settings=_CONTEXT,
)
@click.option("--rows", "card", metavar="GPU", help="Print the rows of a card.")
@click.option("--data", "files", metavar="FILE", multiple=True, help="Add this file of your own.")
@click.option("--header", is_flag=True, help="Print the header line of such a file.")
@click.option("--columns", is_flag=True, help="Explain its columns.")
@click.option("--format", "form", type=click.Choice(("text", "json")), default="text")
@click.option("--color", type=click.Choice(("auto", "always", "never")), default="auto")
@click.pass_context
def data(
    ctx: click.Context,
    /,
    card: str | None,
    files: tuple[str, ...],
    header: bool,
    columns: bool,
    form: str,
    color: str,
) -> int:
    """Show the measurements that figures rest on: counts, sources, licence; or their rows.

    Files of your own are added with `data = ["my.csv"]` in the configuration, or with --data.
    """
    given = (card is not None, header, columns, ctx.invoked_subcommand is not None)
    if sum(given) > 1 or (files and any(given[1:])):
        raise click.UsageError("--rows GPU, --header, --columns and check exclude each other")
    if ctx.invoked_subcommand is not None:
        return 0
    from ecocompute_lint.report import data as report

    style, width = style_for(sys.stdout, color), _width()
    if header:
        from ecocompute_lint.knowledge.columns import HEADER

        write(f"{HEADER}\n")
    elif columns:
        write(report.columns(style, width))
    elif card is not None:
        gpu, dataset = _gpu(card), _load(files)
        if form == "json":
            _write_json(report.rows_json(dataset, gpu))
        else:
            write(report.rows_text(dataset, gpu, style, width))
    else:
        dataset = _load(files)
        if form == "json":
            _write_json(report.summary_json(dataset))
        else:
            write(report.summary_text(dataset, style, width))
    return 0


@data.command(context_settings=_CONTEXT)
@click.argument("files", nargs=-1, required=True, metavar="FILE...")
def check(files: tuple[str, ...]) -> int:
    """Check files of your own measurements.

    They are checked together, as they would be loaded: what one of them says, another must not
    say again.
    """
    from ecocompute_lint.data import read_rows
    from ecocompute_lint.knowledge.row_files import DataError, RowFiles, distinct
    from ecocompute_lint.report.style import plural, safe

    status = 0
    reader = RowFiles(read_rows("measurements.csv"))
    for path in distinct(map(Path, files)):
        try:
            rows = reader.read(path)
        except DataError as error:
            status = 2
            for problem in error.problems:
                say(safe(str(problem)))
        else:
            write(f"{safe(str(path))}: {plural(len(rows), 'row')}, no problems\n")
    return status


def _load(files: tuple[str, ...]) -> Any:
    from ecocompute_lint.config import SettingsFinder
    from ecocompute_lint.knowledge.measurements import load_dataset

    return load_dataset((*SettingsFinder().here().data, *map(Path, files)))


def _gpu(text: str) -> Gpu:
    from ecocompute_lint.errors import ConfigError
    from ecocompute_lint.knowledge.hardware import find_gpu, known_gpus

    gpu = find_gpu(text)
    if gpu is None:
        raise ConfigError(f"unknown GPU {text!r} (--rows). {known_gpus(text)}")
    return gpu


def _width() -> int | None:
    """The width of the terminal; None where nobody looks at lines."""
    return shutil.get_terminal_size().columns if sys.stdout.isatty() else None


def _write_json(value: Any) -> None:
    text = json.dumps(value, indent=2, ensure_ascii=False) + "\n"
    write_bytes(text.encode("utf-8", "backslashreplace"))
