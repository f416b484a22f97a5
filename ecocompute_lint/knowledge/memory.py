"""How much GPU memory a model needs while it serves, and whether a card has it.

Everything is in GB of 10^9 bytes. Sources: total parameters and shapes from ``data/models.csv`` (or
a local configuration), bits per weight from `knowledge.precisions`. What is counted:

- weights: all parameters, of which a quantized model keeps embeddings and output layer in 16 bit,
- the key-value cache: 2 x layers x kv_heads x head_dim x tokens x batch, each value in 16 bit
  (windows of sliding attention are not taken off),
- overhead: the CUDA context with its libraries, and the activations of reading the prompts.

The card: what vendors call 24 GB is 24 GiB on the board, of which the driver and, on some cards,
error correction take a part (an RTX 4090 D reports 24 564 of 24 576 MiB, a T4 15 360 of 16 384).
So between ``vram_gb`` x 10^9 and ``vram_gb`` x 2^30 bytes are free, and a need in between, or a
range that reaches into it, is undecided: `Memory.fits` is None.
"""

from __future__ import annotations

from functools import lru_cache

from ecocompute_lint.data import read_rows
from ecocompute_lint.frozen import dataclass
from ecocompute_lint.knowledge.energy import Setup
from ecocompute_lint.knowledge.hardware import Gpu
from ecocompute_lint.knowledge.models import ModelShape, ModelSize
from ecocompute_lint.knowledge.precisions import Precision, precision

CONTEXT_GB = 0.8
"""CUDA context, libraries and the allocator's slack. Chosen with ACTIVATION_WIDTHS, see there."""
ACTIVATION_WIDTHS = 16
"""Values alive per prompt token, in units of the hidden width: three feed-forward tensors of about
3.5 widths each, beside queries, keys, values and residuals. With CONTEXT_GB it follows the peaks of
the A800 batch sweep of Mistral-7B (pure INT8, batch 1 to 64), as tests/test_memory.py asserts."""
LATENT_WIDTH = 576
"""Values per layer and token that multi-head latent attention keeps: 512 compressed and 64 of the
rotary part, in DeepSeek V2, V3 and R1 and in Kimi K2 alike (``data`` notes on models.csv)."""
GIB_PER_GB = 2**30 / 1e9


@dataclass(frozen=True, slots=True)
class Memory:
    """The need of one setup in GB (10^9 bytes); `low_gb` to `high_gb` is the range of the total.

    `kv_cache_gb` is None where the model's shape is unknown; the total is then without it, while
    the range allows for it. `notes` are whole sentences on what was assumed.
    """

    weights_gb: float
    kv_cache_gb: float | None
    overhead_gb: float
    total_gb: float
    low_gb: float
    high_gb: float
    fits: bool | None
    """Whether the card has it: None where it is too close to say, or where a part is unknown."""
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Part:
    """One share of the need in GB. `value` None: unknown. `open`: it may be more than `high`."""

    value: float | None
    low: float
    high: float
    notes: tuple[str, ...] = ()
    open: bool = False


def memory(setup: Setup) -> Memory | None:
    """What the setup needs; None where the model's total size is unknown."""
    size = setup.model.params_total_b
    if size is None:
        return None
    held = precision(setup.precision)
    weights = _weights(setup.model, size, held)
    cache = _cache(setup, size, held)
    overhead = _overhead(setup, size, held)
    low, high = (
        sum(getattr(part, end) for part in (weights, cache, overhead)) for end in ("low", "high")
    )
    assert weights.value is not None
    assert overhead.value is not None
    fits = _fits(setup.gpu, low, high)
    return Memory(
        weights.value,
        cache.value,
        overhead.value,
        weights.value + (cache.value or 0) + overhead.value,
        low,
        high,
        None if cache.open and fits else fits,
        (*weights.notes, *cache.notes, *overhead.notes),
    )


def _fits(gpu: Gpu, low: float, high: float) -> bool | None:
    if high <= gpu.vram_gb:
        return True
    return False if low > gpu.vram_gb * GIB_PER_GB else None


# --- weights --------------------------------------------------------------------------------------

# Entries of the vocabulary as published configurations have them (loosely: sizes of one family
# differ a little). It sets how much of a quantized model stays in 16 bit.
_VOCABULARY = {
    family: entries
    for entries, families in {
        32_000: "LLaMA,Llama-2,CodeLlama,TinyLlama,Mistral,Mixtral,Vicuna,WizardLM,Zephyr,OpenChat,"
        "Starling,SOLAR,Orca,OpenLLaMA,Phi-3,Phi-3.5",
        50_400: "GPT-2,GPT-J,GPT-Neo,GPT-NeoX,Pythia,OPT,Dolly,MPT,RedPajama,Cerebras-GPT,StableLM",
        49_152: "StarCoder,StarCoder2,SmolLM,SmolLM2,Granite",
        51_200: "Phi,CodeGen",
        64_000: "Yi,Yi-1.5,Yi-Coder,Falcon,Falcon 2",
        92_544: "InternLM2,InternLM2.5",
        102_400: "DeepSeek-LLM,DeepSeek-MoE,DeepSeek-V2,OLMo-2,EXAONE,Phi-4",
        128_256: "Llama-3,Llama-3.1,Llama-3.2,Llama-3.3,SmolLM3,Hermes",
        131_072: "Mistral Nemo,Devstral,Magistral,Pixtral,Falcon3,DeepSeek-V3,DeepSeek-R1",
        152_064: "Qwen,Qwen1.5,Qwen2,Qwen2.5,Qwen3,Qwen3-Coder,Qwen3-Next,Qwen2-VL,Qwen2.5-VL,"
        "Qwen3-VL,GLM-4,GLM-4.5",
        163_840: "Kimi-K2",
        201_088: "gpt-oss,Llama-4",
        256_000: "Gemma,Gemma 2,Gemma 3,RecurrentGemma,PaliGemma,PaliGemma 2,BLOOM,Command,Aya,mT5",
    }.items()
    for family in families.split(",")
}
_ONE_MATRIX_BELOW_B = 4
"""Smaller models mostly use one matrix as embedding and as output layer, larger ones two."""


def _weights(model: ModelSize, size: float, held: Precision) -> _Part:
    notes = []
    low_share = 1.0
    if model.upper_bound:
        # Experts share their attention: the published models of that kind hold 0.8 of the product.
        low_share = 0.75
        notes.append("The name gives only an upper bound of the number of parameters.")
    if not held.quantized:
        value = size * held.bits / 8
        return _Part(value, value * low_share, value, tuple(notes))
    low, middle, high = _unquantized(model, size)
    low, middle, high = (
        (part * 16 + (size - part) * held.bits) / 8 for part in (low, middle, high)
    )
    matrices = "one matrix" if _matrices(size) == 1 else "two matrices"
    notes.append(
        f"Embeddings and output layer are counted in 16 bit ({matrices} of the vocabulary, about "
        f"{_vocabulary(model.shape)[1]:,} entries), the rest at {held.bits:g} bits per weight."
    )
    return _Part(middle, low * low_share, high, tuple(notes))


def _unquantized(model: ModelSize, size: float) -> tuple[float, float, float]:
    """Billions of parameters that stay in 16 bit: at least, most likely, at most."""
    similar = _similar(size)
    hidden = model.shape.hidden
    widths = (hidden,) * 3 if hidden else (0, similar.hidden, similar.widest)
    matrices = (1, _matrices(size), 2)
    entries = _vocabulary(model.shape)
    low, middle, high = (
        min(size, width * number * count / 1e9)
        for width, number, count in zip(widths, matrices, entries, strict=True)
    )
    return low, middle, high


def _matrices(size: float) -> int:
    return 1 if size < _ONE_MATRIX_BELOW_B else 2


def _vocabulary(shape: ModelShape) -> tuple[int, int, int]:
    """Entries of the vocabulary: at least, most likely, at most."""
    known = _VOCABULARY.get(shape.family or "")
    return (known,) * 3 if known else (32_000, 100_000, 262_144)


# --- the key-value cache --------------------------------------------------------------------------

_LATENT = ("DeepSeek-V2", "DeepSeek-V3", "DeepSeek-R1", "Kimi-K2")
_EXPANDED_HEAD = 192
"""The head width by which these families' own models differ from distillations under their name."""
# Families of which only some layers attend to all tokens, by a part of the checkpoint's name where
# the family has others as well.
_HYBRID = {
    "Jamba": "",
    "Granite": "granite-4.0-h",
    "Granite 4 H": "",
    "Qwen3-Next": "",
    "Qwen3.5": "",
    "RecurrentGemma": "",
    "Hymba": "",
    "LFM2": "",
    "MiniMax": "minimax-text minimax-m1",
}
_STATE_SPACE = ("Mamba", "Falcon Mamba")
_NO_CACHE = {
    "encoder": "An encoder generates no tokens: there is no key-value cache.",
    "embedding": "An embedding model generates no tokens: there is no key-value cache.",
    "diffusion": "Only the denoiser's weights are counted: text encoder, image decoder and "
    "the activations of images come on top.",
}
_UNCOUNTED = {
    "speech": "The cache of a speech model depends on the length of the recording and is not "
    "counted."
}


def _cache(setup: Setup, size: float, held: Precision) -> _Part:
    kind = setup.model.kind or ""
    if kind in _NO_CACHE:
        return _Part(0.0, 0.0, 0.0, (_NO_CACHE[kind],), open=kind == "diffusion")
    if kind in _UNCOUNTED:
        return _Part(None, 0.0, 0.0, (_UNCOUNTED[kind],), open=True)
    if setup.model.shape.family in _STATE_SPACE:
        note = "A state-space model keeps a small state of constant size and no key-value cache."
        return _Part(0.0, 0.0, 0.0, (note,))
    tokens = (setup.input_tokens + setup.output_tokens) * setup.batch_size
    unit = tokens * _bytes(held) / 1e9
    values = _values_per_token(setup.model.shape)
    if values is None:
        most = _similar(size).cache * unit
        note = (
            "The model's shape is unknown, so the key-value cache is not in the total: models of "
            f"about this size need up to {most:.2g} GB."
        )
        return _Part(None, 0.0, most, (note,))
    value = values * unit
    if _is_hybrid(setup.model):
        note = "Only some layers of this model keep a key-value cache: its size is an upper bound."
        return _Part(value, 0.0, value, (note,))
    return _Part(value, value, value, _cache_notes(setup.model))


def _cache_notes(model: ModelSize) -> tuple[str, ...]:
    if _is_latent(model.shape):
        return (
            "The cache is counted as one latent per layer and token; an engine that stores "
            "expanded heads needs many times that.",
        )
    if model.kind == "vision-language":
        return ("Images count as the input tokens that they become.",)
    if model.kind == "seq2seq":
        return ("The decoder is taken to be as deep as the encoder.",)
    return ()


def _values_per_token(shape: ModelShape) -> int | None:
    """Numbers that the cache holds per token."""
    if shape.layers is None:
        return None
    if _is_latent(shape):
        return shape.layers * LATENT_WIDTH
    if shape.kv_heads is None or shape.head_dim is None:
        return None
    return 2 * shape.layers * shape.kv_heads * shape.head_dim


def _is_latent(shape: ModelShape) -> bool:
    return shape.family in _LATENT and shape.head_dim == _EXPANDED_HEAD


def _is_hybrid(model: ModelSize) -> bool:
    marks = _HYBRID.get(model.shape.family or "")
    name = (model.hf_id or model.name).lower()
    return marks is not None and (not marks or any(mark in name for mark in marks.split()))


def _bytes(held: Precision) -> int:
    """Bytes per value of cache and activations: 16 bit, whatever the weights are quantized to."""
    return 4 if held.bits == 32 else 2


# --- overhead -------------------------------------------------------------------------------------


def _overhead(setup: Setup, size: float, held: Precision) -> _Part:
    """Half more or less is within what different libraries take."""
    unit = setup.input_tokens * setup.batch_size * ACTIVATION_WIDTHS * _bytes(held) / 1e9
    similar = _similar(size)
    hidden = setup.model.shape.hidden
    value = CONTEXT_GB + unit * (hidden or similar.hidden)
    return _Part(value, value / 2, 1.5 * (CONTEXT_GB + unit * (hidden or similar.widest)))


# --- models of about the same size ----------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Similar:
    """What the registry's language models of about one size look like."""

    hidden: int
    widest: int
    cache: int
    """Values per token of the largest key-value cache."""


@lru_cache(maxsize=64)
def _similar(size: float) -> _Similar:
    shapes = _shapes()
    near = [shape for shape in shapes if size / 1.5 <= shape[0] <= size * 1.5]
    if not near:
        # Beyond the registry: its nearest models.
        near = sorted(shapes, key=lambda shape: abs(shape[0] - size))[:5]
    hidden = [shape[1] for shape in near]
    from statistics import median  # slow to import

    return _Similar(int(median(hidden)), max(hidden), max(shape[2] for shape in near))


@lru_cache(maxsize=1)
def _shapes() -> tuple[tuple[float, int, int], ...]:
    """Size, hidden width and cached values per token of the registry's language models."""
    found = []
    for row in read_rows("models.csv"):
        if row["kind"] == "causal-lm" and row["hidden"] and row["kv_heads"]:
            numbers = (int(row[name]) for name in ("layers", "hidden", "kv_heads", "head_dim"))
            layers, hidden, heads, width = numbers
            # Expanded heads even of models with a latent: what is sought is a bound.
            found.append((float(row["params_total_b"]), hidden, 2 * layers * heads * width))
    return tuple(found)
