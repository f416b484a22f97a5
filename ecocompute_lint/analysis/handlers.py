"""Which functions of a module answer web requests, by the way frameworks are told."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from ecocompute_lint.analysis.flow import dotted
from ecocompute_lint.findings import Confidence
from ecocompute_lint.knowledge import web
from ecocompute_lint.nodes import walk

_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
Function = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True, slots=True)
class Handler:
    """A function that answers requests, and how sure a finding in it can be."""

    name: str
    line: int
    at_most: Confidence = Confidence.CERTAIN


def handlers(tree: ast.Module) -> dict[ast.AST, Handler]:
    """The handlers of a module, by their function."""
    scan = _Scan(tree)
    found: dict[ast.AST, Handler] = {}
    for function in scan.functions:
        if any(_routes(item) for item in function.decorator_list) or scan.views(function):
            found[function] = Handler(function.name, function.lineno)
    for cls in scan.classes:
        for function in _answering(cls, scan):
            found[function] = Handler(f"{cls.name}.{function.name}", function.lineno)
    for name, sure in scan.given:
        for function in scan.named(name):
            found.setdefault(function, Handler(function.name, function.lineno, sure))
    return {function: handler for function, handler in found.items() if not gathers(function)}


class _Scan:
    """What a module defines and calls, as far as web frameworks are concerned."""

    def __init__(self, tree: ast.Module) -> None:
        self.functions: list[Function] = []
        self._named: dict[str, list[Function]] = {}
        self.classes: list[ast.ClassDef] = []
        self.modules: set[str] = set()
        self.batched = False
        self.given: list[tuple[str, Confidence]] = []
        queued = False
        pairs: list[str] = []
        for node in walk(tree):
            if isinstance(node, _FUNCTIONS):
                self.functions.append(node)
                self._named.setdefault(node.name, []).append(node)
            elif isinstance(node, ast.ClassDef):
                self.classes.append(node)
            elif isinstance(node, ast.ImportFrom):
                self.modules.add(node.module or "")
            elif isinstance(node, ast.Import):
                self.modules.update(item.name for item in node.names)
            elif isinstance(node, ast.Call):
                queued |= getattr(node.func, "attr", "") == web.UI_QUEUE
                self.batched |= any(_true_batch(keyword) for keyword in node.keywords)
                pairs.extend(_of_ui(node))
                self.given.extend((name, Confidence.CERTAIN) for name in _of_route(node))
        self.has_views = any(module.startswith(web.VIEW_MODULES) for module in self.modules)
        if any(module.split(".")[0] == "gradio" for module in self.modules):
            sure = Confidence.POSSIBLE if queued else Confidence.LIKELY
            self.given.extend((name, sure) for name in pairs)

    def named(self, name: str) -> Sequence[Function]:
        """The functions of this name."""
        return self._named.get(name, ())

    def views(self, function: Function) -> bool:
        """Whether it is a view of Django: a function of `request` where its modules are used."""
        first = function.args.args[:1]
        return bool(first) and first[0].arg == "request" and self.has_views


def _routes(decorator: ast.expr) -> bool:
    call = decorator if isinstance(decorator, ast.Call) else None
    name = dotted(call.func if call is not None else decorator)
    if name in web.HANDLER_DECORATORS:
        return True
    if call is None or "." not in name:
        return False
    return name.rsplit(".", 1)[-1] in web.ROUTE_METHODS and _path(call) is not None


def _path(call: ast.Call) -> str | None:
    """The path that a call is given: a text that begins with a slash."""
    given = [
        *call.args[:2],
        *(item.value for item in call.keywords if item.arg in ("path", "rule")),
    ]
    texts = (item.value for item in given if isinstance(item, ast.Constant))
    return next((text for text in texts if isinstance(text, str) and text.startswith("/")), None)


def _of_route(call: ast.Call) -> Iterator[str]:
    """``add_post("/generate", handler)``, ``Route("/generate", handler)``: the handler's name."""
    name = dotted(call.func).rsplit(".", 1)[-1]
    if (name in web.ROUTE_METHODS or name == "Route") and _path(call) is not None:
        for item in (*call.args[1:], *(keyword.value for keyword in call.keywords)):
            inner = dotted(item)
            if inner:
                yield inner.rsplit(".", 1)[-1]


def _of_ui(call: ast.Call) -> Iterator[str]:
    """The functions that a Gradio component or event answers with."""
    name = dotted(call.func).rsplit(".", 1)[-1] or getattr(call.func, "attr", "")
    if name not in web.UI_CALLS and name not in web.UI_EVENTS:
        return
    given = [*call.args[:1], *(item.value for item in call.keywords if item.arg == "fn")]
    for item in given:
        inner = dotted(item)
        if inner:
            yield inner.rsplit(".", 1)[-1]


def _answering(cls: ast.ClassDef, scan: _Scan) -> Iterator[Function]:
    names: set[str] = set()
    for base in cls.bases:
        names.update(web.HANDLER_BASES.get(dotted(base).rsplit(".", 1)[-1], ()))
    if "predict" in names and scan.batched:
        names.discard("predict")
    for decorator in cls.decorator_list:
        target = decorator.func if isinstance(decorator, ast.Call) else decorator
        for known, methods in web.HANDLER_CLASS_DECORATORS.items():
            if dotted(target) in (known, f"ray.{known}"):
                names.update(methods)
    for item in cls.body:
        if isinstance(item, _FUNCTIONS) and item.name in names:
            yield item


def gathers(function: ast.AST) -> bool:
    """Whether a decorator makes the framework gather calls of a function into batches."""
    for item in getattr(function, "decorator_list", ()):
        call = item if isinstance(item, ast.Call) else None
        if dotted(call.func if call else item) in web.BATCHING_DECORATORS:
            return True
        if call is not None and any(_true_batch(keyword) for keyword in call.keywords):
            return True
    return False


def _true_batch(keyword: ast.keyword) -> bool:
    """``batchable=True``, ``max_batch_size=8``."""
    value = keyword.value.value if isinstance(keyword.value, ast.Constant) else None
    return keyword.arg in web.BATCHED_WORDS and (value is True or value not in (None, 0, 1))
