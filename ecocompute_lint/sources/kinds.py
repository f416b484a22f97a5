"""The kinds of files that are read: by their names, and what reads them.

`kind_of` looks at a name only and is asked of every file there is. `may_matter` looks at the bytes
for words without which a file of that kind has nothing to say. Readers are imported when one is
first needed.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Callable, Mapping
from functools import lru_cache
from importlib import import_module

from ecocompute_lint.knowledge.commands import PROGRAMS
from ecocompute_lint.sources.documents import Document

PYTHON = "python"
NOTEBOOK = "notebook"
SHELL = "shell"
YAML = "yaml"
KINDS = "Python, notebooks, shell, containers, manifests and requirements"
"""What is read, in words."""

Reader = Callable[[str, str], Document]

_NAMES: Mapping[str, str] = {
    "makefile": "make",
    "gnumakefile": "make",
    "justfile": "just",
    "procfile": "procfile",
    "pipfile": "pipfile",
    "pyproject.toml": "pyproject",
    "setup.cfg": "setup-cfg",
    "config.json": "model-config",
    "model.json": "model-config",
    "config.pbtxt": "triton",
    "cmd_flags.txt": "webui-flags",
    "serving.properties": "properties",
    "uv.lock": "lock",
    "poetry.lock": "lock",
    "pdm.lock": "lock",
    "pipfile.lock": "lock",
    "pixi.lock": "lock",
    "conda-lock.yml": "lock",
    "pylock.toml": "lock",
}
_ENDINGS: Mapping[str, str] = {
    ".py": PYTHON,
    ".pyw": PYTHON,
    ".ipynb": NOTEBOOK,
    ".yaml": YAML,
    ".yml": YAML,
    ".sh": "shell",
    ".bash": "shell",
    ".zsh": "shell",
    ".ksh": "shell",
    ".slurm": "shell",
    ".sbatch": "shell",
    ".dockerfile": "dockerfile",
    ".containerfile": "dockerfile",
    ".mk": "make",
    ".service": "systemd",
    ".cmd": "batch",
    ".bat": "batch",
}
_PATTERNS: tuple[tuple[re.Pattern[str], str], ...] = (
    (re.compile(r"(?:.+[._-])?(?:docker|container)file(?:[._-].+)?"), "dockerfile"),
    (re.compile(r"makefile\..+"), "make"),
    (re.compile(r"(?:[\w.-]*[-_.])?requirements?(?:[-_.][\w.-]*)?\.(?:txt|in)"), "requirements"),
    (re.compile(r"(?:[\w.-]*[-_.])?constraints?(?:[-_.][\w.-]*)?\.(?:txt|in)"), "requirements"),
    (re.compile(r"(?:[\w.-]*[-_.])?environment(?:[-_.][\w.-]*)?\.ya?ml"), "conda"),
)
"""Patterns of names come before endings."""
_IN_PATTERNS = ("file", "requirement", "constraint", "environment")
"""One of these is in every name that a pattern matches."""
_FOLDERS: tuple[tuple[re.Pattern[str], str], ...] = (
    (re.compile(r"(?:^|/)(?:requirements|constraints)/[^/]+\.(?:txt|in)$"), "requirements"),
)

READERS: Mapping[str, tuple[str, str]] = {
    YAML: ("manifests", "read"),
    "model-config": ("model_config", "read"),
    "triton": ("model_config", "pbtxt"),
    "webui-flags": ("properties", "flags"),
    "properties": ("properties", "read"),
    "shell": ("shell", "read"),
    "dockerfile": ("dockerfiles", "read"),
    "make": ("makefiles", "read"),
    "just": ("makefiles", "read_just"),
    "procfile": ("units", "read_procfile"),
    "systemd": ("units", "read"),
    "batch": ("batch", "read"),
    "requirements": ("packages", "read"),
    "pyproject": ("packages", "read"),
    "setup-cfg": ("packages", "read"),
    "pipfile": ("packages", "read"),
    "conda": ("packages", "read"),
    "lock": ("packages", "read"),
}
"""The module under `sources` and the function in it that reads a kind."""

_ENGINES = (
    *PROGRAMS,
    "llama-server",
    "llama_cpp.server",
    "llama.cpp",
    "text-generation-inference",
    "djl",
    "serving.properties",
)
_IMAGES = ("tgi", "openmmlab", "lmsysorg", "huggingface-pytorch")
_LOADING = (
    "bnb.int8",
    "bnb-8bit",
    "load_in_8bit",
    "load_in_4bit",
    "load-in-8bit",
    "load-in-4bit",
    "BitsAndBytesConfig",
)
_INSTALLS = (".dev", "nightly", "--pre", "prerelease", "git+")
_NEEDLES: Mapping[str, tuple[str, ...]] = {
    "model-config": (
        "quantization_config",
        "enforce_eager",
        "gpu_memory_utilization",
        "max_num_seqs",
        "tensor_parallel_size",
    ),
    "triton": ("max_batch_size",),
    "webui-flags": _LOADING,
    "properties": ("option.",),
}
_USUAL = (*_ENGINES, *_IMAGES, *_LOADING, *_INSTALLS, "modelFormat")
_ENGINE_FILE = ("enforce-eager", "enforce_eager", "enable-prefix-caching", "enable_prefix_caching")
_ENGINE_OPTIONS = ("max-num-seqs", "max_num_seqs", "disable-radix-cache", "disable-cuda-graph")
gated = True
"""Whether files are passed over that cannot matter; see `prefilter.without_gates`."""


def kind_of(name: str) -> str | None:
    """The kind of a file by its name or path; None for one that is not read."""
    path = name.replace("\\", "/").lower()
    base = path.rsplit("/", 1)[-1]
    if base in _NAMES:
        return _NAMES[base]
    if any(word in base for word in _IN_PATTERNS):
        for pattern, kind in _PATTERNS:
            if pattern.fullmatch(base):
                return kind
    dot = base.rfind(".")
    if dot >= 0 and base[dot:] in _ENDINGS:
        return _ENDINGS[base[dot:]]
    return next((kind for pattern, kind in _FOLDERS if pattern.search(path)), None)


def may_matter(kind: str, data: bytes) -> bool:
    """Whether any word that a file of a kind must hold to say something is in its bytes."""
    if not gated:
        return True
    if data[:2] in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE):
        data = data.decode("utf-16", "replace").encode("utf-8", "replace")
    lower = data.lower()
    if any(map(lower.__contains__, _words_of(kind))):
        return True
    return kind == YAML and any(map(lower.translate(None, b"-_").__contains__, _engine_keys()))


@lru_cache(maxsize=32)
def _words_of(kind: str) -> tuple[bytes, ...]:
    words = _NEEDLES.get(kind, (*_USUAL, *_ENGINE_FILE, *_ENGINE_OPTIONS))
    return tuple(word.lower().encode() for word in words)


@lru_cache(maxsize=1)
def _engine_keys() -> tuple[bytes, ...]:
    """The keys by which an engine's own file is known, without what separates their words."""
    from ecocompute_lint.knowledge.manifests import SGLANG_KEYS, VLLM_KEYS

    return tuple(key.replace("-", "").encode() for key in sorted(VLLM_KEYS | SGLANG_KEYS))


def read(kind: str, text: str, path: str) -> Document:
    """What a text of a kind says. Raises Unreadable."""
    return reader_of(kind)(text, path)


def reader_of(kind: str) -> Reader:
    """What reads files of a kind."""
    module, function = READERS[kind]
    found: Reader = getattr(import_module(f"ecocompute_lint.sources.{module}"), function)
    return found
