"""What one run of the command was asked to do."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ecocompute_lint.frozen import dataclass
from ecocompute_lint.report.formats import FORMATS

if TYPE_CHECKING:
    from ecocompute_lint.config import SettingsFinder
    from ecocompute_lint.narrowing import Narrowing


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
    since: str | None = None
    write_baseline: str | None = None
    prune_baseline: bool = False
    add_noqa: str | None = None

    @cached_property
    def narrowing(self) -> Narrowing:
        """What leaves out what is not new. Raises ConfigError where git cannot be asked."""
        from ecocompute_lint.narrowing import Narrowing

        changes = None
        if self.since is not None:
            from ecocompute_lint.revisions import Changes

            changes = Changes(self.since, self.paths)
        writes = self.write_baseline is not None
        return Narrowing(self.finder, self.paths, changes, ignore_baselines=writes)

    @property
    def wants_edits(self) -> bool:
        """Whether a report holds the edits of each repair."""
        return any(FORMATS[name].edits for name, _ in self.destinations)
