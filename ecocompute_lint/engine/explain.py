"""How a finding came to be: what its rule looked at, where that stands, and how sure it is.

Worked out only when somebody asks; the audit itself does not need it.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ecocompute_lint.engine.judge import MATCHED, Judgement
from ecocompute_lint.engine.match import loosely_true, matched, surest_after
from ecocompute_lint.engine.rule import Condition, FixRule
from ecocompute_lint.engine.trail import (
    Explanation,
    Looked,
    ModelSource,
    Reason,
    Sight,
    Spot,
    Trail,
)
from ecocompute_lint.engine.wording import (
    circumstance,
    conditions_words,
    default_reason,
    input_reason,
    payload_text,
    quoted,
)
from ecocompute_lint.facts import Option
from ecocompute_lint.findings import Confidence, FixLevel, Place
from ecocompute_lint.frozen import dataclass
from ecocompute_lint.knowledge.apis import BITSANDBYTES_PARAMETERS, SWITCHES, find_api
from ecocompute_lint.values import Alternative, Const, Input, Match, Symbol, both

_OF_LOAD = "load."
_MOST_PLACES = 4


def explain(judgement: Judgement, sight: Sight) -> Explanation:
    """How a finding came to be."""
    asked = _Asked(judgement, sight)
    looked = tuple(asked.looked())
    subject, finding = judgement.subject, judgement.finding
    model, reasons = asked.model(), asked.reasons()
    return Explanation(
        finding,
        reasons,
        looked,
        model,
        subject.fact.context,
        subject.gpu_assumed,
        _unrepaired(judgement, sight),
        frozenset(_lines(looked, model, reasons, sight.path)),
    )


def _lines(
    looked: tuple[Looked, ...], model: ModelSource, reasons: tuple[Reason, ...], path: str
) -> Iterator[int]:
    spots = [model.loaded, model.trail.origin, *model.trail.calls]
    for item in looked:
        spots += [item.spot, item.trail.origin, *item.trail.calls]
    spots += [spot for reason in reasons for spot in reason.spots]
    for spot in spots:
        if spot is not None and spot.path == path:
            yield spot.line
        elif spot is not None and spot.imported is not None:
            yield spot.imported


@dataclass(frozen=True, slots=True)
class _Held:
    """A condition that holds: what it asks, and the value by which it holds (None: presence)."""

    attribute: str
    operator: str
    operand: Any
    match: Match | None


class _Asked:
    """One judgement under question."""

    def __init__(self, judgement: Judgement, sight: Sight) -> None:
        self.judgement = judgement
        self.subject = judgement.subject
        self.guards = judgement.term.guards
        self.sight = sight
        self.held: list[_Held] = []
        for condition in (*judgement.rule.when, *judgement.variant.when):
            self.held += self._holding(condition) or ()

    def _holding(self, condition: Condition) -> list[_Held] | None:
        """The parts of a condition that hold in the finding's ways; None if it does not."""
        if condition.group:
            parts = [self._holding(part) for part in condition.parts]
            good = [part for part in parts if part is not None]
            if not good or (condition.group == "all" and len(good) < len(parts)):
                return None
            return [item for part in good for item in part]
        found: list[_Held] = []
        for operator, operand in condition.operators:
            match = None
            if operator != "present":
                match = self._matching(condition.attribute, operator, operand)
                if match is None:
                    return None
            elif self.subject.written(condition.attribute) is not operand:
                return None
            found.append(_Held(condition.attribute, operator, operand, match))
        return found

    def _matching(self, attribute: str, operator: str, operand: Any) -> Match | None:
        found = list(matched(attribute, operator, operand, self.subject))
        sure = [item for item in found if both(self.guards, item.guards) == self.guards]
        # What is worked out anew has new inputs, which no guards know.
        near = sure or [item for item in found if both(self.guards, item.guards) is not None]
        return min(near, key=lambda item: (len(item.alternative.via), -item.cap), default=None)

    # -- what the rule looked at

    def looked(self) -> Iterator[Looked]:
        """Each attribute once, in the order of the rule."""
        seen: set[str] = set()
        for item in self.held:
            if item.attribute in seen:
                continue
            seen.add(item.attribute)
            option = self.subject.option(item.attribute)
            if option is not None:
                yield self._option(item, option)
            elif item.match is not None:
                payload = item.match.alternative.payload
                plain = payload.value if isinstance(payload, Const) else None
                yield Looked(
                    item.attribute,
                    item.attribute,
                    payload_text(payload),
                    "analysis",
                    plain=plain,
                    trail=self._trail(item.match.alternative, None),
                )

    def _option(self, item: _Held, option: Option) -> Looked:
        usage, load = self.subject.fact.usage, self.subject.fact.load
        of_load = item.attribute.startswith(_OF_LOAD)
        name = item.attribute.removeprefix(_OF_LOAD)
        alternative = item.match.alternative if item.match else option.value.alternatives[0]
        value = self._text(alternative)
        if not option.written or alternative.default:
            row = find_api(load.api if of_load and load is not None else usage.api)
            implied = row is not None and (
                name in row.implied
                or any(
                    name in options for words in row.means.values() for options in words.values()
                )
            )
            known = row is not None and name in row.defaults
            source = "implied" if implied else "library default"
            if value in ("None", "") and not implied and (of_load or not known):
                source = "absent"
            if isinstance(alternative.payload, Input):
                source = "passed in"
            return Looked(item.attribute, name, value, source, of_load)
        return Looked(
            item.attribute,
            name if of_load else usage.spelled.get(name, name),
            value,
            "absent" if value == "absent" else "written",
            of_load,
            self._spot(option.place) if option.place is not None else None,
            self._trail(alternative, option.place),
        )

    def _text(self, alternative: Alternative) -> str:
        payload = alternative.payload
        known = self.guards.get(payload) if isinstance(payload, Input) else None
        return payload_text(payload, known)

    def _trail(self, alternative: Alternative, used: Place | None) -> Trail:
        origin = alternative.origin
        there = used is not None and origin is not None and used.contains(Place(*origin))
        payload = alternative.payload
        where = tuple(circumstance(item, rule) for item, rule in alternative.guards.items())
        return Trail(
            self._spot(Place(*origin)) if origin is not None and not there else None,
            payload.name if isinstance(payload, Input) else "",
            tuple(self._spot(Place(*span)) for span in alternative.via),
            where,
        )

    def _spot(self, place: Place) -> Spot:
        return self.sight.spot(place.line, place.column)

    # -- how sure it is

    def reasons(self) -> tuple[Reason, ...]:
        """What lowers the confidence so far; what would lower it less is left out."""
        finding, judgement = self.judgement.finding, self.judgement
        found = [*self._circumstances(), *self._values()]
        variant = judgement.variant
        if variant.at_most is not None:
            words = conditions_words(variant.when)
            label = variant.at_most.label
            text = f"{judgement.rule.code} is at most {label} where {words}"
            found.append(Reason(variant.at_most, "rule", text))
        if judgement.at_most < Confidence.CERTAIN:
            text = "the figures are estimates, and lie near the line from which they are reported"
            found.append(Reason(judgement.at_most, "figures", text))
        if self.subject.fact.usage.place.elsewhere and self.guards:
            text = "what decides stands in another file"
            found.append(Reason(Confidence.POSSIBLE, "elsewhere", text))
        # Of ways that hold together the surest counts: what is less sure did not decide.
        kept = [
            item for item in found if finding.confidence <= item.confidence < Confidence.CERTAIN
        ]
        least = min((item.confidence for item in kept), default=finding.confidence)
        return tuple({item.text: item for item in kept if item.confidence == least}.values())

    def _circumstances(self) -> Iterator[Reason]:
        origins = self._origins()
        for item, constraint in self.guards.items():
            spots = origins.get(item, ())
            lines = self.sight.lines_of(item.name)
            spots = (*spots, *(self.sight.spot(line, 1) for line in lines))
            spots = tuple({(spot.path, spot.line): spot for spot in reversed(spots)}.values())[::-1]
            kind = "default" if item.default is not None else "branch"
            yield Reason(item.strength(constraint), kind, input_reason(item, constraint), spots)

    def _origins(self) -> dict[Input, tuple[Spot, ...]]:
        """Where the defaults of inputs stand."""
        found: dict[Input, tuple[Spot, ...]] = {}
        load = self.subject.fact.load
        options = [*self.subject.fact.usage.options.values()]
        options += load.options.values() if load is not None else ()
        for value in (*(option.value for option in options), *([load.model] if load else ())):
            for item in value:
                if isinstance(item.payload, Input) and item.origin is not None:
                    found[item.payload] = (self._spot(Place(*item.origin)),)
        return found

    def _values(self) -> Iterator[Reason]:
        for item in self.held:
            if item.match is None:
                continue
            alternative = item.match.alternative
            payload, via = alternative.payload, alternative.via
            name = quoted(item.attribute.removeprefix(_OF_LOAD))
            if via:
                spots = tuple(self._spot(Place(*span)) for span in via[:_MOST_PLACES])
                calls = "a call" if len(via) == 1 else f"{len(via)} calls"
                text = f"{name} is what {calls} passed on"
                yield Reason(surest_after(via), "calls", text, spots)
            if isinstance(payload, Input) and item.match.cap < Confidence.CERTAIN:
                spots = self._origins().get(payload, ())
                yield Reason(item.match.cap, "default", default_reason(payload), spots)
            elif not isinstance(payload, (Const, Symbol, Input)):
                text = f"nothing in sight says what {name} is"
                yield Reason(item.match.cap, "value", text)
            if item.operator == "is" and item.operand is True and loosely_true(payload):
                text = f"{name} is {payload_text(payload)}, which counts as true"
                yield Reason(Confidence.LIKELY, "value", text)

    # -- the model

    def model(self) -> ModelSource:
        """The model, where its name stands, and how its size was found."""
        load, name = self.subject.fact.load, self.judgement.finding.model
        loaded = self._spot(load.place) if load is not None else None
        if name is None or load is None:
            return ModelSource(None, self.subject.model_trouble(self.guards), loaded)
        for item in load.model:
            payload = item.payload.default if isinstance(item.payload, Input) else item.payload
            fits = both(item.guards, self.guards) is not None
            if fits and isinstance(payload, Const) and payload.value == name:
                trail = self._trail(item, None)
                return ModelSource(name, "", loaded, trail, self.subject.size(name))
        return ModelSource(name, "", loaded, size=self.subject.size(name))


# -- why there is no edit


def _unrepaired(judgement: Judgement, sight: Sight) -> str:
    """Why a finding has no edit; empty where it has one, or where its rule knows none."""
    finding = judgement.finding
    rule = judgement.variant.fix or judgement.rule.fix
    if (
        rule is None
        or rule.level is FixLevel.MANUAL
        or finding.fix is None
        or finding.fix.available
    ):
        return ""
    if judgement.term.via:
        return "the value comes through a call, and others may call with another one"
    for name in _edited(rule, judgement):
        option = judgement.subject.option(name)
        if option is None or not option.written:
            continue
        payload = option.value.only
        if not isinstance(payload, (Const, Symbol)):
            what = f"follows {quoted(payload.name)}" if isinstance(payload, Input) else "varies"
            return f"`{name}` {what}, and a literal in its place would silence that"
        if option.place is not None and option.place.elsewhere:
            return f"`{name}` stands in another file"
        if option.carrier is None:
            return f"`{name}` stands where other calls may share it, or comes in as a whole dict"
    usage = judgement.subject.fact.usage
    for name in SWITCHES if usage.factory else ():
        if not isinstance(usage.options[name].value.constant(), bool):
            return f"`{name}` is not always on, and an option beside it would then be misread"
    return "no call or dict display in this file holds the options in a form that can be edited"


def _edited(rule: FixRule, judgement: Judgement) -> tuple[str, ...]:
    """The options that the repair would touch."""
    names = [*rule.set, *([rule.remove] if isinstance(rule.remove, str) else rule.remove)]
    if MATCHED in names:
        names += [*judgement.term.names, *judgement.term.present]
    if rule.move:
        names += BITSANDBYTES_PARAMETERS
    return tuple(dict.fromkeys(names))
