"""Running an audit and writing its reports."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING

from ecocompute_lint.cli.terminal import say, style_for, write, write_bytes, write_file
from ecocompute_lint.files import contents
from ecocompute_lint.findings import Finding, Level, Problem
from ecocompute_lint.garbage import collect_seldom
from ecocompute_lint.report.formats import FORMATS, Run
from ecocompute_lint.report.repair import Repaired
from ecocompute_lint.report.style import Style, safe
from ecocompute_lint.report.summary import Lines, View

if TYPE_CHECKING:
    from ecocompute_lint.audit import Report
    from ecocompute_lint.cli.request import Request
    from ecocompute_lint.config import Settings

_FAILING = {"red": Level.RED, "yellow": Level.YELLOW}


def run_audit(request: Request) -> int:
    """Audit and report."""
    report = audit(request)
    if request.write_baseline is not None:
        from ecocompute_lint.cli.newness import write_baseline

        return write_baseline(report, request)
    view = view_of(report, request, source_lines)
    written = write_reports(view, request)
    return exit_status(request, report.findings, written and not report.failed)


def audit(request: Request, *, with_edits: bool | None = None) -> Report:
    """Audit the paths of a request; what belongs to no file goes to standard error."""
    from ecocompute_lint.audit import audit_paths
    from ecocompute_lint.cli.progress import Progress

    narrowing = request.narrowing
    collect_seldom()
    with Progress(wanted=not request.quiet) as progress:
        report = audit_paths(
            request.paths,
            overrides=request.overrides,
            config=request.config,
            with_edits=request.wants_edits if with_edits is None else with_edits,
            jobs=request.jobs,
            cached=request.cached,
            progress=progress,
            only=narrowing.wants,
        )
    report = narrowing(report)
    if narrowing.in_use or request.prune_baseline:
        from ecocompute_lint.cli.newness import tell_stale

        tell_stale(request)
    for problem in report.problems:
        say(_problem(problem) + _meant(problem))
    if request.verbose:
        for file in report.files:
            reason = f" ({file.reason})" if file.reason else ""
            say(f"{safe(file.path)}: {file.status}{reason}")
    return report


def _problem(problem: Problem) -> str:
    # The message of a configuration names its file, the key and the line itself.
    if problem.code == "config":
        return safe(problem.message)
    return f"{safe(problem.path)}: {safe(problem.message)}"


def _meant(problem: Problem) -> str:
    """A word more where somebody mistyped a subcommand."""
    import difflib

    from ecocompute_lint.cli.app import COMMANDS

    near = difflib.get_close_matches(problem.path, COMMANDS, n=1)
    return f" (did you mean the command `{near[0]}`?)" if near else ""


def view_of(report: Report, request: Request, lines: Lines) -> View:
    """The report with what the settings of each file say about it."""
    settings = request.finder
    shown = tuple(
        finding
        for finding in report.findings
        if finding.level > Level.GREEN or settings(finding.path).show_good
    )

    def repairable(finding: Finding) -> bool:
        fix = finding.fix
        return fix is not None and fix.available and fix.level <= settings(finding.path).fix_level

    return View(report, shown, repairable, lines)


@lru_cache(maxsize=4)
def _source(path: str) -> str:
    """The text of a file, empty where it cannot be read any more."""
    from ecocompute_lint.sources import registry
    from ecocompute_lint.sources.text import UnreadableSource

    try:
        return registry.decoded(path, contents(path)).text
    except (OSError, UnreadableSource):
        return ""


def source_lines(path: str, cell: int | None = None) -> Sequence[str]:
    """The lines of a file, or of a cell of the notebook there."""
    return lines_of(_source(path), cell)


@lru_cache(maxsize=16)
def lines_of(text: str, cell: int | None) -> Sequence[str]:
    """The lines of a text, or of a cell of the notebook that it is."""
    if cell is None:
        return split_lines(text)
    from ecocompute_lint.sources.documents import Unreadable
    from ecocompute_lint.sources.notebook import read

    try:
        return split_lines(read(text).source(cell))
    except Unreadable:
        return ()


def split_lines(text: str) -> list[str]:
    """Lines as Python counts them."""
    return text.replace("\r\n", "\n").replace("\r", "\n").split("\n")


# --- reports ------------------------------------------------------------------------------------


def write_reports(
    view: View,
    request: Request,
    *,
    repaired: Sequence[Repaired] | None = None,
    stdout: bool = True,
) -> bool:
    """Write every report where it belongs; false if one could not be written.

    `repaired` is what a repair did, if there was one. `stdout` false: standard output is taken, so
    reports go to standard error.
    """
    stream = sys.stdout if stdout else sys.stderr
    good = True
    for name, place in request.destinations:
        form = FORMATS[name]
        if place in (None, "-"):
            style = style_for(stream, request.color)
            text = _render(name, _run(view, request, style, repaired), stream.encoding)
            if stdout and not form.terminal:
                write_bytes(text.encode("utf-8", "backslashreplace"))
            else:
                write(text, stream)
            continue
        assert place is not None
        style = Style(color=request.color == "always")
        good &= _save(place, _render(name, _run(view, request, style, repaired)))
    _echo_failures(view, request)
    return good


def _save(place: str, text: str) -> bool:
    try:
        write_file(place, text)
    except OSError as error:
        say(f"--output {safe(place)}: {(error.strerror or str(error)).lower()}")
        return False
    return True


def _render(name: str, run: Run, encoding: str | None = None) -> str:
    """A report. `encoding` is that of a terminal; a file is UTF-8."""
    form, settings = FORMATS[name], run.settings(None)
    short = form.terminal and (run.quiet or run.statistics)
    if settings.style == "lobster" and form.retold and not short and run.repaired is None:
        from ecocompute_lint.cli import lobster

        return lobster.audit(run.view, settings, run.style, encoding, name)
    return form.render(run)


def _run(view: View, request: Request, style: Style, repaired: Sequence[Repaired] | None) -> Run:
    def settings(path: str | None) -> Settings:
        return _settings_here(request) if path is None else request.finder(path)

    return Run(view, style, settings, repaired, request.diff, request.quiet, request.statistics)


def _settings_here(request: Request) -> Settings:
    """The settings of the current directory, or those of the options where it has bad ones."""
    from ecocompute_lint.config import ConfigError, load_settings

    try:
        return request.finder.here()
    except ConfigError:
        return load_settings(None, request.overrides)


def _echo_failures(view: View, request: Request) -> None:
    """Say on standard error what no report on standard output says to people."""
    told = not request.statistics
    if told and any(FORMATS[name].told and place is None for name, place in request.destinations):
        return
    for file in view.report.files:
        if (problem := file.problem) is not None:
            line = f":{problem.line}" if problem.line else ""
            say(f"{safe(problem.path)}{line}: {problem.code} {safe(problem.message)}")


# --- the exit status ----------------------------------------------------------------------------


def exit_status(request: Request, findings: Iterable[Finding], good: bool) -> int:
    """2 if the run itself failed, 1 if a finding fails it, else 0."""
    if not good:
        return 2
    if request.exit_zero:
        return 0
    for finding in findings:
        least = _FAILING.get(request.finder(finding.path).fail_on)
        if least is not None and finding.level >= least:
            return 1
    return 0
