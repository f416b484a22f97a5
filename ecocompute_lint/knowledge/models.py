"""How big the model behind a name is: local files first, then the registry, then the name itself.

The registry is ``data/models.csv``. Nothing is read before the first look-up.
"""

from __future__ import annotations

import csv
from functools import lru_cache
from pathlib import Path

from ecocompute_lint.frozen import dataclass

from .. import traces
from ..data import read_text
from .names import parse_name, prequantized, split_name, without_quantization

__all__ = ["ModelShape", "ModelSize", "prequantized", "published", "resolve", "typical_layers"]


@dataclass(frozen=True, slots=True)
class ModelShape:
    """The main transformer of a model, as its configuration gives it; None where unknown."""

    family: str | None = None
    layers: int | None = None
    hidden: int | None = None
    kv_heads: int | None = None
    head_dim: int | None = None
    context: int | None = None
    """Positions in tokens."""
    native_dtype: str | None = None


@dataclass(frozen=True, slots=True)
class ModelSize:
    """The size of one model in billions of parameters, None where unknown, and how it was found.

    `resolved_by` is ``registry``, ``name``, ``local config``, ``local safetensors`` or None.
    `upper_bound` says that the total overestimates: the product of a name such as ``8x7b``.
    """

    name: str
    params_total_b: float | None = None
    params_active_b: float | None = None
    kind: str | None = None
    resolved_by: str | None = None
    hf_id: str | None = None
    upper_bound: bool = False
    shape: ModelShape = ModelShape()


def resolve(name: str, *, base: Path | None = None) -> ModelSize:
    """Find the size of the model called `name`; a path is relative to `base`, else to here.

    Never raises and never uses the network.
    """
    return _from_files(name, base) or published(name)


@lru_cache(maxsize=1024)
def published(name: str) -> ModelSize:
    """Find the size of a published model: as `resolve`, without a look at local files."""
    return _from_registry(name) or _from_name(name)


@lru_cache(maxsize=1)
def typical_layers() -> tuple[tuple[float, int], ...]:
    """Size in billions and number of layers of every causal language model, by size."""
    by_name, _, columns = _registry()
    size, layers, kind = columns["params_total_b"], columns["layers"], columns["kind"]
    return tuple(
        sorted(
            (float(row[size]), int(row[layers]))
            for row in {id(row): row for row in by_name.values()}.values()
            if row[kind] == "causal-lm" and row[layers]
        )
    )


# --- local files --------------------------------------------------------------------------------


def _from_files(name: str, base: Path | None) -> ModelSize | None:
    text = name.removeprefix("file://")
    # Two slashes first: on Windows a share, which would mean a look at the network.
    if not text.strip() or "://" in text or text[:2] in ("\\\\", "//"):
        return None
    path = (base or Path()) / text
    if not traces.exists(path):
        return None
    from .checkpoints import read_checkpoint

    found = read_checkpoint(path)
    if found is None:
        return None
    shape = ModelShape(**found.shape)
    return ModelSize(
        name, found.total_b, found.active_b, found.kind, f"local {found.source}", shape=shape
    )


# --- the registry -------------------------------------------------------------------------------

Row = list[str]


@lru_cache(maxsize=1)
def _registry() -> tuple[dict[str, Row], dict[str, Row | None], dict[str, int]]:
    """Rows by full lower-case name; by name without owner (None: several sizes); column numbers."""
    rows = csv.reader(read_text("models.csv").splitlines())
    columns = {column: i for i, column in enumerate(next(rows))}
    total, active = columns["params_total_b"], columns["params_active_b"]
    by_name: dict[str, Row] = {}
    by_tail: dict[str, Row | None] = {}
    for row in rows:
        for name in f"{row[0]};{row[1]}".lower().rstrip(";").split(";"):
            by_name[name] = row
            owner, _, tail = name.rpartition("/")
            if owner:
                other = by_tail.setdefault(tail, row)
                if other and (other[total], other[active]) != (row[total], row[active]):
                    by_tail[tail] = None
    return by_name, by_tail, columns


def _from_registry(name: str) -> ModelSize | None:
    row = _find_row(name)
    if row is None:
        return None
    columns = _registry()[2]
    return ModelSize(
        name,
        float(row[columns["params_total_b"]]),
        float(row[columns["params_active_b"]]),
        row[columns["kind"]],
        "registry",
        row[columns["hf_id"]],
        shape=_shape(row, columns),
    )


def _shape(row: Row, columns: dict[str, int]) -> ModelShape:
    numbers = {name: row[columns[name]] for name in _NUMBERS}
    return ModelShape(
        family=row[columns["family"]] or None,
        native_dtype=row[columns["native_dtype"]] or None,
        **{name: int(text) if text else None for name, text in numbers.items()},
    )


_NUMBERS = ("layers", "hidden", "kv_heads", "head_dim", "context")


def _find_row(name: str) -> Row | None:
    parts = split_name(name)
    if parts is None:
        return None
    by_name, by_tail, _ = _registry()
    if row := by_name.get("/".join((*parts.folders[-1:], parts.name))):
        return row
    # A mirror, a quantized copy or a local folder keeps the model's own name. Short aliases without
    # an owner ("mixtral") are not looked for behind another owner.
    plain = without_quantization(parts.name)
    for tail in (parts.name, plain, plain.replace(":", "-")):
        if row := by_tail.get(tail):
            return row
        if (parts.is_path or not parts.folders) and tail in by_name:
            return by_name[tail]
    return None


# --- the name -----------------------------------------------------------------------------------


def _from_name(name: str) -> ModelSize:
    size = parse_name(name)
    if size.total_b is None and size.active_b is None:
        return ModelSize(name)
    return ModelSize(
        name, size.total_b, size.active_b, resolved_by="name", upper_bound=size.upper_bound
    )
