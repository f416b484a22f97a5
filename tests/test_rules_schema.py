"""The rule files are well-formed and complete."""

from __future__ import annotations

import ast
import copy
import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml
from fixture_files import ADVICE, CODES, FIXTURES, GREENS, RULES, find

from ecocompute_lint.engine.catalogue import FACTS, PRECISION_NAMES

NAMES = {
    "ECO001": ("unused-suppression", "gray", "exact"),
    "ECO101": ("int8-outlier-decomposition", "red", "numeric"),
    "ECO102": ("nf4-below-crossover", "yellow", "manual"),
    "ECO103": ("fp8-eager", "red", "manual"),
    "ECO104": ("int8-below-crossover", "yellow", "manual"),
    "ECO105": ("conflicting-bit-widths", "red", "manual"),
    "ECO106": ("inert-quantization-option", "yellow", "exact"),
    "ECO107": ("legacy-quantization-argument", "yellow", "exact"),
    "ECO108": ("fp32-compute-dtype", "yellow", "numeric"),
    "ECO109": ("quantized-without-need", "yellow", "manual"),
    "ECO110": ("invalid-quantization-value", "red", "exact"),
    "ECO111": ("switchless-config", "red", "manual"),
    "ECO201": ("sequential-generation", "yellow", "manual"),
    "ECO202": ("batch-size-one", "yellow", "manual"),
    "ECO203": ("request-at-a-time-handler", "yellow", "manual"),
    "ECO301": ("kv-cache-off", "red", "exact"),
    "ECO302": ("prefix-cache-off", "yellow", "exact"),
    "ECO303": ("fp32-weights", "yellow", "numeric"),
    "ECO304": ("not-compiled", "yellow", "manual"),
    "ECO305": ("unplaced-model", "yellow", "exact"),
    "ECO306": ("cuda-graphs-off", "yellow", "exact"),
    "ECO401": ("exceeds-vram", "red", "manual"),
    "ECO402": ("unsupported-dtype", "yellow", "numeric"),
    "ECO501": ("nightly-build", "gray", "manual"),
    "ECO901": ("pure-int8", "green", None),
    "ECO902": ("nf4-above-crossover", "green", None),
    "ECO903": ("half-precision-small-model", "green", None),
    "ECO904": ("batched-inference", "green", None),
}
IN_ALL_CONTEXTS = {"ECO001", "ECO105", "ECO106", "ECO107", "ECO110", "ECO111", "ECO501"}
NEVER_MEASURED = {"ECO108", "ECO202", "ECO301", "ECO302", "ECO303", "ECO306"}
NEVER_MEASURED |= {"ECO304", "ECO305", "ECO501", "ECO904"}
"""Rules about energy for which no measurement exists."""
PATHS = sorted(RULES.glob("*.yaml"))
SCHEMA = json.loads((RULES / "schema.json").read_text(encoding="utf-8"))
VALIDATOR = jsonschema.Draft202012Validator(SCHEMA)

every_rule = pytest.mark.parametrize("path", PATHS, ids=lambda path: path.stem)


def load(path: Path) -> dict[str, Any]:
    """One rule as plain data."""
    rule = yaml.safe_load(path.read_text(encoding="utf-8"))
    assert isinstance(rule, dict)
    return rule


def test_schema_is_valid() -> None:
    jsonschema.Draft202012Validator.check_schema(SCHEMA)


def test_schema_and_reader_know_the_same_precisions() -> None:
    assert SCHEMA["$defs"]["precision"]["enum"] == list(PRECISION_NAMES)


def test_schema_and_reader_know_the_same_facts() -> None:
    assert SCHEMA["$defs"]["fact"]["enum"] == list(FACTS)


@every_rule
def test_a_rule_about_energy_says_what_it_is_compared_with(path: Path) -> None:
    rule = load(path)
    compared = rule["category"] == "energy" and rule["code"] not in NEVER_MEASURED
    assert ("evidence" in rule) is compared


def test_every_code_has_a_rule_and_is_named_in_the_tests() -> None:
    assert sorted((*CODES, *ADVICE, *GREENS)) == sorted(NAMES)
    assert set(NAMES) <= {path.stem for path in PATHS}


@every_rule
def test_rule_matches_the_schema(path: Path) -> None:
    errors = [f"{list(error.path)}: {error.message}" for error in VALIDATOR.iter_errors(load(path))]
    assert errors == []


@every_rule
def test_file_is_named_after_the_code(path: Path) -> None:
    assert load(path)["code"] == path.stem


@pytest.mark.parametrize("code", sorted(NAMES))
def test_name_level_and_fix_are_the_catalogue_s(code: str) -> None:
    rule = load(RULES / f"{code}.yaml")
    name, level, best_fix = NAMES[code]
    assert (rule["name"], rule["level"]) == (name, level)
    variants = rule.get("variants", ())
    fixes = [item["fix"]["level"] for item in (rule, *variants) if "fix" in item]
    assert best_fix in fixes or (best_fix is None and not fixes)
    category = "correctness" if code in IN_ALL_CONTEXTS else "energy"
    assert rule["category"] == ("hardware" if code.startswith("ECO4") else category)


def test_names_are_unique() -> None:
    names = [load(path)["name"] for path in PATHS]
    assert len(names) == len(set(names))


@every_rule
def test_examples_are_complete_modules(path: Path) -> None:
    for example in load(path)["examples"]:
        if "file" in example:
            continue  # of another kind: see test_fixtures.py
        for text in (example["bad"], example["good"]):
            tree = ast.parse(text)
            assert any(isinstance(node, ast.Import | ast.ImportFrom) for node in tree.body)


@pytest.mark.parametrize("code", sorted(NAMES))
def test_rule_has_fixtures_of_each_sort(code: str) -> None:
    bad = [fixture for fixture in find("bad") if fixture.path.parent.name == code]
    good = [fixture for fixture in find("good") if fixture.path.parent.name == code]
    choices = [fixture for fixture in find("choice") if fixture.path.parent.name == code]
    # Whether INT8 ever saves energy is for the data of a project to say: test_green_rules.py.
    assert len(choices if code in GREENS else bad) >= (0 if code == "ECO901" else 2)
    assert len(good) >= 2
    if NAMES[code][2] not in (None, "manual"):
        assert any(fixture.fixed_path.exists() for fixture in bad)


def test_fixed_files_have_a_bad_file() -> None:
    for path in FIXTURES.glob("ECO*/*.fixed.py"):
        assert path.with_name(path.name.replace(".fixed.py", ".py")).exists()


BREAK = {
    "unknown key": lambda rule: rule.update(severity="high"),
    "unknown level": lambda rule: rule.update(level="purple"),
    "missing message": lambda rule: rule.pop("message"),
    "missing repair": lambda rule: rule.pop("fix"),
    "unless is no code": lambda rule: rule.update(unless=["int8"]),
    "bad name": lambda rule: rule.update(name="Int8 Trap"),
    "no condition": lambda rule: rule.update(when=[]),
    "unknown operator": lambda rule: rule.update(when=[{"method": {"like": "bits"}}]),
    "two attributes in one condition": lambda rule: rule.update(
        when=[{"method": {"is": "a"}, "load_in_8bit": {"is": True}}]
    ),
    "manual fix with an edit": lambda rule: rule["fix"].update(
        level="manual", set={"llm_int8_threshold": "0.0"}
    ),
    "manual fix without advice": lambda rule: rule.update(
        fix={"level": "manual", "description": "do it"}
    ),
    "example without good": lambda rule: rule["examples"][0].pop("good"),
    "unknown fact": lambda rule: rule.update(fact="wish"),
    "no fact": lambda rule: rule.update(fact=[]),
    "evidence of an unknown precision": lambda rule: rule["evidence"].update(now="int7"),
    "evidence against nothing": lambda rule: rule["evidence"].update(against=[]),
    "evidence without a present precision": lambda rule: rule["evidence"].pop("now"),
    "evidence of something else": lambda rule: rule["evidence"].update(level="red"),
    "variant of an unknown precision": lambda rule: rule.update(
        variants=[{"when": rule["when"], "now": "int7"}]
    ),
    "reference without https": lambda rule: rule.update(references=["http://example.org"]),
}


@pytest.mark.parametrize("change", BREAK.values(), ids=BREAK)
def test_schema_refuses(change: Any) -> None:
    rule = copy.deepcopy(load(RULES / "ECO101.yaml"))
    change(rule)
    assert not VALIDATOR.is_valid(rule)
