"""What a row of the API tables is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from typing import Any

from ecocompute_lint.frozen import dataclass


@dataclass(frozen=True, slots=True, eq=False)
class Api:
    """One API: how it is recognised, what it is for, and how its arguments read.

    `role` is ``load`` (loads a model), ``config`` (a quantization configuration), ``layer`` (a
    quantized layer), ``apply`` (quantizes a model in place), ``engine`` (a serving engine),
    ``data`` (makes batches), ``settings`` (of generation) or ``other`` (known, of no interest).
    `parameters` are positional names. `defaults` are the values of options nobody writes.
    `spelled` maps canonical option names to this API's. `implied` are options the call sets by
    itself; `means` translates the values of one argument into options. `nested` names arguments
    whose dict holds the options, and `backends` says, by the value of one argument, which API
    reads that dict. `components` names arguments whose dict gives parts of a pipeline
    configurations of their own, `modules` those whose dict does so for layers of one model.
    `legacy`: switches given straight to it are deprecated arguments
    of Transformers. `fixed`: no argument changes the threshold or dtype. `training`: meant for
    training.
    """

    name: str
    pattern: str
    role: str
    parameters: tuple[str, ...] = ()
    method: str = ""
    defaults: Mapping[str, Any] = field(default_factory=dict)
    spelled: Mapping[str, str] = field(default_factory=dict)
    implied: Mapping[str, Any] = field(default_factory=dict)
    means: Mapping[str, Mapping[str, Mapping[str, Any]]] = field(default_factory=dict)
    nested: tuple[str, ...] = ()
    backends: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    components: tuple[str, ...] = ()
    modules: tuple[str, ...] = ()
    config: tuple[str, ...] = ()
    model: str = ""
    target: str = ""
    legacy: bool = False
    fixed: bool = False
    training: bool = False
    factory: str = ""

    @property
    def library(self) -> str:
        """The library's import name."""
        return self.name.split(".", 1)[0]
