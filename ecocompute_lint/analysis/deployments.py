"""From the abstract run of a module to facts: which quantization reaches which load."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from ecocompute_lint.analysis.objects import Obj, Ref
from ecocompute_lint.analysis.quantization import Holder, Quantizations, configuration_in
from ecocompute_lint.facts import Deployment, Load, Option, Usage
from ecocompute_lint.knowledge.api import Api
from ecocompute_lint.knowledge.apis import LOAD_OPTIONS, SWITCHES, find_api
from ecocompute_lint.values import (
    ABSENT,
    ALWAYS,
    Const,
    Constraint,
    Guards,
    Payload,
    Value,
    Ways,
    conjunction,
    known,
    opposite,
    union,
)

_QUANTIZATION = "quantization_config"


class Reader(Quantizations):
    """Reads the facts off a finished run."""

    def deployments(self) -> Iterator[Deployment]:
        """All of them, loads first, then configurations that reach no load."""
        objects = [obj for obj in self.run.objects.values() if self._counts(obj)]
        rows = [(obj, find_api(obj.callee)) for obj in objects if obj.kind == "call"]
        for obj, row in rows:
            if row is not None and row.role == "load":
                yield from self._of_load(obj, row)
        for obj, row in rows:
            if row is not None and row.role == "apply":
                yield from self._of_apply(obj, row)
        for obj, row in rows:
            if row is not None and (
                row.role == "layer" or (row.role == "config" and id(obj.node) not in self.reached)
            ):
                quantization = self.configured(obj, row, None)
                context = "training" if row.training else self._fallback(obj)
                ways = conjunction(obj.ways, self._taken(obj))
                yield Deployment(quantization, None, context, self._compiled_anywhere(), ways)

    def _taken(self, obj: Obj) -> Ways:
        """The ways in which a configuration is used: not as things stand, if another one is."""
        if "passed over" not in obj.marks:
            return ALWAYS
        other = self.run.input(("passed over", obj), "another entry of the table")
        return ({other: Constraint(truth=True)},)

    def _counts(self, obj: Obj) -> bool:
        """Whether an object stands for itself: not one that callers in the file specialise."""
        return bool(obj.chain) or id(obj.node) not in self.followed

    # -- loads

    def _of_load(self, obj: Obj, row: Api) -> Iterator[Deployment]:
        top = self.top(obj, obj)
        given = top.values.get(row.model)
        if given is not None and any(self._is_model(item.payload) for item in given):
            return  # a pipeline around a loaded model takes no options for loading
        load = self._load(obj, row, top)
        yield from self._in_holder(obj, row, load, top, row.config)
        for name in row.nested:
            value = top.values.get(name)
            for item in value or ():
                if isinstance(item.payload, Ref) and item.payload.obj.kind == "dict":
                    holder = self.holder(item.payload.obj, obj)
                    nested = replace(load, options=self._load_options(row, holder))
                    yield from self._in_holder(
                        obj, row, nested, holder, (_QUANTIZATION,), (item.guards,)
                    )

    @staticmethod
    def _is_model(payload: Payload) -> bool:
        row = (
            find_api(payload.obj.callee) if isinstance(payload, Ref) and not payload.part else None
        )
        return row is not None and row.role == "load"

    def _in_holder(
        self,
        obj: Obj,
        row: Api,
        load: Load,
        holder: Holder,
        config: tuple[str, ...],
        ways: Ways = ({},),
    ) -> Iterator[Deployment]:
        ways = conjunction(obj.ways, ways)
        context = self._context(obj)
        for name in config:
            for item in holder.values.get(name) or ():
                for quantization, part, more in self._from_config(item.payload, obj):
                    joint = conjunction(conjunction(ways, (item.guards,)), more)
                    if joint:
                        compiled = self._compiled(*self.run.component(obj, part))
                        # A pipeline's name says nothing of how large one part of it is.
                        reached = replace(load, model=known(ABSENT)) if part else load
                        yield Deployment(quantization, reached, context, compiled, joint)
        # A loader that takes options in a dict of their own has no switches beside it.
        takes = bool(row.defaults) and (not row.nested or holder.carrier != obj.span)
        if takes and any(name in holder.values for name in SWITCHES):
            quantization = self._options_in(obj, row, holder)
            yield Deployment(quantization, load, context, self._compiled(obj, ""), ways)

    def _from_config(self, payload: Payload, load: Obj) -> Iterator[tuple[Usage, str, Ways]]:
        """What a configuration says: for the whole model, or for parts of it by their names."""
        if not isinstance(payload, Ref) or payload.part:
            return
        obj = payload.obj
        row = find_api(obj.callee) if obj.kind == "call" else None
        if row is not None and row.role == "config":
            self.reached.update(id(one.node) for one in (obj, *obj.sources))
            parts = list(self._of_components(obj, row, load))
            yield from parts or [(self.configured(obj, row, load), "", obj.ways)]
        if obj.kind == "dict":
            holder = self.holder(obj, load)
            method = holder.values.get("quant_method")
            named = method.constant() if method is not None else "bitsandbytes"
            if named == "bitsandbytes" and any(name in holder.values for name in SWITCHES):
                row = find_api("transformers.BitsAndBytesConfig")
                assert row is not None
                made = self.quantization(row, "dict", load.span, holder, row.defaults)
                yield made, "", obj.ways

    def _of_components(self, obj: Obj, row: Api, load: Obj) -> Iterator[tuple[Usage, str, Ways]]:
        """What a configuration gives to single parts of a pipeline."""
        values = self.state(obj, load)
        for table in (item for key in row.components for item in values.get(key) or ()):
            source = table.payload.obj if isinstance(table.payload, Ref) else None
            if source is None or source.kind != "dict":
                continue
            for name, value in self.state(source, load).items():
                part = name if name.isidentifier() else ""  # put there under a name not known
                for item in value:
                    found = configuration_in(item.payload)
                    if found is not None:
                        ways = conjunction((table.guards,), (item.guards,))
                        yield self.reach(*found, load), part, conjunction(obj.ways, ways)

    def _options_in(self, obj: Obj, row: Api, holder: Holder) -> Usage:
        return self.quantization(row, "argument", obj.span, holder, row.defaults)

    def _load(self, obj: Obj, row: Api, holder: Holder) -> Load:
        model = holder.values.get(row.model)
        if model is None and row.name.endswith("from_pretrained") and obj.call.keywords:
            model = holder.values.get("model_name") or holder.values.get("model_id")
        return Load(
            row.name,
            self.place(obj.span),
            self.settled(model) if model is not None else known(ABSENT),
            self._load_options(row, holder),
            self._configuration(obj, row, holder),
        )

    def _configuration(self, obj: Obj, row: Api, holder: Holder) -> Usage | None:
        given = [item.payload for name in row.config for item in holder.values.get(name) or ()]
        made = list(self._from_config(given[0], obj)) if len(given) == 1 else []
        return made[0][0] if len(made) == 1 else None

    def _load_options(self, row: Api, holder: Holder) -> dict[str, Option]:
        found = {}
        for name in LOAD_OPTIONS:
            default = False if name in SWITCHES else None
            found[name] = self.option(name, name, holder, default)
        return found

    # -- quantizing in place

    def _of_apply(self, obj: Obj, row: Api) -> Iterator[Deployment]:
        state = self.state(obj, obj)
        given = state.get(row.target)
        for root, part, _ in self.run.roots(given) if given is not None else ():
            self.quantized.add(id(self.run.component(root, part)[0].node))
        configs = [value for name in row.config if (value := state.get(name)) is not None]
        for value in configs:
            for item in value:
                inner = item.payload.obj if isinstance(item.payload, Ref) else None
                found = find_api(inner.callee) if inner is not None else None
                if inner is None or found is None or found.role != "config":
                    continue
                self.reached.add(id(inner.node))
                quantization = replace(
                    self.configured(inner, found, obj),
                    place=self.place(obj.span),
                    spelling="applied",
                )
                ways = conjunction(obj.ways, (item.guards,))
                yield from self._applied(obj, given, quantization, ways)

    def _applied(
        self, obj: Obj, given: Value | None, quantization: Usage, ways: Ways
    ) -> Iterator[Deployment]:
        roots = list(self.run.roots(given)) if given is not None else []
        if not roots:
            context = self._fallback(obj)
            yield Deployment(quantization, None, context, self._compiled_anywhere(), ways)
            return
        for root, part, guards in roots[:4]:
            target, name = self.run.component(root, part)
            row = find_api(target.callee)
            load = None
            if row is not None and row.role == "load":
                load = self._load(target, row, self.top(target, target))
            joint = conjunction(ways, (guards,))
            if joint:
                compiled = self._compiled(target, name)
                yield Deployment(quantization, load, self._context(target), compiled, joint)

    def _compiled(self, obj: Obj, part: str) -> Value:
        ways: list[Guards] = []
        for mark in obj.compiled:
            if not mark.part or not part or mark.part == part:
                ways.extend(mark.ways)
        if ways:
            # What a flag decides does not make it sure that the model runs uncompiled.
            flag = self.run.input(("compiled", obj, part), "compiled behind a flag")
            off = conjunction(opposite(tuple(ways)), ({flag: Constraint(truth=False)},))
            return union(
                [known(Const(True)).within(tuple(ways))]
                + ([known(Const(False)).within(off)] if off else [])
            )
        if self.run.unresolved_compile:
            return self.run.unknown("compiled elsewhere")
        return known(Const(False))

    def _compiled_anywhere(self) -> Value:
        """Whether a model that we cannot follow is compiled: unknown if any model is."""
        if self.run.unresolved_compile or "compiled" in self.run.function_marks.get(None, ()):
            return self.run.unknown("compiled elsewhere")
        return known(Const(False))

    # -- context

    def _context(self, obj: Obj) -> str:
        if "training" in obj.marks:
            return "training"
        if "generation" in obj.marks:
            return "inference"
        return self._fallback(obj) if "escape" in obj.marks else "inference"

    def _fallback(self, obj: Obj) -> str:
        """By the function, then the module: where what becomes of an object cannot be followed."""
        for function in (obj.function, None):
            marks = self.run.function_marks.get(function, set())
            if "training" in marks:
                return "training"
            if "generation" in marks and function is not None:
                return "inference"
        return "inference"
