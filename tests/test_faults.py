"""Faults in the middle of a run: files are whole, old or new, and everybody's changes are kept.

Each test runs the command many times, with the fault before one line after the other of what reads
or writes files. `benchmarks/faults.py` does it before every line.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
from conftest import Command
from faults_support import KEEPING, READING, WRITING, mended, points, strays, trap

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="no forks")

FILES = {"a.py": trap(), "b.py": trap(3)}
NEW = {name: mended(text) for name, text in FILES.items()}
FIX = ["--fix", "-j", "1", "."]


def whole(result: dict[str, Any]) -> bool:
    return all(result["tree"].get(name) in (FILES[name], NEW[name]) for name in FILES)


@pytest.mark.parametrize(
    ("fault", "status"), [("kill", -9), ("interrupt", 130), ("terminate", 143)]
)
def test_a_repair_that_is_ended(tmp_path: Path, fault: str, status: int) -> None:
    given = {"files": FILES, "action": fault, "watched": WRITING, "arguments": FIX, "again": FIX}
    results = points(tmp_path, **given, step=6)
    assert len(results) > 10
    assert {result["status"] for result in results} == {status}
    for result in results:
        assert whole(result), result
        assert result["stderr"].strip() == ("ecolint: interrupted" if fault == "interrupt" else "")
        # Only who is killed cannot tidy up; the next one does.
        assert len(strays(result, FILES)) <= (fault == "kill"), result
        assert result["again"]["tree"] == NEW
        assert result["again"]["status"] == 0
    assert len({tuple(sorted(result["tree"].items())) for result in results}) > 2


def test_a_write_that_is_cut_off(tmp_path: Path) -> None:
    """The process ends in the middle of writing, after so many bytes."""
    files = {"a.py": trap(400)}
    given = {"files": files, "bytes": True, "arguments": FIX, "again": FIX}
    size = len(mended(files["a.py"]))
    results = points(tmp_path, **given, first=0, most=size - 1, step=size // 6)
    for result in results:
        assert result["status"] < 0
        assert result["tree"]["a.py"] == files["a.py"]
        (left,) = strays(result, files)
        assert len(result["tree"][left]) == result["number"]
        assert result["again"]["tree"] == {"a.py": mended(files["a.py"])}


def test_a_cache_that_is_cut_off(tmp_path: Path) -> None:
    audit = ["-j", "1", "--format", "concise", "."]
    given = {"files": FILES, "action": "kill", "watched": KEEPING}
    results = points(tmp_path, **given, arguments=audit, again=audit, step=6)
    assert len(results) > 4
    for result in results:
        assert result["status"] == -9
        assert result["tree"] == FILES
        assert result["again"]["status"] == 1
        assert result["again"]["stdout"].count("ECO101") == 4
        kept = [name for name in result["again"]["kept"] if name.endswith(".json")]
        assert len(kept) == 1


def test_two_repairs_at_once(tmp_path: Path) -> None:
    """Another run repairs everything between two lines of this one."""
    given = {"files": FILES, "action": "other run", "watched": WRITING, "arguments": FIX}
    for result in points(tmp_path, **given, step=6):
        assert result["tree"] == NEW
        assert result["status"] == 0
        assert result["stderr"] == ""


def test_what_somebody_saves_meanwhile_is_kept(tmp_path: Path) -> None:
    given = {"files": FILES, "action": "change", "watched": READING, "arguments": FIX}
    results = points(tmp_path, **given, step=25)
    assert len(results) > 4
    for result in results:
        after = result["tree"]["a.py"]
        assert after.endswith("precious = 1\n")
        assert after.removesuffix("precious = 1\n") in (FILES["a.py"], NEW["a.py"])
        assert result["tree"]["b.py"] == NEW["b.py"]
        assert result["status"] in (0, 2)


@pytest.mark.parametrize("fault", ["vanish", "directory", "pipe"])
def test_files_that_become_something_else(tmp_path: Path, fault: str) -> None:
    given = {"files": FILES, "action": fault, "watched": READING, "arguments": FIX}
    results = points(tmp_path, **given, step=25)
    assert len(results) > 4
    for result in results:
        assert not result["hangs"], result
        assert result["status"] in (0, 2)
        assert result["tree"]["b.py"] == NEW["b.py"]
        assert result["tree"].get("a.py") not in (FILES["a.py"], NEW["a.py"])
        assert "internal" not in result["stdout"] + result["stderr"]
        assert set(result["tree"]) <= set(FILES)
        if result["status"] == 2:
            assert "a.py" in result["stdout"] + result["stderr"]


def test_names_of_any_length(ecolint: Command, tmp_path: Path) -> None:
    path = tmp_path / ("\N{GEAR}" * 80 + ".py")
    path.write_text(trap())
    assert ecolint("--fix", ".").status == 0
    assert path.read_text() == mended(trap())


def test_only_what_killed_runs_have_left_is_removed(ecolint: Command, tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text(trap())
    left = tmp_path / ".a.py.0123456789ab.ecolint-tmp"
    others = [tmp_path / name for name in ("a.ecolint-tmp", ".a.py.xyz.ecolint-tmp", ".a.py.tmp")]
    link = tmp_path / ".b.py.0123456789ab.ecolint-tmp"
    for path in (left, *others):
        path.write_text("half")
    link.symlink_to(others[0])
    assert ecolint("--fix", ".").status == 0
    assert not left.exists()
    assert all(path.read_text() == "half" for path in others)
    assert link.is_symlink()
