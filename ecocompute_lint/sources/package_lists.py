"""Packages named line by line: requirements files, conda environments, setup.cfg and setup.py."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from packaging.markers import InvalidMarker, Marker

from ecocompute_lint.findings import Place
from ecocompute_lint.knowledge.installers import INSTALLERS
from ecocompute_lint.sources.asked import (
    Asked,
    Sources,
    asked,
    of_conda_spec,
    settle,
    settle_conda,
)
from ecocompute_lint.sources.documents import (
    UNKNOWN,
    Branch,
    Document,
    Package,
    Unreadable,
    Word,
)
from ecocompute_lint.sources.installs import Order
from ecocompute_lint.sources.requirements import holds_here
from ecocompute_lint.sources.text import LineMap

_LOGICAL = re.compile(r"(?:[^\\\r\n]|\\(?:\r\n|\r|\n)|\\)+")
_COMMENT = re.compile(r"(?:^|(?<=\s))#.*")
_OPTIONS = re.compile(r"\s+--?[a-zA-Z].*", re.DOTALL)
_WORD = re.compile(r"\S+")
_VARIABLE = re.compile(r"\$\{\w+\}")
_SECTION = re.compile(r"\[([^\]]+)\]")
_MOST_NAMES = 3
_SETTING = re.compile(r"([\w.-]+)\s*[=:]\s*(.*)")


def package(
    found: Asked,
    sources: Sources,
    text: str,
    place: Place,
    branch: Branch | None = None,
    *,
    conda: bool = False,
) -> Package:
    """A package as it comes out of its requirement and the places that are looked at."""
    channel, reason = (settle_conda if conda else settle)(found, sources)
    return Package(found.name, channel, text.replace(UNKNOWN, "…"), place, reason, branch)


def holds(requirement: str) -> bool:
    """Whether the marker of a requirement, if any, holds on a machine with such a GPU."""
    _, semicolon, marker = requirement.partition(";")
    if not semicolon or not marker.strip():
        return True
    try:
        return holds_here(Marker(marker.strip()))
    except (InvalidMarker, ValueError):
        return True


@dataclass(slots=True)
class Lines:
    """Lines as in a requirements file; options anywhere count for all of them."""

    sources: Sources = field(default_factory=Sources)
    wanted: list[tuple[str, Place, Asked]] = field(default_factory=list)

    def line(self, text: str, lines: LineMap, start: int) -> None:
        """One logical line, which begins at the offset `start`."""
        text = _COMMENT.sub("", text)
        body = text.strip()
        if not body:
            return
        start += len(text) - len(text.lstrip())
        if body.startswith("-"):
            self._options(body, lines, start)
            return
        body = _OPTIONS.sub("", body).rstrip(" \t\r\n\\")
        found = asked(_expanded(body))
        if found is not None and holds(body):
            self.wanted.append((body, lines.place(start, start + len(body)), found))

    def _options(self, body: str, lines: LineMap, start: int) -> None:
        words = [
            Word(_expanded(word[0]), lines.place(start + word.start(), start + word.end()))
            for word in _WORD.finditer(body)
            if word[0] != "\\"
        ]
        order = Order(INSTALLERS[0])
        order.read(words)
        self.sources = self.sources.with_(order.sources)
        self.wanted += [(word.text, word.place, item) for word, item in order.wanted]

    def packages(self) -> Iterator[Package]:
        """What all the lines ask for."""
        for text, place, found in self.wanted:
            yield package(found, self.sources, text, place)


def _expanded(text: str) -> str:
    """With what pip puts in for ``${NAME}`` marked as unknown."""
    return _VARIABLE.sub(UNKNOWN, text)


def read_requirements(text: str, path: str) -> Document:
    """A requirements or constraints file. Files that it includes speak for themselves."""
    del path
    lines = LineMap(text)
    found = Lines()
    for line in _LOGICAL.finditer(text):
        found.line(line[0], lines, line.start())
    return Document(packages=tuple(found.packages()))


# -- conda


def read_environment(text: str, path: str) -> Document:
    """A conda environment: channels, dependencies, and pip's among them."""
    del path
    lines = LineMap(text)
    root = compose(text)
    channels = tuple(item.value for item in _items(child(root, "channels")))
    sources = Sources(channels=channels)
    found: list[Package] = []
    pip = Lines()
    for item in _items(child(root, "dependencies"), every=True):
        if item.id == "scalar":
            known = of_conda_spec(item.value)
            if known is not None:
                place = place_of(item, lines)
                found.append(package(known, sources, item.value, place, conda=True))
            continue
        for line in _items(child(item, "pip")):
            start, end = _span(line, lines)
            written = lines.text[start:end]
            quoted = written[:1] in "\"'"
            pip.line(written[1:-1] if quoted else line.value, lines, start + quoted)
    return Document(packages=(*found, *pip.packages()))


def compose(text: str) -> Any:
    """The nodes of a YAML or JSON text, with their marks. Raises Unreadable for a broken one."""
    import yaml

    from ecocompute_lint.bounded import check_yaml

    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    try:
        check_yaml(text, loader)
        return yaml.compose(text, Loader=loader)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        reason = getattr(error, "problem", None) or "not valid YAML"
        if mark is None:
            raise Unreadable(f"not valid YAML: {reason}") from None
        raise Unreadable(f"not valid YAML: {reason}", mark.line + 1, mark.column + 1) from None
    except (ValueError, RecursionError):
        raise Unreadable("not valid YAML") from None


def child(node: Any, key: str) -> Any:
    """The value of a key of a mapping; None where there is none."""
    if node is None or node.id != "mapping":
        return None
    return next((value for name, value in node.value if name.value == key), None)


def _items(node: Any, *, every: bool = False) -> list[Any]:
    if node is None or node.id != "sequence":
        return []
    return [item for item in node.value if every or item.id == "scalar"]


def _span(node: Any, lines: LineMap) -> tuple[int, int]:
    place = place_of(node, lines)
    return lines.span(place)


def place_of(node: Any, lines: LineMap) -> Place:
    """Where a node stands; YAML knows more line ends than the other kinds of files."""
    start, end = node.start_mark, node.end_mark
    try:
        place = Place(start.line + 1, start.column + 1, end.line + 1, end.column + 1)
        lines.span(place)
    except ValueError:
        return lines.place(0, 0)
    return place


# -- setuptools


def read_setup_cfg(text: str, path: str) -> Document:
    """``install_requires`` and the extras of setup.cfg."""
    del path
    lines = LineMap(text)
    found = Lines()
    section, listing, offset = "", False, 0
    for line in text.splitlines(keepends=True):
        body = line.rstrip()
        heading = _SECTION.match(body)
        setting = _SETTING.match(body)
        if heading is not None:
            section, listing = heading[1].strip(), False
        elif setting is not None and not body[0].isspace():
            listing = section == "options.extras_require" or (
                section == "options" and setting[1] in ("install_requires", "setup_requires")
            )
            if listing:
                found.line(setting[2], lines, offset + setting.start(2))
        elif listing and body[:1].isspace():
            found.line(body, lines, offset)
        offset += len(line)
    return Document(packages=tuple(found.packages()))


_LISTS = frozenset("install_requires extras_require setup_requires dependency_links".split())


def read_setup(text: str, path: str) -> Document:
    """The lists of setup.py, as far as they are literals."""
    try:
        tree = ast.parse(text.lstrip("\ufeff"))
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return Document()  # the audit of it as Python tells
    del path
    lines = LineMap(text)
    lists = {
        target.id: node.value
        for node in tree.body
        if isinstance(node, ast.Assign)
        for target in node.targets
        if isinstance(target, ast.Name)
    }
    found: dict[Place, Package] = {}
    for call in ast.walk(tree):
        keywords = call.keywords if isinstance(call, ast.Call) else ()
        for keyword in keywords:
            if keyword.arg in _LISTS:
                for item in _strings(keyword.value, lists):
                    known = asked(item.value)
                    place = lines.node(item)
                    if known is not None and holds(item.value):
                        found[place] = package(known, Sources(), item.value, place)
    return Document(packages=tuple(found.values()))


def _strings(node: ast.expr, lists: Mapping[str, ast.expr], depth: int = 0) -> Iterator[Any]:
    """The string literals of a list, a sum of lists, a dict of them, or a name for one."""
    if isinstance(node, ast.Constant):
        if isinstance(node.value, str):
            yield node
    elif isinstance(node, ast.Name):
        if node.id in lists and depth < _MOST_NAMES:
            yield from _strings(lists[node.id], lists, depth + 1)
    elif isinstance(node, ast.List | ast.Tuple | ast.Set):
        for item in node.elts:
            yield from _strings(item, lists, depth)
    elif isinstance(node, ast.Dict):
        for item in node.values:
            yield from _strings(item, lists, depth)
    elif isinstance(node, ast.BinOp):
        yield from _strings(node.left, lists, depth)
        yield from _strings(node.right, lists, depth)
    elif isinstance(node, ast.Starred):
        yield from _strings(node.value, lists, depth)
