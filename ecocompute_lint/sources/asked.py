"""One requirement as it is written: which package, and whether what is asked for is a release.

A version or a repository decides by itself. Where neither is given, the places decide that an
installer looks at: `Sources`.
"""

from __future__ import annotations

import re
from dataclasses import replace
from urllib.parse import unquote

from packaging.requirements import InvalidRequirement, Requirement
from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion, Version

from ecocompute_lint.frozen import dataclass
from ecocompute_lint.knowledge.packaging_names import (
    CONTINUOUS,
    NIGHTLY_CHANNELS,
    RELEASE_CHANNELS,
    TEST_INDEX,
    nightly_of,
    of_conda,
    of_repository,
)
from ecocompute_lint.sources.documents import UNKNOWN

RELEASE, CANDIDATE, DEV, NIGHTLY, SOURCE = "release", "candidate", "dev", "nightly", "source"

_NAME = r"[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?"
_NAMED = re.compile(rf"({_NAME})\s*(?:\[[^\]]*\])?\s*(.*)", re.DOTALL)
_AT = re.compile(rf"({_NAME})\s*(?:\[[^\]]*\])?\s*@\s*(\S+)")
_VCS = re.compile(r"git\+", re.IGNORECASE)
_WEB = re.compile(r"(?:https?|file|ssh|git)://", re.IGNORECASE)
_HOST = re.compile(r"(?:\w+://)?(?:[^/@]*@)?[^/:@]+(?::\d+(?=/))?[:/]+")
_EGG = re.compile(rf"(?:^|&)egg=({_NAME})")
_ARCHIVE = re.compile(
    r"github\.com/([^/]+/[^/]+)/(?:archive|tarball|zipball|zip|tar\.gz)/"
    r"(?:refs/(?:heads|tags)/)?([^?#]+?)(?:\.zip|\.tar\.gz|\.tgz)?(?:[?#]|$)"
)
_FILE = re.compile(r"([^/\\]+?)(\.whl|\.tar\.gz|\.zip|\.tgz)(?:[?#].*)?$")
_RELEASE_BRANCH = re.compile(
    r"v?\d+\.\d+(?:\.\d+)?[-_][\w.-]*|(?:release|rel)[/_-]v?\d+(?:\.\d+)*", re.IGNORECASE
)
_COMMIT = re.compile(r"[0-9a-f]{7,40}")
_DEV = re.compile(r"\d\.?dev(?:\d|\*|$|\b)", re.IGNORECASE)
_SOURCE_BUILD = re.compile(r"^git[0-9a-f]+", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Asked:
    """A package that is asked for, by its canonical name.

    `channel` is what the requirement itself decides, and empty where the sources decide. `early`:
    it allows pre-releases. `capped`: it leaves out what is newest.
    """

    name: str
    channel: str = ""
    reason: str = ""
    early: bool = False
    capped: bool = False


@dataclass(frozen=True, slots=True)
class Sources:
    """Where an installer looks: the index in place of PyPI, further ones, conda's channels.

    `pre`: it takes pre-releases. `alone`: it looks at nothing but what is named.
    """

    pre: bool = False
    index: tuple[str, ...] = ()
    more: tuple[str, ...] = ()
    alone: bool = False
    channels: tuple[str, ...] = ()

    def with_(self, other: Sources) -> Sources:
        """Both together; what `other` says of the index counts."""
        return Sources(
            self.pre or other.pre,
            other.index or self.index,
            (*self.more, *other.more),
            self.alone or other.alone,
            (*self.channels, *other.channels),
        )


PYPI = Sources()


def settle(asked: Asked, sources: Sources = PYPI) -> tuple[str, str]:
    """The channel that a package comes from, and what makes it no release, in words."""
    if asked.channel:
        return asked.channel, asked.reason
    pre = sources.pre or asked.early
    every = (*sources.index, *sources.more)
    nightly = [url for url in every if nightly_of(asked.name, url)]
    if nightly:
        others = [url for url in every if url not in nightly]
        only = not others and (sources.alone or bool(sources.index))
        # Of everything there is, pip takes the newest: with pre-releases that is a nightly build.
        if only or (pre and not asked.capped):
            return NIGHTLY, f"from an index of nightly builds ({_plain(nightly[0].strip())})"
        return RELEASE, ""
    if any(TEST_INDEX.search(url) for url in every) or pre:
        return CANDIDATE, ""
    return RELEASE, ""


def settle_conda(asked: Asked, sources: Sources) -> tuple[str, str]:
    """The same for conda, which takes a package from the first channel that has it."""
    if asked.channel:
        return asked.channel, asked.reason
    for channel in sources.channels:
        name = channel.rstrip("/").rpartition("/")[2].lower()
        if asked.name in NIGHTLY_CHANNELS.get(name, ()):
            return NIGHTLY, f"from the conda channel `{name}`"
        if name in RELEASE_CHANNELS or UNKNOWN in name:
            break
    return RELEASE, ""


def asked(text: str) -> Asked | None:
    """What a requirement says, as pip reads it; None for one whose package is not known."""
    text = text.strip()
    if not text:
        return None
    if _VCS.match(text) or _WEB.match(text):
        return of_url(text)
    at = _AT.match(text)
    if at is not None and (_VCS.match(at[2]) or _WEB.match(at[2])):
        return of_url(at[2], at[1])
    if text.split(";", 1)[0].rstrip().endswith((".whl", ".tar.gz")):
        return _of_file(text)
    named = _NAMED.match(text)
    if named is None or UNKNOWN in named[1]:
        return None
    if at is not None and (at[2][0].isdigit() or at[2][0] in "^~=<>!"):
        return of_constraint(at[1], at[2])  # Poetry's `poetry add torch@2.1.0`
    return _of_specifier(named[1], named[2])


def _of_specifier(name: str, rest: str) -> Asked | None:
    versions = rest.partition(";")[0].strip().strip("()")
    versions = re.split(r"\s+(?:--|#)", versions, maxsplit=1)[0].strip()
    known = Asked(canonicalize_name(name))
    if not versions:
        return known
    if UNKNOWN in versions:
        return replace(known, channel=RELEASE)
    try:
        Requirement(f"{name} {versions}")
        parts = SpecifierSet(versions)
    except (InvalidRequirement, InvalidSpecifier, ValueError):
        return of_constraint(name, versions) if versions[0] in "=<>!~^" else None
    capped = False
    for part in parts:
        if part.operator in ("==", "===") and not part.version.endswith(".*"):
            return of_version(name, part.version)
        capped = capped or part.operator in ("<", "<=", "~=", "==")
    return replace(known, early=bool(parts.prereleases), capped=capped)


def of_version(name: str, text: str, *, canonical: str = "") -> Asked:
    """A package at one version."""
    channel, reason = of_version_text(text)
    return Asked(canonical or canonicalize_name(name), channel, reason)


def of_version_text(text: str) -> tuple[str, str]:
    """The channel of one version, by its number."""
    text = text.strip()
    if UNKNOWN in text:
        return (
            (DEV, f"in a development version ({_plain(text)})")
            if _DEV.search(text)
            else (
                RELEASE,
                "",
            )
        )
    try:
        version = Version(text)
    except InvalidVersion:
        if _DEV.search(text):
            return DEV, f"in a development version ({text})"
        return RELEASE, ""
    if version.local and _SOURCE_BUILD.match(version.local):
        return DEV, f"in a build from its sources ({text})"
    if version.is_devrelease:
        return DEV, f"in a development version ({text})"
    return (CANDIDATE if version.is_prerelease else RELEASE), ""


def of_constraint(name: str, text: str, *, conda: bool = False) -> Asked:
    """A constraint of Poetry's, Pipenv's or conda's: ``^2.1``, ``*``, ``2.5.0.dev*``."""
    known = Asked(of_conda(name) if conda else canonicalize_name(name))
    text = text.strip()
    if text in ("", "*", "latest"):
        return known
    parts = [part.strip() for part in re.split(r"[,|]+|\s+(?=[<>=!~^])", text) if part.strip()]
    exact = [part for part in parts if part[0].isdigit() or part[0] == "="]
    if exact and len(parts) == len(exact) == 1:
        number = exact[0].lstrip("=").strip().partition("=")[0]
        if conda or _DEV.search(number) or "*" not in number:
            return of_version(name, number, canonical=known.name)
    if UNKNOWN in text:
        return replace(known, channel=RELEASE)
    capped = any(not part.startswith(">") for part in parts)
    return replace(known, early=bool(_DEV.search(text)), capped=capped)


def of_conda_spec(text: str) -> Asked | None:
    """``pytorch=2.5.0=py3.11_cuda``, ``pytorch-nightly::pytorch``, ``pytorch>=2``."""
    channel, colons, rest = text.strip().strip("\"'").rpartition("::")
    named = re.match(r"([A-Za-z0-9][A-Za-z0-9._-]*)\s*(.*)", rest, re.DOTALL)
    if named is None or UNKNOWN in rest.partition("=")[0]:
        return None
    found = of_constraint(named[1], re.sub(r"\[.*", "", named[2]), conda=True)
    if colons and not found.channel:
        kind, reason = settle_conda(found, Sources(channels=(channel, "defaults")))
        return replace(found, channel=kind, reason=reason)
    return found


# -- repositories and files


def of_url(url: str, name: str = "") -> Asked | None:
    """A repository, an archive of one, or a built file."""
    url = url.split(" ", 1)[0].strip("\"'")
    if _VCS.match(url) or url.partition("#")[0].endswith(".git"):
        return of_git(url, name)
    archive = _ARCHIVE.search(url)
    if archive is not None:
        return _of_repository(name, archive[1], archive[2])
    return _of_file(url, name)


def of_git(url: str, name: str = "", ref: str | None = None) -> Asked | None:
    """A git repository by any spelling of its address; `ref` where it is given apart."""
    plain = _VCS.sub("", url, count=1)
    plain, _, fragment = plain.partition("#")
    host = _HOST.match(plain)
    if host is None:
        return None
    path, _, written = plain[host.end() :].partition("@")
    egg = _EGG.search(fragment)
    if not name and egg is None and "subdirectory=" in fragment:
        return None  # a package inside of the repository
    if not written and "=" not in fragment:
        written = fragment  # as Poetry has it
    return _of_repository(name or (egg[1] if egg else ""), path, ref or written)


def _of_repository(name: str, path: str, ref: str) -> Asked | None:
    if name:
        package: str | None = canonicalize_name(name)
    else:
        package = of_repository(path) if UNKNOWN not in path.rpartition("/")[2] else None
    if package is None:
        return None
    channel, reason = of_ref(ref)
    return Asked(package, channel, reason)


def of_ref(ref: str) -> tuple[str, str]:
    """The channel of what a tag, branch or commit of a repository holds."""
    ref = ref.strip().removeprefix("refs/").removeprefix("tags/").removeprefix("heads/")
    if not ref or ref.upper() == "HEAD":
        return SOURCE, "from its repository, without a release tag"
    if UNKNOWN in ref:
        return RELEASE, ""
    if "." in ref:
        try:
            version = Version(ref)
        except InvalidVersion:
            pass
        else:
            if version.is_devrelease:
                return DEV, f"in a development version ({ref})"
            return (CANDIDATE if version.is_prerelease else RELEASE), ""
    if _RELEASE_BRANCH.fullmatch(ref):
        return CANDIDATE, ""
    what = f"at the commit {ref[:12]}" if _COMMIT.fullmatch(ref) else f"at `{ref}`"
    return SOURCE, f"from its repository {what}, which is no release tag"


def _of_file(url: str, name: str = "") -> Asked | None:
    """A wheel or a source archive, by its name."""
    found = _FILE.search(unquote(url.partition(";")[0].strip()))
    if found is None:
        return None
    stem = re.match(rf"({_NAME}?)-(\d[^-]*)", found[1])
    if stem is None or UNKNOWN in stem[1]:
        return None
    package = canonicalize_name(name or stem[1])
    channel, reason = of_version_text(stem[2])
    if channel != DEV and CONTINUOUS.search(url):
        return Asked(package, DEV, "from a build of its newest commit")
    if channel == RELEASE and UNKNOWN not in url and nightly_of(package, url):
        return Asked(package, NIGHTLY, f"from an index of nightly builds ({url})")
    return Asked(package, channel, reason)


def _plain(text: str) -> str:
    return text.replace(UNKNOWN, "…")
