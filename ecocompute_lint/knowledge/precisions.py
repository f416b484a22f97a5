"""The precisions that the data distinguish, and what people call them."""

from __future__ import annotations

import re

from ecocompute_lint.frozen import dataclass


@dataclass(frozen=True, slots=True)
class Precision:
    """How the weights of a model are held and multiplied.

    `name` is the name in ``measurements.csv``, `option` the one of the command line; `bits` is the
    storage per weight of a linear layer, quantization constants included. `like` names the
    precision whose figures stand for this one where nobody measured it, `batched_like` the one
    with the same kernels, whose batches were measured.
    """

    name: str
    option: str
    label: str
    bits: float
    aliases: tuple[str, ...] = ()
    like: str | None = None
    batched_like: str | None = None

    @property
    def quantized(self) -> bool:
        """Whether only the linear layers are held so, the embeddings in 16 bit."""
        return self.bits < 16


# bitsandbytes: NF4 keeps one float32 per block of 64 weights (half a bit each); double quantization
# holds those in 8 bit, with one float32 per 256 of them. INT8 keeps one float32 per row.
PRECISIONS = (
    Precision("fp16", "fp16", "FP16", 16, ("float16", "half", "torch.float16")),
    Precision("bf16", "bf16", "BF16", 16, ("bfloat16", "torch.bfloat16"), like="fp16"),
    Precision("fp32", "fp32", "FP32", 32, ("float32", "full", "torch.float32")),
    Precision("nf4", "nf4", "NF4", 4.5, ("int4", "4bit", "bnb4", "fp4")),
    Precision(
        "nf4_dq", "nf4_dq", "NF4, double quantization", 4.127, ("nf4-double",), batched_like="nf4"
    ),
    Precision(
        "int8_mixed", "int8_default", "INT8, threshold 6.0", 8, ("int8_mixed", "llm.int8", "8bit")
    ),
    Precision("int8_pure", "int8_pure", "INT8, threshold 0.0", 8, ("int8_threshold_0",)),
    Precision("fp8_eager", "fp8", "FP8 weight-only, eager", 8, ("fp8_eager", "float8")),
    Precision("fp8_dyn_eager", "fp8_dynamic", "FP8 dynamic, eager", 8, ("fp8_dyn_eager",)),
)
BASELINE = "fp16"

_BY_NAME = {
    re.sub(r"[\s_-]+", "", name.lower()): precision
    for precision in PRECISIONS
    for name in (precision.name, precision.option, *precision.aliases)
}


def find_precision(text: str) -> Precision | None:
    """The precision with this name or alias, whatever the case, spaces and dashes.

    Plain ``int8`` is none: its energy depends on the outlier threshold.
    """
    return _BY_NAME.get(re.sub(r"[\s_-]+", "", text.lower()))


def precision(name: str) -> Precision:
    """The precision of this name.

    Raises:
        KeyError: if there is none.
    """
    return _BY_NAME[re.sub(r"[\s_-]+", "", name.lower())]
