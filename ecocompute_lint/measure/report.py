"""The plan and the results of `ecolint measure` as documents."""

from __future__ import annotations

from collections.abc import Sequence

from ecocompute_lint.advice.protocol import WARM_UP_RUNS
from ecocompute_lint.advice.sentences import amount, signed
from ecocompute_lint.knowledge.hardware import Gpu
from ecocompute_lint.knowledge.precisions import BASELINE
from ecocompute_lint.measure.plan import Plan
from ecocompute_lint.measure.rows import Cells
from ecocompute_lint.measure.session import Outcome
from ecocompute_lint.report.document import Block, Document, Grid, Heading, Items, Paragraph
from ecocompute_lint.report.style import plural
from ecocompute_lint.report.table import Column

_FITS = {True: "yes", False: "no", None: "perhaps"}


def planned(plan: Plan, gpu: Gpu | None, output: str) -> Document:
    """What would be measured, and the memory that it needs; `gpu` None where it is not known."""
    size = plan.subject.size.params_total_b
    facts = [
        f"{size:.3g} B parameters" if size is not None else "size not known",
        f"weights {plan.subject.weights}",
        f"{plan.input_tokens:,} tokens in, {plan.output_tokens:,} out",
        f"{WARM_UP_RUNS} warm-up runs and {plural(plan.runs, 'run')} each",
        f"rows to {output}",
    ]
    where = f" on the {gpu.name}" if gpu is not None else ""
    columns = [
        Column("configuration"),
        Column("batch", True),
        Column("weights GB", True, 1),
        Column("cache GB", True, 1),
        Column("total GB", True),
        Column("range", True),
        Column("fits"),
    ]
    rows = []
    for item in plan.configurations:
        need = item.memory
        if need is None:
            rows.append([item.recipe.name, str(item.batch_size), "", "", "", "", "unknown"])
            continue
        rows.append(
            [
                item.recipe.name,
                str(item.batch_size),
                f"{need.weights_gb:.1f}",
                f"{need.kv_cache_gb:.2f}" if need.kv_cache_gb is not None else "unknown",
                f"{need.total_gb:.1f}",
                f"{need.low_gb:.1f}–{need.high_gb:.1f}",
                _FITS[need.fits] if gpu is not None else "",
            ]
        )
    if gpu is None:
        columns.pop()
        rows = [row[:-1] for row in rows]
    blocks: list[Block] = [
        Heading(f"Plan: {plan.subject.name}{where}", 1),
        Paragraph(" · ".join(facts)),
        Grid(columns, rows),
    ]
    asides = dict.fromkeys(item.recipe for item in plan.configurations if item.recipe.aside)
    if asides:
        blocks += [
            Paragraph("Kept beside the others, and not used by estimates:"),
            Items([f"{recipe.name}: {recipe.aside}." for recipe in asides]),
        ]
    return blocks


def summary(plan: Plan, outcomes: Sequence[Outcome], session: str, idle: float | None) -> Document:
    """What was measured, with the change against FP16 of the same session."""
    rows = [outcome.row for outcome in outcomes if outcome.row is not None]
    blocks: list[Block] = [Heading(f"{plan.subject.name} on the {plan.gpu.name}", 1)]
    facts = [f"session {session}"]
    if idle is not None:
        facts.append(f"idle power {idle:.1f} W")
    facts.append("gross board energy per 1,000 generated tokens")
    blocks.append(Paragraph(" · ".join(facts)))
    if any(row["quality"] == "simulated" for row in rows):
        blocks.append(
            Paragraph(
                "the power comes from a recorded trace. The rows are marked simulated, and no "
                "estimate uses them.",
                "No measurement:",
            )
        )
    if rows:
        blocks.append(_table(outcomes))
    missing = [outcome for outcome in outcomes if outcome.row is None]
    if missing:
        blocks += [
            Heading("Not measured"),
            Items([f"{item.configuration.title}: {item.problem}." for item in missing]),
        ]
    if rows and not any(row["precision"] == BASELINE for row in rows):
        blocks.append(Paragraph("FP16 was not measured, so there is no change against it."))
    return blocks


_COLUMNS = (
    Column("configuration"),
    Column("batch", True),
    Column("J/1k tok", True),
    Column("vs FP16", True),
    Column("tok/s", True),
    Column("±", True, 1),
    Column("W", True),
    Column("±", True, 1),
    Column("GB", True, 2),
    Column("gate"),
)


def _table(outcomes: Sequence[Outcome]) -> Grid:
    kept = [outcome for outcome in outcomes if outcome.row is not None]
    rows = [_cells(outcome, outcome.row) for outcome in kept if outcome.row is not None]
    energies = [float(outcome.row["energy_j_per_1k_tok"]) for outcome in kept if outcome.row]
    return Grid(_COLUMNS, rows, energies, 2)


def _cells(outcome: Outcome, row: Cells) -> list[str]:
    change, peak = row["delta_gross_vs_fp16_pct"], row["peak_memory_gb"]
    return [
        outcome.configuration.recipe.name,
        row["batch_size"],
        amount(float(row["energy_j_per_1k_tok"])),
        f"{signed(float(change))} %" if change else "",
        amount(float(row["throughput_tok_s"])),
        _share(row, "throughput_std", "throughput_tok_s"),
        amount(float(row["power_w"])),
        _share(row, "power_std", "power_w"),
        f"{float(peak):.1f}" if peak else "",
        "passed" if "quality gate passed" in row["note"] else "failed",
    ]


def _share(row: Cells, deviation: str, mean: str) -> str:
    """A coefficient of variation in percent."""
    if not row[deviation] or not float(row[mean]):
        return ""
    return f"{100 * float(row[deviation]) / float(row[mean]):.1f} %"
