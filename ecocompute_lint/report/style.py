"""Text for a terminal: colour, width, and nothing that could take it over."""

from __future__ import annotations

import os
import re
import unicodedata

from ecocompute_lint.findings import Level
from ecocompute_lint.frozen import dataclass
from ecocompute_lint.report.escape import as_text

# Control characters, and characters that reorder or hide what follows them.
_DANGEROUS = re.compile(
    "[\x00-\x08\x0a-\x1f\x7f-\x9f\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u2069\ufeff]"
)
TAB = 4

LEVEL_STYLES = {
    Level.RED: "bold red",
    Level.YELLOW: "bold yellow",
    Level.GRAY: "bold bright_black",
    Level.GREEN: "bold green",
}


def safe(text: str) -> str:
    """`text` on one line, with control characters spelled out."""
    shown = spelled(text.replace("\t", " "))
    if shown.lstrip().startswith("::") and _in_workflow():
        return shown.replace(":", "\\x3a", 1)  # it may come to stand at the beginning of a line
    return shown


def spelled(text: str) -> str:
    """`text` with control characters but tabs spelled out, and without halves of characters."""
    return _DANGEROUS.sub(_spelled, uncommanding(as_text(text)))


def _spelled(match: re.Match[str]) -> str:
    code = ord(match[0])
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}"


def masked(text: str) -> str:
    """`text` with each control character replaced by one visible character."""
    return _DANGEROUS.sub("\N{REPLACEMENT CHARACTER}", uncommanding(text))


def uncommanding(text: str) -> str:
    """`text` without what the runner of a GitHub workflow takes for a command within a line."""
    if "##[" in text and _in_workflow():
        return text.replace("##[", "##\N{REPLACEMENT CHARACTER}")
    return text


def _in_workflow() -> bool:
    return os.environ.get("GITHUB_ACTIONS") == "true"


def leading(path: str) -> str:
    """A path for the beginning of a line, where ``::`` would be such a command too."""
    return safe(f"./{path}" if path.lstrip().startswith("::") else path)


def cells(text: str) -> int:
    """How many columns of a terminal `text` takes."""
    if text.isascii():
        return len(text)
    return sum(map(_cells_of, text))


def _cells_of(char: str) -> int:
    if unicodedata.combining(char) or unicodedata.category(char) in ("Mn", "Me", "Cf"):
        return 0
    return 2 if unicodedata.east_asian_width(char) in "WF" else 1


# A line may break at a space and beside a wide character, but begins with none of these.
_NOT_FIRST = "。，、；：？！）」』》”’…％%,.;:?!)]}"
_NOT_LAST = "（「『《“‘([{"
_PIECES = re.compile(r" +|[^ ]")


def wrapped(text: str, width: int) -> list[str]:
    """`text` in lines of at most so many cells, broken as Chinese is."""
    lines, line = [], ""
    for piece in _unbroken(text):
        if line and cells(line + piece.rstrip()) > width:
            lines.append(line.rstrip())
            line = piece.lstrip()
        else:
            line += piece
    return [*lines, line.rstrip()] if line.strip() or not lines else lines


def _unbroken(text: str) -> list[str]:
    """The pieces between which a line may break; spaces belong to the piece before them."""
    pieces: list[str] = []
    for piece in _PIECES.findall(text):
        last = pieces[-1][-1] if pieces else ""
        glued = piece.isspace() or piece in _NOT_FIRST or (last and last in _NOT_LAST)
        if not glued and pieces:
            glued = last != " " and cells(last) < 2 and cells(piece) < 2
        if glued and pieces:
            pieces[-1] += piece
        else:
            pieces.append(piece)
    return pieces


@dataclass(frozen=True)
class Style:
    """How a report is drawn: with colour or not, with which signs, wrapped at which width."""

    color: bool = False
    unicode: bool = True
    width: int | None = None

    @property
    def bar(self) -> str:
        """Between the line number and the source."""
        return "│" if self.unicode else "|"

    @property
    def rule(self) -> str:
        """Marks a span."""
        return "─" if self.unicode else "^"

    @property
    def dot(self) -> str:
        """Between facts."""
        return "·" if self.unicode else "-"

    @property
    def ellipsis(self) -> str:
        """Where something is left out."""
        return "…" if self.unicode else "..."

    def paint(self, text: str, style: str) -> str:
        """`text` in a style of rich, if colour is on."""
        if not self.color or not text:
            return text
        from rich.color import ColorSystem
        from rich.style import Style as RichStyle

        return RichStyle.parse(style).render(text, color_system=ColorSystem.STANDARD)

    def wrap(self, text: str, indent: str, less: int = 0) -> list[str]:
        """`text` in indented lines of at most the width, or `less` than that."""
        text = safe(text)
        if self.width is None:
            return [indent + text]
        width = max(self.width, 40) - less
        if cells(text) != len(text):
            return [indent + line for line in wrapped(text, width - cells(indent))]
        import textwrap

        return textwrap.wrap(
            text,
            width,
            initial_indent=indent,
            subsequent_indent=indent,
            break_long_words=False,
            break_on_hyphens=False,
        )


def plural(count: int, noun: str) -> str:
    """``1 file``, ``2 files``."""
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"
