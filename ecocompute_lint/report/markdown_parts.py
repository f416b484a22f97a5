"""Findings in Markdown, and text from audited files that stays text there."""

from __future__ import annotations

import difflib
from collections import defaultdict
from collections.abc import Iterator, Sequence

from ecocompute_lint.findings import Confidence, Edit, Finding, FixLevel, Place, Problem
from ecocompute_lint.report import document
from ecocompute_lint.report.document import escaped
from ecocompute_lint.report.escape import as_text
from ecocompute_lint.report.evidence import choice_rows, repair_cost
from ecocompute_lint.report.files import Files
from ecocompute_lint.report.rule_help import fenced, language_of
from ecocompute_lint.report.source import masked_line
from ecocompute_lint.report.style import Style, safe
from ecocompute_lint.report.summary import View

_STYLE = Style()
_MOST_LINES = 12
"""Lines of an excerpt, and of a diff twice as many."""
_WIDEST = 160
_LONGEST = 2_000
"""Characters of a sentence: what it quotes may be of any length."""
_LONGEST_CODE = 300


# -- text


def prose(text: str, most: int = _LONGEST) -> str:
    """Text that means the same in Markdown, on one line."""
    text = text.strip()
    if len(text) > most:
        text = text[:most] + " …"
    return escaped(text)


def code(text: str) -> str:
    """Text as code inside a line, whatever it holds; of a long one the end."""
    text = safe(text)
    return document.code(text if len(text) <= _LONGEST_CODE else f"…{text[-_LONGEST_CODE:]}")


def table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table; columns whose heading begins with ``>`` are set to the right."""
    marks = ["---:" if head.startswith(">") else "---" for head in heads]
    titles = [head.lstrip(">") for head in heads]
    lines = [titles, marks, *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


# -- where


def place_of(finding: Finding, files: Files) -> str:
    """Path and line."""
    cell = f":cell {finding.cell}" if finding.cell is not None else ""
    return code(f"{files.path(finding.path)}{cell}:{finding.place.line}")


def problem(item: Problem, files: Files) -> str:
    """What could not be analysed, and why."""
    line = f":{item.line}" if item.line is not None else ""
    return f"{code(files.path(item.path) + line)}: {prose(item.message, _LONGEST_CODE)}"


# -- findings


def issue(finding: Finding, view: View, files: Files) -> str:
    """What is wrong: the place, the code, the sentence, and the choices side by side."""
    sure = "" if finding.confidence is Confidence.CERTAIN else f" ({finding.confidence.label})"
    blocks = [f"#### {finding.code} {prose(finding.name)}{sure}: {place_of(finding, files)}"]
    if lines := _excerpt(finding, view):
        blocks.append(fenced("\n".join(lines), language_of(finding.path)))
    blocks.append(prose(finding.message))
    if about := _about(finding):
        blocks.append(about)
    if compared := choices(finding, view.repairable(finding)):
        blocks.append(compared)
    return "\n\n".join(blocks)


def good(finding: Finding, files: Files) -> str:
    """A good choice."""
    name = f"{finding.code} {prose(finding.name)}"
    return f"- {place_of(finding, files)} {name}: {prose(finding.message)}"


def change(finding: Finding, view: View, files: Files) -> str:
    """What to do, the edit, and what it is expected to bring; empty where nobody knows."""
    fix = finding.fix
    if fix is None:
        return ""
    blocks = [f"#### {finding.code}: {place_of(finding, files)}", prose(fix.description)]
    if lines := _diff(finding, view):
        blocks.append(fenced("\n".join(lines), "diff"))
    blocks[1] = f"{blocks[1].rstrip('.')} ({_how(finding, view)})."
    if impact := _impact(finding, view):
        blocks.append(f"**Expected impact:** {impact}")
    return "\n\n".join(blocks)


def _how(finding: Finding, view: View) -> str:
    fix = finding.fix
    assert fix is not None
    if not fix.available:
        return "by hand"
    done = "`--fix` makes it" if view.repairable(finding) else "left out by the fix level"
    if fix.level is not FixLevel.NUMERIC:
        return f"{done}; outputs cannot change"
    loss = repair_cost(finding, _STYLE)
    return f"{done}; outputs can change{f', {prose(loss)}' if loss else ''}"


def _about(finding: Finding) -> str:
    if not finding.model:
        return ""
    facts = [code(finding.model)]
    if finding.params_b is not None:
        facts.append(f"{finding.params_b:.3g} B")
    if finding.gpu:
        assumed = " (assumed)" if finding.evidence.get("gpu_assumed") else ""
        facts.append(f"{code(finding.gpu)}{assumed}")
    if finding.cost is not None:
        facts.append(f"batch {finding.evidence['batch_size']}")
    return " · ".join(facts)


def choices(finding: Finding, fixes: bool) -> str:
    """The table of choices, empty where the data hold no figures for it."""
    rows = []
    for row in choice_rows(finding, _STYLE, fixes):
        role, label, _, basis, energy, changed, money, note = map(prose, row)
        rows.append((role, label, energy, changed, money, basis, note))
    heads = ("", "choice", ">J/1k tok", ">change", ">USD/month", "basis", "")
    return table(heads, rows) if rows else ""


def _impact(finding: Finding, view: View) -> str:
    """From the present choice to the one that the repair leads to, else to the best one."""
    choices = {item["role"]: item for item in reversed(finding.evidence.get("choices", ()))}
    now, then = choices.get("now"), choices.get("fix") or choices.get("best")
    if finding.cost is None or now is None or then is None:
        return ""
    before, after = now["energy_j_per_1k_tok"], then["energy_j_per_1k_tok"]
    if not before or not after or then["change_vs_now_pct"] is None:
        return ""
    signed = f"{then['change_vs_now_pct']:+,.0f}".replace("-", "−")
    text = (
        f"{prose(now['label'])} → {prose(then['label'])}: {before['value']:,.0f} → "
        f"{after['value']:,.0f} J per 1,000 tokens ({signed} %, {after['basis']})"
    )
    old, new = now["per_month"], then["per_month"]
    if old and new:
        text += f", USD {old['usd']['value']:,.2f} → {new['usd']['value']:,.2f} a month"
        kg = old["kg_co2e"]["value"], new["kg_co2e"]["value"]
        text += f", {kg[0]:,.0f} → {kg[1]:,.0f} kg CO2e"
    return f"{text}."


# -- code


def _excerpt(finding: Finding, view: View) -> list[str]:
    lines = view.lines(finding.path, finding.cell)
    place = finding.place
    if not 1 <= place.line <= len(lines):
        return []
    last = min(place.end_line, len(lines), place.line + _MOST_LINES - 1)
    shown = [_short(line) for line in lines[place.line - 1 : last]]
    return [*shown, "…"] if last < place.end_line else shown


def _short(line: str) -> str:
    line = as_text(masked_line(line)).expandtabs(4)
    return line if len(line) <= _WIDEST else f"{line[:_WIDEST]}…"


def _diff(finding: Finding, view: View) -> list[str]:
    edits: dict[int | None, list[Edit]] = defaultdict(list)
    for edit in finding.fix.edits if finding.fix is not None else ():
        edits[edit.cell].append(edit)
    lines: list[str] = []
    for cell, found in edits.items():
        lines += _of_one(view.lines(finding.path, cell), found)
    most = 2 * _MOST_LINES
    return lines if len(lines) <= most else [*lines[:most], "…"]


def _of_one(lines: Sequence[str], edits: Sequence[Edit]) -> Iterator[str]:
    """The lines that edits change, with a line of context around them."""
    from ecocompute_lint.fixes.apply import apply_edits

    first = max(0, min(edit.place.line for edit in edits) - 3)
    last = max(edit.place.end_line for edit in edits) + 2
    old = list(lines[first:last])
    try:
        text = apply_edits("\n".join(old), [_moved(edit, -first) for edit in edits])
    except ValueError:  # the file is no longer what was audited
        return
    new = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    matcher = difflib.SequenceMatcher(None, old, new, autojunk=False)
    for group in matcher.get_grouped_opcodes(1):
        yield f"@@ line {first + group[0][1] + 1} @@"
        for tag, a, b, c, d in group:
            if tag == "equal":
                yield from (f" {_short(line)}" for line in old[a:b])
            else:
                yield from (f"-{_short(line)}" for line in old[a:b])
                yield from (f"+{_short(line)}" for line in new[c:d])


def _moved(edit: Edit, by: int) -> Edit:
    place = edit.place
    moved = Place(place.line + by, place.column, place.end_line + by, place.end_column)
    return Edit(moved, edit.text, edit.cell)
