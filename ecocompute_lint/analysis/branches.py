"""Statements that branch: what comes true on which path, and what holds after them."""

from __future__ import annotations

import ast
from collections.abc import Sequence

from ecocompute_lint.analysis.conditions import demanded
from ecocompute_lint.analysis.definitions import Definitions
from ecocompute_lint.analysis.machine import Store
from ecocompute_lint.analysis.objects import Imported
from ecocompute_lint.nodes import walk
from ecocompute_lint.values import (
    ALWAYS,
    NEVER,
    Constraint,
    Symbol,
    Ways,
    conjunction,
    disjunction,
    simplified,
)

_IMPORT_ERRORS = frozenset({"ImportError", "ModuleNotFoundError"})


class Branches(Definitions):
    """Runs statements that branch."""

    def _do_Assert(self, node: ast.Assert) -> None:
        self.path = conjunction(self.path, demanded(self.branch(node.test)[0]))

    def _do_If(self, node: ast.If) -> None:
        true, false = self.sides(node)
        self._branches([(true, node.body), (false, node.orelse)])

    def _branches(self, sides: Sequence[tuple[Ways, Sequence[ast.stmt]]]) -> None:
        entry = self.path
        before = self.store
        ended: list[tuple[Store, Ways]] = []
        after: Ways = NEVER
        unchanged = True
        for ways, body in sides:
            self.path = conjunction(entry, self.judged_here(ways))
            if not self.path:
                continue
            taken = self.path
            self.store = Store(before)
            self.run(body)
            unchanged = unchanged and self.path == taken
            ended.append((self.store, since(entry, self.path) if self.path else NEVER))
            after = disjunction(after, self.path)
        self.store = before
        self.join(before, ended)
        self.path = entry if unchanged and ended else after

    def _do_Match(self, node: ast.Match) -> None:
        subject = node.subject
        sides: list[tuple[Ways, Sequence[ast.stmt]]] = []
        rest: Ways = ALWAYS
        for case in node.cases:
            true, false = self._pattern(subject, case.pattern)
            if case.guard is not None:
                more_true, more_false = self.branch(case.guard)
                false = disjunction(false, conjunction(true, more_false))
                true = conjunction(true, more_true)
            sides.append((conjunction(rest, true), case.body))
            rest = conjunction(rest, false)
        sides.append((rest, []))
        self._branches(sides)

    def _pattern(self, subject: ast.expr, pattern: ast.pattern) -> tuple[Ways, Ways]:
        if isinstance(pattern, ast.MatchAs) and pattern.pattern is None:
            if pattern.name:
                self.write_name(pattern.name, self.evaluate(subject))
            return ALWAYS, NEVER
        if isinstance(pattern, ast.MatchValue):
            test = ast.Compare(left=subject, ops=[ast.Eq()], comparators=[pattern.value])
            return self.branch(ast.copy_location(test, pattern))
        if isinstance(pattern, ast.MatchOr):
            true, false = self._pattern(subject, pattern.patterns[0])
            for other in pattern.patterns[1:]:
                more_true, more_false = self._pattern(subject, other)
                true = disjunction(true, more_true)
                false = conjunction(false, more_false)
            return true, false
        return self._undecided(subject)

    def _do_Try(self, node: ast.Try) -> None:
        entry, before = self.path, self.store
        self.store = Store(before)
        self.run([*node.body, *node.orelse])
        tried = self.store
        ended = [(tried, since(entry, self.path) if self.path else NEVER)]
        after = self.path
        for handler in node.handlers:
            failed = self.input(
                ("except", id(handler)), f"except at {handler.lineno}", "environment"
            )
            ways = self.judged_here(({failed: Constraint(truth=True)},))
            self.path = conjunction(entry, ways)
            self.store = Store(before)
            if handler.name:
                self.write_name(handler.name, self.unknown("exception"))
            self.run(handler.body)
            if _catches_imports(handler):
                # A fallback for a missing package: what the import gives is what counts.
                for key, value in tried.data.items():
                    if any(isinstance(item.payload, (Symbol, Imported)) for item in value):
                        self.store.data[key] = value
            if self.path:
                ended.append((self.store, since(entry, self.path)))
                after = entry if after == entry else disjunction(after, self.path)
        self.join(before, ended)
        self.path = after
        if node.finalbody:
            alive = self.path
            self.path = entry
            self.run(node.finalbody)
            self.path = alive

    _do_TryStar = _do_Try

    # -- imports and scopes


def since(entry: Ways, ways: Ways) -> Ways:
    """`ways` without what already holds in all of `entry`."""
    if len(entry) != 1 or not entry[0]:
        return ways
    known_guards = entry[0]
    return simplified(
        {item: rule for item, rule in guards.items() if known_guards.get(item) != rule}
        for guards in ways
    )


def _catches_imports(handler: ast.ExceptHandler) -> bool:
    if handler.type is None:
        return True
    return any(
        isinstance(item, ast.Name) and item.id in _IMPORT_ERRORS for item in walk(handler.type)
    )
