"""Packages named in TOML tables: pyproject.toml for every tool, and Pipfile."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from packaging.markers import InvalidMarker, Marker
from packaging.utils import canonicalize_name

from ecocompute_lint.frozen import dataclass
from ecocompute_lint.sources.asked import (
    Asked,
    Sources,
    asked,
    of_constraint,
    of_git,
    of_url,
)
from ecocompute_lint.sources.documents import Document, Package
from ecocompute_lint.sources.package_lists import holds, package
from ecocompute_lint.sources.requirements import holds_here
from ecocompute_lint.sources.toml_places import Path, TomlPlaces, parse

_REF_KEYS = ("tag", "rev", "branch", "ref", "reference")
_ON_DEMAND = frozenset({"explicit", "supplemental"})


@dataclass(frozen=True, slots=True)
class _Entry:
    """One thing that a table asks for."""

    found: Asked
    text: str
    path: Path
    sources: Sources | None = None
    """Where this one is looked for, if not where the others are."""


def read_pyproject(text: str, path: str) -> Document:
    """The dependencies of a project, of its groups and extras, as each tool writes them."""
    del path
    table = parse(text)
    places = TomlPlaces(text)
    tool = _table(table, "tool")
    uv, poetry, pdm = (_table(tool, name) for name in ("uv", "poetry", "pdm"))
    indexes = _indexes(_list(uv, "index"), "url")
    sources = _sources_of(uv, poetry, pdm)
    named = _indexes(_list(poetry, "source"), "url")
    own = dict(_uv_sources(_table(uv, "sources"), indexes))
    found: list[Package] = []
    for entry in (*_standard(table), *_hatch(tool)):
        if not holds(entry.text):
            continue
        for item in own.get(entry.found.name, (entry,)):
            asked_for = _with_version(item.found, entry.found)
            used = item.sources or sources
            pre = replace(used, pre=used.pre or sources.pre)
            found += _packages(replace(item, found=asked_for), pre, places)
    for entry in _poetry(poetry, named):
        found += _packages(entry, entry.sources or sources, places)
    return Document(packages=tuple(found))


def _packages(entry: _Entry, sources: Sources, places: TomlPlaces) -> Iterator[Package]:
    place = places.place(entry.path)
    if place is not None:
        yield package(entry.found, sources, entry.text, place)


def _with_version(source: Asked, requirement: Asked) -> Asked:
    """What uv's sources say of a requirement: a repository replaces its version, an index not."""
    return source if source.channel else requirement


# -- where to look


def _indexes(items: list[Any], key: str) -> dict[str, str]:
    """The addresses of named indexes."""
    return {
        str(item["name"]): str(item[key])
        for item in items
        if isinstance(item, dict) and "name" in item and isinstance(item.get(key), str)
    }


def _sources_of(
    uv: Mapping[str, Any], poetry: Mapping[str, Any], pdm: Mapping[str, Any]
) -> Sources:
    """Where packages are looked for that nobody says more of."""
    more: list[str] = []
    index: list[str] = []
    for item in _list(uv, "index"):
        if isinstance(item, dict) and item.get("explicit") is not True:
            (index if item.get("default") is True else more).append(str(item.get("url", "")))
    for key in ("extra-index-url", "find-links"):
        more += [item for item in _list(uv, key) if isinstance(item, str)]
    if isinstance(uv.get("index-url"), str):
        index.append(uv["index-url"])
    for item in _list(poetry, "source"):
        if isinstance(item, dict) and str(item.get("priority", "primary")) not in _ON_DEMAND:
            more.append(str(item.get("url", "")))
    for item in _list(pdm, "source"):
        if isinstance(item, dict):
            (index if item.get("name") == "pypi" else more).append(str(item.get("url", "")))
    pre = uv.get("prerelease") == "allow"
    pre = pre or _table(pdm, "resolution").get("allow-prereleases") is True
    return Sources(pre=pre, index=tuple(index), more=tuple(more))


def _uv_sources(
    table: Mapping[str, Any], indexes: Mapping[str, str]
) -> Iterator[tuple[str, tuple[_Entry, ...]]]:
    """What ``[tool.uv.sources]`` says of each package."""
    for name, value in table.items():
        several = isinstance(value, list)
        entries: list[_Entry] = []
        for number, item in enumerate(value if several else [value]):
            if not isinstance(item, dict) or not _marked(item.get("marker")):
                continue
            base: Path = ("tool", "uv", "sources", name, *((number,) if several else ()))
            if "index" in item:
                url = indexes.get(str(item["index"]))
                looked = Sources(index=(url,)) if url is not None else None
                known = Asked(canonicalize_name(name))
                text = f'{name} = {{ index = "{item["index"]}" }}'
                entries.append(_Entry(known, text, (*base, "index"), looked))
                continue
            entry = _of_table(name, item, base)
            if entry is not None and entry.found.channel:
                entries.append(entry)
        if entries:
            yield canonicalize_name(name), tuple(entries)


def _marked(marker: object) -> bool:
    if not isinstance(marker, str):
        return True
    try:
        return holds_here(Marker(marker))
    except (InvalidMarker, ValueError):
        return True


# -- what is asked for


def _standard(table: Mapping[str, Any]) -> Iterator[_Entry]:
    """Lists of requirements as the standards have them, and uv's and pdm's own."""
    tool = _table(table, "tool")
    yield from _lines(_table(table, "project"), ("project",), ("dependencies",))
    for base in (("project", "optional-dependencies"), ("dependency-groups",)):
        group = table
        for key in base:
            group = _table(group, key)
        yield from _lines(group, base, group)
    uv, pdm = _table(tool, "uv"), _table(tool, "pdm")
    own = ("dev-dependencies", "constraint-dependencies", "override-dependencies")
    yield from _lines(uv, ("tool", "uv"), own)
    groups = _table(pdm, "dev-dependencies")
    yield from _lines(groups, ("tool", "pdm", "dev-dependencies"), groups)


def _hatch(tool: Mapping[str, Any]) -> Iterator[_Entry]:
    for name, value in _table(_table(tool, "hatch"), "envs").items():
        base: Path = ("tool", "hatch", "envs", name)
        if isinstance(value, dict):
            yield from _lines(value, base, ("dependencies", "extra-dependencies"))


def _lines(table: Mapping[str, Any], base: Path, keys: Any) -> Iterator[_Entry]:
    for key in keys:
        for number, line in enumerate(_list(table, key)):
            found = asked(line) if isinstance(line, str) else None
            if found is not None:
                yield _Entry(found, line, (*base, key, number))


def _poetry(table: Mapping[str, Any], named: Mapping[str, str]) -> Iterator[_Entry]:
    """Poetry's tables, groups included."""
    groups: list[tuple[Path, Mapping[str, Any]]] = [
        (("tool", "poetry", key), _table(table, key))
        for key in ("dependencies", "dev-dependencies")
    ]
    for name in _table(table, "group"):
        inner = _table(_table(_table(table, "group"), name), "dependencies")
        groups.append((("tool", "poetry", "group", name, "dependencies"), inner))
    for base, group in groups:
        yield from _constraints(group, base, named, "source")


def _constraints(
    group: Mapping[str, Any], base: Path, named: Mapping[str, str], where: str
) -> Iterator[_Entry]:
    """Entries ``name = constraint``, a table, or a list of tables."""
    for name, value in group.items():
        if name == "python":
            continue
        several = isinstance(value, list)
        for number, item in enumerate(value if several else [value]):
            path: Path = (*base, name, *((number,) if several else ()))
            if isinstance(item, str):
                yield _Entry(of_constraint(name, item), f'{name} = "{item}"', path)
            elif isinstance(item, dict) and _marked(item.get("markers", item.get("marker"))):
                entry = _of_table(name, item, path)
                if entry is not None:
                    yield _looked_for(entry, item, named.get(str(item.get(where))))


def _looked_for(entry: _Entry, item: Mapping[str, Any], url: str | None) -> _Entry:
    """With the index that is named for it, and whether it takes pre-releases."""
    early = item.get("allow-prereleases", item.get("allow_prereleases")) is True
    found = replace(entry.found, early=entry.found.early or early)
    sources = Sources(index=(url,)) if url is not None else None
    return replace(entry, found=found, sources=sources)


def _of_table(name: str, item: Mapping[str, Any], base: Path) -> _Entry | None:
    """A table on one package: a repository, a file, or a version."""
    for key in ("git", "url", "file"):
        if not isinstance(item.get(key), str):
            continue
        if key == "git":
            ref = next((str(item[k]) for k in _REF_KEYS if isinstance(item.get(k), str)), "")
            found = of_git(item[key], name, ref)
            text = f'{name} = {{ git = "{item[key]}"{f", {ref}" if ref else ""} }}'
        else:
            found, text = of_url(item[key], name), f'{name} = {{ {key} = "{item[key]}" }}'
        return _Entry(found, text, (*base, key)) if found is not None else None
    version = item.get("version")
    if isinstance(version, str):
        return _Entry(of_constraint(name, version), f"{name} {version}", (*base, "version"))
    return None


def read_pipfile(text: str, path: str) -> Document:
    """A Pipfile."""
    del path
    table = parse(text)
    places = TomlPlaces(text)
    items = _list(table, "source")
    named = _indexes(items, "url")
    urls = [str(item.get("url", "")) for item in items if isinstance(item, dict)]
    pre = _table(table, "pipenv").get("allow_prereleases") is True
    sources = Sources(pre=pre, index=tuple(urls[:1]))  # the first; others only where named
    found: list[Package] = []
    for key, group in table.items():
        if key in ("source", "requires", "pipenv", "scripts") or not isinstance(group, dict):
            continue
        for entry in _constraints(group, (key,), named, "index"):
            used = entry.sources or sources
            found += _packages(entry, replace(used, pre=used.pre or pre), places)
    return Document(packages=tuple(found))


def _table(value: Mapping[str, Any], name: str) -> dict[str, Any]:
    found = value.get(name)
    return found if isinstance(found, dict) else {}


def _list(value: Mapping[str, Any], name: str) -> list[Any]:
    found = value.get(name)
    return found if isinstance(found, list) else []
