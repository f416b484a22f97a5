"""SARIF: the standard's schema, places and fixes that lead to the very characters."""

from __future__ import annotations

import json
import os
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import unquote_to_bytes

import notebook_support as nb
import pytest
from conftest import CLEAN, FIXED, IMPORT, ROOT, TRAP, YELLOW, Command, execute
from formats_support import finding, render, report, sarif

from ecocompute_lint.findings import Level, Place, Problem
from ecocompute_lint.sources.text import LineMap

Write = Callable[[str, "str | bytes"], Path]


def span(text: str, region: dict[str, int]) -> tuple[int, int]:
    lines = LineMap(text)
    return (
        lines.offset(region["startLine"], region["startColumn"]),
        lines.offset(region["endLine"], region["endColumn"]),
    )


def region(result: Any) -> dict[str, int]:
    found: dict[str, int] = result["locations"][0]["physicalLocation"]["region"]
    return found


def mended(text: str, result: Any) -> str:
    """A file after the fix of a result, made as the standard says."""
    (fix,) = result["fixes"]
    (change,) = fix["artifactChanges"]
    edits = [
        (*span(text, item["deletedRegion"]), item["insertedContent"]["text"])
        for item in change["replacements"]
    ]
    for start, end, new in reversed(edits):
        text = text[:start] + new + text[end:]
    return text


def test_the_demonstration_is_as_the_standard_wants_it() -> None:
    options = ("--isolated", "--exit-zero", "--show-good", "--format", "sarif")
    run = sarif(execute(["ecolint", *options, "fixtures"], ROOT).stdout)
    driver = run["tool"]["driver"]
    codes = [rule["id"] for rule in driver["rules"]]
    assert codes == sorted({result["ruleId"] for result in run["results"]})
    assert len(codes) > 15
    for rule in driver["rules"]:
        assert rule["help"]["markdown"].startswith(f"# {rule['id']} ")
        assert len(rule["fullDescription"]["text"]) <= 1024
        assert rule["properties"]["precision"] in ("very-high", "high", "medium", "low")
        assert rule["properties"]["problem.severity"] in ("error", "warning", "recommendation")
    kinds = {(result["kind"], result["level"]) for result in run["results"]}
    assert {("fail", "error"), ("fail", "warning"), ("informational", "none")} <= kinds
    assert kinds <= {
        ("fail", "error"),
        ("fail", "warning"),
        ("fail", "note"),
        ("informational", "none"),
    }
    prints = [result["partialFingerprints"]["ecolint/v1"] for result in run["results"]]
    assert len(set(prints)) == len(prints)
    for result in run["results"]:
        place = result["locations"][0]["physicalLocation"]
        assert place["artifactLocation"]["uriBaseId"] == "%SRCROOT%"
        path = ROOT / place["artifactLocation"]["uri"]
        text = path.read_bytes().decode("utf-8-sig")
        start, end = span(text, place["region"])
        assert start <= end


def test_columns_count_code_points_and_a_fix_is_exact(ecolint: Command, write: Write) -> None:
    line = "s = '😀\t𝄞'; config = BitsAndBytesConfig(load_in_8bit=True)"
    text = f"# é\r\n{IMPORT.strip()}\r\n{line}\r\n"
    write("a.py", "\ufeff" + text)
    run = sarif(ecolint("--format", "sarif").stdout)
    assert run["columnKind"] == "unicodeCodePoints"
    (result,) = run["results"]
    start, end = span(text, region(result))
    assert text[start:end] == "BitsAndBytesConfig(load_in_8bit=True)"
    ecolint("--fix")
    assert Path(write("b.py", "").parent, "a.py").read_bytes().decode("utf-8-sig") == mended(
        text, result
    )


def test_a_lone_carriage_return_ends_a_line(ecolint: Command, write: Write) -> None:
    text = TRAP.replace("\n", "\r")
    write("a.py", text)
    run = sarif(ecolint("--format", "sarif").stdout)
    assert "\r" in run["newlineSequences"]
    (result,) = run["results"]
    assert mended(text, result) == FIXED.replace("\n", "\r")


@pytest.mark.parametrize("indent", [1, None])
def test_a_notebook_is_its_json_and_its_cell(
    ecolint: Command, write: Write, indent: int | None
) -> None:
    cells = (nb.prose("# Notes"), nb.code(IMPORT), nb.code(TRAP.removeprefix(IMPORT)))
    text = nb.written(*cells, indent=indent)
    write("a.ipynb", text)
    (result,) = sarif(ecolint("--format", "sarif").stdout)["results"]
    start, end = span(text, region(result))
    assert text[start:end] == "BitsAndBytesConfig(load_in_8bit=True)"
    (location,) = result["locations"]
    assert location["logicalLocations"][0]["name"] == "cell 2"
    assert location["logicalLocations"][0]["fullyQualifiedName"] == "a.ipynb::cells[2]"
    assert result["properties"]["cell"] == {"index": 2, "line": 1, "column": 10}
    fixed = mended(text, result)
    assert nb.sources(fixed)[2] == FIXED.removeprefix(IMPORT)
    ecolint("--fix")
    assert fixed == Path(write("x", "").parent, "a.ipynb").read_text(encoding="utf-8")


def test_paths_begin_at_the_repository(ecolint: Command, write: Write, git: Command) -> None:
    git("init", "-q")
    write("src/a b#ü.py", TRAP)
    write("src/sub/x.txt", "")
    folder = write("other/x.txt", "").parent

    def uris(*arguments: str, cwd: Path) -> list[dict[str, str]]:
        run = sarif(execute(["ecolint", "--format", "sarif", *arguments], cwd).stdout)
        return [
            result["locations"][0]["physicalLocation"]["artifactLocation"]
            for result in run["results"]
        ]

    wanted = {"uri": "src/a%20b%23%C3%BC.py", "uriBaseId": "%SRCROOT%"}
    top = folder.parent
    assert uris(cwd=top) == [wanted]
    assert uris(".", cwd=top / "src") == [wanted]
    assert uris("..", cwd=top / "src" / "sub") == [wanted]
    assert uris(str(top / "src"), cwd=top) == [wanted]
    shutil.rmtree(top / ".git")
    execute(["git", "init", "-q"], folder)
    (outside,) = uris(str(top / "src"), cwd=folder)
    assert outside == {"uri": (top / "src/a b#ü.py").as_uri()}


@pytest.mark.skipif(os.name == "nt", reason="names are no bytes there")
def test_a_name_of_any_bytes(ecolint: Command, tmp_path: Path) -> None:
    name = b"\xff\x01:?%|`<b>.py"
    (tmp_path / os.fsdecode(name)).write_text(TRAP)
    (result,) = sarif(ecolint("--format", "sarif").stdout)["results"]
    uri = result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"]
    assert re.fullmatch(r"[A-Za-z0-9._~%-]+", uri)
    assert unquote_to_bytes(uri) == name


def test_what_could_not_be_analysed_is_a_notification(ecolint: Command, write: Write) -> None:
    write("a.py", TRAP)
    write("b.py", IMPORT + "BitsAndBytesConfig(load_in_8bit=True\n")
    done = ecolint("--format", "sarif", ".", "nope")
    assert done.status == 2
    (invocation,) = sarif(done.stdout)["invocations"]
    assert not invocation["executionSuccessful"]
    first, second = invocation["toolExecutionNotifications"]
    assert first["descriptor"] == {"id": "ECO000", "index": 0}
    physical = first["locations"][0]["physicalLocation"]
    assert physical["artifactLocation"]["uri"] == "b.py"
    assert physical["region"]["startLine"] == 2
    assert "no such file" in second["message"]["text"]


def test_a_configuration_that_cannot_be_used(ecolint: Command, write: Write) -> None:
    write("sub/ecolint.toml", "gpu = 3\n")
    write("sub/a.py", TRAP)
    write("b.py", CLEAN)
    done = ecolint("--format", "sarif")
    assert done.status == 2
    (invocation,) = sarif(done.stdout)["invocations"]
    (notification,) = invocation["toolConfigurationNotifications"]
    assert "gpu" in notification["message"]["text"]


def test_a_finding_keeps_its_fingerprint_when_lines_move(ecolint: Command, write: Write) -> None:
    def prints(text: str) -> list[str]:
        write("a.py", text)
        run = sarif(ecolint("--format", "sarif", "--no-cache").stdout)
        return [result["partialFingerprints"]["ecolint/v1"] for result in run["results"]]

    before = prints(TRAP)
    assert prints("# one\n# two\n" + TRAP) == before
    twice = prints(TRAP + TRAP.removeprefix(IMPORT))
    assert len(twice) == len(set(twice)) == 2
    assert set(before) < set(twice)


def test_rules_of_ones_own(ecolint: Command, write: Write) -> None:
    rule = (ROOT / "rules" / "ECO105.yaml").read_text(encoding="utf-8")
    write("rules/MY101.yaml", re.sub(r"^code: .*", "code: MY101", rule, flags=re.MULTILINE))
    write("ecolint.toml", "rules = ['rules']\nselect = ['MY101']\n")
    text = (next((ROOT / "fixtures" / "ECO105").glob("bad_*.py"))).read_text(encoding="utf-8")
    write("a.py", text)
    run = sarif(ecolint("--format", "sarif", "--gpu", "rtx4090d").stdout)
    assert [rule["id"] for rule in run["tool"]["driver"]["rules"]] == ["MY101"]


def test_good_choices_only_when_asked_for() -> None:
    found = report(finding(), finding(level=Level.GREEN, code="ECO901", fix=None))
    run = sarif(render("sarif", found, good=False))
    assert [result["ruleId"] for result in run["results"]] == ["ECO101"]
    run = sarif(render("sarif", found, good=True))
    (good,) = [result for result in run["results"] if result["ruleId"] == "ECO901"]
    assert (good["kind"], good["level"]) == ("informational", "none")


def test_messages_hold_no_placeholders_and_no_links() -> None:
    text = "device_map={'': 0}, see [this](http://example.org)"
    (result,) = sarif(render("sarif", report(finding(message=text, fix=None))))["results"]
    assert result["message"]["text"] == ("device_map={{'': 0}}, see [this\\](http://example.org)")


def test_places_elsewhere_are_left_out() -> None:
    marks = (Place(1, 1, 1, 2), Place(10_000_001, 1, 10_000_001, 3), Place(1, 3, 1, 4))
    (result,) = sarif(render("sarif", report(finding(marks=marks))))["results"]
    (related,) = result["relatedLocations"]
    assert related["physicalLocation"]["region"]["startColumn"] == 3


def test_a_problem_without_a_place() -> None:
    problem = Problem("ECO000", "a.py", "no", 0, 0)
    (invocation,) = sarif(render("sarif", report(problems=[problem])))["invocations"]
    (notification,) = invocation["toolExecutionNotifications"]
    assert "region" not in notification["locations"][0]["physicalLocation"]


def test_after_a_repair_it_says_what_is_left(ecolint: Command, write: Write) -> None:
    write("a.py", TRAP)
    write("b.py", YELLOW)
    done = ecolint("--fix", "--fix-level", "exact", "--format", "sarif")
    assert {result["ruleId"] for result in sarif(done.stdout)["results"]} >= {"ECO101"}
    done = ecolint("--fix", "--format", "sarif", "--output", "r.sarif", "--format", "json")
    left = json.loads(done.stdout)["findings"]
    text = Path(write("x", "").parent, "r.sarif").read_text(encoding="utf-8")
    assert [item["ruleId"] for item in sarif(text)["results"]] == [item["code"] for item in left]
