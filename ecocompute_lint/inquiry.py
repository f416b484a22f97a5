"""Asking about one line: the findings that cover it, how each came to be, or why there is none.

The file is judged anew for it, with the same settings as an audit; findings that an audit would
not show are found too, each with what keeps it back.
"""

from __future__ import annotations

import ast
import os
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ecocompute_lint.audit import STDIN, economy_of, silencing_lines
from ecocompute_lint.findings import Finding, Fix, FixLevel, Level, Place
from ecocompute_lint.frozen import dataclass
from ecocompute_lint.sources import registry
from ecocompute_lint.sources.kinds import PYTHON

if TYPE_CHECKING:
    from ecocompute_lint.config import Settings
    from ecocompute_lint.engine.judge import Judgement
    from ecocompute_lint.engine.rule import Rule
    from ecocompute_lint.engine.trail import Explanation, Sight, Spot
    from ecocompute_lint.facts import Deployment

_MOST_NEAR = 3


@dataclass(frozen=True, slots=True)
class Answer:
    """A finding that covers the line, explained.

    `kept_back` says why an audit does not show it: ``training``, ``off`` (the settings have its
    rule off), ``figures`` (the waste is too small), ``confidence``, ``suppressed`` or ``good``;
    none of them if it does. `edit` are the lines that its repair takes out and puts in,
    with ``-`` and ``+`` before them; `deterred` is why a repair is not made.
    """

    explanation: Explanation
    kept_back: tuple[str, ...] = ()
    edit: tuple[str, ...] = ()
    deterred: str = ""


@dataclass(frozen=True, slots=True)
class Near:
    """A finding elsewhere in the file; `rests` says that it rests on the line asked about."""

    finding: Finding
    rests: bool
    kept_back: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Inquiry:
    """What there is to say about a line.

    `seen` are the calls on it that the analysis knows, `configured` where their configuration
    stands if that is another file, which then has the finding; `reason` says why a
    file was not looked at.
    """

    path: str
    line: int
    column: int | None
    answers: tuple[Answer, ...] = ()
    near: tuple[Near, ...] = ()
    seen: tuple[str, ...] = ()
    configured: tuple[Spot, ...] = ()
    reason: str = ""
    cell: int | None = None


def inquire(
    text: str,
    line: int,
    column: int | None = None,
    *,
    path: str,
    settings: Settings,
    kind: str | None = None,
) -> Inquiry:
    """Explain what stands at a line of a text. Raises `sources.python.Unparsable`."""
    from ecocompute_lint.engine.judge import judgements
    from ecocompute_lint.sources.lookup import pins_around
    from ecocompute_lint.sources.python import parse

    kind = kind or registry.kind_at(path)
    tree = parse(text) if kind == PYTHON else None
    silenced = registry.suppressions_of(kind, text)
    if silenced is not None and silenced.skip_file:
        return Inquiry(path, line, column, reason="a comment leaves the whole file out (skip-file)")
    loads = settings.gpu is not None
    if not registry.may_matter(kind, text, loads=loads):
        return Inquiry(path, line, column, reason="it has nothing that a rule looks at")
    file = Path(path) if path != STDIN else None
    facts = registry.facts_of(
        kind, text, path, tree=tree, file=file, root=settings.root, loads=loads
    )
    judged = judgements(
        facts,
        _rules(settings),
        path=path,
        gpu=settings.gpu,
        context="all",
        base=settings.root,
        economy=economy_of(settings),
        trifles=True,
        pins=pins_around(file, settings.root),
    )
    asked = _Question(text, kind, tree, line, column, settings, silenced)
    sight = _sight(path, tree)
    answers, others = [], []
    for judgement in judged:
        if asked.covered(judgement.finding):
            answers.append(asked.answer(judgement, sight))
        else:
            others.append(judgement)
    if answers:
        return Inquiry(path, line, column, tuple(answers))
    seen = tuple(dict.fromkeys(_seen(facts, line)))
    spots = (
        sight.spot(fact.usage.place.line, fact.usage.place.column)
        for fact in facts
        if fact.usage.place.elsewhere and fact.load is not None and _stands(fact.load.place, line)
    )
    near = tuple(asked.near(others, sight))
    return Inquiry(path, line, column, (), near, seen, tuple(dict.fromkeys(spots)))


def _rules(settings: Settings) -> Iterator[Rule]:
    """The rules that the settings have on for some file, or had on but for an exception."""
    from ecocompute_lint.engine.catalogue import load_rules

    named = (*settings.select, *settings.extend_select)
    return (rule for rule in load_rules(settings.rules) if rule.enabled or rule.code in named)


def _seen(facts: Iterable[Deployment], line: int) -> Iterator[str]:
    """The calls on a line that the analysis knows."""
    for fact in facts:
        for call in (fact.usage, fact.load):
            if call is not None and _stands(call.place, line):
                yield call.api


def _stands(place: Place, line: int) -> bool:
    return place.line <= line <= place.end_line


class _Question:
    """One line of one text."""

    def __init__(
        self,
        text: str,
        kind: str,
        tree: ast.Module | None,
        line: int,
        column: int | None,
        settings: Settings,
        silenced: Any,
    ) -> None:
        self.text = text
        self.kind = kind
        self.tree = tree
        self.line = line
        self.column = column
        self.settings = settings
        self.silenced = silenced

    def covered(self, finding: Finding) -> bool:
        """Whether the place of a finding, or one of its marks, covers what is asked about."""
        return any(self._covers(place) for place in (finding.place, *finding.marks))

    def _covers(self, place: Place) -> bool:
        if self.column is None:
            return _stands(place, self.line)
        here = Place(self.line, self.column, self.line, self.column + 1)
        return place.contains(here)

    def answer(self, judgement: Judgement, sight: Sight) -> Answer:
        """A finding, explained."""
        from ecocompute_lint.engine.explain import explain

        found = explain(judgement, sight)
        kept_back = self._kept_back(judgement)
        finding = found.finding
        if finding.fix is None or not finding.fix.available:
            return Answer(found, kept_back)
        lines, refused = self._edit(finding.fix)
        if refused:
            left = replace(finding, fix=Fix(FixLevel.MANUAL, finding.fix.description))
            return Answer(replace(found, finding=left, unrepaired=refused), kept_back)
        deterred = ""
        if finding.fix.level > self.settings.fix_level:
            deterred = f"left out by the fix level ({self.settings.fix_level.label})"
        elif self._silenced_edit(finding):
            deterred = "a comment silences the line, which is then never rewritten"
        return Answer(found, kept_back, lines, deterred)

    def _kept_back(self, judgement: Judgement) -> tuple[str, ...]:
        finding, settings = judgement.finding, self.settings
        passed_over = (
            judgement.rule.category != "correctness"
            and settings.context != "all"
            and judgement.subject.fact.context != settings.context
        )
        silenced = self.silenced is not None and self.silenced.covers(
            finding.code, silencing_lines(finding)
        )
        states = {
            "training": passed_over,
            "off": not settings.enabled(finding.code, finding.path),
            "figures": judgement.trifle,
            "confidence": finding.confidence < settings.min_confidence,
            "suppressed": silenced,
            "good": finding.level <= Level.GREEN and not settings.show_good,
        }
        return tuple(name for name, holds in states.items() if holds)

    def _edit(self, fix: Fix) -> tuple[tuple[str, ...], str]:
        """What a repair does to the lines of the text, or why it is refused."""
        from difflib import unified_diff

        from ecocompute_lint.fixes.apply import apply_edits

        plan = registry.edits_of(self.kind, self.text, fix.operations, self.tree)
        if plan.refused or not plan.edits:
            refused = next(iter(dict(plan.refused).values()), "nothing would change")
            return (), refused
        old, new = self.text.splitlines(), apply_edits(self.text, plan.edits).splitlines()
        changed = list(unified_diff(old, new, n=0, lineterm=""))[2:]
        return tuple(f"{line[0]} {line[1:]}" for line in changed if line[0] != "@"), ""

    def _silenced_edit(self, finding: Finding) -> bool:
        steps = finding.fix.operations if finding.fix is not None else ()
        lines = {
            line for step in steps for line in range(step.target.line, step.target.end_line + 1)
        }
        return self.silenced is not None and bool(self.silenced.covers(finding.code, lines))

    def near(self, judged: list[Judgement], sight: Sight) -> Iterator[Near]:
        """The findings that rest on the line, else those that are nearest to it."""
        from ecocompute_lint.engine.explain import explain

        resting = [item for item in judged if self.line in explain(item, sight).lines]
        if resting:
            yield from (Near(item.finding, True, self._kept_back(item)) for item in resting)
            return
        shown = [item for item in judged if not self._kept_back(item)] or judged
        by_distance = sorted(shown, key=lambda item: abs(item.finding.place.line - self.line))
        for item in by_distance[:_MOST_NEAR]:
            yield Near(item.finding, False, self._kept_back(item))


# -- where things stand


def _sight(path: str, tree: ast.Module | None) -> Sight:
    from ecocompute_lint.analysis.project import file_of
    from ecocompute_lint.engine.trail import Sight

    if tree is None:
        return Sight(path)
    return Sight(path, file_of, _Imports(tree), _Deciding(tree))


class _Imports:
    """The lines of a module that import others, by the last part of the names they write."""

    def __init__(self, tree: ast.Module) -> None:
        self.lines: dict[str, int] = {}
        for node in ast.walk(tree):
            names: list[str] = []
            if isinstance(node, ast.Import):
                names = [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom):
                names = [node.module or "", *(alias.name for alias in node.names)]
            for name in names:
                if name and isinstance(node, (ast.Import, ast.ImportFrom)):
                    self.lines.setdefault(name.rpartition(".")[2], node.lineno)

    def __call__(self, path: str) -> int | None:
        stem = os.path.splitext(os.path.basename(path))[0]
        if stem == "__init__":
            stem = os.path.basename(os.path.dirname(path))
        return self.lines.get(stem)


class _Deciding:
    """The lines of a module that define an input, and those of the branches that it decides."""

    def __init__(self, tree: ast.Module) -> None:
        self.tree = tree
        self.defined: dict[str, set[int]] | None = None
        self.tested: dict[str, set[int]] = {}

    def __call__(self, name: str) -> tuple[int, ...]:
        """At most one of each: where several could be meant, none."""
        if self.defined is None:
            self.defined = {}
            self._read(self.defined)
        read = name.lstrip("-").replace("-", "_")
        tested = self.tested.get(name) or self.tested.get(read, set())
        found = (self.defined.get(name, set()), tested)
        return tuple(line for lines in found if len(lines) == 1 for line in lines)

    def _read(self, defined: dict[str, set[int]]) -> None:
        from ecocompute_lint.analysis.conditions import text_of

        for node in ast.walk(self.tree):
            if isinstance(node, ast.Call):
                for part in node.args:
                    if isinstance(part, ast.Constant) and isinstance(part.value, str):
                        defined.setdefault(part.value, set()).add(node.lineno)
            elif isinstance(node, (ast.If, ast.IfExp, ast.While)):
                for test in ast.walk(node.test):
                    if isinstance(test, ast.expr):
                        self.tested.setdefault(text_of(test), set()).add(test.lineno)
                    if isinstance(test, ast.Attribute):
                        self.tested.setdefault(test.attr, set()).add(test.lineno)
