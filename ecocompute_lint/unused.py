"""Comments that silence nothing: the rule that is about suppressions, not about what is deployed.

Only codes of ours are looked at, and only of rules that this run could have reported.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from ecocompute_lint.findings import Confidence, Finding, Fix, Operation, Place

if TYPE_CHECKING:
    from ecocompute_lint.config import Settings
    from ecocompute_lint.engine.rule import Rule
    from ecocompute_lint.markers import Code, Marker

UNUSED = "ECO001"
"""The rule about the comments themselves."""
_DIGITS = "0123456789"


def asked(source: str | bytes, settings: Settings) -> bool:
    """Whether unused comments are looked for, and there may be some in a text."""
    if not settings.names(UNUSED):
        return False
    raw = source if isinstance(source, bytes) else source.encode("utf-8", "surrogatepass")
    lowered = raw.lower()
    return b"noqa" in lowered or b"ecolint" in lowered


def unused(
    text: str, found: Sequence[Finding], *, python: bool, path: str, settings: Settings
) -> Iterator[Finding]:
    """A finding for each comment with codes that silence nothing of what was `found`.

    `found` has what is silenced too, and what is not sure enough to be reported.
    """
    from ecocompute_lint.audit import rules_for
    from ecocompute_lint.engine.catalogue import load_rules
    from ecocompute_lint.markers import markers
    from ecocompute_lint.sources.text import LineMap

    present = markers(text, python=python)
    on = {rule.code: rule for rule in rules_for(settings, path)} if present else {}
    if UNUSED not in on:
        return
    rules = load_rules(settings.rules)
    live = {
        code for code, rule in on.items() if rule.category != "hardware" or settings.gpu is not None
    }
    lines = LineMap(text)
    for marker in present:
        idle = [code for code in marker.codes if _is_idle(code.text, marker, found, rules, live)]
        if idle:
            place = lines.place(marker.start, marker.codes[-1].end)
            spans = [lines.place(*span) for span in removals(text, marker, idle)]
            yield _finding(on[UNUSED], idle, rules, path, place, spans)


def _is_idle(
    given: str, marker: Marker, found: Sequence[Finding], rules: Sequence[Rule], live: set[str]
) -> bool:
    from ecocompute_lint.audit import silencing_lines
    from ecocompute_lint.suppress import matches

    letters = given.rstrip(_DIGITS)
    if not any(rule.code.rstrip(_DIGITS) == letters for rule in rules):
        return False  # another tool's
    meant = [rule.code for rule in rules if matches(rule.code, given)]
    if UNUSED in meant or not live.issuperset(meant):
        return False
    return not any(
        matches(item.code, given) and not set(marker.lines).isdisjoint(silencing_lines(item))
        for item in found
    )


def _finding(
    rule: Rule,
    idle: Sequence[Code],
    rules: Sequence[Rule],
    path: str,
    place: Place,
    spans: Sequence[Place],
) -> Finding:
    from ecocompute_lint.suppress import matches

    named = []
    for code in idle:
        known = any(matches(one.code, code.text) for one in rules)
        named.append(code.text if known else f"{code.text} (which is no rule)")
    several = " and ".join(filter(None, (", ".join(named[:-1]), named[-1])))
    assert rule.fix is not None
    steps = tuple(Operation("remove", span, "text", "comment") for span in spans)
    return Finding(
        code=rule.code,
        name=rule.name,
        level=rule.level,
        confidence=Confidence.CERTAIN,
        path=path,
        place=place,
        message=rule.message.replace("{codes}", several),
        fix=Fix(rule.fix.level, rule.fix.description, steps),
    )


# -- taking codes out


def removals(text: str, marker: Marker, gone: Sequence[Code]) -> list[tuple[int, int]]:
    """What goes with some codes of a comment: only they, or the comment if none is left."""
    codes = marker.codes
    kept = [code for code in codes if code not in gone]
    if not kept:
        return [_whole(text, marker)]
    spans = [
        (code.start, codes[number + 1].start)
        for number, code in enumerate(codes)
        if code in gone and code.start < kept[-1].start
    ]
    if codes[-1] in gone:
        spans.append((kept[-1].end, codes[-1].end))
    return spans


def _whole(text: str, marker: Marker) -> tuple[int, int]:
    line = max(text.rfind("\n", 0, marker.start), text.rfind("\r", 0, marker.start)) + 1
    ends = [at for at in (text.find("\n", marker.end), text.find("\r", marker.end)) if at >= 0]
    end = min(ends, default=len(text))
    before, behind = text[line : marker.start], text[marker.end : end]
    if behind.strip() and marker.start == marker.comment:
        return marker.start, end - len(behind.lstrip())  # what else the comment says stays
    if before.strip() or behind.strip():
        return line + len(before.rstrip()), marker.end if behind.strip() else end
    newline = 2 if text[end : end + 2] == "\r\n" else 1
    return line, min(end + newline, len(text))
