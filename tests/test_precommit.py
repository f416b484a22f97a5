"""The hooks under the real pre-commit, installed from a clone of this project.

Installing takes a while (it needs the package index), so that all tests but one share one
installation.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import yaml
from conftest import CLEAN, FIXED, GIT, ROOT, SCRIPTS, TRAP, Result, execute
from hypothesis import given
from hypothesis import strategies as st
from notebook_support import sources, written

from ecocompute_lint.sources import kinds

IDENTITY = ("-c", "user.name=test", "-c", "user.email=test@example.org")
Project = Callable[..., Result]


def commit(directory: Path) -> str:
    for step in (("init", "-q"), ("add", "-A"), ("commit", "-q", "-m", "x", "--no-verify")):
        assert execute([GIT, *IDENTITY, *step], directory).status == 0
    return execute([GIT, "rev-parse", "HEAD"], directory).stdout.strip()


@pytest.fixture(scope="session")
def clone(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """This project as it stands, as a repository with one commit."""
    directory = tmp_path_factory.mktemp("clone") / "ecolint"
    listed = execute(
        [GIT, "ls-files", "-z", "--cached", "--others", "--exclude-standard"], ROOT
    ).stdout.split("\0")
    for name in filter(None, listed):
        if (ROOT / name).is_file() and not name.startswith("tests/"):
            target = directory / name
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, target)
    return directory, commit(directory)


@pytest.fixture(scope="session")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where pre-commit keeps what it installs."""
    return tmp_path_factory.mktemp("pre-commit-home")


@pytest.fixture
def project(tmp_path: Path, clone: tuple[Path, str], home: Path) -> Project:
    """Run pre-commit with one of our hooks in a repository that holds what `tmp_path` does."""
    directory, revision = clone

    def run(hook: str, *arguments: str) -> Result:
        config = f"repos:\n- repo: {directory}\n  rev: {revision}\n  hooks:\n  - id: {hook}\n"
        settings = home / f"{tmp_path.name}.yaml"  # not one of the files that are looked at
        settings.write_text(config)
        execute([GIT, "init", "-q"], tmp_path)
        execute([GIT, "add", "-A"], tmp_path)
        command = [SCRIPTS / "pre-commit", "run", "-c", settings, "--all-files", *arguments]
        return execute(command, tmp_path, env={"PRE_COMMIT_HOME": str(home)})

    return run


# -- which files the hooks are given

HOOKS = yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text(encoding="utf-8"))
BY_PATTERN = (
    "Dockerfile",
    "docker/Dockerfile.gpu",
    "api.Dockerfile",
    "prod-dockerfile",
    "Containerfile",
    "Makefile.inc",
    "requirements.txt",
    "requirements-dev.in",
    "gpu_requirements.txt",
    "requirement.txt",
    "constraints.txt",
    "dev-constraints.in",
    "environment.yml",
    "conda/environment-gpu.yaml",
)
BY_FOLDER = ("requirements/base.txt", "app/constraints/gpu.in")
STRANGERS = (
    "README.md",
    "data.json",
    "config.json.bak",
    "notes.txt",
    "requirements.md",
    "myrequirements.txt",
    "Dockerfiles/readme",
    "script",
    "main.go",
    "package-lock.json",
    "config.py/data.csv",
    "Cargo.lock",
    "docs/requirements/guide.md",
    "makefiles",
    "pyproject.toml.orig",
)


def examples() -> Iterator[str]:
    """A name for every row of the tables of kinds."""
    yield from kinds._NAMES
    yield from (f"some-file{ending}" for ending in kinds._ENDINGS)
    yield from BY_PATTERN
    yield from BY_FOLDER


def given_to_the_hooks(path: str) -> bool:
    """Whether pre-commit hands a path to both hooks; it searches, as here."""
    found = [re.search(hook["files"], path) is not None for hook in HOOKS]
    assert len(set(found)) == 1
    return found[0]


def test_there_is_an_example_of_every_row() -> None:
    for table, names in ((kinds._PATTERNS, BY_PATTERN), (kinds._FOLDERS, BY_FOLDER)):
        for pattern, kind in table:
            assert any(pattern.search(name.lower()) for name in names), pattern
            assert any(kinds.kind_of(name) == kind for name in names), kind
    read = {kinds.kind_of(name) for name in examples()}
    assert read == {kinds.PYTHON, kinds.NOTEBOOK, *kinds.READERS}


@pytest.mark.parametrize("name", [*examples()])
def test_the_hooks_get_what_is_read(name: str) -> None:
    assert kinds.kind_of(name) is not None
    for path in (name, f"some/folder/{name}", name.upper(), name.title()):
        assert given_to_the_hooks(path), path


@pytest.mark.parametrize("name", STRANGERS)
def test_the_hooks_get_nothing_else(name: str) -> None:
    assert kinds.kind_of(name) is None
    assert not given_to_the_hooks(name)
    assert not given_to_the_hooks(f"some/folder/{name}")


PARTS = st.sampled_from(
    (
        *("dev", "x y", "/", ".", "-", "_", "gpu", "s", "1"),
        *("docker", "container", "file", "make", "requirements", "requirement", "constraints"),
        *("environment", "config", "pipfile", "justfile", ".txt", ".in", ".toml", ".lock"),
        *kinds._NAMES,
        *kinds._ENDINGS,
    )
)


@given(st.lists(PARTS, min_size=1, max_size=6).map("".join))
def test_the_hooks_and_the_command_agree_on_any_name(path: str) -> None:
    assert given_to_the_hooks(path) == (kinds.kind_of(path) is not None)


# -- the hooks at work


def test_try_repo(tmp_path: Path, clone: tuple[Path, str], home: Path) -> None:
    (tmp_path / "a.py").write_text(TRAP)
    commit(tmp_path)
    command = [SCRIPTS / "pre-commit", "try-repo", clone[0], "ecolint", "--all-files"]
    result = execute(command, tmp_path, env={"PRE_COMMIT_HOME": str(home)})
    assert result.status == 1, result.stdout + result.stderr
    assert "a.py:2:10  ECO101  RED" in result.stdout
    assert "- exit code: 1" in result.stdout


def test_the_repairing_hook_fails_once_and_then_passes(tmp_path: Path, project: Project) -> None:
    path = tmp_path / "a.py"
    path.write_text(TRAP)
    (tmp_path / "b.py").write_text(CLEAN)
    first = project("ecolint-fix")
    assert first.status == 1, first.stdout + first.stderr
    assert "files were modified by this hook" in first.stdout
    assert "a.py  fixed 1: ECO101" in first.stdout
    assert path.read_text() == FIXED
    second = project("ecolint-fix")
    assert (second.status, path.read_text()) == (0, FIXED)


def test_the_checking_hook_changes_nothing(tmp_path: Path, project: Project) -> None:
    path = tmp_path / "a.py"
    path.write_text(TRAP)
    result = project("ecolint")
    assert result.status == 1, result.stdout + result.stderr
    assert "ECO101" in result.stdout
    assert path.read_text() == TRAP


def test_it_succeeds_where_no_file_matches(tmp_path: Path, project: Project) -> None:
    (tmp_path / "README.md").write_text("vllm serve m --enforce-eager  # load_in_8bit=True\n")
    result = project("ecolint")
    assert result.status == 0, result.stdout + result.stderr
    assert "no files to check" in result.stdout


def test_excluded_files_are_left_out_although_pre_commit_names_them(
    tmp_path: Path, project: Project
) -> None:
    (tmp_path / "vendor").mkdir()
    (tmp_path / "vendor" / "a.py").write_text(TRAP)
    (tmp_path / "vendor" / "Dockerfile").write_text(DOCKERFILE)
    (tmp_path / "pyproject.toml").write_text("[tool.ecolint]\nextend-exclude = ['vendor']\n")
    result = project("ecolint", "--verbose")
    assert result.status == 0, result.stdout + result.stderr
    assert "no findings in 1 file" in result.stdout


SERVE = "vllm serve Qwen/Qwen2.5-7B-Instruct"
SCRIPT = f"#!/bin/sh\n{SERVE} \\\n    --enforce-eager \\\n    --max-model-len 8192\n"
COMPOSE = """\
services:
  llm:
    image: vllm/vllm-openai:v0.10.1
    command:
      - --model=Qwen/Qwen2.5-7B-Instruct
      - --enforce-eager  # start-up
      - --max-model-len=8192
"""
DOCKERFILE = """\
FROM ghcr.io/huggingface/text-generation-inference:3.0.1
ENV MODEL_ID=mistralai/Mistral-7B-Instruct-v0.3 QUANTIZE=bitsandbytes
"""
REQUIREMENTS = "--pre\n--extra-index-url https://download.pytorch.org/whl/nightly/cu128\ntorch\n"


def test_the_checking_hook_reads_deployment_files_and_notebooks(
    tmp_path: Path, project: Project
) -> None:
    (tmp_path / "pyproject.toml").write_text("[tool.ecolint]\nfail-on = 'yellow'\n")
    (tmp_path / "deploy").mkdir()
    (tmp_path / "deploy" / "Dockerfile.tgi").write_text(DOCKERFILE)
    (tmp_path / "compose.yaml").write_text(COMPOSE)
    (tmp_path / "requirements.txt").write_text(REQUIREMENTS)
    (tmp_path / "tour.ipynb").write_text(written("%matplotlib inline", TRAP))
    (tmp_path / "serve.sh").write_text(SCRIPT)
    result = project("ecolint")
    assert result.status == 1, result.stdout + result.stderr
    found = re.findall(r"^(\S+?):[\d:a-z -]+?  (ECO\d+)", result.stdout, re.MULTILINE)
    assert found == [
        ("compose.yaml", "ECO306"),
        ("deploy/Dockerfile.tgi", "ECO101"),
        ("requirements.txt", "ECO501"),
        ("serve.sh", "ECO306"),
        ("tour.ipynb", "ECO101"),
    ], result.stdout
    assert "not a kind of file" not in result.stdout


def test_the_repairing_hook_repairs_deployment_files_and_notebooks(
    tmp_path: Path, project: Project
) -> None:
    (tmp_path / "compose.yaml").write_text(COMPOSE)
    (tmp_path / "serve.sh").write_text(SCRIPT)
    (tmp_path / "tour.ipynb").write_text(written("!nvidia-smi", TRAP))
    first = project("ecolint-fix")
    assert first.status == 1, first.stdout + first.stderr
    assert "files were modified by this hook" in first.stdout
    assert (tmp_path / "compose.yaml").read_text() == COMPOSE.replace(
        "      - --enforce-eager  # start-up\n", ""
    )
    assert (tmp_path / "serve.sh").read_text() == SCRIPT.replace("    --enforce-eager \\\n", "")
    assert sources((tmp_path / "tour.ipynb").read_text()) == ["!nvidia-smi", FIXED]
    second = project("ecolint-fix")
    assert second.status == 0, second.stdout + second.stderr
