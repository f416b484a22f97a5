"""The answers of the planning commands as the lobster tells them.

What it says of its own stands before and behind the plain answer, whose tables and sentences it
repeats in its language: so it can have no other figures.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from ecocompute_lint.advice.compare import Comparison
from ecocompute_lint.advice.diagnose import Examination
from ecocompute_lint.advice.estimate import Estimation
from ecocompute_lint.advice.optimize import Recommendation
from ecocompute_lint.advice.sentences import amount, label, signed
from ecocompute_lint.knowledge.appraisal import Choice, joules
from ecocompute_lint.knowledge.precisions import BASELINE
from ecocompute_lint.report.advice_parts import number
from ecocompute_lint.report.document import (
    Alert,
    Block,
    Document,
    Grid,
    Heading,
    Items,
    Paragraph,
)
from ecocompute_lint.report.lobster.audit import title
from ecocompute_lint.report.lobster.mood import Answer, Mood, mood_of, verdict
from ecocompute_lint.report.lobster.voice import PARTY, Voice
from ecocompute_lint.report.table import Column


def document(found: Answer, plain: Document, voice: Voice) -> Document:
    """An answer, of which `plain` is the plain document."""
    judged = verdict(found)
    *blocks, cited = plain
    chart = list(_chart(found, voice))
    return [
        Heading(title(voice, judged.mood), 1, style=judged.mood.style),
        Alert(
            [voice(f"why.{judged.why}"), *_alert(found, voice)],
            judged.mood.alert,
            judged.mood.style,
        ),
        *chart,
        *(_voiced(block, voice, bool(chart)) for block in blocks),
        *_praise(found, judged.mood, voice),
        _voiced(cited, voice, False),
    ]


# --- the alert ------------------------------------------------------------------------------------


def _alert(found: Answer, voice: Voice) -> Iterator[str]:
    if isinstance(found, Comparison):
        yield from _against(found, voice)
    elif isinstance(found, Recommendation):
        yield from (voice.said(text) for text in found.pitfalls[:1])
        if found.choice is None:
            yield from (voice.said(text) for text in found.reasons[:1])
    elif isinstance(found, Estimation):
        yield from _lost(found, voice)
    else:
        yield from _suspected(found, voice)


def _against(found: Comparison, voice: Voice) -> Iterator[str]:
    """What of all that was measured is the worst."""
    if found.best is None:
        yield from map(voice.said, found.reasons)
        return
    burning = [item for item in found.ranked if mood_of(item, joules(found.best)) is Mood.RED]
    worst = max((item for item in burning if item.counts), key=joules, default=None)
    if worst is None:
        return
    change = worst.estimate.change
    name = voice.said(label(worst))
    if change is not None and worst.precision != BASELINE:
        yield voice("compare.worst", label=name, change=f"{signed(change.value)} %")
    else:
        yield voice("compare.worst_plain", label=name)


def _lost(found: Estimation, voice: Voice) -> Iterator[str]:
    if found.together is None:
        if found.now.cost is None:
            yield voice.said(f"{found.why}.")
        return
    saving = found.together.saving
    yield voice(
        "estimate.lost",
        kwh=number(saving.kwh),
        usd=f"{saving.usd.value:,.2f}",
        kg=number(saving.kg_co2e),
    )


def _suspected(found: Examination, voice: Voice) -> Iterator[str]:
    for trouble in found.certain:
        yield voice.said(trouble.cause)
    if found.diagnoses and not found.certain:
        first = found.diagnoses[0]
        yield voice.said(first.cause)
        if first.choice is not found.expected:
            yield voice("diagnose.first", fix=voice.said(first.fixes[0]))


# --- the chart ------------------------------------------------------------------------------------


def _chart(found: Answer, voice: Voice) -> Iterator[Block]:
    if isinstance(found, Comparison):
        yield from _energies(found.ranked, found.best, voice)
    elif isinstance(found, Recommendation):
        chosen = found.choice
        shown = [item for item in found.candidates if item.counts or item is chosen]
        yield from _energies(shown if chosen else (), chosen, voice)
    elif isinstance(found, Estimation):
        path = [found.now, *(step.choice for step in found.steps)]
        yield from _energies(path if found.now.cost else (), path[-1], voice, batches=True)
    elif found.diagnoses:
        yield from _causes(found, voice)


def _energies(
    choices: Sequence[Choice], best: Choice | None, voice: Voice, batches: bool = False
) -> Iterator[Block]:
    """How each choice makes the lobster feel, by the energy that it draws."""
    known = [item for item in choices if item.estimate.energy is not None]
    if not known:
        return
    several = len({item.estimate.setup.batch_size for item in known}) > 1
    least = joules(best) if best is not None else min(map(joules, known))
    columns = [
        Column(voice("column.mood")),
        Column(voice.said("precision")),
        *([Column(voice.said("batch"), True)] if several or batches else []),
        Column(voice.said("J/1k tok"), True),
    ]
    rows = []
    for item in known:
        batch = [str(item.estimate.setup.batch_size)] if several or batches else []
        mood = voice.color(mood_of(item, least))
        rows.append([mood, voice.said(label(item)), *batch, number(item.estimate.energy)])
    strong = known.index(best) if best in known else None
    yield Heading(voice("chart.energy"))
    yield Grid(columns, rows, [joules(item) for item in known], len(columns) - 1, strong)


def _causes(found: Examination, voice: Voice) -> Iterator[Block]:
    """How sure the lobster is of each cause."""
    rows = [
        [voice(f"sureness.{item.sureness}"), _capital(item.title, voice), f"{item.confidence:.2f}"]
        for item in found.diagnoses
    ]
    columns = (
        Column(voice("column.sureness")),
        Column(voice("column.cause")),
        Column(voice("column.confidence"), True),
    )
    yield Heading(voice("chart.causes"))
    yield Grid(columns, rows, [item.confidence for item in found.diagnoses], 2, 0)


def _capital(words: str, voice: Voice) -> str:
    return voice.said(f"{words[:1].upper()}{words[1:]}")


# --- the plain answer -----------------------------------------------------------------------------


def _voiced(block: Block, voice: Voice, charted: bool) -> Block:
    """A block of the plain answer in the lobster's words; its bars give way to the chart's."""
    if isinstance(block, Heading) and block.level == 1:
        model, _, gpu = block.text.rpartition(" on the ")
        return Heading(voice("heading_of", model=model, gpu=gpu), 2)
    if isinstance(block, Heading):
        return Heading(_heading(block.text, voice), 2)
    if isinstance(block, Paragraph):
        return Paragraph(_parts(block.text, voice), voice.said(block.lead))
    if isinstance(block, Items):
        return Items([_parts(item, voice) for item in block.items], block.numbered)
    if isinstance(block, Grid):
        columns = [replace(item, title=voice.said(item.title)) for item in block.columns]
        rows = [[voice.said(cell) for cell in row] for row in block.rows]
        bars = () if charted else block.bars
        return Grid(columns, rows, bars, block.bars_after, block.strong)
    return block


def _heading(text: str, voice: Voice) -> str:
    key = f"heading.{text}"
    return voice(key) if voice.has(key) else voice.said(text)


def _parts(text: str, voice: Voice) -> str:
    return " · ".join(map(voice.said, text.split(" · ")))


# --- good choices ---------------------------------------------------------------------------------


def _praise(found: Answer, mood: Mood, voice: Voice) -> Iterator[Block]:
    words = _praised(found, mood, voice)
    if words:
        yield Heading(voice.sign(PARTY) + voice("praise.title"))
        yield Paragraph(words)


def _praised(found: Answer, mood: Mood, voice: Voice) -> str:
    if isinstance(found, Comparison):
        best = found.best
        return voice("praise.best", label=voice.said(label(best))) if best is not None else ""
    if isinstance(found, Recommendation):
        if found.choice is None:
            return ""
        batch = found.choice.estimate.setup.batch_size
        return voice("praise.chosen", label=voice.said(label(found.choice)), batch=batch)
    if isinstance(found, Estimation):
        if found.together is not None:
            if found.together.saving.car_km <= 0:
                return ""
            return voice("praise.saved", km=amount(found.together.saving.car_km))
        return voice("praise.stay") if mood is Mood.GREEN else ""
    return voice("praise.as_told") if mood is Mood.GREEN else ""
