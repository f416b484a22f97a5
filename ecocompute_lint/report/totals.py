"""What the reported findings cost together, each deployment counted once."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ecocompute_lint.findings import Finding, Level
from ecocompute_lint.frozen import dataclass


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


def total(findings: Iterable[Finding]) -> Total | None:
    """The sum of what could be saved, None where no finding is about energy."""
    savings: dict[Any, Mapping[str, Any]] = {}
    seen: set[Any] = set()
    assumptions: dict[str, None] = {}
    for finding in findings:
        place = finding.evidence.get("deployment")
        if place is None or finding.level is Level.GREEN:
            continue
        cell = finding.evidence.get("deployment_cell")
        key = (finding.path, cell, tuple(place))
        seen.add(key)
        if finding.cost is None:
            continue
        saving = finding.cost["saving"]
        known = savings.get(key)
        if known is None or saving["usd"]["value"] > known["usd"]["value"]:
            savings[key] = saving
        assumptions.update(dict.fromkeys(finding.cost["assumptions"]))
    if not seen:
        return None

    def added(name: str, end: str = "value") -> float:
        return float(sum(saving[name][end] for saving in savings.values()))

    return Total(
        len(savings),
        len(seen) - len(savings),
        added("usd"),
        added("usd", "low"),
        added("usd", "high"),
        added("kwh"),
        added("kg_co2e"),
        float(sum(saving["car_km"] for saving in savings.values())),
        tuple(assumptions),
    )
