"""Deployment files in YAML: compose, Kubernetes, Helm values, workflows, and the like.

What a mapping is, is known by its keys, wherever it stands: a container by its command line or
image, lines of shell by the key that they stand under. Text for people is never read.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace

from ecocompute_lint.knowledge import manifests as keys
from ecocompute_lint.sources import engine_configs, scripts
from ecocompute_lint.sources.containers import Context, command_keys, container, image_of
from ecocompute_lint.sources.documents import Branch, Document, Package, Unreadable, Word
from ecocompute_lint.sources.pieces import Piece
from ecocompute_lint.sources.yaml_nodes import (
    LARGEST,
    Entry,
    Listing,
    Node,
    Record,
    Scalar,
    compose,
)
from ecocompute_lint.sources.yaml_words import environment_of, resolve

_COMPOSE_FILE = re.compile(r"(?:^|/)(?:docker-)?compose[\w.-]*\.ya?ml$")
_KUBERNETES = re.compile(r"^apiVersion:\s*\S.*", re.M)
_KIND = re.compile(r"^kind:\s*\S", re.M)
_RUN_LOG = re.compile(r"(?:^|/)wandb/")
_NESTING = 3


def read(text: str, path: str) -> Document:
    """What a YAML file says. Raises Unreadable where it is certainly a manifest and broken."""
    if len(text) > LARGEST or _RUN_LOG.search(path):
        return Document()
    try:
        return read_piece(Piece.whole(text), path)
    except Unreadable:
        if _is_certain(text, path):
            raise
        return Document()


def read_piece(piece: Piece, path: str, depth: int = 0) -> Document:
    """What a text of YAML inside a file says."""
    source = compose(piece)
    return _joined(_Walk(path, depth).root(root) for root in source.documents)


def _joined(parts: Iterable[Document]) -> Document:
    """Documents as one."""
    found = [part for part in parts if part]
    return Document(
        tuple(item for part in found for item in part.services),
        tuple(item for part in found for item in part.packages),
        tuple(item for part in found for item in part.blocks),
    )


def _is_certain(text: str, path: str) -> bool:
    """Whether a file is a manifest of an engine whatever is wrong with it.

    A template need not be YAML, and of what others deploy one need not say that it is broken.
    """
    if "{{" in text or "{%" in text or not keys.ENGINE.search(text):
        return False
    if _COMPOSE_FILE.search(path):
        return True
    return bool(_KUBERNETES.search(text) and _KIND.search(text))


@dataclass(slots=True)
class _Walk:
    """One document, mapping by mapping; what anchors share is read once."""

    path: str
    depth: int
    seen: set[int] = field(default_factory=set)

    def root(self, node: Node) -> Document:
        """A whole document."""
        context = Context(self.path)
        if isinstance(node, Record):
            if engine_configs.is_dump(node):
                return Document()
            services = node.record("services")
            compose_file = services is not None and _is_compose(services, self.path)
            context = replace(context, compose=compose_file)
            if services is not None and compose_file:
                _extend(services)
            known = engine_configs.of_root(node, context)
            if known is not None:
                return known
        return self.node(node, context)

    def node(self, node: Node, context: Context, key: str = "") -> Document:
        """A mapping or a list, and all in it."""
        if isinstance(node, Scalar) or id(node) in self.seen:
            return Document()
        self.seen.add(id(node))
        if isinstance(node, Listing):
            return _joined(self.node(item, context, key) for item in node.items)
        return self._record(node, context, key)

    def _record(self, record: Record, context: Context, key: str) -> Document:
        if engine_configs.is_dump(record):
            return Document()
        inner = _context(record, context, key)
        found = [engine_configs.of_any(record, inner) or Document()]
        runs = command_keys(record)
        if (
            runs
            or any(name in record for name in keys.VARIABLES)
            or (image_of(record) is not None and key not in keys.IMAGES)
        ):
            found.append(container(record, inner))
        for name, entry in record.entries.items():
            if name not in runs and not keys.PROSE.fullmatch(name):
                found.append(self._entry(name, entry, _told(record, name, inner)))
        return _joined(found)

    def _entry(self, name: str, entry: Entry, context: Context) -> Document:
        """What stands under a key."""
        value = entry.value
        if name in keys.REQUIREMENTS and isinstance(value, Listing):
            return Document(packages=tuple(_requirements(value, context)))
        if isinstance(value, Scalar):
            if keys.NESTED.fullmatch(name):
                return self._nested(value)
            return self._script(value, context) if _holds_lines(name) else Document()
        if _holds_lines(name) and isinstance(value, Listing):
            return _joined(
                self._script(item, context)
                if isinstance(item, Scalar)
                else self.node(item, context, name)
                for item in value.items
            )
        return self.node(value, context, name)

    def _script(self, scalar: Scalar, context: Context) -> Document:
        if not scalar.text.strip() or id(scalar) in self.seen:
            return Document()
        self.seen.add(id(scalar))
        condition = context.branch or scalar.source.branch(scalar.start)
        return replace(context, branch=condition).script(scalar.piece, context.environment)

    def _nested(self, scalar: Scalar) -> Document:
        """YAML in a text of YAML."""
        if self.depth >= _NESTING:
            return Document()
        try:
            return read_piece(scalar.piece, self.path, self.depth + 1)
        except Unreadable:
            return Document()


def _context(record: Record, around: Context, key: str) -> Context:
    """What holds inside a mapping."""
    inner = around
    engine = keys.ENGINE_KEYS.get(engine_configs.plain(key).removesuffix("-config"), "")
    engine = engine or keys.ENGINE_KEYS.get(record.text("engine").lower(), "")
    served = record.record("modelFormat")
    if served is not None:
        engine = keys.FORMATS.get(served.text("name").lower(), "")
    if engine and engine != inner.engine:  # another engine has an image of its own
        inner = replace(inner, engine=engine, image=None)
    image = image_of(record)
    if image is not None:
        inner = replace(inner, image=image)
    variables = environment_of(record.get(*keys.VARIABLES))
    if variables:
        inner = replace(inner, environment={**inner.environment, **variables})
    condition = record.text("if") if "run" in record else ""
    if condition and inner.branch is None:
        test = record.source.text[record.entries["if"].value.start : record.entries["if"].value.end]
        # Each setting of a matrix is run.
        decider = "environment" if "matrix." in test and "inputs." not in test else "caller"
        inner = replace(inner, branch=Branch(test, decider))
    return inner


def _told(record: Record, name: str, around: Context) -> Context:
    """What holds under a key that sets a device or a phase apart from its siblings."""
    told: dict[str, Word] = {}
    place = record.entries[name].key.place
    device = keys.device_named(name)
    if device is not None:
        told["device"] = Word(device, place)
    phase = keys.phase_named(name)
    if phase is not None and _works(record, phase[1]):
        told["disaggregation-mode"] = Word(phase[0], place)
    return replace(around, told={**around.told, **told}) if told else around


def _works(record: Record, parts: tuple[str, ...]) -> bool:
    """Whether a mapping has workers for the other phase as well, which are not switched off."""
    for name, entry in record.entries.items():
        if keys.parts_of(name) == parts and isinstance(entry.value, Record):
            off = entry.value.text("enabled").lower() == "false"
            return bool(entry.value.entries) and not off and entry.value.text("replicas") != "0"
    return False


def _holds_lines(name: str) -> bool:
    return name in keys.SCRIPTS or keys.SCRIPT_KEY.search(name) is not None


def _is_compose(services: Record, path: str) -> bool:
    if _COMPOSE_FILE.search(path):
        return True
    return any(
        isinstance(entry.value, Record)
        and ("image" in entry.value or "build" in entry.value or "command" in entry.value)
        for entry in services.entries.values()
    )


def _extend(services: Record) -> None:
    """Give services what those of the same file have that they extend."""
    for entry in services.entries.values():
        service = entry.value
        if not isinstance(service, Record):
            continue
        extended = service.record("extends")
        if extended is not None and "file" in extended:
            continue
        name = extended.text("service") if extended is not None else service.text("extends")
        base = services.record(name) if name else None
        if base is not None and base is not service:
            added = {key: kept for key, kept in base.entries.items() if key not in service}
            service.merged |= added.keys()
            service.entries.update(added)


def _requirements(listing: Listing, context: Context) -> Iterator[Package]:
    """The packages of a list of requirement lines."""
    words: list[Word] = []
    for item in listing.items:
        if not isinstance(item, Scalar):
            continue
        piece = item.piece
        for match in re.finditer(r"[^\s;#]+", piece.text.partition(" #")[0].partition(";")[0]):
            text, variable = resolve(match.group(), context.environment)
            words.append(Word(text, piece.place(*match.span()), None, variable))
    yield from scripts.packages(words, listing.place, context.branch)
