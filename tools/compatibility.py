"""Runs the tests under the lowest and the latest versions of what ecolint needs.

    python tools/compatibility.py                                     both, under this Python
    python tools/compatibility.py --versions lowest --python python3.10
    python tools/compatibility.py --versions lowest --quick           some of the tests
    python tools/compatibility.py --write                             keeps what came out

The lowest versions are the bounds that pyproject.toml declares. Each run works on a copy of the
checkout, in an environment of its own; the tools of the tests themselves are the latest ones that
go with it.
Needs git and a package index.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

ROOT = Path(__file__).resolve().parent.parent
KEPT = ROOT / "benchmarks" / "reliability" / "compatibility.json"
TITLE = "Versions of Python and of what ecolint needs"
COMMAND = "python tools/compatibility.py --write"
BOUND = re.compile(r'"([A-Za-z0-9._-]+)>=([0-9][0-9.]*)')
# Newer ones say that they go with an older click than they do.
TOOLS = {"check-jsonschema": "0.29.0"}
# What each dependency is needed for: the command and its output, settings, repairs, the server.
QUICK = "test_cli test_fix_apply test_packages".split()


def bounds() -> dict[str, str]:
    """The lowest versions of what is needed at run time, the language server's included."""
    text = (ROOT / "pyproject.toml").read_text("utf-8")
    run_time = re.search(r"^dependencies = \[(.*?)^\]", text, re.M | re.S)
    server = re.search(r"^lsp = \[(.*?)\]$", text, re.M | re.S)
    assert run_time is not None
    assert server is not None
    return dict(BOUND.findall(run_time[1] + server[1]))


def copy_of_checkout(target: Path) -> None:
    """The files that git knows or would add, as a repository of their own."""
    listing = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    names = subprocess.run(listing, cwd=ROOT, check=True, capture_output=True).stdout
    for name in map(os.fsdecode, filter(None, names.split(b"\0"))):
        if (ROOT / name).exists():
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, target / name, follow_symlinks=False)
    subprocess.run(["git", "init", "-q", "."], cwd=target, check=True)
    subprocess.run(["git", "add", "-A"], cwd=target, check=True)


def environment(python: str, versions: str, place: Path, checkout: Path) -> Path:
    """Make an environment with the package and its tests' tools; its interpreter."""
    subprocess.run([python, "-m", "venv", str(place)], check=True)
    own = place / ("Scripts" if os.name == "nt" else "bin") / "python"
    command = [str(own), "-m", "pip", "--disable-pip-version-check", "install", "-q"]
    if versions == "lowest":
        pinned = place / "lowest.txt"
        lowest = {**bounds(), **TOOLS}
        pinned.write_text("".join(f"{name}=={version}\n" for name, version in lowest.items()))
        command += ["-c", str(pinned)]
    subprocess.run([*command, "-e", f"{checkout}[dev]"], check=True)
    return own


def installed(python: Path) -> dict[str, str]:
    """The versions of what is needed at run time, as they came out."""
    code = (
        "import importlib.metadata as m, json, sys\n"
        "found = {}\n"
        "for name in sys.argv[1:]:\n"
        "    try: found[name] = m.version(name)\n"
        "    except m.PackageNotFoundError: pass\n"
        "print(json.dumps([sys.version.split()[0], found]))\n"
    )
    done = subprocess.run([python, "-c", code, *bounds()], check=True, capture_output=True)
    version, found = json.loads(done.stdout)
    return {"python": version, **found}


def tests(python: Path, checkout: Path, wanted: Sequence[str], report: Path) -> int:
    """Run the tests; pytest's own status."""
    env = {key: value for key, value in os.environ.items() if not key.startswith("GIT_")}
    env.pop("PYTHONPATH", None)
    env["PATH"] = f"{python.parent}{os.pathsep}{env.get('PATH', '')}"
    command = [str(python), "-m", "pytest", "-q", f"--junit-xml={report}", *wanted]
    return subprocess.run(command, cwd=checkout, env=env, check=False).returncode


def counts(report: Path) -> dict[str, int]:
    """How many tests passed, were skipped and failed."""
    suites = ElementTree.parse(report).getroot().iter("testsuite")
    total = {"tests": 0, "skipped": 0, "failures": 0, "errors": 0}
    for suite in suites:
        for key in total:
            total[key] += int(suite.get(key, 0))
    failed = total["failures"] + total["errors"]
    passed = total["tests"] - total["skipped"] - failed
    return {"passed": passed, "skipped": total["skipped"], "failed": failed}


def one(python: str, versions: str, wanted: Sequence[str]) -> tuple[int, dict[str, Any]]:
    """The tests under one interpreter with one choice of versions: status, and what came out."""
    start = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="ecolint-compatibility-") as name:
        work = Path(name)
        copy_of_checkout(work / "copy")
        own = environment(python, versions, work / "venv", work / "copy")
        found = installed(own)
        print(f"== {versions}: {' '.join(map('='.join, found.items()))}", flush=True)
        status = tests(own, work / "copy", wanted, work / "report.xml")
        result = {"versions": versions, **counts(work / "report.xml"), "installed": found}
    print(f"== {round(time.monotonic() - start)} s", flush=True)
    return status, result


def keep(results: Sequence[dict[str, Any]]) -> None:
    """Store what came out beside what is stored of other interpreters."""
    kept = json.loads(KEPT.read_text("utf-8"))["runs"] if KEPT.exists() else []
    by_key = {_key(run): run for run in (*kept, *results)}
    runs = sorted(by_key.values(), key=_key)
    rows = []
    for run in runs:
        what = f"Python {run['installed']['python']}, {run['versions']} versions"
        failed = f"{run['failed']} failed"
        rows.append([what, f"{run['passed']:,} tests passed, {failed}, {run['skipped']} skipped"])
    document = {"title": TITLE, "command": COMMAND, "rows": rows, "notes": _notes(runs)}
    KEPT.parent.mkdir(exist_ok=True)
    KEPT.write_text(json.dumps({**document, "runs": runs}, indent=2) + "\n", "utf-8")


def _key(run: dict[str, Any]) -> tuple[Any, ...]:
    minor = run["installed"]["python"].split(".")[:2]
    return (*map(int, minor), run["versions"] != "lowest")


def _notes(runs: Sequence[dict[str, Any]]) -> list[str]:
    notes = []
    for versions in ("lowest", "latest"):
        of_these = [run["installed"] for run in runs if run["versions"] == versions]
        if of_these:
            names = sorted({name for found in of_these for name in found if name != "python"})
            shown = (
                f"{name} {'/'.join(dict.fromkeys(f[name] for f in of_these if name in f))}"
                for name in names
            )
            notes.append(f"{versions.capitalize()} versions: {', '.join(shown)}.")
    return notes


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--python", action="append", help="an interpreter; may be repeated")
    parser.add_argument("--versions", choices=("lowest", "latest"), action="append")
    parser.add_argument("--quick", action="store_true", help="some of the tests")
    parser.add_argument("--write", action="store_true", help=f"store figures in {KEPT.name}")
    parser.add_argument("tests", nargs="*", help="tests to run instead of all")
    given = parser.parse_args()
    if given.write and (given.quick or given.tests):
        parser.error("--write goes with all tests")
    wanted = [f"tests/{name}.py" for name in QUICK] if given.quick else given.tests
    results, worst = [], 0
    for python in given.python or [sys.executable]:
        for versions in given.versions or ("lowest", "latest"):
            status, result = one(python, versions, wanted)
            worst = max(worst, status)
            results.append(result)
    if given.write:
        keep(results)
    return worst


if __name__ == "__main__":
    sys.exit(main())
