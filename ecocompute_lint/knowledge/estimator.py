"""Energy, throughput, power and latency of a model on a card, from the measured rows.

A row for this card, model class, precision and batch size is taken as it stands. Else the change
against FP16 comes from the launch law of the card, the FP16 energy that it applies to from a row or
the law, and what a batch does from the curves of ``batching``. Outside the measured sizes and batch
sizes there is no figure. Changes against FP16 carry over from one session to another, joules do
not: energies that are to be compared stand on one anchor.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache

from ecocompute_lint.knowledge.batching import Batching, batch_curves, batching
from ecocompute_lint.knowledge.card_laws import REACH, CardLaws, Sized, sized_rows
from ecocompute_lint.knowledge.case import SIZE_SHARE, Case
from ecocompute_lint.knowledge.energy import Estimate, Figure, Setup
from ecocompute_lint.knowledge.measurements import Dataset, Measurement, load_dataset
from ecocompute_lint.knowledge.models import ModelSize
from ecocompute_lint.knowledge.parts import Part
from ecocompute_lint.knowledge.precisions import precision
from ecocompute_lint.knowledge.spread import Spreads, bundled_spreads, ranged

_SAME_CLASS = 1.03
"""Sizes of one class of models differ by at most this factor."""


def estimate(setup: Setup, dataset: Dataset | None = None) -> Estimate:
    """What the data hold for one setup."""
    return compare([setup], dataset)[0]


def compare(setups: Sequence[Setup], dataset: Dataset | None = None) -> list[Estimate]:
    """Estimates of several precisions or batch sizes of one model on one card.

    Their energies stand on one anchor, the session of the first setup, so that they compare.
    """
    return estimator(dataset or load_dataset()).compare(setups)


@lru_cache(maxsize=8)
def estimator(dataset: Dataset) -> Estimator:
    """The estimator of a data set, its laws fitted once."""
    return Estimator(dataset, bundled_spreads())


class Estimator:
    """Estimates from one data set."""

    def __init__(
        self,
        dataset: Dataset,
        spreads: Spreads,
        bases: Mapping[str, str] | None = None,
        reach: float = REACH,
        size_share: Mapping[str, float] = SIZE_SHARE,
    ) -> None:
        """Use the rows of `dataset` and the ranges of `spreads`; `bases` as in `CardLaws`.

        `reach` is how far outside the measured sizes an estimate is still made, as a factor;
        `size_share` as `case.SIZE_SHARE`.
        """
        self.reach = reach
        self.size_share = size_share
        self.laws = CardLaws(dataset, bases)
        self._dataset = dataset
        self._rows = sized_rows(dataset.preferred, dataset, flat=True)
        self._last: tuple[ModelSize | None, Sequence[Sized]] = (None, ())
        self._timed = {row.key: row for row in dataset.timed}
        self._curves = batch_curves(dataset)
        self._spreads = spreads

    def compare(self, setups: Sequence[Setup]) -> list[Estimate]:
        """Estimates on one anchor: the first setup."""
        if not setups:
            return []
        anchor = Case(self, setups[0])
        return [Case(self, setup).estimate(anchor) for setup in setups]

    # -- what cases ask

    def row(self, setup: Setup, name: str, batch_size: int) -> Measurement | None:
        """The row that measured this model class so, the exact model and the best quality first."""
        fitting = [
            item
            for item in self._of_class(setup.model)
            if item.row.gpu == setup.gpu.slug
            and item.row.precision == name
            and item.row.batch_size == batch_size
        ]
        if not fitting:
            return None
        return min(fitting, key=lambda item: _rank(item, setup.model)).row

    def _of_class(self, model: ModelSize) -> Sequence[Sized]:
        """The rows of this model and of others like it."""
        known, found = self._last
        if known is not model:
            found = tuple(item for item in self._rows if _same_class(item, model))
            self._last = model, found
        return found

    def timed(self, row: Measurement) -> Measurement | None:
        """The row that gives the throughput for the key of `row`."""
        return self._timed.get(row.key)

    def reference(self, row: Measurement) -> Measurement | None:
        """The FP16 row that the change of a row refers to."""
        return self._dataset.by_id.get(row.fp16_ref_id)

    def repeated(self, row: Measurement, column: str) -> float:
        """By which factor other sessions differ that measured the same as `row`."""
        mine = getattr(row, column)
        offset = 100 if column == "change_pct" else 0
        ratios = [1.0]
        for other in self._dataset.by_key.get(row.key, ()):
            theirs = getattr(other, column)
            if mine is not None and theirs is not None and other.comparable(row):
                ratio = (theirs + offset) / (mine + offset)
                ratios.append(max(ratio, 1 / ratio))
        return max(ratios)

    def batching(self, setup: Setup, name: str, batch_size: int) -> Batching | None:
        """What a batch does to a precision."""
        names = {item.row.model for item in self._of_class(setup.model)}
        name = precision(name).batched_like or name
        return batching(self._curves, setup.gpu.slug, names, name, batch_size)

    @property
    def largest_batch(self) -> int:
        """The largest batch size that anyone measured."""
        return max((curve.largest for curve in self._curves), default=1)

    def figure(self, part: Part, quantity: str, name: str) -> Figure:
        """A part as a figure with its range."""
        return ranged(part.value, quantity, name, part.basis, self._spreads, part.spread, part.far)


def _same_class(item: Sized, model: ModelSize) -> bool:
    """Whether a row measured this model or one of the same depth, width and size."""
    names = {name.lower() for name in (model.name, model.hf_id) if name}
    if not names.isdisjoint((item.row.model.lower(), item.row.hf_id.lower())):
        return True
    theirs = item.model
    if not model.params_total_b or not theirs.params_total_b or not model.shape.layers:
        return False
    ratio = model.params_total_b / theirs.params_total_b
    return (
        theirs.shape.layers == model.shape.layers
        and theirs.shape.hidden == model.shape.hidden
        and 1 / _SAME_CLASS <= ratio <= _SAME_CLASS
    )


def _rank(item: Sized, model: ModelSize) -> tuple[bool, bool, bool]:
    return (
        item.row.quality == "claimed",
        item.model.hf_id != model.hf_id,
        item.model.shape.family != model.shape.family,
    )
