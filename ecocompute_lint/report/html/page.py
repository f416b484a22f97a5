"""What the page says, as plain data for its template."""

from __future__ import annotations

import math
import os
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from ecocompute_lint import __version__
from ecocompute_lint.advice.sentences import amount
from ecocompute_lint.audit import economy_of
from ecocompute_lint.config import Settings
from ecocompute_lint.findings import Confidence, Finding, Level
from ecocompute_lint.frozen import dataclass
from ecocompute_lint.knowledge.economy import Economy
from ecocompute_lint.knowledge.hardware import find_gpu
from ecocompute_lint.knowledge.measurements import load_dataset
from ecocompute_lint.knowledge.models import resolve
from ecocompute_lint.report.files import Files
from ecocompute_lint.report.formats import Run
from ecocompute_lint.report.html.bars import Bar, bars
from ecocompute_lint.report.html.charts import charts
from ecocompute_lint.report.html.curves import Curve, curve
from ecocompute_lint.report.html.excerpts import Diff, Line, diffs, excerpt
from ecocompute_lint.report.html.origins import origins, rules_found
from ecocompute_lint.report.style import plural
from ecocompute_lint.report.summary import View, fix_hint
from ecocompute_lint.report.totals import Deployed, dearest, total

LEVELS = {
    Level.RED: "Critical",
    Level.YELLOW: "Warning",
    Level.GRAY: "Note",
    Level.GREEN: "Good choice",
}
_MOST_LEADING = 8


@dataclass(frozen=True, slots=True)
class Item:
    """One finding on the page."""

    anchor: str
    finding: Finding
    level: str
    level_words: str
    place: str
    about: str
    doubt: str
    """The confidence where it is less than certain."""
    excerpt: tuple[Line, ...]
    bars: tuple[Bar, ...]
    fix_words: str
    fix_note: str
    diffs: tuple[Diff, ...]
    curve: Curve | None
    curve_open: bool
    notes: tuple[str, ...]
    rows: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class File:
    """A file with its findings. `key` is what the filter calls it."""

    key: str
    path: str
    items: tuple[Item, ...]
    counts: tuple[tuple[str, str, int], ...]


@dataclass(frozen=True, slots=True)
class Leading:
    """A deployment among those that cost most."""

    anchor: str
    place: str
    model: str
    now: str
    best: str
    saving: str
    share: str
    """What is saved of the dearest, in percent, for a bar."""


def page(run: Run) -> dict[str, Any]:
    """Everything that the template asks for."""
    view, settings = run.view, run.settings(None)
    shown = view.findings
    prints = Files(view)
    # A link into the page of an earlier run leads to the same finding in the page of a later one.
    anchors = {id(finding): f"finding-{prints.fingerprint(finding)}" for finding in shown}
    dataset = load_dataset(settings.data)
    priced = [finding for finding in shown if finding.cost is not None]
    files = _files(view, settings, anchors)
    return {
        "version": __version__,
        "headline": _headline(view),
        "summary": _summary(view),
        "levels": _levels(shown),
        "cost": _cost(shown),
        "leading": _leading(shown, anchors),
        "files": files,
        "rules": rules_found(settings, shown),
        "charts": charts(
            dataset,
            [finding.gpu for finding in priced if finding.gpu],
            [hub for item in priced if item.model and (hub := resolve(item.model).hf_id)],
        ),
        "origins": origins(dataset, _used(files)),
        "problems": [
            (posix(item.path), item.line, item.code, item.message) for item in view.report.failed
        ],
        "skipped": [(posix(file.path), file.reason) for file in view.report.too_large],
        "dry": run.dry,
        "fixed": _fixed(run),
        "workload": _workload(settings),
    }


def posix(path: str) -> str:
    """A path with forward slashes."""
    return path.replace(os.sep, "/")


def _headline(view: View) -> str:
    sum_ = total(view.findings)
    if sum_ is not None and sum_.deployments and sum_.usd > 0:
        return f"${sum_.usd:,.2f} a month could be saved"
    if view.bad:
        return f"{plural(len(view.bad), 'finding')} in {plural(len(_paths(view)), 'file')}"
    if view.known:
        return "Nothing new"
    return "Nothing to change" if view.report.examined else "Nothing to examine"


def _paths(view: View) -> set[str]:
    return {finding.path for finding in view.bad}


def _summary(view: View) -> list[str]:
    """What was looked at."""
    report = view.report
    parts = [f"{report.examined:,} of {plural(len(report.files), 'file')} examined"]
    if report.skipped:
        parts.append(f"{report.skipped:,} skipped")
    if view.failed:
        parts.append(f"{view.failed:,} could not be analysed")
    if view.suppressed:
        parts.append(f"{plural(view.suppressed, 'finding')} silenced by comments")
    if view.known:
        parts.append(f"{plural(view.known, 'finding')} left out, not new")
    if view.good and not any(item.level is Level.GREEN for item in view.findings):
        parts.append(f"{plural(view.good, 'good choice')} (--show-good lists them)")
    return [*parts, hint.rstrip(".")] if (hint := fix_hint(view)) else parts


def _levels(shown: Sequence[Finding]) -> list[tuple[str, str, int]]:
    counts = Counter(finding.level for finding in shown)
    return [(level.label, LEVELS[level], counts[level]) for level in LEVELS if counts[level]]


def _used(files: Sequence[File]) -> list[str]:
    """The measurements behind all figures of findings and curves."""
    items = [item for file in files for item in file.items]
    rows = [row for item in items for row in (*item.rows, *(item.curve.rows if item.curve else ()))]
    return list(dict.fromkeys(rows))


# --- money ----------------------------------------------------------------------------------------


def _cost(shown: Sequence[Finding]) -> dict[str, Any] | None:
    """A month of what is deployed, and what of it could be saved; None where nothing is known."""
    sum_ = total(shown)
    if sum_ is None:
        return None
    costs = [item.cost for item in dearest(shown).values() if item is not None and item.cost]
    if not costs:
        return {"unpriced": sum_.unpriced, "deployments": 0, "assumptions": ()}

    def now(name: str) -> float:
        return float(sum(cost["now"][name]["value"] for cost in costs))

    return {
        "deployments": sum_.deployments,
        "unpriced": sum_.unpriced,
        "usd": f"{sum_.usd:,.2f}",
        "usd_span": f"${sum_.usd_low:,.2f} to ${sum_.usd_high:,.2f}",
        "kwh": amount(sum_.kwh),
        "kg": amount(sum_.kg_co2e),
        "car_km": amount(sum_.car_km),
        "now_usd": f"{now('usd'):,.2f}",
        "now_kwh": amount(now("kwh")),
        "now_kg": amount(now("kg_co2e")),
        "best_usd": f"{now('usd') - sum_.usd:,.2f}",
        "kept": f"{100 * max(0.0, 1 - sum_.usd / (now('usd') or math.inf)):.2f}%",
        "assumptions": sum_.assumptions,
    }


def _leading(shown: Sequence[Finding], anchors: Mapping[int, str]) -> list[Leading]:
    """The deployments that cost most beyond need, the dearest first."""
    found = [item for item in dearest(shown).values() if item is not None and item.cost]
    found = [item for item in found if _saving(item) > 0]
    found.sort(key=lambda item: (-_saving(item), item.sort_key))
    most = _saving(found[0]) if found else 1.0
    return [
        Leading(
            anchor=anchors[id(item)],
            place=_where(item),
            model=item.model or "",
            now=f"{item.cost['now']['usd']['value']:,.2f}",
            best=f"{item.cost['best']['usd']['value']:,.2f}",
            saving=f"{_saving(item):,.2f}",
            share=f"{100 * _saving(item) / most:.2f}%",
        )
        for item in found[:_MOST_LEADING]
        if item.cost
    ]


def _saving(finding: Finding) -> float:
    assert finding.cost is not None
    return float(finding.cost["saving"]["usd"]["value"])


def _workload(settings: Settings) -> str:
    return (
        f"{settings.requests_per_month:,} requests a month, {settings.input_tokens:,} tokens in "
        f"and {settings.output_tokens:,} out"
    )


# --- findings -------------------------------------------------------------------------------------


def _files(view: View, settings: Settings, anchors: Mapping[int, str]) -> list[File]:
    batched = {_deployed(item) for item in view.findings if _sizes(item) > 1}
    files: list[File] = []
    for path in dict.fromkeys(finding.path for finding in view.findings):
        mine = [finding for finding in view.findings if finding.path == path]
        items = [_item(one, anchors[id(one)], view, settings, batched) for one in mine]
        files.append(
            File(f"file-{len(files) + 1}", posix(path), tuple(items), tuple(_levels(mine)))
        )
    return files


def _item(
    finding: Finding, anchor: str, view: View, settings: Settings, batched: set[Deployed | None]
) -> Item:
    fixes = view.repairable(finding)
    about_batches = _sizes(finding) > 1
    wanted = about_batches or _deployed(finding) not in batched
    return Item(
        anchor=anchor,
        finding=finding,
        level=finding.level.label,
        level_words=LEVELS[finding.level],
        place=_place(finding),
        about=_about(finding),
        doubt=""
        if finding.confidence is Confidence.CERTAIN
        else finding.confidence.label.capitalize(),
        excerpt=excerpt(view.lines(finding.path, finding.cell), finding),
        bars=bars(finding, fixes),
        fix_words=finding.fix.description if finding.fix is not None else "",
        fix_note=_fix_note(finding, fixes),
        diffs=diffs(finding, view.lines),
        curve=_curve(finding, settings) if wanted else None,
        curve_open=about_batches,
        notes=tuple(finding.evidence.get("notes", ())),
        rows=tuple(finding.evidence.get("rows", ())),
    )


def _deployed(finding: Finding) -> Deployed | None:
    place = finding.evidence.get("deployment")
    if place is None:
        return None
    return (finding.path, finding.evidence.get("deployment_cell"), tuple(place))


def _sizes(finding: Finding) -> int:
    """How many batch sizes a finding sets side by side."""
    return len({item["batch_size"] for item in finding.evidence.get("choices", ())})


def _place(finding: Finding) -> str:
    cell = f"cell {finding.cell}, " if finding.cell is not None else ""
    return f"{cell}line {finding.place.line}, column {finding.place.column}"


def _where(finding: Finding) -> str:
    cell = f":cell {finding.cell}" if finding.cell is not None else ""
    return f"{posix(finding.path)}{cell}:{finding.place.line}"


def _about(finding: Finding) -> str:
    """The model and the card, where they are known."""
    if not finding.model:
        return ""
    facts = [finding.model]
    if finding.params_b is not None:
        facts.append(f"{finding.params_b:.3g} B")
    if finding.gpu:
        gpu = find_gpu(finding.gpu)
        assumed = " (assumed)" if finding.evidence.get("gpu_assumed") else ""
        facts.append(f"{gpu.name if gpu is not None else finding.gpu}{assumed}")
    if finding.cost is not None:
        facts.append(f"batch size {finding.evidence['batch_size']}")
    return " · ".join(facts)


def _fix_note(finding: Finding, fixes: bool) -> str:
    fix = finding.fix
    if fix is None:
        return ""
    if not fix.available:
        return "by hand"
    level = "outputs can change numerically" if fix.level.label == "numeric" else "outputs stay"
    return f"--fix makes this edit; {level}" if fixes else f"left out by the fix level; {level}"


def _fixed(run: Run) -> list[tuple[str, str, str, str]] | None:
    if run.repaired is None:
        return None
    return [_mended(finding) for file in run.repaired for finding in file.fixed]


def _mended(finding: Finding) -> tuple[str, str, str, str]:
    level = finding.fix.level.label if finding.fix is not None else ""
    return (_where(finding), finding.code, finding.name, level)


def _curve(finding: Finding, settings: Settings) -> Curve | None:
    if finding.cost is None or finding.model is None:
        return None
    size = resolve(finding.model, base=Path(settings.root))
    return curve(finding, _economy(finding, settings), size)


def _economy(finding: Finding, settings: Settings) -> Economy:
    """That of the settings, with the workload that the finding was reckoned for."""
    evidence = finding.evidence
    return replace(
        economy_of(settings),
        input_tokens=evidence["input_tokens"],
        output_tokens=evidence["output_tokens"],
    )
