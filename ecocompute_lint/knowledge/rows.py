"""Checks one row of a user's file of measurements, and fills in what follows from the rest of it.

The result has the cells that ``measurements.csv`` would have for it.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from dataclasses import field
from datetime import date

from ecocompute_lint.frozen import dataclass

from .columns import ALL, KEPT_OUT, USUAL_ENERGY, Column
from .hardware import find_gpu, known_gpus
from .models import published
from .precisions import PRECISIONS, find_precision

TOLERANCE = 0.03
"""By which share energy and power over throughput may differ."""
EXEMPT = "energy_check=exempt"
_NUMBER = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?")
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_OVER_LIMIT = 1.4
"""How far above the vendor's board power a card may have been set."""
_IDLE_W = (1.0, 150.0)
_MOST_IDLE = 0.7
"""The largest believable share of idle power."""
_UNUSED = ("superseded", *KEPT_OUT)
"""Qualities of rows that are never the preferred one."""
_MEASURED = (
    "energy_j_per_1k_tok",
    "energy_gross_j_per_1k_tok",
    "throughput_tok_s",
    "delta_vs_fp16_pct",
    "delta_gross_vs_fp16_pct",
)


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong at one place of a file, and what would help."""

    file: str
    line: int | None
    column: str
    problem: str
    remedy: str = ""

    def __str__(self) -> str:
        place = f"{self.file}, line {self.line}: " if self.line else f"{self.file}: "
        column = f"column {self.column}: " if self.column else ""
        return f"{place}{column}{self.problem}{self.remedy and '. ' + self.remedy}"


@dataclass
class Row:
    """One row on its way: the cells by column, and the problems found in them."""

    file: str
    line: int
    cells: dict[str, str]
    problems: list[Problem] = field(default_factory=list)

    def complain(self, column: str, problem: str, remedy: str = "") -> None:
        """Note a problem."""
        self.problems.append(Problem(self.file, self.line, column, problem, remedy))

    def sound(self, *columns: str) -> bool:
        """Whether nothing is wrong with these columns."""
        return not any(problem.column in columns for problem in self.problems)

    def number(self, column: str) -> float | None:
        """The number in a sound cell; None where it is empty."""
        return float(self.cells[column]) if self.cells[column] else None


def check(row: Row) -> None:
    """Check the cells of a row and complete them; what is wrong stands in its problems."""
    for column in ALL:
        if row.cells[column.name]:
            _CHECKS[column.kind](row, column)
    _names(row)
    _limits(row)
    if row.sound("power_w", "scope", "energy_basis", "quality", *_MEASURED):
        _energy(row)
    row.cells["quality"] = row.cells["quality"] or "raw"
    row.cells["scope"] = row.cells["scope"] or "end_to_end"
    unused = row.cells["quality"] in _UNUSED
    row.cells["preferred"] = row.cells["preferred"] or ("false" if unused else "true")
    if unused and row.cells["preferred"] == "true":
        told = f"a row of quality {row.cells['quality']} cannot be preferred"
        row.complain("preferred", told, "Write false")


# --- one cell -------------------------------------------------------------------------------------


def _text(row: Row, column: Column) -> None:
    pass


def _number(row: Row, column: Column) -> None:
    text = row.cells[column.name]
    if not _NUMBER.fullmatch(text) or not math.isfinite(float(text)):
        row.complain(column.name, f"expected a number, got {quoted(text)}", _spelling(text))
        return
    value = float(text)
    if column.low <= value <= column.high:
        return
    if value <= 0 <= column.low:
        wanted = "a positive number" if column.low else "a number that is not negative"
        row.complain(column.name, f"expected {wanted}, got {text}", "Leave it empty if unknown")
        return
    known = units_for(column, value, column.low, column.high)
    limits = f"{column.low:g} to {column.high:g}"
    row.complain(column.name, f"{text} is outside {limits} ({column.meaning})", _perhaps(known))


def _whole(row: Row, column: Column) -> None:
    _number(row, column)
    if not row.sound(column.name):
        return
    value = float(row.cells[column.name])
    if value.is_integer():
        row.cells[column.name] = str(int(value))  # spreadsheets write 8.0
    else:
        row.complain(column.name, f"expected a whole number, got {row.cells[column.name]}")


def _date(row: Row, column: Column) -> None:
    text = row.cells[column.name]
    try:
        if not _DAY.fullmatch(text):
            raise ValueError
        date.fromisoformat(text)
    except ValueError:
        remedy = "Write year, month and day as 2026-02-26"
        row.complain(column.name, f"expected a day, got {quoted(text)}", remedy)


def _choice(row: Row, column: Column) -> None:
    text = row.cells[column.name].lower()
    row.cells[column.name] = text
    if text not in column.choices:
        *others, last = column.choices
        wanted = f"{', '.join(others)} or {last}"
        row.complain(column.name, f"expected {wanted}, got {quoted(text)}", "Or leave it empty")


_CHECKS = {"text": _text, "number": _number, "whole": _whole, "date": _date, "choice": _choice}


def quoted(text: str) -> str:
    """A cell as a message shows it: on one line, and not all of a long one."""
    return repr(text if len(text) <= 60 else f"{text[:57]}...")


def _spelling(text: str) -> str:
    if text.lower().strip("+-") in ("nan", "inf", "infinity", "na", "n/a", "null", "none", "-"):
        return "Leave the cell empty if it is unknown"
    if _NUMBER.fullmatch(re.sub(r"[,\s_']", "", text)):
        return "Write it with a decimal point and without separators"
    if found := re.match(r"[+-]?[0-9.]+", text):
        return f"Write the number alone, such as {found[0].rstrip('.')}"
    return "Leave the cell empty if it is unknown"


def units_for(column: Column, value: float, low: float, high: float) -> list[tuple[str, float]]:
    """The units in which `value` would lie within limits, with what it would be then."""
    return [(unit, value * by) for unit, by in column.units if low <= value * by <= high]


def _perhaps(units: Iterable[tuple[str, float]]) -> str:
    known = [f"{unit}: write {_plain(value)}" for unit, value in units]
    return f"Perhaps it is in {'; or in '.join(known[:3])}" if known else ""


def _plain(value: float) -> str:
    return f"{value:.6g}" if 1e-4 <= abs(value) < 1e6 else f"{value:.0f}"


# --- names ----------------------------------------------------------------------------------------


def _names(row: Row) -> None:
    cells = row.cells
    if gpu := find_gpu(cells["gpu"]):
        cells["gpu"] = gpu.slug
        if cells["architecture"].lower() not in ("", gpu.architecture):
            told = f"{quoted(cells['architecture'])}, but the {gpu.name} is {gpu.architecture}"
            row.complain("architecture", told, "Leave it empty")
        cells["architecture"] = gpu.architecture
    elif cells["gpu"]:
        row.complain("gpu", f"unknown GPU {quoted(cells['gpu'])}", known_gpus(cells["gpu"]))
    else:
        row.complain("gpu", "empty", "Name the card; `ecolint gpus` lists them")
    if found := find_precision(cells["precision"]):
        cells["precision"] = found.name
    else:
        told = f"unknown precision {quoted(cells['precision'])}" if cells["precision"] else "empty"
        row.complain("precision", told, _precisions(cells["precision"]))
    if not cells["batch_size"]:
        row.complain("batch_size", "empty", "Write 1 if one sequence was decoded at a time")
    cells["model"] = cells["model"] or cells["hf_id"].rstrip("/").rpartition("/")[2]
    if not cells["model"]:
        row.complain("model", "empty, and so is hf_id", "Name the model in one of them")
    else:
        _size(row)


def _precisions(text: str) -> str:
    import difflib

    if re.sub(r"[\s_-]+", "", text.lower()) in ("int8", "w8a8", "8"):
        return "Write int8_default (outlier threshold 6.0) or int8_pure (threshold 0.0)"
    options = [precision.option for precision in PRECISIONS]
    near = difflib.get_close_matches(text.lower(), options, n=1)
    return f"{f'Did you mean {near[0]}? ' if near else ''}Known: {', '.join(options)}"


def _size(row: Row) -> None:
    cells = row.cells
    sizes = [published(name) for name in (cells["hf_id"], cells["model"]) if name]
    size = next((size for size in sizes if size.params_total_b), None)
    total = size.params_total_b if size else None
    if not cells["params_b"]:
        if total:
            cells["params_b"] = f"{total:g}"
        else:
            name = quoted(cells["hf_id"] or cells["model"])
            row.complain("params_b", f"empty, and {name} is not known", "Give it in billions")
        return
    if size is None or not total or not row.sound("params_b"):
        return
    given = float(cells["params_b"])
    # A size may be given as that of all experts or of the active ones, and rounded.
    if not (size.params_active_b or total) / 2 <= given <= total * 2:
        told = f"{cells['params_b']} billion, but {size.hf_id or size.name} has {total:g}"
        row.complain("params_b", told, "Give billions of parameters, or leave it empty")


def _limits(row: Row) -> None:
    gpu = find_gpu(row.cells["gpu"])
    if gpu is None or not row.sound("power_w") or not (power := row.number("power_w")):
        return
    limit = gpu.tdp_w * _OVER_LIMIT
    if power > limit:
        told = f"{power:g} W is more than one {gpu.name} draws (vendor's limit: {gpu.tdp_w:g} W)"
        column = next(column for column in ALL if column.name == "power_w")
        known = units_for(column, power, column.low, limit)
        row.complain("power_w", told, _perhaps(known) or "Give the mean power of one board")


# --- energy ---------------------------------------------------------------------------------------


def _energy(row: Row) -> None:
    """Complete the energies; complain about what the power and the throughput contradict."""
    cells = row.cells
    power, rate = row.number("power_w"), row.number("throughput_tok_s")
    expected = power / rate * 1000 if power and rate else None
    given = cells["energy_j_per_1k_tok"] or cells["energy_gross_j_per_1k_tok"]
    if not given:
        _derived(row, expected)
        return
    excused = EXEMPT in cells["note"] or cells["quality"] == "superseded"
    comparable = expected and not excused and cells["scope"] != "decode_only"
    if expected and comparable:
        _agrees(row, expected)
    elif not excused:
        _believable(row)
    if not cells["energy_basis"]:
        cells["energy_basis"] = "gross" if comparable else "unverified"
    if not cells["energy_gross_j_per_1k_tok"]:
        if cells["energy_basis"] == "gross":
            cells["energy_gross_j_per_1k_tok"] = cells["energy_j_per_1k_tok"]
        elif cells["energy_basis"] == "net_of_idle" and expected:
            cells["energy_gross_j_per_1k_tok"] = repr(expected)


def _derived(row: Row, expected: float | None) -> None:
    cells = row.cells
    if expected is not None and cells["quality"] != "claimed":
        cells["energy_j_per_1k_tok"] = cells["energy_gross_j_per_1k_tok"] = repr(expected)
        cells["energy_basis"] = "gross"
    elif not any(cells[column] for column in _MEASURED):
        remedy = "Give joules per 1000 generated tokens, or both power_w and throughput_tok_s"
        row.complain("energy_j_per_1k_tok", "empty, and nothing else was measured", remedy)


def _columns() -> Iterable[Column]:
    return (column for column in ALL if column.name in _MEASURED[:2])


def _believable(row: Row) -> None:
    for column in _columns():
        value = row.number(column.name)
        if value is not None and not USUAL_ENERGY[0] <= value <= USUAL_ENERGY[1]:
            told = f"{value:g} joules per 1000 tokens are not believable"
            known = _perhaps(units_for(column, value, *USUAL_ENERGY))
            proof = "Fill in power_w and throughput_tok_s to confirm it"
            row.complain(column.name, f"{told}, probably the wrong unit", known or proof)


def _agrees(row: Row, expected: float) -> None:
    """Whether energies are power over throughput; `expected` is that in joules."""
    net = row.cells["energy_basis"] == "net_of_idle"
    for column in _columns():
        value = row.number(column.name)
        if value is None or abs(value / expected - 1) <= TOLERANCE:
            continue
        if net and column.name == "energy_j_per_1k_tok":
            idle = _idle(row, value, expected)
            if not _idles(row, idle):
                told = f"{value:g} net of idle means that {idle:.3g} W were taken off"
                row.complain(column.name, told, _guess(row, column, value, expected))
            continue
        told = f"{value:g} contradicts power_w / throughput_tok_s * 1000 = {expected:.5g} J"
        row.complain(column.name, told, _guess(row, column, value, expected))


def _idle(row: Row, energy: float, expected: float) -> float:
    """Watts by which the energy falls short of the power."""
    return (expected - energy) * (row.number("throughput_tok_s") or 0.0) / 1000


def _idles(row: Row, watts: float) -> bool:
    """Whether that may be the idle power of a card."""
    share = watts / (row.number("power_w") or watts)
    return _IDLE_W[0] <= watts <= _IDLE_W[1] and share <= _MOST_IDLE


def _guess(row: Row, column: Column, value: float, expected: float) -> str:
    """What may have gone wrong: the unit, a total per request, the throughput of one sequence."""
    near = (expected * (1 - 2 * TOLERANCE), expected * (1 + 2 * TOLERANCE))
    if known := units_for(column, value, *near):
        return f"Probably the wrong unit, {known[0][0]}: write {_plain(known[0][1])}"
    batch = row.number("batch_size") if row.sound("batch_size") else None
    tokens = row.number("output_tokens") if row.sound("output_tokens") else None
    for count, what in ((tokens, "request"), ((tokens or 0) * (batch or 0), "batch")):
        if count and near[0] <= value * 1000 / count <= near[1]:
            return f"Probably J per {what}: divide by {count:g} tokens and multiply by 1000"
    if batch and batch > 1 and near[0] <= value * batch <= near[1]:
        return "Probably throughput_tok_s is that of one sequence: give that of the whole batch"
    idle = _idle(row, value, expected)
    if row.cells["energy_basis"] != "net_of_idle" and _idles(row, idle):
        return f"If {idle:.3g} W of idle power were taken off, write net_of_idle in energy_basis"
    return f"Check the three; a note with {EXEMPT} accepts them as they are"
