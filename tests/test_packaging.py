"""The wheel: what is in it, and that it works in an environment outside the checkout."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import venv
import zipfile
from pathlib import Path

import pytest
import yaml
from conftest import ROOT, TRAP, environment

PACKAGE = ROOT / "ecocompute_lint"
SHIPPED = (
    "*.py",
    "data/*.csv",
    "data/*.md",
    "report/*.json",
    "messages/*.yaml",
    "templates/*",
    "py.typed",
)


def run(*command: str | Path, cwd: Path) -> subprocess.CompletedProcess[str]:
    """Run something as if no checkout were near."""
    env = environment(PYTHONSAFEPATH="1", PIP_DISABLE_PIP_VERSION_CHECK="1")
    env.pop("PYTHONPATH", None)
    return subprocess.run(
        [os.fspath(part) for part in command],
        cwd=cwd,
        capture_output=True,
        text=True,
        env=env,
        check=False,
    )


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel of this checkout."""
    target = tmp_path_factory.mktemp("dist")
    command = (
        sys.executable,
        "-m",
        "pip",
        "wheel",
        "-q",
        "--no-deps",
        "-w",
        str(target),
        str(ROOT),
    )
    done = run(*command, cwd=target)
    assert done.returncode == 0, done.stderr
    (built,) = target.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def python(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The interpreter of an environment that has the wheel and what it depends on."""
    directory = tmp_path_factory.mktemp("environment") / "venv"
    venv.create(directory, with_pip=True)
    interpreter = directory / "bin" / "python"
    done = run(interpreter, "-m", "pip", "install", "-q", wheel, cwd=directory)
    assert done.returncode == 0, done.stderr
    return interpreter


def test_everything_is_in_the_wheel(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        inside = set(archive.namelist())
    ours = {name for name in inside if not name.split("/")[0].endswith(".dist-info")}
    expected = {
        path.relative_to(ROOT).as_posix() for pattern in SHIPPED for path in PACKAGE.rglob(pattern)
    }
    expected |= {f"ecocompute_lint/rules/{path.name}" for path in (ROOT / "rules").iterdir()}
    expected.add("ecocompute_lint/rules.json")
    assert ours == expected
    assert any(name.endswith(".dist-info/entry_points.txt") for name in inside)


def test_nothing_else_is_at_the_top(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        top = {name.split("/")[0] for name in archive.namelist()}
    assert {name for name in top if not name.endswith(".dist-info")} == {"ecocompute_lint"}


def test_rules_that_are_compiled_are_those_of_their_files(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        compiled = json.loads(archive.read("ecocompute_lint/rules.json"))
    paths = (ROOT / "rules").glob("*.yaml")
    files = {path.name: yaml.safe_load(path.read_bytes()) for path in paths}
    assert {name: data for name, (_, data) in compiled.items()} == files


RESOURCES = """
import json
from importlib.resources import files
import ecocompute_lint
from ecocompute_lint.resources import rules_dir
from ecocompute_lint.knowledge.hardware import all_gpus
from ecocompute_lint.knowledge.models import resolve
package = files("ecocompute_lint")
print(json.dumps({
    "file": ecocompute_lint.__file__,
    "rules_dir": str(rules_dir()),
    "rules": sorted(item.name for item in (package / "rules").iterdir()),
    "data": sorted(item.name for item in (package / "data").iterdir() if item.name[-3:] == "csv"),
    "gpus": len(all_gpus()),
    "size": resolve("mistralai/Mistral-7B-v0.1").resolved_by,
}))
"""


def test_resources_are_found(python: Path, tmp_path: Path) -> None:
    done = run(python, "-c", RESOURCES, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    home = str(python.parent.parent)
    assert found["file"].startswith(home)
    assert found["rules_dir"].startswith(home)
    assert found["rules"] == sorted(path.name for path in (ROOT / "rules").iterdir())
    assert found["data"] == sorted(path.name for path in (PACKAGE / "data").glob("*.csv"))
    assert found["gpus"] > 5
    assert found["size"] == "registry"


def test_the_command_works(python: Path, tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text(TRAP)
    command = python.with_name("ecolint")
    version = run(command, "--version", cwd=tmp_path)
    assert version.stdout.startswith("ecolint ")
    audit = run(command, "-q", cwd=tmp_path)
    assert audit.returncode == 1
    assert audit.stdout.startswith("a.py:2:10: ECO101")
    fixed = run(command, "--fix", cwd=tmp_path)
    assert fixed.returncode == 0
    assert "llm_int8_threshold=0.0" in (tmp_path / "a.py").read_text()


def test_only_what_is_declared_is_needed(python: Path, tmp_path: Path) -> None:
    """No extra is in that environment, and every module imports that belongs to none."""
    modules = [
        ".".join(path.relative_to(ROOT).with_suffix("").parts)
        for path in sorted(PACKAGE.rglob("*.py"))
        if path.name != "__main__.py" and path.parent != PACKAGE / "lsp"
    ]
    program = "import importlib, sys\nfor name in sys.argv[1:]: importlib.import_module(name)\n"
    done = run(python, "-c", program, *modules, cwd=tmp_path)
    assert done.returncode == 0, done.stderr


def test_without_its_extra_the_language_server_says_what_is_missing(
    python: Path, tmp_path: Path
) -> None:
    done = run(python, "-m", "ecocompute_lint", "lsp", cwd=tmp_path)
    assert done.returncode == 2
    assert "pip install 'ecocompute-lint[lsp]'" in done.stderr
    assert "Traceback" not in done.stderr
    assert done.stdout == ""
