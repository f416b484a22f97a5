"""Immutable values: dataclasses that are ready in a fraction of the time when a module is imported.

For a class that is frozen the standard library compiles up to six functions. Here it is one, and
the others are shared. Whatever else a dataclass can be is left to the standard library.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from functools import lru_cache
from operator import attrgetter
from reprlib import recursive_repr
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from dataclasses import dataclass as dataclass
else:

    def dataclass(cls=None, /, **options):
        """`dataclasses.dataclass`; quick where it is `frozen` and has nothing out of the way."""
        quick = options.get("frozen", False) and options.keys() <= {"frozen", "slots", "eq"}

        def wrap(cls):
            return _made(cls, **options) if quick else dataclasses.dataclass(cls, **options)

        return wrap if cls is None else wrap(cls)


_GIVEN_BY_FACTORY = object()


def _made(cls: Any, *, frozen: bool, slots: bool = False, eq: bool = True) -> Any:
    # Without a docstring one is worked out of the signature, which takes long.
    cls.__doc__ = cls.__doc__ or cls.__name__
    own = {name for name, value in vars(cls).items() if value is not None}
    made: Any = dataclasses.dataclass(init=False, repr=False, eq=False, slots=slots)(cls)
    made.__dataclass_params__ = _params(frozen, eq)
    fields = dataclasses.fields(made)
    if not all(field.init and not field.kw_only for field in fields):
        raise TypeError(f"{made.__qualname__}: only plain fields, or dataclasses.dataclass")
    methods = {
        "__init__": _init(made, fields, slots),
        **_shown(fields),
        **(_compared(fields) if eq else {}),
        **_guarded(made, fields),
        **(_pickled(fields) if slots else {}),
    }
    for name, method in methods.items():
        if name not in own:
            method.__qualname__ = f"{made.__qualname__}.{name}"
            setattr(made, name, method)
    return made


@lru_cache(maxsize=4)
def _params(frozen: bool, eq: bool) -> Any:
    @dataclasses.dataclass(init=False, repr=False, eq=False)
    class Sample:
        """Stands for any."""

    params = Sample.__dataclass_params__  # type: ignore[attr-defined]
    params.init = params.repr = True
    params.frozen, params.eq = frozen, eq
    return params


def _init(cls: Any, fields: tuple[dataclasses.Field[Any], ...], slots: bool) -> Callable[..., None]:
    """The one function that is compiled: each value goes right into its slot, if there are."""
    names: dict[str, Any] = {"_factory": _GIVEN_BY_FACTORY, "_set": object.__setattr__}
    parameters, lines = ["self"], []
    for field in fields:
        name = field.name
        value = name
        if field.default_factory is not dataclasses.MISSING:
            names[f"_new_{name}"] = field.default_factory
            parameters.append(f"{name}=_factory")
            value = f"_new_{name}() if {name} is _factory else {name}"
        elif field.default is not dataclasses.MISSING:
            names[f"_default_{name}"] = field.default
            parameters.append(f"{name}=_default_{name}")
        else:
            parameters.append(name)
        if slots:
            names[f"_set_{name}"] = vars(cls)[name].__set__
            lines.append(f"    _set_{name}(self, {value})")
        else:
            lines.append(f"    _set(self, {name!r}, {value})")
    if hasattr(cls, "__post_init__"):
        lines.append("    self.__post_init__()")
    text = f"def __init__({', '.join(parameters)}):\n" + "\n".join(lines or ["    pass"])
    exec(text, names)
    init: Callable[..., None] = names["__init__"]
    init.__annotations__ = {field.name: field.type for field in fields} | {"return": None}
    return init


def _shown(fields: tuple[dataclasses.Field[Any], ...]) -> dict[str, Callable[..., Any]]:
    names = [field.name for field in fields if field.repr]

    @recursive_repr()
    def shown(self: Any) -> str:
        values = ", ".join(f"{name}={getattr(self, name)!r}" for name in names)
        return f"{type(self).__qualname__}({values})"

    return {"__repr__": shown}


def _compared(fields: tuple[dataclasses.Field[Any], ...]) -> dict[str, Callable[..., Any]]:
    names = [field.name for field in fields if field.compare]
    values: Callable[[Any], Any]
    if len(names) > 1:
        values = attrgetter(*names)  # a tuple
    elif names:
        value = attrgetter(*names)

        def values(self: Any) -> Any:
            return (value(self),)

    else:

        def values(self: Any) -> Any:
            return ()

    def equal(self: Any, other: Any) -> Any:
        if other.__class__ is not self.__class__:
            return NotImplemented
        return values(self) == values(other)

    def hashed(self: Any) -> int:
        return hash(values(self))

    return {"__eq__": equal, "__hash__": hashed}


def _guarded(
    cls: type[object], fields: tuple[dataclasses.Field[Any], ...]
) -> dict[str, Callable[..., Any]]:
    names = {field.name for field in fields}

    def assigned(self: Any, name: str, value: Any) -> None:
        if type(self) is cls or name in names:
            raise dataclasses.FrozenInstanceError(f"cannot assign to field {name!r}")
        object.__setattr__(self, name, value)

    def deleted(self: Any, name: str) -> None:
        if type(self) is cls or name in names:
            raise dataclasses.FrozenInstanceError(f"cannot delete field {name!r}")
        object.__delattr__(self, name)

    return {"__setattr__": assigned, "__delattr__": deleted}


def _pickled(fields: tuple[dataclasses.Field[Any], ...]) -> dict[str, Callable[..., Any]]:
    names = [field.name for field in fields]

    def state(self: Any) -> list[Any]:
        return [getattr(self, name) for name in names]

    def restored(self: Any, values: list[Any]) -> None:
        for name, value in zip(names, values, strict=True):
            object.__setattr__(self, name, value)

    return {"__getstate__": state, "__setstate__": restored}
