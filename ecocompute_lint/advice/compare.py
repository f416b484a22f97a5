"""Every precision of a model on a card, side by side."""

from __future__ import annotations

from ecocompute_lint.advice.choosing import NEVER_A_SAVING, between, is_twin, recommended
from ecocompute_lint.advice.question import Answer, Question, answer
from ecocompute_lint.advice.sentences import (
    accuracy_said,
    amount,
    change_said,
    energy_said,
    label,
    memory_said,
    notes_of,
    why_not,
)
from ecocompute_lint.frozen import dataclass
from ecocompute_lint.knowledge.appraisal import Choice, joules
from ecocompute_lint.knowledge.energy import Basis
from ecocompute_lint.knowledge.precisions import BASELINE


@dataclass(frozen=True, slots=True)
class Comparison:
    """The precisions with figures, the least energy first, and those without, with why."""

    question: Question
    batch_size: int
    ranked: tuple[Choice, ...]
    unmeasured: tuple[tuple[str, str], ...]
    best: Choice | None
    reasons: tuple[str, ...]
    answer: Answer

    def rank(self, choice: Choice) -> int | None:
        """The place of a choice among those that fit the card, by energy; None for the others."""
        fitting = [item for item in self.ranked if item.fits and item.counts]
        return fitting.index(choice) + 1 if choice in fitting else None


def compare(question: Question) -> Comparison:
    """Compare all precisions at the batch size of the question."""
    batch = question.economy.batch_size
    found = question.at(batch)
    ranked = sorted((item for item in found if _has_figures(item)), key=joules)
    best = recommended(ranked)
    return Comparison(
        question,
        batch,
        tuple(ranked),
        tuple((label(item), why_not(item)) for item in found if not _has_figures(item)),
        best,
        tuple(_reasons(found, ranked, best)),
        answer(question, ranked, *_warnings(ranked)),
    )


def _has_figures(choice: Choice) -> bool:
    if is_twin(choice):
        return False  # nobody measured it: its figures are those of another
    return choice.estimate.energy is not None or choice.estimate.change is not None


def _warnings(ranked: list[Choice]) -> list[str]:
    doubts = []
    for item in ranked:
        change = item.estimate.change
        if change is not None and change.basis is Basis.CLAIMED:
            doubts.append(
                f"{label(item)}: the change against FP16 is a claim of its source without data "
                "behind it, and not ranked."
            )
        if item.memory is not None and item.memory.fits is not True:
            doubts.append(memory_said(item))
    claimed = [item for item in ranked if item.estimate.basis is Basis.CLAIMED]
    return [*doubts, *notes_of(item for item in ranked if item not in claimed)]


def _reasons(found: list[Choice], ranked: list[Choice], best: Choice | None) -> list[str]:
    if best is None:
        return _why_none(found, ranked)
    half = next((item for item in ranked if item.precision == BASELINE), None)
    if best.precision == BASELINE:
        return [
            f"{energy_said(best)}.",
            *_instead_of(best, ranked),
            "It is the simplest, and the measure of what others lose in accuracy.",
        ]
    reasons = [f"{energy_said(best)}."]
    if half is not None and not half.fits:
        reasons.append(memory_said(half))
    elif half is not None:
        if change := between(half, best):
            reasons.append(f"It draws {change_said(change, 'FP16')}.")
        reasons += _slower(half, best)
    if need := memory_said(best):
        reasons.append(need)
    if loss := accuracy_said(best):
        reasons.append(loss)
    return reasons


def _instead_of(half: Choice, ranked: list[Choice]) -> list[str]:
    """Why nothing that draws less, or seems to, was chosen over FP16."""
    reasons = []
    for item in ranked:
        if joules(item) >= joules(half) or not item.counts or item is half:
            continue
        change = between(half, item)
        assert change is not None
        said = f"{label(item)} draws {change_said(change, 'FP16')}"
        if not item.fits:
            reasons.append(f"{said}, but does not fit.")
        elif change.high >= 0:
            reasons.append(
                f"{said}, which runs and models differ by: measure before you rely on it."
            )
        elif item.precision in NEVER_A_SAVING:
            reasons.append(f"{said}, and loses accuracy.")
        else:
            reasons.append(f"{said}: too little to give up accuracy for.")
    return reasons or ["Nothing else that was measured and fits draws less."]


def _slower(half: Choice, best: Choice) -> list[str]:
    mine, theirs = best.estimate.throughput, half.estimate.throughput
    if mine is None or theirs is None or mine.value >= theirs.value:
        return []
    pair = f"{amount(mine.value)} against {amount(theirs.value)} tokens per second"
    return [f"It is slower: {pair}. Where answers must come soon, see `ecolint optimize`."]


def _why_none(found: list[Choice], ranked: list[Choice]) -> list[str]:
    if any(item.counts for item in ranked):
        return ["Of what was measured, nothing fits the card."]
    if not any(item.fits for item in found):
        return ["In no precision does the model fit the card; nothing was measured at this size."]
    return ["Nothing was measured near this setup, so nothing is recommended."]
