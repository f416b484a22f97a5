"""Could a text matter at all? The first gate, before anything is parsed.

It looks for the words of the API tables. It never decides that something is wrong; it only says
that nothing can be. `screening` holds the second gate.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from ecocompute_lint.knowledge.apis import (
    COMMON_NEEDLES,
    LOADERS,
    LOADING,
    LOUD_NEEDLES,
    QUIET_OPTIONS,
)
from ecocompute_lint.knowledge.commands import FLAGS, PROGRAMS
from ecocompute_lint.knowledge.execution_apis import MODEL_WORDS
from ecocompute_lint.knowledge.runners import MAGIC_INSTALLS, RUNS
from ecocompute_lint.sources import kinds

_FLAGS = re.compile(FLAGS.pattern.encode())
_INSTALLS = re.compile(
    rb"(?:pip|mamba|conda|uv|poetry)\b.*\binstall|(?:pip|conda|mamba)_install|install_requires"
)
_RUNNING = (
    re.compile(rb"install_requires"),  # what setuptools runs
    re.compile(RUNS.encode()),
    re.compile(MAGIC_INSTALLS.encode(), re.MULTILINE),
)
_NO_RELEASE = re.compile(rb"nightl|dev\d|git\+|github\.com|continuous", re.IGNORECASE)


class _Needles:
    """Words, and whether one of them stands in a text."""

    def __init__(self, words: Iterable[str], usual: str = "") -> None:
        """`usual` is the word to look for first."""
        kept = sorted(words, key=lambda word: (word != usual, word))
        # A word that extends another is found in its place.
        shortest = [one for one in kept if not any(o != one and o in one for o in kept)]
        self._parts = tuple(word.encode() for word in shortest)
        self._longer = {
            part: tuple(word.encode() for word in kept if part.decode() in word)
            for part in self._parts
        }

    def inside(self, text: bytes) -> bool:
        """Whether a word stands there, maybe as a part of another. This is quick."""
        return any(word in text for word in self._parts)

    def stand_in(self, text: bytes) -> bool:
        """Whether a word stands there by itself."""
        return any(
            part in text and any(_stands(word, text) for word in self._longer[part])
            for part in self._parts
        )


_WORD_BYTES = frozenset(b"_0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ")


def _stands(word: bytes, text: bytes) -> bool:
    """Whether a word stands in a text with nothing beside it that would make it another word.

    What defines a function of that name does not count.
    """
    start = text.find(word)
    while start >= 0:
        end = start + len(word)
        before, after = text[start - 1 : start] if start else b"", text[end : end + 1]
        if (
            _WORD_BYTES.isdisjoint(before)
            and _WORD_BYTES.isdisjoint(after)
            and text[start - 4 : start] != b"def "
        ):
            return True
        start = text.find(word, end)
    return False


_LOUD = _Needles(LOUD_NEEDLES)
_COMMON = _Needles(COMMON_NEEDLES)
_LOADS = _Needles(LOADERS)
_LOADING = _Needles(LOADING)
_QUIET = _Needles(QUIET_OPTIONS)
_MODELS = _Needles(MODEL_WORDS, "transformers")
_PROGRAMS = _Needles(PROGRAMS)

# Comments and texts; what is wanted of them is only not to mistake one for the other. Nothing in
# them can match in two ways: a quote that is never closed costs no more than any other.
_PROSE = re.compile(
    rb"#[^\r\n]*"
    rb'|"""[^"\\]*(?:(?:\\.|"(?!""))[^"\\]*)*"""'
    rb"|'''[^'\\]*(?:(?:\\.|'(?!''))[^'\\]*)*'''"
    rb'|"[^"\\\r\n]*(?:\\.[^"\\\r\n]*)*"'
    rb"|'[^'\\\r\n]*(?:\\.[^'\\\r\n]*)*'",
    re.DOTALL,
)
_WORD = re.compile(rb"[\w.-]*")
_CODE_IN_PROSE = re.compile(rb"[fF][rR]?(?:\"\"\"|''')")

_gates = True


@contextmanager
def without_gates() -> Iterator[None]:
    """Every text matters, for tests of the gates."""
    global _gates
    before, _gates = _gates, False
    kinds.gated = False
    try:
        yield
    finally:
        kinds.gated = _gates = before


def gates_are_on() -> bool:
    """Whether texts are passed over that cannot matter."""
    return _gates


def may_matter(source: bytes | str, *, loads: bool = False, python: bool = False) -> bool:
    """The first gate: whether any word of the tables occurs in the raw text.

    With `loads` whatever loads a model matters, as it does to rules on a GPU that is configured.
    In `python` comments and docstrings do not count.
    """
    if not _gates:
        return True
    raw = source.encode("utf-8", "surrogatepass") if isinstance(source, str) else source
    if _PROGRAMS.inside(raw) and (loads or _FLAGS.search(raw)):
        return True
    if may_install(raw, python=python):
        return True
    needles = [_LOUD]
    of_models = _MODELS.inside(raw)
    if of_models:
        needles.append(_COMMON)
    if loads:
        needles.append(_LOADS)
    if not python:
        return any(words.inside(raw) for words in (*needles, _QUIET))

    def matters(text: bytes) -> bool:
        return (
            any(words.stand_in(text) for words in needles)
            or (of_models and _generates_elsewhere(text))
            or (_QUIET.stand_in(text) and _LOADING.stand_in(text))
        )

    return matters(raw) and matters(code_of(raw))


def _generates_elsewhere(raw: bytes) -> bool:
    """Whether a model is loaded and a word such as ``generate_stream`` stands beside it."""
    return (b"_generate" in raw or b"generate_" in raw) and _LOADS.stand_in(raw)


def code_of(raw: bytes) -> bytes:
    """A Python text without its comments and without texts of more than a word."""
    if _CODE_IN_PROSE.search(raw):
        return raw
    return _PROSE.sub(_code_in, raw)


def _code_in(match: re.Match[bytes]) -> bytes:
    text = match[0]
    quote = text[:1]
    if quote == b"#":
        return b""
    if text[:3] in (b'"""', b"'''"):
        return b'""'
    if _WORD.fullmatch(text, 1, len(text) - 1) or _is_formatted(match):
        return text
    return quote * 2


def _is_formatted(match: re.Match[bytes]) -> bool:
    prefix = match.string[max(match.start() - 2, 0) : match.start()]
    return b"f" in prefix or b"F" in prefix


def may_install(raw: bytes, *, python: bool = False) -> bool:
    """Whether a text may install what is no release. In `python` something has to run that."""
    if not any(map(_INSTALLS.search, _lines(raw, b"install"))) or not _NO_RELEASE.search(raw):
        return False
    return not python or any(pattern.search(raw) for pattern in _RUNNING)


def _lines(raw: bytes, word: bytes) -> Iterator[bytes]:
    """The lines of a text in which a word stands."""
    at = raw.find(word)
    while at >= 0:
        end = raw.find(b"\n", at)
        end = end if end >= 0 else len(raw)
        yield raw[raw.rfind(b"\n", 0, at) + 1 : end]
        at = raw.find(word, end)


def runs_models(text: str) -> bool:
    """Whether a call of a common name, such as `generate`, may be one of a language model."""
    return any(word in text for word in MODEL_WORDS)
