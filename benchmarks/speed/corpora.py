"""What the programs are run on: archives from the package index by version and hash, and files
that are made here.

Archives are unpacked and never installed. Without a network they are taken from a folder.
"""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import sys
import tarfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).resolve().parent


class Unavailable(Exception):  # noqa: N818 - it is no error of ours
    """Why an archive cannot be had."""


@dataclass(frozen=True)
class Archive:
    """A source archive of a package."""

    package: str
    version: str
    sha256: str

    @property
    def folder(self) -> str:
        """What it is called, and the folder in it."""
        return f"{self.package}-{self.version}"


TRANSFORMERS = Archive(
    "transformers", "5.23.0", "19d647a4d5d903a7c644ca5cde2d86efc3dde7d8c687ae7988806ff2205efa71"
)
RELEVANT = (
    Archive(
        "lm_eval", "0.4.13", "f592269f21a5e173d7993ae01267f61fc84be393cee1f51779e3e104a70c967e"
    ),
    Archive(
        "lmms_eval", "0.7.3", "ce2f46a21faab6c649a3bc46af99bd6f4098c243e10b40f5a949177e412a7798"
    ),
    Archive("xtuner", "0.2.0", "bcb5e28116e7ac9474bcd71ba8e1c9cc95256ee8a2f6831818985c0d20b68440"),
)
OTHER = Archive(
    "werkzeug", "3.1.3", "60723ce945c19328679790e3282cc758aa4a6040e4bb330f53d30fa546d44746"
)
"""A library that has nothing to do with language models."""

LINES = 400
FEW = 20
GROWN = (1, 4, 16)
THOUSANDS = (1, 10, 100)
CALLS = (100, 1_000, 10_000)
DEPTHS = (10, 30, 90)
_BASE = 600_000
"""Bytes of the tree that is copied."""


@dataclass(frozen=True)
class Corpora:
    """Where everything lies."""

    transformers: Path
    relevant: Path
    other: Path
    script: Path
    few: tuple[Path, ...]
    small: Path
    trees: tuple[Path, ...]
    lengths: tuple[Path, ...]
    calls: tuple[Path, ...]
    depths: tuple[Path, ...]


def prepare(place: Path, given: Path | None) -> Corpora:
    """Bring and make what is not there yet. Raises Unavailable."""
    place.mkdir(parents=True, exist_ok=True)
    (transformers,) = _unpacked([TRANSFORMERS], place / "transformers", given)
    _unpacked(RELEVANT, place / "relevant", given)
    (other,) = _unpacked([OTHER], place / "other", given)
    made = place / "made"
    shutil.rmtree(made, ignore_errors=True)
    made.mkdir()
    files = [path for path in sorted((other / "src").rglob("*.py")) if path.stat().st_size > 500]
    few = files[:: len(files) // FEW][:FEW]
    relevant = place / "relevant"
    return Corpora(
        transformers=transformers,
        relevant=relevant,
        other=other,
        script=_written(made / "script.py", script(LINES)),
        few=tuple(few),
        small=_written(made / "small.py", few[0].read_text(encoding="utf-8")),
        trees=tuple(_tree(relevant, made / f"tree-{times}", times) for times in GROWN),
        lengths=tuple(
            _written(made / f"lines-{number}.py", script(number * 1000)) for number in THOUSANDS
        ),
        calls=tuple(_written(made / f"calls-{number}.py", _calls(number)) for number in CALLS),
        depths=tuple(_written(made / f"deep-{number}.py", _deep(number)) for number in DEPTHS),
    )


def part(tree: Path, target: Path, most: int) -> float:
    """Copy files spread evenly over a tree: how many times as much there is in the whole."""
    files = sorted(tree.rglob("*.py"))
    sizes = [path.stat().st_size for path in files]
    step = max(1, round(sum(sizes) / most))
    shutil.rmtree(target, ignore_errors=True)
    target.mkdir(parents=True)
    kept = 0
    for number in range(step // 2, len(files), step):
        shutil.copy(files[number], target / f"{number:05}_{files[number].name}")
        kept += sizes[number]
    return sum(sizes) / kept


def described(paths: Iterable[Path]) -> tuple[int, int, int]:
    """How many Python files, lines and bytes there are in files and folders."""
    count = lines = size = 0
    for path in paths:
        for file in [path] if path.is_file() else path.rglob("*.py"):
            data = file.read_bytes()
            count, lines, size = count + 1, lines + data.count(b"\n"), size + len(data)
    return count, lines, size


# --- archives -------------------------------------------------------------------------------------


def _unpacked(archives: Iterable[Archive], place: Path, given: Path | None) -> list[Path]:
    folders = []
    for archive in archives:
        folder = place / archive.folder
        if not folder.is_dir():
            place.mkdir(parents=True, exist_ok=True)
            file = _file(archive, place, given)
            if hashlib.sha256(file.read_bytes()).hexdigest() != archive.sha256:
                raise Unavailable(f"{file} is not the archive that is meant")
            with tarfile.open(file) as content:
                if hasattr(tarfile, "data_filter"):
                    content.extractall(place, filter="data")
                else:
                    content.extractall(place)
        folders.append(folder)
    return folders


def _file(archive: Archive, place: Path, given: Path | None) -> Path:
    name = f"{archive.folder}.tar.gz"
    for folder in (given, place):
        if folder is not None and (folder / name).is_file():
            return folder / name
    command = (sys.executable, "-m", "pip", "download", "--quiet", "--no-deps")
    wanted = f"{archive.package}=={archive.version}"
    done = subprocess.run(
        (*command, "--no-binary", ":all:", "--dest", str(place), wanted),
        capture_output=True,
        text=True,
        check=False,
    )
    if not (place / name).is_file():
        last = done.stderr.strip().splitlines()[-1:]
        raise Unavailable(f"{wanted}: {last[0] if last else 'pip brought another archive'}")
    return place / name


# --- what is made ---------------------------------------------------------------------------------


def _written(path: Path, text: str) -> Path:
    path.write_text(text, encoding="utf-8")
    return path


def _text(name: str) -> str:
    return (HERE / name).read_text(encoding="utf-8")


def script(lines: int) -> str:
    """A script that runs a model badly, with so many lines."""
    start, block, end = (_text(f"{name}.py.in") for name in ("script", "check", "end"))
    rest = lines - start.count("\n") - end.count("\n")
    blocks = [block.replace("{number}", str(number)) for number in range(rest // block.count("\n"))]
    text = start + "".join(blocks) + end
    return text + "# end\n" * (lines - text.count("\n"))


def _tree(relevant: Path, target: Path, times: int) -> Path:
    for number in range(times):
        part(relevant, target / f"copy_{number}", _BASE)
    return target


def _calls(number: int) -> str:
    head = "from transformers import BitsAndBytesConfig\n\nconfigs = [\n"
    return head + "    BitsAndBytesConfig(load_in_8bit=True),\n" * number + "]\n"


def _deep(depth: int) -> str:
    lines = ["from transformers import BitsAndBytesConfig", "", "", "def choose(values):"]
    for number in range(depth):
        lines.append(f"{' ' * (number + 1)}if values[{number}]:")
    lines.append(f"{' ' * (depth + 1)}return BitsAndBytesConfig(load_in_8bit=values[0])")
    return "\n".join((*lines, " return None", ""))
