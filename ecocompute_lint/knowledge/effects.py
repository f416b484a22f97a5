"""What calls do to the models they are given: wrap, train, generate, compile.

Patterns are regular expressions over the full dotted name of what is called, as in `apis`.
"""

from __future__ import annotations

import re
from functools import lru_cache

ALIASES: tuple[tuple[str, str, int], ...] = (
    # What is called, and the argument that its result stands for.
    (r"torch\.compile", "model", 0),
    (r"torch\.(?:jit\.\w+|export\.export|_dynamo\.optimize)", "model", 0),
    (r"torch\.nn\.(?:parallel\.)?(?:DataParallel|DistributedDataParallel)", "module", 0),
    (r"peft\.(?:\w+\.)*(?:get_peft_model|prepare_model_for_\w+_training)", "model", 0),
    (r"peft\.(?:\w+\.)*Peft\w*Model\w*(?:\.from_pretrained)?", "model", 0),
    (r"accelerate\.(?:\w+\.)*(?:dispatch_model|cpu_offload|disk_offload)", "model", 0),
    (r"deepspeed\.init_inference", "model", 0),
    (r"optimum\.bettertransformer\.BetterTransformer\.transform", "model", 0),
    (r"unsloth\.(?:\w+\.)*Fast\w*\.(?:for_inference|for_training|get_peft_model)", "model", 0),
    (r"copy\.(?:deep)?copy", "x", 0),
)
ALIAS_METHODS = frozenset(
    "to cuda cpu eval half bfloat16 float double train requires_grad_ merge_and_unload unload"
    " to_bettertransformer merge_adapter type share_memory".split()
)
PLACES = {
    "gpu": frozenset({"cuda", "gpu"}),
    "cpu": frozenset({"cpu", "mps", "xpu", "hpu", "npu", "tpu", "meta"}),
    "half": frozenset({"half", "bfloat16", "float16"}),
}
"""Marks by the methods, or the words given to ``to``, that put a model there."""
PLACING_CALLS = (
    r"torch\.nn\.(?:parallel\.)?(?:DataParallel|DistributedDataParallel)"
    r"|accelerate\.(?:\w+\.)*(?:dispatch_model|cpu_offload|disk_offload|load_checkpoint_and_dispatch)"
    r"|deepspeed\.\w+"
    r"|transformers\.(?:pipelines\.)?pipeline|(?:.*\.)?(?:HuggingFacePipeline|\w*Trainer)"
)
"""Calls that put the model given to them on a device; pipelines and trainers do."""
PLACING_METHODS = frozenset({"to", "cuda", "cpu", "prepare", "prepare_model"})
TYPES = frozenset(
    "float16 bfloat16 float32 float64 half float double int8 int32 int64 long"
    " None True False".split()
)
"""Words given to ``to`` that change a type and no device."""
PLACING_WORDS = ("set_default_device", "set_default_tensor_type", "with torch.device(")
"""Texts that put every model of a file on a device."""
CACHE_SETTINGS = ("config.use_cache", "generation_config.use_cache")
"""Attributes of a model that switch its key-value cache."""
TRAINING_CALLS = (
    r"(?:.*\.)?(?:\w*Trainer|get_peft_model|prepare_model_for_\w+_training|\w+\.for_training"
    r"|deepspeed\.initialize)(?:\.from_pretrained)?"
    r"|(?:.*\.)?(?:train|training|finetune|fine_tune|train_\w+|finetune_\w+|\w+_train)"
)
TRAINING_METHODS = frozenset(
    "backward gradient_checkpointing_enable enable_input_require_grads training_step fit".split()
)
OPTION_METHODS = frozenset(
    "add_argument parse_args parse_known_args parse_args_into_dataclasses global".split()
)
OPTIMIZERS = (
    r"(?:torch|bitsandbytes|transformers|apex|deepspeed)\.(?:\w+\.)*"
    r"\w*(?:Adam|SGD|Lion|Adafactor|LAMB|RMSprop)\w*"
)
GENERATION_METHODS = frozenset(
    "generate chat stream_chat generate_text batch_generate beam_search greedy_search sample"
    " __call__ encode predict invoke transcribe save_pretrained push_to_hub".split()
)
GENERATING_METHODS = frozenset("generate chat stream_chat __call__ create_completion".split())
"""Methods that run a model on inputs, as far as rules on batching and execution look at them."""
DECODING_METHODS = frozenset("generate chat stream_chat batch_generate generate_text".split())
"""Methods that decode token by token."""
COMPILING_CALLS = (
    r"torch\.compile|torch\._dynamo\.optimize|torch\.jit\.\w+|torch\.export\.\w+"
    r"|torch\._inductor\.\w+|torchao\.(?:quantization\.)?autoquant"
)
EXITS = frozenset({"exit", "quit", "sys.exit", "os._exit", "os.abort", "parser.error"})
"""What ends the program when it is called."""
COMPILING_METHODS = frozenset({"compile", "compile_repeated_blocks"})
ENVIRONMENT = (
    r"is_available|is_\w+_available|is_bf16_supported|is_bfloat16_supported|exists|isfile|isdir"
    r"|capability|platform|device|hasattr|isinstance|version|rank|world_size|n_gpu|num_gpus"
    r"|cuda|mps|distributed|sys\.|environ"
)
GPU_PRESENT = r"cuda\.(?:is_available|device_count)|is_torch_cuda_available|has_cuda"
GPU_ASKED = (
    r"is_(?:torch_)?(?:bf|b?float)_?16\w*(?:supported|available)|is_fp8\w*|capability|total_memory"
    r"|mem_get_info|get_device_name|get_device_properties|supports_bf\w*16|bf16_support|has_bf16"
)
"""Words of a test that asks the GPU what it can do."""


@lru_cache(maxsize=4096)
def alias_of(callee: str) -> tuple[str, int] | None:
    """The argument (name, position) that the call returns, wrapped or changed; None if none."""
    for pattern, name, position in ALIASES:
        if re.fullmatch(pattern, callee):
            return name, position
    return None


@lru_cache(maxsize=4096)
def trains(callee: str) -> bool:
    """Whether calling this trains the models given to it."""
    return re.fullmatch(TRAINING_CALLS, callee) is not None


@lru_cache(maxsize=4096)
def compiles(callee: str) -> bool:
    """Whether calling this compiles the model given to it."""
    return re.fullmatch(COMPILING_CALLS, callee) is not None


@lru_cache(maxsize=4096)
def places(callee: str) -> bool:
    """Whether calling this puts the model given to it on a device."""
    return re.fullmatch(PLACING_CALLS, callee) is not None


@lru_cache(maxsize=4096)
def is_optimizer(callee: str) -> bool:
    """Whether this makes an optimizer."""
    return re.fullmatch(OPTIMIZERS, callee) is not None
