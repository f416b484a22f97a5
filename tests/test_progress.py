"""How far a run has come is told on a terminal, and only when it takes long."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest
from conftest import environment

LONG = """\
import time
from ecocompute_lint.cli.progress import Progress

with Progress(wanted=WANTED) as progress:
    progress(1, 10)
    time.sleep(WAITS)
    progress(5, 10)
"""
pty = pytest.importorskip("pty")


def told(*, wanted: bool = True, waits: float = 1.1, terminal: bool = True) -> str:
    program = LONG.replace("WANTED", str(wanted)).replace("WAITS", str(waits))
    master, slave = pty.openpty() if terminal else os.pipe()
    subprocess.run([sys.executable, "-c", program], stderr=slave, env=environment(TERM="xterm"))
    os.write(slave, b".")
    text = os.read(master, 65536).decode()
    os.close(master)
    os.close(slave)
    return text.removesuffix(".")


def test_a_long_run_on_a_terminal() -> None:
    assert "5/10" in told()


def test_silence() -> None:
    assert told(waits=0) == ""
    assert told(wanted=False) == ""
    assert "5/10" not in told(terminal=False)
