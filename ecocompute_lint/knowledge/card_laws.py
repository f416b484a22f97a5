"""The launch law of each card and precision, fitted to the rows of a data set."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import lru_cache

from ecocompute_lint.frozen import dataclass
from ecocompute_lint.knowledge.hardware import Gpu, all_gpus
from ecocompute_lint.knowledge.launch_law import Law, Point, fit
from ecocompute_lint.knowledge.measurements import Dataset, Measurement
from ecocompute_lint.knowledge.models import ModelSize, published
from ecocompute_lint.knowledge.precisions import BASELINE, PRECISIONS

REACH = 1.25
"""How far outside the measured sizes a law still speaks, as a factor."""
_AGREES = 1.25
"""Energies that no source verified count where they are this near to the law of the others."""
_PRIOR = 0.02
"""The weight of what other cards say against one measured row."""
_ENOUGH = 3
"""Rows of a card that make it speak for others."""


@dataclass(frozen=True, slots=True)
class Sized:
    """A row and the model it measured."""

    row: Measurement
    model: ModelSize
    layers: int
    billions: float

    def point(self, value: float) -> Point:
        """The row as a point with some value."""
        return Point(self.layers, self.billions, value)


@dataclass(frozen=True, slots=True)
class Fitted:
    """A law with the sizes that it holds for, the rows it rests on and whether they are its own."""

    law: Law
    smallest_b: float
    largest_b: float
    rows: tuple[str, ...]
    own: bool
    """Whether rows of the card itself decide it; else it is scaled from another card."""
    base: str = ""
    """The card that it is scaled from."""

    def covers(self, billions: float, reach: float = REACH) -> bool:
        """Whether a model of this size lies within reach of the measured ones."""
        return self.smallest_b / reach <= billions <= self.largest_b * reach


class CardLaws:
    """All laws of one set of rows. Fitted when first asked for."""

    def __init__(self, dataset: Dataset, bases: Mapping[str, str] | None = None) -> None:
        """Fit the preferred rows of a data set.

        `bases` says from which card another is scaled, in place of ``gpus.csv``.
        """
        self._bases = bases or {}
        self._single = _at_batch_one(sized_rows(dataset.preferred, dataset))
        self._timed = _at_batch_one(sized_rows(dataset.timed, dataset))
        self._fitted: dict[tuple[str, str, str], Fitted | None] = {}

    # -- the baseline: FP16 joules per 1000 tokens

    def baseline(self, gpu: Gpu) -> Fitted | None:
        """FP16 energy on a card: fitted to its rows, or scaled from its base card."""
        return self._cached("fp16", gpu, BASELINE, lambda: self._baseline(gpu))

    def _baseline(self, gpu: Gpu) -> Fitted | None:
        rows = [item for item in self._at(gpu.slug, BASELINE) if item.row.scope == "end_to_end"]
        sure = [item for item in rows if item.row.energy_basis == "gross" and item.row.energy_j]
        prior, base = self._prior(gpu) if len(_sizes(sure)) < _ENOUGH else (None, "")
        if not sure:
            if prior is None:
                return None
            donor = self.baseline(_card(base))
            assert donor is not None  # it gave the prior
            return Fitted(prior, donor.smallest_b, donor.largest_b, donor.rows, False, base)
        law = fit(_energies(sure), prior, _PRIOR)
        agreeing = [item for item in rows if item not in sure and _near(item, law)]
        law = fit(_energies([*sure, *agreeing]), prior, _PRIOR)
        return _fitted(law, [*sure, *agreeing])

    def _prior(self, gpu: Gpu) -> tuple[Law | None, str]:
        """The FP16 law that another card suggests for this one.

        Launching costs the host's time, which the card does not change; reading a weight costs in
        proportion to board power over memory bandwidth.
        """
        base = self._base(gpu)
        donor = self.baseline(base) if base is not None else None
        if base is None or donor is None:
            return None, ""
        weight = (gpu.tdp_w / gpu.bandwidth_gb_s) / (base.tdp_w / base.bandwidth_gb_s)
        return donor.law.scaled(1.0, weight), base.slug

    def _base(self, gpu: Gpu) -> Gpu | None:
        """The card that ``gpus.csv`` scales this one from, else one of the same architecture."""
        named = self._bases.get(gpu.slug, gpu.measured_slug)
        if named != gpu.slug:
            return _card(named)
        others = [
            card
            for card in all_gpus()
            if card.architecture == gpu.architecture
            and card.slug != gpu.slug
            and len(_sizes(self._at(card.slug, BASELINE))) >= _ENOUGH
        ]
        return others[0] if others else None

    # -- a precision against the baseline

    def changed(self, gpu: Gpu, precision: str) -> Fitted | None:
        """Energy of a precision on a card, on the footing of the card's FP16 law."""
        return self._cached("change", gpu, precision, lambda: self._changed(gpu, precision))

    def _changed(self, gpu: Gpu, precision: str) -> Fitted | None:
        baseline = self.baseline(gpu)
        if baseline is None:
            return None
        own = self._compared(gpu.slug, precision)
        if len(_sizes(own)) >= 2:
            ratio = self._usual_ratio(gpu, precision)
            prior = baseline.law.scaled(*ratio) if ratio else None
            return _fitted(fit(self._lifted(own, baseline.law), prior, _PRIOR), own)
        base = self._base(gpu)
        donor = self.changed(base, precision) if base is not None else None
        if base is None or donor is None or not donor.own:
            return None
        theirs = self.baseline(base)
        assert theirs is not None  # the donor stands on it
        ratio = _over(donor.law, theirs.law)
        law = baseline.law.scaled(*ratio) if ratio else donor.law
        return Fitted(law, donor.smallest_b, donor.largest_b, donor.rows, False, base.slug)

    def _usual_ratio(self, gpu: Gpu, precision: str) -> tuple[float, float] | None:
        """What a precision does to the two figures of FP16 on the other cards: the median."""
        ratios = [
            ratio
            for card in all_gpus()
            if card.slug != gpu.slug
            and len(self._compared(card.slug, precision)) >= _ENOUGH
            and (ratio := self._ratio(card, precision)) is not None
        ]
        if not ratios:
            return None
        from statistics import median  # not needed for most runs, and slow to import

        return median(ratio[0] for ratio in ratios), median(ratio[1] for ratio in ratios)

    def _ratio(self, gpu: Gpu, precision: str) -> tuple[float, float] | None:
        baseline = self.baseline(gpu)
        own = self._compared(gpu.slug, precision)
        if baseline is None or not own or not baseline.own:
            return None
        return _over(fit(self._lifted(own, baseline.law)), baseline.law)

    def by_size(self, gpu: Gpu, precision: str, billions: float) -> float | None:
        """The change by size alone, as a factor: interpolated in log size between rows."""
        changes: dict[float, list[float]] = {}
        for item in self._compared(gpu.slug, precision):
            changes.setdefault(math.log(item.billions), []).append(math.log(_factor(item)))
        if len(changes) < 2:
            return None
        sizes = sorted(changes)
        means = [sum(changes[size]) / len(changes[size]) for size in sizes]
        return math.exp(interpolated(sizes, means, math.log(billions)))

    def saves(self, precision: str) -> bool:
        """Whether any row shows less energy than FP16: else no law may say so either."""
        return any(
            _factor(item) < 1
            for card, name in self._single
            if name == precision
            for item in self._compared(card, name)
        )

    # -- time

    def seconds(self, gpu: Gpu, precision: str) -> Fitted | None:
        """Milliseconds per token of one sequence."""
        return self._cached("time", gpu, precision, lambda: self._seconds(gpu, precision))

    def _seconds(self, gpu: Gpu, precision: str) -> Fitted | None:
        own = [
            item
            for item in self._timed.get((gpu.slug, precision), [])
            if item.row.scope == "end_to_end"
        ]
        if len(_sizes(own)) >= 2:
            points = [item.point(1000 / (item.row.throughput_tok_s or 1)) for item in own]
            return _fitted(fit(points), own)
        base = self._base(gpu)
        donor = self.seconds(base, precision) if base is not None else None
        if base is None or donor is None or not donor.own:
            return None
        law = donor.law.scaled(1.0, base.bandwidth_gb_s / gpu.bandwidth_gb_s)
        return Fitted(law, donor.smallest_b, donor.largest_b, donor.rows, False, base.slug)

    # -- rows

    def _at(self, slug: str, precision: str) -> list[Sized]:
        return self._single.get((slug, precision), [])

    def _compared(self, slug: str, precision: str) -> list[Sized]:
        return [item for item in self._at(slug, precision) if item.row.change_pct is not None]

    def _lifted(self, rows: Iterable[Sized], baseline: Law) -> list[Point]:
        """Changes as energies on the footing of the FP16 law, so that sessions do not mix."""
        return [
            item.point(_factor(item) * baseline.at(item.layers, item.billions)) for item in rows
        ]

    def _cached(
        self, what: str, gpu: Gpu, precision: str, make: Callable[[], Fitted | None]
    ) -> Fitted | None:
        key = (what, gpu.slug, precision)
        if key not in self._fitted:
            self._fitted[key] = None  # a card that is scaled from itself has no law
            self._fitted[key] = make()
        return self._fitted[key]


def sized_rows(rows: Iterable[Measurement], dataset: Dataset, *, flat: bool = False) -> list[Sized]:
    """The rows with their models; other rows of the data set help to name them.

    Models of unknown depth are left out, unless `flat` takes them as having no layers.
    """
    found = (_sized(row, dataset.hubs.get(row.model, "")) for row in rows)
    return [item for item in found if item is not None and (flat or item.layers)]


def _at_batch_one(rows: Iterable[Sized]) -> dict[tuple[str, str], list[Sized]]:
    """Rows at batch size 1 that are no mere claims, by card and precision."""
    found: dict[tuple[str, str], list[Sized]] = {}
    for item in rows:
        if item.row.batch_size == 1 and item.row.quality in ("raw", "published"):
            found.setdefault((item.row.gpu, item.row.precision), []).append(item)
    return found


def interpolated(xs: Sequence[float], ys: Sequence[float], x: float) -> float:
    """The value at `x` on the line through the points; beyond their ends that of the end."""
    if x <= xs[0]:
        return ys[0]
    for i in range(1, len(xs)):
        if x <= xs[i]:
            share = (x - xs[i - 1]) / (xs[i] - xs[i - 1])
            return ys[i - 1] + share * (ys[i] - ys[i - 1])
    return ys[-1]


def _over(law: Law, baseline: Law) -> tuple[float, float] | None:
    if not baseline.per_layer or not baseline.per_billion:
        return None
    return law.per_layer / baseline.per_layer, law.per_billion / baseline.per_billion


def _factor(item: Sized) -> float:
    return 1 + (item.row.change_pct or 0.0) / 100


def _energies(rows: Iterable[Sized]) -> list[Point]:
    return [item.point(item.row.energy_j) for item in rows if item.row.energy_j]


def _near(item: Sized, law: Law) -> bool:
    if not item.row.energy_j:
        return False
    ratio = item.row.energy_j / law.at(item.layers, item.billions)
    return 1 / _AGREES <= ratio <= _AGREES


def _sizes(rows: Iterable[Sized]) -> set[float]:
    return {item.billions for item in rows}


def _fitted(law: Law, rows: Sequence[Sized]) -> Fitted:
    sizes = _sizes(rows)
    return Fitted(law, min(sizes), max(sizes), tuple(item.row.id for item in rows), True)


@lru_cache(maxsize=512)
def measured_model(model: str, hf_id: str) -> ModelSize:
    """The published model behind the names of a row."""
    return published(hf_id or model)


def _sized(row: Measurement, hf_id: str) -> Sized | None:
    model = measured_model(row.model, row.hf_id or hf_id)
    if row.precision not in _KNOWN:
        return None
    return Sized(row, model, model.shape.layers or 0, model.params_active_b or row.params_b)


_KNOWN = frozenset(precision.name for precision in PRECISIONS)


def _card(slug: str) -> Gpu:
    return next(card for card in all_gpus() if card.slug == slug)
