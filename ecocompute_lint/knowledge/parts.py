"""A factor or an energy on the way to a figure, with all that the figure will rest on."""

from __future__ import annotations

import math
from dataclasses import replace

from ecocompute_lint.frozen import dataclass
from ecocompute_lint.knowledge.energy import Basis, Figure
from ecocompute_lint.knowledge.measurements import Measurement

_BASIS_NOTES = {
    "unverified": "the source does not say whether idle power is included",
    "net_of_idle": "idle power not included",
}


@dataclass(frozen=True, slots=True)
class Part:
    """One value, its basis, the rows behind it and what is to be said of them."""

    value: float
    basis: Basis
    rows: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    spread: float = 1.0
    """What is uncertain beyond the calibrated range, as a factor."""
    far: bool = False
    """Whether it is scaled between cards that are far apart."""

    def times(self, other: Part) -> Part:
        """The product; it rests on the weaker of the two."""
        return Part(
            self.value * other.value,
            min(self.basis, other.basis),
            (*self.rows, *other.rows),
            (*self.notes, *other.notes),
            math.exp(math.hypot(math.log(self.spread), math.log(other.spread))),
            self.far or other.far,
        )

    def over(self, other: Part) -> Part:
        """The quotient."""
        return self.times(replace(other, value=1 / other.value))

    def at_most(self, basis: Basis, *notes: str) -> Part:
        """The part on no better basis than this."""
        return replace(self, basis=min(self.basis, basis), notes=(*self.notes, *notes))


def measured(row: Measurement, value: float, spread: float = 1.0) -> Part:
    """A value that a row holds; a claim stays one."""
    notes = []
    if row.scope != "end_to_end":
        kind = row.scope.replace("_", " ")
        notes.append(f"{row.id}: {kind}, {_BASIS_NOTES.get(row.energy_basis, row.energy_basis)}")
    elif row.energy_basis == "unverified":
        notes.append(f"{row.id}: {_BASIS_NOTES[row.energy_basis]}")
    basis = Basis.CLAIMED if row.quality == "claimed" else Basis.MEASURED
    return Part(value, basis, (row.id,), tuple(notes), spread)


def changed(row: Measurement, spread: float = 1.0) -> Part:
    """The change against FP16 that a row holds, as a factor."""
    return measured(row, 1 + (row.change_pct or 0.0) / 100, spread)


def in_percent(factor: Figure) -> Figure:
    """A factor as a change in percent."""
    low, value, high = (100 * (end - 1) for end in (factor.low, factor.value, factor.high))
    return Figure(value, low, high, factor.basis)
