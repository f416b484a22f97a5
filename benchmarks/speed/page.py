"""docs/performance.md, from what the last run left in results.json."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

from speed.plan import Group

ROOT = Path(__file__).resolve().parents[2]
HERE = Path(__file__).resolve().parent
PAGE = ROOT / "docs" / "performance.md"
RESULTS = HERE / "results.json"
TEMPLATE = HERE / "performance.md.in"
GROWTH = ("trees", "lengths", "calls", "depths")
BASE = "ruff --no-cache"
Row = Mapping[str, Any]


def kept(groups: Sequence[Group], machine: Mapping[str, str]) -> dict[str, Any]:
    """What is kept of a run."""
    return {
        "machine": dict(machine),
        "groups": {
            group.key: {
                "title": group.title,
                "files": list(group.files),
                "rows": {
                    task.name: {
                        "wall": round(task.median().wall, 4),
                        "cpu": round(task.median().cpu, 4),
                        "peak": task.median().peak,
                        "runs": len(task.samples),
                        "scaled": round(task.scaled, 2),
                    }
                    for task in group.tasks
                    if task.samples
                },
            }
            for group in groups
        },
    }


def written(results: Mapping[str, Any]) -> str:
    """The results as they are stored."""
    return json.dumps(results, indent=1, ensure_ascii=False) + "\n"


def page(results: Mapping[str, Any]) -> str:
    """The whole page."""
    groups = results["groups"]
    measured = [table(key, groups) for key in groups if key not in GROWTH]
    return TEMPLATE.read_text(encoding="utf-8").format(
        machine="\n".join(_line(name, value) for name, value in results["machine"].items()),
        aims="\n".join(aims(groups)),
        tables="\n\n".join(measured),
        growth="\n".join(growth(groups)),
    )


# --- figures --------------------------------------------------------------------------------------


def whole(groups: Mapping[str, Any], key: str, name: str, figure: str = "wall") -> float:
    """A figure for the whole corpus, also where only a part was run."""
    row = groups[key]["rows"][name]
    value = float(row[figure])
    if row["scaled"] == 1 or figure == "peak":
        return value
    # What it takes to start does not grow.
    start = min(value, _alone(groups, "script", name, figure))
    return start + (value - start) * float(row["scaled"])


def _alone(groups: Mapping[str, Any], key: str, name: str, figure: str) -> float:
    """A figure of another table, which may not have been measured."""
    row = groups.get(key, {"rows": {}})["rows"].get(name, {})
    return float(row.get(figure, 0))


@dataclass(frozen=True)
class Aim:
    """Something that a run is held to: a figure, or its ratio to another of the same table."""

    title: str
    key: str
    name: str
    limit: float
    over: str = ""
    figure: str = "wall"
    least: bool = False

    def value(self, groups: Mapping[str, Any]) -> float | None:
        """The figure, as far as it was measured."""
        try:
            value = whole(groups, self.key, self.name, self.figure)
            return value / whole(groups, self.key, self.over, self.figure) if self.over else value
        except KeyError:
            return None

    def shown(self, value: float) -> str:
        """A figure of this kind."""
        if self.over:
            return f"{value:.2f} ×"
        return memory(value) if self.figure == "peak" else duration(value)


COLD, WARM = "ecolint --no-cache", "ecolint, warm cache"
OTHER, PLUGIN, FIXIT = "flake8", "flake8 with ecolint", "Fixit, one rule"
AIMS = (
    Aim("Transformers, cold, against `ruff --no-cache`", "transformers", COLD, 3, BASE),
    Aim("Transformers, warm, against `ruff --no-cache`", "transformers", WARM, 1, BASE),
    Aim("Transformers, cold, peak memory", "transformers", COLD, 250e6, figure="peak"),
    Aim("relevant code: TorchFix against us, cold", "relevant", "TorchFix", 20, COLD, least=True),
    Aim("relevant code: Fixit against us, cold", "relevant", FIXIT, 20, COLD, least=True),
    Aim("other code: flake8 with ecolint against without", "other", PLUGIN, 1.1, OTHER),
    Aim("one small file: flake8 with ecolint against without", "small", PLUGIN, 1.15, OTHER),
    Aim("one changed file with findings", "script", "ecolint, changed file", 0.35),
    Aim("the same with `--fix`", "script", "ecolint --fix", 0.6),
    Aim("`ecolint --version`", "start", "ecolint --version", 0.1),
    Aim("`ecolint --help`", "start", "ecolint --help", 0.1),
    Aim("files with nothing relevant, from pre-commit", "few", COLD, 0.15),
)


def aims(groups: Mapping[str, Any]) -> list[str]:
    """What was aimed at, and what came out."""
    lines = [_line("what", "aim", "here", "kept"), "|---|---:|---:|---|"]
    for aim in AIMS:
        value = aim.value(groups)
        if value is None:
            continue
        met = value >= aim.limit if aim.least else value <= aim.limit
        bound = f"{'at least' if aim.least else 'at most'} {aim.shown(aim.limit)}"
        lines.append(_line(aim.title, bound, aim.shown(value), "yes" if met else "**no**"))
    return lines


# --- tables ---------------------------------------------------------------------------------------


def table(key: str, groups: Mapping[str, Any]) -> str:
    """One corpus with all commands."""
    group = groups[key]
    count, lines, size = group["files"]
    told = f"{count:,} Python files, {lines:,} lines, {memory(size)}." if count else ""
    others = [name for name in ("python -c pass", BASE, "flake8") if name in group["rows"]]
    head = ("", "wall", "CPU", "peak memory", *(f"× `{name}`" for name in others), "runs")
    rows = [_line(*head), f"|---|{'---:|' * (len(head) - 1)}"]
    for name, row in group["rows"].items():
        about = "" if row["scaled"] == 1 else "≈ "
        wall = whole(groups, key, name)
        ratios = [f"{wall / whole(groups, key, other):.2f}" for other in others]
        part = "" if row["scaled"] == 1 else f" on 1/{row['scaled']:.0f}"
        cpu = duration(whole(groups, key, name, "cpu"))
        figures = (about + duration(wall), about + cpu, memory(row["peak"]))
        rows.append(_line(name, *figures, *ratios, f"{row['runs']}{part}"))
    title = group["title"]
    return "\n".join(
        (f"### {title[0].upper()}{title[1:]}", "", *([told, ""] if told else []), *rows)
    )


def growth(groups: Mapping[str, Any]) -> list[str]:
    """How the time grows with what there is to read, the start taken off."""
    lines = [
        _line("what grows", "from", "to", "wall", "wall", "growth of the input", "of the time")
    ]
    lines.append("|---|---:|---:|---:|---:|---:|---:|")
    start = _alone(groups, "start", "ecolint --version", "wall")
    for key in GROWTH:
        rows = list(groups.get(key, {"rows": {}})["rows"].items())
        for (name, row), (after, later) in pairwise(rows):
            size = float(after.replace(",", "")) / float(name.replace(",", ""))
            time = (later["wall"] - start) / max(row["wall"] - start, 1e-3)
            times = (duration(row["wall"]), duration(later["wall"]))
            title = groups[key]["title"]
            lines.append(_line(title, name, after, *times, f"{size:.1f} ×", f"{time:.1f} ×"))
    return lines


def duration(seconds: float) -> str:
    """Seconds for people."""
    if seconds < 1:
        return f"{seconds * 1000:.0f} ms"
    return f"{seconds:.1f} s" if seconds < 100 else f"{seconds / 60:.1f} min"


def memory(size: float) -> str:
    """Bytes for people."""
    return f"{size / 1e6:,.0f} MB" if size >= 1e6 else f"{size / 1e3:,.0f} kB"


def _line(*cells: str) -> str:
    return f"| {' | '.join(cells)} |"
