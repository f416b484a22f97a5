"""What the libraries do, one row per API. Nothing outside this table names a library's function.

Patterns are regular expressions over the full dotted name of what is called. For a method of an
object the name is that of its class and the method: ``transformers.LlamaForCausalLM.generate``.
Sources: the libraries' own code, versions as stated in the project's notes on API facts.
"""

from __future__ import annotations

import re
from dataclasses import replace
from functools import lru_cache

from .api import Api
from .execution_apis import EXECUTION_APIS, EXECUTION_CALLEES, EXECUTION_OPTIONS, SILENT

BITSANDBYTES_PARAMETERS = (
    "load_in_8bit",
    "load_in_4bit",
    "llm_int8_threshold",
    "llm_int8_skip_modules",
    "llm_int8_enable_fp32_cpu_offload",
    "llm_int8_has_fp16_weight",
    "bnb_4bit_compute_dtype",
    "bnb_4bit_quant_type",
    "bnb_4bit_use_double_quant",
    "bnb_4bit_quant_storage",
)
SWITCHES = ("load_in_8bit", "load_in_4bit")
LOAD_OPTIONS = (
    *SWITCHES,
    "quantization_config",
    "device_map",
    "device",
    "torch_dtype",
    "dtype",
    "max_memory",
    "offload_folder",
    "tp_plan",
)
"""What rules can ask of a call that loads a model."""
_TRANSFORMERS = {
    "load_in_8bit": False,
    "load_in_4bit": False,
    "llm_int8_threshold": 6.0,
    "llm_int8_has_fp16_weight": False,
    "bnb_4bit_compute_dtype": None,
    "bnb_4bit_quant_type": "fp4",
    "bnb_4bit_use_double_quant": False,
}
# What a library chooses itself, so that the compute dtype is never float32 by omission.
_CHOOSES_DTYPE = {**_TRANSFORMERS, "bnb_4bit_compute_dtype": "chosen by the library"}


_LOADED = Api(
    "",
    "",
    "load",
    parameters=("pretrained_model_name_or_path",),
    model="pretrained_model_name_or_path",
    config=("quantization_config",),
    defaults=_TRANSFORMERS,
    method="bitsandbytes",
)
_HF_ROOTS = r"(?:transformers|peft|diffusers|trl|adapters|modelscope|open_clip|llava)"
_NOT_A_MODEL = (
    r"(?:\w*(?:Tokenizer|TokenizerFast|Processor|FeatureExtractor|Config|Scheduler|VideoProcessor)"
    r"|AutoProcessor)"
)
_MODEL_CLASS = (
    r"\w*(?:For(?:CausalLM|Conditional|Seq|Vision|Image|Text|Question|Speech|Token|Masked|Multi"
    r"|CTC|Audio|PreTraining|Object|Semantic)\w*|LMHeadModel|Auto(?:Peft)?Model\w*)"
)
_TORCHAO = r"torchao(?:\.quantization)?(?:\.quant_api)?\."
_FP8 = {
    None: r"(?:Float8WeightOnlyConfig|float8_weight_only)",
    "dynamic": r"(?:Float8DynamicAct\w+Float8\w*Config|float8_dynamic_activation_float8_weight)",
    "static": r"(?:Float8StaticAct\w+Float8\w*Config|float8_static_activation_float8_weight)",
}
"""The FP8 configurations by how they quantize activations."""
_FP8_KERNELS = ("FineGrainedFP8Config", "FbgemmFp8Config")
"""Configurations whose kernels need a GPU with FP8."""
_FP8_WORDS = {
    word: {"format": "fp8", "activations": activations}
    for activations, words in {
        None: ("float8wo", "float8_weight_only", "float8wo_e5m2", "float8wo_e4m3"),
        "dynamic": (
            *("float8dq", "float8dq_e4m3", "float8dq_e4m3_tensor", "float8dq_e4m3_row"),
            "float8_dynamic_activation_float8_weight",
        ),
        "static": ("float8_static_activation_float8_weight",),
    }.items()
    for word in words
}

_PIPELINE_BACKENDS = {
    "bitsandbytes_8bit": "diffusers.BitsAndBytesConfig",
    "bitsandbytes_4bit": "diffusers.BitsAndBytesConfig",
    "torchao": "diffusers.TorchAoConfig",
}
"""Whose options diffusers' pipelines are given; the backend's name switches nothing on."""

# The first row that matches wins.
APIS: tuple[Api, ...] = (
    # -- quantization configurations
    Api(
        "transformers.BitsAndBytesConfig",
        r"transformers\.(?:utils\.(?:quantization_config\.)?)?BitsAndBytesConfig",
        "config",
        parameters=BITSANDBYTES_PARAMETERS,
        defaults=_TRANSFORMERS,
        method="bitsandbytes",
    ),
    Api(
        "transformers.BitsAndBytesConfig",
        r"transformers\.(?:utils\.(?:quantization_config\.)?)?BitsAndBytesConfig\.from_dict",
        "config",
        parameters=("config_dict",),
        nested=("config_dict",),
        defaults=_TRANSFORMERS,
        method="bitsandbytes",
    ),
    Api(
        "diffusers.BitsAndBytesConfig",
        r"diffusers\.(?:quantizers\.(?:quantization_config\.)?)?BitsAndBytesConfig",
        "config",
        parameters=BITSANDBYTES_PARAMETERS,
        defaults=_TRANSFORMERS,
        method="bitsandbytes",
    ),
    Api(
        "diffusers.PipelineQuantizationConfig",
        r"diffusers\.(?:quantizers\.(?:pipe_quant_config\.)?)?PipelineQuantizationConfig",
        "config",
        parameters=("quant_backend", "quant_kwargs", "components_to_quantize", "quant_mapping"),
        nested=("quant_kwargs",),
        backends={"quant_backend": _PIPELINE_BACKENDS},
        components=("quant_mapping",),
        defaults=_TRANSFORMERS,
        method="bitsandbytes",
    ),
    Api(
        "accelerate.BnbQuantizationConfig",
        r"accelerate\.utils\.(?:dataclasses\.)?BnbQuantizationConfig",
        "config",
        parameters=("load_in_8bit", "llm_int8_threshold", "load_in_4bit"),
        defaults={**_TRANSFORMERS, "bnb_4bit_compute_dtype": "fp16"},
        method="bitsandbytes",
    ),
    Api(
        "trl.ModelConfig",
        r"trl\.(?:trainer\.)?(?:model_config\.)?ModelConfig",
        "config",
        defaults=_CHOOSES_DTYPE,
        fixed=True,
        training=True,
        method="bitsandbytes",
    ),
    Api(
        "lightning.BitsandbytesPrecision",
        r"(?:lightning|lightning_fabric|pytorch_lightning)\.(?:\w+\.)*BitsandbytesPrecision",
        "config",
        parameters=("mode", "dtype"),
        means={"mode": {"int8": {"load_in_8bit": True}}},
        defaults=_CHOOSES_DTYPE,
        fixed=True,
        method="bitsandbytes",
    ),
    Api(
        "litgpt.LLM.distribute",
        r"litgpt(?:\.api)?\.LLM\.distribute",
        "config",
        means={"quantize": {"bnb.int8": {"load_in_8bit": True}}},
        defaults=_CHOOSES_DTYPE,
        fixed=True,
        method="bitsandbytes",
    ),
    Api(
        "transformers.TorchAoConfig",
        r"transformers\.(?:utils\.(?:quantization_config\.)?)?TorchAoConfig",
        "config",
        parameters=("quant_type",),
        nested=("quant_type",),
        method="torchao",
    ),
    Api(
        "diffusers.TorchAoConfig",
        r"diffusers\.(?:quantizers\.(?:quantization_config\.)?)?TorchAoConfig",
        "config",
        parameters=("quant_type",),
        nested=("quant_type",),
        means={"quant_type": _FP8_WORDS},
        method="torchao",
    ),
    *(
        Api(
            "torchao.float8",
            _TORCHAO + names,
            "config",
            implied={"format": "fp8", "activations": activations},
            method="torchao",
        )
        for activations, names in _FP8.items()
    ),
    Api(
        "torchao.FqnToConfig",
        _TORCHAO + r"(?:(?:Module)?FqnToConfig|AOPerModuleConfig)",
        "config",
        parameters=("fqn_to_config", "module_fqn_to_config"),
        modules=("fqn_to_config", "module_fqn_to_config"),
        method="torchao",
    ),
    *(
        Api(
            f"transformers.{name}",
            rf"transformers\.(?:utils\.(?:quantization_config\.)?)?{name}",
            "config",
            implied={"format": "fp8"},
            method="fp8 kernels",
        )
        for name in _FP8_KERNELS
    ),
    # -- quantized layers
    Api(
        "bitsandbytes.Linear8bitLt",
        r"bitsandbytes\.nn\.(?:modules\.)?Linear8bitLt",
        "layer",
        parameters=("input_features", "output_features", "bias", "has_fp16_weights"),
        spelled={"llm_int8_threshold": "threshold", "llm_int8_has_fp16_weight": "has_fp16_weights"},
        implied={"load_in_8bit": True},
        defaults={**_TRANSFORMERS, "llm_int8_threshold": 0.0},
        method="bitsandbytes",
    ),
    Api(
        "bitsandbytes.MatmulLtState",
        r"bitsandbytes\.(?:autograd\.(?:_functions\.)?)?MatmulLtState",
        "layer",
        spelled={"llm_int8_threshold": "threshold", "llm_int8_has_fp16_weight": "has_fp16_weights"},
        implied={"load_in_8bit": True},
        defaults={**_TRANSFORMERS, "llm_int8_threshold": 0.0},
        method="bitsandbytes",
    ),
    # -- quantizing a model that is there
    Api(
        "torchao.quantize_",
        r"torchao(?:\.quantization)?(?:\.quant_api)?\.quantize_",
        "apply",
        parameters=("model", "config", "filter_fn"),
        target="model",
        config=("config", "apply_tensor_subclass", "apply_fn"),
        method="torchao",
    ),
    Api(
        "accelerate.load_and_quantize_model",
        r"accelerate\.utils\.(?:bnb\.)?load_and_quantize_model",
        "load",
        parameters=("model", "bnb_quantization_config", "weights_location"),
        config=("bnb_quantization_config",),
        model="weights_location",
        method="bitsandbytes",
    ),
    *EXECUTION_APIS,
    # -- loads
    Api("tokenizers and settings", rf"{_HF_ROOTS}\.(?:\w+\.)*{_NOT_A_MODEL}(?:\.\w+)?", "other"),
    replace(
        _LOADED,
        name="sentence_transformers",
        pattern=r"sentence_transformers\.(?:\w+\.)*(?:SentenceTransformer|CrossEncoder|SparseEncoder)",
        model="model_name_or_path",
        parameters=("model_name_or_path",),
        config=(),
        nested=("model_kwargs", "automodel_args"),
        legacy=True,
        factory="transformers.BitsAndBytesConfig",
    ),
    replace(
        _LOADED,
        name="transformers.pipeline",
        pattern=r"transformers\.(?:pipelines\.)?pipeline",
        model="model",
        parameters=("task", "model"),
        config=(),
        nested=("model_kwargs",),
        legacy=True,
        factory="transformers.BitsAndBytesConfig",
    ),
    replace(
        _LOADED,
        name="langchain.HuggingFacePipeline.from_model_id",
        pattern=r"langchain\w*\.(?:\w+\.)*HuggingFacePipeline\.from_model_id",
        model="model_id",
        parameters=("model_id", "task"),
        config=(),
        nested=("model_kwargs",),
        legacy=True,
        factory="transformers.BitsAndBytesConfig",
    ),
    replace(
        _LOADED,
        name="llama_index.HuggingFaceLLM",
        pattern=r"llama_index\.(?:\w+\.)*HuggingFaceLLM",
        model="model_name",
        parameters=("context_window",),
        config=(),
        nested=("model_kwargs",),
        legacy=True,
        factory="transformers.BitsAndBytesConfig",
    ),
    Api("peft.PeftModel", r"peft\.(?:\w+\.)*Peft\w*Model\w*\.from_pretrained", "other"),
    replace(
        _LOADED,
        name="transformers.from_pretrained",
        pattern=r"(?:transformers|peft)\.(?:\w+\.)*\w+\.from_pretrained",
        legacy=True,
        factory="transformers.BitsAndBytesConfig",
    ),
    replace(
        _LOADED,
        name="diffusers.from_pretrained",
        pattern=r"diffusers\.(?:\w+\.)*\w+\.from_(?:pretrained|single_file)",
        legacy=True,
        factory="diffusers.BitsAndBytesConfig",
    ),
    replace(
        _LOADED,
        name="unsloth.from_pretrained",
        pattern=r"unsloth\.(?:\w+\.)*Fast\w*\.from_pretrained",
        parameters=("model_name", "max_seq_length", "dtype", "load_in_4bit"),
        model="model_name",
        defaults=_CHOOSES_DTYPE,
        fixed=True,
    ),
    replace(
        _LOADED,
        name="lm_eval.HFLM",
        pattern=r"lm_eval\.models\.(?:huggingface\.)?HFLM",
        model="pretrained",
        parameters=("pretrained",),
    ),
    Api(
        "other libraries",
        r"(?:optimum|ipex_llm|bigdl|intel_extension_for_transformers|ctransformers|auto_gptq"
        r"|gptqmodel|awq|hqq|onnxruntime_genai|openvino|neural_compressor|auto_round|mlx_lm"
        r"|fairseq|paddlenlp|tensorflow|tensorrt_llm)\..*",
        "other",
    ),
    replace(
        _LOADED,
        name="model class",
        # A class of some other module whose name says that it is a Transformers model.
        pattern=rf"(?:\.*\w+\.)*(?!{_NOT_A_MODEL}\.){_MODEL_CLASS}\.from_pretrained",
        legacy=True,
        factory="transformers.BitsAndBytesConfig",
    ),
)


@lru_cache(maxsize=1)
def _compiled() -> tuple[tuple[re.Pattern[str], Api], ...]:
    return tuple((re.compile(row.pattern), row) for row in APIS)


@lru_cache(maxsize=4096)
def find_api(callee: str) -> Api | None:
    """The row for what is called, by its dotted name; None if nothing is known of it."""
    for pattern, row in _compiled():
        if pattern.fullmatch(callee):
            return row
    return None


UNBOUND = {"BitsAndBytesConfig": "transformers.BitsAndBytesConfig"}
"""What a name means that a file uses and nowhere defines: pages of tutorials do."""

# What must stand in a file, outside comments, docstrings and annotations, for any row to say
# something: names of options (or values), and names of what is called.
OPTION_NEEDLES = frozenset({*SWITCHES, "quantization_config", "bnb.int8", *EXECUTION_OPTIONS})
_QUANTIZATION_CALLEES = frozenset(
    {
        "BitsAndBytesConfig",
        "BnbQuantizationConfig",
        "BitsandbytesPrecision",
        "PipelineQuantizationConfig",
        "Linear8bitLt",
        "MatmulLtState",
        "TorchAoConfig",
        "FqnToConfig",
        "ModuleFqnToConfig",
        "AOPerModuleConfig",
        "quantize_",
        *_FP8_KERNELS,
    }
)
CALLEE_NEEDLES = _QUANTIZATION_CALLEES | EXECUTION_CALLEES
NOT_A_MODEL = re.compile(_NOT_A_MODEL)
"""Names of classes whose `from_pretrained` loads no model."""
LOADERS = frozenset("from_pretrained from_single_file HFLM HuggingFaceLLM Engine Runtime".split())
"""Words of calls that load a model, which matter only where a GPU is configured."""
LOADING = LOADERS | frozenset(
    "from_model_id pipeline SentenceTransformer CrossEncoder SparseEncoder"
    " load_and_quantize_model".split()
)
"""Words one of which stands in every call that loads a model."""
QUIET_OPTIONS = frozenset({*SILENT, "quantization_config"})
"""Options that say something only beside a word of `LOADING`, or with a value not in `SILENT`."""
LOUD_NEEDLES: frozenset[str] = (OPTION_NEEDLES - QUIET_OPTIONS) | _QUANTIZATION_CALLEES
"""Words that count by themselves."""
COMMON_NEEDLES = EXECUTION_CALLEES
"""Words that count in a text that holds one of `MODEL_WORDS` too."""
# Modules whose public names a star import is known to bring.
STAR_MODULES = frozenset(
    "transformers diffusers torch bitsandbytes peft accelerate accelerate.utils"
    " torchao.quantization argparse os".split()
)
LIBRARIES = frozenset(
    {
        *(row.library for row in APIS if row.library.isidentifier()),
        *(name.split(".", 1)[0] for name in STAR_MODULES),
        *"numpy jax bitsandbytes torchao deepspeed gradio fastapi flask".split(),
    }
)
"""Packages that are installed, whatever a folder of the audited tree is called."""
