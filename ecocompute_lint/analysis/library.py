"""The parts of the standard library (and of option parsers) that carry values.

Each handler takes the run, the evaluated arguments and the call; it returns what the call gives,
or None to treat it as any other library call.
"""

from __future__ import annotations

import ast
from collections.abc import Callable

from ecocompute_lint.analysis import options
from ecocompute_lint.analysis.conditions import text_of
from ecocompute_lint.analysis.expressions import Expressions
from ecocompute_lint.analysis.objects import (
    Argument,
    Bound,
    Call,
    Frame,
    Function,
    Obj,
    Parent,
    Partial,
    Ref,
    Seq,
    span_of,
    spot_of,
)
from ecocompute_lint.analysis.sequences import CALLS
from ecocompute_lint.knowledge.apis import SWITCHES
from ecocompute_lint.knowledge.callbacks import WRAPPERS
from ecocompute_lint.values import (
    ABSENT,
    ALWAYS,
    Const,
    Input,
    Symbol,
    Value,
    Ways,
    conjunction,
    disjunction,
    known,
    union,
)


def _first(call: Call) -> Value | None:
    return call.positional[0].value if call.positional else None


# -- builtins


def _dict(run: Expressions, call: Call, node: ast.Call) -> Value:
    obj = run.make("dict", node)
    obj.open = call.open
    for item in call.positional:
        run.merge(obj, item.value)
    for name, argument in call.keywords.items():
        obj.names[name] = argument
        run.write(obj, name, argument.value)
    return known(Ref(obj), span_of(node))


def _bool(run: Expressions, call: Call, node: ast.Call) -> Value | None:
    value = _first(call)
    return None if value is None else run.as_value(run.truth(value, node.args[0]))


def _convert(
    function: Callable[..., object],
) -> Callable[[Expressions, Call, ast.Call], Value | None]:
    def handler(run: Expressions, call: Call, node: ast.Call) -> Value | None:
        value = _first(call)
        return None if value is None else run.folded(node, [value], function)

    return handler


def _text_method(name: str) -> Callable[[Expressions, Call, ast.Call], Value | None]:
    def handler(run: Expressions, call: Call, node: ast.Call) -> Value | None:
        if not isinstance(node.func, ast.Attribute) or call.keywords:
            return None
        base = run.evaluate(node.func.value)
        operands = [base, *(argument.value for argument in call.positional)]
        return run.folded(node, operands, lambda text, *rest: getattr(str, name)(text, *rest))

    return handler


def _getattr(run: Expressions, call: Call, node: ast.Call) -> Value | None:
    if len(call.positional) < 2:
        return None
    base, name = call.positional[0].value, call.positional[1].value
    found: list[Value] = []
    for item in base:
        for choice in name:
            word = choice.payload
            if isinstance(word, Input):
                word = word.default
                if isinstance(word, Const) and isinstance(item.payload, Symbol):
                    symbol = Symbol(f"{item.payload.name}.{word.value}")
                    key = ("getattr", choice.payload, symbol)
                    named = run.input(key, text_of(node), "default", symbol)
                    found.append(known(named).within((choice.guards,)))
                    continue
            if isinstance(word, Const) and isinstance(word.value, str):
                value = run.attribute(item.payload, word.value, node)
                found.append(_with_default(run, value, call, 2).within((item.guards,)))
    return union(found) if found else None


def _with_default(run: Expressions, value: Value, call: Call, position: int) -> Value:
    """`getattr(unknown, name, default)`: the default is what usually holds."""
    if len(call.positional) <= position:
        return value
    default = call.positional[position].value.only
    payload = value.only
    if isinstance(payload, Input) and payload.default is None and isinstance(default, Const):
        return known(run.input(("or", payload, default.key), payload.name, "default", default))
    return value


def _range_like(run: Expressions, call: Call, node: ast.Call) -> Value:
    del run, node
    return known(Seq((), whole=False))


def _same_items(run: Expressions, call: Call, node: ast.Call) -> Value | None:
    del run, node
    value = _first(call)
    return value if value is not None and isinstance(value.only, Seq) else None


def _enumerate(run: Expressions, call: Call, node: ast.Call) -> Value | None:
    value = _first(call)
    if value is None or not isinstance(value.only, Seq):
        return None
    number = run.unknown("index")
    pairs = tuple(known(Seq((number, item))) for item in value.only.items)
    return known(Seq(pairs, value.only.whole))


def _zip(run: Expressions, call: Call, node: ast.Call) -> Value | None:
    del run, node
    columns = [argument.value.only for argument in call.positional]
    if not all(isinstance(column, Seq) for column in columns):
        return None
    rows = zip(*(column.items for column in columns), strict=False)
    return known(Seq(tuple(known(Seq(tuple(row))) for row in rows)))


def _next(run: Expressions, call: Call, node: ast.Call) -> Value | None:
    """The one item that a generator is seen to give."""
    del run, node
    value = _first(call)
    payload = value.only if value is not None else None
    return payload.items[0] if isinstance(payload, Seq) and len(payload.items) == 1 else None


def _vars(run: Expressions, call: Call, node: ast.Call) -> Value | None:
    del run, node
    return _first(call)


def _super(run: Expressions, call: Call, node: ast.Call) -> Value | None:
    del call, node
    frame: Frame | None = run.frame
    while frame is not None and frame.cls is None:
        frame = frame.parent
    if frame is None or frame.cls is None or frame.instance is None:
        return None
    return known(Parent(frame.cls, frame.instance))


def _setattr(run: Expressions, call: Call, node: ast.Call) -> Value | None:
    if len(call.positional) != 3:
        return None
    name = call.positional[1].value.constant()
    if isinstance(name, str):
        for item in call.positional[0].value:
            if isinstance(item.payload, Ref) and not item.payload.part:
                item.payload.obj.assigned[name] = span_of(node)
                run.write(item.payload.obj, name, call.positional[2].value)
    return known(Const(None))


# -- os, functools, dataclasses


def _environment(run: Expressions, call: Call, node: ast.Call) -> Value | None:
    name = call.argument("key", 0)
    default = call.argument("default", 1)
    word = name.value.constant() if name is not None else None
    if not isinstance(word, str):
        return None
    given = default.value.only if default is not None else Const(None)
    if isinstance(given, Input):
        given = given.default
    payload = given if isinstance(given, (Const, Symbol)) else None
    kind = "default" if payload is not None else "caller"
    return known(
        run.input(("environment", word, payload), f"${word}", kind, payload), span_of(node)
    )


def _partial(run: Expressions, call: Call, node: ast.Call) -> Value | None:
    del run, node
    function = _first(call)
    if function is None:
        return None
    return known(Partial(function, Call(call.positional[1:], dict(call.keywords), call.open)))


def _function_itself(run: Expressions, call: Call, node: ast.Call) -> Value | None:
    """A function with something around it, to be called with the same arguments."""
    del run, node
    value = _first(call)
    functions = (Function, Bound, Partial)
    return value if value is not None and isinstance(value.only, functions) else None


def _replace(run: Expressions, call: Call, node: ast.Call) -> Value | None:
    original = _first(call)
    source = original.only.obj if original is not None and isinstance(original.only, Ref) else None
    if source is None:
        return None
    made = run.make(source.kind, node, source.callee, source.call)
    made.cls = source.cls
    made.sources = [source]
    for name, argument in source.names.items():
        field = run.read(source, name)
        if field is not None:
            made.names[name] = Argument(field, argument.span)
            run.write(made, name, field)
    for name, argument in call.keywords.items():
        made.names[name] = argument
        run.write(made, name, argument.value)
    return known(Ref(made), span_of(node))


# -- dicts


def _update(run: Expressions, obj: Obj, call: Call, node: ast.Call) -> Value | None:
    if obj.kind != "dict":
        return None
    for item in call.positional:
        run.merge(obj, item.value)
    for name, argument in call.keywords.items():
        obj.names[name] = argument
        obj.assigned[name] = span_of(node)
        run.write(obj, name, argument.value)
    return known(Const(None))


def _get(run: Expressions, obj: Obj, call: Call, node: ast.Call) -> Value | None:
    key = call.argument("key", 0)
    if obj.kind not in ("dict", "namespace") or key is None:
        return None
    default = call.argument("default", 1)
    name = key.value.constant()
    field = run.read(obj, name) if isinstance(name, str) else None
    if field is not None:
        return field
    if isinstance(name, str) and not obj.open:
        return default.value if default is not None else known(Const(None))
    return run.item_or(obj, key.value, node, default.value if default is not None else None)


def _setdefault(run: Expressions, obj: Obj, call: Call, node: ast.Call) -> Value | None:
    name = call.positional[0].value.constant() if call.positional else None
    if obj.kind != "dict" or len(call.positional) < 2:
        return None
    if not isinstance(name, str):
        obj.open = True
        run.keep_any(obj, call.positional[1].value)
        return run.dict_item(obj, call.positional[0].value, node)
    if run.read(obj, name) is None:
        obj.names[name] = call.positional[1]
        obj.assigned[name] = span_of(node)
        run.write(obj, name, call.positional[1].value)
    return run.read(obj, name)


def _pop(run: Expressions, obj: Obj, call: Call, node: ast.Call) -> Value | None:
    name = call.positional[0].value.constant() if call.positional else None
    if obj.kind != "dict" or not isinstance(name, str):
        return None
    field = run.read(obj, name)
    run.write(obj, name, known(ABSENT))
    if field is not None:
        return field
    return call.positional[1].value if len(call.positional) > 1 else run.unknown(spot_of(node))


def _copy(run: Expressions, obj: Obj, call: Call, node: ast.Call) -> Value | None:
    if obj.kind != "dict":
        return None
    made = run.make("dict", node)
    run.merge(made, known(Ref(obj)))
    return known(Ref(made))


def _items(run: Expressions, obj: Obj, call: Call, node: ast.Call) -> Value | None:
    del call
    if obj.kind != "dict" or obj.open:
        return None
    method = node.func.attr if isinstance(node.func, ast.Attribute) else "items"
    found: list[Value] = []
    for name in obj.names:
        field = run.read(obj, name)
        if field is not None:
            key = known(Const(name))
            pair = known(Seq((key, field)))
            found.append({"items": pair, "keys": key}.get(method, field))
    return known(Seq(tuple(found)))


# -- configuration objects


def _is_quantizable(run: Expressions, obj: Obj, call: Call, node: ast.Call) -> Value | None:
    del call
    true: Ways = ()
    false: Ways = ALWAYS
    for name in SWITCHES:
        value = run.read(obj, name)
        if value is not None:
            on, off = run.truth(value, node)
            true = disjunction(true, on)
            false = conjunction(false, off)
    return run.as_value((true, false))


def _unknown_get(run: Expressions, base: Input, call: Call, node: ast.Call) -> Value | None:
    """`settings.get("load_in_8bit", False)`: the default is what usually holds."""
    default = call.argument("default", 1)
    payload = default.value.only if default is not None else None
    name = call.positional[0].value.constant() if call.positional else None
    if not isinstance(payload, Const) or not isinstance(name, str):
        return None
    return known(run.input(("get", base, name, payload.key), text_of(node), "default", payload))


def _text_on_input(name: str) -> Callable[[Expressions, Input, Call, ast.Call], Value | None]:
    function = _text_method(name)

    def handler(run: Expressions, base: Input, call: Call, node: ast.Call) -> Value | None:
        del base
        return function(run, call, node)

    return handler


def _split_input(run: Expressions, base: Input, call: Call, node: ast.Call) -> Value | None:
    del base
    del call
    return run.pieces(node, shell=False)


_TEXT_METHODS = "lower upper strip lstrip rstrip replace title format startswith endswith join"

Handler = Callable[[Expressions, Call, ast.Call], "Value | None"]
FUNCTIONS: dict[str, Handler] = {
    "builtins.dict": _dict,
    "collections.OrderedDict": _dict,
    "builtins.bool": _bool,
    "builtins.int": _convert(int),
    "builtins.float": _convert(float),
    "builtins.str": _convert(str),
    "builtins.len": _convert(len),
    "distutils.util.strtobool": _convert(options.strtobool),
    "setuptools.distutils.util.strtobool": _convert(options.strtobool),
    "builtins.getattr": _getattr,
    "builtins.setattr": _setattr,
    "builtins.range": _range_like,
    "builtins.list": _same_items,
    "builtins.tuple": _same_items,
    "builtins.sorted": _same_items,
    "builtins.enumerate": _enumerate,
    "builtins.zip": _zip,
    "builtins.next": _next,
    "builtins.vars": _vars,
    "builtins.super": _super,
    "tqdm.tqdm": _same_items,
    "tqdm.auto.tqdm": _same_items,
    "os.environ.get": _environment,
    "os.getenv": _environment,
    "functools.partial": _partial,
    **dict.fromkeys(WRAPPERS, _function_itself),
    **CALLS,
    "dataclasses.replace": _replace,
    "copy.copy": _replace,
    "copy.deepcopy": _replace,
    **{f"builtins.Const.{name}": _text_method(name) for name in _TEXT_METHODS.split()},
}

METHODS: dict[tuple[str, str], Callable[[Expressions, Obj, Call, ast.Call], Value | None]] = {
    ("dict", "update"): _update,
    ("dict", "get"): _get,
    ("dict", "setdefault"): _setdefault,
    ("dict", "pop"): _pop,
    ("dict", "copy"): _copy,
    ("dict", "items"): _items,
    ("dict", "keys"): _items,
    ("dict", "values"): _items,
    ("namespace", "get"): _get,
    ("transformers.BitsAndBytesConfig", "is_quantizable"): _is_quantizable,
    **options.METHODS,
}
UNKNOWN_METHODS: dict[str, Callable[[Expressions, Input, Call, ast.Call], Value | None]] = {
    "get": _unknown_get,
    "split": _split_input,
    **{name: _text_on_input(name) for name in _TEXT_METHODS.split()},
}
