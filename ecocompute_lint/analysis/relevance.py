"""Which functions of a module are worth following at all.

Most functions of a large module can neither load, configure, train nor use a model, nor hand a
value to one that does. They are not followed; what they return is unknown.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Set
from dataclasses import dataclass
from typing import Any

from ecocompute_lint.knowledge import apis, effects
from ecocompute_lint.knowledge.commands import has_flag, launches
from ecocompute_lint.knowledge.execution_apis import SILENT, names_generation
from ecocompute_lint.nodes import Fields

_SMALL = 60
"""So few syntax nodes cost nothing to follow, and may hold a constant."""
CONSTRUCTORS = frozenset({"__init__", "__post_init__"})
_ALWAYS = CONSTRUCTORS | {"__enter__", "setup"}
_COMMAND = "serve"
"""Stands for any text that is part of an engine's command line."""
_MODE = {"training"}
"""A module's mode, which its layers ask for; that alone trains nothing."""
_UNUSUAL = "unusual value"
"""Stands for a quiet option that is given a value of its own."""
_USUAL = "usual value"
_DECODING = frozenset({_USUAL, "past_key_values"})
"""Words that stand together where tokens are decoded step by step."""
_WORDS = frozenset(
    {
        _COMMAND,
        *(apis.OPTION_NEEDLES - set(SILENT)),
        *apis.CALLEE_NEEDLES,
        _UNUSUAL,
        *effects.TRAINING_METHODS,
        *effects.COMPILING_METHODS,
        *effects.OPTION_METHODS,
        *"from_pretrained from_single_file from_model_id pipeline generate prepare".split(),
    }
)
_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
_CALLABLE = "pipeline"
"""What this makes is called itself to run a model, by whatever name it was given."""


class _Scan:
    """The words of every function, those of the functions inside it included."""

    def __init__(self, tree: ast.Module) -> None:
        self.words: dict[ast.AST, set[str]] = {}
        self.sizes: dict[ast.AST, int] = {}
        self.aliases: set[str] = set()
        self.results: dict[str, set[str]] = {}
        """The names that the results of calls are given, by the word that is called."""
        self.makers: dict[ast.AST, str] = {}
        """The classes of constructors."""
        self.shares = False
        self._read(tree)

    def name_of(self, function: ast.AST) -> str:
        """The name of a function."""
        return str(getattr(function, "name", ""))

    def called_as(self, function: ast.AST) -> str:
        """The word with which a function is called: a constructor by its class."""
        return self.makers.get(function) or self.name_of(function)

    def _read(self, tree: ast.Module) -> None:
        around: dict[ast.AST, ast.AST | None] = {tree: None}
        self.words[tree], self.sizes[tree] = set(), 0
        for function in (waiting := [tree]):  # grows as functions are found
            inner = self._own(function)
            waiting += inner
            around.update(dict.fromkeys(inner, function))
        for function in reversed(waiting):
            outer = around[function]
            if outer is not None:
                self.words[outer] |= self.words[function]
                self.sizes[outer] += self.sizes[function]
        del self.words[tree], self.sizes[tree]

    def _own(self, function: ast.AST) -> list[Any]:
        """Read one function but for those inside it, which are returned."""
        # Written out for speed: every node of every module that is read comes here.
        words: set[str] = set()
        inner: list[Any] = []
        size = 0
        pending = _FIELDS.below(function)
        while pending:
            node = pending.pop()
            kind = type(node)
            if kind is ast.Name:
                size += 2  # with its context
                words.add(node.id)
                continue
            if kind is ast.Constant:
                size += 1
                if type(node.value) is str:
                    words.add(word_of_text(node.value))
                continue
            if kind is ast.Attribute:
                size += 2
                if node.attr != "compile" or not _is_pattern(node.value):
                    words.add(node.attr)
                if node.attr in SILENT and type(node.ctx) is not ast.Load:
                    words.add(_UNUSUAL)
                pending.append(node.value)
                continue
            if not isinstance(node, ast.AST):
                continue
            size += 1
            if isinstance(node, ast.Expr) and type(node.value) is ast.Constant:
                size += 1  # a docstring
                continue
            if kind in _FUNCTIONS:
                inner.append(node)
                continue
            self._note(node, words)
            pending += _FIELDS.below(node)
        words.discard("")
        self.words[function], self.sizes[function] = words, size
        return inner

    def _note(self, node: ast.AST, words: set[str]) -> None:
        """Note what a node says besides what its parts say."""
        if isinstance(node, (ast.keyword, ast.arg)):
            words.add(node.arg or "")
            if isinstance(node, ast.keyword) and node.arg in SILENT:
                words.add(told(node.arg, node.value))
        elif isinstance(node, ast.alias):
            imported = node.name.rsplit(".", 1)[-1]
            if imported in _WORDS or names_generation(imported):
                self.aliases.add(node.asname or node.name)
        elif isinstance(node, ast.Assign):
            if isinstance(node.value, ast.Call):
                given = self.results.setdefault(_word(node.value.func), set())
                given.update(_word(target) for target in node.targets)
        elif isinstance(node, ast.Global):
            words.add("global")
            self.shares = True
        elif isinstance(node, ast.ClassDef):
            made = [item for item in node.body if getattr(item, "name", "") in CONSTRUCTORS]
            self.makers.update(dict.fromkeys(made, node.name))

    def callables(self) -> set[str]:
        """The names of objects that run a model when they are called."""
        makers = {_CALLABLE} | {
            getattr(function, "name", "")
            for function, words in self.words.items()
            if _CALLABLE in words
        }
        return {name for maker in makers for name in self.results.get(maker, ()) if name}


@dataclass(frozen=True, slots=True)
class Relevance:
    """Which functions of a module are followed: where they are called, and by themselves."""

    followed: frozenset[ast.AST] = frozenset()
    telling: frozenset[ast.AST] = frozenset()
    """Those with a telling word, and those that call one of them or make an instance of its class.

    The others are followed because they are small or make instances.
    """
    shares: bool = False
    """Whether functions give values to the module's own variables."""


def relevance_of(tree: ast.Module) -> Relevance:
    """The functions to follow: those with a telling word, and those that call one of them."""
    scan = _Scan(tree)
    more = scan.aliases | scan.callables()
    telling = {
        function
        for function, found in scan.words.items()
        if tells(found, more) or any(map(effects.trains, found - _MODE))
    }
    followed = {
        function
        for function in scan.words
        if scan.sizes[function] <= _SMALL or getattr(function, "name", "") in _ALWAYS
    }
    large = {function for function in followed if scan.sizes[function] > _SMALL}
    followed |= telling
    _with_callers(followed, large | telling, scan, scan.name_of)
    _with_callers(telling, set(telling), scan, scan.called_as)
    return Relevance(frozenset(followed), frozenset(telling & followed), scan.shares)


def tells(words: set[str], more: Set[str] = frozenset()) -> bool:
    """Whether words can load, configure or use a model; `more` tell as well."""
    return not (_WORDS.isdisjoint(words) and more.isdisjoint(words)) or words >= _DECODING


def _with_callers(
    found: set[ast.AST], new: set[ast.AST], scan: _Scan, name: Callable[[ast.AST], str]
) -> None:
    """Add the functions that call the `new` ones, and those that call them, and so on."""
    waiting = set(scan.words) - found
    while new:
        useful = {name(function) for function in new}
        new = {function for function in waiting if not useful.isdisjoint(scan.words[function])}
        found |= new
        waiting -= new


def _word(node: ast.AST) -> str:
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute):
        return node.attr
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return word_of_text(node.value)
    return ""


def _is_pattern(node: ast.expr) -> bool:
    """Whether what is compiled is a regular expression, by the module."""
    return isinstance(node, ast.Name) and node.id in ("re", "regex")


def word_of_text(text: str) -> str:
    """What a text says: itself where it is short, or what it stands for."""
    if text in SILENT:
        return _UNUSUAL  # in a dict, or asked of one
    if has_flag(text) or launches(text):
        return _COMMAND
    return text if len(text) < 80 else ""


def told(option: str, value: ast.expr) -> str:
    """What the value of a quiet option says: nothing where it is only passed along."""
    if isinstance(value, ast.Constant):
        return _USUAL if repr(value.value) in SILENT[option] else _UNUSUAL
    return "" if isinstance(value, ast.Name) and value.id == option else _UNUSUAL


_FIELDS = Fields()
