"""Warnings of the package: to its logger, unless the command takes them over.

Importing `logging` costs more than looking at a file that has nothing, so it waits for a warning.
"""

from __future__ import annotations

from collections.abc import Callable

_takes: Callable[[str], None] | None = None


def warn(message: str, *arguments: str) -> None:
    """Give a warning; `arguments` go into the message as `logging` puts them."""
    if _takes is not None:
        _takes(message % arguments)
        return
    import logging

    logging.getLogger("ecocompute_lint").warning(message, *arguments)


def take_over(takes: Callable[[str], None] | None) -> None:
    """From now on give warnings to a function; to the logger again with None."""
    global _takes
    _takes = takes
