"""Facts on an engine whose options are known, wherever they came from.

A list of words in a program, a shell script, a container's variables and an engine's own
configuration file all end here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace

from ecocompute_lint.analysis.flags import Given, Inputs
from ecocompute_lint.facts import Carrier, Deployment, Load, Option, Usage
from ecocompute_lint.findings import Place
from ecocompute_lint.knowledge.apis import LOAD_OPTIONS, SWITCHES
from ecocompute_lint.knowledge.commands import Command
from ecocompute_lint.values import (
    ABSENT,
    Alternative,
    Const,
    Input,
    Value,
    Ways,
    known,
)

_NO = known(Const(False))


@dataclass(frozen=True, slots=True)
class Site:
    """Where options stand: how spans become places, and what of them can be edited.

    `begins` is the place of what an option is told in, `told_elsewhere` whether another command
    tells it, `settled` makes plain facts of values.
    """

    inputs: Inputs
    option: Callable[[str, Given], tuple[Place | None, Carrier | None]]
    begins: Callable[[str, Given], Place]
    settled: Callable[[Value], Value] = lambda value: value
    told_elsewhere: Callable[[Given], bool] = lambda item: False


def served(
    command: Command,
    given: Mapping[str, Given],
    place: Place,
    ways: Ways,
    site: Site,
    context: str = "inference",
    *,
    whole: bool = True,
) -> Iterator[Deployment]:
    """Facts on the engine: without the options that have a place of their own, with them, on each.

    The second, left out unless `whole`, is a ``server``: what is said of it concerns the engine as
    a whole.
    """
    options = {name: _option(name, item, site) for name, item in given.items()}
    around = {name: one for name, one in options.items() if name not in command.alone}
    load = _loaded_by(command, place, options)
    traits = {
        "generates": known(Const(not _pools(command, options))),
        "on_gpu": known(Const(_device(options) != "cpu")),
        "halved": _NO,
        "quantized_later": _NO,
    }
    usage = Usage(command.name, command.name, "command", place, around)
    base = Deployment(usage, load, context, _NO, ways, "engine", traits)
    if command.serves:
        yield base
        if whole:
            server = replace(usage, spelling="server", options=options)
            yield replace(base, kind="server", usage=server)
    for name, option in options.items():
        if name not in command.alone or site.told_elsewhere(given[name]):
            continue
        usage = replace(
            usage,
            place=site.begins(name, given[name]),
            options={**around, name: option},
            spelled={name: given[name].flag},
        )
        yield replace(base, usage=usage, words={"options": f"`{given[name].shown}`"})
    yield from _quantized_by(command, given, replace(base, kind="quantization", traits={}), site)


def _option(name: str, item: Given, site: Site) -> Option:
    place, carrier = site.option(name, item)
    return Option(site.settled(item.value), place, carrier)


def _loaded_by(command: Command, place: Place, options: Mapping[str, Option]) -> Load:
    model = options.get("model")
    found = {
        name: options.get(name)
        or Option(known(Const(False if name in SWITCHES else None)), written=False)
        for name in LOAD_OPTIONS
    }
    named = model.value if model is not None else known(ABSENT)
    return Load(command.name, place, named, found)


def _quantized_by(
    command: Command, given: Mapping[str, Given], base: Deployment, site: Site
) -> Iterator[Deployment]:
    """What the value of an option says of the quantization."""
    for name, meanings in command.quantizing.items():
        item = given.get(name)
        for choice in item.value if item is not None else ():
            payload = choice.payload
            if isinstance(payload, Input):
                payload = payload.default
            word = payload.value if isinstance(payload, Const) else None
            meant = meanings.get(word) if isinstance(word, (str, bool)) else None
            if meant is None or item is None:
                continue
            place, _ = site.option(name, item)
            options = {
                option: Option(known(Const(value)), written=False)
                for option, value in command.implied.items()
            }
            options |= {
                option: Option(_meant(choice, option, value, site), place)
                for option, value in meant.items()
            }
            usage = Usage(command.name, command.method, "command", site.begins(name, item), options)
            yield replace(base, usage=usage)


def _meant(choice: Alternative, option: str, value: object, site: Site) -> Value:
    told = Alternative(Const(value), choice.guards, origin=choice.origin)
    if isinstance(choice.payload, Input):
        source = choice.payload
        key = ("meant", source, option)
        made = site.inputs.input(key, source.name, source.kind, Const(value))
        told = replace(told, payload=made)
    return Value((told,))


def _pools(command: Command, options: Mapping[str, Option]) -> bool:
    """Whether an engine makes vectors or scores, and no text."""
    return any(
        name in options and options[name].value.constant() in values
        for name, values in command.pooling.items()
    )


def _device(options: Mapping[str, Option]) -> object:
    return options["device"].value.constant() if "device" in options else None
