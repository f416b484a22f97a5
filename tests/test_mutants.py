"""The table of what is broken on purpose fits the code (`benchmarks/mutants.py` tries it)."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "benchmarks"))

from mutants import Mutant, mutants  # noqa: E402


@pytest.mark.parametrize("mutant", mutants(), ids=lambda mutant: mutant.name)
def test_there_is_something_to_break(mutant: Mutant) -> None:
    assert mutant.applied(ROOT) != (ROOT / mutant.file).read_text("utf-8")
    assert all((ROOT / "tests" / f"{name}.py").is_file() for name in mutant.tests)
