"""What is to be measured, in which order, and how much memory each configuration needs."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from ecocompute_lint.errors import ConfigError, shown
from ecocompute_lint.frozen import dataclass
from ecocompute_lint.knowledge.energy import Setup
from ecocompute_lint.knowledge.hardware import Gpu
from ecocompute_lint.knowledge.memory import Memory, memory
from ecocompute_lint.knowledge.models import ModelSize, published, resolve
from ecocompute_lint.knowledge.precisions import BASELINE
from ecocompute_lint.measure.recipes import Recipe

SMALLEST_B = 0.001
"""Billions of parameters below which a row holds no model."""
_HUB = re.compile(r"[\w.-]+/[\w.-]+")


@dataclass(frozen=True, slots=True)
class Subject:
    """The model: how rows call it, and where it comes from.

    `path` is what Transformers loads; with `random` it is a configuration, and weights are made.
    """

    name: str
    hf_id: str
    path: str
    random: bool
    outliers: bool
    size: ModelSize

    @property
    def weights(self) -> str:
        """As a note says it."""
        if not self.random:
            return "loaded"
        return "random, some norm channels scaled" if self.outliers else "random"


@dataclass(frozen=True, slots=True)
class Configuration:
    """One row to come. `memory` is None where the size of the model is not known."""

    recipe: Recipe
    batch_size: int
    memory: Memory | None

    @property
    def title(self) -> str:
        """As messages call it."""
        return f"{self.recipe.name}, batch {self.batch_size}"


@dataclass(frozen=True, slots=True)
class Plan:
    """All that is to be measured on one card, FP16 first, small batches before large ones."""

    gpu: Gpu
    subject: Subject
    input_tokens: int
    output_tokens: int
    runs: int
    configurations: tuple[Configuration, ...]


def plan(
    gpu: Gpu,
    subject: Subject,
    recipes: Iterable[Recipe],
    batch_sizes: Iterable[int],
    input_tokens: int,
    output_tokens: int,
    runs: int,
) -> Plan:
    """Order the configurations, and reckon their memory."""
    first = sorted(dict.fromkeys(recipes), key=lambda recipe: recipe.name != BASELINE)
    batches = sorted(set(batch_sizes))
    found = tuple(
        Configuration(
            recipe,
            batch,
            memory(Setup(gpu, subject.size, recipe.precision, batch, input_tokens, output_tokens)),
        )
        for recipe in first
        for batch in batches
    )
    return Plan(gpu, subject, input_tokens, output_tokens, runs, found)


# --- the model ------------------------------------------------------------------------------------


def subject(model: str | None, random: str | None, outliers: bool) -> Subject:
    """The model that ``--model`` and ``--random-weights`` mean.

    Raises:
        ConfigError: if there is none, or none that a row can hold.
    """
    if random is None:
        if model is None:
            raise ConfigError("name a model with --model, or a configuration with --random-weights")
        if outliers:
            raise ConfigError("--outliers goes with --random-weights only")
        found = _named(model, model, False, resolve(model))
    else:
        config = _config_file(random)
        size = _size(config)
        found = _named(model or _own_name(config), os_path(config), True, size, outliers)
    total = found.size.params_total_b
    told = published(found.hf_id).params_total_b if random is not None and found.hf_id else None
    if total and told and not told / 2 <= total <= told * 2:
        raise ConfigError(
            f"--random-weights {random}: {total:.3g} billion parameters, but {found.hf_id} has "
            f"{told:.3g}"
        )
    if total is not None and total < SMALLEST_B:
        raise ConfigError(
            f"{found.name} has {total * 1e9:,.0f} parameters; rows hold models of "
            f"{SMALLEST_B * 1e9:,.0f} or more"
        )
    return found


def os_path(config: Path) -> str:
    """What Transformers takes: the folder of a ``config.json``, else the file."""
    return str(config.parent if config.name == "config.json" else config)


def _named(name: str, path: str, random: bool, size: ModelSize, outliers: bool = False) -> Subject:
    folder = Path(name)
    if folder.exists():
        return Subject(folder.resolve().name, "", path, random, outliers, size)
    if not _HUB.fullmatch(name) and not random:
        raise ConfigError(f"--model {name}: neither a name on the hub (owner/name) nor a folder")
    hub = name if _HUB.fullmatch(name) else ""
    return Subject(name.rpartition("/")[2], hub, path, random, outliers, size)


def _config_file(text: str) -> Path:
    path = Path(text)
    path = path / "config.json" if path.is_dir() else path
    if not path.is_file():
        raise ConfigError(f"--random-weights {text}: no such file, and no folder with config.json")
    return path


def _own_name(config: Path) -> str:
    """A name from the configuration, else from where it lies."""
    name = _read(config).get("_name_or_path")
    if isinstance(name, str) and _HUB.fullmatch(name):
        return name
    full = config.resolve()
    return full.parent.name if config.name == "config.json" else full.stem


def _size(config: Path) -> ModelSize:
    """The size as the configuration says it, whatever weights lie beside it."""
    import tempfile

    text = json.dumps(_read(config))
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "config.json").write_text(text, encoding="utf-8")
        return replace(resolve(folder), name=str(config))


def _read(config: Path) -> dict[str, Any]:
    try:
        found = json.loads(config.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ConfigError(f"--random-weights {shown(config)}: {error}") from None
    if not isinstance(found, dict) or "model_type" not in found:
        raise ConfigError(f"--random-weights {shown(config)}: no configuration with a model_type")
    return found


def batch_sizes(text: str) -> tuple[int, ...]:
    """``1,8,32`` as numbers.

    Raises:
        ConfigError: if it is something else.
    """
    parts = [part.strip() for part in text.split(",") if part.strip()]
    if not parts or not all(part.isdecimal() and 1 <= int(part) <= 100_000 for part in parts):
        raise ConfigError(f"--batch-sizes: expected whole numbers such as 1,8,32, got {text!r}")
    return tuple(int(part) for part in parts)


def without_gpu(recipes: Sequence[Recipe]) -> None:
    """Complain where one of these cannot run without a GPU.

    Raises:
        ConfigError: naming them.
    """
    names = [recipe.name for recipe in recipes if not recipe.on_cpu]
    if names:
        raise ConfigError(
            f"{', '.join(names)} (--precisions): needs a GPU, and --power-trace runs on the CPU"
        )
