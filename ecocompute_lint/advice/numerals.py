"""Numbers as people write them: ``1,000,000``, ``5k``, ``2 million``, ``100万``, ``五十万``."""

from __future__ import annotations

import re

from ecocompute_lint.frozen import dataclass


@dataclass(frozen=True, slots=True)
class Number:
    """A number and how it was written."""

    value: float
    text: str


_MULTIPLIERS = {
    "hundred": 1e2,
    "k": 1e3,
    "thousand": 1e3,
    "w": 1e4,
    "lakh": 1e5,
    "m": 1e6,
    "mn": 1e6,
    "mio": 1e6,
    "million": 1e6,
    "millions": 1e6,
    "crore": 1e7,
    "b": 1e9,
    "bn": 1e9,
    "billion": 1e9,
    "trillion": 1e12,
}
_WORDS = {
    word: value
    for value, word in enumerate(
        "one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen "
        "sixteen seventeen eighteen nineteen twenty".split(),
        1,
    )
} | {"thirty": 30, "forty": 40, "fifty": 50, "sixty": 60, "seventy": 70, "eighty": 80, "ninety": 90}
_DIGITS = {char: value for value, char in enumerate("零一二三四五六七八九")} | {"〇": 0, "两": 2}
_SMALL = {"十": 10, "百": 100, "千": 1000}
_LARGE = {"万": 10_000, "亿": 100_000_000}


def _any(words: object) -> str:
    assert isinstance(words, dict)
    return "|".join(sorted(words, key=len, reverse=True))


_PLAIN = r"(?:\d{1,3}(?:,\d{3})+|\d{1,3}(?:[_' ]\d{3})+(?!\d)|\d+)?(?:(?<!,)\.\d+)?"
_HAN = "".join((*_DIGITS, *_SMALL, *_LARGE))
_TIMES = rf"(?P<times>(?:\s*(?:{_any(_MULTIPLIERS)})(?![a-z]))*)"
# In this order: 3万5千 before 3, a number of words before a single letter.
_FORMS = (
    re.compile(rf"(?P<chinese>[+-]?(?:\d+(?:\.\d+)?[{_HAN}]+)+|[{_HAN}]+)"),
    re.compile(rf"(?P<digits>[+-]?(?=[\d.]){_PLAIN}(?:e[+-]?\d{{1,3}})?)(?![\d.,]*\d){_TIMES}"),
    re.compile(rf"(?P<word>{_any(_WORDS)})(?![a-z]){_TIMES}"),
    re.compile(rf"(?P<half>half an?)(?=\s+[a-z]){_TIMES}"),
    re.compile(rf"(?P<one>an?)(?=\s+(?:{_any(_MULTIPLIERS)})\b){_TIMES}"),
    re.compile(r"(?P<odd>[+-]?(?:nan|inf|infinity|∞))(?![a-z])"),
)


def leading_number(text: str) -> tuple[Number, str] | None:
    """The number that a lower-case `text` begins with, and what follows it; None without one."""
    for form in _FORMS:
        match = form.match(text)
        value = _value(match) if match else None
        if match and value is not None:
            return Number(value, match[0].strip()), text[match.end() :].strip()
    return None


def _value(match: re.Match[str]) -> float | None:
    parts = match.groupdict()
    if written := parts.get("chinese"):
        return _chinese(written)
    if parts.get("odd"):
        return float("nan")
    if written := parts.get("digits"):
        try:
            value = float(re.sub(r"[,_' ]", "", written))
        except ValueError:
            return None
    elif parts.get("half"):
        value = 0.5
    else:
        value = _WORDS.get(parts.get("word") or "", 1)
    for name in (parts["times"] or "").split():
        value *= _MULTIPLIERS[name]
    return value


def _chinese(text: str) -> float | None:
    """The value of Chinese numerals, with Arabic digits or without: 3千万, 五十万, 一万五."""
    sign = -1 if text.startswith("-") else 1
    total = section = 0.0
    number: float | None = None
    unit = 1
    for part in re.findall(r"\d+(?:\.\d+)?|.", text.lstrip("+-")):
        if part in _SMALL:
            unit = _SMALL[part]
            section += (1 if number is None else number) * unit
            number = None
        elif part in _LARGE:
            unit = _LARGE[part]
            section += number or 0
            if part == "亿":
                total = (total + section or 1) * unit
            else:
                total += (section or 1) * unit
            section, number = 0.0, None
        elif part in "零〇":
            unit = 1
        elif number is not None:
            return None
        else:
            number = float(_DIGITS.get(part, 0) or part)
    if number is not None:
        # 一万五 is 15 000: a last digit counts tenths of the unit before it.
        section += number * (unit / 10 if unit >= 100 else 1)
    return sign * (total + section)
