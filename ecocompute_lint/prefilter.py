"""Could a text matter at all? Two cheap gates before any analysis.

Both look for the words of the API tables. They never decide that something is wrong; they only say
that nothing can be.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from ecocompute_lint.knowledge.apis import (
    CALLEE_NEEDLES,
    COMMON_NEEDLES,
    LOADERS,
    NEEDLES,
    OPTION_NEEDLES,
)
from ecocompute_lint.knowledge.commands import FLAGS, PROGRAMS
from ecocompute_lint.knowledge.execution_apis import MODEL_WORDS, names_generation

_WORDS = tuple(needle.encode() for needle in NEEDLES)
_COMMON = tuple(needle.encode() for needle in COMMON_NEEDLES)
_LOADS = tuple(word.encode() for word in LOADERS)
_MODELS = tuple(word.encode() for word in MODEL_WORDS)
_PROGRAMS = tuple(word.encode() for word in PROGRAMS)
_FLAGS = re.compile(FLAGS.pattern.encode())
_INSTALLS = re.compile(
    rb"(?:pip|mamba|conda|uv|poetry)\b.*\binstall|(?:pip|conda|mamba)_install|install_requires"
)
_NO_RELEASE = re.compile(rb"nightl|dev\d|git\+|github\.com|continuous", re.IGNORECASE)


def may_matter(source: bytes | str, *, loads: bool = False) -> bool:
    """The first gate: whether any word of the tables occurs in the raw text.

    With `loads` whatever loads a model matters, as it does to rules on a GPU that is configured.
    """
    raw = source.encode("utf-8", "surrogatepass") if isinstance(source, str) else source
    if any(word in raw for word in _WORDS):
        return True
    if loads and any(word in raw for word in _LOADS):
        return True
    if any(word in raw for word in _PROGRAMS) and (loads or _FLAGS.search(raw)):
        return True
    if any(word in raw for word in _COMMON) and any(word in raw for word in _MODELS):
        return True
    return may_install(raw)


def may_install(raw: bytes) -> bool:
    """Whether a text may install what is no release."""
    return _NO_RELEASE.search(raw) is not None and _INSTALLS.search(raw) is not None


def runs_models(text: str) -> bool:
    """Whether a call of a common name, such as `generate`, may be one of a language model."""
    return any(word in text for word in MODEL_WORDS)


def screen(tree: ast.Module, *, loads: bool = False) -> bool:
    """The second gate: whether such a word occurs in code.

    Comments, docstrings, annotations and imports that nothing uses do not count.
    """
    words: set[str] = set()
    parts: set[bool] = set()
    aliases: set[str] = set()
    helpers: set[str] = set()
    """What is imported to generate with a model that this file may load."""
    pending: list[ast.AST] = [tree]
    while pending:
        node = pending.pop()
        if isinstance(node, ast.Name):
            words.add(node.id)
            continue
        if isinstance(node, ast.Constant):
            if isinstance(node.value, str):
                words.add(node.value)
                parts.update(_parts(node.value))
            continue
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            continue
        if isinstance(node, ast.arg):
            words.add(node.arg)
            continue
        if isinstance(node, ast.alias):
            name = node.name.rsplit(".", 1)[-1]
            if node.asname and name in CALLEE_NEEDLES:
                aliases.add(node.asname)
            elif names_generation(name):
                helpers.add(node.asname or name)
            continue
        if isinstance(node, ast.AnnAssign):
            pending.append(node.target)
            if node.value is not None:
                pending.append(node.value)
            continue
        if isinstance(node, ast.Attribute):
            words.add(node.attr)
        elif isinstance(node, ast.keyword) and node.arg is not None:
            words.add(node.arg)
        pending.extend(
            child for name, child in _children(node) if name not in ("annotation", "returns")
        )
    if len(parts) == 2 or (loads and False in parts):
        return True
    if not (words.isdisjoint(helpers) or words.isdisjoint(LOADERS)):
        return True
    wanted = OPTION_NEEDLES | CALLEE_NEEDLES | aliases
    return not words.isdisjoint(wanted | LOADERS if loads else wanted)


def _parts(text: str) -> Iterator[bool]:
    """What a text holds of a command: False for the engine's name, True for a flag."""
    if any(word in text for word in PROGRAMS):
        yield False
    if FLAGS.search(text):
        yield True


def _children(node: ast.AST) -> Iterator[tuple[str, ast.AST]]:
    for name in node._fields:
        value = getattr(node, name, None)
        if isinstance(value, ast.AST):
            yield name, value
        elif isinstance(value, list):
            for item in value:
                if isinstance(item, ast.AST):
                    yield name, item
