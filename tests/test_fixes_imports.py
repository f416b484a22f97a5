"""Names are spelled by the file's own imports, which gain what is missing."""

from __future__ import annotations

import ast

import pytest
from fixes_support import Case, cases, fix, place_of
from hypothesis import given
from hypothesis import strategies as st

from ecocompute_lint.findings import Edit, Place
from ecocompute_lint.fixes.apply import apply_edits
from ecocompute_lint.fixes.import_text import extend
from ecocompute_lint.fixes.imports import Imports
from ecocompute_lint.repairs import fix_text

CASES = cases("import")


def spell_name(text: str, tree: ast.Module, place: Place, dotted: str) -> tuple[str, Edit | None]:
    """How to write one dotted name at a place, and the edit that imports it, if one is needed."""
    imports = Imports(text, tree)
    expression, need = imports.spell(dotted, place)
    if need is None:
        return expression, None
    imports.add(need)
    return expression, imports.edits()[0]


@pytest.mark.parametrize("newline", ["\n", "\r\n"], ids=["lf", "crlf"])
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.title)
def test_case(case: Case, newline: str) -> None:
    before, after = (text.replace("\n", newline) for text in (case.before, case.after))
    fixed, plan = fix(before, *case.steps)
    assert fixed == after
    assert not plan.refused
    compile(fixed, "fixed", "exec", ast.PyCF_ONLY_AST)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.title)
def test_a_second_time_nothing_changes(case: Case) -> None:
    fixed, _ = fix(case.before, *case.steps)
    if any(step.startswith("move") for step in case.steps):
        return
    assert not fix(fixed, *case.steps)[1].edits


def test_an_import_further_down_has_not_run() -> None:
    text = (
        "from transformers import AutoModelForCausalLM as Model\n"
        "model = Model.from_pretrained('org/m-7b', load_in_8bit=True)\n"
        "from transformers import AutoModelForCausalLM as Model\n"
        "from transformers import BitsAndBytesConfig as BNB\n"
    )
    fixed = fix_text(text, path="a.py").text
    assert "quantization_config=BitsAndBytesConfig(" in fixed.splitlines()[1]
    assert "BitsAndBytesConfig" in fixed.splitlines()[0]


def test_an_import_is_added_only_for_what_is_written() -> None:
    text = "import os\nf(x for x in y)\n"
    fixed, plan = fix(text, "set t torch.bfloat16 import")
    assert fixed == text
    assert plan.refused
    text = "from settings import *\nf(t=torch.bfloat16)\n"
    assert fix(text, "set t torch.bfloat16 import")[0] == text  # it stands there already


@pytest.mark.parametrize(
    ("text", "dotted", "reason"),
    [
        ("def g(torch, torch_): f()\n", "torch.bfloat16", "no free name"),
        ("f(); import os\n", "nomodule", "names no module"),
        ("def g(a): f()\n", "a.b.c", "no free name"),
    ],
)
def test_refusal(text: str, dotted: str, reason: str) -> None:
    fixed, plan = fix(text, f"set t {dotted} import")
    assert fixed == text
    assert reason in plan.refused[0][1]


def test_global_names_are_not_trusted() -> None:
    text = "import torch\ndef h():\n    global torch\n    torch = 1\ndef g():\n    return f()\n"
    fixed, _ = fix(text, "set t torch.bfloat16 import")
    assert "f(t=torch_.bfloat16)" in fixed


@pytest.mark.parametrize(
    "binding",
    [
        "torch = 1",
        "for torch in x: pass",
        "with x as torch: pass",
        "del torch",
        "def torch(): pass",
        "class torch: pass",
        "x = [(torch := 1) for y in z]",
        "try: pass\nexcept E as torch: pass",
        "match x:\n    case [torch, *_]: pass",
        "match x:\n    case {**torch}: pass",
        "if x: torch = 1\nelse: pass",
        "from other import torch",
        "from . import torch",
    ],
)
def test_rebound_names(binding: str) -> None:
    fixed, _ = fix(f"import torch\n{binding}\nf()\n", "set t torch.bfloat16 import")
    assert "import torch as torch_\n" in fixed
    assert fixed.endswith("\nf(t=torch_.bfloat16)\n")


def test_spell_name() -> None:
    text = "from transformers import pipeline\nf()\n"
    tree = ast.parse(text)
    place = place_of(text, "f")
    name, edit = spell_name(text, tree, place, "transformers.BitsAndBytesConfig")
    assert name == "BitsAndBytesConfig"
    assert edit is not None
    line = "from transformers import BitsAndBytesConfig, pipeline\n"
    assert apply_edits(text, [edit]).startswith(line)
    assert spell_name(text, tree, place, "transformers.pipeline") == ("pipeline", None)


@given(
    st.lists(
        st.sampled_from(["A", "Bc", "b_c", "C as D", "XY", "pipeline"]), min_size=1, unique=True
    ),
    st.sampled_from(["{}", "({})", "({},)", "(\n    {}\n)", "(\n    {},\n)", "\\\n    {}"]),
    st.sampled_from([", ", ",", ",\n    ", ",  # note\n    ", ", \\\n    "]),
)
def test_extend_adds_one_name(names: list[str], form: str, joint: str) -> None:
    if "\n" in joint and "\\" not in joint and "(" not in form:
        joint = ", "
    text = f"from transformers import {form.format(joint.join(names))}"
    extended = extend(text, "BitsAndBytesConfig")
    node = ast.parse(extended).body[0]
    assert isinstance(node, ast.ImportFrom)
    written = [f"{n.name} as {n.asname}" if n.asname else n.name for n in node.names]
    assert [name for name in written if name != "BitsAndBytesConfig"] == names
    assert len(written) == len(names) + 1
    assert extended.count("# note") == text.count("# note")
    assert not any(line != line.rstrip() for line in extended.split("\n"))
