"""Which precision and batch size to use for a purpose, and what that rests on."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from ecocompute_lint.advice.choosing import (
    batches_up_to,
    between,
    is_twin,
    largest_that_fit,
    recommended,
    smallest_that_holds,
)
from ecocompute_lint.advice.parameters import BATCH_SIZES
from ecocompute_lint.advice.pitfalls import pitfalls
from ecocompute_lint.advice.question import PRECISION_NAMES, Answer, Question, answer
from ecocompute_lint.advice.sentences import (
    accuracy_said,
    against_half,
    change_said,
    energy_said,
    label,
    memory_said,
    notes_of,
    why_not,
)
from ecocompute_lint.frozen import dataclass
from ecocompute_lint.knowledge.appraisal import Choice
from ecocompute_lint.knowledge.precisions import BASELINE


@dataclass(frozen=True, slots=True)
class UseCase:
    """A purpose: up to which batch size, and whether the wait for an answer comes first."""

    name: str
    largest_batch: int
    latency_first: bool
    words: str


USE_CASES = {
    case.name: case
    for case in (
        UseCase("production", 8, False, "requests are gathered for a moment, answers take seconds"),
        UseCase("chat", 1, True, "one conversation at a time, the wait for an answer comes first"),
        UseCase("batch", BATCH_SIZES.most, False, "as many at a time as fit, nobody waits"),
    )
}
_SLOWER = 1.25
"""A chat takes less energy over speed as long as an answer takes at most so much longer."""


@dataclass(frozen=True, slots=True)
class Recommendation:
    """The choice for a purpose; None where the data do not say, or nothing fits."""

    question: Question
    use_case: UseCase
    choice: Choice | None
    alone: Choice | None
    """The same precision at batch size 1, on the same footing; None where that is the choice."""
    candidates: tuple[Choice, ...]
    """Each precision at the largest batch size that fits, FP16 first."""
    reasons: tuple[str, ...]
    pitfalls: tuple[str, ...]
    answer: Answer


def optimize(question: Question, use_case: UseCase) -> Recommendation:
    """Recommend precision and batch size for a purpose."""
    batches = batches_up_to(use_case.largest_batch)
    found = question.choices([(name, batch) for batch in batches for name in PRECISION_NAMES])
    candidates = tuple(item for item in largest_that_fit(found) if not is_twin(item))
    choice = best_for(use_case, candidates)
    if choice is None:
        common = answer(question, ())
        reasons = tuple(_why_none(question, candidates))
        return Recommendation(question, use_case, None, None, candidates, reasons, (), common)
    alone = next(item for item in found if item.precision == choice.precision)
    return Recommendation(
        question,
        use_case,
        choice,
        alone if alone is not choice else None,
        candidates,
        tuple(_reasons(use_case, choice, alone, candidates)),
        tuple(pitfalls(question, choice, found)),
        answer(question, [choice, alone], *notes_of([choice])),
    )


def best_for(use_case: UseCase, candidates: Sequence[Choice]) -> Choice | None:
    """The candidate to take for a purpose."""
    return _fastest(candidates) if use_case.latency_first else recommended(candidates)


def _fastest(candidates: Iterable[Choice]) -> Choice | None:
    """The choice that answers soonest, or one nearly as fast that draws less."""
    fitting = [item for item in candidates if item.fits and item.counts]
    timed = [item for item in fitting if item.estimate.latency is not None]
    if not timed or _untimed_half(fitting):
        return recommended(fitting)
    least = min(_latency(item) for item in timed)
    return recommended(item for item in timed if _latency(item) <= least * _SLOWER)


def _untimed_half(candidates: Iterable[Choice]) -> bool:
    """Whether FP16 has an energy and no latency: then none is known to be faster."""
    return any(
        item.precision == BASELINE and item.counts and item.estimate.latency is None
        for item in candidates
    )


def _latency(choice: Choice) -> float:
    latency = choice.estimate.latency
    assert latency is not None
    return latency.value


def _reasons(
    use_case: UseCase, choice: Choice, alone: Choice, candidates: Sequence[Choice]
) -> list[str]:
    batch = choice.estimate.setup.batch_size
    reasons = [f"For {use_case.name}: {use_case.words}.", f"{energy_said(choice)}."]
    if use_case.latency_first and _untimed_half(candidates):
        reasons.append("How fast FP16 answers here was not measured, so that energy decides.")
    half = next((item for item in candidates if item.precision == BASELINE), None)
    if half is None or half.fits:
        change = against_half(choice)
        reasons += [f"That is {change}."] if change else []
    elif half is not choice:
        reasons.append(memory_said(half))
    if alone is not choice and (saved := between(alone, choice)):
        against = f"{label(choice)} at batch size 1"
        reasons.append(f"Batch size {batch} draws {change_said(saved, against)}, per token.")
    if need := memory_said(choice):
        reasons.append(need)
    if loss := accuracy_said(choice):
        reasons.append(loss)
    return reasons


def _why_none(question: Question, candidates: Sequence[Choice]) -> list[str]:
    fitting = [item for item in candidates if item.fits and item.memory is not None]
    if not fitting and any(item.memory is not None for item in candidates):
        return _too_large(question, candidates)
    reasons = ["What fits the card was not measured near this setup, so nothing is recommended."]
    for item in fitting[:_SAID]:
        why = why_not(item)
        why = why if why.startswith(label(item)) else f"{label(item)}: {why}"
        reasons.append(f"{why}. {memory_said(item)}")
    return reasons


_SAID = 3
"""So many precisions are spoken of where there is nothing to recommend."""


def _too_large(question: Question, candidates: Sequence[Choice]) -> list[str]:
    least = min(
        (item for item in candidates if item.memory is not None),
        key=lambda item: item.memory.total_gb if item.memory is not None else 0.0,
    )
    assert least.memory is not None
    reasons = [
        f"In no precision does the model fit in {question.gpu.vram_gb:g} GB: {label(least)} "
        f"needs about {least.memory.total_gb:.0f} GB."
    ]
    for item in candidates:
        if item.precision not in (BASELINE, least.precision):
            continue
        gpu = smallest_that_holds(question, item.precision)
        if gpu is None:
            reasons.append(f"{label(item)} fits no single card that the data know.")
        else:
            reasons.append(f"{label(item)} fits the {gpu.name} ({gpu.vram_gb:g} GB).")
    return reasons
