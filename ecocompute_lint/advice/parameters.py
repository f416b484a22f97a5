"""The parameters of the planning commands: checked, with a remedy where one cannot be used.

Each function takes what the command line gave and returns the value with warnings (whole
sentences), or raises `ParameterError`.
"""

from __future__ import annotations

import difflib
import math
from contextlib import suppress
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import Any, TypeAlias, TypeVar

from ecocompute_lint.config_keys import read_options
from ecocompute_lint.data import read_rows
from ecocompute_lint.errors import ConfigError
from ecocompute_lint.frozen import dataclass
from ecocompute_lint.knowledge.hardware import Gpu, find_gpu, known_gpus
from ecocompute_lint.knowledge.models import ModelSize, resolve
from ecocompute_lint.knowledge.precisions import BASELINE, PRECISIONS, Precision, find_precision
from ecocompute_lint.knowledge.precisions import precision as named

T = TypeVar("T")
Checked: TypeAlias = tuple[T, tuple[str, ...]]


class ParameterError(ConfigError):
    """A parameter that cannot be used. The text names it and the remedy."""


# --- the card -------------------------------------------------------------------------------------


def check_gpu(text: str) -> Checked[Gpu]:
    """The card of this slug, name or alias."""
    gpu = find_gpu(text)
    if gpu is None:
        raise ParameterError(f"unknown GPU {text!r} (--gpu). {known_gpus(text)}")
    if gpu.measured_slug == gpu.slug:
        return gpu, ()
    base = find_gpu(gpu.measured_slug)
    name = base.name if base else gpu.measured_slug
    return gpu, (f"Nothing was measured on the {gpu.name}: figures are scaled from the {name}.",)


# --- the model ------------------------------------------------------------------------------------

_SILENT = ("encoder", "embedding", "diffusion")
"""Kinds that generate no text."""
_LARGEST_B = 100_000.0


def check_model(
    text: str, params_b: float | str | None = None, *, base: Path | None = None
) -> Checked[ModelSize]:
    """The model of this name or path (relative to `base`), with its size.

    `params_b` is a size in billions that the user gives, which wins over what is known.
    """
    model = resolve(text, base=base)
    if params_b is not None:
        return _with_given_size(model, positive(params_b, "--params-b", most=_LARGEST_B))
    if model.kind in _SILENT:
        raise ParameterError(
            f"{text} is of kind {model.kind} and generates no text (--model): energy is given per "
            "generated token. Name a language model"
        )
    if model.params_total_b is None and model.params_active_b is None:
        raise ParameterError(
            f"the size of model {text!r} is unknown (--model). {_nearest_models(text)}Give a "
            "published model, a name that says the size (my-model-7b), a local folder with its "
            "config.json, or billions of parameters with --params-b"
        )
    return model, tuple(_doubts(model))


def _with_given_size(model: ModelSize, size: float) -> Checked[ModelSize]:
    known = model.params_total_b
    warnings: tuple[str, ...] = ()
    if known and not 0.8 < size / known < 1.25:
        warnings = (
            f"--params-b {size:g} is taken, although {model.name} has {known:g} B by "
            f"{model.resolved_by}.",
        )
    active = size
    if known and model.params_active_b:
        active = size * model.params_active_b / known
    given = replace(
        model,
        params_total_b=size,
        params_active_b=active,
        resolved_by="--params-b",
        upper_bound=False,
    )
    return given, warnings


def _doubts(model: ModelSize) -> list[str]:
    found = []
    if model.resolved_by == "name":
        size = model.params_total_b or model.params_active_b
        near = difflib.get_close_matches(model.name.lower(), _known_models(), n=1, cutoff=0.9)
        meant = f" Did you mean {_known_models()[near[0]]}?" if near else ""
        most = "at most " if model.upper_bound else ""
        found.append(
            f"{model.name} is not in the registry: its size, {most}{size:g} B, is read from the "
            f"name.{meant}"
        )
    if model.params_total_b is None:
        found.append(f"Only the active size of {model.name} is known: no memory is estimated.")
    if model.kind in ("seq2seq", "speech"):
        found.append(f"{model.name} is of kind {model.kind}; only decoder models were measured.")
    return found


def _nearest_models(text: str) -> str:
    names = _known_models()
    near = difflib.get_close_matches(text.lower(), names, n=3)
    distinct = dict.fromkeys(names[name] for name in near)
    return f"Did you mean {' or '.join(distinct)}? " if distinct else ""


@lru_cache(maxsize=1)
def _known_models() -> dict[str, str]:
    """The registry's names in lower case, with owner and without, and whose they are."""
    found: dict[str, str] = {}
    for row in read_rows("models.csv"):
        hub = row["hf_id"]
        for name in (hub, hub.rpartition("/")[2], *row["aliases"].split(";")):
            found.setdefault(name.lower(), hub)
    return found


# --- the precision --------------------------------------------------------------------------------

_UNMEASURED = ("gptq", "awq", "gguf", "int4_awq", "marlin", "hqq", "aqlm", "exl2")


def check_precision(
    precision: str | None, quantization: str | None, gpu: Gpu
) -> Checked[Precision]:
    """What ``--precision`` and ``--quantization`` ask for together; FP16 where neither is given.

    A quantization excludes any precision but the same; ``--quantization none`` leaves it alone.
    """
    wanted = None if precision is None else _named(precision, "--precision")
    chosen = wanted or named(BASELINE)
    if quantization is not None:
        none = quantization.strip().lower() == "none"
        other = chosen if none else _named(quantization, "--quantization")
        if (none and other.quantized) or (wanted and other != wanted):
            raise ParameterError(
                f"--quantization {quantization} contradicts --precision {precision}: leave one out"
            )
        chosen = other
    return chosen, _supported(chosen, gpu)


def _named(text: str, option: str) -> Precision:
    found = find_precision(text)
    if found is not None:
        return found
    if text.strip().lower().replace("-", "").replace("_", "") in ("int8", "i8"):
        choices = " or ".join(
            f"{item.option} ({item.label.partition(', ')[2]})"
            for item in PRECISIONS
            if item.name.startswith("int8")
        )
        raise ParameterError(
            f"{text!r} is ambiguous ({option}): its energy depends on bitsandbytes' outlier "
            f"threshold. Give {choices}"
        )
    known = ", ".join(item.option for item in PRECISIONS)
    if text.strip().lower() in _UNMEASURED:
        raise ParameterError(f"{text!r} was not measured ({option}). Known: {known}")
    names = {name: item.option for item in PRECISIONS for name in (item.option, *item.aliases)}
    near = difflib.get_close_matches(text.lower(), names, n=1)
    suggestion = f"Did you mean {names[near[0]]}? " if near else ""
    raise ParameterError(f"unknown precision {text!r} ({option}). {suggestion}Known: {known}")


def _supported(chosen: Precision, gpu: Gpu) -> tuple[str, ...]:
    generation = f"{gpu.architecture.capitalize()}, compute capability {gpu.compute_capability}"
    if chosen.name.startswith("fp8") and not gpu.supports_fp8:
        raise ParameterError(
            f"the {gpu.name} ({generation}) has no FP8 arithmetic: use fp16, or nf4 where memory "
            "is short"
        )
    if chosen.name == "bf16" and not gpu.supports_bf16:
        return (
            f"The {gpu.name} ({generation}) has no native bfloat16 and emulates it slowly: use "
            "fp16.",
        )
    return ()


# --- numbers --------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Range:
    """What the measurements, or their protocol, cover of a parameter."""

    least: int
    most: int
    words: str


BATCH_SIZES = _Range(1, 64, "batch sizes")
INPUT_TOKENS = _Range(128, 4096, "prompts")
OUTPUT_TOKENS = _Range(1, 2048, "generations")


def check_batch_size(value: Any) -> Checked[int]:
    """A batch size; the measurements reach up to the end of `BATCH_SIZES`."""
    size = _whole("batch_size", value)
    if size > BATCH_SIZES.most:
        return size, (
            f"Batch size {size} is above the measured range "
            f"({BATCH_SIZES.least} to {BATCH_SIZES.most}): nothing says how energy goes on. A "
            "serving engine with continuous batching, such as vLLM, is made for such loads.",
        )
    if size & (size - 1):
        below = 1 << (size.bit_length() - 1)
        return size, (
            f"Batch size {size} is no power of two: {below} and {2 * below} were measured, and "
            "kernels are tuned for such sizes.",
        )
    return size, ()


def check_input_tokens(value: Any) -> Checked[int]:
    """The length of a prompt in tokens."""
    return _length("input_tokens", value, INPUT_TOKENS)


def check_output_tokens(value: Any) -> Checked[int]:
    """How many tokens a request generates."""
    return _length("output_tokens", value, OUTPUT_TOKENS)


def check_requests(value: Any) -> Checked[int]:
    """Requests a month."""
    return _whole("requests_per_month", value), ()


def check_context(model: ModelSize, input_tokens: int, output_tokens: int) -> tuple[str, ...]:
    """A warning where prompt and answer are longer than the model's context."""
    context = model.shape.context
    total = input_tokens + output_tokens
    if context is None or total <= context:
        return ()
    return (f"{total:,} tokens are more than the {context:,} that {model.name} can attend to.",)


def positive(value: Any, option: str, *, most: float = math.inf) -> float:
    """A positive, finite number such as a throughput or a power; text is read as a number."""
    try:
        number = float(value)
    except (TypeError, ValueError):
        number = math.nan
    if not 0 < number < math.inf or number > most:
        bound = f" up to {most:,.0f}" if math.isfinite(most) else ""
        raise ParameterError(f"expected a positive number{bound}, got {str(value)!r} ({option})")
    return number


def _length(name: str, value: Any, known: _Range) -> Checked[int]:
    length = _whole(name, value)
    if known.least <= length <= known.most:
        return length, ()
    return length, (
        f"{length:,} tokens are outside the range that the figures are meant for "
        f"({known.words} of {known.least:,} to {known.most:,} tokens): they may not hold.",
    )


def _whole(name: str, value: Any) -> int:
    """A positive whole number, as the configuration key of this name has it."""
    if isinstance(value, str):
        with suppress(ValueError):
            value = int(value)
    try:
        found: int = read_options({name: value})[name]
    except ConfigError as error:
        raise ParameterError(str(error)) from None
    return found
