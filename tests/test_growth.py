"""Twice the text takes twice the steps: for each kind of file, and for what is hard in it.

Steps are the calls that an audit makes, which are the same on every machine. Some work is bounded
by a budget; the time for it stops growing, which is as good.
"""

from __future__ import annotations

import cProfile
import sys

import pytest
from conftest import ROOT

sys.path.insert(0, str(ROOT / "benchmarks"))

from growth import SHAPES, text_of

from ecocompute_lint.audit import auditor

SMALL, FACTOR = 6_000, 4
MOST = 1.3 * FACTOR
"""Some texts repeat something longer in larger numbers: no. 1000 has more digits than no. 10."""

HARD = [
    "generate calls",
    "one loop of many",
    "chat loop",
    "elif chain",
    "alternatives used",
    "deep blocks",
    "functions that load",
    "classes",
    "classes that inherit",
    "attributes",
    "web handlers",
    "one long line",
    "notebook",
    "notebook with magics",
    "shell setup script",
    "shell functions that call twice",
    "shell variables doubled",
    "shell array added to",
    "shell case",
    "shell many deep commands",
    "shell deep loops",
    "shell one here-document",
    "make variables doubled",
    "docker one run",
    "docker stages",
    "docker environment used",
    "compose shared options",
    "deep YAML",
    "aliases",
    "requirements",
    "config.json",
]


def steps(name: str, size: int) -> int:
    """How many calls the audit of a text makes."""
    file, text = text_of(name, size)
    profile = cProfile.Profile()
    profile.enable()
    report = auditor(file)(text, path=file)
    profile.disable()
    assert report.status == "examined", report.problem or report.reason
    return sum(entry.callcount for entry in profile.getstats())


@pytest.mark.parametrize("name", HARD)
def test_steps_grow_with_the_text(name: str) -> None:
    assert name in SHAPES
    steps(name, 500)  # what is read once
    small = steps(name, SMALL)
    assert steps(name, FACTOR * SMALL) <= MOST * small
