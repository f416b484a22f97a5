"""An audit as the lobster tells it in a comment on a pull request, which takes so much text."""

from __future__ import annotations

from ecocompute_lint.findings import Finding, Level
from ecocompute_lint.report.document import Items, markdown
from ecocompute_lint.report.lobster.audit import document, good, issue
from ecocompute_lint.report.lobster.voice import Voice
from ecocompute_lint.report.markdown import LIMIT, MARK, SPARE
from ecocompute_lint.report.style import Style
from ecocompute_lint.report.summary import View


def comment(view: View, voice: Voice, style: Style) -> str:
    """The comment, with the same first line as the plain one: a workflow replaces either."""
    whole = markdown(document(view, voice, style, _fitting(view, voice, style)))
    return f"{MARK}\n\n{whole}"


def _fitting(view: View, voice: Voice, style: Style) -> list[Finding]:
    """The findings that there is room for, the worst first, in reading order."""
    room = LIMIT - SPARE - len(markdown(document(view, voice, style, ())))
    order = sorted(range(len(view.findings)), key=lambda i: -view.findings[i].level)
    kept: list[int] = []
    for number in order:
        room -= _size(view.findings[number], view, voice, style)
        if room < 0:
            break
        kept.append(number)
    return [view.findings[number] for number in sorted(kept)]


def _size(finding: Finding, view: View, voice: Voice, style: Style) -> int:
    if finding.level is Level.GREEN:
        return len(markdown([Items([good(finding, voice)])]))
    return len(markdown(tuple(issue(finding, view, voice, style)))) + 1
