"""The protocol: idle power, warm-up, runs, and whether they agree well enough to be kept."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from typing import Protocol

from ecocompute_lint.advice.protocol import QUALITY_GATE, WARM_UP_RUNS
from ecocompute_lint.frozen import dataclass
from ecocompute_lint.measure.power import Meter, SensorError, Window

REPEATS = 3
"""How many runs of a configuration may be repeated because their power could not be read."""
SHORTEST_S = 1.0
"""Runs below this are hardly longer than what a card averages its own power over."""


class OutOfMemory(Exception):  # noqa: N818  (a state of the card)
    """A configuration that does not fit."""


class Workload(Protocol):
    """Something to run again and again."""

    def generate(self) -> int:
        """Generate, and wait for the end; the number of tokens over the batch.

        Raises `OutOfMemory`.
        """


@dataclass(frozen=True, slots=True)
class Run:
    """One run that counts."""

    seconds: float
    joules: float
    tokens: int

    @property
    def throughput(self) -> float:
        """Tokens per second."""
        return self.tokens / self.seconds

    @property
    def power(self) -> float:
        """Watts."""
        return self.joules / self.seconds

    @property
    def energy(self) -> float:
        """Joules per 1000 tokens."""
        return self.joules / self.tokens * 1000


@dataclass(frozen=True, slots=True)
class Figures:
    """What runs come to together: all their tokens, seconds and joules, so that they agree.

    The deviations are those of single runs.
    """

    runs: int
    seconds: float
    """Of a run, on average."""
    throughput: float
    throughput_std: float
    power: float
    power_std: float
    energy: float
    energy_std: float

    @property
    def variation(self) -> dict[str, float]:
        """The coefficients of variation that the quality gate looks at."""
        return {
            "throughput": self.throughput_std / self.throughput,
            "power": self.power_std / self.power if self.power else 0.0,
        }


def figures(runs: Sequence[Run]) -> Figures:
    """The figures of two runs or more."""
    seconds, joules = sum(run.seconds for run in runs), sum(run.joules for run in runs)
    tokens = sum(run.tokens for run in runs)
    return Figures(
        len(runs),
        seconds / len(runs),
        tokens / seconds,
        _deviation(run.throughput for run in runs),
        joules / seconds,
        _deviation(run.power for run in runs),
        joules / tokens * 1000,
        _deviation(run.energy for run in runs),
    )


def _deviation(values: Iterable[float]) -> float:
    from statistics import stdev

    return stdev(values)


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the quality gate says, and in words what it says it of."""

    passed: bool
    text: str


def verdict(found: Figures) -> Verdict:
    """Whether the runs agree as well as the protocol wants."""
    failed = [name for name, share in found.variation.items() if share >= QUALITY_GATE[name]]
    parts = [
        f"{name} varies by {100 * share:.1f} % (limit {100 * QUALITY_GATE[name]:g} %)"
        for name, share in found.variation.items()
    ]
    return Verdict(
        not failed, f"quality gate {'failed' if failed else 'passed'}: " + ", ".join(parts)
    )


def idle_power(
    meter: Meter, seconds: float, sleep: Callable[[float], None] = time.sleep
) -> float | None:
    """The watts of the card before anything is loaded; None where no time is given to it."""
    if not seconds:
        return None
    window = _metered(meter, lambda: sleep(seconds))
    return window.joules / window.seconds


def measured(
    workload: Workload, meter: Meter, runs: int, tick: Callable[[], None] = lambda: None
) -> tuple[Run, ...]:
    """Warm up, then measure so many runs; `tick` is called after each.

    Raises:
        OutOfMemory: if the configuration does not fit.
        SensorError: if power could not be read again and again.
    """
    for _ in range(WARM_UP_RUNS):
        workload.generate()
        tick()
    found: list[Run] = []
    repeats = 0
    while len(found) < runs:
        tokens = 0

        def generate() -> None:
            nonlocal tokens
            tokens = workload.generate()

        try:
            window = _metered(meter, generate)
        except SensorError:
            repeats += 1
            if repeats > REPEATS:
                raise
            continue
        found.append(Run(window.seconds, window.joules, tokens))
        tick()
    return tuple(found)


def _metered(meter: Meter, work: Callable[[], None]) -> Window:
    meter.start()
    try:
        work()
    except BaseException:
        _stopped(meter)
        raise
    return meter.stop()


def _stopped(meter: Meter) -> None:
    """End a stretch of which nothing is wanted."""
    with suppress(SensorError):
        meter.stop()
