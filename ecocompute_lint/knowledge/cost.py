"""What energy costs in a month: kWh, US dollars, CO2, and the car kilometres that equal it.

Prices and grids come from ``data/regions.csv``, the kilometres from the preferred EPA factor of
``data/equivalents.csv``. Energies are those of the GPU boards; PUE adds what surrounds them.
"""

from __future__ import annotations

import math
from functools import lru_cache

from ecocompute_lint.data import read_rows
from ecocompute_lint.errors import ConfigError
from ecocompute_lint.frozen import dataclass
from ecocompute_lint.knowledge.energy import Figure
from ecocompute_lint.knowledge.hardware import Gpu

DEFAULT_REGION = "US"
DEFAULT_PUE = {"datacenter": 1.1, "consumer": 1.0}
"""By the card's market: an efficient data centre, or a machine in an office without cooling."""
JOULES_PER_KWH = 3.6e6


class CostError(ConfigError):
    """A place for which nothing can be costed. The text names the remedy."""


@dataclass(frozen=True, slots=True)
class Workload:
    """What is asked of a model in a month. Tokens are per request."""

    requests_per_month: float
    input_tokens: int
    output_tokens: int
    source: str = ""
    """How it was derived, in words; empty where it was given as it is."""
    assumed: tuple[str, ...] = ()
    """The conversion factors behind it, one sentence each."""

    @property
    def output_tokens_per_month(self) -> float:
        """Generated tokens a month."""
        return self.requests_per_month * self.output_tokens


@dataclass(frozen=True, slots=True)
class Region:
    """One row of ``regions.csv``. `usd_per_kwh` is None where the sources give no price."""

    code: str
    name: str
    usd_per_kwh: float | None
    gco2_per_kwh: float
    source: str
    note: str


@dataclass(frozen=True, slots=True)
class Site:
    """Where the work runs: USD per kWh, gCO2e per kWh, and PUE (facility over GPU energy).

    `notes` say where price, grid intensity and PUE come from, one sentence each.
    """

    region: str
    name: str
    usd_per_kwh: float
    gco2_per_kwh: float
    pue: float
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Cost:
    """A month of a workload at a site: energy with PUE, its price, its CO2, an equivalent.

    The ranges are those of the energy; price and grid intensity are taken as given.
    """

    kwh: Figure
    usd: Figure
    kg_co2e: Figure
    car_km: float
    """Kilometres in an average US gasoline car that emit as much (EPA)."""
    workload: Workload
    site: Site
    batch_size: int = 1

    def assumptions(self) -> tuple[str, ...]:
        """What the figures assume, in short sentences."""
        work = self.workload
        derived = f" ({work.source})" if work.source else ""
        return (
            f"{_amount(work.requests_per_month)} requests a month of {work.input_tokens:,} tokens "
            f"in and {work.output_tokens:,} out, batch {self.batch_size}{derived}.",
            *work.assumed,
            *self.site.notes,
        )


def monthly(energy: Figure, workload: Workload, site: Site, batch_size: int = 1) -> Cost:
    """What a workload costs at `energy` J per 1000 generated tokens, measured at `batch_size`."""
    kwh_per_joule = workload.output_tokens_per_month / 1000 / JOULES_PER_KWH * site.pue
    kwh = _times(energy, kwh_per_joule)
    kg_co2e = _times(kwh, site.gco2_per_kwh / 1000)
    return Cost(
        kwh=kwh,
        usd=_times(kwh, site.usd_per_kwh),
        kg_co2e=kg_co2e,
        car_km=kg_co2e.value * car_km_per_kg(),
        workload=workload,
        site=site,
        batch_size=batch_size,
    )


def _times(figure: Figure, factor: float) -> Figure:
    return Figure(figure.value * factor, figure.low * factor, figure.high * factor, figure.basis)


def _amount(number: float) -> str:
    return f"{number:,.0f}" if number >= 100 else f"{number:.3g}"


@lru_cache(maxsize=1)
def car_km_per_kg() -> float:
    """Kilometres that an average US gasoline car drives per kg of CO2: EPA's preferred factor."""
    (factor,) = (
        float(row["per_kg_co2"])
        for row in read_rows("equivalents.csv")
        if row["equivalent"] == "car_km" and row["preferred"] == "true"
    )
    return factor


# --- places ---------------------------------------------------------------------------------------


@lru_cache(maxsize=1)
def all_regions() -> tuple[Region, ...]:
    """Every region of the data, in its order."""
    return tuple(_region(row) for row in read_rows("regions.csv"))


def find_region(text: str) -> Region | None:
    """The region with this code or name, whatever the case."""
    return _by_name().get(_plain(text))


def known_regions(text: str) -> str:
    """What to say to somebody who named a region that there is not: the nearest, and all."""
    import difflib

    near = difflib.get_close_matches(_plain(text), _by_name(), n=1)
    suggestion = f"Did you mean {_by_name()[near[0]].code}? " if near else ""
    known = ", ".join(f"{region.code} ({region.name})" for region in all_regions())
    return f"{suggestion}Known: {known}"


def site(
    region: str,
    gpu: Gpu,
    *,
    usd_per_kwh: float | None = None,
    gco2_per_kwh: float | None = None,
    pue: float | None = None,
) -> Site:
    """The site of a region; what is given wins over the data, and the PUE follows the card.

    Raises:
        CostError: if the region is unknown, or has no price and none is given.
    """
    found = find_region(region)
    if found is None:
        raise CostError(f"unknown region {region!r}. {known_regions(region)}")
    _check(usd_per_kwh=usd_per_kwh, gco2_per_kwh=gco2_per_kwh, pue=pue)
    price, grid = found.usd_per_kwh, found.gco2_per_kwh
    if usd_per_kwh is not None:
        price = usd_per_kwh
    if gco2_per_kwh is not None:
        grid = gco2_per_kwh
    if price is None:
        raise CostError(
            f"no electricity price for region {found.code} ({found.name}) in the data: give one "
            "with --electricity-price USD_PER_KWH or electricity_usd_per_kwh = … in the "
            "configuration"
        )
    factor = DEFAULT_PUE[gpu.market] if pue is None else pue
    told = "as configured"
    notes = (
        f"${price:g} per kWh ({found.name if usd_per_kwh is None else told}).",
        f"{grid:g} gCO2e per kWh ({found.name if gco2_per_kwh is None else told}).",
        f"PUE {factor:g} ({f'assumed for a {gpu.market} GPU' if pue is None else told}).",
    )
    return Site(found.code, found.name, price, grid, factor, notes)


def _check(**given: float | None) -> None:
    for name, value in given.items():
        if value is not None and not (math.isfinite(value) and value >= (name == "pue")):
            least = "at least 1" if name == "pue" else "not below zero"
            raise CostError(f"{name}: expected a number {least}, got {value!r}")


def _plain(text: str) -> str:
    return " ".join(text.lower().replace("_", "-").split())


@lru_cache(maxsize=1)
def _by_name() -> dict[str, Region]:
    return {
        _plain(name): region
        for region in all_regions()
        for name in (region.code, region.name, region.name.removesuffix(" average"))
    }


def _region(row: dict[str, str]) -> Region:
    price = row["electricity_usd_per_kwh"]
    return Region(
        code=row["region"],
        name=row["name"],
        usd_per_kwh=float(price) if price else None,
        gco2_per_kwh=float(row["grid_gco2_per_kwh"]),
        source=row["source"],
        note=row["note"],
    )
