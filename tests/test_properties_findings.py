"""Findings over generated files of every kind: no gate hides one, and each is where it says."""

from __future__ import annotations

import ast
import re
from dataclasses import replace
from typing import Any

from deployment_texts import Deployment, deployments, notebooks_of
from hypothesis import event, example, given
from hypothesis import strategies as st
from properties_support import EVERYTHING, examples
from python_layouts import Written, files, modules

from ecocompute_lint.audit import FileReport, auditor
from ecocompute_lint.findings import Finding, Place
from ecocompute_lint.fingerprints import fingerprints
from ecocompute_lint.prefilter import without_gates
from ecocompute_lint.sources.notebook import read
from ecocompute_lint.sources.text import LineMap

LINE_ENDS = re.compile(r"\r\n|\r|\n")
OF_AN_OLD_MAC = (
    "# text\nfrom transformers import BitsAndBytesConfig as B\nc = B(load_in_8bit=True)\n"
)
GPUS = st.sampled_from([None, None, "t4", "v100"])


def audited(name: str, text: str, gpu: str | None) -> FileReport:
    """What is found, which is the same without gates."""
    chosen = replace(EVERYTHING, gpu=gpu)
    report = auditor(name)(text, path=name, settings=chosen, with_edits=True)
    with without_gates():
        ungated = auditor(name)(text, path=name, settings=chosen, with_edits=True)
    assert report.problem == ungated.problem or report.status == "skipped"
    assert report.findings == ungated.findings
    for item in report.findings:
        event(item.code)
    return report


def check_place(text: str, place: Place, empty: bool = False) -> None:
    """A place lies in the text, in characters, and holds something unless it may be empty."""
    if place.elsewhere:
        return
    lines = LINE_ENDS.split(text)
    assert 1 <= place.line <= place.end_line <= len(lines)
    assert 1 <= place.column <= len(lines[place.line - 1]) + 1
    # A deletion may take the end of the line along.
    assert 1 <= place.end_column <= len(lines[place.end_line - 1]) + 1 + 2 * empty
    assert (place.line, place.column) <= (place.end_line, place.end_column)
    start, end = LineMap(text).span(place)
    assert empty or text[start:end].strip()


def check_places(text: str, finding: Finding) -> None:
    """All places of a finding."""
    for place in (finding.place, *finding.marks):
        check_place(text, place)
    for step in finding.fix.operations if finding.fix and finding.cell is None else ():
        check_place(text, step.target)
    line, column = finding.evidence.get("deployment", (1, 1))
    if finding.cell is None:
        check_place(text, Place(line, column, line, column), empty=True)


@examples(25)
@given(files(), GPUS)
@example(Written(OF_AN_OLD_MAC.replace("\n", "\r"), b""), None)
def test_python(file: Written, gpu: str | None) -> None:
    report = audited("a.py", file.text, gpu)
    for item in report.findings:
        check_places(file.text, item)
        start, end = LineMap(file.text).span(item.place)
        if item.code not in ("ECO001", "ECO501"):  # those are about a comment, and about words
            assert is_code(LINE_ENDS.sub("\n", file.text[start:end])), item
        for step in item.fix.operations if item.fix and item.code != "ECO001" else ():
            start, end = LineMap(file.text).span(step.target)
            assert is_code(LINE_ENDS.sub("\n", file.text[start:end]))
        for edit in item.fix.edits if item.fix else ():
            check_place(file.text, edit.place, empty=True)


def is_code(source: str) -> bool:
    """Whether a text is an expression or a statement by itself."""
    for text in (f"({source}\n)", source):
        try:
            ast.parse(text)
        except SyntaxError:
            continue
        return True
    return False


ENGINE = "dtype: float32\nmodel: org/m-7b\ngpu-memory-utilization: 0.9\n"
FROM_BEFORE = 'MODEL=org/m-7b\nssh host "exec vllm serve $MODEL"'
"""The command ends with what stands before it."""


@examples(50)
@given(deployments(), GPUS)
@example(Deployment("engine.yaml", ENGINE), None)
@example(Deployment("run.sh", FROM_BEFORE), None)
def test_other_files(file: Any, gpu: str | None) -> None:
    report = audited(file.name, file.text, gpu)
    for item in report.findings:
        check_places(file.text, item)
        for edit in item.fix.edits if item.fix else ():
            check_place(file.text, edit.place, empty=True)


@examples(8)
@given(notebooks_of(modules()), GPUS)
def test_notebooks(raw: str, gpu: str | None) -> None:
    report = audited("a.ipynb", raw, gpu)
    for item in report.findings:
        assert item.cell is not None
        notebook = read(raw)
        check_places(notebook.source(item.cell), item)
        for edit in item.fix.edits if item.fix else ():
            assert edit.cell is not None
            check_place(notebook.source(edit.cell), edit.place, empty=True)


@examples(10)
@given(files(), st.sampled_from(["\n", "# above\n\n", "x = 1\n\n", '"""Doc."""\nimport os\n']))
def test_fingerprints_stay_below_other_code(file: Written, above: str) -> None:
    """Lines above, or other line ends, make no other finding of it."""
    old = auditor("a.py")(file.text, path="a.py", settings=EVERYTHING)
    known = fingerprints(old, file.text)
    assert len(set(known)) == len(known)
    again = auditor("a.py")(file.text, path="a.py", settings=EVERYTHING)
    assert fingerprints(again, file.text) == known
    plain = LINE_ENDS.sub("\n", file.text)
    for text in (plain, plain.replace("\n", "\r\n")):
        report = auditor("a.py")(text, path="a.py", settings=EVERYTHING)
        assert fingerprints(report, text) == known
    if "__future__" in plain or plain.startswith(("\f", " ", "\\", "\t")):
        return
    moved = above + plain
    report = auditor("a.py")(moved, path="a.py", settings=EVERYTHING)
    assert fingerprints(report, moved) == known
