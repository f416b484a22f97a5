"""``--since``: findings on lines that have changed, as git tells."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from conftest import CLEAN, FIXED, IMPORT, TRAP, Command

Write = Callable[[str, "str | bytes"], Path]
LATER = "\n\ndef later():\n    return BitsAndBytesConfig(load_in_8bit=True)\n"


@pytest.fixture
def repository(git: Command, write: Write) -> None:
    """A repository whose branch `main` has a trap in a.py."""
    git("init", "-q", "-b", "main")
    write("a.py", TRAP)
    commit(git, "first")


def commit(git: Command, message: str, cwd: str = ".") -> None:
    git("add", "-A", ".", cwd=cwd)
    assert git("commit", "-qm", message, cwd=cwd).status == 0


def places(ecolint: Command, *options: str) -> list[str]:
    result = ecolint("-q", "--since", *options)
    assert result.status in (0, 1), result.stderr
    return [":".join(line.split(":")[:2]) for line in result.stdout.splitlines()]


pytestmark = pytest.mark.usefixtures("repository")


def test_only_changed_lines_count(ecolint: Command, write: Write) -> None:
    assert places(ecolint, "HEAD") == []
    write("a.py", "# moved\n" + TRAP + LATER)
    assert places(ecolint, "HEAD") == ["a.py:7"]
    assert ecolint("--since", "HEAD").status == 1


def test_files_that_have_not_changed_are_not_read(ecolint: Command, write: Write) -> None:
    write("b.py", CLEAN)
    result = ecolint("--since", "HEAD")
    assert "no findings in 1 file" in result.stdout
    assert "no files to examine" in ecolint("--since", "HEAD", "a.py").stdout


def test_staged_and_unstaged_changes_count(ecolint: Command, write: Write, git: Command) -> None:
    write("a.py", TRAP + LATER)
    git("add", "a.py")
    write("a.py", TRAP + LATER + LATER)
    assert places(ecolint, "HEAD") == ["a.py:6", "a.py:10"]


def test_any_line_of_a_call_counts_and_one_taken_out_too(
    ecolint: Command, write: Write, git: Command
) -> None:
    text = IMPORT + (
        "config = BitsAndBytesConfig(\n    load_in_8bit=True,\n"
        "    llm_int8_threshold=0.0,\n    llm_int8_skip_modules=None,\n)\nx = 1\ny = 2\n"
    )
    write("a.py", text)
    commit(git, "good")
    write("a.py", text.replace("    llm_int8_threshold=0.0,\n", ""))
    assert places(ecolint, "HEAD") == ["a.py:2"]
    write("a.py", text.replace("0.0", "6.0"))
    assert places(ecolint, "HEAD") == ["a.py:2"]
    commit(git, "bad")
    write("a.py", text.replace("0.0", "6.0").replace("x = 1\n", ""))
    assert places(ecolint, "HEAD") == []


def test_a_branch_is_compared_with_where_it_left(
    ecolint: Command, write: Write, git: Command
) -> None:
    git("checkout", "-qb", "work")
    write("mine.py", TRAP)
    commit(git, "mine")
    git("checkout", "-q", "main")
    write("a.py", FIXED)
    write("theirs.py", TRAP)
    commit(git, "theirs")
    git("checkout", "-q", "work")
    # What main has gained or mended since is none of this branch's business.
    assert places(ecolint, "main") == ["mine.py:2"]
    git("merge", "-q", "main", "-m", "merged")
    assert places(ecolint, "main") == ["mine.py:2"]
    git("checkout", "-q", "--detach")
    assert places(ecolint, "main") == ["mine.py:2"]


def test_a_tag_and_older_commits(ecolint: Command, write: Write, git: Command) -> None:
    git("tag", "-a", "v1", "-m", "v1")
    for number in range(2):
        write(f"{number}.py", TRAP)
        commit(git, str(number))
    assert places(ecolint, "v1") == ["0.py:2", "1.py:2"]
    assert places(ecolint, "HEAD~1") == ["1.py:2"]
    assert places(ecolint, "main@{0}") == []


def test_renamed_files_keep_their_lines(ecolint: Command, write: Write, git: Command) -> None:
    write("a.py", TRAP + "\n".join(f"x{i} = {i}" for i in range(30)) + "\n")
    commit(git, "longer")
    (Path(str(write("dir/keep", ""))).parent / "keep").unlink()
    git("mv", "a.py", "dir/b.py")
    assert places(ecolint, "HEAD") == []
    path = write("dir/b.py", TRAP + "\n".join(f"x{i} = {i}" for i in range(30)) + "\n" + LATER)
    assert path.exists()
    assert places(ecolint, "HEAD") == ["dir/b.py:36"]
    commit(git, "renamed")
    assert places(ecolint, "HEAD~1") == ["dir/b.py:36"]


def test_untracked_files_are_new_and_deleted_ones_are_gone(
    ecolint: Command, write: Write, git: Command, tmp_path: Path
) -> None:
    write("new.py", TRAP)
    write(".gitignore", "ignored.py\n")
    write("ignored.py", TRAP)
    (tmp_path / "a.py").unlink()
    assert places(ecolint, "HEAD") == ["new.py:2"]
    assert places(ecolint, "HEAD", "ignored.py") == ["ignored.py:2"]
    write("a.py", TRAP)
    git("add", "-N", "new.py")
    assert places(ecolint, "HEAD") == ["new.py:2"]


@pytest.mark.parametrize(
    "name", ["with space.py", "tab\there.py", 'quote".py', "naïve.py", "a\\b.py", "-rf.py", "*.py"]
)
def test_strange_names(ecolint: Command, write: Write, git: Command, name: str) -> None:
    write(name, TRAP)
    commit(git, "strange")
    write(name, TRAP + LATER)
    result = ecolint("--since", "HEAD", "--format", "json").json
    assert [(item["path"], item["line"]) for item in result["findings"]] == [(name, 6)]


def test_lines_that_look_like_headers(ecolint: Command, write: Write, git: Command) -> None:
    text = TRAP + 'text = """\n-- a/x.py\n++ b/x.py\n@@ -1 +1 @@\n"""\n'
    write("a.py", text)
    commit(git, "text")
    write("a.py", text.replace("++ b/x.py", "++ b/y.py\n@@ -1 +2,9 @@") + LATER)
    assert places(ecolint, "HEAD") == ["a.py:12"]


def test_settings_of_the_user_change_nothing(
    ecolint: Command, write: Write, git: Command, tmp_path: Path
) -> None:
    for key, value in (
        ("diff.noprefix", "true"),
        ("diff.mnemonicPrefix", "true"),
        ("diff.context", "9"),
        ("diff.interHunkContext", "9"),
        ("color.ui", "always"),
        ("diff.external", "false"),
        ("diff.renames", "false"),
        ("diff.relative", "true"),
    ):
        git("config", key, value)
    write(".gitattributes", "*.py -diff\n")
    write("src/a.py", TRAP + LATER)
    write("a.py", "x = 1\n" + TRAP + LATER)
    assert places(ecolint, "HEAD") == ["a.py:7", "src/a.py:2", "src/a.py:6"]


def test_only_below_the_paths_and_from_a_folder_below(
    write: Write, git: Command, tmp_path: Path, ecolint: Command
) -> None:
    from conftest import SCRIPTS, execute

    write("src/b.py", TRAP)
    write("c.py", TRAP)
    assert places(ecolint, "HEAD", "src") == ["src/b.py:2"]
    inside = execute([SCRIPTS / "ecolint", "-q", "--since", "HEAD"], tmp_path / "src")
    assert inside.stdout.startswith("b.py:2")
    linked = tmp_path / "link"
    linked.symlink_to(tmp_path / "src")
    assert places(ecolint, "HEAD", "link") == ["link/b.py:2"]


def test_notebooks(ecolint: Command, write: Write, git: Command) -> None:
    def notebook(*cells: str) -> str:
        made = [
            {"cell_type": "code", "source": cell.splitlines(keepends=True), "metadata": {}}
            for cell in cells
        ]
        data = {"cells": made, "metadata": {}, "nbformat": 4, "nbformat_minor": 5}
        return json.dumps(data, indent=1)

    shell = "!vllm serve Qwen/Qwen2.5-7B-Instruct --enforce-eager"
    write("n.ipynb", notebook(TRAP, shell))
    commit(git, "notebook")
    write("n.ipynb", notebook("x = 1\n", TRAP, shell, LATER.lstrip()))
    result = ecolint("--since", "HEAD", "--format", "json").json
    assert [(item["cell"], item["line"]) for item in result["findings"]] == [(3, 2)]


def test_submodules_are_other_repositories(
    ecolint: Command, write: Write, git: Command, tmp_path: Path
) -> None:
    write("lib/b.py", TRAP)
    git("init", "-q", "-b", "main", cwd="lib")
    commit(git, "lib", cwd="lib")
    (tmp_path / "main").mkdir()
    git("init", "-q", "-b", "main", cwd="main")
    protocol = ("-c", "protocol.file.allow=always")
    added = git(*protocol, "submodule", "add", "-q", "../lib", "lib", cwd="main")
    assert added.status == 0, added.stderr
    commit(git, "main", cwd="main")
    write("main/lib/b.py", TRAP + LATER)
    commit(git, "more", cwd="main/lib")
    write("main/own.py", TRAP)
    assert places(ecolint, "HEAD", "main") == ["main/own.py:2"]
    assert places(ecolint, "HEAD~1", "main/lib") == ["main/lib/b.py:6"]


def test_worktrees(ecolint: Command, write: Write, git: Command, tmp_path: Path) -> None:
    git("worktree", "add", "-q", "other", "-b", "other")
    write("other/b.py", TRAP)
    assert places(ecolint, "main", "other") == ["other/b.py:2"]


def test_repairs(ecolint: Command, write: Write) -> None:
    path = write("a.py", TRAP + LATER)
    ecolint("--since", "HEAD", "--fix")
    assert path.read_text() == TRAP + LATER.replace("=True)", "=True, llm_int8_threshold=0.0)")


def test_together_with_a_baseline(ecolint: Command, write: Write, git: Command) -> None:
    write("b.py", TRAP)
    ecolint("--write-baseline", "known.json")
    write("b.py", TRAP + LATER)
    write("a.py", TRAP.replace("config", "conf"))
    found = places(ecolint, "HEAD", "--baseline", "known.json")
    assert found == ["b.py:6"]


def test_in_the_middle_of_a_conflict(ecolint: Command, write: Write, git: Command) -> None:
    git("checkout", "-qb", "work")
    write("a.py", TRAP.replace("config", "mine"))
    commit(git, "mine")
    git("checkout", "-q", "main")
    write("a.py", TRAP.replace("config", "theirs"))
    commit(git, "theirs")
    assert git("merge", "-q", "work").status == 1
    result = ecolint("--since", "HEAD")
    assert (result.status, "a.py" in result.stdout) == (2, True)  # the marks are no Python
    write("a.py", TRAP.replace("config", "both"))
    assert places(ecolint, "HEAD") == ["a.py:2"]


# -- what cannot be told


@pytest.mark.parametrize("revision", ["nothing", "", "--output=x", "-h", "HEAD:a.py", "main..HEAD"])
def test_no_such_revision(ecolint: Command, revision: str, tmp_path: Path) -> None:
    result = ecolint(f"--since={revision}")
    assert (result.status, result.stdout) == (2, "")
    assert f"git knows no revision {revision!r} here" in result.stderr
    assert not (tmp_path / "x").exists()


def test_no_repository(ecolint: Command, write: Write, tmp_path: Path) -> None:
    import shutil

    shutil.rmtree(tmp_path / ".git")
    result = ecolint("--since", "HEAD")
    assert (result.status, result.stdout) == (2, "")
    assert ".: not in a git repository (--since)" in result.stderr


def test_no_commit_yet(ecolint: Command, write: Write, git: Command, tmp_path: Path) -> None:
    write("fresh/a.py", TRAP)
    git("init", "-q", cwd="fresh")
    result = ecolint("--since", "HEAD", "fresh")
    assert (result.status, "git knows no revision 'HEAD' here" in result.stderr) == (2, True)


def test_nothing_in_common(ecolint: Command, write: Write, git: Command) -> None:
    git("checkout", "-q", "--orphan", "other")
    commit(git, "other")
    result = ecolint("--since", "main")
    assert result.status == 2
    assert "'main' and HEAD have no commit in common" in result.stderr


def test_a_shallow_clone(ecolint: Command, write: Write, git: Command, tmp_path: Path) -> None:
    for number in range(3):
        write("a.py", TRAP + LATER * number + f"x = {number}\n")
        commit(git, str(number))
    git("branch", "old", "HEAD~3")
    url = f"file://{tmp_path}"
    git("clone", "-q", "--depth=1", "--no-single-branch", url, "clone")
    for revision in ("HEAD~1", "origin/old"):
        result = ecolint("--since", revision, "clone")
        assert (result.status, "this clone is shallow" in result.stderr) == (2, True)
    git("fetch", "-q", "--unshallow", cwd="clone")
    assert places(ecolint, "origin/old", "clone") == ["clone/a.py:6", "clone/a.py:10"]


def test_without_git(ecolint: Command, write: Write, tmp_path: Path) -> None:
    from conftest import SCRIPTS

    result = ecolint("--since", "HEAD", PATH=str(tmp_path / "nowhere"))
    assert SCRIPTS.exists()
    assert (result.status, "git cannot be run" in result.stderr) == (2, True)
