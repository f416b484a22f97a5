"""Workloads in words: ``10,000 users/day``, ``100万字``, ``8 hours a day`` -> requests a month.

Every conversion is shown: its factors are assumptions of ours (`advice.units`), not measurements.
"""

from __future__ import annotations

import math
import re
import unicodedata
from collections.abc import Iterable

from ecocompute_lint.advice.numerals import Number, leading_number
from ecocompute_lint.advice.units import (
    DAY,
    MONTH,
    PER_WEEK,
    PER_YEAR,
    PERIODS,
    UNITS,
    Factor,
    Period,
    Unit,
)
from ecocompute_lint.errors import ConfigError
from ecocompute_lint.frozen import dataclass
from ecocompute_lint.knowledge.cost import Workload

MOST, LEAST = 1e15, 1e-6
"""Requests, tokens or hours a month beyond which something must be mistyped."""
_LONGEST = 200


class WorkloadError(ConfigError):
    """A workload that cannot be used. The text says why, and lists what is understood."""


# --- what is recognised ---------------------------------------------------------------------------

_UNIT = {name: unit for unit in UNITS for name in unit.names.split("|")}


def _choices(texts: Iterable[str]) -> str:
    names = {re.escape(name) for text in texts for name in text.split("|") if name}
    return "|".join(sorted(names, key=len, reverse=True))


_PERIOD = {
    name: period
    for period in PERIODS
    for names in (period.names, period.short, period.adverbs, period.chinese)
    for name in names.split("|")
    if name
}
_PERIOD_WORDS = re.compile(
    rf"(?:\b(?:per|each|every|an?)\s+|/\s*)({_choices(period.names for period in PERIODS)})\b"
    rf"|/\s*({_choices(period.short for period in PERIODS)})\b"
    rf"|\b({_choices(period.adverbs for period in PERIODS)})\b"
    rf"|(?:每|/\s*)({_choices(period.chinese for period in PERIODS)})"
)
# "…, 5 days a week" after an amount per day.
_DAYS_OF = re.compile(
    r"[,;]?\s*(?:on |for )?\b(\d{1,3}) days?\s*"
    r"(?:(?:an?|per|each|every)\s+|/\s*)(week|month|year)\b"
)
_MOST_DAYS = {"week": 7, "month": 31, "year": 366}
_ABBREVIATED = {
    r"24\s*[/x]\s*7": "24 hours per day",
    "around the clock": "24 hours per day",
    "rps|qps": "requests per second",
    "rpm": "requests per minute",
    "tps": "tokens per second",
    "tpm": "tokens per minute",
    "dau": "users per day",
    "mau": "users per month",
}
_FILLERS = re.compile(
    r"\b(?:about|around|roughly|approximately|approx|circa|of|text|active|output|generated|new)\b"
    r"|^[~≈]|大约|大概|约"
)
EXAMPLES = (
    "5k requests/day",
    "20 req/s",
    "10,000 users/day",
    "300 conversations a week",
    "2 million tokens per month",
    "3 million words",
    "500 pages a day",
    "1 million Chinese characters",
    "100万字",
    "每天5千次请求",
    "1 GB of text",
    "8 hours a day",
    "8 hours a day, 5 days a week",
    "24/7",
)


# --- what is answered -----------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Amount:
    """A workload as it was said: `per_month` requests, generated tokens or hours of full load."""

    text: str
    kind: str
    """``requests``, ``tokens`` (generated) or ``hours``."""
    per_month: float
    conversion: str
    """The whole calculation in one line."""
    assumptions: tuple[str, ...]
    """The factors of ours that it rests on, each with its reason."""

    def workload(
        self, input_tokens: int, output_tokens: int, *, throughput: float | None = None
    ) -> Workload:
        """Requests a month of these lengths.

        Args:
            input_tokens: Tokens read per request.
            output_tokens: Tokens generated per request.
            throughput: Generated tokens per second over the whole batch at full load, which turns
                hours into tokens; None where unknown.

        Raises:
            WorkloadError: if hours are given and the throughput is unknown.
        """
        number, parts = self.per_month, [self.conversion]
        if self.kind == "hours":
            if not throughput or not math.isfinite(throughput) or throughput < 0:
                raise WorkloadError(
                    f"{self.text!r} says how long the GPU works, and how much it generates in that "
                    "time is not known here: give requests or tokens, such as '5k requests/day'"
                )
            number *= 3600 * throughput
            parts.append(f"at {throughput:,.4g} tokens per second: {_show(number)} tokens")
        if self.kind != "requests":
            number /= output_tokens
            parts.append(f"at {output_tokens:,} tokens per request: {_show(number)} requests")
        source = "; ".join(parts)
        return Workload(number, input_tokens, output_tokens, source, self.assumptions)


def parse(text: str) -> Amount:
    """What a workload in words amounts to in a month.

    Text is text to generate; an amount without a period is taken as one per month.

    Raises:
        WorkloadError: if it is not understood, not positive or absurdly large.
    """
    said = " ".join(text.split())
    if len(said) > _LONGEST:
        raise WorkloadError(_not_understood(f"{said[:60]}…"))
    normal = unicodedata.normalize("NFKC", said)
    words = normal.lower()
    for short, long in _ABBREVIATED.items():
        words = re.sub(rf"(?<![\d.])\b(?:{short})\b", f" {long} ", words)
    days, words = _days_of(said, words)
    period, words = _period(said, words)
    number, unit = _counted(said, words)
    if days and period is not DAY:
        raise WorkloadError(_not_understood(said))
    span = period or MONTH
    if unit.kind == "hours" and _total(number, unit.factors) > span.hours:
        raise WorkloadError(f"workload {said!r}: more {unit.label} than the period has")
    factors = (*unit.factors, *(days or span.factors))
    total = _total(number, factors)
    if not LEAST <= total <= MOST:
        extreme = "little" if total < LEAST else "much"
        raise WorkloadError(f"workload {said!r}: too {extreme} to be meant ({total:.3g} a month)")
    written = re.search(re.escape(number.text), normal, re.IGNORECASE)  # 5M, not 5m
    figure = written[0] if written else number.text
    terms = " ".join((figure, unit.label, *(factor.term for factor in factors)))
    goal = "generated tokens" if unit.kind == "tokens" else unit.kind
    once = "" if period else " (no period given: taken as the amount of one month)"
    return Amount(
        said,
        unit.kind,
        total,
        f"{terms} = {_show(total)} {goal} a month{once}",
        tuple(f"assumed: {factor.term[2:]} ({factor.why})" for factor in factors if factor.why),
    )


def _days_of(said: str, words: str) -> tuple[tuple[Factor, ...], str]:
    """The days on which there is work, if the text says so, and the rest of it."""
    match = _DAYS_OF.search(words)
    if match is None:
        return (), words
    days, span = int(match[1]), match[2]
    if not 1 <= days <= _MOST_DAYS[span]:
        raise WorkloadError(f"workload {said!r}: a {span} does not have {days} days")
    factor = Factor(days, f"days of work per {span}")
    rest = words[: match.start()] + words[match.end() :]
    return (factor, *{"week": PER_WEEK, "month": (), "year": PER_YEAR}[span]), rest


def _period(said: str, words: str) -> tuple[Period | None, str]:
    """The period, if the text gives one, and the rest of it."""
    found = list(_PERIOD_WORDS.finditer(words))
    if len(found) > 1:
        raise WorkloadError(_not_understood(said))
    if not found:
        return None, words
    (match,) = found
    name = next(group for group in match.groups() if group)
    return _PERIOD[name], f"{words[: match.start()]} {words[match.end() :]}"


def _counted(said: str, words: str) -> tuple[Number, Unit]:
    """The number and what it counts."""
    words = " ".join(_FILLERS.sub(" ", words.strip(" ,;.")).split())
    found = leading_number(words)
    if found is None:
        raise WorkloadError(_not_understood(said))
    number, rest = found
    if not 0 < number.value < math.inf:
        raise WorkloadError(f"workload {said!r}: expected a positive number, got {number.text!r}")
    unit = _UNIT.get(rest)
    if unit is None:
        raise WorkloadError(_not_understood(said))
    return number, unit


def _total(number: Number, factors: Iterable[Factor]) -> float:
    total = number.value
    for factor in factors:
        total = factor.apply(total)
    return total


def _show(number: float) -> str:
    return f"{number:,.0f}" if number >= 100 else f"{number:.3g}"


def _not_understood(said: str) -> str:
    return (
        f"workload {said!r} is not understood. Understood: a number of requests, users or "
        "conversations; of tokens, words, pages, characters, Chinese characters (字) or bytes (KB "
        "to TB) of text to generate; of hours of full load; per second, minute, hour, day, "
        f"working day, week, month or year. Examples: {'; '.join(EXAMPLES)}"
    )
