"""The standard streams and the signals of the command, whatever state they come in."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import threading
from collections.abc import Iterator
from types import FrameType

_ENDING = ("SIGTERM", "SIGHUP")


def fill() -> None:
    """Give closed streams a place to go to.

    Else the next file that is opened takes the number of one, and gets what was meant for it.
    Standard input stays absent for who asks for it: nothing is not an empty text.
    """
    for number, name, mode in ((0, "stdin", "r"), (1, "stdout", "w"), (2, "stderr", "w")):
        if getattr(sys, name) is None:
            nothing = open(os.devnull, mode, encoding="utf-8")  # noqa: SIM115
            with contextlib.suppress(OSError):
                os.set_inheritable(nothing.fileno(), True)
            _KEPT.append(nothing)
            if number:
                setattr(sys, name, nothing)


_KEPT: list[object] = []


def drop() -> None:
    """Let nothing more be written, so that nothing fails again when Python ends."""
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except OSError:
            with contextlib.suppress(OSError, ValueError):
                os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


@contextlib.contextmanager
def ended_in_order() -> Iterator[None]:
    """Let whoever is at work clean up behind itself where the process is told to end."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {}
    for number in (getattr(signal, name, None) for name in _ENDING):
        if number is not None and signal.getsignal(number) == signal.SIG_DFL:
            before[number] = signal.signal(number, _end)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _end(number: int, frame: FrameType | None) -> None:
    raise SystemExit(128 + number)


def end_at_once() -> None:
    """Let signals end the process even where another thread waits for input.

    Only for who has nothing to clean up behind itself.
    """
    if threading.current_thread() is threading.main_thread():
        for number in (getattr(signal, name, None) for name in ("SIGINT", *_ENDING)):
            if number is not None and signal.getsignal(number) != signal.SIG_IGN:
                signal.signal(number, lambda number, frame: os._exit(128 + number))


def deaf() -> None:
    """Do not be interrupted again on the way out."""
    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGINT, signal.SIG_IGN)
