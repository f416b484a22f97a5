"""``ecolint explain FILE:[CELL:]LINE[:COLUMN]``: how a finding came to be, or why there is none."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import click

from ecocompute_lint.cli.terminal import style_for, write, write_bytes

_TARGET = re.compile(r"(?P<path>.+?):(?P<line>\d+)(?::(?P<column>\d+))?:?", re.DOTALL)
_IN_CELL = re.compile(
    r"(?P<path>.+?\.ipynb):(?:cell )?(?P<cell>\d+):(?P<line>\d+)(?::(?P<column>\d+))?:?",
    re.DOTALL | re.IGNORECASE,
)
_SHAPE = "write FILE:LINE or FILE:LINE:COLUMN, such as serve.py:14"
_CELL_SHAPE = "write FILE:CELL:LINE or FILE:CELL:LINE:COLUMN, cells counted from 0"
_SETTINGS = ("gpu", "min_confidence", "context")


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.argument("target", metavar="FILE:LINE[:COLUMN]")
@click.option("--format", "form", type=click.Choice(("text", "json")), default="text")
@click.option("--gpu", metavar="NAME", help="The GPU that the code is to run on.")
@click.option(
    "--min-confidence",
    type=click.Choice(("certain", "likely", "possible")),
    help="As for a check: what is less sure counts as kept back.",
)
@click.option("--context", type=click.Choice(("inference", "all")), help="As for a check.")
@click.option("--config", type=click.Path(path_type=Path), help="Use this configuration file.")
@click.option("--isolated", is_flag=True, help="Use no configuration file.")
@click.option("--color", type=click.Choice(("auto", "always", "never")), default="auto")
def explain(target: str, form: str, color: str, **given: Any) -> int:
    """Explain a finding: which values led to it, from where, how sure it is, what mends it.

    For a line without a finding: why there is none. In a notebook write FILE:CELL:LINE, cells
    counted from 0.
    """
    from ecocompute_lint.cli.terminal import warn_on_stderr

    warn_on_stderr()
    path, cell, line, column = _target(target)
    text = _read(path)
    lines = _lines(path, text, cell)
    _check(path if cell is None else f"{path}:cell {cell}", lines, line, column)
    inquiry = _inquiry(text, path, (cell, line, column), given)
    if form == "json":
        from ecocompute_lint.report.explanation_json import render as render_json

        write_bytes(render_json(inquiry).encode("utf-8", "backslashreplace"))
    else:
        from ecocompute_lint.report.explanation import render

        write(render(inquiry, lines, style_for(sys.stdout, color)))
    return 0


def _target(target: str) -> tuple[str, int | None, int, int | None]:
    """The path, the cell of a notebook, the line and the column."""
    from ecocompute_lint.sources.kinds import NOTEBOOK, kind_of

    found = _IN_CELL.fullmatch(target)
    if found is not None:
        cell, line, column = found["cell"], found["line"], found["column"]
        return (
            os.path.normpath(found["path"]),
            int(cell),
            int(line),
            int(column) if column else None,
        )
    found = _TARGET.fullmatch(target)
    if kind_of(target if found is None else found["path"]) == NOTEBOOK:
        raise click.UsageError(f"{target}: no cell and line; {_CELL_SHAPE}")
    if found is None or (os.path.exists(target) and not os.path.exists(found["path"])):
        missing = "no line" if os.path.exists(target) else "no line number"
        raise click.UsageError(f"{target}: {missing}; {_SHAPE}")
    column = found["column"]
    path = os.path.normpath(found["path"])
    return path, None, int(found["line"]), int(column) if column else None


def _read(path: str) -> str:
    from ecocompute_lint.audit import too_large
    from ecocompute_lint.sources.kinds import KINDS, kind_of
    from ecocompute_lint.sources.text import UnreadableSource, decode

    file = Path(path)
    if file.is_dir():
        raise click.UsageError(f"{path}: is a directory; name a file in it: {_SHAPE}")
    try:
        data = file.read_bytes()
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise click.UsageError(f"{path}: {reason}; paths are relative to {os.getcwd()}") from None
    shebang = data.startswith(b"#!") and b"python" in data.split(b"\n", 1)[0]
    if kind_of(path) is None and not shebang:
        raise click.UsageError(f"{path}: not a kind of file that ecolint reads ({KINDS})")
    if reason := too_large(path, len(data)):
        raise click.UsageError(f"{path}: {reason}; a check passes it over")
    try:
        return decode(data, cookie=kind_of(path) in (None, "python")).text
    except UnreadableSource as error:
        raise click.UsageError(f"{path}: {error.reason}; save it as UTF-8") from None


def _lines(path: str, text: str, cell: int | None) -> Sequence[str]:
    from ecocompute_lint.cli.run import split_lines

    if cell is None:
        return split_lines(text)
    from ecocompute_lint.sources.documents import Unreadable
    from ecocompute_lint.sources.notebook import read

    try:
        notebook = read(text)
    except Unreadable as error:
        raise click.ClickException(f"{path}: {error.reason}") from None
    if cell not in (one.index for one in notebook.cells):
        raise click.UsageError(f"{path}: cell {cell} is no code cell; cells are counted from 0")
    return split_lines(notebook.source(cell))


def _check(path: str, lines: Sequence[str], line: int, column: int | None) -> None:
    count = len(lines) - (lines[-1] == "")
    if not 1 <= line <= count:
        has = f"the file has {count} line{'' if count == 1 else 's'}"
        raise click.UsageError(f"{path}:{line}: no such line; {has}, counted from 1")
    width = len(lines[line - 1])
    if column is not None and not 1 <= column <= max(width, 1):
        has = f"the line has {width} column{'' if width == 1 else 's'}"
        raise click.UsageError(f"{path}:{line}:{column}: no such column; {has}, counted from 1")


def _inquiry(
    text: str, path: str, at: tuple[int | None, int, int | None], given: Mapping[str, Any]
) -> Any:
    cell, line, column = at
    from ecocompute_lint.config import NO_CONFIG, SettingsFinder
    from ecocompute_lint.inquiry import inquire
    from ecocompute_lint.sources.python import Unparsable

    if given["config"] and given["isolated"]:
        raise click.UsageError("--config and --isolated exclude each other")
    overrides = {name: given[name] for name in _SETTINGS if given[name] is not None}
    settings = SettingsFinder(overrides, NO_CONFIG if given["isolated"] else given["config"])(path)
    try:
        if cell is not None:
            from ecocompute_lint.notebook_inquiry import inquire_cell

            return inquire_cell(text, cell, line, column, path=path, settings=settings)
        return inquire(text, line, column, path=path, settings=settings)
    except Unparsable as error:
        where = f":{error.line}" if error.line else ""
        raise click.ClickException(
            f"{path}{where}: is no Python that can be parsed: {error.reason}; mend that first"
        ) from None
    except RecursionError:
        raise click.ClickException(f"{path}: nested too deeply to be analysed") from None
