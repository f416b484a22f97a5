"""``--write-baseline`` and ``--prune-baseline``, and what is said of baselines."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from ecocompute_lint import baseline as baselines
from ecocompute_lint.cli.terminal import say, write_file
from ecocompute_lint.config import ConfigError
from ecocompute_lint.report.style import plural, safe

if TYPE_CHECKING:
    from ecocompute_lint.audit import Report
    from ecocompute_lint.baseline import Baseline, Entry
    from ecocompute_lint.cli.request import Request

_MOST_NAMED = 5


def write_baseline(report: Report, request: Request) -> int:
    """Write what was found; entries of files that this run did not look at stay."""
    from ecocompute_lint.narrowing import entries_of

    assert request.write_baseline is not None
    place = Path(request.write_baseline)
    before = baselines.read(place) if _has_content(place) else {}
    for file in report.files:
        if file.problem is not None:
            line = f":{file.problem.line}" if file.problem.line else ""
            say(f"{safe(file.path)}{line}: {file.problem.code} {safe(file.problem.message)}")
    entries = entries_of(report, before=before.values())
    if not _save(place, entries):
        return 2
    files = len({entry.path for entry in entries})
    say(f"{safe(str(place))}: {plural(len(entries), 'finding')} of {plural(files, 'file')} written")
    return 2 if report.failed else 0


def _has_content(place: Path) -> bool:
    """A device, or an empty file that `mktemp` has made, holds nothing to keep."""
    return place.is_file() and place.stat().st_size > 0


def tell_stale(request: Request) -> None:
    """Name the entries that are no longer found, or take them out. Raises ConfigError."""
    narrowing = request.narrowing
    if not narrowing.in_use:
        raise ConfigError("no baseline is configured (--prune-baseline). Name one with --baseline")
    for place, entries in narrowing.stale.items():
        if request.prune_baseline:
            _prune(place, narrowing.in_use[place], entries)
        elif entries and not request.quiet:
            remedy = "`--prune-baseline` takes them out"
            count = plural(len(entries), "finding")
            say(f"{safe(_shown(place))}: {count} of it not found any more; {remedy}")
            for entry in entries[:_MOST_NAMED]:
                within = f" in {entry.symbol}" if entry.symbol else ""
                say(safe(f"  {entry.path}: {entry.code}{within}: {entry.snippet}"))
            if len(entries) > _MOST_NAMED:
                say(f"  and {len(entries) - _MOST_NAMED:,} more")


def _prune(place: Path, entries: Baseline, stale: Iterable[Entry]) -> None:
    gone = {entry.fingerprint for entry in stale}
    left = [entry for entry in entries.values() if entry.fingerprint not in gone]
    if gone and not _save(place, left):
        raise ConfigError(f"{_shown(place)}: not pruned")
    taken = plural(len(gone), "finding")
    say(f"{safe(_shown(place))}: {taken} taken out, {len(left):,} left")


def _save(place: Path, entries: Iterable[Entry]) -> bool:
    """Write a baseline, whole or not at all."""
    try:
        write_file(str(place), baselines.render(entries))
    except OSError as error:
        say(f"{safe(str(place))}: not written: {(error.strerror or str(error)).lower()}")
        return False
    return True


def _shown(place: Path) -> str:
    from ecocompute_lint.errors import shown

    return os.fspath(shown(place))
