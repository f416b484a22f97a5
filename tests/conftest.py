"""What the tests of the faces share: running the real command in a directory of its own."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings

from ecocompute_lint.notices import take_over

# A slow machine is no failure; in CI the same examples are tried every time. For a long run there
# is `pytest --hypothesis-profile thorough`: how much is tried is scaled (see `properties_support`).
_MANY = int(os.environ.get("ECOLINT_EXAMPLES", "10000"))
settings.register_profile("here", deadline=None)
settings.register_profile("ci", deadline=None, derandomize=True)
settings.register_profile("thorough", deadline=None, max_examples=_MANY, print_blob=True)
settings.load_profile("ci" if os.environ.get("CI") else "here")

# Results of the tests are nobody's; the folder goes with the run.
_RESULTS = tempfile.TemporaryDirectory(prefix="ecolint-tests-")
os.environ["ECOLINT_CACHE_DIR"] = _RESULTS.name

ROOT = Path(__file__).resolve().parent.parent
SCRIPTS = Path(sys.executable).parent
GIT = shutil.which("git") or "git"
IMPORT = "from transformers import BitsAndBytesConfig\n"
TRAP = IMPORT + "config = BitsAndBytesConfig(load_in_8bit=True)\n"
FIXED = IMPORT + "config = BitsAndBytesConfig(load_in_8bit=True, llm_int8_threshold=0.0)\n"
YELLOW = IMPORT + "config = BitsAndBytesConfig(load_in_4bit=True)\n"
CLEAN = "print('nothing to see')\n"


@pytest.fixture(autouse=True)
def warnings_to_the_logger() -> Iterator[None]:
    """A command that runs in this process takes the warnings over; the next test has them again."""
    yield
    take_over(None)


@dataclass(frozen=True)
class Result:
    """How a command ended."""

    status: int
    stdout: str
    stderr: str
    raw: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.stdout)


def environment(**changes: str) -> dict[str, str]:
    """An environment in which neither the terminal nor an outer git matters."""
    drop = ("NO_COLOR", "FORCE_COLOR", "COLUMNS", "PYTEST_ADDOPTS")
    kept = {k: v for k, v in os.environ.items() if k not in drop and not k.startswith("GIT_")}
    kept["PATH"] = f"{SCRIPTS}{os.pathsep}{kept.get('PATH', '')}"
    kept["PYTHONIOENCODING"] = "utf-8"
    kept["GIT_CONFIG_GLOBAL"] = os.devnull
    return {**kept, **changes}


def execute(
    command: Sequence[str | Path],
    cwd: Path,
    given: str | bytes = b"",
    env: Mapping[str, str] | None = None,
) -> Result:
    done = subprocess.run(
        [os.fspath(part) for part in command],
        cwd=cwd,
        input=given.encode() if isinstance(given, str) else given,
        capture_output=True,
        env=environment(**(env or {})),
        check=False,
    )
    out, err = (data.decode("utf-8", "replace") for data in (done.stdout, done.stderr))
    assert "Traceback" not in err, err
    return Result(done.returncode, out, err, done.stdout)


Command = Callable[..., Result]


@pytest.fixture
def ecolint(tmp_path: Path) -> Command:
    """Run ``ecolint`` in the test's directory."""

    def run(*arguments: str | Path, given: str | bytes = b"", **env: str) -> Result:
        return execute([SCRIPTS / "ecolint", *arguments], tmp_path, given, env)

    return run


@pytest.fixture
def write(tmp_path: Path) -> Callable[[str, str | bytes], Path]:
    """Write a file below the test's directory."""

    def create(name: str, content: str | bytes) -> Path:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    return create


@pytest.fixture
def git(tmp_path: Path) -> Command:
    """Run git in the test's directory, or in one below it."""

    def run(*arguments: str, cwd: str = ".") -> Result:
        identity = ("-c", "user.name=test", "-c", "user.email=test@example.org")
        result = execute([GIT, *identity, *arguments], tmp_path / cwd)
        return result

    return run
