"""`ecolint measure` from end to end: real libraries, a tiny model on the CPU, a recorded trace.

What it finds is no measurement, and its rows say so. Needs an environment with `torch`,
`transformers`, `accelerate`, `bitsandbytes`, `nvidia-ml-py`, `pytest`, and what ecolint itself
needs.
"""

from __future__ import annotations

import csv
import json
import os
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from transformers import AutoModelForCausalLM

from ecocompute_lint.knowledge.measurements import load_dataset
from ecocompute_lint.measure.models import Models, scale_norms
from ecocompute_lint.measure.plan import plan, subject
from ecocompute_lint.measure.recipes import find_recipe

ROOT = Path(__file__).resolve().parent.parent
TINY = {
    "architectures": ["LlamaForCausalLM"],
    "model_type": "llama",
    "hidden_size": 64,
    "intermediate_size": 128,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "vocab_size": 16000,
    "max_position_embeddings": 128,
}
WATTS = 250.0
STEADY = f"seconds,watts\n0,{WATTS}\n1000,{WATTS}\n"
# Two seconds of power, then none for as long as any of these tests takes.
BREAKS = f"0,{WATTS}\n2,{WATTS}\n2.1,[N/A]\n100000,[N/A]\n"


def environment() -> dict[str, str]:
    """One thread is enough for a tiny model, and nothing is asked of the hub."""
    return {
        **os.environ,
        "PYTHONPATH": str(ROOT),
        "OMP_NUM_THREADS": "1",
        "HF_HUB_OFFLINE": "1",
        "PYTHONIOENCODING": "utf-8",
    }


COMMON = ("--random-weights", "tiny", "--output", "rows.csv")


def command(*more: str) -> list[str]:
    fixed = "--gpu rtx4090 --power-trace trace.csv"
    short = "--input-tokens 8 --output-tokens 4 --runs 2 --idle-seconds 0.1 --settle-seconds 0"
    head = [sys.executable, "-m", "ecocompute_lint", "measure"]
    return [*head, *COMMON, *fixed.split(), *short.split(), *more]


Measure = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A directory with a model's configuration and a trace."""
    (tmp_path / "tiny").mkdir()
    (tmp_path / "tiny" / "config.json").write_text(json.dumps(TINY))
    (tmp_path / "trace.csv").write_text(STEADY)
    return tmp_path


def ecolint(home: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Another command in the same directory."""
    done = subprocess.run(
        [sys.executable, "-m", "ecocompute_lint", *arguments],
        cwd=home,
        env=environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert "Traceback" not in done.stderr, done.stderr
    return done


@pytest.fixture
def measure(home: Path) -> Measure:
    """Run the command, within limits of the system where some are given."""

    def run(*more: str, **limits: int) -> subprocess.CompletedProcess[str]:
        def limit() -> None:
            for name, value in limits.items():
                resource.setrlimit(getattr(resource, name), (value, value))

        done = subprocess.run(
            command(*more),
            cwd=home,
            env=environment(),
            capture_output=True,
            text=True,
            check=False,
            preexec_fn=limit,
        )
        assert "Traceback" not in done.stderr, done.stderr
        return done

    return run


def rows(home: Path) -> dict[str, dict[str, str]]:
    """The rows that were written, by configuration and batch size."""
    with (home / "rows.csv").open(newline="") as file:
        found = list(csv.DictReader(file))
    return {f"{_configuration(row)} {row['batch_size']}": row for row in found}


def _configuration(row: dict[str, str]) -> str:
    return row["note"].partition(";")[0].removeprefix("configuration=")


def test_a_rehearsal_writes_rows_that_nothing_uses(home: Path, measure: Measure) -> None:
    names = "bf16,fp16,int8_pure"
    asked = ("--precisions", names, "--batch-sizes", "2,1", "--outliers")
    done = measure(*asked)
    assert done.returncode == 0, done.stderr
    found = rows(home)
    wanted = [f"{name} {batch}" for name in ("fp16", *names.split(",")) for batch in (1, 2)]
    assert list(found) == list(dict.fromkeys(wanted))
    for name, row in found.items():
        assert (row["quality"], row["preferred"]) == ("simulated", "false")
        assert (row["model"], row["gpu"], row["n_runs"]) == ("tiny", "rtx4090", "2")
        assert (row["input_tokens"], row["output_tokens"]) == ("8", "4")
        assert row["torch"] == torch.__version__
        assert "power=recorded trace trace.csv" in row["note"]
        assert "weights=random, some norm channels scaled" in row["note"]
        assert f"idle_w={WATTS}" in row["note"]
        # A power that never changes: joules are watts times seconds.
        assert float(row["power_w"]) == pytest.approx(WATTS)
        rate, energy = float(row["throughput_tok_s"]), float(row["energy_j_per_1k_tok"])
        assert energy == pytest.approx(WATTS / rate * 1000, rel=1e-4)
        assert row["energy_gross_j_per_1k_tok"] == row["energy_j_per_1k_tok"]
        half = found[f"fp16 {row['batch_size']}"]
        if not name.startswith("fp16"):
            assert row["fp16_ref_id"] == half["id"]
            change = (energy / float(half["energy_j_per_1k_tok"]) - 1) * 100
            assert float(row["delta_gross_vs_fp16_pct"]) == pytest.approx(change, abs=0.02)
        assert any(line.split()[:2] == name.split() for line in done.stdout.splitlines())
    assert "No measurement: the power comes from a recorded trace" in done.stdout
    checked = ecolint(home, "data", "check", "rows.csv")
    assert checked.stdout == "rows.csv: 6 rows, no problems\n"
    assert load_dataset((home / "rows.csv",)).preferred == load_dataset().preferred

    before = (home / "rows.csv").read_bytes()
    again = measure(*asked)
    assert again.returncode == 0, again.stderr
    assert "has 6 of 6 configurations: going on" in again.stderr
    assert (home / "rows.csv").read_bytes() == before


def test_trouble_interrupted_it_keeps_its_rows_and_goes_on(home: Path, measure: Measure) -> None:
    arguments = ("--precisions", "fp16,bf16", "--batch-sizes", "1,2,3,4,5,6,7,8")
    running = subprocess.Popen(
        command(*arguments, "--runs", "6"),
        cwd=home,
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        # Whoever runs the tests may ignore interrupts, as what runs in the background does.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    while not (home / "rows.csv").exists() and running.poll() is None:
        time.sleep(0.02)
    running.send_signal(signal.SIGINT)
    out, err = running.communicate()
    assert running.returncode == 130, err
    assert "Traceback" not in err
    kept = rows(home)
    assert 0 < len(kept) < 16
    assert f"rows.csv has {len(kept)} of 16 configurations; the same command goes on" in err
    assert err.endswith("ecolint: interrupted\n")
    assert out == ""
    assert [path.name for path in home.glob(".ecolint*")] == []

    few = ("--precisions", "fp16,bf16", "--batch-sizes", "1,2", "--runs", "6")
    done = measure(*few)
    assert done.returncode == 0, done.stderr
    assert "configurations: going on" in done.stderr
    found = rows(home)
    assert {name: found[name] for name in kept} == kept
    assert {row["session"] for row in found.values()} == {kept["fp16 1"]["session"]}
    assert {"fp16 1", "fp16 2", "bf16 1", "bf16 2"} <= set(found)


def test_trouble_a_full_disk_leaves_the_rows_that_fitted(home: Path, measure: Measure) -> None:
    # Room for the header and a row or two. Weights would not fit: they are there already.
    config = json.loads((home / "tiny" / "config.json").read_text())
    model = AutoModelForCausalLM.from_config(_config(config), dtype=torch.float16)
    model.save_pretrained(home / "ready")
    ready = [*command("--precisions", "fp16,bf16", "--batch-sizes", "1,2")]
    place = ready.index("--random-weights")
    ready[place : place + 2] = ["--model", "ready"]

    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (1700, 1700))

    done = subprocess.run(
        ready, cwd=home, env=environment(), capture_output=True, text=True, preexec_fn=limit
    )
    assert done.returncode == 2, done.stderr
    assert "--output rows.csv: file too large. The file has what it had before" in done.stderr
    kept = list(rows(home))
    wanted = ["fp16 1", "fp16 2", "bf16 1", "bf16 2"]
    assert 0 < len(kept) < len(wanted)
    assert kept == wanted[: len(kept)]
    lost = wanted[len(kept)].replace(" ", ",")
    assert f",{lost},8,4," in done.stderr  # what was measured is not gone
    assert ecolint(home, "data", "check", "rows.csv").returncode == 0
    assert [path.name for path in home.glob(".ecolint*")] == []


def test_trouble_out_of_memory_is_one_configuration(home: Path, measure: Measure) -> None:
    # The embeddings of the prompts alone take more than there is room for.
    large = "100000"
    done = measure(
        *("--precisions", "fp16,bf16", "--batch-sizes", f"1,{large}", "--input-tokens", "120"),
        RLIMIT_AS=3 * 2**30,
    )
    assert done.returncode == 1, done.stderr
    assert list(rows(home)) == ["fp16 1", "bf16 1"]
    for name in ("fp16", "bf16"):
        assert f"{name}, batch {large}: out of memory" in done.stderr
        assert f"{name}, batch {large}: out of memory" in done.stdout


def test_trouble_a_sensor_that_gives_up_ends_the_run(home: Path, measure: Measure) -> None:
    (home / "trace.csv").write_text(BREAKS)
    batches = ",".join(map(str, range(1, 61)))
    done = measure("--precisions", "fp16,bf16", "--batch-sizes", batches)
    assert done.returncode == 1, done.stderr
    assert "power could not be read: the trace has no power at 2 s" in done.stderr
    assert "bf16, batch 60: not tried" in done.stdout
    kept = rows(home)
    assert 0 < len(kept) < 120
    assert ecolint(home, "data", "check", "rows.csv").returncode == 0


def test_trouble_what_cannot_be_measured_is_said_before(home: Path, measure: Measure) -> None:
    done = measure("--input-tokens", "120", "--output-tokens", "20", "--precisions", "fp16")
    assert done.returncode == 2
    assert "its context is 128 tokens, and 140 are asked for" in done.stderr
    (home / "rows.csv").write_text("a,b\n1,2\n")
    done = measure("--precisions", "fp16")
    assert done.returncode == 2
    assert "rows.csv, line 1: " in done.stderr


def test_trouble_without_a_gpu_is_explained(home: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "ecocompute_lint", "measure", *COMMON, "--precisions", "fp16"],
        cwd=home,
        env={**environment(), "CUDA_VISIBLE_DEVICES": ""},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert "nothing can be measured here: " in done.stderr
    assert "1. Sample the board power at " in done.stderr
    assert not (home / "rows.csv").exists()


def _config(values: dict[str, object]) -> object:
    from transformers import LlamaConfig

    return LlamaConfig(**values)


def test_outliers_are_what_their_name_says(home: Path) -> None:
    """Random weights have no activations beyond bitsandbytes' threshold; with outliers, some."""
    config = _config(json.loads((home / "tiny" / "config.json").read_text()))
    found = []
    for scaled in (False, True):
        torch.manual_seed(0)
        model = AutoModelForCausalLM.from_config(config, dtype=torch.float32)
        if scaled:
            assert scale_norms(model) == 5
        largest = 0.0

        def watch(module: object, inputs: tuple[torch.Tensor, ...]) -> None:
            nonlocal largest
            largest = max(largest, float(inputs[0].detach().abs().max()))

        for name, module in model.named_modules():
            if name.endswith(("q_proj", "up_proj")):
                module.register_forward_pre_hook(watch)
        model(torch.arange(64)[None])
        found.append(largest)
    assert found[0] < 6.0 < found[1]


@pytest.mark.parametrize(
    ("name", "layer"),
    [
        ("fp16", "Linear"),
        ("nf4", "Linear4bit"),
        ("nf4_no_compute_dtype", "Linear4bit"),
        ("nf4_dq", "Linear4bit"),
        ("int8_default", "Linear8bitLt"),
        ("int8_pure", "Linear8bitLt"),
    ],
)
def test_recipes_load_what_they_say(home: Path, name: str, layer: str) -> None:
    asked = subject(None, str(home / "tiny"), False)
    from ecocompute_lint.knowledge.hardware import all_gpus

    models = Models(plan(all_gpus()[0], asked, [find_recipe(name)], [1], 8, 4, 2), "cpu")
    try:
        assert models.check() == pytest.approx(asked.size.params_total_b, rel=1e-3)
        models.load(find_recipe(name))
        assert models.workload(2).generate() == 8
        loaded = models._model.model.layers[0].mlp.up_proj
        assert type(loaded).__name__ == layer
        if layer == "Linear4bit":
            wanted = torch.float32 if name == "nf4_no_compute_dtype" else torch.float16
            assert loaded.compute_dtype is wanted
            assert loaded.weight.compress_statistics is (name == "nf4_dq")
        if layer == "Linear8bitLt":
            assert loaded.state.threshold == (6.0 if name == "int8_default" else 0.0)
    finally:
        models.close()
