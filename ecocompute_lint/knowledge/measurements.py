"""The measured rows: ``data/measurements.csv`` and the files that a project adds.

Energies are joules per 1000 generated tokens of the whole board, gross of idle power where the
source allows; `change_pct` is the change against FP16 of the same session. Joules of two sessions
must not be compared; changes may be.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cached_property, lru_cache
from pathlib import Path

from ecocompute_lint.frozen import dataclass

from ..data import read_rows


@dataclass(frozen=True, slots=True)
class Measurement:
    """One measured or claimed configuration. What a source did not record is None."""

    id: str
    gpu: str
    model: str
    hf_id: str
    params_b: float
    """The nominal size in billions of parameters, as the source gives it."""
    precision: str
    batch_size: int
    input_tokens: int | None
    output_tokens: int | None
    throughput_tok_s: float | None
    power_w: float | None
    energy_j: float | None
    """Joules per 1000 generated tokens: gross where known, else as published."""
    change_pct: float | None
    """Change of energy against FP16 of the same session: gross where known."""
    energy_basis: str
    scope: str
    n_runs: int | None
    peak_memory_gb: float | None
    measured_on: str
    quality: str
    preferred: bool
    session: str
    fp16_ref_id: str
    source: str
    note: str
    stack: tuple[tuple[str, str], ...]
    """Versions by name: torch, cuda, driver, transformers, bitsandbytes, torchao."""
    origin: str = ""
    """The file of a project that the row comes from; empty for the bundled ones."""
    gross: bool = False
    """Whether `energy_j` is known to include idle power, whatever the source published."""

    @property
    def key(self) -> tuple[str, str, str, int]:
        """What is preferred once: card, model, precision, batch size."""
        return (self.gpu, self.model, self.precision, self.batch_size)

    def comparable(self, other: Measurement) -> bool:
        """Whether this row repeats what the `other` measured, and nothing contradicts it."""
        return (
            self.quality in ("raw", "published")
            and self.key == other.key
            and (self.scope, self.energy_basis) == (other.scope, other.energy_basis)
        )


class Dataset:
    """All rows, bundled and added. A row that a project added wins over a bundled one."""

    def __init__(self, rows: Iterable[Measurement]) -> None:
        """Take the rows; those of a project come with an `origin`."""
        self.rows = tuple(rows)

    @cached_property
    def by_id(self) -> dict[str, Measurement]:
        """Every row by its id."""
        return {row.id: row for row in self.rows}

    @cached_property
    def by_key(self) -> dict[tuple[str, str, str, int], tuple[Measurement, ...]]:
        """All rows of each card, model, precision and batch size."""
        found: dict[tuple[str, str, str, int], tuple[Measurement, ...]] = {}
        for row in self.rows:
            found[row.key] = (*found.get(row.key, ()), row)
        return found

    @cached_property
    def preferred(self) -> tuple[Measurement, ...]:
        """One row per card, model, precision and batch size."""
        found: dict[tuple[str, str, str, int], Measurement] = {}
        for row in self.rows:
            if row.preferred and (row.key not in found or row.origin):
                found[row.key] = row
        return tuple(found.values())

    @cached_property
    def replaced(self) -> dict[str, Measurement]:
        """For the id of each bundled row that a project's row stands in for, that row."""
        own = {row.key: row for row in self.preferred if row.origin}
        return {
            row.id: own[row.key]
            for row in self.rows
            if row.preferred and not row.origin and row.key in own
        }

    @cached_property
    def hubs(self) -> dict[str, str]:
        """The hub name of each short model name, as far as a row gives it."""
        found: dict[str, str] = {}
        for row in self.rows:
            if row.hf_id:
                found.setdefault(row.model, row.hf_id)
        return found

    @cached_property
    def timed(self) -> tuple[Measurement, ...]:
        """One row with a throughput per card, model, precision and batch size.

        The preferred row where it has one, else another that no later row contradicts; never a
        bundled one where the project measured the same.
        """
        found = {row.key: row for row in self.preferred if row.throughput_tok_s}
        own = {row.key for row in self.preferred if row.origin}
        for row in self.rows:
            stands = row.quality in ("raw", "published") and (row.origin or row.key not in own)
            if row.throughput_tok_s and stands:
                found.setdefault(row.key, row)
        return tuple(found.values())


@lru_cache(maxsize=8)
def load_dataset(paths: tuple[Path, ...] = ()) -> Dataset:
    """The bundled rows and those of the CSV files in `paths`, read once.

    Raises:
        DataError: for a file that cannot be used.
    """
    bundled = read_rows("measurements.csv")
    rows = [measurement(row) for row in bundled]
    if paths:
        from ecocompute_lint.errors import shown

        from .row_files import RowFiles, distinct

        files = RowFiles(bundled)
        for path in distinct(paths):
            rows += [measurement(cells, shown(path)) for cells in files.read(path)]
    return Dataset(rows)


def measurement(row: dict[str, str], origin: str = "") -> Measurement:
    """One row of a CSV as a measurement."""
    return Measurement(
        id=row["id"],
        gpu=row["gpu"],
        model=row["model"],
        hf_id=row["hf_id"],
        params_b=float(row["params_b"]),
        precision=row["precision"],
        batch_size=int(row["batch_size"]),
        input_tokens=_whole(row["input_tokens"]),
        output_tokens=_whole(row["output_tokens"]),
        throughput_tok_s=_number(row["throughput_tok_s"]),
        power_w=_number(row["power_w"]),
        energy_j=_first(row, "energy_gross_j_per_1k_tok", "energy_j_per_1k_tok"),
        change_pct=_first(row, "delta_gross_vs_fp16_pct", "delta_vs_fp16_pct"),
        energy_basis=row["energy_basis"],
        scope=row["scope"],
        n_runs=_whole(row["n_runs"]),
        peak_memory_gb=_number(row["peak_memory_gb"]),
        measured_on=row["measured_on"],
        quality=row["quality"],
        preferred=row["preferred"] == "true",
        session=row["session"],
        fp16_ref_id=row["fp16_ref_id"],
        source=row["source"],
        note=row["note"],
        stack=tuple((name, row[name]) for name in _STACK if row[name]),
        origin=origin,
        gross=bool(row["energy_gross_j_per_1k_tok"]),
    )


_STACK = ("torch", "cuda", "driver", "transformers", "bitsandbytes", "torchao")


def _number(text: str) -> float | None:
    return float(text) if text else None


def _whole(text: str) -> int | None:
    return int(text) if text else None


def _first(row: dict[str, str], *columns: str) -> float | None:
    return next((float(row[column]) for column in columns if row[column]), None)
