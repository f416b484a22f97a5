"""What is new of what was found: not in a baseline, and on lines changed since a revision."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from ecocompute_lint.audit import IRRELEVANT, FileReport, Report, rules_for
from ecocompute_lint.files import contents
from ecocompute_lint.findings import Finding, Level, Place

# What only baselines need is imported with the first of them: most runs have none.
if TYPE_CHECKING:
    from ecocompute_lint.baseline import Baseline, Entry
    from ecocompute_lint.config import Settings
    from ecocompute_lint.discovery import Discovered
    from ecocompute_lint.revisions import Changes, Lines
    from ecocompute_lint.sources.notebook import Notebook

Key: TypeAlias = "tuple[str, int | None, Place]"
TextOf = Callable[[str], str | None]


def key_of(finding: Finding) -> Key:
    """What tells the findings of one state of a file apart."""
    return finding.code, finding.cell, finding.place


def text_of(path: str) -> str | None:
    """The text of a file; None where it cannot be read."""
    from ecocompute_lint.sources import registry
    from ecocompute_lint.sources.text import UnreadableSource

    try:
        return registry.decoded(path, contents(path)).text
    except (OSError, UnreadableSource):
        return None


@dataclass
class Narrowing:
    """What leaves out of a report all that is not new, and remembers what that was."""

    settings: Callable[[str], Settings]
    paths: Sequence[str] = ()
    changes: Changes | None = None
    ignore_baselines: bool = False
    spared: dict[str, frozenset[Key]] = field(default_factory=dict)
    """By file, the findings that were left out: no repair touches them."""
    stale: dict[Path, tuple[Entry, ...]] = field(default_factory=dict)
    """By baseline, the entries that no finding has any more, of files that were looked at."""

    def __post_init__(self) -> None:
        self._read: dict[Path, Baseline] = {}

    def wants(self, item: Discovered) -> bool:
        """Whether a file can hold anything new."""
        return self.changes is None or self.changes.of(item.file) is not None

    def __call__(self, report: Report, texts: TextOf = text_of) -> Report:
        """The report of what is new. Raises ConfigError for a baseline that cannot be used."""
        used: dict[Path, set[str]] = {}
        looked: dict[Path, dict[str, FileReport]] = {}
        for path in [*(file.path for file in report.files), os.path.join(os.getcwd(), "_")]:
            self._baseline(path)
        files = []
        for file in report.files:
            place = self._baseline(file.path)
            if place is not None and _looked_at(file):
                from ecocompute_lint.fingerprints import relative_path

                looked.setdefault(place, {})[relative_path(file.path)] = file
            files.append(self._file(file, texts, used))
        for place, entries in self._read.items():
            seen = looked.get(place, {})
            self.stale[place] = tuple(
                entry
                for entry in sorted(entries.values())
                if entry.fingerprint not in used.get(place, ()) and self._is_stale(entry, seen)
            )
        return replace(report, files=tuple(files))

    def _file(self, file: FileReport, texts: TextOf, used: dict[Path, set[str]]) -> FileReport:
        place = self._baseline(file.path)
        if not file.findings or (place is None and self.changes is None):
            return file
        text = texts(file.path)
        kept = set(range(len(file.findings)))
        if place is not None:
            from ecocompute_lint.fingerprints import identities

            known = self._read[place]
            for number, identity in enumerate(identities(file, text)):
                if identity.fingerprint in known:
                    used.setdefault(place, set()).add(identity.fingerprint)
                    if file.findings[number].level > Level.GREEN:
                        kept.discard(number)
        if self.changes is not None:
            lines = self.changes.of(file.path)
            kept = {n for n in kept if lines and _touched(file.findings[n], lines, file.path, text)}
        left_out = [item for n, item in enumerate(file.findings) if n not in kept]
        self.spared[file.path] = frozenset(map(key_of, left_out))
        return replace(
            file,
            findings=tuple(file.findings[n] for n in sorted(kept)),
            known=sum(item.level > Level.GREEN for item in left_out),
            left_out=tuple(left_out),
        )

    # -- baselines

    def _baseline(self, path: str) -> Path | None:
        """The baseline that governs a file, read. Raises ConfigError."""
        place = None if self.ignore_baselines else self.settings(path).baseline
        if place is not None and place not in self._read:
            from ecocompute_lint import baseline as baselines

            self._read[place] = baselines.read(place)
        return place

    def _is_stale(self, entry: Entry, seen: Mapping[str, FileReport]) -> bool:
        file = seen.get(entry.path)
        if file is not None:
            return entry.code in _codes_on(self.settings(file.path), file.path)
        if self.changes is not None:
            return False
        from ecocompute_lint.fingerprints import project_root

        gone = os.path.join(project_root(os.path.join(os.getcwd(), "_")), entry.path)
        below = (os.path.realpath(path) for path in self.paths if os.path.isdir(path))
        return not os.path.exists(gone) and any(
            os.path.realpath(gone).startswith(base.rstrip(os.sep) + os.sep) for base in below
        )

    @property
    def in_use(self) -> Mapping[Path, Baseline]:
        """The baselines that were read."""
        return self._read


def entries_of(
    report: Report, texts: TextOf = text_of, before: Iterable[Entry] = ()
) -> list[Entry]:
    """What a baseline of a report holds; of those `before`, what this run has not looked at."""
    from ecocompute_lint.baseline import Entry
    from ecocompute_lint.fingerprints import identities, project_root, relative_path

    looked = {relative_path(file.path) for file in report.files if _looked_at(file)}
    root = project_root(os.path.join(os.getcwd(), "_"))
    found = [
        entry
        for entry in before
        if entry.path not in looked and os.path.exists(os.path.join(root, entry.path))
    ]
    for file in report.files:
        if file.findings:
            known = identities(file, texts(file.path))
            pairs = zip(file.findings, known, strict=True)
            found += [Entry.of(one) for item, one in pairs if item.level > Level.GREEN]
    return found


def _looked_at(file: FileReport) -> bool:
    return file.status == "examined" or file.reason in (IRRELEVANT, "skip-file")


@lru_cache(maxsize=64)
def _codes_on(settings: Settings, path: str) -> frozenset[str]:
    return frozenset(rule.code for rule in rules_for(settings, path))


# -- changed lines


def _touched(finding: Finding, lines: Lines, path: str, text: str | None) -> bool:
    """Whether any line of a finding, or of what it marks, has changed."""
    places = [place for place in (finding.place, *finding.marks) if not place.elsewhere]
    if finding.cell is not None and not lines.everything:
        found = [_in_file(text or "", finding.cell, place) for place in places]
        return any(place is None or lines.touch(place) for place in found)
    return any(map(lines.touch, places))


def _in_file(text: str, cell: int, place: Place) -> Place | None:
    """A place in a cell as one in the notebook's JSON."""
    notebook = _notebook(text)
    return notebook.raw_place(cell, place) if notebook is not None else None


@lru_cache(maxsize=2)
def _notebook(text: str) -> Notebook | None:
    from ecocompute_lint.sources.documents import Unreadable
    from ecocompute_lint.sources.notebook import read

    try:
        return read(text)
    except Unreadable:
        return None
