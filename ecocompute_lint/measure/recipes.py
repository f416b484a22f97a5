"""How a model is loaded for each precision that can be measured: a table.

It holds names only, so that plans can be made where torch is not installed; `models` reads it.
"""

from __future__ import annotations

from ecocompute_lint.errors import ConfigError
from ecocompute_lint.frozen import dataclass
from ecocompute_lint.knowledge.precisions import BASELINE, find_precision


@dataclass(frozen=True, slots=True)
class Recipe:
    """One way to load a model. `name` is what ``--precisions`` takes, `precision` that of a row.

    `dtype` is what is not quantized, a name of torch. `bitsandbytes` are arguments of
    ``BitsAndBytesConfig``; an argument that ends in ``dtype`` is a name of torch too. `torchao`
    names a class of ``torchao.quantization``. `aside` says why the row must not stand for its
    precision.
    """

    name: str
    precision: str
    dtype: str = "float16"
    bitsandbytes: tuple[tuple[str, object], ...] = ()
    torchao: str = ""
    compiled: bool = False
    on_cpu: bool = True
    aside: str = ""

    @property
    def packages(self) -> tuple[str, ...]:
        """The packages that it needs beside torch and Transformers."""
        needed = ("bitsandbytes" * bool(self.bitsandbytes), "torchao" * bool(self.torchao))
        return tuple(filter(None, needed))


_4BIT = (("load_in_4bit", True), ("bnb_4bit_quant_type", "nf4"))
_FP16_MATHS = (("bnb_4bit_compute_dtype", "float16"),)
_WEIGHT_ONLY, _DYNAMIC = "Float8WeightOnlyConfig", "Float8DynamicActivationFloat8WeightConfig"

# The 16-bit dtype beside bitsandbytes is that of the baseline; torchao's kernels want bfloat16. A
# compute dtype that is not given is float32: NF4 as people measure it names one.
RECIPES = (
    Recipe(BASELINE, BASELINE),
    Recipe("bf16", "bf16", "bfloat16"),
    Recipe("fp32", "fp32", "float32"),
    Recipe("nf4", "nf4", bitsandbytes=(*_4BIT, *_FP16_MATHS)),
    Recipe(
        "nf4_no_compute_dtype",
        "nf4",
        bitsandbytes=_4BIT,
        aside="no compute dtype was given, so that it is float32",
    ),
    Recipe(
        "nf4_dq",
        "nf4_dq",
        bitsandbytes=(*_4BIT, ("bnb_4bit_use_double_quant", True), *_FP16_MATHS),
    ),
    Recipe("int8_default", "int8_mixed", bitsandbytes=(("load_in_8bit", True),)),
    Recipe(
        "int8_pure",
        "int8_pure",
        bitsandbytes=(("load_in_8bit", True), ("llm_int8_threshold", 0.0)),
    ),
    Recipe("fp8", "fp8_eager", "bfloat16", torchao=_WEIGHT_ONLY),
    Recipe(
        "fp8_compiled",
        "fp8_eager",
        "bfloat16",
        torchao=_WEIGHT_ONLY,
        compiled=True,
        on_cpu=False,
        aside="decoding was compiled, and the precision means eager execution",
    ),
    Recipe("fp8_dynamic", "fp8_dyn_eager", "bfloat16", torchao=_DYNAMIC, on_cpu=False),
)
_BY_NAME = {recipe.name: recipe for recipe in RECIPES}
_BY_PRECISION = {recipe.precision: recipe for recipe in RECIPES if not recipe.aside}
USUAL = ("fp16", "bf16", "nf4", "int8_default", "int8_pure", "fp8")
"""What is measured where nothing else is asked for."""


def find_recipe(text: str) -> Recipe:
    """The recipe of this name, or of the precision with this name or alias.

    Raises:
        ConfigError: if there is none.
    """
    found = _BY_NAME.get(text.strip().lower().replace("-", "_"))
    if found is None and (known := find_precision(text)):
        found = _BY_PRECISION.get(known.name)
    if found is None:
        import difflib

        near = difflib.get_close_matches(text.lower(), _BY_NAME, n=1)
        hint = f"Did you mean {near[0]}? " if near else ""
        if text.strip().lower() == "int8":
            hint = "Write int8_default (outlier threshold 6.0) or int8_pure (threshold 0.0). "
        raise ConfigError(
            f"unknown precision {text!r} (--precisions). {hint}Known: {', '.join(_BY_NAME)}"
        )
    return found
