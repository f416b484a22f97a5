"""From the steps of repairs to edits of a text that is not Python."""

from __future__ import annotations

import ast
from collections.abc import Sequence

from ecocompute_lint.findings import Edit, Operation, Place
from ecocompute_lint.fixes.plan import OVERLAPS, Plan
from ecocompute_lint.sources.text import LineMap

_QUOTES = ("'", '"')


def plan_edits(text: str, operations: Sequence[Operation]) -> Plan:
    """Plan the edits: a removal deletes its target, a setting replaces its target.

    The reader of the file has found out what has to go with a removed option.
    """
    lines = LineMap(text)
    edits: list[Edit] = []
    done: list[Operation] = []
    refused: list[tuple[Operation, str]] = []
    for operation in dict.fromkeys(operations):
        edit, reason = _edit(lines, operation)
        if edit is not None and any(_overlap(edit.place, other.place) for other in edits):
            edit, reason = None, OVERLAPS
        if edit is None:
            refused.append((operation, reason))
        else:
            edits.append(edit)
            done.append(operation)
    edits.sort(key=lambda item: item.place)
    return Plan(tuple(edits), tuple(done), tuple(refused))


def _edit(lines: LineMap, operation: Operation) -> tuple[Edit | None, str]:
    try:
        start, end = lines.span(operation.target)
    except ValueError:
        return None, "the place is outside the text"
    if operation.carrier != "text" or operation.action not in ("remove", "set"):
        return None, "no edit of this sort is made in this kind of file"
    if operation.action == "remove":
        return Edit(operation.target, ""), ""
    written = lines.text[start:end]
    quote = written[:1] if written[:1] in _QUOTES and written[-1:] == written[:1] else ""
    return Edit(operation.target, f"{quote}{_plain(operation.value)}{quote}"), ""


def _plain(value: str) -> str:
    """A value of a rule, which is Python, as a word: without quotes, without a module."""
    try:
        found = ast.literal_eval(value)
    except (ValueError, SyntaxError):
        return value.rsplit(".", 1)[-1]
    return found if isinstance(found, str) else value


def _overlap(first: Place, second: Place) -> bool:
    def ends(place: Place) -> tuple[tuple[int, int], tuple[int, int]]:
        return (place.line, place.column), (place.end_line, place.end_column)

    (a, b), (c, d) = ends(first), ends(second)
    return a < d and c < b
