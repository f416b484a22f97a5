"""What the run under the real libraries recorded, for the page about evidence and the figures."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
OUTCOMES = ROOT / "tests_real" / "outcomes.json"
FIGURES = ROOT / "benchmarks" / "reliability" / "real.json"
COMMAND = "tools/real_transformers.sh --record"
LIBRARIES = ("torch", "transformers", "bitsandbytes", "accelerate", "peft", "diffusers")
UNREPAIRED = "unrepaired files of "


def outcomes() -> dict[str, Mapping[str, Any]]:
    """What was recorded, by version of Transformers."""
    found: dict[str, Mapping[str, Any]] = json.loads(OUTCOMES.read_text(encoding="utf-8"))
    return dict(sorted(found.items(), key=lambda item: [int(n) for n in item[0].split(".")]))


def outcomes_section() -> str:
    """The tables of the page about evidence."""
    runs = outcomes()
    head = f"| {{}} | {' | '.join(runs)} |\n|---|{'---|' * len(runs)}"
    versions = [
        "- " + ", ".join(f"{name} {run['versions'][name]}" for name in LIBRARIES)
        for run in runs.values()
    ]
    calls = list(dict.fromkeys(call for run in runs.values() for call in run["calls"]))
    return "\n".join(
        [
            "Ran with:",
            "",
            *versions,
            "",
            head.format("call, on a tiny model stored in bfloat16"),
            *(
                row(f"`{call}`", [run["calls"].get(call) for run in runs.values()])
                for call in calls
            ),
            "",
            head.format("repairs"),
            *(row(what, counts(what)) for what in counted() if not what.startswith(UNREPAIRED)),
            "",
            head.format("the same traps, unrepaired"),
            *(
                row(what.removeprefix(UNREPAIRED), counts(what))
                for what in counted()
                if what.startswith(UNREPAIRED)
            ),
        ]
    )


def recorded_figures() -> str:
    """The same counts as a part of the page about reliability."""
    runs = outcomes()
    rows = [
        [f"{what[0].upper()}{what[1:]}", ", ".join(str(number) for number in counts(what))]
        for what in counted()
    ]
    versions = {
        name: " and ".join(dict.fromkeys(run["versions"][name] for run in runs.values()))
        for name in LIBRARIES
    }
    notes = [
        f"Two figures are those under Transformers {' and '.join(runs)}.",
        "On the CPU, with tiny models of random weights; what each call does under both is told in "
        "[evidence](evidence.md).",
    ]
    told = {
        "title": "Repairs under the real libraries",
        "command": COMMAND,
        "versions": versions,
        "rows": rows,
        "notes": notes,
    }
    return json.dumps(told, indent=1, ensure_ascii=False) + "\n"


def counted() -> list[str]:
    """Everything that was counted under one of the versions."""
    return sorted({what for run in outcomes().values() for what in run["counts"]})


def counts(what: str) -> list[int]:
    """How many of it there were under each version."""
    return [run["counts"].get(what, 0) for run in outcomes().values()]


def row(name: str, cells: list[Any]) -> str:
    """A line of a table."""
    told = ["" if cell is None else str(cell) for cell in cells]
    return f"| {name} | {' | '.join(told)} |"
