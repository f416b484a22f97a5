"""What a place stands in, by name: classes and functions, a service, a target, a table.

Only names that survive edits elsewhere; empty where nothing is at hand.
"""

from __future__ import annotations

import ast
import re
from functools import lru_cache

from ecocompute_lint.findings import Place
from ecocompute_lint.sources.kinds import PYTHON

_LINE_END = re.compile(r"\r\n|\r|\n")
_KEY = re.compile(r"(?P<indent>[ ]*(?:-[ ]+)*)(?P<key>[\w./-]+|\"[^\"]+\"|'[^']+')[ ]*:(?:\s|$)")
_NAMED = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef
_HEADS = {
    "shell": r"(?:function[ \t]+)?([\w:.-]+)[ \t]*\([ \t]*\)[ \t]*\{?|function[ \t]+([\w:.-]+)",
    "make": r"([^\s:#=][^:#=]*?)[ \t]*::?(?![=:])",
    "just": r"@?([\w-]+)[^:=]*:(?!=)",
    "procfile": r"([\w-]+)[ \t]*:",
    "dockerfile": r"(?i:FROM)[ \t]+.*?[ \t](?i:AS)[ \t]+(\S+)",
    "systemd": r"\[([^\]]+)\]",
    "setup-cfg": r"\[([^\]]+)\]",
    "pyproject": r"\[{1,2}([^\]]+)\]{1,2}",
    "pipfile": r"\[{1,2}([^\]]+)\]{1,2}",
    "batch": r":(\w+)",
}
"""By kind, what begins a named part: the last one above a place is the one that it stands in."""


def enclosing(kind: str, text: str, place: Place) -> str:
    """The names around a place, outermost first, joined by dots."""
    if kind == PYTHON:
        return ".".join(_symbols(text, place.line))
    lines = _lines(text)[: place.line]
    if kind in ("yaml", "conda"):
        return ".".join(_keys(lines, place.column - 1))
    head = _HEADS.get(kind)
    if head is None:
        return ""
    pattern = re.compile(head)
    for line in reversed(lines):
        if kind == "shell" and line.startswith("}"):
            return ""
        if match := pattern.match(line):
            return next(filter(None, match.groups()), "")
    return ""


@lru_cache(maxsize=8)
def _lines(text: str) -> tuple[str, ...]:
    return tuple(_LINE_END.split(text))


# -- Python


def _symbols(text: str, line: int) -> list[str]:
    """The classes and functions around a line; their decorators and defaults are inside."""
    return [name for first, last, name in _spans(text) if first <= line <= last]


@lru_cache(maxsize=8)
def _spans(text: str) -> tuple[tuple[int, int, str], ...]:
    """First line, last line and name of every class and function, outer ones first."""
    from ecocompute_lint.sources.documents import Unreadable
    from ecocompute_lint.sources.python import parse

    try:
        tree = parse(text)
    except Unreadable:
        return ()
    found = [
        (min([node.lineno, *(item.lineno for item in node.decorator_list)]), node.end_lineno, node)
        for node in ast.walk(tree)
        if isinstance(node, _NAMED)
    ]
    return tuple((first, last or first, node.name) for first, last, node in found)


# -- YAML


def _keys(lines: tuple[str, ...], column: int) -> list[str]:
    """The keys around a column of the last line: those less indented than what is below them.

    A key and what stands beside it in a list's item are no part of one another.
    """
    found: list[str] = []
    least, in_list = column, False
    for line in reversed(lines):
        stripped = line.lstrip(" ")
        if stripped.startswith("---"):
            break
        indent, dash = len(line) - len(stripped), stripped.startswith("-")
        if not stripped or stripped.startswith("#"):
            continue
        around = least + 1 if in_list and not dash else least  # a list may begin below its key
        if indent >= around:
            continue
        match = _KEY.match(line)
        if match is not None and len(match["indent"]) < around:
            found.append(match["key"].strip("\"'"))
        least, in_list = indent, dash
    return found[::-1]
