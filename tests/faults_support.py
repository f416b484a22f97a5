"""Faults at chosen points of real runs: see `fault_points`."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from conftest import ROOT, environment

SCRIPT = Path(__file__).with_name("fault_points.py")
# Every line that has to do with writing; an empty list stands for all functions of a file.
WRITING: dict[str, list[str]] = {"atomic.py": []}
REPAIRING: dict[str, list[str]] = {
    "atomic.py": [],
    "fixes/apply.py": [],
    "cli/fix.py": [],
    "repairs.py": [],
}
KEEPING: dict[str, list[str]] = {"cache.py": ["save", "_write", "_data", "_bound", "_files"]}
READING: dict[str, list[str]] = {
    "discovery.py": ["named", "_entry", "take", "discover"],
    "audit.py": ["gated", "audit_file"],
    "runs.py": ["_unknown", "_gated", "_work", "_audit"],
    "cli/fix.py": ["_one", "deliver"],
}
LINE = "config = BitsAndBytesConfig(load_in_8bit=True"


def trap(lines: int = 1) -> str:
    return "from transformers import BitsAndBytesConfig\n" + f"{LINE})\n" * lines


def mended(text: str) -> str:
    return text.replace("load_in_8bit=True)", "load_in_8bit=True, llm_int8_threshold=0.0)")


def points(place: Path, **given: Any) -> list[dict[str, Any]]:
    """The results of all runs."""
    place.mkdir(parents=True, exist_ok=True)
    done = subprocess.run(
        [sys.executable, SCRIPT],
        input=json.dumps({"place": str(place), **given}),
        capture_output=True,
        text=True,
        env=environment(PYTHONPATH=str(ROOT)),
        check=False,
    )
    assert done.returncode == 0, done.stderr
    found: list[dict[str, Any]] = json.loads(done.stdout)
    return found


def strays(result: dict[str, Any], files: dict[str, str]) -> list[str]:
    return [name for name in result["tree"] if name not in files]
