"""``ecolint lsp``: a language server for editors."""

from __future__ import annotations

import sys
from pathlib import Path

import click

_REMEDY = (
    "the language server needs pygls 2, which is not installed here.\n"
    "Install it with the extra: pip install 'ecocompute-lint[lsp]'"
)


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "--config",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Use this file, in place of the nearest ecolint.toml or pyproject.toml.",
)
@click.option("--stdio", is_flag=True, help="Accepted, as editors give it: there is no other way.")
def lsp(config: Path | None, stdio: bool) -> int:
    """Serve an editor over standard input and output (Language Server Protocol).

    Editors start it themselves; docs/editors.md shows how to set them up.
    """
    from ecocompute_lint.cli import streams
    from ecocompute_lint.config import load_settings

    try:
        from ecocompute_lint.lsp.server import make
    except ImportError as error:
        if (error.name or "").split(".")[0] not in ("pygls", "lsprotocol", "cattrs", "attrs"):
            raise
        raise click.ClickException(_REMEDY) from None
    if config is not None:
        load_settings(config)  # better said now than for every file
    if sys.stdin is None:
        raise click.ClickException("standard input is closed")
    answers = sys.stdout.buffer
    # Nothing but answers may get there, whatever is imported.
    sys.stdout = sys.stderr
    streams.end_at_once()
    make(config).start_io(sys.stdin.buffer, answers)
    return 0
