"""Finds the fixtures and reads their markers."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

FIXTURES = Path(__file__).parent.parent / "fixtures"
RULES = Path(__file__).parent.parent / "rules"
CODES = ("ECO101", "ECO102", "ECO103", "ECO104", "ECO105")
CODES += ("ECO109", "ECO401", "ECO402")
CODES += ("ECO106", "ECO107", "ECO108", "ECO110", "ECO111")
CODES += ("ECO201", "ECO202", "ECO203")
CODES += ("ECO301", "ECO302", "ECO303", "ECO306")
CODES += ("ECO501",)
ADVICE = ("ECO001", "ECO304", "ECO305")
"""Rules that are off unless selected: on for the fixtures of their own folders."""
GREENS = ("ECO901", "ECO902", "ECO903", "ECO904")
"""Rules that find good choices: only fixtures of their own folders are marked with them."""

_EXPECT = re.compile(r"# expect(?:\+(\d+))?: ((?:[A-Z]+\d{3} ?)+)")
_POSSIBLE = re.compile(r"# expect-possible(?:\+(\d+))?: ((?:[A-Z]+\d{3} ?)+)")
_GPU = re.compile(r"^# gpu: (\S+)$", re.MULTILINE)
_REMAINING = re.compile(r"# remaining after fix: ((?:[A-Z]+\d{3} ?)+)$")

Places = Counter[tuple[int, str]]


@dataclass(frozen=True)
class Fixture:
    """One bad or good file and what its markers say."""

    path: Path
    text: str
    expected: Places
    possible: Places
    remaining: frozenset[str]
    gpu: str | None = None

    @property
    def id(self) -> str:
        """The path under `fixtures/`, for test names."""
        return self.path.relative_to(FIXTURES).as_posix()

    @property
    def codes(self) -> tuple[str, ...]:
        """The rules that its markers speak of."""
        folder = self.path.parent.name
        return (*CODES, *(GREENS if folder in GREENS else ()), *({folder} & set(ADVICE)))

    @property
    def fixed_path(self) -> Path:
        """Where the repaired text lies, if there is one."""
        stem, _, rest = self.path.name.partition(".")
        return self.path.with_name(f"{stem}.fixed.{rest}")

    @property
    def python(self) -> bool:
        """Whether it is a Python module."""
        return self.path.suffix == ".py"

    @property
    def audited(self) -> str:
        """What the file would be called: ``bad_uv.pyproject.toml`` is a ``pyproject.toml``."""
        _, _, rest = self.path.name.partition(".")
        named = "." in rest or rest[:1].isupper()
        return str(self.path.with_name(rest) if named else self.path)


def read(path: Path) -> Fixture:
    """The fixture in one file."""
    text = path.read_bytes().decode("utf-8")
    remaining = _REMAINING.match(text.partition("\n")[0].rstrip())
    return Fixture(
        path,
        text,
        *markers(text),
        frozenset(remaining[1].split()) if remaining else frozenset(),
        gpu_of(text),
    )


def gpu_of(text: str) -> str | None:
    """The card that a text wants configured."""
    found = _GPU.search(text)
    return found[1] if found else None


def markers(text: str) -> tuple[Places, Places]:
    """What a text's markers expect by default, and what besides at the lowest confidence."""
    lines = text.split("\n")
    return _places(lines, _EXPECT), _places(lines, _POSSIBLE)


def find(prefix: str) -> list[Fixture]:
    """Every fixture whose name begins with `prefix` (``bad`` or ``good``)."""
    paths = sorted(FIXTURES.glob(f"ECO*/{prefix}_*.*"))
    return [read(path) for path in paths if ".fixed." not in path.name]


def _places(lines: list[str], marker: re.Pattern[str]) -> Places:
    return Counter(
        (number + int(found[1] or 0), code)
        for number, line in enumerate(lines, 1)
        for found in marker.finditer(line)
        for code in found[2].split()
    )
