"""YAML (and JSON) as nodes that know where they stand.

Built from the parser's events, so that neither depth nor aliases cost anything: an alias is the
node that it names. Nothing is converted: a scalar is its text and whether it was quoted.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import field
from typing import Any, TypeAlias

import yaml

from ecocompute_lint.findings import Place
from ecocompute_lint.frozen import dataclass
from ecocompute_lint.sources.documents import Branch, Unreadable
from ecocompute_lint.sources.pieces import Piece
from ecocompute_lint.sources.scalars import PLACEHOLDER, scalar_piece
from ecocompute_lint.sources.templates import Template, template_of

LARGEST = 1_000_000
"""Characters of the largest text that is read: nobody writes larger ones by hand."""
_DEEPEST = 100
_MOST_MERGED = 50_000
_MERGE = "<<"
_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


@dataclass(slots=True, eq=False)
class Scalar:
    """A text. `quoted` ones are never numbers, truths or nothing."""

    source: Source = field(repr=False)
    start: int
    end: int
    text: str
    style: str

    @property
    def quoted(self) -> bool:
        """Whether it is text whatever it looks like."""
        return bool(self.style)

    @property
    def templated(self) -> bool:
        """Whether a template fills in (part of) it."""
        return PLACEHOLDER in self.text

    @property
    def place(self) -> Place:
        """Where it stands, quotes included."""
        return self.source.place(self.start, self.end)

    @property
    def piece(self) -> Piece:
        """Its text with the way back into the file; what a template fills in is unknown."""
        return scalar_piece(
            self.source.piece,
            self.source.template.text,
            self.start,
            self.end,
            self.text,
            self.style,
        )


@dataclass(slots=True, eq=False)
class Listing:
    """A sequence of nodes; `flow` when written in brackets."""

    source: Source = field(repr=False)
    start: int
    end: int
    flow: bool
    items: list[Node] = field(default_factory=list)

    @property
    def place(self) -> Place:
        """Where it stands."""
        return self.source.place(self.start, self.end)


@dataclass(frozen=True, slots=True, eq=False)
class Entry:
    """A key and what it is given."""

    key: Scalar
    value: Node


@dataclass(slots=True, eq=False)
class Record:
    """A mapping by the texts of its keys; the last of equal keys counts, merged ones come first."""

    source: Source = field(repr=False)
    start: int
    end: int
    flow: bool
    entries: dict[str, Entry] = field(default_factory=dict)
    merged: frozenset[str] = frozenset()

    @property
    def place(self) -> Place:
        """Where it stands."""
        return self.source.place(self.start, self.end)

    def get(self, *keys: str) -> Node | None:
        """What the first of the keys that is there is given."""
        for key in keys:
            if key in self.entries:
                return self.entries[key].value
        return None

    def text(self, *keys: str) -> str:
        """The text that the first of the keys is given; empty if it is no text."""
        node = self.get(*keys)
        return node.text if isinstance(node, Scalar) else ""

    def record(self, *keys: str) -> Record | None:
        """The mapping that the first of the keys is given."""
        node = self.get(*keys)
        return node if isinstance(node, Record) else None

    def listing(self, *keys: str) -> Listing | None:
        """The sequence that the first of the keys is given."""
        node = self.get(*keys)
        return node if isinstance(node, Listing) else None

    def __contains__(self, key: object) -> bool:
        return key in self.entries


Node: TypeAlias = "Scalar | Listing | Record"


@dataclass(slots=True, eq=False)
class Source:
    """A text of YAML, and its documents."""

    piece: Piece
    template: Template
    documents: list[Node] = field(default_factory=list)

    @property
    def text(self) -> str:
        """The text as it was written."""
        return self.piece.text

    def place(self, start: int, end: int) -> Place:
        """The place in the file of two offsets in the text."""
        return self.piece.place(start, end)

    def branch(self, start: int) -> Branch | None:
        """The condition of a template under which something stands."""
        return self.template.branch(start)


def compose(piece: Piece) -> Source:
    """The documents of a text. Raises Unreadable where it is no YAML."""
    template = template_of(piece.text)
    source = Source(piece, template)
    if len(piece.text) > LARGEST:
        return source
    mark = template.text.startswith("\ufeff")  # the parser swallows it and counts without it
    try:
        source.documents = list(_Builder(source, int(mark)).build(template.text[mark:]))
    except yaml.MarkedYAMLError as error:
        line = column = None
        if error.problem_mark is not None:
            line, column = _line_of(piece, error.problem_mark.index + mark)
        raise Unreadable(f"not valid YAML: {error.problem}", line, column) from None
    except (yaml.YAMLError, UnicodeError, _TooDeep) as error:
        reason = getattr(error, "reason", None) or "nested too deeply"
        raise Unreadable(f"not valid YAML: {reason}") from None
    return source


def _line_of(piece: Piece, offset: int) -> tuple[int, int]:
    place = piece.place(min(offset, len(piece.text)), min(offset, len(piece.text)))
    return place.line, place.column


class _TooDeep(Exception):  # noqa: N818
    pass


@dataclass(slots=True)
class _Open:
    """A collection that is being read, and its key that waits for a value."""

    node: Listing | Record
    key: Node | None = None
    merges: list[Node] = field(default_factory=list)


@dataclass(slots=True)
class _Builder:
    """Nodes from the events of the parser."""

    source: Source
    shift: int
    anchors: dict[str, Node] = field(default_factory=dict)
    stack: list[_Open] = field(default_factory=list)
    merged: int = 0

    def build(self, text: str) -> Iterator[Node]:
        """The documents, one after the other."""
        for event in yaml.parse(text, Loader=_LOADER):
            if isinstance(event, yaml.DocumentStartEvent):
                self.anchors.clear()
            done = self._take(event)
            if done is not None:
                yield done

    def _take(self, event: Any) -> Node | None:
        """Take one event in; the root of a document that it completes."""
        if isinstance(event, yaml.AliasEvent):
            known = self.anchors.get(event.anchor or "")
            return self._give(known) if known is not None else self._give(self._nothing(event))
        if isinstance(event, yaml.ScalarEvent):
            start, end = self._span(event)
            style = "" if event.style is None else event.style
            return self._give(
                self._named(event, Scalar(self.source, start, end, event.value, style))
            )
        if isinstance(event, yaml.CollectionStartEvent):
            if len(self.stack) >= _DEEPEST:
                raise _TooDeep
            kind = Record if isinstance(event, yaml.MappingStartEvent) else Listing
            start, end = self._span(event)
            node = kind(self.source, start, end, bool(event.flow_style))
            self._named(event, node)
            self.stack.append(_Open(node))
            return None
        if isinstance(event, yaml.CollectionEndEvent):
            closed = self.stack.pop()
            closed.node.end = self._span(event)[1]
            if not closed.node.flow:
                closed.node.end = _end_of(closed.node)
            self.merged += _merge(closed) if self.merged < _MOST_MERGED else 0
            return self._give(closed.node)
        return None

    def _span(self, event: Any) -> tuple[int, int]:
        return event.start_mark.index + self.shift, event.end_mark.index + self.shift

    def _nothing(self, event: Any) -> Scalar:
        return Scalar(self.source, *self._span(event), "", "")

    def _named(self, event: Any, node: Node) -> Node:
        if event.anchor:
            self.anchors[event.anchor] = node
        return node

    def _give(self, node: Node) -> Node | None:
        """Put a node where it belongs: the innermost open collection, or the document."""
        if not self.stack:
            return node
        into = self.stack[-1]
        if isinstance(into.node, Listing):
            into.node.items.append(node)
        elif into.key is None:
            into.key = node
        else:
            key, into.key = into.key, None
            if isinstance(key, Scalar) and key.text == _MERGE and not key.quoted:
                into.merges.append(node)
            elif isinstance(key, Scalar):
                into.node.entries.pop(key.text, None)
                into.node.entries[key.text] = Entry(key, node)
        return None


def _end_of(node: Listing | Record) -> int:
    """Where a collection in block style ends: where its last part does."""
    if isinstance(node, Listing):
        parts: list[Node] = node.items
    else:
        parts = [part for entry in node.entries.values() for part in (entry.key, entry.value)]
    ends = [part.end for part in parts if part.start >= node.start and part.end <= node.end]
    return max(ends, default=node.end)


def _merge(opened: _Open) -> int:
    """Take over what ``<<`` names: keys that are not given here. How many there were."""
    node = opened.node
    if not isinstance(node, Record) or not opened.merges:
        return 0
    taken: dict[str, Entry] = {}
    for merge in opened.merges:
        for other in merge.items if isinstance(merge, Listing) else [merge]:
            if isinstance(other, Record) and other is not node:
                for key, entry in other.entries.items():
                    taken.setdefault(key, entry)
    node.merged = frozenset(taken.keys() - node.entries.keys())
    own: Mapping[str, Entry] = node.entries
    node.entries = {**{key: taken[key] for key in taken if key in node.merged}, **own}
    return len(taken)
