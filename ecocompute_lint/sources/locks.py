"""Lock files: every package at the version that was chosen for it, and where it comes from."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from ecocompute_lint.sources.asked import DEV, Asked, Sources, of_git, of_version
from ecocompute_lint.sources.documents import Document, Package
from ecocompute_lint.sources.package_lists import child, compose, package, place_of
from ecocompute_lint.sources.text import LineMap
from ecocompute_lint.sources.toml_places import Path, TomlPlaces, parse

_QUERY = re.compile(r"[?&](?:rev|tag|branch)=([^&#]+)")
_HASH = re.compile(r"#([0-9a-f]{7,40})$")


def read_toml_lock(text: str, path: str) -> Document:
    """poetry.lock, uv.lock, pdm.lock, pylock.toml."""
    del path
    table = parse(text)
    places = TomlPlaces(text)
    found: list[Package] = []
    for key in ("package", "packages"):
        items = table.get(key)
        for number, item in enumerate(items if isinstance(items, list) else ()):
            if isinstance(item, dict) and isinstance(item.get("name"), str):
                found += _locked(item, (key, number), places)
    return Document(packages=tuple(found))


def _locked(item: Mapping[str, Any], base: Path, places: TomlPlaces) -> Iterator[Package]:
    name, version = item["name"], item.get("version")
    known = of_version(name, version if isinstance(version, str) else "")
    where: Path = (*base, "version")
    for address, ref, tail in _repositories(item):
        source = of_git(address, name, ref)
        if source is not None and known.channel != DEV:
            known, where = source, (*base, *tail)
    place = places.place(where) or places.place((*base, "name"))
    if place is not None:
        yield package(known, Sources(), f"{name} {version or ''}".strip(), place)


def _repositories(item: Mapping[str, Any]) -> Iterator[tuple[str, str, Path]]:
    """The address, what was asked of it, and the key: as each tool writes it."""
    source = item.get("source")
    if isinstance(source, dict):
        if source.get("type") == "git":  # Poetry
            ref = source.get("reference")
            yield str(source.get("url", "")), str(ref or ""), ("source", "reference")
        elif isinstance(source.get("git"), str):  # uv
            asked_for = _QUERY.search(source["git"]) or _HASH.search(source["git"])
            address = source["git"].split("?")[0].split("#")[0]
            yield address, asked_for[1] if asked_for else "", ("source", "git")
    if isinstance(item.get("git"), str):  # pdm
        yield item["git"], str(item.get("ref") or item.get("revision") or ""), ("git",)
    vcs = item.get("vcs")
    if isinstance(vcs, dict) and vcs.get("type") == "git":  # pylock.toml
        ref = vcs.get("requested-revision") or vcs.get("commit-id") or ""
        yield str(vcs.get("url") or "https://host/owner/name"), str(ref), ("vcs",)


def read_pipfile_lock(text: str, path: str) -> Document:
    """Pipfile.lock."""
    del path
    lines = LineMap(text)
    found: list[Package] = []
    root = compose(text)
    for group in ("default", "develop"):
        table = child(root, group)
        for key, value in table.value if table is not None and table.id == "mapping" else ():
            texts = {name: child(value, name) for name in ("version", "git", "ref")}
            known, at = _in_pipfile(str(key.value), texts)
            if known is not None and at is not None:
                written = f"{key.value} {at.value}"
                found.append(package(known, Sources(), written, place_of(at, lines)))
    return Document(packages=tuple(found))


def _in_pipfile(name: str, nodes: Mapping[str, Any]) -> tuple[Asked | None, Any]:
    version, git, ref = nodes["version"], nodes["git"], nodes["ref"]
    if git is not None and git.id == "scalar":
        asked_for = ref.value if ref is not None and ref.id == "scalar" else ""
        return of_git(git.value, name, asked_for), git
    if version is not None and version.id == "scalar":
        return of_version(name, version.value.lstrip("= ")), version
    return None, None


def read_conda_lock(text: str, path: str) -> Document:
    """conda-lock.yml: a list of packages, each with name, version and address."""
    del path
    lines = LineMap(text)
    listed = child(compose(text), "package")
    found: list[Package] = []
    for item in listed.value if listed is not None and listed.id == "sequence" else ():
        name, version = child(item, "name"), child(item, "version")
        if name is None or version is None or {name.id, version.id} != {"scalar"}:
            continue
        from ecocompute_lint.knowledge.packaging_names import of_conda

        known = of_version(name.value, version.value, canonical=of_conda(name.value))
        written = f"{name.value} {version.value}"
        found.append(package(known, Sources(), written, place_of(version, lines)))
    return Document(packages=tuple(found))
