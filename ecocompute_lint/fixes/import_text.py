"""The text side of imports: a name more in a statement, a new statement at the right line.

All text here ends its lines with a line feed.
"""

from __future__ import annotations

import ast
import re
from bisect import bisect_left
from collections.abc import Callable, Sequence

from ecocompute_lint.findings import Place
from ecocompute_lint.frozen import dataclass
from ecocompute_lint.sources.text import LineMap

# Comment lines that belong to the file or to a cell, not to the statement below them.
_HEADER = re.compile(r"#!|#.*?coding[:=]|#\s*%%|#\s*In\s?\[|#\s*-{3,}")


@dataclass(frozen=True, slots=True)
class NewLine:
    """Where new statements go, and what goes around them there."""

    place: Place
    before: str
    indent: str
    after: str

    def text(self, statements: Sequence[str]) -> str:
        """What to insert for these statements."""
        return self.before + f"\n{self.indent}".join(statements) + self.after


def after_statement(lines: LineMap, statement: ast.stmt) -> NewLine | None:
    """The line after a nested import; None where others share its lines."""
    place = lines.node(statement)
    indent = lines.line_text(place.line)[: place.column - 1]
    rest = lines.line_text(place.end_line)[place.end_column - 1 :].strip()
    if indent.strip() or (rest and not rest.startswith("#")):
        return None
    return NewLine(_end_of_line(lines, place.end_line), f"\n{indent}", indent, "")


def top_of_module(lines: LineMap, tree: ast.Module, limit: int | None) -> NewLine | None:
    """The line after the imports a module starts with, but above line `limit`."""
    last = _last_leading_import(tree, limit)
    docstring = tree.body[0] if tree.body and _is_docstring(tree.body[0]) else None
    anchor = last or docstring
    if anchor is None:
        return _before_first(lines, tree, limit)
    line = _last_shared_line(tree, anchor)
    if limit is not None and line >= limit:
        return None
    section = last is None or (isinstance(last, ast.ImportFrom) and last.module == "__future__")
    below = lines.line_text(line + 1).strip() if line < lines.lines else ""
    return NewLine(
        _end_of_line(lines, line),
        "\n\n" if section else "\n",
        "",
        "\n" if section and below else "",
    )


def _end_of_line(lines: LineMap, line: int) -> Place:
    column = len(lines.line_text(line)) + 1
    return Place(line, column, line, column)


def _is_docstring(node: ast.stmt) -> bool:
    value = node.value if isinstance(node, ast.Expr) else None
    return isinstance(value, ast.Constant) and isinstance(value.value, str)


def _last_leading_import(tree: ast.Module, limit: int | None) -> ast.stmt | None:
    last: ast.stmt | None = None
    for index, node in enumerate(tree.body):
        if limit is not None and (node.end_lineno or node.lineno) >= limit:
            break
        if isinstance(node, (ast.Import, ast.ImportFrom)):
            last = node
        elif not (_is_setup(node) or _is_guarded(node) or (index == 0 and _is_docstring(node))):
            break
    return last


def _is_setup(node: ast.stmt) -> bool:
    """Statements that stand between imports: ``os.environ[…] = …``, ``sys.path.append(…)``."""
    if isinstance(node, ast.Expr):
        return isinstance(node.value, ast.Call)
    if not isinstance(node, ast.Assign):
        return False
    return all(
        isinstance(target, (ast.Subscript, ast.Attribute))
        or (isinstance(target, ast.Name) and target.id.startswith("__"))
        for target in node.targets
    )


def _is_guarded(node: ast.stmt) -> bool:
    """``try`` and ``if`` blocks of imports."""
    body = getattr(node, "body", None)
    return isinstance(node, (ast.Try, ast.If)) and all(
        isinstance(child, (ast.Import, ast.ImportFrom)) for child in body or ()
    )


def _last_shared_line(tree: ast.Module, node: ast.stmt) -> int:
    """The last line of a statement and of those that start on its last line after ``;``."""
    line = node.end_lineno or node.lineno
    for other in tree.body:
        if node.lineno <= other.lineno <= line:
            line = max(line, other.end_lineno or other.lineno)
    return line


def _before_first(lines: LineMap, tree: ast.Module, limit: int | None) -> NewLine | None:
    if not tree.body:
        return None
    first = tree.body[0]
    starts = [first, *getattr(first, "decorator_list", ())]
    line = min(node.lineno for node in starts)
    if limit is not None and line > limit:
        return None
    while line > 1:
        above = lines.line_text(line - 1).strip()
        if not above.startswith("#") or _HEADER.match(above):
            break
        line -= 1
    return NewLine(Place(line, 1, line, 1), "", "", "\n\n")


# One name more.


def extend(segment: str, entry: str) -> str:
    """Add ``Name`` or ``Name as Alias`` to a ``from … import …`` statement, in its own style."""
    node = ast.parse(segment).body[0]
    if not isinstance(node, ast.ImportFrom):
        raise ValueError("not a from-import")
    lines = LineMap(segment)
    spans = [lines.span(lines.node(alias)) for alias in node.names]
    at = _sorted_place([alias.name for alias in node.names], entry.split(" ")[0])
    bracketed = segment.rstrip().endswith(")")
    if _one_per_line(segment, spans):
        return _extend_rows(segment, entry, spans, at, bracketed)
    if at == 0:
        start = spans[0][0]
        return f"{segment[:start]}{entry}, {segment[start:]}"
    end = spans[at - 1][1]
    tight = len(spans) > 1 and segment[spans[0][1] : spans[1][0]] == ","
    return f"{segment[:end]}{',' if tight else ', '}{entry}{segment[end:]}"


def _one_per_line(segment: str, spans: Sequence[tuple[int, int]]) -> bool:
    """Whether every name starts a line."""
    lines = [segment.rfind("\n", 0, start) + 1 for start, _ in spans]
    lead = [segment[line:start] for line, (start, _) in zip(lines, spans, strict=True)]
    return lines[0] > 0 and not "".join(lead).strip() and len(set(lines)) == len(lines)


def _extend_rows(
    segment: str, entry: str, spans: Sequence[tuple[int, int]], at: int, bracketed: bool
) -> str:
    start = spans[max(at - 1, 0)][0]
    indent = segment[segment.rfind("\n", 0, start) + 1 : start]
    if not bracketed:  # lines that end in backslashes
        if at == 0:
            return f"{segment[:start]}{entry}, \\\n{indent}{segment[start:]}"
        end = spans[at - 1][1]
        return f"{segment[:end]}, \\\n{indent}{entry}{segment[end:]}"
    if at == 0:
        return f"{segment[:start]}{entry},\n{indent}{segment[start:]}"
    end = spans[at - 1][1]
    comma = re.match(r"\s*,", segment[end:])
    after_comma = end + comma.end() if comma else end
    line_end = segment.find("\n", after_comma)
    if line_end < 0:  # the bracket closes on the last name's line
        line_end = after_comma
    new = f"\n{indent}{entry}{',' if comma else ''}"
    missing = "" if comma else ","
    return f"{segment[:end]}{missing}{segment[end:line_end]}{new}{segment[line_end:]}"


def _rank(name: str) -> int:
    """Constants, classes, then the rest: how import sorters group names."""
    if name.isupper() and len(name) > 1:
        return 0
    return 1 if name[:1].isupper() else 2


def _sorted_place(names: Sequence[str], new: str) -> int:
    """Where a name goes in a list that its author keeps sorted; at the end of any other."""
    keys: tuple[Callable[[str], tuple[int, str]], ...] = (
        lambda name: (_rank(name), name),
        lambda name: (_rank(name), name.lower()),
        lambda name: (0, name.lower()),
        lambda name: (0, name),
    )
    for key in keys:
        ranked = [key(name) for name in names]
        if ranked == sorted(ranked):
            return bisect_left(ranked, key(new))
    return len(names)
