"""Do the conditions of a rule hold for a fact? In which ways, and how surely?"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import field, replace
from typing import Any, Protocol, TypeAlias

from ecocompute_lint.engine.rule import Condition
from ecocompute_lint.facts import PackagePin
from ecocompute_lint.findings import Confidence
from ecocompute_lint.frozen import dataclass
from ecocompute_lint.values import (
    ALWAYS,
    Const,
    Constraint,
    Guards,
    Input,
    Key,
    Match,
    Span,
    Symbol,
    Value,
    Ways,
    both,
    confidence_of,
    key_of,
    matches,
)

_MOST_TERMS = 64
_UNLIKE = Confidence.LIKELY


class Subject(Protocol):
    """What conditions ask of a fact."""

    def value(self, attribute: str) -> Value:
        """The value of an attribute (absent ones too)."""

    def written(self, attribute: str) -> bool:
        """Whether the attribute stands in the source."""


@dataclass(frozen=True, slots=True)
class Term:
    """One way in which conditions hold: its guards, how sure that is, and what decided it."""

    guards: Guards
    cap: Confidence = Confidence.CERTAIN
    via: tuple[Span, ...] = ()
    names: tuple[str, ...] = ()
    """The options whose values decided."""
    present: tuple[str, ...] = ()
    """The options whose mere presence decided."""
    unlike: Guards = field(default_factory=dict)
    """What nobody says to be otherwise than one of a few values, and hardly ever is."""

    @property
    def confidence(self) -> Confidence:
        """How sure it is that the conditions hold this way."""
        return min(self.cap, confidence_of(self.guards))

    def and_(self, other: Term) -> Term | None:
        """Both together; None if they contradict each other."""
        if self is _ANY or other is _ANY:
            return other if self is _ANY else self
        guards = both(self.guards, other.guards)
        unlike = both(self.unlike, other.unlike)
        if guards is None or unlike is None or both(guards, unlike) is None:
            return None
        names = tuple(dict.fromkeys((*self.names, *other.names)))
        present = tuple(dict.fromkeys((*self.present, *other.present)))
        via = self.via or other.via
        return Term(guards, min(self.cap, other.cap), via, names, present, unlike)


_ANY = Term({})
"""Holds whatever is the case."""


def holds(
    conditions: Iterable[Condition], subject: Subject, ways: Ways, within: Ways = ALWAYS
) -> Term | None:
    """The surest way in which all conditions hold together; None if there is none.

    `ways` are part of what has to hold, and so of how sure it is. What contradicts `within` is
    left out, without making the rest less sure.
    """
    terms = [Term(guards) if guards else _ANY for guards in ways]
    for condition in conditions:
        terms = _together(terms, _terms(condition, subject))
        if not terms:
            return None  # what is asked further on may be dear
    terms = [
        term for term in terms if any(both(term.guards, guards) is not None for guards in within)
    ]
    if not terms:
        return None
    return max(
        terms,
        key=lambda term: (term.confidence, not term.via, len(term.present), len(term.names)),
    )


def _together(left: list[Term], right: list[Term]) -> list[Term]:
    if not right:
        return []
    found: list[Term] = []
    for first in left:
        for second in right:
            joint = first.and_(second)
            if joint is not None and joint not in found:
                found.append(joint)
    if len(found) < 2:
        return found
    return sorted(found, key=lambda term: -term.confidence)[:_MOST_TERMS]


def _terms(condition: Condition, subject: Subject) -> list[Term]:
    if condition.group == "all":
        terms = [_ANY]
        for part in condition.parts:
            terms = _together(terms, _terms(part, subject)) if terms else []
        return terms
    if condition.group == "any":
        groups = [_terms(part, subject) for part in condition.parts]
        found = [term for group in groups for term in group]
        # Parts that hold together are one way, which names all of them.
        sure = [group[0] for group in groups if group and not group[0].guards]
        if len(sure) > 1:
            together = sure[0]
            for term in sure[1:]:
                together = together.and_(term) or together
            found.insert(0, replace(together, cap=max(term.cap for term in sure)))
        return found
    terms = [_ANY]
    for operator, operand in condition.operators:
        terms = _together(terms, _leaf(condition.attribute, operator, operand, subject))
    return terms


def _leaf(attribute: str, operator: str, operand: Any, subject: Subject) -> list[Term]:
    if operator == "present":
        if subject.written(attribute) is not operand:
            return []
        return [Term({}, present=(attribute,) if operand else ())]
    found: list[Term] = []
    value = subject.value(attribute)
    passed = list(matches(value, *_test(operator, operand)))
    if not passed:
        return []
    open_ones = [item for item in value if not item.guards]
    # Of several that nothing tells apart, such as the entries of a dict, only one is meant.
    one_of = len(open_ones) > sum(not match.alternative.guards for match in passed) > 0
    decides = operator in ("is", "in", "type") and subject.written(attribute)
    for match in passed:
        via = match.alternative.via
        cap = min(match.cap, surest_after(via))
        if one_of and not match.alternative.guards:
            cap = Confidence.POSSIBLE
        if operator == "is" and operand is True and loosely_true(match.alternative.payload):
            cap = min(cap, Confidence.LIKELY)
        names = (attribute,) if decides else ()
        if operator == "not_in" and _free(match.alternative.payload):
            unlike = match.guards
            found.append(Term(match.alternative.guards, min(cap, _UNLIKE), unlike=unlike))
        else:
            found.append(Term(match.guards, cap, via if decides else (), names))
    return found


def _free(payload: object) -> bool:
    """Whether nothing in sight says what an input is."""
    return isinstance(payload, Input) and payload.default is None


def matched(attribute: str, operator: str, operand: Any, subject: Subject) -> Iterator[Match]:
    """The ways in which the value of an attribute passes one test."""
    test, constraint = _test(operator, operand)
    return matches(subject.value(attribute), test, constraint)


def surest_after(via: Sequence[Span]) -> Confidence:
    """How sure a value can be that so many calls passed on."""
    return (Confidence.CERTAIN, Confidence.LIKELY, Confidence.POSSIBLE)[min(len(via), 2)]


def loosely_true(payload: object) -> bool:
    """Whether a literal counts as true without being True."""
    return isinstance(payload, Const) and payload.value is not True


_Test: TypeAlias = tuple[Callable[[Const | Symbol], bool], Constraint | None]
_TESTS: dict[tuple[str, int], tuple[Any, _Test]] = {}
"""By operator and operand, which is kept so that no other can take its identity."""


def _test(operator: str, operand: Any) -> _Test:
    key = (operator, id(operand))
    found = _TESTS.get(key)
    if found is None:
        found = _TESTS[key] = (operand, _made_test(operator, operand))
    return found[1]


def _made_test(operator: str, operand: Any) -> _Test:
    if operator in ("is", "is_not") and isinstance(operand, bool):
        wanted = operand if operator == "is" else not operand
        return lambda item: _truth(item) is wanted, Constraint(truth=wanted)
    if operator in ("is", "in", "is_not", "not_in"):
        keys = _keys(operand if isinstance(operand, list) else [operand])
        if operator in ("is", "in"):
            return lambda item: key_of(item) in keys, Constraint(allowed=keys)
        return lambda item: key_of(item) not in keys, Constraint(excluded=keys)
    return _PLAIN[operator](operand), None


def _truth(item: Const | Symbol) -> bool:
    return bool(item.value) if isinstance(item, Const) else True


def _keys(operands: Iterable[Any]) -> frozenset[Key]:
    """The identities of operands: a number in both types, a name as text and as symbol."""
    found: set[Key] = set()
    for operand in operands:
        found.add((type(operand).__name__, operand))
        if isinstance(operand, str):
            found.add(("symbol", operand))
        elif isinstance(operand, (int, float)) and not isinstance(operand, bool):
            found.update({("int", operand), ("float", operand)})
    return frozenset(found)


def _number(item: Const | Symbol) -> float | None:
    value = item.value if isinstance(item, Const) else None
    return value if isinstance(value, (int, float)) and not isinstance(value, bool) else None


_LONGEST = 1000
"""Characters of a value that an expression is searched in: names are shorter."""


def _at_most(limit: float) -> Callable[[Const | Symbol], bool]:
    return lambda item: (number := _number(item)) is not None and number <= limit


def _above(limit: float) -> Callable[[Const | Symbol], bool]:
    return lambda item: (number := _number(item)) is not None and number > limit


def _of_type(name: str) -> Callable[[Const | Symbol], bool]:
    return lambda item: isinstance(item, Const) and type(item.value).__name__ == name


def _like(pattern: str) -> Callable[[Const | Symbol], bool]:
    compiled = re.compile(pattern)

    def test(item: Const | Symbol) -> bool:
        text = item.value if isinstance(item, Const) else item.name
        return isinstance(text, str) and compiled.search(text, 0, _LONGEST) is not None

    return test


def _within(specifier: str) -> Callable[[Const | Symbol], bool]:
    def test(item: Const | Symbol) -> bool:
        pin = item.value if isinstance(item, Const) else None
        if not isinstance(pin, PackagePin):
            return False
        from ecocompute_lint.versions import range_of

        return pin.versions.within(range_of(specifier))

    return test


def _not_within(specifier: str) -> Callable[[Const | Symbol], bool]:
    inside = _within(specifier)
    return lambda item: not inside(item)


_PLAIN: Mapping[str, Callable[[Any], Callable[[Const | Symbol], bool]]] = {
    "at_most": _at_most,
    "above": _above,
    "type": _of_type,
    "matches": _like,
    "within": _within,
    "not_within": _not_within,
}
