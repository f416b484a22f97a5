"""No text whatever ends an audit: every file is audited, passed over, or named as broken.

Python of every shape, files of every kind, texts with a word that matters somewhere, files damaged
as by a merge or a cut, and mere bytes.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from deployment_texts import FIXTURE_TEXTS, deployments, notebooks_of
from hypothesis import event, example, given
from hypothesis import strategies as st
from properties_support import EVERYTHING, bounded, examples, folder
from python_layouts import PIECES, layouts, modules

from ecocompute_lint.audit import FileReport, audit_file, auditor
from ecocompute_lint.prefilter import without_gates
from ecocompute_lint.repairs import fixer

NAMES = (
    "a.py", "a.ipynb", "a.yaml", "values.yaml", "docker-compose.yml", "run.sh", "Dockerfile",
    "Makefile", "justfile", "Procfile", "Pipfile", "pyproject.toml", "setup.cfg", "config.json",
    "config.pbtxt", "CMD_FLAGS.txt", "serving.properties", "uv.lock", "Pipfile.lock", "pixi.lock",
    "conda-lock.yml", "a.service", "a.bat", "requirements.txt", "environment.yml", "job.slurm",
)  # fmt: skip
WORDS = st.sampled_from(
    ["BitsAndBytesConfig(load_in_8bit=True)", "load_in_8bit", "vllm serve m --enforce-eager", "\n",
     "\r", "\r\n", "\t", "\f", "\0", "\ufeff", "(" * 40, "[" * 90, "{" * 40, ")", "'", '"', '"""',
     "'''", "\\", "#", "# noqa: ECO", "# ecolint: ignore[", "${", "$(", "`", "<<EOF\n", "{{", "}}",
     "{%", "%%", "!", "&a ", "*a", "<<: *a", "- ", ": ", "|\n", ">-\n", "\u2028", "\x85", "é", "🚀",
     "\ud800", "def f(x):\n ", "lambda: ", "f'{", "}'", "git+https://", ".dev1", "--", "=", "~",
     "quantization_config", "image: vllm/vllm-openai\n", "import vllm\n", "[package]\n", "1e999"]
)  # fmt: skip
TEXTS = st.lists(WORDS | st.text(max_size=6), max_size=25).map("".join)
STATUSES = ("examined", "skipped", "failed")


@st.composite
def damaged(draw: st.DrawFn, texts: st.SearchStrategy[str]) -> str:
    """A text in which parts are missing, doubled, moved or strange."""
    text = draw(texts)
    for _ in range(draw(st.integers(0, 3))):
        a, b = sorted(draw(st.tuples(*[st.integers(0, len(text))] * 2)))
        b = min(b, a + draw(st.sampled_from([1, 5, 60, 10_000])))
        piece = text[a:b]
        way = draw(st.sampled_from(["cut", "double", "insert", "move", "end"]))
        if way == "cut":
            text = text[:a] + text[b:]
        elif way == "double":
            text = text[:b] + piece + text[b:]
        elif way == "insert":
            text = text[:a] + draw(WORDS) + text[a:]
        elif way == "move":
            rest = text[:a] + text[b:]
            at = draw(st.integers(0, len(rest)))
            text = rest[:at] + piece + rest[at:]
        else:
            text = text[:b]
    return text


def check_text(name: str, text: str) -> FileReport:
    """A text is audited and repaired, with the gates and without, at bounded cost."""
    report = None
    for gates in (True, False):
        with bounded(len(text)):
            if gates:
                report = auditor(name)(text, path=name, settings=EVERYTHING, thorough=True)
            else:
                with without_gates():
                    report = auditor(name)(text, path=name, settings=EVERYTHING, with_edits=True)
        assert report.status in STATUSES
        assert report.problem is None or "internal" not in report.problem.message
    with bounded(5 * len(text)):
        outcome = fixer(name)(text, path=name, settings=EVERYTHING)
    if outcome.problem is not None:
        assert outcome.text == text
    assert report is not None
    event(report.status)
    return report


@examples(30)
@given(st.sampled_from(NAMES), TEXTS)
def test_any_words(name: str, text: str) -> None:
    check_text(name, text)


@examples(8)
@given(damaged(layouts()))
def test_damaged_python(text: str) -> None:
    check_text("a.py", text)


@examples(25)
@given(deployments(), st.data())
def test_damaged_files(file: object, data: st.DataObject) -> None:
    name, text = file.name, file.text  # type: ignore[attr-defined]
    check_text(name, data.draw(damaged(st.just(text))))


@examples(5)
@given(damaged(notebooks_of(modules())))
def test_damaged_notebooks(text: str) -> None:
    check_text("a.ipynb", text)


@examples(25)
@given(st.sampled_from(NAMES), damaged(st.sampled_from([t for _, t in FIXTURE_TEXTS] + PIECES)))
def test_a_file_under_the_name_of_another(name: str, text: str) -> None:
    check_text(name, text)


@examples(50)
@given(
    st.sampled_from(NAMES),
    st.lists(st.binary(max_size=30) | WORDS.map(lambda w: w.encode("utf-8", "surrogatepass"))),
    st.sampled_from([b"", b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff", b"# coding: latin-1\n",
                     b"# coding: utf-7\n", b"# coding: punycode\n", b"# coding: undefined\n"]),
)  # fmt: skip
@example("a.py", [b"load_in_8bit", b"\x81"], b"# coding: cp1252\n")
def test_any_bytes(name: str, parts: list[bytes], mark: bytes) -> None:
    data = mark + b"".join(parts)
    with folder() as root:
        path = root / name
        path.write_bytes(data)
        with bounded(len(data)):
            report = audit_file(Path(name), name, EVERYTHING, with_edits=True, thorough=True)
    assert report.status in STATUSES
    assert report.problem is None or "internal" not in report.problem.message, report.problem


def test_python_of_any_grammar() -> None:
    """What Python's own grammar allows, with a word that lets it through the gates."""
    hypothesmith = pytest.importorskip("hypothesmith")

    @examples(2)
    @given(st.one_of(hypothesmith.from_node(), hypothesmith.from_grammar()))
    def check(text: str) -> None:
        report = check_text("a.py", text)
        assert report.status != "failed", report.problem
        call = (
            "\nfrom transformers import BitsAndBytesConfig\nBitsAndBytesConfig(load_in_8bit=True)\n"
        )
        check_text("a.py", text + call)

    check()
