"""Findings that are known are left out, and those that have gone are told."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest
from conftest import FIXED, IMPORT, TRAP, Command
from jsonschema import validate

Write = Callable[[str, "str | bytes"], Path]
SECOND = "def more():\n    return BitsAndBytesConfig(load_in_8bit=True)\n"
NEW = TRAP + "\n\n" + SECOND


@pytest.fixture
def known(ecolint: Command, write: Write, tmp_path: Path) -> Path:
    """A baseline that knows the trap in a.py."""
    write("a.py", TRAP)
    done = ecolint("--write-baseline", "known.json")
    assert (done.status, done.stdout) == (0, "")
    assert "known.json: 1 finding of 1 file written" in done.stderr
    return tmp_path / "known.json"


def test_what_is_known_is_left_out(ecolint: Command, write: Write, known: Path) -> None:
    result = ecolint("--baseline", "known.json")
    assert (result.status, result.stderr) == (0, "")
    assert "no findings in 1 file · 1 examined, 0 skipped, 1 not new" in result.stdout
    write("a.py", "# moved\n\n" + NEW)
    result = ecolint("--baseline", "known.json", "--format", "json")
    assert result.status == 1
    assert [item["line"] for item in result.json["findings"]] == [8]
    assert result.json["summary"]["known"] == 1


def test_the_report_is_still_what_the_schema_says(ecolint: Command, known: Path) -> None:
    from ecocompute_lint.report.json_report import SCHEMA

    report = ecolint("--baseline", "known.json", "--format", "json").json
    validate(report, json.loads(SCHEMA.read_text()))


def test_one_more_of_the_same_is_new(ecolint: Command, write: Write, known: Path) -> None:
    write("a.py", TRAP + TRAP)
    assert ecolint("--baseline", "known.json", "-q").stdout.count("ECO101") == 1


def test_a_baseline_of_the_configuration(ecolint: Command, write: Write, known: Path) -> None:
    write("ecolint.toml", 'baseline = "known.json"\n')
    write("src/b.py", TRAP)
    result = ecolint("-q")
    assert (result.status, result.stdout.count("ECO101")) == (1, 1)
    assert result.stdout.startswith("src/b.py")
    assert ecolint("--isolated", "-q").stdout.count("ECO101") == 2


def test_repairs_leave_what_is_known(ecolint: Command, write: Write, known: Path) -> None:
    path = write("a.py", NEW)
    diff = ecolint("--diff", "--baseline", "known.json")
    assert (diff.stdout.count("\n+ "), diff.status) == (1, 1)
    result = ecolint("--fix", "--baseline", "known.json")
    assert (result.status, "fixed 1" in result.stdout) == (0, True)
    assert path.read_text() == NEW.replace("=True)\n", "=True)\n", 1).replace(
        "    return BitsAndBytesConfig(load_in_8bit=True)",
        "    return BitsAndBytesConfig(load_in_8bit=True, llm_int8_threshold=0.0)",
    )
    assert "not new" in ecolint("--baseline", "known.json").stdout


def test_repairs_leave_what_is_known_in_later_rounds(ecolint: Command, write: Write) -> None:
    # The known finding is around the new one, so that repairing the new one changes its code.
    head = "from transformers import AutoModelForCausalLM, BitsAndBytesConfig\n"
    outer = (
        "model = AutoModelForCausalLM.from_pretrained(\n"
        '    "mistralai/Mistral-7B-v0.1", load_in_8bit=True, llm_int8_threshold=0.0\n)\n'
    )
    inner = "config = BitsAndBytesConfig(load_in_8bit=True)\n"
    path = write("a.py", head + outer)
    ecolint("--write-baseline", "known.json")
    write("a.py", head + outer + inner)
    ecolint("--fix", "--baseline", "known.json")
    assert path.read_text() == head + outer + inner.replace(")", ", llm_int8_threshold=0.0)")


def test_repairs_of_notebooks_leave_what_is_known(ecolint: Command, write: Write) -> None:
    def notebook(*cells: str) -> str:
        made = [{"cell_type": "code", "source": cell, "metadata": {}} for cell in cells]
        return json.dumps({"cells": made, "metadata": {}, "nbformat": 4, "nbformat_minor": 5})

    shell = "!vllm serve Qwen/Qwen2.5-7B-Instruct --enforce-eager"
    path = write("a.ipynb", notebook(TRAP, shell))
    ecolint("--write-baseline", "known.json")
    write("a.ipynb", notebook("x = 1", TRAP, shell, SECOND, shell.replace("7B", "14B")))
    result = ecolint("--fix", "--baseline", "known.json")
    cells = [cell["source"] for cell in json.loads(path.read_text())["cells"]]
    assert cells[1:3] == [TRAP, shell]
    assert "threshold=0.0" in cells[3], result.stdout
    assert "enforce" not in cells[4]


def test_standard_input(ecolint: Command, known: Path) -> None:
    options = ("--baseline", "known.json", "--stdin-filename", "a.py", "-")
    assert ecolint(*options, given=TRAP).status == 0
    assert ecolint(*options, given=NEW).status == 1
    fixed = ecolint("--fix", *options, given=NEW).stdout
    assert fixed.startswith(TRAP)
    assert "threshold=0.0" in fixed


# -- what has gone


def test_entries_that_are_not_found_any_more_are_told(
    ecolint: Command, write: Write, known: Path
) -> None:
    write("a.py", FIXED)
    result = ecolint("--baseline", "known.json")
    assert result.status == 0
    assert "known.json: 1 finding of it not found any more" in result.stderr
    assert "a.py: ECO101: BitsAndBytesConfig(load_in_8bit=True)" in result.stderr
    before = known.read_bytes()
    assert ecolint("--baseline", "known.json", "-q").stderr == ""
    assert known.read_bytes() == before
    result = ecolint("--baseline", "known.json", "--prune-baseline")
    assert "1 finding taken out, 0 left" in result.stderr
    assert json.loads(known.read_text())["findings"] == []


def test_files_that_were_not_looked_at_are_not_stale(
    ecolint: Command, write: Write, tmp_path: Path
) -> None:
    for name in ("a.py", "b.py", "src/c.py"):
        write(name, TRAP)
    ecolint("--write-baseline", "known.json")
    before = (tmp_path / "known.json").read_bytes()
    write("b.py", FIXED)
    (tmp_path / "src" / "c.py").unlink()
    result = ecolint("--baseline", "known.json", "--prune-baseline", "a.py")
    assert "0 findings taken out, 3 left" in result.stderr
    assert (tmp_path / "known.json").read_bytes() == before
    # A rule that is off in this run says nothing about its entries.
    result = ecolint("--baseline", "known.json", "--select", "ECO2", "b.py")
    assert "any more" not in result.stderr
    result = ecolint("--baseline", "known.json", "--prune-baseline")
    assert "2 findings taken out, 1 left" in result.stderr


def test_a_file_that_cannot_be_read_keeps_its_entries(
    ecolint: Command, write: Write, known: Path
) -> None:
    write("a.py", TRAP + "def broken(:\n")
    before = known.read_bytes()
    assert ecolint("--baseline", "known.json", "--prune-baseline").status == 2
    assert known.read_bytes() == before


# -- writing


def test_one_entry_a_line_in_order(ecolint: Command, write: Write, tmp_path: Path) -> None:
    write("z.py", TRAP)
    write("a.py", NEW)
    ecolint("--write-baseline", "known.json")
    text = (tmp_path / "known.json").read_text()
    entries = [line for line in text.splitlines() if '"fingerprint"' in line]
    found = json.loads(text)["findings"]
    assert [json.loads(line.strip().rstrip(",")) for line in entries] == found
    paths = [(item["path"], item["symbol"]) for item in found]
    assert paths == [("a.py", ""), ("a.py", "more"), ("z.py", "")]
    assert not any("line" in item for item in found)
    ecolint("--write-baseline", "known.json")
    assert (tmp_path / "known.json").read_text() == text


def test_writing_for_some_files_keeps_the_others(
    ecolint: Command, write: Write, tmp_path: Path
) -> None:
    write("a.py", TRAP)
    write("b.py", TRAP)
    ecolint("--write-baseline", "known.json")
    write("a.py", FIXED)
    write("b.py", NEW)
    ecolint("--write-baseline", "known.json", "a.py")
    found = json.loads((tmp_path / "known.json").read_text())["findings"]
    assert [(item["path"], item["symbol"]) for item in found] == [("b.py", "")]


@pytest.mark.skipif(os.geteuid() == 0, reason="root writes everywhere")
def test_a_failed_write_loses_nothing(ecolint: Command, write: Write, tmp_path: Path) -> None:
    write("a.py", TRAP)
    write("kept/known.json", "")
    ecolint("--write-baseline", "kept/known.json")
    before = (tmp_path / "kept" / "known.json").read_bytes()
    write("a.py", NEW)
    (tmp_path / "kept").chmod(0o555)
    result = ecolint("--write-baseline", "kept/known.json")
    assert (result.status, "not written" in result.stderr) == (2, True)
    assert (tmp_path / "kept" / "known.json").read_bytes() == before


def test_a_file_of_somebody_else_is_not_overwritten(ecolint: Command, write: Write) -> None:
    path = write("a.py", TRAP)
    result = ecolint("--write-baseline", "a.py")
    assert (result.status, path.read_text()) == (2, TRAP)
    assert "a.py:1: not valid JSON" in result.stderr
    package = write("package.json", '{"name": "x"}')
    result = ecolint("--write-baseline", "package.json")
    assert "package.json: not a baseline of ecolint" in result.stderr
    assert package.read_text() == '{"name": "x"}'


def test_two_branches_merge(ecolint: Command, write: Write, git: Command, tmp_path: Path) -> None:
    for name in ("a.py", "m.py", "z.py"):
        write(name, TRAP)
    git("init", "-q", "-b", "main")
    ecolint("--write-baseline", "known.json")
    git("add", ".")
    git("commit", "-qm", "one")
    git("checkout", "-qb", "left")
    write("b.py", TRAP)
    ecolint("--write-baseline", "known.json")
    git("add", ".")
    git("commit", "-qm", "left")
    git("checkout", "-q", "main")
    write("n.py", TRAP)
    ecolint("--write-baseline", "known.json")
    git("add", ".")
    git("commit", "-qm", "right")
    assert git("merge", "-q", "left", "-m", "both").status == 0
    result = ecolint("--baseline", "known.json")
    assert (result.status, result.stderr) == (0, "")
    assert "5 not new" in result.stdout


# -- what cannot be used


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ('{\n "ecolint-baseline": 1,\n "findings": [\n', "known.json:4: not valid JSON"),
        ("[]", "known.json: not a baseline of ecolint"),
        ('{"version": 1}', "known.json: not a baseline of ecolint"),
        ('{"ecolint-baseline": 2, "findings": []}', "version 2 of the format"),
        ('{"ecolint-baseline": 1}', "no list of `findings`"),
        (
            '{\n "ecolint-baseline": 1,\n "findings": [\n  {"path": "a.py"}\n ]\n}\n',
            "known.json:4: expected an entry with path, code",
        ),
        ("{\n<<<<<<< ours\n", "known.json:2: an unresolved merge conflict"),
        (b"\xff\xfe\x00", "known.json: not a baseline: not UTF-8"),
        ("[" * 100_000, "nested too deeply"),
        ("", "known.json:1: not valid JSON"),
    ],
)
def test_a_broken_baseline_is_named(
    ecolint: Command, write: Write, content: str | bytes, said: str
) -> None:
    write("a.py", TRAP)
    write("known.json", content)
    result = ecolint("--baseline", "known.json")
    assert (result.status, result.stdout) == (2, "")
    assert said in result.stderr


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--baseline", "no.json"), "no.json: there is no such baseline"),
        (("--baseline", "."), "is a directory"),
        (("--write-baseline", "no/such/known.json"), "no such directory"),
        (("--write-baseline", "a.json", "--baseline", "b.json"), "exclude each other"),
        (("--write-baseline", "a.json", "--fix"), "exclude each other"),
        (("--write-baseline", "a.json", "-"), "not with standard input"),
        (("--prune-baseline",), "no baseline is configured"),
    ],
)
def test_what_makes_no_sense(
    ecolint: Command, write: Write, options: tuple[str, ...], said: str
) -> None:
    write("a.py", TRAP)
    result = ecolint(*options)
    assert (result.status, result.stdout) == (2, "")
    assert said in result.stderr


def test_a_missing_baseline_of_the_configuration(ecolint: Command, write: Write) -> None:
    write("a.py", IMPORT)
    write("ecolint.toml", 'baseline = "known.json"\n')
    result = ecolint()
    assert (result.status, "there is no such baseline" in result.stderr) == (2, True)
    assert ecolint("--write-baseline", "known.json").status == 0
    assert ecolint().status == 0
