"""What a run came to: a line for each tree, and the table that is kept."""

from __future__ import annotations

import json
import platform
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from ecocompute_lint import __version__
from ecocompute_lint.sources.kinds import NOTEBOOK, PYTHON

STORED = Path(__file__).resolve().parents[1] / "reliability" / "trees.json"
Result = Mapping[str, Any]


def written(content: Any) -> str:
    """Results as they are stored."""
    return json.dumps(content, indent=1, ensure_ascii=True) + "\n"


def line(result: Result) -> str:
    """One tree, in one line, and then what went wrong."""
    told = f"{result['tree']}: {sum(result['files'].values())} files, {result['seconds']} s"
    told += f", {result['findings']} findings, {result['repaired']['changed']} repaired"
    wrong = []
    for name in ("crashes", "hangs", "false_errors"):
        wrong += [f"  {name}: {one}" for one in result[name]]
    wrong += [f"  repair: {one}" for one in result["repaired"]["wrong"]]
    return "\n".join((told, *wrong))


def table(done: Sequence[Result], missing: Sequence[str]) -> dict[str, Any]:
    """The table for the page on reliability."""
    files: Counter[str] = Counter()
    for result in done:
        files.update(result["files"])

    def count(key: str) -> str:
        return f"{sum(len(result[key]) for result in done):,}"

    def total(key: str) -> str:
        return f"{sum(result['repaired'][key] for result in done):,}"

    def of(kind: str) -> int:
        return sum(result["parts"] for result in done if result["kind"] == kind)

    wrong = sum(len(result["repaired"]["wrong"]) for result in done)
    rows = [
        ("packages from the index, by exact version", f"{of('package'):,}"),
        ("public repositories, at one commit each", f"{of('repository'):,}"),
        ("Python files", f"{files[PYTHON]:,}"),
        ("notebooks", f"{files[NOTEBOOK]:,}"),
        ("container files, manifests, scripts, requirements", f"{files['other']:,}"),
        ("megabytes", f"{sum(result['bytes'] for result in done) / 1e6:,.0f}"),
        ("files in which something could matter and that were analysed", _sum(done, "examined")),
        ("findings", _sum(done, "findings")),
        ("crashes", count("crashes")),
        ("files that took longer than ten seconds", count("hangs")),
        ("files that CPython compiles and ecolint could not parse", count("false_errors")),
        ("files that neither could", count("broken")),
        ("files passed over for their size", count("too_large")),
        ("findings that `--fix` repaired, all rules on", total("fixed")),
        ("files that it changed", total("changed")),
        ("Python files among these that compile and kept all else", total("compiled")),
        (
            "changed files that are, byte for byte, what the reported edits give",
            total("as_reported"),
        ),
        ("complaints about repaired files", f"{wrong:,}"),
    ]
    return {
        "title": "Real trees",
        "command": "python benchmarks/robustness",
        "versions": {"ecolint": __version__, "Python": platform.python_version()},
        "rows": [list(row) for row in rows],
        "notes": _notes(done, missing),
    }


def _sum(done: Iterable[Result], key: str) -> str:
    return f"{sum(result[key] for result in done):,}"


def _notes(done: Sequence[Result], missing: Sequence[str]) -> list[str]:
    trees = [result for result in done if result["kind"] not in ("package", "repository")]
    notes = [
        f"{result['tree']}: {result['files'].get(PYTHON, 0):,} Python files" for result in trees
    ]
    if missing:
        notes.append(f"Not to be had from the index: {', '.join(missing)}")
    return notes
