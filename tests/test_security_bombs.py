"""Small files that would cost a careless reader all its time, memory or stack."""

from __future__ import annotations

import json
import re

import pytest
from conftest import TRAP, Command
from regexes import all_of_them

from ecocompute_lint.ambiguity import is_ambiguous
from ecocompute_lint.patterns import compile_patterns

ALIASES = "a: &a [x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"{new}: &{new} [{', '.join([f'*{old}'] * 9)}]\n"
    for old, new in zip("abcdefgh", "bcdefghi", strict=True)
)
MERGES = "a: &a {x: 1}\n" + "".join(
    f"{new}: &{new} {{<<: [{', '.join([f'*{old}'] * 9)}]}}\n"
    for old, new in zip("abcdefgh", "bcdefghi", strict=True)
)
DEEP = 100_000
RULES = {
    "aliases": (ALIASES, "too large with its aliases"),
    "merges": (MERGES, "too large with its aliases"),
    "a loop": ("a: &a [*a]\n", "an alias of what it stands in"),
    "brackets": ("[" * DEEP, "nested too deeply"),
    "braces": ("{a: " * DEEP, "nested too deeply"),
    "dashes": ("- " * 5_000 + "a\n", "nested too deeply"),
    "no such day": ("code: 2001-99-99\n", "month must be in 1..12"),
    "a number": (f"code: {'9' * 5_000}\n", "not valid YAML"),
}
TABLES = {
    "brackets": "a = " + "[" * DEEP,
    "braces": "a = " + "{a=" * DEEP,
    "dots": ".".join("a" * DEEP) + " = 1\n",
    "dots of a table": f"[{'.'.join('a' * DEEP)}]\n",
    "quoted dots": ".".join(['"a"'] * 5_000) + " = 1\n",
}


@pytest.mark.parametrize("name", RULES)
def test_rules(ecolint: Command, write, name: str) -> None:
    text, said = RULES[name]
    write("a.py", TRAP)
    write("ecolint.toml", 'rules = ["own"]\n')
    write("own/bomb.yaml", text)
    found = ecolint("--no-cache")
    assert found.status == 2
    assert re.search(rf"own/bomb\.yaml:\d+: .*{said}", found.stderr)


@pytest.mark.parametrize("name", TABLES)
def test_settings_and_packages(ecolint: Command, write, name: str) -> None:
    write("a.py", TRAP)
    write("b/pyproject.toml", TABLES[name])  # of somebody else, as far as anybody can tell
    write("b/uv.lock", TABLES[name])
    write("b/b.py", TRAP)
    found = ecolint("--no-cache", "--format=json")
    assert found.status == 1
    assert "b/pyproject.toml:1: not valid TOML: nested too deeply" in found.stderr
    assert [item["code"] for item in found.json["findings"]] == ["ECO101", "ECO101"]
    write("ecolint.toml", TABLES[name])
    found = ecolint("--no-cache")
    assert found.status == 2
    assert found.stderr == "ecolint: ecolint.toml:1: not valid TOML: nested too deeply\n"


@pytest.mark.parametrize("text", [ALIASES, MERGES, "[" * DEEP], ids=["aliases", "merges", "depth"])
def test_lists_of_packages(ecolint: Command, write, text: str) -> None:
    write("a.py", TRAP)
    write("environment.yml", f"dependencies: [vllm, torch]\n{text}")
    write("config.json", json.dumps({"quantization_config": {}}) + text)
    found = ecolint("--no-cache", "--format=concise", "a.py", "environment.yml", "config.json")
    assert "a.py:2:10: ECO101" in found.stdout
    assert "internal error" not in found.stdout + found.stderr


def test_requirements_that_include_each_other(ecolint: Command, write) -> None:
    names = [f"requirements-{number}.txt" for number in range(9)]
    for name in names:
        write(name, "".join(f"-r {other}\n" for other in names * 9) + "transformers==4.57.0\n")
    write("a.py", TRAP)
    assert "ECO101" in ecolint("--no-cache", "--format=concise").stdout


STARS = "*a" * 12 + "*b"
NAME = "a" * 240


@pytest.mark.parametrize("name", ["ecolint.toml", ".gitignore"])
def test_patterns_of_files(ecolint: Command, write, name: str) -> None:
    write(f"{NAME}.py", TRAP)
    write(name, f'exclude = ["{STARS}"]\n' if name == "ecolint.toml" else f"{STARS}\n")
    assert f"{NAME}.py:2:10: ECO101" in ecolint("--no-cache", "--format=concise").stdout


def test_patterns_that_skip_folders_too_often(ecolint: Command, write) -> None:
    write("a.py", TRAP)
    write("ecolint.toml", f'exclude = ["{"**/a/" * 9}b"]\n')
    found = ecolint("--no-cache")
    assert (found.status, "expected a pattern as in .gitignore" in found.stderr) == (2, True)


@pytest.mark.parametrize(
    ("pattern", "takes", "leaves"),
    [
        ("*a*b*c", ["abc", "xaxbxc", "aabbcc", "d/abcxc/e"], ["acb", "ab/c", "abcd"]),
        ("run-*-*-*.py", ["run-1-2-3.py", "run----.py"], ["run-1-2.py", "run-1/2-3-4.py"]),
        ("a/*.?*.[ch]*", ["a/x.y.c", "a/.xy.hpp"], ["a/x.c", "b/x.y.c", "a/x..c"]),
        ("**/a*b*c/**", ["abc/d", "x/y/aXbXc/d/e"], ["abc", "ab/c/d"]),
    ],
)
def test_patterns_mean_what_they_did(pattern: str, takes: list[str], leaves: list[str]) -> None:
    spec = compile_patterns([pattern])
    assert [path for path in [*takes, *leaves] if spec.match_file(path)] == takes


# -- regular expressions


@pytest.mark.parametrize(
    "pattern",
    [r"(a+)+$", r"(a*)*b", r"(a|a)*b", r"(a|aa)+$", r"(\w+\s?)*$", r"(.*,)*x", r"(?:x{2,})*y",
     r"(?:[^,]|,\d*|\d)+$", r"(?:a|(?:b|c|ba)+)+d", r"((a?)?)*b"],
)  # fmt: skip
def test_what_takes_exponential_time_is_told(pattern: str) -> None:
    assert is_ambiguous(pattern)


@pytest.mark.parametrize(
    "pattern",
    [r"(a|b)*c", r"(?:[^\\\"]|\\.)*", r"(ab)+$", r"\s*#.*$", r"(?:a+b)*", r"(\s|\S)*$",
     r"(?:#[^\n]*(?:\n|\Z)|\s)*x", r"(?i)qwen|llama-\d+b", r"(?:a{2,5}b)*c", r""],
)  # fmt: skip
def test_what_does_not_is_told_too(pattern: str) -> None:
    assert not is_ambiguous(pattern)


def test_no_expression_of_ours_takes_exponential_time() -> None:
    found = all_of_them()
    assert len(found) > 200
    assert [place for (text, flags), place in found.items() if is_ambiguous(text, flags)] == []


def test_expressions_of_own_rules(ecolint: Command, write) -> None:
    write("a.py", TRAP)
    write("ecolint.toml", 'rules = ["own"]\n')
    rule = (
        "code: XY100\nname: own\nlevel: yellow\ncategory: energy\nsummary: s\n"
        "rationale: r\nmessage: m\nfact: load\nplace: load\nwhen:\n  - model: {matches: '(a+)+$'}\n"
        "fix: {level: manual, description: d}\n"
    )
    write("own/own.yaml", rule)
    found = ecolint("--no-cache")
    assert found.status == 2
    assert "could take exponential time: '(a+)+$'" in found.stderr


def test_a_comment_in_a_finding(ecolint: Command, write) -> None:
    """Whatever stands between the arguments of a call is left out of its fingerprint."""
    call = "config = BitsAndBytesConfig(\n    load_in_8bit=True,  " + "#" * 200 + "\n    **more)\n"
    write("a.py", TRAP.splitlines(keepends=True)[0] + call)
    assert ecolint("--write-baseline=known.json", "--min-confidence=possible").status == 0
    assert ecolint("--baseline=known.json", "--min-confidence=possible").status == 0


@pytest.mark.parametrize(
    ("name", "text"),
    [("justfile", "a:\n  vllm serve x {}\n"), ("k.yaml", "image: vllm/vllm-openai\nargs: [{}]\n")],
)
def test_templates_that_open_and_never_close(ecolint: Command, write, name: str, text: str) -> None:
    write(name, text.format("{{" * 10_000))
    write("a.py", TRAP)
    assert "a.py:2:10: ECO101" in ecolint("--no-cache", "--format=concise").stdout
