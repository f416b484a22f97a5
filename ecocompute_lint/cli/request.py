"""What one run of the command was asked to do."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ecocompute_lint.frozen import dataclass

if TYPE_CHECKING:
    from ecocompute_lint.config import SettingsFinder


@dataclass(frozen=True)
class Request:
    """What the command line asks for."""

    paths: tuple[str, ...]
    overrides: Mapping[str, Any]
    config: Path | None
    finder: SettingsFinder
    destinations: tuple[tuple[str, str | None], ...]
    fix: bool
    diff: bool
    exit_zero: bool
    statistics: bool
    quiet: bool
    verbose: bool
    color: str
    stdin_filename: str
    cached: bool
    """Whether results of earlier runs are taken."""
    jobs: int | None
    """How many processes analyse; None or 0: as many as pay."""

    @property
    def wants_edits(self) -> bool:
        """Whether a report holds the edits of each repair."""
        return any(name == "json" for name, _ in self.destinations)
