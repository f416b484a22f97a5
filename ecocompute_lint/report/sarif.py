"""SARIF 2.1.0: findings as results of one run, for code scanning and editors.

Columns count code points and the end is exclusive, as everywhere here, so that places are taken
over as they are. In messages of SARIF braces are doubled and what looks like a link is none.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from ecocompute_lint import __version__
from ecocompute_lint.audit import UNPARSABLE
from ecocompute_lint.findings import Confidence, Edit, Finding, Level, Place, Problem
from ecocompute_lint.report.escape import as_json, as_text
from ecocompute_lint.report.files import Files
from ecocompute_lint.report.formats import Run
from ecocompute_lint.report.totals import total

if TYPE_CHECKING:
    from ecocompute_lint.engine.rule import Rule

SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"
ROOT = "%SRCROOT%"
FINGERPRINT = "ecolint/v1"
_LEVELS = {Level.RED: "error", Level.YELLOW: "warning", Level.GRAY: "note", Level.GREEN: "none"}
_SEVERITIES = {Level.RED: "error", Level.YELLOW: "warning"}
_PRECISIONS = {
    Confidence.CERTAIN: "very-high",
    Confidence.LIKELY: "high",
    Confidence.POSSIBLE: "low",
}
_LONGEST = 1000
"""Characters of a full description; GitHub takes 1,024."""


def render(run: Run) -> str:
    """The log file."""
    return as_json({"$schema": SCHEMA, "version": "2.1.0", "runs": [_run(run)]})


def _run(run: Run) -> dict[str, Any]:
    view = run.view
    files = Files(view)
    codes = sorted({finding.code for finding in view.findings})
    index = {code: number for number, code in enumerate(codes)}
    costs = total(view.findings)
    return {
        "tool": {
            "driver": {
                "name": "ecolint",
                "version": __version__,
                "semanticVersion": __version__,
                "rules": [_descriptor(code, run) for code in codes],
                "notifications": [
                    {
                        "id": UNPARSABLE,
                        "shortDescription": {"text": "A file that could not be analysed."},
                        "defaultConfiguration": {"level": "error"},
                    }
                ],
            }
        },
        "invocations": [_invocation(run, files)],
        "originalUriBaseIds": {ROOT: {"description": {"text": "The repository that was audited."}}},
        "columnKind": "unicodeCodePoints",
        "newlineSequences": ["\r\n", "\n", "\r"],
        "results": [_result(item, index[item.code], files) for item in view.findings],
        "properties": {"cost": costs.data() if costs is not None else None},
    }


# -- rules


def _descriptor(code: str, run: Run) -> dict[str, Any]:
    """A rule as the settings of the first file that it was found in know it."""
    first = next(finding for finding in run.view.findings if finding.code == code)
    rule = _rule(code, run, first.path)
    if rule is None:
        return {
            "id": code,
            "name": first.name,
            "defaultConfiguration": {"level": _LEVELS[first.level]},
        }
    from ecocompute_lint.report import rule_help

    data: dict[str, Any] = {
        "id": code,
        "name": rule.name,
        "shortDescription": {"text": rule.summary},
        "fullDescription": {"text": _first_words(rule.rationale)},
        "help": {"text": rule_help.plain(rule), "markdown": rule_help.markdown(rule)},
        "defaultConfiguration": {"level": _LEVELS[rule.level], "enabled": rule.enabled},
        "properties": {
            "tags": sorted({"energy", rule.category}),
            "precision": "high" if rule.enabled else "medium",
            "problem.severity": _SEVERITIES.get(rule.level, "recommendation"),
        },
    }
    if web := [url for url in rule.references if url.startswith(("https://", "http://"))]:
        data["helpUri"] = web[0]
    return data


def _rule(code: str, run: Run, path: str) -> Rule | None:
    from ecocompute_lint.engine.catalogue import load_rules

    found = load_rules(run.settings(path).rules)
    return next((rule for rule in found if rule.code == code), None)


def _first_words(text: str) -> str:
    """The first paragraph."""
    first = " ".join(text.strip().split("\n\n", 1)[0].split())
    return first if len(first) <= _LONGEST else first[:_LONGEST].rsplit(" ", 1)[0] + " …"


# -- results


def _result(finding: Finding, index: int, files: Files) -> dict[str, Any]:
    good = finding.level is Level.GREEN
    data: dict[str, Any] = {
        "ruleId": finding.code,
        "ruleIndex": index,
        "kind": "informational" if good else "fail",
        "level": _LEVELS[finding.level],
        "message": message(_said(finding)),
        "locations": [_location(finding, files)],
        "partialFingerprints": {FINGERPRINT: files.fingerprint(finding)},
        "properties": _properties(finding),
    }
    if related := list(_related(finding, files)):
        data["relatedLocations"] = related
    if edits := files.edits(finding):
        data["fixes"] = [_fix(finding, edits, files)]
    return data


def _said(finding: Finding) -> str:
    if finding.fix is None or finding.level is Level.GREEN:
        return finding.message
    return f"{finding.message}\nRepair ({finding.fix.level.label}): {finding.fix.description}"


def _properties(finding: Finding) -> dict[str, Any]:
    data: dict[str, Any] = {
        "ecolintLevel": finding.level.label,
        "confidence": finding.confidence.label,
        "precision": _PRECISIONS[finding.confidence],
        "context": finding.context,
        "model": finding.model,
        "params_b": finding.params_b,
        "gpu": finding.gpu,
        "basis": finding.evidence.get("basis"),
        "savingPerMonth": finding.cost["saving"] if finding.cost is not None else None,
    }
    data = {name: value for name, value in data.items() if value is not None}
    if finding.cell is not None:
        place = finding.place
        data["cell"] = {"index": finding.cell, "line": place.line, "column": place.column}
    return data


def _location(finding: Finding, files: Files) -> dict[str, Any]:
    data = {"physicalLocation": _physical(finding.path, files.place(finding), files)}
    if finding.cell is None:
        return data
    name = f"cell {finding.cell}"
    full = f"{as_text(files.path(finding.path))}::cells[{finding.cell}]"
    logical = {"name": name, "fullyQualifiedName": full, "kind": "element"}
    return {**data, "logicalLocations": [logical]}


def _related(finding: Finding, files: Files) -> Iterable[dict[str, Any]]:
    marks = [mark for mark in finding.marks if mark != finding.place]
    places = [place for mark in marks if (place := files.place(finding, mark)) is not None]
    for number, place in enumerate(places, 1):
        yield {
            "id": number,
            "physicalLocation": _physical(finding.path, place, files),
            "message": {"text": "Belongs to it."},
        }


def _physical(path: str, place: Place | None, files: Files) -> dict[str, Any]:
    data: dict[str, Any] = {"artifactLocation": artifact(path, files)}
    return data if place is None else {**data, "region": _region(place)}


def artifact(path: str, files: Files) -> dict[str, str]:
    """A file by its URI: relative to the root, or absolute where it lies elsewhere."""
    shown = files.path(path)
    if os.path.isabs(shown):
        return {"uri": Path(shown).as_uri()}
    return {"uri": quote(os.fsencode(shown)), "uriBaseId": ROOT}


def _region(place: Place) -> dict[str, int]:
    return {
        "startLine": place.line,
        "startColumn": place.column,
        "endLine": place.end_line,
        "endColumn": place.end_column,
    }


def _fix(finding: Finding, edits: Sequence[Edit], files: Files) -> dict[str, Any]:
    fix = finding.fix
    assert fix is not None
    note = "outputs cannot change" if fix.level.label == "exact" else "outputs can change"
    return {
        "description": message(f"{fix.description.rstrip('.')} ({fix.level.label}: {note})"),
        "artifactChanges": [
            {
                "artifactLocation": artifact(finding.path, files),
                "replacements": [
                    {
                        "deletedRegion": _region(edit.place),
                        "insertedContent": {"text": edit.text},
                    }
                    for edit in edits
                ],
            }
        ],
    }


def message(text: str) -> Mapping[str, str]:
    """A text as a message: it holds neither a placeholder nor a link."""
    text = text.replace("{", "{{").replace("}", "}}").replace("](", "\\](")
    return {"text": as_text(text)}


# -- the run


def _invocation(run: Run, files: Files) -> dict[str, Any]:
    report = run.view.report
    execution = [_notification(file.problem, files) for file in report.files if file.problem]
    execution += [
        {
            "level": "note",
            "message": message(f"skipped, {file.reason}"),
            "locations": [{"physicalLocation": _physical(file.path, None, files)}],
        }
        for file in report.too_large
    ]
    other = [problem for problem in report.problems if problem.code != "config"]
    execution += [_notification(problem, files) for problem in other]
    configuration = [
        _notification(problem, files) for problem in report.problems if problem.code == "config"
    ]
    return {
        "executionSuccessful": not report.failed,
        "toolExecutionNotifications": execution,
        "toolConfigurationNotifications": configuration,
    }


def _notification(problem: Problem, files: Files) -> dict[str, Any]:
    physical = _physical(problem.path, None, files)
    if problem.line is not None and problem.line > 0:
        physical["region"] = {"startLine": problem.line}
        if problem.column is not None and problem.column > 0:
            physical["region"]["startColumn"] = problem.column
    data: dict[str, Any] = {
        "level": "error",
        "message": message(problem.message),
        "locations": [{"physicalLocation": physical}],
    }
    if problem.code == UNPARSABLE:
        data["descriptor"] = {"id": UNPARSABLE, "index": 0}
    return data
