"""Facts on engines that a program starts by a command line."""

from __future__ import annotations

from collections.abc import Iterator

from ecocompute_lint.analysis.flags import Given, given_by
from ecocompute_lint.analysis.generations import Generations
from ecocompute_lint.analysis.lists import texts_of
from ecocompute_lint.analysis.objects import CommandLine
from ecocompute_lint.analysis.serving import Site, served
from ecocompute_lint.facts import Carrier, Deployment
from ecocompute_lint.findings import Place
from ecocompute_lint.knowledge import commands
from ecocompute_lint.values import Span


class Servers(Generations):
    """Reads the command lines that the run has noted."""

    def servers(self) -> Iterator[Deployment]:
        """For each command a fact on it, and one on each option that has a place of its own."""
        for line in self._lines():
            launched = commands.launched(texts_of(line.words))
            if launched is None or line.span in self.run.spoiled:
                continue
            given = given_by(line.words, launched, self.run)
            place = self.place(line.span)
            site = self._site(line)
            yield from served(launched.command, given, place, line.ways, site, whole=False)

    def _site(self, line: CommandLine) -> Site:
        return Site(
            self.run,
            lambda name, item: self._stands(item, line),
            lambda name, item: self._begins(line, item),
            self.settled,
            lambda item: self._told_elsewhere(line, item),
        )

    def _lines(self) -> Iterator[CommandLine]:
        """The command lines that are not merely what others are made of."""
        noted = list(self.run.commands.values())
        called = {line.span for line in noted if line.chain}
        kept: dict[Span, list[tuple[frozenset[object], CommandLine]]] = {}
        for line in reversed(noted):  # what is read later is complete, with all its branches
            if not line.chain and line.span in called:
                continue
            parts: frozenset[object] = frozenset(
                item.origin or id(item.payload) for word in line.words for item in word
            )
            others = kept.setdefault(line.span, [])
            if not any(parts <= known_parts for known_parts, _ in others):
                others.append((parts, line))
        for others in kept.values():
            for parts, line in others:
                if not any(parts < known_parts for known_parts, _ in others):
                    yield line

    def _told_elsewhere(self, line: CommandLine, item: Given) -> bool:
        """Whether a flag belongs to another command, which this one goes on from."""
        return item.span is not None and any(
            other.span != line.span
            and other.span[:2] <= item.span[:2]
            and item.span[2:] <= other.span[2:]
            and not (line.span[:2] <= item.span[:2] and item.span[2:] <= line.span[2:])
            for other in self.run.commands.values()
        )

    def _begins(self, line: CommandLine, item: Given) -> Place:
        """Where the command begins, or the flag that a later statement adds."""
        if item.span is not None and item.span[:2] >= line.span[2:]:
            return self.place(item.span)
        return self.place(line.span)

    def _stands(self, item: Given, line: CommandLine) -> tuple[Place | None, Carrier | None]:
        """Where an option stands, and the list that it can be taken out of."""
        if item.span is None:
            return None, None
        carrier: Carrier | None = None
        if item.bare and line.listed:
            # A list of flags from before may be meant for other commands too.
            display = self.run.displays.get(item.span) if item.span >= line.span else None
            carrier = self.carrier(display, "list") if display is not None else None
        return self.place(item.span), carrier
