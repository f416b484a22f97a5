"""GitLab's code quality report: what a merge request shows beside its changes."""

from __future__ import annotations

from collections import Counter
from hashlib import blake2b
from typing import Any

from ecocompute_lint.findings import Finding, Level, Problem
from ecocompute_lint.report.escape import as_json, as_text
from ecocompute_lint.report.files import Files
from ecocompute_lint.report.formats import Run

_SEVERITIES = {
    Level.RED: "critical",
    Level.YELLOW: "major",
    Level.GRAY: "minor",
    Level.GREEN: "info",
}


def render(run: Run) -> str:
    """The list of issues: what could not be analysed, then the findings."""
    files = Files(run.view)
    seen: Counter[str] = Counter()
    issues = [_problem(problem, files, seen) for problem in run.view.report.failed]
    issues += [_finding(finding, files) for finding in run.view.findings]
    return as_json(issues)


def _finding(finding: Finding, files: Files) -> dict[str, Any]:
    place = files.place(finding)
    return {
        "description": f"{finding.message}{_repair(finding)}",
        "check_name": f"{finding.code} {finding.name}",
        "fingerprint": files.fingerprint(finding),
        "severity": _SEVERITIES[finding.level],
        "location": {
            "path": as_text(files.path(finding.path)),
            "lines": {
                "begin": place.line if place is not None else 1,
                "end": place.end_line if place is not None else 1,
            },
        },
    }


def _repair(finding: Finding) -> str:
    if finding.fix is None or finding.level is Level.GREEN:
        return ""
    return f" Repair ({finding.fix.level.label}): {finding.fix.description}"


def _problem(problem: Problem, files: Files, seen: Counter[str]) -> dict[str, Any]:
    path = as_text(files.path(problem.path)) if problem.path else "."
    identity = "\0".join((problem.code, path, problem.message))
    seen[identity] += 1
    data = f"{identity}\0{seen[identity]}".encode("utf-8", "surrogatepass")
    return {
        "description": f"could not be analysed: {problem.message}",
        "check_name": problem.code,
        "fingerprint": blake2b(data, digest_size=16).hexdigest(),
        "severity": "blocker",
        "location": {"path": path, "lines": {"begin": problem.line or 1}},
    }
