"""Reads the files of measurements that a project adds: all of a file, or every reason why not."""

from __future__ import annotations

import csv
import io
import os
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from ecocompute_lint.errors import ConfigError, shown

from .columns import ALL, COLUMNS, KEPT_OUT
from .models import published
from .precisions import BASELINE
from .rows import Problem, Row, check, quoted

Cells = dict[str, str]
Key = tuple[str, str, str, str]
MAX_BYTES = 16_000_000
MAX_PROBLEMS = 100
_HEADER = "`ecolint data --header` prints the header line"
_SLACK_PCT = 2.0
"""By how much a change may differ from that of the two energies."""


class DataError(ConfigError):
    """A file of measurements that cannot be used. The text names the first of its problems."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        """Take all problems of one file; there is at least one."""
        first, more = problems[0], len(problems) - 1
        text = str(first)
        if more:
            text += f" (and {more} more: `ecolint data check {first.file}` lists them)"
        super().__init__(text, path=first.file, line=first.line)
        self.problems = tuple(problems)


def distinct(paths: Iterable[Path]) -> Iterable[Path]:
    """The paths without those that lead to the same file again."""
    found: dict[str, Path] = {}
    for path in paths:
        found.setdefault(os.path.realpath(path), path)
    return found.values()


class RowFiles:
    """Reads files one after the other; rows of one must not contradict those of another."""

    def __init__(self, bundled: Iterable[Mapping[str, str]]) -> None:
        """Start from the bundled rows, whose ids are taken and whose models have names."""
        self._rows = {row["id"]: dict(row) for row in bundled}
        self._where = dict.fromkeys(self._rows, "a bundled row")
        self._preferred: dict[Key, str] = {}
        self._models = Models(self._rows.values())

    def read(self, path: Path) -> list[Cells]:
        """The rows of a file, completed.

        Raises:
            DataError: with every problem of the file.
        """
        file = shown(path)
        try:
            rows = list(_rows(file, path))
        except _Unreadable as error:
            raise DataError(error.problems) from None
        for row in rows:
            if row.cells:
                check(row)
            if not row.problems:
                self._place(row)
        _stop(rows)
        references = {row.cells["id"]: row.cells for row in rows}
        for row in rows:
            self._compare(row, references)
        _stop(rows)
        return [row.cells for row in rows]

    # -- one row among the others

    def _place(self, row: Row) -> None:
        """Give a row its model, session and id, none of which another row may have taken."""
        cells, name = row.cells, os.path.basename(row.file)
        cells["session"] = cells["session"] or name
        cells["source"] = cells["source"] or row.file
        model, other = self._models.name(cells["model"], cells["hf_id"])
        if other:
            told = f"{quoted(cells['hf_id'])} is {model}, but the column model says {other}"
            row.complain("hf_id", told, "Correct one of them")
            return
        cells["model"] = model
        key = (cells["gpu"], model, cells["precision"], cells["batch_size"])
        where = f"line {row.line} of {row.file}"
        wanted = cells["preferred"] == "true"
        if wanted and (first := self._preferred.setdefault(key, where)) != where:
            told = f"{first} has the preferred row for {', '.join(key[:3])}, batch {key[3]}"
            row.complain("preferred", told, "Write false in the one that is not to be used")
        if cells["id"] in self._where:
            told = f"{quoted(cells['id'])} is the id of {self._where[cells['id']]}"
            row.complain("id", told, "Choose another, or leave the cell empty")
        cells["id"] = cells["id"] or self._new_id(key, cells["session"], row.line)
        self._where.setdefault(cells["id"], where)
        self._rows.setdefault(cells["id"], cells)

    def _new_id(self, key: Key, session: str, line: int) -> str:
        gpu, model, precision, batch = key
        text = re.sub(r"\s+", "-", f"{gpu}-{model}-{precision}-bs{batch}-{session}".lower())
        while text in self._where:
            text = f"{text}-{line}"
        return text

    def _compare(self, row: Row, mine: Mapping[str, Cells]) -> None:
        """Find the FP16 row that a row refers to; work out the change, or check the given one."""
        cells = row.cells
        if cells["fp16_ref_id"]:
            reference = mine.get(cells["fp16_ref_id"]) or self._rows.get(cells["fp16_ref_id"])
            if reference is None:
                told = f"no row has the id {quoted(cells['fp16_ref_id'])}"
                row.complain("fp16_ref_id", told, "Leave it empty to have it found")
                return
            if reference["precision"] != BASELINE or not _alike(cells, reference):
                told = f"{quoted(cells['fp16_ref_id'])} is no FP16 row of the same card, model, "
                row.complain("fp16_ref_id", told + "batch size and session", "Leave it empty")
                return
            if not _as_good(reference, cells):
                told = f"{quoted(cells['fp16_ref_id'])} is of quality {reference['quality']}"
                row.complain("fp16_ref_id", told, "Leave it empty")
                return
        else:
            reference = _reference(cells, mine.values())
            if reference is None:
                return
        for delta, energy in (
            ("delta_gross_vs_fp16_pct", "energy_gross_j_per_1k_tok"),
            ("delta_vs_fp16_pct", "energy_j_per_1k_tok"),
        ):
            _check_change(row, delta, cells[energy], reference[energy])
        given = cells["delta_gross_vs_fp16_pct"] or cells["delta_vs_fp16_pct"]
        if not given and (change := _change(cells, reference)) is not None:
            cells["delta_gross_vs_fp16_pct"] = repr(change)
        cells["fp16_ref_id"] = reference["id"]


def _stop(rows: Iterable[Row]) -> None:
    if problems := [problem for row in rows for problem in row.problems]:
        raise DataError(problems[:MAX_PROBLEMS])


def _alike(one: Mapping[str, str], other: Mapping[str, str]) -> bool:
    return all(one[column] == other[column] for column in ("gpu", "model", "batch_size", "session"))


def _as_good(reference: Mapping[str, str], cells: Mapping[str, str]) -> bool:
    """Whether an FP16 row may stand under a row: none that is kept out under one that is used."""
    return reference["quality"] not in KEPT_OUT or cells["quality"] in KEPT_OUT


def _reference(cells: Mapping[str, str], rows: Iterable[Cells]) -> Cells | None:
    """The FP16 row beside a row, the preferred one first."""
    if cells["precision"] == BASELINE:
        return None
    fitting = [
        row
        for row in rows
        if row["precision"] == BASELINE
        and _alike(cells, row)
        and row["scope"] == cells["scope"]
        and _as_good(row, cells)
    ]
    return min(fitting, key=lambda row: row["preferred"] != "true", default=None)


def _change(cells: Mapping[str, str], reference: Mapping[str, str]) -> float | None:
    """Percent by which the energy differs, both with idle power or both without."""
    for column in ("energy_gross_j_per_1k_tok", "energy_j_per_1k_tok"):
        mine, theirs = cells[column], reference[column]
        if mine and theirs:
            return (float(mine) / float(theirs) - 1) * 100
    return None


def _check_change(row: Row, column: str, mine: str, theirs: str) -> None:
    if not row.cells[column] or not mine or not theirs:
        return
    expected = (float(mine) / float(theirs) - 1) * 100
    slack = max(_SLACK_PCT, _SLACK_PCT / 100 * (100 + abs(expected)))
    if abs(float(row.cells[column]) - expected) > slack:
        told = f"{row.cells[column]} contradicts the energies, which give {expected:.2f}"
        row.complain(column, told, "Give percent, or leave it empty to have it worked out")


class Models:
    """Which names mean one model: the short name, or one row of the registry."""

    def __init__(self, rows: Iterable[Mapping[str, str]]) -> None:
        """Take the names of the bundled rows."""
        self._by_name: dict[str, str] = {}
        self._by_entry: dict[str, str] = {}
        for model, hf_id in {(row["model"], row["hf_id"]): None for row in rows}:
            self._learn(model, model, hf_id)

    def name(self, model: str, hf_id: str) -> tuple[str, str]:
        """The short name for a model; with it another one, where the two names contradict."""
        by_hub = self._by_entry.get(_entry(hf_id))
        by_model = self._by_name.get(model.lower()) or self._by_entry.get(_entry(model))
        name = by_hub or by_model or model
        self._learn(name, model, hf_id)
        return name, by_model if by_hub and by_model and by_hub != by_model else ""

    def _learn(self, name: str, model: str, hf_id: str) -> None:
        self._by_name.setdefault(model.lower(), name)
        for entry in (_entry(hf_id), _entry(model)):
            if entry:
                self._by_entry.setdefault(entry, name)


def _entry(name: str) -> str:
    found = published(name) if name else None
    return (found.hf_id or "") if found and found.resolved_by == "registry" else ""


# --- the file -------------------------------------------------------------------------------------


class _Unreadable(Exception):  # noqa: N818  (never leaves this module)
    def __init__(self, *problems: Problem) -> None:
        super().__init__(*problems)
        self.problems = problems


def _rows(file: str, path: Path) -> Iterator[Row]:
    """The rows that are not blank. One with too many or too few cells comes without any."""

    def fail(line: int | None, problem: str, remedy: str) -> _Unreadable:
        return _Unreadable(Problem(file, line, "", problem, remedy))

    reader = csv.reader(
        io.StringIO(_text(file, path), newline=""), strict=True, skipinitialspace=True
    )
    header: list[str] | None = None
    found, start = False, 1
    try:
        for cells in reader:
            line, start = start, reader.line_num + 1
            if not any(cell.strip() for cell in cells):
                continue
            if header is None:
                header = [cell.strip() for cell in cells]
                _check_header(file, line, header)
                continue
            found = True
            if len(cells) == len(header):
                stripped = (cell.strip() for cell in cells)
                yield Row(file, line, dict(zip(header, stripped, strict=True)))
            else:
                row = Row(file, line, {})
                told = f"{len(cells)} cells, expected {len(header)} as in the header"
                row.complain("", told, "Put a cell that contains a comma in quotes")
                yield row
    except csv.Error as error:
        raise fail(start, f"not valid CSV: {error}", "Check the quotes") from None
    if header is None:
        raise fail(None, "empty", _HEADER)
    if not found:
        raise fail(None, "no rows below the header", "Add one, or do not name the file")


def _text(file: str, path: Path) -> str:
    def fail(problem: str, remedy: str = "", line: int | None = None) -> _Unreadable:
        return _Unreadable(Problem(file, line, "", problem, remedy))

    try:
        with path.open("rb") as handle:
            data = handle.read(MAX_BYTES + 1)
    except (OSError, ValueError) as error:
        raise fail(f"cannot be read: {getattr(error, 'strerror', None) or error}") from None
    if len(data) > MAX_BYTES:
        raise fail(f"larger than {MAX_BYTES // 1_000_000} MB", "Measurements take a few lines")
    if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        raise fail("UTF-16, expected UTF-8", "Save it as CSV in UTF-8")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise fail("not valid UTF-8", "Save it as CSV in UTF-8", line) from None
    if "\0" in text:
        line = text.count("\n", 0, text.index("\0")) + 1
        raise fail("holds a NUL character, so it is no text", "Save it as CSV in UTF-8", line)
    return text


def _check_header(file: str, line: int, header: Sequence[str]) -> None:
    def problem(column: str, told: str, remedy: str = _HEADER) -> Problem:
        return Problem(file, line, column, told, remedy)

    if len(header) == 1 and (mark := re.search(r"[;\t|]", header[0])):
        told = f"cells are separated by {mark[0]!r}, expected commas"
        raise _Unreadable(problem("", told, "Save it as CSV with commas"))
    unknown = [name for name in dict.fromkeys(header) if name not in COLUMNS]
    missing = [name for name in COLUMNS if name not in header]
    if len(missing) > len(COLUMNS) // 2:
        listed = ", ".join(missing[:4])
        told = f"{len(missing)} columns of the header are missing: {listed} …"
        raise _Unreadable(problem("", told, f"The first line has to name them all. {_HEADER}"))
    problems = [problem(name, "there twice", "Remove one") for name in _twice(header)]
    problems += [problem(name or "''", "unknown", _meant(name)) for name in unknown]
    problems += [problem(name, "missing", f"Cells may be empty; {_HEADER}") for name in missing]
    if problems:
        raise _Unreadable(*problems)


def _twice(header: Sequence[str]) -> Iterable[str]:
    return dict.fromkeys(name for name in header if header.count(name) > 1)


def _meant(name: str) -> str:
    """What a column that there is not was probably meant to be."""
    plain = name.lower()
    for column, other in _UNITS.items():
        if re.search(other, plain):
            meaning = next(item.meaning for item in ALL if item.name == column).partition(";")[0]
            return f"Give {meaning} in the column {column}"
    import difflib

    near = difflib.get_close_matches(plain, COLUMNS, n=1)
    return f"Did you mean {near[0]}?" if near else f"Remove it; {_HEADER}"


_UNITS = {
    "energy_j_per_1k_tok": r"^energy|joule|(^|_)k?wh(_|$)|(^|_)[mk]?j(_|$)",
    "power_w": r"^power|watt|(^|_)[mk]w(_|$)",
    "throughput_tok_s": r"^throughput|tok(en)?s?_?(per|/)|tps",
    "peak_memory_gb": r"memory|vram|(^|_)[mg]i?b(_|$)",
    "params_b": r"^param",
}
