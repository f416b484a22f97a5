"""``--add-noqa``: a comment for each finding, where it silences that and changes nothing else."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from conftest import IMPORT, TRAP, Command

Write = Callable[[str, "str | bytes"], Path]
CALL = "config = BitsAndBytesConfig(load_in_8bit=True)"
LOAD = "from transformers import AutoModelForCausalLM\n"


def silenced(ecolint: Command, write: Write, name: str, text: str, reason: str = "measured") -> str:
    """What becomes of a file; it must be clean then, and stay as it is the second time."""
    path = write(name, text)
    first = ecolint("--add-noqa", reason, name)
    assert first.status == 0, first.stderr + first.stdout
    after = path.read_text()
    assert "no findings" in ecolint(name).stdout
    again = ecolint("--add-noqa", reason, name)
    assert (path.read_text(), again.status) == (after, 0)
    assert "0 findings silenced" in again.stderr
    return after


@pytest.mark.parametrize(
    ("line", "after"),
    [
        (CALL, f"{CALL}  # noqa: ECO101 measured"),
        (f"{CALL}   ", f"{CALL}  # noqa: ECO101 measured"),
        (f"{CALL}  # noqa: E501", f"{CALL}  # noqa: E501, ECO101 measured"),
        (f"{CALL}  # noqa: E501,F401 long", f"{CALL}  # noqa: E501,F401, ECO101 long; measured"),
        (f"{CALL}  # type: ignore", f"{CALL}  # type: ignore  # noqa: ECO101 measured"),
        (
            f"{CALL}  # noqa: E501  # type: ignore",
            f"{CALL}  # noqa: E501, ECO101 measured  # type: ignore",
        ),
        (
            f"{CALL}  # ecolint: ignore[ECO102] quality",
            f"{CALL}  # ecolint: ignore[ECO102, ECO101] quality; measured",
        ),
        (f"{CALL}; text = '# noqa'", f"{CALL}; text = '# noqa'  # noqa: ECO101 measured"),
        (
            "config = BitsAndBytesConfig(\n    load_in_8bit=True,\n)",
            "config = BitsAndBytesConfig(  # noqa: ECO101 measured\n    load_in_8bit=True,\n)",
        ),
        (
            f'"""\na""", {CALL.partition("= ")[2]}',
            f'"""\na""", {CALL.partition("= ")[2]}  # noqa: ECO101 measured',
        ),
        (
            "config = \\\n    BitsAndBytesConfig(load_in_8bit=True)",
            "config = \\\n    BitsAndBytesConfig(load_in_8bit=True)  # noqa: ECO101 measured",
        ),
        (
            "config = BitsAndBytesConfig(True, \\\n    llm_int8_skip_modules=None)",
            "config = BitsAndBytesConfig(True, \\\n    llm_int8_skip_modules=None)"
            "  # noqa: ECO101 measured",
        ),
        (
            'x = BitsAndBytesConfig(load_in_8bit=True), """\n# text\n"""',
            'x = BitsAndBytesConfig(load_in_8bit=True), """\n# text\n"""',
        ),
    ],
)
def test_python(ecolint: Command, write: Write, line: str, after: str) -> None:
    if line == after:
        path = write("a.py", IMPORT + line + "\n")
        result = ecolint("--add-noqa", "measured")
        assert (result.status, path.read_text()) == (1, IMPORT + line + "\n")
        assert "a.py:2: ECO101 not silenced: no place for a comment" in result.stderr
        return
    assert silenced(ecolint, write, "a.py", f"{IMPORT}{line}\n") == f"{IMPORT}{after}\n"


def test_several_codes_of_a_line(ecolint: Command, write: Write) -> None:
    text = LOAD + 'AutoModelForCausalLM.from_pretrained("mistralai/Mistral-7B-v0.1", '
    text += "load_in_8bit=True)\n"
    after = silenced(ecolint, write, "a.py", text)
    assert after.endswith("load_in_8bit=True)  # noqa: ECO101, ECO107 measured\n")


def test_ends_of_lines_and_bytes_are_kept(ecolint: Command, write: Write) -> None:
    text = "# -*- coding: latin-1 -*-\r\nname = 'é'\r\n" + IMPORT + CALL
    path = write("a.py", b"\xef\xbb\xbf" + TRAP.encode())
    other = write("b.py", text.encode("latin-1"))
    assert ecolint("--add-noqa", "measured").status == 0
    assert path.read_bytes() == b"\xef\xbb\xbf" + TRAP.rstrip().encode() + (
        b"  # noqa: ECO101 measured\n"
    )
    assert other.read_bytes() == text.encode("latin-1") + b"  # noqa: ECO101 measured"
    refused = ecolint("--add-noqa", "测量", "b.py", "--select", "ECO9,ECO1")
    assert refused.status == 0
    other.write_bytes(text.encode("latin-1"))
    refused = ecolint("--add-noqa", "测量")
    assert (refused.status, other.read_bytes()) == (2, text.encode("latin-1"))
    assert "b.py: not written: the encoding" in refused.stderr


SHELL = """\
#!/bin/sh
vllm serve Qwen/Qwen2.5-7B-Instruct --enforce-eager

vllm serve Qwen/Qwen2.5-7B-Instruct \\
    --port 8000 \\
    --enforce-eager
vllm serve Qwen/Qwen2.5-7B-Instruct \\
    --enforce-eager \\
    --port 8000
"""


def test_shell(ecolint: Command, write: Write) -> None:
    note = "# ecolint: ignore[ECO306] measured"
    lines = SHELL.splitlines()
    lines[1] += f"  {note}"
    lines[5] += f"  {note}"
    lines[8] += f"  {note}"
    assert silenced(ecolint, write, "a.sh", SHELL) == "\n".join(lines) + "\n"


COMPOSE = """\
services:
  list:
    image: vllm/vllm-openai:v0.9.1
    command:
      - --model=Qwen/Qwen2.5-7B-Instruct
      - --enforce-eager
  line:
    image: vllm/vllm-openai:v0.9.1
    command: --model Qwen/Qwen2.5-7B-Instruct --enforce-eager
  folded:
    image: vllm/vllm-openai:v0.9.1
    command: >
      --model Qwen/Qwen2.5-7B-Instruct
      --enforce-eager
      --port 8000
"""


def test_manifests_and_texts_that_are_folded(ecolint: Command, write: Write) -> None:
    path = write("compose.yaml", COMPOSE)
    result = ecolint("--add-noqa", "measured", "--fail-on", "yellow")
    note = "  # ecolint: ignore[ECO306] measured"
    after = path.read_text()
    assert f"- --enforce-eager{note}\n" in after
    assert f"Instruct --enforce-eager{note}\n" in after
    import yaml

    assert yaml.safe_load(after) == yaml.safe_load(COMPOSE)
    if result.status:
        assert "compose.yaml:14: ECO306 not silenced" in result.stderr


@pytest.mark.parametrize(
    ("name", "text", "after"),
    [
        (
            "Dockerfile",
            "FROM vllm/vllm-openai:v0.9.1\n"
            'CMD ["--model", "Qwen/Qwen2.5-7B-Instruct", \\\n     "--enforce-eager"]\n',
            '     # ecolint: ignore[ECO306] measured\n     "--enforce-eager"]\n',
        ),
        (
            "Makefile",
            "serve:\n\tvllm serve Qwen/Qwen2.5-7B-Instruct --enforce-eager\n",
            "--enforce-eager  # ecolint: ignore[ECO306] measured\n",
        ),
        (
            "requirements.txt",
            "numpy\ntransformers @ git+https://github.com/huggingface/transformers@main\n",
            "@main  # ecolint: ignore[ECO501] measured\n",
        ),
        (
            "a.service",
            "[Service]\nExecStart=/opt/vllm/bin/vllm serve Qwen/Qwen2.5-7B-Instruct "
            "--enforce-eager\n",
            "[Service]\n# ecolint: ignore[ECO306] measured\nExecStart",
        ),
    ],
)
def test_other_languages(ecolint: Command, write: Write, name: str, text: str, after: str) -> None:
    assert after in silenced(ecolint, write, name, text)


def test_files_without_comments_are_named(ecolint: Command, write: Write) -> None:
    path = write(
        "config.json",
        json.dumps(
            {
                "model_type": "llama",
                "architectures": ["LlamaForCausalLM"],
                "quantization_config": {"quant_method": "bitsandbytes", "load_in_8bit": True},
            },
            indent=1,
        ),
    )
    before = path.read_bytes()
    result = ecolint("--add-noqa", "measured")
    assert (result.status, path.read_bytes()) == (1, before), result.stdout
    assert "ECO101 not silenced: JSON has no comments" in result.stderr


def test_notebooks(ecolint: Command, write: Write) -> None:
    cells = [
        "%%time\n" + TRAP,
        "!vllm serve Qwen/Qwen2.5-7B-Instruct --enforce-eager\nx = 1",
        "%%bash\nvllm serve Qwen/Qwen2.5-7B-Instruct \\\n  --enforce-eager \\\n  --port 1",
        "%%writefile run.sh\nvllm serve Qwen/Qwen2.5-7B-Instruct --enforce-eager\n",
    ]
    made = [{"cell_type": "code", "source": cell, "metadata": {}} for cell in cells]
    raw = json.dumps({"cells": made, "metadata": {}, "nbformat": 4, "nbformat_minor": 5})
    after = json.loads(silenced(ecolint, write, "a.ipynb", raw))
    sources = [cell["source"] for cell in after["cells"]]
    assert sources[0] == cells[0].rstrip("\n") + "  # noqa: ECO101 measured\n"
    assert sources[1].startswith(cells[1].split("\n")[0] + "  # noqa: ECO306 measured\n")
    assert sources[2].endswith("--port 1  # noqa: ECO306 measured")
    assert sources[3].endswith("--enforce-eager  # ecolint: ignore[ECO306] measured\n")


def test_only_what_is_new_gets_one(ecolint: Command, write: Write, git: Command) -> None:
    path = write("a.py", TRAP)
    ecolint("--write-baseline", "known.json")
    write("a.py", TRAP + CALL.replace("config", "other") + "\n")
    ecolint("--add-noqa", "measured", "--baseline", "known.json")
    assert path.read_text().count("noqa") == 1
    assert path.read_text().startswith(TRAP)


def test_a_dry_run(ecolint: Command, write: Write) -> None:
    path = write("a.py", TRAP)
    result = ecolint("--add-noqa", "measured", "--diff")
    assert path.read_text() == TRAP
    assert f"+{CALL}  # noqa: ECO101 measured\n" in result.stdout
    assert "1 finding would be silenced" in result.stderr


@pytest.mark.parametrize("reason", ["", "  ", "see # noqa", "ECO102 too", "a\x07b", "ECO102, x"])
def test_reasons_that_are_none(ecolint: Command, write: Write, reason: str) -> None:
    path = write("a.py", TRAP)
    result = ecolint("--add-noqa", reason)
    assert (result.status, path.read_text()) == (2, TRAP)
    assert "--add-noqa" in result.stderr


@pytest.mark.parametrize("reason", ["H100 has no room, see #12", "为了质量", "a\nb"])
def test_reasons_of_all_sorts(ecolint: Command, write: Write, reason: str) -> None:
    after = silenced(ecolint, write, "a.py", TRAP, reason)
    assert after.endswith(f"# noqa: ECO101 {' '.join(reason.split())}\n")


def test_not_together_with_repairs(ecolint: Command, write: Write) -> None:
    write("a.py", TRAP)
    assert ecolint("--add-noqa", "x", "--fix").status == 2
    assert ecolint("--add-noqa", "x", "-").status == 2
