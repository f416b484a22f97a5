"""Powers that were recorded elsewhere, in place of a sensor: to rehearse, never to measure."""

from __future__ import annotations

import csv
import re
import time
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

from ecocompute_lint.errors import ConfigError, shown
from ecocompute_lint.measure.power import SensorError, Window, integral


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
