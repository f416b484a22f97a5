"""What the words of a shell command are, and what removing each takes along."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ecocompute_lint.findings import Place
from ecocompute_lint.sources import kinds
from ecocompute_lint.sources.documents import UNKNOWN, Document, Unreadable, Word
from ecocompute_lint.sources.pieces import Piece
from ecocompute_lint.sources.shell import words_of
from ecocompute_lint.sources.text import LineMap

NAMES = {
    "shell": "serve.sh",
    "dockerfile": "Dockerfile",
    "make": "Makefile",
    "just": "justfile",
    "procfile": "Procfile",
    "systemd": "a.service",
    "batch": "a.bat",
}


def words(text: str) -> list[str]:
    return [word.text.replace(UNKNOWN, "?") for word in words_of(Piece.whole(text))]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a b  c\td", ["a", "b", "c", "d"]),
        ("a 'b c' \"d e\"", ["a", "b c", "d e"]),
        ("a b'c'\"d\"e", ["a", "bcde"]),
        (r"a b\ c \"d\"", ["a", "b c", '"d"']),
        ('a "b\\"c\\$d\\e"', ["a", 'b"c$d\\e']),
        ("a 'b\\c'", ["a", "b\\c"]),
        ("a $'b\\tc\\'d'", ["a", "b\tc'd"]),
        ('a $"b"', ["a", "b"]),
        ("a ''", ["a", ""]),
        ("a \\\n  b \\\n  c", ["a", "b", "c"]),
        ("a \\\r\n  b \\\r\n  c\r\n", ["a", "b", "c"]),
        ("a b\\\nc", ["a", "bc"]),
        ('a "b\\\nc"', ["a", "bc"]),
        ('a "b\nc"', ["a", "b\nc"]),
        ("a b # c", ["a", "b"]),
        ("a b#c", ["a", "b#c"]),
        ("a b > c 2>&1 < d 2> /dev/null", ["a", "b"]),
        ("a b >c&", ["a", "b"]),
        ("a b | c", ["a", "b"]),
        ("a b && c", ["a", "b"]),
        ("a b; c", ["a", "b"]),
        ("a $(b c) d", ["a", "?", "d"]),
        ('a "$(b "c d")" e', ["a", "?", "e"]),
        ("a `b c` d", ["a", "?", "d"]),
        ("a $((1 + 2)) d", ["a", "?", "d"]),
        ("a <(b c) d", ["a", "?", "d"]),
        ("a $b ${c} --d=$e", ["a", "?", "?", "--d=?"]),
        ("a ${b:-c} ${d-e}", ["a", "c", "e"]),
        ('a ${b:-"c d"} "${e:-f g}"', ["a", "c d", "f g"]),
        ("a ${b:-${c:-d}} ${e:-}", ["a", "d"]),
        ("a ${b:-$c} ${d%.*} ${e/f/g} ${#h}", ["a", "?", "?", "?", "?"]),
        ("a $ b$", ["a", "$", "b$"]),
        ("a {b,c}", ["a", "{b,c}"]),
        ("a 'b", ["a", "b"]),
        ('a "b', ["a", "b"]),
        ("X=1 a b", ["X=1", "a", "b"]),
    ],
)
def test_words(text: str, expected: list[str]) -> None:
    assert words(text) == expected


def removed(text: str, word: str) -> str:
    """The text without a word, as a fix leaves it."""
    (found,) = [one for one in words_of(Piece.whole(text)) if one.text == word]
    assert found.removal is not None
    start, end = LineMap(text).span(found.removal)
    return text[:start] + text[end:]


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("a --x b", "a b"),
        ("a b --x", "a b"),
        ("a b --x\n", "a b\n"),
        ("a b --x # why\n", "a b # why\n"),
        ("a b --x > log &\n", "a b > log &\n"),
        ("a \\\n  --x \\\n  b\n", "a \\\n  b\n"),
        ("a \\\n  b \\\n  --x\n", "a \\\n  b\n"),
        ("a \\\r\n  b \\\r\n  --x\r\n", "a \\\r\n  b\r\n"),
        ("a \\\r\n  --x \\\r\n  b\r\n", "a \\\r\n  b\r\n"),
        ("a --x \\\n  b\n", "a \\\n  b\n"),
        ("a \\\n  b --x \\\n  c\n", "a \\\n  b \\\n  c\n"),
        ("a \\\n  --x b \\\n  c\n", "a \\\n  b \\\n  c\n"),
        ("a \\\n  b \\\n  --x \\\n\nc\n", "a \\\n  b \\\n\nc\n"),
        ("a \\\n  b \\\n  --x; c\n", "a \\\n  b; c\n"),
        ("a '--x' b", "a b"),
    ],
)
def test_removing_a_word_leaves_a_tidy_command(text: str, left: str) -> None:
    assert removed(text, "--x") == left


# -- whatever the text

_TEXTS = st.text(alphabet=st.sampled_from("ab $\"'`\\{}()<>|&;#=-+:@!%^[]\n\r\t\0é"), max_size=60)
_PIECES = st.lists(
    st.sampled_from(
        [
            *("\n", "\r\n", " ", "  ", "\t", "\\\n", "\\\r\n", " \\\n  ", "^\r\n", ", "),
            *"""if |; then |else |fi|for x in |do |done|case | in |esac|;;|f() {|}|(|)|&&| [ -z
            |$(|${|${A:-|A=|A+=(|$A|${A[@]}|"|'|`|<<EOF|EOF|<<-E|bash -c |sudo |echo |#|<|>
            |vllm serve m|--enforce-eager|--dtype float32|--quantize bitsandbytes
            |text-generation-launcher |pip install torch==2.9.0.dev1|docker run -e |vllm/vllm-openai
            |FROM |RUN |CMD [|ENTRYPOINT |ENV |ARG |]|ONBUILD | AS |a:|$(A)|?=|:=|ExecStart=|web:
            |rem |set A=|%A%|{{""".split("|"),
        ]
    ),
    max_size=25,
).map("".join)


def _places(document: Document) -> list[Place]:
    found = [one.place for one in (*document.services, *document.packages, *document.blocks)]
    every: list[Word] = []
    for service in document.services:
        every += [*service.words, *service.environment.values(), *service.settings.values()]
        every += [service.image] if service.image is not None else []
    for word in every:
        found += [place for place in (word.place, word.removal, word.with_next) if place]
    return found


@pytest.mark.parametrize("kind", sorted(NAMES))
@settings(max_examples=150, deadline=None)
@given(text=_TEXTS | _PIECES)
def test_any_text_is_read_and_places_lie_inside_it(kind: str, text: str) -> None:
    try:
        document = kinds.read(kind, text, NAMES[kind])
    except Unreadable:
        return
    lines = LineMap(text)
    for place in _places(document):
        start, end = lines.span(place)
        assert 0 <= start <= end <= len(text)


@pytest.mark.parametrize(
    "text",
    [
        "vllm " + "${a:-" * 3000,
        "vllm " + '${a:-"' * 3000,
        "vllm " + "$(" * 3000,
        "vllm " + '"$(' * 3000,
        "(" * 3000 + "vllm serve m",
        "{ " * 3000 + "vllm serve m",
        "if a; then " * 3000 + "vllm serve m",
        'A=("${A[@]}" "${A[@]}" vllm)\n' * 100,
        "A=vllm\n" + 'A="$A$A"\n' * 100 + "$A serve m\n",
        "".join(f"f{i}() {{ f{i + 1}; f{i + 1}; }}\n" for i in range(300)) + "f0; vllm serve m",
    ],
)
def test_deep_and_growing_texts_are_read(text: str) -> None:
    kinds.read("shell", text, "serve.sh")
