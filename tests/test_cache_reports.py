"""With results of earlier runs every report says what it says without them."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from conftest import CLEAN, ROOT, TRAP, Command, Result
from notebook_support import code, written

from ecocompute_lint.report.formats import FORMATS

Write = Callable[[str, "str | bytes"], Path]
IDLE = "x = 1  # noqa: ECO101\n"
SILENCED = TRAP.replace("load_in_8bit=True)", "load_in_8bit=True)  # noqa: ECO101")
LATER = "\n\ndef later():\n    return BitsAndBytesConfig(load_in_8bit=True)\n"
_TIMES = re.compile(r"\d+\.\d\d (?:s\b|秒)|(?<=time=\")[\d.]+")
RUNS = {
    "plain": (),
    "baseline": ("--baseline", "known.json"),
    "since": ("--since", "HEAD"),
    "both": ("--baseline", "known.json", "--since", "HEAD"),
    "lobster": ("--style", "lobster", "--lang", "en"),
    "lobster of what is new": ("--style", "lobster", "--lang", "zh", "--baseline", "known.json"),
    "comments": ("--extend-select", "ECO001", "--show-good", "--gpu", "a100-80"),
    "comments, new": ("--extend-select", "ECO001", "--baseline", "known.json"),
}


@pytest.fixture
def project(tmp_path: Path, write: Write, git: Command, ecolint: Command) -> Path:
    """A repository with a baseline of its first state, and changes since."""
    for name in ("demo_app", "ECO501", "ECO301"):
        shutil.copytree(ROOT / "fixtures" / name, tmp_path / name)
    write("a.py", TRAP)
    write("silenced.py", SILENCED)
    write("idle.py", IDLE)
    write("cells.ipynb", written(code("x = 1"), code(TRAP)))
    write("broken.py", TRAP + "def (:\n")
    for number in range(70):
        write(f"plain/m{number}.py", CLEAN)
    git("init", "-q", "-b", "main")
    git("add", "-A", ".")
    assert git("commit", "-qm", "first").status == 0
    assert ecolint("--no-cache", "--write-baseline", "known.json").status == 2  # broken.py
    write("a.py", "# moved\n" + TRAP + LATER)
    write("cells.ipynb", written(code("x = 2"), code(TRAP), code(TRAP)))
    write("new/b.py", TRAP)
    return tmp_path


def told(ecolint: Command, project: Path, *options: str, **env: str) -> list[str]:
    """All that a run says: its reports, what it prints, its status."""
    # Outside the project, where the next run does not see them.
    folder = project.parent / f"{project.name}-reports"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    formats: list[str] = []
    for name in FORMATS:
        formats += ["--format", name, "--output", str(folder / name)]
    result: Result = ecolint(*formats, "--format", "text", *options, **env)
    parts = [(folder / name).read_text(encoding="utf-8") for name in FORMATS]
    return [_TIMES.sub("", part) for part in (*parts, result.stdout, result.stderr)] + [
        str(result.status)
    ]


@pytest.mark.parametrize(
    ("runs", "paths"),
    [
        (("plain", "baseline", "since", "both"), ()),
        (("lobster", "lobster of what is new", "comments", "comments, new"), ()),
        (("plain", "both", "comments"), ("a.py", "cells.ipynb", "silenced.py", "idle.py")),
    ],
    ids=["plain", "lobster and comments", "few files"],
)
def test_cold_and_warm_and_without(
    project: Path, ecolint: Command, runs: tuple[str, ...], paths: tuple[str, ...]
) -> None:
    """Each takes what another has kept: what is left out of one report is there for the next."""
    asked = {run: (*RUNS[run], *paths) for run in runs}
    without = {run: told(ecolint, project, "--no-cache", *asked[run]) for run in runs}
    assert not any("internal error" in part for parts in without.values() for part in parts)
    assert len({tuple(parts) for parts in without.values()}) == len(runs)
    kept = {"ECOLINT_CACHE_DIR": str(project.parent / f"{project.name}-kept")}
    for run in (*runs, *reversed(runs)):
        assert told(ecolint, project, *asked[run], **kept) == without[run], run


def test_a_baseline_is_asked_afresh(project: Path, ecolint: Command) -> None:
    (project / "broken.py").unlink()
    kept = {"ECOLINT_CACHE_DIR": str(project.parent / f"{project.name}-kept")}
    options = ("--baseline", "known.json", "--format", "json")

    def found() -> set[str]:
        findings = json.loads(ecolint(*options, **kept).stdout)["findings"]
        return {item["path"] for item in findings if item["level"] != "green"}

    assert found() == {"a.py", "cells.ipynb", "new/b.py"}
    assert ecolint("--write-baseline", "known.json", **kept).status == 0
    assert found() == set()
    (project / "known.json").write_text('{"ecolint-baseline": 1, "findings": []}\n')
    assert found() > {"a.py", "cells.ipynb", "new/b.py", "demo_app/quant.py"}


def test_changed_lines_leave_what_is_known_of_other_files(project: Path, ecolint: Command) -> None:
    place = project.parent / f"{project.name}-kept"
    ecolint(ECOLINT_CACHE_DIR=str(place))

    def known() -> set[str]:
        (file,) = place.rglob("*.json")
        body = json.loads(file.read_bytes().partition(b"\n")[2])
        return set(body["results"])

    before = known()
    assert "python:silenced.py" in before
    (project / "a.py").write_text(TRAP)
    ecolint("--since", "HEAD", "--baseline", "known.json", ECOLINT_CACHE_DIR=str(place))
    assert known() == before
