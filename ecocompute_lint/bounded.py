"""YAML and TOML that anybody may have written: what would take a parser down is refused first.

A few lines can nest deeper than a parser written in C can bear, stand for millions of nodes through
aliases, or hold a key whose dots cost the square of their number.
"""

from __future__ import annotations

import re
import sys
from typing import TYPE_CHECKING, Any

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

if TYPE_CHECKING:
    import yaml

_DEEPEST = 100
_MOST_NODES = 100_000
"""Nodes of a text of YAML with its aliases written out."""
_MOST_DOTS = 100

TOMLError = tomllib.TOMLDecodeError


# -- YAML


def check_yaml(text: str, loader: Any) -> None:
    """Look at the events of a text, which needs no recursion. Raises YAMLError."""
    import yaml

    within: list[tuple[str | None, int]] = []  # open collections: anchor, nodes before
    sizes: dict[str, int] = {}
    count = 0
    for event in yaml.parse(text, Loader=loader):
        if isinstance(event, yaml.DocumentStartEvent):
            sizes.clear()
        elif isinstance(event, yaml.AliasEvent):
            if any(event.anchor == anchor for anchor, _ in within):
                raise _refused("an alias of what it stands in", event)
            count += sizes.get(event.anchor or "", 1)
        elif isinstance(event, yaml.CollectionStartEvent):
            if len(within) == _DEEPEST:
                raise _refused("nested too deeply", event)
            within.append((event.anchor, count))
            count += 1
        elif isinstance(event, yaml.CollectionEndEvent):
            anchor, before = within.pop()
            if anchor:
                sizes[anchor] = count - before
        elif isinstance(event, yaml.ScalarEvent):
            count += 1
            if event.anchor:
                sizes[event.anchor] = 1
        if count > _MOST_NODES:
            raise _refused("too large with its aliases", event)


def _refused(problem: str, event: Any) -> yaml.YAMLError:
    import yaml

    return yaml.MarkedYAMLError(problem=problem, problem_mark=event.start_mark)


# -- TOML

_LEXEME = re.compile(
    r'"""(?:[^\\"]|\\.|"(?!""))*(?:"""|\Z)'
    r"|'''(?:[^']|'(?!''))*(?:'''|\Z)"
    r'|"(?:[^"\\\n]|\\.)*"?'
    r"|'[^'\n]*'?"
    r"|\#[^\n]*|[\[\]{}.\n=,]",
    re.DOTALL,
)


def loads_toml(text: str) -> dict[str, Any]:
    """The data of a TOML text. Raises TOMLError."""
    depth = dots = 0
    for lexeme in _LEXEME.finditer(text):
        sign = lexeme[0]
        if sign in "[{":
            depth += 1
        elif sign in "]}":
            depth = max(depth - 1, 0)
        dots = dots + 1 if sign == "." else dots if sign[0] in "\"'" else 0
        if depth > _DEEPEST or dots > _MOST_DOTS:
            line = text.count("\n", 0, lexeme.start()) + 1
            raise TOMLError(f"nested too deeply (at line {line}, column 1)")
    try:
        found: dict[str, Any] = tomllib.loads(text)
    except RecursionError:
        raise TOMLError("nested too deeply") from None
    return found
