"""How far a long run has come, on a terminal."""

from __future__ import annotations

import sys
import time
from types import TracebackType
from typing import Any

_QUIET = 1.0
"""Seconds in which nothing is said: most runs need no more."""
_PAUSE = 0.1


class Progress:
    """A line on standard error that is gone at the end; nothing where that is no terminal."""

    def __init__(self, *, wanted: bool) -> None:
        self.wanted = wanted and sys.stderr.isatty()
        self._next = time.monotonic() + _QUIET
        self._bar: Any = None
        self._task: Any = None

    def __enter__(self) -> Progress:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._bar is not None:
            self._bar.stop()

    def __call__(self, done: int, total: int) -> None:
        """So many files are done."""
        if not self.wanted or time.monotonic() < self._next:
            return
        if self._bar is None:
            self._start(total)
        self._bar.update(self._task, completed=done)
        self._bar.refresh()
        self._next = time.monotonic() + _PAUSE

    def _start(self, total: int) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
        from rich.progress import Progress as Bar

        self._bar = Bar(
            TextColumn("auditing"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeRemainingColumn(compact=True),
            console=Console(stderr=True),
            transient=True,
            auto_refresh=False,  # no thread: workers may yet be forked
        )
        self._task = self._bar.add_task("", total=total)
        self._bar.start()
