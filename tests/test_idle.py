"""Settings that nothing looks at are not run, and nobody sees a difference."""

from __future__ import annotations

import ast
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ecocompute_lint.analysis.idle import without_idle
from ecocompute_lint.audit import audit_text
from ecocompute_lint.config import Settings
from ecocompute_lint.findings import Confidence, Finding
from ecocompute_lint.prefilter import without_gates

EVERYTHING = replace(
    Settings(), min_confidence=Confidence.POSSIBLE, context="all", select=("ALL",), show_good=True
)
START = (
    "import torch\n"
    "from hooks import Hook, Loop\n"
    "from transformers import AutoModelForCausalLM, AutoTokenizer, BitsAndBytesConfig\n"
)
IDLE = "".join(
    f"hook_{number} = dict(type=Hook, every={number}, loop=Loop)\n" for number in range(20)
)
CONFIG = "config = BitsAndBytesConfig(load_in_8bit=True)\n"
MODEL = (
    "model = dict(\n"
    "    type=AutoModelForCausalLM.from_pretrained,\n"
    "    pretrained_model_name_or_path=path,\n"
    "    quantization_config=dict(type=BitsAndBytesConfig, load_in_8bit=True),\n"
    ")\n"
)


def findings(text: str) -> list[Finding]:
    """What is found, which is what is found when everything is run."""
    found = audit_text(text, path="a.py", settings=EVERYTHING).findings
    with without_gates():
        assert list(found) == list(audit_text(text, path="a.py", settings=EVERYTHING).findings)
    return list(found)


def kept(text: str) -> set[str]:
    """The variables that are given values by what is run."""
    body = without_idle(ast.parse(text).body)
    return {
        node.id
        for statement in body
        for node in ast.walk(statement)
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)
    }


def test_settings_of_no_model_are_not_run() -> None:
    text = f"{START}path = 'org/chat-7b'\n{IDLE}{MODEL}{CONFIG}"
    assert kept(text) == {"path", "model", "config"}
    assert findings(text)


def test_few_settings_are_run() -> None:
    assert "hook_3" in kept(START + "".join(IDLE.splitlines(keepends=True)[:5]) + "path = 1\n")


@pytest.mark.parametrize(
    "lines",
    [
        "eight = True\n{idle}config = BitsAndBytesConfig(load_in_8bit=eight)\n",
        "eight = True\n{idle}both = dict(eight=eight)\n"
        "config = BitsAndBytesConfig(load_in_8bit=both['eight'])\n",
        "eight = False\n{idle}if Loop:\n    eight = True\n"
        "config = BitsAndBytesConfig(load_in_8bit=eight)\n",
        "eight = True\n{idle}def load():\n    return BitsAndBytesConfig(load_in_8bit=eight)\n",
        "texts = ['a']\n{idle}texts += ['b', 'c']\n"
        "model = AutoModelForCausalLM.from_pretrained('org/chat-7b')\n"
        "for text in texts:\n    model.generate(text, max_new_tokens=5)\n",
        "line = 'vllm serve org/chat-7b'\n{idle}flag = ' --enforce-eager'\n"
        "import os\nos.system(line + flag)\n",
        "{idle}command = ['vllm', 'serve', 'org/chat-7b', '--enforce-eager']\n"
        "import subprocess\nsubprocess.run(command)\n",
    ],
)
def test_what_something_looks_at_is_run(lines: str) -> None:
    assert findings(START + lines.format(idle=IDLE))


def test_a_tokenizer_is_a_setting() -> None:
    tokenizer = "tokenizer = dict(type=AutoTokenizer.from_pretrained, path=path)\n"
    assert "tokenizer" not in kept(f"{START}path = 'org/chat-7b'\n{IDLE}{tokenizer}{MODEL}")


def test_who_sees_all_variables_looks_at_all() -> None:
    text = f"{START}path = 'org/chat-7b'\n{IDLE}{MODEL}print(globals())\n"
    assert "hook_3" in kept(text)


NAMES = st.sampled_from([f"s{number}" for number in range(6)])
VALUES = st.one_of(
    st.sampled_from(
        ["True", "False", "None", "0.0", "6.0", "'org/chat-7b'", "Hook", "torch.float16"]
    ),
    NAMES,
    st.builds("[{}, {}]".format, NAMES, NAMES),
    st.builds("dict(type=Hook, inner={})".format, NAMES),
    st.builds("dict({}, more={})".format, NAMES, NAMES),
    st.builds("{} if {} else {}".format, NAMES, NAMES, NAMES),
    st.builds("dict(load_in_8bit=True, llm_int8_threshold={})".format, NAMES),
    st.builds("dict(type=BitsAndBytesConfig, load_in_4bit={})".format, NAMES),
    st.builds("BitsAndBytesConfig(load_in_8bit=True, llm_int8_threshold={})".format, NAMES),
    st.builds("BitsAndBytesConfig(**{})".format, NAMES),
    st.builds(
        "AutoModelForCausalLM.from_pretrained('org/chat-7b', quantization_config={})".format, NAMES
    ),
)
STATEMENTS = st.one_of(
    st.builds("{} = {}\n".format, NAMES, VALUES),
    st.builds("{}: object = {}\n".format, NAMES, VALUES),
    st.builds("{} += {}\n".format, NAMES, VALUES),
    st.builds("if {}:\n    {} = {}\n".format, NAMES, NAMES, VALUES),
    st.builds("def f():\n    return {}\n".format, VALUES),
    st.builds("{}.update({})\n".format, NAMES, NAMES),
)


@given(st.lists(STATEMENTS, max_size=14))
def test_nobody_sees_a_difference(statements: list[str]) -> None:
    findings(START + IDLE + "".join(statements))
