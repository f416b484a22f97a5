"""Setting, removing and moving options, in every style authors write them."""

from __future__ import annotations

import ast
import subprocess
import sys

import pytest
from fixes_support import Case, cases, fix, operation

from ecocompute_lint.findings import Operation, Place
from ecocompute_lint.fixes.plan import plan_edits
from ecocompute_lint.repairs import fix_text
from ecocompute_lint.sources.text import LineMap

SETS, REMOVES, MOVES = (cases(kind) for kind in ("set", "remove", "move"))
ALL = [*SETS, *REMOVES, *MOVES]


@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r"], ids=["lf", "crlf", "cr"])
@pytest.mark.parametrize("case", ALL, ids=lambda case: case.title)
def test_case(case: Case, newline: str) -> None:
    before, after = (text.replace("\n", newline) for text in (case.before, case.after))
    fixed, plan = fix(before, *case.steps)
    assert fixed == after
    assert not plan.refused
    ast.parse(fixed)


@pytest.mark.parametrize("case", ALL, ids=lambda case: case.title)
def test_edits_are_trimmed_and_inside_the_target(case: Case) -> None:
    _, plan = fix(case.before, *case.steps)
    lines = LineMap(case.before)
    for edit in plan.edits:
        assert any(op.target.contains(edit.place) for op in plan.done)
        start, end = lines.span(edit.place)
        old, new = case.before[start:end], edit.text
        assert old or new
        if old and new and not old[0].isalnum() and not old[-1].isalnum():
            assert old[0] != new[0]
            assert old[-1] != new[-1]


REFUSALS = [
    ("x = f'{f(a=1)}'", ["set t 0.0"], "f-string"),
    ("x = f'''\n{f(a=1)}'''", ["set t 0.0"], "f-string"),
    ("f(x for x in y)", ["set t 0.0"], "generator"),
    ("f(*a)", ["set t 0.0 @0"], "unpacked"),
    ("f(a=1)", ["set t 0.0", "set t 1.0"], "two different values"),
    ("f(t=1)", ["set t 0.0", "remove t"], "also to be removed"),
    ("f(a=1)", ["remove t"], "not written there"),
    ("f(t, u, a=1)", ["remove t @0"], "move up"),
    (
        "f(load_in_8bit=True, quantization_config=q)",
        ["move quantization_config C"],
        "given already",
    ),
    ("f(a=1)", ["move quantization_config C"], "none of the options"),
    ("f(t=(  # why\n  1))", ["set t 0.0"], "comment would be lost"),
    ("f(a=1)", ["set t a b"], "not be valid"),
    ("f(a=1)", ["rename t u"], "unknown action"),
    (
        "f(\n  a=1\n  , load_in_4bit=True  # one\n  , load_in_8bit=False  # two\n)",
        ["move quantization_config C"],
        "comment would be lost",
    ),
]


@pytest.mark.parametrize(("text", "steps", "reason"), REFUSALS)
def test_refusal(text: str, steps: list[str], reason: str) -> None:
    fixed, plan = fix(text, *steps)
    assert reason in {op.action: why for op, why in plan.refused}[steps[0].split()[0]]
    assert len(plan.done) + len(plan.refused) == len(steps)
    if not plan.done:
        assert fixed == text
        assert not plan.edits


def test_a_refused_move_takes_its_settings_with_it() -> None:
    steps = ["move quantization_config C", "set llm_int8_threshold 0.0", "set device_map 0"]
    fixed, plan = fix("f(load_in_8bit=True, quantization_config=q)", *steps)
    assert fixed == "f(load_in_8bit=True, quantization_config=q, device_map=0)"
    assert [op.name for op in plan.done] == ["device_map"]


def test_a_setting_does_without_a_move_that_would_lose_a_comment() -> None:
    text = "f(\n  a=1\n  , load_in_4bit=False  # one\n  , load_in_8bit=True  # two\n)"
    fixed, plan = fix(text, "move quantization_config C", "set llm_int8_threshold 0.0")
    assert [(op.action, why) for op, why in plan.refused] == [("move", "a comment would be lost")]
    assert fixed == text.replace("  # two\n", "  # two\n  , llm_int8_threshold=0.0\n")


def test_inner_carrier_first_the_outer_in_a_later_round() -> None:
    text = "f(g(a=1), h(i(b=2)))\n"
    steps = ["set t 1 on f", "set t 1 on g", "set t 1 on h", "set t 1 on i"]
    fixed, plan = fix(text, *steps)
    assert fixed == "f(g(a=1, t=1), h(i(b=2, t=1)))\n"
    assert [why for _, why in plan.refused] == ["overlaps", "overlaps"]
    fixed, plan = fix(fixed, *steps)
    assert fixed == "f(g(a=1, t=1), h(i(b=2, t=1), t=1))\n"
    fixed, plan = fix(fixed, *steps)
    assert fixed == "f(g(a=1, t=1), h(i(b=2, t=1), t=1), t=1)\n"
    assert not fix(fixed, *steps)[1].edits


def test_two_calls_in_one_file() -> None:
    fixed, plan = fix("g(a=1); f(a=1)\nh()\n", "set t 1 on h", "set t 1 on g", "set t 1")
    assert fixed == "g(a=1, t=1); f(a=1, t=1)\nh(t=1)\n"
    assert [op.target.line for op in plan.done] == [2, 1, 1]


@pytest.mark.parametrize(
    ("place", "carrier"),
    [
        (Place(1, 1, 1, 4), "call"),
        (Place(1, 1, 1, 8), "dict"),
        (Place(1, 1, 1, 8), "list"),
        (Place(9, 1, 9, 4), "call"),
        (Place(1, 1, 1, 40), "call"),
    ],
)
def test_no_carrier_at_the_place(place: Place, carrier: str) -> None:
    asked = Operation("set", place, carrier, "t", "1")
    plan = plan_edits("f(a=1,)\n", [asked])
    assert plan.refused[0][0] == asked
    assert not plan.edits


def test_a_file_that_does_not_parse() -> None:
    asked = operation("f(a=1)\n", "set t 1")
    assert plan_edits("f(a=1)\n)\n", [asked]).refused == ((asked, "the file does not parse"),)


def test_a_tree_with_magics_blanked() -> None:
    text = "%matplotlib inline\n!pip install x\nimport os\nx = f(a=1)\n"
    tree = ast.parse("\n\nimport os\nx = f(a=1)\n")
    fixed, _ = fix(text, "set t torch.bfloat16 import", tree=tree)
    assert fixed == text.replace("os\n", "os\nimport torch\n").replace("1)", "1, t=torch.bfloat16)")


def test_mixed_newlines_stay() -> None:
    fixed, _ = fix("a = 1\r\nf(\n    a=1,\n    b=2,\r\n)\r", "set t 1")
    assert fixed == "a = 1\r\nf(\n    a=1,\n    b=2,\r\n    t=1,\r\n)\r"


def test_libcst_is_imported_only_to_edit() -> None:
    code = (
        "import sys, ecocompute_lint.fixes.plan as p, ecocompute_lint.fixes.apply\n"
        "p.plan_edits('x', [])\n"
        "assert 'libcst' not in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_what_is_so_already_is_no_repair() -> None:
    """The option is set later again, where no repair reaches it."""
    text = (
        "from transformers import BitsAndBytesConfig as B\n"
        "one = B(load_in_8bit=True, llm_int8_threshold=0.0)\n"
        "one.llm_int8_threshold = 6.0\n"
        "two = B(load_in_8bit=True)\n"
    )
    outcome = fix_text(text)
    assert outcome.text == text.replace("True)", "True, llm_int8_threshold=0.0)")
    assert [item.place.line for item in outcome.fixed] == [4]
    assert [(item.place.line, why) for item, why in outcome.refused] == [
        (2, "the edit would not mend it")
    ]
    assert outcome.left == ()
