"""Properties of the repair layer over generated calls and dicts in any layout."""

from __future__ import annotations

import ast
import io
import re
import tokenize
from collections import Counter
from dataclasses import dataclass

from fixes_support import LEGACY, fix, place_of
from hypothesis import given
from hypothesis import strategies as st
from properties_support import examples

from ecocompute_lint.sources.text import LineMap

NAMES = ("a", "b", "device_map", *LEGACY[:4])
VALUES = (
    "1", "True", '"#x"', "'é🚀'", "g(1, b=2)", "[1,  # in\n  2]", "x if y else z",
    "lambda q: q", '"""two\nlines"""', "{'a': 1}", "(yy := 3)", "not a", "f'{x}'",
)  # fmt: skip
GAPS = ("", "", " ", "\n", "\n    ", "\n\t", "  # c\n    ", "\n    # own\n    ", " \\\n  ")
HEADERS = ("", "import os\n", "import torch\n", "from transformers import A\n", '"""Doc."""\n\n')


@dataclass(frozen=True)
class Sample:
    """A text with one carrier, and the options it gives."""

    text: str
    target: str
    names: tuple[str, ...]
    tidy: bool
    noted: tuple[str, ...]
    """Options whose value holds a comment."""


@st.composite
def rows(draw: st.DrawFn, count: int) -> list[str]:
    """Gaps of a tidy layout: one item per line."""
    own = draw(st.sampled_from(["\n    ", "\n\t", "\n        "]))
    notes = st.sampled_from(["", "", "  # n", f"{own}# above"])
    return ["", *(draw(notes) + own for _ in range(count))]


@st.composite
def samples(draw: st.DrawFn) -> Sample:
    """A call of ``f`` or a dict display, one-line, tidy or as untidy as Python allows."""
    kind = draw(st.sampled_from(["call", "dict"]))
    names = draw(st.lists(st.sampled_from(NAMES), unique=True, max_size=5))
    values = [draw(st.sampled_from(VALUES)) for _ in names]
    if kind == "call":
        eq = draw(st.sampled_from(["=", " = "]))
        items = [f"{name}{eq}{value}" for name, value in zip(names, values, strict=True)]
        items = [*draw(st.lists(st.sampled_from(["p", "*q", "h(1)"]), max_size=2)), *items]
        items = sorted(items, key=lambda item: 2 if "=" in item else int(item == "*q"))
    else:
        quote = draw(st.sampled_from("'\""))
        items = [f"{quote}{n}{quote}: {v}" for n, v in zip(names, values, strict=True)]
    if draw(st.booleans()):
        items.append("**kw")
    layout = draw(st.sampled_from(["line", "rows", "wild"]))
    if layout == "rows":
        gaps = draw(rows(len(items) + 1))
    else:
        choice = st.sampled_from(GAPS) if layout == "wild" else st.just("")
        gaps = [draw(choice) for _ in range(len(items) + 2)]
    body = gaps[1]
    for index, item in enumerate(items):
        last = index == len(items) - 1
        before = draw(st.sampled_from(GAPS)) if layout == "wild" else ""
        after = gaps[index + 2] or ("" if last else " ")
        comma = "" if last and draw(st.booleans()) else ","
        body += f"{item}{before}{comma}{after}"
    opening, closing = ("f(", ")") if kind == "call" else ("{", "}")
    header = draw(st.sampled_from(HEADERS))
    around = draw(st.sampled_from(["x = {}\n", "def g():\n    return ({}\n        .h)  # end\n"]))
    text = header + "s = 'ü'; y = 1\n" + around.format("@").replace("@", opening + body + closing)
    noted = tuple(name for name, value in zip(names, values, strict=True) if "# in" in value)
    return Sample(text, "f" if kind == "call" else "{", tuple(names), layout != "wild", noted)


def arguments(text: str, target: str) -> dict[str, str]:
    """Every argument of the carrier, by name or position, dumped."""
    place = place_of(text, target)
    lines = LineMap(text)
    node = next(
        n for n in ast.walk(ast.parse(text)) if isinstance(n, ast.expr) and lines.node(n) == place
        and isinstance(n, (ast.Call, ast.Dict))
    )  # fmt: skip
    found: dict[str, str] = {}
    if isinstance(node, ast.Call):
        found = {str(index): ast.dump(arg) for index, arg in enumerate(node.args)}
        found |= {keyword.arg or "**": ast.dump(keyword.value) for keyword in node.keywords}
    elif isinstance(node, ast.Dict):
        for key, value in zip(node.keys, node.values, strict=True):
            found[ast.literal_eval(key) if key else "**"] = ast.dump(value)
    return found


def outside(text: str, target: str) -> tuple[str, str]:
    """What stands before and after the carrier."""
    start, end = LineMap(text).span(place_of(text, target))
    return text[:start], text[end:]


def comments(text: str) -> Counter[str]:
    """The comments of a text."""
    tokens = tokenize.generate_tokens(io.StringIO(text).readline)
    return Counter(token.string for token in tokens if token.type == tokenize.COMMENT)


def litter(text: str) -> int:
    """Blank lines and trailing spaces."""
    return len(re.findall(r"[ \t]+$|^\s*?\n", text, re.MULTILINE))


def value(dump: str) -> str:
    """The dump of an expression."""
    return ast.dump(ast.parse(dump, mode="eval").body)


@examples(60)
@given(samples(), st.sampled_from([*NAMES, "llm_int8_threshold"]))
def test_set(sample: Sample, name: str) -> None:
    on = f" on {sample.target}"
    fixed, plan = fix(sample.text, f"set {name} 0.0{on}")
    before, after = (arguments(text, sample.target) for text in (sample.text, fixed))
    if not plan.done:
        assert name in sample.noted
        assert fixed == sample.text
        return
    assert after.pop(name) == value("0.0")
    before.pop(name, None)
    assert list(after.items()) == list(before.items())
    assert outside(fixed, sample.target) == outside(sample.text, sample.target)
    assert comments(fixed) == comments(sample.text)
    assert litter(fixed) <= litter(sample.text)
    again, plan = fix(fixed, f"set {name} 0.0{on}")
    assert again == fixed
    assert not plan.edits
    assert plan.done


@examples(60)
@given(samples(), st.data())
def test_remove(sample: Sample, data: st.DataObject) -> None:
    name = data.draw(st.sampled_from(sample.names or ("a",)))
    fixed, plan = fix(sample.text, f"remove {name} on {sample.target}")
    if not plan.done:
        assert fixed == sample.text
        assert name not in sample.names or not sample.tidy
        return
    before, after = (arguments(text, sample.target) for text in (sample.text, fixed))
    before.pop(name)
    assert list(after.items()) == list(before.items())
    assert outside(fixed, sample.target) == outside(sample.text, sample.target)
    assert litter(fixed) <= litter(sample.text)
    assert len(fixed) < len(sample.text)


@examples(60)
@given(samples())
def test_move(sample: Sample) -> None:
    fixed, plan = fix(sample.text, f"move quantization_config C on {sample.target}")
    moved = [name for name in sample.names if name in LEGACY]
    if not plan.done:
        assert fixed == sample.text
        assert not moved or not sample.tidy
        return
    before, after = (arguments(text, sample.target) for text in (sample.text, fixed))
    config = arguments(fixed, "C")
    assert config == {name: before.pop(name) for name in moved}
    after.pop("quantization_config")
    assert list(after.items()) == list(before.items())
    assert outside(fixed, sample.target) == outside(sample.text, sample.target)
    assert comments(fixed) == comments(sample.text)


@examples(40)
@given(samples(), st.sampled_from(["torch.bfloat16", "transformers.BitsAndBytesConfig"]))
def test_a_name_that_needs_an_import(sample: Sample, dotted: str) -> None:
    on = f" on {sample.target}"
    fixed, plan = fix(sample.text, f"set new {dotted} import{on}")
    assert plan.done
    head, tail = outside(fixed, sample.target)
    old_head, old_tail = outside(sample.text, sample.target)
    assert tail == old_tail
    # Without the import line, or the name in it, the text before the call is what it was.
    added = {"import torch", "from transformers import BitsAndBytesConfig"}
    lines = [line.replace(", BitsAndBytesConfig", "") for line in head.split("\n")]
    if "import torch" in old_head:
        added.discard("import torch")
    ours = [line for line in lines if line not in added and line]
    assert ours == [line for line in old_head.split("\n") if line]
    assert any(dotted.split(".")[0] in line for line in head.split("\n") if "import " in line)
    assert fix(fixed, f"set new {dotted} import{on}")[1].edits == ()
