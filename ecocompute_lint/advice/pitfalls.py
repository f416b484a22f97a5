"""What looks like a saving on a card and is none, from the data."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from ecocompute_lint.advice.choosing import between, is_twin
from ecocompute_lint.advice.question import Question
from ecocompute_lint.advice.sentences import accuracy_said, against_half, change_said, label
from ecocompute_lint.data import read_rows
from ecocompute_lint.frozen import dataclass
from ecocompute_lint.knowledge.appraisal import Choice
from ecocompute_lint.knowledge.economy import REPORTED_FROM
from ecocompute_lint.knowledge.energy import Basis
from ecocompute_lint.knowledge.precisions import BASELINE, precision


@dataclass(frozen=True, slots=True)
class _Here:
    """The chosen setup, and every precision at its batch size."""

    question: Question
    chosen: Choice
    beside: tuple[Choice, ...]

    def find(self, name: str) -> Choice | None:
        """A precision at the chosen batch size, where its energy rests on more than a claim."""
        found = (item for item in self.beside if item.precision == name and item.counts)
        return next(found, None)


def pitfalls(question: Question, chosen: Choice, found: Iterable[Choice]) -> list[str]:
    """Sentences on what to beware of beside the chosen setup."""
    batch = chosen.estimate.setup.batch_size
    beside = tuple(
        item for item in found if item.estimate.setup.batch_size == batch and not is_twin(item)
    )
    here = _Here(question, chosen, beside)
    return [text for source in _SOURCES for text in source(here)]


def _wasteful(here: _Here) -> Iterator[str]:
    for item in here.beside:
        change = item.estimate.change
        if item.precision in (here.chosen.precision, BASELINE) or change is None:
            continue
        if change.basis > Basis.CLAIMED and change.value >= REPORTED_FROM:
            hint = _HINTS.get(item.precision, "")
            yield f"{label(item)} draws {against_half(item)}.{hint}"


_HINTS = {
    "int8_mixed": " It is what `load_in_8bit=True` alone means.",
    "fp8_eager": " It is what torchao's weight-only FP8 does without `torch.compile`.",
}


def _double_quantization(here: _Here) -> Iterator[str]:
    once, twice = here.find("nf4"), here.find("nf4_dq")
    if once is None or twice is None or here.chosen.precision != "nf4":
        return
    change = between(once, twice)
    if change is not None and change.value > 0:
        yield f"Double quantization on top draws {change_said(change, label(once))}."


def _accuracy_of_pure_int8(here: _Here) -> Iterator[str]:
    pure = here.find("int8_pure")
    if pure is not None and here.chosen.precision != "int8_pure":
        yield f"The threshold 0.0 is no way to save against FP16. {accuracy_said(pure)}"


def _crossover(here: _Here) -> Iterator[str]:
    """Between which sizes NF4 begins to pay on this card, as measured at batch size 1."""
    card = here.question.gpu.measured_slug
    for row in read_rows("crossovers.csv"):
        measured = row["kind"] == "bracket_measured" and row["preferred"] == "true"
        if not measured or row["gpu"] != card or row["batch_size"] != "1":
            continue
        name = precision(row["quantization"]).label
        low, high = row["lower_bound_b"], row["upper_bound_b"]
        if low and high:
            where = f"begins to pay between {low} B and {high} B"
        else:
            where = f"does not pay up to {low} B" if low else f"pays from {high} B"
        yield (
            f"At batch size 1 {name} {where} on {card} (session {row['session']}); the line moves "
            "with the card and the software."
        )


def _batches(here: _Here) -> Iterator[str]:
    batch = here.chosen.estimate.setup.batch_size
    if batch > 1:
        yield (
            f"Batch size {batch} pays only while {batch} requests are there to be decoded "
            "together: pad prompts on the left, and gather requests of like length."
        )


def _no_bfloat16(here: _Here) -> Iterator[str]:
    if not here.question.gpu.supports_bf16:
        yield f"The {here.question.gpu.name} has no native bfloat16: load in float16."


_SOURCES: tuple[Callable[[_Here], Iterator[str]], ...] = (
    _wasteful,
    _double_quantization,
    _accuracy_of_pure_int8,
    _crossover,
    _batches,
    _no_bfloat16,
)
