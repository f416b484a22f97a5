"""The vocabulary of the estimator: what is asked, and what is answered."""

from __future__ import annotations

from enum import IntEnum

from ecocompute_lint.frozen import dataclass
from ecocompute_lint.knowledge.hardware import Gpu
from ecocompute_lint.knowledge.models import ModelSize


class Basis(IntEnum):
    """What a figure rests on, the best last."""

    NOT_MEASURED = 0
    CLAIMED = 1
    """A headline of a source, without the data behind it."""
    SCALED = 2
    """From another card, or by a relation measured on another card or precision."""
    INTERPOLATED = 3
    """Between measured models on this card."""
    MEASURED = 4
    """A row for this card, model class, precision and batch size."""

    @property
    def label(self) -> str:
        """As reports write it: ``not measured``, ``measured`` …."""
        return self.name.lower().replace("_", " ")


@dataclass(frozen=True, slots=True)
class Figure:
    """A value with the range that it most likely lies in, and what it rests on."""

    value: float
    low: float
    high: float
    basis: Basis


@dataclass(frozen=True, slots=True)
class Setup:
    """One configuration to estimate: a model on a card. Tokens are per request."""

    gpu: Gpu
    model: ModelSize
    precision: str
    batch_size: int = 1
    input_tokens: int = 512
    output_tokens: int = 256


@dataclass(frozen=True, slots=True)
class Estimate:
    """What the data hold for a setup. A figure is None where they hold nothing.

    `energy` is J per 1000 generated tokens (gross board energy), `throughput` generated tokens per
    second over the whole batch, `power` W (board), `latency` s for one request of the setup's
    output length, `change` % of energy against FP16 at the same batch size. `rows` are the ids of
    the measurements used, `notes` whole sentences on how the figures came about.
    """

    setup: Setup
    basis: Basis
    energy: Figure | None = None
    change: Figure | None = None
    throughput: Figure | None = None
    power: Figure | None = None
    latency: Figure | None = None
    rows: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
