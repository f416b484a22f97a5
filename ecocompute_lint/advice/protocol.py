"""How to measure what nobody has measured, and what the bundled measurements leave out."""

from __future__ import annotations

QUALITY_GATE = {"throughput": 0.02, "power": 0.05}
"""The largest coefficient of variation between runs of a measurement that is worth keeping: the
quality gates that the data's author names in the README of hongping-zh/ecocompute-dynamic-eval."""
SAMPLES_PER_SECOND = 10
WARM_UP_RUNS = 3
RUNS = 10


def _percent(share: float) -> str:
    return f"{100 * share:g} %"


BY_HAND = (
    f"Sample the board power at {SAMPLES_PER_SECOND} Hz or faster (NVML or nvidia-smi), or read "
    "the card's energy counter.",
    "Measure idle power before you load the model, and keep it beside the result: bills are gross.",
    f"Drop {WARM_UP_RUNS} warm-up runs, then decode greedily with fixed input and output lengths, "
    f"{RUNS} runs per configuration; measure FP16 in the same session.",
    "Keep a result whose coefficient of variation is below "
    f"{_percent(QUALITY_GATE['throughput'])} for throughput and below "
    f"{_percent(QUALITY_GATE['power'])} for power.",
    'Add it with `data = ["my.csv"]` in the configuration: `ecolint data --header` prints the '
    "header line, `ecolint data check my.csv` checks the file.",
)

PROTOCOL = (
    "On an NVIDIA GPU `ecolint measure` does what follows, and writes the rows.",
    *BY_HAND,
)

LIMITS = (
    "Power is that of the GPU board: no processor, memory, power supply or cooling.",
    "bitsandbytes and eager torchao were measured: no serving engine, no GPTQ or AWQ, no compiled "
    "FP8.",
    "All bundled measurements are by one author and not repeated by others.",
)
