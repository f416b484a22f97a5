"""How long ecolint takes, beside other tools, on the same texts in the same run.

    python benchmarks/speed              every table; takes some 25 minutes on an idle machine
    python benchmarks/speed --quick      fewer runs, on smaller parts for the slow tools
    python benchmarks/speed --only few   of one table
    python benchmarks/speed --write      docs/performance.md and the figures behind it
    python benchmarks/speed --page       the page again from the figures that are stored

The other tools are installed at pinned versions, each in an environment of its own. Archives come
from the package index by version and hash, or from the folder that `--corpus` names; they are
unpacked and never installed.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from platformdirs import user_cache_path

from speed import corpora, page
from speed.measuring import Broken, measure
from speed.plan import Group, Planner
from speed.tools import Tools


def main(arguments: Sequence[str]) -> int:
    """Run the command."""
    given = _parsed(arguments)
    if given.page:
        page.PAGE.write_text(page.page(json.loads(page.RESULTS.read_text())), encoding="utf-8")
        return 0
    place = given.work.resolve()
    place.mkdir(parents=True, exist_ok=True)
    tools = Tools(place / "tools")
    try:
        texts = corpora.prepare(place / "corpora", given.corpus)
    except corpora.Unavailable as error:
        print(error, file=sys.stderr)
        return 1
    tools.make()
    machine = _machine(tools)
    groups = Planner(tools, texts, place, given.quick).groups()
    chosen = [group for group in groups if not given.only or group.key in (*given.only, "start")]
    results, done = page.kept([], machine), 0
    for group in chosen:
        if _measured(group, given):
            results["groups"].update(page.kept([group], machine)["groups"])
            done += 1
            _store(given, results, partly=True)
    print(_plain(results))
    _store(given, results, partly=done < len(groups))
    return 0 if done == len(chosen) else 1


def _parsed(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="benchmarks/speed",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    default = user_cache_path("ecolint-speed")
    add("--work", type=Path, default=default, help="where tools and texts are kept [%(default)s]")
    add("--corpus", type=Path, help="a folder with archives that are here already")
    add("--runs", type=int, help="runs of each command [5, quick: 2]")
    add("--patience", type=float, help="seconds for all runs of a command [60, quick: 10]")
    add("--quick", action="store_true", help="fewer runs, smaller parts")
    add("--only", action="append", metavar="TABLE", help="of this table (several times: of these)")
    add("--write", action="store_true", help="write docs/performance.md and the figures behind it")
    add("--page", action="store_true", help="only write the page again")
    given = parser.parse_args(arguments)
    given.runs = given.runs or (2 if given.quick else 5)
    given.patience = given.patience or (10 if given.quick else 60)
    return given


def _measured(group: Group, given: argparse.Namespace) -> bool:
    """Run a group: whether each command did what it should."""
    print(f"-- {group.title}", file=sys.stderr, flush=True)
    try:
        measure(
            group.tasks,
            runs=given.runs,
            patience=given.patience,
            say=lambda text: print(f"   {text}", file=sys.stderr, flush=True),
        )
    except Broken as error:
        print(error, file=sys.stderr)
        return False
    return True


def _store(given: argparse.Namespace, results: dict[str, Any], *, partly: bool) -> None:
    """Write what was measured; the tables that are missing stay as they were."""
    if not given.write:
        return
    if partly and page.RESULTS.is_file():
        stored = json.loads(page.RESULTS.read_text(encoding="utf-8"))
        results = {**results, "groups": {**stored["groups"], **results["groups"]}}
    page.RESULTS.write_text(page.written(results), encoding="utf-8")
    page.PAGE.write_text(page.page(results), encoding="utf-8")


def _machine(tools: Tools) -> dict[str, str]:
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    others = ("ruff", "flake8", "bandit", "torchfix", "fixit")
    versions = {"ecolint": tools.version("ecolint", "ecocompute-lint")}
    versions |= {name: tools.version(name, name) for name in others}
    return {
        "processor": _processor(),
        "cores": str(cores),
        "system": f"{platform.system()} {platform.release()}",
        "Python": platform.python_version(),
        "busy with other things at the start": f"{os.getloadavg()[0]:.1f} processes",
        "versions": ", ".join(f"{name} {version}" for name, version in versions.items()),
    }


def _processor() -> str:
    try:
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    except OSError:
        pass
    return platform.processor() or platform.machine()


def _plain(results: dict[str, Any]) -> str:
    groups = results["groups"]
    parts = ["\n".join(page.aims(groups))]
    parts += [page.table(key, groups) for key in groups if key not in page.GROWTH]
    parts.append("\n".join(page.growth(groups)))
    return "\n\n".join(parts)
