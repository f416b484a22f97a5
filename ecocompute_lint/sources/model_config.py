"""Checkpoints' config.json, Triton's config.pbtxt and the JSON configurations of engines."""

from __future__ import annotations

import re
from pathlib import PurePosixPath

from ecocompute_lint.findings import Place
from ecocompute_lint.sources.documents import Block, Document, Service, Unreadable, Word
from ecocompute_lint.sources.manifests import read_piece
from ecocompute_lint.sources.pieces import Piece
from ecocompute_lint.sources.yaml_nodes import LARGEST, Record, compose
from ecocompute_lint.sources.yaml_words import settings_of, word_of

_QUANTIZATION = "quantization_config"
_ENGINE_WORDS = re.compile(
    r"\"(?:enforce_eager|gpu_memory_utilization|max_num_seqs|tensor_parallel_size)\""
)
_NAMELESS = frozenset({"", ".", "model", "models", "checkpoint", "checkpoints", "config", "output"})


def read(text: str, path: str) -> Document:
    """A JSON file: a checkpoint's configuration, or arguments of an engine."""
    if len(text) > LARGEST:
        return Document()
    if _QUANTIZATION in text:
        return _checkpoint(text, path)
    if _ENGINE_WORDS.search(text):
        try:
            return read_piece(Piece.whole(text), path)
        except Unreadable:
            return Document()
    return Document()


def _checkpoint(text: str, path: str) -> Document:
    """The quantization that a checkpoint was saved with."""
    try:
        source = compose(Piece.whole(text))
    except Unreadable:
        return Document()
    root = source.documents[0] if source.documents else None
    quantization = root.record(_QUANTIZATION) if isinstance(root, Record) else None
    if not isinstance(root, Record) or quantization is None or not _is_model(root):
        return Document()
    options = settings_of(quantization)
    if not options:
        return Document()
    key = root.entries[_QUANTIZATION].key
    method = options.get("quant_method")
    model = _model(root, path, key.place)
    target = method.text if method is not None else ""
    return Document(blocks=(Block("checkpoint", key.place, options, target, model),))


def _is_model(root: Record) -> bool:
    """Whether a mapping is the configuration of a model, and not settings of a program."""
    return "model_type" in root or "architectures" in root


def _model(root: Record, path: str, place: Place) -> Word | None:
    """What the checkpoint is called: its name within, or that of its folder."""
    name = root.entries.get("_name_or_path")
    if name is not None and root.text("_name_or_path"):
        return word_of(name.value) if not isinstance(name.value, Record) else None  # type: ignore[arg-type]
    folder = PurePosixPath(path.replace("\\", "/")).parent.name
    return None if folder.lower() in _NAMELESS else Word(folder, place)


_PBTXT_COMMENT = re.compile(r"#[^\r\n]*")
_PBTXT_FIELD = re.compile(
    r"(?<![\w.])(?P<key>name|backend|platform|max_batch_size|dynamic_batching)\s*:?\s*"
    r"(?P<value>\"[^\"\r\n]*\"|-?\d+|\{)"
)
_GENERATES = re.compile(
    r"\"(?:text_input|text_output|prompt|prompts|input_ids|output_ids|max_tokens|max_new_tokens"
    r"|generated_text|PROMPT|TEXT|QUERY|query)\""
)
"""Names of inputs and outputs of a model that generates text."""


def pbtxt(text: str, path: str) -> Document:
    """Triton's config.pbtxt: how the requests of a model that generates are batched.

    Only the outermost fields count, and only where the name of an input or output shows that the
    model generates text.
    """
    if len(text) > LARGEST or not _GENERATES.search(text):
        return Document()
    plain = _PBTXT_COMMENT.sub(lambda match: " " * len(match.group()), text)
    piece = Piece.whole(text)
    settings: dict[str, Word] = {}
    for match in _PBTXT_FIELD.finditer(plain):
        if _depth(plain, match.start()):
            continue
        value = match["value"]
        start, end = match.span("value")
        settings[match["key"]] = Word(
            "true" if value == "{" else value.strip('"'), piece.place(start, end)
        )
    if "max_batch_size" not in settings:
        return Document()
    place = settings["max_batch_size"].place
    return Document((Service(place, engine="triton", settings=settings),))


def _depth(text: str, end: int) -> int:
    """How many brackets are open."""
    return sum(text.count(mark, 0, end) for mark in "{[") - sum(
        text.count(mark, 0, end) for mark in "}]"
    )
