"""Measurements that cannot be used, through the real command: named, explained, status 2."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from conftest import Command
from own_rows import BUNDLED, DEPLOYMENT, ROW, SAMPLE, text_of

from ecocompute_lint.knowledge.columns import HEADER
from ecocompute_lint.knowledge.row_files import MAX_BYTES

Write = Callable[[str, "str | bytes"], Path]

BAD_ROWS: dict[str, tuple[dict[str, str], str]] = {
    "J per token": (
        {"energy_j_per_1k_tok": "4.5"},
        "column energy_j_per_1k_tok: 4.5 contradicts power_w / throughput_tok_s * 1000 = 4500 J. "
        "Probably the wrong unit, J per token (or kJ per 1000 tokens): write 4500",
    ),
    "Wh": ({"energy_j_per_1k_tok": "1.25"}, "wrong unit, Wh per 1000 tokens (or kWh per million)"),
    "kWh": ({"energy_j_per_1k_tok": "0.00125"}, "wrong unit, kWh per 1000 tokens"),
    "mJ": ({"energy_j_per_1k_tok": "4500000"}, "wrong unit, mJ per 1000 tokens"),
    "per request": (
        {"energy_j_per_1k_tok": "1152", "output_tokens": "256"},
        "Probably J per request: divide by 256 tokens and multiply by 1000",
    ),
    "throughput of one sequence": (
        {"energy_j_per_1k_tok": "1125", "batch_size": "4"},
        "column energy_j_per_1k_tok: 1125 contradicts power_w / throughput_tok_s * 1000 = 4500 J. "
        "Probably throughput_tok_s is that of one sequence: give that of the whole batch",
    ),
    "idle taken off": ({"energy_j_per_1k_tok": "3650"}, "If 17 W of idle power were taken off"),
    "no reason at all": ({"energy_j_per_1k_tok": "9999"}, "Check the three; a note with "),
    "idle beyond belief": (
        {"energy_j_per_1k_tok": "4.5", "energy_basis": "net_of_idle"},
        "4.5 net of idle means that 89.9 W were taken off. Probably the wrong unit, J per token",
    ),
    "gross": ({"energy_gross_j_per_1k_tok": "4.5"}, "column energy_gross_j_per_1k_tok: 4.5 contra"),
    "unit without power": (
        {"energy_j_per_1k_tok": "4.5", "power_w": ""},
        "4.5 joules per 1000 tokens are not believable, probably the wrong unit. "
        "Perhaps it is in J per token (or kJ per 1000 tokens): write 4500; or in Wh per 1000",
    ),
    "power in kW": ({"power_w": "0.09"}, "column power_w: 0.09 is outside 1 to 5000"),
    "power in mW": (
        {"power_w": "90000"},
        "90000 is outside 1 to 5000 (watts, mean power of the board). "
        "Perhaps it is in mW: write 90",
    ),
    "power of eight cards": (
        {"power_w": "2800", "gpu": "t4"},
        "column power_w: 2800 W is more than one NVIDIA T4 draws (vendor's limit: 70 W)",
    ),
    "memory in MB": ({"peak_memory_gb": "14900"}, "Perhaps it is in MB: write 14.9"),
    "parameters": ({"params_b": "7000000000"}, "in single parameters: write 7"),
    "other parameters": ({"params_b": "70"}, "column params_b: 70 billion, but "),
    "nothing measured": (
        {"energy_j_per_1k_tok": "", "power_w": "", "throughput_tok_s": ""},
        "column energy_j_per_1k_tok: empty, and nothing else was measured. Give joules per 1000",
    ),
    "text": (
        {"throughput_tok_s": "20 tok/s"},
        "column throughput_tok_s: expected a number, got '20 tok/s'. Write the number alone, such "
        "as 20",
    ),
    "comma": ({"energy_j_per_1k_tok": "4,500"}, "got '4,500'. Write it with a decimal point and "),
    "underscore": ({"energy_j_per_1k_tok": "4_500"}, "expected a number, got '4_500'"),
    "other digits": ({"power_w": "９０"}, "expected a number, got '９０'"),
    "nan": ({"power_w": "nan"}, "expected a number, got 'nan'. Leave the cell empty if it is unkn"),
    "inf": ({"throughput_tok_s": "inf"}, "expected a number, got 'inf'"),
    "overflow": ({"power_w": "1e999"}, "expected a number, got '1e999'"),
    "zero": ({"throughput_tok_s": "0"}, "column throughput_tok_s: expected a positive number, got"),
    "negative": ({"power_w": "-90"}, "column power_w: expected a positive number, got -90"),
    "negative deviation": ({"power_std": "-1"}, "expected a number that is not negative, got -1"),
    "half a sequence": ({"batch_size": "1.5"}, "expected a whole number, got 1.5"),
    "no batch": ({"batch_size": ""}, "column batch_size: empty. Write 1 if one sequence"),
    "day": ({"measured_on": "26.2.2026"}, "column measured_on: expected a day, got '26.2.2026'. "),
    "no such day": ({"measured_on": "2026-02-30"}, "expected a day, got '2026-02-30'"),
    "gpu": ({"gpu": "h10"}, "column gpu: unknown GPU 'h10'. Did you mean h100-sxm? Known: a10, "),
    "no gpu": ({"gpu": ""}, "column gpu: empty. Name the card; `ecolint gpus` lists them"),
    "architecture": (
        {"architecture": "hopper"},
        "'hopper', but the NVIDIA GeForce RTX 4090 D is a",
    ),
    "precision": ({"precision": "nf5"}, "unknown precision 'nf5'. Did you mean nf4? Known: fp16, "),
    "no precision": ({"precision": ""}, "column precision: empty. Known: fp16, "),
    "int8": ({"precision": "int8"}, "Write int8_default (outlier threshold 6.0) or int8_pure"),
    "no model": ({"model": ""}, "column model: empty, and so is hf_id"),
    "unknown model": ({"model": "ours"}, "column params_b: empty, and 'ours' is not known. Give"),
    "two models": (
        {"hf_id": "Qwen/Qwen2-7B"},
        "column hf_id: 'Qwen/Qwen2-7B' is Qwen2-7B, but the column model says Mistral-7B",
    ),
    "quality": (
        {"quality": "good"},
        "expected raw, published, claimed, superseded, aside or simulated, got 'good'",
    ),
    "preferred": ({"preferred": "yes"}, "column preferred: expected true or false, got 'yes'"),
    "preferred and superseded": (
        {"preferred": "true", "quality": "superseded"},
        "column preferred: a row of quality superseded cannot be preferred. Write false",
    ),
    "preferred and simulated": (
        {"preferred": "true", "quality": "simulated"},
        "column preferred: a row of quality simulated cannot be preferred. Write false",
    ),
    "scope": ({"scope": "prefill"}, "expected end_to_end or decode_only, got 'prefill'"),
    "basis": ({"energy_basis": "net"}, "expected gross, net_of_idle or unverified, got 'net'"),
    "bundled id": ({"id": BUNDLED}, f"column id: '{BUNDLED}' is the id of a bundled row"),
    "reference": ({"fp16_ref_id": "none"}, "column fp16_ref_id: no row has the id 'none'. Leave"),
    "reference elsewhere": (
        {"fp16_ref_id": "a800-mistral-7b-fp16-bs1-2026-02-26"},
        "is no FP16 row of the same card, model, batch size and session. Leave it empty",
    ),
    "long": ({"power_w": "x" * 200}, f"got '{'x' * 57}...'. Leave the cell empty"),
    "escape": ({"gpu": "\x1b[31mred"}, "unknown GPU '\\x1b[31mred'"),
}


@pytest.mark.parametrize("name", BAD_ROWS)
def test_a_bad_row_is_explained(ecolint: Command, write: Write, name: str) -> None:
    changes, said = BAD_ROWS[name]
    write("my.csv", text_of({**ROW, "model": "Mistral-7B", "precision": "fp16"}, ROW | changes))
    result = ecolint("data", "check", "my.csv")
    assert result.stderr.startswith("ecolint: my.csv, line 3: column ")
    assert said in result.stderr
    assert result.status == 2
    assert result.stdout == ""


HEADLESS = SAMPLE.partition("\n")[2]
BAD_FILES: dict[str, tuple[str | bytes, str]] = {
    "empty": ("", "my.csv: empty. `ecolint data --header` prints the header line"),
    "only a BOM": ("\ufeff", "my.csv: empty"),
    "only blanks": (" \n\n", "my.csv: empty"),
    "only a header": (HEADER, "my.csv: no rows below the header"),
    "no header": (HEADLESS, "line 1: 37 columns of the header are missing: id, gpu, "),
    "missing column": (
        SAMPLE.replace("power_w,", "", 1),
        "line 1: column power_w: missing. Cells may be empty; `ecolint data --header` prints",
    ),
    "unknown column": (
        SAMPLE.replace("note", "notes", 1),
        "line 1: column notes: unknown. Did you mean note?",
    ),
    "extra column": (SAMPLE.replace("note", "note,colour"), "column colour: unknown. Remove it"),
    "nameless column": (SAMPLE.replace("note", "note,"), "column '': unknown. Remove it"),
    "column twice": (SAMPLE.replace("note", "note,gpu"), "column gpu: there twice. Remove one"),
    "unit in the header": (
        SAMPLE.replace("energy_j_per_1k_tok", "energy_kwh", 1),
        "column energy_kwh: unknown. Give joules per 1000 generated tokens in the column energy_j",
    ),
    "power in the header": (
        SAMPLE.replace("power_w", "power_kw", 1),
        "column power_kw: unknown. Give watts, mean power of the board in the column power_w",
    ),
    "short row": (
        SAMPLE.rstrip("\n").rpartition(",")[0],
        "line 5: 36 cells, expected 37 as in the header. Put a cell that contains a comma",
    ),
    "long row": (SAMPLE.rstrip("\n") + ",x", "line 5: 38 cells, expected 37 as in the header"),
    "semicolons": (SAMPLE.replace(",", ";"), "cells are separated by ';', expected commas"),
    "tabs": (SAMPLE.replace(",", "\t"), "cells are separated by '\\t', expected commas"),
    "open quote": (SAMPLE.replace("our lab", '"our lab'), "line 2: not valid CSV: "),
    "Latin-1": (
        SAMPLE.replace("our lab", "für").encode("latin-1"),
        "line 2: not valid UTF-8. Save",
    ),
    "UTF-16": (SAMPLE.encode("utf-16"), "my.csv: UTF-16, expected UTF-8"),
    "NUL": (SAMPLE.replace("our lab", "\0"), "line 2: holds a NUL character, so it is no text"),
    "workbook": (b"PK\x03\x04\x14\0\x06\0\x08\0\0\0!\0\xff\xee", "not valid UTF-8"),
    "huge": (b"x" * (MAX_BYTES + 1), f"my.csv: larger than {MAX_BYTES // 1_000_000} MB"),
    "huge cell": (SAMPLE.replace("our lab", "x" * 200_000), "line 2: not valid CSV: field larger"),
    "id twice": (
        text_of({**ROW, "id": "a"}, {**ROW, "id": "a", "precision": "fp16"}),
        "line 3: column id: 'a' is the id of line 2 of my.csv. Choose another",
    ),
    "key twice": (
        text_of(ROW, {**ROW, "model": "mistral-7B", "session": "later"}),
        "line 3: column preferred: line 2 of my.csv has the preferred row for rtx4090d, "
        "Mistral-7B, nf4, batch 1. Write false in the one that is not to be used",
    ),
}


@pytest.mark.parametrize("name", BAD_FILES)
def test_a_bad_file_is_explained(ecolint: Command, write: Write, name: str) -> None:
    content, said = BAD_FILES[name]
    write("my.csv", content)
    write("ecolint.toml", 'data = ["my.csv"]\n')
    for arguments in (("data", "check", "my.csv"), ("data", "--rows", "t4")):
        result = ecolint(*arguments)
        assert said in result.stderr
        assert result.stderr.startswith("ecolint: my.csv")
        assert result.stderr.count("\n") == 1 or arguments[1] == "check"
        assert (result.status, result.stdout) == (2, "")


def test_a_change_that_contradicts_the_energies(ecolint: Command, write: Write) -> None:
    fp16 = {**ROW, "precision": "fp16", "power_w": "120", "energy_j_per_1k_tok": "6000"}
    write("my.csv", text_of(fp16, {**ROW, "delta_vs_fp16_pct": "-25"}))
    assert ecolint("data", "check", "my.csv").status == 0
    write("my.csv", text_of(fp16, {**ROW, "delta_vs_fp16_pct": "25"}))
    result = ecolint("data", "check", "my.csv")
    assert (
        "my.csv, line 3: column delta_vs_fp16_pct: 25 contradicts the energies, which give -25.00"
        in result.stderr
    )
    assert result.status == 2


def test_every_problem_is_listed(ecolint: Command, write: Write) -> None:
    write("good.csv", text_of({**ROW, "model": "acme-7b"}))
    write("bad.csv", text_of(ROW | {"gpu": "h10", "power_w": "x"}, ROW, ROW | {"batch_size": "0"}))
    write("again.csv", text_of({**ROW, "model": "acme-7b"}))
    result = ecolint("data", "check", "good.csv", "bad.csv", "again.csv")
    assert result.status == 2
    assert result.stdout == "good.csv: 1 row, no problems\n"
    problems = result.stderr.splitlines()
    assert [line.split(": ")[1:3] for line in problems] == [
        ["bad.csv, line 2", "column power_w"],
        ["bad.csv, line 2", "column gpu"],
        ["bad.csv, line 4", "column batch_size"],
        ["again.csv, line 2", "column preferred"],
    ]
    loaded = ecolint("data", "--data", "bad.csv")
    assert "(and 2 more: `ecolint data check bad.csv` lists them)" in loaded.stderr


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ('data = ["none.csv"]', "ecolint.toml: data: no such file: "),
        ('data = ["."]', "ecolint.toml: data: no such file: "),
        ('data = "my.csv"', 'ecolint.toml: data: expected a list of strings, got "my.csv"'),
    ],
)
def test_a_bad_setting(ecolint: Command, write: Write, line: str, said: str) -> None:
    write("ecolint.toml", line)
    result = ecolint("data")
    assert said in result.stderr
    assert result.status == 2


def test_the_setting_is_shown(ecolint: Command, write: Write) -> None:
    path = write("my.csv", SAMPLE)
    write("ecolint.toml", 'data = ["my.csv"]\n')
    assert f"data = [{json.dumps(str(path))}]" in ecolint("--show-settings").stdout


def test_control_characters_never_reach_the_terminal(ecolint: Command, write: Write) -> None:
    row = {**ROW, "model": "acme-7b\x1b[31m", "params_b": "7", "note": "\x1b]0;x\x07"}
    write("my.csv", text_of(row))
    result = ecolint("data", "--rows", "4090d", "--data", "my.csv")
    assert result.status == 0
    assert "\x1b" not in result.stdout
    assert "acme-7b\\x1b[31m" in result.stdout


def test_an_audit_that_needs_the_data_fails(ecolint: Command, write: Write) -> None:
    write("a.py", DEPLOYMENT)
    write("my.csv", SAMPLE.replace("rtx4090d", "h10"))
    write("ecolint.toml", 'data = ["my.csv"]\n')
    for arguments in ((), ("--fix",), ("--format", "json")):
        result = ecolint(*arguments)
        assert result.status == 2
        assert "my.csv, line 2: column gpu: unknown GPU 'h10'" in result.stderr
    assert ecolint("--isolated").status == 1
