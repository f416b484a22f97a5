"""What serving several sequences at once does to energy per token and to throughput.

Sessions that measured one model at several batch sizes give curves against their own batch size 1.
The longest is the sweep of seventy runs with pure INT8 on the A800 (1 to 64). A precision that was
swept elsewhere, or not at all, takes the curves of others, and says so.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

from ecocompute_lint.frozen import dataclass
from ecocompute_lint.knowledge.card_laws import interpolated
from ecocompute_lint.knowledge.energy import Basis
from ecocompute_lint.knowledge.measurements import Dataset, Measurement

Points = tuple[tuple[int, float], ...]


@dataclass(frozen=True, slots=True)
class Curve:
    """One session's factors against batch size 1, by batch size."""

    gpu: str
    model: str
    precision: str
    session: str
    energy: Points
    speed: Points
    rows: tuple[Measurement, ...]

    @property
    def largest(self) -> int:
        """The largest batch size measured."""
        return self.energy[-1][0]

    @property
    def whole(self) -> bool:
        """Whether whole requests were measured, not decoding alone."""
        return all(row.scope == "end_to_end" for row in self.rows)

    def measured_at(self, batch_size: int) -> bool:
        """Whether this batch size itself was measured."""
        return any(batch == batch_size for batch, _ in self.energy)


@dataclass(frozen=True, slots=True)
class Batching:
    """Factors against batch size 1: of energy per token, of throughput over the batch.

    `spread` is the factor between the curves that were averaged and their mean.
    """

    energy: float
    speed: float | None
    basis: Basis
    rows: tuple[str, ...] = ()
    note: str = ""
    spread: float = 1.0


ALONE = Batching(1.0, 1.0, Basis.MEASURED)


def batch_curves(dataset: Dataset) -> tuple[Curve, ...]:
    """All curves in a data set."""
    groups: dict[tuple[str, str, str, str], dict[int, Measurement]] = {}
    for row in dataset.rows:
        if row.energy_j and row.quality in ("raw", "published"):
            key = (row.gpu, row.model, row.precision, row.session)
            groups.setdefault(key, {}).setdefault(row.batch_size, row)
    return tuple(_curve(key, rows) for key, rows in groups.items() if 1 in rows and len(rows) > 1)


def _curve(key: tuple[str, str, str, str], rows: dict[int, Measurement]) -> Curve:
    first = rows[1]
    ordered = [rows[batch] for batch in sorted(rows)]
    energy = [(row.batch_size, (row.energy_j or 0) / (first.energy_j or 1)) for row in ordered]
    speed = [
        (row.batch_size, row.throughput_tok_s / first.throughput_tok_s)
        for row in ordered
        if row.throughput_tok_s and first.throughput_tok_s
    ]
    return Curve(*key, tuple(energy), tuple(speed), tuple(ordered))


def batching(
    curves: Sequence[Curve], gpu: str, models: Iterable[str], precision: str, batch_size: int
) -> Batching | None:
    """What a batch does to a precision on a card; `models` are the short names of the model.

    None beyond the batch sizes that anyone measured.
    """
    if batch_size == 1:
        return ALONE
    own = [
        curve
        for curve in curves
        if curve.gpu == gpu
        and curve.precision == precision
        and curve.model in set(models)
        and curve.largest >= batch_size
    ]
    if own:
        basis = Basis.MEASURED if own[0].measured_at(batch_size) else Basis.INTERPOLATED
        return _averaged(own[:1], batch_size, basis if own[0].whole else Basis.SCALED)
    same = [curve for curve in curves if curve.precision == precision]
    covering = [curve for curve in same if curve.largest >= batch_size]
    if covering:
        return _averaged(covering, batch_size, Basis.SCALED)
    sweep = max(curves, key=lambda curve: curve.largest, default=None)
    if sweep is None or sweep.largest < batch_size:
        return None
    whole = _averaged([sweep], batch_size, Basis.SCALED)
    if not same:
        return whole
    # The precision's own curve as far as it goes, then on along the sweep.
    largest = max(curve.largest for curve in same)
    start = _averaged([c for c in same if c.largest == largest], largest, Basis.SCALED)
    there = _averaged([sweep], largest, Basis.SCALED)
    speed = None
    if start.speed and whole.speed and there.speed:
        speed = start.speed * whole.speed / there.speed
    return Batching(
        start.energy * whole.energy / there.energy,
        speed,
        Basis.SCALED,
        (*start.rows, *whole.rows),
        f"{start.note}; beyond batch size {largest} as in {whole.note}",
        start.spread,
    )


def _averaged(curves: Sequence[Curve], batch_size: int, basis: Basis) -> Batching:
    energies = [_at(curve.energy, batch_size) for curve in curves]
    speeds = [_at(curve.speed, batch_size) for curve in curves if len(curve.speed) > 1]
    mean = math.exp(sum(map(math.log, energies)) / len(energies))
    rows = [row for curve in curves for row in _around(curve, batch_size)]
    return Batching(
        mean,
        math.exp(sum(map(math.log, speeds)) / len(speeds)) if speeds else None,
        basis,
        tuple(dict.fromkeys(row.id for row in rows)),
        ", ".join(dict.fromkeys(f"{c.model} in {c.precision} on {c.gpu}" for c in curves)),
        max(max(energies) / mean, mean / min(energies)),
    )


def _at(points: Points, batch_size: int) -> float:
    xs = [math.log(batch) for batch, _ in points]
    ys = [math.log(factor) for _, factor in points]
    return math.exp(interpolated(xs, ys, math.log(batch_size)))


def _around(curve: Curve, batch_size: int) -> list[Measurement]:
    """The rows between which a batch size lies, and that of batch size 1."""
    below = [row for row in curve.rows if row.batch_size <= batch_size]
    above = [row for row in curve.rows if row.batch_size >= batch_size]
    return [curve.rows[0], below[-1], *above[:1]]
