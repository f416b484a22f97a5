"""Containers of manifests: an image, what is run in it, and with which variables."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import field, replace

from ecocompute_lint.findings import Place
from ecocompute_lint.frozen import dataclass
from ecocompute_lint.knowledge import manifests as keys
from ecocompute_lint.knowledge.commands import known_by_flags, launched
from ecocompute_lint.sources import scripts
from ecocompute_lint.sources.documents import UNKNOWN, Branch, Document, Service, Word
from ecocompute_lint.sources.pieces import Piece
from ecocompute_lint.sources.yaml_nodes import Listing, Node, Record, Scalar
from ecocompute_lint.sources.yaml_words import (
    alone_with_key,
    environment_of,
    list_words,
    settings_of,
    without_doubled_dollars,
    word_of,
)

_SHELL_CALL = re.compile(r"\s*(?:\S*/)?(?:ba|z|da|a|k)?sh\s+(?:-\w+\s+)*-\w*c\b")
_SHELL_FLAG = re.compile(r"-[a-z]*c")


@dataclass(frozen=True, slots=True)
class Context:
    """What holds around a mapping: who its engine is, its image, variables and condition."""

    path: str
    compose: bool = False
    engine: str = ""
    image: Word | None = None
    environment: Mapping[str, Word] = field(default_factory=dict)
    branch: Branch | None = None
    told: Mapping[str, Word] = field(default_factory=dict)
    """What the keys around tell as options of an engine: the device, the phase it works for."""

    def script(self, piece: Piece, environment: Mapping[str, Word]) -> Document:
        """What shell lines run."""
        if self.compose and "$$" not in piece.text:
            environment = {}
        found = scripts.script(self.dollars(piece), self.path, environment, self.branch)
        if not self.told:
            return found
        services = tuple(
            replace(service, settings={**self.told, **service.settings})
            for service in found.services
        )
        return replace(found, services=services)

    def dollars(self, piece: Piece) -> Piece:
        """A text as the container gets it."""
        return without_doubled_dollars(piece) if self.compose else piece


def image_of(record: Record) -> Word | None:
    """The image that a mapping names, in one of the forms that there are."""
    node = record.get(*keys.IMAGES)
    if isinstance(node, Scalar):
        return word_of(node) if node.text else None
    parts = node if isinstance(node, Record) else record if "repository" in record else None
    if parts is None:
        return None
    name = parts.get(*keys.REPOSITORIES) if parts is not record else parts.get("repository")
    if not isinstance(name, Scalar) or not name.text:
        return None
    word = word_of(name)
    registry, tag = parts.text("registry"), parts.text(*keys.TAGS)
    text = f"{registry}/{word.text}" if registry else word.text
    return replace(word, text=f"{text}:{tag}" if tag else text, removal=None)


def command_keys(record: Record) -> tuple[str, ...]:
    """The keys of a command line, in the order in which they come."""
    ordered = [key for key in (*keys.ENTRIES, *keys.COMMANDS) if key in record]
    ordered += [key for key in record.entries if keys.ARGUMENTS.fullmatch(key)]
    return tuple(key for key in ordered if not isinstance(record.get(key), Record))


def container(record: Record, context: Context) -> Document:
    """What the command line of a mapping runs."""
    own = image_of(record)
    image = own or context.image
    given = environment_of(record.get(*keys.VARIABLES))
    variables = {**context.environment, **given}
    wanted = command_keys(record)
    nodes = [(key, node) for key in wanted if (node := record.get(key)) is not None]
    base = Service(
        own.place if own else record.place,
        image=image,
        environment=variables,
        settings={**context.told, **_devices(record)},
        branch=context.branch or record.source.branch(record.start),
    )
    scripted = _scripted(nodes, context, variables)
    if scripted is not None:
        return attached(scripted, base)
    command, document = _command(record, nodes, context, variables)
    if document:
        return attached(document, base)
    engine = _engine(image, command, context)
    if engine is None or not (command or (own and given)):
        return _by_variables(base, given)
    whole = replace(base, place=_place(command, base.place), engine=engine)
    return Document(_by_condition(whole, command))


def _devices(record: Record) -> dict[str, Word]:
    """What devices handed into a container tell: those of Intel come without ``/dev/kfd``."""
    texts = [scalar.text for scalar in _scalars(record.get("devices") or record)]
    if any("/dev/dri" in text for text in texts) and not any("/dev/kfd" in t for t in texts):
        return {"device": Word("xpu", record.place)}
    return {}


def _scripted(
    nodes: Sequence[tuple[str, Node]], context: Context, variables: Mapping[str, Word]
) -> Document | None:
    """What a shell is given to run, where it is one that is called."""
    scalars = [scalar for _, node in nodes for scalar in _scalars(node)]
    first = scalars[0] if scalars else None
    if first is None:
        return None
    if _SHELL_CALL.match(first.text) and not isinstance(nodes[0][1], Listing):
        return context.script(first.piece, variables)
    if first.text.rsplit("/", 1)[-1] not in keys.SHELLS:
        # a script where arguments are meant: more lines than a list of words has
        lone = len(scalars) == 1 and isinstance(nodes[0][1], Scalar)
        if lone and ("\n" in first.text.strip() or launched(first.text.split())):
            return context.script(first.piece, variables)
        return None
    for index, scalar in enumerate(scalars[1:], 1):
        if _SHELL_FLAG.fullmatch(scalar.text):
            document = Document()
            for text in scalars[index + 1 : index + 2]:
                document += context.script(text.piece, variables)
            return document
        if not scalar.text.startswith("-"):
            break
    return Document()


def _scalars(node: Node) -> list[Scalar]:
    if isinstance(node, Scalar):
        return [node]
    return (
        [item for item in node.items if isinstance(item, Scalar)]
        if isinstance(node, Listing)
        else []
    )


def _command(
    record: Record,
    nodes: Sequence[tuple[str, Node]],
    context: Context,
    variables: Mapping[str, Word],
) -> tuple[list[tuple[Branch | None, Word]], Document]:
    """The words of a command line, each with its condition; or what lines of shell run."""
    words: list[tuple[Branch | None, Word]] = []
    around = record.source.branch(record.start)
    document = Document()
    if context.compose:  # fills in variables of the machine that it runs on
        variables = {}
    for key, node in nodes:
        if isinstance(node, Listing) and _is_lines(node):
            for scalar in _scalars(node):
                document += context.script(scalar.piece, variables)
        elif isinstance(node, Listing):
            for scalar, word in list_words(node, variables, (record, key)):
                branch = scalar.source.branch(scalar.start)
                words.append((None if branch == around else branch, word))
        elif isinstance(node, Scalar) and node.text.strip():
            split = scripts.shell_words(context.dollars(node.piece), variables)
            words += [(None, word) for word in alone_with_key(split, record, key)]
    return words, document


def _is_lines(node: Listing) -> bool:
    """Whether a list is one of commands, not of words: whole lines, the first one no flag."""
    first = node.items[0] if node.items else None
    return (
        isinstance(first, Scalar)
        and not first.text.startswith("-")
        and len(first.text.split()) > 1
        and launched(first.text.split()[:8]) is not None
    ) or (
        isinstance(first, Scalar)
        and re.match(r"(?:uv )?pip3? install |(?:cd|export|source|set) ", first.text) is not None
    )


def _engine(
    image: Word | None, command: Sequence[tuple[Branch | None, Word]], context: Context
) -> str | None:
    """The engine that only the surroundings name; empty where image or words do; None: none."""
    words = [word.text for _, word in command]
    if launched([None if UNKNOWN in word else word for word in words]) is not None:
        return ""
    if image is not None and keys.ENGINE.search(image.text):
        return ""
    if any(keys.ENGINE.search(word) for word in words[:4] if not word.startswith("-")):
        return ""
    if context.engine and words and words[0].startswith("-"):
        return context.engine
    return known_by_flags(words) or None


def _by_variables(base: Service, given: Mapping[str, Word]) -> Document:
    """Arguments that a variable hands on to an engine: ``EXTRA_ARGS: --enforce-eager``."""
    services = []
    for name, word in given.items():
        texts = word.text.split()
        engine = known_by_flags(texts) if keys.ARGUMENT_VARIABLE.search(name) else ""
        if engine:
            words = tuple(replace(word, text=text, removal=None) for text in texts)
            services.append(replace(base, place=word.place, words=words, engine=engine))
    return Document(tuple(services))


def _place(command: Sequence[tuple[Branch | None, Word]], otherwise: Place) -> Place:
    return command[0][1].place if command else otherwise


def _by_condition(
    service: Service, command: Sequence[tuple[Branch | None, Word]]
) -> tuple[Service, ...]:
    """One service of what is always given, and one for each condition of a template."""
    always = tuple(word for branch, word in command if branch is None)
    services = [replace(service, words=always)]
    start: list[Word] = []
    for word in always:
        if word.text.startswith("-") and word.text not in ("-m", "-u"):
            break
        start.append(word)
    for condition in dict.fromkeys(branch for branch, _ in command if branch is not None):
        own = tuple(word for branch, word in command if branch == condition)
        services.append(replace(service, words=(*start, *own), branch=condition))
    return tuple(services)


def attached(document: Document, base: Service) -> Document:
    """The services of a script with the image and variables of their container."""
    services = tuple(
        replace(
            service,
            image=service.image or base.image,
            environment={**base.environment, **service.environment},
            settings={**base.settings, **service.settings},
            branch=service.branch or base.branch,
        )
        for service in document.services
    )
    return scripts.under(Document(services, document.packages, document.blocks), base.branch)


def options_as_service(record: Record, context: Context, engine: str) -> Service:
    """Keys of an engine's own configuration."""
    return Service(
        record.place,
        image=context.image,
        environment=context.environment,
        engine=engine,
        settings={**context.told, **settings_of(record, context.environment)},
        branch=context.branch or record.source.branch(record.start),
    )
