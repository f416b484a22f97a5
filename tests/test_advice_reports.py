"""Answers as text, Markdown and JSON: readable, complete, and described by the schema."""

from __future__ import annotations

import json
import re
from typing import Any

import jsonschema
import pytest
from advice_support import MISTRAL, MODELS, SCHEMA, answers, ask, check
from hypothesis import given, settings
from hypothesis import strategies as st

from ecocompute_lint.advice.compare import compare
from ecocompute_lint.advice.question import PRECISION_NAMES
from ecocompute_lint.knowledge.energy import Basis
from ecocompute_lint.knowledge.hardware import all_gpus
from ecocompute_lint.knowledge.precisions import PRECISIONS
from ecocompute_lint.report import advice, advice_json, document
from ecocompute_lint.report.document import Grid, Heading, Items, Paragraph
from ecocompute_lint.report.style import Style, cells
from ecocompute_lint.report.table import Column

# --- every input gets an answer -------------------------------------------------------------------


@settings(max_examples=30)
@given(
    st.sampled_from([gpu.slug for gpu in all_gpus()]),
    st.sampled_from(MODELS),
    st.sampled_from(PRECISION_NAMES),
    st.integers(1, 128),
    st.floats(0.01, 1e5),
    st.none() | st.floats(1, 2000),
)
def test_every_question_has_an_answer_in_every_format(
    gpu: str, model: str, name: str, batch: int, speed: float, power: float | None
) -> None:
    question = ask(model, gpu, batch_size=batch)
    for found, draw, plain in answers(question, name, speed, power):
        drawn = draw(found)
        for width in (80, 120, None):
            style = Style(unicode=width != 80, width=width)
            text = document.text(drawn, style, width)
            assert "doi:" in text.replace("\n", " ")
            if width is not None:
                assert max(map(cells, text.splitlines())) <= width
            if width == 80:
                assert text.isascii()
        check_markdown(document.markdown(drawn))
        check(json.loads(json.dumps(plain(found), allow_nan=False)))


def check_markdown(text: str) -> None:
    """Every table has as many cells in each row as in its head."""
    counts: list[int] = []
    for line in [*text.splitlines(), ""]:
        if line.startswith("|"):
            counts.append(len(re.findall(r"(?<!\\)\|", line)))
        else:
            assert len(set(counts)) <= 1
            counts = []


# --- the schema -----------------------------------------------------------------------------------


def test_the_schema_is_one_and_names_what_the_program_does() -> None:
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    definitions = SCHEMA["$defs"]
    assert definitions["basis"]["enum"] == [basis.label for basis in sorted(Basis, reverse=True)]
    assert definitions["precision"]["enum"] == [item.option for item in PRECISIONS]


def test_numbers_agree_between_json_and_the_choices() -> None:
    found = compare(ask(MISTRAL, "a800"))
    data = advice_json.comparison(found)
    assert [item["rank"] for item in data["choices"]] == [1, 2, 3, 4, 5]
    for item, choice in zip(data["choices"], found.ranked, strict=True):
        energy = choice.estimate.energy
        assert energy is not None
        assert item["energy_j_per_1k_tok"]["value"] == pytest.approx(energy.value, abs=1e-4)
        assert item["tokens_per_joule"] == pytest.approx(1000 / energy.value, abs=1e-6)
        assert choice.cost is not None
        assert item["per_month"]["usd"]["value"] == pytest.approx(choice.cost.usd.value, abs=1e-4)
    grouped = [name for item in data["measurements"] for name in item["rows"]]
    assert sorted(grouped) == sorted(data["rows"])
    assert data["citation"]["doi"] == "10.5281/zenodo.18900289"
    assert data["citation"]["own_files"] == []


# --- how it is drawn ------------------------------------------------------------------------------

BARS = Grid(
    (Column("name"), Column("value", True), Column("spare", True, 1)),
    [["one", "1", "a spare cell"], ["two", "2", ""], ["none", "", ""]],
    (1.0, 2.0, None),
    1,
    1,
)


def lines(block: Any, width: int | None, **style: Any) -> list[str]:
    return document.text([block], Style(width=width, **style), width).splitlines()


def test_bars_take_the_room_that_is_left() -> None:
    wide, narrow, least = (lines(BARS, width) for width in (60, 32, 14))
    assert wide[2].count("█") == 24
    assert "spare" in wide[0]
    assert narrow[2].count("█") == 32 - len("name  value  ")
    assert "spare" not in narrow[0]
    assert any("left out for want of room: spare" in line for line in narrow)
    assert "█" not in "".join(least)
    assert all(cells(line) <= 60 for line in wide)
    assert wide[1].count("█") * 2 == wide[2].count("█")


def test_bars_without_signs_and_in_markdown() -> None:
    assert "#" in lines(BARS, 60, unicode=False)[2]
    table = document.markdown([BARS])
    assert "| **two** | **2** | **████████████** |" in table


def test_what_stands_out_is_coloured() -> None:
    plain, painted = lines(BARS, 60), lines(BARS, 60, color=True)
    assert not any("\x1b" in line for line in plain)
    assert "\x1b" in painted[2]
    assert "\x1b" not in painted[1]
    lead = lines(Paragraph("and more", "First"), 60, color=True)
    assert lead[0].startswith("\x1b")
    assert lead[0].endswith(" and more")


def test_items_are_indented_and_numbered() -> None:
    found = lines(Items(["first words that are too long for one line", "second"], True), 40)
    assert found[0].startswith("1. first")
    assert found[1].startswith("   ")
    assert found[-1] == "2. second"


def test_markdown_means_what_it_says() -> None:
    text = document.markdown(
        [
            Heading("my_model *bold* #1", 1),
            Paragraph("a | b <i> _x_ [y](z) ~ int8_mixed `load_in_8bit=True` \\"),
        ]
    )
    title, paragraph = text.strip().split("\n\n")
    assert title == "# my_model \\*bold\\* \\#\u200b1"  # no link to an issue
    assert paragraph == (r"a \| b \<i\> \_x\_ \[y\](z) \~ int8_mixed `load_in_8bit=True` \\")


def test_a_hostile_name_stays_on_its_line() -> None:
    question = ask("evil\x1b[31m|name\n7b", "rtx4090d")
    drawn = advice.comparison(compare(question))
    for text in (document.text(drawn, Style(), None), document.markdown(drawn)):
        assert "\x1b" not in text
        assert "\\x0a" in text


def test_the_citation_closes_every_answer() -> None:
    for found, draw, _ in answers(ask(MISTRAL, "rtx4090d"), "nf4", 17.0, 80.0):
        last = document.markdown(draw(found)).strip().splitlines()[-1]
        assert last.startswith("Data: ")
        for word in ("Hongping Zhang", "10.5281/zenodo.18900289", "CC BY 4.0", " used: "):
            assert word in last
