"""What `--fix` leaves of files that are not Python: valid, and only what had to go is gone."""

from __future__ import annotations

from pathlib import Path

import pytest

from ecocompute_lint.config import Settings
from ecocompute_lint.findings import FixLevel
from ecocompute_lint.repairs import fix_text


def fixed(text: str, path: str) -> str:
    return fix_text(text, path=path, settings=Settings(root=Path.cwd())).text


@pytest.mark.parametrize(
    ("assigned", "left"),
    [
        ('EXTRA="--enforce-eager"  # memory', 'EXTRA=""  # memory'),
        ("EXTRA='--enforce-eager'", "EXTRA=''"),
        ("EXTRA=--enforce-eager", "EXTRA="),
        ("export EXTRA=--enforce-eager OTHER=1", "export EXTRA= OTHER=1"),
        ('EXTRA="--enforce-eager --port 1"', 'EXTRA="--port 1"'),
        ('EXTRA="--port 1 --enforce-eager"', 'EXTRA="--port 1"'),
    ],
)
def test_what_a_variable_is_given(assigned: str, left: str) -> None:
    started = "\nvllm serve a/b $EXTRA\n"
    assert fixed(assigned + started, "serve.sh") == left + started


@pytest.mark.parametrize(
    "text",
    [
        "_target_: transformers.BitsAndBytesConfig\nload_in_8bit: true\n",
        "_target_: transformers.BitsAndBytesConfig\nload_in_4bit: true\n",
    ],
)
def test_an_option_that_is_not_there_replaces_no_other(text: str) -> None:
    assert fixed(text, "config.yaml") == text


@pytest.mark.parametrize(
    ("given", "left"),
    [
        ("command: --enforce-eager\n    ports: [80]\n", "ports: [80]\n"),
        ('command: "--enforce-eager"  # why\n    ports: [80]\n', "ports: [80]\n"),
    ],
)
def test_the_only_word_of_a_command(given: str, left: str) -> None:
    around = "services:\n  llm:\n    image: vllm/vllm-openai:v1\n    "
    assert fixed(around + given, "compose.yaml") == around + left


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("serve.sh", "vllm serve Qwen/Qwen2.5-7B-Instruct --dtype {}\n"),
        ("serve.sh", "vllm serve Qwen/Qwen2.5-7B-Instruct --dtype '{}'\n"),
        ("compose.yaml", "image: vllm/vllm-openai\nargs: [--model, org/a-7b, --dtype, {}]\n"),
        ("Dockerfile", 'FROM vllm/vllm-openai\nCMD ["--model", "org/a-7b", "--dtype", "{}"]\n'),
    ],
)
def test_a_value_is_replaced_in_the_quotes_that_it_has(path: str, text: str) -> None:
    settings = Settings(gpu="t4", fix_level=FixLevel.NUMERIC, root=Path.cwd())
    repaired = fix_text(text.format("bfloat16"), path=path, settings=settings)
    assert repaired.text == text.format("float16")
