"""Reports of files as plain lists, which JSON can carry, and back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from typing import Any

from ecocompute_lint.audit import FileReport
from ecocompute_lint.findings import (
    Confidence,
    Edit,
    Finding,
    Fix,
    FixLevel,
    Level,
    Operation,
    Place,
    Problem,
)

_MADE_OF: Mapping[type, Mapping[str, Any]] = {
    FileReport: {"findings": [Finding], "problem": Problem, "left_out": [Finding]},
    Finding: {
        "level": Level,
        "confidence": Confidence,
        "place": Place,
        "fix": Fix,
        "marks": [Place],
    },
    Fix: {"level": FixLevel, "operations": [Operation], "edits": [Edit]},
    Operation: {"target": Place, "names": [str]},
    Edit: {"place": Place},
    Place: {},
    Problem: {},
}
"""The fields of each kind of record that are records themselves; in brackets: a tuple of them."""


def flat(value: Any) -> Any:
    """A record as a list of its fields, in order."""
    if is_dataclass(value):
        return [flat(getattr(value, field.name)) for field in fields(value)]
    if isinstance(value, (tuple, list)):
        return [flat(item) for item in value]
    return value


def report_from(data: Any) -> FileReport:
    """The report that was made `flat`. Raises ValueError, TypeError or LookupError."""
    report = _record(FileReport, data)
    assert isinstance(report, FileReport)
    return report


def _record(kind: Any, data: Any) -> Any:
    if data is None:
        return None
    if kind not in _MADE_OF:
        return kind(data)
    inner = _MADE_OF[kind]
    names = [field.name for field in fields(kind)]
    values = dict(zip(names, data, strict=True))
    for name, part in inner.items():
        if isinstance(part, list):
            values[name] = tuple(_record(part[0], item) for item in values[name])
        else:
            values[name] = _record(part, values[name])
    return kind(**values)
