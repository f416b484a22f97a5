"""The file of rows: what it has of a plan, and new rows in it, the file replaced as a whole."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass as plain_dataclass
from dataclasses import field
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory

from ecocompute_lint import __version__
from ecocompute_lint.data import read_rows
from ecocompute_lint.errors import ConfigError, shown
from ecocompute_lint.frozen import dataclass
from ecocompute_lint.knowledge.columns import COLUMNS, KEPT_OUT
from ecocompute_lint.knowledge.precisions import BASELINE, precision
from ecocompute_lint.knowledge.row_files import DataError, Models, RowFiles
from ecocompute_lint.measure.plan import Configuration, Plan
from ecocompute_lint.measure.protocol import Figures, Verdict

Cells = dict[str, str]
VERSIONS = ("torch", "cuda", "driver", "transformers", "bitsandbytes", "torchao")
SOURCE = "ecolint measure"
_STEADY = Verdict(True, "")
_INCIDENTAL = ("source", "hf_id", "architecture")
"""Cells that may differ between rows of one session."""


@dataclass(frozen=True, slots=True)
class Session:
    """What all rows of a session share. `power` says how it was read."""

    power: str
    simulated: bool
    card: str
    """What the driver calls the card; empty where there is none."""
    versions: tuple[tuple[str, str], ...]
    started: datetime


class RowFile:
    """A file of rows, kept in memory and written whole by `save` after each change."""

    def __init__(self, path: Path, save: Callable[[str], None]) -> None:
        """Read what the file has, which may be nothing.

        Raises:
            DataError: if it is no file of rows.
        """
        self.path = path
        self._save = save
        self._rows: list[Cells] = []
        self._complete: list[tuple[Cells, Cells]] = []
        self._names = Models(read_rows("measurements.csv"))
        if path.exists():
            complete = RowFiles(read_rows("measurements.csv")).read(path)
            text = path.read_text(encoding="utf-8-sig")
            reader = csv.reader(io.StringIO(text, newline=""), strict=True, skipinitialspace=True)
            lines = [line for line in reader if any(cell.strip() for cell in line)]
            header = [name.strip() for name in lines[0]]
            self._rows = [
                dict(zip(header, (cell.strip() for cell in line), strict=True))
                for line in lines[1:]
            ]
            self._complete = list(zip(self._rows, complete, strict=True))

    @property
    def text(self) -> str:
        """The whole file."""
        return as_text(self._rows)

    def begin(self, plan: Plan, session: Session, again: bool) -> Book:
        """Sort out what the file has of a plan; with `again` all of it is to be measured anew.

        Raises:
            ConfigError: if it has a configuration measured in another way.
        """
        return Book(self, plan, session, again)

    def model(self, plan: Plan) -> str:
        """The short name that rows give the model."""
        return self._names.name(plan.subject.name, plan.subject.hf_id)[0]

    def rows(self) -> Iterable[Cells]:
        """Its rows as they stand in the file."""
        return self._rows

    def complete(self, row: Cells) -> Cells:
        """A row with what follows from its cells, and names as the data write them."""
        return next((found for given, found in self._complete if given is row), row)

    def replace(self, rows: list[Cells]) -> None:
        """Write the file with these rows; if that fails, it is as it was."""
        self._save(as_text(rows))
        self._rows = rows


@plain_dataclass
class Book:
    """The rows of one plan in a file."""

    file: RowFile
    plan: Plan
    session: Session
    again: bool
    idle: float | None = None
    """Watts before anything was loaded."""
    name: str = ""
    _done: dict[tuple[str, int], Cells] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Find what is there already, and the session that goes on."""
        known = {(item.recipe.name, item.batch_size): item for item in self.plan.configurations}
        self.name = f"{self.plan.gpu.slug}:{self.session.started:%Y-%m-%dT%H:%M:%S}"
        self._check()
        if self.again:
            return
        for row in filter(self._continues, self.file.rows()):
            self.name = row["session"]
            place = (facts(row)["configuration"], _whole(row["batch_size"]))
            if place in known:
                self._done[place] = row
        self._conflicts(known.values())

    def _continues(self, row: Cells) -> bool:
        """Whether a row was measured as this plan measures, so that they make one session."""
        told = facts(row)
        return (
            "configuration" in told
            and row["quality"] != "superseded"
            and (row["quality"] == "simulated") == self.session.simulated
            and told.get("weights") == self.plan.subject.weights
            and told.get("power") == self.session.power
            and not self._differences(row)
        )

    def _differences(self, row: Cells) -> list[str]:
        """The columns in which a row differs from this plan, as words."""
        return [
            f"{column} {row[column] or 'unknown'} (here {text or 'unknown'})"
            for column, text in self._common().items()
            if row[column] != text and column not in _INCIDENTAL
        ]

    def done(self, item: Configuration) -> Cells | None:
        """The row that a configuration has already."""
        return self._done.get((item.recipe.name, item.batch_size))

    def row(self, item: Configuration, found: Figures, said: Verdict, peak: float | None) -> Cells:
        """The row of a configuration that was measured."""
        row = dict.fromkeys(COLUMNS, "") | self._common() | self._measured(item, found, said)
        row["peak_memory_gb"] = f"{peak:.3f}" if peak else ""
        row["id"] = self._id(item)
        row["note"] = self._note(item, found, said)
        self._refer(row)
        return row

    def add(self, item: Configuration, row: Cells) -> None:
        """Write the row of a configuration.

        Raises:
            OSError: if the file cannot be written; it is as it was then.
        """
        rows = list(self.file.rows())
        if self.again:
            rows = [old for each in rows if (old := self._beside(each, row)) is not None]
        self.file.replace([*rows, row])
        self._done[item.recipe.name, item.batch_size] = row

    # -- a row

    def _common(self) -> Cells:
        """The cells that are the same in each row of this plan."""
        plan, size = self.plan, self.plan.subject.size.params_total_b
        return {
            "gpu": plan.gpu.slug,
            "architecture": plan.gpu.architecture,
            "model": self.file.model(plan),
            "hf_id": plan.subject.hf_id,
            "params_b": f"{size:.4g}" if size is not None else "",
            "input_tokens": str(plan.input_tokens),
            "output_tokens": str(plan.output_tokens),
            "n_runs": str(plan.runs),
            **dict(self.session.versions),
            "scope": "end_to_end",
            "energy_basis": "gross",
            "source": f"{SOURCE} {__version__}",
        }

    def _measured(self, item: Configuration, found: Figures, said: Verdict) -> Cells:
        quality = "raw" if said.passed and not item.recipe.aside else "aside"
        quality = "simulated" if self.session.simulated else quality
        energy = f"{found.energy:.6g}"
        return {
            "precision": item.recipe.precision,
            "batch_size": str(item.batch_size),
            "throughput_tok_s": f"{found.throughput:.6g}",
            "throughput_std": f"{round(found.throughput_std, 6):.4g}",
            "power_w": f"{found.power:.6g}",
            "power_std": f"{round(found.power_std, 6):.4g}",
            "energy_j_per_1k_tok": energy,
            "energy_gross_j_per_1k_tok": energy,
            "energy_std": f"{round(found.energy_std, 6):.4g}",
            "measured_on": f"{datetime.now():%Y-%m-%d}",
            "quality": quality,
            "preferred": "true" if quality == "raw" else "false",
            "session": self.name,
        }

    def _id(self, item: Configuration) -> str:
        parts = (
            self.plan.gpu.slug,
            self.file.model(self.plan),
            item.recipe.name,
            f"bs{item.batch_size}",
            self.name.partition(":")[2].replace(":", ""),
        )
        name = re.sub(r"[^\w.-]+", "-", "-".join(parts).lower())
        taken = {row["id"] for row in self.file.rows()}
        number = 2
        while (found := name if number == 2 else f"{name}-{number - 1}") in taken:
            number += 1
        return found

    def _note(self, item: Configuration, found: Figures, said: Verdict) -> str:
        idle = self.idle
        parts = [
            f"configuration={item.recipe.name}",
            f"weights={self.plan.subject.weights}",
            f"power={self.session.power}",
            f"idle_w={idle:.1f}" if idle is not None else "",
            f"card={self.session.card}" if self.session.card else "",
            f"run_s={found.seconds:.3g}",
            "greedy, fixed lengths",
            said.text,
            item.recipe.aside,
        ]
        return "; ".join(filter(None, parts))

    def _refer(self, row: Cells) -> None:
        """The change against FP16 of the session, where there is one to compare with."""
        half = self._done.get((BASELINE, int(row["batch_size"])))
        if half is None or row["precision"] == BASELINE:
            return
        if half["quality"] in KEPT_OUT and row["quality"] not in KEPT_OUT:
            return
        energy = "energy_gross_j_per_1k_tok"
        change = (float(row[energy]) / float(half[energy]) - 1) * 100
        row["delta_vs_fp16_pct"] = row["delta_gross_vs_fp16_pct"] = f"{change:.2f}"
        row["fp16_ref_id"] = half["id"]

    def _check(self) -> None:
        """Stop where no row of this plan would be a valid one: better now than afterwards."""
        item = self.plan.configurations[0]
        row = self.row(item, Figures(self.plan.runs, 1, 10, 0, 10, 0, 1000, 0), _STEADY, None)
        with TemporaryDirectory() as folder:
            path = Path(folder, "row.csv")
            path.write_text(as_text([row]), encoding="utf-8")
            try:
                RowFiles(read_rows("measurements.csv")).read(path)
            except DataError as error:
                first = error.problems[0]
                raise ConfigError(
                    f"no row can be written for {self.plan.subject.name}: "
                    f"column {first.column}: {first.problem}"
                ) from None

    # -- rows that are there already

    def _conflicts(self, wanted: Iterable[Configuration]) -> None:
        """Stop where a row of the file would contradict one to come."""
        for item in wanted:
            if self.done(item) or item.recipe.aside or self.session.simulated:
                continue
            other = next((row for row in self.file.rows() if self._replaces(row, item)), None)
            if other is not None:
                raise ConfigError(
                    f"{shown(self.file.path)} has {item.title} already, {self._how(other)}. "
                    "--again measures anew and keeps that row as superseded; "
                    "another --output keeps both"
                )

    def _replaces(self, row: Cells, item: Configuration) -> bool:
        """Whether a row is the preferred one of what an item measures."""
        found = self.file.complete(row)
        return (
            found["preferred"] == "true"
            and found["gpu"] == self.plan.gpu.slug
            and found["model"] == self.file.model(self.plan)
            and found["precision"] == item.recipe.precision
            and found["batch_size"] == str(item.batch_size)
        )

    def _how(self, other: Cells) -> str:
        """In what a row was measured differently."""
        differs = self._differences(other)
        told = facts(other)
        for name, mine in (("weights", self.plan.subject.weights), ("power", self.session.power)):
            if told.get(name) != mine:
                differs.append(f"{name} {told.get(name, 'unknown')} (here {mine})")
        return f"measured with {', '.join(differs)}" if differs else "from elsewhere"

    def _beside(self, old: Cells, new: Cells) -> Cells | None:
        """An old row as it stands beside one that was measured anew; None where it goes."""
        found = self.file.complete(old)
        if any(found[column] != new[column] for column in ("gpu", "model", "batch_size")):
            return old
        name = facts(new)["configuration"]
        if facts(old).get("configuration", precision(found["precision"]).option) != name:
            return old
        if "simulated" in (old["quality"], new["quality"]):
            # A rehearsal gives way to another one, and says nothing about a measurement.
            return old if old["quality"] != new["quality"] else None
        if new["quality"] != "raw" and old["quality"] not in KEPT_OUT:
            return old
        return old | {"quality": "superseded", "preferred": "false"}


def facts(row: Cells) -> dict[str, str]:
    """What a note says as ``name=value``."""
    pairs = (part.partition("=") for part in row["note"].split("; "))
    return {name: value for name, sign, value in pairs if sign}


def as_text(rows: Iterable[Cells]) -> str:
    """Rows as a file, its columns in the usual order."""
    file = io.StringIO()
    writer = csv.DictWriter(file, COLUMNS, restval="", lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return file.getvalue()


def _whole(text: str) -> int:
    try:
        return int(float(text))
    except ValueError:
        return 0
