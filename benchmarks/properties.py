"""The properties of the tests, tried on many generated files: how many, and whether all hold.

    python benchmarks/properties.py             try each property on thousands of texts, and store
    python benchmarks/properties.py --usual     as often as the tests do

Stores `benchmarks/reliability/properties.json` if every property holds. It takes an hour or more.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import re
import subprocess
import sys
from collections.abc import Iterable, Iterator
from importlib.metadata import version
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
STORED = ROOT / "benchmarks" / "reliability" / "properties.json"
AREAS = {
    "test_properties_any_text.py": "No text ends a run",
    "test_properties_findings.py": "Findings are there, whatever the gates, and where they say",
    "test_properties_repairs.py": "Repairs",
    "test_properties_comments.py": "Comments that silence",
    "test_properties_runs.py": "Results depend on nothing but the files",
    "test_fixes_properties.py": "Edits of calls and dictionaries",
    "test_notebook_properties.py": "Notebooks",
    "test_formats_properties.py": "Reports",
    "test_estimator_properties.py": "Estimates",
}
_TRIED = re.compile(r"^ +- (\d+) passing")
_NAME = re.compile(r"^(?:tests/)?(\w+\.py)::(test_\w+)(?:\[.*\])?:$")


def main() -> int:
    """Run the command."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--usual", action="store_true", help="only as many as the tests try")
    parser.add_argument("--only", metavar="WORD", help="properties with this word in their name")
    asked = parser.parse_args()
    command = [sys.executable, "-m", "pytest", "-q", "-n", "0", "--hypothesis-show-statistics"]
    command += [] if asked.usual else ["--hypothesis-profile", "thorough"]
    command += ["-k", asked.only] if asked.only else []
    command += [str(ROOT / "tests" / name) for name in AREAS]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as running:
        assert running.stdout is not None
        lines = []
        for line in running.stdout:
            sys.stderr.write(line)
            lines.append(line)
    if running.returncode:
        return 1
    given = [f"{name}={os.environ[name]}" for name in ("ECOLINT_EXAMPLES",) if name in os.environ]
    store(list(tried(lines)), " ".join([*given, "python benchmarks/properties.py", *sys.argv[1:]]))
    return 0


def tried(lines: Iterable[str]) -> Iterator[tuple[str, str, int]]:
    """Each property: its file, its name, and on how many examples it held."""
    file = name = ""
    counts: dict[tuple[str, str], int] = {}
    for line in lines:
        if found := _NAME.match(line.strip()):
            file, name = found[1], found[2]
        elif (found := _TRIED.match(line)) and name:
            counts[file, name] = counts.get((file, name), 0) + int(found[1])
    for (file, name), count in counts.items():
        yield file, name, count


def store(found: list[tuple[str, str, int]], command: str) -> None:
    """Write the figures for the page."""
    rows: list[list[str | int]] = [["Properties, all of which hold", len(found)]]
    rows.append(["Generated examples", sum(count for *_, count in found)])
    for file, title in AREAS.items():
        for _, name, count in (one for one in found if one[0] == file):
            words = name.removeprefix("test_").replace("_", " ")
            rows.append([f"{title}: {words}", count])
    data = {
        "title": "Properties",
        "command": command,
        "versions": {
            "ecolint": version("ecocompute-lint"),
            "Python": platform.python_version(),
            "Hypothesis": version("hypothesis"),
            "LibCST": version("libcst"),
        },
        "rows": rows,
        "notes": [
            "Each example is a generated file, or a project of several: inference code in any "
            "layout, encoding and newline style, notebooks, manifests, Dockerfiles, shell, "
            "requirements, files of engines, and damaged or arbitrary text and bytes.",
            "A hang is more function calls than a text of its size may cost, so that the result "
            "does not depend on the machine.",
        ],
    }
    STORED.parent.mkdir(exist_ok=True)
    text = json.dumps(data, indent=1, ensure_ascii=False) + "\n"
    STORED.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())
