"""Whether a regular expression can take exponential time: decided from its structure, not by trial.

A backtracking matcher does where one text can be read in two ways within a loop. The expression is
made an automaton whose states are its characters; two readings of a loop are two different walks
over the same characters from a state back to it.
"""

from __future__ import annotations

import re
import sys
import warnings
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

if sys.version_info >= (3, 11):
    from re import _constants as sre
    from re import _parser as parser
else:
    import sre_constants as sre
    import sre_parse as parser

_ALPHABET = [*map(chr, range(128)), "\x85", "\xa0", "é", "ſ", "\u2028", "٣", "中", "\U0001f600"]
"""Characters of every kind that a class can tell apart."""
_EVERYTHING = (1 << len(_ALPHABET)) - 1
_CATEGORIES = {
    sre.CATEGORY_DIGIT: r"\d", sre.CATEGORY_NOT_DIGIT: r"\D", sre.CATEGORY_SPACE: r"\s",
    sre.CATEGORY_NOT_SPACE: r"\S", sre.CATEGORY_WORD: r"\w", sre.CATEGORY_NOT_WORD: r"\W",
}  # fmt: skip
_REPEATS = tuple(
    getattr(sre, name)
    for name in ("MAX_REPEAT", "MIN_REPEAT", "POSSESSIVE_REPEAT")
    if hasattr(sre, name)
)
_MOST_STATES = 1500
_MOST_COPIES = 2
"""A part that is repeated so and so often stands for itself so many times."""


def is_ambiguous(pattern: str, flags: int = 0) -> bool:
    """Whether some text makes a match of `pattern` take exponential time.

    True as well where that would take too long to find out.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        tree = parser.parse(pattern, flags)
        automaton = _Automaton(tree.state.flags)
        automaton.build(iter(tree))
    return automaton.too_large or automaton.empty_twice or automaton.loops_twice()


@dataclass(slots=True)
class _Part:
    """A part of the expression: whether it may be empty, and the states it begins and ends with."""

    empty: bool
    first: list[int] = field(default_factory=list)
    last: list[int] = field(default_factory=list)


class _Automaton:
    """One state for each character or class of the expression."""

    def __init__(self, flags: int) -> None:
        self.flags = flags
        self.accepts: list[int] = []
        self.edges: list[Counter[int]] = []
        """By state, those that follow, and in how many ways."""
        self.empty_twice = False
        """Whether a loop can read nothing at all in two ways, which no walk shows."""
        self.loops = 0

    @property
    def too_large(self) -> bool:
        return len(self.accepts) > _MOST_STATES

    # -- from the expression

    def build(self, items: Iterable[Any]) -> _Part:
        """The states of a sequence."""
        whole = _Part(True)
        for operator, value in items:
            part = self._part(operator, value)
            self._join(whole.last, part.first)
            first = [*whole.first, *part.first] if whole.empty else whole.first
            last = [*part.last, *whole.last] if part.empty else part.last
            whole = _Part(whole.empty and part.empty, first, last)
        return whole

    def _part(self, operator: Any, value: Any) -> _Part:
        if self.too_large:
            return _Part(True)
        if operator in (sre.LITERAL, sre.NOT_LITERAL, sre.ANY, sre.IN):
            return self._state(self._class(operator, value))
        if operator is sre.SUBPATTERN:
            return self.build(value[-1])
        if operator is sre.BRANCH:
            return self._either([self.build(branch) for branch in value[1]])
        if operator in _REPEATS:
            return self._repeated(*value)
        if operator is getattr(sre, "ATOMIC_GROUP", None):
            return self.build(value)
        if operator is sre.GROUPREF_EXISTS:
            return self._either([self.build(branch or ()) for branch in value[1:]])
        if operator in (sre.ASSERT, sre.ASSERT_NOT):
            self.build(value[1])  # its own loops count; nothing is consumed
        if operator is sre.AT and value is sre.AT_END_STRING:
            return self._state(0)  # nothing that is consumed can follow
        return _Part(True)

    def _state(self, accepted: int) -> _Part:
        self.accepts.append(accepted)
        self.edges.append(Counter())
        number = len(self.accepts) - 1
        return _Part(False, [number], [number])

    def _either(self, parts: list[_Part]) -> _Part:
        self.empty_twice |= self.loops > 0 and sum(part.empty for part in parts) > 1
        first = [state for part in parts for state in part.first]
        last = [state for part in parts for state in part.last]
        return _Part(any(part.empty for part in parts), first, last)

    def _repeated(self, least: int, most: int, items: Any) -> _Part:
        endless = most == sre.MAXREPEAT
        copies = max(min(most, _MOST_COPIES) if not endless else min(least, _MOST_COPIES), 1)
        whole = _Part(True)
        self.loops += endless
        for number in range(copies):
            part = self.build(items)
            self.empty_twice |= part.empty and least == 0 and self.loops > endless
            if endless and number == copies - 1:
                self._join(part.last, part.first)
            if number >= least:
                part.empty = True
            self._join(whole.last, part.first)
            first = [*whole.first, *part.first] if whole.empty else whole.first
            last = [*part.last, *whole.last] if part.empty else part.last
            whole = _Part(whole.empty and part.empty, first, last)
        self.loops -= endless
        return whole

    def _join(self, before: list[int], after: list[int]) -> None:
        for state in before:
            self.edges[state].update(after)

    def _class(self, operator: Any, value: Any) -> int:
        """The characters that are accepted, as bits."""
        if operator is sre.ANY:
            return _bits(lambda char: char != "\n") if not self.flags & re.DOTALL else _EVERYTHING
        if operator is sre.IN:
            negated = value[0][0] is sre.NEGATE
            found = 0
            for inner, of in value[negated:]:
                found |= self._class_part(inner, of)
            return _EVERYTHING & ~found if negated else found
        found = self._class_part(sre.LITERAL, value)
        return _EVERYTHING & ~found if operator is sre.NOT_LITERAL else found

    def _class_part(self, operator: Any, value: Any) -> int:
        if operator is sre.CATEGORY:
            matches = re.compile(_CATEGORIES[value], self.flags & re.ASCII).fullmatch
            return _bits(lambda char: matches(char) is not None)
        low, high = value if operator is sre.RANGE else (value, value)
        fold = self.flags & re.IGNORECASE

        def within(char: str) -> bool:
            forms = {char, char.lower(), char.upper()} if fold else {char}
            return any(low <= ord(form) <= high for form in forms if len(form) == 1)

        return _bits(within)

    # -- walks

    def loops_twice(self) -> bool:
        """Whether two different walks over the same characters lead from a state back to it."""
        component = _components(range(len(self.accepts)), lambda state: iter(self.edges[state]))
        for state, edges in enumerate(self.edges):
            if any(many > 1 and component[state] == component[to] for to, many in edges.items()):
                return True
        starts = [(state, state) for state in range(len(self.accepts))]
        pairs = _components(starts, self._pairs_after(component))
        together = {pairs[pair] for pair in starts}
        return any(pairs[pair] in together for pair in pairs if pair[0] != pair[1])

    def _pairs_after(self, component: dict[Any, int]) -> Any:
        """The pairs that follow a pair by one character; loops never leave their component."""

        def after(pair: tuple[int, int]) -> Iterator[tuple[int, int]]:
            one, other = pair
            for first in self.edges[one]:
                if component[first] != component[one]:
                    continue
                for second in self.edges[other]:
                    inside = component[second] == component[other]
                    if inside and self.accepts[first] & self.accepts[second]:
                        yield (first, second) if first <= second else (second, first)

        return after


def _bits(test: Any) -> int:
    return sum(1 << number for number, char in enumerate(_ALPHABET) if test(char))


def _components(starts: Iterable[Any], after: Any) -> dict[Any, int]:
    """The strongly connected component of every node that can be reached (Tarjan, no recursion)."""
    index: dict[Any, int] = {}
    low: dict[Any, int] = {}
    found: dict[Any, int] = {}
    waiting: list[Any] = []
    for start in starts:
        if start in index:
            continue
        index[start] = low[start] = len(index)
        waiting.append(start)
        path = [(start, iter(after(start)))]
        while path:
            node, rest = path[-1]
            for other in rest:
                if other not in index:
                    index[other] = low[other] = len(index)
                    waiting.append(other)
                    path.append((other, iter(after(other))))
                    break
                if other not in found:
                    low[node] = min(low[node], index[other])
            else:
                path.pop()
                if path:
                    low[path[-1][0]] = min(low[path[-1][0]], low[node])
                if low[node] == index[node]:
                    while True:
                        member = waiting.pop()
                        found[member] = index[node]
                        if member == node:
                            break
    return found
