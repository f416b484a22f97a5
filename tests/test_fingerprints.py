"""A finding keeps its fingerprint while the code around it changes, and loses it with its own."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from ecocompute_lint.audit import audit_text, auditor
from ecocompute_lint.fingerprints import fingerprints, relative_path

SERVE = """\
import torch
from transformers import BitsAndBytesConfig


class Server:
    def load(self):
        return BitsAndBytesConfig(load_in_8bit=True, llm_int8_threshold=6.0)


def other():
    return BitsAndBytesConfig(load_in_8bit=True)
"""


def of(text: str, path: str = "serve.py") -> tuple[str, ...]:
    report = auditor(path)(text, path=path)
    assert report.findings
    return fingerprints(report, text)


def moved(text: str) -> str:
    """The class behind the function."""
    head, rest = text.split("\n\n\nclass ")
    of_class, function = rest.split("\n\n\ndef ")
    return f"{head}\n\n\ndef {function}\n\nclass {of_class}\n"


@pytest.mark.parametrize(
    "edit",
    [
        lambda text: "# a licence\n\n" + text,
        lambda text: text.replace("\n", "\r\n"),
        lambda text: text.replace("(load_in_8bit", "(\n            load_in_8bit").replace(
            "6.0)", "6.0,  # measured\n        )"
        ),
        lambda text: text.replace("    ", "\t"),
        lambda text: text.replace("6.0)", "6.0)  # noqa: E501"),
        moved,
    ],
)
def test_edits_elsewhere_and_in_the_layout_change_nothing(edit) -> None:  # type: ignore[no-untyped-def]
    assert edit(SERVE) != SERVE
    assert set(of(edit(SERVE))) == set(of(SERVE))


@pytest.mark.parametrize(
    ("old", "new"),
    [("6.0", "5.0"), ("def load", "def start"), ("class Server", "class Worker")],
)
def test_other_code_or_another_name_around_it_is_another_finding(old: str, new: str) -> None:
    assert len(set(of(SERVE)) & set(of(SERVE.replace(old, new)))) == 1


def test_findings_that_are_alike_are_told_apart() -> None:
    line = "    return BitsAndBytesConfig(load_in_8bit=True)\n"
    twice = of(SERVE.replace(line, line.replace("return", "first =") + line))
    once = of(SERVE)
    assert len(twice) == len(set(twice)) == len(once) + 1
    assert set(once) < set(twice)


def test_the_path_is_that_below_the_project(tmp_path: Path, monkeypatch) -> None:  # type: ignore[no-untyped-def]
    (tmp_path / ".git").mkdir()
    inner = tmp_path / "src" / "app"
    inner.mkdir(parents=True)
    file = inner / "serve.py"
    file.write_text(SERVE)
    monkeypatch.chdir(inner)
    assert relative_path("serve.py") == "src/app/serve.py"
    assert of(SERVE, "serve.py") == of(SERVE, str(file))
    assert of(SERVE, "serve.py") != of(SERVE, "other.py")


def notebook(*cells: str) -> str:
    made = [
        {
            "cell_type": "code",
            "source": cell,
            "metadata": {},
            "outputs": [],
            "execution_count": None,
        }
        for cell in cells
    ]
    return json.dumps({"cells": made, "metadata": {}, "nbformat": 4, "nbformat_minor": 5})


def test_cells_have_no_numbers() -> None:
    first, second = SERVE.split("\n\n\ndef ")
    here = of(notebook(first, "def " + second), "a.ipynb")
    assert len(here) == 2
    assert here == of(notebook("x = 1", first + "\n", "y = 2", "def " + second), "a.ipynb")


COMPOSE = """\
services:
  chat:
    image: vllm/vllm-openai:v0.9.1
    command: --model Qwen/Qwen2.5-7B-Instruct --enforce-eager
"""


def test_manifests_go_by_their_keys() -> None:
    other = "services:\n  db:\n    image: postgres\n" + COMPOSE.partition("\n")[2]
    assert of(COMPOSE, "compose.yaml") == of(other, "compose.yaml")
    renamed = COMPOSE.replace("chat:", "talk:")
    assert set(of(COMPOSE, "compose.yaml")).isdisjoint(of(renamed, "compose.yaml"))


def test_without_the_text_there_are_fingerprints_all_the_same() -> None:
    report = audit_text(SERVE, path="serve.py")
    assert len(set(fingerprints(report, None))) == len(report.findings)
