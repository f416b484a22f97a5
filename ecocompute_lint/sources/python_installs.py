"""Packages that Python code installs: commands that it runs, and Modal's images."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping, Sequence

from ecocompute_lint.findings import Place
from ecocompute_lint.knowledge.runners import BUILDERS, MAGIC_INSTALLS, RUNNERS, RUNS
from ecocompute_lint.nodes import children, walk
from ecocompute_lint.sources.documents import UNKNOWN, Branch, Package, Word
from ecocompute_lint.sources.installs import packages_of
from ecocompute_lint.sources.text import LineMap

_RUNS = re.compile(RUNS)
_OPTIONS: Mapping[str, str] = {
    "index_url": "--index-url",
    "extra_index_url": "--extra-index-url",
    "find_links": "--find-links",
    "channels": "-c",
}
_OF_MACHINE = re.compile(
    r"environ|getenv|platform|cuda|exists|isfile|isdir|find_spec|sys\.modules|colab"
)
"""Tests that the machine decides, and not whoever calls."""
_MAGIC = re.compile(MAGIC_INSTALLS, re.MULTILINE)


def installed(text: str, tree: ast.Module) -> Iterator[Package]:
    """What a Python text installs, in reading order of its calls."""
    lines = LineMap(text)
    yield from _magics(text, tree, lines)
    if _RUNS.search(text) is None:
        return
    pending: list[tuple[ast.AST, ast.AST | None]] = [(tree, None)]
    while pending:
        node, around = pending.pop()
        if isinstance(node, ast.Call):
            for words in _commands(node, lines):
                yield from packages_of(words, _branch(around))
        if isinstance(node, ast.If) and not _is_main(node.test):
            around = node
        elif isinstance(node, ast.ExceptHandler):
            around = around or node
        pending.extend((child, around) for child in children(node))


def _branch(around: ast.AST | None) -> Branch | None:
    """The branch that an `if`, or the handler of an exception, makes of what stands in it."""
    if isinstance(around, ast.If):
        test = ast.unparse(around.test)
        return Branch(test, "environment" if _OF_MACHINE.search(test) else "caller")
    return Branch("an exception", "environment") if around is not None else None


def _is_main(test: ast.expr) -> bool:
    return isinstance(test, ast.Compare) and getattr(test.left, "id", "") == "__name__"


def _commands(node: ast.Call, lines: LineMap) -> Iterator[Sequence[Word]]:
    """The commands that a call runs, word by word."""
    name = getattr(node.func, "attr", getattr(node.func, "id", ""))
    if name in BUILDERS and isinstance(node.func, ast.Attribute):
        given = [item for argument in node.args for item in _texts(argument, lines)]
        if not any(word.text == UNKNOWN for word in given):
            start = [Word(text, lines.node(node)) for text in BUILDERS[name]]
            yield [*start, *given, *_options(node, lines)]
    elif name in RUNNERS:
        for argument in node.args:
            words = _texts(argument, lines)
            if isinstance(argument, ast.List | ast.Tuple):
                yield words
                words = words[2:3] if _is_shell(words) else []
            for word in words:
                yield from _split(word)
            if name in ("call", "system", "popen") or "sub" in name:
                break


def _is_shell(words: Sequence[Word]) -> bool:
    """``bash -c TEXT``, in any of its spellings."""
    texts = [word.text for word in words[:2]]
    return len(texts) == 2 and texts[0].endswith("sh") and texts[1] in ("-c", "-lc", "-ec", "-exc")


def _options(node: ast.Call, lines: LineMap) -> Iterator[Word]:
    for keyword in node.keywords:
        place = lines.node(keyword.value)
        if keyword.arg == "pre" and getattr(keyword.value, "value", None) is True:
            yield Word("--pre", place)
        elif keyword.arg == "extra_options":
            for word in _texts(keyword.value, lines):
                yield from (Word(part, place) for part in word.text.split())
        elif keyword.arg is not None and keyword.arg in _OPTIONS:
            for word in _texts(keyword.value, lines):
                yield from (Word(_OPTIONS[keyword.arg], place), word)


def _texts(node: ast.expr, lines: LineMap) -> list[Word]:
    """A text as one word, a list as its words; what is not known of one is marked."""
    if isinstance(node, ast.List | ast.Tuple):
        return [word for item in node.elts for word in _texts(item, lines)]
    if isinstance(node, ast.Constant):
        return [Word(node.value if isinstance(node.value, str) else UNKNOWN, lines.node(node))]
    if isinstance(node, ast.JoinedStr):
        parts = [getattr(part, "value", None) for part in node.values]
        text = "".join(part if isinstance(part, str) else UNKNOWN for part in parts)
        return [Word(text, lines.node(node))]
    return [Word(UNKNOWN, lines.node(node))]


def _split(word: Word) -> Iterator[Sequence[Word]]:
    from ecocompute_lint.analysis.sequences import split

    if " " in word.text:
        for texts in split(word.text):
            yield [Word(text, word.place) for text in texts]


def _magics(text: str, tree: ast.Module, lines: LineMap) -> Iterator[Package]:
    """Shell lines of exported notebooks: where they stand the tree has nothing."""
    magics = list(_MAGIC.finditer(text))
    blank = {node.lineno for node in walk(tree) if isinstance(node, ast.Pass)} if magics else ()
    for found in magics:
        line = lines.position(found.end())[0]
        if line in blank and not text[found.end() - 1 :].startswith("%%"):
            rest = lines.line_text(line)
            start = len(rest) - len(rest.lstrip())
            place = Place(line, start + 1, line, len(rest.rstrip()) + 1)
            yield from (
                package
                for words in _split(Word(rest.strip()[1:], place))
                for package in packages_of(words)
            )
