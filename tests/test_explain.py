"""``ecolint explain`` through the real command: right, readable, and clear about bad input."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import jsonschema
import pytest
from conftest import CLEAN, TRAP, Command

from ecocompute_lint.report.explanation_json import SCHEMA

Write = Callable[[str, "str | bytes"], Path]
LOAD = "from transformers import AutoModelForCausalLM, BitsAndBytesConfig\n"
MISTRAL = '"mistralai/Mistral-7B-Instruct-v0.3"'
CALL = "AutoModelForCausalLM.from_pretrained"
QUANT = "quant = BitsAndBytesConfig(load_in_8bit=True)\n"
SERVE = f"{LOAD}{QUANT}model = {CALL}({MISTRAL}, quantization_config=quant)\n"


def explained(ecolint: Command, *arguments: str) -> str:
    """The text for people, its runs of blanks made one."""
    result = ecolint("explain", *arguments)
    assert result.status == 0, result.stderr
    assert not result.stderr
    return "".join(" ".join(line.split()) + "\n" for line in result.stdout.splitlines())


# --- how a finding came to be ---------------------------------------------------------------------


def test_a_literal(ecolint: Command, write: Write) -> None:
    write("serve.py", SERVE)
    text = explained(ecolint, "serve.py:2")
    assert text.startswith("serve.py:2:9 ECO101 RED int8-outlier-decomposition (certain)\n")
    assert "load_in_8bit=True line 2\n" in text
    assert "llm_int8_threshold=6.0 not written: the library's default\n" in text
    assert "model mistralai/Mistral-7B-Instruct-v0.3, loaded at line 3\n" in text
    assert "size 7.25 B, from the registry of models\n" in text
    assert "context inference" in text
    assert "why certain\n" in text
    assert "by rtx4090d-mistral-7b-int8_mixed-bs1-2026-02-12" in text
    assert "--fix: set `llm_int8_threshold=0.0` (numeric: outputs can change; perplexity" in text
    assert "+ quant = BitsAndBytesConfig(load_in_8bit=True, llm_int8_threshold=0.0)\n" in text
    assert "not shown by a check" not in text


def test_a_column_asks_for_what_stands_there(ecolint: Command, write: Write) -> None:
    write("serve.py", SERVE)
    assert "ECO101" in explained(ecolint, "serve.py:2:9").splitlines()[0]
    assert explained(ecolint, "serve.py:2:1").startswith("serve.py:2:1 no finding\n")
    assert "ECO101" in explained(ecolint, "./serve.py:2:9:").splitlines()[0]


def test_a_constant(ecolint: Command, write: Write) -> None:
    code = f"{LOAD}NAME = {MISTRAL}\nmodel = {CALL}(NAME, load_in_8bit=True)\n"
    write("serve.py", code)
    text = explained(ecolint, "serve.py:3")
    assert "model mistralai/Mistral-7B-Instruct-v0.3, from line 2, loaded at line 3\n" in text


def test_another_module(ecolint: Command, write: Write) -> None:
    write("settings.py", f"import os\n\nMODEL_ID = {MISTRAL}\n")
    code = f"{LOAD}from settings import MODEL_ID\nmodel = {CALL}(MODEL_ID, load_in_8bit=True)\n"
    write("serve.py", code)
    text = explained(ecolint, "serve.py:3")
    assert "Instruct-v0.3, from settings.py:3:12 (imported at line 2), loaded at line 3\n" in text
    resting = explained(ecolint, "serve.py:2")
    assert "findings that rest on this line\nserve.py:3:9 ECO101" in resting


def test_the_default_of_an_option(ecolint: Command, write: Write) -> None:
    code = (
        f"import argparse\n{LOAD}parser = argparse.ArgumentParser()\n"
        f'parser.add_argument("--model", default={MISTRAL})\n'
        'parser.add_argument("--int8", action=argparse.BooleanOptionalAction, default=True)\n'
        f"args = parser.parse_args()\nmodel = {CALL}(args.model, load_in_8bit=args.int8)\n"
    )
    write("serve.py", code)
    text = explained(ecolint, "serve.py:7")
    assert "load_in_8bit=True line 7, the default of `--int8` at line 5\n" in text
    assert "the default of `--model` at line 4, loaded at line 7\n" in text
    assert "why likely\n" in text
    assert "`--int8` is True by default, and can be given otherwise (line 5)\n" in text


def test_a_branch(ecolint: Command, write: Write) -> None:
    code = (
        f"import argparse\n{LOAD}parser = argparse.ArgumentParser()\n"
        'parser.add_argument("--int8", action="store_true")\nargs = parser.parse_args()\n'
        f"if args.int8:\n    model = {CALL}({MISTRAL}, load_in_8bit=True)\n"
    )
    write("serve.py", code)
    text = explained(ecolint, "serve.py:7")
    assert "why possible\n`--int8` is true, while its default is False (line 4, line 6)\n" in text
    assert "not shown by a check: it is only possible (--min-confidence possible shows it)" in text
    shown = explained(ecolint, "serve.py:7", "--min-confidence", "possible")
    assert "not shown by a check" not in shown
    assert "findings that rest on this line" in explained(ecolint, "serve.py:6")


def test_a_helper(ecolint: Command, write: Write) -> None:
    code = (
        f"{LOAD}def load(name, int8):\n    return {CALL}(name, load_in_8bit=int8)\n"
        f"model = load({MISTRAL}, True)\n"
    )
    write("serve.py", code)
    text = explained(ecolint, "serve.py:4")
    assert "passed on by the call at line 4" in text
    assert "why likely\n`load_in_8bit` is what a call passed on (line 4)\n" in text
    assert "no edit: the value comes through a call" in text


# --- why nothing is shown -------------------------------------------------------------------------


def test_a_comment_silences_it(ecolint: Command, write: Write) -> None:
    write("serve.py", SERVE.replace(QUANT, QUANT.rstrip() + "  # noqa: ECO101\n"))
    text = explained(ecolint, "serve.py:2")
    assert "not shown by a check: a comment silences it\n" in text
    assert "not made: a comment silences the line, which is then never rewritten\n" in text


def test_training_code(ecolint: Command, write: Write) -> None:
    code = f"{SERVE}from transformers import Trainer\nTrainer(model=model).train()\n"
    write("train.py", code)
    text = explained(ecolint, "train.py:2")
    assert "not shown by a check: it is training code" in text
    assert "context training\n" in text
    assert "not shown" not in explained(ecolint, "train.py:2", "--context", "all")


def test_a_rule_that_is_off(ecolint: Command, write: Write) -> None:
    write("serve.py", SERVE)
    write("ecolint.toml", 'ignore = ["ECO101"]\n')
    assert "the settings have its rule off" in explained(ecolint, "serve.py:2")
    assert "not shown by a check" not in explained(ecolint, "serve.py:2", "--isolated")


def test_the_gpu_is_that_of_the_configuration(ecolint: Command, write: Write) -> None:
    write("serve.py", SERVE)
    write("ecolint.toml", 'gpu = "a800"\n')
    text = explained(ecolint, "serve.py:2")
    assert "GPU NVIDIA A800" in text
    assert "(assumed" not in text
    assert "(assumed" in explained(ecolint, "serve.py:2", "--isolated")


def test_the_fix_level_leaves_the_edit_out(ecolint: Command, write: Write) -> None:
    write("serve.py", SERVE)
    write("ecolint.toml", 'fix-level = "exact"\n')
    assert "not made: left out by the fix level (exact)\n" in explained(ecolint, "serve.py:2")


def test_a_line_without_finding(ecolint: Command, write: Write) -> None:
    write("serve.py", f"{SERVE}print(1)\n")
    text = explained(ecolint, "serve.py:4")
    assert text.splitlines() == [
        "serve.py:4 no finding",
        "Nothing on this line starts or sets what a rule looks at.",
        "nearest findings",
        "serve.py:2:9 ECO101 RED int8-outlier-decomposition (certain)",
    ]


def test_a_call_that_is_good_as_it_is(ecolint: Command, write: Write) -> None:
    write("serve.py", SERVE.replace("True)", "True, llm_int8_threshold=0.0)"))
    text = explained(ecolint, "serve.py:2")
    assert text.splitlines() == [
        "serve.py:2 no finding",
        "ecolint knows transformers.BitsAndBytesConfig, and no rule objects to it here.",
        "There is none in the rest of the file either.",
    ]


def test_a_configuration_in_another_file(ecolint: Command, write: Write) -> None:
    write("quant.py", f"{LOAD}def config():\n    return BitsAndBytesConfig(load_in_8bit=True)\n")
    load = f"model = {CALL}({MISTRAL}, quantization_config=config())\n"
    other = f"other = {CALL}({MISTRAL}, load_in_4bit=True)\n"
    write("serve.py", f"{LOAD}from quant import config\n{load}{other}")
    text = explained(ecolint, "serve.py:3")
    assert "Its configuration stands at quant.py:3:12 (imported at line 2): ask there.\n" in text
    assert "ECO101" in explained(ecolint, "quant.py:3:12")


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (CLEAN, "it has nothing that a rule looks at"),
        (f"# ecolint: skip-file\n{TRAP}", "skip-file"),
    ],
)
def test_a_file_that_is_not_looked_at(
    ecolint: Command, write: Write, content: str, said: str
) -> None:
    write("a.py", content)
    text = explained(ecolint, "a.py:1")
    assert text.startswith("a.py:1 no finding\nThe file is not looked at: ")
    assert said in text


# --- bad input ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("target", "said"),
    [
        ("none.py:1", "none.py: no such file or directory; paths are relative to"),
        ("a.py", "a.py: no line; write FILE:LINE"),
        ("a.py:", "no line number; write FILE:LINE"),
        ("a.py:x", "no line number; write FILE:LINE"),
        ("a.py:1:x", "FILE:LINE"),
        ("a.py:0", "a.py:0: no such line; the file has 2 lines, counted from 1"),
        ("a.py:3", "a.py:3: no such line; the file has 2 lines"),
        ("a.py:1:0", "no such column"),
        ("a.py:1:900", "no such column; the line has"),
        ("empty.py:1", "the file has 0 lines"),
        ("sub:1", "sub: is a directory; name a file in it"),
        ("notes.md:1", "notes.md: not a kind of file that ecolint reads (Python"),
        ("broken.py:1", "broken.py:1: is no Python that can be parsed"),
        ("latin.py:1", "save it as UTF-8"),
    ],
)
def test_bad_input_is_explained(ecolint: Command, write: Write, target: str, said: str) -> None:
    write("a.py", TRAP)
    write("empty.py", "")
    write("notes.md", "# notes\n")
    write("sub/b.py", TRAP)
    write("broken.py", "def f(:  # load_in_8bit\n")
    write("latin.py", b"x = '\xe9'  # load_in_8bit\n")
    result = ecolint("explain", target)
    assert result.status == 2
    assert not result.stdout
    assert said in result.stderr


def test_options_are_checked_as_for_a_check(ecolint: Command, write: Write) -> None:
    write("a.py", TRAP)
    result = ecolint("explain", "a.py:2", "--gpu", "h10")
    assert result.status == 2
    assert "unknown GPU 'h10'" in result.stderr
    assert ecolint("explain", "a.py:2", "--isolated", "--config", "x.toml").status == 2


# --- for programs ---------------------------------------------------------------------------------


@pytest.mark.parametrize("line", [1, 2, 3, 4])
def test_json_is_as_the_schema_says(ecolint: Command, write: Write, line: int) -> None:
    write("settings.py", f"NAME = {MISTRAL}\n")
    code = SERVE.replace(MISTRAL, "NAME").replace(
        LOAD, f"{LOAD.rstrip()}; from settings import NAME\n"
    )
    write("serve.py", f"{code}print(1)\n")
    result = ecolint("explain", f"serve.py:{line}", "--format", "json")
    assert result.status == 0
    schema = json.loads(SCHEMA.read_text(encoding="utf-8"))
    jsonschema.Draft202012Validator.check_schema(schema)
    jsonschema.validate(result.json, schema)
    if line == 2:
        (found,) = result.json["findings"]
        assert found["finding"]["code"] == "ECO101"
        assert found["kept_back"] == []
        origin = found["model"]["origin"]
        assert origin == {
            "path": "settings.py",
            "line": 1,
            "column": 8,
            "imported_at": 1,
            "cell": None,
        }
        assert found["finding"]["evidence"]["rows"]
        assert any(line.startswith("+") for line in found["repair"]["diff"])
    else:
        assert result.json["findings"] == []
        assert [item["finding"]["code"] for item in result.json["near"]] == ["ECO101"]
        assert result.json["near"][0]["rests_on_line"] is (line != 4)


def test_it_agrees_with_a_check(ecolint: Command, write: Write) -> None:
    write("serve.py", SERVE)
    checked = ecolint("--format", "json", "serve.py").json["findings"]
    (found,) = ecolint("explain", "serve.py:2", "--format", "json").json["findings"]
    for field in ("code", "level", "confidence", "message", "line", "column", "cost", "evidence"):
        assert found["finding"][field] == checked[0][field]
