"""How models are executed: serving engines, data loaders, settings of generation.

Sources: the libraries' own code, versions as stated in the project's notes on API facts.
"""

from __future__ import annotations

import re

from .api import Api

EXECUTION_APIS: tuple[Api, ...] = (
    Api(
        "vllm",
        r"vllm\.(?:\w+\.)*(?:LLM|(?:Async)?EngineArgs)",
        "engine",
        parameters=("model",),
        model="model",
        defaults={"enforce_eager": False, "max_num_seqs": None, "dtype": "auto"},
    ),
    Api(
        "sglang",
        r"(?:sglang|sgl)\.(?:\w+\.)*(?:Engine|Runtime|ServerArgs)",
        "engine",
        parameters=("model_path",),
        model="model_path",
        defaults={"disable_cuda_graph": False, "max_running_requests": None, "dtype": "auto"},
    ),
    Api(
        "lmdeploy",
        r"lmdeploy\.(?:\w+\.)*(?:Turbomind|Pytorch)EngineConfig",
        "engine",
        defaults={"eager_mode": False, "max_batch_size": None, "dtype": "auto"},
    ),
    Api("torch.DataLoader", r"(?:torch\.utils\.data\.(?:\w+\.)*)?DataLoader", "data"),
    Api(
        "transformers.GenerationConfig",
        r"transformers\.(?:\w+\.)*GenerationConfig(?:\.from_\w+)?",
        "settings",
    ),
)

EXECUTION_OPTIONS = frozenset(
    "use_cache enforce_eager disable_cuda_graph eager_mode enable_prefix_caching"
    " disable_radix_cache max_num_seqs max_running_requests max_batch_size".split()
)
"""Options that rules on execution look at: in their files there may be something to say."""
GENERATING = frozenset("generate chat stream_chat generate_text batch_generate".split())
"""Names of methods that generate."""
EXECUTION_CALLEES = GENERATING | frozenset(
    "pipeline LLM EngineArgs AsyncEngineArgs ServerArgs TurbomindEngineConfig"
    " PytorchEngineConfig".split()
)
"""Names of calls that generate or make engines. They are common words: alone they say nothing."""
MODEL_WORDS = frozenset(
    "transformers vllm sglang sgl lmdeploy llama_cpp tensorrt_llm unsloth from_pretrained"
    " max_new_tokens do_sample num_beams generation_config num_return_sequences".split()
)
"""Words one of which stands in every file that runs language models, whatever its imports."""
SILENT = {"use_cache": frozenset({"True", "None"})}
"""Options that are passed along all over the libraries, and the usual values of each.

Such an option counts only where something is loaded or generated, or where it may have another
value.
"""
_GENERATES = re.compile(r"(?:.*_)?generate(?:_.*)?")


def names_generation(name: str) -> bool:
    """Whether a function, by its name, generates: ``generate_stream``, ``batch_generate``."""
    return _GENERATES.fullmatch(name) is not None


_MODEL = re.compile(r"\w*(?:Model|Module|GenerationMixin|Generation|CausalLM)")


def is_model(base: str) -> bool:
    """Whether a class derived from this is by its name the definition of a model itself."""
    return base != "BaseModel" and _MODEL.fullmatch(base) is not None
