"""What a precision costs in accuracy: ``data/accuracy.csv``, by model, never as one figure for all.

Values compare only within one data set and model. The full WikiText-2 test split comes before
shorter texts.
"""

from __future__ import annotations

from functools import lru_cache

from ecocompute_lint.data import read_rows
from ecocompute_lint.frozen import dataclass
from ecocompute_lint.knowledge.models import ModelSize, published

_FIRST = ("test split, full", "max_length 4096")
"""What the descriptions of whole test sets contain, the best first."""


@dataclass(frozen=True, slots=True)
class Accuracy:
    """The change of a metric against FP16 in percent; more perplexity is worse."""

    model: str
    precision: str
    metric: str
    change_pct: float
    dataset: str
    gpu: str
    measured_on: str
    source: str


@lru_cache(maxsize=1)
def all_accuracies() -> tuple[Accuracy, ...]:
    """Every preferred value that has a baseline at the same setting, the best data sets first."""
    found = [
        Accuracy(
            model=row["model"],
            precision=row["precision"],
            metric=row["metric"],
            change_pct=float(row["delta_vs_fp16_pct"]),
            dataset=row["dataset"],
            gpu=row["gpu"],
            measured_on=row["measured_on"],
            source=row["source"],
        )
        for row in read_rows("accuracy.csv")
        if row["preferred"] == "true" and row["delta_vs_fp16_pct"]
    ]
    return tuple(sorted(found, key=lambda item: _rank(item.dataset)))


def accuracy(model: ModelSize, precision: str) -> Accuracy | None:
    """What this model lost in a precision, None where nobody measured it."""
    return next(
        (
            item
            for item in all_accuracies()
            if item.precision == precision and _is_model(item.model, model)
        ),
        None,
    )


def accuracy_range(precision: str) -> tuple[Accuracy, Accuracy] | None:
    """The least and the most that any model lost in a precision, on the best data sets."""
    found = [item for item in all_accuracies() if item.precision == precision]
    best = [item for item in found if _rank(item.dataset) < len(_FIRST)] or found
    if not best:
        return None
    ordered = sorted(best, key=lambda item: item.change_pct)
    return ordered[0], ordered[-1]


def _rank(dataset: str) -> int:
    return next((i for i, words in enumerate(_FIRST) if words in dataset), len(_FIRST))


def _is_model(name: str, model: ModelSize) -> bool:
    """Whether a row measured this model or a release of the same shape and family."""
    theirs = _published(name)
    if theirs.hf_id is not None and theirs.hf_id == model.hf_id:
        return True
    ours = model.shape
    return (
        ours.layers is not None
        and ours.family == theirs.shape.family
        and (ours.layers, ours.hidden) == (theirs.shape.layers, theirs.shape.hidden)
    )


@lru_cache(maxsize=64)
def _published(name: str) -> ModelSize:
    hubs = {row["model"]: row["hf_id"] for row in read_rows("accuracy.csv") if row["hf_id"]}
    return published(hubs.get(name, name))
