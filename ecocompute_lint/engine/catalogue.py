"""The rules: YAML files read into immutable data, with errors that name file, line and key."""

from __future__ import annotations

import re
from ast import PyCF_ONLY_AST
from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from functools import lru_cache
from pathlib import Path
from string import Formatter
from typing import Any

from ecocompute_lint.confines import holds, tree_around
from ecocompute_lint.engine import compiled
from ecocompute_lint.engine.rule import (
    Condition,
    EvidenceRule,
    Example,
    FixRule,
    Rule,
    Variant,
)
from ecocompute_lint.findings import Confidence, FixLevel, Level
from ecocompute_lint.knowledge.apis import BITSANDBYTES_PARAMETERS, LOAD_OPTIONS
from ecocompute_lint.knowledge.hardware import find_gpu
from ecocompute_lint.knowledge.precisions import PRECISIONS
from ecocompute_lint.resources import rules_dir

FACTS = ("quantization", "generation", "engine", "server", "load", "package", "suppression")
PLACES = ("switch", "load")
CATEGORIES = ("energy", "correctness", "hardware")
OPERATORS = (*"is is_not in not_in type present at_most above matches within not_within".split(),)
PRECISION_NAMES = tuple(precision.name for precision in PRECISIONS)
_OF_PRECISIONS = ("wasteful", "saves", "unneeded")
ATTRIBUTES = frozenset(
    {
        *"method api library spelling legacy context compiled overridden format".split(),
        *"gpu_configured gpu_bf16 gpu_fp8 exceeds_memory".split(),
        *"activations repeated handled batches_itself one_token generates on_gpu halved".split(),
        *"in_tests placed inputs_placed quantized_later".split(),
        *"use_cache batch_size max_num_seqs max_running_requests max_batch_size".split(),
        *"enforce_eager disable_cuda_graph cuda_graphs eager_mode enable_prefix_caching".split(),
        *"disable_radix_cache dtype torch_dtype device max_new_tokens disaggregation_mode".split(),
        "kv_transfer_config",
        *"quantization torchao_config trust_remote_code".split(),
        *(f"{word}.{name}" for word in _OF_PRECISIONS for name in PRECISION_NAMES),
        *"package channel".split(),
        *"model params_b model_kind prequantized load.api load.exists".split(),
        *(f"load.{name}" for name in LOAD_OPTIONS),
        *BITSANDBYTES_PARAMETERS,
    }
)
"""What conditions can ask for. Options of any other name can only be asked to be present."""
_CODE = re.compile(r"[A-Z]{2,8}[0-9]{3}")
_NAME = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
_ATTRIBUTE = re.compile(r"[a-z_][a-z0-9_.]*")
_PLACEHOLDER = re.compile(r"[a-z_][a-z0-9_]*")
_REQUIRED = ("code", "name", "level", "category", "fact", "place", "summary", "rationale")
_KEYS = (
    *_REQUIRED,
    "message",
    "when",
    "fix",
    "enabled",
    "literal",
    "anywhere",
    "unless",
    "variants",
    "evidence",
    "examples",
    "references",
)
_PINNED = "pinned."
_FIX_KEYS = ("level", "description", "advice", "set", "replace", "remove", "move")
_VARIANT_KEYS = ("when", "level", "place", "at_most", "message", "fix", "now")
_EVIDENCE_KEYS = ("now", "against", "where_it_pays", "fix", "batch", "from_break_even")


# Most ranges are certainly fine, so that `packaging` need not be brought in.
_PLAIN_RANGE = re.compile(
    r"(?:[<>]=?|[!=]=)\d+(?:\.\d+)*(?:,(?:[<>]=?|[!=]=)\d+(?:\.\d+)*)*", re.ASCII
)


class RuleError(Exception):
    """A rule file that cannot be used: which file, which line, what is wrong with it."""

    def __init__(self, path: Path, line: int, problem: str) -> None:
        super().__init__(f"{path}:{line}: {problem}")
        self.path = path
        self.line = line
        self.problem = problem


@lru_cache(maxsize=8)
def load_rules(extra: tuple[Path, ...] = ()) -> tuple[Rule, ...]:
    """All rules by code: the bundled ones, then those of the directories in `extra`.

    Raises RuleError for a rule file that cannot be used.
    """
    rules: dict[str, Rule] = {}
    for directory in (rules_dir(), *extra):
        if not directory.is_dir():
            raise RuleError(directory, 1, "no such directory of rules")
        for path in sorted((*directory.glob("*.yaml"), *directory.glob("*.yml"))):
            if directory in extra and path.is_symlink() and not holds(tree_around(directory), path):
                raise RuleError(path, 1, "a link that leads out of the tree")
            rule = read_rule(path)
            if rule.code in rules:
                raise RuleError(path, 1, f"code: {rule.code} is taken by {rules[rule.code].path}")
            rules[rule.code] = rule
    return tuple(rules[code] for code in sorted(rules))


def read_rule(path: Path) -> Rule:
    """The rule in one YAML file. YAML is data: nothing in it is executed."""
    try:
        text = path.read_bytes()
    except OSError as error:
        raise RuleError(path, 1, f"cannot be read: {error}") from None
    known = compiled.known(path, text)
    if known is not None:
        return _Reader(path, {}).rule(known)
    data, node = _parsed(path, text)
    if not isinstance(data, dict):
        raise RuleError(path, 1, "expected a mapping with the keys of a rule")
    return _Reader(path, _lines_of(node)).rule(data)


def _parsed(path: Path, text: bytes) -> tuple[Any, Any]:
    """What a file says, and the same with its positions."""
    import yaml

    from ecocompute_lint.bounded import check_yaml

    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    try:
        decoded = text.decode("utf-8").replace("\r\n", "\n").replace("\r", "\n")
        check_yaml(decoded, loader)
        return yaml.load(decoded, Loader=loader), yaml.compose(decoded, Loader=loader)
    except UnicodeDecodeError as error:
        raise RuleError(path, 1, f"cannot be read: {error}") from None
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        reason = getattr(error, "problem", None) or str(error)
        raise RuleError(path, mark.line + 1 if mark else 1, f"not valid YAML: {reason}") from None
    except ValueError as error:  # a date or a number that there is not
        raise RuleError(path, 1, f"not valid YAML: {error}") from None


def _lines_of(node: Any, prefix: tuple[Any, ...] = ()) -> dict[tuple[Any, ...], int]:
    """The line of every key and item, by its path."""
    lines = {prefix: node.start_mark.line + 1}
    if node.id == "mapping":
        for key, value in node.value:
            path = (*prefix, key.value)
            lines.update(_lines_of(value, path))
            lines[path] = key.start_mark.line + 1
    elif node.id == "sequence":
        for number, item in enumerate(node.value):
            lines.update(_lines_of(item, (*prefix, number)))
    return lines


class _Reader:
    """Checks and converts the data of one file."""

    def __init__(self, path: Path, lines: Mapping[tuple[Any, ...], int]) -> None:
        self.path = path
        self.lines = lines

    def fail(self, where: tuple[Any, ...], problem: str) -> RuleError:
        line = self.lines.get(where)
        shorter = where
        while line is None and shorter:
            shorter = shorter[:-1]
            line = self.lines.get(shorter)
        name = ".".join(str(part) for part in where)
        return RuleError(self.path, line or 1, f"{name}: {problem}" if name else problem)

    def rule(self, data: Mapping[Any, Any]) -> Rule:
        good = data.get("level") == Level.GREEN.label
        needed = ("message", "when") if good else ("message", "when", "fix")
        self.keys((), data, _KEYS, (*_REQUIRED, *needed))
        code = self.text(data, ("code",))
        if not _CODE.fullmatch(code):
            raise self.fail(("code",), f"expected letters and three digits, got {code!r}")
        name = self.text(data, ("name",))
        if not _NAME.fullmatch(name):
            raise self.fail(("name",), f"expected lower case with hyphens, got {name!r}")
        for key in ("enabled", "literal", "anywhere"):
            if not isinstance(data.get(key, True), bool):
                raise self.fail((key,), "expected true or false")
        return Rule(
            code=code,
            name=name,
            level=Level[self.one_of(data, ("level",), _names(Level)).upper()],
            category=self.one_of(data, ("category",), CATEGORIES),
            facts=self.facts(data),
            place=self.one_of(data, ("place",), PLACES),
            summary=self.text(data, ("summary",)),
            rationale=self.text(data, ("rationale",)).strip(),
            message=self.message(data, ("message",)),
            when=self.conditions(("when",), data["when"]),
            fix=self.fix(("fix",), data["fix"]) if "fix" in data else None,
            enabled=data.get("enabled", True),
            literal=data.get("literal", False),
            anywhere=data.get("anywhere", False),
            unless=tuple(
                self.text({number: item}, ("unless", number))
                for number, item in enumerate(self.items(data, ("unless",)))
            ),
            variants=tuple(
                self.variant(("variants", number), item)
                for number, item in enumerate(self.items(data, ("variants",)))
            ),
            evidence=self.evidence(("evidence",), data["evidence"]) if "evidence" in data else None,
            examples=tuple(
                self.example(("examples", number), item)
                for number, item in enumerate(self.items(data, ("examples",)))
            ),
            references=tuple(
                self.text({number: item}, ("references", number))
                for number, item in enumerate(self.items(data, ("references",)))
            ),
            path=self.path,
        )

    def keys(
        self,
        where: tuple[Any, ...],
        data: Any,
        allowed: Sequence[str],
        required: Sequence[str] = (),
    ) -> None:
        if not isinstance(data, dict):
            raise self.fail(where, f"expected a mapping with the keys {', '.join(allowed)}")
        for key in data:
            if key not in allowed:
                raise self.fail((*where, key), f"unknown key; known: {', '.join(allowed)}")
        for key in required:
            if key not in data:
                raise self.fail((*where, key), "is missing")

    def items(self, data: Mapping[Any, Any], where: tuple[Any, ...]) -> list[Any]:
        found = data.get(where[-1], [])
        if not isinstance(found, list):
            raise self.fail(where, "expected a list")
        return found

    def text(self, data: Mapping[Any, Any], where: tuple[Any, ...]) -> str:
        found = data[where[-1]]
        if not isinstance(found, str) or not found.strip():
            raise self.fail(where, f"expected text, got {found!r}")
        return found

    def message(self, data: Mapping[Any, Any], where: tuple[Any, ...]) -> str:
        text = self.text(data, where)
        try:
            fields = [(name, kind, turn) for _, name, kind, turn in Formatter().parse(text)]
        except ValueError as error:
            raise self.fail(where, f"{error} (write {{{{ for a brace)") from None
        for name, kind, turn in fields:
            if name is not None and (kind or turn or not _PLACEHOLDER.fullmatch(name)):
                raise self.fail(where, f"expected the name of an option in braces, got {name!r}")
        return text

    def one_of(
        self, data: Mapping[Any, Any], where: tuple[Any, ...], allowed: Sequence[str]
    ) -> str:
        found = data[where[-1]]
        if found not in allowed:
            raise self.fail(where, f"expected one of {', '.join(allowed)}, got {found!r}")
        return str(found)

    def facts(self, data: Mapping[Any, Any]) -> tuple[str, ...]:
        found = data["fact"]
        if not isinstance(found, list):
            return (self.one_of(data, ("fact",), FACTS),)
        return tuple(
            self.one_of({number: item}, ("fact", number), FACTS)
            for number, item in enumerate(found)
        )

    def conditions(self, where: tuple[Any, ...], data: Any) -> tuple[Condition, ...]:
        if not isinstance(data, list) or not data:
            raise self.fail(where, "expected a list of conditions")
        return tuple(self.condition((*where, i), item) for i, item in enumerate(data))

    def condition(self, where: tuple[Any, ...], data: Any) -> Condition:
        if not isinstance(data, dict) or len(data) != 1:
            raise self.fail(where, "expected one attribute with its operators, or any/all")
        ((name, body),) = data.items()
        if not isinstance(name, str) or not _ATTRIBUTE.fullmatch(name):
            raise self.fail((*where, name), "expected the name of an attribute, or any/all")
        inner = (*where, name)
        if name in ("any", "all"):
            return Condition(group=name, parts=self.conditions(inner, body))
        self.keys(inner, body, OPERATORS)
        known = name in ATTRIBUTES or name.startswith(_PINNED)
        if not known and set(body) != {"present"}:
            near = get_close_matches(name, ATTRIBUTES, 1)
            hint = f"; did you mean {near[0]}?" if near else ""
            raise self.fail(inner, f"unknown attribute (only `present` can be asked of it){hint}")
        if not body:
            raise self.fail(inner, f"expected one of {', '.join(OPERATORS)}")
        for operator, operand in body.items():
            self.operand((*inner, operator), operator, operand)
        return Condition(name, tuple(body.items()))

    def operand(self, where: tuple[Any, ...], operator: str, operand: Any) -> None:
        number = isinstance(operand, (int, float)) and not isinstance(operand, bool)
        if operator in ("in", "not_in"):
            if not isinstance(operand, list) or not all(map(_is_scalar, operand)):
                raise self.fail(where, "expected a list of plain values")
        elif not _is_scalar(operand):
            raise self.fail(where, f"expected a plain value, got {operand!r}")
        if operator == "present" and not isinstance(operand, bool):
            raise self.fail(where, "expected true or false")
        if operator in ("at_most", "above") and not number:
            raise self.fail(where, f"expected a number, got {operand!r}")
        if operator == "type" and operand not in ("str", "int", "float", "bool"):
            raise self.fail(where, "expected one of str, int, float, bool")
        if operator in ("within", "not_within") and not _is_plain_range(operand):
            from ecocompute_lint.versions import range_of

            try:
                range_of(operand)
            except (ValueError, AttributeError, TypeError):
                raise self.fail(where, f"not a range of versions: {operand!r}") from None
        if operator == "matches":
            try:
                re.compile(operand)
            except (re.error, TypeError) as error:
                raise self.fail(where, f"not a regular expression: {error}") from None
            if self.path.parent != rules_dir():  # ours are looked at by the tests
                from ecocompute_lint.ambiguity import is_ambiguous

                if is_ambiguous(operand):
                    raise self.fail(where, f"could take exponential time: {operand!r}")

    def fix(self, where: tuple[Any, ...], data: Any) -> FixRule:
        self.keys(where, data, _FIX_KEYS, ("level", "description"))
        has = data.__contains__
        return FixRule(
            FixLevel[self.one_of(data, (*where, "level"), _names(FixLevel)).upper()],
            self.text(data, (*where, "description")),
            self.text(data, (*where, "advice")).strip() if has("advice") else "",
            self.settings((*where, "set"), data["set"]) if has("set") else {},
            self.settings((*where, "replace"), data["replace"]) if has("replace") else {},
            self.removed((*where, "remove"), data["remove"]) if has("remove") else (),
            self.move((*where, "move"), data["move"]) if has("move") else {},
        )

    def settings(self, where: tuple[Any, ...], data: Any) -> dict[str, str]:
        if not isinstance(data, dict) or not data:
            raise self.fail(where, "expected options with the source text of their values")
        for name in data:
            text = self.text(data, (*where, name))
            try:
                compile(text, "value", "eval", PyCF_ONLY_AST)
            except (SyntaxError, ValueError):
                raise self.fail((*where, name), f"not a Python expression: {text}") from None
        return dict(data)

    def removed(self, where: tuple[Any, ...], data: Any) -> tuple[str, ...] | str:
        if data == "matched":
            return "matched"
        if not isinstance(data, list) or not all(isinstance(item, str) for item in data):
            raise self.fail(where, "expected `matched` or a list of options")
        return tuple(data)

    def move(self, where: tuple[Any, ...], data: Any) -> dict[str, str]:
        self.keys(where, data, ("into", "factory"), ("into", "factory"))
        return {key: self.text(data, (*where, key)) for key in ("into", "factory")}

    def variant(self, where: tuple[Any, ...], data: Any) -> Variant:
        self.keys(where, data, _VARIANT_KEYS, ("when",))
        has = data.__contains__
        level = self.one_of(data, (*where, "level"), _names(Level)) if has("level") else None
        cap = self.one_of(data, (*where, "at_most"), _names(Confidence)) if has("at_most") else None
        return Variant(
            self.conditions((*where, "when"), data["when"]),
            Level[level.upper()] if level else None,
            self.one_of(data, (*where, "place"), PLACES) if has("place") else None,
            Confidence[cap.upper()] if cap else None,
            self.message(data, (*where, "message")) if has("message") else None,
            self.fix((*where, "fix"), data["fix"]) if has("fix") else None,
            self.one_of(data, (*where, "now"), PRECISION_NAMES) if has("now") else None,
        )

    def evidence(self, where: tuple[Any, ...], data: Any) -> EvidenceRule:
        self.keys(where, data, _EVIDENCE_KEYS)
        batch = data.get("batch")
        if not (batch is None or (type(batch) is int and batch > 1)):
            raise self.fail((*where, "batch"), f"expected a whole number above 1, got {batch!r}")
        if batch is None:
            self.keys(where, data, _EVIDENCE_KEYS, ("now", "against"))
        if not isinstance(data.get("from_break_even", False), bool):
            raise self.fail((*where, "from_break_even"), "expected true or false")
        lists = {
            name: tuple(
                self.one_of({number: item}, (*where, name, number), PRECISION_NAMES)
                for number, item in enumerate(self.items(data, (*where, name)))
            )
            for name in ("against", "where_it_pays")
        }
        return EvidenceRule(
            self.one_of(data, (*where, "now"), PRECISION_NAMES) if "now" in data else None,
            lists["against"],
            lists["where_it_pays"],
            self.one_of(data, (*where, "fix"), PRECISION_NAMES) if "fix" in data else None,
            batch,
            data.get("from_break_even", False),
        )

    def example(self, where: tuple[Any, ...], data: Any) -> Example:
        self.keys(where, data, ("bad", "good", "gpu", "file"), ("bad", "good"))
        gpu = self.text(data, (*where, "gpu")) if "gpu" in data else None
        if gpu is not None and find_gpu(gpu) is None:
            raise self.fail((*where, "gpu"), f"unknown GPU {gpu!r}")
        file = self.text(data, (*where, "file")) if "file" in data else ""
        bad, good = (self.text(data, (*where, kind)) for kind in ("bad", "good"))
        return Example(bad, good, gpu, file)


def _is_scalar(value: Any) -> bool:
    return value is None or isinstance(value, (str, int, float, bool))


def _names(kind: Any) -> tuple[str, ...]:
    return tuple(member.label for member in kind)


def _is_plain_range(operand: Any) -> bool:
    return isinstance(operand, str) and _PLAIN_RANGE.fullmatch(operand) is not None
