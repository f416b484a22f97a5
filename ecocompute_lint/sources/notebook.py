"""Jupyter notebooks: the code cells as one Python module, and the way back to cells and JSON."""

from __future__ import annotations

import difflib
import re
from bisect import bisect_right
from collections.abc import Mapping
from dataclasses import field, replace

from ecocompute_lint.findings import Edit, Place
from ecocompute_lint.frozen import dataclass
from ecocompute_lint.sources.documents import Unreadable
from ecocompute_lint.sources.kinds import PYTHON, kind_of
from ecocompute_lint.sources.magics import Plain, error_of, plain
from ecocompute_lint.sources.notebook_cells import code_cells, language_of
from ecocompute_lint.sources.notebook_json import Change, Source, load
from ecocompute_lint.sources.pieces import Piece
from ecocompute_lint.sources.text import LineMap

# fmt: off
_PYTHON_MAGICS = frozenset(
    "time timeit capture prun debug memit mprun lprun memray_flamegraph wandb snapviz scalene "
    "pyinstrument notify heat cache px".split()
)
_SHELL_MAGICS = frozenset(("bash", "sh", "shell", "system", "sx", "!"))
_SHELLS = re.compile(r"(?:\S*/)?(?:ba|z|da)?sh\b")
_PYTHONS = re.compile(r"(?:\S*/)?python3?\b")
# fmt: on
_CELL_MAGIC = re.compile(r"%%(\S+)[ \t]*([^\r\n]*?)[ \t]*(?:\r\n|\r|\n|\Z)")
# Comments too: Colab keeps the titles of its forms above a magic.
_BLANK_LINES = re.compile(r"(?:[ \t]*(?:\#[^\r\n]*)?[\r\n])*")
_WRITTEN = re.compile(r"(?:-\S+[ \t]+)*(['\"]?)(?P<name>[^'\"]+?)\1")


_IN_THE_WAY = "a magic or shell line stands in the way"


class CannotRewrite(Exception):  # noqa: N818  (a state of the notebook, not a mistake of ours)
    """A change that cannot be made in the notebook; the text says why."""


@dataclass(frozen=True, slots=True)
class Cell:
    """A code cell: its index among all cells, its source, and its Python as it is joined."""

    index: int
    source: Source
    python: Plain | None = None


@dataclass(frozen=True, slots=True)
class Shell:
    """A shell command or script; `text` leads back to the raw JSON."""

    cell: int
    text: Piece
    place: Place
    """Where it begins and ends in the source of the cell."""


@dataclass(frozen=True, slots=True)
class Written:
    """A file that a cell writes, or a script that it runs apart: the text from `line` on."""

    cell: int
    kind: str
    name: str
    text: Piece
    line: int


@dataclass(frozen=True, slots=True)
class Broken:
    """A code cell that is no Python, and why."""

    cell: int
    reason: str
    line: int | None


@dataclass(frozen=True)
class Notebook:
    """A notebook, read.

    `python` joins the cells that are Python; a line of comment follows each. `shells` and
    `written` are what cells hold of other things, `broken` the code cells that were left out.
    """

    raw: str
    language: str = "python"
    cells: tuple[Cell, ...] = ()
    shells: tuple[Shell, ...] = ()
    written: tuple[Written, ...] = ()
    broken: tuple[Broken, ...] = ()
    editable: bool = True
    python: str = ""
    _parts: tuple[_Part, ...] = ()

    @property
    def is_python(self) -> bool:
        """Whether its kernel runs Python."""
        return self.language.startswith(("python", "ipython", "xpython"))

    def source(self, cell: int) -> str:
        """The source of a cell."""
        return next((one.source.piece.text for one in self.cells if one.index == cell), "")

    def raw_place(self, cell: int, place: Place) -> Place | None:
        """A place in the source of a cell as one in the raw JSON."""
        piece = next((one.source.piece for one in self.cells if one.index == cell), None)
        if piece is None:
            return None
        try:
            return piece.place(*LineMap(piece.text).span(place))
        except ValueError:
            return None

    # -- from the joined text to cells

    def locate(self, place: Place) -> tuple[int, Place]:
        """The cell of a place in the joined text, and the place in its source."""
        part = self._part(place.line)
        last = part.count
        start, end = place.line - part.first + 1, place.end_line - part.first + 1
        first = (start, place.column) if start <= last else part.end
        behind = (end, place.end_column) if end <= last else part.end
        return part.cell.index, Place(*first, *max(first, behind))

    def joined_line(self, cell: int, line: int) -> int | None:
        """The line of the joined text where a line of a cell stands; None if it is left out."""
        for part in self._parts:
            if part.cell.index == cell and 1 <= line <= part.count:
                return part.first + line - 1
        return None

    def _part(self, line: int) -> _Part:
        at = bisect_right(self._parts, line, key=lambda part: part.first) - 1
        return self._parts[max(at, 0)]

    def cell_edit(self, edit: Edit) -> Edit:
        """An edit of the joined text as one of a cell's source.

        Raises CannotRewrite where it crosses cells or changes a magic.
        """
        part = self._part(edit.place.line)
        last = part.first + part.count
        if not part.first <= edit.place.line <= edit.place.end_line <= last:
            raise CannotRewrite("crosses cells")
        # Every position is the same in the source. A line end stands behind it in the joined text.
        source = part.lines.text + "\n"
        move = part.first - 1
        place = edit.place
        start, end = LineMap(source).span(
            Place(place.line - move, place.column, place.end_line - move, place.end_column)
        )
        if part.changes_magic(start, end):
            raise CannotRewrite(_IN_THE_WAY)
        source = (source[:start] + edit.text + source[end:]).removesuffix("\n")
        return replace(_smallest(part.lines, start, source), cell=part.cell.index)

    def raw_edit(self, edit: Edit) -> Edit:
        """An edit of the joined text as one of the raw JSON. Raises CannotRewrite."""
        cell = self._part(edit.place.line).cell
        wanted = self.cell_edit(edit)
        text = cell.source.piece.text
        start, end = LineMap(text).span(wanted.place)
        changes = self.changes({cell.index: text[:start] + wanted.text + text[end:]})
        if not changes:
            return Edit(Place(1, 1, 1, 1), "")
        begin, behind = changes[0][0], max(change[1] for change in changes)
        parts, at = [], begin
        for a, b, new in changes:
            parts += [self.raw[at:a], new]
            at = b
        return Edit(LineMap(self.raw).place(begin, behind), "".join([*parts, self.raw[at:behind]]))

    # -- rewriting

    def rewritten(self, sources: Mapping[int, str]) -> str:
        """The raw JSON with new sources of some cells. Raises CannotRewrite."""
        parts, at = [], 0
        for start, end, new in self.changes(sources):
            parts += [self.raw[at:start], new]
            at = end
        return "".join([*parts, self.raw[at:]])

    def changes(self, sources: Mapping[int, str]) -> list[Change]:
        """The changes in the raw JSON that give cells new sources. Raises CannotRewrite."""
        if not self.editable:
            raise CannotRewrite("notebooks of this old format are only read; save it anew")
        found: list[Change] = []
        for cell in self.cells:
            if cell.index in sources:
                found += cell.source.rewritten(sources[cell.index])
        return sorted(found, key=lambda change: change[:2])

    def sources_of(self, python: str) -> dict[int, str]:
        """The sources of the cells that differ in a new joined text. Raises CannotRewrite."""
        found: dict[int, str] = {}
        at = 0
        for part in self._parts:
            end = python.find(part.mark, at)
            if end < 0:
                raise CannotRewrite("crosses cells")
            new = python[at:end]
            at = end + len(part.mark)
            if new != part.python:
                found[part.cell.index] = part.with_python(new)
        if at != len(python):
            raise CannotRewrite("crosses cells")
        return found


@dataclass(frozen=True, slots=True)
class _Part:
    """A cell in the joined text, from line `first` on; `mark` ends it."""

    cell: Cell
    first: int
    mark: str
    lines: LineMap
    python: str
    heads: Mapping[int, tuple[str, str]] = field(default_factory=dict)

    @property
    def count(self) -> int:
        """How many lines it takes up; a carriage return at its end joins the line end behind it."""
        return self.lines.lines - self.lines.text.endswith("\r")

    @property
    def end(self) -> tuple[int, int]:
        return self.lines.position(len(self.lines.text))

    def changes_magic(self, start: int, end: int) -> bool:
        """Whether a span cuts into what marks a magic."""
        for line, (head, _) in self.heads.items():
            at = self.lines.offset(line + 1, 1)
            behind = at + len(head)
            if start < behind and at < end and not (start <= at and behind <= end):
                return True
        return False

    def with_python(self, new: str) -> str:
        """The source whose Python is `new`, what was set aside put back."""
        if not self.heads:
            return new
        old_lines, new_lines = _split(self.python), _split(new)
        source = _split(self.lines.text)
        matcher = difflib.SequenceMatcher(None, old_lines, new_lines, autojunk=False)
        out: list[str] = []
        for tag, a, b, c, d in matcher.get_opcodes():
            if tag == "equal":
                out += source[a:b]
                continue
            magic = any(line in self.heads for line in range(a, b))
            if magic and b - a != d - c:
                raise CannotRewrite(_IN_THE_WAY)
            for line, text in enumerate(new_lines[c:d], a):
                head, before = self.heads.get(line, ("", "")) if magic else ("", "")
                if not text.startswith(head):
                    raise CannotRewrite(_IN_THE_WAY)
                out.append(before + text[len(head) :])
        return "".join(out)


def _split(text: str) -> list[str]:
    return re.split(r"(?<=\n)|(?<=\r)(?!\n)", text)


def _smallest(lines: LineMap, start: int, new: str) -> Edit:
    """The edit of a text that makes it `new`, at `start` as far as possible."""
    old = lines.text
    tail = 0
    least = min(len(old), len(new))
    while tail < least - min(start, least) and old[-1 - tail] == new[-1 - tail]:
        tail += 1
    head = 0
    while head < least - tail and old[head] == new[head]:
        head += 1
    return Edit(lines.place(head, len(old) - tail), new[head : len(new) - tail])


# -- reading


def read(raw: str) -> Notebook:
    """Read a notebook. Raises Unreadable for what is no JSON."""
    text = raw.replace("\ufeff", " ", 1) if raw.startswith("\ufeff") else raw
    if not text.strip():
        return Notebook(raw)
    data = load(text)
    if not isinstance(data, dict):
        return Notebook(raw)
    language = language_of(data.get("metadata"))
    notebook = Notebook(raw, language, editable=isinstance(data.get("cells"), list))
    if not notebook.is_python:
        return notebook
    try:
        found = list(code_cells(data, LineMap(text)))
    except RecursionError:
        raise Unreadable("nested too deeply to be read") from None
    reader = _Reader()
    for index, source in found:
        reader.take(index, source)
    return reader.joined(notebook)


class _Reader:
    """Takes the cells one by one."""

    def __init__(self) -> None:
        self._cells: list[Cell] = []
        self._shells: list[Shell] = []
        self._written: list[Written] = []
        self._broken: list[Broken] = []

    def take(self, index: int, source: Source) -> None:
        """A code cell: Python, or what its magic makes of it."""
        text = source.piece.text
        cell = Cell(index, source)
        heads: dict[int, tuple[str, str]] = {}
        at = _behind_blank(text)
        while (magic := _CELL_MAGIC.match(text, at)) is not None:
            name, rest = magic[1].lower(), magic[2]
            if name not in _PYTHON_MAGICS:
                self._apart(cell, name, rest, magic.end())
                self._cells.append(cell)
                return
            heads[text.count("\n", 0, at)] = ("#", "%")
            text = f"{text[:at]}#{text[at + 1 :]}"
            at = _behind_blank(text, magic.end())
        found = plain(text)
        if found is None:
            self._broken.append(Broken(index, *error_of(text)))
            self._cells.append(cell)
            return
        for start, end in found.shells:
            self._shell(cell, start, end)
        self._cells.append(replace(cell, python=replace(found, heads={**found.heads, **heads})))

    def _apart(self, cell: Cell, magic: str, rest: str, start: int) -> None:
        """A cell that is not run as Python of the notebook."""
        piece = cell.source.piece
        end = len(piece.text)
        script = rest if magic == "script" else ""
        if magic in _SHELL_MAGICS or _SHELLS.match(script):
            self._shell(cell, start, end)
            return
        name = ""
        if magic in ("writefile", "file"):
            written = _WRITTEN.fullmatch(rest)
            name = written["name"] if written else rest
        elif magic not in ("python", "python3") and not _PYTHONS.match(script):
            return
        kind = (kind_of(name.strip("'\" ")) or "") if name else PYTHON
        line = LineMap(piece.text).position(start)[0]
        self._written.append(Written(cell.index, kind, name, piece.slice(start, end), line))

    def _shell(self, cell: Cell, start: int, end: int) -> None:
        piece = cell.source.piece
        if piece.text[start:end].strip():
            place = LineMap(piece.text).place(start, end)
            self._shells.append(Shell(cell.index, piece.slice(start, end), place))

    def joined(self, notebook: Notebook) -> Notebook:
        """The notebook with all that was taken."""
        texts = [cell.source.piece.text for cell in self._cells]
        sign = "#"
        while any(f"{sign} cell " in text for text in texts):
            sign += "#"
        parts: list[_Part] = []
        line = 1
        for cell in self._cells:
            if cell.python is not None:
                mark = f"\n{sign} cell {cell.index}\n"
                lines = LineMap(cell.source.piece.text)
                python = cell.python
                parts.append(_Part(cell, line, mark, lines, python.text, python.heads))
                line += parts[-1].count + 1
        return replace(
            notebook,
            cells=tuple(self._cells),
            shells=tuple(self._shells),
            written=tuple(self._written),
            broken=tuple(self._broken),
            python="".join(part.python + part.mark for part in parts),
            _parts=tuple(parts),
        )


def _behind_blank(text: str, at: int = 0) -> int:
    match = _BLANK_LINES.match(text, at)
    return match.end() if match else at
