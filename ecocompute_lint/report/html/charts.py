"""Models by precision on a card, from the measurements: change of energy against FP16."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from ecocompute_lint.advice.sentences import signed
from ecocompute_lint.frozen import dataclass
from ecocompute_lint.knowledge.hardware import Gpu, find_gpu
from ecocompute_lint.knowledge.measurements import Dataset, Measurement
from ecocompute_lint.knowledge.precisions import BASELINE, PRECISIONS

_ORDER = {item.name: place for place, item in enumerate(PRECISIONS)}
_LABELS = {item.name: item.label for item in PRECISIONS}
_STEPS = (10, 20, 25, 50, 100, 200, 500)
_MOST_TICKS = 6


@dataclass(frozen=True, slots=True)
class Mark:
    """One measurement: where it stands, in percent of the strip."""

    precision: str
    x: str
    change: str
    saves: bool
    row: str


@dataclass(frozen=True, slots=True)
class Model:
    """One row of the chart. `found` says that a finding is about it."""

    name: str
    params: str
    marks: tuple[Mark, ...]
    found: bool = False

    def change(self, precision: str) -> str:
        """The change in a precision, empty where it was not measured."""
        return next((mark.change for mark in self.marks if mark.precision == precision), "")


@dataclass(frozen=True, slots=True)
class Chart:
    """Models of a card, the smallest first; `zero` and `ticks` are places on the strip."""

    gpu: str
    precisions: tuple[tuple[str, str], ...]
    """Names and labels."""
    models: tuple[Model, ...]
    zero: str
    ticks: tuple[tuple[str, str], ...]
    stands_for: str = ""
    """The card of the findings, where this one stands for it."""


def charts(dataset: Dataset, gpus: Iterable[str], models: Iterable[str]) -> tuple[Chart, ...]:
    """A chart for each card that findings are about, or for the one that it is scaled from."""
    found: dict[str, Chart] = {}
    hubs = frozenset(models)
    for slug in dict.fromkeys(gpus):
        gpu = find_gpu(slug)
        measured = find_gpu(gpu.measured_slug) if gpu is not None else None
        if gpu is None or measured is None or measured.slug in found:
            continue
        drawn = _chart(dataset, measured, hubs, gpu.name if gpu is not measured else "")
        if drawn is not None:
            found[measured.slug] = drawn
    return tuple(found.values())


def _chart(dataset: Dataset, gpu: Gpu, hubs: frozenset[str], stands_for: str) -> Chart | None:
    rows = [row for row in dataset.preferred if row.gpu == gpu.slug and _comparable(row)]
    if not rows:
        return None
    changes = [row.change_pct or 0.0 for row in rows]
    low, high, ticks = _axis(min(changes), max(changes))

    def x(change: float) -> str:
        return f"{100 * (change - low) / (high - low):.2f}%"

    names = sorted({row.precision for row in rows}, key=_ORDER.__getitem__)
    return Chart(
        gpu=gpu.name,
        precisions=tuple((name, _LABELS[name]) for name in names),
        models=tuple(
            Model(
                name=mine[0].model,
                params=f"{mine[0].params_b:g}",
                marks=tuple(
                    Mark(
                        row.precision,
                        x(row.change_pct or 0.0),
                        f"{signed(row.change_pct or 0.0)} %",
                        (row.change_pct or 0.0) < 0,
                        row.id,
                    )
                    for row in mine
                ),
                found=any(row.hf_id in hubs for row in mine if row.hf_id),
            )
            for mine in _by_model(rows)
        ),
        zero=x(0),
        ticks=tuple((x(tick), f"{signed(tick)} %" if tick else "FP16") for tick in ticks),
        stands_for=stands_for,
    )


def _comparable(row: Measurement) -> bool:
    return (
        row.batch_size == 1
        and row.change_pct is not None
        and row.precision != BASELINE
        and row.quality in ("raw", "published")
    )


def _by_model(rows: Sequence[Measurement]) -> list[list[Measurement]]:
    """The rows of each model, the smallest model first."""
    groups: dict[str, list[Measurement]] = {}
    for row in sorted(rows, key=lambda row: (row.params_b, row.model, _ORDER[row.precision])):
        groups.setdefault(row.model, []).append(row)
    return list(groups.values())


def _axis(least: float, most: float) -> tuple[float, float, list[int]]:
    """Round ends around the changes and zero, and where the lines of the grid stand."""
    least, most = min(least, 0.0), max(most, 0.0)
    fits = (step for step in _STEPS if (most - least) / step <= _MOST_TICKS)
    step = next(fits, _STEPS[-1])
    first, last = int(least // step), int(-(-most // step))
    pad = step * 0.15
    return first * step - pad, last * step + pad, [step * i for i in range(first, last + 1)]
