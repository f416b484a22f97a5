"""Several processes: the same findings, in the same order, and a clean end whatever happens."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace

import pytest
from conftest import ROOT, TRAP, Command, environment

from ecocompute_lint.audit import FileReport, audit_paths
from ecocompute_lint.pool import spread, workers_for
from ecocompute_lint.runs import Done

LOAD = """\
from transformers import AutoModelForCausalLM
model = AutoModelForCausalLM.from_pretrained(NAME, load_in_8bit=True)
"""
METHODS = ("fork", "spawn") if sys.platform == "linux" else ("spawn",)


def test_findings_are_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("demo_app", "ECO102", "ECO302"):
        shutil.copytree(ROOT / "fixtures" / name, tmp_path / name)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("ECOLINT_CACHE_DIR", str(tmp_path / ".kept"))
    one = audit_paths(["."])
    assert one.findings
    assert audit_paths(["."], jobs=3).files == one.files
    assert audit_paths(["."], jobs=3, cached=True).files == one.files
    assert audit_paths(["."], jobs=1, cached=True).files == one.files


def test_what_was_read_before_shows_nowhere(tmp_path: Path) -> None:
    (tmp_path / "names.py").write_text("MODELS = [*open('models')]\nNAME = MODELS[7][1:]\n")
    for number in range(3):
        (tmp_path / f"m{number}.py").write_text("from names import NAME\n" + LOAD)
    files = sorted(map(str, tmp_path.glob("m*.py")))
    together = audit_paths(files)
    assert any("another file" in item.message for item in together.findings)
    for path, report in zip(files, together.files, strict=True):
        assert audit_paths([path]).files == (report,)


def test_by_command(ecolint: Command, tmp_path: Path) -> None:
    for number in range(9):
        (tmp_path / f"m{number}.py").write_text(TRAP)
    (tmp_path / "broken.py").write_text(TRAP + "def (\n")
    one = ecolint("--format", "concise", "--no-cache", "-j", "1")
    two = ecolint("--format", "concise", "--no-cache", "--jobs", "2")
    assert one.stdout.splitlines()[:-3] == two.stdout.splitlines()[:-3]
    assert one.status == two.status == 2
    assert two.stderr == one.stderr
    assert ecolint("-j", "-1").status == 2


def test_a_bad_rule_is_told_as_by_one_process(ecolint: Command, tmp_path: Path) -> None:
    for number in range(4):
        (tmp_path / f"m{number}.py").write_text(TRAP)
    (tmp_path / "house").mkdir()
    (tmp_path / "house" / "X.yaml").write_text("code: 1\n")
    (tmp_path / "ecolint.toml").write_text('rules = ["house"]\n')
    one, two = (ecolint("--no-cache", "-j", jobs) for jobs in ("1", "2"))
    assert one.status == two.status == 2
    assert one.stderr == two.stderr != ""


def test_few_bytes_are_not_shared_out() -> None:
    assert workers_for(None, 2_000) == 1
    assert workers_for(0, 2_000) == 1
    assert workers_for(4, 2_000) == 4


@dataclass(frozen=True)
class Fatal:
    """Work that ends its process."""

    number: int

    @property
    def item(self) -> SimpleNamespace:
        return SimpleNamespace(path=f"m{self.number}.py")

    def __call__(self) -> Done:
        if self.number == 3:
            os._exit(9)
        return Done(FileReport(f"m{self.number}.py", "examined"))


@pytest.mark.parametrize("method", METHODS)
def test_the_end_of_a_process_is_one_files_problem(method: str) -> None:
    work = [Fatal(number) for number in range(6)]
    done = list(spread([work[:4], work[4:]], 2, method))  # type: ignore[list-item]
    assert [one.report.path for one in done] == [f"m{number}.py" for number in range(6)]
    assert [one.report.status for one in done].count("failed") == 1
    assert done[3].report.problem is not None
    assert "ended abruptly" in done[3].report.problem.message


@pytest.mark.skipif(os.name == "nt", reason="groups of processes")
def test_an_interrupt_leaves_nothing_behind(tmp_path: Path) -> None:
    text = TRAP + "config = BitsAndBytesConfig(load_in_8bit=True)\n" * 300
    for number in range(400):
        (tmp_path / f"m{number}.py").write_text(text)
    process = subprocess.Popen(
        [sys.executable, "-m", "ecocompute_lint", "-q", "-j", "2", "--no-cache", "."],
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=environment(),
        start_new_session=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    )
    while process.poll() is None and not children_of(process.pid):
        time.sleep(0.05)
    os.killpg(process.pid, signal.SIGINT)
    _, errors = process.communicate()
    assert process.returncode == 130
    assert errors.strip() == b"ecolint: interrupted"
    with pytest.raises(ProcessLookupError):
        os.killpg(process.pid, 0)


def children_of(pid: int) -> list[str]:
    done = subprocess.run(["ps", "-o", "pid=", "--ppid", str(pid)], capture_output=True, text=True)
    return done.stdout.split()
