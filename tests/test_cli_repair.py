from __future__ import annotations

import subprocess
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from conftest import CLEAN, FIXED, IMPORT, SCRIPTS, TRAP, Command, environment

from ecocompute_lint import repairs
from ecocompute_lint.cli import main

Write = Callable[[str, "str | bytes"], Path]


def test_fix(ecolint: Command, write: Write) -> None:
    path = write("a.py", TRAP)
    manual = write(
        "b.py", IMPORT + "c = BitsAndBytesConfig(load_in_8bit=True, load_in_4bit=True)\n"
    )
    clean = write("c.py", CLEAN)
    before = manual.read_bytes(), clean.stat().st_mtime_ns
    result = ecolint("--fix")
    assert result.status == 1
    assert "a.py  fixed 1: ECO101 (numeric: outputs can change)" in result.stdout
    assert "b.py:2:5  not fixed: ECO105 RED" in result.stdout
    assert "see `ecolint rule ECO105`" in result.stdout
    assert "--fix-level exact" in result.stdout.splitlines()[-1]
    assert path.read_text() == FIXED
    assert clean.stat().st_mtime_ns == before[1]
    assert "fixed 0" not in result.stdout
    again = ecolint("--fix", "a.py")
    assert (again.status, path.read_text()) == (0, FIXED)


def test_fix_level(ecolint: Command, write: Write) -> None:
    path = write("a.py", TRAP)
    result = ecolint("--fix", "--fix-level", "exact")
    assert path.read_text() == TRAP
    assert "left out by --fix-level exact" in result.stdout
    assert result.status == 1


def test_a_silenced_line_is_not_rewritten(ecolint: Command, write: Write) -> None:
    text = TRAP.replace("\n", "\n", 1).rstrip("\n") + "  # noqa: ECO101\n"
    path = write("a.py", text)
    result = ecolint("--fix")
    assert (result.status, path.read_text()) == (0, text)


@pytest.mark.parametrize(
    ("name", "before", "encoding"),
    [
        ("serve.bat", "\ufeffREM caf\xe9\r\nvllm serve m{}\r\n", "utf-16-le"),
        ("serve.sh", "# coding: no such thing\nvllm serve m{}\n", "utf-8"),
    ],
)
def test_only_python_says_its_encoding_itself(
    ecolint: Command, write: Write, name: str, before: str, encoding: str
) -> None:
    path = write(name, before.format(" --enforce-eager").encode(encoding))
    told = ecolint(name).stdout
    assert "vllm serve m --enforce-eager" in told
    assert ecolint("--fix", name).status == 0
    assert path.read_bytes() == before.format("").encode(encoding)


def test_a_read_only_file_is_left_alone_and_named(ecolint: Command, write: Write) -> None:
    path = write("a.py", TRAP)
    path.chmod(0o444)
    other = write("b.py", TRAP)
    result = ecolint("--fix")
    assert result.status == 2
    assert "a.py: not written: the file is read-only" in result.stderr
    assert (path.read_text(), other.read_text()) == (TRAP, FIXED)


def test_a_link_out_of_the_project_is_not_followed(ecolint: Command, tmp_path: Path) -> None:
    with tempfile.TemporaryDirectory() as elsewhere:
        target = Path(elsewhere, "a.py")
        target.write_text(TRAP)
        (tmp_path / "link.py").symlink_to(target)
        result = ecolint("--fix", "link.py")
        assert result.status == 2
        assert "link.py: not written" in result.stderr
        assert target.read_text() == TRAP


@pytest.mark.parametrize("options", [("--diff",), ("--fix", "--diff"), ("--diff", "--fix")])
def test_diff_is_what_git_applies(
    ecolint: Command, write: Write, git: Command, options: tuple[str, ...]
) -> None:
    git("init", "-q")
    contents = {
        "a.py": TRAP.encode(),
        "sub dir/ü.py": TRAP.replace("\n", "\r\n").encode(),
        "latin.py": f"# coding: latin-1\n# \xe4\n{TRAP}".encode("latin-1"),
        "bom.py": b"\xef\xbb\xbf" + TRAP.encode(),
        "end.py": TRAP.rstrip("\n").encode(),
        "clean.py": CLEAN.encode(),
    }
    paths = {name: write(name, data) for name, data in contents.items()}
    result = ecolint(*options)
    assert result.status == 1
    assert {name: path.read_bytes() for name, path in paths.items()} == contents
    assert "would fix 1" in result.stderr
    patch = write("all.patch", result.raw)
    assert git("apply", "--check", "all.patch").status == 0
    assert git("apply", "all.patch").status == 0
    patch.unlink()
    assert ecolint().status == 0
    assert paths["clean.py"].read_bytes() == CLEAN.encode()


def test_a_diff_applies_in_the_directory_it_was_made_in(
    tmp_path: Path, write: Write, git: Command
) -> None:
    git("init", "-q")
    write("sub/a.py", TRAP)
    command = [SCRIPTS / "ecolint", "--diff"]
    done = subprocess.run(command, cwd=tmp_path / "sub", capture_output=True, env=environment())
    write("sub/x.patch", done.stdout)
    assert git("apply", "x.patch", cwd="sub").status == 0
    assert (tmp_path / "sub" / "a.py").read_text() == FIXED


def meddle(monkeypatch: pytest.MonkeyPatch, meddling: Callable[[Path], None]) -> None:
    """Do something to ``b.py`` while it is being repaired."""
    real = repairs.fix_text

    def fix_text(text: str, *, path: str, **given: Any) -> repairs.FixOutcome:
        if path == "b.py":
            meddling(Path(path))
        return real(text, path=path, **given)

    monkeypatch.setattr(repairs, "fix_text", fix_text)


def test_a_file_changed_meanwhile_is_not_written(
    write: Write,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
) -> None:
    paths = [write(f"{name}.py", TRAP) for name in "abc"]
    monkeypatch.chdir(tmp_path)
    meddle(monkeypatch, lambda path: path.write_text(TRAP + "# mine\n") and None)
    assert main(["--fix"]) == 2
    assert "b.py: not written: the file has changed since it was read" in capsys.readouterr().err
    assert [path.read_text() for path in paths] == [FIXED, TRAP + "# mine\n", FIXED]


def test_a_fault_of_ours_names_the_file_and_the_rest_goes_on(
    write: Write,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
) -> None:
    def fail(path: Path) -> None:
        raise RuntimeError("oh")

    paths = [write(f"{name}.py", TRAP) for name in "abc"]
    monkeypatch.chdir(tmp_path)
    meddle(monkeypatch, fail)
    assert main(["--fix"]) == 2
    said = capsys.readouterr().err
    assert "ecolint: b.py: internal error, please report it: RuntimeError: oh" in said
    assert [path.read_text() for path in paths] == [FIXED, TRAP, FIXED]


# --- standard input -----------------------------------------------------------------------------


def test_stdin(ecolint: Command) -> None:
    text = IMPORT + "q = dict(load_in_8bit=True)\nc = BitsAndBytesConfig(**q)\n"
    result = ecolint("--stdin-filename", "a.py", "--format", "json", "-", given=text)
    assert result.status == 1
    (finding,) = result.json["findings"]
    assert (finding["code"], finding["path"], finding["line"]) == ("ECO101", "a.py", 3)
    assert "<stdin>:2:10" in ecolint("-", given=TRAP).stdout
    assert "a.py:2:10" in ecolint("--stdin-filename", "a.py", given=TRAP).stdout
    assert ecolint("-", given="").status == 0


def test_stdin_is_governed_as_the_file_would_be(ecolint: Command, write: Write) -> None:
    write("sub/ecolint.toml", "per-file-ignores = {'a.py' = ['ECO101']}\n")
    assert ecolint("--stdin-filename", "sub/a.py", "-", given=TRAP).status == 0
    assert ecolint("--stdin-filename", "sub/b.py", "-", given=TRAP).status == 1
    options = ("--force-exclude", "--extend-exclude", "sub")
    assert ecolint(*options, "--stdin-filename", "sub/b.py", "-", given=TRAP).status == 0


def test_stdin_is_read_as_its_kind_is(ecolint: Command) -> None:
    text = "# coding: no such thing\nvllm serve m --enforce-eager\n"
    result = ecolint("--fix", "--stdin-filename", "a.sh", "-", given=text)
    assert (result.status, result.stdout) == (0, text.replace(" --enforce-eager", ""))


def test_stdin_is_repaired_to_stdout(ecolint: Command) -> None:
    result = ecolint("--fix", "--stdin-filename", "a.py", "-", given=TRAP)
    assert (result.status, result.stdout) == (0, FIXED)
    assert "fixed 1" in result.stderr
    same = ecolint("--fix", "-", given=CLEAN)
    assert (same.status, same.stdout) == (0, CLEAN)
    broken = b"def f(:  # load_in_8bit \xff\n"
    kept = ecolint("--fix", "-", given=broken)
    assert (kept.status, kept.raw) == (2, broken)
    diff = ecolint("--diff", "--stdin-filename", "a.py", "-", given=TRAP)
    assert diff.status == 1
    assert diff.stdout.startswith("--- a/a.py\n+++ b/a.py\n")


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_files_other_than_python_are_written_as_they_are_read(
    ecolint: Command, write: Write, encoding: str
) -> None:
    """No declaration counts in them, and PowerShell writes UTF-16."""
    text = (
        "# vim: set fileencoding=ascii :\n"
        "services:\n  ä:\n    image: vllm/vllm-openai:v0.9.1\n"
        "    command: --model org/ö-7b --enforce-eager --port 80\n"
    )
    path = write("compose.yaml", text.encode(encoding))
    after = text.replace(" --enforce-eager", "").encode(encoding)
    piped = ecolint("--fix", "--stdin-filename", "compose.yaml", "-", given=path.read_bytes())
    assert piped.raw == after
    ecolint("--fix", "compose.yaml")
    assert path.read_bytes() == after
