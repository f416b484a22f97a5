"""What stays of a finding when the code around it changes.

A fingerprint is made of the rule, the file's path below the project, what the code stands in (the
chain of classes and functions, a service, a target), and the code itself without comments and
layout. Lines, columns and the numbers of notebook cells are no part of it: the same finding has the
same fingerprint after edits elsewhere, in another layout, or where its function has moved. Findings
that are alike in all this are numbered in order.
"""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from hashlib import blake2b
from pathlib import Path
from typing import TYPE_CHECKING

from ecocompute_lint.enclosing import enclosing
from ecocompute_lint.findings import Finding, Place
from ecocompute_lint.sources.kinds import NOTEBOOK, PYTHON, kind_of
from ecocompute_lint.sources.text import LineMap

if TYPE_CHECKING:
    from ecocompute_lint.audit import FileReport

_VERSION = "1"
"""Part of every fingerprint: a change of what they are made of makes them all new."""
_LAYOUT = re.compile(
    r"""(?P<string>\"\"\"(?:\\.|[^\\])*?(?:\"\"\"|\Z) | '''(?:\\.|[^\\])*?(?:'''|\Z)
      | "(?:\\\r\n|\\.|[^"\\\r\n])*"? | '(?:\\\r\n|\\.|[^'\\\r\n])*'?)
    | (?P<blank>(?:\s|\\[\r\n]|\#[^\r\n]*(?:[\r\n]|\Z))+)
    | (?P<comma>,(?=(?:\s|\#[^\r\n]*(?:[\r\n]|\Z))*[)\]}]))""",
    re.DOTALL | re.VERBOSE,
)
_COMMENT = re.compile(r"(?:^|(?<=\s))#[^\r\n]*", re.MULTILINE)
_BLANK = re.compile(r"(?:\s|[\\^`][\r\n])+")
_NO_COMMENTS = frozenset(("model-config", "lock", "batch"))
_TWO_WORDS = re.compile(r"\w\w")
_PLAIN_STRING = re.compile(r"'[^'\"\\]*'")


@dataclass(frozen=True, slots=True, order=True)
class Identity:
    """What makes a finding the same one in other runs."""

    path: str
    code: str
    symbol: str
    snippet: str
    number: int
    """Which of those that are alike, from 1."""

    @property
    def fingerprint(self) -> str:
        """All of it as a short hexadecimal text."""
        parts = (_VERSION, self.code, self.path, self.symbol, self.snippet, str(self.number))
        text = "\0".join(parts)
        return blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()


def fingerprints(
    report: FileReport, source: str | None, *, root: Path | None = None
) -> tuple[str, ...]:
    """One hexadecimal fingerprint per finding of a file, in the report's order.

    `source` is the text of the file (of a notebook its JSON); without it the code is no part of
    them. `root` is what the path is relative to, by default the project that the file lies in.
    """
    return tuple(found.fingerprint for found in identities(report, source, root=root))


def identities(
    report: FileReport, source: str | None, *, root: Path | None = None
) -> tuple[Identity, ...]:
    """What the fingerprints are made of."""
    kind = kind_of(report.path) or PYTHON
    path = relative_path(report.path, root)
    texts = _texts(kind, source)
    seen: Counter[tuple[str, ...]] = Counter()
    found = []
    for finding in report.findings:
        parts = (finding.code, *_code(finding, kind, texts))
        seen[parts] += 1
        found.append(Identity(path, *parts, number=seen[parts]))
    return tuple(found)


# -- the code


def _texts(kind: str, source: str | None) -> Callable[[int | None], str]:
    """The text that the places of findings are in, by cell."""
    if source is None:
        return lambda cell: ""
    if kind != NOTEBOOK:
        return lambda cell: source
    from ecocompute_lint.sources.documents import Unreadable
    from ecocompute_lint.sources.notebook import read

    try:
        notebook = read(source)
    except Unreadable:
        return lambda cell: ""
    return lambda cell: "" if cell is None else notebook.source(cell)


def _code(finding: Finding, kind: str, texts: Callable[[int | None], str]) -> tuple[str, str]:
    """What a finding stands in, and its code."""
    text = texts(finding.cell)
    python = kind in (PYTHON, NOTEBOOK)
    symbol = enclosing(PYTHON if python else kind, text, finding.place)
    return symbol, snippet(text, finding.place, PYTHON if python else kind)


def snippet(text: str, place: Place, kind: str = PYTHON) -> str:
    """The code at a place, without comments and layout."""
    try:
        start, end = _line_map(text).span(place)
    except ValueError:
        return ""
    code = text[start:end]
    if kind == PYTHON:
        plain = _LAYOUT.sub(_without_layout, code)
    else:
        plain = _BLANK.sub(" ", code if kind in _NO_COMMENTS else _COMMENT.sub("", code)).strip()
    return plain or _BLANK.sub(" ", code).strip()  # what is about a comment has no other code


@lru_cache(maxsize=8)
def _line_map(text: str) -> LineMap:
    return LineMap(text)


def _without_layout(match: re.Match[str]) -> str:
    if match["string"]:
        string = match["string"]
        if _PLAIN_STRING.fullmatch(string):
            return f'"{string[1:-1]}"'
        return re.sub(r"\s+", " ", string)
    if match["blank"]:
        start, end = match.span()
        around = match.string[max(0, start - 1) : start] + match.string[end : end + 1]
        return " " if _TWO_WORDS.fullmatch(around) else ""
    return ""


# -- the path


def relative_path(path: str, root: Path | None = None) -> str:
    """The path of a file below its project, with forward slashes."""
    full = os.path.abspath(path)
    if path.startswith("<"):  # a text without a file
        return path
    base = os.fspath(root) if root is not None else project_root(full)
    below = os.path.relpath(os.path.realpath(os.path.dirname(full)), os.path.realpath(base))
    return os.path.normpath(os.path.join(below, os.path.basename(full))).replace(os.sep, "/")


def project_root(path: str) -> str:
    """The project that a file lies in: its repository, else its configuration's folder, else here.

    A submodule belongs to the project around it.
    """
    return _root_of(os.path.dirname(os.path.abspath(path)))


@lru_cache(maxsize=4096)
def _root_of(folder: str) -> str:
    from ecocompute_lint.config import find_config

    above = [folder, *map(str, Path(folder).parents)]
    for place in above:
        mark = os.path.join(place, ".git")
        if os.path.isdir(mark) or (os.path.isfile(mark) and not _is_submodule(mark)):
            return place
    found = find_config(Path(folder))
    if found is not None:
        return os.path.dirname(os.path.abspath(found))
    here = os.getcwd()
    return here if here in above else folder


def _is_submodule(mark: str) -> bool:
    try:
        text = Path(mark).read_text("utf-8", "replace")
    except OSError:
        return False
    return "/modules/" in text.replace("\\", "/")
