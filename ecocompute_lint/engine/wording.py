"""Values, circumstances and attributes in words, for whoever asks how a finding came to be."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Mapping

from ecocompute_lint.engine.rule import Condition
from ecocompute_lint.findings import LINES_OF_A_FILE, Confidence
from ecocompute_lint.values import ABSENT, Const, Constraint, Input, Payload, Symbol

ATTRIBUTES: Mapping[str, str] = {
    "method": "quantized by",
    "api": "called",
    "library": "library",
    "spelling": "switched on by",
    "legacy": "deprecated arguments of the load",
    "overridden": "overridden by",
    "format": "number format",
    "activations": "inputs quantized",
    "compiled": "compiled",
    "context": "context",
    "repeated": "runs once for each item of a collection",
    "handled": "runs for one web request at a time",
    "batches_itself": "the library gathers requests by itself",
    "one_token": "makes a single token",
    "generates": "the model generates text",
    "on_gpu": "put on a GPU",
    "halved": "cast to 16 bit later",
    "quantized_later": "quantized once it is loaded",
    "in_tests": "in a test",
    "placed": "put on a device",
    "inputs_placed": "inputs put on a device",
    "model": "model",
    "params_b": "billions of parameters",
    "model_kind": "kind of model",
    "prequantized": "stored quantized",
    "exceeds_memory": "exceeds the memory of the GPU",
    "gpu_configured": "a GPU is configured",
    "gpu_bf16": "the GPU has bfloat16",
    "gpu_fp8": "the GPU has FP8",
    "load.exists": "a load of a model is in sight",
    "load.api": "loaded by",
}
"""What attributes that are no options of the program mean."""
_WASTEFUL = "wasteful."
_SAVES = "saves."
_UNNEEDED = "unneeded."
_PINNED = "pinned."
_OF_MODEL = "model "
_SPLAT = " in **splat"
_UNNAMED = re.compile(r"\w+ at (\d+):\d+(?:\.\w+)*")
_LONGEST = 60
_MANY = "too many ways"
_SURE: Mapping[object, str] = {True: "yes", False: "no", None: "unknown"}


def attribute_words(attribute: str) -> str:
    """An attribute as a reader would call it."""
    if attribute.startswith(_WASTEFUL):
        return f"draws more than FP16 as {attribute.removeprefix(_WASTEFUL)}, by the data"
    if attribute.startswith(_SAVES):
        return f"draws less than FP16 as {attribute.removeprefix(_SAVES)}, by the data"
    if attribute.startswith(_UNNEEDED):
        return (
            f"16 bit fits and draws no more than {attribute.removeprefix(_UNNEEDED)}, by the data"
        )
    if attribute.startswith(_PINNED):
        return f"{attribute.removeprefix(_PINNED)}, as the project pins it"
    return ATTRIBUTES.get(attribute, attribute)


def plain_words(value: object) -> str:
    """A known attribute's value in words."""
    if value is None or isinstance(value, bool):
        return _SURE[value]
    return f"{value:g}" if isinstance(value, float) else str(value)


def payload_text(payload: Payload, constraint: Constraint | None = None) -> str:
    """A value as it would be written; empty where it is not known."""
    if isinstance(payload, Input):
        default = payload.default
        if default is None or (constraint is not None and not constraint.admits(default)):
            return ""
        return payload_text(default)
    if isinstance(payload, Const):
        return repr(payload.value)
    if isinstance(payload, Symbol):
        return "" if payload.name.split(" ", 1)[0] == "object" else payload.name
    return "absent" if payload is ABSENT else ""


def quoted(name: str) -> str:
    """What an input is called: code in backticks, words as they are."""
    if name.endswith(_SPLAT):
        return f"`{name.removesuffix(_SPLAT)}` (if `**` brings it)"
    if unnamed := _UNNAMED.fullmatch(name):
        line = int(unnamed[1])
        return f"the value on line {line}" if line < LINES_OF_A_FILE else "a value of another file"
    if len(name) > _LONGEST:
        return f"`{name[:_LONGEST]}…`"
    try:
        ast.parse(name, mode="eval")
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return name
    return f"`{name}`"


def circumstance(item: Input, constraint: Constraint) -> str:
    """What has to be so: ```fast` is true``."""
    if item.name == _MANY:
        return "one of more combinations of branches than are told apart"
    name = quoted(item.name)
    if constraint.allowed is not None:
        return f"{name} is {_listed(constraint.allowed)}"
    if constraint.truth is None and constraint.excluded:
        return f"{name} is not {_listed(constraint.excluded)}"
    return f"{name} is {'true' if constraint.truth is not False else 'false'}"


def _listed(keys: Iterable[tuple[str, object]]) -> str:
    words = (str(value) if kind == "symbol" else repr(value) for kind, value in keys)
    return " or ".join(sorted(words))


_WHO_DECIDES: Mapping[str, str] = {
    "environment": "known only when it runs",
    "gpu": "whether there is a GPU decides",
    "capability": "what the GPU can do decides",
    "model": "the type of the model decides",
    "unbound": "nothing in the file defines it",
    "caller": "nothing in sight says whether it is",
    "choice": "one of several that the program goes through",
}


def input_reason(item: Input, constraint: Constraint) -> str:
    """Why a circumstance is not certain."""
    if item.kind == "elsewhere":
        return "what decides stands in another file"
    if item.default is None:
        return f"{circumstance(item, constraint)}: {_WHO_DECIDES.get(item.kind, item.kind)}"
    default = payload_text(item.default)
    if not constraint.admits(item.default):
        return f"{circumstance(item, constraint)}, while its default is {default}"
    return default_reason(item)


def default_reason(item: Input) -> str:
    """Why what an input is by default is not certain."""
    if item.name.startswith(_OF_MODEL):
        name = quoted(item.name.removeprefix(_OF_MODEL))
        return f"the model is the default of {name}, which can be given otherwise"
    default = payload_text(item.default)
    if item.kind == "environment":
        return f"{quoted(item.name)} is {default} unless its environment says otherwise"
    return f"{quoted(item.name)} is {default} by default, and can be given otherwise"


def conditions_words(conditions: Iterable[Condition]) -> str:
    """Conditions of a rule, shortly."""
    words = []
    for condition in conditions:
        if condition.group:
            joint = " or " if condition.group == "any" else " and "
            words.append(joint.join(conditions_words([part]) for part in condition.parts))
        for operator, operand in condition.operators:
            name = attribute_words(condition.attribute)
            words.append(f"{name}: {operator_words(operator, operand)}")
    return " and ".join(words)


def operator_words(operator: str, operand: object) -> str:
    """What a condition asks of a value."""
    if operator == "present":
        return "written" if operand else "not written"
    if isinstance(operand, list):
        text = " or ".join(map(plain_words, operand))
    else:
        text = plain_words(operand)
    return text if operator in ("is", "in") else f"{operator.replace('_', ' ')} {text}"


def certain_words(confidence: Confidence) -> str:
    """What a confidence means where nothing else is to be said."""
    if confidence is Confidence.CERTAIN:
        return "what decides stands in the source; no other branch, default or caller changes it"
    return "an estimate of ours"
