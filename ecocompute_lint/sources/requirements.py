"""Lines that name a package and the versions of it that are allowed: pip's and Poetry's."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from typing import Any

from packaging.markers import Marker
from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion

from ecocompute_lint import traces
from ecocompute_lint.confines import holds, tree_around
from ecocompute_lint.files import contents
from ecocompute_lint.frozen import dataclass
from ecocompute_lint.knowledge.packaging_names import of_conda as conda_name
from ecocompute_lint.versions import ANY, Range, caret, exactly, hull, range_of, tilde

_INCLUDE = re.compile(r"(?:-r|-c|--requirement|--constraint)[ =]?\s*(\S+)")
_COMMENT = re.compile(r"(?:^|\s)#.*$")
_OPTIONS = re.compile(r"\s--?[a-z].*$")
_REPOSITORY = re.compile(r"(?:-e\s+|--editable[ =])?(?:git|hg)\+\S*?/([\w.-]+?)(?:\.git)?(?:@|#|$)")
_EGG = re.compile(r"#egg=([\w.-]+)")
_CONDA = re.compile(r"(?:\S+::)?([A-Za-z0-9][\w.-]*)\s*([^\[]*)")
_FUZZY = re.compile(r"(==?)\s*([\w.!+*]+)(=.*)?$")
_MOST_INCLUDES = 32
_LARGEST = 8_000_000
_PYTHONS = ("3.9", "3.10", "3.11", "3.12", "3.13", "3.14")
_MACHINE = {
    "os_name": "posix",
    "sys_platform": "linux",
    "platform_system": "Linux",
    "platform_machine": "x86_64",
    "implementation_name": "cpython",
    "platform_python_implementation": "CPython",
    "extra": "",
}
"""Where code for these GPUs runs: lines for other machines do not count."""


@dataclass(frozen=True, slots=True)
class Statement:
    """One line on one package: its canonical name, the versions allowed, and the line."""

    package: str
    versions: Range
    text: str

    @classmethod
    def of(cls, name: str, versions: Range, text: str) -> Statement:
        """A statement on a package by any spelling of its name."""
        return cls(canonicalize_name(name), versions, text)


def of_text(path: str, data: bytes, read: set[str] | None = None) -> Iterator[Statement]:
    """A requirements file, and those that it includes: of its own tree, each once."""
    read = {path} if read is None else read
    for line in _lines(decoded(data)):
        include = _INCLUDE.match(line)
        if include is None:
            found = of_requirement(line)
            if found is not None:
                yield found
        elif len(read) <= _MOST_INCLUDES:
            inner = os.path.normpath(os.path.join(os.path.dirname(path), include[1]))
            if inner not in read and _may_read(inner, path):
                read.add(inner)
                traces.reads(inner)
                yield from of_text(inner, contents(inner), read)


def _may_read(inner: str, path: str) -> bool:
    return (
        traces.is_file(inner)
        and os.path.getsize(inner) <= _LARGEST
        and holds(tree_around(os.path.dirname(path)), inner)
    )


def decoded(data: bytes) -> str:
    """Text in the encodings that requirements files come in: PowerShell writes UTF-16."""
    if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return data.decode("utf-16", "replace")
    if data[1:2] == b"\0":
        return data.decode("utf-16-le", "replace")
    if data[:1] == b"\0":
        return data.decode("utf-16-be", "replace")
    return data.decode("utf-8-sig", "replace")


def _lines(text: str) -> Iterator[str]:
    joined = re.sub(r"\\\r?\n", " ", text)
    for line in joined.splitlines():
        line = _COMMENT.sub("", line).strip() if "#egg=" not in line else line.strip()
        if line:
            yield line


def of_requirement(line: Any) -> Statement | None:
    """A line as pip reads it; None for one that names no package, or is for other machines."""
    if not isinstance(line, str):
        return None
    repository = _REPOSITORY.match(line)
    if repository is not None:
        egg = _EGG.search(line)
        return Statement.of(egg[1] if egg else repository[1], ANY, line)
    text = _OPTIONS.sub("", line).strip()
    try:
        found = Requirement(text)
        if found.marker is not None and not holds_here(found.marker):
            return None
        versions = range_of(str(found.specifier)) if found.url is None else ANY
    except (InvalidRequirement, InvalidVersion, ValueError):
        return None
    return Statement.of(found.name, versions, f"{found.name}{found.specifier}")


def holds_here(marker: Marker) -> bool:
    """Whether a marker holds on the machines that code for these GPUs runs on."""
    for python in _PYTHONS:
        versions = {"python_version": python, "python_full_version": f"{python}.9"}
        if marker.evaluate({**_MACHINE, **versions}):
            return True
    return False


def of_conda(text: str) -> Statement | None:
    """A line as conda reads it: ``pytorch=2.5``, ``pytorch=2.5.1=py3.11_0``, ``pytorch >=2``."""
    found = _CONDA.match(text.strip())
    if found is None:
        return None
    versions = found[2].strip()
    single = _FUZZY.match(versions)
    try:
        if single is not None:
            exact = single[1] == "==" or "*" in single[2] or single[3]
            versions = f"=={single[2]}" if exact else f"=={single[2]}.*"
        allowed = range_of(versions)
    except (InvalidVersion, ValueError):
        allowed = ANY
    return Statement.of(conda_name(found[1]), allowed, text.strip())


def of_poetry(name: str, value: Any) -> Statement | None:
    """An entry of Poetry's tables: ``^4.40``, a table with a version, or a list of tables."""
    items = value if isinstance(value, list) else [value]
    texts = [item.get("version") if isinstance(item, dict) else item for item in items]
    ranges = [_of_constraint(text) if isinstance(text, str) else ANY for text in texts]
    if not ranges:
        return None
    words = " or ".join(text if isinstance(text, str) else "any version" for text in texts)
    return Statement.of(name, hull(ranges), f"{name} {words}")


def _of_constraint(text: str) -> Range:
    try:
        parts = [_of_part(part.strip()) for part in text.split(",") if part.strip()]
    except (InvalidVersion, ValueError):
        return ANY
    found = ANY
    for part in parts if "|" not in text else ():
        found = found & part
    return found


def _of_part(text: str) -> Range:
    if text == "*" or "|" in text:
        return ANY
    if text.startswith("^"):
        return caret(text[1:].strip())
    if text.startswith("~") and not text.startswith("~="):
        return tilde(text[1:].strip())
    if text[0].isdigit():
        return range_of(f"=={text}") if text.endswith("*") else exactly(text)
    return range_of(text)
