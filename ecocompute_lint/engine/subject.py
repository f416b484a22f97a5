"""A deployment as rules see it: every attribute by name, what the model's name says included."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

from ecocompute_lint.engine.holding import cards, held_precision, loaded_precision, need
from ecocompute_lint.engine.wording import quoted
from ecocompute_lint.facts import Deployment, Option, PackagePin
from ecocompute_lint.findings import Place
from ecocompute_lint.knowledge.economy import BREAK_EVEN, Economy
from ecocompute_lint.knowledge.hardware import Gpu
from ecocompute_lint.knowledge.models import ModelSize, prequantized, resolve
from ecocompute_lint.knowledge.precisions import BASELINE, precision
from ecocompute_lint.values import (
    ABSENT,
    Alternative,
    Const,
    Guards,
    Input,
    Symbol,
    Value,
    both,
    known,
)

if TYPE_CHECKING:
    from ecocompute_lint.knowledge.appraisal import Appraisal

Pins: TypeAlias = Callable[[str], PackagePin | None]
"""What the project says of a package."""
_NOTHING = known(Const(None))


class DeploymentSubject:
    """Answers what conditions and messages ask of one deployment."""

    def __init__(
        self,
        fact: Deployment,
        gpu: Gpu,
        base: Path | None,
        economy: Economy,
        *,
        gpu_assumed: bool = False,
        in_tests: bool = False,
        pins: Pins = lambda package: None,
    ) -> None:
        self.fact = fact
        self.in_tests = in_tests
        self.gpu = gpu
        self.gpu_assumed = gpu_assumed
        self.base = base
        self.economy = economy
        self.pins = pins
        self._values: dict[str, Value] = {}
        self._sizes: dict[str, ModelSize] = {}

    # -- what conditions ask

    def value(self, attribute: str) -> Value:
        """The value of an attribute: of the load, the model, the quantization, or an option."""
        found = self._values.get(attribute)
        if found is None:
            found = self._values[attribute] = self._value(attribute)
        return found

    def _value(self, attribute: str) -> Value:
        if attribute.startswith("load."):
            return self._of_load(attribute[len("load.") :])
        usage = self.fact.usage
        if attribute in self.fact.traits:
            return self.fact.traits[attribute]
        if attribute in _PLAIN:
            return known(Const(_PLAIN[attribute](self)))
        if attribute == "compiled":
            return self.fact.compiled
        if attribute == "overridden":
            # Arguments beside a configuration object do not count: the object does.
            return (
                self._of_load("quantization_config") if usage.spelling == "argument" else _NOTHING
            )
        if attribute in _OF_MODEL:
            return self._of_model(_OF_MODEL[attribute])
        if attribute.startswith("wasteful."):
            from ecocompute_lint.knowledge.appraisal import wasteful

            name = attribute.removeprefix("wasteful.")
            return self._of_model(lambda size: wasteful(self.economy, self.gpu, size, name))
        if attribute.startswith("saves."):
            name = attribute.removeprefix("saves.")
            return self._of_model(lambda size: self.appraise(size, name, (BASELINE,)).saves)
        if attribute.startswith("unneeded."):
            name = attribute.removeprefix("unneeded.")
            return self._of_model(lambda size: self._unneeded(size, name))
        if attribute.startswith("pinned."):
            return known(Const(self.pins(attribute.removeprefix("pinned."))))
        if attribute == "exceeds_memory":
            return self._of_model(self._exceeds)
        option = usage.options.get(attribute)
        return option.value if option is not None else _NOTHING

    def _exceeds(self, size: ModelSize) -> bool | None:
        """Whether the model surely does not fit the card; None where nothing says."""
        found = need(self.fact, size, self.gpu, self.economy)
        return found.fits is False if found is not None else None

    def _unneeded(self, size: ModelSize, name: str) -> bool:
        """Whether 16 bit surely fits the card and, by the data, draws no more than `name`."""
        appraisal = self.appraise(size, name, (BASELINE,))
        best = appraisal.best
        if best is None or best.memory is None or best.memory.fits is not True:
            return False
        return appraisal.reported_from(BREAK_EVEN)

    def memory_words(self, model: str | None) -> dict[str, str]:
        """What a message says of memory: the need, the room, and the precision of the weights."""
        size = self.size(model) if model is not None else None
        found = need(self.fact, size, self.gpu, self.economy) if size is not None else None
        number = cards(self.fact) or 1
        held = held_precision(self.fact)
        return {
            "need_gb": f"{found.total_gb:.0f} GB" if found is not None else "more memory",
            "room_gb": f"{f'{number} x ' if number > 1 else ''}{self.gpu.vram_gb:g} GB",
            "held": precision(held).label if held is not None else "this precision",
        }

    def _of_load(self, name: str) -> Value:
        load = self.fact.load
        if name == "exists":
            return known(Const(load is not None))
        if load is None:
            return _NOTHING
        if name == "api":
            return known(Const(load.api))
        option = load.options.get(name)
        return option.value if option is not None else _NOTHING

    def _of_model(self, about: Callable[[ModelSize], Any]) -> Value:
        """What is known of the model, for each name it may have."""
        if self.fact.load is None:
            return _NOTHING
        found: list[Alternative] = []
        for item in self.fact.load.model:
            name = item.payload.default if isinstance(item.payload, Input) else item.payload
            result = None
            if isinstance(name, Const) and isinstance(name.value, str):
                result = about(self.size(name.value))
            payload: Any = Const(result)
            # That some other model may be different says nothing.
            if result not in (None, False) and isinstance(item.payload, Input):
                payload = Input(f"model {item.payload.name}", "default", payload)
            found.append(Alternative(payload, item.guards))
        return Value(tuple(found))

    def size(self, name: str) -> ModelSize:
        """The size behind a model's name."""
        found = self._sizes.get(name)
        if found is None:
            found = self._sizes[name] = resolve(name, base=self.base)
        return found

    def written(self, attribute: str) -> bool:
        """Whether an option stands in the source."""
        option = self.option(attribute)
        return (
            option is not None
            and option.written
            and not all(item.payload is ABSENT for item in option.value)
        )

    def option(self, attribute: str) -> Option | None:
        """The option behind an attribute, if it is one."""
        if attribute.startswith("load."):
            load = self.fact.load
            return load.options.get(attribute[len("load.") :]) if load is not None else None
        return self.fact.usage.options.get(attribute)

    def appraise(
        self,
        size: ModelSize,
        now: str,
        against: tuple[str, ...],
        where_it_pays: tuple[str, ...] = (),
    ) -> Appraisal:
        """What the data say of a model in precision `now` on this GPU beside others."""
        from ecocompute_lint.knowledge.appraisal import appraise

        return appraise(self.economy, self.gpu, size, now, against, where_it_pays)

    # -- what findings need

    def model_name(self, guards: Guards) -> str | None:
        """The model's name in these ways, if it is one."""
        if self.fact.load is None:
            return None
        names: list[str] = []
        for item in self.fact.load.model:
            if both(item.guards, guards) is None:
                continue
            payload = item.payload.default if isinstance(item.payload, Input) else item.payload
            name = payload.value if isinstance(payload, Const) else None
            if isinstance(name, str) and name and name not in names:
                names.append(name)
        return names[0] if len(names) == 1 else None

    def appraise_batch(self, size: ModelSize, now: str, batch_size: int) -> Appraisal:
        """What the data say of one request at a time beside a batch."""
        from ecocompute_lint.knowledge.appraisal import appraise_batch

        return appraise_batch(self.economy, self.gpu, size, now, batch_size)

    @property
    def held(self) -> str | None:
        """The precision in which the model is loaded, FP16 where nothing says otherwise."""
        load = self.fact.load
        return loaded_precision(load) if load is not None else BASELINE

    def model_trouble(self, guards: Guards) -> str:
        """Why `model_name` has no answer."""
        if self.fact.load is None:
            return "no load of a model found for it"
        sources = [
            quoted(item.payload.name)
            for item in self.fact.load.model
            if both(item.guards, guards) is not None and isinstance(item.payload, Input)
        ]
        if sources:
            return f"it comes from {' or '.join(dict.fromkeys(sources))}"
        if len(self.fact.load.model.alternatives) > 1:
            return "one of several models"
        return "its name is not written in the code"

    @property
    def deployed(self) -> Place:
        """The place of what is deployed: facts with the same one are about one deployment."""
        return self.fact.engine or self.place("load")

    def place(self, which: str) -> Place:
        """Where a rule reports: the call that switches it on, or the one that loads the model."""
        if which == "load" and self.fact.load is not None:
            return self.fact.load.place
        return self.fact.usage.place

    def shown(self, attribute: str, guards: Guards) -> str:
        """An option's value in these ways, as a reader would write it."""
        texts: list[str] = []
        for item in self.value(attribute):
            if both(item.guards, guards) is None:
                continue
            payload = item.payload
            if isinstance(payload, Input) and payload.default is not None:
                known_rule = guards.get(payload)
                if known_rule is None or known_rule.admits(payload.default):
                    payload = payload.default
            if isinstance(payload, Const):
                texts.append(f"{payload.value!r}" if attribute != "model" else str(payload.value))
            else:
                texts.append(payload.name if isinstance(payload, Symbol) else "")
        if not all(texts):
            return ""
        return " or ".join(dict.fromkeys(texts))


def _total(size: ModelSize) -> float | None:
    return size.params_total_b


_PLAIN: dict[str, Callable[[DeploymentSubject], Any]] = {
    "method": lambda subject: subject.fact.usage.method,
    "api": lambda subject: subject.fact.usage.api,
    "library": lambda subject: subject.fact.usage.api.split(".", 1)[0],
    "spelling": lambda subject: subject.fact.usage.spelling,
    "legacy": lambda subject: bool(subject.fact.usage.factory),
    "context": lambda subject: subject.fact.context,
    "in_tests": lambda subject: subject.in_tests,
    "gpu_configured": lambda subject: not subject.gpu_assumed,
    "gpu_bf16": lambda subject: subject.gpu.supports_bf16,
    "gpu_fp8": lambda subject: subject.gpu.supports_fp8,
}
_OF_MODEL: dict[str, Callable[[ModelSize], Any]] = {
    "model": lambda size: size.name,
    "params_b": _total,
    "model_kind": lambda size: size.kind,
    "prequantized": lambda size: prequantized(size.name),
}
