"""The action for GitHub workflows: its steps run as a runner runs them, in a repository."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from action_support import ACTION, BASH, Runner, copy_of_the_project
from conftest import CLEAN, GIT, ROOT, SCRIPTS, TRAP, YELLOW, Command, execute
from github_stub import Comment, GitHub, serving

SCRIPTS_OF_THE_ACTION = sorted((ROOT / "integrations").rglob("*.sh"))
PULL = {"pull_request": {"node_id": "PR_1", "base": {"sha": "0" * 40}}}
MARKER = "<!-- ecolint: ecolint -->"


def tool(name: str, package: str) -> str:
    """A checker that is not ours, or a reason to skip."""
    found = shutil.which(name, path=f"{SCRIPTS}:{Path('/usr/bin')}") or shutil.which(name)
    if found is None:
        pytest.skip(f"{name} is not installed ({package})")
    return found


# -- the files themselves


def test_it_is_an_action_by_the_schema() -> None:
    checker = shutil.which("check-jsonschema", path=str(SCRIPTS)) or "check-jsonschema"
    result = execute([checker, "--builtin-schema", "vendor.github-actions", "action.yml"], ROOT)
    assert result.status == 0, result.stdout + result.stderr


def test_shellcheck_has_nothing_to_say() -> None:
    shellcheck = tool("shellcheck", "Debian's package shellcheck")
    assert SCRIPTS_OF_THE_ACTION
    others = [ROOT / ".ci" / "run", *sorted((ROOT / "tools").glob("*.sh"))]
    result = execute([shellcheck, "-x", *SCRIPTS_OF_THE_ACTION, *others], ROOT)
    assert result.status == 0, result.stdout


def test_actionlint_takes_the_workflows_of_the_documentation(tmp_path: Path) -> None:
    actionlint = tool("actionlint", "a binary of rhysd/actionlint or a fork of it")
    copy_of_the_project(tmp_path)
    execute([GIT, "init", "-q"], tmp_path)
    text = (ROOT / "docs" / "ci.md").read_text(encoding="utf-8")
    workflows = re.findall(r"```yaml\n(# \.github/workflows/\S+\n.*?)```", text, re.DOTALL)
    assert workflows
    folder = tmp_path / ".github" / "workflows"
    folder.mkdir(parents=True)
    for number, workflow in enumerate(workflows):
        local = re.sub(r"example/ecolint@\S+", "./", workflow)
        assert local != workflow
        (folder / f"{number}.yml").write_text(local, encoding="utf-8")
    result = execute([actionlint, "-no-color", "-shellcheck=", "-pyflakes="], tmp_path)
    assert result.status == 0, result.stdout + result.stderr


def test_nothing_is_pasted_into_a_shell() -> None:
    for step in ACTION["runs"]["steps"]:
        assert "${{" not in step.get("run", "")
        if "uses" in step:
            assert re.fullmatch(r"[\w./-]+@v\d+", step["uses"])
    for path in SCRIPTS_OF_THE_ACTION:
        assert not re.search(r"\beval\b|\$\{\{", path.read_text(encoding="utf-8")), path


def test_every_python_is_isolated_from_the_audited_repository() -> None:
    for path in SCRIPTS_OF_THE_ACTION:
        for line in path.read_text(encoding="utf-8").splitlines():
            if re.search(r'"\$(ECOLINT_PYTHON|python|base|candidate)" -', line):
                assert re.search(r'" -I ', line), line


@pytest.mark.parametrize("kind", ["inputs", "outputs"])
def test_the_documentation_says_what_the_action_says(kind: str) -> None:
    text = (ROOT / "docs" / "ci.md").read_text(encoding="utf-8")
    section = text.split(f"<!-- action: {kind} -->")[1].split("<!-- end -->")[0]
    rows = []
    for name, about in ACTION[kind].items():
        default = about.get("default")
        shown = f" {f'`{default}`' if default else 'empty'} |" if kind == "inputs" else ""
        rows.append(f"| `{name}` |{shown} {about['description']} |")
    written = [line for line in section.splitlines() if line.startswith("| `")]
    assert written == rows


# -- at work


@pytest.fixture(scope="session")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What a runner has of the action; its path has a space."""
    return copy_of_the_project(tmp_path_factory.mktemp("actions") / "the action")


@pytest.fixture(scope="session")
def python(checkout: Path, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The Python into which the action's script has installed it."""
    temporary = tmp_path_factory.mktemp("runner")
    output = temporary / "output"
    env = {
        "GITHUB_ACTION_PATH": str(checkout),
        "GITHUB_OUTPUT": str(output),
        "RUNNER_TEMP": str(temporary),
    }
    script = checkout / "integrations" / "github" / "install.sh"
    result = execute([BASH, script], temporary, env=env)
    assert result.status == 0, result.stdout + result.stderr
    assert re.match(r"ecolint \d", result.stdout)
    name, _, value = output.read_text(encoding="utf-8").strip().partition("=")
    assert name == "python"
    return value


@pytest.fixture
def project(tmp_path: Path, git: Command) -> Path:
    """A repository with a finding."""
    root = tmp_path / "work" / "project"
    root.mkdir(parents=True)
    (root / "app.py").write_text(TRAP)
    git("init", "-q", cwd="work/project")
    commit(git, "work/project")
    return root


def commit(git: Command, cwd: str) -> str:
    git("add", "-A", cwd=cwd)
    assert git("commit", "-q", "-m", "x", cwd=cwd).status == 0
    return git("rev-parse", "HEAD", cwd=cwd).stdout.strip()


@pytest.fixture
def action(checkout: Path, python: str, project: Path, tmp_path: Path) -> Runner:
    return Runner(checkout, project, tmp_path / "temp", python)


@pytest.fixture
def github() -> Iterator[GitHub]:
    tool("gh", "Debian's package gh")
    with serving(GitHub()) as github:
        yield github


def test_it_audits_and_fails_for_a_finding(action: Runner) -> None:
    outcome = action()
    assert outcome.status == 1, outcome.log
    assert outcome.outputs["exit-status"] == "1"
    assert outcome.outputs["findings"] == "1"
    assert "app.py:2:10  ECO101" in re.sub(r"\x1b\[[\d;]*m", "", outcome.log)
    assert any(
        line.startswith("::error file=app.py,line=2") and "ECO101" in line
        for line in outcome.commands
    )
    assert "### Critical issues" in outcome.summary
    assert outcome.used == {}
    sarif = json.loads(Path(outcome.outputs["sarif-file"]).read_text(encoding="utf-8"))
    place = sarif["runs"][0]["results"][0]["locations"][0]["physicalLocation"]
    assert place["artifactLocation"]["uri"] == "app.py"
    assert Path(outcome.outputs["markdown-file"]).read_text() == outcome.summary
    found = json.loads(Path(outcome.outputs["json-file"]).read_text(encoding="utf-8"))
    assert found["summary"]["findings"] == 1


def test_it_passes_where_nothing_is_found(action: Runner) -> None:
    (action.workspace / "app.py").write_text(CLEAN)
    outcome = action(summary="false")
    assert (outcome.status, outcome.outputs["findings"]) == (0, "0"), outcome.log
    assert (outcome.commands, outcome.summary) == ([], "")


def test_nothing_is_left_in_the_workspace(action: Runner, git: Command) -> None:
    action(sarif="true")
    assert git("status", "--porcelain", "--ignored", cwd="work/project").stdout == ""


def test_code_scanning_gets_the_report_before_the_job_fails(action: Runner) -> None:
    outcome = action(sarif="true", category="ecolint/a100", python_version="3.12")
    assert outcome.used["github/codeql-action/upload-sarif"] == {
        "sarif_file": outcome.outputs["sarif-file"],
        "category": "ecolint/a100",
        "checkout_path": str(action.workspace),
    }
    assert outcome.used["actions/setup-python"] == {
        "python-version": "3.12",
        "update-environment": "False",
    }
    assert outcome.status == 1
    # The same findings are not shown twice.
    assert [line for line in outcome.commands if "ECO101" in line] == []
    assert any("ECO101" in line for line in action(sarif="true", annotations="true").commands)


def test_inputs_become_options(action: Runner) -> None:
    (action.workspace / "app.py").write_text(YELLOW)
    (action.workspace / "other.py").write_text(TRAP)
    assert action(paths="app.py").status == 0
    assert action(paths="app.py", fail_on="yellow").status == 1
    assert action(paths=" app.py \r\n\n other.py", fail_on="never").outputs["findings"] == "2"
    assert action(paths="other.py", args="--ignore 'ECO101, ECO107'").status == 0
    outcome = action(paths="other.py", gpu="a800", args="--exit-zero")
    found = json.loads(Path(outcome.outputs["json-file"]).read_text(encoding="utf-8"))
    assert (outcome.status, found["settings"]["gpu"]) == (0, "a800")


def test_a_working_directory(action: Runner, git: Command) -> None:
    below = action.workspace / "services" / "llm"
    below.mkdir(parents=True)
    (below / "serve.py").write_text(TRAP)
    commit(git, "work/project")
    outcome = action(working_directory="services/llm", sarif="true")
    assert outcome.outputs["findings"] == "1"
    # GitHub wants paths from the root of the repository, wherever the audit was started.
    assert any(
        "file=services/llm/serve.py" in line
        for line in action(working_directory="services/llm").commands
    )
    uploaded = outcome.used["github/codeql-action/upload-sarif"]
    assert uploaded["checkout_path"] == str(action.workspace)


@pytest.mark.parametrize(
    ("inputs", "said"),
    [
        ({"sarif": "yes"}, "sarif: 'yes' is none of: true false"),
        ({"annotations": ""}, "annotations: '' is none of: auto true false"),
        ({"category": "a -->"}, "category: letters, digits"),
        ({"working_directory": "nowhere"}, "working-directory: cannot be entered"),
        ({"args": "--select 'ECO101"}, "args: No closing quotation"),
    ],
)
def test_bad_inputs_are_named(action: Runner, inputs: dict[str, str], said: str) -> None:
    outcome = action(**inputs)
    assert outcome.status == 2
    assert outcome.outputs["exit-status"] == "2"
    assert any(line.startswith("::error") and said in line for line in outcome.commands)


@pytest.mark.parametrize(
    ("inputs", "said"),
    [
        ({"gpu": "warp-drive"}, "warp-drive"),
        ({"fail_on": "blue"}, "blue"),
        ({"args": "--no-such-option"}, "--no-such-option"),
    ],
)
def test_what_ecolint_refuses_fails_the_job(
    action: Runner, inputs: dict[str, str], said: str
) -> None:
    outcome = action(sarif="true", **inputs)
    assert outcome.status == 2, outcome.log
    assert said in outcome.log
    assert outcome.outputs["exit-status"] == "2"
    assert any("the run failed" in line for line in outcome.commands)


def test_a_path_that_is_missing_fails_the_job(action: Runner) -> None:
    assert action(paths="app.py\nmissing.py").status == 2


def test_a_version_is_installed_by_its_number_only(action: Runner) -> None:
    action.python = ""
    outcome = action(version="1.0 --index-url=http://127.0.0.1:9/")
    assert outcome.status == 2
    assert any("version: not a version" in line for line in outcome.commands)


def test_a_python_that_is_too_old_is_named(
    checkout: Path, tmp_path: Path, write: Callable[[str, str], Path]
) -> None:
    for name in ("python3", "python"):
        write(f"bin/{name}", "#!/bin/sh\nexit 1\n").chmod(0o755)
    env = {
        "PATH": f"{tmp_path / 'bin'}:/usr/bin:/bin",
        "GITHUB_ACTION_PATH": str(checkout),
        "GITHUB_OUTPUT": str(tmp_path / "output"),
        "RUNNER_TEMP": str(tmp_path),
    }
    script = checkout / "integrations" / "github" / "install.sh"
    result = execute([BASH, script], tmp_path, env=env)
    assert result.status == 2
    assert "::error title=ecolint::no Python 3.10 or newer" in result.stdout


# -- hostile repositories and inputs


@pytest.mark.parametrize(
    "name", ["paths", "args", "gpu", "fail_on", "working_directory", "category", "version"]
)
def test_inputs_run_nothing(action: Runner, name: str) -> None:
    action.python = "" if name == "version" else action.python
    for text in ("$(touch pwned)", "`touch pwned`", "; touch pwned #", '"; touch pwned; "'):
        outcome = action(**{name: text})
        assert outcome.status != 0, text
    assert not list(action.workspace.rglob("pwned"))


def test_the_audited_repository_is_never_imported(action: Runner) -> None:
    action.python = ""  # installs, too
    for name in ("json", "shlex", "venv", "pip", "ecocompute_lint", "sitecustomize"):
        package = action.workspace / name
        package.mkdir()
        (package / "__init__.py").write_text(f"open({str(action.temporary / 'pwned')!r}, 'w')\n")
        (package / "__main__.py").write_text("raise SystemExit(0)\n")
    outcome = action(env={"PYTHONPATH": str(action.workspace)}, args="--no-cache")
    assert outcome.outputs["findings"] == "1", outcome.log
    assert not (action.temporary / "pwned").exists()


def test_names_in_the_repository_command_nothing(action: Runner) -> None:
    for name in ("::add-mask::a.py", "::stop-commands::x.py", "##[add-path]b.py", "-v.py"):
        (action.workspace / name).write_text(TRAP)
    outcome = action(paths="\n".join(sorted(path.name for path in action.workspace.glob("*.py"))))
    assert outcome.outputs["findings"] == "5", outcome.log
    kinds = {re.match(r"::(\S+)", line)[1] for line in outcome.commands}  # type: ignore[index]
    assert kinds == {"error", "notice"}


# -- only what a pull request changes


@pytest.fixture
def pulled(project: Path, tmp_path: Path, git: Command) -> tuple[str, Path]:
    """The base of a pull request, and its merge as actions/checkout fetches it: without history."""
    base = commit_file(git, project, "later.py", CLEAN)
    git("checkout", "-q", "-b", "topic", f"{base}^", cwd="work/project")
    commit_file(git, project, "new.py", TRAP)
    git("checkout", "-q", "--detach", base, cwd="work/project")
    git("merge", "-q", "--no-edit", "topic", cwd="work/project")
    head = git("rev-parse", "HEAD", cwd="work/project").stdout.strip()
    git("update-ref", "refs/pull/1/merge", head, cwd="work/project")
    git("config", "uploadpack.allowAnySHA1InWant", "true", cwd="work/project")
    (tmp_path / "clone").mkdir()
    git("init", "-q", cwd="clone")
    git("remote", "add", "origin", f"file://{project}", cwd="clone")
    fetched = git("fetch", "-q", "--depth=1", "origin", head, cwd="clone")
    assert fetched.status == 0, fetched.stderr
    git("checkout", "-q", "--detach", head, cwd="clone")
    return base, tmp_path / "clone"


def commit_file(git: Command, project: Path, name: str, text: str) -> str:
    (project / name).write_text(text)
    return commit(git, "work/project")


def test_only_what_changed_although_the_clone_is_shallow(
    action: Runner, pulled: tuple[str, Path]
) -> None:
    base, action.workspace = pulled
    event = {"pull_request": {"base": {"sha": base}}}
    assert action(event).outputs["findings"] == "2"
    outcome = action(event, only_changed="true")
    assert (outcome.status, outcome.outputs["findings"]) == (1, "1"), outcome.log
    assert any("file=new.py" in line for line in outcome.commands)
    queue = {"merge_group": {"base_sha": base}}
    assert action(queue, only_changed="true").outputs["findings"] == "1"


def test_without_a_pull_request_everything_is_reported(action: Runner) -> None:
    outcome = action(only_changed="true")
    assert outcome.outputs["findings"] == "1"
    assert any("this is no pull request" in line for line in outcome.commands)


def test_history_that_cannot_be_fetched_is_an_error(
    action: Runner, pulled: tuple[str, Path], git: Command
) -> None:
    base, action.workspace = pulled
    git("remote", "set-url", "origin", "file:///nowhere", cwd="clone")
    outcome = action({"pull_request": {"base": {"sha": base}}}, only_changed="true")
    assert outcome.status == 2
    assert any("fetch-depth: 0" in line for line in outcome.commands)


def test_outside_of_a_repository_nothing_can_have_changed(action: Runner, tmp_path: Path) -> None:
    action.workspace = tmp_path / "plain"
    action.workspace.mkdir()
    outcome = action(PULL, only_changed="true")
    assert outcome.status == 2
    assert any("not in a git repository" in line for line in outcome.commands)


# -- comments, by the real gh


def test_a_comment_is_made_once_and_then_updated(action: Runner, github: GitHub) -> None:
    others = [Comment(f"other {n}", f"{MARKER}\nnot by us", ours=False) for n in range(3)]
    github.comments += [*others, Comment("ours", "another comment of this token", ours=True)]
    for _ in range(2):
        outcome = action(PULL, github.env, comment="true", token="secret")
        assert outcome.status == 1
        assert not [line for line in outcome.commands if line.startswith("::warning")]
    assert len(github.comments) == 5
    body = github.comments[-1].body
    assert body.startswith(MARKER + "\n")
    assert outcome.summary in body
    assert "(http://github.localhost/org/project/actions/runs/17)" in body
    assert [each.body for each in others] == [f"{MARKER}\nnot by us"] * 3
    assert github.tokens == {"token secret"}
    assert set(github.targets) == {"PR_1", "IC_4"}

    (action.workspace / "app.py").write_text(CLEAN)
    assert action(PULL, github.env, comment="true").status == 0
    assert "no findings" in github.comments[-1].body
    assert len(github.comments) == 5


def test_audits_of_other_categories_have_comments_of_their_own(
    action: Runner, github: GitHub
) -> None:
    action(PULL, github.env, comment="true")
    action(PULL, github.env, comment="true", category="ecolint-a100")
    firsts = [each.body.splitlines()[0] for each in github.comments]
    assert firsts == [MARKER, "<!-- ecolint: ecolint-a100 -->"]


def test_nothing_is_said_where_there_is_nothing_to_say(action: Runner, github: GitHub) -> None:
    (action.workspace / "app.py").write_text(CLEAN)
    assert action(PULL, github.env, comment="true").status == 0
    assert github.comments == []


def test_no_comment_without_a_pull_request(action: Runner, github: GitHub) -> None:
    assert action({}, github.env, comment="true").status == 1
    assert github.targets == []


@pytest.mark.parametrize("right", ["writable", "readable"])
def test_a_token_that_may_not_comment_is_a_warning(
    action: Runner, github: GitHub, right: str
) -> None:
    (action.workspace / "app.py").write_text(YELLOW)
    setattr(github, right, False)
    outcome = action(PULL, github.env, comment="true")
    assert outcome.status == 0, outcome.log
    (warning,) = (line for line in outcome.commands if line.startswith("::warning title=ecolint::"))
    assert "pull-requests: write" in warning
    assert github.comments == []
