"""Which kind of file something is, by its name, and what could matter in one of each kind."""

from __future__ import annotations

from ecocompute_lint.sources import packages
from ecocompute_lint.sources.documents import Document

PYTHON = "python"
NOTEBOOK = "notebook"
PACKAGES = "packages"
KINDS = "Python"
"""What is read, in words."""


def kind_of(name: str) -> str | None:
    """The kind of a file by its name; None for one that is not read."""
    lowered = name.lower()
    if lowered.endswith((".py", ".pyw")):
        return PYTHON
    return PACKAGES if packages.reader_of(name) is not None else None


def may_matter(kind: str, data: bytes) -> bool:
    """Whether any word occurs that a rule may have something to say of."""
    return kind == PACKAGES and packages.may_matter(data)


def read(kind: str, text: str, path: str) -> Document:
    """What a text of a kind says. Raises Unreadable."""
    return packages.read(text, path) if kind == PACKAGES else Document()
