"""Repairing a copy of a tree, and checking what has become of its files."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ecocompute_lint.sources.kinds import PYTHON, kind_of
from ecocompute_lint.sources.text import decode
from robustness.python import Edit, applied, compiles, offsets, outside
from robustness.running import ecolint

BROAD = (
    *("--select", "ALL", "--context", "all", "--min-confidence", "possible"),
    *("--gpu", "rtx4090d", "--fail-on", "never"),
)
"""All that there is to repair, also where a finding is not sure."""
_ROUNDS = 8


@dataclass
class Repaired:
    """What the repair of a tree came to."""

    fixed: int = 0
    """Findings."""
    changed: int = 0
    """Files."""
    compiled: int = 0
    as_reported: int = 0
    """Files that hold what the edits of the report give."""
    wrong: list[str] = field(default_factory=list)


def repair(folder: Path, files: Sequence[str], copies: Path) -> Repaired:
    """Repair a copy of a tree, the checks included."""
    done = Repaired()
    first, second = copies / "repaired", copies / "edited"
    for copy in (first, second):
        shutil.rmtree(copy, ignore_errors=True)
        for name in files:
            (copy / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(folder / name, copy / name)
    ran = ecolint(["--fix", *BROAD, "--exclude", "NOTHING", "."], first)
    if ran is None or ran.crash or ran.report is None:
        done.wrong.append(f"--fix: {ran.crash or ran.errors[-200:] if ran else 'takes too long'}")
        return done
    done.fixed = len(ran.report["fixed"])
    changed = [
        name for name in files if (first / name).read_bytes() != (folder / name).read_bytes()
    ]
    done.changed = len(changed)
    for name in changed:
        wrong = _compared(folder / name, first / name)
        done.wrong += [f"{name}: {one}" for one in wrong]
        done.compiled += kind_of(name) == PYTHON and not wrong
    for problem in ran.report["problems"]:
        if problem["code"] != "ECO000":
            done.wrong.append(f"{problem['path']}: {problem['message']}")
    _by_the_report(first, second, changed, done)
    _again(first, changed, ran.report["findings"], done)
    shutil.rmtree(copies)
    return done


# --- one file -------------------------------------------------------------------------------------


def _compared(old: Path, new: Path) -> list[str]:
    """What should have stayed as it was and did not."""
    before, after = old.read_bytes(), new.read_bytes()
    wrong = []
    if old.stat().st_mode != new.stat().st_mode:
        wrong.append("has another mode")
    if before[:3] == b"\xef\xbb\xbf" != after[:3]:
        wrong.append("has lost its byte-order mark")
    if before.endswith((b"\n", b"\r")) != after.endswith((b"\n", b"\r")):
        wrong.append("ends otherwise")
    if _newlines(after) - _newlines(before):
        wrong.append("has other newlines")
    if kind_of(old.name) == PYTHON and not compiles(before) and (why := compiles(after)):
        wrong.append(f"does not compile: {why}")
    if old.suffix == ".ipynb":
        wrong += _notebooks_compared(json.loads(before), json.loads(after))
    return wrong


def _newlines(data: bytes) -> set[bytes]:
    found = {b"\r\n"} if b"\r\n" in data else set()
    rest = data.replace(b"\r\n", b"")
    return found | {sign for sign in (b"\r", b"\n") if sign in rest}


def _notebooks_compared(before: Any, after: Any) -> list[str]:
    """Everything but the sources of code cells is to stay."""
    for notebook in (before, after):
        for cell in notebook.get("cells", ()):
            if cell.get("cell_type") == "code":
                cell["source"] = type(cell["source"]).__name__
    return [] if before == after else ["more than sources of code cells differs"]


# --- by the report --------------------------------------------------------------------------------


def _by_the_report(first: Path, second: Path, changed: Iterable[str], done: Repaired) -> None:
    """Make the edits that the report tells, by other means, round after round.

    The outcome is to be what `--fix` wrote; and the tokens outside of the edits stay as they are.
    """
    rest = texts = [name for name in changed if not name.endswith(".ipynb")]
    for _ in range(_ROUNDS):
        ran = ecolint([*BROAD, *(f"./{name}" for name in rest)], second) if rest else None
        if ran is None or ran.report is None:
            break
        by_file: dict[str, list[Mapping[str, Any]]] = {}
        for finding in ran.report["findings"]:
            by_file.setdefault(finding["path"].removeprefix("./"), []).append(finding)
        rest = [name for name, found in by_file.items() if _round(second / name, found, done)]
    for name in texts:
        same = (first / name).read_bytes() == (second / name).read_bytes()
        done.as_reported += same
        if not same:
            done.wrong.append(f"{name}: not what the edits of the report give")


def _round(path: Path, findings: Iterable[Mapping[str, Any]], done: Repaired) -> bool:
    """Make the edits of one round in one file; whether there were any."""
    data = path.read_bytes()
    python = kind_of(path.name) == PYTHON
    decoded = decode(data, cookie=python)
    text, starts = decoded.text, offsets(decoded.text)
    taken: list[Edit] = []
    for finding in findings:
        edits = [
            Edit(
                starts[edit["line"] - 1] + edit["column"] - 1,
                starts[edit["end_line"] - 1] + edit["end_column"] - 1,
                edit["text"],
            )
            for edit in (finding["fix"] or {}).get("edits", ())
        ]
        new = [edit for edit in edits if edit not in taken]
        if not any(_overlap(one, other) for one in new for other in taken):
            taken += new
    if not taken:
        return False
    after, places = applied(text, taken)
    if python and outside(text, [edit[:2] for edit in taken]) != outside(after, places):
        done.wrong.append(f"{path.name}: tokens outside of the edits differ")
    encoded = after.encode(decoded.encoding)
    path.write_bytes(data[: len(data) - len(text.encode(decoded.encoding))] + encoded)
    return after != text


def _overlap(one: Edit, other: Edit) -> bool:
    return one.start < other.end and other.start < one.end


# --- once more ------------------------------------------------------------------------------------


def _again(folder: Path, changed: Sequence[str], left: Iterable[Any], done: Repaired) -> None:
    """A second repair has nothing to do, and finds what the first one left and nothing else."""
    if not changed:
        return
    before = {name: (folder / name).read_bytes() for name in changed}
    ran = ecolint(["--fix", *BROAD, "--exclude", "NOTHING", "."], folder)
    if ran is None or ran.report is None or ran.crash:
        done.wrong.append("the second --fix fails")
        return
    done.wrong += [
        f"{one['path']}: {one['code']} is fixed a second time" for one in ran.report["fixed"]
    ]
    done.wrong += [
        f"{name}: changed by the second --fix"
        for name, data in before.items()
        if (folder / name).read_bytes() != data
    ]
    told, found = {_key(one) for one in left}, {_key(one) for one in ran.report["findings"]}
    done.wrong += [f"{key[0]}:{key[1]}: {key[2]} was not said to be left" for key in found - told]
    done.wrong += [f"{key[0]}:{key[1]}: {key[2]} was said to be left" for key in told - found]


def _key(finding: Mapping[str, Any]) -> tuple[str, tuple[int | None, int], str, str]:
    where = (
        finding["line"] if finding["cell"] is None else finding["cell"] * 100_000 + finding["line"]
    )
    return finding["path"], where, finding["code"], finding["message"]
