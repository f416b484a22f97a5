from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from conftest import Command

from ecocompute_lint import discovery, tree
from ecocompute_lint.discovery import Discovered, discover
from ecocompute_lint.findings import Problem

Write = Callable[[str, str], Path]


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", os.devnull)


@pytest.fixture(params=["git", "no repository", "git absent"])
def place(request: pytest.FixtureRequest, git: Command, monkeypatch: pytest.MonkeyPatch) -> str:
    """The same tree in a repository, outside one, and in one that git cannot be asked about."""
    name: str = request.param
    if name != "no repository":
        git("init", "-q")
    if name == "git absent":
        monkeypatch.setenv("PATH", "/nonexistent")
    return name


def found(*paths: str | Path, **overrides: Any) -> list[str]:
    items = list(discover(paths or (".",), overrides))
    assert not [item for item in items if isinstance(item, Problem)]
    return [item.path for item in items if isinstance(item, Discovered)]


def problems(*paths: str | Path, **overrides: Any) -> list[tuple[str, str]]:
    items = discover(paths or (".",), overrides)
    return [(item.path, item.message) for item in items if isinstance(item, Problem)]


@pytest.mark.usefixtures("place")
def test_python_files_below_a_directory_in_order(write: Write) -> None:
    for name in ("b.py", "a/z.py", "a/b/c.pyw", "a/UP.PY", "a/notes.md", "x.pyc", "ü n.py"):
        write(name, "")
    assert found() == ["a/UP.PY", "a/b/c.pyw", "a/z.py", "b.py", "ü n.py"]
    assert found("a") == ["a/UP.PY", "a/b/c.pyw", "a/z.py"]
    assert found("./a/b", "b.py", "a/b/c.pyw", "./b.py") == ["a/b/c.pyw", "b.py"]
    assert found(Path.cwd() / "a" / "b") == ["a/b/c.pyw"]


@pytest.mark.usefixtures("place")
def test_ignore_files(write: Write) -> None:
    write(".gitignore", "*.log\nout/\n/top.py\ngen_*.py\n!gen_keep.py\n")
    write("sub/.gitignore", "local.py\n!gen_here.py\n")
    for name in ("top.py", "gen_a.py", "gen_keep.py", "out/a.py", "a.py"):
        write(name, "")
    for name in ("top.py", "local.py", "gen_here.py", "gen_b.py", "out/b.py"):
        write(f"sub/{name}", "")
    assert found() == ["a.py", "gen_keep.py", "sub/gen_here.py", "sub/top.py"]
    assert found("sub") == ["sub/gen_here.py", "sub/top.py"]


@pytest.mark.usefixtures("place")
def test_what_is_named_is_taken_whatever_the_ignore_files_say(write: Write) -> None:
    write(".gitignore", "out/\n")
    write("out/a.py", "")
    write("out/deep/b.py", "")
    assert found("out/a.py") == ["out/a.py"]
    assert found("out") == ["out/a.py", "out/deep/b.py"]


@pytest.mark.usefixtures("place")
def test_the_usual_directories_are_left_out(write: Write) -> None:
    for name in ("venv", ".venv", "node_modules", "build", "dist", ".tox", "x/site-packages"):
        write(f"{name}/a.py", "")
    write("myenv/pyvenv.cfg", "")
    write("myenv/lib/a.py", "")
    write("build.py", "")
    write("src/building/a.py", "")
    assert found() == ["build.py", "src/building/a.py"]
    assert found("build") == ["build/a.py"]
    assert found("build/a.py") == ["build/a.py"]
    assert found("build/a.py", "build", "build.py", force_exclude=True) == ["build.py"]


@pytest.mark.usefixtures("place")
def test_excludes(write: Write, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("a.py", "sub/a.py", "sub/b.py", "vendor/c.py", "build/d.py"):
        write(name, "")
    assert found(exclude=["vendor"]) == ["a.py", "build/d.py", "sub/a.py", "sub/b.py"]
    assert found(extend_exclude=["vendor", "sub/a.*"]) == ["a.py", "sub/b.py"]
    assert found(extend_exclude=["/a.py", "vendor/"]) == ["sub/a.py", "sub/b.py"]
    write("ecolint.toml", 'extend-exclude = ["sub/b.py", "vendor"]\n')
    assert found() == ["a.py", "sub/a.py"]
    assert found(extend_exclude=["a.py"]) == []
    monkeypatch.chdir(tmp_path / "sub")
    assert found() == ["a.py"]
    assert found("..", extend_exclude=["../a.py"]) == ["../sub/a.py"]


@pytest.mark.usefixtures("place")
def test_links(write: Write, caplog: pytest.LogCaptureFixture) -> None:
    write("real/a.py", "")
    Path("real/loop").symlink_to(Path("..").resolve() / Path.cwd().name)
    Path("linked").symlink_to("real")
    Path("b.py").symlink_to("real/a.py")
    Path("only.py").symlink_to("real/hidden.txt")
    write("real/hidden.txt", "")
    Path("dangling.py").symlink_to("nowhere.py")
    outside = tempfile.NamedTemporaryFile(suffix=".py")  # noqa: SIM115
    Path("outside.py").symlink_to(outside.name)
    assert found() == ["only.py", "real/a.py"]
    assert found("linked") == ["linked/a.py"]
    assert found("outside.py", "b.py") == ["b.py", "outside.py"]
    assert problems("dangling.py") == [("dangling.py", "no such file or directory")]
    Path("self.py").symlink_to("self.py")
    assert found() == ["only.py", "real/a.py"]
    assert "self.py: a link that leads to itself" in caplog.text
    assert [path for path, _ in problems("self.py")] == ["self.py"]


@pytest.mark.usefixtures("place")
def test_nested_repositories(write: Write, git: Command) -> None:
    write("a.py", "")
    write("inner/.gitignore", "skip.py\n")
    write("inner/skip.py", "")
    write("inner/b.py", "")
    git("init", "-q", cwd="inner")
    assert found() == ["a.py", "inner/b.py"]


def test_tracked_files(write: Write, git: Command) -> None:
    git("init", "-q")
    write(".gitignore", "forced.py\n")
    for name in ("forced.py", "gone.py", "kept.py"):
        write(name, "")
    git("add", "-f", ".")
    Path("gone.py").unlink()
    assert found() == ["forced.py", "kept.py"]


def test_a_submodule(write: Write, git: Command) -> None:
    write("origin/s.py", "")
    for step in (("init", "-q"), ("add", "."), ("commit", "-qm", "x")):
        git(*step, cwd="origin")
    write("main/m.py", "")
    git("init", "-q", cwd="main")
    allowed = ("-c", "protocol.file.allow=always")
    git(*allowed, "submodule", "--quiet", "add", "../origin", "sub", cwd="main")
    assert found("main") == ["main/m.py", "main/sub/s.py"]


def test_one_call_of_git_per_repository(
    write: Write, git: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    git("init", "-q")
    for name in ("a/x.py", "b/y.py", "c/z.py"):
        write(name, "")
    calls: list[tuple[str, ...]] = []
    real = tree.run_git

    def counted(root: str, *arguments: str) -> tuple[int, bytes, bytes]:
        calls.append(arguments)
        return real(root, *arguments)

    monkeypatch.setattr(tree, "run_git", counted)
    assert found("a", "b/", "c/z.py") == ["a/x.py", "b/y.py", "c/z.py"]
    assert len(calls) == 1


def test_variables_of_a_running_hook_do_not_mislead(
    write: Write, git: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    write("other/x.py", "")
    git("init", "-q", cwd="other")
    write("mine/a.py", "")
    git("init", "-q", cwd="mine")
    monkeypatch.setenv("GIT_DIR", os.path.abspath("other/.git"))
    monkeypatch.setenv("GIT_INDEX_FILE", os.path.abspath("other/.git/index"))
    assert found("mine") == ["mine/a.py"]


def test_a_repository_cannot_run_a_program(write: Write, git: Command, tmp_path: Path) -> None:
    git("init", "-q")
    write("a.py", "")
    hook = write("hook", f"#!/bin/sh\ntouch {tmp_path}/ran\n")
    hook.chmod(0o755)
    git("config", "core.fsmonitor", str(hook))
    assert found() == ["a.py"]
    assert not (tmp_path / "ran").exists()


def test_missing_paths_are_problems_and_the_rest_goes_on(write: Write) -> None:
    write("a.py", "")
    items = list(discover(["nope", "a.py", "dir/nope.py"]))
    assert [getattr(item, "path", "") for item in items] == ["nope", "dir/nope.py", "a.py"]
    assert problems("nope") == [("nope", "no such file or directory")]
    assert problems("a\0b") != []


def test_what_is_named_may_lack_the_ending(write: Write) -> None:
    write("script", "#!/usr/bin/env python3\nprint()\n")
    write("README.md", "text\n")
    assert found("script", "README.md") == ["script"]
    assert found() == []


@pytest.fixture
def closed(git: Command) -> Iterator[Path]:
    """A directory with a part that we may not read, even if the tests are run by root."""
    top = Path(tempfile.mkdtemp(prefix="ecolint-test-"))
    top.chmod(0o755)
    (top / "a.py").touch()
    (top / "locked").mkdir()
    (top / "locked" / "b.py").touch()
    (top / "locked").chmod(0)
    user = os.geteuid()
    if user == 0:
        os.seteuid(65534)
    try:
        yield top
    finally:
        os.seteuid(user)
        (top / "locked").chmod(0o755)
        for path in sorted(top.rglob("*"), reverse=True):
            path.rmdir() if path.is_dir() else path.unlink()
        top.rmdir()


def test_a_directory_without_permission(closed: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(closed)
    assert problems() == [("locked", "permission denied")]
    items = list(discover(["."]))
    assert [item.path for item in items if isinstance(item, Discovered)] == ["a.py"]


def test_another_kind_of_file_is_one_row(write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(discovery, "KINDS", {".py": "python", ".ipynb": "notebook"})
    write("a.py", "")
    write("b.ipynb", "")
    kinds = [item.kind for item in discover(["."]) if isinstance(item, Discovered)]
    assert kinds == ["python", "notebook"]


def test_show_files(ecolint: Command, write: Write) -> None:
    write("b.py", "")
    write("a/c.py", "")
    result = ecolint("--show-files", "--exclude", "a")
    assert (result.status, result.stdout) == (0, "b.py\n")
    assert ecolint("--show-files", "nope").status == 2
