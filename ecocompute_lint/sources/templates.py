"""Templates in YAML (Helm, Jinja, workflow expressions), made readable without changing offsets.

What a template fills in becomes placeholders of the same length, lines that hold nothing but
statements of the template become blank, and what stands between an ``if`` and its end is known to
depend on it.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from dataclasses import dataclass

from ecocompute_lint.sources.documents import Branch
from ecocompute_lint.sources.scalars import PLACEHOLDER

_TAG = re.compile(r"\$?\{\{.*?\}\}|\{%.*?%\}|\{#.*?#\}", re.DOTALL)
_WORD = re.compile(r"[{%$#-]+\s*(\w+|/\*)?([^%}]*)")
_OPENING = frozenset("if with range for define block unless".split())
_CLOSING = frozenset("end endif endfor endwith endblock".split())
_TURNING = frozenset({"else", "elif"})
_LONGEST_TAG = 4000


@dataclass(frozen=True, slots=True)
class Template:
    """A text with its template set aside, and where which condition holds from."""

    text: str
    starts: tuple[int, ...] = ()
    tests: tuple[str, ...] = ()

    def branch(self, offset: int) -> Branch | None:
        """The condition that holds at an offset."""
        index = bisect_right(self.starts, offset) - 1
        return Branch(self.tests[index]) if index >= 0 and self.tests[index] else None


def template_of(text: str) -> Template:
    """Set the template of a text aside."""
    if "{{" not in text and "{%" not in text:
        return Template(text)
    parts: list[str] = []
    starts: list[int] = []
    tests: list[str] = []
    open_tests: list[str] = []
    done = 0
    for tag in _TAG.finditer(text):
        if tag.end() - tag.start() > _LONGEST_TAG:
            continue
        parts.append(text[done : tag.start()])
        parts.append(_stand_in(text, tag))
        done = tag.end()
        word = _WORD.match(tag.group())
        keyword = (word.group(1) or "") if word and not tag.group().startswith("$") else ""
        if keyword in _OPENING:
            open_tests.append(f"{keyword} {word.group(2).strip(' -') if word else ''}".strip())
        elif keyword in _CLOSING and open_tests:
            open_tests.pop()
        elif keyword in _TURNING and open_tests:
            open_tests[-1] = f"not ({open_tests[-1]})"
        else:
            continue
        starts.append(tag.end())
        tests.append(next((test for test in reversed(open_tests) if _is_test(test)), ""))
    parts.append(text[done:])
    return Template("".join(parts), tuple(starts), tuple(tests))


def _is_test(test: str) -> bool:
    return not test.startswith(("define", "block"))


def _stand_in(text: str, tag: re.Match[str]) -> str:
    """Blanks for a tag that has its lines to itself, placeholders for one amid other text."""
    filler = " " if _alone(text, tag.start(), tag.end()) else PLACEHOLDER
    return re.sub(r"[^\r\n]", filler, tag.group()) if filler == " " else filler * len(tag.group())


def _alone(text: str, start: int, end: int) -> bool:
    """Whether nothing but tags stands on the lines of a tag."""
    before = text[max(text.rfind("\n", 0, start), text.rfind("\r", 0, start)) + 1 : start]
    behind = re.match(r"[^\r\n]*", text[end : end + 2000])
    rest = behind.group() if behind else ""
    return not _TAG.sub("", before).strip() and not _TAG.sub("", rest).strip()
