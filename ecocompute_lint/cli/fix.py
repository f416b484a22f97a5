"""``--fix`` and ``--diff``: repair the files in which an audit found something to repair."""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from ecocompute_lint.cli.run import audit, exit_status, source_lines, view_of, write_reports
from ecocompute_lint.cli.terminal import say, write_bytes
from ecocompute_lint.files import contents
from ecocompute_lint.findings import Finding, Level, Problem
from ecocompute_lint.report.repair import Repaired
from ecocompute_lint.report.style import safe
from ecocompute_lint.report.summary import View

if TYPE_CHECKING:
    from ecocompute_lint.audit import FileReport, Report
    from ecocompute_lint.cli.request import Request
    from ecocompute_lint.repairs import FixOutcome


def run_fix(request: Request) -> int:
    """Audit, repair file by file, report what was mended and what is left."""
    start = time.perf_counter()
    report = audit(request, with_edits=False)
    wanted = view_of(report, request, source_lines).repairable
    files: list[FileReport] = []
    repaired: list[Repaired] = []
    problems: list[Problem] = []
    for file in report.files:
        if any(map(wanted, file.findings)):
            file, done = _one(file, request, problems)
        else:
            done = _untouched(file, request)
        files.append(file)
        if done.fixed or done.left:
            repaired.append(done)
    for problem in problems:
        say(f"{safe(problem.path)}: {safe(problem.message)}")
    after = replace(
        report,
        files=tuple(files),
        problems=(*report.problems, *problems),
        seconds=time.perf_counter() - start,
    )
    view = view_of(after, request, source_lines)
    return close(request, view, repaired, not after.failed, taken=request.diff)


def close(
    request: Request, view: View, repaired: Sequence[Repaired], good: bool, *, taken: bool
) -> int:
    """Write the reports; the exit status. A dry run is judged like an audit."""
    written = write_reports(view, request, repaired=repaired, stdout=not taken)
    findings = list(view.report.findings)
    if request.diff:
        findings += [finding for file in repaired for finding in file.fixed]
    return exit_status(request, findings, good and written)


# --- one file -----------------------------------------------------------------------------------


def _one(
    file: FileReport, request: Request, problems: list[Problem]
) -> tuple[FileReport, Repaired]:
    from ecocompute_lint.fixes.apply import CannotWrite, recoded
    from ecocompute_lint.sources import registry
    from ecocompute_lint.sources.text import UnreadableSource

    path = Path(file.path)
    try:
        data = contents(path)
        decoded = registry.decoded(file.path, data)
        outcome = try_to_fix(decoded.text, file.path, request)
        if outcome.problem is not None:
            problems.append(outcome.problem)
            return file, Repaired(file.path)
        if outcome.text != decoded.text:
            deliver(path, data, recoded(data, decoded, outcome.text), request)
    except (CannotWrite, UnreadableSource, UnicodeError) as error:
        problems.append(Problem("not-written", file.path, f"not written: {error}"))
        return file, Repaired(file.path)
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        problems.append(Problem("not-written", file.path, f"not written: {reason}"))
        return file, Repaired(file.path)
    return report_of(file, outcome), repaired_of(file.path, outcome, request)


def deliver(path: Path, old: bytes, new: bytes, request: Request) -> None:
    """Write what has become of a file, or print the difference."""
    from ecocompute_lint.fixes.apply import write_atomically

    if request.diff:
        write_bytes(diff_bytes(str(path), old, new))
        return
    # A link may lead anywhere; only what lies in the same project is ours to change.
    root = request.finder(path).root if path.is_symlink() else None
    write_atomically(path, old, new, root=root)


def try_to_fix(text: str, path: str, request: Request) -> FixOutcome:
    """Repair a text. A fault of ours becomes a problem of this file alone."""
    from ecocompute_lint.config import ConfigError
    from ecocompute_lint.engine.catalogue import RuleError
    from ecocompute_lint.narrowing import key_of
    from ecocompute_lint.repairs import FixOutcome, fixer

    try:
        spared = request.narrowing.spared.get(path)
        unwanted = None if spared is None else lambda item: key_of(item) in spared
        return fixer(path)(text, path=path, settings=request.finder(path), unwanted=unwanted)
    except (ConfigError, RuleError):
        raise
    except Exception as error:
        message = f"internal error, please report it: {type(error).__name__}: {error}"
        return FixOutcome(text, problem=Problem("internal", path, message))


def diff_bytes(path: str, old: bytes, new: bytes) -> bytes:
    """The diff between two contents in the file's own encoding."""
    from ecocompute_lint.fixes.apply import unified_diff

    # Latin-1 carries every byte through; the names in the two header lines are text.
    name = os.path.relpath(path) if os.path.isabs(path) else path
    text = unified_diff(name, _raw(old), _raw(new))
    header, separator, body = _split_header(text)
    return header.encode("utf-8", "surrogateescape") + separator + body.encode("latin-1")


def _raw(data: bytes) -> str:
    return data.decode("latin-1")


def _split_header(text: str) -> tuple[str, bytes, str]:
    if not text:
        return "", b"", ""
    first, second, body = text.split("\n", 2)
    return f"{first}\n{second}", b"\n", body


# --- results ------------------------------------------------------------------------------------


def report_of(file: FileReport, outcome: FixOutcome) -> FileReport:
    """The report of a file after its repair."""
    left = (*outcome.left, *(finding for finding, _ in outcome.refused))
    found = tuple(sorted(left, key=lambda item: item.sort_key))
    return replace(file, findings=found, left_out=())


def run_of(path: str, outcome: FixOutcome, seconds: float) -> Report:
    """The report of a run on one text after its repair."""
    from ecocompute_lint.audit import FileReport, Report

    failed = outcome.problem is not None
    file = FileReport(path, "failed" if failed else "examined", problem=outcome.problem)
    return Report((report_of(file, outcome),), (), seconds)


def repaired_of(path: str, outcome: FixOutcome, request: Request) -> Repaired:
    """What became of the findings of one file."""
    refused = [(finding, f"{reason}; {_advice(finding)}") for finding, reason in outcome.refused]
    left = [(finding, _why_left(finding, request)) for finding in outcome.left]
    shown = [item for item in (*refused, *left) if item[0].level > Level.GREEN]
    return Repaired(path, outcome.fixed, tuple(sorted(shown, key=lambda item: item[0].sort_key)))


def _untouched(file: FileReport, request: Request) -> Repaired:
    left = [
        (finding, _why_left(finding, request))
        for finding in file.findings
        if finding.level > Level.GREEN
    ]
    return Repaired(file.path, (), tuple(left))


def _why_left(finding: Finding, request: Request) -> str:
    fix = finding.fix
    if fix is not None and fix.available:
        level = request.finder(finding.path).fix_level
        if fix.level > level:
            return f"left out by --fix-level {level.label}"
        return f"no safe edit here; {_advice(finding)}"
    return f"needs a decision, {_advice(finding)}"


def _advice(finding: Finding) -> str:
    return f"see `ecolint rule {finding.code}`"
