"""Templates in YAML (Helm, Jinja, workflow expressions), made readable without changing offsets.

What a template fills in becomes placeholders of the same length, lines that hold nothing but
statements of the template become blank, and what stands between an ``if`` and its end is known to
depend on it.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator

from ecocompute_lint.frozen import dataclass
from ecocompute_lint.sources.documents import Branch
from ecocompute_lint.sources.scalars import PLACEHOLDER

_OPENS = re.compile(r"\$?\{\{|\{%")
_TAG = re.compile(r"\$?\{\{.{0,400}?\}\}|\{%.{0,400}?%\}")
_WORD = re.compile(r"[{%$#-]+\s*(\w+|/\*)?([^%}]*)")
_OPENING = frozenset("if with range for define block unless".split())
_CLOSING = frozenset("end endif endfor endwith endblock".split())
_TURNING = frozenset({"else", "elif"})
_LONGEST_TAG = 4000
_LONGEST_LINE = 300


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
    for start, end in _tags(text):
        tag = text[start:end]
        parts.append(text[done:start])
        parts.append(_stand_in(text, start, end))
        done = end
        word = _WORD.match(tag)
        keyword = (word.group(1) or "") if word and not tag.startswith("$") else ""
        if keyword in _OPENING:
            open_tests.append(f"{keyword} {word.group(2).strip(' -') if word else ''}".strip())
        elif keyword in _CLOSING and open_tests:
            open_tests.pop()
        elif keyword in _TURNING and open_tests:
            open_tests[-1] = f"not ({open_tests[-1]})"
        else:
            continue
        starts.append(end)
        tests.append(next((test for test in reversed(open_tests) if _is_test(test)), ""))
    parts.append(text[done:])
    return Template("".join(parts), tuple(starts), tuple(tests))


def _tags(text: str) -> Iterator[tuple[int, int]]:
    """Where the tags stand; what is opened and not closed soon is no tag."""
    closers: dict[str, int] = {}
    at = 0
    while opens := _OPENS.search(text, at):
        closer = "%}" if opens.group() == "{%" else "}}"
        end = closers.get(closer, 0)
        if end < opens.end():
            end = text.find(closer, opens.end())
            if end < 0:
                end = len(text) + _LONGEST_TAG
            closers[closer] = end
        at = opens.end()
        if end - at <= _LONGEST_TAG and end < len(text):
            at = end + 2
            yield opens.start(), at


def _is_test(test: str) -> bool:
    return not test.startswith(("define", "block"))


def _stand_in(text: str, start: int, end: int) -> str:
    """Blanks for a tag that has its lines to itself, placeholders for one amid other text."""
    if _alone(text, start, end):
        return re.sub(r"[^\r\n]", " ", text[start:end])
    return PLACEHOLDER * (end - start)


def _alone(text: str, start: int, end: int) -> bool:
    """Whether nothing but tags stands on the lines of a tag."""
    before = re.split(r"[\r\n]", text[max(0, start - _LONGEST_LINE) : start])[-1]
    behind = re.match(r"[^\r\n]*", text[end : end + _LONGEST_LINE])
    rest = behind.group() if behind else ""
    return not _TAG.sub("", before).strip() and not _TAG.sub("", rest).strip()
