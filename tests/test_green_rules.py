"""Good choices: counted, listed where asked for, and never in the way of anything."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from conftest import SCRIPTS, Command, Result, execute
from own_rows import ROW, text_of

from ecocompute_lint.audit import audit_text
from ecocompute_lint.config import Settings
from ecocompute_lint.findings import Finding, Level
from ecocompute_lint.repairs import fix_text

Write = Callable[[str, str], Path]
HEAD = "import torch\nfrom transformers import AutoModelForCausalLM, BitsAndBytesConfig\n"
NF4 = (
    HEAD
    + """config = BitsAndBytesConfig(
    load_in_4bit=True, bnb_4bit_quant_type="nf4", bnb_4bit_compute_dtype=torch.bfloat16
)
model = AutoModelForCausalLM.from_pretrained(
    "mistralai/Mistral-7B-Instruct-v0.3", quantization_config=config, device_map="auto"
)
"""
)
INT8 = (
    HEAD
    + """config = BitsAndBytesConfig(load_in_8bit=True, llm_int8_threshold=0.0)
model = AutoModelForCausalLM.from_pretrained(
    "mistralai/Mistral-7B-Instruct-v0.3", quantization_config=config, device_map="auto"
)
"""
)
ENGINE = 'from vllm import LLM\nllm = LLM(model="Qwen/Qwen2.5-7B-Instruct")\n'
TRAP = (
    HEAD + "bad = AutoModelForCausalLM.from_pretrained(\n"
    '    "mistralai/Mistral-7B-Instruct-v0.3",\n'
    "    quantization_config=BitsAndBytesConfig(load_in_8bit=True),\n)\n"
)


def greens(text: str, **settings: Any) -> list[Finding]:
    """The good choices in a text."""
    report = audit_text(text, path="a.py", settings=Settings(root=Path.cwd(), **settings))
    return [finding for finding in report.findings if finding.level is Level.GREEN]


def codes(text: str, **settings: Any) -> list[str]:
    """Their codes."""
    return [finding.code for finding in greens(text, **settings)]


# -- what people see


def test_they_are_counted_in_the_summary_and_fail_nothing(ecolint: Command, write: Write) -> None:
    write("a.py", NF4)
    write("b.py", ENGINE)
    result = ecolint(".", "--fail-on", "yellow")
    assert result.status == 0
    assert "ECO9" not in result.stdout
    counts = "no findings in 2 files · 2 examined, 0 skipped"
    assert result.stdout.startswith(f"{counts} · 2 good choices (--show-good) · ")


def test_they_are_listed_when_asked_for(ecolint: Command, write: Write) -> None:
    write("a.py", NF4)
    result = ecolint("a.py", "--show-good", "--fail-on", "yellow")
    assert result.status == 0
    assert "a.py:6:9  ECO902  GREEN  nf4-above-crossover" in result.stdout
    assert "less energy than FP16 on the NVIDIA GeForce RTX 4090 D (measured)" in result.stdout
    assert "by hand" not in result.stdout
    assert "no findings in 1 file · 1 examined, 0 skipped · 1 good choice · " in result.stdout


def test_the_setting_lists_them_too(ecolint: Command, write: Write) -> None:
    write("ecolint.toml", "show-good = true\n")
    write("a.py", NF4)
    assert "ECO902" in ecolint("a.py").stdout
    assert "ECO902" in ecolint("a.py", "--quiet").stdout
    assert "ECO902" in ecolint("a.py", "--statistics").stdout


def test_a_full_report_lists_them_always(ecolint: Command, write: Write) -> None:
    write("a.py", NF4)
    report = ecolint("a.py", "--format", "json").json
    (finding,) = report["findings"]
    assert (finding["code"], finding["level"], finding["fix"]) == ("ECO902", "green", None)
    assert finding["cost"] is None
    assert finding["evidence"]["best"] == "nf4"
    assert finding["evidence"]["waste_pct"]["value"] < 0
    summary = report["summary"]
    assert (summary["findings"], summary["green"], summary["cost"]) == (0, 1, None)
    assert summary["by_code"] == {"ECO902": 1}


def test_they_add_nothing_to_what_deployments_waste(ecolint: Command, write: Write) -> None:
    write("bad.py", TRAP)
    alone = ecolint(".", "--format", "json").json["summary"]["cost"]
    write("good.py", NF4)
    both = ecolint(".", "--format", "json", "--show-good").json["summary"]["cost"]
    assert alone == both


def test_a_repair_says_nothing_of_them(ecolint: Command, write: Write) -> None:
    write("a.py", NF4 + TRAP.removeprefix(HEAD))
    result = ecolint("--fix", "a.py")
    assert "ECO101" in result.stdout
    assert "ECO902" not in result.stdout


def test_a_repair_may_lead_to_one() -> None:
    spoilt = NF4.replace(", bnb_4bit_compute_dtype=torch.bfloat16", "")
    settings = Settings(root=Path.cwd())
    outcome = fix_text(spoilt, path="a.py", settings=settings)
    assert [finding.code for finding in outcome.fixed] == ["ECO108"]
    assert [finding.code for finding in outcome.left] == ["ECO902"]


def test_they_can_be_silenced_and_ignored(ecolint: Command, write: Write) -> None:
    write("a.py", ENGINE.replace("instruct", "Instruct"))
    assert "good choice" not in ecolint("a.py", "--ignore", "ECO9").stdout
    write("a.py", ENGINE.rstrip() + "  # noqa: ECO904\n")
    assert "good choice" not in ecolint("a.py").stdout


def flake8(directory: Path) -> Result:
    """The plugin's output on a file."""
    return execute([SCRIPTS / "flake8", "--isolated", "--select", "ECO", "a.py"], directory)


def test_flake8_lists_them_only_where_the_settings_say_so(tmp_path: Path, write: Write) -> None:
    write("a.py", NF4)
    assert flake8(tmp_path).stdout == ""
    write("ecolint.toml", "show-good = true\n")
    assert "ECO902" in flake8(tmp_path).stdout


def test_the_page_of_a_rule(ecolint: Command) -> None:
    shown = ecolint("rule", "ECO902").stdout
    assert "GREEN  nf4-above-crossover" in shown
    assert "Repair" not in shown
    assert ecolint("rule", "ECO902", "--format", "json").json["fix"] is None


# -- what the data say


def test_int8_is_praised_nowhere_by_the_bundled_data() -> None:
    for gpu in ("rtx4090d", "rtx4090", "rtx5090", "a800", "a100-80", "h100-sxm", "t4", "l4"):
        assert codes(INT8, gpu=gpu) == []


def test_int8_is_praised_where_rows_of_the_project_show_that_it_saves(tmp_path: Path) -> None:
    own = tmp_path / "own.csv"
    rows = (
        {**ROW, "precision": "fp16", "power_w": "120", "energy_j_per_1k_tok": "6000"},
        {**ROW, "precision": "int8_pure", "power_w": "60", "energy_j_per_1k_tok": "3000"},
    )
    own.write_text(text_of(*rows))
    (finding,) = greens(INT8, gpu="rtx4090d", data=(own,))
    assert finding.code == "ECO901"
    assert "less energy than FP16" in finding.message


@pytest.mark.parametrize(
    ("gpu", "model", "expected"),
    [
        ("rtx4090d", "mistralai/Mistral-7B-Instruct-v0.3", ["ECO902"]),
        ("rtx5090", "Qwen/Qwen2.5-7B-Instruct", ["ECO902"]),
        ("t4", "Qwen/Qwen2.5-7B-Instruct", ["ECO902"]),
        # break-even, within what measurements tell apart
        ("a800", "mistralai/Mistral-7B-Instruct-v0.3", []),
        ("rtx5090", "Qwen/Qwen2.5-1.5B-Instruct", []),
        # nobody measured it near enough
        ("h100-sxm", "mistralai/Mistral-7B-Instruct-v0.3", []),
        ("rtx4090d", "Qwen/Qwen2.5-14B-Instruct", []),
        # below the crossover
        ("rtx4090d", "Qwen/Qwen2.5-3B-Instruct", []),
    ],
)
def test_nf4_is_praised_where_it_surely_saves(gpu: str, model: str, expected: list[str]) -> None:
    text = NF4.replace("mistralai/Mistral-7B-Instruct-v0.3", model)
    assert codes(text, gpu=gpu) == expected


@pytest.mark.parametrize(("gpu", "expected"), [("rtx4090d", ["ECO903"]), ("rtx5090", [])])
def test_half_precision_is_praised_where_quantizing_would_cost(
    gpu: str, expected: list[str]
) -> None:
    text = (
        HEAD + "model = AutoModelForCausalLM.from_pretrained(\n"
        '    "Qwen/Qwen2.5-1.5B-Instruct", torch_dtype=torch.float16, device_map="cuda"\n)\n'
        "model.generate(**inputs, max_new_tokens=8)\n"
    )
    assert codes(text, gpu=gpu) == expected


# -- what a deployment has besides


@pytest.mark.parametrize(
    "line",
    [
        'for line in open("prompts.txt"): print(llm.generate(line))',
        "[llm.generate(prompt) for prompt in prompts]",
    ],
)
def test_none_stands_beside_a_finding_about_the_same(line: str) -> None:
    assert codes(ENGINE) == ["ECO904"]
    assert codes(f"{ENGINE}{line}\n") == []
    # It stands back even where the finding is silenced: the code does what it does.
    assert codes(f"{ENGINE}{line}  # noqa: ECO201\n") == []


def test_a_finding_about_another_deployment_is_no_hindrance() -> None:
    other = 'other = LLM(model="Qwen/Qwen2.5-7B-Instruct", max_num_seqs=1)\n'
    assert codes(ENGINE + other) == ["ECO904"]


def test_a_finding_about_something_else_is_no_hindrance() -> None:
    assert codes(ENGINE.replace('")', '", enforce_eager=True)')) == ["ECO904"]


def test_each_deployment_is_counted_once() -> None:
    calls = "pipe(prompts, batch_size=16)\npipe(more, batch_size=32)\n"
    head = "from transformers import pipeline\n"
    assert codes(f'{head}pipe = pipeline("text-generation", "org/a-7b")\n{calls}') == ["ECO904"]


def test_training_code_is_not_praised() -> None:
    text = NF4 + "from peft import get_peft_model\nmodel = get_peft_model(model, cfg)\n"
    assert codes(text) == []
    assert codes(text, context="all") == ["ECO902"]
