"""Reports for tests of the formats: made by hand, with any text in them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import jsonschema
from conftest import ROOT

from ecocompute_lint.audit import FileReport, Report
from ecocompute_lint.config import Settings
from ecocompute_lint.findings import (
    Confidence,
    Edit,
    Finding,
    Fix,
    FixLevel,
    Level,
    Operation,
    Place,
    Problem,
)
from ecocompute_lint.report.formats import FORMATS, Run
from ecocompute_lint.report.style import Style
from ecocompute_lint.report.summary import View

MACHINE_FORMATS = ("sarif", "github", "gitlab", "junit", "markdown")
STEP = Operation("set", Place(1, 1, 1, 2), "call", "x", "0.0")
# The schema of the standard as npm's @microsoft/jest-sarif ships it (MIT).
_SCHEMA = Path(__file__).parent / "data" / "sarif-2.1.0.schema.json"
SARIF = jsonschema.Draft4Validator(json.loads(_SCHEMA.read_text(encoding="utf-8")))


def sarif(text: str) -> Any:
    """The only run of a log that is as the standard wants it."""
    document = json.loads(text)
    assert [f"{error.json_path}: {error.message}" for error in SARIF.iter_errors(document)] == []
    (run,) = document["runs"]
    for result in run["results"]:
        assert run["tool"]["driver"]["rules"][result["ruleIndex"]]["id"] == result["ruleId"]
    return run


def finding(path: str = "a.py", level: Level = Level.RED, **changes: Any) -> Finding:
    fix = Fix(FixLevel.EXACT, "set it", (STEP,), (Edit(Place(1, 1, 1, 2), "y"),))
    values: dict[str, Any] = {
        "code": "ECO101",
        "name": "trap",
        "level": level,
        "confidence": Confidence.CERTAIN,
        "path": path,
        "place": Place(1, 1, 1, 2),
        "message": "It wastes.",
        "fix": fix,
        **changes,
    }
    return Finding(**values)


def report(*findings: Finding, problems: Sequence[Problem] = ()) -> Report:
    paths = dict.fromkeys(item.path for item in findings)
    files = [
        FileReport(path, "examined", tuple(item for item in findings if item.path == path))
        for path in paths
    ]
    files += [FileReport(item.path, "failed", problem=item) for item in problems]
    return Report(tuple(files))


def render(form: str, of: Report, source: Sequence[str] = ("x = 1",), good: bool = True) -> str:
    shown = tuple(item for item in of.findings if good or item.level > Level.GREEN)
    view = View(of, shown, lambda item: item.fix is not None, lambda path, cell: source)
    return FORMATS[form].render(Run(view, Style(), lambda path: Settings()))


def demo(name: str) -> Path:
    return ROOT / "fixtures" / name
