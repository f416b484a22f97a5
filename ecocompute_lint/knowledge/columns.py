"""The columns of a file of measurements: what each holds, in which unit, within which limits."""

from __future__ import annotations

from typing import Literal

from ecocompute_lint.frozen import dataclass

Kind = Literal["text", "number", "whole", "date", "choice"]


@dataclass(frozen=True, slots=True)
class Column:
    """One column. Numbers lie between `low` and `high`; `units` are others people write.

    `units` pairs the name of a unit with the factor that leads from it to the right one.
    """

    name: str
    meaning: str
    kind: Kind = "text"
    low: float = 0.0
    high: float = 0.0
    choices: tuple[str, ...] = ()
    units: tuple[tuple[str, float], ...] = ()


_WH = 3600.0
"""Joules in a watt-hour."""
ENERGY_UNITS = (
    ("J per token (or kJ per 1000 tokens)", 1e3),
    ("Wh per 1000 tokens (or kWh per million)", _WH),
    ("Wh per million tokens", _WH / 1e3),
    ("kWh per 1000 tokens (or Wh per token)", _WH * 1e3),
    ("kWh per token", _WH * 1e6),
    ("mJ per 1000 tokens (or J per million)", 1e-3),
)
USUAL_ENERGY = (10.0, 100_000.0)
"""Joules per 1000 tokens between which an energy that nothing else confirms is believed."""

KEPT_OUT = ("aside", "simulated")
"""Qualities of rows that no estimate uses: those that `ecolint measure` keeps beside the others,
and those of its rehearsals, whose power was not that of the run."""

_J = "joules per 1000 generated tokens"
_GB = (("MB", 1e-3), ("KB", 1e-6), ("bytes", 1e-9))

ALL = (
    Column("id", "unique name of the row; empty: made from the others"),
    Column("gpu", "card: slug, name or alias, as `ecolint gpus` lists them"),
    Column("architecture", "empty: that of the card"),
    Column("model", "short name; empty: the last part of hf_id"),
    Column("hf_id", "owner/name on the hub, where there is one"),
    Column(
        "params_b",
        "billions of parameters; empty: as the name of the model says",
        "number",
        0.001,
        5000,
        units=(("millions", 1e-3), ("single parameters", 1e-9)),
    ),
    Column("precision", "as in --quantization: fp16, nf4, int8_default, int8_pure, fp8 and others"),
    Column("batch_size", "sequences decoded together", "whole", 1, 100_000),
    Column("input_tokens", "prompt tokens per sequence", "whole", 1, 100_000_000),
    Column("output_tokens", "generated tokens per sequence", "whole", 1, 100_000_000),
    Column("throughput_tok_s", "generated tokens per second, whole batch", "number", 1e-3, 1e7),
    Column("throughput_std", "its standard deviation over the runs", "number", 0, 1e7),
    Column(
        "power_w",
        "watts, mean power of the board",
        "number",
        1,
        5000,
        units=(("kW", 1e3), ("mW", 1e-3)),
    ),
    Column("power_std", "its standard deviation over the runs", "number", 0, 5000),
    Column(
        "energy_j_per_1k_tok",
        f"{_J}; empty: power_w / throughput_tok_s",
        "number",
        1e-3,
        1e8,
        units=ENERGY_UNITS,
    ),
    Column("energy_std", "its standard deviation over the runs", "number", 0, 1e8),
    Column("gpu_util_pct", "percent", "number", 0, 100),
    Column("peak_memory_gb", "GB", "number", 0.01, 2000, units=_GB),
    Column("n_runs", "independent runs", "whole", 1, 1_000_000),
    Column("measured_on", "day as 2026-02-26", "date"),
    Column("torch", "version"),
    Column("cuda", "version"),
    Column("driver", "version"),
    Column("transformers", "version"),
    Column("bitsandbytes", "version"),
    Column("torchao", "version"),
    Column("source", "where the row comes from; empty: the file"),
    Column(
        "quality",
        "empty: raw; aside: measured, but not steady or not what the precision stands for; "
        "simulated: with power from elsewhere, no measurement. Estimates use neither",
        "choice",
        choices=("raw", "published", "claimed", "superseded", *KEPT_OUT),
    ),
    Column(
        "preferred",
        "whether estimates use this row of its card, model, precision and batch size; empty: true",
        "choice",
        choices=("true", "false"),
    ),
    Column("session", "rows measured alike; joules compare only within one; empty: the file"),
    Column("scope", "empty: end_to_end", "choice", choices=("end_to_end", "decode_only")),
    Column(
        "energy_basis",
        "whether idle power is in energy_j_per_1k_tok; empty: gross where power_w and "
        "throughput_tok_s confirm it, else unverified",
        "choice",
        choices=("gross", "net_of_idle", "unverified"),
    ),
    Column(
        "energy_gross_j_per_1k_tok",
        f"{_J}, idle power included; empty: worked out",
        "number",
        1e-3,
        1e8,
        units=ENERGY_UNITS,
    ),
    Column(
        "delta_vs_fp16_pct",
        "percent, change of energy against FP16 of the same session; empty: worked out",
        "number",
        -99.9,
        10_000,
    ),
    Column(
        "delta_gross_vs_fp16_pct",
        "the same on gross energy; empty: worked out",
        "number",
        -99.9,
        10_000,
    ),
    Column("fp16_ref_id", "id of that FP16 row; empty: found by session, model and batch size"),
    Column("note", "anything; energy_check=exempt says that power, throughput and energy disagree"),
)
COLUMNS = tuple(column.name for column in ALL)
HEADER = ",".join(COLUMNS)
