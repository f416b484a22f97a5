"""Auditing and repairing what comes on standard input, as editors ask for it."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from ecocompute_lint.cli.run import exit_status, lines_of, view_of, write_reports
from ecocompute_lint.cli.terminal import read_bytes, say, write_bytes
from ecocompute_lint.discovery import is_excluded
from ecocompute_lint.findings import Problem

if TYPE_CHECKING:
    from ecocompute_lint.audit import FileReport
    from ecocompute_lint.cli.request import Request
    from ecocompute_lint.sources.text import Decoded


def run_on_stdin(request: Request) -> int:
    """Audit standard input; with ``--fix`` the repaired text goes to standard output."""
    from ecocompute_lint.audit import FileReport
    from ecocompute_lint.sources import registry
    from ecocompute_lint.sources.text import Decoded, UnreadableSource

    data = read_bytes()
    name = request.stdin_filename
    settings = request.finder(name)
    if settings.force_exclude and is_excluded(name, request.finder):
        return _pass_through(request, data)
    start = time.perf_counter()
    try:
        decoded = registry.decoded(name, data)
    except UnreadableSource as error:
        problem = Problem("ECO000", name, error.reason, error.line)
        if request.fix and not request.diff:
            write_bytes(data)
        return _report(request, FileReport(name, "failed", problem=problem), Decoded(""), start)
    from ecocompute_lint.audit import Report, auditor

    if request.fix or request.diff:
        if settings.baseline is not None:
            before = auditor(name)(decoded.text, path=name, settings=settings)
            request.narrowing(Report((before,)), lambda _: decoded.text)
        return _repair(request, data, decoded)
    report = auditor(name)(
        decoded.text,
        path=name,
        settings=settings,
        with_edits=request.wants_edits,
        thorough=not settings.force_exclude,
    )
    return _report(request, report, decoded, start)


def _pass_through(request: Request, data: bytes) -> int:
    if request.fix and not request.diff:
        write_bytes(data)
    return 0


def _report(request: Request, report: FileReport, decoded: Decoded, start: float) -> int:
    from ecocompute_lint.audit import Report

    run = Report((report,), (), time.perf_counter() - start)
    run = request.narrowing(run, lambda _: decoded.text)
    view = view_of(run, request, lambda _, cell: lines_of(decoded.text, cell))
    taken = request.fix and not request.diff
    written = write_reports(view, request, stdout=not taken)
    return exit_status(request, run.findings, written and not run.failed)


def _repair(request: Request, data: bytes, decoded: Decoded) -> int:
    from ecocompute_lint.cli.fix import close, diff_bytes, repaired_of, run_of, try_to_fix
    from ecocompute_lint.sources.text import encode

    name = request.stdin_filename
    start = time.perf_counter()
    outcome = try_to_fix(decoded.text, name, request)
    problem = outcome.problem
    new = data
    if problem is None and outcome.text != decoded.text:
        new = encode(outcome.text, decoded)
    if request.diff:
        write_bytes(diff_bytes(name, data, new))
    else:
        write_bytes(new)
    if problem is not None:
        say(f"{name}: {problem.message}")
    repaired = repaired_of(name, outcome, request)
    run = run_of(name, outcome, time.perf_counter() - start)
    view = view_of(run, request, lambda _, cell: lines_of(outcome.text, cell))
    return close(request, view, [repaired], problem is None, taken=True)
