"""What has changed since a revision, line by line, as git says."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from ecocompute_lint.errors import ConfigError
from ecocompute_lint.findings import Place
from ecocompute_lint.tree import repository, run_git

_DIFF = (
    "diff --no-color --no-ext-diff --no-textconv --no-relative --text --unified=0 "
    "--inter-hunk-context=0 --find-renames --ignore-submodules=all --diff-filter=d "
    "--src-prefix=a/ --dst-prefix=b/"
).split()
_HUNK = re.compile(r"@@ -\d+(?:,(\d+))? \+(\d+)(?:,(\d+))? @@")
_PARTIAL = (b"lazy fetching disabled", b"' not allowed")
"""What git says where it may not fetch the objects that it lacks."""
_ESCAPED = re.compile(rb"\\(?:([0-7]{3})|(.))", re.DOTALL)
_SIGNS = {b"a": 7, b"b": 8, b"t": 9, b"n": 10, b"v": 11, b"f": 12, b"r": 13}


class CannotCompare(ConfigError):  # noqa: N818  (a state of the repository)
    """What was asked of git cannot be answered: why, and the remedy."""

    def __init__(self, problem: str) -> None:
        super().__init__(f"{problem} (--since)")


@dataclass(slots=True)
class Lines:
    """The changed lines of a file: all, or ranges with both ends; `cuts`: where some went."""

    everything: bool = False
    ranges: list[tuple[int, int]] = field(default_factory=list)
    cuts: list[int] = field(default_factory=list)

    def touch(self, place: Place) -> bool:
        """Whether a place has a changed line, or lost one."""
        if self.everything:
            return True
        first, last = place.line, place.end_line
        return any(a <= last and first <= b for a, b in self.ranges) or any(
            first <= cut < last for cut in self.cuts
        )


class Changes:
    """The changes since a revision in the repositories of some paths."""

    def __init__(self, revision: str, paths: Iterable[str]) -> None:
        """Ask git once for each repository. Raises CannotCompare."""
        self._files: dict[str, Lines] = {}
        self._roots: set[str] = set()
        for path in paths:
            if os.path.exists(path):
                self._take(revision, path)

    def _take(self, revision: str, path: str) -> None:
        real = os.path.realpath(path)
        root = repository(real if os.path.isdir(real) else os.path.dirname(real))
        if root is None:
            raise CannotCompare(f"{path}: not in a git repository")
        if root not in self._roots:
            self._roots.add(root)
            self._files.update(_changes(root, revision))
        # What git ignores and somebody names is nowhere in a diff, and as new as can be.
        if os.path.isfile(real) and real not in self._files and not _tracked(root, real):
            self._files[real] = Lines(everything=True)

    def of(self, path: str | os.PathLike[str]) -> Lines | None:
        """What has changed in a file; None where nothing has."""
        return self._files.get(os.path.realpath(path))


# -- git


def _changes(root: str, revision: str) -> Iterator[tuple[str, Lines]]:
    """The files that differ from where the revision and the present state part, and new ones."""
    base = _base(root, revision)
    for name, lines in _parsed(_git(root, *_without_filters(root), *_DIFF, base, "--")):
        yield os.path.realpath(os.path.join(root, os.fsdecode(name))), lines
    for name in _git(root, "ls-files", "-z", "--others", "--exclude-standard").split(b"\0"):
        if name:
            yield os.path.realpath(os.path.join(root, os.fsdecode(name))), Lines(everything=True)


def _without_filters(root: str) -> Iterator[str]:
    """Options that take the filters out that the repository's own configuration defines.

    git would run them, programs of any kind, on files that may have changed. Those of the user's
    configuration are the user's own.
    """
    pattern = r"^filter\..*\.(clean|process|required)$"
    asked = ("config", "-z", "--show-scope", "--name-only", "--get-regexp", pattern)
    status, output, errors = _asked(root, *asked)
    if status not in (0, 1):
        raise CannotCompare(f"git config: {_reason(errors)}")
    scopes, names = (output.split(b"\0")[part::2] for part in (0, 1))
    for scope, name in zip(scopes, names, strict=False):
        if scope not in (b"local", b"worktree"):
            continue
        key = os.fsdecode(name)
        if "=" in key:
            raise CannotCompare(f"a filter of {root} has a name that git cannot be told: {key!r}")
        yield from ("-c", f"{key}={'false' if key.endswith('.required') else ''}")


def _tracked(root: str, file: str) -> bool:
    return bool(_git(root, "ls-files", "-z", "--", os.path.relpath(file, root)))


def _base(root: str, revision: str) -> str:
    """The last commit that a revision and the present one share."""
    commit = _resolved(root, revision)
    head = _resolved(root, "HEAD")
    if commit is None:
        hint = _shallow_hint(root) or ". `git log` and `git branch --all` show what there is"
        raise CannotCompare(f"git knows no revision {revision!r} here{hint}")
    if head is None:
        raise CannotCompare("there is no commit yet to compare with")
    status, output, _ = _asked(root, "merge-base", commit, head)
    if status != 0 or not output.strip():
        hint = _shallow_hint(root) or ", so that there is nothing to compare with"
        raise CannotCompare(f"{revision!r} and HEAD have no commit in common{hint}")
    return output.split()[0].decode("ascii")


def _resolved(root: str, revision: str) -> str | None:
    if not revision or "\0" in revision:
        return None
    asked = ("rev-parse", "--verify", "--quiet", "--end-of-options", f"{revision}^{{commit}}")
    status, output, errors = _asked(root, *asked)
    if status == 128 and b"dubious ownership" in errors:
        raise CannotCompare(_reason(errors))
    return output.split()[0].decode("ascii") if status == 0 and output.strip() else None


def _shallow_hint(root: str) -> str:
    if _git(root, "rev-parse", "--is-shallow-repository").strip() != b"true":
        return ""
    return (
        ": this clone is shallow. Fetch more history first "
        "(`git fetch --unshallow`; in GitHub Actions `fetch-depth: 0` for actions/checkout)"
    )


def _git(root: str, *arguments: str) -> bytes:
    status, output, errors = _asked(root, *arguments)
    if status != 0 and any(words in errors for words in _PARTIAL):
        raise CannotCompare(
            "this clone is a partial one, and ecolint fetches nothing. "
            "`git diff` with the same revision fetches what is missing"
        )
    if status != 0:
        raise CannotCompare(f"git {_command(arguments)}: {_reason(errors)}")
    return output


def _command(arguments: Sequence[str]) -> str:
    """The command behind the options."""
    return next(word for word in arguments if word != "-c" and "." not in word)


def _asked(root: str, *arguments: str) -> tuple[int, bytes, bytes]:
    try:
        return run_git(root, "--literal-pathspecs", "-c", "core.quotePath=true", *arguments)
    except OSError as error:
        raise CannotCompare(
            f"git cannot be run: {(error.strerror or str(error)).lower()}"
        ) from None


def _reason(errors: bytes) -> str:
    lines = errors.decode("utf-8", "replace").strip().splitlines()
    return lines[0].removeprefix("fatal: ").rstrip(".") if lines else "failed"


# -- the diff


def _parsed(diff: bytes) -> Iterator[tuple[bytes, Lines]]:
    """File names and changed lines of a diff without context."""
    name, lines = b"", Lines()
    left = 0  # lines of the hunk that are still to come
    for line in diff.split(b"\n"):
        if left > 0 and line[:1] in b"+-" and line:
            left -= 1
        elif line.startswith(b"+++ "):
            name, lines = _name(line[4:]), Lines()
            yield name, lines
        elif line.startswith(b"* Unmerged path "):
            yield _unquoted(line[len(b"* Unmerged path ") :]), Lines(everything=True)
        elif match := _HUNK.match(line.decode("latin-1")):
            old, first, new = (int(part) if part else 1 for part in match.groups())
            if new:
                lines.ranges.append((first, first + new - 1))
            else:
                lines.cuts.append(first)
            left = old + new


def _name(written: bytes) -> bytes:
    """The name in a header, without its prefix."""
    return _unquoted(written).removeprefix(b"b/")


def _unquoted(written: bytes) -> bytes:
    if not written.startswith(b'"'):
        return written.removesuffix(b"\t")  # which ends a name with spaces

    def plain(match: re.Match[bytes]) -> bytes:
        if match[1]:
            return bytes([int(match[1], 8)])
        return bytes([_SIGNS[match[2]]]) if match[2] in _SIGNS else match[2]

    return _ESCAPED.sub(plain, written.rstrip(b"\t")[1:-1])
