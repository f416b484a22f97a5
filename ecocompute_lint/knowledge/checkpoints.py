"""How many parameters a model folder on this machine holds, by its tensor headers or config.json.

Nothing here loads weights or trusts what it reads: a missing, corrupt, hostile or oversized file
counts as absent.
"""

from __future__ import annotations

import json
import math
import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Literal

from ecocompute_lint.frozen import dataclass

from .. import traces

_MAX_JSON_BYTES = 50_000_000
_MAX_SHARDS = 1000
_SHARD = r"model-.{5}-of-.{5}\.safetensors"
_MAX_DIMENSIONS = 16
_MAX_PARAMETERS = 10**14
_UNREADABLE = (
    OSError,
    ValueError,
    LookupError,
    TypeError,
    AttributeError,
    ArithmeticError,
    RecursionError,
)

# Tensors of other types are packed (several parameters in one element) or no parameters at all.
_FLOATS = {"F64", "F32", "F16", "BF16", "F8_E4M3", "F8_E5M2"}
_SHORT_DTYPES = {"float32": "fp32", "float16": "fp16", "bfloat16": "bf16"}
_DTYPE_BYTES = {"float32": 4, "float16": 2, "bfloat16": 2}


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """What a folder's files say about the model in it, in billions of parameters."""

    total_b: float
    active_b: float | None
    kind: str | None
    source: Literal["safetensors", "config"]
    shape: Mapping[str, Any]
    """The fields of ``models.ModelShape`` that the configuration gives."""


def read_checkpoint(path: Path) -> Checkpoint | None:
    """Size the model in the folder, or the single ``.safetensors`` file, at `path`."""
    if traces.is_folder(path):
        config = _read_json(path / "config.json")
        stored = _count_folder(path, config)
    elif path.suffix == ".safetensors" and traces.is_file(path):
        config = _read_json(path.with_name("config.json"))
        stored = _count_tensors([path])
    else:
        return None
    computed, active = parameters_from_config(config) or (None, None)
    total = stored or computed
    if not total:
        return None
    if active and computed:  # The formula's active count is off by as much as its total.
        active = round(active * total / computed)
    elif config and "expert" not in str(config):
        active = total
    return Checkpoint(
        total / 1e9,
        active / 1e9 if active else None,
        _kind(config),
        "safetensors" if stored else "config",
        _shape(config),
    )


_SHAPE = {
    "layers": ("num_hidden_layers", "n_layer", "n_layers", "num_layers"),
    "hidden": ("hidden_size", "n_embd", "d_model"),
    "kv_heads": ("num_key_value_heads", "num_attention_heads", "n_head", "num_heads"),
    "head_dim": ("head_dim", "d_kv"),
    "context": ("max_position_embeddings", "n_positions"),
}
# Families as the registry calls them, where the key-value cache is not that of plain attention.
_FAMILIES = {
    "deepseek_v2": "DeepSeek-V2",
    "deepseek_v3": "DeepSeek-V3",
    "kimi_k2": "Kimi-K2",
    "jamba": "Jamba",
    "granitemoehybrid": "Granite 4 H",
    "qwen3_next": "Qwen3-Next",
    "recurrent_gemma": "RecurrentGemma",
    "lfm2": "LFM2",
    "mamba": "Mamba",
    "mamba2": "Mamba",
    "falcon_mamba": "Falcon Mamba",
}


def _shape(config: Mapping[str, Any]) -> dict[str, Any]:
    """Depth, widths and context of the (text) model."""
    text = config.get("text_config")
    config = text if isinstance(text, Mapping) else config
    found: dict[str, Any] = {}
    for name, keys in _SHAPE.items():
        values = (config.get(key) for key in keys)
        found[name] = next(filter(_is_width, values), None)
    heads = config.get("num_attention_heads") or config.get("n_head")
    if not found["head_dim"] and found["hidden"] and type(heads) is int and heads > 0:
        found["head_dim"] = found["hidden"] // heads
    if family := _FAMILIES.get(str(config.get("model_type"))):
        found["family"] = family
        parts = config.get("qk_nope_head_dim"), config.get("qk_rope_head_dim")
        if all(map(_is_width, parts)):
            found["head_dim"] = sum(parts)
    dtype = config.get("dtype") or config.get("torch_dtype")
    found["native_dtype"] = _SHORT_DTYPES.get(dtype) if isinstance(dtype, str) else None
    return found


def _is_width(value: Any) -> bool:
    # The bound keeps sums and products of a broken file finite.
    return type(value) is int and 0 < value < 10**9


# --- stored tensors -----------------------------------------------------------------------------


def _count_folder(folder: Path, config: Mapping[str, Any]) -> int | None:
    """Parameters by the folder's tensor headers, or by what its index says."""
    index = _read_json(folder / "model.safetensors.index.json")
    try:
        if not index:
            return _count_tensors(_weight_files(folder))
        metadata = index.get("metadata") or {}
        quantized = "quantization_config" in config
        if "total_parameters" in metadata and not quantized:
            return _sane(metadata["total_parameters"])
        names = {os.path.basename(str(name)) for name in index.get("weight_map", {}).values()}
        if len(names) > _MAX_SHARDS:
            return None
        counted = _count_tensors(folder / name for name in sorted(names))
        if counted or quantized:
            return counted
        width = _DTYPE_BYTES[config.get("dtype") or config["torch_dtype"]]
        return _sane(int(metadata["total_size"]) // width)
    except _UNREADABLE:
        return None


def _weight_files(folder: Path) -> list[Path]:
    single = folder / "model.safetensors"
    if traces.is_file(single):
        return [single]
    shards = [folder / name for name in traces.names_in(folder, _SHARD)]
    complete = shards and shards[-1].name.endswith(f"-of-{len(shards):05}.safetensors")
    return shards if complete else []


def _count_tensors(files: Iterable[Path]) -> int | None:
    """Parameters in all of `files`; None if one is unreadable or its weights are packed."""
    floating = other = 0
    budget = _MAX_JSON_BYTES
    try:
        for file in files:
            text = _read_header(file, budget)
            budget -= len(text)
            for name, tensor in json.loads(text).items():
                if name == "__metadata__":
                    continue
                shape = [_sane(size, least=0) for size in tensor["shape"]]
                if len(shape) > _MAX_DIMENSIONS:
                    return None
                if len(shape) == 4 and name.endswith(".bias"):
                    continue  # An attention mask that old checkpoints store.
                if tensor["dtype"] in _FLOATS:
                    floating += math.prod(shape)
                else:
                    other += math.prod(shape)
        return None if other * 100 > floating else _sane(floating)
    except _UNREADABLE:
        return None


def _read_header(file: Path, budget: int) -> bytes:
    """Read what a safetensors file begins with: a length in eight bytes, then that much JSON."""
    traces.reads_part(file)
    if not traces.is_file(file):  # Opening a named pipe would wait for ever.
        raise ValueError("not a file")
    with open(file, "rb") as stream:
        length = int.from_bytes(stream.read(8), "little")
        if length > budget:
            raise ValueError("not a safetensors header")
        return stream.read(length)


def _read_json(file: Path) -> dict[str, Any]:
    """The JSON object in `file`, empty where there is none."""
    try:
        if traces.is_file(file) and os.path.getsize(file) <= _MAX_JSON_BYTES:
            traces.reads(file)
            loaded = json.loads(file.read_bytes())
            return loaded if isinstance(loaded, dict) else {}
    except _UNREADABLE:
        pass
    return {}


def _sane(value: Any, least: int = 1) -> int:
    if type(value) is not int or not least <= value <= _MAX_PARAMETERS:
        raise ValueError("not a count")
    return value


# --- the closed formulas ------------------------------------------------------------------------

_GATED = frozenset(
    "llama mistral ministral mixtral qwen2 qwen2_moe qwen3 qwen3_moe gemma gemma2 gemma3_text"
    " phi3 granite granitemoe olmo olmo2 olmoe smollm3 internlm2 baichuan deepseek".split()
)
_BERT = {"bert", "roberta", "xlm-roberta", "camembert", "distilbert"}
_CLASSIC = _BERT | {"gpt2", "gpt_neox", "opt", "bloom"}


def parameters_from_config(config: Mapping[str, Any]) -> tuple[int, int | None] | None:
    """Total and active parameters by the architecture's closed formula.

    None for architectures without one here, and where a field is missing.
    """
    model_type = config.get("model_type")
    if model_type is None:  # The fields themselves tell the two common layouts apart.
        model_type = "gpt2" if "n_embd" in config else "llama"
    try:
        if model_type in _GATED:
            total, active = _gated(config, model_type)
        elif model_type in _CLASSIC:
            total = active = _classic(config, model_type)
        elif model_type in ("t5", "mt5"):
            total = active = _t5(config)
        else:
            return None
        return _sane(total), active
    except _UNREADABLE:
        return None


def _field(config: Mapping[str, Any], *names: str, default: int | None = None) -> int:
    """The first of `names` that the configuration sets."""
    for name in names:
        if config.get(name) is not None:
            return _sane(config[name], least=0)
    if default is None:
        raise KeyError(names[0])
    return default


def _gated(config: Mapping[str, Any], model_type: str) -> tuple[int, int | None]:
    """Decoders with rotary positions, RMS norms and a gated feed-forward, dense or with experts."""
    vocabulary = _field(config, "vocab_size")
    width = _field(config, "hidden_size")
    layers = _field(config, "num_hidden_layers")
    inner = _field(config, "intermediate_size")
    heads = _field(config, "num_attention_heads")
    kv_heads = _field(config, "num_key_value_heads", default=heads)
    head = _field(config, "head_dim", default=width // heads)

    attention = 2 * width * head * (heads + kv_heads)
    if model_type.startswith("qwen2"):
        attention += head * (heads + 2 * kv_heads)
    elif config.get("attention_bias"):
        attention += head * (heads + 2 * kv_heads) + width
    if model_type.startswith(("qwen3", "gemma3")):
        attention += 2 * head
    norms = (4 if model_type in ("gemma2", "gemma3_text") else 2) * width

    tied = config.get("tie_word_embeddings", model_type.startswith("gemma"))
    total = vocabulary * width * (1 if tied else 2) + width + layers * (attention + norms)

    experts = _field(config, "num_local_experts", "num_experts", "n_routed_experts", default=0)
    if not experts:
        total += layers * 3 * width * inner
        return total, total

    expert = 3 * width * _field(config, "moe_intermediate_size", "intermediate_size")
    shared = expert * _field(config, "n_shared_experts", default=0)
    if gated_inner := _field(config, "shared_expert_intermediate_size", default=0):
        shared = 3 * width * gated_inner + width
    dense_layers = _dense_layers(config, layers)
    sparse_layers = layers - dense_layers
    total += dense_layers * 3 * width * inner
    total += sparse_layers * (experts * expert + experts * width + shared)
    used = _field(config, "num_experts_per_tok", default=0)
    return total, total - sparse_layers * (experts - used) * expert if used else None


def _dense_layers(config: Mapping[str, Any], layers: int) -> int:
    """How many layers of a model with experts have none."""
    first = _field(config, "first_k_dense_replace", default=0)
    step = _field(config, "decoder_sparse_step", default=1) or 1
    listed = set(config.get("mlp_only_layers") or ())
    return sum(i < first or (i + 1) % step > 0 or i in listed for i in range(min(layers, 1000)))


def _classic(config: Mapping[str, Any], model_type: str) -> int:
    """Blocks of the first transformers: biases everywhere, layer norms, a plain feed-forward."""
    vocabulary = _field(config, "vocab_size")
    width = _field(config, "n_embd", "hidden_size", "n_embed", "dim")
    layers = _field(config, "n_layer", "num_hidden_layers", "n_layers")
    inner_names = ("n_inner", "intermediate_size", "ffn_dim", "hidden_dim")
    inner = _field(config, *inner_names, default=4 * width)
    if config.get("word_embed_proj_dim", width) != width:
        raise KeyError("projected embeddings")

    block = 4 * width * width + 2 * width * inner + inner + 9 * width
    total = vocabulary * width + layers * block + 2 * width
    if model_type == "gpt_neox":
        return total + (0 if config.get("tie_word_embeddings") else vocabulary * width)
    if model_type == "bloom":
        return total + 2 * width
    positions = _field(config, "n_positions", "max_position_embeddings")
    total += width * (positions + 2 * (model_type == "opt"))
    if model_type in _BERT and model_type != "distilbert":
        total += width * _field(config, "type_vocab_size") + width * width + width
    return total


def _t5(config: Mapping[str, Any]) -> int:
    """Encoder and decoder with relative positions, no biases."""
    width = _field(config, "d_model")
    heads = _field(config, "num_heads")
    encoders = _field(config, "num_layers")
    decoders = _field(config, "num_decoder_layers", default=encoders)
    gated = str(config.get("feed_forward_proj", "")).startswith("gated")
    attention = 4 * width * heads * _field(config, "d_kv")
    feed_forward = (3 if gated else 2) * width * _field(config, "d_ff")
    total = _field(config, "vocab_size") * width
    total *= 1 if config.get("tie_word_embeddings", True) else 2
    total += encoders * (attention + feed_forward + 2 * width)
    total += decoders * (2 * attention + feed_forward + 3 * width)
    buckets = _field(config, "relative_attention_num_buckets", default=32)
    return total + 2 * heads * buckets + 2 * width


def _kind(config: Mapping[str, Any]) -> str | None:
    """The registry's word for what kind of model a configuration describes."""
    architectures = str(config.get("architectures"))
    model_type = str(config.get("model_type"))
    if "vision_config" in config:
        return "vision-language"
    if config.get("is_encoder_decoder") or model_type in ("t5", "mt5"):
        return "seq2seq"
    if model_type in _BERT:
        return "encoder"
    if "CausalLM" in architectures or "LMHead" in architectures or model_type in _GATED | _CLASSIC:
        return "causal-lm"
    return None
