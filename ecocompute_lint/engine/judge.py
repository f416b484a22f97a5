"""From facts and rules to findings."""

from __future__ import annotations

import string
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from ecocompute_lint.engine.evidence import weigh
from ecocompute_lint.engine.match import Term, holds
from ecocompute_lint.engine.rule import Condition, FixRule, Rule, Variant
from ecocompute_lint.engine.subject import DeploymentSubject, Pins
from ecocompute_lint.errors import shown
from ecocompute_lint.facts import Carrier, Deployment, Option, Usage
from ecocompute_lint.findings import (
    Confidence,
    Finding,
    Fix,
    FixLevel,
    Level,
    Operation,
    Place,
)
from ecocompute_lint.frozen import dataclass
from ecocompute_lint.knowledge.apis import BITSANDBYTES_PARAMETERS, SWITCHES
from ecocompute_lint.knowledge.economy import USUAL, Economy
from ecocompute_lint.knowledge.hardware import DEFAULT_GPU, find_gpu
from ecocompute_lint.values import ALWAYS, Const, Guards, Span, Symbol

MATCHED = "matched"
"""In a repair: the options that the conditions found."""


@dataclass(frozen=True, slots=True)
class Judgement:
    """A finding with what it was judged by."""

    finding: Finding
    rule: Rule
    variant: Variant
    subject: DeploymentSubject
    term: Term
    at_most: Confidence
    """How sure the figures let it be."""
    trifle: bool = False
    """By the figures the waste is too small to report."""

    @property
    def deployment(self) -> Place:
        """The place of what is deployed: findings with the same one are about one deployment."""
        return self.subject.deployed


def judge(
    facts: Sequence[Deployment],
    rules: Iterable[Rule],
    *,
    path: str,
    gpu: str | None = None,
    context: str = "inference",
    base: Path | None = None,
    economy: Economy = USUAL,
    pins: Pins = lambda package: None,
) -> list[Finding]:
    """All findings of `rules` on `facts`, one per code and place, in reading order.

    Raises `knowledge.cost.CostError` where a month cannot be priced.
    """
    judged = judgements(
        facts, rules, path=path, gpu=gpu, context=context, base=base, economy=economy, pins=pins
    )
    return [item.finding for item in judged]


def judgements(
    facts: Sequence[Deployment],
    rules: Iterable[Rule],
    *,
    path: str,
    gpu: str | None = None,
    context: str = "inference",
    base: Path | None = None,
    economy: Economy = USUAL,
    trifles: bool = False,
    pins: Pins = lambda package: None,
) -> list[Judgement]:
    """As `judge`, with what led to each finding; `trifles` adds what is too small to report."""
    card = find_gpu(gpu or DEFAULT_GPU)
    assert card is not None  # the configuration names known cards only
    subjects = [
        DeploymentSubject(
            fact,
            card,
            base,
            economy,
            gpu_assumed=gpu is None,
            in_tests=_in_tests(path),
            pins=pins,
        )
        for fact in facts
    ]
    found: dict[tuple[str, Place], Judgement] = {}
    for rule in rules:
        for subject in subjects:
            if subject.fact.kind not in rule.facts:
                continue
            if rule.category != "correctness" and context not in ("all", subject.fact.context):
                continue
            judgement = _judgement(rule, subject, path)
            if judgement is None or (judgement.trifle and not trifles):
                continue
            key = (judgement.finding.code, judgement.finding.place)
            known = found.get(key)
            if known is None or _better(judgement, known):
                found[key] = judgement
    codes: dict[Place, set[str]] = {}
    for item in found.values():
        codes.setdefault(item.deployment, set()).add(item.finding.code)
    kept = (
        item
        for item in found.values()
        if codes[item.deployment].isdisjoint(item.rule.unless) and not _repeats(item, found)
    )
    return sorted(kept, key=lambda item: item.finding.sort_key)


def _repeats(item: Judgement, found: Mapping[tuple[str, Place], Judgement]) -> bool:
    """Whether a call only passes on, as a default, what is told where it is used."""
    used = item.subject.place(item.variant.place or item.rule.place)
    return bool(item.term.via and item.term.guards) and (item.finding.code, used) in found


def _in_tests(path: str) -> bool:
    """Whether a file is a test by its name or folder."""
    *folders, name = path.replace("\\", "/").split("/")
    stem = name.rsplit(".", 1)[0]
    marks = {"tests", "test"} if name.endswith((".py", ".pyw", ".ipynb")) else {"tests"}
    return (
        stem.startswith("test_")
        or stem.endswith("_test")
        or stem == "conftest"
        or not marks.isdisjoint(folders)
    )


def _better(new: Judgement, old: Judgement) -> bool:
    return _rank(new) > _rank(old)


def _rank(item: Judgement) -> tuple[bool, Confidence, Level, bool]:
    finding = item.finding
    return (not item.trifle, finding.confidence, finding.level, finding.model is not None)


def _judgement(rule: Rule, subject: DeploymentSubject, path: str) -> Judgement | None:
    ways = ALWAYS if rule.anywhere else subject.fact.ways
    term = holds(rule.when, subject, ways, subject.fact.ways)
    if term is None or (rule.literal and not _literal(term, subject)):
        return None
    if rule.category == "hardware" and any(item.kind == "capability" for item in term.guards):
        return None  # the program asks the GPU itself
    variant = next(
        (
            item
            for item in rule.variants
            if (more := holds(item.when, subject, (term.guards,))) is not None
            and more.confidence >= min(term.confidence, Confidence.LIKELY)
        ),
        Variant(()),
    )
    fix = variant.fix or rule.fix
    place = subject.place(variant.place or rule.place)
    passed = Place(*term.via[0]) if term.via else None
    if (passed or place).elsewhere:
        return None  # the audit of that file says it
    names = tuple(name for name in term.present or term.names if "." not in name)
    model = subject.model_name(term.guards)
    size = subject.size(model).params_total_b if model is not None else None
    weight = weigh(rule, variant, subject, model, term.guards)
    confidence = min(term.confidence, weight.at_most)
    if place.elsewhere and term.guards:
        confidence = Confidence.POSSIBLE  # what decides in another file is not ours to judge
    if variant.at_most is not None:
        confidence = min(confidence, variant.at_most)
    message = _message(variant.message or rule.message, subject, term.guards, names, model, size)
    finding = Finding(
        code=rule.code,
        name=rule.name,
        level=weight.level,
        confidence=confidence,
        path=path,
        place=passed or place,
        message=" ".join(filter(None, (message, _pinned(variant, subject), weight.sentence))),
        model=model,
        params_b=size,
        gpu=subject.gpu.slug,
        context=_context(subject, term),
        evidence=weight.evidence or {},
        cost=weight.cost,
        fix=_fix(fix, subject, names, term.present, passed is not None) if fix else None,
        marks=_marks(subject, names) if passed is None else (),
    )
    return Judgement(finding, rule, variant, subject, term, weight.at_most, not weight.worth_saying)


def _context(subject: DeploymentSubject, term: Term) -> str:
    """What the code is for: see `Finding.context`."""
    if subject.fact.context != "inference":
        return subject.fact.context
    if subject.in_tests:
        return "test"
    forwarded = any(item.kind == "caller" for item in term.guards)
    return "library" if forwarded else "inference"


def _literal(term: Term, subject: DeploymentSubject) -> bool:
    """Whether what decides stands in the argument itself, and not behind a name or a branch."""
    if term.confidence is not Confidence.CERTAIN:
        return False
    options = [option for name in term.names if (option := subject.option(name)) is not None]
    return all(_stands_there(option, item.origin) for option in options for item in option.value)


def _stands_there(option: Option, origin: Span | None) -> bool:
    return option.place is not None and origin is not None and option.place.contains(Place(*origin))


def _marks(subject: DeploymentSubject, names: Iterable[str]) -> tuple[Place, ...]:
    places = (option.place for name in names if (option := subject.option(name)) is not None)
    found = dict.fromkeys(place for place in places if place is not None and not place.elsewhere)
    return (*found, *subject.fact.marks)


class _Blanks(dict[str, Any]):
    """Placeholders nobody fills stay readable."""

    def __missing__(self, key: str) -> str:
        return key


def _message(
    template: str,
    subject: DeploymentSubject,
    guards: Guards,
    names: Sequence[str],
    model: str | None,
    size: float | None,
) -> str:
    options = []
    for name in names:
        text = subject.shown(name, guards)
        options.append(f"`{name}={text}`" if text else f"`{name}`")
    blanks = _Blanks(
        options=_listed(options),
        model=model or "this model",
        params_b=f"{size:g}" if size is not None else "unknown",
    )
    blanks["gpu"] = subject.gpu.name
    blanks.update(subject.fact.words)
    if "_gb}" in template:
        blanks.update(subject.memory_words(model))
    for _, field, _, _ in string.Formatter().parse(template):
        if field and field not in blanks:
            blanks[field] = subject.shown(field, guards) or "given by the caller"
    return template.format_map(blanks)


def _pinned(variant: Variant, subject: DeploymentSubject) -> str:
    """What the project pins of the packages whose versions decide, and where."""
    asked = dict.fromkeys(name for name in _attributes(variant.when) if name.startswith("pinned."))
    pins = [subject.pins(name.removeprefix("pinned.")) for name in asked]
    return " ".join(
        f"The project has `{pin.text}` ({shown(Path(pin.path))})."
        for pin in pins
        if pin is not None
    )


def _attributes(conditions: Iterable[Condition]) -> Iterator[str]:
    for condition in conditions:
        yield from (condition.attribute, *_attributes(condition.parts))


def _listed(items: Sequence[str]) -> str:
    if len(items) < 2:
        return "".join(items)
    return f"{', '.join(items[:-1])} and {items[-1]}"


# -- repairs


def _fix(
    rule: FixRule,
    subject: DeploymentSubject,
    names: Sequence[str],
    present: Sequence[str],
    passed: bool,
) -> Fix:
    operations = () if passed else _operations(rule, subject, names, present)
    if rule.level is FixLevel.MANUAL or not operations:
        return Fix(FixLevel.MANUAL, rule.advice or rule.description)
    return Fix(rule.level, rule.description, operations)


def _operations(
    rule: FixRule, subject: DeploymentSubject, names: Sequence[str], present: Sequence[str]
) -> tuple[Operation, ...]:
    """The steps of a repair; none if one of its options stands where it cannot be edited."""
    usage = subject.fact.usage
    steps: list[Operation | None] = []
    for key, value in rule.set.items():
        for name in names if key == MATCHED else (key,):
            steps.append(_set(usage, name, _spelled_value(value, subject)))
    for name in names if rule.replace else ():
        found = usage.options[name].value.only if name in usage.options else None
        word = found.value if isinstance(found, Const) else getattr(found, "name", None)
        source = rule.replace.get(word) if isinstance(word, str) else None
        steps.append(_set(usage, name, source) if source is not None else None)
    remove = names if rule.remove == MATCHED else rule.remove
    for name in remove:
        by_value = rule.remove == MATCHED and name not in present
        steps.append(_remove(usage, name, by_value))
    if rule.move:
        steps.append(_move(usage, rule.move))
    made = tuple(step for step in steps if step is not None)
    return made if len(made) == len(steps) else ()


def _spelled_value(value: str, subject: DeploymentSubject) -> str:
    """bfloat16 becomes float16 on a card that has none."""
    if value == "torch.bfloat16" and not subject.gpu.supports_bf16:
        return "torch.float16"
    return value


def _editable(option: Option) -> Carrier | None:
    return option.carrier if option.place is not None else None


def _set(usage: Usage, name: str, value: str) -> Operation | None:
    option = usage.options.get(name)
    own = usage.spelled.get(name, name)
    imports = "." in value and value.split(".", 1)[0].isidentifier()
    if option is not None and option.written:
        if not isinstance(option.value.only, (Const, Symbol)):
            return None  # it follows an option of the program, which a literal would silence
        carrier = _editable(option)
    else:
        carrier, option = _beside(usage), None
        if carrier is not None and carrier.kind == "text":
            return None  # a place in a file of data holds what is there, and nothing beside it
    if carrier is None or not _switched_plainly(usage):
        return None
    position = option.position if option is not None else None
    return Operation(
        "set",
        carrier.value or carrier.place,
        carrier.kind,
        own,
        value,
        position=position,
        imports=imports,
    )


def _beside(usage: Usage) -> Carrier | None:
    """Where an option can be added: beside the switch, else in the call."""
    for name in SWITCHES:
        option = usage.options.get(name)
        if option is not None and option.carrier is not None and option.value.constant() is True:
            return option.carrier
    return usage.carrier


def _switched_plainly(usage: Usage) -> bool:
    """Whether legacy switches are literal, so that what is added beside them is always read.

    A loader whose switch turns out off takes the other options for its own and fails; a
    configuration object whose switch turns out off quantizes to 4 bit.
    """
    return not usage.factory or all(
        isinstance(usage.options[name].value.constant(), bool) for name in SWITCHES
    )


def _remove(usage: Usage, name: str, by_value: bool) -> Operation | None:
    option = usage.options.get(name)
    if option is None or option.position is not None:
        return None
    if by_value and not isinstance(option.value.only, (Const, Symbol)):
        return None  # it follows an option of the program, which would then do nothing
    carrier = _editable(option)
    if carrier is None:
        return None
    return Operation("remove", carrier.place, carrier.kind, usage.spelled.get(name, name))


def _move(usage: Usage, move: Any) -> Operation | None:
    """Move the options that Transformers knows into a configuration object."""
    written = {
        name: option
        for name, option in usage.options.items()
        if option.written and name in BITSANDBYTES_PARAMETERS
    }
    if not _switched_plainly(usage):
        return None
    carriers = {_editable(option) for option in written.values()}
    if len(carriers) != 1 or not usage.factory or usage.carrier is None:
        return None
    (carrier,) = carriers
    if carrier is None or any(option.position is not None for option in written.values()):
        return None
    return Operation(
        "move",
        carrier.place,
        carrier.kind,
        move["into"],
        names=tuple(written),
        factory=usage.factory,
        imports=True,
    )
