"""Works off a plan: loads, measures, writes a row, goes on. What fails is said, and kept apart."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from itertools import groupby
from typing import Protocol

from ecocompute_lint.advice.protocol import WARM_UP_RUNS
from ecocompute_lint.advice.sentences import amount
from ecocompute_lint.frozen import dataclass
from ecocompute_lint.measure.plan import Configuration, Plan
from ecocompute_lint.measure.power import Meter, SensorError
from ecocompute_lint.measure.protocol import (
    SHORTEST_S,
    OutOfMemory,
    Workload,
    figures,
    idle_power,
    measured,
    verdict,
)
from ecocompute_lint.measure.recipes import Recipe
from ecocompute_lint.measure.rows import Book, Cells


class LoadError(Exception):
    """A model that cannot be loaded or run so, for a reason other than memory."""


class Unsaved(Exception):  # noqa: N818  (a state of the disk)
    """A row that was measured and cannot be written."""

    def __init__(self, row: Cells, error: OSError) -> None:
        """Keep the row, which has cost time."""
        super().__init__(str(error))
        self.row = row
        self.error = error


class Library(Protocol):
    """Loads models, one at a time."""

    def load(self, recipe: Recipe) -> None:
        """Load the model. Raises `OutOfMemory` or `LoadError`."""

    def workload(self, batch_size: int) -> Workload:
        """Generations of the loaded model."""

    def peak_gb(self) -> float | None:
        """The most GPU memory since the workload was made; None where there is no GPU."""

    def unload(self) -> None:
        """Forget the model, if there is one."""


class Watch(Protocol):
    """Who wants to know how far it is."""

    def doing(self, what: str) -> None:
        """This begins."""

    def step(self, count: int = 1) -> None:
        """So many steps are done, or will not be."""

    def say(self, text: str) -> None:
        """A line to keep."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a configuration: a row, or why there is none."""

    configuration: Configuration
    row: Cells | None = None
    problem: str = ""


def steps(plan: Plan, book: Book) -> int:
    """How many steps there are: loads and runs."""
    left = [item for item in plan.configurations if book.done(item) is None]
    loads = len({item.recipe for item in left})
    return loads + len(left) * (WARM_UP_RUNS + plan.runs)


@dataclass(frozen=True, slots=True)
class Pauses:
    """Seconds: for idle power before the first load, and between loads."""

    idle: float
    settle: float


def work_off(
    plan: Plan,
    book: Book,
    library: Library,
    meter: Meter,
    pauses: Pauses,
    watch: Watch,
    sleep: Callable[[float], None] = time.sleep,
) -> list[Outcome]:
    """Measure what the file does not have yet.

    Raises:
        SensorError: if idle power cannot be read.
        Unsaved: if a row cannot be written.
    """
    found = {item: Outcome(item, book.done(item)) for item in plan.configurations}
    if any(outcome.row is None for outcome in found.values()):
        watch.doing("idle power")
        book.idle = idle_power(meter, pauses.idle, sleep)
    worker = _Worker(plan, book, library, meter, watch)
    first = True
    for recipe, group in groupby(plan.configurations, key=lambda item: item.recipe):
        todo = [item for item in group if found[item].row is None]
        if not meter.simulated:
            large = [item for item in todo if item.memory and item.memory.fits is False]
            found.update((outcome.configuration, outcome) for outcome in worker.large(large))
            todo = [item for item in todo if item not in large]
            if large and not todo:
                watch.step()
        if not todo:
            continue
        if worker.broken:
            watch.step()
            outcomes = worker.failed(todo, f"not tried: {worker.broken}")
        else:
            if not first and pauses.settle:
                watch.doing(f"settling for {pauses.settle:g} s")
                sleep(pauses.settle)
            first = False
            outcomes = worker.recipe(recipe, todo)
        found.update((outcome.configuration, outcome) for outcome in outcomes)
    return list(found.values())


class _Worker:
    def __init__(
        self, plan: Plan, book: Book, library: Library, meter: Meter, watch: Watch
    ) -> None:
        self._plan, self._book, self._library = plan, book, library
        self._meter, self._watch = meter, watch
        self._steps = WARM_UP_RUNS + plan.runs
        self.broken = ""
        """Why nothing more can be measured."""

    def recipe(self, recipe: Recipe, todo: Sequence[Configuration]) -> list[Outcome]:
        """Load once, measure all batch sizes."""
        self._watch.doing(f"{recipe.name}: loading")
        try:
            self._library.load(recipe)
            self._watch.step()
            return list(self._batches(todo))
        except OutOfMemory as error:
            self._watch.step()
            return self.failed(todo, f"out of memory while loading: {error}")
        except LoadError as error:
            self._watch.step()
            return self.failed(todo, f"cannot be loaded: {error}")
        finally:
            self._library.unload()

    def _batches(self, todo: Sequence[Configuration]) -> Iterable[Outcome]:
        too_much = 0
        for item in todo:
            if self.broken:
                yield from self.failed([item], f"not tried: {self.broken}")
            elif too_much:
                yield from self.failed(
                    [item], f"not tried: batch {too_much} was too much for the memory"
                )
            else:
                outcome, fits = self._one(item)
                too_much = 0 if fits else item.batch_size
                yield outcome

    def _one(self, item: Configuration) -> tuple[Outcome, bool]:
        """Measure a configuration; and whether it fits."""
        self._watch.doing(item.title)
        done = 0

        def tick() -> None:
            nonlocal done
            done += 1
            self._watch.step()

        try:
            workload = self._library.workload(item.batch_size)
            runs = measured(workload, self._meter, self._plan.runs, tick)
            peak = self._library.peak_gb()
        except OutOfMemory as error:
            self._watch.step(self._steps - done)
            return self._problem(item, f"out of memory: {error}"), False
        except LoadError as error:
            self._watch.step(self._steps - done)
            return self._problem(item, f"failed: {error}"), True
        except SensorError as error:
            self._watch.step(self._steps - done)
            self.broken = f"power could not be read: {error}"
            return self._problem(item, self.broken), True
        numbers = figures(runs)
        said = verdict(numbers)
        row = self._book.row(item, numbers, said, peak)
        try:
            self._book.add(item, row)
        except OSError as error:
            raise Unsaved(row, error) from None
        self._watch.say(_measured(item, row, said.text))
        if numbers.seconds < SHORTEST_S and not self._book.session.simulated:
            self._watch.say(
                f"{item.title}: runs of {numbers.seconds:.2g} s are too short for the card's own "
                "reading; take more --output-tokens"
            )
        return Outcome(item, row), True

    def large(self, items: Sequence[Configuration]) -> list[Outcome]:
        """The outcomes of what surely does not fit, by the model of memory."""
        found = []
        for item in items:
            need = item.memory.low_gb if item.memory else 0.0
            there = self._plan.gpu.vram_gb
            why = f"not tried: it needs {need:.1f} GB or more, the card has {there:g}"
            found += self.failed([item], why)
        return found

    def failed(self, items: Iterable[Configuration], problem: str) -> list[Outcome]:
        """The outcomes of what is not measured."""
        found = []
        for item in items:
            self._watch.step(self._steps)
            found.append(self._problem(item, problem))
        return found

    def _problem(self, item: Configuration, problem: str) -> Outcome:
        self._watch.say(f"{item.title}: {problem}")
        return Outcome(item, None, problem)


def _measured(item: Configuration, row: Cells, said: str) -> str:
    rate, watts = float(row["throughput_tok_s"]), float(row["power_w"])
    energy = float(row["energy_j_per_1k_tok"])
    return (
        f"{item.title}: {amount(rate)} tok/s, {amount(watts)} W, {amount(energy)} J/1k tok; {said}"
    )
