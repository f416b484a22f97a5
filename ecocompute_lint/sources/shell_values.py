"""What the variables of a shell hold, and what words become of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import field, replace
from itertools import chain

from ecocompute_lint.frozen import dataclass
from ecocompute_lint.sources.documents import UNKNOWN, Word
from ecocompute_lint.sources.shell_words import Part

_LONGEST = 20_000
_MOST_WORDS = 1_000
_MOST_FILLED = 400_000
_PER_WORD = 20
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
    known: bool = True


ANYTHING = Held((), known=False)
"""What a variable holds of which nothing is known."""


@dataclass(slots=True)
class _Room:
    """How much may still be filled in for variables, in all of a script."""

    left: int = _MOST_FILLED

    def take(self, texts: Sequence[Text]) -> bool:
        """Whether these texts may be filled in once more."""
        for one in texts:
            self.left -= len(one.text) + _PER_WORD * (1 + one.text.count(" "))
        return self.left >= 0


@dataclass(slots=True)
class Scope:
    """The variables at one point of a script. Those not in it are unknown.

    `changed` are those set here; the others are as `around` has them.
    """

    outside: Mapping[str, str | Word] = field(default_factory=dict)
    """What whoever starts the script sets, as far as one knows."""
    around: Scope | None = None
    changed: dict[str, Held] = field(default_factory=dict)
    room: _Room = field(default_factory=_Room)

    def get(self, name: str) -> Held | None:
        """What a variable holds; None for one that nothing sets."""
        scope: Scope | None = self
        while scope is not None:
            if name in scope.changed:
                return scope.changed[name]
            scope = scope.around
        return None

    def set(self, name: str, held: Held) -> None:
        """Let a variable hold something; what is too long to follow is unknown."""
        if len(held.texts) > _MOST_WORDS or any(len(one.text) > _LONGEST for one in held.texts):
            held = ANYTHING
        self.changed[name] = held

    def copy(self) -> Scope:
        """A scope of its own that begins alike. This one must not change while that is used."""
        return Scope(self.outside, self, {}, self.room)

    def merge(self, branches: Sequence[Scope], *, complete: bool) -> None:
        """Go on behind branches, one of which ran; or none, unless they are `complete`.

        What differs is unknown. Only words that a branch adds at the end do not count as different.
        """
        ways: dict[str, list[Held | None]] = {}
        for one in branches:
            for name, given in one.changed.items():
                ways.setdefault(name, []).append(given)
        for name, held in ways.items():
            if not complete or len(held) < len(branches):
                held.append(self.get(name))
            shortest = min((one for one in held if one is not None), key=lambda one: len(_all(one)))
            same = all(one is not None and _begins(one, shortest) for one in held)
            self.changed[name] = shortest if same else ANYTHING


def _all(held: Held) -> str:
    return "\n".join(one.text for one in held.texts)


def _begins(longer: Held, shorter: Held) -> bool:
    """Whether one begins with the words of the other."""
    long, short = _all(longer), _all(shorter)
    if not shorter.known or not longer.known or not long.startswith(short):
        return False
    rest = long[len(short) :]
    return not short or not rest or rest[0] in _BLANKS or short[-1] in _BLANKS


def expand(parts: Sequence[Part], scope: Scope, start: int, end: int) -> list[Text]:
    """The words that one word of the script becomes."""
    if len(parts) <= 2 and parts and parts[-1].kind == "array":
        held = scope.get(parts[-1].name)
        fits = held is not None and (held.array or not parts[-1].quoted)
        if held is not None and held.known and fits and scope.room.take(held.texts):
            return list(held.texts)
        return [Text(UNKNOWN, (start,), start, end, parts[-1].name)]
    fields: list[Text] = []
    current: list[Text] = []
    for part in parts:
        for number, piece in enumerate(_pieces(part, scope)):
            if number:
                fields.append(_joined(current, start, end))
                current = [replace(piece, whole=False)]
            elif len(parts) == 1 and part.kind == "variable" and not part.quoted:
                # all of the word is a variable: its text stands where that is set
                current.append(replace(piece, whole=False))
            else:
                current.append(replace(piece, start=start, end=end, whole=True))
    fields.append(_joined(current, start, end))
    quoted = any(part.quoted for part in parts)
    return [one for one in fields if one.text or quoted]


def _joined(pieces: Sequence[Text], start: int, end: int) -> Text:
    """Pieces of one word as one text."""
    if len(pieces) == 1:
        return pieces[0]
    if pieces and not pieces[0].whole:
        start, end = pieces[0].start, pieces[0].end
    text = "".join(piece.text for piece in pieces)[:_LONGEST]
    offsets = tuple(chain.from_iterable(piece.offsets for piece in pieces))[:_LONGEST]
    variable = next((piece.variable for piece in pieces if piece.variable), "")
    return Text(text, offsets, start, end, variable, not pieces or pieces[0].whole)


def _pieces(part: Part, scope: Scope) -> Iterator[Text]:
    """What a part is; an unquoted variable that holds blanks is several words."""
    if part.kind == "text":
        yield Text(part.text, part.offsets, part.start, part.end)
        return
    found = _value(part, scope)
    if found is None:
        # What is not set in sight gives nothing or anything.
        yield Text(UNKNOWN, (part.start,), part.start, part.end, part.name)
    elif part.quoted or (part.default and all(one.quoted for one in part.default)):
        yield found
    else:
        yield from split(found)


def _value(part: Part, scope: Scope) -> Text | None:
    if part.kind != "variable" or not part.name:
        return None
    held = scope.get(part.name)
    if held is not None:
        single = len(held.texts) == 1 and scope.room.take(held.texts)
        return held.texts[0] if single else None
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
    found, partly = False, UNKNOWN in text.text
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
                text.variable if not partly or UNKNOWN in text.text[begin:at] else "",
                text.whole and entire,
            )
    if not found:
        yield replace(text, text="", offsets=())
