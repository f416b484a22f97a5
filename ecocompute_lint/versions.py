"""Ranges of versions: what a specifier allows, and whether all of it lies within another."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import lru_cache

from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.version import InvalidVersion, Version

from ecocompute_lint.frozen import dataclass


@dataclass(frozen=True, slots=True)
class Range:
    """From `low` to `high`, both None where open; `closed` says that `high` itself belongs to it.

    What is taken out of the middle (``!=``) is not kept: it only makes a range smaller.
    """

    low: Version | None = None
    high: Version | None = None
    closed: bool = True

    def within(self, other: Range) -> bool:
        """Whether every version of this range belongs to the other."""
        if other.low is not None and (self.low is None or self.low < other.low):
            return False
        if other.high is None:
            return True
        if self.high is None or self.high > other.high:
            return False
        return self.high < other.high or other.closed or not self.closed

    def __and__(self, other: Range) -> Range:
        """The versions that belong to both, as far as a range can say it."""
        lows = [low for low in (self.low, other.low) if low is not None]
        ends = [item for item in (self, other) if item.high is not None]
        if not ends:
            return Range(max(lows, default=None))
        last = min(ends, key=lambda item: (item.high or Version("0"), item.closed))
        return Range(max(lows, default=None), last.high, last.closed)


ANY = Range()


def hull(ranges: Sequence[Range]) -> Range:
    """The smallest range that has all of them in it."""
    lows = [item.low for item in ranges]
    low = None if None in lows else min(low for low in lows if low is not None)
    if any(item.high is None for item in ranges):
        return Range(low)
    last = max(ranges, key=lambda item: (item.high or Version("0"), item.closed))
    return Range(low, last.high, last.closed)


def exactly(version: str) -> Range:
    """One version; any where it is none."""
    try:
        return Range(Version(version), Version(version))
    except InvalidVersion:
        return ANY


@lru_cache(maxsize=1024)
def range_of(specifier: str) -> Range:
    """The range of a specifier as pip writes it. Raises ValueError for anything else."""
    try:
        parts = SpecifierSet(specifier)
    except InvalidSpecifier as error:
        raise ValueError(str(error)) from None
    found = ANY
    for part in parts:
        found = found & _of_part(part.operator, part.version)
    return found


def _of_part(operator: str, text: str) -> Range:
    if operator in ("==", "==="):
        if not text.endswith(".*"):
            return exactly(text)
        release = Version(text[:-2]).release
        return Range(Version(text[:-2]), _after(release), closed=False)
    if operator == "~=":
        release = Version(text).release
        return Range(Version(text), _after(release[:-1]), closed=False)
    if operator in (">=", ">"):
        return Range(low=Version(text))
    if operator in ("<=", "<"):
        return Range(high=Version(text), closed=operator == "<=")
    return ANY


def caret(text: str) -> Range:
    """``^1.2``: up to the next change of the first number that is not zero."""
    version = Version(text)
    release = version.release
    first = next((i for i, number in enumerate(release) if number), len(release) - 1)
    return Range(version, _after(release[: first + 1]), closed=False)


def tilde(text: str) -> Range:
    """``~1.2``: the last number of two may grow, of three the third."""
    version = Version(text)
    return Range(version, _after(version.release[:2]), closed=False)


def _after(release: Iterable[int]) -> Version:
    *head, last = release
    return Version(".".join(map(str, (*head, last + 1))))
