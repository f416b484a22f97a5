"""Audits and repairs a large amount of real code, and stores what came of it.

    python benchmarks/robustness --home FOLDER
        packages (packages.txt), brought to FOLDER as wheels; the standard library; the
        site-packages of the running interpreter
    … --site-packages FOLDER
        that of another environment
    … --repositories FOLDER
        each folder in it too, for instance what `benchmarks/accuracy fetch` brings
    … --only TEXT
        the trees whose name holds a text; nothing is stored
    … --resume
        take what an interrupted run has done already
    … --done
        run nothing; store what an interrupted run has done

Every file is audited by name, so that each is parsed, then `--fix` repairs a copy with all rules
on. Nothing of the code is installed, imported or run. Needs some hours, and Python 3.11 to ask
whether it takes a file that ecolint cannot parse.
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
import sysconfig
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any

from ecocompute_lint.sources.kinds import NOTEBOOK, PYTHON, kind_of
from robustness import results
from robustness.python import compiles
from robustness.repairing import repair
from robustness.running import Audited, audit, chunks
from robustness.trees import Tree, files_of, others, packages


def main(arguments: Sequence[str]) -> int:
    """Run the command; status 1 where something went wrong."""
    given = _parsed(arguments)
    found, missing = packages(given.home, given.offline)
    trees = [*found, *others(given.site_packages, given.repositories)]
    for name in missing:
        print(f"not available: {name}")
    kept = given.home / "results"
    kept.mkdir(exist_ok=True)
    if given.done:
        trees = [tree for tree in trees if _stored(tree, kept).is_file()]
        given.resume = True
    chosen = [tree for tree in trees if given.only in tree.name]
    done = []
    one = partial(_one, home=given.home, kept=kept, resume=given.resume)
    # Each in a process of its own, for the processor time of a run is that of its children.
    with ProcessPoolExecutor(given.jobs) as pool:
        for result in pool.map(one, chosen):
            print(results.line(result), flush=True)
            done.append(result)
    table = results.table(done, missing)
    print("\n".join(f"{value:>12}  {what}" for what, value in table["rows"]))
    if chosen == trees:
        results.STORED.write_text(results.written(table), encoding="utf-8")
    return 1 if any(result["bad"] for result in done) else 0


def _parsed(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="benchmarks/robustness",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add("--home", type=Path, required=True, help="where packages and results lie")
    add("--offline", action="store_true", help="fetch nothing")
    add("--site-packages", type=Path, action="append", help="in place of the running one's")
    add("--repositories", type=Path, action="append", default=[], help="a folder of more trees")
    add("--only", default="", metavar="TEXT", help="only trees with this in their name")
    add("--resume", action="store_true", help="leave out trees that have results already")
    add("--done", action="store_true", help="run nothing, store what has been done")
    add("--jobs", type=int, default=1, help="trees at a time [%(default)s]")
    given = parser.parse_args(arguments)
    given.home = given.home.resolve()
    given.site_packages = given.site_packages or [Path(sysconfig.get_path("purelib"))]
    return given


def _stored(tree: Tree, kept: Path) -> Path:
    return kept / f"{tree.name.replace('/', '_')}.json"


def _one(tree: Tree, home: Path, kept: Path, resume: bool) -> dict[str, Any]:
    """The results of a tree."""
    stored = _stored(tree, kept)
    if resume and stored.is_file():
        result: dict[str, Any] = json.loads(stored.read_text(encoding="utf-8"))
        return result
    paths = [path for path in files_of(tree) if kind_of(path.name)]
    names = [str(path.relative_to(tree.path)) for path in paths]
    audited = Audited()
    for chunk in chunks(names, tree.path):
        audit(chunk, tree.path, audited)
    unread = _unread(tree, audited)
    copies = home / "copies" / tree.name.replace("/", "_")
    try:
        repaired = repair(tree.path, names, copies)
    finally:
        shutil.rmtree(copies, ignore_errors=True)
    reports = [ran.report for ran in audited.runs if ran.report is not None]
    result = {
        "tree": tree.name,
        "kind": tree.kind,
        "parts": len(tree.parts),
        "files": dict(Counter(_sort(name) for name in names)),
        "bytes": sum(path.stat().st_size for path in paths),
        "seconds": round(sum(ran.seconds for ran in audited.runs), 1),
        "examined": sum(report["summary"]["examined"] for report in reports),
        "findings": sum(report["summary"]["findings"] for report in reports),
        "too_large": [one["path"] for report in reports for one in report.get("skipped", ())],
        "crashes": audited.crashes,
        "hangs": audited.hangs,
        "slowest": audited.slowest,
        **unread,
        "repaired": asdict(repaired),
    }
    result["bad"] = bool(
        audited.crashes or audited.hangs or unread["false_errors"] or repaired.wrong
    )
    stored.write_text(results.written(result), encoding="utf-8")
    return result


def _sort(name: str) -> str:
    kind = kind_of(name)
    return kind if kind in (PYTHON, NOTEBOOK) else "other"


def _unread(tree: Tree, audited: Audited) -> dict[str, Any]:
    """The files that ecolint could not read, by whether CPython takes them."""
    false_errors, true_errors, others_unread = [], [], []
    for ran in audited.runs:
        for problem in (ran.report or {}).get("problems", ()):
            told = f"{problem['path']}: {problem['message']}"
            if kind_of(problem["path"]) != PYTHON:
                others_unread.append(told)
            elif why := compiles((tree.path / problem["path"]).read_bytes()):
                true_errors.append(f"{told} ({why})")
            else:
                false_errors.append(told)
    return {"false_errors": false_errors, "broken": true_errors, "unread": others_unread}


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
