"""The measurements behind an answer, by session: software, runs, dates, quality, limits."""

from __future__ import annotations

from collections.abc import Iterable

from ecocompute_lint.frozen import dataclass
from ecocompute_lint.knowledge.measurements import Measurement


@dataclass(frozen=True, slots=True)
class Session:
    """Rows that share protocol and software; joules compare only within one."""

    name: str
    rows: tuple[Measurement, ...]
    runs: tuple[int, ...]
    """The smallest and the largest number of runs of a row; empty where unrecorded."""
    dates: tuple[str, ...]
    stack: tuple[tuple[str, str], ...]
    """Versions by name; those in which the rows differ joined by a slash."""
    qualities: tuple[str, ...]
    energy_bases: tuple[str, ...]
    scopes: tuple[str, ...]
    notes: tuple[str, ...]
    """What the sources or the editors of the data say of the rows."""


def sessions(rows: Iterable[Measurement]) -> tuple[Session, ...]:
    """The sessions of some rows, in their order."""
    groups: dict[tuple[str, str], list[Measurement]] = {}
    for row in rows:
        groups.setdefault((row.origin, row.session), []).append(row)
    return tuple(_session(found) for found in groups.values())


def _session(rows: list[Measurement]) -> Session:
    runs = sorted({row.n_runs for row in rows if row.n_runs})
    versions: dict[str, dict[str, None]] = {}
    for row in rows:
        for name, version in row.stack:
            versions.setdefault(name, {})[version] = None
    return Session(
        name=rows[0].origin or rows[0].session,
        rows=tuple(rows),
        runs=tuple(dict.fromkeys((runs[0], runs[-1]))) if runs else (),
        dates=tuple(sorted({row.measured_on for row in rows if row.measured_on})),
        stack=tuple((name, "/".join(found)) for name, found in versions.items()),
        qualities=_distinct(row.quality for row in rows),
        energy_bases=_distinct(_energy_basis(row) for row in rows),
        scopes=_distinct(row.scope for row in rows),
        notes=_distinct(row.note for row in rows if row.note),
    )


def _energy_basis(row: Measurement) -> str:
    """What its energy holds, whatever its source published."""
    return "gross" if row.gross else row.energy_basis


def _distinct(texts: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(texts))
