"""``--add-noqa``: comments that silence what is found."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ecocompute_lint.cli.fix import deliver
from ecocompute_lint.cli.run import audit, exit_status, source_lines, view_of, write_reports
from ecocompute_lint.cli.terminal import say
from ecocompute_lint.files import contents
from ecocompute_lint.findings import Finding, Level, Problem
from ecocompute_lint.report.style import plural, safe

if TYPE_CHECKING:
    from ecocompute_lint.annotate import Annotated
    from ecocompute_lint.audit import FileReport
    from ecocompute_lint.cli.request import Request


def checked(reason: str) -> str:
    """A reason that can stand in a comment. Raises UsageError."""
    from ecocompute_lint.suppress import SKIP, silenced

    text = " ".join(reason.split())
    if not text or not text.isprintable():
        raise click.UsageError("--add-noqa: expected a reason, in one line of words")
    for comment in (f"# noqa: ECO101 {text}", f"# ecolint: ignore[ECO101] {text}"):
        first, *more = silenced(comment)
        odd = any(not code or code.startswith("ECO") for code in more)
        if first != "ECO101" or odd or SKIP.search(comment):
            raise click.UsageError("--add-noqa: the reason reads as a comment that silences more")
    return text


def run_noqa(request: Request) -> int:
    """Audit, silence what is found, report what is left."""
    assert request.add_noqa is not None
    report = audit(request, with_edits=False)
    files: list[FileReport] = []
    problems: list[Problem] = []
    count = 0
    for file in report.files:
        wanted = [item for item in file.findings if item.level > Level.GREEN]
        if wanted:
            made = _one(file, wanted, request, problems)
            count += len(made.done)
            _tell(file, made)
            left = tuple(item for item in file.findings if item not in made.done)
            done = file.suppressed + len(made.done)
            file = replace(file, findings=left, suppressed=done, left_out=())
        files.append(file)
    for problem in problems:
        say(f"{safe(problem.path)}: {safe(problem.message)}")
    after = replace(report, files=tuple(files), problems=(*report.problems, *problems))
    if not request.quiet:
        say(f"{plural(count, 'finding')} {'would be ' if request.diff else ''}silenced")
    view = view_of(after, request, source_lines)
    written = write_reports(view, request, stdout=not request.diff)
    return exit_status(request, after.findings, written and not after.failed)


def _one(
    file: FileReport, wanted: list[Finding], request: Request, problems: list[Problem]
) -> Annotated:
    from ecocompute_lint.annotate import Annotated, annotate
    from ecocompute_lint.audit import auditor
    from ecocompute_lint.fixes.apply import CannotWrite, recoded
    from ecocompute_lint.sources import registry
    from ecocompute_lint.sources.text import UnreadableSource

    assert request.add_noqa is not None
    path = Path(file.path)
    try:
        data = contents(path)
        decoded = registry.decoded(file.path, data)
        settings = request.finder(file.path)
        # What a baseline leaves out is found all the same.
        whole = auditor(file.path)(decoded.text, path=file.path, settings=settings)
        made = annotate(decoded.text, whole, wanted, request.add_noqa, settings)
        if made.text != decoded.text:
            deliver(path, data, recoded(data, decoded, made.text), request)
    except (CannotWrite, UnreadableSource, UnicodeError) as error:
        problems.append(Problem("not-written", file.path, f"not written: {error}"))
        return Annotated("")
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        problems.append(Problem("not-written", file.path, f"not written: {reason}"))
        return Annotated("")
    return made


def _tell(file: FileReport, made: Annotated) -> None:
    for item, why in made.refused:
        cell = "" if item.cell is None else f"cell {item.cell}:"
        say(f"{safe(file.path)}:{cell}{item.place.line}: {item.code} not silenced: {why}")
