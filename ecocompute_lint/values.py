"""What an expression may be, and under which circumstances.

A `Value` is a set of alternatives. Each alternative holds under *guards*: constraints on the
program's *inputs* (options, parameters, environment). Two alternatives whose guards contradict
each other never hold together, so ``load_in_8bit=not load_in_4bit`` is never "neither". Nothing
here knows about Python source or rules.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import field
from typing import Any, TypeAlias

from ecocompute_lint.findings import Confidence
from ecocompute_lint.frozen import dataclass

Span: TypeAlias = tuple[int, int, int, int]
"""A raw source span: line (1-based), byte column (0-based), end line, end byte column."""


class _Absent:
    """The payload of an option that nothing sets."""

    def __repr__(self) -> str:
        return "ABSENT"


ABSENT = _Absent()


@dataclass(frozen=True, slots=True)
class Const:
    """A Python literal (also None, True, a number, a string)."""

    value: Any

    @property
    def key(self) -> tuple[str, Any]:
        """A hashable identity that tells 1 from True and 0 from 0.0."""
        return (type(self.value).__name__, self.value)


@dataclass(frozen=True, slots=True)
class Symbol:
    """Something imported, by its full dotted name: ``torch.bfloat16``."""

    name: str


@dataclass(frozen=True, slots=True, eq=False)
class Input:
    """Something the program is given: an option, a parameter, an environment variable.

    `kind` decides how likely a choice on it is: ``environment`` (the machine decides: both sides
    are likely), ``capability`` (the GPU is asked what it can do: likely that it can), ``gpu``
    (likely there: without one nothing is wasted on it), ``model`` (a test of the model's type: its
    else is likely), ``unbound`` (nothing in the file defines it), ``caller`` (no default known),
    ``default`` (`default` holds unless somebody says otherwise), ``choice`` (one of several
    settings that a loop runs through) or ``elsewhere`` (another file decides).
    """

    name: str
    kind: str
    default: Const | Symbol | None = None

    def strength(self, constraint: Constraint) -> Confidence:
        """How likely it is that this input satisfies `constraint`."""
        if self.kind in ("environment", "unbound"):
            return Confidence.LIKELY
        if self.kind == "model":
            return Confidence.POSSIBLE if constraint.truth is not False else Confidence.LIKELY
        if self.kind in ("gpu", "capability"):
            return Confidence.POSSIBLE if constraint.truth is False else Confidence.LIKELY
        if self.default is not None and constraint.admits(self.default):
            return Confidence.LIKELY
        return Confidence.POSSIBLE


def _truth(payload: Const | Symbol) -> bool:
    return bool(payload.value) if isinstance(payload, Const) else True


Key: TypeAlias = tuple[str, Any]


def key_of(payload: Const | Symbol) -> Key:
    """The identity by which guards tell constants apart."""
    return payload.key if isinstance(payload, Const) else ("symbol", payload.name)


def _key_truth(key: Key) -> bool:
    return bool(key[1])


@dataclass(frozen=True, slots=True)
class Constraint:
    """What is known of an input: its truth, the constants it may be, those it is not."""

    truth: bool | None = None
    allowed: frozenset[Key] | None = None
    excluded: frozenset[Key] = frozenset()

    def admits(self, payload: Const | Symbol) -> bool:
        """Whether `payload` satisfies the constraint."""
        if self.truth is not None and _truth(payload) is not self.truth:
            return False
        key = key_of(payload)
        return key not in self.excluded and (self.allowed is None or key in self.allowed)

    def __and__(self, other: Constraint) -> Constraint | None:
        """Both constraints together; None if they contradict each other."""
        if self is other or self == other:
            return self
        if self.truth is not None and other.truth is not None and self.truth is not other.truth:
            return None
        truth = self.truth if self.truth is not None else other.truth
        allowed = self.allowed
        if other.allowed is not None:
            allowed = other.allowed if allowed is None else allowed & other.allowed
        excluded = self.excluded | other.excluded
        if allowed is not None:
            allowed = frozenset(
                key
                for key in allowed
                if key not in excluded and (truth is None or _key_truth(key) is truth)
            )
            if not allowed:
                return None
        return Constraint(truth, allowed, excluded)

    def negated(self) -> Constraint | None:
        """The opposite of a constraint of one sort; None when it has no simple opposite."""
        if self.allowed is not None:
            return Constraint(excluded=self.allowed)
        if self.excluded and self.truth is None:
            return Constraint(allowed=self.excluded)
        return None if self.truth is None else Constraint(truth=not self.truth)


Guards: TypeAlias = Mapping[Input, Constraint]
"""A conjunction; the empty one always holds."""
Ways: TypeAlias = tuple[Guards, ...]
"""A disjunction of conjunctions: the ways in which something can come about."""

NONE: Guards = {}
ALWAYS: Ways = (NONE,)
NEVER: Ways = ()
_MOST_WAYS = 6
_MOST_ALTERNATIVES = 8
_MOST_COMPARED = 128


def both(left: Guards, right: Guards) -> Guards | None:
    """The conjunction of two guards; None if they contradict each other."""
    if not left:
        return right
    if not right or left is right:
        return left
    merged: dict[Input, Constraint] | None = None
    for item, constraint in right.items():
        known = left.get(item)
        if known is constraint:
            continue
        joint = constraint if known is None else known & constraint
        if joint is None:
            return None
        if merged is None:
            merged = dict(left)
        merged[item] = joint
    return left if merged is None else merged


def conjunction(left: Ways, right: Ways) -> Ways:
    """The ways in which both can come about."""
    if left is ALWAYS or left == ALWAYS:
        return right
    if right is ALWAYS or right == ALWAYS:
        return left
    joint = (both(a, b) for a in left for b in right)
    return simplified(guards for guards in joint if guards is not None)


def disjunction(left: Ways, right: Ways) -> Ways:
    """The ways in which either can come about."""
    return simplified((*left, *right))


def simplified(ways: Iterable[Guards]) -> Ways:
    """Without repetitions; widened to what all have in common when there are too many."""
    unique: list[Guards] = []
    for guards in ways:
        if not guards:
            return ALWAYS
        if guards not in unique:
            unique.append(guards)
    if len(unique) > _MOST_WAYS:
        common = dict(unique[0])
        for guards in unique[1:]:
            common = {item: rule for item, rule in common.items() if guards.get(item) == rule}
        # What differs is lost, so the result must not look surer than it is.
        common[_WIDENED] = Constraint(truth=True)
        return (common,)
    return tuple(unique)


_WIDENED = Input("too many ways", "caller")


def opposite(ways: Ways) -> Ways:
    """The ways in which none of `ways` comes about."""
    result: Ways = ALWAYS
    for guards in ways:
        turned: list[Guards] = []
        before: Guards = NONE
        for item, constraint in guards.items():
            negation = constraint.negated()
            if negation is not None:
                joint = both(before, {item: negation})
                if joint is not None:
                    turned.append(joint)
            kept = both(before, {item: constraint})
            before = kept if kept is not None else before
        result = conjunction(result, simplified(turned))
    return result


def confidence_of(guards: Guards) -> Confidence:
    """How likely it is that all constraints of `guards` hold."""
    return min(
        (item.strength(constraint) for item, constraint in guards.items()),
        default=Confidence.CERTAIN,
    )


Payload: TypeAlias = Any
"""Const, Symbol, Input, ABSENT, or an analysis-specific reference to an object."""


# Frozen ones take several times as long to make, and an analysis makes millions of these two.
@dataclass(slots=True, unsafe_hash=True)
class Alternative:
    """One thing that a value may be. It never changes.

    `via` are the calls that passed it on as an argument, outermost first; `origin` is where it
    stands in the source; `default` says that nobody wrote it: it is what the library does.
    """

    payload: Payload
    guards: Guards = field(default_factory=lambda: NONE)
    via: tuple[Span, ...] = ()
    origin: Span | None = None
    default: bool = False


def _under(item: Alternative, guards: Guards) -> Alternative:
    """The same under other guards."""
    return Alternative(item.payload, guards, item.via, item.origin, item.default)


@dataclass(slots=True, unsafe_hash=True)
class Value:
    """One of several alternatives. It never changes."""

    alternatives: tuple[Alternative, ...]

    def __iter__(self) -> Iterator[Alternative]:
        return iter(self.alternatives)

    def within(self, ways: Ways) -> Value:
        """The same value, with `ways` added to the guards of each alternative."""
        if ways is ALWAYS or ways == ALWAYS:
            return self
        if len(ways) == 1 and len(self.alternatives) == 1 and not self.alternatives[0].guards:
            return Value((_under(self.alternatives[0], ways[0]),))
        found: list[Alternative] = []
        for alternative in self.alternatives:
            for guards in ways:
                joint = both(alternative.guards, guards)
                if joint is not None:
                    found.append(_under(alternative, joint))
        return Value(_bounded(found))

    def given(self, ways: Ways) -> Value:
        """Only the alternatives that can hold where `ways` holds, guards unchanged."""
        if ways is ALWAYS or len(self.alternatives) < 2:
            return self
        kept = tuple(
            alternative
            for alternative in self.alternatives
            if not alternative.guards
            or any(both(alternative.guards, guards) is not None for guards in ways)
        )
        return self if len(kept) == len(self.alternatives) or not kept else Value(kept)

    def passed(self, call: Span) -> Value:
        """The same value as an argument of the call at `call`."""
        return Value(
            tuple(
                Alternative(item.payload, item.guards, (*item.via, call), item.origin, item.default)
                if isinstance(item.payload, (Const, Symbol, Input))
                else item
                for item in self.alternatives
            )
        )

    @property
    def only(self) -> Payload:
        """The payload if there is exactly one alternative, else None."""
        return self.alternatives[0].payload if len(self.alternatives) == 1 else None

    def constant(self) -> Any:
        """The literal if the value is exactly one literal, else None."""
        payload = self.only
        return payload.value if isinstance(payload, Const) else None


def _bounded(
    found: Sequence[Alternative], most: int = _MOST_ALTERNATIVES
) -> tuple[Alternative, ...]:
    if len(found) <= most:
        return tuple(found)
    # Too many to keep apart. Those that need least are what usually happens.
    return tuple(sorted(found, key=lambda item: -confidence_of(item.guards))[:most])


def known(payload: Payload, origin: Span | None = None) -> Value:
    """A value with one alternative that always holds."""
    return Value((Alternative(payload, NONE, (), origin),))


def union(values: Iterable[Value]) -> Value:
    """One of all the alternatives of `values`."""
    given = list(values)
    if len(given) == 1 and len(given[0].alternatives) == 1:
        return given[0]
    every = [item for value in given for item in value.alternatives]
    found: list[Alternative] = []
    for item in _bounded(every, _MOST_COMPARED):
        if item not in found:
            found.append(item)
    return Value(_bounded(found))


ABSENT_VALUE = known(ABSENT)


@dataclass(frozen=True, slots=True)
class Match:
    """One way in which a condition on a value holds."""

    guards: Guards
    cap: Confidence
    alternative: Alternative


def _open(default: Const | Symbol | None, test: Callable[[Const | Symbol], bool]) -> bool:
    """Whether an input may as well be anything else: without a default, or with another number."""
    if default is None:
        return True
    value = default.value if isinstance(default, Const) else None
    return type(value) in (int, float) and not test(default)


def matches(
    value: Value,
    test: Callable[[Const | Symbol], bool],
    constraint: Constraint | None,
) -> Iterator[Match]:
    """The ways in which a value passes `test`.

    For an input nobody can evaluate, `constraint` says what passing means; without one, its
    default is tested.
    """
    for item in value.alternatives:
        payload = item.payload
        if isinstance(payload, (Const, Symbol)):
            if test(payload):
                yield Match(item.guards, Confidence.CERTAIN, item)
        elif isinstance(payload, Input):
            if constraint is not None:
                forwarded = payload not in item.guards and _open(payload.default, test)
                if constraint.allowed is not None and forwarded:
                    continue  # just that value, out of all that a caller may pass
                joint = both(item.guards, {payload: constraint})
                if joint is not None:
                    yield Match(joint, Confidence.CERTAIN, item)
            elif payload.default is not None and test(payload.default):
                yield Match(item.guards, Confidence.LIKELY, item)
        elif payload is not ABSENT:
            yield Match(item.guards, Confidence.POSSIBLE, item)
