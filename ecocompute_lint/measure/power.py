"""Where power readings come from: the card's energy counter, samples of it, or a recorded trace.

All of them answer one question, how many joules went by between `start` and `stop`. Samples are
integrated by the trapezoidal rule over their own times, so that late ones do no harm.
"""

from __future__ import annotations

import csv
import re
import threading
import time
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Sequence
from datetime import datetime
from itertools import pairwise
from pathlib import Path
from typing import Any, Protocol

from ecocompute_lint.errors import ConfigError, shown
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


class Sampler:
    """Reads a power again and again in a thread of its own while a stretch lasts."""

    simulated = False

    def __init__(
        self,
        read: Callable[[], float],
        how: str,
        close: Callable[[], None] = lambda: None,
    ) -> None:
        """Take what reads watts, or raises `SensorError`."""
        self.how = how
        self.close = close
        self._read = read
        self._samples: list[tuple[float, float]] = []
        self._failed: SensorError | None = None
        self._done = threading.Event()
        self._thread: threading.Thread | None = None
        self._started = 0.0

    def start(self) -> None:
        """Begin to sample."""
        self._samples, self._failed = [], None
        self._done.clear()
        self._started = time.perf_counter()
        self._sample()
        self._thread = threading.Thread(target=self._sample_on, daemon=True)
        self._thread.start()

    def stop(self) -> Window:
        """Stop sampling; what went by."""
        stopped = time.perf_counter()
        self._done.set()
        if self._thread is not None:
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


class Counter:
    """Reads the card's own sum of energy at both ends of a stretch."""

    simulated = False

    def __init__(
        self,
        read: Callable[[], float],
        how: str,
        close: Callable[[], None] = lambda: None,
    ) -> None:
        """Take what reads joules, or raises `SensorError`."""
        self.how = how
        self.close = close
        self._read = read
        self._before = self._started = 0.0

    def start(self) -> None:
        """Remember where the counter stands."""
        self._before, self._started = self._read(), time.perf_counter()

    def stop(self) -> Window:
        """By how much it went on."""
        seconds, joules = time.perf_counter() - self._started, self._read() - self._before
        if joules < 0:
            raise SensorError("the card's energy counter went back")
        return Window(seconds, joules)


# --- a recorded trace -----------------------------------------------------------------------------


class Trace:
    """Plays recorded powers, in place of a sensor: to rehearse, never to measure.

    Its clock stands still between stretches, and it begins anew at its end. Where it has no
    number (as nvidia-smi writes ``[N/A]``) the power cannot be read.
    """

    simulated = True

    def __init__(self, path: Path, now: Callable[[], float] = time.perf_counter) -> None:
        """Read the file: seconds (or a time of day) and watts on each line.

        Raises:
            ConfigError: if it holds no trace.
        """
        self.how = f"recorded trace {path.name}"
        self._samples, self._holes = _trace(path)
        self._length = self._samples[-1][0]
        self._now = now
        self._place = self._started = 0.0

    def start(self) -> None:
        """Go on where the last stretch ended."""
        self._started = self._now()

    def stop(self) -> Window:
        """What the trace holds for the time that went by."""
        seconds = self._now() - self._started
        joules, left = 0.0, seconds
        while left > 0:
            part = min(left, self._length - self._place)
            joules += self._part(self._place, self._place + part)
            self._place = (self._place + part) % self._length
            left -= part
            if part < 1e-9:
                self._place = 0.0
        return Window(seconds, joules)

    def close(self) -> None:
        """Nothing is held."""

    def _part(self, start: float, stop: float) -> float:
        for first, last in self._holes:
            if start < last and stop > first:
                # The time goes by all the same, or a trace could never get past its hole.
                self._place = stop % self._length
                raise SensorError(f"the trace has no power at {first:g} s")
        return integral(self._samples, start, stop)


_NUMBER = re.compile(r"[0-9]+(\.[0-9]*)?([eE][-+]?[0-9]+)?")


def _trace(path: Path) -> tuple[list[tuple[float, float]], list[tuple[float, float]]]:
    """The samples of a trace from time zero on, and the stretches in which it has none."""
    rows = _lines(path)
    if len(rows) < 2:
        raise _no_trace(path, "fewer than two samples")
    first = rows[0][1]
    samples: list[tuple[float, float]] = []
    holes: list[tuple[float, float]] = []
    last = -1.0
    for line, at, watts in rows:
        seconds = at - first
        if seconds <= last:
            raise _no_trace(path, f"line {line}: not later than the one before")
        last = seconds
        if watts is None:
            begin = samples[-1][0] if samples else 0.0
            holes.append((begin, seconds))
            continue
        if holes and (not samples or holes[-1][1] > samples[-1][0]):
            holes[-1] = (holes[-1][0], seconds)
        samples.append((seconds, watts))
    if not samples:
        raise _no_trace(path, "not one power in it")
    if samples[-1][0] < last:
        samples.append((last, samples[-1][1]))  # inside a hole: only for the length
    return samples, holes


def _lines(path: Path) -> list[tuple[int, float, float | None]]:
    try:
        text = path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise _no_trace(path, f"cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise _no_trace(path, "not valid UTF-8") from None
    found = []
    for line, cells in enumerate(csv.reader(text.splitlines(), skipinitialspace=True), 1):
        if not cells or (line == 1 and _time(cells[0]) is None):
            continue  # a blank line, or a header
        at = _time(cells[0])
        if at is None or len(cells) < 2:
            raise _no_trace(path, f"line {line}: expected a time and watts")
        power = _NUMBER.match(cells[1].strip())
        found.append((line, at, float(power[0]) if power else None))
    return found


def _time(text: str) -> float | None:
    """Seconds, or a day and time as nvidia-smi writes them."""
    if _NUMBER.fullmatch(text.strip()):
        return float(text)
    try:
        return datetime.strptime(text.strip(), "%Y/%m/%d %H:%M:%S.%f").timestamp()
    except ValueError:
        return None


def _no_trace(path: Path, why: str) -> ConfigError:
    return ConfigError(
        f"--power-trace {shown(path)}: {why}. Each line has seconds and watts, as "
        "`nvidia-smi --query-gpu=timestamp,power.draw --format=csv -lms 100` writes them"
    )


# --- NVML -----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Card:
    """The card that is measured: what NVML calls it, its driver, and who else uses it."""

    name: str
    driver: str
    others: int
    """Processes that compute on it beside this one."""
    meter: Meter


class NoCard(Exception):  # noqa: N818  (a state of the machine)
    """There is no card whose power can be read. The text says what is missing."""


def nvml_card(index: int, visible: str | None) -> Card:
    """The card with this number among those that CUDA shows (`visible`: CUDA_VISIBLE_DEVICES).

    Raises:
        NoCard: if there is none.
    """
    try:
        import pynvml
    except ImportError:
        raise NoCard("the package nvidia-ml-py is not installed") from None
    nvml: Any = pynvml
    try:
        nvml.nvmlInit()
        handle = _handle(nvml, index, visible)
        name, driver = nvml.nvmlDeviceGetName(handle), nvml.nvmlSystemGetDriverVersion()
        others = len(nvml.nvmlDeviceGetComputeRunningProcesses(handle))
        return Card(_text(name), _text(driver), others, _meter(nvml, handle))
    except nvml.NVMLError as error:
        raise NoCard(f"NVML, the library of NVIDIA's driver: {error}") from None


def _handle(nvml: Any, index: int, visible: str | None) -> Any:
    names = [part.strip() for part in (visible or "").split(",") if part.strip()]
    if visible is not None and index >= len(names):
        raise NoCard(f"CUDA_VISIBLE_DEVICES={visible} shows no device {index}")
    name = names[index] if names else str(index)
    if name.isdecimal():
        return nvml.nvmlDeviceGetHandleByIndex(int(name))
    return nvml.nvmlDeviceGetHandleByUUID(name)


def _meter(nvml: Any, handle: Any) -> Meter:
    """The energy counter, which no sample can miss; samples where the card has none."""

    def reader(read: Callable[[Any], int]) -> Callable[[], float]:
        def value() -> float:
            try:
                return read(handle) / 1000  # milliwatts or millijoules
            except nvml.NVMLError as error:
                raise SensorError(f"NVML: {error}") from None

        return value

    try:
        nvml.nvmlDeviceGetTotalEnergyConsumption(handle)
    except nvml.NVMLError:
        nvml.nvmlDeviceGetPowerUsage(handle)
        how = f"NVML board power at {RATE} Hz"
        return Sampler(reader(nvml.nvmlDeviceGetPowerUsage), how, nvml.nvmlShutdown)
    how = "NVML energy counter"
    return Counter(reader(nvml.nvmlDeviceGetTotalEnergyConsumption), how, nvml.nvmlShutdown)


def _text(value: Any) -> str:
    return value.decode() if isinstance(value, bytes) else str(value)
