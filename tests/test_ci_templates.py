"""The job for GitLab and the Dockerfile: their commands are run, without GitLab or Docker."""

from __future__ import annotations

import json
import re
import shlex
import shutil
import xml.etree.ElementTree as ElementTree
from collections.abc import Callable
from fnmatch import fnmatch
from pathlib import Path

import pytest
import yaml
from action_support import BASH, copy_of_the_project
from conftest import CLEAN, ROOT, SCRIPTS, TRAP, YELLOW, Command, Result, execute

TEMPLATE = ROOT / "integrations" / "gitlab-ci.yml"
GITLAB = yaml.safe_load(TEMPLATE.read_text(encoding="utf-8"))
JOB = GITLAB["ecolint"]
DOCKERFILE = (ROOT / "Dockerfile").read_text(encoding="utf-8")
QUALITY, JUNIT = "gl-code-quality-report.json", "ecolint-junit.xml"
SHELLS = [shell for shell in ("sh", "dash", "bash", "busybox") if shutil.which(shell)]


def checker(name: str) -> str:
    found = shutil.which(name, path=str(SCRIPTS)) or shutil.which(name)
    if found is None:
        pytest.skip(f"{name} is not installed")
    return found


# -- GitLab


def script(environment: Path, shell: str) -> str:
    """The job's lines, with an environment of the test's; GitLab, too, stops at a failure."""
    text = "\n".join(JOB["script"]).replace("/tmp/ecolint", shlex.quote(str(environment)))
    return f"#!/usr/bin/env {shell}\nset -e\n{text}\n"


def test_it_is_a_pipeline_by_the_schema() -> None:
    validator = shutil.which("check-jsonschema", path=str(SCRIPTS)) or "check-jsonschema"
    result = execute([validator, "--builtin-schema", "vendor.gitlab-ci", TEMPLATE], ROOT)
    assert result.status == 0, result.stdout + result.stderr


def test_its_script_is_clean_in_any_shell(tmp_path: Path) -> None:
    shellcheck = checker("shellcheck")
    for shell in ("sh", "bash"):
        path = tmp_path / f"{shell}.sh"
        path.write_text(script(Path("/tmp/ecolint"), shell))
        result = execute([shellcheck, path], tmp_path)
        assert result.status == 0, result.stdout


def test_the_variables_are_documented() -> None:
    text = (ROOT / "docs" / "ci.md").read_text(encoding="utf-8")
    section = text.split("<!-- gitlab: variables -->")[1].split("<!-- end -->")[0]
    rows = re.findall(r"^\| `(\w+)` \| (?:`(.+?)`|empty) \|", section, re.MULTILINE)
    assert dict(rows) == GITLAB["variables"]
    used = set(re.findall(r"\$\{?(ECOLINT_\w+)", TEMPLATE.read_text(encoding="utf-8")))
    assert used == set(GITLAB["variables"])


@pytest.fixture(scope="session")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The environment that the job's own commands make, from this project."""
    root = tmp_path_factory.mktemp("gitlab")
    project = copy_of_the_project(root / "project")
    path = root / "install.sh"
    make, install = [line for line in JOB["script"] if "/tmp/ecolint" in line][:2]
    path.write_text(f"set -e\n{make}\n{install}\n".replace("/tmp/ecolint", str(root / "venv")))
    result = execute([BASH, path], root, env={"ECOLINT_INSTALL": str(project)})
    assert result.status == 0, result.stdout + result.stderr
    return root / "venv"


@pytest.fixture
def job(installed: Path, tmp_path: Path, git: Command) -> Callable[..., Result]:
    """Run the job's audit in a repository with a finding in each of two files."""
    (tmp_path / "red.py").write_text(TRAP)
    (tmp_path / "a folder").mkdir()
    (tmp_path / "a folder" / "yellow.py").write_text(YELLOW)
    (tmp_path / ".gitignore").write_text("job.sh\n")
    git("init", "-q")
    git("add", "-A")
    git("commit", "-q", "-m", "x")

    def run(shell: str = "bash", **variables: str) -> Result:
        lines = [line for line in JOB["script"] if " install " not in line and "venv" not in line]
        text = "\n".join(("set -e", *lines)).replace("/tmp/ecolint", str(installed))
        path = tmp_path / "job.sh"
        path.write_text(text)
        command = [shell, "sh", path] if shell == "busybox" else [shell, path]
        values = {**GITLAB["variables"], "PYTHONPATH": str(tmp_path), **variables}
        return execute(command, tmp_path, env=values)

    return run


@pytest.mark.parametrize("shell", SHELLS)
def test_the_job_reports_and_fails(job: Callable[..., Result], tmp_path: Path, shell: str) -> None:
    result = job(shell)
    assert result.status == 1, result.stdout + result.stderr
    assert "ECO101" in result.stdout
    issues = json.loads((tmp_path / QUALITY).read_text(encoding="utf-8"))
    assert {issue["location"]["path"] for issue in issues} == {"a folder/yellow.py", "red.py"}
    suite = ElementTree.parse(tmp_path / JUNIT).getroot()
    assert len(suite.findall(".//failure")) == 2
    reports = JOB["artifacts"]["reports"]
    assert (reports["codequality"], reports["junit"]) == (QUALITY, JUNIT)
    assert JOB["artifacts"]["when"] == "always"


def test_variables_become_options(job: Callable[..., Result], tmp_path: Path) -> None:
    assert job(ECOLINT_FAIL_ON="never").status == 0
    assert job(ECOLINT_PATHS="red.py", ECOLINT_ARGS="--ignore ECO101").status == 0
    assert job(ECOLINT_GPU="warp-drive").status == 2
    assert job(ECOLINT_PATHS="*.py $(touch pwned) `touch pwned`; touch pwned").status == 2
    assert not (tmp_path / "pwned").exists()


def test_only_what_a_merge_request_changes(
    job: Callable[..., Result], tmp_path: Path, git: Command
) -> None:
    base = git("rev-parse", "HEAD").stdout.strip()
    changed = {"ECOLINT_ONLY_CHANGED": "true"}
    assert job(**changed).status == 1  # no merge request
    (tmp_path / "new.py").write_text(CLEAN)
    assert job(**changed, CI_MERGE_REQUEST_DIFF_BASE_SHA=base).status == 0
    (tmp_path / "new.py").write_text(TRAP)
    result = job(**changed, CI_MERGE_REQUEST_DIFF_BASE_SHA=base)
    assert result.status == 1
    issues = json.loads((tmp_path / QUALITY).read_text(encoding="utf-8"))
    assert {issue["location"]["path"] for issue in issues} == {"new.py"}


# -- Docker


def instructions(stage: int) -> list[tuple[str, str]]:
    """The instructions of a stage: keyword and the rest."""
    joined = re.sub(r"^\s*#.*\n", "", DOCKERFILE, flags=re.MULTILINE).replace("\\\n", " ")
    found: list[list[tuple[str, str]]] = []
    for line in filter(None, map(str.strip, joined.splitlines())):
        keyword, _, rest = line.partition(" ")
        if keyword == "FROM":
            found.append([])
        found[-1].append((keyword, rest))
    return found[stage]


def let_in(path: str) -> bool:
    """Whether .dockerignore leaves a path at the top in the context; the last match counts."""
    verdict = True
    for line in (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines():
        pattern = line.removeprefix("!")
        if line and not line.startswith("#") and fnmatch(path, pattern):
            verdict = line.startswith("!")
    return verdict


def test_hadolint_has_nothing_to_say() -> None:
    result = execute([checker("hadolint"), "--no-color", "Dockerfile"], ROOT)
    assert result.status == 0, result.stdout


def test_the_image_runs_the_command_as_nobody_special() -> None:
    final = dict(instructions(-1))
    assert json.loads(final["ENTRYPOINT"]) == ["ecolint"]
    assert final["WORKDIR"] == "/src"
    assert final["USER"].isdigit()
    assert int(final["USER"]) > 0
    assert all("slim" in base["FROM"] for base in map(dict, map(instructions, (0, -1))))


def test_what_it_copies_is_there_and_is_all_that_docker_is_given() -> None:
    copied = [
        source
        for keyword, rest in instructions(0)
        if keyword == "COPY"
        for source in rest.split()[:-1]
    ]
    assert copied
    for source in copied:
        assert (ROOT / source).exists(), source
        assert let_in(source), source
    for other in (".git", ".venv", "tests", "docs", "fixtures", ".env"):
        assert not let_in(other), other


def test_its_commands_install_a_command_that_works(tmp_path: Path, ecolint: Command) -> None:
    build, target = tmp_path / "build", tmp_path / "opt" / "ecolint"
    build.mkdir()
    project = copy_of_the_project(tmp_path / "project")
    for keyword, rest in instructions(0):
        if keyword == "COPY":
            *sources, place = rest.split()
            for source in sources:
                if (project / source).is_dir():
                    shutil.copytree(project / source, build / place)
                else:
                    shutil.copy2(project / source, build / place)
        elif keyword == "RUN":
            command = rest.replace("/opt/ecolint", str(target))
            result = execute([BASH, "-c", command], build)
            assert result.status == 0, result.stdout + result.stderr
    (tmp_path / "src").mkdir()
    (tmp_path / "src" / "a.py").write_text(TRAP)
    result = execute([target / "bin" / "ecolint"], tmp_path / "src", env={"HOME": "/nonexistent"})
    assert result.status == 1, result.stdout + result.stderr
    assert "ECO101" in result.stdout
