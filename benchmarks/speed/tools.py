"""The programs that are measured, each in an environment of its own and at a pinned version."""

from __future__ import annotations

import subprocess
import sys
import venv
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PINS = {
    "ruff": ("ruff==0.17.6",),
    "flake8": ("flake8==7.5.0",),
    "flake8-ecolint": ("flake8==7.5.0",),
    "torchfix": ("torchfix==0.7.0",),
    "fixit": ("fixit==2.2.1",),
    "bandit": ("bandit==1.9.4",),
    "ecolint": (),
}
OURS = ("ecolint", "flake8-ecolint")
FIXIT_RULE = "fixit.rules.no_static_if_condition"
"""One rule that looks at a single kind of statement."""


class Tools:
    """The environments below a folder, made when they are first needed."""

    def __init__(self, place: Path) -> None:
        self.place = place

    def make(self) -> None:
        """Bring all environments up to their pins, and ours up to the checkout."""
        for name, pins in PINS.items():
            folder = self.place / name
            note = folder / "pins.txt"
            # The machine's Python, and not that of the environment that this runs in.
            wanted = "\n".join((sys.version, *pins))
            if not note.is_file() or note.read_text(encoding="utf-8") != wanted:
                venv.create(folder, clear=True, with_pip=True)
                if pins:
                    self._pip(name, "install", *pins)
                if name in OURS:
                    self._pip(name, "install", str(ROOT))
                note.write_text(wanted, encoding="utf-8")
            elif name in OURS:
                self._pip(name, "install", "--force-reinstall", "--no-deps", str(ROOT))

    def _pip(self, name: str, *arguments: str) -> None:
        command = (self.program(name, "python"), "-m", "pip", "--disable-pip-version-check")
        subprocess.run((*command, *arguments, "--quiet"), check=True, stderr=subprocess.DEVNULL)

    def program(self, environment: str, name: str | None = None) -> str:
        """The path of a program in an environment."""
        return str(self.place / environment / "bin" / (name or environment))

    def version(self, environment: str, package: str) -> str:
        """The version of a package in an environment."""
        code = f"import importlib.metadata as m; print(m.version({package!r}))"
        command = (self.program(environment, "python"), "-c", code)
        done = subprocess.run(command, check=True, capture_output=True, text=True)
        return done.stdout.strip()

    # -- command lines

    def python(self) -> Sequence[str]:
        """The least that a program in Python costs."""
        return (self.program("ecolint", "python"), "-c", "pass")

    def ecolint(self, *arguments: str) -> Sequence[str]:
        """Our command, without the configuration of the corpus."""
        return (self.program("ecolint"), "--isolated", "--exit-zero", *arguments)

    def ruff(self, *arguments: str) -> Sequence[str]:
        """Ruff with its default rules."""
        fixed = ("check", "--isolated", "--exit-zero", "--output-format=concise")
        return (self.program("ruff"), *fixed, *arguments)

    def flake8(self, environment: str, *arguments: str) -> Sequence[str]:
        """flake8 with its default checks; with ours in the environment of that name."""
        return (self.program(environment, "flake8"), "--isolated", "--exit-zero", *arguments)

    def torchfix(self, *arguments: str) -> Sequence[str]:
        """TorchFix as a command of its own."""
        return (self.program("torchfix"), *arguments)

    def fixit(self, *arguments: str) -> Sequence[str]:
        """Fixit with one rule."""
        return (self.program("fixit"), "--rules", FIXIT_RULE, "lint", *arguments)

    def bandit(self, *arguments: str) -> Sequence[str]:
        """Bandit with its default checks."""
        return (self.program("bandit"), "--exit-zero", "-q", "-r", *arguments)
