"""Rules that pair code with the GPU that a project configures."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from conftest import Command

from ecocompute_lint.audit import audit_text
from ecocompute_lint.config import Settings
from ecocompute_lint.findings import Confidence, Finding, FixLevel, Level
from ecocompute_lint.repairs import fix_text

HARDWARE = ("ECO109", "ECO401", "ECO402")
HEAD = "import torch\nfrom transformers import AutoModelForCausalLM, BitsAndBytesConfig\n"
VLLM = "from vllm import LLM\n"


def load(model: str, options: str) -> str:
    """A program that loads a model."""
    return f"{HEAD}model = AutoModelForCausalLM.from_pretrained({model!r}, {options})\n"


def found(
    text: str, gpu: str | None, least: Confidence = Confidence.LIKELY, **settings: int
) -> list[Finding]:
    """What these rules find on a card."""
    chosen = Settings(select=HARDWARE, gpu=gpu, min_confidence=least, root=Path.cwd(), **settings)
    return list(audit_text(text, path="a.py", settings=chosen).findings)


def codes(text: str, gpu: str | None, **settings: int) -> list[str]:
    """The codes that these rules find on a card."""
    return [finding.code for finding in found(text, gpu, **settings)]


# --- memory

SEVEN = "mistralai/Mistral-7B-Instruct-v0.3"
SEVENTY = "meta-llama/Llama-3.1-70B-Instruct"
FLOAT16 = 'torch_dtype=torch.float16, device_map="cuda"'


@pytest.mark.parametrize(
    ("model", "gpu", "expected"),
    [
        (SEVEN, "a800", []),
        (SEVEN, "rtx4090d", []),
        (SEVENTY, "a800", ["ECO401"]),
        (SEVENTY, "h200", []),
        (SEVENTY, "b200", []),
        (SEVENTY, None, []),
        ("our-team/assistant", "t4", []),
    ],
)
def test_what_does_not_fit_a_card(model: str, gpu: str | None, expected: list[str]) -> None:
    assert codes(load(model, FLOAT16), gpu) == expected


def test_the_message_says_how_much_is_needed_and_how_much_is_there() -> None:
    (finding,) = found(load(SEVENTY, FLOAT16), "a800")
    assert (finding.level, finding.confidence) == (Level.RED, Confidence.CERTAIN)
    assert finding.fix is not None
    assert finding.fix.level is FixLevel.MANUAL
    need = re.search(r"needs about (\d+) GB in FP16", finding.message)
    assert need is not None
    assert int(need[1]) > 2 * 70
    assert "A800 SXM4 80GB has 80 GB" in finding.message


def test_automatic_placement_may_see_several_cards() -> None:
    (finding,) = found(load(SEVENTY, 'torch_dtype=torch.float16, device_map="auto"'), "a800")
    assert finding.confidence is Confidence.LIKELY


def test_the_batch_and_the_lengths_that_are_configured_count() -> None:
    text = load(SEVEN, FLOAT16)
    assert codes(text, "rtx4090d", batch_size=1) == []
    assert codes(text, "rtx4090d", batch_size=64, input_tokens=4096) == ["ECO401"]


def test_float32_needs_twice_as_much() -> None:
    text = load(SEVEN, 'torch_dtype=torch.float32, device_map="cuda"')
    (finding,) = found(text, "rtx4090d")
    assert "in FP32" in finding.message


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ("", ["ECO401"]),
        ("tensor_parallel_size=1", ["ECO401"]),
        ("tensor_parallel_size=4", []),
        ("tensor_parallel_size=2, pipeline_parallel_size=2", []),
        ("tensor_parallel_size=torch.cuda.device_count()", []),
        ("tensor_parallel_size=cards", []),
        ("quantization='awq'", []),
        ("cpu_offload_gb=100", []),
        ("**options", []),
    ],
)
def test_cards_of_an_engine(options: str, expected: list[str]) -> None:
    assert codes(f"import torch\n{VLLM}LLM({SEVENTY!r}, {options})\n", "a800") == expected


def test_cards_are_named_in_the_message() -> None:
    text = f'import sglang\nsglang.Engine(model_path="{SEVENTY}", tp_size=2)\n'
    (finding,) = found(text, "rtx4090d")
    assert "has 2 x 24 GB" in finding.message


@pytest.mark.parametrize(
    "options",
    [
        'device_map={"model": 0, "lm_head": "cpu"}',
        'device_map="auto", max_memory={0: "70GiB", 1: "70GiB"}',
        'device_map="auto", offload_folder="offload"',
        'device_map="cpu"',
        "low_cpu_mem_usage=True",
        'tp_plan="auto"',
        'device_map="auto", **options',
    ],
)
def test_placement_that_is_asked_for_is_no_finding(options: str) -> None:
    assert codes(load(SEVENTY, options), "t4") == []


def test_a_model_that_another_default_would_name_is_not_guessed() -> None:
    text = (
        f"{HEAD}def load(name={SEVEN!r}):\n"
        "    return AutoModelForCausalLM.from_pretrained(name, device_map='cuda')\n"
    )
    assert found(text, "a800", Confidence.POSSIBLE) == []


def test_one_finding_per_load() -> None:
    text = (
        f"{HEAD}config = BitsAndBytesConfig(load_in_8bit=True, llm_int8_threshold=0.0)\n"
        f"AutoModelForCausalLM.from_pretrained({SEVENTY!r}, quantization_config=config)\n"
    )
    assert codes(text, "rtx4090d") == ["ECO401"]


# --- number formats


@pytest.mark.parametrize("gpu", ["t4", "v100"])
@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("torch_dtype=torch.bfloat16", "torch_dtype=torch.float16"),
        ("dtype=torch.bfloat16", "dtype=torch.float16"),
        ('dtype="bfloat16"', 'dtype="float16"'),
    ],
)
def test_bfloat16_becomes_float16_where_there_is_none(gpu: str, before: str, after: str) -> None:
    text = load("Qwen/Qwen2.5-1.5B-Instruct", f'{before}, device_map="auto"')
    (finding,) = found(text, gpu)
    assert (finding.code, finding.level) == ("ECO402", Level.YELLOW)
    settings = Settings(select=HARDWARE, gpu=gpu, root=Path.cwd())
    fixed = fix_text(text, path="a.py", settings=settings).text
    assert fixed == text.replace(before, after)
    assert codes(fixed, gpu) == []


@pytest.mark.parametrize("gpu", ["a800", "rtx3090", "rtx4090d", None])
def test_newer_cards_have_bfloat16(gpu: str | None) -> None:
    text = load("Qwen/Qwen2.5-1.5B-Instruct", 'torch_dtype=torch.bfloat16, device_map="auto"')
    assert codes(text, gpu) == []


def test_an_exact_fix_level_leaves_the_type_alone() -> None:
    text = load("Qwen/Qwen2.5-1.5B-Instruct", 'torch_dtype=torch.bfloat16, device_map="auto"')
    settings = Settings(gpu="t4", fix_level=FixLevel.EXACT, root=Path.cwd())
    assert fix_text(text, path="a.py", settings=settings).text == text


def test_a_type_that_an_option_decides_is_not_edited() -> None:
    text = (
        f"{HEAD}def load(dtype=torch.bfloat16):\n"
        "    return AutoModelForCausalLM.from_pretrained('a/b-1b', torch_dtype=dtype,"
        " device_map='cuda')\n"
    )
    (finding,) = found(text, "t4")
    assert finding.fix is not None
    assert (finding.confidence, finding.fix.operations) == (Confidence.LIKELY, ())


def test_one_of_several_types_in_a_table_is_not_sure() -> None:
    text = (
        f"{HEAD}types = {{'a': torch.bfloat16, 'b': torch.float16}}\n"
        "def load(kind):\n"
        "    return AutoModelForCausalLM.from_pretrained('a/b-1b',"
        " torch_dtype=types.get(kind, torch.bfloat16), device_map='cuda')\n"
    )
    assert found(text, "t4") == []


@pytest.mark.parametrize(
    "choice",
    [
        "d = torch.bfloat16 if torch.cuda.is_bf16_supported() else torch.float16",
        "ok = torch.cuda.is_bf16_supported()\nd = torch.bfloat16 if ok else torch.float16",
        "d = torch.float16\nif torch.cuda.get_device_capability()[0] >= 8:\n    d = torch.bfloat16",
        "from transformers.utils import is_torch_bf16_gpu_available as has\n"
        "d = torch.bfloat16 if has() else torch.float16",
    ],
)
def test_code_that_asks_the_gpu_is_left_alone(choice: str) -> None:
    text = (
        f"{HEAD}{choice}\n"
        "AutoModelForCausalLM.from_pretrained('a/b-1b', torch_dtype=d, device_map='cuda')\n"
    )
    assert found(text, "t4") == []


@pytest.mark.parametrize(
    ("gpu", "expected"),
    [("t4", 1), ("a800", 1), ("rtx3090", 1), ("l4", 0), ("h100-sxm", 0), ("rtx5090", 0)],
)
@pytest.mark.parametrize(
    "text",
    [
        f'{VLLM}LLM("org/small-1b", quantization="fp8")\n',
        'import sglang\nsglang.Engine(model_path="org/small-1b", quantization="fp8")\n',
        "from torchao.quantization import Float8WeightOnlyConfig, quantize_\n"
        "quantize_(model, Float8WeightOnlyConfig())\n",
        f"{HEAD}from transformers import FbgemmFp8Config\n"
        "AutoModelForCausalLM.from_pretrained('org/small-1b',"
        " quantization_config=FbgemmFp8Config(), device_map='auto')\n",
    ],
)
def test_fp8_needs_a_card_that_has_it(text: str, gpu: str, expected: int) -> None:
    assert codes(text, gpu) == ["ECO402"] * expected


@pytest.mark.parametrize(
    "options", ["kv_cache_dtype='fp8'", "quantization='awq'", "dtype='auto'", "quantization=None"]
)
def test_other_options_of_an_engine_are_no_fp8_weights(options: str) -> None:
    assert codes(f"{VLLM}LLM('org/small-1b', {options})\n", "t4") == []


# --- quantized without need


def quantized(model: str, options: str) -> str:
    """A program that loads a model quantized by bitsandbytes."""
    return load(model, f"quantization_config=BitsAndBytesConfig({options}), device_map='auto'")


NF4 = "load_in_4bit=True, bnb_4bit_compute_dtype=torch.bfloat16"
PURE = "load_in_8bit=True, llm_int8_threshold=0.0"


@pytest.mark.parametrize(
    ("model", "options", "gpu", "expected"),
    [
        (SEVEN, PURE, "rtx4090d", ["ECO109"]),
        (SEVEN, PURE, None, []),
        ("Qwen/Qwen2.5-14B-Instruct", NF4, "a800", ["ECO109"]),
        (SEVEN, NF4, "a800", []),
        ("Qwen/Qwen2.5-32B-Instruct", NF4, "rtx4090d", []),
        ("org/unknown", NF4, "a800", []),
    ],
)
def test_quantization_that_neither_saves_nor_is_needed(
    model: str, options: str, gpu: str | None, expected: list[str]
) -> None:
    text = quantized(model, options)
    settings = Settings(ignore=("ECO401", "ECO402"), gpu=gpu, root=Path.cwd())
    findings = audit_text(text, path="a.py", settings=settings).findings
    assert [item.code for item in findings] == expected
    for item in findings:
        assert item.level is Level.YELLOW
        assert item.evidence["choices"]


@pytest.mark.parametrize("gpu", ["rtx4090d", "rtx4090", "rtx5090", "a800", "t4", "l4", "rtx3090"])
@pytest.mark.parametrize(
    "options", [NF4, PURE, "load_in_8bit=True", f"{NF4}, bnb_4bit_use_double_quant=True"]
)
@pytest.mark.parametrize(
    "model",
    [
        "TinyLlama/TinyLlama-1.1B-Chat-v1.0",
        "Qwen/Qwen2.5-3B-Instruct",
        SEVEN,
        "Qwen/Qwen2.5-14B-Instruct",
    ],
)
def test_no_deployment_is_told_twice_to_drop_its_quantization(
    model: str, options: str, gpu: str
) -> None:
    rules = ("ECO101", "ECO102", "ECO104", "ECO109")
    settings = Settings(select=rules, gpu=gpu, min_confidence=Confidence.POSSIBLE, root=Path.cwd())
    report = audit_text(quantized(model, options), path="a.py", settings=settings)
    assert len(report.findings) <= 1


# --- through the command


def test_the_gpu_of_the_option_is_a_configured_one(ecolint: Command, tmp_path: Path) -> None:
    # No word but the loader's own: without a GPU there is nothing to look at.
    (tmp_path / "serve.py").write_text(load(SEVENTY, FLOAT16))
    assert ecolint(".").status == 0
    result = ecolint("--gpu", "t4", ".")
    assert result.status == 1
    assert "ECO401" in result.stdout
    (tmp_path / "ecolint.toml").write_text('gpu = "t4"\n')
    assert "ECO401" in ecolint(".").stdout
