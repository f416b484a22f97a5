"""docs/reliability.md: what was run to break ecolint, and what came of it.

    python benchmarks/reliability.py            print the page
    python benchmarks/reliability.py --write    write it
    python benchmarks/reliability.py --check    fail if it is stale

Each command that tries something stores its figures in `benchmarks/reliability/NAME.json`, one
section of the page each, by the names of the files in `ORDER`, others after them:

    {
     "title": "Real trees",                          the heading of the section
     "command": "python benchmarks/robustness",      what to run to have the figures anew
     "machine": "…",                                 optional: where it ran, in words
     "versions": {"ecolint": "0.1.0", "Python": …},  optional: what it ran with
     "rows": [["what was counted", "1,234"], …],     figures, as they are to be read
     "notes": ["One sentence.", …]                   optional: what the figures do not say
    }

No other key is read. Figures are texts or whole numbers; nothing on the page is written by hand
but what `reliability.md.in` says around them.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "docs" / "reliability.md"
STORED = Path(__file__).resolve().parent / "reliability"
TEMPLATE = STORED / "reliability.md.in"
ORDER = ("trees", "properties", "repairs", "faults", "security", "compatibility", "mutants")


def main(arguments: Sequence[str]) -> int:
    """Run the command."""
    text = page(parts(STORED))
    if "--check" in arguments:
        if not PAGE.exists() or PAGE.read_text(encoding="utf-8") != text:
            told = f"{PAGE.relative_to(ROOT)} is stale: run python benchmarks/reliability.py"
            print(f"{told} --write", file=sys.stderr)
            return 1
        return 0
    if "--write" in arguments:
        PAGE.write_text(text, encoding="utf-8")
    print(text)
    return 0


def parts(folder: Path) -> list[Mapping[str, Any]]:
    """What has been stored, in the order of the page."""

    def place(path: Path) -> tuple[int, str]:
        known = path.stem in ORDER
        return (ORDER.index(path.stem) if known else len(ORDER)), path.stem

    files = sorted(folder.glob("*.json"), key=place)
    return [json.loads(path.read_text(encoding="utf-8")) for path in files]


def page(stored: Sequence[Mapping[str, Any]]) -> str:
    """The whole page."""
    text = TEMPLATE.read_text(encoding="utf-8")
    return text.replace("{sections}", "\n\n".join(section(part) for part in stored))


def section(part: Mapping[str, Any]) -> str:
    """The figures of one command."""
    told = f"`{part['command']}`"
    versions = " ".join(_several(f"{name} {one}" for name, one in part.get("versions", {}).items()))
    where = [one for one in (part.get("machine", ""), versions) if one]
    lines = [f"## {part['title']}", "", f"Run by {told}{'; ' if where else ''}{'; '.join(where)}."]
    lines += ["", "| what | |", "|---|---:|"]
    for what, figure in part["rows"]:
        shown = f"{figure:,}" if isinstance(figure, int) else _cell(str(figure))
        lines.append(f"| {_cell(what)} | {shown} |")
    notes = part.get("notes", ())
    return "\n".join((*lines, *(["", *(f"- {note}" for note in notes)] if notes else ())))


def _several(names: Any) -> list[str]:
    listed = list(names)
    return [f"{name}," for name in listed[:-1]] + listed[-1:]


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
