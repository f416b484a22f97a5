"""Where the comments that silence findings stand in a text, code by code.

What they mean is decided in `suppress`; blanket comments name no code and are left out.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from ecocompute_lint.frozen import dataclass
from ecocompute_lint.suppress import COMMENT_WORD, IGNORE, LEXEME, LINE_END, NOQA, is_prose

_NEXT = re.compile(r"\s+#\s*[A-Za-z]")
_WORD = re.compile(r"[^\s,]+")


@dataclass(frozen=True, slots=True)
class Code:
    """A code that is named, and the offsets of its text."""

    text: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Marker:
    """One ``# noqa: …`` or ``# ecolint: ignore[…]`` with codes; all positions are offsets.

    `lines` are those that it silences. It goes from `start` to `end`, its reason included; the
    comment that it is in, perhaps with other things, begins at `comment`.
    """

    lines: tuple[int, ...]
    codes: tuple[Code, ...]
    start: int
    end: int
    reason: str
    comment: int


def markers(text: str, *, python: bool) -> tuple[Marker, ...]:
    """The markers of a text, in order."""
    found = _of_python(text) if python else _of_lines(text)
    return tuple(marker for start, end, lines in found for marker in _in(text, start, end, lines))


def _of_python(text: str) -> Iterator[tuple[int, int, tuple[int, ...]]]:
    line = 1
    for lexeme in LEXEME.finditer(text):
        if lexeme["comment"] is not None:
            yield *lexeme.span(), (line,)
        else:
            line += 1 if lexeme["newline"] else len(LINE_END.findall(lexeme[0]))


def _of_lines(text: str) -> Iterator[tuple[int, int, tuple[int, ...]]]:
    """Comments by their words; one with a line to itself also holds for what comes next."""
    waiting: list[tuple[int, int, int]] = []
    start = 0
    for number, line in enumerate(LINE_END.split(text), 1):
        at = COMMENT_WORD.search(line)
        here = (start + at.start(), start + len(line)) if at is not None else None
        if line.lstrip().startswith("#"):
            waiting += [(*here, number)] if here is not None else []
        elif line.strip():
            yield from ((a, b, (above, number)) for a, b, above in waiting)
            waiting = []
            if here is not None:
                yield *here, (number,)
        ended = LINE_END.match(text, start + len(line))
        start = ended.end() if ended is not None else len(text)
    yield from ((a, b, (above,)) for a, b, above in waiting)


def _in(text: str, start: int, end: int, lines: tuple[int, ...]) -> Iterator[Marker]:
    comment = text[start:end]
    found = [match for pattern in (NOQA, IGNORE) for match in pattern.finditer(comment)]
    for match in sorted(found, key=lambda item: item.start()):
        given = match["codes"]
        if not given or (match.re is NOQA and is_prose(given)):
            continue
        first = start + match.start("codes")
        codes = (
            Code(word[0].upper(), first + word.start(), first + word.end())
            for word in _WORD.finditer(given)
        )
        behind = _NEXT.search(comment, match.end())
        last = behind.start() if behind is not None else len(comment.rstrip())
        reason = comment[match.end() : last].strip()
        yield Marker(lines, tuple(codes), start + match.start(), start + last, reason, start)
