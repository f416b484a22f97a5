"""What the variables of a shell hold, and what words become of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from ecocompute_lint.sources.documents import UNKNOWN, Word
from ecocompute_lint.sources.shell_words import Part

_LONGEST = 20_000
_BLANKS = " \t\r\n"


@dataclass(frozen=True, slots=True)
class Text:
    """A text with the offset of each character, and the variable whose default is in it.

    `start` and `end` are the offsets of all of it, quotes included.
    """

    text: str
    offsets: tuple[int, ...]
    start: int
    end: int
    variable: str = ""
    whole: bool = True
    """Whether it is a word of its own, and not one cut out of a longer text."""


@dataclass(frozen=True, slots=True)
class Held:
    """What a variable holds: texts, of which there is one unless it is an array."""

    texts: tuple[Text, ...]
    array: bool = False

    def like(self, other: Held | None) -> bool:
        """Whether another one holds the same."""
        return other is not None and [one.text for one in self.texts] == [
            one.text for one in other.texts
        ]


@dataclass(slots=True)
class Scope:
    """The variables at one point of a script. Those not in it are unknown."""

    known: dict[str, Held] = field(default_factory=dict)
    outside: Mapping[str, str | Word] = field(default_factory=dict)
    """What whoever starts the script sets, as far as one knows."""

    def copy(self) -> Scope:
        """A scope of its own that begins alike."""
        return Scope(dict(self.known), self.outside)

    def merge(self, branches: Sequence[Scope], *, complete: bool) -> None:
        """Go on behind branches, one of which ran; or none, unless they are `complete`.

        What differs is unknown. Only what a branch adds at the end does not count as different.
        """
        ways = [one.known for one in branches] + ([] if complete else [self.known])
        names = {name for way in ways for name in way}
        merged: dict[str, Held] = {}
        for name in names:
            held = [way.get(name) for way in ways]
            shortest = min((one for one in held if one is not None), key=lambda one: len(_all(one)))
            if all(one is not None and _begins(one, shortest) for one in held):
                merged[name] = shortest
            else:
                merged[name] = Held(())
        self.known = merged


def _all(held: Held) -> str:
    return "\n".join(one.text for one in held.texts)


def _begins(longer: Held, shorter: Held) -> bool:
    return bool(shorter.texts) and _all(longer).startswith(_all(shorter))


def expand(parts: Sequence[Part], scope: Scope, start: int, end: int) -> list[Text]:
    """The words that one word of the script becomes."""
    if len(parts) <= 2 and parts and parts[-1].kind == "array":
        held = scope.known.get(parts[-1].name)
        if held is not None and held.texts and (held.array or not parts[-1].quoted):
            return list(held.texts)
        return [Text(UNKNOWN, (start,), start, end, parts[-1].name)]
    fields: list[Text] = []
    current = Text("", (), start, end)
    open_word = False
    for part in parts:
        for number, piece in enumerate(_pieces(part, scope)):
            if number:
                fields.append(current)
                current, open_word = replace(piece, whole=False), True
            else:
                alone = not open_word and not part.quoted and part.kind == "variable"
                current = _behind(current, piece, alone and len(parts) == 1)
                open_word = True
    fields.append(current)
    return [one for one in fields if one.text or any(part.quoted for part in parts)]


def _behind(current: Text, piece: Text, alone: bool) -> Text:
    text = (current.text + piece.text)[:_LONGEST]
    offsets = (current.offsets + piece.offsets)[:_LONGEST]
    name = current.variable or piece.variable
    if alone:  # all of the word is a variable: its text stands where that is set
        return replace(piece, variable=name, whole=False)
    return replace(current, text=text, offsets=offsets, variable=name)


def _pieces(part: Part, scope: Scope) -> Iterator[Text]:
    """What a part is; an unquoted variable that holds blanks is several words."""
    if part.kind == "text":
        yield Text(part.text, part.offsets, part.start, part.end)
        return
    found = _value(part, scope)
    if found is None:
        # What is not set in sight gives nothing or anything.
        yield Text(UNKNOWN, (part.start,), part.start, part.end, part.name)
    elif part.quoted:
        yield found
    else:
        yield from split(found)


def _value(part: Part, scope: Scope) -> Text | None:
    if part.kind != "variable" or not part.name:
        return None
    held = scope.known.get(part.name)
    if held is not None:
        return held.texts[0] if len(held.texts) == 1 else None
    if part.name in scope.outside:
        given = scope.outside[part.name]
        text, variable = (given, "") if isinstance(given, str) else (given.text, given.variable)
        return Text(text, (part.start,) * len(text), part.start, part.end, variable)
    if part.default is None:
        return None
    inner = expand(part.default, scope, part.start, part.end)
    texts = [one.text for one in inner]
    if any(UNKNOWN in text for text in texts):
        return None
    offsets: list[int] = []
    for number, one in enumerate(inner):
        offsets += ([one.offsets[0] if one.offsets else one.start] if number else []) + list(
            one.offsets
        )
    begin = inner[0].start if inner else part.start
    finish = inner[-1].end if inner else part.end
    return Text(" ".join(texts), tuple(offsets), begin, finish, part.name)


def assigned(parts: Sequence[Part], scope: Scope, start: int, end: int) -> Text:
    """What an assignment gives a variable: one text, whatever blanks are in it."""
    quoted = [replace(part, quoted=True) for part in parts]
    found = expand(quoted, scope, start, end)
    if not found:
        return Text("", (), start, end)
    if len(found) == 1:
        return found[0]
    return Text(UNKNOWN, (start,), start, end)


def split(text: Text) -> Iterator[Text]:
    """The words in a text, each where it stands."""
    at, size = 0, len(text.text)
    found = False
    while at < size:
        while at < size and text.text[at] in _BLANKS:
            at += 1
        begin = at
        while at < size and text.text[at] not in _BLANKS:
            at += 1
        if at > begin:
            found = True
            offsets = text.offsets[begin:at]
            entire = at - begin == size
            yield Text(
                text.text[begin:at],
                offsets,
                text.start if entire else offsets[0],
                text.end if entire else offsets[-1] + 1,
                text.variable,
                text.whole and entire,
            )
    if not found:
        yield replace(text, text="", offsets=())
