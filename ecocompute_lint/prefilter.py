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
)
from ecocompute_lint.knowledge.commands import FLAGS, PROGRAMS
from ecocompute_lint.knowledge.execution_apis import MODEL_WORDS, SILENT

_FLAGS = re.compile(FLAGS.pattern.encode())
_INSTALLS = re.compile(rb"(?:pip|mamba|conda|uv|poetry)\b.*\binstall|(?:pip|conda|mamba)_install")
_NO_RELEASE = re.compile(rb"nightl|dev\d|git\+|github\.com|continuous", re.IGNORECASE)


def _encoded(words: Iterable[str]) -> tuple[bytes, ...]:
    """The words that do not merely extend others, which would be found in their place."""
    kept = [word for word in words if not any(o != word and o in word for o in words)]
    return tuple(word.encode() for word in sorted(kept))


_LOUD = _encoded(LOUD_NEEDLES)
_QUIET = _encoded(SILENT)
_COMMON = _encoded(COMMON_NEEDLES)
_LOADS = _encoded(LOADERS)
_LOADING = _encoded(LOADING)
_MODELS = _encoded(MODEL_WORDS)
_PROGRAMS = _encoded(PROGRAMS)

# Comments and texts; what is wanted of them is only not to mistake one for the other.
_PROSE = re.compile(
    rb"#[^\n]*"
    rb'|"""(?:[^"\\]+|\\.|"(?!""))*"""'
    rb"|'''(?:[^'\\]+|\\.|'(?!''))*'''"
    rb'|"(?:[^"\\\n]+|\\.)*"'
    rb"|'(?:[^'\\\n]+|\\.)*'",
    re.DOTALL,
)
_PROSE_BEGINS = (b"#", b'"""', b"'''")
_CODE_IN_PROSE = re.compile(rb"[fF][rR]?(?:\"\"\"|''')")

_gates = True


@contextmanager
def without_gates() -> Iterator[None]:
    """Every text matters, for tests of the gates."""
    global _gates
    before, _gates = _gates, False
    try:
        yield
    finally:
        _gates = before


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
    if any(word in raw for word in _PROGRAMS) and (loads or _FLAGS.search(raw)):
        return True
    if may_install(raw):
        return True
    models = any(word in raw for word in _MODELS)
    return _words_matter(raw, models, loads) and (
        not python or _words_matter(code_of(raw), models, loads)
    )


def _words_matter(text: bytes, models: bool, loads: bool) -> bool:
    if any(word in text for word in _LOUD):
        return True
    if models and any(word in text for word in _COMMON):
        return True
    loading = any(word in text for word in _LOADING)
    if loads and loading and any(word in text for word in _LOADS):
        return True
    return any(word in text and (loading or telling(word, text)) for word in _QUIET)


def code_of(raw: bytes) -> bytes:
    """A Python text without its comments and docstrings, as far as that is plain to see."""
    if _CODE_IN_PROSE.search(raw):
        return raw
    return _PROSE.sub(_code_in, raw)


def _code_in(match: re.Match[bytes]) -> bytes:
    text = match[0]
    return b'""' if text.startswith(_PROSE_BEGINS) else text


def telling(option: bytes, code: bytes) -> bool:
    """Whether an option may have an unusual value somewhere."""
    return _UNUSUAL[option].search(code) is not None or _GIVEN_FALSE.search(code) is not None


def _unusual(option: str, usual: Iterable[str]) -> re.Pattern[bytes]:
    """Any sign of a value that is neither usual nor the same option, passed along."""
    silent = rf"(?:{'|'.join(sorted(usual))}|{option})\s*(?:[,)\]}}\n#]|$)"
    silent += rf"|{option} if {option} is not None else [\w.]*\b{option}\s*\n"
    annotation = r"(?::\s*[\w.|'\" ]*(?:\[[^\]]*\]+[\w.|'\" ]*)?)?"
    assigned = rf"\b{option}(?:[\"']\s*\])?\s*{annotation}[|&]?=(?!=)\s*(?!{silent})"
    keyed = rf"[\"']{option}[\"']\s*(?!\s|\]\s*=|:\s*(?:{silent}))"
    bound = rf"\b(?:for|as)\s[^:=\n]*\b{option}\b|\b{option}\s*,[^()\[\]\n=]*=(?!=)|--{option}"
    stored = rf"\.{option}\s*[|&]?=(?!=)"
    return re.compile(f"{assigned}|{keyed}|{bound}|{stored}".encode())


_UNUSUAL = {name.encode(): _unusual(name, usual) for name, usual in SILENT.items()}
_GIVEN_FALSE = re.compile(rb"[(,\[]\s*False\s*[,)\]]")


def may_install(raw: bytes) -> bool:
    """Whether a text may install what is no release."""
    return _NO_RELEASE.search(raw) is not None and _INSTALLS.search(raw) is not None


def runs_models(text: str) -> bool:
    """Whether a call of a common name, such as `generate`, may be one of a language model."""
    return any(word in text for word in MODEL_WORDS)
