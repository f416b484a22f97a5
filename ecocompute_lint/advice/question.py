"""What the planning commands are asked, and what every answer of theirs shares."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from functools import cached_property

from ecocompute_lint.frozen import dataclass
from ecocompute_lint.knowledge.appraisal import Choice, choices
from ecocompute_lint.knowledge.cost import Cost, Workload
from ecocompute_lint.knowledge.economy import Economy
from ecocompute_lint.knowledge.hardware import Gpu
from ecocompute_lint.knowledge.measurements import Dataset, Measurement, load_dataset
from ecocompute_lint.knowledge.models import ModelSize
from ecocompute_lint.knowledge.precisions import BASELINE, PRECISIONS

PRECISION_NAMES = tuple(
    item.name for item in sorted(PRECISIONS, key=lambda item: item.name != BASELINE)
)


@dataclass(frozen=True)
class Question:
    """A model on a card, a workload and a place. `warnings` are whole sentences."""

    gpu: Gpu
    model: ModelSize
    economy: Economy
    workload: Workload | None = None
    """A workload said in words, which wins over the number of requests in `economy`."""
    warnings: tuple[str, ...] = ()
    assumed: tuple[str, ...] = ()
    """What nobody said and was therefore taken as usual: whole sentences."""

    @cached_property
    def dataset(self) -> Dataset:
        """The measurements that answers rest on."""
        return load_dataset(self.economy.data)

    def choices(self, asked: Sequence[tuple[str, int]]) -> list[Choice]:
        """Precisions and batch sizes, their energies on the footing of the first."""
        return choices(self.economy, self.gpu, self.model, asked)

    def at(self, batch_size: int) -> list[Choice]:
        """Every precision at one batch size, FP16 first."""
        return self.choices([(name, batch_size) for name in PRECISION_NAMES])

    def with_requests(self, workload: Workload) -> Question:
        """The question with a workload in place of the usual one."""
        economy = replace(
            self.economy,
            requests_per_month=workload.requests_per_month,
            output_tokens=workload.output_tokens,
        )
        return replace(self, economy=economy, workload=workload)


@dataclass(frozen=True, slots=True)
class Answer:
    """What all answers end with: sentences on what is assumed and doubtful, and the rows used."""

    assumptions: tuple[str, ...]
    warnings: tuple[str, ...]
    rows: tuple[Measurement, ...]


def answer(question: Question, used: Iterable[Choice], *warnings: str) -> Answer:
    """The common part of an answer that rests on these choices."""
    found = list(used)
    by_id = question.dataset.by_id
    ids = dict.fromkeys(row for item in found for row in item.estimate.rows)
    costs = [item.cost for item in found if item.cost is not None]
    return Answer(
        (*question.assumed, *_assumed(question, costs)),
        tuple(dict.fromkeys((*question.warnings, *warnings))),
        tuple(by_id[row] for row in ids if row in by_id),
    )


def _assumed(question: Question, costs: Sequence[Cost]) -> tuple[str, ...]:
    if not costs:
        return ()
    sentences = list(costs[0].assumptions())
    batches = {cost.batch_size for cost in costs}
    if len(batches) > 1:
        # The batch size is part of what is compared, not assumed.
        sentences[0] = sentences[0].replace(f", batch {costs[0].batch_size}", "")
    work = question.workload
    if work is not None and work.source:
        sentences.insert(0, f"Workload: {work.source}.")
        sentences += [f"{text[:1].upper()}{text[1:]}." for text in work.assumed]
    return tuple(sentences)
