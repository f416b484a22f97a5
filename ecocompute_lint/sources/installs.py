"""What a command installs: ``pip install …`` and its kin, word by word."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from ecocompute_lint.knowledge.installers import (
    ENVIRONMENT,
    INSTALLERS,
    RUNNERS,
    WRAPPERS,
    Installer,
)
from ecocompute_lint.sources.asked import (
    RELEASE,
    Asked,
    Sources,
    asked,
    of_conda_spec,
    of_git,
    settle,
    settle_conda,
)
from ecocompute_lint.sources.documents import UNKNOWN, Branch, Package, Word

_PROGRAM = re.compile(r"([^/\\]+?)(?:\.exe)?$")
_PYTHON = re.compile(r"(?:python|pypy|py)[\d.]*|.*\0.*", re.DOTALL)
_ASSIGNMENT = re.compile(r"[A-Za-z_]\w*=")
_CLUSTER = re.compile(r"-[A-Za-z]{2,5}")
_URL_BEHIND = re.compile(r"-[if](?=\w+://)")
_OFF = frozenset({"0", "false", "no", "off", "n", ""})
_ALLOWING = frozenset({"allow", "explicit"})
_SEPARATORS = frozenset({"&&", "||", ";", "|", "&"})
_MOST_HOPS = 12


def packages_of(
    words: Sequence[Word],
    branch: Branch | None = None,
    environment: Mapping[str, Word] | None = None,
) -> Iterator[Package]:
    """The packages that one command installs; none for any other command.

    `environment` are the variables that the command is given.
    """
    started = _installer(words)
    if started is None:
        return
    installer, rest = started
    order = Order(installer)
    order.told(environment or {})
    order.read(rest)
    for word, item in order.wanted:
        known = order.on_branch(item)
        if known is None:
            continue
        channel, reason = (settle_conda if installer.conda else settle)(known, order.sources)
        variable = word.variable or (order.variable if channel != RELEASE else "")
        yield Package(
            known.name,
            channel,
            word.text.replace(UNKNOWN, "…"),
            word.place,
            reason,
            branch or (Branch(f"${variable}", "default") if variable else None),
        )


def _installer(words: Sequence[Word]) -> tuple[Installer, Sequence[Word]] | None:
    """Who installs, and the words behind the verb."""
    index = 0
    for _ in range(_MOST_HOPS):
        index = _past_wrappers(words, index)
        if index >= len(words):
            return None
        program = _program(words[index].text)
        after = [word.text for word in words[index + 1 : index + 4]]
        if _PYTHON.fullmatch(program):
            module = _module(words, index + 1)
            if module is None:
                return None
            index = module
            continue
        if program in RUNNERS and after[:1] == ["run"]:
            inner = _run(words, index + 2)
            if inner is None:
                return None
            index = inner
            continue
        found = next((item for item in INSTALLERS if item.programs.fullmatch(program)), None)
        return _behind_verb(found, words, index + 1) if found is not None else None
    return None


def _program(text: str) -> str:
    found = _PROGRAM.search(text.lstrip("!%@-"))
    return found[1].lower() if found is not None else ""


def _past_wrappers(words: Sequence[Word], index: int) -> int:
    wrapped = False
    while index < len(words):
        text = words[index].text
        if text in WRAPPERS:
            wrapped = True
        elif not (_ASSIGNMENT.match(text) or (wrapped and _of_wrapper(text))):
            break
        index += 1
    return index


def _of_wrapper(text: str) -> bool:
    """An option of a wrapper, or the number that it wants."""
    return text.startswith("-") or text.rstrip("smh").isdigit()


def _module(words: Sequence[Word], index: int) -> int | None:
    """Where the module stands that ``python -m`` runs."""
    while index + 1 < len(words) and words[index].text.startswith("-"):
        if words[index].text == "-m":
            return index + 1
        index += 1
    return None


def _run(words: Sequence[Word], index: int) -> int | None:
    """Where the command stands that ``conda run -n NAME`` and the like start."""
    for number in range(index, min(index + 8, len(words))):
        program = _program(words[number].text)
        if _PYTHON.fullmatch(program) or program.startswith("pip") or program == "uv":
            return number
    return None


def _behind_verb(
    installer: Installer, words: Sequence[Word], index: int
) -> tuple[Installer, Sequence[Word]] | None:
    """The words behind ``install``; options may stand before it."""
    before: list[Word] = []
    while index < len(words):
        texts = tuple(word.text for word in words[index : index + 2])
        verb = next((v for v in installer.verbs if texts[: len(v)] == v), None)
        if verb is not None:
            return installer, (*before, *words[index + len(verb) :])
        if not texts[0].startswith("-"):
            return None
        takes = 2 if texts[0] in installer.meaning and len(texts) > 1 else 1
        before += words[index : index + takes]
        index += takes
    return None


@dataclass(slots=True)
class Order:
    """What the words of one command say."""

    installer: Installer
    sources: Sources = field(default_factory=Sources)
    wanted: list[tuple[Word, Asked]] = field(default_factory=list)
    ref: str | None = None
    variable: str = ""
    """The variable whose default says where to look."""

    def told(self, environment: Mapping[str, Word]) -> None:
        """Variables that the command is given."""
        for name, word in environment.items():
            meaning = ENVIRONMENT.get(name)
            if meaning == "pre":
                if word.text.lower() not in _OFF and UNKNOWN not in word.text:
                    self.switch("pre")
            elif meaning is not None and not self.installer.conda:
                self.give(meaning, word)

    def read(self, words: Sequence[Word]) -> None:
        """The words behind the verb, options and packages."""
        index = 0
        while index < len(words):
            word = words[index]
            if word.text in _SEPARATORS:
                return
            index += 1
            if not word.text.startswith("-"):
                self.want(word)
                continue
            flag, equals, inline = word.text.partition("=")
            behind = _URL_BEHIND.match(word.text)
            if behind is not None:
                flag, equals, inline = word.text[:2], "=", word.text[2:]
            if not equals:
                flag = self.last_of_cluster(flag)
            meaning = self.installer.meaning.get(flag)
            if meaning is None or (not equals and flag in self.installer.switches):
                self.switch(self.installer.switches.get(flag, ""))
            elif equals:
                self.give(meaning, replace(word, text=inline))
            elif index < len(words):
                self.give(meaning, words[index])
                index += 1

    def last_of_cluster(self, flag: str) -> str:
        """``-qr`` is ``-q -r``."""
        if flag in self.installer.meaning or not _CLUSTER.fullmatch(flag):
            return flag
        return f"-{flag[-1]}"

    def switch(self, meaning: str) -> None:
        """A flag without a value."""
        if meaning == "pre":
            self.sources = replace(self.sources, pre=True)
        elif meaning == "alone":
            self.sources = replace(self.sources, alone=True)

    def give(self, meaning: str, word: Word) -> None:
        """A flag with its value."""
        text = word.text
        if meaning == "index":
            self.sources = replace(self.sources, index=(_address(text),))
        elif meaning == "more":
            found = tuple(_address(part) for part in text.split())
            self.sources = replace(self.sources, more=(*self.sources.more, *found))
        elif meaning == "channel":
            found = tuple(text.split(","))
            self.sources = replace(self.sources, channels=(*self.sources.channels, *found))
        elif meaning == "prerelease" and text in _ALLOWING:
            self.switch("pre" if text == "allow" else "")
        elif meaning == "requirement":
            self.want(word)
            return
        elif meaning == "ref":
            self.ref = text
        if word.variable and meaning in ("index", "more", "channel", "prerelease"):
            self.variable = word.variable

    def want(self, word: Word) -> None:
        """A package, if the word names one."""
        found = of_conda_spec(word.text) if self.installer.conda else asked(word.text)
        if found is not None:
            self.wanted.append((word, found))

    def on_branch(self, item: Asked) -> Asked | None:
        """A package whose tag or branch is given apart from its repository."""
        if self.ref is None or item.channel != "source":
            return item
        return of_git("git+https://host/owner/name", item.name, self.ref)


def _address(text: str) -> str:
    """An index without the name that uv lets it have: ``torch=https://…``."""
    name, equals, url = text.partition("=")
    return url if equals and name.replace("-", "").replace("_", "").isalnum() else text
