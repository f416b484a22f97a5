from __future__ import annotations

import json
import os
import unicodedata
from collections.abc import Callable
from pathlib import Path
from types import MappingProxyType
from typing import Any

import jsonschema
import pytest
from conftest import IMPORT, TRAP, YELLOW, Command
from hypothesis import given
from hypothesis import strategies as st

from ecocompute_lint.audit import FileReport, Report
from ecocompute_lint.config import Settings
from ecocompute_lint.findings import (
    Confidence,
    Edit,
    Finding,
    Fix,
    FixLevel,
    Level,
    Operation,
    Place,
    Problem,
)
from ecocompute_lint.fixes.apply import apply_edits
from ecocompute_lint.report import concise, json_report, statistics, text
from ecocompute_lint.report.source import excerpt
from ecocompute_lint.report.style import Style, cells
from ecocompute_lint.report.summary import View

Write = Callable[[str, str], Path]
SCHEMA = json.loads(json_report.SCHEMA.read_text())
STEP = Operation("set", Place(1, 1, 1, 2), "call", "x", "0.0")


HERE = Place(1, 1, 1, 2)


def finding(place: Place = HERE, **changes: Any) -> Finding:
    values: dict[str, Any] = {
        "code": "ECO101",
        "name": "int8-outlier-decomposition",
        "level": Level.RED,
        "confidence": Confidence.CERTAIN,
        "path": "a.py",
        "place": place,
        "message": "It wastes energy.",
    }
    return Finding(**{**values, **changes})


def view(*findings: Finding, lines: list[str] | None = None, **changes: Any) -> View:
    files = [FileReport("a.py", "examined", findings), *changes.pop("files", ())]
    values: dict[str, Any] = {
        "report": Report(tuple(files), (), 0.214),
        "findings": findings,
        "repairable": lambda item: item.fix is not None and item.fix.available,
        "lines": lambda path, cell: lines or ["x"],
    }
    return View(**{**values, **changes})


def marked(line: str, place: Place, *marks: Place, **style: Any) -> list[str]:
    return excerpt(line.split("\n"), finding(place, marks=marks), Style(**style))


# --- the source with its mark -------------------------------------------------------------------


def test_the_span_is_underlined() -> None:
    assert marked("c = f(x=1)  # why", Place(1, 5, 1, 11)) == [
        "    1 │ c = f(x=1)  # why",
        "      │     ──────",
    ]
    assert marked("c = f()", Place(1, 5, 1, 8), unicode=False) == [
        "    1 | c = f()",
        "      |     ^^^",
    ]


def test_several_lines_show_the_first_and_the_keyword() -> None:
    source = "c = f(\n    a,\n    b=1,\n)"
    assert marked(source, Place(1, 5, 4, 2), Place(3, 5, 3, 8)) == [
        "    1 │ c = f(",
        "      │     ──",
        "      …",
        "    3 │     b=1,",
        "      │     ───",
    ]
    assert marked("c = f(\n    b=1)", Place(1, 5, 2, 9), Place(2, 5, 2, 8))[2] == "    2 │     b=1)"


@pytest.mark.parametrize(
    ("line", "start", "end"),
    [
        ("\tc = f()", 6, 9),
        ("  \tx\tf()", 6, 9),
        ("漢字 = f()", 6, 9),
        ("e\u0301te = f()", 8, 11),
        ("s = '漢'; f(漢)", 10, 14),
        ("x = 1; " * 60 + "f(load_in_8bit=True)" + "; y = 2" * 60, 421, 441),
    ],
)
def test_the_mark_stands_under_its_text(line: str, start: int, end: int) -> None:
    shown, mark = marked(line, Place(1, start, 1, end))
    wanted = line[start - 1 : end - 1]
    offset = shown.index(wanted)
    assert cells(shown[:offset]) == mark.index("─")
    assert mark.count("─") == cells(wanted)
    assert cells(shown) < 140


def test_terminal_escapes_do_nothing() -> None:
    shown, _ = marked("f('\x1b[31m\x9b\u202e')", Place(1, 1, 1, 10))
    assert "\x1b" not in shown
    item = finding(path="a\x1b]0;x\x07\n.py", message="see\x1b[2J\nthis\u2028")
    drawn = text.render(view(item), Style()) + concise.render(view(item), Style())
    assert not [c for c in drawn if unicodedata.category(c) == "Cc" and c != "\n"]
    assert "a\\x1b]0;x\\x07\\x0a.py:1:1" in drawn


@given(st.text(max_size=60), st.integers(1, 70), st.integers(1, 70), st.integers(1, 3))
def test_no_line_and_no_place_breaks_a_report(line: str, start: int, end: int, number: int) -> None:
    place = Place(number, start, number, end)
    for drawn in excerpt(line.split("\n"), finding(place, marks=(place,)), Style()):
        assert "\n" not in drawn
        assert not [c for c in drawn if unicodedata.category(c) == "Cc"]


# --- text ---------------------------------------------------------------------------------------


def test_a_finding_as_people_read_it() -> None:
    fix = Fix(FixLevel.NUMERIC, "set `x=0.0`", (STEP,))
    item = finding(Place(1, 5, 1, 8), fix=fix, model="org/model", params_b=7.25, gpu="rtx4090d")
    other = finding(
        Place(1, 5, 1, 8),
        code="ECO105",
        name="conflicting-bit-widths",
        confidence=Confidence.LIKELY,
        level=Level.YELLOW,
        fix=Fix(FixLevel.MANUAL, "Choose one."),
    )
    assert text.render(view(item, other, lines=["c = f()"]), Style()) == (
        "a.py:1:5  ECO101  RED  int8-outlier-decomposition\n"
        "    1 │ c = f()\n"
        "      │     ───\n"
        "  It wastes energy.\n"
        "  org/model · 7.25 B · rtx4090d\n"
        "  --fix: set `x=0.0` (numeric: outputs can change)\n"
        "\n"
        "a.py:1:5  ECO105  YELLOW  conflicting-bit-widths  (likely)\n"
        "    1 │ c = f()\n"
        "      │     ───\n"
        "  It wastes energy.\n"
        "  by hand: Choose one.\n"
        "\n"
        "2 findings (1 red, 1 yellow) in 1 of 1 file · 1 examined, 0 skipped · 0.21 s\n"
        "1 fixable with --fix.\n"
    )


def test_long_messages_are_wrapped_on_a_terminal_only() -> None:
    item = finding(message="word " * 60)
    assert max(map(len, text.render(view(item), Style(width=80)).splitlines())) <= 80
    assert "word " * 59 in text.render(view(item), Style())


def test_the_summary_leaves_nothing_open() -> None:
    files = (
        FileReport("b.py", "skipped", reason="skip-file"),
        FileReport("c.py", "failed", problem=Problem("ECO000", "c.py", "invalid syntax", 3, 7)),
        FileReport("d.py", "examined", suppressed=2),
    )
    good = FileReport("d.py", "examined", (finding(level=Level.GREEN, path="d.py"),))
    drawn = text.render(view(files=[*files, good]), Style())
    assert "c.py:3:7  ECO000  could not be analysed: invalid syntax" in drawn
    counts = "no findings in 5 files · 3 examined, 1 skipped, 1 failed, 2 suppressed"
    assert f"{counts} · 1 good choice (--show-good) · " in drawn


def test_statistics() -> None:
    fix = Fix(FixLevel.NUMERIC, "set `x=0.0`", (STEP,))
    items = (finding(fix=fix), finding(fix=fix), finding(code="ECO108", level=Level.YELLOW))
    lines = statistics.render(view(*items), Style()).splitlines()
    assert lines[0].split() == ["2", "ECO101", "RED", "int8-outlier-decomposition", "2", "fixable"]
    assert lines[1].split()[:3] == ["1", "ECO108", "YELLOW"]
    assert "3 findings (2 red, 1 yellow)" in lines[3]


def test_a_notebook_cell_is_part_of_the_place() -> None:
    assert "a.py:cell 3:1:1" in text.render(view(finding(cell=3)), Style())


# --- JSON ---------------------------------------------------------------------------------------


def document(*findings: Finding, **changes: Any) -> Any:
    data = json.loads(json_report.render(view(*findings), Settings(), **changes))
    jsonschema.validate(data, SCHEMA)
    return data


def test_json_has_every_field_of_the_format() -> None:
    fix = Fix(FixLevel.EXACT, "do", (STEP,), (Edit(Place(1, 2, 1, 3), "é"),))
    item = finding(
        Place(2, 3, 4, 5),
        fix=fix,
        model="m",
        params_b=7.0,
        gpu="t4",
        cell=0,
        evidence={
            "basis": "not measured",
            "why": "so",
            "deployment": (2, 3),
            "per": MappingProxyType({"x": 1}),
        },
    )
    (data,) = document(item)["findings"]
    assert list(data) == [
        *("code", "name", "level", "confidence", "path", "line", "column", "end_line"),
        *("end_column", "cell", "message", "model", "params_b", "gpu", "context"),
        *("evidence", "cost", "fix"),
    ]
    assert data["fix"] == {
        "level": "exact",
        "description": "do",
        "edits": [
            {"line": 1, "column": 2, "end_line": 1, "end_column": 3, "cell": None, "text": "é"}
        ],
    }
    assert data["evidence"] == {
        "basis": "not measured",
        "why": "so",
        "deployment": [2, 3],
        "per": {"x": 1},
    }


def test_json_of_problems_and_of_a_repair() -> None:
    problem = Problem("path", "a\udcff.py", "no such file or directory")
    data = document(problems=[problem], fixed=[finding()])
    assert data["problems"][0]["path"] == "a\ufffd.py"
    assert data["summary"]["fixed"] == 1
    assert data["fixed"][0]["code"] == "ECO101"


def test_the_schema_is_a_schema_and_refuses() -> None:
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    data = document(finding())
    data["findings"][0]["line"] = 0
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(data, SCHEMA)


def test_json_of_a_run(ecolint: Command, write: Write) -> None:
    write("ü/a.py", TRAP)
    write("b.py", YELLOW)
    write("c.py", "def f(: load_in_8bit=True\n")
    result = ecolint("--format", "json", ".", "nope")
    data = result.json
    jsonschema.validate(data, SCHEMA)
    assert result.status == 2
    assert [item["path"] for item in data["findings"]] == ["b.py", "ü/a.py"]
    assert [item["code"] for item in data["problems"]] == ["ECO000", "path"]
    summary = data["summary"]
    assert (summary["files"], summary["examined"], summary["failed"]) == (3, 2, 1)
    assert summary["by_code"]["ECO101"] == 1
    repaired = ecolint("--fix", "--format", "json", "ü").json
    jsonschema.validate(repaired, SCHEMA)
    assert (len(repaired["fixed"]), repaired["findings"]) == (1, [])


def test_the_edits_in_json_are_the_repair(ecolint: Command, write: Write, tmp_path: Path) -> None:
    source = (
        "import torch\nfrom transformers import AutoModelForCausalLM, BitsAndBytesConfig\n"
        "é = '漢'; c = BitsAndBytesConfig(\n    load_in_8bit=True,  # eight\n)\n"
        "AutoModelForCausalLM.from_pretrained('m', quantization_config=c)\n"
    )
    path = write("a.py", source)
    (item,) = ecolint("--format", "json").json["findings"]
    edits = [
        Edit(
            Place(edit["line"], edit["column"], edit["end_line"], edit["end_column"]), edit["text"]
        )
        for edit in item["fix"]["edits"]
    ]
    ecolint("--fix")
    assert apply_edits(source, edits) == path.read_text() != source


# --- colour -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "env", "colored"),
    [
        ((), {}, False),
        (("--color", "always"), {}, True),
        ((), {"FORCE_COLOR": "1"}, True),
        ((), {"FORCE_COLOR": "0"}, False),
        ((), {"FORCE_COLOR": "1", "NO_COLOR": "1"}, False),
        (("--color", "always"), {"NO_COLOR": "1"}, True),
        (("--color", "never"), {"FORCE_COLOR": "1"}, False),
    ],
)
def test_colour(
    ecolint: Command, write: Write, options: tuple[str, ...], env: dict[str, str], colored: bool
) -> None:
    write("a.py", TRAP)
    plain = ecolint("-q").stdout
    drawn = ecolint("-q", *options, **env).stdout
    assert ("\x1b[" in drawn) is colored
    assert (drawn == plain) is not colored


def test_a_terminal_gets_colour_without_asking(tmp_path: Path, write: Write) -> None:
    import pty
    import subprocess

    from conftest import SCRIPTS, environment

    write("a.py", TRAP)
    ours, theirs = pty.openpty()
    with subprocess.Popen(
        [SCRIPTS / "ecolint", "-q"], cwd=tmp_path, stdout=theirs, env=environment(TERM="xterm")
    ):
        pass
    os.close(theirs)
    assert b"\x1b[" in os.read(ours, 4096)
    os.close(ours)


def test_a_terminal_that_knows_only_ascii(ecolint: Command, write: Write) -> None:
    write("a.py", IMPORT + "é = BitsAndBytesConfig(load_in_8bit=True)\n")
    drawn = ecolint(PYTHONIOENCODING="ascii").raw
    assert drawn.isascii()
    assert b"    2 | \\xe9 = BitsAndBytesConfig" in drawn
    data = ecolint("--format", "json", PYTHONIOENCODING="ascii")
    assert data.json["findings"]
