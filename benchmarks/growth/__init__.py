"""Whether the time for a text grows with its size, for texts built to be hard."""

from __future__ import annotations

from growth import file_shapes, python_shapes

SHAPES = {**python_shapes.SHAPES, **file_shapes.SHAPES}
"""By name: a file's name, and its text of so many repetitions."""


def text_of(name: str, size: int) -> tuple[str, str]:
    """The file's name and a text of about so many characters."""
    file, make = SHAPES[name]
    few, more = len(make(100)), len(make(200))
    count = max(1, round((size - few) / max(1, (more - few) / 100)) + 100)
    return file, make(count)
