"""Packages by their other names, and the places that hold builds which are no releases.

Sources: the projects' installation instructions, and the indexes themselves.
"""

from __future__ import annotations

import re

from packaging.utils import canonicalize_name

_OF_REPOSITORY = {
    "pytorch/pytorch": "torch",
    "pytorch/ao": "torchao",
    "pytorch/vision": "torchvision",
    "pytorch/audio": "torchaudio",
    "rocm/vision": "torchvision",
    "rocm/audio": "torchaudio",
}
_OF_ANY_FORK = {"pytorch": "torch"}
_OF_CONDA = {"pytorch": "torch", "pytorch-cpu": "torch", "pytorch-gpu": "torch"}

_TORCH = frozenset({"torch", "torchvision", "torchaudio", "torchao"})
NIGHTLY_INDEXES: tuple[tuple[re.Pattern[str], frozenset[str]], ...] = (
    (re.compile(r"pytorch\S*?/nightly(?:[/?#]|$)|torch_nightly\.html", re.IGNORECASE), _TORCH),
    (re.compile(r"//rocm\.nightlies\.amd\.com/", re.IGNORECASE), _TORCH),
)
"""Indexes of nightly builds, and the packages that are there."""
TEST_INDEX = re.compile(r"download\.pytorch\.org/whl/test(?:[/?#]|$)", re.IGNORECASE)
"""Release candidates."""
CONTINUOUS = re.compile(r"/releases/download/[^/]*(?:continuous|nightly|latest-dev)[^/]*/")
"""Builds of the newest commit, laid out like releases."""
NIGHTLY_CHANNELS = {"pytorch-nightly": _TORCH}
"""Conda channels of nightly builds, and the packages that are there."""
RELEASE_CHANNELS = frozenset({"pytorch", "conda-forge", "defaults", "main", "anaconda"})
"""Conda channels that hold releases of the same packages."""


def of_repository(path: str) -> str | None:
    """The package that a repository ``owner/name`` is the source of."""
    owner, _, last = path.strip("/").rpartition("/")
    last = last.removesuffix(".git")
    if not last:
        return None
    whole = f"{owner.rpartition('/')[2]}/{last}".lower()
    name = _OF_REPOSITORY.get(whole) or _OF_ANY_FORK.get(last.lower()) or last
    return canonicalize_name(name)


def of_conda(name: str) -> str:
    """The package that conda calls `name`."""
    return _OF_CONDA.get(name.lower(), canonicalize_name(name))


def nightly_of(package: str, url: str) -> bool:
    """Whether `url` is an index that holds nightly builds of a package."""
    return any(found.search(url) and package in held for found, held in NIGHTLY_INDEXES)
