"""The keys of a configuration: which there are, and what their values may be."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from ecocompute_lint.errors import ConfigError as ConfigError
from ecocompute_lint.findings import Confidence, FixLevel
from ecocompute_lint.patterns import patterns

_SELECTOR = re.compile(r"[A-Z]{2,8}[0-9]{0,3}")


class _Invalid(Exception):  # noqa: N818  (never leaves this module)
    """A value that cannot be used: what is wrong, and what would help."""

    def __init__(self, problem: str, remedy: str = "") -> None:
        super().__init__(problem, remedy)
        self.problem = problem
        self.remedy = remedy


def read_table(
    table: Mapping[str, Any], shown: str, source: Path, *, confined: bool = False
) -> dict[str, Any]:
    """The settings in the table of a configuration file; `confined` to the tree around it."""
    where = f"{shown}: [tool.ecolint] " if source.name == "pyproject.toml" else f"{shown}: "
    values: dict[str, Any] = {}
    for key, value in table.items():
        name = key.replace("-", "_")
        try:
            if name not in _KEYS:
                raise _unknown(key)
            values[name] = _KEYS[name](value, source.parent)
            if confined and name in _PATHS:
                _check_confined(values[name], source)
        except _Invalid as error:
            message = f"{where}{key}: {error.problem}{error.remedy and '. ' + error.remedy}"
            raise ConfigError(message, path=shown) from None
    others = [code for name in _SELECTING for code in values.get(name, ()) if _foreign(code)]
    if others and not values.get("rules"):
        problem = f"{others[0]!r} is no code of ecolint, and `rules` names no directory of others"
        raise ConfigError(f"{where}{problem}", path=shown)
    return values


def read_options(options: Mapping[str, Any]) -> dict[str, Any]:
    """The settings given as options or by a caller."""
    values: dict[str, Any] = {}
    for key, value in options.items():
        name = key.replace("-", "_")
        option = _OPTION.get(name, "--" + name.replace("_", "-"))
        try:
            if name not in _KEYS:
                raise _unknown(key)
            values[name] = _KEYS[name](value, Path.cwd())
        except _Invalid as error:
            remedy = error.remedy and f". {error.remedy}"
            raise ConfigError(f"{error.problem} ({option}){remedy}") from None
    return values


def _check_confined(found: Any, source: Path) -> None:
    """What a tree says of itself must not make its auditor read elsewhere."""
    from ecocompute_lint.confines import holds, tree_around

    tree = tree_around(source.parent)
    for path in found if isinstance(found, tuple) else (found,):
        if path is not None and not holds(tree, path):
            remedy = f"To allow it, name the configuration: --config {source.name}"
            raise _Invalid(f"{path} lies outside of {tree}", remedy)


def _unknown(key: str) -> _Invalid:
    import difflib

    known = [name.replace("_", "-") for name in _KEYS]
    near = difflib.get_close_matches(key.replace("_", "-"), known, n=1)
    suggestion = f"Did you mean {near[0]}? " if near else ""
    return _Invalid("unknown key", f"{suggestion}Known: {', '.join(known)}")


# --- one function per kind of value ---------------------------------------------------------------


def _texts(value: Any) -> tuple[str, ...]:
    if not isinstance(value, (list, tuple)) or not all(isinstance(item, str) for item in value):
        raise _Invalid(f"expected a list of strings, got {_plain(value)}")
    return tuple(value)


def _codes(value: Any, _: Path) -> tuple[str, ...]:
    codes = tuple(code.strip().upper() for code in _texts(value))
    for code in codes:
        if not _SELECTOR.fullmatch(code) and code != "ALL":
            raise _Invalid(
                f"expected codes or their beginnings (ECO, ECO1, ECO101) or ALL, got {code!r}"
            )
    return codes


def _foreign(code: str) -> bool:
    return code != "ALL" and not code.startswith("ECO")


def _per_file(value: Any, base: Path) -> tuple[tuple[str, tuple[str, ...]], ...]:
    if not isinstance(value, Mapping):
        raise _Invalid(f"expected a table of pattern = [codes], got {_plain(value)}")
    for pattern in value:
        _checked((pattern.removeprefix("!"),))
    return tuple((pattern, _codes(codes, base)) for pattern, codes in value.items())


def _globs(value: Any, _: Path) -> tuple[str, ...]:
    return _checked(_texts(value))


def _checked(lines: tuple[str, ...]) -> tuple[str, ...]:
    for line in lines:
        try:
            patterns((line,))
        except ValueError:
            raise _Invalid(f"expected a pattern as in .gitignore, got {line!r}") from None
    return lines


def _directories(value: Any, base: Path) -> tuple[Path, ...]:
    directories = tuple(base / text for text in _texts(value))
    for directory in directories:
        if not directory.is_dir():
            raise _Invalid(f"no such directory: {directory}")
    return directories


def _files(value: Any, base: Path) -> tuple[Path, ...]:
    files = tuple(base / text for text in _texts(value))
    for file in files:
        if not file.is_file():
            raise _Invalid(f"no such file: {file}")
    return files


def _file(value: Any, base: Path) -> Path | None:
    if value is None:
        return None
    if not isinstance(value, (str, Path)) or not str(value):
        raise _Invalid(f"expected the name of a file, got {_plain(value)}")
    return base / value


def _flag(value: Any, _: Path) -> bool:
    if not isinstance(value, bool):
        raise _Invalid(f"expected true or false, got {_plain(value)}")
    return value


def _one_of(*allowed: str) -> Callable[[Any, Path], str]:
    def read(value: Any, _: Path) -> str:
        if value not in allowed:
            raise _Invalid(f"expected {_listed(allowed)}, got {_plain(value)}")
        return str(value)

    return read


def _confidence(value: Any, _: Path) -> Confidence:
    names = [member.label for member in reversed(Confidence)]
    if isinstance(value, Confidence):
        return value
    if value not in names:
        raise _Invalid(f"expected {_listed(names)}, got {_plain(value)}")
    return Confidence[value.upper()]


def _fix_level(value: Any, _: Path) -> FixLevel:
    if isinstance(value, FixLevel):
        return value
    if value not in ("exact", "numeric"):
        raise _Invalid(f"expected exact or numeric, got {_plain(value)}")
    return FixLevel[value.upper()]


def _gpu(value: Any, _: Path) -> str | None:
    from ecocompute_lint.knowledge.hardware import find_gpu, known_gpus

    if value is None:
        return None
    if not isinstance(value, str):
        raise _Invalid(f"expected the name of a GPU, got {_plain(value)}")
    if gpu := find_gpu(value):
        return gpu.slug
    raise _Invalid(f"unknown GPU {value!r}", known_gpus(value))


def _region(value: Any, _: Path) -> str:
    from ecocompute_lint.knowledge.cost import find_region, known_regions

    if not isinstance(value, str):
        raise _Invalid(f"expected the code of a region, got {_plain(value)}")
    if region := find_region(value):
        return region.code
    raise _Invalid(f"unknown region {value!r}", known_regions(value))


def _count(value: Any, _: Path) -> int:
    whole = isinstance(value, (int, float)) and not isinstance(value, bool) and value % 1 == 0
    if not whole or not 0 < value <= _MOST:
        raise _Invalid(f"expected a positive whole number, got {_plain(value)}")
    return int(value)


def _number(least: float, most: float, unit: str = "") -> Callable[[Any, Path], float | None]:
    """A number in a range, whose upper end keeps out what was meant in another unit."""

    def read(value: Any, _: Path) -> float | None:
        if value is None:
            return None
        number = isinstance(value, (int, float)) and not isinstance(value, bool)
        if not number or not least <= value <= most:
            of = f" of {unit}" if unit else ""
            raise _Invalid(f"expected a number{of} from {least:g} to {most:g}, got {_plain(value)}")
        return float(value)

    return read


def _plain(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        import json

        return json.dumps(value, ensure_ascii=False)
    return f"a {type(value).__name__}" if isinstance(value, Mapping) else repr(value)


def _listed(names: Any) -> str:
    *others, last = names
    return f"{', '.join(others)} or {last}"


_PATHS = ("rules", "data", "baseline")
_SELECTING = ("select", "extend_select", "ignore")
_MOST = 10**15
# Options that are not called like their key.
_OPTION = {"electricity_usd_per_kwh": "--electricity-price"}
_KEYS: dict[str, Callable[[Any, Path], Any]] = {
    "select": _codes,
    "extend_select": _codes,
    "ignore": _codes,
    "per_file_ignores": _per_file,
    "min_confidence": _confidence,
    "context": _one_of("inference", "all"),
    "gpu": _gpu,
    "requests_per_month": _count,
    "input_tokens": _count,
    "output_tokens": _count,
    "batch_size": _count,
    "region": _region,
    "electricity_usd_per_kwh": _number(0, 10, "USD"),
    "grid_gco2_per_kwh": _number(0, 3000, "grams"),
    "pue": _number(1, 10),
    "fail_on": _one_of("red", "yellow", "never"),
    "exclude": _globs,
    "extend_exclude": _globs,
    "exclude_tests": _flag,
    "force_exclude": _flag,
    "rules": _directories,
    "data": _files,
    "fix_level": _fix_level,
    "show_good": _flag,
    "baseline": _file,
    "style": _one_of("plain", "lobster"),
    "lang": _one_of("auto", "en", "zh"),
}
