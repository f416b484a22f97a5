"""How the libraries take each way to write a quantized load: what the rules rest on.

A tiny Llama, stored in bfloat16, on the CPU. Each row says what 4.57 and what 5.x make of a call.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
import transformers
from bitsandbytes.nn import Linear4bit, Linear8bitLt
from conftest import Record
from test_repairs import MAJOR, generate, layers
from tiny import Hub
from transformers import AutoModelForCausalLM, BitsAndBytesConfig, pipeline

NAME = "tiny/llama"
BF16 = torch.bfloat16


def config(**options: Any) -> Any:
    return load(quantization_config=BitsAndBytesConfig(**options))


def load(**options: Any) -> Any:
    return AutoModelForCausalLM.from_pretrained(NAME, **options)


def piped(**options: Any) -> Any:
    return pipeline("text-generation", NAME, model_kwargs=options).model


Call = Callable[[], Any]
NO_THRESHOLD = "8 bit, threshold 0.0 in every layer, generates"
SIX = "8 bit, threshold 6.0 in every layer, generates"
FOUR_32 = "4 bit, computes in float32, generates"
FOUR_16 = "4 bit, computes in bfloat16, generates"
REFUSED = "TypeError"

# What is written; the call; what it does under 4.57; what under 5.x, where that differs.
CALLS: list[tuple[str, Call, str, str]] = [
    ("load_in_8bit=True", lambda: load(load_in_8bit=True), SIX, REFUSED),
    (
        "load_in_8bit=True, llm_int8_threshold=0.0",
        lambda: load(load_in_8bit=True, llm_int8_threshold=0.0),
        NO_THRESHOLD,
        REFUSED,
    ),
    ("load_in_4bit=True", lambda: load(load_in_4bit=True), FOUR_32, REFUSED),
    (
        "load_in_8bit=True, quantization_config=BitsAndBytesConfig(load_in_8bit=True)",
        lambda: load(load_in_8bit=True, quantization_config=BitsAndBytesConfig(load_in_8bit=True)),
        "ValueError",
        REFUSED,
    ),
    (
        'pipeline(…, model_kwargs={"load_in_8bit": True})',
        lambda: piped(load_in_8bit=True),
        SIX,
        "ValueError",
    ),
    ("BitsAndBytesConfig(load_in_8bit=True)", lambda: config(load_in_8bit=True), SIX, ""),
    (
        "BitsAndBytesConfig(load_in_8bit=True, llm_int8_threshold=0.0)",
        lambda: config(load_in_8bit=True, llm_int8_threshold=0.0),
        NO_THRESHOLD,
        "",
    ),
    (
        "BitsAndBytesConfig(load_in_8bit=True, llm_int8_threshold=0)",
        lambda: config(load_in_8bit=True, llm_int8_threshold=0),
        "TypeError",
        "",
    ),
    (
        "BitsAndBytesConfig(load_in_8bit=True, bnb_8bit_compute_dtype=torch.float16)",
        lambda: config(load_in_8bit=True, bnb_8bit_compute_dtype=torch.float16),
        SIX,
        "",
    ),
    (
        "BitsAndBytesConfig(load_in_8bit=True, load_in_4bit=True)",
        lambda: config(load_in_8bit=True, load_in_4bit=True),
        "ValueError",
        "",
    ),
    (
        'quantization_config={"load_in_8bit": True}',
        lambda: load(quantization_config={"load_in_8bit": True}),
        SIX,
        "",
    ),
    (
        'quantization_config={"load_in_8bit": True, "llm_int8_threshold": 0.0}',
        lambda: load(quantization_config={"load_in_8bit": True, "llm_int8_threshold": 0.0}),
        NO_THRESHOLD,
        "",
    ),
    (
        'pipeline(…, model_kwargs={"quantization_config": BitsAndBytesConfig(load_in_8bit=True, '
        "llm_int8_threshold=0.0)})",
        lambda: piped(
            quantization_config=BitsAndBytesConfig(load_in_8bit=True, llm_int8_threshold=0.0)
        ),
        NO_THRESHOLD,
        "",
    ),
    (
        "BitsAndBytesConfig(load_in_4bit=True)",
        lambda: config(load_in_4bit=True),
        FOUR_32,
        "",
    ),
    (
        "BitsAndBytesConfig(load_in_4bit=True, bnb_4bit_compute_dtype=torch.bfloat16)",
        lambda: config(load_in_4bit=True, bnb_4bit_compute_dtype=BF16),
        FOUR_16,
        "",
    ),
    (
        'BitsAndBytesConfig(load_in_4bit=True, bnb_4bit_compute_dtype="bfloat16")',
        lambda: config(load_in_4bit=True, bnb_4bit_compute_dtype="bfloat16"),
        FOUR_16,
        "",
    ),
    (
        'BitsAndBytesConfig(load_in_4bit=True, bnb_4bit_compute_dtype="torch.bfloat16")',
        lambda: config(load_in_4bit=True, bnb_4bit_compute_dtype="torch.bfloat16"),
        "AttributeError",
        "",
    ),
    ("BitsAndBytesConfig()", lambda: config(), FOUR_32, ""),
    ("BitsAndBytesConfig(load_in_8bit=False)", lambda: config(load_in_8bit=False), FOUR_32, ""),
    (
        'BitsAndBytesConfig(bnb_4bit_quant_type="nf4")',
        lambda: config(bnb_4bit_quant_type="nf4"),
        FOUR_32,
        "",
    ),
    (
        'quantization_config={"bnb_4bit_quant_type": "nf4"}',
        lambda: load(quantization_config={"bnb_4bit_quant_type": "nf4"}),
        "ValueError",
        "",
    ),
    ("no options", lambda: load(), "float32, generates", "bfloat16, generates"),
    ('torch_dtype="auto"', lambda: load(torch_dtype="auto"), "bfloat16, generates", ""),
    ('dtype="auto"', lambda: load(dtype="auto"), "bfloat16, generates", ""),
    (
        "torch_dtype=torch.float16",
        lambda: load(torch_dtype=torch.float16),
        "float16, generates",
        "",
    ),
    (
        'device_map="auto", torch_dtype="auto"',
        lambda: load(device_map="auto", torch_dtype="auto"),
        "bfloat16, generates",
        "",
    ),
]


def outcome(call: Call) -> str:
    """What came of a call, in words."""
    try:
        model = call()
    except Exception as error:
        return type(error).__name__
    # Only a step settles the type that 4-bit layers compute in.
    generate(model)
    eight, four = layers(model, Linear8bitLt), layers(model, Linear4bit)
    if eight:
        (threshold,) = {layer.state.threshold for layer in eight}
        return f"8 bit, threshold {threshold} in every layer, generates"
    if four:
        (kind,) = {layer.compute_dtype for layer in four}
        return f"4 bit, computes in {str(kind).removeprefix('torch.')}, generates"
    return f"{str(model.dtype).removeprefix('torch.')}, generates"


@pytest.mark.parametrize(("written", "call", "four", "five"), CALLS, ids=[row[0] for row in CALLS])
def test_call(written: str, call: Call, four: str, five: str, hub: Hub, record: Record) -> None:
    found = outcome(call)
    record.call(written, found)
    assert found == (five or four if MAJOR >= 5 else four)


def test_the_refusal_names_the_argument(hub: Hub) -> None:
    """What a user of 5.x sees who has the legacy switch still."""
    if MAJOR >= 5:
        with pytest.raises(TypeError, match="unexpected keyword argument 'load_in_8bit'"):
            load(load_in_8bit=True)
    else:
        assert load(load_in_8bit=True).is_loaded_in_8bit


@pytest.mark.parametrize("kind", ["llama", "qwen2", "gpt2", "opt"])
@pytest.mark.parametrize(
    "options",
    [
        {"load_in_8bit": True, "llm_int8_threshold": 0.0},
        {"load_in_4bit": True, "bnb_4bit_quant_type": "nf4", "bnb_4bit_compute_dtype": BF16},
    ],
    ids=["8 bit", "4 bit"],
)
def test_repaired_configuration_generates(
    kind: str, options: dict[str, Any], hub: Hub, record: Record
) -> None:
    """The configurations that repairs write, on models of four architectures."""
    model = AutoModelForCausalLM.from_pretrained(
        hub.model(kind), quantization_config=BitsAndBytesConfig(**options), torch_dtype=BF16
    )
    assert layers(model, Linear8bitLt if "load_in_8bit" in options else Linear4bit)
    generate(model)
    record.count(
        "loads with a configuration that repairs write, on four architectures, that generate", 1
    )


def test_versions_are_those_that_the_table_is_about() -> None:
    assert transformers.__version__.startswith(("4.57", "5."))
