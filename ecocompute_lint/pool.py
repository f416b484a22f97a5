"""Analysing files in several processes."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import signal
import sys
import threading
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from multiprocessing.context import BaseContext
from typing import TYPE_CHECKING

from ecocompute_lint.audit import UNPARSABLE, FileReport
from ecocompute_lint.findings import Problem
from ecocompute_lint.garbage import collect_seldom
from ecocompute_lint.runs import Done

if TYPE_CHECKING:
    from ecocompute_lint.runs import Work

_MOST = 32
_SAFE_PATH = "PYTHONSAFEPATH"
_BYTES = {"fork": 100_000, "spawn": 300_000}
"""From so many bytes that passed the first gate on, several processes are sooner done than one.

Starting them takes as long as analysing a part of that, and what passes may yet not matter.
"""


def workers_for(jobs: int | None, size: int) -> int:
    """How many processes to use for so many bytes, and more to come.

    `jobs`, or as many as pay where that is None or 0.
    """
    if _method() == "spawn" and sys.version_info < (3, 11):
        return 1  # see `_own_modules`: this Python would not listen
    if jobs:
        return min(jobs, _MOST)
    return min(_cores(), _MOST) if size >= _BYTES[_method()] else 1


def _cores() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _method() -> str:
    # A fork has everything loaded, but is safe only where there is one thread, and not on macOS.
    alone = sys.platform == "linux" and threading.active_count() == 1
    return "fork" if alone else "spawn"


def spread(
    parts: Iterable[Sequence[Work]], workers: int, method: str | None = None
) -> Iterator[Done]:
    """Analyse in so many processes, in order. Raises ConfigError and RuleError."""
    with _own_modules():
        yield from _spread(parts, workers, method or _method())


@contextlib.contextmanager
def _own_modules() -> Iterator[None]:
    """Processes that are spawned within look for no modules in the current directory.

    Until they have taken over the path of this process they would: they are started with ``-c``,
    and the directory may be anybody's.
    """
    before = os.environ.get(_SAFE_PATH)
    os.environ[_SAFE_PATH] = "1"
    try:
        yield
    finally:
        if before is None:
            del os.environ[_SAFE_PATH]
        else:
            os.environ[_SAFE_PATH] = before


def _spread(parts: Iterable[Sequence[Work]], workers: int, method: str) -> Iterator[Done]:
    context = multiprocessing.get_context(method)
    before = set(multiprocessing.active_children())
    executor = _executor(workers, context)
    lost = False
    results: list[tuple[Sequence[Work], Future[list[Done | None]] | None]] = []
    try:
        for part in parts:
            future = _submitted(executor, part) if executor is not None and not lost else None
            lost |= executor is not None and future is None
            results.append((part, future))
        for part, result in results:
            found: Sequence[Done | None] = [None] * len(part)
            if result is not None:
                try:
                    found = result.result()
                except BrokenProcessPool:
                    lost = True
                    found = [_apart(one, context.get_start_method()) for one in part]
            for one, done in zip(part, found, strict=True):
                # Bad rules and settings end the run: here they are raised as they are.
                yield done if done is not None else one()
    except BaseException:
        lost = True
        raise
    finally:
        if executor is not None:
            executor.shutdown(wait=not lost, cancel_futures=True)
        if lost:
            for child in set(multiprocessing.active_children()) - before:
                child.terminate()
                child.join()


def _executor(workers: int, context: BaseContext) -> ProcessPoolExecutor | None:
    """Processes, or None where the system has none to give: no shared memory, too many open files.

    What cannot be done elsewhere is done here.
    """
    try:
        return ProcessPoolExecutor(workers, context, _begin)
    except (OSError, ImportError, NotImplementedError):
        return None


def _submitted(
    executor: ProcessPoolExecutor, part: Sequence[Work]
) -> Future[list[Done | None]] | None:
    try:
        return executor.submit(_audit, part)
    except OSError:  # no process could be started
        return None


def _apart(work: Work, method: str) -> Done | None:
    """Analyse in a process of its own what was lost, perhaps because it ends any process."""
    context = multiprocessing.get_context(method)
    with ProcessPoolExecutor(1, context, _begin) as executor:
        try:
            return executor.submit(_audit, [work]).result()[0]
        except BrokenProcessPool:
            text = "the process that analysed it ended abruptly (out of memory?)"
            problem = Problem(UNPARSABLE, work.item.path, text)
            return Done(FileReport(work.item.path, "failed", problem=problem))


# -- in the worker


def _begin() -> None:
    """Leave interrupts to the parent, and end with it."""
    collect_seldom()
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)  # how the parent ends it
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        with contextlib.suppress(OSError):
            parent.join()
        os._exit(1)


def _audit(part: Sequence[Work]) -> list[Done | None]:
    from ecocompute_lint.config import ConfigError
    from ecocompute_lint.engine.catalogue import RuleError

    found: list[Done | None] = []
    for one in part:
        try:
            found.append(one())
        except (ConfigError, RuleError):
            found.append(None)
    return found
