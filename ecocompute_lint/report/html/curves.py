"""How the energy of a deployment falls with the batch size, from the data behind its finding."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from ecocompute_lint.advice.choosing import batches_up_to
from ecocompute_lint.advice.sentences import amount
from ecocompute_lint.findings import Finding
from ecocompute_lint.frozen import dataclass
from ecocompute_lint.knowledge.appraisal import Choice, choices
from ecocompute_lint.knowledge.batching import batch_curves
from ecocompute_lint.knowledge.economy import Economy
from ecocompute_lint.knowledge.energy import Figure
from ecocompute_lint.knowledge.hardware import find_gpu
from ecocompute_lint.knowledge.measurements import load_dataset
from ecocompute_lint.knowledge.models import ModelSize
from ecocompute_lint.knowledge.precisions import find_precision

WIDTH, HEIGHT = 360, 200
_LEFT, _RIGHT, _TOP, _BOTTOM = 50, 14, 14, 34
_STEPS = 4
_FEWEST = 3
_NEAR = 0.01


@dataclass(frozen=True, slots=True)
class Point:
    """One batch size."""

    batch: int
    x: str
    y: str
    energy: str
    span: str
    basis: str
    now: bool = False
    asked: bool = False
    """Whether the finding sets this batch size beside the present one."""


@dataclass(frozen=True, slots=True)
class Tick:
    """A line of the grid with its label."""

    at: str
    label: str


@dataclass(frozen=True, slots=True)
class Curve:
    """Joules per 1000 tokens over the batch size."""

    label: str
    points: tuple[Point, ...]
    line: str
    band: str
    ticks: tuple[Tick, ...]
    notes: tuple[str, ...]
    rows: tuple[str, ...]
    """The measurements behind it."""
    left: int = _LEFT
    right: int = WIDTH - _RIGHT
    base: int = HEIGHT - _BOTTOM
    width: int = WIDTH
    height: int = HEIGHT


def curve(finding: Finding, economy: Economy, size: ModelSize) -> Curve | None:
    """The curve of the present choice of a finding; None where the data hold none."""
    now = next((it for it in finding.evidence.get("choices", ()) if it["role"] == "now"), None)
    gpu, known = find_gpu(finding.gpu or ""), find_precision(str(now["precision"])) if now else None
    if finding.cost is None or now is None or gpu is None or known is None:
        return None
    asked = {int(item["batch_size"]) for item in finding.evidence["choices"]}
    present = int(now["batch_size"])
    sizes = sorted({*_measured_sizes(economy), *asked} - {present})
    found = choices(economy, gpu, size, [(known.name, batch) for batch in (present, *sizes)])
    usable = sorted((item for item in found if item.counts and item.fits), key=_batch)
    if len(usable) < _FEWEST or found[0] not in usable or not _same(found[0], now):
        return None
    return _drawn(usable, present, asked, known.label, _too_large(found))


def _same(choice: Choice, now: Mapping[str, Any]) -> bool:
    """Whether the curve begins where the finding stands: other settings would move it."""
    known = now["energy_j_per_1k_tok"]
    return known is not None and abs(_energy(choice).value - known["value"]) <= _NEAR


def _measured_sizes(economy: Economy) -> list[int]:
    """The powers of two up to the largest batch that anyone measured."""
    curves = batch_curves(load_dataset(economy.data))
    return batches_up_to(max((item.largest for item in curves), default=1))


def _too_large(found: Sequence[Choice]) -> tuple[str, ...]:
    sizes = sorted(_batch(item) for item in found if item.counts and not item.fits)
    return (f"From batch size {sizes[0]} on it does not fit the card.",) if sizes else ()


def _batch(choice: Choice) -> int:
    return choice.estimate.setup.batch_size


def _energy(choice: Choice) -> Figure:
    assert choice.estimate.energy is not None
    return choice.estimate.energy


def _drawn(
    usable: Sequence[Choice], present: int, asked: set[int], label: str, notes: tuple[str, ...]
) -> Curve:
    top, step = _scale(max(_energy(item).high for item in usable))
    last = math.log2(_batch(usable[-1])) - (first := math.log2(_batch(usable[0])))

    def x(batch: int) -> str:
        share = (math.log2(batch) - first) / last
        return f"{_LEFT + share * (WIDTH - _LEFT - _RIGHT):.1f}"

    def y(joules: float) -> str:
        return f"{_TOP + (1 - joules / top) * (HEIGHT - _TOP - _BOTTOM):.1f}"

    points = tuple(
        Point(
            batch=(batch := _batch(item)),
            x=x(batch),
            y=y(_energy(item).value),
            energy=amount(_energy(item).value),
            span=f"{amount(_energy(item).low)} to {amount(_energy(item).high)}",
            basis=_energy(item).basis.label,
            now=batch == present,
            asked=batch in asked,
        )
        for item in usable
    )
    upper = [f"{x(_batch(item))},{y(_energy(item).high)}" for item in usable]
    lower = [f"{x(_batch(item))},{y(_energy(item).low)}" for item in reversed(usable)]
    ticks = tuple(Tick(y(step * i), f"{step * i:,.0f}") for i in range(round(top / step) + 1))
    return Curve(
        label=label,
        points=points,
        line=" ".join(f"{point.x},{point.y}" for point in points),
        band=" ".join((*upper, *lower)),
        ticks=ticks,
        notes=notes,
        rows=tuple(dict.fromkeys(row for item in usable for row in item.estimate.rows)),
    )


def _scale(most: float) -> tuple[float, float]:
    """A round end of the axis, and its steps."""
    rough = most / _STEPS
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(power * factor for factor in (1, 2, 2.5, 5, 10) if power * factor >= rough)
    return step * math.ceil(most / step), step
