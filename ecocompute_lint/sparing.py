"""Findings that a repair leaves alone, told again in texts that other repairs have changed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from typing import TypeAlias

from ecocompute_lint.audit import FileReport
from ecocompute_lint.enclosing import enclosing
from ecocompute_lint.findings import Finding
from ecocompute_lint.fingerprints import snippet

Unwanted: TypeAlias = Callable[[Finding], bool]
"""Whether a finding is to be left alone; asked of the text as it was at first."""


class Spared:
    """The findings of one text that stay as they are.

    In later texts they are known by their code and what they stand in. Where a repair has changed
    code that belongs to one of them too, it is the first of its rule in its function.
    """

    def __init__(self, report: FileReport, text: str, kind: str, unwanted: Unwanted | None) -> None:
        self._kind = kind
        self._alike: Counter[tuple[str, ...]] = Counter()
        self._around: Counter[tuple[str, ...]] = Counter()
        for finding in report.findings if unwanted is not None else ():
            if unwanted is not None and unwanted(finding):
                symbol, code = self._told(finding, text)
                self._alike[finding.code, symbol, code] += 1
                self._around[finding.code, symbol] += 1

    def _told(self, finding: Finding, text: str) -> tuple[str, str]:
        place = finding.place
        return enclosing(self._kind, text, place), snippet(text, place, self._kind)

    def without(self, report: FileReport, text: str) -> FileReport:
        """A report of a later text without them."""
        if not self._alike:
            return report
        alike, around = Counter(self._alike), Counter(self._around)
        told = [(item.code, *self._told(item, text)) for item in report.findings]
        out: set[int] = set()
        for left, width in ((alike, 3), (around, 2)):
            for number, parts in enumerate(told):
                if number not in out and left[parts[:width]] > 0:
                    left[parts[:width]] -= 1
                    if left is alike:
                        around[parts[:2]] -= 1
                    out.add(number)
        kept = [finding for number, finding in enumerate(report.findings) if number not in out]
        return replace(report, findings=tuple(kept))
