"""Properties of notebooks: an edit of the joined cells changes one source and nothing else."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from hypothesis import assume, given
from hypothesis import strategies as st
from notebook_support import as_lines, code, notebook, prose

from ecocompute_lint.findings import Edit, Place
from ecocompute_lint.fixes.apply import apply_edits
from ecocompute_lint.sources.notebook import CannotRewrite, Notebook, read
from ecocompute_lint.sources.text import LineMap

LINES = (
    "x = 1", "print('é 🚀')", 's = "a\\tb\\\\n"', "# \u2028 no line end of Python", "", "  ",
    "def f(a,\n      b):\n    return a", "y = x  # \x7f", 'q = """\n%text\n!"""', "p = 'c:/'",
    "x = 2\r",
)  # fmt: skip
MAGICS = (
    "!pip install -q torch", "%matplotlib inline", "%time z = f(1, 2)", "files = !ls *.py",
    "f?", "!pip install \\\n  torch \\\n  accelerate", "if x:\n    !ls",
)  # fmt: skip
FIRST = ("", "", "", "%%time\n", "%%capture out\n\n")
INSERTED = st.text(st.sampled_from("ab\"\\'\n\té🚀\u2028/{},:[]#"), max_size=12)
LOOKALIKE = '"source": ["import torch\\n", {"cell_type": "code"}], \\"cells\\": ['


@dataclass(frozen=True)
class Written:
    """A notebook, and the text that a program wrote of it."""

    data: dict[str, Any]
    raw: str


@st.composite
def texts(draw: st.DrawFn) -> str:
    lines = draw(st.lists(st.sampled_from(LINES + MAGICS), min_size=1, max_size=6))
    end = draw(st.sampled_from(["", "\n", "\n\n"]))
    return draw(st.sampled_from(FIRST)) + "\n".join(lines) + end


@st.composite
def kept(draw: st.DrawFn, text: str) -> str | list[str]:
    """A source as one string, as lines, or cut anywhere."""
    way = draw(st.sampled_from(["string", "lines", "lines", "cut"]))
    if way == "string":
        return text
    if way == "lines":
        return as_lines(text)
    cuts = sorted(draw(st.lists(st.integers(0, len(text)), max_size=4)))
    return [text[a:b] for a, b in zip([0, *cuts], [*cuts, len(text)], strict=True)]


@st.composite
def notebooks(draw: st.DrawFn) -> Written:
    cells = []
    for _ in range(draw(st.integers(1, 4))):
        if draw(st.booleans()):
            cells.append(prose(LOOKALIKE))
        cell = code([], LOOKALIKE, "é\n")
        cell["source"] = draw(kept(draw(texts())))
        cells.append(cell)
    data = notebook(*cells)
    raw = json.dumps(
        data,
        indent=draw(st.sampled_from([None, 0, 1, 2, 4, "\t"])),
        ensure_ascii=draw(st.booleans()),
        separators=draw(st.sampled_from([None, (",", ":"), (" , ", ": ")])),
    )
    if draw(st.booleans()):
        raw = raw.replace("\n", "\r\n")  # the line ends of JSON; those of sources are escaped
    return Written(data, raw + draw(st.sampled_from(["", "\n"])))


def source_of(cell: dict[str, Any]) -> str:
    return "".join(cell["source"])


def joined_place(read_: Notebook, cell: int, source: str, start: int, end: int) -> Place:
    """Where a span of a cell's source stands in the joined text."""
    first = read_.joined_line(cell, 1)
    assert first is not None
    place = LineMap(source).place(start, end)
    return Place(place.line + first - 1, place.column, place.end_line + first - 1, place.end_column)


@given(notebooks())
def test_every_position_of_a_cell_is_found_again(sample: Written) -> None:
    found = read(sample.raw)
    joined = LineMap(found.python)
    for index, cell in enumerate(sample.data["cells"]):
        if cell["cell_type"] != "code":
            continue
        source = source_of(cell)
        assert found.source(index) == source
        if found.joined_line(index, 1) is None:
            continue
        lines = LineMap(source)
        for offset in range(len(source) + 1):
            place = joined_place(found, index, source, offset, offset)
            assert found.locate(place) == (index, lines.place(offset, offset))
        for line in range(1, lines.lines + (not source.endswith("\r"))):
            at = joined_place(found, index, source, *(lines.offset(line, 1),) * 2).line
            assert len(joined.line_text(at)) == len(lines.line_text(line))


@given(notebooks(), st.data())
def test_an_edit_changes_one_source_and_nothing_else(sample: Written, data: st.DataObject) -> None:
    found = read(sample.raw)
    joined = [i for i, _ in enumerate(sample.data["cells"]) if found.joined_line(i, 1)]
    assume(joined)
    index = data.draw(st.sampled_from(joined))
    before = sample.data["cells"][index]
    source = source_of(before)
    a, b = sorted(data.draw(st.tuples(*[st.integers(0, len(source))] * 2)))
    new = data.draw(INSERTED)
    place = joined_place(found, index, source, a, b)
    try:
        edit = found.raw_edit(Edit(place, new))
    except CannotRewrite:
        assert any(sign in source for sign in "%!?")
        return
    raw = apply_edits(sample.raw, [edit])
    after = json.loads(raw)
    got = after["cells"][index].pop("source")
    assert "".join(got) == source[:a] + new + source[b:]
    kind = sample.data["cells"][index]["source"]
    assert isinstance(got, type(kind))
    if isinstance(got, list) and kind == as_lines(source):
        assert got == as_lines("".join(got))
    others = json.loads(json.dumps(sample.data))
    others["cells"][index].pop("source")
    assert after == others
    untouched(sample, index, raw)


def untouched(sample: Written, index: int, raw: str) -> None:
    """Whatever stands before and behind the source is the same to the byte."""
    cell = next(one for one in read(sample.raw).cells if one.index == index)
    end = len(sample.raw) - cell.source.end
    assert raw[: cell.source.start] == sample.raw[: cell.source.start]
    assert raw[len(raw) - end :] == sample.raw[cell.source.end :]


@given(notebooks(), st.data())
def test_what_stays_of_a_list_stays_as_it_is_written(sample: Written, data: st.DataObject) -> None:
    """A new line becomes a string of its own between the others, in the style of the list."""
    found = read(sample.raw)
    lists = [
        i
        for i, cell in enumerate(sample.data["cells"])
        if found.joined_line(i, 1) and len(cell["source"]) > 1
        and cell["source"] == as_lines(source_of(cell))
    ]  # fmt: skip
    assume(lists)
    index = data.draw(st.sampled_from(lists))
    cell = next(one for one in found.cells if one.index == index)
    source = source_of(sample.data["cells"][index])
    at = data.draw(st.integers(0, len(cell.source.strings) - 1))
    offset = sum(map(len, sample.data["cells"][index]["source"][:at]))
    place = joined_place(found, index, source, offset, offset)
    try:
        raw = apply_edits(sample.raw, [found.raw_edit(Edit(place, "import new\n"))])
    except CannotRewrite:
        return
    begin, behind = cell.source.strings[0][1], cell.source.strings[1][0]
    between = sample.raw[begin:behind]
    start = cell.source.strings[at][0]
    expected = f'"import new\\n"{between}'
    assert raw == sample.raw[:start] + expected + sample.raw[start:]


@given(st.binary(max_size=200), st.text(max_size=200))
def test_any_text_is_read_or_refused(data: bytes, text: str) -> None:
    from ecocompute_lint.notebooks import audit_notebook

    for raw in (data.decode("utf-8", "replace"), text, json.dumps([text]), json.dumps(text)):
        assert audit_notebook(raw, thorough=True).status in ("skipped", "failed", "examined")


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(max_size=5),
        lambda inner: (
            st.lists(inner, max_size=4)
            | st.dictionaries(
                st.sampled_from(
                    ["cells", "source", "cell_type", "metadata", "worksheets", "input"]
                ),
                inner | st.just("code"),
                max_size=4,
            )
        ),
        max_leaves=30,
    )
)
def test_any_json_is_read(data: Any) -> None:
    read(json.dumps(data))
    read(json.dumps({"cells": data}))
    read(json.dumps({"cells": [{"cell_type": "code", "source": data, "metadata": data}]}))
    read(json.dumps({"worksheets": [{"cells": data}], "metadata": data}))
