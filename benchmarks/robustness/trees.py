"""The code that is audited: packages from the index by exact version, the standard library, and
what else is named.

Packages are wheels. They are unpacked, never installed, and nothing of them is imported.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import sysconfig
import zipfile
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).resolve().parent
LIST = HERE / "packages.txt"
_TOGETHER = 25
"""So many repositories are one tree, since most are small."""
_BINARY = frozenset(
    "7z a avi bin bmp bz2 dat db dll dylib exe flac gif gz h5 hdf5 ico jar jpeg jpg lib lzma mo mp3"
    " mp4 nc npy npz o ogg onnx otf parquet pb pdf pkl png ppm pt pyc pyd safetensors so sqlite tar"
    " tgz tif tiff ttf wasm wav webm webp whl woff woff2 xls xlsx xz zip".split()
)
"""How files end that nobody audits and that only take room."""
_LIBRARY = re.compile(r"\.so(\.\d+)*$")


@dataclass(frozen=True)
class Tree:
    """A folder whose files are audited, and what it is called in the results."""

    name: str
    path: Path
    kind: str
    parts: tuple[str, ...] = (".",)
    """The folders in it, as far as it is not the whole."""


def wanted() -> list[str]:
    """The packages, as `name==version`."""
    lines = LIST.read_text(encoding="utf-8").splitlines()
    return [line for line in lines if line and not line.startswith("#")]


def packages(home: Path, offline: bool) -> tuple[list[Tree], list[str]]:
    """The packages that are here or can be had, unpacked, and the names of the others."""
    trees = home / "packages"
    trees.mkdir(parents=True, exist_ok=True)
    missing = [one for one in wanted() if not (trees / one).is_dir()]
    if missing and not offline:
        with ThreadPoolExecutor(3) as pool:
            list(pool.map(lambda one: _fetch(one, home), missing))
    found = [Tree(one, trees / one, "package") for one in wanted() if (trees / one).is_dir()]
    return found, [one for one in wanted() if not (trees / one).is_dir()]


def _fetch(one: str, home: Path) -> None:
    """Bring a package and unpack it; without one that can be had, nothing."""
    archives = home / "archives" / one
    archives.mkdir(parents=True, exist_ok=True)
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps"]
    command += ["--only-binary", ":all:", "--dest", str(archives), one]
    if not list(archives.glob("*.whl")):
        subprocess.run(command, capture_output=True, check=False)
    for wheel in archives.glob("*.whl"):
        unpack(wheel, home / "packages" / one)
    shutil.rmtree(archives)


def unpack(wheel: Path, target: Path) -> None:
    """Unpack what may be text. The folder appears when it is whole."""
    part = target.with_name(f".{target.name}")
    shutil.rmtree(part, ignore_errors=True)
    with zipfile.ZipFile(wheel) as content:
        for member in content.infolist():
            name = member.filename
            if name.rpartition(".")[2].lower() not in _BINARY and not _LIBRARY.search(name):
                content.extract(member, part)
    part.rename(target)


def others(site_packages: Iterable[Path], repositories: Iterable[Path]) -> Iterator[Tree]:
    """The standard library, environments, and folders of repositories."""
    version = ".".join(map(str, sys.version_info[:3]))
    stdlib = Path(sysconfig.get_path("stdlib"))
    yield Tree(f"standard library of Python {version}", stdlib, "standard library")
    for number, environment in enumerate(site_packages, 1):
        count = len(list(environment.glob("*.dist-info")))
        suffix = f" {number}" if number > 1 else ""
        yield Tree(f"site-packages{suffix} ({count} distributions)", environment, "site-packages")
    for folder in repositories:
        names = sorted(path.name for path in folder.iterdir() if path.is_dir())
        for at in range(0, len(names), _TOGETHER):
            some = tuple(names[at : at + _TOGETHER])
            yield Tree(f"{folder.name} {some[0]} to {some[-1]}", folder, "repository", some)


def files_of(tree: Tree) -> Iterator[Path]:
    """All regular files of a tree, none of them twice; the standard library without what was
    installed into it."""
    for path in sorted(path for part in tree.parts for path in (tree.path / part).rglob("*")):
        parts = path.relative_to(tree.path).parts
        if "__pycache__" in parts or ".git" in parts:
            continue
        if tree.kind == "standard library" and {"site-packages", "dist-packages"} & set(parts):
            continue
        if path.is_file() and not path.is_symlink():
            yield path
