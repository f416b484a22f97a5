"""git is asked about hostile repositories; what their configuration names is never run."""

from __future__ import annotations

import os
import shlex
import sys
from pathlib import Path

import pytest
from conftest import IMPORT, TRAP, Command

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="the programs are shell scripts")
ADDED = "a.py:2:10: ECO101"


@pytest.fixture
def mark(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("marks") / "mark"


def program(mark: Path, rest: str = "cat") -> str:
    return f"touch {shlex.quote(str(mark))}; {rest}"


# By what git calls them; each is set in the repository's own .git/config.
PROGRAMS = {
    "core.fsmonitor": "false",
    "core.pager": "cat",
    "core.sshCommand": "false",
    "core.askPass": "false",
    "core.editor": "true",
    "credential.helper": "false",
    "diff.external": "true",
    "diff.evil.command": "true",
    "diff.evil.textconv": "cat",
    "filter.evil.clean": "cat",
    "filter.evil.smudge": "cat",
    "filter.evil.process": "false",
    "merge.evil.driver": "false",
    "gpg.program": "false",
    "interactive.diffFilter": "cat",
    "pager.diff": "cat",
    "pager.ls-files": "cat",
    "sequence.editor": "true",
    "uploadpack.packObjectsHook": "false",
    "alias.diff": "!",
    "alias.ls-files": "!",
}
HOOKS = "fsmonitor-watchman post-checkout post-index-change pre-auto-gc reference-transaction"


def test_programs_of_its_configuration(
    ecolint: Command, write, git: Command, mark: Path, tmp_path: Path
) -> None:
    write("a.py", IMPORT)
    write(".gitattributes", "*.py filter=evil diff=evil merge=evil\n")
    git("init", "-q")
    git("add", "-A")
    git("commit", "-qm", "first")
    write("a.py", TRAP)
    for hook in HOOKS.split():
        write(f"hooks/{hook}", f"#!/bin/sh\n{program(mark, 'exit 0')}\n").chmod(0o755)
    git("config", "core.hooksPath", str(tmp_path / "hooks"))
    for name, rest in PROGRAMS.items():
        shell = "!" if rest == "!" else ""
        git("config", name, shell + program(mark, rest.strip("!") or "true"))
    git("config", "filter.evil.required", "true")
    mark.unlink(missing_ok=True)
    assert git("diff", "HEAD").status != 0 or mark.exists(), "the attack does not work at all"
    mark.unlink(missing_ok=True)
    for arguments in ([], ["--since=HEAD"], ["--since=HEAD", "--diff"]):
        found = ecolint("--no-cache", *arguments, "--format=concise", ".")
        assert found.status == 1, found.stderr
        assert ADDED in found.stdout or arguments[-1:] == ["--diff"]
        assert not mark.exists(), arguments


def test_a_filter_of_the_user_still_works(
    ecolint: Command, write, git: Command, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """What the user's own configuration says is the user's will."""
    write("a.py", TRAP.upper())
    write(".gitattributes", "*.py filter=lower\n")
    git("init", "-q")
    git("add", "-A")
    git("commit", "-qm", "first")
    settings = tmp_path_factory.mktemp("home") / "gitconfig"
    settings.write_text('[filter "lower"]\n\tclean = tr a-z A-Z\n')
    write("a.py", TRAP)
    found = ecolint("--since=HEAD", "--no-cache", GIT_CONFIG_GLOBAL=str(settings))
    assert found.status == 0


def test_a_partial_clone_fetches_nothing(
    ecolint: Command, write, git: Command, mark: Path, tmp_path: Path
) -> None:
    write("origin/a.py", IMPORT)
    for arguments in (("init", "-q"), ("add", "-A"), ("commit", "-qm", "first")):
        git(*arguments, cwd="origin")
    git("config", "uploadpack.allowFilter", "true", cwd="origin")
    origin = (tmp_path / "origin").as_uri()
    git("clone", "-q", "--filter=blob:none", "--no-checkout", origin, "clone")
    write("clone/a.py", TRAP)
    git("config", "remote.origin.uploadpack", program(mark, "git-upload-pack"), cwd="clone")
    git("read-tree", "HEAD", cwd="clone")
    found = ecolint("--since=HEAD", "--no-cache", "clone")
    assert not mark.exists()
    assert found.status == 2
    assert "this clone is a partial one, and ecolint fetches nothing" in found.stderr
    git("diff", "HEAD", cwd="clone")
    assert mark.exists(), "the attack does not work at all"
    assert ecolint("--since=HEAD", "--no-cache", "clone").status == 1


@pytest.mark.parametrize(
    "revision", ["--output={}", "--ext-diff", "-O{}", "--exec={}", "HEAD --output={}"]
)
def test_revisions_are_no_options(
    ecolint: Command, write, git: Command, mark: Path, revision: str
) -> None:
    write("a.py", TRAP)
    git("init", "-q")
    git("add", "-A")
    git("commit", "-qm", "first")
    found = ecolint(f"--since={revision.format(mark)}", "--no-cache")
    assert found.status == 2
    assert not mark.exists()


def test_git_is_not_taken_from_the_repository(ecolint: Command, write, git: Command) -> None:
    git("init", "-q")
    root = write("a.py", TRAP).parent
    write("git", "#!/bin/sh\ntouch taken\n").chmod(0o755)
    path = os.pathsep.join([".", "", os.environ["PATH"]])
    found = ecolint("--no-cache", PATH=path + os.pathsep + str(Path(sys.executable).parent))
    assert found.status == 1
    assert not (root / "taken").exists()
