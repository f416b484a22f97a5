"""Which keys of YAML mean what: images, command lines, scripts, variables, prose."""

from __future__ import annotations

import re
from collections.abc import Mapping

IMAGES = (
    "image container_image docker_image base_image baseImage image_uri imageUri imageName".split()
)
REPOSITORIES = ("repository", "name", "image", "beaker", "docker")
TAGS = ("tag", "version")
ENTRIES = ("entrypoint", "entryPoint")
COMMANDS = "command cmd start_command startCommand run_command serve_command".split()
ARGUMENTS = re.compile(
    r"(?:base|extra|additional|cli|container|server|serve|serving|engine|launcher|launch|vllm"
    r"|sglang|tgi|lmdeploy)?[-_]?(?:extra|cmd|command|container|engine|server)?[-_]?(?:args|arguments)"
    r"|(?:extra|additional|engine|vllm|sglang)[-_]?flags",
    re.IGNORECASE,
)
"""Keys of arguments that come behind the command."""
_DEVICE = re.compile(
    r"(?:intel[-_])?(cpu|xpu|hpu|gaudi\d?|tpu|neuronx?|npu|ascend)(?:[-_](?=\w*\d)\w+)?",
    re.IGNORECASE,
)
_DEVICES: Mapping[str, str] = {"neuron": "tpu", "neuronx": "tpu", "ascend": "npu"}
_PARTS_OF_KEYS = re.compile(r"[-_.\s]+|(?<=[a-z0-9])(?=[A-Z])")
_PHASES: Mapping[str, str] = {"prefill": "decode", "decode": "prefill"}


def device_named(key: str) -> str | None:
    """The device that a key sets apart, where it is not a GPU with CUDA or ROCm: ``xpu:``."""
    found = _DEVICE.fullmatch(key)
    if found is None:
        return None
    name = found[1].lower()
    return "hpu" if name.startswith("gaudi") else _DEVICES.get(name, name)


def phase_named(key: str) -> tuple[str, tuple[str, ...]] | None:
    """The phase that a key's workers are for, and the key of the other phase in its parts."""
    parts = [part.lower() for part in _PARTS_OF_KEYS.split(key)]
    phases = [part for part in parts if part in _PHASES]
    if len(phases) != 1:
        return None
    return phases[0], tuple(_PHASES.get(part, part) for part in parts)


def parts_of(key: str) -> tuple[str, ...]:
    """The words of a key in lower case."""
    return tuple(part.lower() for part in _PARTS_OF_KEYS.split(key))


SCRIPTS = frozenset(
    """
    run runs script scripts before_script after_script setup setup_commands build_commands
    commands cmds install runcmd bash shell exec pre_start post_start prestart onstart
    post_install start launch worker_setup_commands head_setup_commands initialization_commands
    head_start_ray_commands file_script inline inlineScript bootstrap user_data init_script
    """.split()
)
"""Keys of shell lines, as one text or line by line."""
SCRIPT_KEY = re.compile(
    r"(?:^|[-_.])(?:cmd|command|script)s?$|(?:Command|Script|Cmd)s?$|\.(?:sh|bash)$"
)
"""Further keys of shell lines, by how they end."""
VARIABLES = (
    "env environment environment_variables envs envVars env_vars extraEnv extraEnvVars"
    " variables containerEnv".split()
)
ARGUMENT_VARIABLE = re.compile(r"(?:ARGS|ARGUMENTS|FLAGS|OPTIONS|OPTS)$")
"""Variables whose value is handed on to a command."""
REQUIREMENTS = frozenset({"requirements", "pip", "pip_packages", "python_packages"})
PROSE = re.compile(
    r"(?:name|description|desc|help|comment|comments|title|summary|prompts?|messages?|text|content"
    r"|docs?|notes?|labels?|annotations|example\w*|instructions?|(?:chat|prompt)_template"
    r"|system_prompt|readme|nav|changelog|logs?|output|stdout|stderr|\w*metadata)",
    re.IGNORECASE,
)
"""Keys of what people read, or what something has written down."""
NESTED = re.compile(r"serveConfigV2|.*\.ya?ml")
"""Keys of texts that are YAML themselves."""
PROPERTIES = re.compile(r"serving[._]properties", re.IGNORECASE)
SHELLS = frozenset("sh bash dash zsh ash ksh".split())

ENGINE = re.compile(
    r"vllm|sglang|lmdeploy|text-generation-(?:inference|launcher)|huggingface-pytorch-tgi"
    r"|\btgi\b|djl-inference|\blmi\b",
    re.IGNORECASE,
)
"""What an image or a word of an engine holds."""
ENGINE_KEYS: Mapping[str, str] = {
    "vllm": "vllm",
    "sglang": "sglang",
    "lmdeploy": "lmdeploy",
    "tgi": "text-generation-inference",
    "text-generation-inference": "text-generation-inference",
}
"""Engines by the key, the model format or the runtime that names them."""

FORMATS: Mapping[str, str] = {**ENGINE_KEYS, "huggingface": "vllm"}
"""Engines by the model format of KServe, whose runtime for Hugging Face models is vLLM."""

VLLM_KEYS = frozenset(
    """
    enforce-eager gpu-memory-utilization max-num-seqs max-num-batched-tokens max-model-len
    tensor-parallel-size pipeline-parallel-size enable-prefix-caching enable-chunked-prefill
    kv-cache-dtype served-model-name swap-space disable-log-requests limit-mm-per-prompt
    speculative-config compilation-config tool-call-parser enable-auto-tool-choice
    """.split()
)
SWITCHES: Mapping[str, tuple[str, ...]] = {
    "sglang": ("disable-cuda-graph", "disable-radix-cache"),
    "vllm": ("enforce-eager", "enable-prefix-caching", "no-enable-prefix-caching"),
}
"""Keys that, with dashes, no other program has."""
SGLANG_KEYS = frozenset(
    """
    mem-fraction-static disable-cuda-graph disable-radix-cache max-running-requests tp-size
    chunked-prefill-size cuda-graph-max-bs schedule-policy attention-backend dp-size
    """.split()
)
SERVER_KEYS = frozenset(
    """
    model model-tag model-path tokenizer tokenizer-path tokenizer-mode host port dtype
    quantization load-format revision seed trust-remote-code device download-dir api-key
    chat-template uvicorn-log-level reasoning-parser enable-lora lora-modules max-loras
    max-lora-rank block-size config-format hf-overrides generation-config task runner
    data-parallel-size enable-expert-parallel kv-transfer-config log-level tp context-length
    scheduling-policy async-scheduling max-log-len root-path allowed-origins ssl-keyfile
    ssl-certfile distributed-executor-backend disable-custom-all-reduce cpu-offload-gb
    override-generation-config mm-processor-kwargs enable-log-requests disable-log-stats
    """.split()
)
"""Further keys of both engines' files."""
STRANGERS = 0.25
"""The share of other keys with which a mapping is still taken for the file of an engine."""
TRAINING_KEYS = frozenset(
    """
    learning_rate lr num_epochs num_train_epochs optimizer per_device_train_batch_size
    gradient_accumulation_steps micro_batch_size trainer rollout algorithm
    """.split()
)
DUMPS = frozenset({"wandb_version", "_wandb"})
"""Keys of a run that was logged: nothing reads it."""
