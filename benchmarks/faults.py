"""Runs ecolint with a fault before every line that reads or writes files, and counts what happens.

    python benchmarks/faults.py                 a few minutes
    python benchmarks/faults.py --step 10       a tenth of the points
    python benchmarks/faults.py --write         keeps the figures for docs/reliability.md

Each run is a real process that is really killed, interrupted or has its files changed under it;
`tests/fault_points.py` drives them. Where strace is installed, a repair is also killed at each
system call that changes files. Fails if one run loses or breaks something.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

from faults_support import (  # noqa: E402
    KEEPING,
    READING,
    REPAIRING,
    WRITING,
    mended,
    points,
    strays,
    trap,
)

KEPT = ROOT / "benchmarks" / "reliability" / "faults.json"
TITLE = "Faults survived"
COMMAND = "python benchmarks/faults.py --write"
FILES = {"a.py": trap(), "b.py": trap(3)}
NEW = {name: mended(text) for name, text in FILES.items()}
FIX = ["--fix", "-j", "1", "."]
AUDIT = ["-j", "1", "--format", "concise", "."]
CALLS = ("openat", "write", "fsync", "flock", "chmod", "rename")


class Tally:
    """The rows of the table, and what went wrong."""

    def __init__(self) -> None:
        self.rows: list[list[str]] = []
        self.wrong: list[str] = []

    def check(self, what: str, results: Iterable[tuple[bool, object]]) -> None:
        """Note how many of the results are good."""
        count = good = 0
        for fine, shown in results:
            count, good = count + 1, good + fine
            if not fine:
                self.wrong.append(f"{what}: {shown}")
        self.rows.append([what, f"{good:,} of {count:,} runs"])
        print(f"{what}: {good} of {count}", flush=True)


def whole(result: dict[str, Any]) -> bool:
    """Whether each file is the old or the new one, and a later run finishes the job."""
    return all(result["tree"].get(name) in (FILES[name], NEW[name]) for name in FILES)


def ended(place: Path, tally: Tally, step: int) -> None:
    for fault, status in (("kill", -9), ("interrupt", 130), ("terminate", 143)):
        given = {"files": FILES, "action": fault, "watched": REPAIRING, "step": step}
        results = points(place, **given, arguments=FIX, again=FIX)
        what = {"kill": "killed (SIGKILL)", "interrupt": "interrupted (SIGINT)"}
        tally.check(
            f"--fix {what.get(fault, 'terminated (SIGTERM)')}: files whole, the next run finishes",
            (
                (
                    result["status"] == status
                    and whole(result)
                    and result["again"]["tree"] == NEW
                    and len(strays(result, FILES)) <= (fault == "kill"),
                    result,
                )
                for result in results
            ),
        )


def cut(place: Path, tally: Tally, step: int) -> None:
    old = trap(100)
    new = {"a.py": mended(old)}
    given = {"files": {"a.py": old}, "bytes": True, "most": len(new["a.py"]) - 1, "first": 0}
    results = points(place, **given, arguments=FIX, again=FIX, step=max(1, step * 20))
    tally.check(
        "--fix killed in the middle of a write: file as before, the next run finishes",
        (
            (
                r["status"] < 0 and r["tree"]["a.py"] == old and r["again"]["tree"] == new,
                r,
            )
            for r in results
        ),
    )


def cache(place: Path, tally: Tally, step: int) -> None:
    for fault in ("kill", "interrupt"):
        given = {"files": FILES, "action": fault, "watched": KEEPING, "step": step}
        results = points(place, **given, arguments=AUDIT, again=AUDIT)
        what = "killed" if fault == "kill" else "interrupted"
        tally.check(
            f"cache writes {what}: the next run finds the same",
            (
                (r["again"]["status"] == 1 and r["again"]["stdout"].count("ECO101") == 4, r)
                for r in results
            ),
        )


def together(place: Path, tally: Tally, step: int) -> None:
    given = {"files": FILES, "action": "other run", "watched": WRITING, "step": step}
    results = points(place, **given, arguments=FIX)
    tally.check(
        "another --fix of the same tree between two lines of one: both succeed",
        ((r["tree"] == NEW and r["status"] == 0, r) for r in results),
    )


def changing(place: Path, tally: Tally, step: int) -> None:
    for fault, what in (
        ("vanish", "a file vanishes"),
        ("directory", "a file becomes a directory"),
        ("pipe", "a file becomes a pipe"),
    ):
        given = {"files": FILES, "action": fault, "watched": READING, "step": step}
        results = points(place, **given, arguments=FIX)
        tally.check(
            f"{what} during --fix: told, the others repaired, no hang",
            (
                (
                    not r["hangs"]
                    and r["status"] in (0, 2)
                    and r["tree"]["b.py"] == NEW["b.py"]
                    and r["tree"].get("a.py") not in (FILES["a.py"], NEW["a.py"]),
                    r,
                )
                for r in results
            ),
        )
    given = {"files": FILES, "action": "change", "watched": READING, "step": step}
    results = points(place, **given, arguments=FIX)
    tally.check(
        "somebody saves a file during --fix: the change is kept",
        ((r["tree"]["a.py"].endswith("precious = 1\n"), r) for r in results),
    )


def system_calls(place: Path, tally: Tally) -> None:
    """Kill a repair at the n-th system call that changes files, one after the other."""
    if shutil.which("strace") is None:
        return
    tree = place / "calls"
    results = []
    for call in CALLS:
        # Whatever is opened while Python starts comes before the first file of the tree.
        only = [part for name in ("", *FILES) for part in ("-P", str(tree / name))]
        for number in range(1, 1_000):
            shutil.rmtree(tree, ignore_errors=True)
            tree.mkdir(parents=True)
            for name, text in FILES.items():
                (tree / name).write_text(text)
            kill = ["-e", f"trace={call}", "-e", f"inject={call}:signal=KILL:when={number}"]
            strace = ["strace", "-qq", "-o", os.devnull, *kill]
            status = fixed(tree, [*strace, *(only if call == "openat" else ())])
            if status >= 0:
                break
            found = {path.name: path.read_text() for path in tree.iterdir()}
            good = all(found.get(name) in (FILES[name], NEW[name]) for name in FILES)
            fixed(tree)
            after = {path.name: path.read_text() for path in tree.iterdir()}
            results.append((good and after == NEW, (call, number, found, after)))
    tally.check("--fix killed at a system call: files whole, the next run finishes", results)


def fixed(tree: Path, wrapper: Iterable[str] = ()) -> int:
    command = [*wrapper, sys.executable, "-m", "ecocompute_lint", *FIX]
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    return subprocess.run(command, cwd=tree, env=env, capture_output=True, check=False).returncode


def latency(place: Path, tally: Tally) -> None:
    """How long an interrupt takes, at several moments of a long run."""
    tree = place / "long"
    tree.mkdir()
    for number in range(300):
        (tree / f"m{number}.py").write_text(trap(200))
    for what, arguments in (
        ("in one process", ["-j", "1", "--no-cache", "."]),
        ("in two processes", ["-j", "2", "--no-cache", "."]),
        ("of --fix", ["--fix", "-j", "1", "."]),
    ):
        times = [interrupted(tree, arguments, pause) for pause in (0.8, 1.2, 1.6, 2.0, 2.4)]
        # What is interrupted while Python starts ends by the signal, which shells call 130 too.
        ended = {130, -signal.SIGINT}
        good = [seconds for status, seconds in times if status in ended]
        tally.check(f"interrupt {what}: status 130", ((s in ended, (s, t)) for s, t in times))
        slowest = f"{max(good, default=0):.2f} s"
        tally.rows.append([f"interrupt {what}: slowest end of {len(times)}", slowest])
        print(tally.rows[-1], flush=True)


def interrupted(tree: Path, arguments: list[str], pause: float) -> tuple[int, float]:
    process = subprocess.Popen(
        [sys.executable, "-m", "ecocompute_lint", *arguments],
        cwd=tree,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    )
    time.sleep(pause)
    start = time.monotonic()
    process.send_signal(signal.SIGINT)
    return process.wait(), time.monotonic() - start


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--step", type=int, default=1, help="every so many points")
    parser.add_argument("--write", action="store_true", help=f"store figures in {KEPT.name}")
    given = parser.parse_args()
    tally = Tally()
    with tempfile.TemporaryDirectory(prefix="ecolint-faults-") as name:
        place = Path(name)
        for part in (ended, cut, cache, together, changing):
            part(place, tally, given.step)
        system_calls(place, tally)
        latency(place, tally)
    for line in tally.wrong:
        print(f"WRONG {line}", file=sys.stderr)
    if given.write:
        notes = [
            f"Python {platform.python_version()} on {platform.system()}; every "
            f"{'point' if given.step == 1 else f'{given.step}th point'}.",
            "A point is a line of ecolint that is about to run, a byte of a file or a system call.",
            "A killed run may leave one file named .*.ecolint-tmp; the next --fix removes it.",
        ]
        document = {"title": TITLE, "command": COMMAND, "rows": tally.rows, "notes": notes}
        KEPT.parent.mkdir(exist_ok=True)
        KEPT.write_text(json.dumps(document, indent=2) + "\n", "utf-8")
    return bool(tally.wrong)


if __name__ == "__main__":
    sys.exit(main())
