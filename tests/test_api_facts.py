"""What is known of the libraries: 56 spellings that are traps and 66 that only look like them.

The cases stand in `data/api_facts_*.yaml`, one entry per row of the notes on library facts, with
the markers of `fixtures/README.md`. Rows on rules or kinds of file that are not supported yet say
what holds now, and in their note what will hold.
"""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest
import yaml
from fixture_files import CODES, Places, markers

from ecocompute_lint.audit import audit_paths, audit_text
from ecocompute_lint.config import Settings
from ecocompute_lint.findings import Confidence

DATA = Path(__file__).parent / "data"
ROWS = {"P": 56, "N": 66}


def cases(name: str) -> list[dict[str, str]]:
    """The entries of one file."""
    text = (DATA / name).read_text(encoding="utf-8")
    loaded: list[dict[str, str]] = yaml.safe_load(text)
    return loaded


CASES = cases("api_facts_positive.yaml") + cases("api_facts_negative.yaml")
PYTHON = [case for case in CASES if case.get("path", ".py").endswith(".py")]
OTHER_KINDS = [case for case in CASES if case not in PYTHON]


def found(case: dict[str, str], confidence: Confidence) -> Places:
    """Line and code of every finding of the current rule set."""
    settings = Settings(select=CODES, min_confidence=confidence, root=Path.cwd())
    report = audit_text(case["code"], path=case.get("path", "serve.py"), settings=settings)
    assert report.problem is None
    return Counter((finding.place.line, finding.code) for finding in report.findings)


@pytest.mark.parametrize("letter", ROWS)
def test_every_row_is_there(letter: str) -> None:
    rows = {case["id"].split("-")[0] for case in CASES if case["id"].startswith(letter)}
    assert rows == {f"{letter}{number}" for number in range(1, ROWS[letter] + 1)}


@pytest.mark.parametrize("case", PYTHON, ids=lambda case: case["id"])
def test_default_confidence(case: dict[str, str]) -> None:
    expected, _ = markers(case["code"])
    assert found(case, Confidence.LIKELY) == expected, case["note"]


@pytest.mark.parametrize("case", PYTHON, ids=lambda case: case["id"])
def test_possible_confidence(case: dict[str, str]) -> None:
    expected, possible = markers(case["code"])
    assert expected + possible <= found(case, Confidence.POSSIBLE), case["note"]


@pytest.mark.parametrize("case", OTHER_KINDS, ids=lambda case: case["id"])
def test_other_kinds_of_file(case: dict[str, str], tmp_path: Path) -> None:
    file = tmp_path / case["path"]
    file.parent.mkdir(exist_ok=True)
    file.write_text(case["code"], encoding="utf-8")
    expected, _ = markers(case["code"])
    if "expect" in case:  # JSON has no comments
        expected[1, case["expect"]] += 1
    report = audit_paths([tmp_path], overrides={"select": list(CODES)})
    places = Counter((finding.place.line, finding.code) for finding in report.findings)
    assert not report.failed
    assert places == expected, case["note"]
