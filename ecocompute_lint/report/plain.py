"""The formats for a terminal: which of the reports for people a run asks for."""

from __future__ import annotations

from ecocompute_lint.report.formats import Run


def text(run: Run) -> str:
    """The report for people: with excerpts, counts only, or what a repair did."""
    if (found := _other(run)) is not None:
        return found
    if run.quiet:
        return _concise(run)
    from ecocompute_lint.report import text as report

    return report.render(run.view, run.style)


def concise(run: Run) -> str:
    """A line per finding, counts only, or what a repair did."""
    found = _other(run)
    return _concise(run) if found is None else found


def _concise(run: Run) -> str:
    from ecocompute_lint.report import concise as report

    return report.render(run.view, run.style, quiet=run.quiet)


def _other(run: Run) -> str | None:
    """What options ask for in place of findings."""
    if run.statistics:
        from ecocompute_lint.report import statistics

        return statistics.render(run.view, run.style)
    if run.repaired is not None and not run.quiet:
        from ecocompute_lint.report import repair
        from ecocompute_lint.report.text import problem_lines

        lines = "".join(f"{line}\n" for line in problem_lines(run.view, run.style))
        return lines + repair.render(run.repaired, run.style, dry=run.dry)
    return None
