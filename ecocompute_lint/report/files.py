"""Findings in terms of the files that other programs know: paths, places, edits, fingerprints.

Inside a notebook findings are counted in cells; other programs see the JSON that holds them.
"""

from __future__ import annotations

import os
from collections import defaultdict
from dataclasses import replace
from functools import cached_property
from typing import TYPE_CHECKING

from ecocompute_lint.findings import Edit, Finding, Place
from ecocompute_lint.report.summary import View

if TYPE_CHECKING:
    from ecocompute_lint.sources.notebook import Notebook


class Files:
    """The files of a report."""

    def __init__(self, view: View) -> None:
        """Take the files as they are now."""
        self._view = view
        self._notebooks: dict[str, Notebook | None] = {}
        self._paths: dict[str, str] = {}

    # -- names

    @cached_property
    def root(self) -> str:
        """The repository that the run is in, else the folder of its configuration, else here."""
        from ecocompute_lint.fingerprints import project_root

        return project_root(os.path.join(os.getcwd(), "_"))

    def path(self, path: str) -> str:
        """A path below the root with forward slashes; an absolute one for what lies elsewhere."""
        found = self._paths.get(path)
        if found is None:
            found = self._paths[path] = self._below(path)
        return found

    def _below(self, path: str) -> str:
        from pathlib import Path

        from ecocompute_lint.fingerprints import relative_path

        try:
            below = relative_path(path, Path(self.root))
        except ValueError:  # another drive
            below = ".."
        if below == ".." or below.startswith("../"):
            return os.path.abspath(path).replace(os.sep, "/")
        return below

    # -- places

    def place(self, finding: Finding, place: Place | None = None) -> Place | None:
        """A place of a finding, by default its own, as the file counts; None if it is not there."""
        place = finding.place if place is None else place
        if place.elsewhere:
            return None
        if finding.cell is None:
            return place
        notebook = self._notebook(finding.path)
        return None if notebook is None else notebook.raw_place(finding.cell, place)

    def edits(self, finding: Finding) -> tuple[Edit, ...]:
        """The edits that mend a finding, as the file counts."""
        edits = finding.fix.edits if finding.fix is not None else ()
        if not edits or all(edit.cell is None for edit in edits):
            return edits
        notebook = self._notebook(finding.path)
        return () if notebook is None else _in_json(notebook, edits)

    def _notebook(self, path: str) -> Notebook | None:
        if path not in self._notebooks:
            from ecocompute_lint.sources.documents import Unreadable
            from ecocompute_lint.sources.notebook import read

            try:
                self._notebooks[path] = read(self._view.text(path))
            except Unreadable:
                self._notebooks[path] = None
        return self._notebooks[path]

    # -- what stays of a finding

    def fingerprint(self, finding: Finding) -> str:
        """What tells a finding from all others of the run, and stays when lines move."""
        return self._fingerprints[id(finding)]

    @cached_property
    def _fingerprints(self) -> dict[int, str]:
        from ecocompute_lint.fingerprints import fingerprints

        found: dict[int, str] = {}
        for file in self._view.report.files:
            if file.findings:
                # Which of those that are alike it is does not depend on what is left out.
                every = sorted((*file.findings, *file.left_out), key=lambda item: item.sort_key)
                whole = replace(file, findings=tuple(every))
                prints = fingerprints(whole, self._view.text(file.path) or None)
                found.update(zip(map(id, every), prints, strict=True))
        return found


def _in_json(notebook: Notebook, edits: tuple[Edit, ...]) -> tuple[Edit, ...]:
    from ecocompute_lint.fixes.apply import apply_edits
    from ecocompute_lint.sources.notebook import CannotRewrite
    from ecocompute_lint.sources.text import LineMap

    cells: dict[int, list[Edit]] = defaultdict(list)
    for edit in edits:
        if edit.cell is None:
            return ()
        cells[edit.cell].append(edit)
    try:
        sources = {cell: apply_edits(notebook.source(cell), found) for cell, found in cells.items()}
        changes = notebook.changes(sources)
    except (CannotRewrite, ValueError):
        return ()
    lines = LineMap(notebook.raw)
    return tuple(Edit(lines.place(start, end), text) for start, end, text in changes)
