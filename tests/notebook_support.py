"""Notebooks for tests: made of cells, written as different programs write them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

Cell = dict[str, Any]


def as_lines(text: str) -> list[str]:
    """The source as Jupyter keeps it."""
    lines = text.split("\n")
    return [line + "\n" for line in lines[:-1]] + ([lines[-1]] if lines[-1] else [])


def code(source: str | Sequence[str], *outputs: str) -> Cell:
    """A code cell; a source given as one text is kept as a list of lines."""
    return {
        "cell_type": "code",
        "execution_count": None,
        "metadata": {},
        "outputs": [{"name": "stdout", "output_type": "stream", "text": list(outputs)}],
        "source": as_lines(source) if isinstance(source, str) else list(source),
    }


def prose(source: str) -> Cell:
    """A Markdown cell."""
    return {"cell_type": "markdown", "metadata": {}, "source": as_lines(source)}


def notebook(*cells: Cell | str, language: str = "python", **changes: Any) -> dict[str, Any]:
    """A notebook; texts become code cells."""
    return {
        "cells": [code(cell) if isinstance(cell, str) else cell for cell in cells],
        "metadata": {
            "kernelspec": {"display_name": "Kernel", "language": language, "name": "kernel"},
            "language_info": {"name": language},
        },
        "nbformat": 4,
        "nbformat_minor": 5,
        **changes,
    }


def written(*cells: Cell | str, indent: int | None = 1, **changes: Any) -> str:
    """The text of a notebook as Jupyter writes it."""
    return json.dumps(notebook(*cells, **changes), indent=indent, ensure_ascii=False) + "\n"


def sources(raw: str) -> list[str]:
    """The sources of all cells."""
    return ["".join(cell["source"]) for cell in json.loads(raw)["cells"]]
