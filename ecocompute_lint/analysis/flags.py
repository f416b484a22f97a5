"""What the words of an engine's command line give: its options."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol

from ecocompute_lint.analysis.lists import texts_of
from ecocompute_lint.knowledge import commands
from ecocompute_lint.knowledge.commands import Command, Launched
from ecocompute_lint.values import (
    ABSENT_VALUE,
    Alternative,
    Const,
    Guards,
    Input,
    Span,
    Symbol,
    Value,
    both,
    known,
    opposite,
    union,
)

_MOST_WAYS = 8


class Inputs(Protocol):
    """What is known of the words' texts, and the inputs that they follow."""

    def text_of(self, item: Alternative) -> str | None:
        """A text, with a sign for what is not known of it."""

    def input(
        self, key: Any, name: str, kind: str = "caller", default: Const | Symbol | None = None
    ) -> Input:
        """The input known by `key`: always the same object."""

    def unknown(self, text: str, kind: str = "caller") -> Value:
        """A value of which nothing is known."""


@dataclass(slots=True)
class Given:
    """What has given an option so far, and where the last of it stands.

    `bare`: it is nothing but one flag, which stands there as a word of its own. `source` is the
    word that gives it, by its index.
    """

    value: Value
    span: Span | None = None
    flag: str = ""
    bare: bool = False
    source: int = -1
    written: str = ""
    """How a key or a variable gives it."""

    @property
    def shown(self) -> str:
        """A flag as a reader would write it."""
        if self.written:
            return self.written
        payload = self.value.only
        if not isinstance(payload, Const) or isinstance(payload.value, bool):
            return self.flag
        return f"{self.flag} {payload.value}"


def given_by(words: Sequence[Value], launched: Launched, inputs: Inputs) -> dict[str, Given]:
    """The options that the words give; where several flags give one, the last counts."""
    found: dict[str, Given] = {}
    command, start = launched.command, launched.start
    if launched.positional and start < len(words) and not _is_flag(words[start]):
        found["model"] = Given(words[start], source=start)
    for index in range(start, len(words)):
        before = _opened(command, words[index - 1]) if index > start else False
        for item in words[index]:
            text = inputs.text_of(item)
            setting = command.setting(text) if text is not None and not before else None
            if text is None or setting is None:
                continue
            value = _value(setting, text, item, words, index, inputs)
            flag = text.partition("=")[0]
            plain = "=" not in text and not setting.next
            bare = plain and len(words[index].alternatives) == 1
            earlier = found.get(setting.option)
            made = Given(value, item.origin, flag, bare and not item.guards, index)
            usual = command.usual.get(setting.option)
            found[setting.option] = _later(earlier, made, item.guards, usual)
    return found


def _value(
    setting: commands.Setting,
    text: str,
    item: Alternative,
    words: Sequence[Value],
    index: int,
    inputs: Inputs,
) -> Value:
    unknown = inputs.unknown(f"{setting.option} at {item.origin}")
    follows = _behind(words, index, item.guards)
    if setting.next:
        if follows is None:
            return unknown.within((item.guards,))
        return read_word(follows, item.guards, inputs)
    if setting.overrides and follows is not None:
        word = follows.constant()
        told = commands.truth_of(word) if isinstance(word, str) else None
        if told is not None:
            return known(Const(told), item.origin).within((item.guards,))
    if setting.value is None or "\0" in str(setting.value):
        return unknown.within((item.guards,))
    payload: Const | Input = Const(setting.value)
    if isinstance(item.payload, Input):
        source = item.payload
        key = ("flag", source, text)
        payload = inputs.input(key, source.name, source.kind, Const(setting.value))
    return Value((Alternative(payload, item.guards, item.via, item.origin),))


def read_word(word: Value, guards: Guards, inputs: Inputs) -> Value:
    """A word as the value of a flag."""
    found: list[Alternative] = []
    for item in word:
        joint = both(item.guards, guards)
        if joint is None:
            continue
        payload = item.payload
        default = payload.default if isinstance(payload, Input) else payload
        if isinstance(default, Const) and isinstance(default.value, str):
            plain = Const(commands.plain_value(default.value))
            if payload is default:
                payload = plain
            elif plain != default:
                payload = inputs.input(("plain", payload), payload.name, payload.kind, plain)
        found.append(replace(item, payload=payload, guards=joint))
    return Value(tuple(found))


def _later(earlier: Given | None, made: Given, guards: Guards, usual: bool | None) -> Given:
    """What an option is once a later flag has given it too."""
    if not guards:
        return made
    before = earlier.value if earlier is not None else ABSENT_VALUE
    kept = before.within(opposite((guards,)))
    value = Value(union([kept, made.value]).alternatives[:_MOST_WAYS])
    told = made
    if earlier is not None and usual is not None and made.value.constant() is usual:
        told = earlier  # which says something: the other flag only what is so by itself
    return replace(told, value=value, bare=False)


def _behind(words: Sequence[Value], index: int, guards: Guards) -> Value | None:
    """The word behind another, where that one is there."""
    for word in words[index + 1 :]:
        kept = tuple(item for item in word if both(item.guards, guards) is not None)
        if kept:
            return Value(kept)
    return None


def _opened(command: Command, word: Value) -> bool:
    """Whether a word is a flag that takes the next one for its value."""
    text = texts_of((word,))[0]
    setting = command.setting(text) if text is not None else None
    return setting is not None and setting.next


def _is_flag(word: Value) -> bool:
    text = texts_of((word,))[0]
    return text is not None and text.startswith("-")
