"""README's picture: what a real run prints on a real terminal, drawn by rich."""

from __future__ import annotations

import fcntl
import hashlib
import io
import os
import pty
import re
import struct
import subprocess
import sys
import termios
from pathlib import Path

from rich.console import Console
from rich.terminal_theme import TerminalTheme
from rich.text import Text

ROOT = Path(__file__).resolve().parent.parent
PICTURE = ROOT / "docs" / "ecolint.svg"
COMMAND = ("ecolint", "fixtures/demo_app/summarize_tickets.py")
COLUMNS = 108
DURATION = re.compile(r" · \d+\.\d+ s(?=\r?$)", re.MULTILINE)
COLOURS = (
    (30, 32, 38),
    (255, 122, 122),
    (126, 211, 141),
    (240, 200, 100),
    (130, 170, 255),
    (214, 150, 230),
    (110, 205, 210),
    (222, 225, 230),
)
FAINT = (152, 158, 170)
THEME = TerminalTheme(COLOURS[0], COLOURS[-1], list(COLOURS), [FAINT, *COLOURS[1:]])
# As rich's own, but nothing is loaded from anywhere, and screen readers are told what it is.
FORMAT = """\
<svg viewBox="0 0 {width} {height}" xmlns="http://www.w3.org/2000/svg" role="img">
<!-- DIGEST -->
<title>TITLE</title>
<style>
.{unique_id}-matrix {{
font-family: ui-monospace, "Cascadia Mono", Menlo, Consolas, "DejaVu Sans Mono", monospace;
font-size: {char_height}px; line-height: {line_height}px; white-space: pre }}
.{unique_id}-title {{ font: bold 18px sans-serif }}
{styles}
</style>
<defs>
<clipPath id="{unique_id}-clip-terminal">
<rect x="0" y="0" width="{terminal_width}" height="{terminal_height}"/>
</clipPath>
{lines}
</defs>
{chrome}
<g transform="translate({terminal_x}, {terminal_y})" clip-path="url(#{unique_id}-clip-terminal)">
{backgrounds}
<g class="{unique_id}-matrix">
{matrix}
</g>
</g>
</svg>
"""


def stale_picture(write: bool) -> bool:
    """Whether the picture is not of what is printed now; `write` draws it anew then.

    The digest in the file decides, since releases of rich draw the same text differently.
    """
    text = DURATION.sub("", printed()).replace("\r\n", "\n").rstrip("\n")
    seed = "\0".join((text, FORMAT, repr(COMMAND), str(COLUMNS), repr(COLOURS)))
    digest = hashlib.sha256(seed.encode()).hexdigest()[:16]
    mark = f"<!-- drawn by tools/docs.py: {digest} -->"
    if PICTURE.exists() and mark in PICTURE.read_text(encoding="utf-8"):
        return False
    if write:
        PICTURE.write_text(drawn(text, mark), encoding="utf-8", newline="\n")
    return True


def printed() -> str:
    """What the command prints on a terminal of its own."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 50, COLUMNS, 0, 0))
    hidden = ("NO_COLOR", "FORCE_COLOR", "COLUMNS", "LINES", "CI")
    env = {name: value for name, value in os.environ.items() if name not in hidden}
    with subprocess.Popen(
        [sys.executable, "-m", "ecocompute_lint", *COMMAND[1:]],
        cwd=ROOT,
        env={**env, "PYTHONIOENCODING": "utf-8", "PYTHONPATH": str(ROOT), "TERM": "xterm"},
        stdin=subprocess.DEVNULL,
        stdout=theirs,
        stderr=subprocess.DEVNULL,
    ) as run:
        os.close(theirs)
        data = b""
        while piece := _read(ours):
            data += piece
    os.close(ours)
    if run.returncode not in (0, 1):
        raise SystemExit(f"{' '.join(COMMAND)} ended with status {run.returncode}")
    return data.decode("utf-8")


def _read(terminal: int) -> bytes:
    """The next bytes; none when the other side is closed, which Linux tells by an error."""
    try:
        return os.read(terminal, 65536)
    except OSError:
        return b""


def drawn(text: str, mark: str) -> str:
    """The picture of a text with the codes of a terminal."""
    console = Console(
        record=True,
        width=COLUMNS,
        file=io.StringIO(),
        force_terminal=True,
        color_system="truecolor",
        legacy_windows=False,
    )
    console.print(Text("$ " + " ".join(COMMAND), style="bold"))
    console.print()
    console.print(Text.from_ansi(text), soft_wrap=True)
    title = f"What {' '.join(COMMAND)} prints on a terminal"
    form = FORMAT.replace("DIGEST", mark[5:-4]).replace("TITLE", title)
    svg = console.export_svg(
        title="ecolint", theme=THEME, code_format=form, unique_id="ecolint", clear=False
    )
    return "\n".join(line.strip() for line in svg.splitlines() if line.strip()) + "\n"
