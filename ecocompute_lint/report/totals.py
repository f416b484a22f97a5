"""What the reported findings cost together, each deployment counted once."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from ecocompute_lint.findings import Finding, Level
from ecocompute_lint.frozen import dataclass

Deployed = tuple[str, int | None, tuple[int, ...]]
"""The path of a deployment, the cell of a notebook, line and column."""


@dataclass(frozen=True, slots=True)
class Total:
    """A month of all wasteful deployments against their best choices. USD, kWh, kgCO2e."""

    deployments: int
    unpriced: int
    """Deployments whose energy nobody measured."""
    usd: float
    usd_low: float
    usd_high: float
    kwh: float
    kg_co2e: float
    car_km: float
    assumptions: tuple[str, ...]

    def data(self) -> dict[str, Any]:
        """As the JSON report prints it."""
        return {
            "deployments": self.deployments,
            "unpriced": self.unpriced,
            "usd_per_month": {
                "value": round(self.usd, 2),
                "low": round(self.usd_low, 2),
                "high": round(self.usd_high, 2),
            },
            "kwh_per_month": round(self.kwh, 2),
            "kg_co2e_per_month": round(self.kg_co2e, 2),
            "car_km_per_month": round(self.car_km, 1),
            "assumptions": list(self.assumptions),
        }


def dearest(findings: Iterable[Finding]) -> dict[Deployed, Finding | None]:
    """Each deployment that wastes energy, with the finding that would save most on it.

    None where nobody measured it.
    """
    found: dict[Deployed, Finding | None] = {}
    for finding in findings:
        place = finding.evidence.get("deployment")
        if place is None or finding.level is Level.GREEN:
            continue
        cell = finding.evidence.get("deployment_cell")
        key = (finding.path, cell, tuple(place))
        known = found.setdefault(key, None)
        if finding.cost is not None and (known is None or _saved(finding) > _saved(known)):
            found[key] = finding
    return found


def _saved(finding: Finding) -> float:
    assert finding.cost is not None
    return float(finding.cost["saving"]["usd"]["value"])


def total(findings: Iterable[Finding]) -> Total | None:
    """The sum of what could be saved, None where no finding is about energy."""
    found = list(findings)
    deployed = dearest(found)
    if not deployed:
        return None
    savings = [item.cost["saving"] for item in deployed.values() if item and item.cost]
    assumptions: dict[str, None] = {}
    for finding in found:
        if finding.cost is not None and finding.level is not Level.GREEN:
            assumptions.update(dict.fromkeys(finding.cost["assumptions"]))

    def added(name: str, end: str = "value") -> float:
        return float(sum(saving[name][end] for saving in savings))

    return Total(
        len(savings),
        len(deployed) - len(savings),
        added("usd"),
        added("usd", "low"),
        added("usd", "high"),
        added("kwh"),
        added("kg_co2e"),
        float(sum(saving["car_km"] for saving in savings)),
        tuple(assumptions),
    )
