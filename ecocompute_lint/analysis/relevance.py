"""Which functions of a module are worth following at all.

Most functions of a large module can neither load, configure, train nor use a model, nor hand a
value to one that does. They are not followed; what they return is unknown.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator

from ecocompute_lint.knowledge import apis, effects
from ecocompute_lint.knowledge.commands import FLAGS, LAUNCH_WORD
from ecocompute_lint.knowledge.execution_apis import names_generation

_SMALL = 60
"""So few syntax nodes cost nothing to follow, and may hold a constant."""
_ALWAYS = frozenset({"__init__", "__post_init__", "__enter__", "setup"})
_COMMAND = "serve"
"""Stands for any text that is part of an engine's command line."""
_WORDS = frozenset(
    {
        _COMMAND,
        *apis.OPTION_NEEDLES,
        *apis.CALLEE_NEEDLES,
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
        self._read(tree)

    def _read(self, tree: ast.Module) -> None:
        pending: list[tuple[ast.AST, tuple[ast.AST, ...]]] = [(tree, ())]
        while pending:
            node, around = pending.pop()
            if isinstance(node, ast.alias):
                imported = node.name.rsplit(".", 1)[-1]
                if imported in _WORDS or names_generation(imported):
                    self.aliases.add(node.asname or node.name)
            if isinstance(node, ast.Assign) and isinstance(node.value, ast.Call):
                given = self.results.setdefault(_word(node.value.func), set())
                given.update(_word(target) for target in node.targets)
            word = _word(node)
            for function in around:
                self.sizes[function] += 1
                if word:
                    self.words[function].add(word)
            if isinstance(node, _FUNCTIONS):
                self.words[node] = set()
                self.sizes[node] = 0
                around = (*around, node)
            pending.extend((child, around) for child in ast.iter_child_nodes(node))

    def callables(self) -> set[str]:
        """The names of objects that run a model when they are called."""
        makers = {_CALLABLE} | {
            getattr(function, "name", "")
            for function, words in self.words.items()
            if _CALLABLE in words
        }
        return {name for maker in makers for name in self.results.get(maker, ()) if name}


def relevant_functions(tree: ast.Module) -> frozenset[ast.AST]:
    """The functions to follow: those with a telling word, and those that call one of them."""
    scan = _Scan(tree)
    telling = _WORDS | scan.aliases | scan.callables()
    found = {
        function
        for function, words in scan.words.items()
        if scan.sizes[function] <= _SMALL
        or getattr(function, "name", "") in _ALWAYS
        or not telling.isdisjoint(words)
        or any(effects.trains(word) for word in words)
    }
    useful = {name for name in _names(found, scan) if name}
    waiting = set(scan.words) - found
    while True:
        more = {function for function in waiting if not useful.isdisjoint(scan.words[function])}
        if not more:
            return frozenset(found)
        found |= more
        waiting -= more
        useful = {getattr(function, "name", "") for function in more}


def _names(found: set[ast.AST], scan: _Scan) -> Iterator[str]:
    """The names of functions that make their callers worth following: not the merely small."""
    for function in found:
        if scan.sizes[function] > _SMALL or not _WORDS.isdisjoint(scan.words[function]):
            yield getattr(function, "name", "")


def _word(node: ast.AST) -> str:
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute):
        return node.attr
    if isinstance(node, (ast.keyword, ast.arg)):
        return node.arg or ""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        if FLAGS.search(node.value) or LAUNCH_WORD.search(node.value):
            return _COMMAND
        return node.value if len(node.value) < 80 else ""
    return "global" if isinstance(node, ast.Global) else ""
