"""How a finding came to be, for programs: version 1, described by ``explain.schema.json``.

Fields are only ever added.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ecocompute_lint import __version__
from ecocompute_lint.report.json_report import finding_data

if TYPE_CHECKING:
    from ecocompute_lint.engine.trail import Looked, ModelSource, Spot, Trail
    from ecocompute_lint.inquiry import Answer, Inquiry, Near

SCHEMA = Path(__file__).with_name("explain.schema.json")


def render(inquiry: Inquiry) -> str:
    """The document."""
    document = {
        "version": 1,
        "tool": {"name": "ecolint", "version": __version__},
        "path": inquiry.path,
        "cell": inquiry.cell,
        "line": inquiry.line,
        "column": inquiry.column,
        "not_examined": inquiry.reason or None,
        "findings": [_answer(item) for item in inquiry.answers],
        "calls": list(inquiry.seen),
        "configured_at": [_spot(spot) for spot in inquiry.configured],
        "near": [_near(item) for item in inquiry.near],
    }
    return json.dumps(document, indent=2, ensure_ascii=False, default=str) + "\n"


def _answer(answer: Answer) -> dict[str, Any]:
    found = answer.explanation
    return {
        "finding": finding_data(found.finding),
        "kept_back": list(answer.kept_back),
        "values": [_looked(item) for item in found.looked],
        "model": _model(found.model),
        "context": found.context,
        "gpu_assumed": found.gpu_assumed,
        "reasons": [
            {
                "confidence": reason.confidence.label,
                "kind": reason.kind,
                "text": reason.text,
                "places": [_spot(spot) for spot in reason.spots],
            }
            for reason in found.reasons
        ],
        "repair": {
            "diff": list(answer.edit),
            "not_made": answer.deterred or None,
            "no_edit": found.unrepaired or None,
        },
    }


def _near(item: Near) -> dict[str, Any]:
    return {
        "finding": finding_data(item.finding),
        "rests_on_line": item.rests,
        "kept_back": list(item.kept_back),
    }


def _looked(item: Looked) -> dict[str, Any]:
    return {
        "attribute": item.attribute,
        "name": item.name,
        "value": item.value or None,
        "source": item.source,
        "place": _spot(item.spot),
        **_trail(item.trail),
    }


def _model(model: ModelSource) -> dict[str, Any]:
    size = model.size
    return {
        "name": model.name,
        "trouble": model.trouble or None,
        "loaded": _spot(model.loaded),
        "params_b": size.params_total_b if size is not None else None,
        "resolved_by": size.resolved_by if size is not None else None,
        **_trail(model.trail),
    }


def _trail(trail: Trail) -> dict[str, Any]:
    return {
        "origin": _spot(trail.origin),
        "default_of": trail.name or None,
        "passed_by": [_spot(spot) for spot in trail.calls],
        "where": list(trail.where),
    }


def _spot(spot: Spot | None) -> dict[str, Any] | None:
    if spot is None:
        return None
    return {
        "path": spot.path,
        "line": spot.line,
        "column": spot.column,
        "imported_at": spot.imported,
        "cell": spot.cell,
    }
