"""Nodes of YAML as words: what variables give, and what goes when one is taken out."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from ecocompute_lint.findings import Place
from ecocompute_lint.sources.documents import UNKNOWN, Word
from ecocompute_lint.sources.pieces import Piece
from ecocompute_lint.sources.scalars import PLACEHOLDER, whole_lines
from ecocompute_lint.sources.yaml_nodes import Listing, Node, Record, Scalar, Source

_LONGEST_LINE = 2000
_MOST_SETTINGS = 500
_NOTHING = frozenset({"", "~", "null", "Null", "NULL"})
_VARIABLE = re.compile(
    r"\$(?:(?P<dollar>\$)"
    r"|\{oc\.env:(?P<omega>\w+)(?:,(?P<otherwise>[^{}]*))?\}"
    r"|\{(?P<name>\w+)(?::?-(?P<default>[^{}]*)|:?[?+][^{}]*)?\}"
    r"|\{[^{}]*\}|\((?P<called>\w+)\)|(?P<bare>[A-Za-z_]\w*))"
)
_BEHIND = re.compile(r"[ \t]*(?:#[^\r\n]*)?(?:\r\n|\r|\n|\Z)")
_BEHIND_COMMA = re.compile(r"[ \t]*,[ \t]*(?:#[^\r\n]*)?(?:\r\n|\r|\n|\Z)")
_DASH = re.compile(r"[ \t]*-[ \t]+")

Environment = Mapping[str, Word]


def resolve(text: str, environment: Environment) -> tuple[str, str]:
    """A text with its variables filled in, and the variable whose default was taken."""
    if PLACEHOLDER in text:
        text = re.sub(f"{PLACEHOLDER}+", UNKNOWN, text)
    if "$" not in text:
        return text, ""
    taken: list[str] = []

    def given(match: re.Match[str]) -> str:
        if match["dollar"]:
            return "$"
        name = match["name"] or match["omega"] or match["called"] or match["bare"] or ""
        default = match["default"] if match["name"] else match["otherwise"]
        if default is not None:
            taken.append(name)
            return UNKNOWN if "$" in default else default
        known = environment.get(name)
        return known.text if known is not None else UNKNOWN

    return _VARIABLE.sub(given, text), taken[0] if taken else ""


def word_of(
    scalar: Scalar, environment: Environment | None = None, removal: Place | None = None
) -> Word:
    """A scalar as a word."""
    text, variable = resolve(scalar.text, environment or {})
    return Word(text, scalar.place, removal, variable)


def without_doubled_dollars(piece: Piece) -> Piece:
    """What compose hands on of a text: a dollar for each two."""
    if "$$" not in piece.text:
        return piece
    parts, done = [], 0
    for match in re.finditer(r"\$\$", piece.text):
        parts.append(piece.slice(done, match.start() + 1))
        done = match.end()
    if done < len(piece.text):
        parts.append(piece.slice(done, len(piece.text)))
    return Piece.join(parts)


def is_nothing(node: Node | None) -> bool:
    """Whether a key is given nothing."""
    return node is None or (isinstance(node, Scalar) and not node.quoted and node.text in _NOTHING)


def settings_of(record: Record, environment: Environment | None = None) -> dict[str, Word]:
    """The keys of a mapping that are given plain values."""
    if len(record.entries) > _MOST_SETTINGS:
        return {}
    return {
        key: word_of(entry.value, environment, entry_removal(record, key))
        for key, entry in record.entries.items()
        if isinstance(entry.value, Scalar)
        and not is_nothing(entry.value)
        and PLACEHOLDER not in key
    }


def environment_of(node: Node | None) -> dict[str, Word]:
    """Variables of a mapping, a list of ``A=b`` or a list of names and values."""
    if isinstance(node, Record):
        return settings_of(node)
    if not isinstance(node, Listing):
        return {}
    found: dict[str, Word] = {}
    for index, item in enumerate(node.items):
        if isinstance(item, Scalar):
            name, equals, value = item.text.partition("=")
            if equals:
                piece = item.piece
                start = piece.text.find("=") + 1
                text, variable = resolve(value, {})
                place = piece.place(start, len(piece.text))
                found[name] = Word(text, place, item_removal(node, index), variable)
        elif isinstance(item, Record):
            value_node = item.get("value")
            if item.text("name") and isinstance(value_node, Scalar):
                removal = item_removal(node, index)
                found[item.text("name")] = word_of(value_node, None, removal)
    return found


def list_words(
    listing: Listing, environment: Environment, owner: tuple[Record, str] | None = None
) -> Iterator[tuple[Scalar, Word]]:
    """The texts of a list as words. The only one goes with the key `owner` that it stands under.

    Where that is the only key of its mapping nothing can go: a list of no lines is no list.
    """
    for index, item in enumerate(listing.items):
        if not isinstance(item, Scalar):
            continue
        removal = item_removal(listing, index)
        if len(listing.items) == 1 and owner is not None:
            if len(owner[0].entries) > 1:
                removal = entry_removal(*owner)
            elif not listing.flow:
                removal = None
        yield item, word_of(item, environment, removal)


def alone_with_key(words: Sequence[Word], record: Record, key: str) -> Sequence[Word]:
    """The words of a key's text. The only one goes with the key; quotes can stay with nothing."""
    given = record.entries[key].value
    if len(words) != 1 or not isinstance(given, Scalar):
        return words
    if len(record.entries) > 1:
        return (replace(words[0], removal=entry_removal(record, key)),)
    return words if given.style in ("'", '"') else (replace(words[0], removal=None),)


def item_removal(listing: Listing, index: int) -> Place | None:
    """What goes when an item of a list does."""
    item = listing.items[index]
    if not listing.start <= item.start <= listing.end:
        return None  # an alias: it stands elsewhere
    if listing.flow:
        rest = listing.items[index + 1 : index + 3]
        # A flag and its value go together: at the end both with the comma before them.
        last = not rest or (len(rest) == 1 and _is_flag(item) and not _is_flag(rest[0]))
        before = listing.items[index - 1].end if index and last else None
        behind = rest[0].start if rest else None
        return _flow_removal(listing.source, item.start, item.end, before, behind)
    return _lines(listing.source, item.start, item.end, dash=True)


def _is_flag(node: Node) -> bool:
    return isinstance(node, Scalar) and node.text.startswith("-")


def entry_removal(record: Record, key: str) -> Place | None:
    """What goes when a key of a mapping does."""
    entry = record.entries[key]
    if key in record.merged or not entry.key.start <= entry.value.start:
        return None
    keys = [name for name in record.entries if name not in record.merged]
    index = keys.index(key)
    start, end = entry.key.start, max(entry.key.end, entry.value.end)
    if record.flow:
        before = record.entries[keys[index - 1]].value.end if index else None
        behind = record.entries[keys[index + 1]].key.start if index + 1 < len(keys) else None
        return _flow_removal(record.source, start, end, before, behind)
    if start == record.start:
        if len(keys) == 1:
            return _lines(record.source, start, end, dash=True)
        if _DASH.fullmatch(record.source.template.text[_line_start(record.source, start) : start]):
            return record.source.place(start, record.entries[keys[1]].key.start)
    return _lines(record.source, start, end, dash=False)


def _line_start(source: Source, offset: int) -> int:
    first = max(0, offset - _LONGEST_LINE)
    feed = source.text.rfind("\n", first, offset) + 1 or first
    return source.text.rfind("\r", feed, offset) + 1 or feed


def _lines(source: Source, start: int, end: int, *, dash: bool) -> Place | None:
    """The whole lines of something that has them to itself."""
    text = source.template.text
    first = _line_start(source, start)
    before = text[first:start]
    if before.strip() and not (dash and _DASH.fullmatch(before)):
        return None
    if end > start and text[end - 1] in "\r\n":
        return _place(source, first, end)
    behind = _BEHIND.match(text, end)
    if behind is None:
        return None
    if behind.end() == len(text) and text[behind.end() - 1] not in "\r\n":
        # The last line has no end: those before it go, so that there still is none.
        lines = text[max(0, first - _LONGEST_LINE) : first]
        first -= len(lines) - len(lines.rstrip())
    return _place(source, first, behind.end())


def _place(source: Source, start: int, end: int) -> Place:
    return whole_lines(source.piece, start, end)


def _flow_removal(
    source: Source, start: int, end: int, before: int | None, behind: int | None
) -> Place | None:
    """An item between brackets, with one comma."""
    text = source.template.text
    first = _line_start(source, start)
    if not text[first:start].strip():
        rest = _BEHIND_COMMA.match(text, end)
        if rest:
            return _place(source, first, rest.end())
    if before is not None:
        return source.place(before, end) if before <= start else None
    if behind is not None:
        return source.place(start, behind) if end <= behind else None
    return source.place(start, end)
