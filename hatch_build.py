"""Building a wheel: the rules go into it once more, in a form that is read quickly."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class RulesHook(BuildHookInterface):
    """Puts `rules.json` into the wheel."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Make the file, except for an editable installation, whose rules may change."""
        if version == "editable":
            return
        root = Path(self.root)
        sys.path.insert(0, str(root))
        from ecocompute_lint.engine.compiled import FILE, written

        self._folder = tempfile.TemporaryDirectory()
        made = Path(self._folder.name) / FILE.name
        made.write_text(written(root / "rules"), encoding="utf-8")
        build_data["force_include"][str(made)] = f"ecocompute_lint/{FILE.name}"

    def finalize(self, version: str, build_data: dict[str, Any], artifact_path: str) -> None:
        """Remove it again."""
        if version != "editable":
            self._folder.cleanup()
