"""What the lobster says, in English and Chinese: catalogues of messages, read as data.

``en.yaml`` and ``zh.yaml`` hold the same keys with the same placeholders. ``zh.phrases.yaml`` pairs
the sentences that rules and answers are made of with Chinese ones. Placeholders of a phrase are
copied; those in capitals are phrases themselves and are translated in turn. What no phrase matches
stays as it is, so that a translation can never change a figure.
"""

from __future__ import annotations

import re
import string
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

from ecocompute_lint.frozen import dataclass

LANGUAGES = ("en", "zh")
_HERE = Path(__file__).resolve().parent
_LOCALE = ("LC_ALL", "LC_MESSAGES", "LANG")
_LONGEST = 4_000
_MOST = 4
"""So many sentences are one phrase at most."""
_DEEPEST = 12
_SHORT = ("LABEL", "OTHER", "A", "B", "BASIS", "M")
"""Gaps for names and single words, not for clauses."""
_CLAUSE = re.compile(r"[:.] |\)$")
_SENTENCE = re.compile(r"(?<=[.?]) (?=\S)")


def language(wanted: str, environment: Mapping[str, str]) -> str:
    """The language that is wanted; with ``auto`` that of the locale, English where it is another.

    The first of LC_ALL, LC_MESSAGES and LANG that is set decides, as for other programs.
    """
    if wanted in LANGUAGES:
        return wanted
    named = next((environment[name] for name in _LOCALE if environment.get(name)), "")
    found = re.split(r"[_.@-]", named, maxsplit=1)[0].lower()
    return found if found in LANGUAGES else LANGUAGES[0]


@lru_cache(maxsize=len(LANGUAGES))
def messages(name: str) -> dict[str, str]:
    """All messages of a language by their key: ``mood.red``."""
    return dict(_flat(_read(f"{name}.yaml"), ""))


def message(name: str, key: str, **values: object) -> str:
    """A message with its placeholders filled."""
    return messages(name)[key].format(**values)


def _read(file: str) -> Any:
    import yaml

    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    return yaml.load((_HERE / file).read_text(encoding="utf-8"), Loader=loader)


def _flat(tree: Mapping[str, Any], above: str) -> Iterator[tuple[str, str]]:
    for key, value in tree.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{above}{key}.")
        else:
            yield f"{above}{key}", str(value)


# --- phrases --------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Phrase:
    """A sentence with placeholders: literal texts with the names of the gaps between them."""

    literals: tuple[str, ...]
    names: tuple[str, ...]
    other: str

    def match(self, text: str) -> dict[str, str] | None:
        """What stands in the gaps, if `text` is this sentence. Linear in its length."""
        first, *rest = self.literals
        if not text.startswith(first):
            return None
        if not rest:
            return {} if text == first else None
        *inner, last = rest
        end = len(text) - len(last)
        if not text.endswith(last):
            return None
        found: dict[str, str] = {}
        position = len(first)
        for name, literal in zip(self.names, inner, strict=False):
            start = text.find(literal, position + 1, end)
            if start < 0:
                return None
            found[name] = text[position:start]
            position = start + len(literal)
        if position >= end:
            return None
        found[self.names[-1]] = text[position:end]
        return found


@lru_cache(maxsize=len(LANGUAGES))
def phrases(name: str) -> tuple[Phrase, ...]:
    """The phrases of a language, those with the most literal text first."""
    if not (_HERE / f"{name}.phrases.yaml").is_file():
        return ()
    pairs: Sequence[tuple[str, str]] = _read(f"{name}.phrases.yaml")
    found = [phrase(source, other) for source, other in pairs]
    return tuple(sorted(found, key=lambda item: -sum(map(len, item.literals))))


def phrase(source: str, other: str) -> Phrase:
    """A phrase from its two texts."""
    literals, names = [""], []
    for literal, name, _, _ in string.Formatter().parse(source):
        literals[-1] += literal
        if name is not None:
            names.append(name)
            literals.append("")
    return Phrase(tuple(literals), tuple(names), other)


@lru_cache(maxsize=4096)
def translated(name: str, text: str) -> str:
    """`text`, which is one sentence of ours or several, in a language; else as it is."""
    if not text or not phrases(name) or len(text) > _LONGEST:
        return text
    return "".join(_spaced([other or own for own, other in _sentences(name, text, 0)]))


def _sentences(name: str, text: str, depth: int) -> list[tuple[str, str | None]]:
    """The parts of a text that are phrases, as long as possible, each with its translation."""
    sentences = [text] if len(text) > _LONGEST else _SENTENCE.split(text)
    parts: list[tuple[str, str | None]] = []
    position = 0
    while position < len(sentences):
        for end in range(min(len(sentences), position + _MOST), position, -1):
            own = " ".join(sentences[position:end])
            other = _whole(name, own, depth)
            if other is not None or end == position + 1:
                parts.append((own, other))
                position = end
                break
    return parts


def _whole(name: str, text: str, depth: int) -> str | None:
    """The translation of a text that is one phrase."""
    for item in phrases(name):
        values = item.match(text)
        if values is not None and (filled := _filled(name, values, depth)) is not None:
            return item.other.format(**filled)
    return None


def _filled(name: str, values: Mapping[str, str], depth: int) -> dict[str, str] | None:
    """The gaps of a phrase, translated where they have to be; None where they cannot be."""
    filled = dict(values)
    for key, value in values.items():
        if key in _SHORT and _CLAUSE.search(value):
            return None
        if key.isupper():
            other = _inner(name, value, depth + 1)
            if other is None:
                return None
            filled[key] = other
        elif _SENTENCE.search(value):
            return None  # the gap swallowed the end of another sentence
    return filled


def _inner(name: str, text: str, depth: int) -> str | None:
    """What stands in a gap: phrases, or one word, which may be a name and stay as it is."""
    if depth > _DEEPEST:
        return None
    parts = _sentences(name, text, depth)
    if len(parts) == 1 and " " not in text:
        return parts[0][1] or text
    found = [other for _, other in parts if other is not None]
    return "".join(_spaced(found)) if len(found) == len(parts) else None


def _spaced(parts: Sequence[str]) -> Iterator[str]:
    """A space between sentences, but none behind a full stop as wide as a character."""
    for before, part in zip(("", *parts), parts, strict=False):
        yield part if not before or before.endswith(("。", "？", "！")) else f" {part}"
