"""What the data say of a finding: its level, its sentence, its figures."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from ecocompute_lint.engine.rule import EvidenceRule, Rule, Variant
from ecocompute_lint.engine.subject import DeploymentSubject
from ecocompute_lint.findings import Confidence, Level
from ecocompute_lint.frozen import dataclass
from ecocompute_lint.knowledge.economy import BREAK_EVEN, RED_FROM, REPORTED_FROM
from ecocompute_lint.knowledge.energy import Basis
from ecocompute_lint.knowledge.precisions import precision
from ecocompute_lint.values import Guards

if TYPE_CHECKING:
    from ecocompute_lint.knowledge.appraisal import Appraisal, Choice
    from ecocompute_lint.knowledge.energy import Figure

_UNMEASURED = "not measured"
_VISIBLE = 0.5
"""Differences below this, in percent, would be printed as none."""


@dataclass(frozen=True, slots=True)
class Weight:
    """How heavy a finding is, and why. `worth_saying` is false where the waste is too small."""

    level: Level
    at_most: Confidence = Confidence.CERTAIN
    sentence: str = ""
    evidence: Mapping[str, Any] | None = None
    cost: Mapping[str, Any] | None = None
    worth_saying: bool = True


def weigh(
    rule: Rule, variant: Variant, subject: DeploymentSubject, model: str | None, guards: Guards
) -> Weight:
    """The weight of a finding: that of the figures, else that of the rule."""
    level = variant.level if variant.level is not None else rule.level
    if rule.category != "energy":
        return Weight(level)
    asked = rule.evidence
    if asked is None:
        return _without(level, subject, "", told=not rule.good)
    if model is None and rule.good:
        return Weight(level, worth_saying=False)
    if model is None:
        trouble = subject.model_trouble(guards)
        return _without(level, subject, f"model size unknown ({trouble})")
    now = variant.now or asked.now or subject.held
    if now is None:
        return _without(level, subject, "the configuration of the model is not known")
    if rule.good:
        return _praise(level, now, asked, subject, model)
    size = subject.size(model)
    if asked.batch is not None:
        appraisal = subject.appraise_batch(size, now, asked.batch)
    else:
        appraisal = subject.appraise(size, now, asked.against, asked.where_it_pays)
    evidence = _evidence(appraisal, asked, subject)
    waste = appraisal.waste
    if waste is None or appraisal.best is None:
        sentence = f"Energy not measured: {appraisal.why}."
        worth_saying = not asked.from_break_even  # nothing says that it saves nothing
        return Weight(level, sentence=sentence, evidence=evidence, worth_saying=worth_saying)
    line = BREAK_EVEN if asked.from_break_even else REPORTED_FROM
    if variant.level is None and asked.batch is None:
        level = Level.RED if waste.value > RED_FROM else Level.YELLOW
    return Weight(
        level,
        Confidence.POSSIBLE if appraisal.unsure_from(line) else Confidence.CERTAIN,
        _sentence(appraisal, subject),
        evidence,
        _cost(appraisal),
        appraisal.reported_from(line),
    )


def _without(level: Level, subject: DeploymentSubject, why: str, *, told: bool = True) -> Weight:
    evidence = {"basis": _UNMEASURED, "why": why, "deployment": _deployment(subject)}
    sentence = f"Energy not measured{f': {why}' if why else ''}."
    return Weight(level, sentence=sentence if told else "", evidence=evidence)


def _praise(
    level: Level, now: str, asked: EvidenceRule, subject: DeploymentSubject, model: str
) -> Weight:
    """The weight of a good choice: worth a word where it draws less than every alternative."""
    appraisal = subject.appraise(subject.size(model), now, asked.against, asked.where_it_pays)
    waste = appraisal.waste
    if waste is None or waste.value >= 0:
        return Weight(level, worth_saying=False)
    sure = waste.basis is Basis.MEASURED or waste.high < 0
    return Weight(
        level,
        Confidence.CERTAIN if sure else Confidence.POSSIBLE,
        _sentence(appraisal, subject),
        _evidence(appraisal, asked, subject),
    )


def _sentence(appraisal: Appraisal, subject: DeploymentSubject) -> str:
    assert appraisal.waste is not None
    assert appraisal.best is not None
    waste = appraisal.waste
    best = _label(appraisal.best, appraisal)
    more = "more" if waste.value >= 0 else "less"
    share = f"{abs(waste.value):.0f} % {more} energy than {best}"
    if abs(waste.value) < _VISIBLE:
        share = f"about as much energy as {best}"
    return f"That is {share} on the {subject.gpu.name} ({waste.basis.label})."


# -- plain data, as the JSON report prints it


def _evidence(
    appraisal: Appraisal, asked: EvidenceRule, subject: DeploymentSubject
) -> dict[str, Any]:
    from ecocompute_lint.knowledge.plain import figure_data

    best = appraisal.least
    rows = dict.fromkeys(row for item in appraisal.choices for row in item.estimate.rows)
    notes = dict.fromkeys(note for item in appraisal.choices for note in item.estimate.notes)
    economy = subject.economy
    return {
        "basis": appraisal.waste.basis.label if appraisal.waste else _UNMEASURED,
        "why": appraisal.why,
        "precision": precision(appraisal.now.precision).option,
        "best": precision(best.precision).option if best is not None else None,
        "waste_pct": figure_data(appraisal.waste),
        "batch_size": appraisal.now.estimate.setup.batch_size,
        "input_tokens": economy.input_tokens,
        "output_tokens": economy.output_tokens,
        "choices": [_choice(item, appraisal, asked) for item in appraisal.choices],
        "rows": list(rows),
        "notes": list(notes),
        "deployment": _deployment(subject),
        "gpu_assumed": subject.gpu_assumed,
    }


def _choice(choice: Choice, appraisal: Appraisal, asked: EvidenceRule) -> dict[str, Any]:
    from ecocompute_lint.knowledge.plain import choice_data

    return {
        **choice_data(choice),
        "label": _label(choice, appraisal),
        "role": _role(choice, appraisal, asked),
        "change_vs_now_pct": _against(choice, appraisal.now),
    }


def _label(choice: Choice, appraisal: Appraisal) -> str:
    """What a choice is called: with its batch size where that is what differs."""
    label = precision(choice.precision).label
    sizes = {item.estimate.setup.batch_size for item in appraisal.choices}
    if len(sizes) == 1:
        return label
    return f"{label}, batch size {choice.estimate.setup.batch_size}"


def _role(choice: Choice, appraisal: Appraisal, asked: EvidenceRule) -> str:
    if choice is appraisal.now:
        return "now"
    if choice.precision == asked.fix:
        return "fix"
    return "best" if choice is appraisal.least else "alternative"


def _against(choice: Choice, now: Choice) -> float | None:
    mine, theirs = choice.estimate.energy, now.estimate.energy
    if mine is None or theirs is None or choice is now:
        return None
    return round(100 * (mine.value / theirs.value - 1), 2)


def _cost(appraisal: Appraisal) -> dict[str, Any] | None:
    """A month of the present choice and of the best, and what lies between."""
    best, waste = appraisal.best, appraisal.waste
    if best is None or waste is None or appraisal.now.cost is None or best.cost is None:
        return None
    from ecocompute_lint.knowledge.plain import month_data

    now = appraisal.now.cost
    return {
        "now": month_data(now),
        "best": month_data(best.cost),
        "saving": {
            "kwh": _saving(now.kwh, best.cost.kwh, waste),
            "usd": _saving(now.usd, best.cost.usd, waste),
            "kg_co2e": _saving(now.kg_co2e, best.cost.kg_co2e, waste),
            "car_km": round(now.car_km - best.cost.car_km, 2),
        },
        "requests_per_month": now.workload.requests_per_month,
        "input_tokens": now.workload.input_tokens,
        "output_tokens": now.workload.output_tokens,
        "region": now.site.region,
        "usd_per_kwh": now.site.usd_per_kwh,
        "gco2_per_kwh": now.site.gco2_per_kwh,
        "pue": now.site.pue,
        "assumptions": list(now.assumptions()),
    }


def _saving(now: Figure, best: Figure, waste: Figure) -> dict[str, Any]:
    """What the best choice saves; its range is that of the waste."""
    from ecocompute_lint.knowledge.plain import rounded

    def saved(percent: float) -> float:
        return now.value * percent / (100 + percent)

    return {
        "value": rounded(now.value - best.value),
        "low": rounded(saved(waste.low)),
        "high": rounded(saved(waste.high)),
        "basis": waste.basis.label,
    }


def _deployment(subject: DeploymentSubject) -> list[int]:
    """Line and column of what is deployed, so that totals count it once."""
    place = subject.deployed
    return [place.line, place.column]
