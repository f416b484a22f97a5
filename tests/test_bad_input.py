"""Bad input through the real command: a clear message each, and the rest of the run goes on."""

from __future__ import annotations

import ast
import codecs
import ctypes
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from conftest import FIXED, IMPORT, SCRIPTS, TRAP, Command, environment

Write = Callable[[str, "str | bytes"], Path]

LATIN = "# -*- coding: latin-1 -*-\n# déjà vu\n"
MENTION = "load_in_8bit\n"
DEEP = 5_000


def codes(stdout: str) -> list[str]:
    """The places and codes of a quiet report."""
    return [" ".join(line.split()[:2]) for line in stdout.splitlines()]


# --- texts that cannot be analysed --------------------------------------------------------------

UNPARSABLE = {
    "syntax": (TRAP + "def f(:\n    pass\n", "a.py:3:7", "invalid syntax"),
    "unclosed": (TRAP + "x = (1,\n", "a.py:3:5", "'(' was never closed"),
    "unfinished string": (TRAP + "x = '''abc", "a.py:3:5", "unterminated triple-quoted string"),
    "indentation": (TRAP + "    x = 1\n", "a.py:3", "unexpected indent"),
    "tabs": (TRAP + "if 1:\n\tx = 1\n        y = 2\n", "a.py:5", "inconsistent use of tabs"),
    "merge conflict": (TRAP + "<<<<<<< HEAD\n", "a.py:3:1", "invalid syntax"),
    "template": (MENTION + "{% if a %}\n", "a.py:2:2", "invalid syntax"),
    "python 2 print": (TRAP + "print 'hello'\n", "a.py:3:1", "(Python 2 code?)"),
    "python 2 raise": (TRAP + "raise ValueError, 'x'\n", "a.py:3:17", "(Python 2 code?)"),
    "python 2 octal": (TRAP + "x = 0777\n", "a.py:3:5", "(Python 2 code?)"),
    "undecodable": (TRAP.encode() + b"# caf\xe9\n", "a.py:3", "not valid UTF-8"),
    "undecodable first line": (b"# caf\xe9\n" + TRAP.encode(), "a.py:1", "not valid UTF-8"),
    "wrong cookie": (LATIN.replace("latin-1", "ascii") + TRAP, "a.py:2", "not valid ascii"),
    "unknown cookie": ("# coding: klingon\n" + TRAP, "a.py", "klingon"),
    "cookie against mark": (
        codecs.BOM_UTF8 + b"# coding: latin-1\n" + TRAP.encode(),
        "a.py",
        "encoding problem",
    ),
    "NUL": (TRAP.encode() + b"x = 1\0\n", "a.py:3", "contains NUL bytes"),
    "binary": (bytes(range(256)) + b"\n" + MENTION.encode(), "a.py", "contains NUL bytes"),
    "deep parentheses": (TRAP + f"x = {'(' * DEEP}1{')' * DEEP}\n", "a.py:3", "too many nested"),
    "deep calls": (TRAP + f"x = {'f(' * DEEP}{')' * DEEP}\n", "a.py:3", "too many nested"),
    "deep sum": (TRAP + f"x = {'1 + ' * DEEP}1\n", "a.py", "nested too deeply"),
    "deep minus": (TRAP + f"x = {'-' * DEEP}1\n", "a.py", "nested too deeply"),
    "deep attributes": (TRAP + f"x = a{'.b' * DEEP}\n", "a.py", "nested too deeply"),
    "deep chain": (TRAP + f"x = a{'.b()' * DEEP}\n", "a.py", "nested too deeply"),
    "deep lambdas": (TRAP + f"x = {'lambda: ' * DEEP}1\n", "a.py", "nested too deeply"),
    "deep choice": (TRAP + f"x = {'1 if a else ' * DEEP}2\n", "a.py", "nested too deeply"),
    "deep option": (
        IMPORT + f"c = BitsAndBytesConfig(load_in_8bit={'not ' * DEEP}a)\n",
        "a.py",
        "nested too deeply",
    ),
    "deep elif": (TRAP + "if a:\n    pass\n" + "elif b:\n    pass\n" * DEEP, "a.py", "nested too"),
}


def parses(content: str | bytes) -> bool:
    """Whether this interpreter can parse it: how deep is too deep depends on its version."""
    try:
        ast.parse(content)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return False
    return True


DEEP_TEXTS = {name: case[0] for name, case in UNPARSABLE.items() if name.startswith("deep")}
for deep_name, deep_text in DEEP_TEXTS.items():
    if parses(deep_text):
        del UNPARSABLE[deep_name]


@pytest.mark.parametrize("name", DEEP_TEXTS)
def test_depth_ends_no_run(ecolint: Command, write: Write, name: str) -> None:
    write("a.py", DEEP_TEXTS[name])
    write("b.py", TRAP)
    result = ecolint()
    assert "b.py:2:10" in result.stdout
    assert "internal error" not in result.stdout + result.stderr
    assert result.status == (2 if "ECO000" in result.stdout else 1)
    assert parses(DEEP_TEXTS[name]) or "nested" in result.stdout


@pytest.mark.parametrize("name", UNPARSABLE)
def test_what_cannot_be_analysed(ecolint: Command, write: Write, name: str) -> None:
    content, place, reason = UNPARSABLE[name]
    write("a.py", content)
    write("b.py", TRAP)
    result = ecolint()
    (line,) = [line for line in result.stdout.splitlines() if "ECO000" in line]
    assert line.startswith(place)
    assert reason in line
    assert "b.py:2:10" in result.stdout
    assert "1 failed" in result.stdout
    assert result.status == 2


@pytest.mark.parametrize("name", UNPARSABLE)
def test_it_is_left_alone_by_a_repair(ecolint: Command, write: Write, name: str) -> None:
    content, _, reason = UNPARSABLE[name]
    broken = write("a.py", content)
    other = write("b.py", TRAP)
    before = broken.read_bytes()
    result = ecolint("--fix")
    assert result.status == 2
    assert reason in result.stdout + result.stderr
    assert broken.read_bytes() == before
    assert other.read_text() == FIXED


@pytest.mark.parametrize("name", ["syntax", "undecodable", "NUL", "deep calls"])
def test_it_is_in_every_format(ecolint: Command, write: Write, name: str) -> None:
    content, _, reason = UNPARSABLE[name]
    write("a.py", content)
    json = ecolint("--format", "json")
    (problem,) = json.json["problems"]
    assert (problem["code"], problem["path"]) == ("ECO000", "a.py")
    assert reason in problem["message"]
    assert reason in ecolint("--quiet").stdout
    assert reason in ecolint("--format", "concise").stdout
    given = content.encode() if isinstance(content, str) else content
    result = ecolint("--stdin-filename", "x.py", "-", given=given)
    assert result.status == 2
    assert reason in result.stdout
    assert "x.py" in result.stdout


# --- texts that look bad and are not ------------------------------------------------------------

BODY = TRAP.encode()
GOOD_ENOUGH = {
    "mark": (codecs.BOM_UTF8 + BODY, "a.py:2:10:"),
    "mark and cookie": (codecs.BOM_UTF8 + b"# coding: utf-8\n" + BODY, "a.py:3:10:"),
    "CRLF": (BODY.replace(b"\n", b"\r\n"), "a.py:2:10:"),
    "CR": (BODY.replace(b"\n", b"\r"), "a.py:2:10:"),
    "mixed newlines": (b"# a\r\n# b\r# c\n\r\n" + BODY.replace(b"\n", b"\r", 1), "a.py:6:10:"),
    "latin-1": (LATIN.encode("latin-1") + b"s = '\xe9'; " + BODY, "a.py:4:10:"),
    "wide characters": ("é = '😀'; ".join(["", TRAP]).encode(), "a.py:2:10:"),
    "column in characters": (
        IMPORT.encode() + "s = '😀é'; c = BitsAndBytesConfig(load_in_8bit=True)\n".encode(),
        "a.py:2:15:",
    ),
    "form feed": (BODY.replace(b"\n", b"\n\f", 1), "a.py:2:11:"),
    "no final newline": (BODY.rstrip(), "a.py:2:10:"),
    "shell and magic lines": (b"!pip install x\n%matplotlib inline\n" + BODY, "a.py:4:10:"),
    "invalid escape": (b"s = '\\d'\n" + BODY, "a.py:3:10:"),
    "surrogate": (b"s = '\\ud800'\n" + BODY, "a.py:3:10:"),
    "wide but flat": (BODY + b"x = " + b" or ".join([b"a"] * DEEP) + b"\n", "a.py:2:10:"),
    "blocks in blocks": (
        BODY + "".join(f"{' ' * n}if a:\n" for n in range(99)).encode() + b" " * 99 + b"pass\n",
        "a.py:2:10:",
    ),
}


@pytest.mark.parametrize("name", GOOD_ENOUGH)
def test_what_can_be_analysed(ecolint: Command, write: Write, name: str) -> None:
    content, place = GOOD_ENOUGH[name]
    path = write("a.py", content)
    result = ecolint("--quiet")
    assert codes(result.stdout) == [f"{place} ECO101"]
    assert result.status == 1
    assert result.stderr == ""
    fixed = ecolint("--fix")
    assert fixed.status == 0
    inserted = b", llm_int8_threshold=0.0"
    assert path.read_bytes() == content.replace(
        b"load_in_8bit=True", b"load_in_8bit=True" + inserted
    )


@pytest.mark.parametrize("content", [b"", b"\n", b"   \n\t\n", codecs.BOM_UTF8, b"#"])
def test_nothing_in_it(ecolint: Command, write: Write, content: bytes) -> None:
    path = write("a.py", content)
    assert ecolint().status == 0
    assert ecolint("--fix").status == 0
    assert ecolint("-", given=content).status == 0
    assert path.read_bytes() == content


IRRELEVANT = {
    "syntax": b"def f(:\n",
    "python 2": b"print 'hello'\n",
    "binary": bytes(range(256)) * 10,
    "undecodable": b"\xff\xfe\xe9\n",
    "deep": b"x = " + b"1 + " * DEEP + b"1\n",
    "other encoding": ("\ufeff" + TRAP).encode("utf-16-le"),
}


@pytest.mark.parametrize("name", IRRELEVANT)
def test_what_cannot_matter_is_not_parsed(ecolint: Command, write: Write, name: str) -> None:
    write("a.py", IRRELEVANT[name])
    result = ecolint("--verbose")
    assert result.status == 0
    assert "ECO000" not in result.stdout
    assert "a.py: skipped (nothing to look at)" in result.stderr
    assert ecolint("--force-exclude", "a.py").status == 0


@pytest.mark.parametrize("name", [name for name in IRRELEVANT if not parses(IRRELEVANT[name])])
def test_it_is_parsed_if_it_is_named(ecolint: Command, write: Write, name: str) -> None:
    write("a.py", IRRELEVANT[name])
    for result in (ecolint("a.py"), ecolint("--fix", "a.py"), ecolint("-", given=IRRELEVANT[name])):
        assert result.stdout.count("ECO000") == 1
        assert result.status == 2


def test_a_generated_file(ecolint: Command, write: Write) -> None:
    write("big.py", TRAP + "x = [\n" + "    1234567890,\n" * 700_000 + "]\n")
    write("b.py", TRAP)
    result = ecolint("--verbose")
    assert "big.py: skipped (larger than 4 MB)" in result.stderr
    assert "big.py: skipped, larger than 4 MB" in result.stdout
    assert "1 examined, 1 skipped" in result.stdout
    (skipped,) = json.loads(ecolint("--format", "json").stdout)["skipped"]
    assert skipped == {"path": "big.py", "reason": "larger than 4 MB"}
    assert codes(ecolint("-q").stdout) == ["b.py:2:10: ECO101"]


# --- files and directories ----------------------------------------------------------------------


def test_a_path_that_does_not_exist(ecolint: Command, write: Write) -> None:
    write("b.py", TRAP)
    result = ecolint("none.py", "b.py", "no/such/place")
    assert result.status == 2
    assert "none.py: no such file or directory" in result.stderr
    assert "no/such/place: no such file or directory" in result.stderr
    assert "b.py:2:10" in result.stdout


@pytest.mark.parametrize("outside_git", [True, False])
def test_loops_of_links(ecolint: Command, git: Command, write: Write, outside_git: bool) -> None:
    if not outside_git:
        git("init", "-q")
    path = write("sub/b.py", TRAP)
    (path.parent / "up").symlink_to("..")
    (path.parent / "again").symlink_to(".")
    (path.parent / "self.py").symlink_to("self.py")
    (path.parent / "one.py").symlink_to("two.py")
    (path.parent / "two.py").symlink_to("one.py")
    (path.parent / "gone.py").symlink_to("nowhere.py")
    result = ecolint()
    assert result.status == 1
    assert "sub/b.py:2:10" in result.stdout
    assert "in 1 of 1 file" in result.stdout
    assert "self.py" in result.stderr


def test_a_loop_given_by_name(ecolint: Command, tmp_path: Path) -> None:
    (tmp_path / "loop.py").symlink_to("loop.py")
    for option in ((), ("--fix",)):
        result = ecolint(*option, "loop.py")
        assert result.status == 2
        assert "loop.py: too many levels of symbolic links" in result.stderr


CAPABILITIES_PAST_PERMISSIONS = (1, 2)  # CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH
PR_CAPBSET_DROP = 24


def without_privileges() -> None:
    """In the child: let permissions hold for root too."""
    libc = ctypes.CDLL(None, use_errno=True)
    for capability in CAPABILITIES_PAST_PERMISSIONS:
        if libc.prctl(PR_CAPBSET_DROP, capability, 0, 0, 0) != 0:
            os._exit(99)


def bound_by_permissions(cwd: Path, *arguments: str) -> tuple[int, str, str]:
    """Run the command as somebody whom permissions bind, whoever runs the tests."""
    done = subprocess.run(
        [SCRIPTS / "ecolint", *arguments],
        cwd=cwd,
        capture_output=True,
        text=True,
        env=environment(),
        preexec_fn=without_privileges if os.geteuid() == 0 else None,
        check=False,
    )
    assert "Traceback" not in done.stderr
    return done.returncode, done.stdout, done.stderr


@pytest.mark.parametrize("in_git", [False, True])
def test_a_directory_without_permission(
    tmp_path: Path, git: Command, write: Write, in_git: bool
) -> None:
    if in_git:
        git("init", "-q")
    closed = write("closed/a.py", TRAP).parent
    write("b.py", TRAP)
    closed.chmod(0)
    try:
        status, out, err = bound_by_permissions(tmp_path)
        assert "b.py:2:10" in out
        assert "closed: permission denied" in err
        assert status == 2
        status, out, err = bound_by_permissions(tmp_path, "closed", "b.py")
        assert "b.py:2:10" in out
        assert "closed: permission denied" in err
        assert status == 2
    finally:
        closed.chmod(0o755)


def test_a_file_without_permission(tmp_path: Path, write: Write) -> None:
    path = write("a.py", TRAP)
    path.chmod(0)
    for options in ((), ("--fix",), ("--diff",), ("a.py", "b.py"), ("--fix", "a.py", "b.py")):
        write("b.py", TRAP)
        status, out, err = bound_by_permissions(tmp_path, *options)
        assert "b.py" in out
        assert "a.py" in out + err
        assert "ermission denied" in out + err
        assert status == 2
    path.chmod(0o644)
    assert path.read_text() == TRAP


def test_a_read_only_file(ecolint: Command, write: Write) -> None:
    path = write("a.py", TRAP)
    other = write("b.py", TRAP)
    path.chmod(0o444)
    result = ecolint("--fix")
    assert "a.py: not written: the file is read-only" in result.stderr
    assert result.status == 2
    assert path.read_text() == TRAP
    assert other.read_text() == FIXED


def test_a_read_only_directory(tmp_path: Path, write: Write) -> None:
    path = write("closed/a.py", TRAP)
    path.parent.chmod(0o555)
    try:
        status, _, err = bound_by_permissions(tmp_path, "--fix")
        assert "a.py: not written: its directory is read-only" in err
        assert status == 2
        assert path.read_text() == TRAP
        assert [entry.name for entry in path.parent.iterdir()] == ["a.py"]
    finally:
        path.parent.chmod(0o755)


def test_special_files(ecolint: Command, write: Write, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.py")
    (tmp_path / "directory.py").mkdir()
    write("b.py", TRAP)
    result = ecolint()
    assert result.status == 1
    assert "in 1 of 1 file" in result.stdout


# --- a file that changes under a repair ---------------------------------------------------------

# The command, and somebody who saves the file at the n-th time that it is opened.
RACE = """
import os, sys
path, number = sys.argv.pop(1), int(sys.argv.pop(1))
opened = 0

def save(event, arguments):
    global opened
    name = str(arguments[0]) if event == "open" else ""
    if name == path or name.endswith(".ecolint-tmp"):
        opened += 1
        if opened == number:
            file = os.open(path, os.O_WRONLY | os.O_APPEND)
            os.write(file, b"precious = 1\\n")
            os.close(file)
            moment = "reading" if name == path else "writing"
            print(f"saved at {moment}", file=sys.stderr)

sys.addaudithook(save)
from ecocompute_lint.cli import main
sys.exit(main(sys.argv[1:]))
"""


def test_a_file_that_is_saved_during_the_repair(tmp_path: Path, write: Write) -> None:
    path, other = write("a.py", TRAP), write("b.py", TRAP)
    refused = 0
    moments = []
    for number in range(1, 20):
        path.write_text(TRAP)
        other.write_text(TRAP)
        done = subprocess.run(
            [sys.executable, "-c", RACE, str(path), str(number), "--fix", str(path), str(other)],
            cwd=tmp_path.parent,
            capture_output=True,
            text=True,
            env=environment(),
            check=False,
        )
        assert "Traceback" not in done.stderr
        assert other.read_text() == FIXED
        if "saved at" not in done.stderr:
            break
        moments.append(done.stderr.split("saved at ")[1].split()[0])
        after = path.read_text()
        if after == FIXED + "precious = 1\n":
            assert done.returncode == 0
            continue
        refused += 1
        assert after == TRAP + "precious = 1\n"
        assert "a.py: not written: the file has changed since it was read" in done.stderr
        assert done.returncode == 2
    assert refused >= 2
    assert "writing" in moments
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["a.py", "b.py"]
