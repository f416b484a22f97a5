"""Source with its marks, and repairs as differences, line by line."""

from __future__ import annotations

import difflib
import itertools
from collections.abc import Iterator, Sequence
from dataclasses import replace

from ecocompute_lint.findings import Edit, Finding, Place
from ecocompute_lint.fixes.apply import apply_edits
from ecocompute_lint.frozen import dataclass
from ecocompute_lint.report.summary import Lines

_AROUND = 1
_MOST_OF_A_CALL = 10
_MOST_MARKS = 2
_WIDEST = 240
_LEAD = 60
_DIFF_AROUND = 2


@dataclass(frozen=True, slots=True)
class Line:
    """One line: its number, and its text before, in and after the mark."""

    number: int
    before: str
    marked: str = ""
    after: str = ""
    gap: bool = False
    """Whether lines are left out above it."""


def excerpt(lines: Sequence[str], finding: Finding) -> tuple[Line, ...]:
    """The lines of a finding, those around it, and those of its marks."""
    count = len(lines)
    place = finding.place
    if not 1 <= place.line <= count:
        return ()
    spans = {place.line: place}
    inside = [mark for mark in finding.marks if 1 <= mark.line <= count]
    for mark in [mark for mark in inside if mark.line != place.line][:_MOST_MARKS]:
        spans[mark.line] = mark
    end = min(place.end_line, place.line + _MOST_OF_A_CALL)
    shown = set(range(place.line - _AROUND, end + _AROUND + 1)) | set(spans)
    wanted = sorted(number for number in shown if 1 <= number <= count)
    found: list[Line] = []
    for number in wanted:
        gap = bool(found) and number > found[-1].number + 1
        found.append(_line(number, lines[number - 1], spans.get(number), gap))
    return _outdented(_trimmed(found, set(spans)))


def _trimmed(found: list[Line], marked: set[int]) -> tuple[Line, ...]:
    """Without empty lines at either end."""
    while found and found[0].number not in marked and not found[0].before.strip():
        del found[0]
    while found and found[-1].number not in marked and not found[-1].before.strip():
        del found[-1]
    return tuple(found)


def _outdented(lines: Sequence[Line]) -> tuple[Line, ...]:
    """Without the indent that all lines share: on a phone it would be all there is to see."""
    shared = _shared([line.before + line.marked for line in lines])
    return tuple(replace(line, before=line.before[shared:]) for line in lines)


def _shared(texts: Sequence[str]) -> int:
    """How long an indent all lines begin with; empty lines do not count."""
    indents = [text[: len(text) - len(text.lstrip(" \t"))] for text in texts if text.strip()]
    columns = zip(*indents, strict=False)
    return sum(1 for _ in itertools.takewhile(lambda column: len(set(column)) == 1, columns))


def _line(number: int, text: str, span: Place | None, gap: bool) -> Line:
    text = text.rstrip()
    if span is None:
        return Line(number, _cut(text), gap=gap)
    last = len(text) if span.end_line != span.line else min(span.end_column - 1, len(text))
    first = min(span.column - 1, last)
    before, marked, after = text[:first], text[first:last], text[last:]
    if len(text) > _WIDEST and len(before) > _LEAD:
        before = "…" + before[-_LEAD:]
    return Line(number, before, _cut(marked), _cut(after), gap)


def _cut(text: str) -> str:
    return text if len(text) <= _WIDEST else text[:_WIDEST] + "…"


# --- repairs --------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Change:
    """One line of a difference: ``-``, ``+``, a blank, or ``@`` where lines are left out."""

    sign: str
    number: int | None
    text: str


@dataclass(frozen=True, slots=True)
class Diff:
    """What a repair changes in a file, or in one cell of a notebook."""

    cell: int | None
    changes: tuple[Change, ...]


def diffs(finding: Finding, lines: Lines) -> tuple[Diff, ...]:
    """What the repair of a finding changes; empty where no edit is known."""
    edits = finding.fix.edits if finding.fix is not None else ()
    cells: dict[int | None, list[Edit]] = {}
    for edit in edits:
        cells.setdefault(edit.cell, []).append(edit)
    found: list[Diff] = []
    for cell, mine in sorted(cells.items(), key=lambda item: item[0] or 0):
        old = "\n".join(lines(finding.path, cell))
        try:
            new = apply_edits(old, mine)
        except ValueError:  # the file has changed since it was read
            return ()
        found.append(Diff(cell, _kept_in(_changes(old, new))))
    return tuple(found)


def _kept_in(changes: Iterator[Change]) -> tuple[Change, ...]:
    """Without empty lines at the end, and without the indent that all lines share."""
    found = list(changes)
    while found and found[-1].sign == " " and not found[-1].text.strip():
        found.pop()
    shared = _shared([item.text for item in found])
    return tuple(replace(item, text=item.text[shared:]) for item in found)


def _changes(old: str, new: str) -> Iterator[Change]:
    before, after = old.split("\n"), new.replace("\r\n", "\n").split("\n")
    matcher = difflib.SequenceMatcher(None, before, after, autojunk=False)
    for index, group in enumerate(matcher.get_grouped_opcodes(_DIFF_AROUND)):
        if index:
            yield Change("@", None, "")
        for tag, first, last, start, end in group:
            if tag == "equal":
                for offset, text in enumerate(before[first:last]):
                    yield Change(" ", start + offset + 1, _cut(text))
                continue
            for offset, text in enumerate(before[first:last]):
                yield Change("-", first + offset + 1, _cut(text))
            for offset, text in enumerate(after[start:end]):
                yield Change("+", start + offset + 1, _cut(text))
