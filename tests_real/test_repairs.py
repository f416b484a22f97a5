"""Repaired code works under the real libraries, and does what the repair promises.

Each repaired file is run whole, under models of the names that it asks for (see `rehearsal`).
"""

from __future__ import annotations

import importlib
import re
import shutil
from pathlib import Path
from typing import Any

import pytest
import torch
import transformers
import yaml
from bitsandbytes.nn import Linear4bit, Linear8bitLt
from cases import FIXTURES, Case, broken, examples, fixtures, repaired_examples, statements
from conftest import Record
from rehearsal import Failure, Load, Rehearsal, rehearse
from tiny import Hub

MAJOR = int(transformers.__version__.split(".")[0])
LEGACY = ("load_in_8bit", "load_in_4bit", "llm_int8_", "bnb_4bit_")
LOADS = re.compile(
    r"from_pretrained\(|Config\(|pipeline\(|load_and_quantize_model\(|Linear8bitLt\("
)
# What only people can repair: the arguments that 5.x refuses, and two switches at once.
FOR_PEOPLE = re.compile(r"# expect: .*ECO107|load_in_8bit=True,\s+load_in_4bit=True")
NO_CARD = ("No GPU found", "Cannot access accelerator device when none is available")
SIXTEEN = (torch.bfloat16, torch.float16)
# Training: the legacy switch is repaired, and the decomposition is kept on purpose.
TRAINS = {"ECO107/bad_training.fixed"}


@pytest.mark.parametrize("case", fixtures(), ids=lambda case: case.name)
def test_repaired_fixture(case: Case, hub: Hub, tmp_path: Path, record: Record) -> None:
    check(case, rehearse(case.after, hub, tmp_path / "run"), record)


def test_repaired_examples(hub: Hub, tmp_path: Path, record: Record) -> None:
    cases = repaired_examples(tmp_path / "examples")
    assert len(cases) >= 8
    for case in cases:
        check(case, rehearse(case.after, hub, tmp_path / case.name), record)


@pytest.mark.parametrize("case", examples(), ids=lambda case: case.name)
def test_what_a_rule_page_says_is_right(
    case: Case, hub: Hub, tmp_path: Path, record: Record
) -> None:
    done = rehearse(case.after, hub, tmp_path / "run")
    assert not failed_loads(case, done)
    assert done.loads
    record.count("examples of the rules' pages that run as they are", 1)


def check(case: Case, done: Rehearsal, record: Record) -> None:
    """What holds for each repaired file."""
    record.count("repaired files run", 1)
    for span in case.repaired:
        assert done.reached & set(span), f"never run: {source(case, span)}"
    record.count("repaired statements run", len(case.repaired))
    assert not failed_loads(case, done)
    no_card = [one for one in done.failures if one.message.startswith(NO_CARD)]
    record.count("loads that the library refuses without a graphics card", len(no_card))
    for line, config in done.configs:
        if in_repair(case, line) and case.name not in TRAINS:
            intended(config)
            record.count("configurations built by a repaired statement, all as intended", 1)
    for _, layer in done.layers:
        assert layer.state.threshold == 0.0
        record.count("8-bit layers built by a repaired statement, all with threshold 0.0", 1)
    for load in done.loads:
        if "ECO107" not in case.remaining:
            assert not [name for name in load.arguments if name.startswith(LEGACY)]
        loaded(case, load, record)
    if "ECO301" in case.codes - case.remaining:
        assert False not in [cached for _, cached in done.caches]
        record.count("generations that keep their cache again", len(done.caches))


def failed_loads(case: Case, done: Rehearsal) -> list[Failure]:
    """Failures of what the repair wrote, and of all that loads or configures."""
    failures = []
    for failure in done.failures:
        text = source(case, span_of(case, failure.line))
        refused = FOR_PEOPLE.search(text) and (
            "ECO107" in case.remaining or "load_in_4bit=True" in text
        )
        no_card = failure.message.startswith(NO_CARD)
        if (in_repair(case, failure.line) or LOADS.search(text)) and not refused and not no_card:
            failures.append(failure)
    return failures


def span_of(case: Case, line: int) -> range:
    return min((s for s in statements(case.after) if line in s), key=len, default=range(0))


def source(case: Case, span: range) -> str:
    return "\n".join(case.after.splitlines()[span.start - 1 : span.stop - 1]) if span else ""


def in_repair(case: Case, line: int) -> bool:
    return any(line in span for span in case.repaired)


def intended(config: Any) -> None:
    """A quantization that is neither slow nor another one than was asked for."""
    assert config.load_in_8bit is not config.load_in_4bit
    if config.load_in_8bit:
        assert isinstance(config.llm_int8_threshold, float)
        assert config.llm_int8_threshold == 0.0
    else:
        assert config.bnb_4bit_compute_dtype in SIXTEEN


def loaded(case: Case, load: Load, record: Record) -> None:
    """The model has what its configuration says, and generates."""
    record.count("models loaded", 1)
    config = getattr(load.model.config, "quantization_config", None)
    eight, four = layers(load.model, Linear8bitLt), layers(load.model, Linear4bit)
    if config is not None and stays_as_it_is(load.model, config):
        record.count("models that the library leaves unquantized", 1)
    elif config is not None and config.load_in_8bit:
        assert eight
        assert {layer.state.threshold for layer in eight} == {config.llm_int8_threshold}
        record.count("8-bit models loaded", 1)
        if config.llm_int8_threshold == 0.0:
            record.count("8-bit models whose layers all have the threshold 0.0", 1)
    elif config is not None:
        assert four
        assert {layer.compute_dtype for layer in four} <= set(SIXTEEN)
        record.count("4-bit models loaded, whose layers all compute in 16 bit", 1)
    elif "ECO303" in case.codes and in_repair(case, load.line):
        assert load.model.dtype is torch.bfloat16
    elif "ECO402" in case.codes and in_repair(case, load.line):
        assert load.model.dtype is torch.float16
    # BLIP-2 starts from a picture.
    if load.model.can_generate() and load.model.config.model_type != "blip-2":
        generate(load.model)
        record.count("models that generate", 1)


def stays_as_it_is(model: Any, config: Any) -> bool:
    """Modules on the CPU where they are to be kept in 32 bit; and Falcon's layers under 5.x.

    These are no plain `nn.Linear`, which is all that 5.x exchanges.
    """
    falcon = MAJOR >= 5 and model.config.model_type == "falcon"
    return falcon or config.llm_int8_enable_fp32_cpu_offload


def layers(model: torch.nn.Module, kind: type) -> list[Any]:
    return [layer for layer in model.modules() if isinstance(layer, kind)]


def generate(model: Any) -> None:
    """Two tokens."""
    with torch.no_grad():
        assert model.generate(torch.tensor([[5, 6, 7]]), max_new_tokens=2).shape[1] >= 1


@pytest.mark.parametrize("case", broken(), ids=lambda case: case.name)
def test_what_is_reported_is_so(case: Case, hub: Hub, tmp_path: Path, record: Record) -> None:
    """The files before their repair: they fail as is said, or load what is said."""
    done = rehearse(case.before, hub, tmp_path / "run")
    code = case.name.split("/")[0]
    errors = {failure.error for failure in done.failures if failure.error != "RuntimeError"}
    refused = MAJOR >= 5 and errors & {"TypeError", "ValueError"}
    models = [load.model for load in done.loads]
    if code in ("ECO105", "ECO110") or (code == "ECO107" and MAJOR >= 5):
        assert errors & {"TypeError", "ValueError", "AttributeError"}
        found = "fails"
    elif case.name in ("ECO107/bad_both", "ECO107/bad_truthy"):
        assert errors & {"TypeError", "ValueError"}
        found = "fails"
    elif code == "ECO107":
        assert done.loads
        found = "still runs"
    elif code == "ECO111":
        assert any(layers(model, Linear4bit) for model in models)
        found = "quantizes to 4 bit"
    elif code == "ECO108":
        settings = [config.bnb_4bit_compute_dtype for _, config in done.configs]
        settings += [layer.compute_dtype for model in models for layer in layers(model, Linear4bit)]
        assert torch.float32 in settings or refused
        found = "computes in float32" if torch.float32 in settings else "fails"
    else:
        thresholds = [config.llm_int8_threshold for _, config in done.configs]
        thresholds += [layer.state.threshold for _, layer in done.layers]
        slow = any(threshold > 0 for threshold in thresholds)
        assert slow or refused
        found = "threshold above zero" if slow else "fails"
    record.count(f"unrepaired files of {code}: {found}", 1)


@pytest.mark.parametrize("path", sorted(FIXTURES.glob("*/bad_hydra.fixed.yaml")), ids=str)
def test_repaired_yaml(path: Path, record: Record) -> None:
    """What Hydra would build of it."""
    document = yaml.safe_load(path.read_text(encoding="utf-8"))
    first = document.get("model", document)["quantization_config"]
    module, _, name = first.pop("_target_").rpartition(".")
    intended(getattr(importlib.import_module(module), name)(**first))
    record.count("configurations built by a repaired statement, all as intended", 1)


@pytest.fixture(autouse=True)
def _tidy(tmp_path: Path) -> Any:
    yield
    shutil.rmtree(tmp_path, ignore_errors=True)
