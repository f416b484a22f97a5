"""YAML as nodes: every character of a scalar knows where it stands in the file."""

from __future__ import annotations

import pytest

from ecocompute_lint.sources.documents import UNKNOWN, Unreadable
from ecocompute_lint.sources.pieces import Piece
from ecocompute_lint.sources.yaml_nodes import LARGEST, Listing, Record, Scalar, compose


def root(text: str) -> Record:
    node = compose(Piece.whole(text)).documents[0]
    assert isinstance(node, Record)
    return node


def scalar(text: str, key: str = "a") -> Scalar:
    node = root(text).get(key)
    assert isinstance(node, Scalar)
    return node


def found(text: str, word: str, key: str = "a") -> str:
    """What stands in the file where a word of a scalar is said to stand."""
    piece = scalar(text, key).piece
    start = piece.text.index(word)
    place = piece.place(start, start + len(word))
    first, last = piece.lines.span(place)
    return text[first:last]


@pytest.mark.parametrize(
    "text",
    [
        "a: vllm serve m --enforce-eager\n",
        "a: 'vllm serve it''s --enforce-eager'\n",
        'a: "vllm \\"serve\\" \\u00e9 \\t m --enforce-eager x"\n',
        "é: ü😀\na: !!str &x vllm serve --enforce-eager  # why\n",
        "a: |\n  vllm serve m \\\n    --enforce-eager \\\n    --port 1\n",
        "a: |2-\n    vllm\n  serve --enforce-eager\n\n\n",
        "a: >-\n  vllm serve m\n  --enforce-eager\n\n  x\n    deeper\n  y\n",
        "a:\n  vllm serve m\n  --enforce-eager\n\n  more\n",
        'a: "vllm serve \\\n  m --enforce-eager\n  \\n b"\n',
        "a: |\r\n  vllm serve\r\n  --enforce-eager\r\nb: 1\r\n",
        "\ufeffa: vllm --enforce-eager\n",
    ],
)
def test_a_word_of_any_scalar_is_where_it_is_said_to_be(text: str) -> None:
    assert found(text, "--enforce-eager") == "--enforce-eager"


def test_text_of_scalars_is_what_yaml_says() -> None:
    assert scalar("a: |\n  x\n\n  y\n").piece.text == "x\n\ny\n"
    assert scalar("a: >-\n  x\n  y\n\n  z\n").piece.text == "x y\nz"
    assert scalar('a: "x\\n\\\n  y"\n').piece.text == "x\ny"
    assert scalar("a: ''\n").piece.text == ""


def test_keys_given_twice_and_merged() -> None:
    node = root("x: &x {image: i, command: c}\na:\n  <<: *x\n  command: d\n  command: e\n")
    inner = node.record("a")
    assert inner is not None
    assert (inner.text("image"), inner.text("command")) == ("i", "e")
    assert inner.merged == {"image"}


def test_aliases_are_shared_and_never_expanded() -> None:
    lines = ["a0: &a0 [x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 60)]
    node = root("\n".join(lines))
    last = node.get("a59")
    assert isinstance(last, Listing)
    assert last.items[0] is last.items[8]


@pytest.mark.parametrize("text", ["[" * 100_000, "a: [\n", "a: b: c\n", "a:\n\t- b\n", "\x01"])
def test_what_is_no_yaml_or_too_deep_is_unreadable(text: str) -> None:
    with pytest.raises(Unreadable):
        compose(Piece.whole(text))


def test_a_merge_of_itself_is_no_loop() -> None:
    assert root("a: &a\n  <<: *a\n  b: 1\n").record("a") is not None


def test_large_texts_are_not_read() -> None:
    assert compose(Piece.whole("a: b\n" * (LARGEST // 4))).documents == []


def test_templates_are_unknown_and_offsets_stay() -> None:
    text = (
        "{{- if .Values.on }}\na: vllm serve {{ .Values.model }} --enforce-eager\n{{- end }}\n"
        'b: "{{ include "x" . }}"\n'
    )
    assert scalar(text).piece.text == f"vllm serve {UNKNOWN} --enforce-eager"
    assert scalar(text, "b").piece.text == UNKNOWN
    assert found(text, "--enforce-eager") == "--enforce-eager"
    node = scalar(text)
    branch = node.source.branch(node.start)
    assert branch is not None
    assert (branch.test, branch.decider) == ("if .Values.on", "caller")
    assert node.source.branch(scalar(text, "b").start) is None


def test_a_workflow_expression_is_unknown_to_its_dollar() -> None:
    assert scalar("a: pip install torch==${{ matrix.torch }}\n").piece.text == (
        f"pip install torch=={UNKNOWN}"
    )
