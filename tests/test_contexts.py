"""What results rest on that are kept, and how far a requirements file reaches."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from ecocompute_lint.cache import context_of
from ecocompute_lint.config import Settings
from ecocompute_lint.sources.requirements import of_requirement, of_text


def test_results_are_kept_by_settings_and_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = Settings(root=tmp_path)
    here = context_of(settings, with_edits=False)
    assert context_of(settings, with_edits=False) == here
    assert context_of(replace(settings, gpu="t4"), with_edits=False) != here
    assert context_of(settings, with_edits=True) != here
    monkeypatch.chdir(tmp_path)
    assert context_of(settings, with_edits=False) != here


def test_a_requirement_for_another_machine_pins_nothing() -> None:
    assert of_requirement('transformers<5; sys_platform == "linux"') is not None
    assert of_requirement('transformers<5; sys_platform == "win32"') is None


def test_a_requirements_file_includes_none_outside_of_its_tree(tmp_path: Path) -> None:
    (tmp_path / "repo" / ".git").mkdir(parents=True)
    (tmp_path / "outside.txt").write_text("torch==2.5\n")
    (tmp_path / "repo" / "inside.txt").write_text("transformers==4.50\n")
    path = str(tmp_path / "repo" / "requirements.txt")
    found = of_text(path, b"-r inside.txt\n-r ../outside.txt\n")
    assert [statement.package for statement in found] == ["transformers"]
