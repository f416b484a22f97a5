"""Where power readings come from: the card's energy counter, samples of it, or a recorded trace.

All of them answer one question, how many joules went by between `start` and `stop`. Samples are
integrated by the trapezoidal rule over their own times, so that late ones do no harm.
"""

from __future__ import annotations

import threading
import time
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Protocol

from ecocompute_lint.frozen import dataclass

Samples = Sequence[tuple[float, float]]
"""Seconds and watts, in the order of time."""
RATE = 20
"""Samples per second: twice what the protocol asks for."""


class SensorError(Exception):
    """A power that could not be read."""


@dataclass(frozen=True, slots=True)
class Window:
    """What went by between start and stop."""

    seconds: float
    joules: float


class Meter(Protocol):
    """Measures the energy of a stretch of time. `how` says by what means, for the row's note."""

    how: str
    simulated: bool
    """Whether the power is not that of what runs here."""

    def start(self) -> None:
        """Begin a stretch."""

    def stop(self) -> Window:
        """End it. Raises `SensorError` where a part of it is not known."""

    def close(self) -> None:
        """Let go of the sensor."""


def integral(samples: Samples, start: float, stop: float) -> float:
    """Joules between two times: trapezoids, and beyond the samples the power of the nearest."""
    if not samples:
        raise SensorError("no power was read")
    times = [at for at, _ in samples]
    inner = samples[bisect_right(times, start) : bisect_left(times, stop)]
    points = [(start, _power(samples, times, start)), *inner]
    points.append((stop, _power(samples, times, stop)))
    return sum(
        (after - before) * (first + second) / 2
        for (before, first), (after, second) in pairwise(points)
    )


def _power(samples: Samples, times: Sequence[float], at: float) -> float:
    """The power at a time, on the line between its neighbours."""
    place = bisect_left(times, at)
    if place == 0:
        return samples[0][1]
    if place == len(samples):
        return samples[-1][1]
    (before, first), (after, second) = samples[place - 1], samples[place]
    return first + (second - first) * (at - before) / (after - before)


# --- samples --------------------------------------------------------------------------------------


class _Read:
    """What is read off a card by a function."""

    simulated = False

    def __init__(
        self,
        read: Callable[[], float],
        how: str,
        close: Callable[[], None] = lambda: None,
    ) -> None:
        """`read` gives watts or joules, or raises `SensorError`; `how` says where they are from."""
        self.how = how
        self.close = close
        self._read = read


class Sampler(_Read):
    """Reads a power in watts again and again in a thread of its own while a stretch lasts."""

    def start(self) -> None:
        """Begin to sample."""
        self._samples: list[tuple[float, float]] = []
        self._failed: SensorError | None = None
        self._done = threading.Event()
        self._started = time.perf_counter()
        self._sample()
        self._thread = threading.Thread(target=self._sample_on, daemon=True)
        self._thread.start()

    def stop(self) -> Window:
        """Stop sampling; what went by."""
        stopped = time.perf_counter()
        self._done.set()
        self._thread.join()
        self._sample()
        if self._failed is not None:
            raise self._failed
        joules = integral(self._samples, self._started, stopped)
        return Window(stopped - self._started, joules)

    def _sample_on(self) -> None:
        while not self._done.wait(1 / RATE) and self._failed is None:
            self._sample()

    def _sample(self) -> None:
        try:
            before = time.perf_counter()
            watts = self._read()
            # A reading takes a while itself: its time is the middle.
            self._samples.append(((before + time.perf_counter()) / 2, watts))
        except SensorError as error:
            self._failed = error


class Counter(_Read):
    """Reads the card's own sum of energy, in joules, at both ends of a stretch."""

    _before = _started = 0.0

    def start(self) -> None:
        """Remember where the counter stands."""
        self._before, self._started = self._read(), time.perf_counter()

    def stop(self) -> Window:
        """By how much it went on."""
        seconds, joules = time.perf_counter() - self._started, self._read() - self._before
        if joules < 0:
            raise SensorError("the card's energy counter went back")
        return Window(seconds, joules)
