from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from conftest import CLEAN, FIXED, IMPORT, SCRIPTS, TRAP, YELLOW, Command, environment

import ecocompute_lint

Write = Callable[[str, "str | bytes"], Path]


# --- what runs ----------------------------------------------------------------------------------


def test_version_and_help(ecolint: Command) -> None:
    assert ecolint("--version").stdout == f"ecolint {ecocompute_lint.__version__}\n"
    for option in ("-h", "--help"):
        result = ecolint(option)
        assert result.status == 0
        for word in ("--fix-level", "--min-confidence", "--stdin-filename", "models", "rule "):
            assert word in result.stdout


@pytest.mark.parametrize("option", ["--version", "--help"])
def test_they_import_nothing_heavy(option: str, tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-X", "importtime", "-m", "ecocompute_lint", option],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        env=environment(),
        check=True,
    )
    imported = {line.rpartition("|")[2].strip() for line in done.stderr.splitlines()}
    assert "click" in imported
    heavy = {"yaml", "libcst", "rich", "pathspec", "multiprocessing", "tomllib", "tomli"}
    assert not imported & heavy


def test_bare_paths_and_check_are_the_same(ecolint: Command, write: Write) -> None:
    write("a.py", TRAP)
    write("sub/b.py", TRAP)
    lines = {
        result.stdout.splitlines()[0]
        for result in (
            ecolint("-q"),
            ecolint("-q", "."),
            ecolint("-q", "a.py"),
            ecolint("check", "-q", "a.py", "sub"),
            ecolint("-q", "--", "a.py"),
            ecolint("a.py", "--quiet"),
        )
    }
    assert len(lines) == 1
    assert lines.pop().startswith("a.py:2:10: ECO101 RED")


def test_the_module_is_the_command(tmp_path: Path, write: Write) -> None:
    write("a.py", TRAP)
    command = [sys.executable, "-m", "ecocompute_lint", "-q"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, env=environment())
    assert done.returncode == 1
    assert done.stdout.startswith(b"a.py:2:10")


def test_a_path_may_be_called_like_a_command(ecolint: Command, write: Write) -> None:
    write("rules/a.py", TRAP)
    assert "rules/a.py:2:10" in ecolint("./rules").stdout
    assert "rules/a.py:2:10" in ecolint("--", "rules").stdout
    assert "rules/a.py:2:10" in ecolint("check", "rules").stdout
    assert "ECO101" in ecolint("rules").stdout


# --- exit status --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("content", "options", "status"),
    [
        (CLEAN, (), 0),
        (TRAP, (), 1),
        (YELLOW, (), 0),
        (YELLOW, ("--fail-on", "yellow"), 1),
        (TRAP, ("--fail-on", "never"), 0),
        (TRAP, ("--exit-zero",), 0),
        (TRAP, ("--ignore", "ECO101"), 0),
        (TRAP, ("--select", "ECO107,eco108"), 0),
        (TRAP, ("--min-confidence", "certain"), 1),
        (TRAP, ("--diff",), 1),
        (TRAP, ("--fix",), 0),
        (TRAP, ("--fix", "--fix-level", "exact"), 1),
        ("def f(: load_in_8bit=True\n", (), 2),
        ("def f(: load_in_8bit=True\n", ("--exit-zero",), 2),
        ("", (), 0),
    ],
)
def test_exit_status(
    ecolint: Command, write: Write, content: str, options: tuple[str, ...], status: int
) -> None:
    write("a.py", content)
    assert ecolint(*options).status == status


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--fixx",), "No such option"),
        (("--format", "yaml"), "'yaml' is not one of 'text', 'concise', 'json'"),
        (("--config", "none.toml"), "none.toml"),
        (("--ignore", "ECO9999"), "expected codes or their beginnings"),
        (("--select", "ECO999"), "no rule 'ECO999' (--select)"),
        (("--output", "no/dir/x"), "no such directory"),
        (("--output", "a", "--output", "b"), "needs a --format"),
        (("--format", "json", "--format", "text"), "same place"),
        (("-", "a.py"), "stands alone"),
        (("--stdin-filename", "a.py", "b.py"), "goes with `-`"),
        (("nope.py",), "nope.py: no such file or directory"),
        (("ruels",), "did you mean the command `rules`"),
        (("rule", "int8-outlier"), "Did you mean int8-outlier-decomposition?"),
        (("rule",), "Missing argument 'CODE'"),
    ],
)
def test_mistakes_are_explained(ecolint: Command, arguments: tuple[str, ...], said: str) -> None:
    result = ecolint(*arguments)
    assert result.status == 2
    assert result.stderr.startswith("ecolint: ")
    assert said in result.stderr


def test_a_missing_path_does_not_stop_the_others(ecolint: Command, write: Write) -> None:
    write("a.py", TRAP)
    result = ecolint("nope", "a.py")
    assert result.status == 2
    assert "ecolint: nope: no such file or directory" in result.stderr
    assert "a.py:2:10" in result.stdout


def test_interrupt(tmp_path: Path) -> None:
    process = subprocess.Popen(
        [SCRIPTS / "ecolint", "-"],
        cwd=tmp_path,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=environment(PYTHONUNBUFFERED="1"),
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    )
    assert process.stdin is not None
    # It reads until the end of its input: once it has taken more than a pipe holds, it waits there.
    process.stdin.write(b"# text\n" * 40_000)
    process.stdin.flush()
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate()
    assert process.returncode == 130
    assert errors.strip() == b"ecolint: interrupted"


def test_a_closed_pipe_is_no_error(tmp_path: Path, write: Write) -> None:
    write("a.py", IMPORT + "c = BitsAndBytesConfig(load_in_8bit=True)\n" * 500)
    reading, writing = os.pipe()
    os.close(reading)
    done = subprocess.run(
        [SCRIPTS / "ecolint"],
        cwd=tmp_path,
        stdout=writing,
        stderr=subprocess.PIPE,
        env=environment(),
        check=False,
    )
    os.close(writing)
    assert done.returncode == 141
    assert done.stderr == b""


# --- files that are hard to read ----------------------------------------------------------------

WORD = "load_in_8bit"


def test_a_broken_file_is_reported_where_it_is_named(ecolint: Command, write: Write) -> None:
    write("a.py", f"def f(:  # {WORD}\n")
    assert ecolint(".").status == 0
    named = ecolint("a.py")
    assert named.status == 2
    assert "a.py:1:7  ECO000" in named.stdout


@pytest.mark.parametrize(
    "content",
    [
        f"def f(: {WORD}=True\n".encode(),
        f"print '{WORD}'\n".encode(),
        f"x = '{WORD}', '\xe4'\n".encode("latin-1"),
        f"x = '{WORD}'\0\n".encode(),
        f"# coding: klingon\nx = '{WORD}'\n".encode(),
    ],
    ids=["syntax", "python 2", "undecodable", "NUL", "unknown encoding"],
)
def test_an_unreadable_file_is_reported_and_the_rest_goes_on(
    ecolint: Command, write: Write, content: bytes
) -> None:
    write("b.py", content)
    write("a.py", TRAP)
    write("c.py", TRAP)
    result = ecolint()
    assert result.status == 2
    assert "b.py" in result.stdout
    assert "ECO000" in result.stdout
    assert "a.py:2:10" in result.stdout
    assert "c.py:2:10" in result.stdout
    assert "1 failed" in result.stdout
    document = ecolint("--format", "json")
    assert [problem["code"] for problem in document.json["problems"]] == ["ECO000"]
    assert "b.py" in document.stderr
    assert (
        ecolint("--fix").status,
        Path(write("d.py", "")).parent.joinpath("b.py").read_bytes(),
    ) == (
        2,
        content,
    )


@pytest.mark.parametrize(
    ("encode", "name"),
    [
        (lambda text: b"\xef\xbb\xbf" + text.encode(), "byte-order mark"),
        (lambda text: text.replace("\n", "\r\n").encode(), "CRLF"),
        (lambda text: text.replace("\n", "\r\n", 1).encode(), "mixed newlines"),
        (lambda text: f"# coding: latin-1\n# \xe4\n{text}".encode("latin-1"), "cookie"),
        (lambda text: text.rstrip("\n").encode(), "no newline at the end"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_repair_keeps_how_a_file_is_written(
    ecolint: Command, write: Write, encode: Callable[[str], bytes], name: str
) -> None:
    path = write("a.py", encode(TRAP))
    path.chmod(0o754)
    assert ecolint("--fix").status == 0
    assert path.read_bytes() == encode(FIXED)
    assert path.stat().st_mode & 0o777 == 0o754


# --- the other commands -------------------------------------------------------------------------


def test_rules(ecolint: Command) -> None:
    text = ecolint("rules")
    assert text.status == 0
    assert "ECO101  RED     int8-outlier-decomposition" in text.stdout
    data = ecolint("rules", "--format", "json").json
    assert len(data) == len(text.stdout.splitlines())
    assert {"code", "name", "level", "summary", "fix", "examples"} <= set(data[0])


def test_rule(ecolint: Command) -> None:
    result = ecolint("rule", "eco101")
    assert result.status == 0
    words = ["ECO101", "RED", "Why", "Bad", "load_in_8bit=True", "Good", "numeric", "References"]
    positions = [result.stdout.index(word) for word in words]
    assert positions == sorted(positions)
    assert ecolint("rule", "int8-outlier-decomposition").stdout == result.stdout
    assert ecolint("rule", "ECO101", "--format", "json").json["code"] == "ECO101"


def test_rules_of_the_user_are_listed(ecolint: Command, write: Write) -> None:
    source = Path(__file__).parent.parent / "rules" / "ECO105.yaml"
    own = source.read_text().replace("ECO105", "ACME001").replace("conflicting", "acme-conflicting")
    write("own/ACME001.yaml", own)
    write("ecolint.toml", "rules = ['own']\n")
    assert "ACME001" in ecolint("rules").stdout
    write("a.py", IMPORT + "c = BitsAndBytesConfig(load_in_8bit=True, load_in_4bit=True)\n")
    assert "ACME001" in ecolint().stdout
    assert "ACME001" not in ecolint("--ignore", "ACME").stdout
    write("own/ACME001.yaml", "code: 1\n")
    broken = ecolint()
    assert broken.status == 2
    assert "own/ACME001.yaml:1: " in broken.stderr


def test_models(ecolint: Command) -> None:
    names = (
        "mistralai/Mistral-7B-Instruct-v0.3",
        "never heard of it",
        "mistralai/Mixtral-8x7B-v0.1",
    )
    data = ecolint("models", "--format", "json", *names).json
    assert [item["name"] for item in data] == list(names)
    keys = {"name", "params_total_b", "params_active_b", "kind", "resolved_by", "hf_id"}
    assert all(set(item) == keys for item in data)
    assert data[0]["resolved_by"] == "registry"
    assert data[1]["params_total_b"] is None
    assert data[2]["params_active_b"] < data[2]["params_total_b"]
    lines = ecolint("models", *names).stdout.splitlines()
    assert len(lines) == 3
    assert "size unknown" in lines[1]
    assert "active" in lines[2]


def test_gpus(ecolint: Command) -> None:
    lines = ecolint("gpus").stdout.splitlines()
    data = ecolint("gpus", "--format", "json").json
    assert len(lines) == len(data)
    assert any(line.startswith("rtx4090d") for line in lines)


# --- reports and where they go ------------------------------------------------------------------


def test_several_reports_in_one_run(ecolint: Command, write: Write, tmp_path: Path) -> None:
    write("a.py", TRAP)
    report = write("r.json", "old")
    report.chmod(0o640)
    result = ecolint("--format", "json", "--output", "r.json", "--format", "concise")
    assert result.stdout.startswith("a.py:2:10: ECO101")
    assert json.loads(report.read_text())["findings"]
    assert report.stat().st_mode & 0o777 == 0o640
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.py", "r.json"]
    reverse = ecolint("-o", "x.json", "--format", "json")
    assert (reverse.status, reverse.stdout) == (1, "")
    assert json.loads((tmp_path / "x.json").read_text())["version"] == 1
    ecolint("-o", "plain.txt", FORCE_COLOR="1")
    assert "\x1b" not in (tmp_path / "plain.txt").read_text()
    assert json.loads(ecolint("-o", "/dev/stdout", "--format", "json").stdout)


def test_verbose_says_what_became_of_each_file(ecolint: Command, write: Write) -> None:
    write("a.py", TRAP)
    write("b.py", TRAP + "# ecolint: skip-file\n")
    write("c.py", CLEAN)
    result = ecolint("-v")
    assert "a.py: examined" in result.stderr
    assert "b.py: skipped (skip-file)" in result.stderr
    assert "c.py: skipped" in result.stderr
    assert "1 finding (1 red) in 1 of 3 files · 1 examined, 1 skipped" in result.stdout


def test_an_empty_run_says_so(ecolint: Command, write: Write) -> None:
    assert "no files" in ecolint().stdout
    write("a.py", CLEAN)
    assert "no findings in 1 file" in ecolint().stdout
    assert ecolint("-q").stdout == ""
