"""A file of measurements as a project would add it, and a row to take apart."""

from __future__ import annotations

import csv
import io

from conftest import ROOT

from ecocompute_lint.knowledge.columns import COLUMNS

SAMPLE = (ROOT / "tests" / "data" / "own_measurements.csv").read_text(encoding="utf-8")
ROW = {
    "gpu": "rtx4090d",
    "model": "Mistral-7B",
    "precision": "nf4",
    "batch_size": "1",
    "throughput_tok_s": "20",
    "power_w": "90",
    "energy_j_per_1k_tok": "4500",
}
DEPLOYMENT = """\
from transformers import AutoModelForCausalLM, BitsAndBytesConfig
model = AutoModelForCausalLM.from_pretrained(
    "mistralai/Mistral-7B-Instruct-v0.3",
    quantization_config=BitsAndBytesConfig(load_in_8bit=True),
)
"""
BUNDLED = "rtx4090d-mistral-7b-nf4-bs1-2026-02-12"


_NUL = "\ue000"


def text_of(*rows: dict[str, str]) -> str:
    """A file with these rows; what they leave out is empty."""
    file = io.StringIO()
    writer = csv.DictWriter(file, COLUMNS, restval="", lineterminator="\n")
    writer.writeheader()
    # Python 3.10 writes no NUL, so something stands in for it.
    writer.writerows({name: text.replace("\0", _NUL) for name, text in row.items()} for row in rows)
    return file.getvalue().replace(_NUL, "\0")
