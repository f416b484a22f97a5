"""The structure of a notebook: its language, and where the sources of its code cells stand."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ecocompute_lint.sources.notebook_json import Source, Span, Walk
from ecocompute_lint.sources.text import LineMap

_PYTHON = ("python", "ipython", "plaintext", "")
"""What editors call the language of a cell that has none of its own."""


def language_of(metadata: Any) -> str:
    """What the kernel runs, in lower case; Python where nothing says."""

    def names() -> Iterator[Any]:
        yield _get(metadata, "kernelspec", "language")
        yield _get(metadata, "language_info", "name")
        yield _get(metadata, "application/vnd.databricks.v1+notebook", "language")
        kernel = _get(metadata, "kernelspec", "name")
        yield {"ir": "r", "irkernel": "r"}.get(kernel) if isinstance(kernel, str) else None

    named = [name.lower() for name in names() if isinstance(name, str) and name.strip()]
    return named[0].strip() if named else "python"


def _get(data: Any, *keys: str) -> Any:
    for key in keys:
        data = data.get(key) if isinstance(data, dict) else None
    return data


def code_cells(data: dict[str, Any], lines: LineMap) -> Iterator[tuple[int, Source]]:
    """The code cells of format 4, else of format 3, with their index among all cells."""
    walk = Walk(lines.text)
    cells: list[Any] = []
    spans: list[Mapping[str, Span]] = []
    if isinstance(data.get("cells"), list):
        key, cells = "source", data["cells"]
        for name in walk.members():
            if name == "cells":  # of equal keys the last counts
                spans = list(_spans_of_cells(walk, key))
    elif isinstance(data.get("worksheets"), list):
        key = "input"
        for name in walk.members():
            if name == "worksheets":
                spans = []
                for _ in walk.items():
                    sheet: list[Mapping[str, Span]] = []
                    for inner in walk.members():
                        if inner == "cells":
                            sheet = list(_spans_of_cells(walk, key))
                    spans += sheet
        for one in data["worksheets"]:
            inside = _get(one, "cells")
            cells += inside if isinstance(inside, list) else []
    for index, (cell, span) in enumerate(zip(cells, spans, strict=True)):
        if _is_python_cell(cell) and isinstance(cell.get(key), (str, list)):
            source = Source(lines, span[key])
            if source.sound:
                yield index, source


def _spans_of_cells(walk: Walk, key: str) -> Iterator[Mapping[str, Span]]:
    """For each cell of the array where the walk is, where its source stands."""
    for _ in walk.items():
        yield {name: walk.skip() for name in walk.members() if name == key}


def _is_python_cell(cell: Any) -> bool:
    if _get(cell, "cell_type") != "code":
        return False
    language = _get(cell, "metadata", "vscode", "languageId") or _get(cell, "language")
    return not isinstance(language, str) or language.lower() in _PYTHON
