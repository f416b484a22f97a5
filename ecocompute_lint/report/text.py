"""The report for people: what is wrong, where, why, and what to do."""

from __future__ import annotations

from collections.abc import Iterator

from ecocompute_lint.findings import Confidence, Finding, Problem
from ecocompute_lint.report.evidence import evidence_lines, repair_cost
from ecocompute_lint.report.source import excerpt
from ecocompute_lint.report.style import LEVEL_STYLES, Style, leading, safe
from ecocompute_lint.report.summary import View, summary

_NUMERIC = "numeric: outputs can change"


def render(view: View, style: Style) -> str:
    """The whole report."""
    blocks = [*problem_lines(view, style), *(_finding(item, view, style) for item in view.findings)]
    blocks.append("\n".join(summary(view, style)))
    return "\n\n".join(blocks) + "\n"


def problem_lines(view: View, style: Style) -> Iterator[str]:
    """The files that could not be analysed."""
    for file in view.report.files:
        if file.problem is not None:
            yield problem_line(file.problem, style)


def problem_line(problem: Problem, style: Style) -> str:
    """A file that could not be analysed, on one line."""
    place = ":".join(str(part) for part in (problem.line, problem.column) if part is not None)
    where = leading(problem.path) + (f":{place}" if place else "")
    code = style.paint(problem.code, "bold")
    return f"{style.paint(where, 'bold')}  {code}  could not be analysed: {safe(problem.message)}"


def place_of(finding: Finding) -> str:
    """``path:line:column``, which editors and terminals can open."""
    cell = f":cell {finding.cell}" if finding.cell is not None else ""
    return f"{leading(finding.path)}{cell}:{finding.place.line}:{finding.place.column}"


def _finding(finding: Finding, view: View, style: Style) -> str:
    level = style.paint(finding.level.label.upper(), LEVEL_STYLES[finding.level])
    head = [style.paint(place_of(finding), "bold"), finding.code, level, finding.name]
    if finding.confidence is not Confidence.CERTAIN:
        head.append(style.paint(f"({finding.confidence.label})", "bright_black"))
    lines = ["  ".join(head)]
    lines += excerpt(view.lines(finding.path, finding.cell), finding, style)
    lines += style.wrap(finding.message, "  ")
    if about := _about(finding, style):
        lines.append(style.paint("  " + about, "bright_black"))
    lines += evidence_lines(finding, style, view.repairable(finding))
    lines += _fix(finding, view, style)
    return "\n".join(lines)


def _about(finding: Finding, style: Style) -> str:
    """The model and the card, where they are known."""
    facts = [safe(finding.model)] if finding.model else []
    if finding.params_b is not None:
        facts.append(f"{finding.params_b:.3g} B")
    if finding.gpu:
        assumed = " (assumed)" if finding.evidence.get("gpu_assumed") else ""
        facts.append(f"{safe(finding.gpu)}{assumed}")
    if finding.cost is not None:
        facts.append(f"batch {finding.evidence['batch_size']}")
    return f" {style.dot} ".join(facts) if finding.model else ""


def _fix(finding: Finding, view: View, style: Style) -> list[str]:
    fix = finding.fix
    if fix is None:
        return []
    if not fix.available:
        label, note = "by hand", ""
    elif view.repairable(finding):
        label, note = "--fix", _NUMERIC if fix.level.label == "numeric" else fix.level.label
    else:
        label, note = "fix", f"{fix.level.label}, left out by the fix level"
    if note == _NUMERIC and (loss := repair_cost(finding, style)):
        note = f"{note}; {loss}"
    first, *rest = style.wrap(f"{fix.description}{f' ({note})' if note else ''}", "  ")
    painted = style.paint(label, "bold green" if label == "--fix" else "bold")
    return [f"  {painted}: {first.lstrip()}", *rest]
