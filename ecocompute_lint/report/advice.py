"""The answers of ``compare``, ``optimize`` and ``estimate`` as documents."""

from __future__ import annotations

from collections.abc import Iterable

from ecocompute_lint.advice.choosing import between
from ecocompute_lint.advice.compare import Comparison
from ecocompute_lint.advice.estimate import Estimation, Step
from ecocompute_lint.advice.optimize import Recommendation
from ecocompute_lint.advice.sentences import amount, label, signed, spanned
from ecocompute_lint.knowledge.appraisal import Choice
from ecocompute_lint.knowledge.energy import Basis, Figure
from ecocompute_lint.knowledge.precisions import BASELINE
from ecocompute_lint.report.advice_parts import end, number, recommended, title
from ecocompute_lint.report.document import Block, Document, Grid, Heading, Items, Paragraph
from ecocompute_lint.report.table import Column

_NONE = "–"

# --- compare --------------------------------------------------------------------------------------


def comparison(found: Comparison) -> Document:
    """All precisions side by side."""
    blocks: list[Block] = [*title(found.question, found.batch_size)]
    blocks += _compared(found) if found.ranked else [Paragraph("Nothing was measured.")]
    if found.unmeasured:
        blocks += [Heading("Not measured"), Items(_unmeasured(found.unmeasured))]
    blocks.append(Heading("Recommendation"))
    blocks += recommended(found.best, None, found.reasons)
    return [*blocks, *end(found.answer, found.best is None)]


def _compared(found: Comparison) -> list[Block]:
    ranked = found.ranked
    best = ranked.index(found.best) if found.best is not None else None
    energies = [item.estimate.energy for item in ranked]
    energy = Grid(
        (
            Column("#", True),
            Column("precision"),
            Column("J/1k tok", True),
            Column("range", True, 1),
            Column("vs FP16", True),
            Column("basis"),
        ),
        [_energy_row(found, item) for item in ranked],
        [figure.value if figure is not None else None for figure in energies],
        2,
        best,
    )
    speed = Grid(_SPEED_COLUMNS, [_speed_row(item) for item in ranked], strong=best)
    month = Grid(_COST_COLUMNS, [_cost_row(item) for item in ranked], strong=best)
    return [
        Heading("Energy per 1,000 generated tokens"),
        energy,
        Heading("Speed and memory"),
        speed,
        Heading("Cost a month, and accuracy against FP16"),
        month,
        *_accuracy_notes(ranked),
    ]


def _energy_row(found: Comparison, choice: Choice) -> list[str]:
    energy, rank = choice.estimate.energy, found.rank(choice)
    return [
        str(rank) if rank is not None else _NONE,
        label(choice),
        number(energy),
        spanned(energy) if energy is not None else "",
        _change(choice),
        _basis(found, choice),
    ]


def _change(choice: Choice) -> str:
    change = choice.estimate.change
    if change is None or choice.precision == BASELINE:
        return ""
    return f"{signed(change.value)} %"


def _basis(found: Comparison, choice: Choice) -> str:
    whose = " by you" if _is_own(found, choice) else ""
    fits = "" if choice.fits else ", does not fit"
    return f"{choice.estimate.basis.label}{whose}{fits}"


def _is_own(found: Comparison, choice: Choice) -> bool:
    """Whether a row of the user's own is the measurement."""
    if choice.estimate.basis is not Basis.MEASURED:
        return False
    rows = (found.question.dataset.by_id.get(name) for name in choice.estimate.rows)
    return any(row and row.origin and row.precision == choice.precision for row in rows)


_SPEED_COLUMNS = (
    Column("precision"),
    Column("tok/s", True),
    Column("latency s", True),
    Column("W", True),
    Column("tok/J", True),
    Column("GB", True),
    Column("fits"),
)
_FITS = {True: "yes", False: "no", None: "perhaps"}


def _speed_row(choice: Choice) -> list[str]:
    estimate, need = choice.estimate, choice.memory
    energy = estimate.energy
    return [
        label(choice),
        number(estimate.throughput),
        number(estimate.latency),
        number(estimate.power),
        f"{1000 / energy.value:.3f}" if energy is not None else "",
        f"{need.total_gb:.1f}" if need is not None else "",
        _FITS[need.fits] if need is not None else "",
    ]


_COST_COLUMNS = (
    Column("precision"),
    Column("USD", True),
    Column("range", True),
    Column("kWh", True),
    Column("kg CO2e", True),
    Column("perplexity", True),
)


def _cost_row(choice: Choice) -> list[str]:
    cost, loss = choice.cost, choice.accuracy
    money = [""] * 4
    if cost is not None:
        usd = f"{cost.usd.value:,.2f}"
        money = [usd, spanned(cost.usd, "{:,.2f}"), number(cost.kwh), number(cost.kg_co2e)]
    if choice.precision == BASELINE:
        lost = "reference"
    else:
        lost = f"{signed(loss.change_pct, 1)} %" if loss is not None else "unknown"
    return [label(choice), *money, lost]


def _accuracy_notes(choices: Iterable[Choice]) -> list[Block]:
    """Where the accuracies come from: in one place as a rule."""
    places: dict[str, list[str]] = {}
    for item in choices:
        if (loss := item.accuracy) is not None:
            where = f"{loss.model}, {loss.dataset}, on {loss.gpu}, {loss.measured_on}"
            places.setdefault(where, []).append(label(item))
    if not places:
        return [Paragraph("Accuracy was not measured on this model in any precision.")]
    if len(places) == 1:
        return [Paragraph(f"Perplexity: {next(iter(places))}; more is worse.")]
    texts = [f"{'; '.join(names)}: {where}" for where, names in places.items()]
    return [Paragraph(f"Perplexity, more is worse. {'. '.join(texts)}.")]


def _unmeasured(pairs: Iterable[tuple[str, str]]) -> list[str]:
    """Precisions with why they have no figure, those of one reason together."""
    by_reason: dict[str, list[str]] = {}
    for name, why in pairs:
        by_reason.setdefault(why.removeprefix(f"{name} was "), []).append(name)
    return [f"{'; '.join(names)}: {why}." for why, names in by_reason.items()]


# --- optimize -------------------------------------------------------------------------------------


def recommendation(found: Recommendation) -> Document:
    """A precision and a batch size for a purpose."""
    question, choice = found.question, found.choice
    blocks: list[Block] = [*title(question, None), Heading("Recommendation")]
    if choice is None:
        blocks += recommended(None, None, found.reasons)
        return [*blocks, *end(found.answer, True)]
    batch = choice.estimate.setup.batch_size
    blocks += [
        *recommended(choice, batch, found.reasons),
        Heading("Expected"),
        Grid(_FIGURE_COLUMNS, _metrics(choice)),
        Heading("Beside it: each precision at the largest batch size that fits"),
        _candidates(found, choice),
    ]
    if found.pitfalls:
        blocks += [Heading("Pitfalls"), Items(found.pitfalls)]
    return [*blocks, *end(found.answer, False, thorough=True)]


_FIGURE_COLUMNS = (Column("figure"), Column("value", True), Column("range", True), Column("basis"))


def _metrics(choice: Choice) -> list[list[str]]:
    estimate, cost = choice.estimate, choice.cost
    figures: list[tuple[str, Figure | None]] = [
        ("energy, J per 1k generated tokens", estimate.energy),
        ("throughput, tokens per second", estimate.throughput),
        ("latency, seconds per answer", estimate.latency),
        ("board power, W", estimate.power),
        ("energy, kWh a month", cost.kwh if cost else None),
        ("cost, USD a month", cost.usd if cost else None),
        ("emissions, kg CO2e a month", cost.kg_co2e if cost else None),
    ]
    rows = [
        [name, number(figure), f"{amount(figure.low)}–{amount(figure.high)}", figure.basis.label]
        for name, figure in figures
        if figure is not None
    ]
    if cost is not None:
        rows.append(["as driving, km a month", amount(cost.car_km), "", cost.kwh.basis.label])
    return rows


def _candidates(found: Recommendation, chosen: Choice) -> Grid:
    shown = [item for item in found.candidates if item.counts or item is chosen]
    return Grid(
        (
            Column("precision"),
            Column("batch", True),
            Column("J/1k tok", True),
            Column("against it", True),
            Column("tok/s", True),
            Column("latency s", True, 1),
            Column("GB", True),
            Column("fits"),
        ),
        [_candidate_row(item, chosen) for item in shown],
        strong=shown.index(chosen),
    )


def _candidate_row(choice: Choice, chosen: Choice) -> list[str]:
    change = between(chosen, choice) if choice is not chosen else None
    name, speed, latency, _, _, need, fits = _speed_row(choice)
    return [
        name,
        str(choice.estimate.setup.batch_size),
        number(choice.estimate.energy),
        "chosen" if change is None else f"{signed(change.value)} %",
        speed,
        latency,
        need,
        fits,
    ]


# --- estimate -------------------------------------------------------------------------------------


def estimation(found: Estimation) -> Document:
    """A present setup against a better one."""
    now = found.now
    setup = now.estimate.setup
    blocks: list[Block] = [
        *title(found.question, None),
        Paragraph(f"at batch size {setup.batch_size}.", f"Now: {label(now)}"),
    ]
    if now.cost is None:
        blocks += [Heading("Not measured"), Paragraph(f"{found.why}.")]
        return [*blocks, *end(found.answer, True)]
    path = [now, *(step.choice for step in found.steps)]
    rows = [_month_row(item) for item in path]
    blocks.append(Heading("A month"))
    blocks.append(Grid(_MONTH_COLUMNS, rows, strong=len(path) - 1 if found.steps else None))
    if found.together is None:
        blocks.append(Paragraph(f"{found.why}.", "No saving to offer:"))
    else:
        steps = found.steps if len(found.steps) > 1 else ()
        rows = [_saving_row(step.words, step) for step in steps]
        rows.append(_saving_row("together" if steps else found.together.words, found.together))
        shown = [step.saving.kwh.value for step in (*steps, found.together)]
        saved = found.together.saving
        blocks += [
            Heading("What each change saves a month"),
            Grid(_SAVING_COLUMNS, rows, [value if value > 0 else None for value in shown], 0),
            Paragraph(
                f"{number(saved.kwh)} kWh, {saved.usd.value:,.2f} USD and "
                f"{number(saved.kg_co2e)} kg CO2e a month, as driving {amount(saved.car_km)} km.",
                "Saved:",
            ),
            Heading("Why"),
            Items(found.reasons),
        ]
    return [*blocks, *end(found.answer, False)]


_MONTH_COLUMNS = (
    Column("setup"),
    Column("batch", True),
    Column("J/1k tok", True),
    Column("kWh", True, 1),
    Column("USD", True),
    Column("range", True, 2),
    Column("kg CO2e", True),
    Column("basis"),
)
_SAVING_COLUMNS = (
    Column("change"),
    Column("energy", True),
    Column("kWh", True, 1),
    Column("USD", True),
    Column("range", True),
    Column("kg CO2e", True),
)


def _month_row(choice: Choice) -> list[str]:
    cost = choice.cost
    assert cost is not None
    return [
        label(choice),
        str(choice.estimate.setup.batch_size),
        number(choice.estimate.energy),
        number(cost.kwh),
        f"{cost.usd.value:,.2f}",
        spanned(cost.usd, "{:,.2f}"),
        number(cost.kg_co2e),
        choice.estimate.basis.label,
    ]


def _saving_row(words: str, step: Step) -> list[str]:
    saving = step.saving
    return [
        words,
        f"{signed(step.change.value)} %",
        number(saving.kwh),
        f"{saving.usd.value:,.2f}",
        _between(saving.usd),
        number(saving.kg_co2e),
    ]


def _between(figure: Figure) -> str:
    """A range whose ends may lie below zero."""
    return f"{figure.low:,.2f} to {figure.high:,.2f}".replace("-", "−")
