"""What the recipes of Makefiles and justfiles run."""

from __future__ import annotations

import pytest

from ecocompute_lint.audit import audit_text
from ecocompute_lint.findings import Level
from ecocompute_lint.repairs import fix_text


def seen(text: str, path: str = "Makefile") -> list[tuple[str, int, str]]:
    report = audit_text(text, path=path)
    assert report.problem is None
    return [
        (item.code, item.place.line, item.confidence.name.lower())
        for item in report.findings
        if item.level > Level.GREEN
    ]


@pytest.mark.parametrize(
    ("text", "line", "confidence"),
    [
        ("a:\n\tvllm serve m --enforce-eager\n", 2, "certain"),
        ("a: b\n\t@-vllm serve m \\\n\t\t--enforce-eager\n", 3, "certain"),
        ("a:\r\n\tvllm serve m \\\r\n\t\t--enforce-eager\r\n", 3, "certain"),
        ("E = --enforce-eager\na:\n\tvllm serve m $(E)\n", 1, "certain"),
        ("E := --enforce-eager # why\na:\n\tvllm serve m ${E}\n", 1, "certain"),
        ("a:\n\tvllm serve m $(E)\nE = --enforce-eager\n", 3, "certain"),
        ("E ?= --enforce-eager\na:\n\tvllm serve m $(E)\n", 1, "likely"),
        ("F = --enforce-eager\nE = --a $(F)\na:\n\tvllm serve m $(E)\n", 1, "certain"),
        ("a:\n\tfor p in 1 2; do vllm serve m --enforce-eager --port $$p; done\n", 2, "certain"),
        ("a:\n\tcd b && E=--enforce-eager && vllm serve m $$E\n", 2, "certain"),
        ("a:\n\tdocker run vllm/vllm-openai:$(TAG) --enforce-eager\n", 2, "certain"),
        ("a:\n\tbash -c 'vllm serve m --enforce-eager'\n", 2, "certain"),
    ],
)
def test_recipes(text: str, line: int, confidence: str) -> None:
    assert seen(text) == [("ECO306", line, confidence)]


@pytest.mark.parametrize(
    "text",
    [
        "a:\n\t# vllm serve m --enforce-eager\n",
        "a:\n\t@echo vllm serve m --enforce-eager\n",
        "# E = --enforce-eager\na:\n\tvllm serve m $(E)\n",
        "E = --enforce-eager\nE = --b\na:\n\tvllm serve m $(E)\n",
        "a:\n\tvllm serve m $(E)\n",
        "E = $(if $(X),--enforce-eager)\na:\n\tvllm serve m $(E)\n",
        "a:\n\tvllm serve m $(if $(X),--enforce-eager)\n",
        "E = $(E) --enforce-eager\na:\n\tvllm serve m $(F)\n",
    ],
)
def test_no_alarm(text: str) -> None:
    assert seen(text) == []


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a:\n    vllm serve m --enforce-eager\n", [("ECO306", 2, "certain")]),
        ("e := '--enforce-eager'\na:\n    vllm serve m {{ e }}\n", [("ECO306", 1, "certain")]),
        ("a e='x':\n    vllm serve m {{e}}\n", []),
    ],
)
def test_justfiles(text: str, expected: list[tuple[str, int, str]]) -> None:
    assert seen(text, "justfile") == expected


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("a:\n\tvllm serve m --enforce-eager\n", "a:\n\tvllm serve m\n"),
        (
            "a:\n\tvllm serve m \\\n\t\t--enforce-eager \\\n\t\t--a\n",
            "a:\n\tvllm serve m \\\n\t\t--a\n",
        ),
        (
            "a:\n\tvllm serve m \\\n\t\t--a \\\n\t\t--enforce-eager\n\nb:\n",
            "a:\n\tvllm serve m \\\n\t\t--a\n\nb:\n",
        ),
        ("a:\n\tvllm serve $(M) --enforce-eager --a $(B)\n", "a:\n\tvllm serve $(M) --a $(B)\n"),
        (
            "E = --a --enforce-eager\na:\n\tvllm serve m $(E)\n",
            "E = --a\na:\n\tvllm serve m $(E)\n",
        ),
    ],
)
def test_fixes(before: str, after: str) -> None:
    assert fix_text(before, path="Makefile").text == after
    assert seen(after) == []
    assert fix_text(after, path="Makefile").text == after
