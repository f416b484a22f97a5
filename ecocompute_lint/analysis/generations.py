"""From the calls that an abstract run has noted to facts on generation: on what, and how often."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from functools import cached_property
from itertools import islice

from ecocompute_lint.analysis.deployments import Reader
from ecocompute_lint.analysis.flow import Flows
from ecocompute_lint.analysis.handlers import Handler, gathers, handlers
from ecocompute_lint.analysis.objects import Event, Obj, Ref, span_of
from ecocompute_lint.analysis.repetition import Repetition, repetition
from ecocompute_lint.facts import Deployment, Load, Option, Usage
from ecocompute_lint.findings import Confidence, Place
from ecocompute_lint.knowledge.apis import find_api
from ecocompute_lint.knowledge.generators import (
    HF_WORDS,
    REMOTE,
    SHARED_WORDS,
    Generator,
    find_generator,
    generator,
)
from ecocompute_lint.prefilter import runs_models
from ecocompute_lint.values import Const, Input, Value, known

_ENGINES = ("vllm", "sglang")
"""Offline engines: in a handler they are unusual, and what becomes of requests is unclear."""
_MOST_NAMES = 200
"""So many options of a configuration are looked at."""
_HOPS = (Confidence.CERTAIN, Confidence.LIKELY, Confidence.POSSIBLE)


class Generations(Reader):
    """Reads generating calls."""

    @cached_property
    def handlers(self) -> Mapping[ast.AST, Handler]:
        """The functions that answer web requests."""
        return handlers(self.run.tree)

    @cached_property
    def flows(self) -> Flows:
        """What depends on what in the loops and functions of the file."""
        return Flows()

    @cached_property
    def _loads(self) -> dict[Obj, Load]:
        """The loads of the models that are asked to generate."""
        return {}

    @cached_property
    def _runs_models(self) -> bool:
        return runs_models(self.lines.text)

    def generations(self) -> Iterator[Deployment]:
        """One fact for each noted call that generates, in each of the ways it was reached."""
        for event in self.run.events:
            row = self._row(event)
            if row is None or event.awaited:
                continue
            yield self._generation(event, row)

    def _row(self, event: Event) -> Generator | None:
        """What kind of generating call an event is."""
        if not self._runs_models:
            return None
        receiver = event.receiver
        if isinstance(receiver, Input):
            name = receiver.name.rpartition(".")[0]
            if event.method != "generate" or REMOTE.search(name):
                return None
            # A name with a space in it is only ours, for what a call or an item gave.
            looks = _looks_like_transformers(event.node, sure=" " in name)
            return generator("transformers.generate") if looks else None
        if not isinstance(receiver, Ref):
            return None
        obj, _ = self.run.component(receiver.obj, receiver.part)
        found = find_generator(obj.callee, event.method)
        if found is not None or event.method != "generate":
            return found
        unknown = obj.kind == "call" and find_api(obj.callee) is None
        if unknown and _is_class(obj.callee) and self.run.of_tree(obj.callee):
            return None  # what a method of one's own class does is seen where it is defined
        if unknown and _looks_like_transformers(event.node) and not REMOTE.search(obj.callee):
            return generator("transformers.generate")
        return None

    def _generation(self, event: Event, row: Generator) -> Deployment:
        span = span_of(event.node)
        place = self.place(span)
        options = self.generating_options(event)
        usage = Usage(
            row.name, row.name, "call", place, options, self.carrier(span, "call"), {}, ""
        )
        load, context = self._of_receiver(event)
        tokens = options.get("max_new_tokens")
        traits: dict[str, Value] = {
            "batches_itself": known(Const(row.batches)),
            "one_token": known(Const(tokens is not None and tokens.value.constant() == 1)),
        }
        words: dict[str, str] = {}
        marks: tuple[Place, ...] = ()
        found = repetition(event, row, self.flows)
        if found is not None:
            sure = min(self._cap(row, event), _HOPS[min(found.hops, 2)])
            traits["repeated"] = known(Const(sure.label))
            words["loop"] = _described(found)
            marks = self._marks(found)
        handler = self._handler(event)
        if handler is not None:
            cap = Confidence[row.at_most.upper()] if row.at_most else Confidence.CERTAIN
            hops = sum(step.hop for step in event.steps)
            sure = min(cap, _HOPS[min(hops, 2)], handler.at_most)
            if row.name in _ENGINES:
                sure = Confidence.POSSIBLE
            traits["handled"] = known(Const(sure.label))
            words["handler"] = f"`{handler.name}` (line {handler.line})"
        return Deployment(
            usage,
            load,
            context,
            known(Const(None)),
            event.ways,
            kind="generation",
            traits=traits,
            words=words,
            marks=marks,
            engine=self._engine_behind(event),
        )

    def _engine_behind(self, event: Event) -> Place | None:
        """Where the serving engine is made that a call is asked of."""
        if not isinstance(event.receiver, Ref):
            return None
        obj, _ = self.run.component(event.receiver.obj, event.receiver.part)
        row = find_api(obj.callee)
        return self.place(obj.span) if row is not None and row.role == "engine" else None

    def generating_options(self, event: Event) -> dict[str, Option]:
        """The options of a generating call, those of its configuration included."""
        holder = self.top(event.made, event.made)
        options = {
            name: self.option(name, name, holder, None)
            for name in holder.values
            if name.isidentifier()
        }
        options.update(self._configured(holder.values.get("generation_config"), options))
        return options

    def _handler(self, event: Event) -> Handler | None:
        """The handler that a call was reached from, unless requests are gathered on the way."""
        if event.root is None or any(gathers(step.function.node) for step in event.steps):
            return None
        return self.handlers.get(event.root)

    def _configured(
        self, value: Value | None, given: Mapping[str, Option]
    ) -> Iterator[tuple[str, Option]]:
        """The options in a configuration of generation that the call does not give itself."""
        for item in value or ():
            obj = item.payload.obj if isinstance(item.payload, Ref) else None
            row = find_api(obj.callee) if obj is not None else None
            if obj is None or row is None or row.name != "transformers.GenerationConfig":
                continue
            holder = self.top(obj, obj)
            for name in islice(holder.values, _MOST_NAMES):
                if name.isidentifier() and name not in given:
                    yield name, self.option(name, name, holder, None)

    def _cap(self, row: Generator, event: Event) -> Confidence:
        """How sure a finding on repeating this call can be."""
        if row.at_most:
            return Confidence[row.at_most.upper()]
        many = event.made.call.keywords.get("num_return_sequences")
        if many is not None and many.value.constant() not in (None, 1):
            return Confidence.POSSIBLE
        return Confidence.CERTAIN

    def _marks(self, found: Repetition) -> tuple[Place, ...]:
        """The call in the loop, where it stands in this file."""
        place = self.place(span_of(found.call)) if found.call is not None else None
        return () if place is None or place.elsewhere else (place,)

    def _of_receiver(self, event: Event) -> tuple[Load | None, str]:
        """The load behind the receiver, if it is seen, and what the model is used for."""
        receiver = event.receiver
        if isinstance(receiver, Ref):
            obj, _ = self.run.component(receiver.obj, receiver.part)
            inner = self.inner(obj)
            if inner is not None:
                return inner
            row = find_api(obj.callee)
            if row is not None and row.role == "load":
                if obj not in self._loads:
                    self._loads[obj] = self._load(obj, row, self.top(obj, obj))
                return self._loads[obj], "training" if "training" in obj.marks else "inference"
        marks: Mapping[object, set[str]] = self.run.function_marks  # type: ignore[assignment]
        function = event.made.function
        training = "training" in marks.get(function, ()) or "training" in marks.get(None, ())
        return None, "training" if training else "inference"

    def inner(self, obj: Obj) -> tuple[Load | None, str] | None:
        """The load of the model that a pipeline is put around; None where it loads its own."""
        row = find_api(obj.callee)
        if row is None or row.role != "load":
            return None
        for item in self.top(obj, obj).values.get(row.model) or ():
            if isinstance(item.payload, Ref) and self._is_model(item.payload):
                model = item.payload.obj
                made = find_api(model.callee)
                assert made is not None
                return self._load(model, made, self.top(model, model)), self._context(model)
        return None


def _is_class(name: str) -> bool:
    """Whether a dotted name ends as names of classes do."""
    return name.rpartition(".")[2][:1].isupper()


def _looks_like_transformers(node: ast.Call, *, sure: bool = False) -> bool:
    """Whether the arguments of a `generate` are those of Transformers, and if `sure` only those."""
    names = {keyword.arg for keyword in node.keywords}
    if sure:
        return not (HF_WORDS - SHARED_WORDS).isdisjoint(name for name in names if name)
    return None in names or not HF_WORDS.isdisjoint(name for name in names if name)


def _described(found: Repetition) -> str:
    if isinstance(found.loop.around, ast.Call):
        return f"what is called for each item of `{found.over}` (line {found.line})"
    return f"the loop over `{found.over}` (line {found.line})"
