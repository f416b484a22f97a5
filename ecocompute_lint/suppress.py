"""Comments that silence findings.

``# noqa``, ``# noqa: ECO101, E501`` and ``# noqa: ECO`` work as in flake8;
``# ecolint: ignore[ECO101] reason`` does the same in this tool's own words, and
``# ecolint: skip-file`` silences a whole file.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import field

from ecocompute_lint.frozen import dataclass
from ecocompute_lint.unused import UNUSED

# A light lexer: strings first, so that a `#` inside one is no comment. A quote without its partner
# (a shell line of a notebook: `!echo don't`) ends with its line.
LEXEME = re.compile(
    r"""(?P<comment>\#[^\r\n]*)
    | \"\"\"(?:\\.|[^\\])*?(?:\"\"\"|\Z) | '''(?:\\.|[^\\])*?(?:'''|\Z)
    | "(?:\\\r\n|\\.|[^"\\\r\n])*"? | '(?:\\\r\n|\\.|[^'\\\r\n])*'?
    | (?P<newline>\r\n|\r|\n)""",
    re.DOTALL | re.VERBOSE,
)
LINE_END = re.compile(r"\r\n|\r|\n")
_CODE = r"[A-Z]+[0-9]*"
# After a comma comes another code; after a mere space only what surely is one, not a reason's word.
NOQA = re.compile(
    rf"\#\s*noqa\b(?:\s*:\s*(?P<codes>{_CODE}(?:\s*,\s*{_CODE}|\s+[A-Z]+[0-9]+)*))?", re.IGNORECASE
)
IGNORE = re.compile(r"\#\s*ecolint:\s*ignore\b(?:\s*\[(?P<codes>[^\]]*)\])?", re.IGNORECASE)
SKIP = re.compile(r"\#\s*ecolint:\s*skip-file\b", re.IGNORECASE)
_WORD = re.compile(r"noqa|ecolint:", re.IGNORECASE)
COMMENT_WORD = re.compile(r"(?:^|(?<=\s))\#.*?(?:noqa\b|ecolint:)", re.IGNORECASE)
_SPLIT = re.compile(r"[\s,]+")
_EVERYTHING = ("",)


@dataclass(frozen=True, slots=True)
class Suppressions:
    """What the comments of one text silence: codes, or beginnings of codes, by line."""

    skip_file: bool = False
    lines: Mapping[int, tuple[str, ...]] = field(default_factory=dict)

    @classmethod
    def from_text(cls, text: str, *, python: bool = True) -> Suppressions:
        """Read the comments of a text; elsewhere than in Python one may stand above its line."""
        if not _WORD.search(text):
            return cls()
        if not python:
            return cls._from_lines(text)
        skip = False
        lines: dict[int, tuple[str, ...]] = {}
        line = 1
        for lexeme in LEXEME.finditer(text):
            comment = lexeme["comment"]
            if comment is None:
                line += 1 if lexeme["newline"] else len(LINE_END.findall(lexeme[0]))
            elif _WORD.search(comment):
                skip = skip or SKIP.search(comment) is not None
                if codes := silenced(comment):
                    lines[line] = codes
        return cls(skip, lines)

    @classmethod
    def _from_lines(cls, text: str) -> Suppressions:
        """Comments behind ``#``, where quotes may mean anything: only their words count.

        A comment that has its line to itself also holds for the next line that is no comment.
        """
        skip = False
        lines: dict[int, tuple[str, ...]] = {}
        above: tuple[str, ...] = ()
        for number, line in enumerate(LINE_END.split(text), 1):
            at = COMMENT_WORD.search(line)
            comment = line[at.start() :] if at is not None else ""
            skip = skip or SKIP.search(comment) is not None
            codes = silenced(comment)
            alone = line.lstrip().startswith("#")
            if alone:
                above += codes
            elif line.strip():
                codes, above = (*codes, *above), ()
            if codes:
                lines[number] = codes
        return cls(skip, lines)

    def covers(self, code: str, lines: Iterable[int]) -> bool:
        """Whether a comment on any of these lines silences `code`."""
        return any(matches(code, given) for line in lines for given in self.lines.get(line, ()))


def silenced(comment: str) -> tuple[str, ...]:
    """The codes, or beginnings of codes, that a comment silences; an empty one for all."""
    found: list[str] = []
    for pattern in (NOQA, IGNORE):
        for match in pattern.finditer(comment):
            codes = match["codes"]
            reason = codes and pattern is NOQA and is_prose(codes)
            blanket = not codes or reason
            found += _EVERYTHING if blanket else _SPLIT.split(codes.strip().upper())
    return tuple(found)


def is_prose(codes: str) -> bool:
    """Whether what follows ``noqa:`` is a reason; flake8 too then takes it for a plain noqa."""
    first = _SPLIT.split(codes)[0]
    return not first.isupper() and first.isalpha() and first.lower() != "eco"


def matches(code: str, given: str) -> bool:
    """Whether `given` is the code, its letters or a beginning of it that holds all its letters."""
    if code == UNUSED and given == "ECO":  # it is about this very comment
        return False
    return not given or (code.startswith(given) and len(given) >= len(code.rstrip("0123456789")))
