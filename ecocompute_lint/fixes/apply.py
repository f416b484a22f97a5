"""Edits into texts, texts into files, and the diff that shows both."""

from __future__ import annotations

import contextlib
import difflib
import os
import re
import stat
from collections.abc import Iterable
from pathlib import Path

from ecocompute_lint import atomic
from ecocompute_lint.files import contents
from ecocompute_lint.findings import Edit
from ecocompute_lint.sources.text import Decoded, LineMap, encode

_NO_NEWLINE = "\n\\ No newline at end of file\n"


class CannotWrite(Exception):  # noqa: N818  (a state of the file, not a mistake of ours)
    """The file cannot be written; the text says why."""


class Changed(CannotWrite):
    """The file is no longer what was read."""


class OutsideTree(CannotWrite):
    """A link leads out of the tree that may be changed."""


def apply_edits(text: str, edits: Iterable[Edit]) -> str:
    """Apply edits, in any order. Insertions at one place keep their order.

    Raises ValueError where edits overlap or lie outside the text.
    """
    lines = LineMap(text)
    spans = sorted(((*lines.span(edit.place), edit.text) for edit in edits), key=lambda s: s[:2])
    parts, position = [], 0
    for start, end, new in spans:
        if start < position or end < start:
            raise ValueError("edits overlap")
        parts += [text[position:start], new]
        position = end
    return "".join([*parts, text[position:]])


def recoded(original: bytes, decoded: Decoded, text: str) -> bytes:
    """The bytes of a file whose text has become `text`, in the file's own encoding.

    Raises CannotWrite where that encoding does not give back the file's own bytes, so that more
    than the edit would change, or cannot hold what is inserted.
    """
    try:
        if encode(decoded.text, decoded) != original:
            raise CannotWrite(f"the encoding {decoded.encoding} would change other bytes too")
        return encode(text, decoded)
    except UnicodeError:
        raise CannotWrite(f"the encoding {decoded.encoding} cannot hold the change") from None


def write_atomically(path: Path, original: bytes, new: bytes, *, root: Path | None = None) -> None:
    """Replace a file's content, whole or not at all.

    The file must still hold `original` (else Changed), or already `new`, as another run left it.
    A symbolic link is followed and stays a link, but with `root` given not to a file outside that
    directory (OutsideTree). Mode and, where allowed, owner and attributes are kept. A read-only
    file or directory is CannotWrite.
    """
    try:
        real = path.resolve(strict=True)
        if root is not None and not real.is_relative_to(root.resolve()):
            raise OutsideTree(f"leads to {real}, outside {root}")
        status = real.stat()
        _refuse_unwritable(real, status)
        if contents(real) == new:
            return
        _refuse_changed(real, original, new)

        def finish(name: str) -> None:
            _keep_attributes(name, real)
            _keep_owner(name, status)
            os.chmod(name, stat.S_IMODE(status.st_mode))  # after the owner: chown clears set-id
            _refuse_changed(real, original, new)

        atomic.replace(str(real), new, finish=finish, sync=True)
    except RuntimeError:  # how Python before 3.13 reports a loop of links
        raise CannotWrite("a loop of symbolic links") from None
    except OSError as error:
        raise CannotWrite(_reason(error)) from None


def _reason(error: OSError) -> str:
    return (error.strerror or str(error) or type(error).__name__).lower()


def _refuse_unwritable(path: Path, status: os.stat_result) -> None:
    if not stat.S_ISREG(status.st_mode):
        raise CannotWrite("not a regular file")
    # Replacing needs no permission on the file itself, so ask what its owner meant, root or not.
    if not status.st_mode & 0o222 or not os.access(path, os.W_OK):
        raise CannotWrite("the file is read-only")
    if not os.access(path.parent, os.W_OK | os.X_OK):
        raise CannotWrite("its directory is read-only")


def _refuse_changed(path: Path, original: bytes, new: bytes) -> None:
    if contents(path) not in (original, new):
        raise Changed("the file has changed since it was read")


def _keep_attributes(name: str, path: Path) -> None:
    """Access lists, labels and whatever else the system keeps beside a file."""
    if hasattr(os, "listxattr"):
        with contextlib.suppress(OSError):
            for attribute in os.listxattr(path):
                with contextlib.suppress(OSError):
                    os.setxattr(name, attribute, os.getxattr(path, attribute))


def _keep_owner(name: str, status: os.stat_result) -> None:
    chown = getattr(os, "chown", None)
    mine = os.stat(name)
    if chown and (mine.st_uid, mine.st_gid) != (status.st_uid, status.st_gid):
        with contextlib.suppress(OSError):  # only root may give a file away
            chown(name, status.st_uid, status.st_gid)


def unified_diff(path: str, old: str, new: str) -> str:
    """A diff that ``git apply`` takes; empty where nothing differs.

    `path` is relative to the repository. Carriage returns are kept as content. A byte-order mark is
    part of the text for git: pass it in both texts where the file has one.
    """
    if old == new:
        return ""
    name = path.replace(os.sep, "/").lstrip("/")
    body = difflib.unified_diff(_lines(old), _lines(new), n=3, lineterm="\n")
    parts = [f"--- {_quoted('a/' + name)}\n", f"+++ {_quoted('b/' + name)}\n"]
    for index, line in enumerate(body):
        if index >= 2:  # after the two header lines
            parts.append(line if line.endswith("\n") else line + _NO_NEWLINE)
    return "".join(parts)


def _lines(text: str) -> list[str]:
    """Lines as git counts them: only a line feed ends one."""
    return [line for line in re.split(r"(?<=\n)", text) if line]


def _quoted(name: str) -> str:
    """A file name as git writes it in a diff."""
    if re.search(r'[\x00-\x1f\x7f"\\]', name):
        names = {"\t": "\\t", "\n": "\\n", "\r": "\\r", '"': '\\"', "\\": "\\\\"}
        plain = "".join(names.get(c, c) for c in name)
        return '"' + re.sub(r"[\x00-\x1f\x7f]", lambda m: f"\\{ord(m[0]):03o}", plain) + '"'
    return f"{name}\t" if " " in name else name  # the tab ends a name with spaces
