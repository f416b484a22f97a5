"""Python source to facts."""

from __future__ import annotations

import ast
import re
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ecocompute_lint.facts import Deployment
from ecocompute_lint.files import contents
from ecocompute_lint.frozen import dataclass
from ecocompute_lint.garbage import no_collections
from ecocompute_lint.prefilter import may_install
from ecocompute_lint.screening import screen
from ecocompute_lint.sources.documents import Unreadable
from ecocompute_lint.sources.text import LineMap, UnreadableSource, decode

_MAGIC = re.compile(r"^([ \t]*)(?:[!%?]|\S+\?+[ \t]*$)")
_LINE = re.compile(r"([^\r\n]*)(\r\n|\r|\n|$)")
_PYTHON_2_TEXT = re.compile(
    r"`|<>|\b[uU][rR]['\"]|\b\d+L\b|\braise \w+, |\bexcept \w+, \w+:|^\s*(?:print|exec) "
)
_PYTHON_2 = (
    "Missing parentheses in call to 'print'",
    "Missing parentheses in call to 'exec'",
    "leading zeros in decimal integer literals",
    "multiple exception types must be parenthesized",
)


class Unparsable(Unreadable):
    """The text is no Python that this interpreter's grammar knows."""


@dataclass(frozen=True, slots=True)
class Read:
    """What was read from one text: facts, and the tree they come from (None if screened out)."""

    facts: tuple[Deployment, ...]
    tree: ast.Module | None


def parse(text: str) -> ast.Module:
    """Parse Python; notebook exports with ``!`` and ``%`` lines too. Raises Unparsable."""
    try:
        return _parse(text)
    except SyntaxError as error:
        blanked = without_magics(text)
        if blanked != text:
            try:
                return _parse(blanked)
            except (SyntaxError, ValueError, RecursionError, MemoryError):
                pass
        raise _explained(error) from None
    except (RecursionError, MemoryError):
        raise Unparsable("nested too deeply to be parsed", None, None) from None
    except ValueError as error:
        raise Unparsable(str(error), None, None) from None


def _parse(text: str) -> ast.Module:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # invalid escapes in audited code are not our business
        return ast.parse(text)


def _explained(error: SyntaxError) -> Unparsable:
    reason = error.msg or "invalid syntax"
    line = error.text or ""
    if any(hint in reason for hint in _PYTHON_2) or _PYTHON_2_TEXT.search(line):
        reason += " (Python 2 code?)"
    elif reason.startswith("f-string") and sys.version_info < (3, 12):
        running = ".".join(map(str, sys.version_info[:2]))
        reason += f" (Python 3.12 may read it; this is Python {running})"
    return Unparsable(reason, error.lineno, error.offset)


def without_magics(text: str) -> str:
    """The text with IPython's magic and shell lines blanked; every other position stays."""
    lines: list[str] = []
    continued = False
    for match in _LINE.finditer(text):
        line, end = match.groups()
        magic = _MAGIC.match(line)
        if continued or magic:
            indent = magic.group(1) if magic else ""
            # A statement keeps a block alive that held nothing else.
            lines.append(f"{'' if continued else indent + 'pass'}{end}")
            continued = line.rstrip().endswith("\\")
        else:
            lines.append(line + end)
    return "".join(lines)


def read(
    text: str,
    tree: ast.Module | None = None,
    file: Path | None = None,
    root: Path | None = None,
    *,
    loads: bool = False,
) -> Read:
    """The facts of one Python text. Raises Unparsable. `tree` is used if the caller has parsed.

    `file` is where it stands, and `root` the project: imports lead to what lies there.
    With `loads` a file that does no more than load a model is read as well.
    """
    with no_collections():
        return _read(text, tree, file, root, loads)


def _read(
    text: str, tree: ast.Module | None, file: Path | None, root: Path | None, loads: bool
) -> Read:
    tree = tree if tree is not None else parse(text)
    packages = _installed(text, tree, file)
    if not screen(tree, loads=loads):
        return Read(packages, tree if packages else None)
    from ecocompute_lint.analysis.executions import Executions
    from ecocompute_lint.analysis.module import follow

    with _room_to_recurse():
        project = None
        if file is not None:
            from ecocompute_lint.analysis.project import Project

            project = Project(file, root or file.parent, _module)
        run = follow(tree, project)
        reader = Executions(run, LineMap(text))
        facts = (*reader.deployments(), *reader.executions(), *packages)
        run.forget()
        return Read(facts, tree)


def _installed(text: str, tree: ast.Module, file: Path | None) -> tuple[Deployment, ...]:
    """What a text installs, where that may be no release; setup.py by what it requires too."""
    if not may_install(text.encode("utf-8", "surrogatepass"), python=True):
        return ()
    from ecocompute_lint.sources.package_facts import facts
    from ecocompute_lint.sources.python_installs import installed

    found = tuple(installed(text, tree))
    if file is not None and file.name == "setup.py":
        from ecocompute_lint.sources.package_lists import read_setup

        found += read_setup(text, file.name).packages
    return tuple(facts(found))


def _module(path: str) -> ast.Module | None:
    """The tree of a file that another one imports; None if it cannot be read."""
    try:
        return parse(decode(contents(path)).text)
    except (OSError, UnreadableSource, Unparsable):
        return None


@contextmanager
def _room_to_recurse() -> Iterator[None]:
    """Long `elif` chains are deep trees. Before 3.11 each level also takes of the C stack."""
    before = sys.getrecursionlimit()
    sys.setrecursionlimit(max(before, 10_000 if sys.version_info >= (3, 11) else 4_000))
    try:
        yield
    finally:
        sys.setrecursionlimit(before)
