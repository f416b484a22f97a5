"""Measurements that a project adds: what is accepted, and that they win."""

from __future__ import annotations

import contextlib
import csv
import io
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from conftest import CLEAN, TRAP, Command, environment
from hypothesis import example, given
from hypothesis import strategies as st
from own_rows import BUNDLED, DEPLOYMENT, ROW, SAMPLE, text_of

from ecocompute_lint.data import read_rows
from ecocompute_lint.knowledge.columns import COLUMNS
from ecocompute_lint.knowledge.hardware import all_gpus, find_gpu
from ecocompute_lint.knowledge.measurements import Dataset, load_dataset
from ecocompute_lint.knowledge.precisions import PRECISIONS, find_precision
from ecocompute_lint.knowledge.row_files import DataError, Models
from ecocompute_lint.report.data import rows_json

Write = Callable[[str, "str | bytes"], Path]


def rows_of(ecolint: Command, gpu: str, *arguments: str) -> dict[str, dict[str, Any]]:
    """The rows of a card as the command prints them, by id."""
    result = ecolint("data", "--rows", gpu, "--format", "json", *arguments)
    assert result.status == 0, result.stderr
    return {row["id"]: row for row in result.json["rows"]}


# --- what is accepted -----------------------------------------------------------------------------


def test_short_rows_are_completed(ecolint: Command, write: Write) -> None:
    write("bench/my.csv", SAMPLE)
    write("ecolint.toml", 'data = ["bench/my.csv"]\n')
    rows = rows_of(ecolint, "rtx4090d")
    own = {row["precision"]: row for row in rows.values() if row["origin"]}
    assert own.keys() == {"fp16", "nf4", "int8_mixed"}
    assert own["fp16"]["id"] == "ours-fp16"
    assert (own["fp16"]["source"], own["fp16"]["change_pct"]) == ("our lab", None)
    assert own["nf4"]["id"] == "rtx4090d-mistral-7b-nf4-bs1-lab-1"
    assert own["nf4"]["source"] == own["nf4"]["origin"] == os.path.join("bench", "my.csv")
    for name in ("nf4", "int8_mixed"):
        assert own[name]["params_b"] == pytest.approx(7.25, abs=0.01)
    assert own["nf4"]["energy_j"] == 90 / 20 * 1000
    assert own["int8_mixed"]["energy_j"] == 80 / 8 * 1000
    for row in own.values():
        assert (row["model"], row["session"]) == ("Mistral-7B", "lab-1")
        assert (row["quality"], row["scope"], row["energy_basis"]) == ("raw", "end_to_end", "gross")
        assert row["preferred"]
    assert own["nf4"]["change_pct"] == pytest.approx((4500 / 6000 - 1) * 100)
    assert own["int8_mixed"]["change_pct"] == pytest.approx((10000 / 6000 - 1) * 100)
    assert own["nf4"]["fp16_ref_id"] == "ours-fp16"
    (other,) = rows_of(ecolint, "h100-sxm").values()
    assert (other["session"], other["energy_basis"]) == ("my.csv", "unverified")
    assert (other["batch_size"], other["energy_j"], other["params_b"]) == (16, 120, 13)


def test_a_row_of_the_user_wins(ecolint: Command, write: Write) -> None:
    before = rows_of(ecolint, "rtx4090d")
    assert before[BUNDLED]["preferred"]
    write("my.csv", SAMPLE)
    write("sub/ecolint.toml", 'data = ["../my.csv"]\n')
    after = rows_of(ecolint, "rtx4090d", "--data", "my.csv")
    mine = "rtx4090d-mistral-7b-nf4-bs1-lab-1"
    assert after[mine]["preferred"]
    assert not after[BUNDLED]["preferred"]
    assert after[BUNDLED]["replaced_by"] == mine
    changed = {row for row in before if before[row] != after[row]}
    assert {before[row]["precision"] for row in changed} == {"fp16", "nf4", "int8_mixed"}
    assert {before[row]["model"] for row in changed} == {"Mistral-7B"}
    lines = ecolint("data", "--rows", "4090d", "--data", "my.csv").stdout.splitlines()
    (own,) = (line for line in lines if line.endswith(mine))
    (old,) = (line for line in lines if line.endswith(BUNDLED))
    assert own.startswith("*  Mistral-7B")
    assert "4,500" in own
    assert "−25.0 %" in own
    assert "my.csv" in own
    assert old.startswith("-  Mistral-7B")
    assert "- a row of yours stands in for it" in lines
    facts = ecolint("data", "--data", "my.csv", "--format", "json").json
    assert facts["added"] == [{"path": "my.csv", "rows": 4, "replaced": 3}]
    assert "yours: my.csv, 4 rows, 3 in place of" in ecolint("data", "--data", "my.csv").stdout


def test_findings_rest_on_the_rows_of_the_user(ecolint: Command, write: Write) -> None:
    write("a.py", DEPLOYMENT)
    write("my.csv", SAMPLE)
    arguments = ("--format", "json", "--gpu", "rtx4090d")
    (before,) = ecolint(*arguments).json["findings"]
    write("ecolint.toml", 'data = ["my.csv"]\n')
    (after,) = ecolint(*arguments).json["findings"]
    mine = "rtx4090d-mistral-7b-int8_mixed-bs1-lab-1"
    assert mine not in before["evidence"]["rows"]
    assert {mine, "ours-fp16"} <= set(after["evidence"]["rows"])


@pytest.mark.parametrize(
    "names",
    [
        {"model": "mistral-7b"},
        {"model": "", "hf_id": "mistralai/Mistral-7B-Instruct-v0.3"},
        {"model": "ours", "hf_id": "mistralai/Mistral-7B-v0.1"},
        {"model": "", "hf_id": "TheBloke/Mistral-7B-v0.1-AWQ"},
    ],
)
def test_a_model_goes_by_many_names(tmp_path: Path, names: dict[str, str]) -> None:
    path = tmp_path / "my.csv"
    path.write_text(text_of({**ROW, **names}))
    assert load_dataset((path,)).replaced.keys() == {BUNDLED}


def test_other_models_and_sizes_only_add(tmp_path: Path) -> None:
    path = tmp_path / "my.csv"
    rows = (
        {"model": "acme-7b"},
        {"hf_id": "mistralai/Mistral-Nemo-Instruct-2407", "model": ""},
        {"batch_size": "2"},
        {"preferred": "false"},
        {"quality": "superseded"},
    )
    path.write_text(text_of(*({**ROW, **row} for row in rows)))
    dataset = load_dataset((path,))
    assert dataset.replaced == {}
    assert sum(bool(row.origin) for row in dataset.preferred) == 3


@pytest.mark.parametrize("precision", PRECISIONS, ids=lambda precision: precision.name)
def test_precisions_by_every_name(tmp_path: Path, precision: Any) -> None:
    for number, name in enumerate((precision.name, precision.option, *precision.aliases)):
        path = tmp_path / f"{number}.csv"
        path.write_text(text_of({**ROW, "precision": name.upper()}))
        assert load_dataset((path,)).rows[-1].precision == precision.name


@pytest.mark.parametrize(
    "content",
    [
        "\ufeff" + SAMPLE,
        SAMPLE.replace("\n", "\r\n"),
        SAMPLE.replace("\n", "\r"),
        SAMPLE.replace("\n", "\n\n") + ",,,\n",
        SAMPLE.replace(",", ",  "),
        SAMPLE.replace(",16,", ",16.0,"),
        SAMPLE.replace("our lab", '"our\nlab, ""A"""'),
    ],
    ids=["BOM", "CRLF", "CR", "blank lines", "spaces", "whole as float", "quoted"],
)
def test_as_spreadsheets_write_it(tmp_path: Path, content: str) -> None:
    path = tmp_path / "my.csv"
    path.write_bytes(content.encode())
    plain = tmp_path / "plain.csv"
    plain.write_text(SAMPLE)
    found, expected = ([r for r in load_dataset((p,)).rows if r.origin] for p in (path, plain))
    assert [(row.energy_j, row.batch_size) for row in found] == [
        (row.energy_j, row.batch_size) for row in expected
    ]


def test_columns_in_another_order(tmp_path: Path) -> None:
    rows = list(csv.DictReader(io.StringIO(SAMPLE)))
    path = tmp_path / "my.csv"
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, sorted(COLUMNS))
        writer.writeheader()
        writer.writerows(rows)
    assert sum(bool(row.origin) for row in load_dataset((path,)).rows) == len(rows)


def test_one_file_named_twice_is_read_once(ecolint: Command, write: Write) -> None:
    write("my.csv", SAMPLE)
    write("ecolint.toml", 'data = ["my.csv", "./my.csv"]\n')
    facts = ecolint("data", "--data", "my.csv", "--format", "json").json
    assert [added["rows"] for added in facts["added"]] == [4]


# --- properties -----------------------------------------------------------------------------------

MODELS = st.sampled_from(
    [
        ("Mistral-7B", ""),
        ("", "mistralai/Mistral-7B-Instruct-v0.2"),
        ("qwen2-7b", "Qwen/Qwen2-7B"),
        ("", "Qwen/Qwen2.5-3B"),
        ("acme-13b", ""),
        ("", "acme/Tuned-8B"),
        ("Llama-3-8B", "meta-llama/Meta-Llama-3-8B"),
    ]
)
CARDS = st.sampled_from([name for gpu in all_gpus() for name in (gpu.slug, *gpu.aliases)])
KINDS = st.sampled_from([name for p in PRECISIONS for name in (p.name, p.option, *p.aliases)])


@st.composite
def valid_rows(draw: st.DrawFn) -> list[dict[str, str]]:
    """Rows in which nothing contradicts anything."""
    models = Models(read_rows("measurements.csv"))
    seen = set()
    rows = []
    for _ in range(draw(st.integers(1, 8))):
        gpu, kind = draw(CARDS), draw(KINDS)
        card, precision = find_gpu(gpu), find_precision(kind)
        assert card
        assert precision
        power = draw(st.floats(5, card.tdp_w, allow_subnormal=False))
        rate = draw(st.floats(1, 5000, allow_subnormal=False))
        model, hf_id = draw(MODELS)
        row = {
            "gpu": gpu,
            "model": model,
            "hf_id": hf_id,
            "precision": kind,
            "batch_size": str(draw(st.integers(1, 64))),
            "throughput_tok_s": repr(rate),
            "power_w": repr(power),
            "session": draw(st.sampled_from(["", "one", "two"])),
            "note": draw(st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=20)),
        }
        if draw(st.booleans()):
            row["energy_j_per_1k_tok"] = repr(power / rate * 1000 * draw(st.floats(0.98, 1.02)))
        short, _ = models.name(model or hf_id.rpartition("/")[2], hf_id)
        key = (card.slug, short.lower(), precision.name, row["batch_size"])
        row["preferred"] = "false" if key in seen else draw(st.sampled_from(["", "true", "TRUE"]))
        seen.add(key)
        rows.append(row)
    return rows


def load(content: bytes) -> Dataset:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "my.csv")
        path.write_bytes(content)
        return load_dataset((path,))


@given(valid_rows())
def test_valid_rows_load_and_come_out_as_they_went_in(rows: list[dict[str, str]]) -> None:
    dataset = load(text_of(*rows).encode())
    own = [row for row in dataset.rows if row.origin]
    assert len(own) == len(rows)
    assert len({row.id for row in dataset.rows}) == len(dataset.rows)
    assert len({row.key for row in dataset.preferred}) == len(dataset.preferred)
    shown = {
        row["id"]: row
        for gpu in all_gpus()
        for row in json.loads(json.dumps(rows_json(dataset, gpu)))["rows"]
    }
    for given_row, row in zip(rows, own, strict=True):
        out = shown[row.id]
        power, rate = float(given_row["power_w"]), float(given_row["throughput_tok_s"])
        assert (out["power_w"], out["throughput_tok_s"]) == (power, rate)
        energy = given_row.get("energy_j_per_1k_tok")
        assert out["energy_j"] == (float(energy) if energy else power / rate * 1000)
        assert out["batch_size"] == int(given_row["batch_size"])
        assert out["preferred"] == (given_row["preferred"] != "false")
        assert out["note"] == given_row["note"].strip()


CELLS = st.one_of(
    st.sampled_from(["", "nan", "-1", "0", "1e400", "١", "true", '"', "x\ny", "RTX 4090", "nf4"]),
    st.text(max_size=12),
    st.floats().map(repr),
)


@given(st.dictionaries(st.sampled_from(COLUMNS), CELLS, max_size=6))
@example({"model": "\u2028"})
@example({"id": "\0"})
def test_any_cells_load_or_are_explained(cells: dict[str, str]) -> None:
    content = text_of(ROW | {"precision": "fp16"}, ROW | cells).encode("utf-8", "replace")
    with contextlib.suppress(DataError):
        assert len([row for row in load(content).rows if row.origin]) == 2


@given(st.binary(max_size=200) | st.text(max_size=200).map(lambda t: t.encode("utf-8", "replace")))
def test_any_file_is_explained(content: bytes) -> None:
    with pytest.raises(DataError):
        load(content)


# --- read only when needed ------------------------------------------------------------------------

READ = """
import builtins, io, sys, pathlib
from pathlib import Path
seen = []
sys.addaudithook(lambda name, args: seen.append(str(args[0])) if name == "open" else None)
from ecocompute_lint.cli import main
main(sys.argv[1:])
names = {pathlib.PurePath(path).name for path in seen}
print("READ", sorted(name for name in names if name.endswith(".csv")))
"""


@pytest.mark.parametrize("arguments", [("--version",), ("clean.py",), ("--show-settings",)])
def test_nothing_is_read_without_need(
    tmp_path: Path, write: Write, arguments: tuple[str, ...]
) -> None:
    write("clean.py", CLEAN)
    write("trap.py", TRAP)
    write("my.csv", "broken")
    write("ecolint.toml", 'data = ["my.csv"]\n')
    done = subprocess.run(
        [sys.executable, "-c", READ, *arguments],
        cwd=tmp_path,
        env=environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout.splitlines()[-1] == "READ []", done.stderr
