"""Runs the command again and again, with a fault at one point after the other.

A point is a line of the package that is about to be run. Each run is a fork of one process that has
everything loaded, so that hundreds take seconds. A script, because forks want a process that has
no threads; `faults_support` starts it. Standard input and output are JSON.
"""

from __future__ import annotations

import json
import os
import resource
import shutil
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import Any

from ecocompute_lint.cli import main

LIMIT = 60
"""Seconds after which a run hangs."""


class Points:
    """Does something when the line with a certain number, among those watched, is reached."""

    def __init__(self, watched: dict[str, list[str]], number: int, action: Callable[[], None]):
        self.watched = watched
        self.left = number
        self.action = action
        self.process = os.getpid()

    def __call__(self, frame: FrameType, event: str, argument: object) -> Any:
        name = frame.f_code.co_filename.rpartition("ecocompute_lint/")[2]
        functions = self.watched.get(name)
        if functions is None or (functions and frame.f_code.co_name not in functions):
            return None
        return self.line

    def line(self, frame: FrameType, event: str, argument: object) -> Any:
        if event == "line" and os.getpid() == self.process:
            self.left -= 1
            if self.left == 0:
                sys.settrace(None)
                Path("../reached").write_text(f"{frame.f_code.co_name}:{frame.f_lineno}")
                self.action()
        return self.line


def vanish() -> None:
    os.unlink("a.py")


def directory() -> None:
    os.unlink("a.py")
    os.mkdir("a.py")


def pipe() -> None:
    os.unlink("a.py")
    os.mkfifo("a.py")


def change() -> None:
    with open("a.py", "a") as file:
        file.write("precious = 1\n")


def other_run() -> None:
    child = os.fork()
    if child == 0:
        sink = os.open(os.devnull, os.O_WRONLY)
        os.dup2(sink, 1)
        os.dup2(sink, 2)
        os._exit(main(["--fix", "--no-cache", "-j", "1", "."]))
    os.waitpid(child, 0)


def send(number: int) -> Callable[[], None]:
    return lambda: os.kill(os.getpid(), number)


ACTIONS: dict[str, Callable[[], None]] = {
    "vanish": vanish,
    "directory": directory,
    "pipe": pipe,
    "change": change,
    "other run": other_run,
    "kill": send(signal.SIGKILL),
    "interrupt": send(signal.SIGINT),
    "terminate": send(signal.SIGTERM),
    "nothing": lambda: None,
}


def run(given: dict[str, Any], place: Path, number: int) -> dict[str, Any]:
    """One run; how it ended, and what there is then."""
    (place / "reached").unlink(missing_ok=True)
    start = time.monotonic()
    child = os.fork()
    if child == 0:
        os._exit(_child(given, place, number))
    status, hangs = _wait(child)
    reached = place / "reached"
    return {
        "point": reached.read_text() if reached.exists() else None,
        "status": status,
        "hangs": hangs,
        "seconds": time.monotonic() - start,
        "stdout": (place / "stdout").read_text("utf-8", "replace"),
        "stderr": (place / "stderr").read_text("utf-8", "replace"),
        "tree": listing(place / "tree"),
        "kept": sorted(os.listdir(place / "cache" / "results-1"))
        if (place / "cache" / "results-1").exists()
        else [],
    }


def _child(given: dict[str, Any], place: Path, number: int) -> int:
    os.chdir(place / "tree")
    os.environ["ECOLINT_CACHE_DIR"] = str(place / "cache")
    for stream, name in ((1, "stdout"), (2, "stderr")):
        os.dup2(os.open(place / name, os.O_WRONLY | os.O_CREAT | os.O_TRUNC), stream)
    if "bytes" in given:
        # The kernel ends the process when a file grows beyond this: in the middle of a write.
        signal.signal(signal.SIGXFSZ, signal.SIG_DFL)
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        resource.setrlimit(resource.RLIMIT_FSIZE, (number, number))
    elif number:
        sys.settrace(Points(given["watched"], number, ACTIONS[given["action"]]))
    try:
        status = main(given["arguments"])
    except SystemExit as error:
        status = error.code if isinstance(error.code, int) else 1
    sys.settrace(None)
    sys.stdout.flush()
    return status


def _wait(child: int) -> tuple[int, bool]:
    end = time.monotonic() + LIMIT
    while time.monotonic() < end:
        done, status = os.waitpid(child, os.WNOHANG)
        if done:
            return os.waitstatus_to_exitcode(status), False
        time.sleep(0.002)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    return -9, True


def listing(tree: Path) -> dict[str, str]:
    found = {}
    for path in sorted(tree.iterdir()):
        if path.is_file():
            found[path.name] = path.read_text("utf-8", "replace")
        else:
            found[path.name] = "<directory>" if path.is_dir() else "<pipe>"
    return found


def prepare(place: Path, files: dict[str, str]) -> None:
    for name in ("tree", "cache"):
        shutil.rmtree(place / name, ignore_errors=True)
        (place / name).mkdir()
    for name, text in files.items():
        (place / "tree" / name).write_text(text)


def warm_up(place: Path) -> None:
    """Load everything, on files of other names."""
    prepare(
        place,
        {
            "warm.py": "from transformers import BitsAndBytesConfig\n"
            "c = BitsAndBytesConfig(load_in_8bit=True)\n"
        },
    )
    for arguments in (["."], ["--fix", "."]):
        child = {"arguments": arguments, "action": "nothing", "watched": {}}
        before = os.getcwd(), os.dup(1), os.dup(2), dict(os.environ)
        _child(child, place, 0)
        os.chdir(before[0])
        os.dup2(before[1], 1)
        os.dup2(before[2], 2)


def all_points(given: dict[str, Any]) -> list[dict[str, Any]]:
    place = Path(given["place"])
    warm_up(place)
    results = []
    number = given.get("first", 1)
    while number <= given.get("most", 100_000):
        prepare(place, given["files"])
        result = run(given, place, number)
        if "bytes" not in given and result["point"] is None:
            break
        if given.get("again") is not None:
            result["again"] = run({"arguments": given["again"]}, place, 0)
        result["number"] = number
        results.append(result)
        number += given.get("step", 1)
    return results


if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.default_int_handler)
    answers = all_points(json.load(sys.stdin))
    json.dump(answers, sys.stdout)
