"""Lines of ``key=value``: DJL's serving.properties, and lists of options between commas."""

from __future__ import annotations

import re

from ecocompute_lint.sources.documents import UNKNOWN, Block, Document, Service, Word
from ecocompute_lint.sources.pieces import Piece
from ecocompute_lint.sources.scalars import whole_lines

_LINE = re.compile(r"^[ \t]*(?P<key>[\w.-]+)[ \t]*[=:][ \t]*(?P<value>[^\r\n]*?)[ \t]*$", re.M)
_OPTION = re.compile(r"(?P<key>[\w.]+)=(?P<value>[^,]*)(?:,|$)")
_FILLED_IN = re.compile(r"\$?\{\{?[\w. ]+\}?\}")
_PREFIX = "option."
_ENGINES = {"vllm": "vllm", "lmi-dist": "vllm"}
"""Which engine a rolling batch is; lmi-dist is built on vLLM and takes its options."""
_SPELLINGS = {
    "model_id": "model",
    "max_rolling_batch_size": "max_num_seqs",
    "tensor_parallel_degree": "tensor_parallel_size",
}
_LOADS_IN_8_BIT = ("load_in_8bit", "load_in_4bit")


def read(text: str, path: str) -> Document:
    """A serving.properties file."""
    return properties(Piece.whole(text))


def properties(piece: Piece) -> Document:
    """The options of DJL's large model containers."""
    settings: dict[str, Word] = {}
    for match in _LINE.finditer(piece.text):
        key = match["key"]
        if key.startswith(_PREFIX) or key == "engine":
            line_end = _behind(piece.text, match.end())
            removal = whole_lines(piece, match.start(), line_end)
            place = piece.place(*match.span("value"))
            value = _FILLED_IN.sub(UNKNOWN, match["value"])
            settings[key.removeprefix(_PREFIX)] = Word(value, place, removal)
    if not any(key != "engine" for key in settings):
        return Document()
    whole = piece.place(0, len(piece.text))
    batching = settings.get("rolling_batch")
    engine = _ENGINES.get(batching.text.lower(), "djl") if batching is not None else "djl"
    if engine != "djl":
        settings = {_SPELLINGS.get(key, key): word for key, word in settings.items()}
    return Document((Service(whole, engine=engine, settings=settings),))


def _behind(text: str, end: int) -> int:
    """Where the line behind this one begins."""
    if text.startswith("\r\n", end):
        return end + 2
    return min(len(text), end + 1)


def comma_options(piece: Piece) -> dict[str, Word]:
    """``a=b,c=d``, as lm-eval takes options."""
    found: dict[str, Word] = {}
    for match in _OPTION.finditer(piece.text):
        start, end = match.span()
        if end == len(piece.text) and start and not match.group().endswith(","):
            start -= 1  # the last one goes with the comma before it
        place = piece.place(*match.span("value"))
        found[match["key"]] = Word(match["value"].strip(), place, piece.place(start, end))
    return found


def flags(text: str, path: str) -> Document:
    """text-generation-webui's CMD_FLAGS.txt: flags, with comments."""
    piece = Piece.whole(text)
    options: dict[str, Word] = {}
    for line in re.finditer(r"^[^#\r\n]*", text, re.M):
        for flag in re.finditer(
            r"--(?P<name>[\w-]+)(?:[= \t]+(?P<value>[^-\s]\S*))?", line.group()
        ):
            start, end = line.start() + flag.start(), line.start() + flag.end()
            name = flag["name"].replace("-", "_")
            place = piece.place(start, end)
            options[name] = Word(flag["value"] or "true", place, place)
    if not any(option in options for option in _LOADS_IN_8_BIT):
        return Document()
    model = options.get("model")
    block = Block("webui", piece.place(0, len(text)), options, "", model)
    return Document(blocks=(block,))
