"""Facts of files other than Python: what their commands, containers and keys deploy."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from ecocompute_lint.analysis.flags import Given, given_by, read_word
from ecocompute_lint.analysis.serving import Site, served
from ecocompute_lint.facts import Carrier, Deployment, Load, Option, Usage
from ecocompute_lint.findings import Place
from ecocompute_lint.frozen import dataclass
from ecocompute_lint.knowledge import commands
from ecocompute_lint.knowledge.apis import LOAD_OPTIONS, SWITCHES
from ecocompute_lint.knowledge.commands import Command, Launched, Setting
from ecocompute_lint.sources.documents import UNKNOWN, Block, Branch, Document, Service, Word
from ecocompute_lint.values import (
    ABSENT,
    ALWAYS,
    NONE,
    Alternative,
    Const,
    Constraint,
    Input,
    Span,
    Symbol,
    Value,
    Ways,
    known,
)

_NO = known(Const(False))
_ARGUMENTS = re.compile(r"[@*]|arg|opt|flag|extra|param|more|rest", re.IGNORECASE)
"""Names of variables that hold arguments, and not the value of one."""


def facts(document: Document) -> tuple[Deployment, ...]:
    """What a file deploys, as rules look at it."""
    inputs = _Inputs()
    found: list[Deployment] = []
    for service in document.services:
        found += _of_service(service, inputs)
    for block in document.blocks:
        found += _of_block(block, inputs)
    if document.packages:
        from ecocompute_lint.sources.package_facts import facts as of_packages

        found += of_packages(document.packages)
    return tuple(found)


class _Inputs:
    """The inputs of one file: variables, and what nothing in sight gives."""

    def __init__(self) -> None:
        self._inputs: dict[Any, Input] = {}
        self._texts: dict[Input, str] = {}

    def input(
        self, key: Any, name: str, kind: str = "caller", default: Const | Symbol | None = None
    ) -> Input:
        """The input known by `key`: always the same object."""
        found = self._inputs.get(key)
        if found is None:
            found = self._inputs[key] = Input(name, kind, default)
        return found

    def unknown(self, text: str, kind: str = "caller") -> Value:
        """A value of which nothing is known."""
        return known(self.input(("text", text, kind), text, kind))

    def text_of(self, item: Alternative) -> str | None:
        """A text, with a sign for what is not known of it."""
        payload = item.payload
        if isinstance(payload, Input):
            text = self._texts.get(payload)
            if text is not None:
                return text
            payload = payload.default
        text = payload.value if isinstance(payload, Const) else None
        return text if isinstance(text, str) else None

    def value(self, word: Word) -> Value:
        """A word as a value; its origin is the place where it stands."""
        origin = span_of(word.place)
        if UNKNOWN in word.text:
            made = self.input(("word", origin, word.text), word.variable or "a variable")
            self._texts[made] = word.text
            return known(made, origin)
        if word.variable:
            key = ("variable", word.variable, word.text)
            return known(self.input(key, word.variable, "default", Const(word.text)), origin)
        return known(Const(word.text), origin)

    def ways(self, branch: Branch | None) -> Ways:
        """Under which circumstances something behind a test exists."""
        if branch is None:
            return ALWAYS
        made = self.input(("test", branch.test), branch.test, branch.decider)
        return ({made: Constraint(truth=True)},)


def span_of(place: Place) -> Span:
    """A place as the origin of a value."""
    return (place.line, place.column, place.end_line, place.end_column)


# -- engines


@dataclass(frozen=True, slots=True)
class _Stand:
    """Where an option stands: all of it, what goes when it goes, and its value if it has one."""

    place: Place
    removal: Place | None = None
    value: Place | None = None


def _of_service(service: Service, inputs: _Inputs) -> Iterator[Deployment]:
    launched = _launched(service)
    if launched is None:
        return
    command = launched.command
    given, stands = _given(service, launched, inputs)
    if command.loaders:
        yield from _evaluated(command, service, given, stands, inputs)
        return
    if service.image is not None and "device" not in given:
        device = commands.device_of_image(service.image.text)
        if device is not None:
            given["device"] = Given(known(Const(device)))

    def option(name: str, item: Given) -> tuple[Place | None, Carrier | None]:
        stand = stands.get(name)
        if stand is None:
            return None, None
        plain = all(isinstance(one.payload, Const) for one in item.value)
        if stand.removal is None or not plain:
            return stand.place, None
        return stand.place, Carrier(stand.removal, "text", stand.value)

    def begins(name: str, item: Given) -> Place:
        del item
        return stands[name].place if name in stands else service.place

    site = Site(inputs, option, begins)
    ways = inputs.ways(service.branch)
    context = "training" if service.training else "inference"
    marks = (service.place,)
    for fact in served(command, given, service.place, ways, site, context):
        yield replace(fact, marks=marks) if fact.usage.place != service.place else fact


def _launched(service: Service) -> Launched | None:
    texts = [commands.told(word.text, word.variable) for word in service.words]
    found = commands.launched(texts)
    if found is not None:
        return found
    named = commands.command_of(service.engine) if service.engine else None
    if named is None and service.image is not None:
        named = commands.started_by_image(service.image.text)
    if named is None or (texts and not _are_arguments(texts)):
        return None
    model = bool(texts) and named.by_words and not (texts[0] or "").startswith("-")
    return Launched(named, 0, model)


def _are_arguments(texts: Sequence[str | None]) -> bool:
    """Whether words are arguments of an image's own program, and not another program."""
    first = texts[0]
    if first is None or first == "serve" or first.startswith("-"):
        return True
    return first.count("/") == 1 and len(texts) > 1


def _given(
    service: Service, launched: Launched, inputs: _Inputs
) -> tuple[dict[str, Given], dict[str, _Stand]]:
    """The options by words, then by keys, then by variables, and where each stands."""
    command, words = launched.command, service.words
    given = given_by([inputs.value(word) for word in words], launched, inputs)
    stands = {
        name: _stand(words, item, launched)
        for name, item in given.items()
        if 0 <= item.source < len(words)
    }
    for name, word in (*service.settings.items(), *service.environment.items()):
        variable = name in service.environment and name not in service.settings
        flag = command.variable(name) if variable else f"--{name}"
        setting = command.setting(flag) if flag is not None else None
        if setting is not None and setting.option not in given:
            value = _keyed(name, setting, word, inputs)
            text = f"{name}={word.text}" if variable else f"{name}: {word.text}"
            given[setting.option] = Given(value, span_of(word.place), name, written=text)
            stands[setting.option] = _Stand(word.place, word.removal, word.place)
    return given, stands


def _stand(words: Sequence[Word], item: Given, launched: Launched) -> _Stand:
    word = words[item.source]
    setting = launched.command.setting(word.text)
    if setting is None or not setting.next:
        return _alone(words, item.source, setting)
    if item.source + 1 >= len(words):
        return _Stand(word.place)
    follows = words[item.source + 1]
    both = word.with_next or _joined(word.removal, follows.removal)
    return _Stand(word.place, both, follows.place)


def _alone(words: Sequence[Word], index: int, setting: Setting | None) -> _Stand:
    """Where an option of one word stands, ``--flag`` or ``--flag=value``."""
    word = words[index]
    _, equals, value = word.text.partition("=")
    if not equals:
        overrides = setting is not None and setting.overrides
        follows = words[index + 1] if index + 1 < len(words) else None
        told = follows is not None and follows.text == UNKNOWN
        if overrides and told and follows and not _ARGUMENTS.search(follows.variable):
            return _Stand(word.place)  # what may be its value would be left over
        return _Stand(word.place, word.removal)
    if _width(word.place) != len(word.text):
        return _Stand(word.place)  # quotes or escapes: where its value stands is not known
    start = word.place.end_column - len(value)
    return _Stand(word.place, word.removal, replace(word.place, column=start))


def _width(place: Place) -> int:
    """How many characters a place on one line holds; -1 for a longer one."""
    return place.end_column - place.column if place.line == place.end_line else -1


def _joined(first: Place | None, second: Place | None) -> Place | None:
    """Two neighbouring removals as one."""
    if first is None or second is None or second < first:
        return None
    return replace(first, end_line=second.end_line, end_column=second.end_column)


def _keyed(name: str, setting: Setting, word: Word, inputs: _Inputs) -> Value:
    """What a key or a variable gives an option."""
    value, origin = inputs.value(word), span_of(word.place)
    if setting.next:
        return read_word(value, NONE, inputs)
    told = commands.truth_of(word.text)
    if told is None:
        return inputs.unknown(f"{name} at {origin}")
    truth = Const(told is (setting.value is not False))
    if not word.variable:
        return known(truth, origin)
    made = inputs.input((name, word.variable, told), word.variable, "default", truth)
    return known(made, origin)


# -- options of loaders, written as data


def _evaluated(
    command: Command,
    service: Service,
    given: Mapping[str, Given],
    stands: Mapping[str, _Stand],
    inputs: _Inputs,
) -> Iterator[Deployment]:
    """What an evaluation loads: ``--model hf --model_args pretrained=…,load_in_8bit=True``."""
    if "arguments" not in given or "arguments" not in stands:
        return
    loader = given["loader"].value.constant() if "loader" in given else "hf"
    library = command.loaders.get(str(loader))
    text = given["arguments"].value.constant()
    place = stands["arguments"].value or stands["arguments"].place
    if library is None or not isinstance(text, str):
        return
    pairs = (part.partition("=") for part in text.split(","))
    options = {name.strip(): Word(value, place) for name, equals, value in pairs if equals}
    model = options.pop("pretrained", None)
    if library == "transformers":
        block = Block("arguments", place, options, library, model, branch=service.branch)
        yield from _of_block(block, inputs)
        return
    named = {"model": model} if model is not None else {}
    inner = Service(place, engine=library, settings={**named, **options}, branch=service.branch)
    yield from _of_service(inner, inputs)


_ROLES: Mapping[str, Mapping[str, Any]] = {
    "checkpoint": {},
    "constructor": {},
    "arguments": {},
    "webui": {"bnb_4bit_compute_dtype": "float16", "bnb_4bit_quant_type": "nf4"},
}
"""What each kind of block says by itself."""
_SPELLINGS: Mapping[str, str] = {
    "compute_dtype": "bnb_4bit_compute_dtype",
    "quant_type": "bnb_4bit_quant_type",
    "use_double_quant": "bnb_4bit_use_double_quant",
}
_DEFAULTS: Mapping[str, Any] = {
    "load_in_8bit": False,
    "load_in_4bit": False,
    "llm_int8_threshold": 6.0,
    "bnb_4bit_compute_dtype": None,
    "bnb_4bit_quant_type": "fp4",
    "bnb_4bit_use_double_quant": False,
}


def _of_block(block: Block, inputs: _Inputs) -> Iterator[Deployment]:
    """The quantization that options of bitsandbytes switch on."""
    written = {
        _SPELLINGS.get(name, name): word
        for name, word in block.options.items()
        if not name.startswith("_")
    }
    if not any(name in written for name in SWITCHES):
        return
    usual = {**_DEFAULTS, **_ROLES[block.role]}
    options = {name: Option(known(Const(value)), written=False) for name, value in usual.items()}
    for name, word in written.items():
        carrier = None
        if block.role in ("checkpoint", "constructor") and word.removal is not None:
            carrier = Carrier(word.removal, "text", word.place)
        options[name] = Option(_plain(word, inputs), word.place, carrier)
    switch = next((written[name] for name in SWITCHES if name in written), None)
    place = switch.place if switch is not None else block.place
    usage = Usage("bitsandbytes", "bitsandbytes", block.role, place, options)
    loaded = {
        name: Option(known(Const(False if name in SWITCHES else None)), written=False)
        for name in LOAD_OPTIONS
    }
    model = inputs.value(block.model) if block.model is not None else known(ABSENT)
    load = Load("transformers", block.place, model, loaded)
    context = "training" if block.training else "inference"
    ways = inputs.ways(block.branch)
    yield Deployment(usage, load, context, _NO, ways, marks=(block.place,))


def _plain(word: Word, inputs: _Inputs) -> Value:
    """A scalar of a file as a value: truth, number, nothing or text."""
    if UNKNOWN in word.text:
        return inputs.value(word)
    truth = commands.truth_of(word.text) if not word.text.isdigit() else None
    lowered = word.text.lower()
    value: Any = commands.plain_value(word.text) if truth is None else truth
    if lowered in ("null", "none", "~", ""):
        value = None
    payload: Const | Input = Const(value)
    if word.variable:
        key = ("plain", word.variable, word.text)
        payload = inputs.input(key, word.variable, "default", Const(value))
    return known(payload, span_of(word.place))
