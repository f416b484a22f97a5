"""The report for programs: version 1 of the format, described by ``schema.json`` beside this file.

Fields are only ever added.
"""

from __future__ import annotations

import enum
import json
import os
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ecocompute_lint import __version__
from ecocompute_lint.config import Settings
from ecocompute_lint.findings import Edit, Finding, Level, Problem
from ecocompute_lint.report.formats import Run
from ecocompute_lint.report.summary import View
from ecocompute_lint.report.totals import total

SCHEMA = Path(__file__).with_name("schema.json")
# fmt: off
_ECONOMY = (
    "requests_per_month", "input_tokens", "output_tokens", "batch_size", "region",
    "electricity_usd_per_kwh", "grid_gco2_per_kwh", "pue",
)
# fmt: on


def document(run: Run) -> str:
    """The format ``json`` of a run."""
    fixed = None
    if run.repaired is not None:
        fixed = [finding for file in run.repaired for finding in file.fixed]
    view = run.view
    return render(view, run.settings(None), problems=view.report.failed, fixed=fixed)


def render(
    view: View,
    settings: Settings,
    *,
    problems: Sequence[Problem] = (),
    fixed: Sequence[Finding] | None = None,
) -> str:
    """The document. `problems` come beside those of files; `fixed` is None where nothing tried."""
    document: dict[str, Any] = {
        "version": 1,
        "tool": {"name": "ecolint", "version": __version__},
        "settings": _settings(settings),
        "summary": _summary(view, fixed),
        "findings": [finding_data(finding) for finding in view.report.findings],
        "problems": [_problem(problem) for problem in problems],
        "skipped": [{"path": file.path, "reason": file.reason} for file in view.report.too_large],
    }
    if fixed is not None:
        document["fixed"] = [finding_data(finding) for finding in fixed]
    return json.dumps(document, indent=2, ensure_ascii=False, default=_plain) + "\n"


def _settings(settings: Settings) -> dict[str, Any]:
    return {
        "gpu": settings.gpu,
        **{name: getattr(settings, name) for name in _ECONOMY},
        "min_confidence": settings.min_confidence.label,
        "context": settings.context,
        "fix_level": settings.fix_level.label,
        "fail_on": settings.fail_on,
        "select": list(settings.select),
        "extend_select": list(settings.extend_select),
        "ignore": list(settings.ignore),
    }


def _summary(view: View, fixed: Sequence[Finding] | None) -> dict[str, Any]:
    levels = Counter(finding.level for finding in view.report.findings)
    data: dict[str, Any] = {
        "files": len(view.report.files),
        "examined": view.report.examined,
        "skipped": view.report.skipped,
        "failed": view.failed,
        "suppressed": view.suppressed,
        "known": view.known,
        "findings": len(view.bad),
        **{level.label: levels[level] for level in sorted(Level, reverse=True)},
        "fixable": sum(map(view.repairable, view.findings)),
        "by_code": dict(sorted(Counter(item.code for item in view.report.findings).items())),
    }
    costs = total(view.findings)
    data["cost"] = costs.data() if costs is not None else None
    if fixed is not None:
        data["fixed"] = len(fixed)
    return data


def finding_data(finding: Finding) -> dict[str, Any]:
    """One finding."""
    fix = finding.fix
    place = finding.place
    return {
        "code": finding.code,
        "name": finding.name,
        "level": finding.level.label,
        "confidence": finding.confidence.label,
        "path": _text(finding.path),
        "line": place.line,
        "column": place.column,
        "end_line": place.end_line,
        "end_column": place.end_column,
        "cell": finding.cell,
        "message": finding.message,
        "model": finding.model,
        "params_b": finding.params_b,
        "gpu": finding.gpu,
        "context": finding.context,
        "evidence": dict(finding.evidence),
        "cost": None if finding.cost is None else dict(finding.cost),
        "fix": None
        if fix is None
        else {
            "level": fix.level.label,
            "description": fix.description,
            "edits": [_edit(edit) for edit in fix.edits],
        },
    }


def _edit(edit: Edit) -> dict[str, Any]:
    place = edit.place
    return {
        "line": place.line,
        "column": place.column,
        "end_line": place.end_line,
        "end_column": place.end_column,
        "cell": edit.cell,
        "text": edit.text,
    }


def _problem(problem: Problem) -> dict[str, Any]:
    return {
        "code": problem.code,
        "path": _text(problem.path),
        "line": problem.line,
        "column": problem.column,
        "message": problem.message,
    }


def _text(path: str) -> str:
    """A path with forward slashes; bytes that are no UTF-8 become replacement characters."""
    text = path.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
    return text.replace(os.sep, "/")


def _plain(value: Any) -> Any:
    if isinstance(value, enum.Enum):
        return value.name.lower()
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, (set, frozenset)):
        return sorted(value)
    return str(value)
