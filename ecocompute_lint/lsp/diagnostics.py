"""Findings as diagnostics."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from lsprotocol.types import (
    CodeDescription,
    Diagnostic,
    DiagnosticSeverity,
    DiagnosticTag,
    Range,
)

from ecocompute_lint.findings import Confidence, Finding, Level
from ecocompute_lint.lsp.audits import Audited, reference
from ecocompute_lint.lsp.documents import Part
from ecocompute_lint.lsp.positions import Positions
from ecocompute_lint.report.style import safe
from ecocompute_lint.unused import UNUSED

SOURCE = "ecolint"
_SEVERITIES: Mapping[Level, DiagnosticSeverity] = {
    Level.RED: DiagnosticSeverity.Error,
    Level.YELLOW: DiagnosticSeverity.Warning,
    Level.GRAY: DiagnosticSeverity.Information,
    Level.GREEN: DiagnosticSeverity.Hint,
}


class Shown:
    """Where the editor shows what an audit has found."""

    def __init__(self, audited: Audited, encoding: str) -> None:
        self.audited = audited
        parts = audited.document.parts
        self.positions = {part.uri: Positions(part.text, encoding) for part in parts}

    def diagnostics(self) -> dict[str, list[Diagnostic]]:
        """The diagnostics of each part, empty ones too."""
        found: dict[str, list[Diagnostic]] = {uri: [] for uri in self.positions}
        for finding in self.audited.findings:
            if (placed := self.placed(finding)) is not None:
                found[placed[0].uri].append(self.diagnostic(finding, placed[1]))
        if (of_problem := self._problem()) is not None:
            found[of_problem[0]].append(of_problem[1])
        return found

    def placed(self, finding: Finding) -> tuple[Part, Range] | None:
        """Where a finding is."""
        return next(self.ranges(finding, marks=False), None)

    def ranges(self, finding: Finding, *, marks: bool = True) -> Iterator[tuple[Part, Range]]:
        """Where a finding is, and all that belongs to it."""
        for place in (finding.place, *(finding.marks if marks else ())):
            at = self.audited.document.locate(place, finding.cell)
            if at is not None:
                yield at[0], self.positions[at[0].uri].range(at[1])

    def diagnostic(self, finding: Finding, range_: Range) -> Diagnostic:
        """A finding as the editor lists it."""
        sure = finding.confidence is Confidence.CERTAIN
        page = reference(self.audited, finding.code)
        return Diagnostic(
            range=range_,
            message=safe(finding.message) + ("" if sure else f" ({finding.confidence.label})"),
            severity=_SEVERITIES[finding.level],
            code=finding.code,
            code_description=CodeDescription(page) if page else None,
            source=SOURCE,
            tags=[DiagnosticTag.Unnecessary] if finding.code == UNUSED else None,
        )

    def _problem(self) -> tuple[str, Diagnostic] | None:
        problem = self.audited.problem
        if problem is None or not self.audited.document.parts:
            return None
        uri = self.audited.document.parts[0].uri
        return uri, Diagnostic(
            range=self.positions[uri].line(problem.line or 1),
            message=f"could not be analysed: {safe(problem.message)}",
            severity=DiagnosticSeverity.Information,
            code=problem.code,
            source=SOURCE,
        )
