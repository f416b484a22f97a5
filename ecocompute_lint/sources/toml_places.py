"""Where the values of a TOML text stand; what they are is for `tomllib` to say."""

from __future__ import annotations

import re
from collections.abc import Mapping
from contextlib import suppress
from typing import Any, TypeAlias

from ecocompute_lint.findings import Place
from ecocompute_lint.sources.documents import Unreadable
from ecocompute_lint.sources.text import LineMap

Path: TypeAlias = tuple[str | int, ...]

_BLANK = re.compile(r"(?:[ \t\r\n]|#[^\n]*(?:\n|\Z))*")
_KEY = re.compile(r"[A-Za-z0-9_-]+|\"(?:[^\"\\\n]|\\.)*\"|'[^'\n]*'")
_STRING = re.compile(
    r'"""(?:[^\\]|\\.)*?"{3,5}|\'\'\'.*?\'{3,5}|"(?:[^"\\\n]|\\.)*"|\'[^\'\n]*\'', re.DOTALL
)
_BARE = re.compile(r"[^,\]}#\n]*")
_WHERE = re.compile(r"\(at line (\d+), column (\d+)\)")
_DEEPEST = 60


def parse(text: str) -> dict[str, Any]:
    """The data of a TOML text. Raises Unreadable for a broken one."""
    from ecocompute_lint.bounded import loads_toml

    try:
        found = loads_toml(text.replace("\r\n", "\n"))
    except ValueError as error:
        where = _WHERE.search(str(error))
        line, column = (int(where[1]), int(where[2])) if where else (None, None)
        reason = _WHERE.sub("", str(error)).strip()
        raise Unreadable(f"not valid TOML: {reason}", line, column) from None
    return found


class TomlPlaces:
    """The places of the values of a text that is valid TOML."""

    def __init__(self, text: str) -> None:
        """Find every value."""
        self.lines = LineMap(text)
        self._spans: Mapping[Path, tuple[int, int]] = _Scan(text).spans

    def place(self, path: Path) -> Place | None:
        """Where the value at a path stands, quotes and braces included."""
        span = self._spans.get(path)
        return self.lines.place(*span) if span is not None else None


class _Stuck(Exception):  # noqa: N818  (never seen outside)
    """What stands here is nothing that the scan knows."""


class _Scan:
    """One pass over a text. Where it loses the thread it keeps what it has."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.spans: dict[Path, tuple[int, int]] = {}
        self.counts: dict[Path, int] = {}
        self.at = 0
        with suppress(_Stuck, RecursionError):
            self.document()

    def document(self) -> None:
        table: Path = ()
        while True:
            self.blank()
            if self.at >= len(self.text):
                return
            if self.text.startswith("[[", self.at):
                self.at += 2
                path = self.resolved(self.keys())
                self.expect("]]")
                self.counts[path] = self.counts.get(path, 0) + 1
                table = (*path, self.counts[path] - 1)
            elif self.text[self.at] == "[":
                self.at += 1
                table = self.resolved(self.keys())
                self.expect("]")
            else:
                self.entry(table, 0)

    def resolved(self, keys: Path) -> Path:
        """A header's path, with the number of the last table where there are several."""
        path: Path = ()
        for key in keys[:-1]:
            path = (*path, key)
            if path in self.counts:
                path = (*path, self.counts[path] - 1)
        return (*path, keys[-1])

    def blank(self) -> None:
        found = _BLANK.match(self.text, self.at)
        self.at = found.end() if found else self.at

    def expect(self, token: str) -> None:
        self.blank()
        if not self.text.startswith(token, self.at):
            raise _Stuck
        self.at += len(token)

    def keys(self) -> Path:
        keys: list[str] = []
        while True:
            self.blank()
            found = _KEY.match(self.text, self.at)
            if found is None:
                raise _Stuck
            keys.append(found[0].strip("\"'"))
            self.at = found.end()
            self.blank()
            if not self.text.startswith(".", self.at):
                return tuple(keys)
            self.at += 1

    def entry(self, table: Path, depth: int) -> None:
        keys = self.keys()
        self.expect("=")
        self.value((*table, *keys), depth)

    def value(self, path: Path, depth: int) -> None:
        self.blank()
        start = self.at
        opening = self.text[start : start + 1]
        if depth > _DEEPEST or not opening:
            raise _Stuck
        if opening in "\"'":
            found = _STRING.match(self.text, start)
            if found is None:
                raise _Stuck
            self.at = found.end()
        elif opening in "[{":
            self.at += 1
            self.several(path, "]" if opening == "[" else "}", depth + 1)
        else:
            bare = _BARE.match(self.text, start)
            self.at = start + len((bare[0] if bare else "").rstrip())
            if self.at == start:
                raise _Stuck
        self.spans[path] = (start, self.at)

    def several(self, path: Path, closing: str, depth: int) -> None:
        number = 0
        while True:
            self.blank()
            if self.text.startswith(closing, self.at):
                self.at += 1
                return
            if closing == "]":
                self.value((*path, number), depth)
            else:
                self.entry(path, depth)
            number += 1
            self.blank()
            if self.text.startswith(",", self.at):
                self.at += 1
