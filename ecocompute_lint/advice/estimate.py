"""A present setup against a better one: what a month costs, and what each change brings."""

from __future__ import annotations

from itertools import pairwise

from ecocompute_lint.advice.choosing import (
    batches_up_to,
    between,
    is_twin,
    largest_that_fit,
)
from ecocompute_lint.advice.optimize import USE_CASES, UseCase, best_for
from ecocompute_lint.advice.question import PRECISION_NAMES, Answer, Question, answer
from ecocompute_lint.advice.sentences import (
    accuracy_said,
    change_said,
    label,
    memory_said,
    notes_of,
    why_not,
)
from ecocompute_lint.frozen import dataclass
from ecocompute_lint.knowledge.appraisal import Choice, joules
from ecocompute_lint.knowledge.cost import Cost
from ecocompute_lint.knowledge.energy import Figure


@dataclass(frozen=True, slots=True)
class Saving:
    """What a change saves in a month; below zero where it costs."""

    kwh: Figure
    usd: Figure
    kg_co2e: Figure
    car_km: float


@dataclass(frozen=True, slots=True)
class Step:
    """One change, the setup after it, its effect on the energy in percent, and what it saves."""

    words: str
    choice: Choice
    change: Figure
    saving: Saving


@dataclass(frozen=True, slots=True)
class Estimation:
    """The present choice, the steps to a better one, and why there are none where there are not."""

    question: Question
    use_case: UseCase
    now: Choice
    steps: tuple[Step, ...]
    together: Step | None
    """All steps as one; None where there are none."""
    why: str
    reasons: tuple[str, ...]
    answer: Answer

    @property
    def better(self) -> Choice | None:
        """The setup after all steps."""
        return self.together.choice if self.together is not None else None


def estimate(
    question: Question, name: str, batch_size: int, use_case: UseCase | None = None
) -> Estimation:
    """Compare precision `name` at a batch size with what would draw less for a purpose."""
    use_case = use_case or USE_CASES["production"]
    now = question.choices([(name, batch_size)])[0]
    if not now.counts:
        common = answer(question, [now], *_doubts(now))
        return Estimation(question, use_case, now, (), None, why_not(now), (), common)
    path = _path(question, now, use_case)
    if path is None:
        why = "nothing that was measured and surely fits draws less"
        common = answer(question, [now], *_doubts(now), *notes_of([now]))
        return Estimation(question, use_case, now, (), None, why, (), common)
    now, *after = path
    steps = [_step(before, item) for before, item in pairwise(path)]
    together = _step(now, after[-1])
    return Estimation(
        question,
        use_case,
        now,
        tuple(steps),
        together,
        "",
        tuple(_reasons(use_case, now, after[-1], steps)),
        answer(question, path, *_doubts(now), *notes_of(path)),
    )


def _path(question: Question, now: Choice, use_case: UseCase) -> list[Choice] | None:
    """The present setup and those after each change, on one footing; None if nothing is better."""
    batch = now.estimate.setup.batch_size
    batches = batches_up_to(use_case.largest_batch, batch)
    pairs = [(name, size) for size in batches for name in PRECISION_NAMES]
    first, *found = question.choices([(now.precision, batch), *pairs])
    candidates = [item for item in largest_that_fit(found) if not is_twin(item)]
    best = best_for(use_case, candidates)
    if best is None or joules(best) >= joules(first):
        return None
    by_setup = {_place(item): item for item in found}
    target = _place(best)
    # The precision first; the batch first where the precision pays only at the larger batch.
    for between_them in ((target[0], batch), (first.precision, target[1])):
        middle = by_setup[between_them]
        path = _without_repeats([first, middle, best])
        if _usable(middle) and all(
            joules(after) <= joules(before) for before, after in pairwise(path)
        ):
            return path
    return [first, best]


def _place(choice: Choice) -> tuple[str, int]:
    return choice.precision, choice.estimate.setup.batch_size


def _usable(choice: Choice) -> bool:
    return choice.counts and choice.fits


def _without_repeats(path: list[Choice]) -> list[Choice]:
    return list({_place(item): item for item in path}.values())


def _step(before: Choice, after: Choice) -> Step:
    change = between(before, after)
    assert change is not None
    assert before.cost is not None
    assert after.cost is not None
    first, second = before.estimate.setup, after.estimate.setup
    words = []
    if first.precision != second.precision:
        words.append(f"{label(before)} to {label(after)}")
    if first.batch_size != second.batch_size:
        words.append(f"batch size {first.batch_size} to {second.batch_size}")
    return Step(", ".join(words), after, change, _saving(before.cost, after.cost, change))


def _saving(before: Cost, after: Cost, change: Figure) -> Saving:
    """What lies between two months; the range is that of the change."""

    def saved(first: Figure, second: Figure) -> Figure:
        low, high = (-first.value * end / 100 for end in (change.high, change.low))
        return Figure(first.value - second.value, low, high, change.basis)

    return Saving(
        saved(before.kwh, after.kwh),
        saved(before.usd, after.usd),
        saved(before.kg_co2e, after.kg_co2e),
        before.car_km - after.car_km,
    )


def _reasons(use_case: UseCase, now: Choice, better: Choice, steps: list[Step]) -> list[str]:
    batch = better.estimate.setup.batch_size
    reasons = [f"For {use_case.name}: {use_case.words}."]
    for step in steps:
        energy = change_said(step.change, "before")
        reasons.append(f"{step.words[:1].upper()}{step.words[1:]}: {energy}.")
    if now.precision != better.precision:
        reasons += [text for item in (now, better) if (text := accuracy_said(item))]
    if need := memory_said(better):
        reasons.append(need)
    if batch > now.estimate.setup.batch_size:
        reasons.append(
            f"Batch size {batch} pays only while {batch} requests are there to be decoded together."
        )
    return reasons


def _doubts(now: Choice) -> list[str]:
    """What is to be said of the present setup itself."""
    if now.fits:
        return []
    return [f"{memory_said(now)} It can only run with layers outside the GPU, which is slower."]
