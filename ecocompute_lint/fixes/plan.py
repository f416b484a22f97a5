"""From the steps of repairs to edits of one text."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Sequence

from ecocompute_lint.findings import Edit, Operation, Place
from ecocompute_lint.fixes.arguments import CannotEdit
from ecocompute_lint.fixes.imports import Imports, Need
from ecocompute_lint.fixes.python import edit_segment
from ecocompute_lint.fixes.scopes import way_to
from ecocompute_lint.fixes.splice import changes
from ecocompute_lint.frozen import dataclass
from ecocompute_lint.sources.text import LineMap, newline_of

OVERLAPS = "overlaps"
"""The reason given for a carrier around another that is edited now: it is for a later round."""

_NEWLINES = re.compile(r"\r\n|\r")


@dataclass(frozen=True, slots=True)
class Plan:
    """The edits that do what was asked, and what was and was not done.

    What is `idle` is done without an edit, since all is so already.
    """

    edits: tuple[Edit, ...] = ()
    done: tuple[Operation, ...] = ()
    refused: tuple[tuple[Operation, str], ...] = ()
    idle: tuple[Operation, ...] = ()


def plan_edits(text: str, operations: Sequence[Operation], tree: ast.Module | None = None) -> Plan:
    """Plan the edits for a set of operations on one Python text.

    `tree` is the parsed text where the caller has it, or a parse of the text with lines blanked
    that are no Python; its positions are those of `text`. Operations on one carrier are done
    together. Of carriers inside one another the inner is done and the outer refused as
    ``overlaps``. What is asked twice is done once.
    """
    wanted = list(dict.fromkeys(operations))
    if not wanted:
        return Plan()
    # Positions are the same whatever ends the lines, so all the work is done on one kind.
    plain = _NEWLINES.sub("\n", text)
    if tree is None:
        try:
            tree = ast.parse(plain)
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            return Plan(refused=tuple((one, "the file does not parse") for one in wanted))
    planner = _Planner(plain, tree)
    for group in _groups(wanted):
        planner.take(group)
    return planner.plan(wanted, newline_of(text))


def _groups(operations: Iterable[Operation]) -> list[list[Operation]]:
    """Operations by carrier, inner carriers before those around them."""
    groups: dict[tuple[Place, str], list[Operation]] = {}
    for operation in operations:
        groups.setdefault((operation.target, operation.carrier), []).append(operation)
    places = [place for place, _ in groups]

    def depth(key: tuple[Place, str]) -> tuple[int, Place]:
        return -sum(place.contains(key[0]) for place in places), key[0]

    return [groups[key] for key in sorted(groups, key=depth)]


class _Planner:
    def __init__(self, text: str, tree: ast.Module) -> None:
        self._text = text
        self._tree = tree
        self._lines = LineMap(text)
        self._imports = Imports(text, tree)
        self._edits: list[Edit] = []
        self._touched: list[Place] = []
        self._done: set[Operation] = set()
        self._refused: dict[Operation, str] = {}
        self._idle: tuple[Operation, ...] = ()

    def take(self, group: Sequence[Operation]) -> None:
        """Do what can be done of the operations on one carrier."""
        target = group[0].target
        if any(target.contains(other) or other.contains(target) for other in self._touched):
            self._refused.update(dict.fromkeys(group, OVERLAPS))
            return
        try:
            start, end = self._carrier(group[0])
            needs: dict[str, Need] = {}

            def spell(dotted: str) -> str:
                expression, need = self._imports.spell(dotted, target)
                if need is not None:
                    needs[dotted] = need
                return expression

            segment = self._text[start:end]
            outcome = edit_segment(segment, group, spell)
        except CannotEdit as error:
            self._refused.update(dict.fromkeys(group, str(error)))
            return
        except RecursionError:
            self._refused.update(dict.fromkeys(group, "nested too deeply"))
            return
        edits = changes(self._text, self._lines, start, end, outcome.text)
        if edits:
            self._touched.append(target)
        self._edits += edits
        self._done.update(outcome.done)
        self._refused.update(outcome.refused)
        self._idle += outcome.idle
        for operation in outcome.done:
            for dotted in (operation.value, operation.factory):
                # Only what was written needs an import: the value may have stood there already.
                if operation.imports and dotted in needs and edits:
                    self._imports.add(needs[dotted])

    def _carrier(self, operation: Operation) -> tuple[int, int]:
        """The offsets of the carrier. Raises CannotEdit where there is none to edit."""
        place = operation.target
        try:
            span = self._lines.span(place)
        except ValueError:
            raise CannotEdit("the place is outside the text") from None
        head = self._lines.line_text(place.line)[: place.column - 1]
        tail = self._lines.line_text(place.end_line)[: place.end_column - 1]
        start, end = (place.line, len(head.encode())), (place.end_line, len(tail.encode()))
        way = way_to(self._tree, start, end)
        if way.in_string:
            raise CannotEdit("inside an f-string")
        kind = {"call": ast.Call, "dict": ast.Dict, "list": ast.List}.get(operation.carrier)
        if kind is None or way.find(kind, start, end) is None:
            raise CannotEdit(f"there is no {operation.carrier} at the place")
        return span

    def plan(self, operations: Sequence[Operation], newline: str) -> Plan:
        """The whole plan, in the newlines of the file."""
        edits = [*self._edits, *self._imports.edits()]
        edits.sort(key=lambda edit: edit.place)
        return Plan(
            tuple(Edit(edit.place, edit.text.replace("\n", newline)) for edit in edits),
            tuple(operation for operation in operations if operation in self._done),
            tuple((op, self._refused[op]) for op in operations if op in self._refused),
            self._idle,
        )
