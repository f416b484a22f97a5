"""The gates before the analysis never hide a finding, and a repair never does harm.

Over every fixture, every example of a rule, and generated inference code.
"""

from __future__ import annotations

import ast
import difflib
import io
import subprocess
import sys
import tokenize
from collections import Counter
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

import pytest
import yaml
from conftest import environment
from fixture_files import ADVICE, FIXTURES, RULES, gpu_of
from hypothesis import HealthCheck, event, example, given, settings
from hypothesis import strategies as st
from inference_code import programs

from ecocompute_lint.analysis.executions import Executions
from ecocompute_lint.analysis.module import follow
from ecocompute_lint.audit import audit_text
from ecocompute_lint.config import Settings
from ecocompute_lint.engine.catalogue import load_rules
from ecocompute_lint.engine.judge import judge
from ecocompute_lint.findings import Confidence, Finding, Place
from ecocompute_lint.prefilter import may_matter
from ecocompute_lint.repairs import FixOutcome, fix_text
from ecocompute_lint.screening import screen
from ecocompute_lint.sources import package_facts
from ecocompute_lint.sources.python_installs import installed
from ecocompute_lint.sources.text import LineMap

EVERYTHING = Settings(
    extend_select=ADVICE,
    min_confidence=Confidence.POSSIBLE,
    context="all",
    show_good=True,
    root=Path.cwd(),
)
DEFAULT = Settings(root=Path.cwd())
ON_T4 = replace(EVERYTHING, gpu="t4")
FILES = sorted(FIXTURES.rglob("*.py"))
EXAMPLES = {
    f"{path.stem} {kind} {number}": (example[kind], example.get("gpu"))
    for path in sorted(RULES.glob("*.yaml"))
    for number, example in enumerate(yaml.safe_load(path.read_text("utf-8"))["examples"], 1)
    for kind in ("bad", "good")
    if "file" not in example and path.stem != "ECO001"  # whose facts are comments
}


def ungated(text: str, gpu: str | None) -> list[Finding]:
    """The findings of every rule at any confidence, with no gate before the analysis."""
    reader = Executions(follow(ast.parse(text)), LineMap(text))
    facts = [*reader.deployments(), *reader.executions()]
    facts += package_facts.facts(installed(text, ast.parse(text)))
    return judge(facts, load_rules(), path="a.py", gpu=gpu, context="all", base=Path.cwd())


def check_gates(text: str, gpu: str | None = None) -> list[Finding]:
    """What is found without gates is found with them."""
    gpu = gpu_of(text) or gpu
    found = ungated(text, gpu)
    loads = gpu is not None
    if found:
        assert may_matter(text, loads=loads, python=True)
        assert may_matter(text.encode(), loads=loads, python=True)
    if any(item.code != "ECO501" for item in found):  # what is installed needs no analysis
        assert screen(ast.parse(text), loads=loads)
    chosen = replace(EVERYTHING, gpu=gpu)
    report = audit_text(text, path="a.py", settings=chosen, suppressions=False)
    assert report.problem is None
    assert list(report.findings) == found
    return found


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.relative_to(FIXTURES).as_posix())
def test_fixtures_pass_the_gates(path: Path) -> None:
    check_gates(path.read_bytes().decode("utf-8"))


@pytest.mark.parametrize("name", EXAMPLES)
def test_examples_pass_the_gates(name: str) -> None:
    assert check_gates(*EXAMPLES[name]) or " good " in name


def test_a_quote_that_is_never_closed_costs_no_more_than_others() -> None:
    prose = "it's what a model's user doesn't say, isn't it? generate() \\\\ " * 40
    text = f"from transformers import pipeline\nx = ({prose}\n{prose}\n"
    code = f"from ecocompute_lint.prefilter import may_matter; may_matter({text!r}, python=True)"
    subprocess.run([sys.executable, "-c", code], timeout=60, check=True, env=environment())


# --- generated code -----------------------------------------------------------------------------


def many(examples: int) -> settings:
    """Settings for properties over whole programs."""
    slow = [HealthCheck.too_slow, HealthCheck.data_too_large]
    return settings(max_examples=examples, deadline=None, suppress_health_check=slow)


@many(300)
@given(programs(), st.sampled_from([None, "t4"]))
def test_gates_hide_nothing(text: str, gpu: str | None) -> None:
    for finding in check_gates(text, gpu):
        event(finding.code)
        check_places(text, finding)


def check_places(text: str, finding: Finding) -> None:
    """The places of a finding lie in the text and hold what they should."""
    lines = LineMap(text)
    source = part(lines, finding.place)
    assert parses(source), source
    for mark in finding.marks:
        assert part(lines, mark).strip()
    for step in finding.fix.operations if finding.fix else ():
        assert parses(part(lines, step.target))


def part(lines: LineMap, place: Place) -> str:
    """What stands at a place."""
    start, end = lines.span(place)
    assert start < end
    return lines.text[start:end]


def parses(source: str) -> bool:
    """Whether it is an expression or a statement by itself."""
    for text in (f"({source}\n)", source):
        try:
            ast.parse(text)
        except SyntaxError:
            continue
        return True
    return False


IMPORT = "from transformers import BitsAndBytesConfig\n"
INERT_AND_INVALID = IMPORT + "c = BitsAndBytesConfig(load_in_4bit=True, llm_int8_threshold=0)\n"
# The import that the first call needs moves the second, which cannot be edited.
REFUSED_BELOW_AN_IMPORT = (
    IMPORT
    + "c = BitsAndBytesConfig(load_in_4bit=True)\n"
    + 'print(f"{BitsAndBytesConfig(load_in_8bit=True)}")\n'
)


@many(300)
@given(programs(), st.sampled_from([DEFAULT, EVERYTHING, ON_T4]))
@example(INERT_AND_INVALID, DEFAULT)
@example(REFUSED_BELOW_AN_IMPORT, DEFAULT)
def test_repairs_are_clean(text: str, chosen: Settings) -> None:
    before = audit_text(text, path="a.py", settings=chosen).findings
    outcome = fix_text(text, path="a.py", settings=chosen)
    assert outcome.problem is None
    ast.parse(outcome.text)
    after = audit_text(outcome.text, path="a.py", settings=chosen).findings
    rest = (*outcome.left, *(finding for finding, _ in outcome.refused))
    assert sorted(map(place, after)) == sorted(map(place, rest))
    assert not {"the edit would not parse"} & {reason for _, reason in outcome.refused}
    for finding in outcome.fixed:
        event(f"fixed {finding.code}")
    assert fix_text(outcome.text, path="a.py", settings=chosen).text == outcome.text
    if not outcome.fixed:
        assert outcome.text == text
    check_kept(text, outcome, before)


def place(finding: Finding) -> tuple[str, Place]:
    """What a finding says, and of what."""
    return finding.code, finding.place


def check_kept(text: str, outcome: FixOutcome, before: Iterable[Finding]) -> None:
    """Lines change only inside the calls and dicts to be repaired, and in imports."""
    allowed: set[int] = set(import_lines(text))
    for finding in before:
        for step in finding.fix.operations if finding.fix else ():
            allowed |= set(range(step.target.line, step.target.end_line + 1))
    old, new = text.splitlines(True), outcome.text.splitlines(True)
    new_imports = import_lines(outcome.text)
    for tag, i1, i2, j1, j2 in difflib.SequenceMatcher(None, old, new, False).get_opcodes():
        if tag == "equal":
            continue
        assert set(range(i1 + 1, i2 + 1)) <= allowed, "".join(old[i1:i2])
        if tag == "insert":
            added = [n for n in range(j1 + 1, j2 + 1) if new[n - 1].strip()]
            inside = {i1, i1 + 1} <= allowed
            assert inside or set(added) <= new_imports, "".join(new[j1:j2])
    lost, gained = comments(text) - comments(outcome.text), comments(outcome.text) - comments(text)
    assert not gained
    # A comment goes only with the option that it stands behind.
    removed = [step for finding in outcome.fixed if finding.fix for step in finding.fix.operations]
    assert not lost or any(step.action == "remove" for step in removed)
    assert newlines(outcome.text) <= newlines(text)


def import_lines(text: str) -> set[int]:
    """The lines on which imports stand."""
    return {
        line
        for node in ast.walk(ast.parse(text))
        if isinstance(node, (ast.Import, ast.ImportFrom))
        for line in range(node.lineno, (node.end_lineno or node.lineno) + 1)
    }


def comments(text: str) -> Counter[str]:
    """All comments of a text."""
    tokens = tokenize.generate_tokens(io.StringIO(text).readline)
    return Counter(token.string for token in tokens if token.type == tokenize.COMMENT)


def newlines(text: str) -> set[str]:
    """The kinds of line ends in a text."""
    return {"\r\n" if line.endswith("\r\n") else line[-1:] for line in text.splitlines(True)}
