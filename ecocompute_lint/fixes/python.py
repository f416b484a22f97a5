"""The steps of a repair on one call or dict display.

`edit_segment` takes the source of the carrier and the operations on it, and gives back the source
as it should be. Every operation is done whole or refused whole.
"""

from __future__ import annotations

import ast
import io
import re
import tokenize
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace

from ecocompute_lint.findings import Operation
from ecocompute_lint.fixes import arguments as args
from ecocompute_lint.fixes.arguments import Arguments, CannotEdit, Item
from ecocompute_lint.frozen import dataclass

Spell = Callable[[str], str]
"""How a dotted name is written at the carrier; raises CannotEdit where it cannot be."""

_ORDER = {"remove": 0, "move": 1, "set": 2}
_QUANTIZATION = ("load_in_", "llm_int8_", "bnb_4bit_")
_WIDTH = 88
_PLAIN_STRING = re.compile(r"""(['"])[^'"\\\n]*\1""")


@dataclass(frozen=True, slots=True)
class Outcome:
    """The new source of a carrier, and what became of each operation."""

    text: str
    done: tuple[Operation, ...]
    refused: tuple[tuple[Operation, str], ...]
    idle: tuple[Operation, ...] = ()
    """Those of them that change nothing, since all is so already."""


def edit_segment(segment: str, operations: Sequence[Operation], spell: Spell) -> Outcome:
    """Apply the operations on one carrier: removals first, then moves, then settings."""
    refused = _contradictions(operations)
    left = [operation for operation in operations if operation not in refused]
    left.sort(key=lambda operation: _ORDER.get(operation.action, 9))
    try:
        arguments = args.parse(segment, operations[0].carrier)
    except CannotEdit as error:
        return Outcome(segment, (), tuple((operation, str(error)) for operation in operations))
    done: list[Operation] = []
    idle: list[Operation] = []
    waiting = _steps(left)
    while waiting:
        step = waiting.pop(0)
        trial = arguments.copy()
        try:
            _perform(trial, step, spell)
        except CannotEdit as error:
            refused.update(dict.fromkeys(step, str(error)))
            continue
        try:
            _check(arguments, trial, _whole(step))
        except CannotEdit as error:
            refused[step[0]] = str(error)
            # A setting does without a move that the layout forbids.
            waiting[:0] = [[setting] for setting in step[1:]]
            continue
        done += step
        if trial.text == arguments.text:
            idle += step
        arguments = trial
    return Outcome(arguments.text, tuple(done), tuple(refused.items()), tuple(idle))


def _contradictions(operations: Sequence[Operation]) -> dict[Operation, str]:
    """Operations that want different things of the same option."""
    refused: dict[Operation, str] = {}
    removed = {operation.name for operation in operations if operation.action == "remove"}
    values: dict[str, set[str]] = {}
    for operation in operations:
        if operation.action == "set":
            values.setdefault(operation.name, set()).add(operation.value)
    for operation in operations:
        if operation.action not in _ORDER:
            refused[operation] = f"unknown action {operation.action!r}"
        elif operation.action == "set" and operation.name in removed:
            refused[operation] = f"{operation.name} is also to be removed"
        elif operation.action == "set" and len(values[operation.name]) > 1:
            refused[operation] = f"two different values for {operation.name}"
    return refused


def _steps(operations: Sequence[Operation]) -> list[list[Operation]]:
    """Operations that are done together: a move with the settings of what it moves."""
    moves = [operation for operation in operations if operation.action == "move"]
    steps = [[operation] for operation in operations if operation not in moves]
    for move in reversed(moves):
        inside = [s[0] for s in steps if s[0].action == "set" and _belongs(s[0], move)]
        steps = [step for step in steps if step[0] not in inside]
        at = sum(step[0].action == "remove" for step in steps)
        steps.insert(at, [move, *inside])
    return steps


def _belongs(operation: Operation, move: Operation) -> bool:
    return operation.name in move.names or operation.name.startswith(_QUANTIZATION)


def _perform(arguments: Arguments, step: Sequence[Operation], spell: Spell) -> None:
    first = step[0]
    if first.action == "remove":
        _remove(arguments, first)
    elif first.action == "set":
        _set(arguments, first, _written(first.value, first, spell))
    else:
        factory = _written(first.factory, first, spell)
        inside = [(setting.name, _written(setting.value, setting, spell)) for setting in step[1:]]
        _move(arguments, first, factory, inside)


def _whole(step: Sequence[Operation]) -> Operation:
    """One operation that stands for all the options of a step."""
    names = (*step[0].names, *(operation.name for operation in step[1:]))
    return replace(step[0], names=names)


def _written(name: str, operation: Operation, spell: Spell) -> str:
    return spell(name) if operation.imports else name


def _check(before: Arguments, after: Arguments, operation: Operation) -> None:
    """The result must parse, say the same but for the options meant, and keep its comments.

    Only a removed line takes its comment along.
    """
    try:
        kept = _others(before.text, operation) == _others(after.text, operation)
    except (SyntaxError, ValueError, MemoryError):
        raise CannotEdit("the result would not be valid Python") from None
    if not kept:
        raise CannotEdit("another argument would change")
    if operation.action != "remove" and comments(before.text) != comments(after.text):
        raise CannotEdit("a comment would be lost")


def _others(text: str, operation: Operation) -> list[str]:
    """What a carrier gives besides the options of an operation."""
    node = ast.parse(f"({text})", mode="eval").body
    meant = {operation.name, *operation.names}
    if isinstance(node, ast.Dict):
        pairs = list(zip(node.keys, node.values, strict=True))
        named = [(getattr(key, "value", None), key, value) for key, value in pairs]
        return [
            f"{key and ast.dump(key)}: {ast.dump(value)}"
            for name, key, value in named
            if name not in meant
        ]
    if isinstance(node, ast.List):
        words = [(getattr(element, "value", None), element) for element in node.elts]
        return [ast.dump(element) for word, element in words if word not in meant]
    if not isinstance(node, ast.Call):
        raise CannotEdit("the result would not be a call")
    given = [ast.dump(arg) for arg in node.args]
    if operation.position is not None:
        del given[operation.position : operation.position + 1]
    keywords = [k for k in node.keywords if k.arg not in meant]
    return [ast.dump(node.func), *given, *(f"{k.arg}={ast.dump(k.value)}" for k in keywords)]


def comments(segment: str) -> Counter[str]:
    """The comments in an expression."""
    if "#" not in segment:
        return Counter()
    try:
        tokens = tokenize.generate_tokens(io.StringIO(f"({segment})").readline)
        return Counter(token.string for token in tokens if token.type == tokenize.COMMENT)
    except (tokenize.TokenError, SyntaxError):
        raise CannotEdit("the comments could not be followed") from None


def _set(arguments: Arguments, operation: Operation, value: str) -> None:
    index = arguments.find(operation.name)
    if index is None and operation.position is not None and arguments.carrier == "call":
        index = _positional(arguments, operation.position)
    value = _quoted_like(value, arguments, index)
    if index is not None:
        arguments.items[index].value = value
        return
    if arguments.carrier == "call":
        _refuse_bare_generator(arguments)
        at = _keyword_place(arguments)
    else:
        at = len(arguments.items)  # last, so that no unpacking overrides it
    args.insert(arguments, at, operation.name, value)


def _quoted_like(value: str, arguments: Arguments, index: int | None) -> str:
    """A plain string in the quotes of the one it replaces, or else of its neighbours."""
    if not _PLAIN_STRING.fullmatch(value):
        return value
    items = arguments.items if index is None else [arguments.items[index]]
    texts = [text for item in items for text in (item.key, item.value)]
    quotes = [text[0] for text in texts if _PLAIN_STRING.fullmatch(text)]
    return f"{quotes[-1]}{value[1:-1]}{quotes[-1]}" if quotes else value


def _positional(arguments: Arguments, position: int) -> int | None:
    """The index of a positional argument, None where there are not so many."""
    for index, item in enumerate(arguments.items):
        if item.key or item.stars == 2:
            return None
        if item.stars:
            raise CannotEdit("positional arguments are unpacked")
        if index == position:
            return index
    return None


def _keyword_place(arguments: Arguments) -> int:
    """Where a new keyword goes: after the last one, else before the first ``**``."""
    for index in range(len(arguments.items), 0, -1):
        if arguments.items[index - 1].key:
            return index
    unpacked = (i for i, item in enumerate(arguments.items) if item.stars == 2)
    return next(unpacked, len(arguments.items))


def _refuse_bare_generator(arguments: Arguments) -> None:
    if len(arguments.items) == 1 and not arguments.items[0].key:
        try:
            ast.parse(f"f({arguments.items[0].value}\n, 1)")
        except SyntaxError:
            raise CannotEdit("the only argument is a bare generator") from None


def _remove(arguments: Arguments, operation: Operation) -> None:
    found = arguments.find(operation.name)
    if found is None and operation.position is not None and arguments.carrier == "call":
        found = _positional(arguments, operation.position)
        following = arguments.items[found + 1 :] if found is not None else []
        if any(not item.key and item.stars < 2 for item in following):
            raise CannotEdit("later positional arguments would move up")
    if found is None:
        raise CannotEdit(f"{operation.name} is not written there")
    while found is not None:
        args.remove(arguments, found)
        found = arguments.find(operation.name)


def _move(
    arguments: Arguments, operation: Operation, factory: str, inside: Sequence[tuple[str, str]]
) -> None:
    """Gather options in a new call, which takes the place of the first of them."""
    moved = [i for i, item in enumerate(arguments.items) if item.name in operation.names]
    if not moved:
        raise CannotEdit("none of the options is written there")
    if len({arguments.items[i].name for i in moved}) < len(moved):
        raise CannotEdit("an option is given twice")
    if arguments.find(operation.name) is not None:
        raise CannotEdit(f"{operation.name} is given already")
    config = _Config(arguments, moved, inside)
    text = config.one_line(factory)
    first = arguments.items[moved[0]]
    key, sep = arguments.key(operation.name), first.sep
    width = len(config.indent) + len(f"{key}{sep}{text}") + 1
    rows = config.wants_rows(width)
    if rows:
        text = config.in_rows(factory)
        if config.notes[0][1]:  # the first option's comment goes inside with it
            first.tail = first.tail if first.comma else args.split(first.tail)[1]
            first.after = args.split(first.after)[1]
    first.name, first.key, first.sep, first.value = operation.name, key, sep, text
    for index in reversed(moved[1:]):
        args.remove(arguments, index, with_comments_above=rows)


class _Config:
    """The call that a move creates, in one line or one option per line."""

    def __init__(
        self, arguments: Arguments, moved: Sequence[int], inside: Sequence[tuple[str, str]]
    ) -> None:
        self.items = [
            Item(item.name, item.name or "", _equal(arguments, item), item.value)
            for item in (arguments.items[i] for i in moved)
        ]
        self.notes = [args.comments_of(arguments, i) for i in moved]
        self.notes[0] = ([], self.notes[0][1])  # what stands above the first stays there
        for name, value in inside:
            known = next((item for item in self.items if item.name == name), None)
            if known is not None:
                known.value = value
            else:
                self.items.append(Item(name, name, self.items[0].sep, value))
                self.notes.append(([], ""))
        before = arguments.before(moved[0])
        self.own_line = args.breaks(before) and (arguments.rows or arguments.alone(moved[0]))
        self.indent = args.indent(before) if args.breaks(before) else ""
        self.unit = _unit(arguments, self.indent)
        self.comma = arguments.items[-1].comma and not arguments.comma_first
        self.can_take_notes = not arguments.comma_first

    def wants_rows(self, width: int) -> bool:
        """Whether one option per line is how the author would write it."""
        if not self.own_line or not self.can_take_notes:
            return False
        notes = any(above or trail for above, trail in self.notes[1:])
        several = len(self.items) > 1
        return notes or width > _WIDTH or (several and any("\n" in i.value for i in self.items))

    def one_line(self, factory: str) -> str:
        """``Factory(a=1, b=2)``."""
        return f"{factory}({', '.join(f'{i.key}{i.sep}{i.value}' for i in self.items)})"

    def in_rows(self, factory: str) -> str:
        """The same with each option, and its comments, on its own line."""
        inner = self.indent + self.unit
        lines = []
        for index, (item, (above, trail)) in enumerate(zip(self.items, self.notes, strict=True)):
            lines += [inner + comment for comment in above]
            comma = "," if self.comma or index < len(self.items) - 1 else ""
            value = _deeper(item.value, self.unit)
            lines.append(f"{inner}{item.key}{item.sep}{value}{comma}{'  ' if trail else ''}{trail}")
        return "\n".join([f"{factory}(", *lines, f"{self.indent})"])


def _equal(arguments: Arguments, item: Item) -> str:
    return item.sep if arguments.carrier == "call" else "="


def _unit(arguments: Arguments, indent: str) -> str:
    """One level of indentation, from how far the items stand in from the closing bracket."""
    last = arguments.items[-1].gap
    outer = args.indent(last) if args.breaks(last) else None
    if outer is not None and indent.startswith(outer) and indent != outer:
        return indent[len(outer) :]
    return "\t" if "\t" in indent else "    "


def _deeper(value: str, unit: str) -> str:
    """A value of several lines, one level further in; string contents are left alone."""
    if "\n" not in value:
        return value
    try:
        tokens = list(tokenize.generate_tokens(io.StringIO(f"({value})").readline))
    except (tokenize.TokenError, SyntaxError):
        return value
    quoted = re.compile("STRING|FSTRING|TSTRING")
    if any(t.start[0] != t.end[0] and quoted.search(tokenize.tok_name[t.type]) for t in tokens):
        return value
    first, *rest = value.split("\n")
    return "\n".join([first, *(unit + line if line.strip() else line for line in rest)])
