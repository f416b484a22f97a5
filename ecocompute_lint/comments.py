"""Where in a text a comment can stand: behind a line, or above it, by the kind of file."""

from __future__ import annotations

from collections.abc import Callable

from ecocompute_lint.frozen import dataclass
from ecocompute_lint.sources.kinds import PYTHON
from ecocompute_lint.suppress import LEXEME, LINE_END

_Allowed = Callable[[int], bool]
_BEHIND = frozenset(
    (PYTHON, "shell", "yaml", "conda", "requirements", "pyproject", "pipfile", "triton")
)
"""Kinds where a comment may follow what stands on a line."""
_RECIPES = frozenset(("make", "just"))
"""Kinds where it may on indented lines, which a shell gets."""
_ABOVE = (_BEHIND - {PYTHON}) | _RECIPES
_ABOVE |= {"dockerfile", "setup-cfg", "systemd", "procfile", "properties", "webui-flags"}


@dataclass(frozen=True, slots=True)
class Lines:
    """What can be done at each line of a text; lines are counted from 1."""

    count: int
    behind: _Allowed
    above: _Allowed


def lines_for(text: str, kind: str) -> Lines:
    """Where comments can stand in a text."""
    lines = LINE_END.split(text)
    taken = _inside(text, kind)

    def goes_on(line: int) -> bool:
        return 1 <= line <= len(lines) and lines[line - 1].rstrip().endswith("\\")

    def behind(line: int) -> bool:
        allowed = kind in _BEHIND or (kind in _RECIPES and lines[line - 1][:1] in (" ", "\t"))
        return allowed and not goes_on(line) and line not in taken.behind

    def above(line: int) -> bool:
        # Docker takes comments out of lines that go on; elsewhere they would end the command.
        free = kind == "dockerfile" or not goes_on(line - 1)
        return kind in _ABOVE and free and line not in taken.above

    return Lines(len(lines), behind, above)


@dataclass(frozen=True, slots=True)
class _Taken:
    """Lines at whose end, or above which, a text goes on that a comment would be part of."""

    behind: frozenset[int] = frozenset()
    above: frozenset[int] = frozenset()


def _inside(text: str, kind: str) -> _Taken:
    if kind == PYTHON:
        return _in_strings(text)
    if kind in ("yaml", "conda"):
        return _in_scalars(text)
    return _Taken()


def _in_strings(text: str) -> _Taken:
    taken: set[int] = set()
    line = 1
    for lexeme in LEXEME.finditer(text):
        if lexeme["newline"]:
            line += 1
        elif lexeme["comment"] is None:
            more = len(LINE_END.findall(lexeme[0]))
            taken.update(range(line, line + more))
            line += more
    return _Taken(frozenset(taken), frozenset())


def _in_scalars(text: str) -> _Taken:
    """Texts of several lines; one that keeps its lines (`|`) is a script as far as we read it."""
    import yaml

    behind: set[int] = set()
    above: set[int] = set()
    try:
        for token in yaml.scan(text, Loader=yaml.SafeLoader):
            if not isinstance(token, yaml.ScalarToken) or token.style == "|":
                continue
            first, last = token.start_mark.line + 1, token.end_mark.line + 1
            if token.style == ">":
                last -= token.end_mark.column == 0
                behind.update(range(first + 1, last + 1))
            else:
                behind.update(range(first, last))
            above.update(range(first + 1, last + 1))
    except yaml.YAMLError:  # a template: nobody knows what becomes of its lines
        everything = frozenset(range(1, len(LINE_END.split(text)) + 1))
        return _Taken(everything, everything)
    return _Taken(frozenset(behind), frozenset(above))
