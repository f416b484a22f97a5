"""Results of earlier runs, kept in the user's cache folder.

A result holds as long as everything that it rests on is as it was: the file, what was looked at on
the way (see `traces`), and the context of the run (the tool with its rules and data, Python, the
settings, the current directory). Each context has a file of its own in the cache: a line with a
digest, then JSON. It is written whole, by a rename, so that runs at the same time never see half of
one. Whatever cannot be read counts as absent, and whatever cannot be written is not kept.
"""

from __future__ import annotations

import contextlib
import json
import os
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import fields
from functools import lru_cache
from hashlib import blake2b
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

from ecocompute_lint import __version__, traces
from ecocompute_lint.files import contents

if TYPE_CHECKING:
    from ecocompute_lint.audit import FileReport
    from ecocompute_lint.config import Settings
    from ecocompute_lint.discovery import Discovered

Row: TypeAlias = tuple[Any, ...]
"""A look, then what it showed: for contents their stamp and digest."""

VARIABLE = "ECOLINT_CACHE_DIR"
_FORMAT = "results-1"
_PACKAGE = Path(__file__).resolve().parent
_MOST_BYTES = 100_000_000
_MOST_RESULTS = 100_000
_FRESH = 2_000_000_000
"""Nanoseconds within which a file may change again and keep its stamp."""
# What says which files are looked at, or what is done with findings, and not which there are.
_INDIFFERENT = frozenset(
    "fail_on fix_level show_good exclude extend_exclude exclude_tests force_exclude source "
    "baseline style lang".split()
)
_BROKEN = (ValueError, TypeError, LookupError, AttributeError, RecursionError)


def folder() -> Path:
    """Where results are kept."""
    chosen = os.environ.get(VARIABLE)
    if chosen:
        return Path(chosen)
    import platformdirs

    return Path(platformdirs.user_cache_dir("ecolint", appauthor=False))


def clean() -> tuple[int, int]:
    """Remove all results, those of other versions included: how many files, and their bytes."""
    count = size = 0
    for found in folder().glob("results-*"):
        for file, state in _files(found):
            with contextlib.suppress(OSError):
                file.unlink()
                count, size = count + 1, size + state.st_size
        with contextlib.suppress(OSError):
            found.rmdir()
    return count, size


def _files(place: Path) -> Iterator[tuple[Path, os.stat_result]]:
    try:
        found = sorted(place.iterdir())
    except OSError:
        return
    for file in found:
        with contextlib.suppress(OSError):
            yield file, file.stat()


# -- what a result rests on


def rows_of(looks: Mapping[traces.Look, traces.Seen]) -> tuple[Row, ...] | None:
    """What was looked at, in a form that can be kept; None where it has changed since."""
    rows: list[Row] = []
    for look, seen in looks.items():
        if look[0] == traces.CONTENT and isinstance(seen, tuple):
            found = _digest(look[1], seen)
            if found is None:
                return None
            rows.append((*look, *_settled(seen), found))
        else:
            shown = seen if isinstance(seen, tuple) else (seen,)
            rows.append((*look, *shown))
    return tuple(rows)


def _settled(stamp: tuple[int, int, int]) -> tuple[int, int, int]:
    """A stamp that says something; all zero for a file that may yet change under it."""
    return stamp if time.time_ns() - stamp[0] > _FRESH else (0, 0, 0)


@lru_cache(maxsize=4096)
def _digest(path: str, stamp: tuple[int, int, int]) -> str | None:
    """The digest of a file's contents in the state of the stamp."""
    try:
        digest = blake2b(contents(path), digest_size=16).hexdigest()
    except OSError:
        return None
    return digest if traces.stamp_of(path) == stamp else None


def _now(row: Row) -> Row | None:
    """The row as it would be written now, where it still holds."""
    if row[0] != traces.CONTENT:
        width = 3 if row[0] == traces.NAMES else 2
        seen = traces.see(row[:width])
        shown = seen if isinstance(seen, tuple) else (seen,)
        return row if row[width:] == shown else None
    stamp = traces.stamp_of(row[1])
    if isinstance(stamp, str) or len(row) != 6:
        return row if row[2:] == (stamp,) else None
    if row[2:5] == stamp:
        return row
    if row[2:5] != (0, 0, 0) and row[3] != stamp[1]:
        return None
    if _digest(row[1], stamp) != row[5]:
        return None
    return (*row[:2], *_settled(stamp), row[5])


# -- the context of a run


def context_of(settings: Settings, *, with_edits: bool) -> str:
    """A digest of all that decides on results besides the files looked at."""
    parts = [_tool(), os.getcwd(), repr(with_edits)]
    for field in fields(settings):
        if field.name not in _INDIFFERENT:
            parts.append(f"{field.name}={getattr(settings, field.name)!r}")
    for place in settings.rules:
        parts += _contents(path for path in sorted(place.iterdir()) if path.suffix in _RULES)
    parts += _contents(settings.data)
    return _digest_of(parts)


_RULES = (".yaml", ".yml")


@lru_cache(maxsize=1)
def _tool() -> str:
    """The tool: its version, code, rules and data, and the Python that runs it."""
    from ecocompute_lint.resources import rules_dir

    parts = [_FORMAT, __version__, sys.version, sys.platform]
    suffixes = (".py", ".csv", *_RULES)
    for top in (_PACKAGE, rules_dir()):
        for base, folders, names in os.walk(top):
            folders.sort()
            parts += _contents(
                Path(base, name) for name in sorted(names) if name.endswith(suffixes)
            )
    return _digest_of(parts)


def _contents(paths: Iterable[Path]) -> Iterator[str]:
    for path in paths:
        try:
            data = path.read_bytes()
        except OSError:
            data = b""
        yield f"{path} {blake2b(data, digest_size=16).hexdigest()}"


def _digest_of(parts: Iterable[str]) -> str:
    text = "\0".join(parts)
    return blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()


# -- results


class Results:
    """The results of one context: by file, the rows that each rests on, and the report."""

    def __init__(self, file: Path) -> None:
        self.file = file
        self.blank: dict[str, Row] = {}
        """Files without a word that matters, by their stamps."""
        self.kept: dict[str, tuple[tuple[Row, ...], Any]] = {}
        self.checked: dict[Row, Row | None] = {}
        self.used: set[str] = set()
        self.changed = False
        self.blank, self.kept = _read(file)

    def get(self, key: str, path: str) -> Any:
        """The report kept for a file if it still holds, True for a blank one, else None."""
        stamp = self.blank.get(key)
        if stamp is not None:
            if stamp != traces.stamp_of(path):
                return None
            self.used.add(key)
            return True
        rows, report = self.kept.get(key, ((), None))
        if not rows or not all(self._holds(row) for row in rows):
            return None
        self.used.add(key)
        return report

    def _holds(self, row: Row) -> bool:
        if row not in self.checked:
            now = self.checked[row] = _now(row)
            self.changed |= now is not None and now != row
        return self.checked[row] is not None

    def put(self, key: str, rows: tuple[Row, ...], report: Any) -> None:
        """Keep a result."""
        self.blank.pop(key, None)
        self.kept[key] = (rows, report)
        self.used.add(key)
        self.changed = True

    def put_blank(self, key: str, stamp: tuple[int, int, int]) -> None:
        """Keep that a file has nothing to look at."""
        if _settled(stamp) == stamp:
            self.kept.pop(key, None)
            self.blank[key] = stamp
            self.used.add(key)
            self.changed = True

    def save(self) -> None:
        """Write what has changed, with what other runs have added since. Raises OSError."""
        if not self.changed:
            with contextlib.suppress(OSError):
                os.utime(self.file)  # used just now: the last to be dropped
            return
        blank, kept = _read(self.file)
        for key in blank.keys() | kept.keys():
            if key not in self.used:
                _carry(key, blank, self.blank)
                _carry(key, kept, self.kept)
        if len(self.blank) + len(self.kept) > _MOST_RESULTS:
            self.blank = {key: row for key, row in self.blank.items() if key in self.used}
            self.kept = {key: row for key, row in self.kept.items() if key in self.used}
        _write(self.file, self._data())

    def _data(self) -> bytes:
        numbers: dict[Row, int] = {}
        results = {}
        for key, (rows, report) in self.kept.items():
            fresh = (self.checked.get(row) or row for row in rows)
            results[key] = [[numbers.setdefault(row, len(numbers)) for row in fresh], report]
        body = {"blank": self.blank, "rows": list(numbers), "results": results}
        return json.dumps(body, separators=(",", ":")).encode()


def _carry(key: str, theirs: dict[str, Any], ours: dict[str, Any]) -> None:
    if key in theirs:
        ours[key] = theirs[key]
    else:
        ours.pop(key, None)


def _read(file: Path) -> tuple[dict[str, Row], dict[str, tuple[tuple[Row, ...], Any]]]:
    if not _ours(file.parent):
        return {}, {}
    try:
        with open(file, "rb") as stream:
            digest, body = stream.readline(), stream.read()
        if digest.decode().strip() != blake2b(body, digest_size=16).hexdigest():
            return {}, {}
        data = json.loads(body)
        rows = [tuple(row) for row in data["rows"]]
        blank = {key: tuple(stamp) for key, stamp in data["blank"].items()}
        kept = {
            key: (tuple(rows[number] for number in numbers), report)
            for key, (numbers, report) in data["results"].items()
        }
    except (OSError, *_BROKEN):
        return {}, {}
    return blank, kept


def _ours(place: Path) -> bool:
    """Whether nobody else can have put results there, as in a folder that all may write to."""
    if not hasattr(os, "geteuid"):
        return True
    try:
        state = place.stat()
    except OSError:
        return False
    return state.st_uid == os.geteuid() and not state.st_mode & 0o022


def _write(file: Path, body: bytes) -> None:
    handle, temporary = tempfile.mkstemp(prefix=".new-", dir=file.parent)
    try:
        with os.fdopen(handle, "wb") as stream:
            stream.write(blake2b(body, digest_size=16).hexdigest().encode() + b"\n" + body)
        os.replace(temporary, file)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(temporary)
        raise


class Cache:
    """The results of all contexts of one run."""

    def __init__(self, place: Path | None = None, *, with_edits: bool = False) -> None:
        self.place = (place or folder()) / _FORMAT
        self.with_edits = with_edits
        self._by_context: dict[str, Results] = {}
        self._by_settings: dict[int, tuple[Settings, Results]] = {}

    def get(self, item: Discovered, thorough: bool) -> FileReport | None:
        """The report of a file if it is known."""
        from ecocompute_lint.audit import IRRELEVANT, FileReport
        from ecocompute_lint.records import report_from

        found = self._results(item.settings).get(_key(item, thorough), str(item.file))
        if found is True:
            return FileReport(item.path, "skipped", reason=IRRELEVANT)
        try:
            return report_from(found) if found is not None else None
        except (*_BROKEN, AssertionError):
            return None

    def put(self, item: Discovered, thorough: bool, rows: tuple[Row, ...], report: Any) -> None:
        """Keep the report of a file, made `flat`."""
        self._results(item.settings).put(_key(item, thorough), rows, report)

    def put_blank(self, item: Discovered, stamp: tuple[int, int, int]) -> None:
        """Keep that a file has nothing to look at."""
        self._results(item.settings).put_blank(_key(item, False), stamp)

    def save(self) -> None:
        """Write what is new; say nothing where that is not possible."""
        with contextlib.suppress(OSError, *_BROKEN):
            self.place.mkdir(mode=0o700, parents=True, exist_ok=True)
            if not _ours(self.place):
                return
            for results in self._by_context.values():
                results.save()
            self._bound()

    def _bound(self) -> None:
        """Drop what was not used for longest, and what broken runs have left."""
        found = sorted(_files(self.place), key=lambda item: item[1].st_mtime, reverse=True)
        size = 0
        for file, state in found:
            size += state.st_size
            abandoned = file.name.startswith(".new-") and time.time() - state.st_mtime > 3600
            if size > _MOST_BYTES or abandoned:
                with contextlib.suppress(OSError):
                    file.unlink()

    def _results(self, settings: Settings) -> Results:
        known = self._by_settings.get(id(settings))
        if known is None:
            context = context_of(settings, with_edits=self.with_edits)
            results = self._by_context.get(context)
            if results is None:
                results = self._by_context[context] = Results(self.place / f"{context}.json")
            known = self._by_settings[id(settings)] = (settings, results)
        return known[1]


def _key(item: Discovered, thorough: bool) -> str:
    return f"{item.kind}{'!' if thorough else ':'}{item.path}"
