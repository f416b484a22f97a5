"""Examples in documents: files that stand in the text, and what commands really print about them.

A comment ``<!-- file: NAME -->`` gives a name to the fenced block below it, and
``<!-- notebook: NAME -->`` makes the block a notebook whose cells begin with ``# cell N:``.
Between ``<!-- run: ecolint … -->`` and ``<!-- end -->`` stands what that command prints where
these files are.
"""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent

_MARK = re.compile(
    r"<!-- (?P<kind>file|notebook): (?P<name>\S+) -->\n+```\w*\n(?P<text>.*?\n)```$"
    r"|<!-- run: (?P<command>ecolint .*?) -->\n.*?<!-- end -->",
    re.DOTALL | re.MULTILINE,
)
_CELL = re.compile(r"^# cell \d+:\n", re.MULTILINE)


def with_outputs(text: str) -> str:
    """A document with what its commands print as it should be."""
    if "<!-- run: " not in text:
        return text
    with tempfile.TemporaryDirectory() as folder:

        def done(match: re.Match[str]) -> str:
            if match["command"] is None:
                path = Path(folder, match["name"])
                path.parent.mkdir(parents=True, exist_ok=True)
                made = notebook(match["text"]) if match["kind"] == "notebook" else match["text"]
                path.write_text(made, encoding="utf-8", newline="\n")
                return match[0]
            command = match["command"]
            printed = output(shlex.split(command)[1:], (0, 1), Path(folder)).strip("\n")
            fence = "diff" if "--diff" in command else "text"
            return f"<!-- run: {command} -->\n```{fence}\n$ {command}\n{printed}\n```\n<!-- end -->"

        return _MARK.sub(done, text)


def notebook(text: str) -> str:
    """Cells as Jupyter keeps them."""
    cells = [
        {
            "cell_type": "code",
            "execution_count": None,
            "metadata": {},
            "outputs": [],
            "source": source.rstrip("\n").splitlines(keepends=True),
        }
        for source in _CELL.split(text)[1:]
    ]
    language = {"kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"}}
    whole = {"cells": cells, "metadata": language, "nbformat": 4, "nbformat_minor": 5}
    return json.dumps(whole, indent=1) + "\n"


def output(arguments: list[str], statuses: tuple[int, ...], folder: Path = ROOT) -> str:
    """What the command prints; it has to end with one of these statuses."""
    hidden = ("NO_COLOR", "FORCE_COLOR", "COLUMNS")
    env = {name: value for name, value in os.environ.items() if name not in hidden}
    done = subprocess.run(
        [sys.executable, "-m", "ecocompute_lint", *arguments],
        cwd=folder,
        env={**env, "PYTHONIOENCODING": "utf-8", "PYTHONPATH": str(ROOT)},
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    if done.returncode not in statuses:
        raise SystemExit(
            f"{' '.join(arguments)} ended with status {done.returncode}\n{done.stderr}"
        )
    return done.stdout
