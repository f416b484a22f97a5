"""Every file under `fixtures/` gives exactly what its markers say, and is repaired as shown."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest
import yaml
from fixture_files import ADVICE, CODES, GREENS, RULES, Fixture, Places, find, gpu_of

from ecocompute_lint.audit import audit_text
from ecocompute_lint.config import Settings
from ecocompute_lint.findings import Confidence
from ecocompute_lint.repairs import fix_text

BAD = find("bad")
GOOD = find("good")
CHOICES = find("choice")
FIXED = [fixture for fixture in BAD if fixture.fixed_path.exists()]
EXAMPLES = [
    pytest.param(rule["code"], example, id=f"{rule['code']}-{number}")
    for path in sorted(RULES.glob("*.yaml"))
    if path.stem != "ECO901"  # the bundled data know of no case: see test_green_rules.py
    for rule in [yaml.safe_load(path.read_text(encoding="utf-8"))]
    for number, example in enumerate(rule["examples"], 1)
]


def settings(
    rules: tuple[str, ...] = CODES,
    confidence: Confidence = Confidence.LIKELY,
    gpu: str | None = None,
) -> Settings:
    """These rules, at the given confidence, for a card or for none."""
    return Settings(select=rules, min_confidence=confidence, gpu=gpu, root=Path.cwd())


def of(fixture: Fixture) -> Settings:
    """The rules and the card of a fixture."""
    return settings(fixture.codes, gpu=fixture.gpu)


def found(
    text: str,
    path: str,
    confidence: Confidence = Confidence.LIKELY,
    rules: tuple[str, ...] = CODES,
    gpu: str | None = None,
) -> Places:
    """Line and code of every finding; `gpu` where the text itself names no card."""
    asked = settings(rules, confidence, gpu_of(text) or gpu)
    report = audit_text(text, path=path, settings=asked)
    assert report.problem is None
    return Counter((finding.place.line, finding.code) for finding in report.findings)


def codes(places: Places) -> Counter[str]:
    """How often each code occurs, wherever."""
    return Counter(code for _, code in places.elements())


@pytest.mark.parametrize("fixture", BAD + GOOD + CHOICES, ids=lambda fixture: fixture.id)
def test_default_confidence(fixture: Fixture) -> None:
    places = found(fixture.text, fixture.audited, rules=fixture.codes)
    assert places == fixture.expected


@pytest.mark.parametrize("fixture", BAD + GOOD + CHOICES, ids=lambda fixture: fixture.id)
def test_possible_confidence(fixture: Fixture) -> None:
    places = found(fixture.text, fixture.audited, Confidence.POSSIBLE, fixture.codes)
    assert places == fixture.expected + fixture.possible


@pytest.mark.parametrize("fixture", BAD, ids=lambda fixture: fixture.id)
def test_bad_has_a_finding_of_its_folder(fixture: Fixture) -> None:
    assert fixture.path.parent.name in {code for _, code in fixture.expected}


@pytest.mark.parametrize("fixture", GOOD, ids=lambda fixture: fixture.id)
def test_good_expects_nothing(fixture: Fixture) -> None:
    assert not fixture.expected


@pytest.mark.parametrize("fixture", FIXED, ids=lambda fixture: fixture.id)
def test_fixed_as_shown(fixture: Fixture) -> None:
    outcome = fix_text(fixture.text, path=fixture.audited, settings=of(fixture))
    assert outcome.text == fixture.fixed_path.read_bytes().decode("utf-8")


@pytest.mark.parametrize("fixture", FIXED, ids=lambda fixture: fixture.id)
def test_fixed_is_clean_of_what_was_fixed(fixture: Fixture) -> None:
    text = fixture.fixed_path.read_bytes().decode("utf-8")
    places = found(text, fixture.audited, rules=fixture.codes)
    assert set(codes(places)) == fixture.remaining


@pytest.mark.parametrize("fixture", BAD, ids=lambda fixture: fixture.id)
def test_fixing_adds_nothing_and_ends(fixture: Fixture) -> None:
    path, rules = fixture.audited, fixture.codes
    once = fix_text(fixture.text, path=path, settings=of(fixture)).text
    assert fix_text(once, path=path, settings=of(fixture)).text == once
    if fixture.python:
        compile(once, path, "exec")
    assert codes(found(once, path, rules=rules)) <= codes(fixture.expected)
    possible = codes(found(once, path, Confidence.POSSIBLE, rules))
    allowed = codes(fixture.expected + fixture.possible)
    # INT8 without outliers may still cost more than 16 bit; that is for the user to decide.
    for code in ("ECO104", "ECO109"):
        allowed[code] += allowed["ECO101"]
    assert possible <= allowed


@pytest.mark.parametrize("fixture", GOOD + CHOICES, ids=lambda fixture: fixture.id)
def test_good_is_left_alone(fixture: Fixture) -> None:
    settled = fix_text(fixture.text, path=fixture.audited, settings=of(fixture))
    assert settled.text == fixture.text


@pytest.mark.parametrize("fixture", CHOICES, ids=lambda fixture: fixture.id)
def test_choice_has_a_good_choice_of_its_folder(fixture: Fixture) -> None:
    assert fixture.path.parent.name in {code for _, code in fixture.expected}


@pytest.mark.parametrize(("code", "example"), EXAMPLES)
def test_rule_examples(code: str, example: dict[str, str]) -> None:
    rules, gpu = (*CODES, *ADVICE, *GREENS), example.get("gpu")
    found_in = {
        kind: code
        in codes(found(example[kind], example.get("file", f"{kind}.py"), rules=rules, gpu=gpu))
        for kind in ("bad", "good")
        if kind in example
    }
    assert found_in == {"bad": code not in GREENS, "good": code in GREENS}
