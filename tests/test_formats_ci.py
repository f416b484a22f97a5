"""Annotations of GitHub, GitLab's code quality, JUnit: read as their readers read them."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as Xml

import notebook_support as nb
import pytest
from conftest import IMPORT, ROOT, TRAP, YELLOW, Command, execute
from formats_support import MACHINE_FORMATS, finding, render, report, sarif

from ecocompute_lint.findings import Level, Problem

Write = Callable[[str, "str | bytes"], Path]
BROKEN = IMPORT + "BitsAndBytesConfig(load_in_8bit=True\n"


def unescaped(text: str) -> str:
    for sign, code in (("\r", "%0D"), ("\n", "%0A"), (":", "%3A"), (",", "%2C"), ("%", "%25")):
        text = text.replace(code, sign)
    return text


def commands(text: str) -> list[tuple[str, dict[str, str], str]]:
    """The commands as the runner finds them in a log; other lines must not be near to one."""
    found = []
    for line in re.split(r"\r\n|\r|\n", text):
        if line.strip().startswith("::"):
            head, data = line.strip()[2:].split("::", 1)
            name, _, values = head.partition(" ")
            pairs = [value.partition("=") for value in values.split(",")]
            found.append(
                (name, {key: unescaped(value) for key, _, value in pairs}, unescaped(data))
            )
        else:
            assert not line or line.startswith("ecolint: ")
            assert "##[" not in line
    return found


def test_github(ecolint: Command, write: Write) -> None:
    write("a.py", "# one\n" + TRAP)
    write("b.py", YELLOW)
    write("c.py", BROKEN)
    done = ecolint("--format", "github")
    assert (done.status, done.stderr) == (2, "")
    broken, red, *yellow = commands(done.stdout)
    assert broken[:2] == ("error", {"file": "c.py", "line": "2", "endLine": "2", "col": "19",
                                    "endColumn": "19", "title": "ECO000"})  # fmt: skip
    assert red[0] == "error"
    assert red[1] == {
        "file": "a.py",
        "line": "3",
        "endLine": "3",
        "col": "10",
        "endColumn": "47",
        "title": "ECO101 int8-outlier-decomposition",
    }
    assert red[2].splitlines()[1].startswith("Repair (numeric): ")
    assert {name for name, _, _ in yellow} == {"warning"}
    assert done.stdout.splitlines()[-2].startswith("ecolint: ")


@pytest.mark.parametrize("name", ["a,b:c%d.py", "a\nb\rc.py", "::error::x.py", "a\x1b[31m##[x.py"])
def test_github_with_a_hostile_name(name: str) -> None:
    (command,) = commands(render("github", report(finding(name))))
    wanted = name.replace("\x1b", "\\x1b")
    assert command[0] == "error"
    assert command[1]["file"] == wanted
    assert command[2] == "It wastes.\nRepair (exact): set it"


def test_gitlab(ecolint: Command, write: Write) -> None:
    write("a.py", TRAP)
    write("b.py", YELLOW)
    write("c.py", BROKEN)
    issues = json.loads(ecolint("--format", "gitlab", ".", "nope").stdout)
    for issue in issues:
        assert set(issue) == {"description", "check_name", "fingerprint", "severity", "location"}
        assert issue["location"]["lines"]["begin"] >= 1
    by_path = {issue["location"]["path"]: issue for issue in issues}
    assert by_path["c.py"]["severity"] == by_path["nope"]["severity"] == "blocker"
    assert by_path["a.py"]["severity"] == "critical"
    assert by_path["b.py"]["severity"] == "major"
    assert by_path["a.py"]["check_name"] == "ECO101 int8-outlier-decomposition"
    assert len({issue["fingerprint"] for issue in issues}) == len(issues)


def test_gitlab_without_findings_is_an_empty_list(ecolint: Command) -> None:
    assert json.loads(ecolint("--format", "gitlab").stdout) == []


def test_a_notebook_is_counted_in_its_json(ecolint: Command, write: Write) -> None:
    text = nb.written(nb.prose("# Notes"), nb.code(TRAP))
    write("a.ipynb", text)
    line = 1 + text[: text.index("config = Bits")].count("\n")
    (issue,) = json.loads(ecolint("--format", "gitlab").stdout)
    assert issue["location"] == {"path": "a.ipynb", "lines": {"begin": line, "end": line}}
    (command,) = commands(ecolint("--format", "github").stdout)
    assert command[1]["line"] == str(line)
    assert command[1]["title"] == "ECO101 int8-outlier-decomposition, cell 1 line 2"


def counts(element: Xml.Element) -> dict[str, int]:
    return {name: int(element.attrib[name]) for name in ("tests", "failures", "errors", "skipped")}


def test_junit(ecolint: Command, write: Write) -> None:
    write("a.py", TRAP + YELLOW)
    write("b.py", "from transformers import pipeline\npipeline('text-generation')\n")
    write("c.py", BROKEN)
    write("d.py", "print(1)\n")
    root = Xml.fromstring(ecolint("--format", "junit", "--ignore", "ECO3").stdout)
    suites = {suite.attrib["name"]: suite for suite in root}
    assert set(suites) == {"a.py", "b.py", "c.py"}
    assert counts(suites["b.py"]) == {"tests": 1, "failures": 0, "errors": 0, "skipped": 0}
    assert counts(suites["c.py"]) == {"tests": 1, "failures": 0, "errors": 1, "skipped": 0}
    failed = suites["a.py"].findall("testcase/failure")
    assert counts(suites["a.py"])["failures"] == len(failed) == len(suites["a.py"])
    assert failed[0].attrib["type"] == "red"
    assert "BitsAndBytesConfig(load_in_8bit=True)" in str(failed[0].text)
    names = [(case.attrib["classname"], case.attrib["name"]) for case in root.iter("testcase")]
    assert len(set(names)) == len(names)
    total = [counts(suite) for suite in root]
    assert counts(root) == {name: sum(one[name] for one in total) for name in counts(root)}


def test_junit_replaces_what_xml_forbids() -> None:
    text = render("junit", report(finding("a\x00\x0b\x1b\ufffe\udcff😀.py")), ["x\x08y"])
    root = Xml.fromstring(text.encode())
    assert root[0].attrib["name"] == "a\ufffd\ufffd\ufffd\ufffd\ufffd😀.py"


def test_good_choices_are_no_failures() -> None:
    found = report(finding(level=Level.GREEN, fix=None))
    for good in (True, False):
        root = Xml.fromstring(render("junit", found, good=good))
        assert counts(root)["failures"] == 0
    assert json.loads(render("gitlab", found))[0]["severity"] == "info"
    assert json.loads(render("gitlab", found, good=False)) == []
    assert commands(render("github", found))[0][0] == "notice"
    assert commands(render("github", found, good=False)) == []


def test_several_in_one_run(ecolint: Command, write: Write) -> None:
    write("a.py", TRAP)
    write("b.py", BROKEN)
    options = [part for form in MACHINE_FORMATS for part in ("--format", form, "-o", f"r.{form}")]
    done = ecolint(*options, "--format", "json")
    assert done.status == 2
    folder = write("x", "").parent
    texts = {form: (folder / f"r.{form}").read_text(encoding="utf-8") for form in MACHINE_FORMATS}
    (wanted,) = done.json["findings"]
    (result,) = sarif(texts["sarif"])["results"]
    issue = json.loads(texts["gitlab"])[1]
    assert result["partialFingerprints"]["ecolint/v1"] == issue["fingerprint"]
    assert wanted["message"] in result["message"]["text"]
    assert wanted["message"] in commands(texts["github"])[1][2]
    assert len(Xml.fromstring(texts["junit"].encode())) == 2
    assert "### Could not be analysed" in texts["markdown"]


@pytest.mark.parametrize("form", MACHINE_FORMATS)
def test_exit_statuses_and_streams(ecolint: Command, write: Write, form: str) -> None:
    write("a.py", TRAP)
    assert ecolint("--format", form).status == 1
    assert ecolint("--format", form, "--exit-zero", "--quiet").status == 0
    done = ecolint("--format", form, given=b"", PYTHONIOENCODING="ascii")
    assert done.raw.decode("utf-8") == done.stdout
    shown = ecolint("--format", form, "--diff")
    assert shown.status == 1
    assert shown.stdout.startswith("--- a/a.py\n")
    assert shown.stderr.strip()
    piped = ecolint("--format", form, "--stdin-filename", "a.py", "-", given=TRAP)
    assert (piped.status, "ECO101" in piped.stdout) == (1, True)
    assert ecolint("--format", form, "-", given=TRAP).status == 1
    fixed = ecolint("--format", form, "--fix")
    assert fixed.status == 0
    assert "decomposition" not in fixed.stdout


@pytest.mark.parametrize("form", MACHINE_FORMATS)
def test_nothing_half_written(ecolint: Command, write: Write, form: str) -> None:
    write("a.py", TRAP)
    if os.geteuid() == 0:
        place = "/proc/r.txt"
    else:
        folder = write("locked/x", "").parent
        folder.chmod(0o500)
        place = "locked/r.txt"
    done = ecolint("--format", form, "--output", place)
    assert done.status == 2
    assert done.stderr.startswith("ecolint: --output")
    assert not os.path.exists(place)


def test_failures_are_said_where_no_report_says_them(ecolint: Command, write: Write) -> None:
    write("a.py", BROKEN)
    for form in ("sarif", "gitlab", "junit"):
        assert "a.py:2: ECO000" in ecolint("--format", form).stderr
    for form in ("github", "markdown"):
        assert ecolint("--format", form).stderr == ""


def test_demonstration_is_the_same_in_all() -> None:
    found: dict[str, Any] = {}
    for form in ("json", "gitlab", "sarif", "junit", "github"):
        options = ("--isolated", "--exit-zero", "--format", form)
        found[form] = execute(["ecolint", *options, "fixtures/demo_app"], ROOT).stdout
    wanted = [(i["path"], i["line"], i["code"]) for i in json.loads(found["json"])["findings"]]
    issues = json.loads(found["gitlab"])
    assert wanted == [
        (i["location"]["path"], i["location"]["lines"]["begin"], i["check_name"][:6])
        for i in issues
    ]
    assert [code for _, _, code in wanted] == [
        result["ruleId"] for result in sarif(found["sarif"])["results"]
    ]
    cases = Xml.fromstring(found["junit"].encode()).iter("testcase")
    assert wanted == [
        (case.attrib["classname"], int(case.attrib["line"]), case.attrib["name"][:6])
        for case in cases
        if case.find("failure") is not None
    ]
    assert wanted == [
        (values["file"], int(values["line"]), values["title"][:6])
        for _, values, _ in commands(found["github"])
    ]


def test_a_problem_of_the_run_without_a_path() -> None:
    problem = Problem("internal", "", "oh")
    found = report(problems=[problem])
    assert commands(render("github", found))[0][1] == {"title": "internal"}
    assert json.loads(render("gitlab", found))[0]["location"]["path"] == "."
