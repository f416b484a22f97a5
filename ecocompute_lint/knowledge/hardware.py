"""The graphics cards the data know: ``data/gpus.csv``."""

from __future__ import annotations

import re
from functools import lru_cache

from ecocompute_lint.frozen import dataclass

from ..data import read_rows

DEFAULT_GPU = "rtx4090d"
"""The card assumed where a project names none."""


@dataclass(frozen=True, slots=True)
class Gpu:
    """One card. `idle_w` is None where no source recorded it."""

    slug: str
    aliases: tuple[str, ...]
    name: str
    vendor: str
    architecture: str
    compute_capability: str
    vram_gb: float
    bandwidth_gb_s: float
    tdp_w: float
    idle_w: float | None
    market: str
    """``consumer`` or ``datacenter``: the column `class`."""
    supports_bf16: bool
    supports_fp8: bool
    basis: str
    """``measured``, or ``extrapolated:SLUG``."""
    source: str
    note: str

    @property
    def measured_slug(self) -> str:
        """The card whose measurements stand for this one: itself, or the one it is scaled from."""
        return self.basis.partition(":")[2] or self.slug


@lru_cache(maxsize=1)
def all_gpus() -> tuple[Gpu, ...]:
    """Every known card, in the order of the data."""
    return tuple(_gpu(row) for row in read_rows("gpus.csv"))


def find_gpu(text: str) -> Gpu | None:
    """The card with this slug, name or alias, whatever the case, spaces and dashes."""
    return _by_name().get(_plain(text))


def suggest(text: str) -> str | None:
    """The slug nearest to a card name that `find_gpu` does not know."""
    import difflib

    near = difflib.get_close_matches(_plain(text), _by_name(), n=1)
    return _by_name()[near[0]].slug if near else None


def known_gpus(text: str) -> str:
    """What to say to somebody who named a card that there is not: the nearest, and all of them."""
    near = suggest(text)
    known = ", ".join(sorted(gpu.slug for gpu in all_gpus()))
    suggestion = f"Did you mean {near}? " if near else ""
    return f"{suggestion}Known: {known} (`ecolint gpus`)"


@lru_cache(maxsize=1)
def _by_name() -> dict[str, Gpu]:
    return {_plain(name): gpu for gpu in all_gpus() for name in (gpu.slug, gpu.name, *gpu.aliases)}


def _plain(text: str) -> str:
    return re.sub(r"[\s_-]+", "", text.lower())


def _gpu(row: dict[str, str]) -> Gpu:
    return Gpu(
        slug=row["slug"],
        aliases=tuple(row["aliases"].split(";")),
        name=row["name"],
        vendor=row["vendor"],
        architecture=row["architecture"],
        compute_capability=row["compute_capability"],
        vram_gb=float(row["vram_gb"]),
        bandwidth_gb_s=float(row["bandwidth_gb_s"]),
        tdp_w=float(row["tdp_w"]),
        idle_w=float(row["idle_w"]) if row["idle_w"] else None,
        market=row["class"],
        supports_bf16=row["supports_bf16"] == "true",
        supports_fp8=row["supports_fp8"] == "true",
        basis=row["basis"],
        source=row["source"],
        note=row["note"],
    )
