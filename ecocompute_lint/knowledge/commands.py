"""Command lines that start serving engines: what launches them, and which flag is which option.

Words go in, options come out, wherever the words stand: in a list of a program, a shell script or
a deployment file. Sources: the engines' own argument parsers, versions as stated in the project's
notes on API facts.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import field
from typing import Any

from ecocompute_lint.frozen import dataclass

_TRUE = frozenset("true yes on 1".split())
_FALSE = frozenset("false no off 0".split())
_NUMBER = re.compile(r"-?\d{1,15}(?:\.\d{1,15})?")
SEPARATORS = frozenset({"&&", "||", ";", "|", "&"})
"""Words at which one command of a shell ends."""


@dataclass(frozen=True, slots=True)
class Setting:
    """What one word gives: an option, and its value unless that is the `next` word.

    A flag that is on by itself may have a word of truth behind it, which then `overrides` it.
    """

    option: str
    value: Any = None
    next: bool = False
    overrides: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class Command:
    """One engine's command.

    `launches` are the words that start it, in order, the last as a regular expression; `switches`
    the flags that are on by themselves (and off behind ``--no-``), `valued` those with a value,
    by the option that they give. `short` are further spellings. `positional`: the first word
    behind the launch is the model. Options named in `alone` are each a matter of its own; the
    others go along with them. `usual` is what the engine does by itself. `quantizing` translates
    the values of an option into what a quantization does, whose other options are `implied`.
    `pooling`: values of options with which nothing is generated. `images` are the container images
    that start it by themselves, as regular expressions. `by_environment`: each flag is also read
    from the variable of its name in capitals, behind the `prefixes`. `serves`: it is an engine that
    answers requests. `loaders`: its option ``arguments`` is a list ``key=value,key=value`` for the
    library that its option ``loader`` names.
    """

    name: str
    launches: tuple[tuple[str, ...], ...]
    switches: Mapping[str, str] = field(default_factory=dict)
    valued: Mapping[str, str] = field(default_factory=dict)
    short: Mapping[str, str] = field(default_factory=dict)
    positional: tuple[str, ...] = ()
    alone: frozenset[str] = frozenset()
    usual: Mapping[str, bool] = field(default_factory=dict)
    implied: Mapping[str, Any] = field(default_factory=dict)
    quantizing: Mapping[str, Mapping[str | bool, Mapping[str, Any]]] = field(default_factory=dict)
    method: str = ""
    pooling: Mapping[str, frozenset[Any]] = field(default_factory=dict)
    images: tuple[str, ...] = ()
    by_environment: bool = False
    prefixes: tuple[str, ...] = ("",)
    serves: bool = True
    loaders: Mapping[str, str] = field(default_factory=dict)

    @property
    def by_words(self) -> bool:
        """Whether the model may stand first among the arguments, without a flag."""
        return bool(self.positional)

    def variable(self, name: str) -> str | None:
        """The flag that an environment variable stands for."""
        if not self.by_environment:
            return None
        for prefix in self.prefixes:
            if name.startswith(prefix):
                plain = name.removeprefix(prefix).lower().replace("_", "-")
                if plain in self.valued or plain in self.switches:
                    return f"--{plain}"
        return None

    def setting(self, word: str) -> Setting | None:
        """What a word gives by itself; None for one that is no known flag."""
        name, equals, inline = word.partition("=")
        if not name.startswith("-"):
            return None
        name = self.short.get(name, name)
        plain = name.lstrip("-").replace("_", "-")
        if plain in self.valued:
            value = plain_value(inline) if equals else None
            return Setting(self.valued[plain], value, next=not equals)
        truth = not plain.startswith("no-")
        option = self.switches.get(plain) or self.switches.get(plain.removeprefix("no-"))
        if option is None:
            return None
        if not equals:
            return Setting(option, truth, overrides=truth)
        told = truth_of(inline)
        return Setting(option, told if told is None or truth else not told)


def plain_value(word: str) -> str | int | float:
    """A word as the value of an option: a number where it is one."""
    if _NUMBER.fullmatch(word):
        return float(word) if "." in word else int(word)
    return word


def truth_of(word: str) -> bool | None:
    """Whether a word says yes or no."""
    lowered = word.lower()
    return True if lowered in _TRUE else False if lowered in _FALSE else None


_LAUNCHED_BY_MODULE = "-m"
_WITHOUT_A_KNOB = {"load_in_4bit": False, "llm_int8_threshold": 6.0}
"""Of programs that hand bitsandbytes its default outlier threshold."""

COMMANDS: tuple[Command, ...] = (
    Command(
        "vllm",
        launches=(
            ("vllm", r"serve"),
            (_LAUNCHED_BY_MODULE, r"vllm\.entrypoints\.(?:\w+\.)*api_server"),
            (_LAUNCHED_BY_MODULE, r"vllm\.entrypoints\.cli\.main", r"serve"),
        ),
        images=(r"(?:^|/)[\w.-]*vllm[\w.-]*(?:[:@]|$)", r"rocm/vllm"),
        switches={
            "enforce-eager": "enforce_eager",
            "enable-prefix-caching": "enable_prefix_caching",
        },
        valued={
            "model": "model",
            "dtype": "dtype",
            "max-num-seqs": "max_num_seqs",
            "device": "device",
            "quantization": "quantization",
            "tensor-parallel-size": "tensor_parallel_size",
            "kv-transfer-config": "kv_transfer_config",
            "disaggregation-mode": "disaggregation_mode",
            "task": "task",
            "runner": "runner",
        },
        short={"-q": "--quantization", "-tp": "--tensor-parallel-size"},
        positional=("serve",),
        usual={"enforce_eager": False, "enable_prefix_caching": True},
        alone=frozenset({"enforce_eager", "enable_prefix_caching", "dtype", "max_num_seqs"}),
        pooling={
            "task": frozenset("embed embedding classify score reward".split()),
            "runner": frozenset({"pooling"}),
        },
    ),
    Command(
        "sglang",
        launches=(
            (_LAUNCHED_BY_MODULE, r"sglang\.launch_server"),
            ("sglang", r"serve"),
        ),
        images=(r"(?:^|/)lmsysorg/sglang\b",),
        switches={
            "disable-cuda-graph": "disable_cuda_graph",
            "disable-radix-cache": "disable_radix_cache",
            "is-embedding": "is_embedding",
        },
        valued={
            "model-path": "model",
            "model": "model",
            "dtype": "dtype",
            "max-running-requests": "max_running_requests",
            "device": "device",
            "quantization": "quantization",
            "tensor-parallel-size": "tensor_parallel_size",
            "tp-size": "tensor_parallel_size",
            "tp": "tensor_parallel_size",
            "disaggregation-mode": "disaggregation_mode",
        },
        alone=frozenset(
            {"disable_cuda_graph", "disable_radix_cache", "dtype", "max_running_requests"}
        ),
        pooling={"is_embedding": frozenset({True})},
    ),
    Command(
        "text-generation-inference",
        launches=((r"text-generation-launcher",),),
        images=(r"text-generation-inference(?::|@|$)", r"(?:^|[-/])(?:pytorch-)?tgi-inference\b"),
        by_environment=True,
        prefixes=("", "HF_MODEL_", "SM_"),
        valued={
            "model-id": "model",
            "dtype": "dtype",
            "quantize": "quantize",
            "num-shard": "tensor_parallel_size",
            "max-batch-size": "max_batch_size",
            "cuda-graphs": "cuda_graphs",
            "device": "device",
        },
        alone=frozenset({"dtype", "cuda_graphs", "max_batch_size"}),
        implied=_WITHOUT_A_KNOB,
        quantizing={"quantize": {"bitsandbytes": {"load_in_8bit": True}}},
        method="bitsandbytes",
    ),
    Command(
        "lmdeploy",
        launches=(("lmdeploy", r"serve", r"api_server"),),
        images=(r"(?:^|/)openmmlab/lmdeploy\b",),
        switches={"eager-mode": "eager_mode"},
        valued={
            "dtype": "dtype",
            "max-batch-size": "max_batch_size",
            "device": "device",
            "tp": "tensor_parallel_size",
        },
        positional=("api_server",),
        alone=frozenset({"eager_mode", "dtype", "max_batch_size"}),
    ),
    Command(
        "llama.cpp",
        launches=((r"llama-server",), (_LAUNCHED_BY_MODULE, r"llama_cpp\.server")),
        images=(r"(?:^|/)llama\.cpp:.*server",),
        valued={"parallel": "max_num_seqs", "model": "model"},
        short={"-np": "--parallel", "-m": "--model"},
        alone=frozenset({"max_num_seqs"}),
    ),
    Command(
        "transformers",
        launches=(("transformers", r"serve|chat"), ("trl", r"chat")),
        switches={"load-in-8bit": "load_in_8bit", "load-in-4bit": "load_in_4bit"},
        valued={
            "quantization": "quantization",
            "model": "model",
            "model-name-or-path": "model",
            "device": "device",
        },
        implied=_WITHOUT_A_KNOB,
        quantizing={
            "load_in_8bit": {True: {"load_in_8bit": True}},
            "quantization": {"bnb-8bit": {"load_in_8bit": True}},
        },
        method="bitsandbytes",
        serves=False,
    ),
    Command(
        "litgpt",
        launches=(("litgpt", r"generate|chat|serve"),),
        valued={"quantize": "quantize"},
        positional=("generate", "chat", "serve"),
        implied=_WITHOUT_A_KNOB,
        quantizing={"quantize": {"bnb.int8": {"load_in_8bit": True}}},
        method="bitsandbytes",
        serves=False,
    ),
    Command(
        "text-generation-webui",
        launches=((r"server\.py",), (r"one_click\.py",)),
        switches={"load-in-8bit": "load_in_8bit", "load-in-4bit": "load_in_4bit"},
        valued={"model": "model", "compute-dtype": "compute_dtype", "quant-type": "quant_type"},
        implied=_WITHOUT_A_KNOB,
        quantizing={"load_in_8bit": {True: {"load_in_8bit": True}}},
        method="bitsandbytes",
        serves=False,
    ),
    Command(
        "lm-eval",
        launches=((r"lm_eval|lm-eval",), (_LAUNCHED_BY_MODULE, r"lm_eval")),
        valued={"model": "loader", "model-args": "arguments", "device": "device"},
        short={"-a": "--model-args", "-M": "--model"},
        loaders={
            **dict.fromkeys(("hf", "huggingface", "hf-auto", "hf-multimodal"), "transformers"),
            "vllm": "vllm",
        },
        serves=False,
    ),
)

PROGRAMS = ("vllm", "sglang", "text-generation-launcher", "lmdeploy")
"""Words one of which stands in every command of the table."""
FLAGS = re.compile(
    r"enforce[-_]eager|disable[-_]cuda[-_]graph|no[-_]enable[-_]prefix[-_]caching"
    r"|enable[-_]prefix[-_]caching|disable[-_]radix[-_]cache|eager[-_]mode|--dtype|--quantize"
    r"|--max[-_](?:num[-_]seqs|running[-_]requests|batch[-_]size)"
)
"""What stands in every command that a rule may have something to say of."""
LAUNCH_WORD = re.compile(
    r"^serve$|text-generation-launcher|vllm\.entrypoints|sglang\.launch_server"
    r"|(?:vllm|sglang|lmdeploy)\s+serve"
)
"""A text by which one knows where commands are put together."""


def has_flag(text: str) -> bool:
    """Whether `FLAGS` matches somewhere; quick where it does not."""
    if "--" in text or "eager" in text or "cache" in text or "caching" in text or "cuda" in text:
        return FLAGS.search(text) is not None
    return False


def launches(text: str) -> bool:
    """Whether `LAUNCH_WORD` matches somewhere; quick where it does not."""
    if "serve" in text or "launch" in text or "vllm" in text:
        return LAUNCH_WORD.search(text) is not None
    return False


RUNNERS: Mapping[str, str] = {
    **dict.fromkeys(
        (
            *(f"subprocess.{name}" for name in "run Popen call check_call check_output".split()),
            *(f"subprocess.{name}" for name in "getoutput getstatusoutput".split()),
            *("os.system", "os.popen", "asyncio.create_subprocess_shell"),
            *("pexpect.spawn", "shlex.split", "invoke.run"),
        ),
        "text",
    ),
    **dict.fromkeys(
        (
            "asyncio.create_subprocess_exec",
            *(f"os.{name}" for name in "execl execlp execle execlpe spawnlp".split()),
        ),
        "words",
    ),
}
"""What runs commands: given as one text (or list), or word by word."""


@dataclass(frozen=True, slots=True)
class Launched:
    """An engine that words launch, and the index of the word behind the launch."""

    command: Command
    start: int
    positional: bool


def launched(words: Sequence[str | None]) -> Launched | None:
    """What a command line launches; None for words that are not known."""
    for index, word in enumerate(words):
        if word is None:
            continue
        for command in COMMANDS:
            for launch in command.launches:
                found = words[index : index + len(launch)]
                if len(found) == len(launch) and all(map(_is_word, launch, found)):
                    behind = index + len(launch)
                    return Launched(command, behind, found[-1] in command.positional)
    return None


def _is_word(pattern: str, word: str | None) -> bool:
    if word is None:
        return False
    return re.fullmatch(pattern, word.rsplit("/", 1)[-1]) is not None


_BY_NAME = {command.name: command for command in COMMANDS}


def command_of(name: str) -> Command | None:
    """The engine of a name."""
    return _BY_NAME.get(name)


_UNMISTAKABLE = {
    "vllm": frozenset("--enforce-eager --no-enable-prefix-caching --max-num-seqs".split()),
    "sglang": frozenset("--disable-radix-cache --disable-cuda-graph --mem-fraction-static".split()),
}
"""Flags that no other program has: forks of an engine have them too."""


_UNKNOWN = "\0"


def told(text: str, variable: str = "") -> str | None:
    """A word as far as it tells what is launched; None where it tells nothing.

    ``$DIR/bin/vllm`` is the program at the end of the path, and ``$VLLM_BIN`` what it is named for.
    """
    if _UNKNOWN not in text:
        return text
    last = text.rsplit("/", 1)[-1]
    if _UNKNOWN not in last:
        return last
    words = re.split(r"[\W_]+", variable.lower()) if text == _UNKNOWN else ()
    return next((name for name in ("vllm", "sglang", "lmdeploy") if name in words), None)


def known_by_flags(words: Sequence[str]) -> str:
    """The engine that arguments are for, whatever starts it; empty where they do not tell."""
    if not words or not (words[0].startswith("-") or words[0] == "serve"):
        return ""
    flags = {word.partition("=")[0].replace("_", "-") for word in words}
    return next((name for name, own in _UNMISTAKABLE.items() if not own.isdisjoint(flags)), "")


def started_by_image(image: str) -> Command | None:
    """The engine that a container image starts by itself."""
    for command in COMMANDS:
        if any(re.search(pattern, image) for pattern in command.images):
            return command
    return None


_NOT_CUDA = re.compile(
    r"(?:^|[-_/:.])(cpu|xpu|hpu|gaudi|tpu|neuronx?|arc|ipex|openvino)(?:$|[-_/:.\d])"
)
_DEVICES = {
    "gaudi": "hpu",
    "neuron": "tpu",
    "neuronx": "tpu",
    "arc": "xpu",
    "ipex": "xpu",
    "openvino": "cpu",
}


def device_of_image(image: str) -> str | None:
    """What an image is built for, where that is not a GPU with CUDA or ROCm."""
    found = _NOT_CUDA.search(image.lower())
    return _DEVICES.get(found[1], found[1]) if found is not None else None
