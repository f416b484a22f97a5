"""Definitions of functions and classes."""

from __future__ import annotations

import ast
from collections.abc import Iterable
from dataclasses import replace

from ecocompute_lint.analysis.calls import Calls
from ecocompute_lint.analysis.conditions import text_of
from ecocompute_lint.analysis.objects import Class, Frame, Function, spot_of
from ecocompute_lint.values import Const, Input, Symbol, Value, known

_RECORD_DECORATORS = ("dataclass", "dataclasses.dataclass", "define", "attrs", "s")
_RECORD_BASES = ("BaseModel", "BaseSettings", "NamedTuple", "TypedDict", "SQLModel")


class Definitions(Calls):
    """Notes definitions."""

    def run(self, body: Iterable[ast.stmt]) -> None:
        """Run statements; defined where statements are."""
        raise TypeError("abstract")

    def _do_FunctionDef(self, node: ast.FunctionDef | ast.AsyncFunctionDef) -> None:
        decorators = tuple(self._decorator(item) for item in node.decorator_list)
        cls = self.frame.cls if self.frame.kind == "class" else None
        function = Function(node, self.frame, cls=cls, decorators=decorators)
        args = node.args
        names = [*args.posonlyargs, *args.args]
        for parameter, default in zip(reversed(names), reversed(args.defaults), strict=False):
            function.defaults[parameter.arg] = self.default(default)
        for parameter, kw_default in zip(args.kwonlyargs, args.kw_defaults, strict=True):
            if kw_default is not None:
                function.defaults[parameter.arg] = self.default(kw_default)
        for item in node.decorator_list:
            self._click_option(function, item)
        if not self.elsewhere:
            self.functions[node] = function
        self.write_name(node.name, known(function))

    _do_AsyncFunctionDef = _do_FunctionDef

    def _decorator(self, node: ast.expr) -> str:
        target = node.func if isinstance(node, ast.Call) else node
        name = target.attr if isinstance(target, ast.Attribute) else getattr(target, "id", "")
        if name == "compile" and text_of(target).startswith("torch"):
            self.unresolved_compile = True
        return name

    def default(self, node: ast.expr) -> Value:
        """A default: `typer.Option(False)`, `Field(default=…)` and the like are unwrapped."""
        if isinstance(node, ast.Call):
            name = node.func.attr if isinstance(node.func, ast.Attribute) else ""
            name = name or getattr(node.func, "id", "")
            if name in ("Option", "Argument", "Field", "field", "Query", "Form", "Body"):
                for keyword in node.keywords:
                    if keyword.arg == "default":
                        return self.evaluate(keyword.value)
                    if keyword.arg == "default_factory" and isinstance(keyword.value, ast.Lambda):
                        return self.evaluate(keyword.value.body)
                if node.args and name != "field":
                    return self.evaluate(node.args[0])
                return self.unknown(spot_of(node))
        return self.evaluate(node)

    def _click_option(self, function: Function, node: ast.expr) -> None:
        """`@click.option("--load-8bit", default=False)` gives the parameter its default."""
        if not isinstance(node, ast.Call) or not node.args:
            return
        name = node.func.attr if isinstance(node.func, ast.Attribute) else ""
        if name not in ("option", "argument"):
            return
        words = [item.value for item in node.args if isinstance(item, ast.Constant)]
        long = [word for word in words if isinstance(word, str) and word.startswith("--")]
        if not long:
            return
        target = long[-1].split("/")[0].lstrip("-").replace("-", "_")
        keywords = {item.arg: item.value for item in node.keywords}
        if "default" in keywords:
            function.defaults.setdefault(target, self.evaluate(keywords["default"]))
        elif "is_flag" in keywords or "/" in long[-1]:
            function.defaults.setdefault(target, known(Const(False)))
        elif "required" not in keywords:
            function.defaults.setdefault(target, known(Const(None)))

    def _do_ClassDef(self, node: ast.ClassDef) -> None:
        bases = tuple(self.evaluate(base) for base in node.bases)
        frame = Frame(self.frame, "class", self.frame.function)
        decorators = [self._decorator(item) for item in node.decorator_list]
        record = any(name in _RECORD_DECORATORS for name in decorators) or any(
            _base_name(base) in _RECORD_BASES for base in bases
        )
        record = record or any(isinstance(b.only, Class) and b.only.record for b in bases)
        cls = Class(node, frame, bases, record)
        frame.cls = cls
        if not self.elsewhere:
            self.classes[node] = cls
        outer, self.frame = self.frame, frame
        self.run(node.body)
        self.frame = outer
        if record:
            self._fields(cls, node)
        self.write_name(node.name, known(cls))

    def _fields(self, cls: Class, node: ast.ClassDef) -> None:
        for statement in node.body:
            if isinstance(statement, ast.AnnAssign) and isinstance(statement.target, ast.Name):
                name = statement.target.id
                value = self.store.get((cls.frame, name))
                if value is None:
                    cls.fields[name] = known(self.input(("field", node, name), name))
                    continue
                cls.fields[name] = Value(
                    tuple(
                        replace(
                            item,
                            payload=self.input(
                                ("field", node, name, item.payload), name, "default", item.payload
                            ),
                        )
                        if isinstance(item.payload, (Const, Symbol))
                        else item
                        for item in value
                    )
                )


def _base_name(base: Value) -> str:
    payload = base.only
    name = payload.name if isinstance(payload, (Symbol, Input)) else ""
    return name.rsplit(".", 1)[-1]
