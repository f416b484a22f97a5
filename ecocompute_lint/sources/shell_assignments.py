"""What assignments of a shell script set."""

from __future__ import annotations

import re

from ecocompute_lint.sources.documents import UNKNOWN
from ecocompute_lint.sources.shell_values import ANYTHING, Held, Scope, Text, assigned, expand
from ecocompute_lint.sources.shell_words import Part, Token

_ASSIGNMENT = re.compile(r"([A-Za-z_]\w*)(\+?)=", re.DOTALL)


class Tokens:
    """The tokens of a script, and the one that is read next."""

    def __init__(self, found: list[Token]) -> None:
        self.tokens = found
        self.at = 0
        self.end = len(found)

    def assignment(self, token: Token, scope: Scope) -> dict[str, Text] | None:
        """What a word of the form ``NAME=value`` sets; an array is set at once."""
        if not token.parts:
            return None
        first = token.parts[0]
        match = _ASSIGNMENT.match(first.text) if first.kind == "text" and not first.quoted else None
        if match is None:
            return None
        name, adds = match[1], bool(match[2])
        rest = Part(
            "text",
            first.start + match.end(),
            first.end,
            first.text[match.end() :],
            offsets=first.offsets[match.end() :],
        )
        begin = token.start + match.end()
        listed = self.at < self.end and self.tokens[self.at].operator == "("
        if (
            listed
            and len(token.parts) == 1
            and not rest.text
            and self.tokens[self.at].start == begin
        ):
            self._array(name, adds, scope)
            return {}
        parts = (rest, *token.parts[1:]) if rest.text else token.parts[1:]
        text = assigned(parts, scope, begin, token.end)
        if adds:
            text = self._added(name, text, scope)
        return {name: text}

    @staticmethod
    def _added(name: str, text: Text, scope: Scope) -> Text:
        held = scope.get(name)
        if held is None or len(held.texts) != 1 or not scope.room.take(held.texts):
            return Text(UNKNOWN, (text.start,), text.start, text.end)
        (before,) = held.texts
        whole = before.text + text.text
        return Text(whole, before.offsets + text.offsets, before.start, text.end)

    def _array(self, name: str, adds: bool, scope: Scope) -> None:
        self.at += 1
        texts: list[Text] = []
        while self.at < self.end and self.tokens[self.at].operator != ")":
            token = self.tokens[self.at]
            if token.parts:
                texts += expand(token.parts, scope, token.start, token.end)
            self.at += 1
        self.at += 1
        before = scope.get(name)
        if adds and (before is None or not before.known):
            scope.set(name, ANYTHING)
            return
        added = before.texts if adds and before is not None else ()
        scope.set(name, Held((*added, *texts), True))
