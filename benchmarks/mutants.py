"""Does the test suite notice when something is broken on purpose?

    python benchmarks/mutants.py               try every mutant, print what became of it
    python benchmarks/mutants.py NAME ...      only these
    python benchmarks/mutants.py --write       also store the figures for the page on reliability

`mutants.toml` holds the mutants: a file, a text in it that occurs exactly once, what takes its
place, and the tests that are run first. Each is tried in a copy of the checkout. It is caught when
a test fails; where those named pass, all the others but the slow ones are run as well.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import queue
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
TABLE = ROOT / "benchmarks" / "mutants.toml"
STORED = ROOT / "benchmarks" / "reliability" / "mutants.json"
# What a wider look leaves out: tests that take long, need more than Python, or are about this.
SLOW = """test_action test_benchmark_estimator test_benchmark_speed test_ci_templates
    test_docs_commands test_fixes_properties test_formats_properties test_growth
    test_html_browser test_mutants test_notebook_properties test_packaging test_precommit
    test_properties_any_text
    test_properties_comments test_properties_findings test_properties_repairs test_properties_runs
    test_security_bombs""".split()
SECONDS = 900
"""After so long a run counts as one that never ends."""
_FAILED = re.compile(r"^(?:FAILED|ERROR) (\S+)", re.MULTILINE)


@dataclass(frozen=True)
class Mutant:
    """One thing broken on purpose."""

    name: str
    breaks: str
    file: str
    old: str
    new: str
    tests: tuple[str, ...]
    only: str = ""
    """Which of these tests are run first, as of ``pytest -k``."""

    def applied(self, root: Path) -> str:
        """The text of its file, broken. Raises ValueError where there is nothing to break."""
        text = (root / self.file).read_text("utf-8")
        if (count := text.count(self.old)) != 1:
            raise ValueError(f"{self.name}: its text occurs {count} times in {self.file}")
        return text.replace(self.old, self.new)


@dataclass(frozen=True)
class Outcome:
    """What became of a mutant: the test that failed, empty where none did."""

    caught: bool
    by: str = ""


def mutants() -> list[Mutant]:
    """The table."""
    sys.path.insert(0, str(ROOT))
    from ecocompute_lint.bounded import loads_toml

    rows = loads_toml(TABLE.read_text("utf-8"))["mutant"]
    return [Mutant(**{**row, "tests": tuple(row["tests"].split())}) for row in rows]


# -- copies


def copy_of_checkout(place: Path) -> Path:
    """The files of the checkout, in a repository of its own as some tests want one."""
    git = ["git", "-C", str(ROOT)]
    listed = subprocess.run(
        [*git, "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        capture_output=True,
        check=True,
    ).stdout
    for name in filter(None, os.fsdecode(listed).split("\0")):
        if (ROOT / name).is_file():
            (place / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, place / name, follow_symlinks=False)
    subprocess.run(["git", "-C", str(place), "init", "-q"], check=True)
    subprocess.run(["git", "-C", str(place), "add", "-A"], check=True)
    return place


def put(file: Path, text: str) -> None:
    """Write a file with a time of its own, so that no compiled code of another text is taken."""
    later = int(file.stat().st_mtime) + 2
    file.write_bytes(text.encode())
    os.utime(file, (later, later))


def outcome_of(copy: Path, tests: Sequence[str], only: str = "", *, plain: bool = True) -> Outcome:
    """Run tests in a copy, until one fails; `plain` without plugins, which take long to start."""
    command = [sys.executable, "-m", "pytest", "-x", "-q", "-p", "no:cacheprovider", "-rfE"]
    command += ["-o", "addopts="] if plain else ["-n", "0"]
    command += [*(["-k", only] if only else []), *tests]
    # In CI the generated examples are the same every time.
    env = {**os.environ, "PYTHONPATH": str(copy), "CI": "1"}
    if plain:
        env["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"
    try:
        done = subprocess.run(
            command, cwd=copy, env=env, capture_output=True, text=True, timeout=SECONDS
        )
    except subprocess.TimeoutExpired:
        return Outcome(True, "a test that never ended")
    if done.returncode not in (0, 1):
        raise RuntimeError(
            f"the tests could not be run: {' '.join(command)}\n{done.stdout[-2000:]}"
        )
    failed = _FAILED.search(done.stdout)
    return Outcome(done.returncode == 1, failed[1] if failed else "")


def named(tests: Iterable[str]) -> list[str]:
    """Paths of test files."""
    return [f"tests/{name}.py" for name in tests]


def tried(mutant: Mutant, copy: Path, *, wider: bool) -> Outcome:
    """Break a copy, test it, and mend it again."""
    file = copy / mutant.file
    whole = file.read_text("utf-8")
    put(file, mutant.applied(copy))
    try:
        if not wider:
            return outcome_of(copy, named(mutant.tests), mutant.only)
        every = sorted(path.stem for path in (copy / "tests").glob("test_*.py"))
        return outcome_of(copy, named(name for name in every if name not in SLOW), plain=False)
    finally:
        put(file, whole)


_sound: set[str] = set()
"""Tests that pass where nothing is broken."""


def check_sound(found: Outcome, copy: Path) -> None:
    """A test that noticed something has to pass in a copy that is whole. Raises RuntimeError."""
    test = found.by.split("[")[0]
    if "::" in test and test not in _sound:
        if outcome_of(copy, [test]).caught:
            raise RuntimeError(f"{test} fails where nothing is broken")
        _sound.add(test)


# -- the command


def main() -> int:
    """Run the command."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("names", nargs="*", metavar="NAME", help="mutants to try (all)")
    parser.add_argument("--write", action="store_true", help="store the figures")
    parser.add_argument("--jobs", type=int, default=2, help="how many at a time (2)")
    parser.add_argument("--keep", type=Path, help="a file of outcomes; those in it are not redone")
    asked = parser.parse_args()
    table = mutants()
    for mutant in table:
        mutant.applied(ROOT)
    unknown = set(asked.names) - {mutant.name for mutant in table}
    if unknown:
        parser.error(f"no such mutant: {', '.join(sorted(unknown))}")
    chosen = [mutant for mutant in table if not asked.names or mutant.name in asked.names]
    if asked.write and asked.names:
        parser.error("--write wants all mutants")
    outcomes = run(chosen, asked.jobs, asked.keep)
    if untried := [mutant.name for mutant in chosen if mutant.name not in outcomes]:
        print(f"not tried: {', '.join(untried)}")
        return 2
    survivors = [mutant for mutant in chosen if not outcomes[mutant.name].caught]
    print(f"{len(chosen)} mutants, {len(chosen) - len(survivors)} caught")
    if asked.write:
        STORED.write_text(stored(chosen, survivors), "utf-8")
    return 1 if survivors else 0


def run(chosen: Sequence[Mutant], jobs: int, keep: Path | None) -> dict[str, Outcome]:
    """What becomes of each mutant."""
    outcomes = _kept(chosen, keep)
    with tempfile.TemporaryDirectory(prefix="mutants-") as place:
        copies: queue.SimpleQueue[Path] = queue.SimpleQueue()
        for number in range(jobs):
            copies.put(copy_of_checkout(Path(place, str(number))))

        def one(mutant: Mutant, wider: bool) -> None:
            copy, begun = copies.get(), time.monotonic()
            try:
                found = tried(mutant, copy, wider=wider)
                check_sound(found, copy)
            except RuntimeError as error:
                print(f"{mutant.name}: {error}", flush=True)
                return
            finally:
                copies.put(copy)
            said = f"caught by {found.by}" if found.caught else "SURVIVED"
            said = said if found.caught or wider else "not caught by the tests named"
            print(f"{mutant.name}: {said} ({time.monotonic() - begun:.0f} s)", flush=True)
            if found.caught or wider:
                outcomes[mutant.name] = found
                if keep is not None:
                    with open(keep, "a", encoding="utf-8") as file:
                        file.write(json.dumps([*_identity(mutant), found.caught, found.by]) + "\n")

        for wider in (False, True):  # the quick ones first
            left = [mutant for mutant in chosen if mutant.name not in outcomes]
            with ThreadPoolExecutor(jobs) as pool:
                list(pool.map(one, left, [wider] * len(left)))
    return outcomes


def _identity(mutant: Mutant) -> list[str]:
    return [mutant.name, mutant.file, mutant.old, mutant.new]


def _kept(chosen: Sequence[Mutant], keep: Path | None) -> dict[str, Outcome]:
    """Outcomes of an earlier run, of mutants that are as they were."""
    if keep is None or not keep.exists():
        return {}
    rows = [json.loads(line) for line in keep.read_text("utf-8").splitlines()]
    known = {tuple(row[:4]): Outcome(*row[4:]) for row in rows}
    every = {mutant.name: known.get(tuple(_identity(mutant))) for mutant in chosen}
    return {name: outcome for name, outcome in every.items() if outcome is not None}


def stored(chosen: Sequence[Mutant], survivors: Sequence[Mutant]) -> str:
    """The figures, as they are kept."""
    from ecocompute_lint import __version__

    caught = len(chosen) - len(survivors)
    data = {
        "title": "Broken on purpose",
        "command": "python benchmarks/mutants.py --write",
        "versions": {"ecolint": __version__, "Python": platform.python_version()},
        "rows": [
            ["rules, repairs, gates, readers and figures broken on purpose", f"{len(chosen):,}"],
            ["of them, noticed by the tests", f"{caught:,}"],
            ["share noticed", f"{100 * caught / len(chosen):.1f} %"],
            *([f"not noticed: {mutant.breaks}", mutant.name] for mutant in survivors),
        ],
        "notes": [
            "Each is one small change of the code, the rules or the tables, chosen by hand and made"
            " in a copy of the checkout; it counts as noticed when a test fails that passes where"
            " nothing is broken. For what went unnoticed at first a test was written.",
        ],
    }
    return json.dumps(data, indent=1, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    sys.exit(main())
