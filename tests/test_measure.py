"""`ecolint measure` as far as it needs no torch: power, protocol, rows, plans, what is missing.

Where work has to be done, something that counts tokens stands in for a model, and a clock that the
test turns for the time; meters, protocol and files are the real ones. With real libraries and a
model the command is run in tests_real/test_measure.py.
"""

from __future__ import annotations

import csv
import errno
import importlib.util
import io
import math
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from conftest import Command, environment
from hypothesis import given
from hypothesis import strategies as st

from ecocompute_lint.cli.measure import _card, _without_card
from ecocompute_lint.errors import ConfigError
from ecocompute_lint.knowledge.columns import HEADER
from ecocompute_lint.knowledge.hardware import find_gpu
from ecocompute_lint.knowledge.measurements import load_dataset
from ecocompute_lint.knowledge.precisions import precision
from ecocompute_lint.knowledge.row_files import DataError
from ecocompute_lint.measure.nvml import NoCard, nvml_card
from ecocompute_lint.measure.plan import Plan, plan, subject
from ecocompute_lint.measure.power import (
    Counter,
    Sampler,
    SensorError,
    Window,
    integral,
)
from ecocompute_lint.measure.protocol import OutOfMemory, Run, figures, idle_power, verdict
from ecocompute_lint.measure.recipes import RECIPES, Recipe, find_recipe
from ecocompute_lint.measure.recorded import Trace
from ecocompute_lint.measure.rows import Book, RowFile, Session
from ecocompute_lint.measure.session import LoadError, Outcome, Pauses, Unsaved, steps, work_off

Write = Callable[[str, "str | bytes"], Path]

# --- energy from samples --------------------------------------------------------------------------


@pytest.mark.parametrize("step", [0.1, 0.05, 0.013])
def test_a_ramp_is_integrated_exactly(step: float) -> None:
    samples = [(i * step, 100 + 30 * i * step) for i in range(int(12 / step))]
    for start, stop in ((0.0, 10.0), (1.234, 7.891), (5.0, 5.001)):
        by_hand = 100 * (stop - start) + 30 * (stop**2 - start**2) / 2
        assert integral(samples, start, stop) == pytest.approx(by_hand, rel=1e-9)


def test_a_sine_is_integrated_within_the_error_of_the_rule() -> None:
    step, start, stop = 0.1, 0.37, 9.11
    samples = [(i * step, 200 + 80 * math.sin(i * step)) for i in range(200)]
    by_hand = 200 * (stop - start) - 80 * (math.cos(stop) - math.cos(start))
    # A trapezoid errs by at most step² / 12 of the second derivative, its ends by step² / 8.
    limit = 80 * (stop - start) * step**2 / 12 + 2 * 80 * step**3 / 8
    assert abs(integral(samples, start, stop) - by_hand) <= limit


@given(
    st.lists(st.tuples(st.floats(0.01, 2), st.floats(0, 1000)), min_size=1, max_size=20),
    st.floats(0, 10),
    st.floats(0, 10),
    st.floats(0, 10),
)
def test_energies_of_parts_add_up(
    steps: list[tuple[float, float]], first: float, second: float, third: float
) -> None:
    at, samples = 0.0, []
    for step, watts in steps:
        at += step
        samples.append((at, watts))
    start, middle, stop = sorted((first, second, third))
    whole = integral(samples, start, stop)
    parts = integral(samples, start, middle) + integral(samples, middle, stop)
    assert whole == pytest.approx(parts, rel=1e-6, abs=1e-6)
    least, most = min(w for _, w in samples), max(w for _, w in samples)
    assert least * (stop - start) - 1e-6 <= whole <= most * (stop - start) + 1e-6


def test_outside_the_samples_the_nearest_holds() -> None:
    assert integral([(5.0, 80.0)], 0, 10) == 800
    with pytest.raises(SensorError):
        integral([], 0, 1)


def test_samples_are_taken_while_work_goes_on() -> None:
    meter = Sampler(lambda: 120.0, "a constant")
    for _ in range(2):
        meter.start()
        while len(meter._samples) < 3:
            pass
        window = meter.stop()
        assert window.joules == pytest.approx(120 * window.seconds)


def test_a_sensor_that_fails_while_work_goes_on_is_seen_at_its_end() -> None:
    readings = iter([100.0, 100.0])

    def read() -> float:
        try:
            return next(readings)
        except StopIteration:
            raise SensorError("gone") from None

    meter = Sampler(read, "two readings")
    meter.start()
    while meter._failed is None:
        pass
    with pytest.raises(SensorError, match="gone"):
        meter.stop()


def test_a_counter_gives_the_difference() -> None:
    readings = iter([1000.0, 1450.0, 2000.0, 1.0])
    meter = Counter(lambda: next(readings), "a counter")
    meter.start()
    assert meter.stop().joules == 450
    meter.start()
    with pytest.raises(SensorError, match="went back"):
        meter.stop()


# --- a recorded trace -----------------------------------------------------------------------------


class Clock:
    """A time that goes on when it is told to."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds


def trace(write: Write, text: str, clock: Clock) -> Trace:
    return Trace(write("trace.csv", text), clock)


def metered(meter: Any, clock: Clock, seconds: float) -> Window:
    meter.start()
    clock.sleep(seconds)
    window: Window = meter.stop()
    return window


RAMP = "seconds,watts\n0,0\n10,100\n20,100\n"


def test_a_trace_goes_on_where_it_stopped_and_begins_anew(write: Write) -> None:
    clock = Clock()
    meter = trace(write, RAMP, clock)
    assert metered(meter, clock, 5).joules == pytest.approx(125)
    clock.sleep(1000)  # between windows its own clock stands
    assert metered(meter, clock, 10).joules == pytest.approx(375 + 500)
    assert metered(meter, clock, 10).joules == pytest.approx(500 + 125)
    assert metered(meter, clock, 40).joules == pytest.approx(2 * 1500)
    assert meter.simulated


def test_a_trace_may_be_what_nvidia_smi_recorded(write: Write) -> None:
    text = (
        "timestamp, power.draw [W]\n"
        "2026/02/26 23:59:59.500, 100.00 W\n"
        "2026/02/27 00:00:00.500, 140.00 W\n"
        "2026/02/27 00:00:01.500, 140.00 W\n"
    )
    clock = Clock()
    assert metered(trace(write, text, clock), clock, 2).joules == pytest.approx(120 + 140)


def test_where_a_trace_has_no_number_there_is_no_power(write: Write) -> None:
    clock = Clock()
    meter = trace(write, "0,100\n1,100\n2,[N/A]\n3,100\n10,100\n", clock)
    assert metered(meter, clock, 0.9).joules == pytest.approx(90)
    with pytest.raises(SensorError, match="no power at 1 s"):
        metered(meter, clock, 1)
    with pytest.raises(SensorError):
        metered(meter, clock, 1.2)
    assert metered(meter, clock, 2).joules == pytest.approx(200)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "fewer than two samples"),
        ("0,1\n", "fewer than two samples"),
        ("0,1\n0,1\n", "line 2: not later than the one before"),
        ("0,1\nx,1\n", "line 2: expected a time and watts"),
        ("0,1\n1\n", "line 2: expected a time and watts"),
        ("0,N/A\n1,N/A\n", "not one power in it"),
        (b"\xff\xfe", "not valid UTF-8"),
    ],
)
def test_a_file_that_is_no_trace_is_explained(write: Write, text: str, said: str) -> None:
    with pytest.raises(ConfigError, match="--power-trace") as error:
        Trace(write("trace.csv", text))
    assert said in str(error.value)
    assert "nvidia-smi --query-gpu=timestamp,power.draw" in str(error.value)


# --- the protocol ---------------------------------------------------------------------------------


def test_figures_agree_with_each_other() -> None:
    found = figures([Run(1.0, 200.0, 100), Run(2.0, 500.0, 100), Run(1.5, 300.0, 100)])
    assert found.throughput == pytest.approx(300 / 4.5)
    assert found.power == pytest.approx(1000 / 4.5)
    assert found.energy == pytest.approx(found.power / found.throughput * 1000)
    assert found.throughput_std == pytest.approx(25.459, rel=1e-3)


@pytest.mark.parametrize(
    ("seconds", "watts", "passed"),
    [
        ((1.0, 1.0, 1.0), (200, 200, 200), True),
        ((1.0, 1.01, 1.0), (200, 205, 195), True),
        ((1.0, 1.05, 1.0), (200, 200, 200), False),
        ((1.0, 1.0, 1.0), (200, 230, 200), False),
    ],
)
def test_the_gate_wants_runs_that_agree(
    seconds: Sequence[float], watts: Sequence[float], passed: bool
) -> None:
    runs = [Run(s, w * s, 256) for s, w in zip(seconds, watts, strict=True)]
    said = verdict(figures(runs))
    assert said.passed is passed
    assert said.text.startswith(f"quality gate {'passed' if passed else 'failed'}: throughput ")


def test_idle_power_is_the_mean_of_its_time(write: Write) -> None:
    clock = Clock()
    meter = trace(write, RAMP, clock)
    assert idle_power(meter, 10, clock.sleep) == pytest.approx(50)
    assert idle_power(meter, 0, clock.sleep) is None


# --- a whole session ------------------------------------------------------------------------------


class Counts:
    """Stands in for models: each generation takes time by precision, and counts tokens."""

    def __init__(self, plan: Plan, clock: Clock, **faults: Any) -> None:
        self.plan, self.clock, self.faults = plan, clock, faults
        self.loaded: Recipe | None = None
        self.batch = 0
        self.generations: list[tuple[str, int]] = []

    def load(self, recipe: Recipe) -> None:
        assert self.loaded is None
        for kind in (OutOfMemory, LoadError):
            if self.faults.get("load") == (kind.__name__, recipe.name):
                raise kind("no way")
        self.loaded = recipe

    def workload(self, batch_size: int) -> Counts:
        self.batch = batch_size
        return self

    def generate(self) -> int:
        assert self.loaded is not None
        self.generations.append((self.loaded.name, self.batch))
        if self.batch >= self.faults.get("too_much", math.inf):
            raise OutOfMemory("tried to allocate a lot")
        if len(self.generations) == self.faults.get("interrupt"):
            raise KeyboardInterrupt
        first = len(self.generations) <= 3
        self.clock.sleep(2.0 if self.loaded.name == "fp16" and not first else 4.0)
        if self.faults.get("unsteady") == self.loaded.name:
            self.clock.sleep(len(self.generations) % 2)
        return self.plan.output_tokens * self.batch

    def peak_gb(self) -> float | None:
        return 3.25

    def unload(self) -> None:
        self.loaded = None


class Silent:
    """Counts steps, keeps lines."""

    def __init__(self) -> None:
        self.done = 0
        self.lines: list[str] = []

    def doing(self, what: str) -> None:
        pass

    def step(self, count: int = 1) -> None:
        self.done += count

    def say(self, text: str) -> None:
        self.lines.append(text)


class Constant(Counter):
    """A counter of a card that draws the same all the time."""

    def __init__(self, clock: Clock, watts: float = 200.0, fails: Iterable[int] = ()) -> None:
        super().__init__(self._joules, "NVML energy counter")
        self.clock, self.watts, self.fails = clock, watts, set(fails)
        self.readings = 0

    def start(self) -> None:
        super().start()
        self._started = self.clock()

    def stop(self) -> Window:
        return Window(self.clock() - self._started, super().stop().joules)

    def _joules(self) -> float:
        self.readings += 1
        if self.readings in self.fails:
            raise SensorError("GPU is lost")
        return self.clock() * self.watts


MISTRAL = "mistralai/Mistral-7B-Instruct-v0.3"
STACK = {"torch": "2.13.0", "cuda": "13.0", "driver": "580.1", "transformers": "5.23.0"}


class Bench:
    """A file of rows, and sessions on it."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "rows.csv"
        self.clock = Clock()
        self.watch = Silent()
        self.full = False

    def plan(
        self, names: str = "fp16,nf4,int8_pure", batches: Sequence[int] = (1, 8), **more: Any
    ) -> Plan:
        card = find_gpu(more.pop("gpu", "rtx4090d"))
        assert card
        recipes = map(find_recipe, names.split(","))
        asked = subject(more.pop("model", MISTRAL), None, False)
        return plan(card, asked, recipes, batches, 512, 256, more.pop("runs", 5))

    def book(self, asked: Plan, again: bool = False, **stack: str) -> Book:
        versions = {**dict.fromkeys(("bitsandbytes", "torchao"), ""), **STACK, **stack}
        session = Session(
            "NVML energy counter",
            self.simulated,
            "NVIDIA GeForce RTX 4090 D",
            tuple(versions.items()),
            datetime(2026, 10, 2, 12, 0, len(self.watch.lines) % 60),
        )
        return RowFile(self.path, self.save).begin(asked, session, again)

    simulated = False

    def save(self, text: str) -> None:
        if self.full:
            raise OSError(errno.ENOSPC, "No space left on device")
        self.path.write_text(text, encoding="utf-8")

    def run(
        self,
        asked: Plan | None = None,
        again: bool = False,
        fails: Iterable[int] = (),
        stack: dict[str, str] | None = None,
        **faults: Any,
    ) -> list[Outcome]:
        asked = asked or self.plan()
        self.book_used = self.book(asked, again, **(stack or {}))
        self.watch.done, self.expected = 0, steps(asked, self.book_used)
        self.library = Counts(asked, self.clock, **faults)
        meter = Constant(self.clock, fails=fails)
        meter.simulated = self.simulated
        return work_off(
            asked,
            self.book_used,
            self.library,
            meter,
            Pauses(10, 5),
            self.watch,
            self.clock.sleep,
        )

    def rows(self) -> list[dict[str, str]]:
        return list(csv.DictReader(io.StringIO(self.path.read_text())))

    def sound(self) -> int:
        """How many rows estimates take from the file, which has nothing wrong with it."""
        load_dataset.cache_clear()
        return sum(bool(row.origin) for row in load_dataset((self.path,)).preferred)


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


def test_a_session_gives_rows_in_the_schema_of_the_data(bench: Bench) -> None:
    outcomes = bench.run()
    assert all(outcome.row for outcome in outcomes)
    assert bench.watch.done == bench.expected
    text = bench.path.read_text()
    assert text.startswith(f"{HEADER}\n")
    rows = bench.rows()
    keys = [(row["precision"], row["batch_size"]) for row in rows]
    assert keys == [(name, size) for name in ("fp16", "nf4", "int8_pure") for size in "18"]
    assert bench.sound() == 6
    half, nf4 = rows[0], rows[2]
    # 200 W for 2 s, and for 4 s, give 256 tokens.
    assert float(half["energy_gross_j_per_1k_tok"]) == pytest.approx(200 * 2 / 256 * 1000)
    assert float(nf4["energy_gross_j_per_1k_tok"]) == pytest.approx(200 * 4 / 256 * 1000)
    assert (nf4["delta_gross_vs_fp16_pct"], nf4["fp16_ref_id"]) == ("100.00", half["id"])
    assert (half["delta_gross_vs_fp16_pct"], half["fp16_ref_id"]) == ("", "")
    for row in rows:
        assert (row["model"], row["hf_id"]) == ("Mistral-7B", MISTRAL)
        assert (row["quality"], row["energy_basis"], row["scope"]) == ("raw", "gross", "end_to_end")
        assert {name: row[name] for name in STACK} == STACK
        assert (row["n_runs"], row["peak_memory_gb"]) == ("5", "3.250")
        assert row["session"] == "rtx4090d:2026-10-02T12:00:00"
        for said in ("power=NVML energy counter", "idle_w=200.0", "weights=loaded", "gate passed"):
            assert said in row["note"]


def test_warm_up_runs_do_not_count(bench: Bench) -> None:
    # The first three generations take twice as long.
    bench.run(bench.plan("fp16", (1,)))
    assert len(bench.library.generations) == 3 + 5
    assert float(bench.rows()[0]["throughput_std"]) == 0
    assert float(bench.rows()[0]["throughput_tok_s"]) == 128


def test_fp16_and_small_batches_come_first(bench: Bench) -> None:
    asked = bench.plan("nf4,int8_pure,fp16", (8, 1))
    order = [item.title for item in asked.configurations]
    assert order[:3] == ["fp16, batch 1", "fp16, batch 8", "nf4, batch 1"]


def test_an_interrupted_session_keeps_its_rows_and_goes_on(bench: Bench) -> None:
    with pytest.raises(KeyboardInterrupt):
        bench.run(interrupt=20)
    assert bench.library.loaded is None
    before = bench.rows()
    assert len(before) == 2
    assert all(outcome.row for outcome in bench.run())
    assert bench.watch.done == bench.expected
    assert ("fp16", 1) not in bench.library.generations
    assert bench.rows()[:2] == before
    assert len({row["session"] for row in bench.rows()}) == 1
    assert bench.sound() == 6
    bench.run()
    assert bench.library.generations == []


def test_too_much_for_the_memory_is_one_configuration(bench: Bench) -> None:
    outcomes = bench.run(bench.plan("fp16,nf4", (1, 8, 32)), too_much=8)
    said = [outcome.problem for outcome in outcomes]
    assert said[1] == said[4] == "out of memory: tried to allocate a lot"
    assert said[2] == said[5] == "not tried: batch 8 was too much for the memory"
    assert [row["batch_size"] for row in bench.rows()] == ["1", "1"]
    assert bench.watch.done == bench.expected
    assert "fp16, batch 8: out of memory: tried to allocate a lot" in bench.watch.lines


@pytest.mark.parametrize(
    ("kind", "said"),
    [
        ("OutOfMemory", "out of memory while loading: no way"),
        ("LoadError", "cannot be loaded: no "),
    ],
)
def test_what_cannot_be_loaded_leaves_the_others(bench: Bench, kind: str, said: str) -> None:
    outcomes = bench.run(load=(kind, "nf4"))
    failed = [outcome for outcome in outcomes if outcome.row is None]
    assert [outcome.configuration.recipe.name for outcome in failed] == ["nf4", "nf4"]
    assert all(outcome.problem.startswith(said) for outcome in failed)
    assert len(bench.rows()) == 4
    assert bench.watch.done == bench.expected


def test_what_surely_does_not_fit_is_not_tried(bench: Bench) -> None:
    asked = bench.plan("fp16,nf4", (1,), model="meta-llama/Llama-2-70b-hf")
    outcomes = bench.run(asked)
    assert outcomes[0].problem.startswith("not tried: it needs 13")
    assert outcomes[0].problem.endswith("GB or more, the card has 24")
    assert bench.watch.done == bench.expected
    assert bench.library.generations == []


def test_a_reading_that_fails_once_costs_a_run(bench: Bench) -> None:
    bench.run(bench.plan("fp16", (1,)), fails=[6])
    assert len(bench.library.generations) == 3 + 5 + 1
    assert bench.rows()[0]["n_runs"] == "5"


def test_a_sensor_that_is_gone_ends_the_session(bench: Bench) -> None:
    outcomes = bench.run(fails=range(20, 1000))
    assert [bool(outcome.row) for outcome in outcomes] == [True, False, False, False, False, False]
    assert outcomes[1].problem == "power could not be read: GPU is lost"
    assert outcomes[2].problem == "not tried: power could not be read: GPU is lost"
    assert bench.watch.done == bench.expected
    assert all(outcome.row for outcome in bench.run())
    assert bench.sound() == 6


def test_a_full_disk_loses_neither_the_file_nor_the_row(bench: Bench) -> None:
    bench.run(bench.plan("fp16", (1,)))
    before = bench.path.read_bytes()
    bench.full = True
    with pytest.raises(Unsaved) as error:
        bench.run()
    assert bench.path.read_bytes() == before
    assert (error.value.row["precision"], error.value.row["batch_size"]) == ("fp16", "8")
    bench.full = False
    assert all(outcome.row for outcome in bench.run())


def test_runs_that_do_not_agree_are_kept_and_not_used(bench: Bench) -> None:
    bench.run(bench.plan("fp16,nf4", (1,)), unsteady="nf4")
    half, nf4 = bench.rows()
    assert (half["quality"], nf4["quality"], nf4["preferred"]) == ("raw", "aside", "false")
    assert "quality gate failed: throughput varies by " in nf4["note"]
    assert bench.sound() == 1
    bench.run(bench.plan("fp16,nf4", (1,)))
    assert bench.library.generations == []
    bench.run(bench.plan("nf4", (1,)), again=True)
    assert [row["quality"] for row in bench.rows()] == ["raw", "superseded", "raw"]
    assert bench.sound() == 2


def test_nothing_that_is_used_is_compared_with_an_unsteady_fp16(bench: Bench) -> None:
    bench.run(bench.plan("fp16,nf4", (1,)), unsteady="fp16")
    half, nf4 = bench.rows()
    assert (half["quality"], nf4["quality"]) == ("aside", "raw")
    assert (nf4["fp16_ref_id"], nf4["delta_gross_vs_fp16_pct"]) == ("", "")
    row = load_dataset((bench.path,)).by_id[nf4["id"]]
    assert row.change_pct is None


def test_what_is_not_what_its_precision_stands_for_is_kept_aside(bench: Bench) -> None:
    asked = bench.plan("fp16,nf4,nf4_no_compute_dtype,fp8,fp8_compiled", (1,), gpu="h100")
    bench.run(asked)
    found = {row["note"].partition(";")[0]: row for row in bench.rows()}
    for name in ("nf4_no_compute_dtype", "fp8_compiled"):
        row = found[f"configuration={name}"]
        assert (row["quality"], row["preferred"]) == ("aside", "false")
        assert name in row["id"]
    assert bench.sound() == 3
    bench.run(asked)
    assert bench.library.generations == []


def test_another_stack_is_another_session(bench: Bench) -> None:
    bench.run(bench.plan("fp16", (1,)))
    with pytest.raises(ConfigError) as error:
        bench.run(bench.plan("fp16,nf4", (1,)), stack={"torch": "2.14.0"})
    assert "has fp16, batch 1 already, measured with torch 2.13.0 (here 2.14.0)" in str(error.value)
    bench.run(bench.plan("fp16,nf4", (1,)), stack={"torch": "2.14.0"}, again=True)
    old, half, nf4 = bench.rows()
    assert (old["quality"], half["quality"]) == ("superseded", "raw")
    assert nf4["fp16_ref_id"] == half["id"]
    assert bench.sound() == 2


def test_rows_of_the_user_stay_as_they_are(bench: Bench, write: Write) -> None:
    from own_rows import SAMPLE

    write("rows.csv", SAMPLE)
    old = bench.rows()
    for name, title in (("fp16", "fp16"), ("nf4", "nf4"), ("int8_default", "int8_default")):
        with pytest.raises(ConfigError, match=f"has {title}, batch 1 already, measured with "):
            bench.run(bench.plan(name, (1,)))
    bench.run(bench.plan("fp16,nf4", (1,), gpu="rtx4090"))
    assert bench.rows()[: len(old)] == old
    assert bench.sound() == len(old) + 2
    bench.run(bench.plan("int8_default,nf4_no_compute_dtype", (1,)), again=True)
    kept = bench.rows()
    assert [row["quality"] for row in kept[: len(old)]] == ["raw", "", "superseded", ""]
    assert bench.sound() == len(old) + 2


def test_a_model_that_no_row_can_hold_is_refused_before(bench: Bench, write: Write) -> None:
    write("Llama-2-70b/config.json", SMALL.replace('"vocab_size": 10', '"vocab_size": 1000000'))
    with pytest.raises(ConfigError) as error:
        bench.run(bench.plan("fp16", (1,), model=str(bench.path.parent / "Llama-2-70b")))
    assert "no row can be written for Llama-2-70b: column params_b: 0.016" in str(error.value)
    assert not bench.path.exists()


def test_a_file_that_is_wrong_is_not_touched(bench: Bench, write: Write) -> None:
    write("rows.csv", f"{HEADER}\n" + "x," * 36 + "\n")
    before = bench.path.read_bytes()
    with pytest.raises(DataError):
        bench.run()
    assert bench.path.read_bytes() == before


def test_a_rehearsal_is_never_taken_for_a_measurement(bench: Bench, ecolint: Command) -> None:
    arguments = ("--model", MISTRAL, "--gpu", "rtx4090d", "--format", "json")
    commands = [("compare",), ("optimize",), ("estimate", "--quantization", "nf4")]
    plain = [ecolint(*command, *arguments).json for command in commands]
    bench.simulated = True
    bench.run()
    assert {row["quality"] for row in bench.rows()} == {"simulated"}
    assert bench.sound() == 0
    (bench.path.parent / "ecolint.toml").write_text('data = ["rows.csv"]\n')
    for command, before in zip(commands, plain, strict=True):
        after = ecolint(*command, *arguments).json
        for answer in (before, after):
            answer.pop("assumptions", None)
        assert after == before, command
    shown = ecolint("data", "--rows", "rtx4090d", "--data", "rows.csv").stdout.splitlines()
    lines = [line for line in shown if "simulated" in line and "rows.csv" in line]
    assert len(lines) == 6
    assert not any(line.startswith("*") for line in lines)
    # A measurement of the same has nothing to do with the rehearsal.
    bench.simulated = False
    bench.run()
    assert bench.sound() == 6


# --- what the rows are for ------------------------------------------------------------------------


def test_rows_that_were_measured_are_used_at_once(
    bench: Bench, ecolint: Command, write: Write
) -> None:
    from own_rows import DEPLOYMENT

    bench.run(bench.plan("fp16,bf16,nf4,int8_default,int8_pure", (1, 8), gpu="h200"))
    assert ecolint("data", "check", "rows.csv").stdout == "rows.csv: 10 rows, no problems\n"
    write("ecolint.toml", 'data = ["rows.csv"]\ngpu = "h200"\n')
    write("a.py", DEPLOYMENT)
    asked = ("--model", MISTRAL)
    text = ecolint("compare", *asked).stdout
    for name in ("FP16", "BF16", "NF4", "INT8, threshold 6.0", "INT8, threshold 0.0"):
        (line, *_) = (line for line in text.splitlines() if f"  {name}  " in line)
        assert line.endswith("measured by you"), line
    assert "yours: rows.csv (5 rows)" in text
    assert "rows.csv: 5 rows; n = 5; " in text
    for command in (
        ("optimize", *asked, "--use-case", "chat"),
        ("estimate", *asked, "--quantization", "nf4"),
        ("diagnose", *asked, "--quantization", "nf4", "--batch-size", "1", "--throughput", "64"),
    ):
        told = ecolint(*command).stdout
        assert "measured" in told
        assert "rows.csv (" in told, told
        assert "Nothing was measured on" not in told
    (finding,) = ecolint("--format", "json", "a.py").json["findings"]
    ours = {row["id"] for row in bench.rows()}
    assert ours & set(finding["evidence"]["rows"])


# --- plans ----------------------------------------------------------------------------------------


def test_a_dry_run_says_what_would_be_measured_and_the_memory(ecolint: Command) -> None:
    asked = ("--model", "Qwen/Qwen2.5-7B", "--precisions", "nf4,fp16", "--batch-sizes", "8,1")
    done = ecolint("measure", *asked, "--dry-run", "--gpu", "t4")
    assert (done.status, done.stderr) == (0, "")
    lines = [line.split() for line in done.stdout.splitlines()]
    table = {tuple(line[:2]): line for line in lines if len(line) == 7}
    assert list(table)[-4:] == [("fp16", "1"), ("fp16", "8"), ("nf4", "1"), ("nf4", "8")]
    assert table["fp16", "1"][-1] in ("no", "perhaps")
    assert table["nf4", "8"][-1] == "yes"
    assert float(table["fp16", "8"][4]) > float(table["fp16", "1"][4])
    assert "7.62 B parameters" in done.stdout
    nowhere = ecolint("measure", *asked, "--dry-run").stdout
    assert "fits" not in nowhere


def test_a_configuration_makes_a_model(ecolint: Command, write: Write) -> None:
    text = (
        '{"model_type": "llama", "hidden_size": 64, "intermediate_size": 128, "vocab_size": 16000,'
        '"num_hidden_layers": 2, "num_attention_heads": 4, "num_key_value_heads": 2}'
    )
    write("tiny/config.json", text)
    write("other.json", text)
    for given_, name in (("tiny", "tiny"), ("tiny/config.json", "tiny"), ("other.json", "other")):
        told = ecolint("measure", "--dry-run", "--random-weights", given_).stdout
        assert told.startswith(f"Plan: {name}\n"), told
        assert "0.00212 B parameters · weights random · " in told
    both = ("--random-weights", "tiny", "--model", "acme/trial", "--outliers")
    told = ecolint("measure", "--dry-run", *both).stdout
    assert told.startswith("Plan: trial\n")
    assert "weights random, some norm channels scaled" in told


SMALL = '{"model_type": "llama", "hidden_size": 8, "intermediate_size": 8, "vocab_size": 10, '
SMALL += '"num_hidden_layers": 1, "num_attention_heads": 1}'
WRONG: dict[str, tuple[tuple[str, ...], str]] = {
    "nothing": ((), "name a model with --model, or a configuration with --random-weights"),
    "no model": (
        ("--model", "x"),
        "--model x: neither a name on the hub (owner/name) nor a folder",
    ),
    "no config": (("--random-weights", "x"), "no such file, and no folder with config.json"),
    "no JSON": (("--random-weights", "trace.csv"), "--random-weights trace.csv: "),
    "small": (("--random-weights", "small.json"), "; rows hold models of 1,000,000 or more"),
    "another model": (
        ("--random-weights", "million.json", "--model", "Qwen/Qwen2.5-1.5B"),
        "billion parameters, but Qwen/Qwen2.5-1.5B has 1.54",
    ),
    "outliers": (("--model", "a/b", "--outliers"), "--outliers goes with --random-weights only"),
    "precision": (("--model", "a/b", "--precisions", "nf5"), "Did you mean nf4? Known: fp16, "),
    "int8": (("--model", "a/b", "--precisions", "int8"), "Write int8_default (outlier threshold"),
    "batch": (("--model", "a/b", "--batch-sizes", "0"), "expected whole numbers such as 1,8,32"),
    "one run": (("--model", "a/b", "--runs", "1"), "'--runs': 1 is not in the range x>=2"),
    "gpu": (("--model", "a/b", "--gpu", "h10"), "Did you mean h100-sxm?"),
    "no CPU": (
        ("--model", "a/b", "--power-trace", "trace.csv", "--precisions", "fp8_compiled"),
        "fp8_compiled (--precisions): needs a GPU, and --power-trace runs on the CPU",
    ),
}


@pytest.mark.parametrize("name", WRONG)
def test_a_plan_that_cannot_be_is_explained(ecolint: Command, write: Write, name: str) -> None:
    arguments, said = WRONG[name]
    write("trace.csv", RAMP)
    write("small.json", SMALL)
    write("million.json", SMALL.replace('"vocab_size": 10', '"vocab_size": 1000000'))
    done = ecolint("measure", "--dry-run", *arguments)
    assert done.status == 2
    assert said in done.stderr
    assert done.stdout == ""


def test_precisions_go_by_the_names_that_other_commands_take() -> None:
    for recipe in RECIPES:
        known = precision(recipe.precision)
        assert find_recipe(recipe.name) is recipe
        if not recipe.aside:
            assert recipe.name == known.option
            for name in (known.name, *known.aliases):
                assert find_recipe(name.upper()) is recipe
    assert {recipe.precision for recipe in RECIPES if not recipe.aside} == {
        recipe.precision for recipe in RECIPES
    }


# --- what is missing ------------------------------------------------------------------------------

EXTRA = ("torch", "transformers", "accelerate", "bitsandbytes", "torchao")


def test_without_its_extra_it_says_what_to_install(ecolint: Command) -> None:
    absent = [name for name in EXTRA if importlib.util.find_spec(name) is None]
    assert absent, "this test belongs where the extra is not installed"
    done = ecolint("measure", "--model", "Qwen/Qwen2.5-7B")
    assert done.status == 2
    for name in absent:
        assert name in done.stderr
    assert "pip install 'ecocompute-lint[measure]'" in done.stderr
    assert done.stdout == ""


def test_without_a_gpu_it_says_so_and_gives_the_protocol() -> None:
    said = _without_card("torch 2.13.0 is a build without CUDA")
    assert said.startswith("nothing can be measured here: torch 2.13.0 is a build without CUDA.\n")
    for step in ("1. Sample the board power", "2. Measure idle power", "3. Drop 3 warm-up runs"):
        assert step in said
    assert "--dry-run" in said


def test_a_device_that_is_not_there_is_said() -> None:
    with pytest.raises(NoCard):
        nvml_card(1, "0")
    with pytest.raises(NoCard):
        nvml_card(0, "")


CARDS = {
    "NVIDIA GeForce RTX 4090": "rtx4090",
    "NVIDIA GeForce RTX 4090 D": "rtx4090d",
    "NVIDIA A800-SXM4-80GB": "a800",
    "NVIDIA A100-SXM4-40GB": "a100-40",
    "NVIDIA H100 80GB HBM3": "h100-sxm",
    "NVIDIA H200": "h200",
    "Tesla T4": "t4",
}


def test_the_card_is_the_one_that_the_driver_names() -> None:
    for name, slug in CARDS.items():
        assert _card(name, None).slug == slug
        assert _card(name, slug.upper()).slug == slug
        with pytest.raises(ConfigError, match=f"--gpu l4: this card is a {name} "):
            _card(name, "l4")
    laptop = "NVIDIA GeForce RTX 4090 Laptop GPU"
    with pytest.raises(ConfigError, match=f"the card is a {laptop}, which is not among those"):
        _card(laptop, None)
    assert _card("NVIDIA A100 80GB PCIe", "a100-80").slug == "a100-80"


IMPORTED = """
import sys
from ecocompute_lint.cli import main
main(sys.argv[1:])
heavy = ("torch", "transformers", "pynvml", "rich", "ecocompute_lint.measure")
print("IMPORTED", [name for name in heavy if name in sys.modules])
"""


@pytest.mark.parametrize("arguments", [("--version",), ("-q", "."), ("--help",)])
def test_other_commands_import_none_of_it(tmp_path: Path, arguments: tuple[str, ...]) -> None:
    (tmp_path / "a.py").write_text("from transformers import BitsAndBytesConfig\n")
    done = subprocess.run(
        [sys.executable, "-c", IMPORTED, *arguments],
        cwd=tmp_path,
        env=environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout.splitlines()[-1] == "IMPORTED []", done.stderr


WATCHED = """
import time
from ecocompute_lint.cli.measure import _Watch

with _Watch(12) as watch:
    watch.doing("nf4, batch 8")
    watch.step(4)
    watch.say("fp16, batch 8: [measured]")
    time.sleep(0.3)
"""


def test_on_a_terminal_a_bar_says_how_much_is_left() -> None:
    pty = pytest.importorskip("pty")
    master, slave = pty.openpty()
    subprocess.run(
        [sys.executable, "-c", WATCHED], stderr=slave, env=environment(TERM="xterm"), check=True
    )
    os.write(slave, b".")
    text = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", os.read(master, 65536).decode())
    os.close(master)
    os.close(slave)
    assert "nf4, batch 8" in text
    assert "4/12 runs, left" in text
    assert "ecolint: fp16, batch 8: [measured]" in text


def test_elsewhere_each_configuration_is_a_line() -> None:
    done = subprocess.run(
        [sys.executable, "-c", WATCHED],
        capture_output=True,
        text=True,
        env=environment(),
        check=True,
    )
    assert done.stderr == "ecolint: fp16, batch 8: [measured]\n"
