"""How long a command takes, on how many processors, and how much memory its processes hold."""

from __future__ import annotations

import os
import signal
import statistics
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

_LOOK = 0.1
"""Seconds between two looks at the memory of a command's processes."""
_LAUNCH = str(Path(__file__).with_name("launch.py"))


class Broken(Exception):  # noqa: N818 - the run of another program, no error of ours
    """A command that did not do what it should."""


@dataclass(frozen=True)
class Sample:
    """One run: seconds on the clock, seconds of all processors, bytes at the peak."""

    wall: float
    cpu: float
    peak: int


@dataclass
class Task:
    """A command to measure."""

    name: str
    command: Sequence[str]
    folder: Path
    environment: Mapping[str, str] = field(default_factory=dict)
    statuses: tuple[int, ...] = (0,)
    """What it may exit with: most tools say by it that they have found something."""
    warm: bool = False
    """Whether one run comes before those that count."""
    before: Callable[[], None] | None = None
    """What is put back before each run."""
    scaled: float = 1.0
    """How much more there is in the whole corpus than in the part that is given."""
    samples: list[Sample] = field(default_factory=list)

    @property
    def spent(self) -> float:
        """The seconds that all runs took."""
        return sum(sample.wall for sample in self.samples)

    def median(self) -> Sample:
        """The middle of each figure over the runs."""
        return Sample(
            statistics.median(sample.wall for sample in self.samples),
            statistics.median(sample.cpu for sample in self.samples),
            round(statistics.median(sample.peak for sample in self.samples)),
        )


def measure(
    tasks: Sequence[Task], *, runs: int, patience: float, say: Callable[[str], None]
) -> None:
    """Run the tasks in turn, so that whatever else the machine does falls on all of them.

    A task whose runs have taken `patience` seconds is not run again.
    """
    for task in tasks:
        if task.warm:
            once(task)
    for number in range(runs):
        for task in tasks:
            if number and task.spent + task.samples[-1].wall > patience:
                continue
            task.samples.append(once(task))
            say(f"{task.name}: run {number + 1}, {task.samples[-1].wall:.2f} s")


def once(task: Task) -> Sample:
    """Run a task. Raises Broken."""
    if task.before is not None:
        task.before()
    environment = {**os.environ, **task.environment}
    with tempfile.TemporaryDirectory() as folder:
        note, errors = Path(folder, "note"), Path(folder, "errors")
        with errors.open("wb") as stream:
            process = subprocess.Popen(
                (sys.executable, "-I", "-S", _LAUNCH, str(note), *task.command),
                cwd=task.folder,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=stream,
                start_new_session=True,
            )
        watch = _Watch(process.pid)
        watch.start()
        try:
            process.wait()
        except BaseException:
            os.killpg(process.pid, signal.SIGKILL)
            raise
        finally:
            watch.end()
        status, wall, cpu, largest = note.read_text().split() if note.is_file() else ("?",) * 4
        if status not in map(str, task.statuses):
            last = errors.read_text(errors="replace").strip()[-800:]
            raise Broken(f"{task.name}: exit status {status}\n{last}")
    unit = 1 if os.uname().sysname == "Darwin" else 1024
    return Sample(float(wall), float(cpu), max(int(largest) * unit, watch.peak))


class _Watch(threading.Thread):
    """Looks at the memory of a process with all below it, where the system tells (on Linux)."""

    def __init__(self, process: int) -> None:
        super().__init__(daemon=True)
        self._process = process
        self._over = threading.Event()
        self.peak = 0

    def run(self) -> None:
        while not self._over.wait(_LOOK):
            family = _family(self._process)[1:]  # not the launcher
            # A single one says its peak by itself in the end.
            if len(family) > 1:
                self.peak = max(self.peak, sum(map(_held, family)))

    def end(self) -> None:
        self._over.set()
        self.join()


def _family(process: int) -> list[int]:
    found = [process]
    for one in found:
        try:
            for thread in os.listdir(f"/proc/{one}/task"):
                children = Path(f"/proc/{one}/task/{thread}/children").read_text(encoding="ascii")
                found.extend(map(int, children.split()))
        except OSError:
            continue
    return found


def _held(process: int) -> int:
    """The bytes of a process; what it shares with others counts in parts."""
    try:
        with open(f"/proc/{process}/smaps_rollup", encoding="ascii") as lines:
            for line in lines:
                if line.startswith("Pss:"):
                    return int(line.split()[1]) * 1024
    except OSError:
        pass
    return 0
