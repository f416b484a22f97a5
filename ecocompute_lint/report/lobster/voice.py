"""In which language the lobster speaks, and with which signs."""

from __future__ import annotations

from ecocompute_lint import messages
from ecocompute_lint.frozen import dataclass
from ecocompute_lint.report.lobster.mood import Mood

LOBSTER = "🦞"
PARTY = "🎉"
SIGNS = "".join((LOBSTER, PARTY, *(mood.sign for mood in Mood)))
"""All signs that are used: an encoding that lacks one gets none."""


@dataclass(frozen=True, slots=True)
class Voice:
    """A language, and whether little pictures can be shown."""

    language: str = "en"
    emoji: bool = True

    def __call__(self, key: str, **values: object) -> str:
        """A message of the catalogue."""
        return messages.message(self.language, key, **values)

    def has(self, key: str) -> bool:
        """Whether the catalogue has a message."""
        return key in messages.messages(self.language)

    def said(self, text: str) -> str:
        """Sentences of the plain style in this language."""
        return messages.translated(self.language, text)

    def sign(self, sign: str) -> str:
        """A little picture and a space, or nothing."""
        return f"{sign} " if self.emoji else ""

    def mood(self, mood: Mood) -> str:
        """The label of a mood."""
        return f"{self.sign(mood.sign)}{self(f'mood.{mood.key}')}"

    def color(self, mood: Mood) -> str:
        """The name of a mood alone."""
        return f"{self.sign(mood.sign)}{self(f'color.{mood.key}')}"

    @property
    def comma(self) -> str:
        """Between the parts of a note."""
        return self("comma")


def voice_for(language: str, encoding: str | None) -> Voice:
    """The voice for an output of this encoding (None: one that takes everything)."""
    return Voice(language, _takes(SIGNS, encoding))


def speaks(language: str, encoding: str | None) -> bool:
    """Whether an encoding has the characters of a language."""
    return _takes("".join(messages.messages(language).values()), encoding)


def _takes(text: str, encoding: str | None) -> bool:
    try:
        text.encode(encoding or "utf-8")
    except (UnicodeEncodeError, LookupError):
        return False
    return True
