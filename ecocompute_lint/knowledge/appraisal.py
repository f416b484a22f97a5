"""A configuration beside what could stand in its place: energy, money, memory, accuracy."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import lru_cache

from ecocompute_lint.frozen import dataclass
from ecocompute_lint.knowledge.accuracy import Accuracy, accuracy
from ecocompute_lint.knowledge.cost import Cost, Site, Workload, monthly, site
from ecocompute_lint.knowledge.economy import NEAR, REPORTED_FROM, Economy
from ecocompute_lint.knowledge.energy import Basis, Estimate, Figure, Setup
from ecocompute_lint.knowledge.estimator import compare, estimator
from ecocompute_lint.knowledge.hardware import Gpu
from ecocompute_lint.knowledge.measurements import load_dataset
from ecocompute_lint.knowledge.memory import Memory, memory
from ecocompute_lint.knowledge.models import ModelSize
from ecocompute_lint.knowledge.precisions import BASELINE


@dataclass(frozen=True, slots=True)
class Choice:
    """One precision for the model: what it draws, costs, needs and loses."""

    precision: str
    estimate: Estimate
    memory: Memory | None
    cost: Cost | None
    accuracy: Accuracy | None

    @property
    def counts(self) -> bool:
        """Whether its energy rests on more than a claim."""
        return self.estimate.energy is not None and self.estimate.basis >= Basis.SCALED

    @property
    def fits(self) -> bool:
        """Whether nothing says that it does not fit the card."""
        return self.memory is None or self.memory.fits is not False


@dataclass(frozen=True, slots=True)
class Appraisal:
    """The present choice, its alternatives, and how much it wastes against the best of them.

    `waste` is in percent more energy than `best`, None where the data do not say; `why` says why.
    """

    now: Choice
    others: tuple[Choice, ...]
    best: Choice | None = None
    waste: Figure | None = None
    why: str = ""

    @property
    def choices(self) -> tuple[Choice, ...]:
        """All choices, the present one first."""
        return (self.now, *self.others)

    @property
    def least(self) -> Choice | None:
        """The choice with the least energy, the present one included; None if nothing compares."""
        saved = self.waste is not None and self.waste.value < 0
        return self.now if saved else self.best

    @property
    def reported(self) -> bool:
        """Whether the waste is worth a word."""
        return self.reported_from(REPORTED_FROM)

    def reported_from(self, line: float) -> bool:
        """Whether the waste is worth a word where it counts from this line on, in percent."""
        if self.waste is None:
            return False
        measured = self.waste.basis is Basis.MEASURED
        return self.waste.value >= (line if measured else line - NEAR)

    @property
    def saves(self) -> bool:
        """Whether the present choice fits and draws less than FP16 at either end of its range."""
        change = self.now.estimate.change
        return self.now.counts and self.now.fits and change is not None and change.high < 0

    @property
    def unsure(self) -> bool:
        """Whether an estimate lies so near to the line that the truth may lie on either side."""
        return self.unsure_from(REPORTED_FROM)

    def unsure_from(self, line: float) -> bool:
        """The same, where waste counts from this line on."""
        waste = self.waste
        return (
            waste is not None
            and waste.basis is not Basis.MEASURED
            and abs(waste.value - line) <= NEAR
        )


@lru_cache(maxsize=256)
def appraise(
    economy: Economy,
    gpu: Gpu,
    model: ModelSize,
    now: str,
    against: tuple[str, ...],
    where_it_pays: tuple[str, ...] = (),
) -> Appraisal:
    """Set precision `now` of a model on a card beside others.

    Those of `against` count wherever they fit the card, those of `where_it_pays` only where they
    save energy against FP16 or FP16 does not fit.
    """
    names = tuple(dict.fromkeys((now, *against, *where_it_pays)))
    sizes = [(name, economy.batch_size) for name in names]
    present, *others = choices(economy, gpu, model, sizes)
    half = next((item for item in others if item.precision == BASELINE and item.fits), None)
    others = [
        item
        for item in others
        if item.fits and (item.precision not in where_it_pays or half is None or _saves(item))
    ]
    if not present.counts:
        return Appraisal(present, tuple(others), why=_why(present.estimate))
    usable = [item for item in others if item.counts]
    if not usable:
        why = _why(others[0].estimate) if others else "nothing else fits the card"
        return Appraisal(present, tuple(others), why=why)
    best = min(usable, key=joules)
    return Appraisal(present, tuple(others), best, _waste(present.estimate, best.estimate))


def wasteful(economy: Economy, gpu: Gpu, model: ModelSize, now: str) -> bool:
    """Whether precision `now` draws so much more than FP16 that it is worth a word.

    What quantization costs grows as models shrink, so a model smaller than all that were measured
    is judged, though not given a figure, as the smallest of those.
    """
    found = appraise(economy, gpu, model, now, (BASELINE,))
    if found.waste is not None or model.params_total_b is None:
        return found.reported
    fitted = estimator(load_dataset(economy.data)).laws.changed(gpu, now)
    if fitted is None or model.params_total_b >= fitted.smallest_b:
        return False
    smallest = ModelSize("", fitted.smallest_b, fitted.smallest_b)
    return appraise(economy, gpu, smallest, now, (BASELINE,)).reported


@lru_cache(maxsize=256)
def appraise_batch(
    economy: Economy, gpu: Gpu, model: ModelSize, now: str, batch_size: int
) -> Appraisal:
    """Set one request at a time beside a batch, in the same precision."""
    alone, together = choices(economy, gpu, model, [(now, 1), (now, batch_size)])
    if not alone.counts or not together.counts:
        return Appraisal(alone, (), why=_why((together if alone.counts else alone).estimate))
    if not together.fits:
        return Appraisal(alone, (), why=f"a batch of {batch_size} does not fit the card")
    waste = _waste(alone.estimate, together.estimate)
    return Appraisal(alone, (together,), together, waste)


def choices(
    economy: Economy, gpu: Gpu, model: ModelSize, asked: Sequence[tuple[str, int]]
) -> list[Choice]:
    """Precisions and batch sizes of a model on a card, their energies on the first one's anchor."""
    setups = [
        Setup(gpu, model, name, batch, economy.input_tokens, economy.output_tokens)
        for name, batch in asked
    ]
    return [_choice(economy, item) for item in compare(setups, load_dataset(economy.data))]


def workload_of(economy: Economy) -> Workload:
    """What is asked of the model in a month."""
    return Workload(economy.requests_per_month, economy.input_tokens, economy.output_tokens)


def site_of(economy: Economy, gpu: Gpu) -> Site:
    """Where the card stands. Raises `CostError` for a region without a price."""
    return site(
        economy.region,
        gpu,
        usd_per_kwh=economy.usd_per_kwh,
        gco2_per_kwh=economy.gco2_per_kwh,
        pue=economy.pue,
    )


def _choice(economy: Economy, estimate: Estimate) -> Choice:
    setup = estimate.setup
    cost = None
    if estimate.energy is not None:
        cost = monthly(
            estimate.energy,
            workload_of(economy),
            site_of(economy, setup.gpu),
            setup.batch_size,
        )
    return Choice(
        setup.precision, estimate, memory(setup), cost, accuracy(setup.model, setup.precision)
    )


def _saves(choice: Choice) -> bool:
    """Whether a quantization draws less than FP16."""
    change = choice.estimate.change
    return change is not None and change.value < 0


def joules(choice: Choice) -> float:
    """Joules per 1000 tokens, infinite where unknown: to sort by."""
    energy = choice.estimate.energy
    return energy.value if energy is not None else math.inf


def _waste(now: Estimate, best: Estimate) -> Figure:
    """How much more energy one draws than the other, in percent."""
    assert now.energy is not None
    assert best.energy is not None
    ratio = now.energy.value / best.energy.value
    spread = math.exp(math.hypot(_spread(now.change), _spread(best.change)))
    if now.setup.batch_size != best.setup.batch_size:
        spread = best.energy.high / best.energy.value  # what the batch does is what is unsure
    basis = min(now.energy.basis, best.energy.basis)
    return Figure(100 * (ratio - 1), 100 * (ratio / spread - 1), 100 * (ratio * spread - 1), basis)


def _spread(change: Figure | None) -> float:
    """The logarithm of the factor by which a change may be off."""
    if change is None or change.value <= -100:
        return 0.0
    return math.log((100 + change.high) / (100 + change.value))


def _why(estimate: Estimate) -> str:
    return estimate.notes[-1] if estimate.notes else "not measured"
