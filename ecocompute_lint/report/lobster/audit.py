"""An audit as the lobster tells it, as a document for terminals and Markdown."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from ecocompute_lint.findings import Confidence, Finding, Level, Problem
from ecocompute_lint.knowledge import citation
from ecocompute_lint.report.document import (
    Alert,
    Block,
    Document,
    Grid,
    Heading,
    Items,
    Paragraph,
    Source,
)
from ecocompute_lint.report.evidence import choice_rows, repair_cost
from ecocompute_lint.report.lobster.mood import OF_LEVEL, Mood, verdict
from ecocompute_lint.report.lobster.voice import LOBSTER, PARTY, Voice
from ecocompute_lint.report.source import excerpt
from ecocompute_lint.report.style import Style
from ecocompute_lint.report.summary import View
from ecocompute_lint.report.table import Column
from ecocompute_lint.report.totals import Total, total

_WORST = 3
"""So many findings stand in the alert."""
_MOST_LINES = 20
"""Of files that could not be analysed, where room is short."""


def document(
    view: View, voice: Voice, style: Style, told: Sequence[Finding] | None = None
) -> Document:
    """The whole report. `style` draws excerpts and bars.

    `told` are the findings that there is room for, in reading order; None for all.
    """
    found = verdict(view)
    short = told is not None
    told = view.findings if told is None else told
    return [
        Heading(title(voice, found.mood), 1, style=found.mood.style),
        Alert(_alert(view, voice, found.why), found.mood.alert, found.mood.style),
        *_cut(view, voice, told),
        *_chart(view, voice),
        *_problems(view, voice, _MOST_LINES if short else None),
        *_findings(view, voice, style, told),
        *_praise(view, voice, told),
        *_closing(view, voice),
        Paragraph(_cited(voice)),
    ]


def title(voice: Voice, mood: Mood) -> str:
    """The first line: the label of the mood."""
    return f"{voice.mood(mood)} · {voice.sign(LOBSTER)}{voice(f'cry.{mood.key}')}"


# --- the alert ------------------------------------------------------------------------------------


def _alert(view: View, voice: Voice, why: str) -> list[str]:
    lines = [voice(f"why.{why}")]
    worst = max((finding.level for finding in view.bad), default=Level.GREEN)
    if worst in (Level.RED, Level.YELLOW):
        first = [finding for finding in view.bad if finding.level is worst]
        lines += [f"{_where(item)}  {item.code} {item.name}" for item in first[:_WORST]]
        if len(first) > _WORST:
            lines.append(voice("audit.more"))
    if (sum_ := total(view.findings)) is not None and sum_.deployments:
        lines.append(_costs(sum_, voice))
    if view.failed:
        lines.append(voice("audit.failed", count=f"{view.failed:,}"))
    return lines


def _costs(found: Total, voice: Voice) -> str:
    return voice(
        "audit.costs",
        usd=f"{found.usd:,.2f}",
        low=f"{found.usd_low:,.2f}",
        high=f"{found.usd_high:,.2f}",
        kwh=f"{found.kwh:,.0f}",
        kg=f"{found.kg_co2e:,.0f}",
        km=f"{found.car_km:,.0f}",
    )


def _where(finding: Finding) -> str:
    cell = f":cell {finding.cell}" if finding.cell is not None else ""
    return f"{finding.path}{cell}:{finding.place.line}:{finding.place.column}"


def _cut(view: View, voice: Voice, told: Sequence[Finding]) -> Iterator[Block]:
    """That findings are left out."""
    if left := len(view.findings) - len(told):
        yield Paragraph(voice("audit.cut", kept=f"{len(told):,}", left=f"{left:,}"))


# --- the chart ------------------------------------------------------------------------------------


def _chart(view: View, voice: Voice) -> Iterator[Block]:
    """How many findings are of each mood."""
    counts = {**view.levels, Level.GREEN: view.good}
    shown = [level for level in sorted(Level, reverse=True) if counts.get(level)]
    if shown:
        yield Heading(voice("chart.findings"))
        yield Grid(
            (Column(voice("column.mood")), Column(voice("column.findings"), True)),
            [[voice.color(OF_LEVEL[level]), f"{counts[level]:,}"] for level in shown],
            [float(counts[level]) for level in shown],
            1,
        )


# --- what was found -------------------------------------------------------------------------------


def _problems(view: View, voice: Voice, most: int | None) -> Iterator[Block]:
    """The files that could not be analysed."""
    found = [file.problem for file in view.report.files if file.problem is not None]
    if found:
        yield Heading(voice("audit.problems"))
        items = [_problem(item, voice) for item in found[:most]]
        if left := len(found) - len(items):
            items.append(voice("audit.more_files", count=f"{left:,}"))
        yield Items(items)


def _problem(problem: Problem, voice: Voice) -> str:
    parts = (problem.path, problem.line, problem.column)
    place = ":".join(str(part) for part in parts if part is not None)
    return f"{place}  {problem.code}  {voice.said(problem.message)}"


def _findings(view: View, voice: Voice, style: Style, told: Sequence[Finding]) -> Iterator[Block]:
    """What is wrong, with a word of the lobster where a rule comes first."""
    met: set[str] = set()
    for finding in told:
        if finding.level > Level.GREEN:
            yield from issue(finding, view, voice, style, finding.code not in met)
            met.add(finding.code)


def issue(
    finding: Finding, view: View, voice: Voice, style: Style, first: bool = True
) -> Iterator[Block]:
    """What is wrong in one place; `first` says whether its rule has not been met before."""
    mood = OF_LEVEL[finding.level]
    head = f"{voice.color(mood)} · {finding.code} {finding.name}"
    if finding.confidence is not Confidence.CERTAIN:
        head += f" · {voice(f'confidence.{finding.confidence.label}')}"
    yield Heading(head, 3, _where(finding), mood.style)
    if lines := excerpt(view.lines(finding.path, finding.cell), finding, style):
        yield Source(lines)
    if first:
        yield Paragraph(_cry(finding, voice))
    yield Paragraph(voice.said(finding.message))
    fixes = view.repairable(finding)
    if rows := choice_rows(finding, style, fixes):
        yield Paragraph(" · ".join(_about(finding, voice)))
        yield _choices(rows, voice)
    yield from _remedy(finding, view, voice, style)


def _cry(finding: Finding, voice: Voice) -> str:
    key = f"rule.{finding.code}"
    return voice(key if voice.has(key) else f"rule.{finding.level.label}")


def _about(finding: Finding, voice: Voice) -> Iterable[str]:
    """The model and the card, where they are known."""
    if finding.model:
        yield finding.model
    if finding.params_b is not None:
        yield f"{finding.params_b:.3g} B"
    if finding.gpu:
        assumed = voice("audit.assumed") if finding.evidence.get("gpu_assumed") else ""
        yield f"{finding.gpu}{assumed}"
    yield voice("audit.batch", batch=finding.evidence["batch_size"])


def _choices(rows: Iterable[Iterable[str]], voice: Voice) -> Grid:
    titles = ("", "column.choice", "", "column.basis", "J/1k tok", "", "column.month", "")
    right = (4, 5, 6)
    columns = [
        Column(voice(name) if name.startswith("column.") else name, index in right)
        for index, name in enumerate(titles)
    ]
    return Grid(columns, [_choice(tuple(row), voice) for row in rows])


def _choice(row: tuple[str, ...], voice: Voice) -> list[str]:
    role, label, bar, basis, energy, change, money, note = row
    role = role if role.startswith("--") else voice(f"role.{role}")
    notes = [voice.said(part) for part in note.split(", ")] if note else []
    return [
        role,
        voice.said(label),
        bar,
        voice.said(basis),
        energy,
        change,
        money,
        voice.comma.join(notes),
    ]


def _remedy(finding: Finding, view: View, voice: Voice, style: Style) -> Iterator[Block]:
    fix = finding.fix
    if fix is None:
        return
    if not fix.available:
        yield Paragraph(voice.said(fix.description), voice("fix.by_hand"))
        return
    notes = [voice(f"fix.{fix.level.label}")]
    if view.repairable(finding):
        lead = voice("fix.auto")
        if fix.level.label == "numeric" and (loss := repair_cost(finding, style)):
            notes.append(voice.said(loss))
    else:
        lead = voice("fix.possible")
        notes.append(voice("fix.left_out"))
    words = voice("fix.said", what=voice.said(fix.description), notes=voice.comma.join(notes))
    yield Paragraph(words, lead)


# --- the end --------------------------------------------------------------------------------------


def _praise(view: View, voice: Voice, told: Sequence[Finding]) -> Iterator[Block]:
    """The good choices, listed where they are shown."""
    if not view.good:
        if not view.bad and not view.known and view.report.examined:
            yield Heading(voice.sign(PARTY) + voice("praise.title"))
            yield Paragraph(voice("praise.clean"))
        return
    shown = [finding for finding in told if finding.level is Level.GREEN]
    yield Heading(voice.sign(PARTY) + voice("praise.title"))
    yield Paragraph(voice("praise.listed" if shown else "praise.counted", count=f"{view.good:,}"))
    if shown:
        yield Items([good(item, voice) for item in shown])


def good(finding: Finding, voice: Voice) -> str:
    """A good choice."""
    return f"{_where(finding)}  {finding.code}  {voice.said(finding.message)}"


def _closing(view: View, voice: Voice) -> Iterator[Block]:
    """What was looked at, what it assumes, what to do next."""
    report = view.report
    yield Heading(voice("end.title"))
    large = [f"{file.path}: {voice('end.too_large')} ({file.reason})" for file in report.too_large]
    if large:
        yield Items(large)
    if not report.files:
        yield Paragraph(voice("end.no_files"))
        return
    parts = [
        voice("end.files", count=f"{len(report.files):,}"),
        voice("end.examined", count=f"{report.examined:,}"),
        voice("end.skipped", count=f"{report.skipped:,}"),
    ]
    if view.failed:
        parts.append(voice("end.failed", count=f"{view.failed:,}"))
    if view.suppressed:
        parts.append(voice("end.suppressed", count=f"{view.suppressed:,}"))
    if view.known:
        parts.append(voice("end.known", count=f"{view.known:,}"))
    if view.bad:
        parts.append(voice("end.findings", count=f"{len(view.bad):,}"))
    parts.append(voice("end.seconds", count=f"{report.seconds:.2f}"))
    yield Paragraph(voice.comma.join(parts) + voice("stop"))
    sum_ = total(view.findings)
    if sum_ is not None and sum_.deployments:
        if sum_.unpriced:
            yield Paragraph(voice("end.unpriced", count=f"{sum_.unpriced:,}"))
        yield Paragraph(voice.said(" ".join(sum_.assumptions)), voice("end.assumed"))
    yield from _next(view, voice)


def _next(view: View, voice: Voice) -> Iterator[Block]:
    count = sum(map(view.repairable, view.findings))
    more = sum(
        finding.fix is not None and finding.fix.available and not view.repairable(finding)
        for finding in view.findings
    )
    if count:
        yield Paragraph(voice("end.fixable", count=f"{count:,}"))
    if more:
        yield Paragraph(voice("end.numeric", count=f"{more:,}"))


def _cited(voice: Voice) -> str:
    return voice(
        "end.cited",
        title=citation.TITLE,
        author=citation.AUTHOR,
        doi=citation.DOI,
        licence=citation.LICENCE,
    )
