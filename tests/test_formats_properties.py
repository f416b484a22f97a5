"""Every format is valid whatever names, words and sources hold."""

from __future__ import annotations

import json
import os
from typing import Any
from urllib.parse import unquote_to_bytes
from xml.etree import ElementTree as Xml

from formats_support import MACHINE_FORMATS, finding, render, report, sarif
from hypothesis import given
from hypothesis import strategies as st
from test_formats_ci import commands
from test_formats_markdown import page

from ecocompute_lint.findings import (
    Confidence,
    Edit,
    Finding,
    Fix,
    FixLevel,
    Level,
    Place,
    Problem,
)
from ecocompute_lint.report.markdown import LIMIT

SIGNS = st.sampled_from(
    list("\x00\t\n\r\x0b\x1b\x7f\x85\u2028\ufeff\ufffe|`<>&\"'%:,@#{}[]()\\*_~$")
)
ANY = st.characters(exclude_categories=())  # halves of pairs too
WORDS = st.text(SIGNS | ANY, max_size=30)
BYTES = st.binary(max_size=20) | st.text(SIGNS | st.characters(exclude_categories=["Cs"])).map(
    str.encode
)
NAMES = BYTES.map(lambda name: os.fsdecode(name.translate(None, b"\0/")[:60].strip(b".") or b"a"))
PLACES = st.builds(
    lambda line, column, lines, columns: Place(line, column, line + lines, column + columns),
    st.integers(1, 6), st.integers(1, 6), st.integers(0, 3), st.integers(0, 6),
)  # fmt: skip
FIXES = st.builds(
    lambda level, words, place, text: Fix(
        level, words, finding().fix.operations, (Edit(place, text),)  # type: ignore[union-attr]
    ),
    st.sampled_from(FixLevel), WORDS, PLACES, WORDS,
)  # fmt: skip
FINDINGS = st.builds(
    finding,
    path=NAMES,
    level=st.sampled_from(Level),
    confidence=st.sampled_from(Confidence),
    code=st.sampled_from(["ECO101", "ECO901", "XY100"]),
    name=WORDS,
    message=WORDS,
    model=st.none() | WORDS,
    gpu=st.none() | WORDS,
    place=PLACES,
    marks=st.lists(PLACES, max_size=2).map(tuple),
    cell=st.none() | st.integers(0, 2),
    fix=st.none() | FIXES,
)
PROBLEMS = st.builds(
    Problem,
    code=st.sampled_from(["ECO000", "config"]),
    path=NAMES,
    message=WORDS,
    line=st.none() | st.integers(0, 5),
    column=st.none() | st.integers(0, 5),
)


@given(st.lists(FINDINGS, max_size=4), st.lists(PROBLEMS, max_size=2), st.lists(WORDS, max_size=6))
def test_reports_are_valid(
    findings: list[Finding], problems: list[Problem], source: list[str]
) -> None:
    found = report(*findings, problems=problems)
    lines = [line.replace("\n", "").replace("\r", "") for line in source]
    texts = {form: render(form, found, lines) for form in MACHINE_FORMATS}
    for text in texts.values():
        text.encode("utf-8")
    _check_sarif(texts["sarif"], found.findings)
    issues: list[Any] = json.loads(texts["gitlab"])
    assert len({issue["fingerprint"] for issue in issues}) == len(issues)
    assert len(issues) == len(findings) + len(problems)
    cases = Xml.fromstring(texts["junit"].encode()).findall(".//testcase")
    assert len(cases) >= len(findings) + len(problems)
    assert len(commands(texts["github"])) == len(findings) + len(problems)
    assert len(texts["markdown"]) <= LIMIT
    assert not page(texts["markdown"]).tags & {"img", "script", "a", "em", "b", "i", "hr", "h1"}


def _check_sarif(text: str, findings: tuple[Finding, ...]) -> None:
    results = sarif(text)["results"]
    for result, item in zip(results, findings, strict=True):
        uri = result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"]
        assert unquote_to_bytes(uri) == os.fsencode(item.path)
