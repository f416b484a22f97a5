"""How a finding came to be, or why a line has none: for people."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from ecocompute_lint.engine.wording import attribute_words, certain_words, plain_words, quoted
from ecocompute_lint.findings import Finding, FixLevel
from ecocompute_lint.knowledge.hardware import find_gpu
from ecocompute_lint.report.evidence import repair_cost
from ecocompute_lint.report.source import excerpt
from ecocompute_lint.report.style import LEVEL_STYLES, Style, cells, leading, safe
from ecocompute_lint.report.text import place_of

if TYPE_CHECKING:
    from ecocompute_lint.engine.trail import Explanation, Looked, ModelSource, Spot, Trail
    from ecocompute_lint.inquiry import Answer, Inquiry, Near

Pair = tuple[str, str]
_WIDEST_LABEL = 44
_MOST_ROWS = 2
_MOST_CIRCUMSTANCES = 3
_MOST_REASONS = 5
_SAID_ANYWAY = ("params_b", "model", "context")
_BY = {
    "registry": "from the registry of models",
    "name": "read off its name",
    "local config": "from its config.json",
    "local safetensors": "from its safetensors files",
}
_SOURCES = {
    "library default": "not written: the library's default",
    "implied": "implied by what is called",
    "passed in": "not written here, but `**` may bring it",
    "absent": "not written",
}
_YES = {"True": "yes", "False": "no"}
_KEPT = {
    "training": "it is training code, which energy rules pass over (--context all shows it)",
    "off": "the settings have its rule off for this file (select, ignore or per-file-ignores)",
    "figures": "by the figures it wastes too little to be reported",
    "suppressed": "a comment silences it",
    "good": "it is a good choice (--show-good lists those)",
}


def render(inquiry: Inquiry, lines: Sequence[str], style: Style) -> str:
    """The whole answer. `lines` are those of the file."""
    if inquiry.answers:
        shown = [item for item in inquiry.answers if not item.kept_back] or inquiry.answers
        blocks = ["\n".join(_answer(item, lines, style)) for item in shown]
        kept_back = [item for item in inquiry.answers if item not in shown]
        if kept_back:
            blocks.append("\n".join(_also(kept_back, style)))
    else:
        blocks = ["\n".join(_nothing(inquiry, style))]
    return "\n\n".join(blocks) + "\n"


# --- a finding ------------------------------------------------------------------------------------


def _answer(answer: Answer, lines: Sequence[str], style: Style) -> Iterator[str]:
    found = answer.explanation
    finding = found.finding
    yield _head(finding, style)
    yield from excerpt(lines, finding, style)
    yield from style.wrap(finding.message, "  ")
    for reason in answer.kept_back:
        yield from _labelled(style, "not shown by a check", kept_words(reason, finding))
    yield from _section("what led to it", _values(found), style)
    yield from _section(_why(finding), _reasons(found), style)
    if finding.cost is not None:
        yield from _section(_evidence_title(finding), _evidence(finding), style)
    yield from _repair(answer, style)


def _also(answers: Sequence[Answer], style: Style) -> Iterator[str]:
    """Findings on the line beside those that a check shows, shortly."""
    yield "also on this line, not shown by a check"
    for item in answers:
        finding = item.explanation.finding
        yield "  " + _head(finding, style)
        for reason in item.kept_back:
            yield from style.wrap(kept_words(reason, finding), " " * 4)


def _head(finding: Finding, style: Style) -> str:
    level = style.paint(finding.level.label.upper(), LEVEL_STYLES[finding.level])
    place = style.paint(place_of(finding), "bold")
    return f"{place}  {finding.code}  {level}  {finding.name}  ({finding.confidence.label})"


def kept_words(reason: str, finding: Finding) -> str:
    """Why an audit does not show a finding."""
    if reason == "confidence":
        label = finding.confidence.label
        return f"it is only {label} (--min-confidence {label} shows it)"
    return _KEPT[reason]


def _labelled(style: Style, label: str, text: str) -> list[str]:
    first, *rest = style.wrap(f"{label}: {text}", "  ")
    return [first.replace(label, style.paint(label, "bold"), 1), *rest]


def _section(title: str, pairs: Iterable[Pair], style: Style) -> Iterator[str]:
    """A heading, and below it labels with what there is to say of each."""
    pairs = [(safe(label), safe(text)) for label, text in pairs]
    if not pairs:
        return
    yield "  " + style.paint(title, "bold")
    width = max((cells(a) for a, _ in pairs if cells(a) <= _WIDEST_LABEL), default=0)
    for label, text in pairs:
        if not label:
            yield from style.wrap(text, "    ")
            continue
        lead = f"    {label}{' ' * max(width - cells(label), 0)}  "
        # What stands before the text takes its room on the first line.
        first, *rest = style.wrap("x" * (cells(lead) - 4) + text, "    ")
        yield lead + first[cells(lead) :]
        yield from (" " * cells(lead) + line.strip() for line in rest)


def _values(found: Explanation) -> Iterator[Pair]:
    for item in found.looked:
        passed_over = item.source == "analysis" and item.value in ("", "absent", "None")
        if item.attribute not in _SAID_ANYWAY and not passed_over:
            yield _label(item), _source(item, found.finding.path)
    yield from _model(found.model, found.finding.path)
    yield "context", f"{found.context}{_nothing_trains(found)}"
    card = find_gpu(found.finding.gpu or "")
    if card is not None and found.finding.cost is not None:
        assumed = " (assumed: neither --gpu nor the configuration names one)"
        yield "GPU", card.name + (assumed if found.gpu_assumed else "")


def _nothing_trains(found: Explanation) -> str:
    return ", nothing in sight trains the model" if found.context == "inference" else ""


def _label(item: Looked) -> str:
    if item.source == "analysis":
        return attribute_words(item.attribute)
    bare = item.source in ("absent", "library default") and item.value in ("", "absent", "None")
    return item.name if bare or not item.value else f"{item.name}={item.value}"


def _source(item: Looked, here: str) -> str:
    trail = _trail(item.trail, here, item.spot, bool(item.value))
    if item.source == "analysis":
        value = item.value.strip("'") if item.plain is None else plain_words(item.plain)
        return f"{_YES.get(value, value)}{trail}"
    if item.source == "written":
        at = _at(item.spot, here) if item.spot is not None else "written"
        return f"{at}{'' if item.value else ', not known'}{trail}"
    return _SOURCES[item.source]


def _at(spot: Spot, here: str) -> str:
    """``line 3``, or ``settings.py:3:9`` and which line imports it where it is another file."""
    if spot.path == here:
        return f"line {spot.line}" if spot.cell is None else f"cell {spot.cell}, line {spot.line}"
    imported = f" (imported at line {spot.imported})" if spot.imported is not None else ""
    return f"{spot.path}:{spot.line}:{spot.column}{imported}"


def _trail(trail: Trail, here: str, used: Spot | None = None, known: bool = True) -> str:
    words = ""
    if trail.name and not trail.name.startswith("model "):
        words += f", {'the default of' if known else 'given by'} {quoted(trail.name)}"
    origin = trail.origin
    if origin is not None and (
        used is None or (origin.path, origin.cell, origin.line) != (used.path, used.cell, used.line)
    ):
        words += f"{' at' if words else ', from'} {_at(origin, here)}"
    if trail.calls:
        calls = " and ".join(_at(call, here) for call in trail.calls)
        words += f", passed on by the call at {calls}"
    if trail.where:
        words += f", where {' and '.join(_most(trail.where, _MOST_CIRCUMSTANCES))}"
    return words


def _model(model: ModelSource, here: str) -> Iterator[Pair]:
    loaded = f", loaded at {_at(model.loaded, here)}" if model.loaded is not None else ""
    if model.name is None:
        yield "model", f"not known{f': {model.trouble}' if model.trouble else ''}{loaded}"
        return
    yield "model", f"{model.name}{_trail(model.trail, here, model.loaded)}{loaded}"
    size = model.size
    if size is None or size.params_total_b is None:
        yield "size", "not known: neither the registry, nor the name, nor local files tell it"
        return
    most = "at most " if size.upper_bound else ""
    by = _BY.get(size.resolved_by or "", size.resolved_by or "")
    published = f" ({size.hf_id})" if size.hf_id and size.hf_id != model.name else ""
    yield "size", f"{most}{size.params_total_b:.3g} B, {by}{published}"


def _why(finding: Finding) -> str:
    return f"why {finding.confidence.label}"


def _reasons(found: Explanation) -> Iterator[Pair]:
    said = []
    for reason in found.reasons:
        places = [_at(spot, found.finding.path) for spot in reason.spots]
        at = f" ({', '.join(places)})" if places else ""
        said.append(f"{reason.text}{at}")
    for text in _most(said or [certain_words(found.finding.confidence)], _MOST_REASONS):
        yield "", text


def _most(texts: Sequence[str], most: int) -> list[str]:
    """The first of the texts, and how many more there are."""
    more = len(texts) - most
    return [*texts[:most], *([f"{more} more like these"] if more > 0 else [])]


def _evidence_title(finding: Finding) -> str:
    return f"evidence ({finding.evidence.get('basis', 'not measured')})"


def _evidence(finding: Finding) -> Iterator[Pair]:
    evidence = finding.evidence
    choices: list[dict[str, Any]] = [item for item in evidence.get("choices", ()) if item["rows"]]
    for item in choices:
        energy = item["energy_j_per_1k_tok"]
        if energy is not None:
            text = f"{energy['value']:,.0f} J/1k tok {energy['basis']}, by {_rows(item['rows'])}"
            yield item["label"], text


def _rows(names: Sequence[str]) -> str:
    if len(names) <= _MOST_ROWS:
        return ", ".join(names)
    return f"{len(names)} rows such as {names[0]} (--format json names all)"


def _repair(answer: Answer, style: Style) -> Iterator[str]:
    finding = answer.explanation.finding
    fix = finding.fix
    if fix is None:
        yield from _labelled(style, "repair", "none, and none is needed")
        return
    if not fix.available:
        yield from _labelled(style, "by hand", fix.description)
        if answer.explanation.unrepaired:
            yield from _labelled(style, "no edit", answer.explanation.unrepaired)
        return
    note = "exact: outputs cannot change"
    if fix.level is FixLevel.NUMERIC:
        loss = repair_cost(finding, style)
        note = f"numeric: outputs can change{f'; {loss}' if loss else ''}"
    label = "fix" if answer.deterred else "--fix"
    yield from _labelled(style, label, f"{fix.description} ({note})")
    if answer.deterred:
        yield from _labelled(style, "not made", answer.deterred)
    for line in answer.edit:
        painted = "red" if line.startswith("-") else "green"
        yield "    " + style.paint(safe(line), painted)


# --- no finding -----------------------------------------------------------------------------------


def _nothing(inquiry: Inquiry, style: Style) -> Iterator[str]:
    column = f":{inquiry.column}" if inquiry.column is not None else ""
    cell = f":cell {inquiry.cell}" if inquiry.cell is not None else ""
    where = f"{leading(inquiry.path)}{cell}:{inquiry.line}{column}"
    yield f"{style.paint(where, 'bold')}  no finding"
    if inquiry.reason:
        yield from style.wrap(f"The file is not looked at: {inquiry.reason}.", "  ")
        return
    if inquiry.seen:
        text = f"ecolint knows {', '.join(inquiry.seen)}, and no rule objects to it here."
        yield from style.wrap(text, "  ")
    elif not any(item.rests for item in inquiry.near):
        yield from style.wrap("Nothing on this line starts or sets what a rule looks at.", "  ")
    for spot in inquiry.configured:
        text = f"Its configuration stands at {_at(spot, inquiry.path)}: ask there."
        yield from style.wrap(text, "  ")
    if not inquiry.near:
        yield from style.wrap("There is none in the rest of the file either.", "  ")
        return
    resting = inquiry.near[0].rests
    title = "findings that rest on this line" if resting else "nearest findings"
    yield "  " + style.paint(title, "bold")
    for item in inquiry.near:
        yield from _near(item, style)


def _near(item: Near, style: Style) -> Iterator[str]:
    yield "    " + _head(item.finding, style)
    for reason in item.kept_back:
        yield from style.wrap(f"not shown by a check: {kept_words(reason, item.finding)}", " " * 6)
