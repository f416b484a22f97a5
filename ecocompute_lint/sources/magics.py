"""What IPython adds to Python: magics, shell lines, and help.

They are set aside by replacing a character or two, so that every position stays, and so that what
is left is Python.
"""

from __future__ import annotations

import ast
import re
import warnings
from collections.abc import Iterator, Mapping
from dataclasses import field

from ecocompute_lint.frozen import dataclass

_LINE = re.compile(r"([^\r\n]*)(\r\n|\r|\n|$)")
_TIMED = r"time|timeit|prun|memit|lprun|mprun"
_SHELLS = "pip|pip3|conda|mamba|micromamba|uv"
_PRECEDED = "sh|system|sx|bash"
# fmt: off
_MAGIC = re.compile(
    rf"""(?P<indent>[ \t]*)(?:
      !!?(?P<shell>.*)
    | %(?P<program>(?:{_SHELLS})\b.*)
    | %(?:{_PRECEDED})\b[ \t]*(?P<command>.*)
    | (?P<timed>%(?:{_TIMED})(?:[ \t]+-\S+(?:[ \t]+\d+)?)*[ \t]+)(?=[^\s-])
    | (?P<other>%{{1,2}}[ \t]*[A-Za-z].*)
    | (?P<help>\?{{1,2}}\S.*|%{{0,2}}[\w.*]+\?{{1,2}}[ \t]*$)
    | (?P<bare>(?:pip3?|conda|mamba|uv)[ \t]+(?:install|pip|uninstall)\b.*)
    | (?P<alias>(?:cd|ls|ll|mkdir|rmdir|rm|cp|mv|cat)[ \t]+[\w./~$-][^=]*$)
    )""",
    re.VERBOSE,
)
_ASSIGNED = re.compile(
    rf"""(?P<target>[ \t]*[A-Za-z_][^=!%\#'"]*=[ \t]*)
    (?:!(?P<shell>..+)|%(?P<program>(?:{_SHELLS})\b.*)|%[A-Za-z].*)$""",
    re.VERBOSE,
)
_LEXEME = re.compile(
    r"""\#.* | (?P<triple>\"\"\"|''') | "(?:\\.|[^"\\])*"? | '(?:\\.|[^'\\])*'?
    | (?P<open>[(\[{]) | (?P<close>[)\]}]) | (?P<continued>\\$)""",
    re.VERBOSE,
)
# fmt: on
# Timed statements are kept if they can be, and an indented magic is taken for a block's statement.
_WAYS = ((True, True), (False, True), (True, False))
_UNKNOWN = "_()#"
"""A value that nobody knows."""


@dataclass(frozen=True, slots=True)
class Plain:
    """A cell without what is no Python, as long as it was.

    `heads` are, by line (from 0), the beginning of the line as it is here and as it was; `shells`
    the spans of the commands.
    """

    text: str
    heads: Mapping[int, tuple[str, str]] = field(default_factory=dict)
    shells: tuple[tuple[int, int], ...] = ()


def plain(text: str) -> Plain | None:
    """The Python of a cell; None where it is broken."""
    if _parses(text):
        return Plain(text)
    for way in _WAYS:
        found = _Aside(text, *way).done()
        if _parses(found.text):
            return found
    return None


def error_of(text: str) -> tuple[str, int | None]:
    """Why a cell is no Python, and on which line of it."""
    try:
        _parse(_Aside(text, *_WAYS[0]).done().text)
    except SyntaxError as error:
        return error.msg or "invalid syntax", error.lineno
    except (ValueError, RecursionError, MemoryError):
        pass
    return "cannot be parsed", None


def _parses(text: str) -> bool:
    try:
        _parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return False
    return True


def _parse(text: str) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        ast.parse(text)


class _Aside:
    """One pass over a cell. Only a line on which a statement begins can be a magic."""

    def __init__(self, text: str, timed: bool, blocks: bool) -> None:
        self._text = text
        self._timed = timed
        self._blocks = blocks
        self._quote = ""
        self._depth = 0
        self._continued = False
        self._heads: dict[int, tuple[str, str]] = {}
        self._shells: list[tuple[int, int]] = []

    def done(self) -> Plain:
        parts: list[str] = []
        lines = _LINE.finditer(self._text)
        for number, match in enumerate(lines):
            line, end = match.groups()
            inside = self._quote or self._depth or self._continued
            head = "" if inside else self._head(line, match.start())
            if not head:
                self._lex(line)
                parts.append(line + end)
                continue
            parts.append(self._kept(number, line, head) + end)
            if head[-1] in "#":
                parts += self._carried_on(line, number, lines)
        return Plain("".join(parts), self._heads, tuple(self._shells))

    def _kept(self, number: int, line: str, head: str) -> str:
        self._heads[number] = (head, line[: len(head)])
        return head + line[len(head) :]

    def _carried_on(self, line: str, number: int, lines: Iterator[re.Match[str]]) -> Iterator[str]:
        """The lines that a backslash joins to the one before them."""
        while line.endswith("\\"):
            match = next(lines, None)
            if match is None:
                return
            number += 1
            line, end = match.groups()
            if self._shells and self._shells[-1][1] == self._before(match.start()):
                self._shells[-1] = (self._shells[-1][0], match.end(1))
            yield (self._kept(number, line, "#") if line else line) + end

    def _before(self, start: int) -> int:
        """The end of the line before the one that begins at `start`."""
        return start - (2 if self._text[start - 2 : start] == "\r\n" else 1)

    def _head(self, line: str, start: int) -> str:
        """What the beginning of a line becomes; empty where it is Python."""
        found = _MAGIC.match(line)
        if found is not None:
            self._take(found, ("shell", "program", "command", "bare"), start)
            indent = found["indent"]
            if found["timed"] and self._timed:
                return indent + "0;".ljust(len(found["timed"]))
            # A statement keeps a block alive that holds nothing else.
            held = indent and self._blocks and len(line) > len(indent) + 1
            return f"{indent}0#" if held else f"{indent}#"
        found = _ASSIGNED.match(line)
        if found is not None:
            self._take(found, ("shell", "program"), start)
            target = found["target"]
            return target + _UNKNOWN[: len(line) - len(target)]
        return ""

    def _take(self, found: re.Match[str], groups: tuple[str, ...], start: int) -> None:
        for group in groups:
            if found[group]:
                a, b = found.span(group)
                self._shells.append((start + a, start + b))

    def _lex(self, line: str) -> None:
        at = 0
        self._continued = False
        while True:
            if self._quote:
                end = re.compile(rf"(?:\\.|(?!{self._quote})[^\\])*{self._quote}").match(line, at)
                if end is None:
                    return
                at, self._quote = end.end(), ""
            lexeme = _LEXEME.search(line, at)
            if lexeme is None:
                return
            at = lexeme.end()
            if lexeme["triple"]:
                self._quote = lexeme["triple"]
            elif lexeme["open"]:
                self._depth += 1
            elif lexeme["close"]:
                self._depth = max(0, self._depth - 1)
            elif lexeme["continued"]:
                self._continued = True
