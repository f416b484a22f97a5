"""One setup on its way to an estimate: which rows and laws apply, and what they give."""

from __future__ import annotations

from dataclasses import replace
from functools import cached_property
from typing import TYPE_CHECKING

from ecocompute_lint.frozen import dataclass
from ecocompute_lint.knowledge.card_laws import Fitted
from ecocompute_lint.knowledge.energy import Basis, Estimate, Figure, Setup
from ecocompute_lint.knowledge.hardware import find_gpu
from ecocompute_lint.knowledge.measurements import Measurement
from ecocompute_lint.knowledge.models import typical_layers
from ecocompute_lint.knowledge.parts import Part, changed, in_percent, measured
from ecocompute_lint.knowledge.precisions import BASELINE, precision
from ecocompute_lint.knowledge.spread import far_apart

if TYPE_CHECKING:
    from ecocompute_lint.knowledge.estimator import Estimator

SIZE_SHARE = {"nf4": 0.6, "nf4_dq": 0.6, "fp8_eager": 0.6}
"""How much of a change is interpolated between rows by size alone; the rest is the law's.

The rules draw the line for 4 bit by size, and FP8 without compilation grows faster with size than
any law of two terms.
"""
_KINDS = (None, "causal-lm", "vision-language")
"""Kinds of models that decode as the measured ones do. Others have no measurement."""
_SPARSE = 0.95
"""Below this share of active parameters a model has experts."""
_NEAR = 12
"""Models on either side in size that say how deep a model of unknown depth is."""


@dataclass(frozen=True, slots=True)
class _Depth:
    """Layers and billions of active parameters; where guessed, between `lower` and `upper`."""

    layers: float
    billions: float
    lower: float
    upper: float
    known: bool


class Case:
    """One setup, and what a source of rows and laws says of it."""

    def __init__(self, source: Estimator, setup: Setup) -> None:
        """Ask `source` about `setup`."""
        self.source = source
        self.setup = setup
        self.asked = precision(setup.precision)
        self.name = self.asked.name
        like = self.asked.like
        if like is not None and source.row(setup, self.name, setup.batch_size) is None:
            self.name = like

    def estimate(self, anchor: Case) -> Estimate:
        """The figures, energies on the footing of `anchor`."""
        if self.setup.model.kind not in _KINDS:
            note = f"models of the kind {self.setup.model.kind} were not measured"
            return Estimate(self.setup, Basis.NOT_MEASURED, notes=(note,))
        energy = self._likened(self._energy(anchor))
        change = self._likened(self._change(energy))
        speed, power = (self._likened(part) for part in self._speed(energy))
        parts = [part for part in (energy, change, speed) if part is not None]
        notes = [note for part in parts for note in part.notes]
        if energy is None:
            notes.append(self._why_not(change))
        main = self._figure(energy, "energy") or self._figure(change, "change")
        throughput = self._figure(speed, "throughput")
        ratio = self._figure(change, "change")
        return Estimate(
            setup=self.setup,
            basis=main.basis if main else Basis.NOT_MEASURED,
            energy=self._figure(energy, "energy"),
            change=in_percent(ratio) if ratio else None,
            throughput=throughput,
            power=self._figure(power, "power"),
            latency=self._latency(throughput),
            rows=tuple(dict.fromkeys(row for part in parts for row in part.rows)),
            notes=tuple(dict.fromkeys(note for note in notes if note)),
        )

    def _figure(self, part: Part | None, quantity: str) -> Figure | None:
        if part is None:
            return None
        if self.name == BASELINE and quantity == "change":
            figure = Figure(1.0, 1.0, 1.0, part.basis)  # by definition
        else:
            figure = self.source.figure(part, quantity, self.name)
        if self.name != self.asked.name:
            figure = replace(figure, basis=min(figure.basis, Basis.SCALED))
        if quantity == "power":
            limit = self.setup.gpu.tdp_w
            return replace(figure, low=min(figure.low, limit), high=min(figure.high, limit))
        return figure

    def _likened(self, part: Part | None) -> Part | None:
        """A precision that nobody measured takes the figures of another, and says so."""
        if part is None or self.name == self.asked.name:
            return part
        other = precision(self.name).label
        note = f"{self.asked.label} was not measured; the figures are those of {other}"
        return replace(part, notes=(*part.notes, note))

    # -- energy

    def _energy(self, anchor: Case) -> Part | None:
        """J per 1000 tokens on the footing of the anchor."""
        own, theirs = self._row, anchor._row
        together = own is not None and theirs is not None and own.session == theirs.session
        if own is not None and together and _billed(own):
            return self._of_row(own)
        chain, footing = self._chain, anchor._chain
        if chain is None or footing is None:
            # Nothing leads from one to the other; what was measured stands by itself.
            return self._of_row(own) if own is not None and _billed(own) else None
        if theirs is None or not _billed(theirs):
            return chain
        reference = self._reference(anchor)
        if reference is not None:
            return reference
        part = replace(chain, value=(theirs.energy_j or 0) * chain.value / footing.value)
        note = f"on the footing of session {theirs.session}" if own is not None else ""
        return replace(part, rows=(*part.rows, theirs.id), notes=(*part.notes, note))

    def _reference(self, anchor: Case) -> Part | None:
        """FP16 as the session of the anchor measured it."""
        theirs = anchor._row
        same_batch = self.setup.batch_size == anchor.setup.batch_size
        if self.name != BASELINE or theirs is None or not same_batch:
            return None
        row = self.source.reference(theirs)
        return self._of_row(row) if row is not None and row.energy_j else None

    def _of_row(self, row: Measurement) -> Part:
        return measured(row, row.energy_j or 0.0, self.source.repeated(row, "energy_j"))

    @cached_property
    def _row(self) -> Measurement | None:
        """The row that measured just this."""
        return self.source.row(self.setup, self.name, self.setup.batch_size)

    @cached_property
    def _chain(self) -> Part | None:
        """FP16 energy at batch size 1, times the change, times what the batch does."""
        alone = self._baseline_alone()
        row = self._row
        if alone is None:
            return None
        if self.name != BASELINE and row is not None and _has_change(row):
            factor = self._batch_factor(BASELINE)
            return alone.times(factor).times(self._of_requests(row)) if factor else None
        factor = self._batch_factor(self.name)
        if factor is None:
            return None
        if self.name == BASELINE:
            return alone.times(factor)
        change = self._change_alone()
        return alone.times(change).times(factor) if change else None

    def _baseline_alone(self) -> Part | None:
        """FP16 joules at batch size 1."""
        row = self.source.row(self.setup, BASELINE, 1)
        if row is not None and _billed(row):
            return self._of_row(row)
        return self._by_law(self.source.laws.baseline(self.setup.gpu), "FP16 energy")

    # -- change against FP16

    def _change(self, energy: Part | None) -> Part | None:
        """Energy over that of FP16 at the same batch size, as a factor."""
        if self.name == BASELINE:
            return Part(1.0, energy.basis) if energy else None
        if self._row is not None and self._row.change_pct is not None:
            return self._change_of(self._row)
        alone = self._change_alone()
        mine, theirs = self._batch_factor(self.name), self._batch_factor(BASELINE)
        if alone is None or mine is None or theirs is None:
            return None
        if self.setup.batch_size == 1:
            return alone
        # Even where each factor was measured, nobody measured their product.
        return alone.times(mine).over(theirs).at_most(Basis.SCALED)

    def _change_of(self, row: Measurement) -> Part:
        return changed(row, self.source.repeated(row, "change_pct"))

    def _of_requests(self, row: Measurement) -> Part:
        """The change of a row for whole requests: scaled where only decoding was measured."""
        change = self._change_of(row)
        return change if row.scope == "end_to_end" else change.at_most(Basis.SCALED)

    def _change_alone(self) -> Part | None:
        """The change at batch size 1."""
        row = self.source.row(self.setup, self.name, 1)
        if row is not None and _has_change(row):
            return self._of_requests(row)
        laws, gpu = self.source.laws, self.setup.gpu
        fitted, baseline = laws.changed(gpu, self.name), laws.baseline(gpu)
        if fitted is None or baseline is None:
            return None
        part = self._by_law(fitted, f"change of {self.asked.label}", over=baseline)
        if part is None:
            return None
        value, share = part.value, self.source.size_share.get(self.name, 0.0)
        by_size = laws.by_size(gpu, self.name, self._depth.billions) if fitted.own else None
        if share and by_size is not None:
            value = value ** (1 - share) * by_size**share
        if not laws.saves(self.name):
            value = max(value, 1.0)
        return replace(part, value=value)

    # -- laws

    def _by_law(self, fitted: Fitted | None, what: str, over: Fitted | None = None) -> Part | None:
        depth = self._depth
        if fitted is None or not fitted.covers(depth.billions, self.source.reach):
            return None

        def at(layers: float) -> float:
            value = fitted.law.at(layers, depth.billions)
            return value / over.law.at(layers, depth.billions) if over is not None else value

        value = at(depth.layers)
        ends = [at(depth.lower), at(depth.upper)]
        part = Part(
            value,
            Basis.SCALED if self._unusual else Basis.INTERPOLATED,
            fitted.rows,
            self._model_notes,
            max(max(ends) / value, value / min(ends)),
        )
        base = find_gpu(fitted.base)
        if base is None:
            return part
        part = part.at_most(Basis.SCALED, f"{what}: scaled from {base.slug}")
        return replace(part, far=far_apart(self.setup.gpu, base))

    @cached_property
    def _depth(self) -> _Depth:
        """How deep the model is; as deep as others of its size where nothing says."""
        model = self.setup.model
        billions = model.params_active_b or model.params_total_b or 0.0
        if model.shape.layers:
            layers = model.shape.layers
            return _Depth(layers, billions, layers, layers, True)
        known = typical_layers()
        place = sum(size < billions for size, _ in known)
        near = sorted(layers for _, layers in known[max(0, place - _NEAR) : place + _NEAR])
        quarter = len(near) // 4
        return _Depth(near[len(near) // 2], billions, near[quarter], near[-1 - quarter], False)

    @property
    def _sparse(self) -> bool:
        model = self.setup.model
        total, active = model.params_total_b, model.params_active_b
        return bool(total and active and active < _SPARSE * total)

    @property
    def _unusual(self) -> bool:
        return self._sparse or self.setup.model.kind == "vision-language"

    @cached_property
    def _model_notes(self) -> tuple[str, ...]:
        notes = []
        if not self._depth.known:
            notes.append(f"depth not known, taken as {self._depth.layers:g} layers by size")
        if self._sparse:
            active = self.setup.model.params_active_b
            notes.append(f"counted by its {active:g} B active parameters; no such model measured")
        elif self._unusual:
            notes.append("taken as a language model of its size; no such model measured")
        return tuple(notes)

    def _batch_factor(self, name: str) -> Part | None:
        batch = self.setup.batch_size
        found = self.source.batching(self.setup, name, batch)
        if found is None:
            return None
        scaled = found.basis is Basis.SCALED
        notes = (f"batch {batch}: scaled by {found.note}",) if scaled else ()
        return Part(found.energy, found.basis, found.rows, notes, found.spread)

    # -- time and power

    def _speed(self, energy: Part | None) -> tuple[Part | None, Part | None]:
        """Throughput over the batch, and board power."""
        row = self._row
        if row is not None:
            # Energy of one session and speed of another contradict each other too often.
            return self._timed(row)
        speed = self._speed_by_law()
        if speed is None or energy is None:
            return speed, None
        gpu = self.setup.gpu
        watts = min(max(energy.value * speed.value / 1000, gpu.idle_w or 0.0), gpu.tdp_w)
        return speed, replace(speed.at_most(energy.basis), value=watts)

    def _timed(self, row: Measurement) -> tuple[Part | None, Part | None]:
        timed = self.source.timed(row)
        if timed is None or not timed.throughput_tok_s:
            return None, None
        spread = self.source.repeated(timed, "throughput_tok_s")
        speed = measured(timed, timed.throughput_tok_s, spread)
        if not timed.power_w:
            return speed, None
        return speed, measured(timed, timed.power_w, self.source.repeated(timed, "power_w"))

    def _speed_by_law(self) -> Part | None:
        row = self.source.row(self.setup, self.name, 1)
        alone = self._timed(row)[0] if row is not None else None
        if alone is None:
            law = self._by_law(self.source.laws.seconds(self.setup.gpu, self.name), "time")
            alone = replace(law, value=1000 / law.value) if law is not None else None
        factor = self.source.batching(self.setup, self.name, self.setup.batch_size)
        if alone is None or factor is None or factor.speed is None:
            return None
        return alone.times(Part(factor.speed, factor.basis, factor.rows))

    def _latency(self, speed: Figure | None) -> Figure | None:
        """Seconds until a request's output is there, its batch decoded in step."""
        if speed is None:
            return None
        tokens = self.setup.output_tokens * self.setup.batch_size
        return Figure(tokens / speed.value, tokens / speed.high, tokens / speed.low, speed.basis)

    # -- why there is no figure

    def _why_not(self, change: Part | None) -> str:
        """Why there is no energy, though there may be a change."""
        name = self.name if change is None else BASELINE
        gpu, label = self.setup.gpu, precision(name).label
        model, laws = self.setup.model, self.source.laws
        if model.params_total_b is None and model.params_active_b is None:
            return "the size of the model is not known"
        if change is not None and change.basis is Basis.CLAIMED:
            return f"{self.asked.label}: a claim without an energy is all there is"
        fitted = laws.baseline(gpu) if name == BASELINE else laws.changed(gpu, name)
        if fitted is None:
            return f"{label} was not measured on the {gpu.name} or a card like it"
        if not fitted.covers(self._depth.billions, self.source.reach):
            low, high = f"{fitted.smallest_b:g} B", f"{fitted.largest_b:g} B"
            sizes = f"at {low}" if low == high else f"from {low} to {high}"
            on = fitted.base or gpu.slug
            return f"{label} was measured {sizes} on {on}, not at this size"
        largest = self.source.largest_batch
        return f"batch sizes were measured from 1 to {largest}, not {self.setup.batch_size}"


def _has_change(row: Measurement) -> bool:
    return row.change_pct is not None and row.quality != "claimed"


def _billed(row: Measurement) -> bool:
    """Whether a row's energy is that of whole requests."""
    return bool(row.energy_j) and row.scope == "end_to_end" and row.quality != "claimed"
