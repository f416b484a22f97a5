"""What a project serves, where, and from how much waste on it wants to hear of it."""

from __future__ import annotations

from pathlib import Path

from ecocompute_lint.frozen import dataclass

REPORTED_FROM = 10.0
"""The least waste that is reported, in percent more energy than the best alternative."""
RED_FROM = 30.0
"""Waste above this is red."""
BREAK_EVEN = 0.0
"""From here on a quantization draws no less than the 16 bit that would fit as well."""
NEAR = 5.0
"""An estimate this near to the least reported waste is no more than possible."""


@dataclass(frozen=True, slots=True)
class Economy:
    """A month of requests, the place of the GPU, and the project's own measurements.

    Tokens are per request. Prices in USD per kWh, grid intensity in gCO2e per kWh; None takes those
    of the region, and for `pue` what is usual for the card.
    """

    requests_per_month: float = 1_000_000
    input_tokens: int = 512
    output_tokens: int = 256
    batch_size: int = 1
    region: str = "US"
    usd_per_kwh: float | None = None
    gco2_per_kwh: float | None = None
    pue: float | None = None
    data: tuple[Path, ...] = ()


USUAL = Economy()
"""What is assumed where a project says nothing."""
