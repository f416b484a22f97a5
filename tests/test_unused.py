"""ECO001: comments that silence nothing, told and taken out where that is asked for."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from conftest import CLEAN, IMPORT, TRAP, Command

Write = Callable[[str, "str | bytes"], Path]
ON = ("--extend-select", "ECO001")
CALL = "config = BitsAndBytesConfig(load_in_8bit=True)"


def test_off_by_default(ecolint: Command, write: Write) -> None:
    write("a.py", CLEAN.rstrip() + "  # noqa: ECO101\n")
    assert ecolint().status == 0
    assert "no findings" in ecolint().stdout
    result = ecolint(*ON)
    assert "a.py:1:26  ECO001  GRAY  unused-suppression" in result.stdout
    assert "nothing here is silenced by ECO101." in result.stdout
    assert "no findings" in ecolint().stdout  # also from the results that are kept


@pytest.mark.parametrize("ending", ["\n", "\r\n", ""])
def test_repair(ecolint: Command, write: Write, ending: str) -> None:
    path = write("a.py", f"x = 1{ending or chr(10)}y = 2  # noqa: ECO101, E501{ending}")
    assert ecolint("--fix", *ON).status == 0
    assert path.read_bytes() == f"x = 1{ending or chr(10)}y = 2  # noqa: E501{ending}".encode()
    write("a.py", f"# noqa: ECO101{ending}")
    ecolint("--fix", *ON)
    assert path.read_bytes() == b""


def test_what_a_run_could_not_have_reported_is_in_use(ecolint: Command, write: Write) -> None:
    write("a.py", CLEAN.rstrip() + "  # noqa: ECO101\n")
    for options in (
        ("--select", "ECO2,ECO001"),
        ("--ignore", "ECO101"),
    ):
        assert "no findings" in ecolint(*ON, *options).stdout
    write("a.py", CLEAN.rstrip() + "  # noqa: ECO401\n")
    assert "no findings" in ecolint(*ON).stdout
    assert "ECO001" in ecolint(*ON, "--gpu", "h100-sxm").stdout
    write("ecolint.toml", '[per-file-ignores]\n"a.py" = ["ECO101"]\n')
    write("a.py", CLEAN.rstrip() + "  # noqa: ECO101\n")
    assert "no findings" in ecolint(*ON).stdout


def test_what_is_too_unsure_to_be_reported_is_a_use(ecolint: Command, write: Write) -> None:
    write("a.py", f"{IMPORT}{CALL}  # noqa: ECO101\n")
    assert "no findings" in ecolint(*ON, "--min-confidence", "certain").stdout


def test_it_can_be_silenced_itself(ecolint: Command, write: Write) -> None:
    write("a.py", "x = 1  # noqa: ECO101, ECO001\n")
    assert "no findings" in ecolint(*ON).stdout


def test_notebooks(ecolint: Command, write: Write) -> None:
    cells = [
        "x = 1  # noqa: ECO101",
        "# ecolint: ignore[ECO306]\n!vllm serve Qwen/Qwen2.5-7B-Instruct --enforce-eager",
        TRAP.rstrip() + "  # noqa: ECO101",
    ]
    made = [{"cell_type": "code", "source": cell, "metadata": {}} for cell in cells]
    path = write(
        "a.ipynb", json.dumps({"cells": made, "metadata": {}, "nbformat": 4, "nbformat_minor": 5})
    )
    assert ecolint(*ON, "-q").stdout.count("ECO001") == 1
    ecolint("--fix", *ON)
    after = [cell["source"] for cell in json.loads(path.read_text())["cells"]]
    assert after == ["x = 1", *cells[1:]]


def test_what_add_noqa_writes_is_in_use(ecolint: Command, write: Write) -> None:
    write("a.py", TRAP)
    write("a.sh", "vllm serve Qwen/Qwen2.5-7B-Instruct --enforce-eager\n")
    ecolint("--add-noqa", "measured")
    assert "no findings" in ecolint(*ON).stdout


def test_flake8_keeps_its_own_counsel(write: Write, tmp_path: Path) -> None:
    from conftest import SCRIPTS, execute

    write("a.py", "x = 1  # noqa: ECO101\n")
    write("ecolint.toml", 'extend-select = ["ECO001"]\n')
    done = execute([SCRIPTS / "flake8", "--select", "ECO", "a.py"], tmp_path)
    assert (done.status, done.stdout) == (0, "")
