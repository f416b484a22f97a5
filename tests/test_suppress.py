from __future__ import annotations

import io
import tokenize

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ecocompute_lint.suppress import Suppressions


def covers(text: str, code: str = "ECO101", line: int = 1) -> bool:
    return Suppressions.from_text(text).covers(code, [line])


@pytest.mark.parametrize(
    "comment",
    [
        "# noqa",
        "#noqa",
        "# NOQA",
        "# NoQA:eco101",
        "# noqa: ECO101",
        "# noqa : ECO101",
        "# noqa: E501, ECO101",
        "# noqa: E501,ECO101",
        "# noqa: E501 ECO101",
        "# noqa:ECO",
        "# noqa: ECO1",
        "# noqa: eco",
        "# noqa: measured, worth it",
        "# type: ignore  # noqa: ECO101",
        "# ecolint: ignore",
        "# ecolint: ignore[ECO101]",
        "# ecolint: ignore[eco1] quality matters more here",
        "# ecolint:ignore[ECO2, ECO101]",
    ],
)
def test_a_comment_silences_its_line(comment: str) -> None:
    assert covers(f"x = 1  {comment}\ny = 2\n")
    assert not covers(f"x = 1  {comment}\ny = 2\n", line=2)


@pytest.mark.parametrize(
    "text",
    [
        "x = 1  # noqa: E501\n",
        "x = 1  # noqa: E501 because eco mode is on\n",
        "x = 1  # noqa: E, W, F\n",
        "x = 1  # noqa: ECO102\n",
        "x = 1  # noqaaa\n",
        "x = 1  # flake8: noqa\n",
        "x = 1  # ecolint: ignore[ECO102]\n",
        "x = '# noqa'\n",
        'x = """ # noqa: ECO101\n"""\n',
        "x = 'it\\'s # noqa'\n",
        "x = b'# noqa' + '\\\\' + '# noqa'\n",
        "noqa = 1\n",
    ],
)
def test_other_codes_words_and_strings_do_not(text: str) -> None:
    assert not covers(text)


def test_lines_are_counted_as_python_counts_them() -> None:
    text = 'a = """\r\n\x0c"""\rb = \'x\\\n\'\nc = 1  # noqa\n'
    assert list(Suppressions.from_text(text).lines) == [5]


def test_any_line_of_a_finding_counts() -> None:
    text = "f(\n    a,\n    b=1,  # noqa: ECO101\n)\n"
    assert Suppressions.from_text(text).covers("ECO101", [1, 3])
    assert not Suppressions.from_text(text).covers("ECO101", [1, 4])


def test_the_codes_of_user_rules() -> None:
    assert covers("x  # noqa: ACME001\n", "ACME001")
    assert covers("x  # noqa: ACME\n", "ACME001")
    assert not covers("x  # noqa: AC, ME\n", "ACME001")


def test_skip_file_is_a_comment() -> None:
    assert Suppressions.from_text("import os\n# ecolint: skip-file\n").skip_file
    assert not Suppressions.from_text("'# ecolint: skip-file'\n").skip_file
    assert not Suppressions.from_text("# ecolint: skip-files\n").skip_file


def test_lines_that_are_no_python_do_not_hide_comments() -> None:
    text = "!echo don't\n%matplotlib inline\nx = 1  # noqa\n"
    assert covers(text, line=3)


PIECES = [
    "'",
    '"',
    "'''",
    '"""',
    "#",
    "noqa",
    "# noqa",
    "\\",
    "\n",
    "\r\n",
    " ",
    "x",
    "=",
    "(",
    ")",
]


@given(st.lists(st.sampled_from(PIECES), max_size=25).map("".join))
def test_comments_are_those_of_the_tokenizer(text: str) -> None:
    try:
        tokens = list(tokenize.generate_tokens(io.StringIO(text, newline="").readline))
        compile(text, "x", "exec")
    except (tokenize.TokenError, SyntaxError):
        return
    comments = [token for token in tokens if token.type == tokenize.COMMENT]
    expected = [t.start[0] for t in comments if "# noqa" in t.string or "#noqa" in t.string]
    # A word that goes on ("noqax") is no noqa.
    found = Suppressions.from_text(text).lines
    assert set(found) <= set(expected)
    assert {t.start[0] for t in comments if t.string.rstrip() == "# noqa"} <= set(found)


def test_a_comment_above_a_line_of_another_kind_of_file_holds_for_it() -> None:
    text = "# ecolint: ignore[ECO306] graphs do not fit\n# a word\n\nvllm serve a\nvllm serve b\n"
    found = Suppressions.from_text(text, python=False)
    assert [line for line in range(1, 6) if found.covers("ECO306", [line])] == [1, 4]
    assert not found.covers("ECO302", [4])
