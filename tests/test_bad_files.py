"""Files that are broken, hostile or not what their names say."""

from __future__ import annotations

import codecs
import json
from pathlib import Path

import pytest

from ecocompute_lint.audit import audit_file
from ecocompute_lint.config import Settings

BOMB = "a: &a [x, x]\n" + "".join(
    f"{chr(98 + number)}: &{chr(98 + number)} [{', '.join(['*' + chr(97 + number)] * 9)}]\n"
    for number in range(20)
)
SERVED = "image: vllm/vllm-openai\nargs: [--enforce-eager]\n"
BROKEN = {
    "docker-compose.yml": "services:\n\tvllm:\n\t\timage: vllm/vllm-openai\n",
    "deploy.yaml": "apiVersion: v1\nkind: Pod\nspec:\n  image: vllm\n args: [--enforce-eager\n",
    "a.ipynb": '{"cells": [{"cell_type": "code", "source": ["load_in_8bit=True"], }]}',
    "b.ipynb": "<html>load_in_8bit</html>",
    "pyproject.toml": '[project]\ndependencies = ["torch==2.9.0.dev20250801"\n',
    "uv.lock": '[[package]]\nname = "torch"\nversion = "2.9.0.dev1"\n[[',
}
SILENT = {
    "notes.yaml": "vllm serve: [--enforce-eager\n\tx: }",
    "list.ipynb": '["load_in_8bit"]',
    "empty.ipynb": "",
    "none.ipynb": json.dumps({"nbformat": 4, "metadata": {"x": "load_in_8bit"}}),
    "config.json": '{"quantization_config": {"load_in_8bit": true,',
    "template.yaml": "{% for x in y %}\n- vllm: {{ x }\n{% endfor %}\n",
}


def audited(path: Path, *, thorough: bool = True):  # type: ignore[no-untyped-def]
    return audit_file(path, path.name, Settings(root=path.parent), thorough=thorough)


def codes(path: Path) -> list[tuple[str, int]]:
    report = audited(path)
    assert report.problem is None, report.problem
    return [(item.code, item.place.line) for item in report.findings if item.code < "ECO9"]


@pytest.mark.parametrize("name", BROKEN)
def test_what_is_certainly_broken_is_named(name: str, tmp_path: Path) -> None:
    file = tmp_path / name
    file.write_text(BROKEN[name])
    report = audited(file)
    assert report.problem is not None
    assert report.problem.message.startswith(("not valid ", "contains "))
    assert not report.findings


@pytest.mark.parametrize("name", SILENT)
def test_what_may_be_anything_says_nothing(name: str, tmp_path: Path) -> None:
    file = tmp_path / name
    file.write_text(SILENT[name])
    assert codes(file) == []


def test_aliases_are_not_multiplied(tmp_path: Path) -> None:
    file = tmp_path / "bomb.yaml"
    file.write_text(SERVED + BOMB)
    assert codes(file) == [("ECO306", 2)]


def test_of_equal_keys_the_last_counts(tmp_path: Path) -> None:
    file = tmp_path / "values.yaml"
    file.write_text("image: vllm/vllm-openai\nargs: [--dtype, float32]\nargs: [--enforce-eager]\n")
    assert codes(file) == [("ECO306", 3)]


def test_a_file_of_many_megabytes_is_passed_over(tmp_path: Path) -> None:
    file = tmp_path / "big.yaml"
    file.write_text("x:\n" + "- vllm serve m --enforce-eager\n" * 200_000)
    report = audited(file)
    assert (report.status, report.reason) == ("skipped", "larger than 4 MB")


def test_templates_of_charts_are_read_around_what_is_filled_in(tmp_path: Path) -> None:
    file = tmp_path / "deployment.yaml"
    file.write_text(
        "{{- if .Values.x }}\nkind: Deployment\nspec:\n  containers:\n"
        "  - image: vllm/vllm-openai:{{ .Values.tag }}\n    args:\n"
        "    {{- toYaml .Values.args | nindent 4 }}\n    - --enforce-eager\n{{- end }}\n"
    )
    assert codes(file) == [("ECO306", 8)]


def test_a_quote_without_its_partner_hides_only_what_follows(tmp_path: Path) -> None:
    file = tmp_path / "run.sh"
    file.write_text("vllm serve m --enforce-eager 'abc\nvllm serve n --dtype float32\n")
    assert codes(file) == [("ECO306", 1)]


def test_bytes_that_are_no_text_are_named(tmp_path: Path) -> None:
    file = tmp_path / "run.sh"
    file.write_bytes(b"# caf\xe9\nvllm serve m --enforce-eager\n")
    problem = audited(file).problem
    assert problem is not None
    assert (problem.message, problem.line) == ("not valid UTF-8", 1)


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be"])
def test_what_powershell_writes_is_read(encoding: str, tmp_path: Path) -> None:
    mark = {"utf-16-le": codecs.BOM_UTF16_LE, "utf-16-be": codecs.BOM_UTF16_BE}[encoding]
    file = tmp_path / "requirements.txt"
    file.write_bytes(mark + "# ä\r\ntorch==2.9.0.dev20250801\r\n".encode(encoding))
    assert audited(file, thorough=False).findings
    assert codes(file) == [("ECO501", 2)]
