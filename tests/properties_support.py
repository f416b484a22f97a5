"""What the properties share: how much is tried, the command in this process, bounded work."""

from __future__ import annotations

import contextlib
import io
import os
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from types import FrameType
from typing import Any

from fixture_files import ADVICE
from hypothesis import HealthCheck, settings

from ecocompute_lint.cli import main, run
from ecocompute_lint.config import Settings
from ecocompute_lint.findings import Confidence
from ecocompute_lint.notices import take_over

USUAL = 100
"""Examples of a property under the profile that is not thorough."""
_SLOW = (HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much)
_CALLS, _CALLS_PER_SIGN = 3_000_000, 6_000
EVERYTHING = Settings(
    extend_select=ADVICE, min_confidence=Confidence.POSSIBLE, context="all", show_good=True
)
OPTIONS = ("--extend-select", ",".join(ADVICE), "--min-confidence", "possible", "--context", "all")


def examples(count: int) -> settings:
    """So many examples; as many times more as the profile has more than usual."""
    scaled = max(1, count * settings.default.max_examples // USUAL)
    return settings(max_examples=scaled, deadline=None, suppress_health_check=_SLOW)


class TooMuchWorkError(AssertionError):
    """A text costs more calls than one of its size may."""


@contextlib.contextmanager
def bounded(size: int) -> Iterator[None]:
    """Ends what makes more calls than a text of that size may cost: a hang, whatever the clock."""
    left = _CALLS + _CALLS_PER_SIGN * size

    def count(frame: FrameType, event: str, argument: Any) -> None:
        nonlocal left
        left -= 1
        if left < 0:
            sys.setprofile(None)
            raise TooMuchWorkError(f"more calls than {size} signs may cost")

    before = sys.getprofile()
    sys.setprofile(count)
    try:
        yield
    finally:
        sys.setprofile(before)


@contextlib.contextmanager
def folder() -> Iterator[Path]:
    """A project of its own, which is also the current directory."""
    here = os.getcwd()
    with tempfile.TemporaryDirectory(prefix="ecolint-property-") as name:
        root = Path(name).resolve()
        (root / "ecolint.toml").write_text("")
        os.chdir(root)
        try:
            yield root
        finally:
            os.chdir(here)


def command(*arguments: str) -> tuple[int, str, str]:
    """Run the command in this process: status, standard output, standard error."""
    run._source.cache_clear()  # one process, one project: a file is read once
    out, err = (io.TextIOWrapper(io.BytesIO(), "utf-8", newline="") for _ in range(2))
    try:
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            status = main(arguments)
    finally:
        take_over(None)
    texts = []
    for stream in (out, err):
        stream.flush()
        texts.append(stream.buffer.getvalue().decode("utf-8", "replace"))  # type: ignore[attr-defined]
    assert "internal error" not in texts[0] + texts[1], texts
    return status, texts[0], texts[1]
