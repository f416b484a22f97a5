"""What a model's identifier says about its size, by general rules and without a registry.

The identifier may be a hub id, a path, a URI, a hub cache folder, a file name or ``name:tag``. It
is cut into short tokens and only a token that is a size from end to end counts (``8b``, ``1.5b``,
``350m``), so bit widths, dates, context lengths, ranks and versions need no rule of their own.
"""

from __future__ import annotations

import re
from typing import Literal

from ecocompute_lint.frozen import dataclass

MAX_LENGTH = 512
"""Longer texts are not names."""

Reading = Literal["name", "moe-name", "moe-nxm", "active-only", "none", "ambiguous"]


@dataclass(frozen=True, slots=True)
class NameSize:
    """Parameters in billions as the name gives them, and the kind of reading that gave them."""

    total_b: float | None
    active_b: float | None
    reading: Reading

    @property
    def upper_bound(self) -> bool:
        """Whether the total is the product of an ``8x7b``: experts share their attention layers."""
        return self.reading == "moe-nxm"


def parse_name(name: str) -> NameSize:
    """Read the size out of `name`. Never raises; an unreadable name has neither figure."""
    parts = split_name(name)
    return _read(_tokens(parts.name)) if parts else NameSize(None, None, "none")


# --- which part of an identifier names the model ------------------------------------------------

_SEPARATOR = re.compile(r"[^a-z0-9.]+|(?<![0-9])\.|\.(?![0-9])")

# A folder or file whose every word is one of these is a checkpoint of what its parent names.
_GENERIC = re.compile(
    r"(?:checkpoints?|ckpts?|epochs?|steps?|global|iter|run|rev|v)?[0-9]*|[0-9a-f]{7,64}|of"
    r"|snapshots?|blobs?|refs|resolve|tree|main|master|latest|final|best|last|merged|export|onnx"
    r"|models?|weights|hub|data|outputs?|results|library|ollama|huggingface|hf|co|pytorch|tf|flax"
    r"|gguf|ggml|safetensors|bin|pt|pth|json|config|index|consolidated|adapter|lora"
    r"|fp16|bf16|fp32|f16|f32|int[48]|[2-8]bit|q[0-9]|[km]|gptq|awq|exl2|diffusion|unet|transformer"
)


@dataclass(frozen=True, slots=True)
class NameParts:
    """An identifier, lower-case, around the component that names the model.

    ``s3://b/llama-13b/epoch-3`` has folders ``("b",)``, name ``llama-13b``, below ``("epoch-3",)``.
    """

    folders: tuple[str, ...]
    name: str
    below: tuple[str, ...]
    is_path: bool
    """Whether this is certainly no ``owner/name`` of the hub."""


def split_name(name: str) -> NameParts | None:
    """Find the component of `name` that names the model; None when nothing is named."""
    if len(name) > MAX_LENGTH:
        return None
    scheme, _, path = name.strip().lower().replace("\\", "/").rpartition("://")
    parts = [part for part in path.partition("?")[0].split("/") if part.strip(". ")]
    start = len(parts) - 1
    while start >= 0 and is_generic(parts[start]):
        start -= 1
    if start < 0:
        return None
    folders, own = tuple(parts[:start]), parts[start]
    is_path = scheme not in ("", "hf") or path[:1] in (".", "/", "~") or len(folders) > 1
    if own.startswith("models--"):  # A folder of the hub's cache: models--owner--name.
        owner, _, own = own.removeprefix("models--").rpartition("--")
        folders, is_path = (owner,) if owner else (), False
    own = own.partition("@")[0] or own  # A revision.
    is_path = is_path or any(map(is_generic, folders))
    return NameParts(folders, own, tuple(parts[start + 1 :]), is_path)


def is_generic(component: str) -> bool:
    """Whether a lower-case path component says nothing about which model it holds."""
    return all(_GENERIC.fullmatch(word) for word in _SEPARATOR.split(component))


# --- tokens -------------------------------------------------------------------------------------

# Underscored versions, which would otherwise read as the whole part of a decimal size:
# first the point releases (qwen2_5_7b), then plain generations (gemma_2_9b).
_RELEASE = re.compile(
    r"(llama_?3_[123]|qwen_?[123]_5|yi_?1_5|internlm_?2_5|granite_?[34]_[0-9]|gemma_?1_1"
    r"|(?:llama|qwen|gemma|granite|falcon|olmo|phi|lm)_?[2-9])_(?=[0-9])"
)
# The decimal point of 1_8b and 1p3b.
_UNDERSCORE_POINT = re.compile(r"(?<![a-z0-9.])([0-9]{1,2})[_p]([0-9])(?=b(?![a-z0-9]))")
_B_POINT = re.compile(r"^([0-9]{1,2})b([0-9])$")  # 7b1


def _tokens(component: str) -> list[str]:
    text = _RELEASE.sub(r"\1-", component)
    text = _UNDERSCORE_POINT.sub(r"\1.\2", text)
    return [_B_POINT.sub(r"\1.\2b", token) for token in _SEPARATOR.split(text) if token]


_NUMBER = r"([0-9]{1,5}(?:\.[0-9]{1,3})?)"
_SIZE = re.compile(rf"([a-z][a-z0-9.]*[a-z]|[a-z])?{_NUMBER}([bmt])")
_N_X_M = re.compile(rf"([0-9]{{1,3}})x{_NUMBER}b|{_NUMBER}bx([0-9]{{1,3}})")
_EXPERTS = re.compile(r"[0-9]{1,3}e")
# Letters before a figure that make it a version, a bit width or a count of something else.
_NOT_A_NAME = re.compile(r"[bdklqsvwx]|u?int|[bn]?fp?|laion|datacomp")
_TRAINED_ON = re.compile(r"tok(?:en)?s?|steps|samples")
_TUNED = {"chat", "instruct", "it", "thinking"}
_BILLIONS = {"b": 1.0, "m": 1e-3, "t": 1e3}
_LONGEST_CONTEXT_B = 0.01  # 10M; a model this small beside a larger size is a context length


def _read(tokens: list[str]) -> NameSize:
    sizes: list[float] = []
    active: list[float] = []
    trillions: list[float] = []
    products: list[tuple[int, float]] = []
    for token, following in zip(tokens, [*tokens[1:], ""], strict=False):
        if match := _N_X_M.fullmatch(token):
            products.append((int(match[1] or match[4]), float(match[2] or match[3])))
        elif (match := _SIZE.fullmatch(token)) and not _TRAINED_ON.fullmatch(following):
            word, number, unit = match.groups()
            value = round(float(number) * _BILLIONS[unit], 6)
            if not value:
                continue
            if word in ("a", "e"):  # A3B: active; E2B: effective
                active.append(value)
            elif unit == "t":
                if not word:
                    trillions.append(value)
            elif not word or (not _NOT_A_NAME.fullmatch(word) and (unit == "b" or value >= 0.01)):
                sizes.append(value)

    # A small figure in millions is a context length beside another size or on a tuned model, and
    # trillions are training tokens beside another size or a word that says so.
    if products or active or len(sizes) > 1 or _TUNED.intersection(tokens):
        sizes = [value for value in sizes if value > _LONGEST_CONTEXT_B]
    if not sizes and not products and not any(map(_TRAINED_ON.fullmatch, tokens)):
        sizes = trillions
    return _judge(tokens, sizes, active, products)


def _judge(
    tokens: list[str],
    sizes: list[float],
    active: list[float],
    products: list[tuple[int, float]],
) -> NameSize:
    if len(active) > 1 or len(products) > 1 or len(sizes) > 2:
        return NameSize(None, None, "ambiguous")
    if len(sizes) == 2:
        small, large = sorted(sizes)
        if small < large and not active and any("moe" in token for token in tokens):
            return NameSize(large, small, "moe-name")  # OLMoE-1B-7B
        return NameSize(None, None, "ambiguous")
    if products:
        experts, expert_b = products[0]
        if sizes:  # An explicit total wins; of two experts both are used.
            return NameSize(sizes[0], sizes[0] if experts <= 2 else None, "moe-name")
        return NameSize(experts * expert_b, active[0] if active else None, "moe-nxm")
    if active:
        if not sizes:
            return NameSize(None, active[0], "active-only")
        if active[0] > sizes[0]:
            return NameSize(None, None, "ambiguous")
        return NameSize(sizes[0], active[0], "moe-name")
    if not sizes:
        return NameSize(None, None, "none")
    if any(map(_EXPERTS.fullmatch, tokens)):  # 17B-16E: the size of what one token uses
        return NameSize(None, sizes[0], "active-only")
    return NameSize(sizes[0], sizes[0], "name")


# --- quantized checkpoints ----------------------------------------------------------------------

_EDGE = r"(?:^|[^a-z0-9])"
_METHODS = tuple(
    (re.compile(_EDGE + pattern + r"(?![a-z0-9])"), label)
    for pattern, label in (
        (r"(?:bnb[-_. ]?(?:4bit|int4|nf4|fp4)|4bit[-_.]bnb|nf4)", "bnb-4bit"),
        (r"(?:bnb[-_. ]?(?:8bit|int8)|8bit[-_.]bnb)", "bnb-8bit"),
        (r"(?:gguf|ggml|i?q[2-8])", "gguf"),
        (r"(gptq|awq|hqq|aqlm|eetq|vptq|spqr|quip|autoround|exl2|exl3|mxfp4|nvfp4)", "{}"),
        (r"[0-9]+(?:\.[0-9]+)?bpw", "exl2"),
        (r"(w[0-9]{1,2}a[0-9]{1,2})", "{}"),
        (r"(fp8|fp4|int4|int8)", "{}"),
        (r"([2-8])[-_ ]?bits?", "{}bit"),
        (r"quantized", "quantized"),
    )
)


def prequantized(name: str) -> str | None:
    """How a name says its checkpoint was quantized before it was published, else None.

    The label is short: ``bnb-4bit``, ``bnb-8bit``, ``gptq``, ``awq``, ``gguf``, ``fp8``, ``w4a16``,
    ``4bit`` … and ``quantized`` where the name does not say how.
    """
    parts = split_name(name)
    text = "/".join((parts.name, *parts.below)) if parts else name[:MAX_LENGTH].lower()
    if "unquantized" in text or "dequantized" in text:
        return None
    for pattern, label in _METHODS:
        if match := pattern.search(text):
            return label.format(*match.groups())
    return None


_QUANTIZATION_SUFFIX = re.compile(
    r"[-_.:](?:gguf|ggml|gptq|awq|hqq|aqlm|exl2|bnb|unsloth|mlx|quantized|nf4|fp8|fp4|fp16|bf16"
    r"|fp32|f16|i?q[2-8](?:_[01k])?(?:_x?x?[sml])?|w[0-9]{1,2}a[0-9]{1,2}|int[48]|[2-8]-?bit"
    r"|[0-9]+g|[0-9]{1,2}(?:\.[0-9]{1,2})?bpw|h[68]|dynamic|safetensors|bin)$"
)


def without_quantization(component: str) -> str:
    """A lower-case name without the suffixes that only say how its weights are stored."""
    while match := _QUANTIZATION_SUFFIX.search(component):
        component = component[: match.start()]
    return component
