"""Command lines of serving engines: the table, and the lists and texts of Python."""

from __future__ import annotations

import pytest

from ecocompute_lint.audit import audit_text
from ecocompute_lint.config import Settings
from ecocompute_lint.findings import Confidence, Level
from ecocompute_lint.knowledge.commands import Setting, launched
from ecocompute_lint.repairs import fix_text

EVERYTHING = Settings(min_confidence=Confidence.POSSIBLE)


def found(text: str, path: str = "a.py") -> list[tuple[str, int, str]]:
    """Code, line and confidence of each finding that is no good choice."""
    report = audit_text(text, path=path, settings=EVERYTHING)
    assert report.problem is None
    return [
        (one.code, one.place.line, one.confidence.label)
        for one in report.findings
        if one.level > Level.GREEN
    ]


# --- the table


@pytest.mark.parametrize(
    ("words", "name", "start"),
    [
        ("vllm serve m", "vllm", 2),
        ("env A=1 /usr/bin/vllm serve m", "vllm", 4),
        ("python -m vllm.entrypoints.openai.api_server --model m", "vllm", 3),
        ("python -m vllm.entrypoints.api_server", "vllm", 3),
        ("python3 -m sglang.launch_server", "sglang", 3),
        ("sglang serve", "sglang", 2),
        ("text-generation-launcher --model-id m", "text-generation-inference", 1),
        ("lmdeploy serve api_server m", "lmdeploy", 3),
    ],
)
def test_what_is_launched(words: str, name: str, start: int) -> None:
    found = launched(words.split())
    assert found is not None
    assert (found.command.name, found.start) == (name, start)


@pytest.mark.parametrize(
    "words",
    ["vllm bench serve", "serve vllm", "python vllm.entrypoints.api_server", "ollama serve", "-m"],
)
def test_what_is_not(words: str) -> None:
    assert launched(words.split()) is None


def test_unknown_words_launch_nothing() -> None:
    assert launched([None, "serve", None]) is None
    assert launched([None, "-m", None]) is None


@pytest.mark.parametrize(
    ("word", "setting"),
    [
        ("--enforce-eager", Setting("enforce_eager", True, overrides=True)),
        ("--enforce_eager", Setting("enforce_eager", True, overrides=True)),
        ("--no-enforce-eager", Setting("enforce_eager", False)),
        ("--enforce-eager=false", Setting("enforce_eager", False)),
        ("--no-enable-prefix-caching", Setting("enable_prefix_caching", False)),
        ("--enforce-eager=perhaps", Setting("enforce_eager", None)),
        ("--max-num-seqs", Setting("max_num_seqs", next=True)),
        ("--max-num-seqs=1", Setting("max_num_seqs", 1)),
        ("-q", Setting("quantization", next=True)),
        ("--gpu-memory-utilization", None),
        ("enforce-eager", None),
    ],
)
def test_what_a_word_gives(word: str, setting: Setting | None) -> None:
    vllm = launched(["vllm", "serve"])
    assert vllm is not None
    assert vllm.command.setting(word) == setting


# --- in Python


def test_a_flag_behind_several_branches_stays() -> None:
    text = 'import subprocess\ndef run(a):\n    cmd = ["vllm", "serve", "m", "--enforce-eager"]\n'
    for number in range(12):
        text += f'    if a.x{number}:\n        cmd += ["--option-{number}", a.x{number}]\n'
    assert found(text + "    subprocess.Popen(cmd)\n") == [("ECO306", 3, "certain")]


def test_a_branch_that_takes_it_back() -> None:
    text = """
def run(eager=False):
    cmd = ["vllm", "serve", "m"]
    if eager:
        cmd.append("--enforce-eager")
    else:
        cmd.append("--no-enforce-eager")
    return cmd
"""
    assert found(text) == [("ECO306", 5, "possible")]


def test_the_default_of_an_option_is_likely() -> None:
    text = """
import argparse, subprocess
parser = argparse.ArgumentParser()
parser.add_argument("--seqs", default="1")
parser.add_argument("--dtype", default="float32")
args = parser.parse_args()
subprocess.run(["vllm", "serve", "m", "--max-num-seqs", args.seqs, "--dtype", args.dtype])
"""
    assert found(text) == [("ECO202", 7, "likely"), ("ECO303", 7, "likely")]


def test_each_command_once() -> None:
    text = """
import subprocess
BASE = ["vllm", "serve", "m", "--enforce-eager"]
def one():
    subprocess.Popen(BASE + ["--port", "1"])
def two():
    subprocess.Popen([*BASE, "--port", "2"])
"""
    assert found(text) == [("ECO306", 3, "certain")]


def test_a_value_that_looks_like_a_flag() -> None:
    text = 'cmd = ["vllm", "serve", "m", "--dtype", "--enforce-eager"]\n'
    assert found(text) == []


def test_tests_give_nothing() -> None:
    text = """
import subprocess
subprocess.Popen(
    ["vllm", "serve", "m", "--enforce-eager", "--dtype", "float32", "--max-num-seqs", "1"]
)
"""
    assert found(text, "tests/test_server.py") == []
    assert [code for code, _, _ in found(text)] == ["ECO202", "ECO303", "ECO306"]


def test_strange_lists() -> None:
    text = """
cmd = ["vllm", "serve", ["--enforce-eager"], {"--dtype": 1}, None, 3, *(), "--max-num-seqs"]
cmd += [cmd, "--max-num-seqs", "9" * 5000]
cmd = ["vllm", "serve", "--enforce-eager" if unknown else None]
"""
    assert [code for code, _, _ in found(text)] == ["ECO306"]


def test_only_flags_in_the_display_are_taken_out() -> None:
    kept = """
FLAGS = ["--enforce-eager"]
CMD = ["vllm", "serve", "m"] + FLAGS
def run(value):
    return ["vllm", "serve", "m", "--enforce-eager" if value else "-v", "--enforce-eager=true"]
"""
    assert fix_text(kept, path="a.py", settings=EVERYTHING).text == kept
    text = 'CMD = ["vllm", "serve", "m", *MORE, "--enforce-eager", "--port", "1"]\n'
    fixed = fix_text(text, path="a.py", settings=EVERYTHING).text
    assert fixed == 'CMD = ["vllm", "serve", "m", *MORE, "--port", "1"]\n'
