"""Running ecolint as a user does, and what came of it."""

from __future__ import annotations

import json
import os
import resource
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

SLOW = 10.0
"""More seconds of the processor than this for one file count as a hang."""
_LIMIT = 300.0
"""So long on the clock a run may take until it is split, or, with one file, ended."""
_FILES, _BYTES = 400, 2_000_000
_STATUS = (0, 1, 2)


@dataclass
class Ran:
    """One run of the command."""

    status: int
    seconds: float
    report: dict[str, Any] | None
    errors: str

    @property
    def crash(self) -> str:
        """How it crashed; empty where it did not."""
        if "Traceback" in self.errors:
            return self.errors.strip().splitlines()[-1]
        if self.status not in _STATUS:
            return f"status {self.status}: {self.errors.strip()[-200:]}"
        if self.report is None and self.status != 2:
            return f"no report: {self.errors.strip()[-200:]}"
        for problem in (self.report or {}).get("problems", ()):
            if "internal error" in problem["message"] or "abruptly" in problem["message"]:
                return f"{problem['path']}: {problem['message']}"
        return ""


def ecolint(arguments: Sequence[str], folder: Path, limit: float = 3600) -> Ran | None:
    """Run the command in a folder, its report as JSON; None where it takes too long."""
    # Not `python -m`, which would look for modules in the audited folder.
    command = [str(Path(sys.executable).with_name("ecolint")), "--format", "json"]
    command += ["--no-cache", "--jobs", "1"]
    start = _used()
    process = subprocess.Popen(
        [*command, *arguments],
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
    )
    try:
        output, errors = process.communicate(timeout=limit)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
        return None
    seconds = _used() - start
    try:
        report = json.loads(output)
    except ValueError:
        report = None
    return Ran(process.returncode, seconds, report, errors.decode("utf-8", "replace"))


def _used() -> float:
    """Processor time of the runs so far: other work on the machine is not in it."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


@dataclass
class Audited:
    """What the audit of some files showed."""

    runs: list[Ran] = field(default_factory=list)
    crashes: list[str] = field(default_factory=list)
    hangs: list[str] = field(default_factory=list)
    slowest: tuple[float, str] = (0.0, "")
    """The longest run of one file, where one was run alone."""


def audit(files: Sequence[str], folder: Path, into: Audited) -> None:
    """Audit files by name, so that each is parsed.

    A run that takes no longer than one file may has no file that takes longer. A longer one is
    split until the file is found that makes it so, or none is.
    """
    # A name that begins with a dash, or that of a command, stays the name of a file.
    ran = ecolint([*(f"./{name}" for name in files)], folder, _LIMIT)
    alone = len(files) == 1
    if alone and ran is not None:
        into.slowest = max(into.slowest, (ran.seconds, files[0]))
    if not alone and (ran is None or ran.seconds > SLOW or ran.crash):
        middle = len(files) // 2
        audit(files[:middle], folder, into)
        audit(files[middle:], folder, into)
        return
    if ran is None:
        into.hangs.append(f"{files[0]}: more than {_LIMIT:.0f} s")
        return
    if ran.seconds > SLOW:
        into.hangs.append(f"{files[0]}: {ran.seconds:.0f} s")
    if ran.crash:
        into.crashes.append(f"{', '.join(files)}: {ran.crash}")
    into.runs.append(ran)


def chunks(files: Sequence[str], folder: Path) -> Iterator[list[str]]:
    """Files in runs that are expected to take no longer than one file may."""
    chunk: list[str] = []
    size = 0
    for name in files:
        chunk.append(name)
        size += (folder / name).stat().st_size
        if len(chunk) >= _FILES or size >= _BYTES:
            yield chunk
            chunk, size = [], 0
    if chunk:
        yield chunk
