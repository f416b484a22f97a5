"""Which imports a given place of a module can rely on.

Only what stands in the scopes around the place is looked at, and only names: no metadata provider,
no pass over the rest of the module.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import field

from ecocompute_lint.frozen import dataclass

_COMPREHENSIONS = (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)
_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
_DEFERRED = (*_FUNCTIONS, ast.Lambda)
_SCOPES = (*_DEFERRED, ast.ClassDef, *_COMPREHENSIONS)
_TRIES: tuple[type[ast.AST], ...] = tuple(
    kind for name in ("Try", "TryStar") if (kind := getattr(ast, name, None))
)


Position = tuple[int, int]
"""A line and a 0-based column in UTF-8 bytes, as `ast` counts."""


@dataclass(frozen=True, slots=True)
class Step:
    """Where a node stands in its parent: one field, one index."""

    owner: ast.AST
    field: str
    index: int

    def same_block(self, other: Step) -> bool:
        """Whether both stand in the same list of statements."""
        return self.owner is other.owner and self.field == other.field


@dataclass(frozen=True, slots=True)
class Binding:
    """A name that a statement of a scope binds."""

    name: str
    target: str | None = None
    """The dotted name behind an import; None for anything else."""
    full: str = ""
    """``a.b`` for ``import a.b``, which binds ``a``."""
    statement: ast.stmt | None = None
    steps: tuple[Step, ...] = ()

    @property
    def typing_only(self) -> bool:
        """Whether it holds for type checkers only."""
        return any(
            isinstance(step.owner, ast.If) and step.field == "body" and _is_typing(step.owner.test)
            for step in self.steps
        )


@dataclass(frozen=True, slots=True)
class Scope:
    """A scope around the place, what it binds, and the way from it to the place."""

    node: ast.AST
    steps: tuple[Step, ...]
    deferred: bool
    """Whether a function stands between: then it runs later than the scope's own statements."""
    bindings: tuple[Binding, ...] = field(default=(), repr=False)

    def binding(self, name: str) -> list[Binding]:
        """What binds a name here."""
        return [binding for binding in self.bindings if binding.name == name]

    def is_above(self, binding: Binding) -> bool:
        """Whether the place runs before the statement that makes the binding is reached."""
        for own, ours in zip(binding.steps, self.steps, strict=False):
            if not own.same_block(ours):
                return False
            if own.index != ours.index:
                return own.index > ours.index and not self.deferred
        return False

    def runs_before(self, binding: Binding) -> bool:
        """Whether the binding has surely been made when the place runs."""
        if binding.typing_only or self.is_above(binding):
            return False
        rest = binding.steps
        for own, ours in zip(binding.steps, self.steps, strict=False):
            if not own.same_block(ours):
                if own.owner is ours.owner and ours.field == "handlers":
                    return False  # the place handles what the import may have raised
                break
            rest = rest[1:]
            if own.index != ours.index:
                break
        return len(rest) < len(binding.steps) and all(map(_transparent, rest))


def _transparent(step: Step) -> bool:
    """Whether a block runs whenever its statement does, and what follows can rely on it."""
    if isinstance(step.owner, _TRIES):
        return step.field in ("body", "orelse", "finalbody")
    return isinstance(step.owner, (ast.With, ast.AsyncWith)) and step.field == "body"


def _is_typing(test: ast.expr) -> bool:
    name = test.attr if isinstance(test, ast.Attribute) else getattr(test, "id", "")
    return name == "TYPE_CHECKING"


# The way to a place.


@dataclass(frozen=True, slots=True)
class Way:
    """The nodes from the module down to a place, and each one's step from its parent."""

    nodes: tuple[ast.AST, ...]
    steps: tuple[Step | None, ...]

    def find(self, kind: type[ast.AST], start: Position, end: Position) -> ast.AST | None:
        """The node of a kind that has exactly this span, in (line, UTF-8 column)."""
        for node in self.nodes:
            if isinstance(node, kind) and span(node) == (start, end):
                return node
        return None

    @property
    def in_string(self) -> bool:
        """Whether the place is inside an f-string or a template string."""
        return any(type(node).__name__ in ("JoinedStr", "TemplateStr") for node in self.nodes)


def span(node: ast.AST) -> tuple[Position, Position] | None:
    """The span of a node in (line, UTF-8 column) pairs; None for one without a position."""
    line = getattr(node, "lineno", None)
    if line is None:
        return None
    start = (line, node.col_offset)  # type: ignore[attr-defined]
    return start, (node.end_lineno, node.end_col_offset)  # type: ignore[attr-defined]


def way_to(tree: ast.Module, start: Position, end: Position) -> Way:
    """Descend to the smallest node that spans a place."""
    nodes: list[ast.AST] = [tree]
    steps: list[Step | None] = [None]
    found: tuple[ast.AST, Step] | None = (tree, Step(tree, "", 0))
    while found is not None:
        found = None
        for child, step in _children(nodes[-1]):
            spans = [s for s in map(span, (child, *getattr(child, "decorator_list", ()))) if s]
            if min(s[0] for s in spans) <= start and end <= max(s[1] for s in spans):
                found = child, step
                nodes.append(child)
                steps.append(step)
                break
    return Way(tuple(nodes), tuple(steps))


def _children(node: ast.AST) -> Iterator[tuple[ast.AST, Step]]:
    """Children with a position; nodes without one are looked through."""
    for name, value in ast.iter_fields(node):
        for index, child in enumerate(value if isinstance(value, list) else [value]):
            if not isinstance(child, ast.AST):
                continue
            if hasattr(child, "lineno"):
                yield child, Step(node, name, index)
            else:
                yield from _children(child)


def scopes(way: Way, known: dict[ast.AST, tuple[Binding, ...]]) -> list[Scope]:
    """The scopes whose names the place sees, innermost first, the module last.

    `known` keeps what scopes bind from one call to the next.
    """
    entered: list[tuple[ast.AST, int]] = [(way.nodes[0], 0)]
    for index, node in enumerate(way.nodes[:-1]):
        step = way.steps[index + 1]
        inside = isinstance(node, _COMPREHENSIONS) or (
            isinstance(node, _SCOPES) and step is not None and step.field == "body"
        )
        if inside:
            entered.append((node, index))
    result = []
    for position, (node, index) in enumerate(entered):
        inner = entered[position + 1 :]
        if isinstance(node, ast.ClassDef) and inner:
            continue  # methods do not see the names of their class
        stop = inner[0][1] if inner else len(way.nodes) - 1
        steps = tuple(step for step in way.steps[index + 1 : stop + 1] if step is not None)
        deferred = any(isinstance(scope, _DEFERRED) for scope, _ in inner)
        if node not in known:
            known[node] = tuple(_bindings(node))
        result.append(Scope(node, _blocks(steps), deferred, known[node]))
    return result[::-1]


def _blocks(steps: tuple[Step, ...]) -> tuple[Step, ...]:
    """Only the steps into lists of statements, and into exception handlers."""
    kinds = (ast.stmt, ast.ExceptHandler)
    return tuple(
        step
        for step in steps
        if isinstance(getattr(step.owner, step.field, None), list)
        and isinstance(getattr(step.owner, step.field)[step.index], kinds)
    )


# What a scope binds.


def _bindings(scope: ast.AST) -> Iterator[Binding]:
    if isinstance(scope, _DEFERRED):
        every = scope.args
        for arg in [*every.posonlyargs, *every.args, *every.kwonlyargs, every.vararg, every.kwarg]:
            if arg is not None:
                yield Binding(arg.arg)
    if isinstance(scope, _COMPREHENSIONS):
        for generator in scope.generators:
            yield from (Binding(name) for name in _stored(generator.target))
    elif isinstance(scope, ast.Lambda):
        yield from (Binding(name) for name in _stored(scope.body))
    else:
        # A name declared global is not the function's: what it gets there, the module gets.
        outer = set(_declared_outside(scope))
        if isinstance(scope, ast.Module):
            yield from (Binding(name) for name in outer)
            outer = set()
        yield from (binding for binding in _in_block(scope, ()) if binding.name not in outer)


def _declared_outside(scope: ast.AST) -> Iterator[str]:
    """Names that a function declares global or nonlocal; for a module, those any function does."""
    todo: list[ast.AST] = list(ast.iter_child_nodes(scope))
    while todo:
        node = todo.pop()
        if isinstance(node, ast.Global) or (
            isinstance(node, ast.Nonlocal) and not isinstance(scope, ast.Module)
        ):
            yield from node.names
        elif isinstance(scope, ast.Module) or not isinstance(node, (*_FUNCTIONS, ast.ClassDef)):
            # Declarations are statements: there is no need to look into expressions.
            todo += [n for n in ast.iter_child_nodes(node) if not isinstance(n, ast.expr)]


def _in_block(owner: ast.AST, way: tuple[Step, ...]) -> Iterator[Binding]:
    for name, value in ast.iter_fields(owner):
        if not isinstance(value, list):
            continue
        for index, child in enumerate(value):
            if isinstance(child, ast.stmt):
                yield from _statement(child, (*way, Step(owner, name, index)))
            elif isinstance(child, ast.ExceptHandler) or type(child).__name__ == "match_case":
                if isinstance(child, ast.ExceptHandler) and child.name:
                    yield Binding(child.name, steps=way)
                pattern = getattr(child, "pattern", None)
                yield from (Binding(n, steps=way) for n in (_stored(pattern) if pattern else ()))
                handler = isinstance(child, ast.ExceptHandler)
                yield from _in_block(child, (*way, Step(owner, name, index)) if handler else way)


def _statement(node: ast.stmt, steps: tuple[Step, ...]) -> Iterator[Binding]:
    if isinstance(node, ast.Import):
        for alias in node.names:
            target = alias.name if alias.asname else alias.name.split(".")[0]
            full = "" if alias.asname else alias.name
            yield Binding(alias.asname or target, target, full, node, steps)
    elif isinstance(node, ast.ImportFrom):
        module = "." * node.level + (node.module or "")
        for alias in node.names:
            target = f"{module}.{alias.name}"
            yield Binding(alias.asname or alias.name, target, "", node, steps)
    elif isinstance(node, (*_FUNCTIONS, ast.ClassDef)):
        yield Binding(node.name, statement=node, steps=steps)
    else:
        own = [child for _, value in ast.iter_fields(node) for child in _expressions(value)]
        for child in own:
            yield from (Binding(name, statement=node, steps=steps) for name in _stored(child))
        yield from _in_block(node, steps)


def _expressions(value: object) -> Iterator[ast.AST]:
    for child in value if isinstance(value, list) else [value]:
        if isinstance(child, (ast.expr, ast.withitem)):
            yield child


def _stored(root: ast.AST) -> Iterator[str]:
    """The names an expression, target or pattern binds in the scope it stands in."""
    todo = [root]
    while todo:
        node = todo.pop()
        if isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load):
            yield node.id
        elif isinstance(node, _COMPREHENSIONS):  # only := reaches out of one
            walrus = (child for child in ast.walk(node) if isinstance(child, ast.NamedExpr))
            yield from (child.target.id for child in walrus)
        elif not isinstance(node, _DEFERRED):
            for name in ("name", "rest"):  # match patterns
                if isinstance(bound := getattr(node, name, None), str):
                    yield bound
            todo += ast.iter_child_nodes(node)
