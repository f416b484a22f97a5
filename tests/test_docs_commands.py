"""Every command that README and the pages show is run, page by page, in a project of its own.

A command is a line of a block of shell, an indented line, or code within a sentence that begins
with one of our programs. What cannot be run here is named in NOT_RUN with the reason. Blocks
between ``<!-- run: … -->`` and ``<!-- end -->`` are left out: `tools/docs.py --check` runs those.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from conftest import GIT, ROOT, execute
from own_rows import SAMPLE

PAGES = sorted([ROOT / "README.md", *(ROOT / "docs").rglob("*.md")])
NOT_RUN = {
    r"python3 -m venv": "installs; CI runs it as it stands in README",
    r"pip install": "would install from the package index; tests/test_packaging.py has a wheel",
    r"docker (build|run)": "needs Docker; tests/test_ci_templates.py runs what the image does",
    r"(\.venv/bin/)?python benchmarks/accuracy": "fetches code of others; tests/test_accuracy.py",
    r"(\.venv/bin/)?python benchmarks/speed": "takes long; tests/test_benchmark_speed.py",
    r"(\.venv/bin/)?python benchmarks/estimator": "takes long; tests/test_benchmark_estimator.py",
    r"(ECOLINT_EXAMPLES=\d+ )?(\.venv/bin/)?python benchmarks/"
    r"(robustness|reliability|properties|faults|security|mutants)": "takes long, or "
    "writes; CI runs them with --check where they have it, and tests/test_mutants.py their parts",
    r"(\.venv/bin/)?python tools/compatibility": "installs; for a nightly run",
    r"(\.venv/bin/)?python tools/docs\.py": "writes; tests/test_docs.py runs it with --check",
    r"(\.venv/bin/)?pytest": "is this",
    r"tools/real_transformers\.sh": "installs torch; CI runs it",
    r"ecolint measure (?!.*(--dry-run|--help))": "needs a GPU; tests_real/test_measure.py runs it",
    r"ecolint rule ACME001": "a rule that the reader has written; tests/test_user_rules.py",
}
"""What begins like this is not run, and why."""
STAND_FOR = {"FILE:LINE": "loader.py:36", "PATH": "loader.py"}
"""What pages write where the reader has something else to write."""
ALONE = re.compile(
    r"ecolint (explain|rule|models|compare|optimize|estimate|diagnose|measure|lsp|cache)"
)
"""Commands that pages name without what they need; their help is asked for."""

RUN = re.compile(r"<!-- run: [^\n]* -->\n.*?<!-- end -->", re.DOTALL)
FILE = re.compile(r"<!-- (?:file|notebook): \S+ -->\n+```.*?\n```$", re.DOTALL | re.MULTILINE)
BLOCK = re.compile(r"^```(\w*)\n(.*?)^```$", re.DOTALL | re.MULTILINE)
SHELL = ("sh", "bash", "console", "shell")
OURS = (
    r"(?:\.venv/bin/)?(?:ecolint|flake8|pre-commit|pip|docker|pytest"
    r"|python (?:benchmarks|tools)/[^\s`]+|tools/\w+\.sh)(?=[ `]|$)"
)
INDENTED = re.compile(rf"^ {{4,}}(?:script: )?({OURS}.*)$", re.MULTILINE)
WITHIN = re.compile(rf"(?<!`)`({OURS}[^`]*)`(?!`)")


def names(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def commands(text: str, rule: bool = False) -> Iterator[str]:
    """The commands of a page. Shell in the page of a rule is code that the rule looks at."""
    text = FILE.sub("", RUN.sub("", text))
    if not rule:
        for language, block in BLOCK.findall(text):
            if language in SHELL:
                yield from filter(None, block.replace("\\\n", " ").splitlines())
    text = BLOCK.sub("", text)
    yield from INDENTED.findall(text)
    for command in WITHIN.findall(text):
        if (
            command in ("ecolint", "flake8", "pre-commit", "pip", "docker", "pytest")
            or "…" in command
        ):
            continue  # the name of a program, or a command that is only sketched
        yield f"{command} --help" if ALONE.fullmatch(command) else command


def shown(path: Path) -> list[str]:
    found = commands(path.read_text(encoding="utf-8"), rule=path.parent.name == "rules")
    return list(dict.fromkeys(found))


def runnable(command: str) -> bool:
    return not any(re.match(beginning, command) for beginning in NOT_RUN)


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A repository with the example application, a branch, and a remote one to compare with."""
    shutil.copytree(ROOT / "fixtures" / "demo_app", tmp_path, dirs_exist_ok=True)
    (tmp_path / "src").mkdir()
    shutil.copy2(tmp_path / "quant.py", tmp_path / "src" / "app.py")
    shutil.copy2(tmp_path / "quant.py", tmp_path / "app.py")
    (tmp_path / ".pre-commit-config.yaml").write_text(
        "repos: [{repo: local, hooks: [{id: ecolint, name: ecolint, language: system, "
        "entry: ecolint --force-exclude, types: [python]}]}]\n"
    )
    (tmp_path / "my.csv").write_text(SAMPLE, encoding="utf-8")
    identity = ("-c", "user.name=test", "-c", "user.email=test@example.org")
    for step in (
        ("init", "-q", "-b", "main"),
        ("add", "-A"),
        (*identity, "commit", "-q", "-m", "x"),
        ("update-ref", "refs/remotes/origin/main", "HEAD"),
        ("switch", "-q", "-c", "work"),
    ):
        assert execute([GIT, *step], tmp_path).status == 0
    with (tmp_path / "src" / "app.py").open("a") as file:
        file.write("\n\nLATER = BitsAndBytesConfig(load_in_8bit=True)\n")
    return tmp_path


WITH_COMMANDS = [path for path in PAGES if any(map(runnable, shown(path)))]


@pytest.mark.parametrize("path", WITH_COMMANDS, ids=names)
def test_commands_that_are_shown_run(path: Path, project: Path) -> None:
    for command in filter(runnable, shown(path)):
        line = command
        for word, meant in STAND_FOR.items():
            line = re.sub(rf"(?<![\w/]){re.escape(word)}\b", meant, line)
        done = execute(["bash", "-c", line], project)
        allowed = (0, 1) if done.stdout or "--output" in line else (0,)
        assert done.status in allowed, f"{line}\n{done.stdout[-2000:]}{done.stderr}"


def test_nothing_is_excused_that_is_not_shown() -> None:
    every = [command for path in PAGES for command in shown(path)]
    idle = [start for start in NOT_RUN if not any(re.match(start, one) for one in every)]
    assert idle == []


def test_commands_are_found() -> None:
    text = (
        "```sh\necolint a \\\n  b   # why\ndocker run x\n```\n\n    script: ecolint c\n\n"
        "`ecolint d` and `ecolint explain`, `ecolint`, `ecolint … e`\n"
        "<!-- file: a.sh -->\n```sh\nvllm serve m\n```\n"
        "<!-- run: ecolint f -->\n```sh\n$ ecolint f\n```\n<!-- end -->\n"
        "```python\necolint = 1\n```\n"
    )
    first, *others = commands(text)
    assert first.split() == ["ecolint", "a", "b", "#", "why"]
    assert others == ["docker run x", "ecolint c", "ecolint d", "ecolint explain --help"]
    assert [command for command in others if not runnable(command)] == ["docker run x"]
    found = {name: shown(ROOT / name) for name in map(names, WITH_COMMANDS)}
    for page in ("formats", "html-report", "lobster", "ci", "editors", "suppression", "flake8"):
        assert f"docs/{page}.md" in found
    assert len(found["README.md"]) > 15
