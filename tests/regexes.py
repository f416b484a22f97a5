"""Every regular expression of the package, found without a list that has to be kept."""

from __future__ import annotations

import ast
import importlib
import pkgutil
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

import ecocompute_lint
from ecocompute_lint.resources import rules_dir

PACKAGE = Path(ecocompute_lint.__file__).parent
_METHODS = frozenset("compile match fullmatch search sub subn split findall finditer".split())


def all_of_them() -> dict[tuple[str, int], str]:
    """Pattern and flags, with one place where each stands."""
    found: dict[tuple[str, int], str] = {}
    for place, pattern, flags in (*_written(), *_compiled(), *_of_rules()):
        found.setdefault((pattern, flags), place)
    return found


def _written() -> Iterator[tuple[str, str, int]]:
    """Those that are written out in a call of `re`."""
    for file in sorted(PACKAGE.rglob("*.py")):
        for node in ast.walk(ast.parse(file.read_text("utf-8"))):
            called = node.func if isinstance(node, ast.Call) else None
            if not (
                isinstance(called, ast.Attribute)
                and called.attr in _METHODS
                and isinstance(called.value, ast.Name)
                and called.value.id == "re"
                and isinstance(node, ast.Call)
                and isinstance(node.args[0], ast.Constant)
            ):
                continue
            pattern: Any = node.args[0].value
            if isinstance(pattern, bytes):
                pattern = pattern.decode("latin-1")
            place = f"{file.relative_to(PACKAGE)}:{node.lineno}"
            flags = 0
            for name in ast.walk(node):
                if isinstance(name, ast.Attribute) and name.attr.isupper():
                    flags |= int(getattr(re, name.attr, 0))
            yield place, pattern, flags


def _compiled() -> Iterator[tuple[str, str, int]]:
    """Those that modules hold once they are imported, in tables of any depth."""
    for module in pkgutil.walk_packages(ecocompute_lint.__path__, "ecocompute_lint."):
        if module.name.endswith("__main__"):
            continue
        try:
            loaded = importlib.import_module(module.name)
        except ImportError:  # an extra that is not installed
            continue
        for name, value in vars(loaded).items():
            for pattern in _inside(value, set()):
                text = pattern.pattern
                text = text.decode("latin-1") if isinstance(text, bytes) else text
                yield f"{module.name}.{name}", text, pattern.flags & ~re.UNICODE


def _inside(value: Any, seen: set[int]) -> Iterator[re.Pattern[Any]]:
    if id(value) in seen:
        return
    seen.add(id(value))
    if isinstance(value, re.Pattern):
        yield value
    elif isinstance(value, dict):
        for part in (*value.keys(), *value.values()):
            yield from _inside(part, seen)
    elif isinstance(value, (list, tuple, set, frozenset)):
        for part in value:
            yield from _inside(part, seen)
    elif type(value).__module__.startswith("ecocompute_lint") and not isinstance(value, type):
        for name in (*getattr(value, "__slots__", ()), *getattr(value, "__dict__", ())):
            yield from _inside(getattr(value, name, None), seen)


def _of_rules() -> Iterator[tuple[str, str, int]]:
    """Those of the bundled rules."""

    def of(value: Any) -> Iterator[str]:
        if isinstance(value, dict):
            for key, part in value.items():
                if key == "matches" and isinstance(part, str):
                    yield part
                yield from of(part)
        elif isinstance(value, list):
            for part in value:
                yield from of(part)

    for file in sorted(rules_dir().glob("*.yaml")):
        for pattern in of(yaml.safe_load(file.read_text("utf-8"))):
            yield file.name, pattern, 0
