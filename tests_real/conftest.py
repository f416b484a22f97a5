"""What all tests share: a hub of tiny models, and the record of what was run."""

from __future__ import annotations

import json
import os
import tempfile
from collections import Counter
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path

import pytest

# Read when the libraries are first imported: before the tests are.
HOME = Path(tempfile.mkdtemp(prefix="tiny-models-"))
os.environ["HF_HUB_CACHE"] = str(HOME / "hub")
os.environ["HF_HUB_OFFLINE"] = "1"
os.environ["HF_HUB_DISABLE_PROGRESS_BARS"] = "1"

LIBRARIES = ("torch", "transformers", "bitsandbytes", "accelerate", "peft", "diffusers")


class Record:
    """What was run, and how it went."""

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()
        self.calls: dict[str, str] = {}

    def count(self, what: str, number: int) -> None:
        """More of something."""
        self.counts[what] += number

    def call(self, what: str, outcome: str) -> None:
        """What one call did."""
        self.calls[what] = outcome


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--outcomes", help="the JSON file that what was run is recorded in")


@pytest.fixture(scope="session")
def record(request: pytest.FixtureRequest) -> Iterator[Record]:
    """Stored at the end, under the version of Transformers, if that is wanted and all is well."""
    kept = Record()
    yield kept
    target = request.config.getoption("--outcomes")
    if not target or request.session.testsfailed:
        return
    path = Path(target)
    outcomes = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    outcomes[version("transformers")] = {
        "versions": {name: version(name).partition("+")[0] for name in LIBRARIES},
        "calls": kept.calls,
        "counts": dict(sorted(kept.counts.items())),
    }
    path.write_text(json.dumps(outcomes, indent=1, sort_keys=True) + "\n", encoding="utf-8")


@pytest.fixture(scope="session")
def hub() -> "Hub":  # noqa: F821, UP037
    """A hub that has every model."""
    from tiny import Hub

    made = Hub(HOME)
    made.provide("tiny/llama")
    return made
