"""What is known of a finding, for who points at it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ecocompute_lint.findings import Confidence, Finding
from ecocompute_lint.lsp.audits import Audited, reference
from ecocompute_lint.report.evidence import evidence_lines, repair_cost
from ecocompute_lint.report.markdown_parts import choices, code, prose
from ecocompute_lint.report.style import Style, safe

_STYLE = Style()


def markdown(audited: Audited, findings: Sequence[Finding]) -> str:
    """The findings with their evidence."""
    return "\n\n---\n\n".join("\n\n".join(_blocks(audited, item)) for item in findings)


def _blocks(audited: Audited, finding: Finding) -> Iterator[str]:
    yield f"**{finding.code}** {prose(_head(finding))}"
    yield prose(finding.message)
    if facts := [code(fact) + more for fact, more in _facts(finding)]:
        yield " · ".join(facts)
    if table := choices(finding, audited.repairs(finding)):
        yield table
    if repair := _repair(audited, finding):
        yield f"**{repair[0]}** {prose(repair[1])}"
    page = reference(audited, finding.code)
    more = f" · [Reference](<{page}>)" if page else ""
    yield f"{code(f'ecolint rule {finding.code}')} tells more{more}"


def plain(audited: Audited, findings: Sequence[Finding]) -> str:
    """The findings with their evidence, where the editor has no Markdown."""
    return "\n\n".join("\n".join(_lines(audited, item)) for item in findings)


def _lines(audited: Audited, finding: Finding) -> Iterator[str]:
    yield f"{finding.code} {_head(finding)}"
    yield safe(finding.message)
    if facts := [safe(fact) + more for fact, more in _facts(finding)]:
        yield " · ".join(facts)
    yield from evidence_lines(finding, _STYLE, audited.repairs(finding))
    if repair := _repair(audited, finding):
        yield f"{repair[0]} {safe(repair[1])}"


def _head(finding: Finding) -> str:
    parts = [finding.name, finding.level.label]
    if finding.confidence is not Confidence.CERTAIN:
        parts.append(finding.confidence.label)
    return " · ".join(parts)


def _facts(finding: Finding) -> Iterator[tuple[str, str]]:
    """Model, card and batch, where they are known, each with a word about it."""
    if not finding.model:
        return
    size = f" ({finding.params_b:.3g} B)" if finding.params_b is not None else ""
    yield finding.model, size
    if finding.gpu:
        yield finding.gpu, " (assumed)" if finding.evidence.get("gpu_assumed") else ""
    if finding.cost is not None:
        yield f"batch {finding.evidence['batch_size']}", ""


def _repair(audited: Audited, finding: Finding) -> tuple[str, str] | None:
    fix = finding.fix
    if fix is None:
        return None
    if not fix.available:
        return "By hand:", fix.description
    notes = [how(finding)]
    if not audited.repairs(finding):
        notes.append("left out by the fix level")
    if loss := repair_cost(finding, _STYLE) if fix.level.label == "numeric" else "":
        notes.append(loss)
    return "Repair:", f"{fix.description} ({'; '.join(notes)})"


def how(finding: Finding) -> str:
    """What a repair does to outputs."""
    label = finding.fix.level.label if finding.fix is not None else ""
    return "numeric: outputs can change" if label == "numeric" else label
