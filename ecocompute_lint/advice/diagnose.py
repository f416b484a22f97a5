"""What a setup that was observed most likely does, by the speed and power that it shows.

Every known cause says which throughput and power it leads to: a setup of the data by its estimate,
a normal distribution in the logarithm; any other cause by the interval in which they then lie, all
of it equally likely. The weight of a cause is the likelihood of what was seen times how common the
cause is (`_COMMON`), its confidence the share of all weights. A cause that nobody thought of takes
part with a wide interval, so that what fits nothing well gets no high confidence.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import replace

from ecocompute_lint.advice.choosing import batches_up_to, between, is_twin, recommended
from ecocompute_lint.advice.parameters import BATCH_SIZES
from ecocompute_lint.advice.patterns import (
    ALONE,
    ANOTHER,
    AS_ANOTHER,
    AS_EXPECTED,
    LARGER,
    MIX_UPS,
    NOT_THE_BOARD,
    SITUATIONS,
    SMALLER,
    TOO_FAST,
    TRAP,
    TRAPS,
    Interval,
    Pattern,
    Situation,
)
from ecocompute_lint.advice.question import PRECISION_NAMES, Answer, Question, answer
from ecocompute_lint.advice.sentences import (
    accuracy_said,
    amount,
    change_said,
    label,
    memory_said,
    notes_of,
)
from ecocompute_lint.frozen import dataclass
from ecocompute_lint.knowledge.appraisal import Choice
from ecocompute_lint.knowledge.energy import Figure
from ecocompute_lint.knowledge.precisions import BASELINE, precision

_COMMON = {"told": 0.4, "precision": 0.25, "batch": 0.1, "situation": 0.2, "unknown": 0.05}
"""How common each kind of cause is before anything was seen; several of a kind share it."""
_UNUSUAL = 0.2
"""How common it is that one precision is mistaken for another, against those of `MIX_UPS`."""
_HOSTS = math.log(1.08)
"""Hosts, prompts and software differ by about this factor even where nothing is wrong."""
_RANGE = 1.28
"""Standard deviations between a figure and the end of its range, which holds four in five."""
_SURE, _LIKELY = 0.75, 0.4
"""Confidence from which a cause is called sure, or likely."""
_SHOWN = 4
_LEAST = 0.03
"""So many causes are shown, from this confidence on."""
_ANYTHING = (0.001, 1000.0)
"""Shares of the expected throughput that a cause nobody thought of may lead to."""
_IDLE, _LIMIT = 0.8, 1.05
"""A board's power lies between these shares of its idle power and of its limit."""


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """One cause with its confidence from 0 to 1, and the setup of the data that it stands on."""

    title: str
    cause: str
    fixes: tuple[str, ...]
    verify: str
    confidence: float
    rows: tuple[str, ...]
    choice: Choice | None = None

    @property
    def sureness(self) -> str:
        """The confidence in a word."""
        if self.confidence >= _SURE:
            return "high"
        return "medium" if self.confidence >= _LIKELY else "low"


@dataclass(frozen=True, slots=True)
class Examination:
    """What was observed, what was expected, and the causes, the likeliest first.

    `certain` is what is wrong with the figures themselves, whatever the cause; `unexplained` the
    share of a cause that is not among the known ones.
    """

    question: Question
    expected: Choice
    throughput: float
    power: float | None
    diagnoses: tuple[Diagnosis, ...]
    unexplained: float
    certain: tuple[Pattern, ...]
    answer: Answer

    @property
    def joules(self) -> float | None:
        """The energy that was observed, J per 1000 tokens; None without a power."""
        return None if self.power is None else 1000 * self.power / self.throughput


def diagnose(question: Question, name: str, throughput: float, power: float | None) -> Examination:
    """Explain a throughput (tokens per second over the batch) and a power (W) that were seen."""
    batch = question.economy.batch_size
    expected, *others = question.choices([(name, batch), *_other_setups(name, batch)])
    certain = tuple(_contradictions(question, expected, throughput, power))
    trusted = None if NOT_THE_BOARD in certain else power
    diagnoses, unexplained = _weighed(question, _Seen(expected, throughput, trusted), others)
    kept = tuple(item for item in diagnoses[:_SHOWN] if item.confidence >= _LEAST)
    used = [expected, *(item.choice for item in kept if item.choice is not None)]
    doubts = [memory_said(expected)] if not expected.fits else []
    return Examination(
        question,
        expected,
        throughput,
        power,
        kept,
        unexplained,
        certain,
        answer(question, used, *doubts, *notes_of(used)),
    )


def _other_setups(name: str, batch: int) -> Iterator[tuple[str, int]]:
    for other in PRECISION_NAMES:
        if other not in (name, precision(name).like):
            yield other, batch
    for size in batches_up_to(BATCH_SIZES.most):
        if size != batch:
            yield name, size


def _contradictions(
    question: Question, told: Choice, throughput: float, power: float | None
) -> Iterator[Pattern]:
    """What cannot be, whatever runs there."""
    gpu, limit = question.gpu, _fastest(question, told.precision)
    if limit is not None and throughput > limit:
        words = {"limit": amount(limit), "batch": question.economy.batch_size}
        yield replace(TOO_FAST, cause=TOO_FAST.cause.format(**words))
    if power is not None and not _IDLE * (gpu.idle_w or 0.0) <= power <= _LIMIT * gpu.tdp_w:
        yield NOT_THE_BOARD


def _fastest(question: Question, name: str) -> float | None:
    """Tokens per second at which the card's memory can read the active weights."""
    billions = question.model.params_active_b or question.model.params_total_b
    if not billions:
        return None
    gigabytes = billions * precision(name).bits / 8
    return question.gpu.bandwidth_gb_s / gigabytes * question.economy.batch_size


# --- weights --------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Seen:
    """What was observed of a setup that was told."""

    told: Choice
    throughput: float
    power: float | None

    def like(self, choice: Choice) -> float:
        """The likelihood of this under a setup of the data."""
        speed = choice.estimate.throughput
        if speed is None:
            return 0.0
        weight = _normal(self.throughput, speed)
        if self.power is None:
            return weight
        watts = choice.estimate.power
        return weight * (_normal(self.power, watts) if watts else self._any_power)

    def within(self, speed: Interval, power: Interval | None) -> float:
        """The likelihood where throughput and power lie anywhere in intervals."""
        weight = _uniform(self.throughput, speed)
        if self.power is None:
            return weight
        return weight * (_uniform(self.power, power) if power else self._any_power)

    @property
    def _any_power(self) -> float:
        assert self.power is not None
        gpu = self.told.estimate.setup.gpu
        return _uniform(self.power, (_IDLE * (gpu.idle_w or 1.0), _LIMIT * gpu.tdp_w))


def _normal(seen: float, figure: Figure) -> float:
    spread = math.hypot(math.log(figure.high / figure.value) / _RANGE, _HOSTS)
    far = math.log(seen / figure.value) / spread
    return math.exp(-(far**2) / 2) / (spread * math.sqrt(2 * math.pi))


def _uniform(seen: float, interval: Interval) -> float:
    """Equal inside, falling off beyond the ends as fast as hosts differ."""
    low, high = interval
    beyond = max(math.log(low / seen), math.log(seen / high), 0.0) / _HOSTS
    return math.exp(-(beyond**2) / 2) / math.log(high / low)


def _weighed(
    question: Question, seen: _Seen, others: Iterable[Choice]
) -> tuple[list[Diagnosis], float]:
    """All causes, the likeliest first, and the share of those that are not known."""
    told = seen.told
    if told.estimate.throughput is None:
        return [], 1.0
    weights = [(_COMMON["told"] * seen.like(told), told), *_of_others(seen, others)]
    shared = _COMMON["situation"] / len(SITUATIONS)
    apart = [(shared * _of_situation(seen, item), item) for item in SITUATIONS]
    unknown = _COMMON["unknown"] * seen.within(_shares(told, _ANYTHING), None)
    total = sum(weight for weight, _ in weights) + sum(weight for weight, _ in apart) + unknown
    if not total:
        return [], 1.0
    words = _Words(question, told)
    found = [words.of_setup(item, weight / total) for weight, item in weights]
    found += [words.filled(item.pattern, told, weight / total) for weight, item in apart]
    return sorted(found, key=lambda item: -item.confidence), unknown / total


def _of_others(seen: _Seen, others: Iterable[Choice]) -> list[tuple[float, Choice]]:
    """The weights of other precisions and batch sizes, the batch sizes by kind."""
    told = seen.told
    setups = [item for item in others if item.estimate.throughput is not None and not is_twin(item)]
    usual = MIX_UPS.get(told.precision, ())
    shares = {
        item.precision: 1.0 if item.precision in usual else _UNUSUAL
        for item in setups
        if item.precision != told.precision
    }
    found = [
        (
            _COMMON["precision"] * shares[item.precision] / sum(shares.values()) * seen.like(item),
            item,
        )
        for item in setups
        if item.precision in shares
    ]
    batches = [(seen.like(item), item) for item in setups if item.precision == told.precision]
    for pattern in (ALONE, SMALLER, LARGER):
        of_kind = [(like, item) for like, item in batches if _of_batch(told, item) is pattern]
        if of_kind:
            weight = _COMMON["batch"] * sum(like for like, _ in of_kind) / len(batches)
            found.append((weight, max(of_kind, key=lambda pair: pair[0])[1]))
    return found


def _of_batch(told: Choice, item: Choice) -> Pattern:
    batch, usual = item.estimate.setup.batch_size, told.estimate.setup.batch_size
    return LARGER if batch > usual else ALONE if batch == 1 else SMALLER


def _shares(told: Choice, shares: Interval) -> Interval:
    usual = told.estimate.throughput
    assert usual is not None
    return shares[0] * usual.value, shares[1] * usual.value


def _of_situation(seen: _Seen, situation: Situation) -> float:
    return seen.within(_shares(seen.told, situation.speed), _watts(seen.told, situation))


def _watts(told: Choice, situation: Situation) -> Interval | None:
    """The interval of a situation's power; None where the expected power is unknown."""
    gpu, expected = told.estimate.setup.gpu, told.estimate.power
    idle = gpu.idle_w or 0.0
    if situation.end == "limit":
        return situation.power[0] * gpu.tdp_w, situation.power[1] * gpu.tdp_w
    if expected is None:
        return None
    way = max(expected.value - idle, 0.1 * expected.value)
    low, high = (min(idle + share * way, _LIMIT * gpu.tdp_w) for share in situation.power)
    low = max(low, 1.0)
    return low, max(high, 1.1 * low)


# --- words ----------------------------------------------------------------------------------------


class _Words:
    """Fills the texts of patterns."""

    def __init__(self, question: Question, told: Choice) -> None:
        self._question = question
        self._told = told
        beside = question.at(told.estimate.setup.batch_size)
        self._better = recommended(beside)
        self._beside = {item.precision: item for item in beside}

    def of_setup(self, item: Choice, confidence: float) -> Diagnosis:
        """Running as a setup of the data."""
        told = self._told
        if item is told:
            return self._as_told(confidence)
        if item.precision == told.precision:
            return self.filled(_of_batch(told, item), item, confidence, item)
        return self.filled(AS_ANOTHER.get(item.precision, ANOTHER), item, confidence, item)

    def _as_told(self, confidence: float) -> Diagnosis:
        """As it should: then what helps is another setup, if the data know a better one."""
        told, better = self._told, self._better
        pattern = TRAP if told.precision in TRAPS else AS_EXPECTED
        found = self.filled(pattern, told, confidence, told)
        change = between(told, better) if better is not None else None
        if better is None or change is None or change.value >= 0 or is_twin(told):
            return found
        first = f"Change to {label(better)}: {change_said(change, label(told))}."
        fixes = (" ".join(filter(None, (first, accuracy_said(better)))), *pattern.fixes[1:])
        return replace(found, fixes=fixes)

    def filled(
        self, pattern: Pattern, item: Choice, confidence: float, choice: Choice | None = None
    ) -> Diagnosis:
        """A pattern with its words; `choice` is the setup that it stands on, if any."""
        told = self._told
        words = {
            "label": label(told),
            "other": label(item),
            "batch": told.estimate.setup.batch_size,
            "seen": item.estimate.setup.batch_size,
            "trap": TRAPS.get(told.precision, ""),
            "half": memory_said(self._beside[BASELINE]),
            "pure": accuracy_said(self._beside["int8_pure"]),
        }
        return Diagnosis(
            pattern.title.format(**words),
            pattern.cause.format(**words),
            tuple(fix.format(**words).strip() for fix in pattern.fixes),
            pattern.verify.format(**words),
            confidence,
            item.estimate.rows,
            choice,
        )
