"""Models under Transformers: loaded as a recipe says, or made of random weights; and generations.

The only module that needs torch. It imports it when a model is wanted.
"""

from __future__ import annotations

import gc
import importlib
import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from ecocompute_lint.measure.plan import Plan, Subject
from ecocompute_lint.measure.protocol import OutOfMemory, Workload
from ecocompute_lint.measure.recipes import Recipe
from ecocompute_lint.measure.session import LoadError

NEEDED = ("torch", "transformers", "accelerate")
OUTLIER_CHANNELS = 3
OUTLIER_SCALE = 20.0
"""Normalized activations seldom exceed 4; times this, most of those channels exceed bitsandbytes'
threshold of 6."""
_SEED = 0
_MEMORY = ("can't allocate memory", "out of memory", "not enough memory", "cannot allocate memory")


def missing(packages: tuple[str, ...]) -> list[str]:
    """Which of these packages are not installed."""
    return [name for name in packages if find_spec(name) is None]


def versions() -> dict[str, str]:
    """The versions that a row records; empty where there is none."""
    import torch

    found = {"torch": str(torch.__version__), "cuda": str(torch.version.cuda or "")}
    for name in ("transformers", "bitsandbytes", "torchao"):
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            found[name] = ""
    return found


def cuda_missing(index: int) -> str:
    """What keeps torch from the card with this number; nothing where nothing does."""
    import torch

    if torch.version.cuda is None:
        return f"torch {torch.__version__} is a build without CUDA"
    if not torch.cuda.is_available():
        return "torch finds no usable CUDA device"
    count = torch.cuda.device_count()
    return "" if index < count else f"torch finds {count} CUDA devices, not number {index}"


class Models:
    """The model of a plan on one device, loaded one way at a time."""

    def __init__(self, plan: Plan, device: str) -> None:
        """Take the plan; nothing is loaded yet."""
        self._plan = plan
        self._device = device
        self._made: TemporaryDirectory[str] | None = None
        self._model: Any = None
        self._recipe: Recipe | None = None
        _quieten()

    def check(self) -> float:
        """The size in billions of parameters, by the model's structure alone.

        Raises:
            LoadError: if the model is not there, or its context is too short.
        """
        import torch
        from transformers import AutoModelForCausalLM

        config = self._config()
        text = config.get_text_config() if hasattr(config, "get_text_config") else config
        context = getattr(text, "max_position_embeddings", None)
        wanted = self._plan.input_tokens + self._plan.output_tokens
        if context and wanted > context:
            raise LoadError(
                f"its context is {context:,} tokens, and {wanted:,} are asked for "
                "(--input-tokens and --output-tokens)"
            )
        with self._errors(), torch.device("meta"):
            model = AutoModelForCausalLM.from_config(config)
        model.tie_weights()
        return float(sum(item.numel() for item in model.parameters())) / 1e9

    def load(self, recipe: Recipe) -> None:
        """Load the model as the recipe says. Raises `OutOfMemory` or `LoadError`."""
        import torch
        from transformers import AutoModelForCausalLM

        with self._errors():
            self._model = AutoModelForCausalLM.from_pretrained(
                self._weights(),
                device_map={"": self._device},
                **{"dtype": getattr(torch, recipe.dtype)},
                **_quantization(recipe),
            ).eval()
        self._recipe = recipe

    def workload(self, batch_size: int) -> Workload:
        """Generations of so many sequences at a time. Raises `OutOfMemory`."""
        import torch

        assert self._model is not None
        assert self._recipe is not None
        if self._cuda:
            torch.cuda.reset_peak_memory_stats(self._device)
        with self._errors():
            return Generation(
                self._model, self._plan, batch_size, self._device, self._recipe.compiled
            )

    def peak_gb(self) -> float | None:
        """The most GPU memory that tensors took since the workload was made."""
        import torch

        if not self._cuda:
            return None
        return float(torch.cuda.max_memory_allocated(self._device)) / 1e9

    def unload(self) -> None:
        """Give the memory of the model back."""
        import torch

        self._model = None
        gc.collect()
        if self._cuda:
            torch.cuda.empty_cache()

    def close(self) -> None:
        """Remove the random weights, if some were made."""
        self.unload()
        if self._made is not None:
            self._made.cleanup()

    @property
    def _cuda(self) -> bool:
        return self._device.startswith("cuda")

    def _config(self) -> Any:
        from transformers import AutoConfig

        with self._errors():
            return AutoConfig.from_pretrained(self._plan.subject.path)

    def _weights(self) -> str:
        """Where the weights are. Random ones are made once: all precisions have the same."""
        subject = self._plan.subject
        if not subject.random:
            return subject.path
        if self._made is None:
            made = TemporaryDirectory(prefix="ecolint-weights-")
            try:
                _make(self._config(), subject, self._device, made.name)
            except BaseException:
                made.cleanup()
                raise
            self._made = made
        return self._made.name

    @contextmanager
    def _errors(self) -> Iterator[None]:
        try:
            yield
        except Exception as error:
            raise _translated(error) from None


def _translated(error: Exception) -> Exception:
    """An error of the libraries as ours, on one line."""
    if isinstance(error, (OutOfMemory, LoadError)):
        return error
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    said = lines[0] if lines else type(error).__name__
    full = str(error).lower()
    if isinstance(error, MemoryError) or any(mark in full for mark in _MEMORY):
        return OutOfMemory(said[:200])
    return LoadError(f"{type(error).__name__}: {said[:300]}")


def _quantization(recipe: Recipe) -> dict[str, Any]:
    import torch

    if recipe.bitsandbytes:
        from transformers import BitsAndBytesConfig

        options = {
            name: getattr(torch, str(value)) if name.endswith("dtype") else value
            for name, value in recipe.bitsandbytes
        }
        return {"quantization_config": BitsAndBytesConfig(**options)}
    if recipe.torchao:
        from transformers import TorchAoConfig

        made = getattr(importlib.import_module("torchao.quantization"), recipe.torchao)
        return {"quantization_config": TorchAoConfig(made())}
    return {}


# --- random weights -------------------------------------------------------------------------------


def _make(config: Any, subject: Subject, device: str, folder: str) -> None:
    """Weights of the configuration's structure in `folder`, the same at every call."""
    import torch
    from transformers import AutoModelForCausalLM

    torch.manual_seed(_SEED)
    if hasattr(config, "quantization_config"):
        del config.quantization_config
    with torch.device(device):
        model = AutoModelForCausalLM.from_config(config, dtype=torch.float16)
    if subject.outliers:
        scale_norms(model)
    model.save_pretrained(Path(folder))


def scale_norms(model: Any) -> int:
    """Scale a few channels of each norm before a linear layer; the number of norms.

    Trained models have such channels; random ones do not, and then INT8 with its default threshold
    finds no outliers to take apart.
    """
    import torch

    found = 0
    with torch.no_grad():
        for name, weight in model.named_parameters():
            if weight.dim() == 1 and name.endswith("weight") and "norm" in name.lower():
                weight[: min(OUTLIER_CHANNELS, len(weight))] *= OUTLIER_SCALE
                found += 1
    return found


# --- generations ----------------------------------------------------------------------------------


class Generation:
    """Greedy generation of a fixed length from the same random prompts, again and again."""

    def __init__(
        self, model: Any, plan: Plan, batch_size: int, device: str, compiled: bool
    ) -> None:
        """Make the prompts on the device."""
        import torch

        self._model = model
        self._cuda = device.startswith("cuda")
        self._tokens = plan.output_tokens
        config = model.config.get_text_config()
        numbers = torch.Generator(device="cpu").manual_seed(_SEED)
        shape = (batch_size, plan.input_tokens)
        prompts = torch.randint(0, config.vocab_size, shape, generator=numbers)
        self._prompts = prompts.to(device)
        self._options: dict[str, Any] = {
            "max_new_tokens": plan.output_tokens,
            "min_new_tokens": plan.output_tokens,
            "do_sample": False,
            "num_beams": 1,
            "use_cache": True,
            "pad_token_id": 0,
        }
        if compiled:
            self._options["cache_implementation"] = "static"  # decoding is compiled with it
        else:
            self._options["disable_compile"] = True

    def generate(self) -> int:
        """Generate, and wait for the end; the number of tokens."""
        import torch

        try:
            with torch.inference_mode():
                found = self._model.generate(
                    input_ids=self._prompts,
                    attention_mask=torch.ones_like(self._prompts),
                    **self._options,
                )
            if self._cuda:
                torch.cuda.synchronize(self._prompts.device)
        except Exception as error:
            raise _translated(error) from None
        length = found.shape[1] - self._prompts.shape[1]
        if length != self._tokens:
            raise LoadError(f"it generated {length} tokens, not {self._tokens}")
        return int(found.shape[0]) * int(length)


def _quieten() -> None:
    """Let the libraries' own words not stand between ours."""
    from transformers.utils import logging as theirs

    theirs.set_verbosity_error()
    theirs.disable_progress_bar()
    logging.getLogger("torchao").setLevel(logging.ERROR)
    warnings.filterwarnings("ignore")
