"""What setup.py requires."""

from __future__ import annotations

import pytest

from ecocompute_lint.audit import audit_text

SETUP = """\
from setuptools import setup

setup(
    name="served",
    install_requires=[
        "torch==2.9.0.dev20250801",
        "transformers @ git+https://github.com/huggingface/transformers",
        "bitsandbytes==0.46.0",
    ],
)
"""


def found(text: str, path: str) -> list[tuple[str, int]]:
    return [(item.code, item.place.line) for item in audit_text(text, path=path).findings]


def test_builds_that_are_no_release_are_named() -> None:
    assert found(SETUP, "setup.py") == [("ECO501", 6), ("ECO501", 7)]


@pytest.mark.parametrize("path", ["other.py", "pkg/setup_tools.py"])
def test_lists_of_that_name_elsewhere_mean_nothing(path: str) -> None:
    assert found(SETUP, path) == []


def test_releases_and_other_packages_say_nothing() -> None:
    text = SETUP.replace(".dev20250801", "").replace("transformers", "accelerate")
    assert found(text, "setup.py") == []
