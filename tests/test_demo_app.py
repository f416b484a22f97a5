"""The demonstration application has its traps, and fixing leaves only what needs a decision."""

from __future__ import annotations

import ast
from collections import Counter
from pathlib import Path

import pytest
from fixture_files import CODES, FIXTURES

from ecocompute_lint.audit import audit_text
from ecocompute_lint.config import Settings
from ecocompute_lint.findings import Confidence
from ecocompute_lint.repairs import fix_text

DEMO = FIXTURES / "demo_app"
BEFORE = {
    "__init__.py": [],
    "api.py": [],
    "evaluate.py": ["ECO111"],
    "loader.py": ["ECO101", "ECO102", "ECO107", "ECO107"],
    "quant.py": ["ECO101", "ECO101", "ECO106", "ECO108", "ECO110"],
    "settings.py": [],
    "summarize_tickets.py": ["ECO101", "ECO107", "ECO201"],
}
AFTER = {
    **{name: [] for name in BEFORE},
    "evaluate.py": ["ECO111"],
    "loader.py": ["ECO102"],
    "summarize_tickets.py": ["ECO201"],
}

every_file = pytest.mark.parametrize("name", sorted(BEFORE))


def settings() -> Settings:
    """The rules that the application was made for."""
    return Settings(select=CODES, min_confidence=Confidence.LIKELY, root=Path.cwd())


def codes(text: str, path: Path) -> list[str]:
    """The codes found, sorted."""
    report = audit_text(text, path=str(path), settings=settings())
    return sorted(Counter(finding.code for finding in report.findings).elements())


def test_every_file_is_accounted_for() -> None:
    assert sorted(path.name for path in DEMO.glob("*.py")) == sorted(BEFORE)


@every_file
def test_traps_are_found(name: str) -> None:
    path = DEMO / name
    assert codes(path.read_text(encoding="utf-8"), path) == BEFORE[name]


@every_file
def test_fixing_leaves_what_needs_a_decision(name: str) -> None:
    path = DEMO / name
    fixed = fix_text(path.read_text(encoding="utf-8"), path=str(path), settings=settings()).text
    ast.parse(fixed)
    assert codes(fixed, path) == AFTER[name]
