"""Which repairs are made of those that could be."""

from __future__ import annotations

from pathlib import Path

import pytest

from ecocompute_lint.config import Settings
from ecocompute_lint.findings import FixLevel
from ecocompute_lint.repairs import fix_text

MIXED = """from transformers import BitsAndBytesConfig
first = BitsAndBytesConfig(load_in_8bit=True)
second = BitsAndBytesConfig(load_in_8bit=True, llm_int8_threshold=0.0, bnb_4bit_quant_type="nf4")
"""
IN_ROWS = """from transformers import BitsAndBytesConfig
config = BitsAndBytesConfig(
    load_in_8bit=True,
    llm_int8_skip_modules=["lm_head"],{comment}
)
"""


def fixed(text: str, level: FixLevel = FixLevel.NUMERIC) -> str:
    return fix_text(text, path="a.py", settings=Settings(fix_level=level, root=Path.cwd())).text


def test_exact_repairs_are_made_beside_others_that_are_not_wanted() -> None:
    exact = MIXED.replace(', bnb_4bit_quant_type="nf4"', "")
    assert fixed(MIXED, FixLevel.EXACT) == exact
    assert fixed(MIXED) == exact.replace("8bit=True)", "8bit=True, llm_int8_threshold=0.0)")


@pytest.mark.parametrize(
    ("comment", "rewritten"),
    [("", True), ("  # noqa: E501", True), ("  # noqa: ECO101", False)],
)
def test_a_call_with_a_comment_against_the_rule_inside_is_left_as_it_is(
    comment: str, rewritten: bool
) -> None:
    text = IN_ROWS.format(comment=comment)
    assert (fixed(text) != text) is rewritten
