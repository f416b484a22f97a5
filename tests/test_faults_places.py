"""Full disks, closed streams, and systems that have nothing to give: told in a line."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from conftest import ROOT, SCRIPTS, TRAP, Command, Result, environment
from faults_support import mended, trap

ECOLINT = SCRIPTS / "ecolint"
Shell = Callable[..., Result]


@pytest.fixture
def shell(tmp_path: Path) -> Shell:
    """Run a line of shell in which $E is the command."""

    def run(line: str, **env: str) -> Result:
        done = subprocess.run(
            ["bash", "-c", f"set -o pipefail; {line}"],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            stdin=subprocess.DEVNULL,
            env=environment(E=str(ECOLINT), **env),
            check=False,
        )
        assert "Traceback" not in done.stderr, done.stderr
        assert "internal error" not in done.stderr, done.stderr
        return Result(done.returncode, done.stdout, done.stderr, done.stdout.encode())

    (tmp_path / "a.py").write_text(TRAP)
    return run


@pytest.mark.parametrize("asked", ["a.py", "--format json a.py", "--version", "rules", "--help"])
def test_closed_standard_output(shell: Shell, asked: str) -> None:
    result = shell(f"$E {asked} >&-")
    assert result.status == (1 if "a.py" in asked else 0)
    assert result.stderr == ""


@pytest.mark.parametrize("asked", ["a.py", "--format json a.py", "--version", "--fix - < a.py"])
@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="no /dev/full")
def test_full_standard_output(shell: Shell, asked: str) -> None:
    result = shell(f"$E {asked} > /dev/full")
    assert result.status == 2
    assert result.stderr == "ecolint: standard output: no space left on device\n"


@pytest.mark.parametrize("kind", ["text", "json", "html", "sarif"])
def test_a_reader_that_has_seen_enough(shell: Shell, kind: str) -> None:
    result = shell(f"$E --format {kind} a.py | head -c 1 | wc -c; $E --format {kind} a.py | true")
    assert result.stdout.strip() == "1"
    assert result.stderr == ""


@pytest.mark.parametrize("asked", ["missing.py", "--no-such-option", "a.py missing.py"])
def test_closed_standard_error(shell: Shell, asked: str) -> None:
    closed, told = shell(f"$E {asked} 2>&-"), shell(f"$E {asked}")
    assert closed.status == told.status == 2
    assert "missing" not in closed.stdout
    assert closed.stdout.count("ECO101") == told.stdout.count("ECO101")
    if os.path.exists("/dev/full"):
        assert shell(f"$E {asked} 2>/dev/full").status == 2


@pytest.mark.parametrize("asked", ["-", "--fix -", "lsp"])
def test_closed_standard_input(shell: Shell, asked: str) -> None:
    result = shell(f"$E {asked} <&-")
    assert (result.status, result.stdout) == (2, "")
    assert "standard input is closed" in result.stderr
    assert shell("$E a.py <&-").status == 1


def test_all_streams_closed(shell: Shell, tmp_path: Path) -> None:
    """What is opened next gets the number of a standard stream; nothing may be written there."""
    assert shell("$E --fix a.py <&- >&- 2>&-").status == 0
    assert (tmp_path / "a.py").read_text() == mended(TRAP)


@pytest.mark.skipif(not os.path.exists("/dev/fd"), reason="no /dev/fd")
def test_process_substitution_is_read_once(shell: Shell, tmp_path: Path) -> None:
    result = shell("$E <(cat a.py)")
    assert result.status == 1
    assert "ECO101" in result.stdout
    os.mkfifo(tmp_path / "pipe.py")
    assert "ECO101" in shell("cat a.py > pipe.py & $E --no-cache pipe.py").stdout


# --- a file system without room -----------------------------------------------------------------


@pytest.fixture
def small(tmp_path: Path) -> Iterator[Path]:
    """A file system of 64 KiB that holds a file and is full otherwise."""
    place = tmp_path / "small"
    place.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(place)]
    try:
        done = subprocess.run(command, capture_output=True, check=False)
    except OSError:
        pytest.skip("no mount")
    if done.returncode:
        pytest.skip("only root may mount")
    try:
        (place / "a.py").write_text(trap(300))
        with pytest.raises(OSError, match="No space"):
            (place / "rest").write_bytes(b"x" * 2**17)
        yield place
    finally:
        subprocess.run(["umount", str(place)], check=True)


def test_a_full_disk(ecolint: Command, small: Path) -> None:
    before = sorted(os.listdir(small))
    result = ecolint("--fix", "small")
    assert result.status == 2
    assert "small/a.py: not written: no space left on device" in result.stderr
    assert (small / "a.py").read_text() == trap(300)
    result = ecolint("--output", "small/report.json", "--format", "json", "small")
    assert result.status == 2
    assert "--output small/report.json: no space left on device" in result.stderr
    result = ecolint("small", ECOLINT_CACHE_DIR=str(small))
    assert (result.status, result.stderr) == (1, "")
    assert [name for name in sorted(os.listdir(small)) if name != "results-1"] == before
    (small / "rest").unlink()
    assert ecolint("--fix", "small").status == 0


def test_a_file_system_to_read_only(ecolint: Command, small: Path) -> None:
    (small / "rest").unlink()
    subprocess.run(["mount", "-o", "remount,ro", str(small)], check=True)
    result = ecolint("--fix", "small")
    assert result.status == 2
    assert "small/a.py: not written: the file is read-only" in result.stderr
    result = ecolint("small", ECOLINT_CACHE_DIR=str(small / "kept"))
    assert (result.status, result.stderr) == (1, "")
    assert (small / "a.py").read_text() == trap(300)


LIMITED = """
import resource, sys
from ecocompute_lint.cli import main
import ecocompute_lint.pool, ecocompute_lint.runs
number = len(__import__("os").listdir("/proc/self/fd")) + int(sys.argv.pop(1))
resource.setrlimit(resource.RLIMIT_NOFILE, (number, number))
sys.exit(main(sys.argv[1:]))
"""


@pytest.mark.skipif(not os.path.exists("/proc/self/fd"), reason="no /proc")
@pytest.mark.parametrize("more", [3, 6])
def test_too_few_files_for_processes(tmp_path: Path, more: int) -> None:
    """Where no process can be had, one does the work."""
    for number in range(8):
        (tmp_path / f"m{number}.py").write_text(trap())
    names = [f"m{number}.py" for number in range(8)]
    done = subprocess.run(
        [sys.executable, "-c", LIMITED, str(more), "-j", "2", "--no-cache", "-q", *names],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        env=environment(PYTHONPATH=str(ROOT)),
        check=False,
    )
    assert done.stderr == ""
    assert done.stdout.count("ECO101") == 8
    assert done.returncode == 1


# --- several, and none any more -----------------------------------------------------------------


def test_repairs_side_by_side(tmp_path: Path) -> None:
    for number in range(12):
        (tmp_path / f"m{number}.py").write_text(trap(number + 1))
    runs = [
        subprocess.Popen(
            [ECOLINT, "--fix", "-q", "."],
            cwd=tmp_path,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=environment(),
        )
        for _ in range(3)
    ]
    for run in runs:
        assert run.communicate()[1] == b""
        assert run.returncode == 0
    assert sorted(os.listdir(tmp_path)) == sorted(f"m{number}.py" for number in range(12))
    for number in range(12):
        assert (tmp_path / f"m{number}.py").read_text() == mended(trap(number + 1))


@pytest.mark.skipif(os.name == "nt", reason="signals")
@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_the_language_server_ends_when_told(tmp_path: Path, number: int, status: int) -> None:
    pytest.importorskip("pygls")
    message = b'{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"capabilities":{}}}'
    server = subprocess.Popen(
        [ECOLINT, "lsp"],
        cwd=tmp_path,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=environment(),
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    )
    assert server.stdin is not None
    assert server.stdout is not None
    server.stdin.write(b"Content-Length: %d\r\n\r\n%s" % (len(message), message))
    server.stdin.flush()
    assert server.stdout.readline().startswith(b"Content")
    server.send_signal(number)
    # Its input stays open, as that of an editor does.
    try:
        assert server.wait(20) == status
    finally:
        server.kill()
        errors = server.communicate()[1]
    assert b"Traceback" not in errors, errors
