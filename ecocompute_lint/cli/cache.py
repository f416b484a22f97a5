"""``ecolint cache``: where results are kept, and how to be rid of them."""

from __future__ import annotations

import click

from ecocompute_lint.cli.terminal import write


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
def cache() -> None:
    """Show where results are kept between runs, or remove them.

    ECOLINT_CACHE_DIR names another folder for them. `ecolint --no-cache` does without.
    """


@cache.command(name="dir")
def directory() -> int:
    """Print the folder."""
    from ecocompute_lint.cache import folder

    write(f"{folder()}\n")
    return 0


@cache.command()
def clean() -> int:
    """Remove all results."""
    from ecocompute_lint.cache import clean as remove
    from ecocompute_lint.cache import folder
    from ecocompute_lint.report.style import plural, safe

    count, size = remove()
    where = safe(str(folder()))
    if count:
        write(f"removed {plural(count, 'file')}, {size / 1e6:.1f} MB, from {where}\n")
    else:
        write(f"nothing to remove in {where}\n")
    return 0
