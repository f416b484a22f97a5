"""Reports in the style of the lobster: which language and signs an output can take."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from ecocompute_lint.cli.terminal import say

if TYPE_CHECKING:
    from ecocompute_lint.config import Settings
    from ecocompute_lint.report.document import Document
    from ecocompute_lint.report.lobster.voice import Voice
    from ecocompute_lint.report.style import Style
    from ecocompute_lint.report.summary import View


def voice_of(settings: Settings, encoding: str | None) -> Voice:
    """The voice for an output of this encoding; None for a file, which is UTF-8."""
    from ecocompute_lint.messages import LANGUAGES, language
    from ecocompute_lint.report.lobster.voice import speaks, voice_for

    name = language(settings.lang, os.environ)
    if not speaks(name, encoding):
        if settings.lang == name:
            say(f"warning: the encoding {encoding} cannot show --lang {name}: English instead")
        name = LANGUAGES[0]
    return voice_for(name, encoding)


def audit(
    view: View, settings: Settings, style: Style, encoding: str | None, form: str = "text"
) -> str:
    """The report of an audit as text or Markdown."""
    from dataclasses import replace

    from ecocompute_lint.report.lobster.audit import document
    from ecocompute_lint.report.lobster.comment import comment

    if form == "markdown":
        plain = replace(style, color=False, unicode=True, width=None)
        return comment(view, voice_of(settings, None), plain)
    voice = voice_of(settings, encoding)
    return drawn(document(view, voice, style), voice, style, style.width)


def drawn(document: Document, voice: Voice, style: Style, width: int | None) -> str:
    """A document for a terminal."""
    from ecocompute_lint.report.document import text

    return text(document, style, width, voice("end.left_out"))
