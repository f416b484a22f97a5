"""A file of findings that are known: a run reports what is not among them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ecocompute_lint.errors import ConfigError, shown
from ecocompute_lint.fingerprints import Identity

_VERSION = 1
_LONGEST = 100
_MARKERS = ("<<<<<<<", "=======", ">>>>>>>", "|||||||")
_TEXTS = ("path", "code", "symbol", "snippet", "fingerprint")


@dataclass(frozen=True, slots=True, order=True)
class Entry:
    """A known finding. Only the fingerprint decides; the rest tells people what it was."""

    path: str
    code: str
    symbol: str
    snippet: str
    fingerprint: str

    @classmethod
    def of(cls, identity: Identity) -> Entry:
        """The entry of a finding."""
        code = "".join(c if c.isprintable() else " " for c in identity.snippet)
        return cls(
            identity.path,
            identity.code,
            identity.symbol,
            code if len(code) <= _LONGEST else f"{code[:_LONGEST]}…",
            identity.fingerprint,
        )


Baseline = Mapping[str, Entry]
"""Entries by their fingerprints."""


class BrokenBaseline(ConfigError):  # noqa: N818  (a state of the file, not a mistake of ours)
    """A file that cannot be used as a baseline: which file and line, what is wrong, the remedy."""

    def __init__(self, path: Path, problem: str, remedy: str, line: int | None = None) -> None:
        where = f"{shown(path)}:{line}" if line else shown(path)
        super().__init__(f"{where}: {problem}. {remedy}", path=shown(path), line=line)


def read(path: Path) -> Baseline:
    """The entries of a baseline. Raises BrokenBaseline."""
    again = f"`ecolint --write-baseline {shown(path)}` writes it anew"
    anew = f"Restore it, or remove it: {again}"
    try:
        text = path.read_text("utf-8-sig")
    except FileNotFoundError:
        raise BrokenBaseline(path, "there is no such baseline", again) from None
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise BrokenBaseline(path, reason, "Name a file that can be read") from None
    except UnicodeDecodeError:
        raise BrokenBaseline(path, "not a baseline: not UTF-8", "Name another file") from None
    for number, line in enumerate(text.split("\n"), 1):
        if line.startswith(_MARKERS):
            remedy = f"Resolve it, keeping the entries of both sides, or remove the file: {again}"
            raise BrokenBaseline(path, "an unresolved merge conflict", remedy, number)
    try:
        data = json.loads(text)
    except json.JSONDecodeError as error:
        raise BrokenBaseline(path, f"not valid JSON: {error.msg}", anew, error.lineno) from None
    except RecursionError:
        raise BrokenBaseline(path, "nested too deeply", anew) from None
    return _entries(path, text, data, anew)


def _entries(path: Path, text: str, data: Any, anew: str) -> Baseline:
    if not isinstance(data, dict) or "ecolint-baseline" not in data:
        raise BrokenBaseline(path, "not a baseline of ecolint", "Name another file")
    if data["ecolint-baseline"] != _VERSION:
        version = str(data["ecolint-baseline"])[:20]
        problem = f"version {version} of the format; this ecolint knows version {_VERSION}"
        raise BrokenBaseline(path, problem, f"Use the ecolint that wrote it. {anew}")
    found = data.get("findings")
    if not isinstance(found, list):
        raise BrokenBaseline(path, "no list of `findings`", anew)
    entries: dict[str, Entry] = {}
    for number, item in enumerate(found):
        if not isinstance(item, dict) or not all(isinstance(item.get(key), str) for key in _TEXTS):
            line = _line_of(text, number)
            needed = ", ".join(_TEXTS)
            raise BrokenBaseline(path, f"expected an entry with {needed}", anew, line)
        entry = Entry(*(item[key] for key in _TEXTS))
        entries[entry.fingerprint] = entry
    return entries


def _line_of(text: str, number: int) -> int | None:
    """The line of an entry, in a file that has one entry a line."""
    lines = text.split("\n")
    head = next((at for at, line in enumerate(lines) if '"findings"' in line), None)
    at = None if head is None else head + 1 + number
    return at + 1 if at is not None and at < len(lines) else None


def render(entries: Iterable[Entry]) -> str:
    """A baseline as text: sorted, one entry a line, so that diffs and merges are small."""
    lines = [
        json.dumps({key: getattr(entry, key) for key in _TEXTS}, ensure_ascii=False)
        for entry in sorted(set(entries))
    ]
    body = ",\n".join(f"  {line}" for line in lines)
    findings = f"[\n{body}\n ]" if lines else "[]"
    return f'{{\n "ecolint-baseline": {_VERSION},\n "findings": {findings}\n}}\n'
