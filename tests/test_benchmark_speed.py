"""The benchmark of speed: what its tables say of figures, and that it measures what is run."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest
from conftest import ROOT

sys.path.insert(0, str(ROOT / "benchmarks"))

from speed import corpora, measuring, page
from speed.measuring import Broken, Task, measure, once
from speed.plan import Group


def row(wall: float, *, scaled: float = 1, peak: int = 50_000_000) -> dict[str, Any]:
    return {"wall": wall, "cpu": wall, "peak": peak, "runs": 5, "scaled": scaled}


def group(rows: dict[str, Any], files: tuple[int, int, int] = (2, 300, 9000)) -> dict[str, Any]:
    return {"title": "some code", "files": list(files), "rows": rows}


GROUPS = {
    "start": group({"ecolint --version": row(0.05)}, (0, 0, 0)),
    "script": group({"ecolint --no-cache": row(0.25), "TorchFix": row(1.0)}),
    "relevant": group(
        {
            "ecolint --no-cache": row(2.0),
            "ruff --no-cache": row(0.5),
            "TorchFix": row(3.0, scaled=30),
        }
    ),
    "lengths": group({"1": row(0.15), "10": row(1.05), "100": row(30.05)}),
}


def test_what_ran_on_a_part_is_scaled_without_its_start() -> None:
    assert page.whole(GROUPS, "relevant", "TorchFix") == 1.0 + 2.0 * 30
    assert page.whole(GROUPS, "relevant", "ecolint --no-cache") == 2.0


def test_a_table_has_figures_and_ratios() -> None:
    table = page.table("relevant", GROUPS)
    assert "2 Python files, 300 lines, 9 kB." in table
    assert "| ecolint --no-cache | 2.0 s | 2.0 s | 50 MB | 4.00 | 5 |" in table
    assert "| TorchFix | ≈ 61.0 s | ≈ 61.0 s | 50 MB | 122.00 | 5 on 1/30 |" in table


def test_aims_are_judged() -> None:
    lines = page.aims(GROUPS)
    told = "relevant code: TorchFix against us, cold"
    assert f"| {told} | at least 20.00 × | 30.50 × | yes |" in lines
    assert "| `ecolint --version` | at most 100 ms | 50 ms | yes |" in lines
    assert not any("pre-commit" in line for line in lines)


def test_growth_is_seen_beside_that_of_the_input() -> None:
    first, second = page.growth(GROUPS)[2:]
    assert first.endswith("| 10.0 × | 10.0 × |")
    assert second.endswith("| 10.0 × | 30.0 × |")


def test_a_page_is_made() -> None:
    text = page.page({"machine": {"cores": "2"}, "groups": GROUPS})
    assert "| cores | 2 |" in text
    assert "### Some code" in text
    assert "{" not in text


def test_commands_are_measured(tmp_path: Path) -> None:
    held = "import time; text = b'x' * 30_000_000; time.sleep(0.01)"
    tasks = [
        Task("little", (sys.executable, "-S", "-c", "pass"), tmp_path),
        Task("much", (sys.executable, "-S", "-c", held), tmp_path),
    ]
    measure(tasks, runs=2, patience=60, say=lambda text: None)
    little, much = (task.median() for task in tasks)
    assert [len(task.samples) for task in tasks] == [2, 2]
    assert much.peak > little.peak + 20_000_000
    kept = page.kept([Group("start", "starting", tasks)], {})
    assert kept["groups"]["start"]["rows"]["much"]["runs"] == 2


def test_a_command_that_fails_is_told(tmp_path: Path) -> None:
    code = "import sys; sys.exit('went wrong')"
    with pytest.raises(Broken, match="exit status 1\nwent wrong"):
        once(Task("bad", (sys.executable, "-c", code), tmp_path))
    assert measuring.once(Task("bad", (sys.executable, "-c", code), tmp_path, statuses=(1,)))


def test_the_script_has_its_length_and_findings(tmp_path: Path) -> None:
    from ecocompute_lint import audit_text

    text = corpora.script(400)
    assert text.count("\n") == 400
    codes = {finding.code for finding in audit_text(text).findings}
    assert codes >= {"ECO101", "ECO201", "ECO301"}
    copies = corpora.part(ROOT / "benchmarks" / "speed", tmp_path / "part", 10_000)
    assert copies > 1
