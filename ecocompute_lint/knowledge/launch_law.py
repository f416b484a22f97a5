"""What one token costs: a share per layer and a share per weight.

Decoding one sequence at a time with eager kernels is bound by two things. Each layer launches a
fixed number of kernels, which costs about the same whatever the layer's width; and each weight is
read once, which costs in proportion to the weights. Energy and time of one token are therefore
``per_layer * layers + per_billion * billions of parameters``, with two figures for a card and a
precision that least squares find from its measured rows. ``benchmarks/estimator.py`` shows how far
this carries and what it is worth against simpler rules.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from ecocompute_lint.frozen import dataclass


@dataclass(frozen=True, slots=True)
class Point:
    """A model of so many layers and billions of (active) parameters, and what a token costs it."""

    layers: float
    billions: float
    value: float
    weight: float = 1.0


@dataclass(frozen=True, slots=True)
class Law:
    """The two figures, in the unit of the points they were found from."""

    per_layer: float
    per_billion: float

    def at(self, layers: float, billions: float) -> float:
        """What a token costs a model of this depth and size."""
        return self.per_layer * layers + self.per_billion * billions

    def scaled(self, per_layer: float, per_billion: float) -> Law:
        """The law with both figures multiplied."""
        return Law(self.per_layer * per_layer, self.per_billion * per_billion)


TYPICAL = ((24, 0.5), (28, 1.5), (36, 3.0), (32, 7.0))
"""Depth and size of common models: where a prior law speaks as if it were measured."""


def fit(points: Iterable[Point], prior: Law | None = None, prior_weight: float = 0.0) -> Law:
    """The law with the least squared relative error; neither figure is negative.

    `prior` counts as much as `prior_weight` points: it decides what the points leave open.
    """
    data = list(points)
    if prior is not None and prior_weight > 0:
        share = prior_weight / len(TYPICAL)
        data += [Point(n, size, prior.at(n, size), share) for n, size in TYPICAL]
    ll = lb = bb = sl = sb = 0.0
    for point in data:
        layers, billions = point.layers / point.value, point.billions / point.value
        ll += point.weight * layers * layers
        lb += point.weight * layers * billions
        bb += point.weight * billions * billions
        sl += point.weight * layers
        sb += point.weight * billions
    determinant = ll * bb - lb * lb
    if determinant > 1e-9 * ll * bb:
        law = Law((sl * bb - sb * lb) / determinant, (sb * ll - sl * lb) / determinant)
        if law.per_layer >= 0 and law.per_billion >= 0:
            return law
    return min((Law(sl / ll, 0.0), Law(0.0, sb / bb)), key=lambda law: _error(law, data))


def _error(law: Law, points: Sequence[Point]) -> float:
    return sum(
        point.weight * (law.at(point.layers, point.billions) / point.value - 1) ** 2
        for point in points
    )
