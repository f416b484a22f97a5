"""What the page rests on: measurements by session, their credit, and the rules."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

from ecocompute_lint.advice.sources import Session, sessions
from ecocompute_lint.config import Settings
from ecocompute_lint.findings import Finding
from ecocompute_lint.frozen import dataclass
from ecocompute_lint.knowledge import citation
from ecocompute_lint.knowledge.measurements import Dataset
from ecocompute_lint.report.style import plural

_REPOSITORY = re.compile(r"(?:https://)?(github\.com/[\w.-]+/[\w.-]+)")
_WEB = re.compile(r"https://[!-~]+")


@dataclass(frozen=True, slots=True)
class Link:
    """A source, with its address where it has one."""

    text: str
    url: str = ""


@dataclass(frozen=True, slots=True)
class Origin:
    """One session of measurements."""

    name: str
    facts: str
    stack: str
    links: tuple[Link, ...]
    rows: tuple[str, ...]
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class RuleText:
    """A rule that found something."""

    code: str
    name: str
    count: int
    summary: str
    rationale: tuple[str, ...]
    links: tuple[Link, ...]


def origins(dataset: Dataset, ids: Iterable[str]) -> dict[str, Any]:
    """The sessions of some rows, and whom to credit."""
    rows = [dataset.by_id[row] for row in ids if row in dataset.by_id]
    return {
        "sessions": [_origin(session) for session in sessions(rows)],
        "count": plural(len(rows), "measurement"),
        "title": citation.TITLE,
        "author": citation.AUTHOR,
        "dois": [Link(doi, f"https://doi.org/{doi}") for doi in _dois()],
        "licence": Link(citation.LICENCE, citation.LICENCE_URL),
    }


def _dois() -> tuple[str, ...]:
    return (citation.DOI, *citation.FURTHER_DOIS)


def _origin(session: Session) -> Origin:
    runs = "–".join(map(str, session.runs))
    dates = session.dates
    facts = (
        plural(len(session.rows), "row"),
        f"n = {runs}" if runs else "n unrecorded",
        " to ".join(dict.fromkeys((dates[0], dates[-1]))) if dates else "undated",
        "/".join(session.qualities),
    )
    return Origin(
        name=session.name,
        facts=" · ".join(facts),
        stack=", ".join(f"{name} {version}" for name, version in session.stack),
        links=tuple(dict.fromkeys(_source(row.source) for row in session.rows)),
        rows=tuple(row.id for row in session.rows),
        notes=session.notes,
    )


def _source(text: str) -> Link:
    """The repository of a source, or the address that it is."""
    if found := _REPOSITORY.match(text):
        return Link(found[1], f"https://{found[1]}")
    address = text.split(" ")[0]
    return Link(text, address if _WEB.fullmatch(address) else "")


def rules_found(settings: Settings, shown: Sequence[Finding]) -> list[RuleText]:
    """The rules behind some findings, by code."""
    from ecocompute_lint.engine.catalogue import load_rules

    counts = Counter(finding.code for finding in shown)
    names = {finding.code: finding.name for finding in shown}
    known = {rule.code: rule for rule in load_rules(settings.rules)}
    found: list[RuleText] = []
    for code, count in sorted(counts.items()):
        rule = known.get(code)
        if rule is None:  # a rule of another directory's configuration
            found.append(RuleText(code, names[code], count, "", (), ()))
            continue
        paragraphs = [" ".join(part.split()) for part in rule.rationale.split("\n\n")]
        links = tuple(Link(text, text if _WEB.fullmatch(text) else "") for text in rule.references)
        found.append(RuleText(code, rule.name, count, rule.summary, tuple(paragraphs), links))
    return found
