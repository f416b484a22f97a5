"""Configurations of engines and loaders that are YAML or JSON mappings, known by their content."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace

from ecocompute_lint.knowledge import manifests as keys
from ecocompute_lint.sources.containers import Context, options_as_service
from ecocompute_lint.sources.documents import Block, Branch, Document, Service, Word
from ecocompute_lint.sources.properties import comma_options, properties
from ecocompute_lint.sources.yaml_nodes import Record, Scalar
from ecocompute_lint.sources.yaml_words import is_nothing, settings_of, word_of

_WEBUI_FILE = re.compile(r"(?:^|/)(?:models/config(?:-user)?|config-user|settings)\.ya?ml$")
_SWITCHES = frozenset({"load_in_8bit", "load_in_4bit"})
_MODELS = ("pretrained", "model", "model_id", "model_name_or_path", "base_model")
_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_CHART_OPTIONS = frozenset({"enable-prefix-caching", "enable-chunked-prefill"})

Shape = Callable[[Record, Context], "Document | None"]


def plain(key: str) -> str:
    """A key as a flag is spelled: ``maxNumSeqs`` and ``max_num_seqs`` are ``max-num-seqs``."""
    return _CAMEL.sub("-", key).replace("_", "-").lower()


def of_root(record: Record, context: Context) -> Document | None:
    """What the outermost mapping of a document is, if it is a configuration that is known."""
    return _first(_ROOTS, record, context)


def of_any(record: Record, context: Context) -> Document | None:
    """What a mapping anywhere is, if it is a configuration that is known."""
    return _first(_ANYWHERE, record, context)


def _first(shapes: tuple[Shape, ...], record: Record, context: Context) -> Document | None:
    for shape in shapes:
        document = shape(record, context)
        if document is not None:
            return document
    return None


def is_dump(record: Record) -> bool:
    """Whether a mapping is the log of a run."""
    return not keys.DUMPS.isdisjoint(record.entries)


def _engine_file(record: Record, context: Context) -> Document | None:
    """The file of ``vllm serve --config`` and its like: the flags without their dashes."""
    names = {plain(key) for key in record.entries}
    if not keys.TRAINING_KEYS.isdisjoint(record.entries):
        return None
    for engine, own, models in (
        ("sglang", keys.SGLANG_KEYS, ("model-path", "model")),
        ("vllm", keys.VLLM_KEYS, ("model", "model-tag")),
    ):
        if _for_a_worker(record, engine, own):
            return Document((options_as_service(record, context, engine),))
        strangers = len(names - own - keys.SERVER_KEYS)
        if strangers > keys.STRANGERS * len(names):
            continue
        if names & own and any(isinstance(record.get(*_spelled(key)), Scalar) for key in models):
            return Document((options_as_service(record, context, engine),))
    return None


def _for_a_worker(record: Record, engine: str, own: frozenset[str]) -> bool:
    """Whether a mapping without a model can only be an engine's: spelled as its flags are."""
    switches = [key for key in keys.SWITCHES[engine] if isinstance(record.get(key), Scalar)]
    familiar = record.entries.keys() & (own | keys.SERVER_KEYS)
    return bool(switches) and len(familiar - set(switches)) > 0


def _spelled(key: str) -> tuple[str, str]:
    return key, key.replace("-", "_")


def _localai(record: Record, context: Context) -> Document | None:
    """A model of LocalAI whose backend is an engine."""
    backend = record.text("backend")
    parameters = record.record("parameters")
    if "name" not in record or parameters is None or not backend:
        return None
    engine = keys.ENGINE_KEYS.get(backend)
    if engine is None:
        return Document()
    service = options_as_service(record, context, engine)
    model = settings_of(parameters).get("model")
    return Document((replace(service, settings=_with_model(service.settings, model)),))


def _with_model(settings: object, model: Word | None) -> dict[str, Word]:
    known: dict[str, Word] = dict(settings) if isinstance(settings, dict) else {}
    return {"model": model, **known} if model is not None else known


def _axolotl(record: Record, context: Context) -> Document | None:
    """Axolotl trains; LLaMA-Factory does unless it is told to infer."""
    if "base_model" in record and ("datasets" in record or "adapter" in record):
        return _block(record, "arguments", "axolotl", training=True)
    return None


def _llama_factory(record: Record, context: Context) -> Document | None:
    if "model_name_or_path" not in record:
        return None
    if "stage" in record or "finetuning_type" in record:
        trains = record.text("do_train").lower() == "true" or "infer_backend" not in record
        return _block(record, "arguments", "llamafactory", training=trains)
    if "infer_backend" in record and "template" in record:
        service = options_as_service(record, context, "vllm")
        settings = {
            key.removeprefix("vllm_"): word
            for key, word in service.settings.items()
            if key.startswith("vllm_")
        }
        if record.text("infer_backend") == "vllm" and settings:
            model = service.settings.get("model_name_or_path")
            return Document((replace(service, settings=_with_model(settings, model)),))
        return _block(record, "arguments", "llamafactory")
    return None


def _lm_eval(record: Record, context: Context) -> Document | None:
    """A configuration of lm-eval: ``model`` is the kind, ``model_args`` say the rest."""
    kind, given = record.text("model"), record.get("model_args")
    if kind not in ("hf", "hf-auto", "huggingface", "vllm", "sglang") or given is None:
        return None
    if isinstance(given, Record):
        options = settings_of(given)
        place = given.place
    elif isinstance(given, Scalar):
        options = comma_options(given.piece)
        place = given.place
    else:
        return None
    model = options.pop("pretrained", None)
    if kind in keys.ENGINE_KEYS:
        settings = _with_model(options, model)
        return Document((Service(place, engine=kind, settings=settings),))
    return Document(blocks=(Block("arguments", place, options, "transformers", model),))


def _webui(record: Record, context: Context) -> Document | None:
    """The settings of models in text-generation-webui."""
    if not _WEBUI_FILE.search(context.path) or "datasets" in record:
        return None
    blocks = []
    for name, entry in {"": None, **record.entries}.items():
        settings = record if entry is None else entry.value
        if isinstance(settings, Record) and not _SWITCHES.isdisjoint(settings.entries):
            model = word_of(entry.key) if entry is not None and "*" not in name else None
            options = settings_of(settings)
            blocks.append(Block("webui", settings.place, options, "", model))
    return Document(blocks=tuple(blocks)) if blocks else None


def _hydra(record: Record, context: Context) -> Document | None:
    """``_target_`` makes a mapping a call."""
    target = record.text("_target_")
    if not target:
        return None
    if target.endswith("BitsAndBytesConfig"):
        return _block(record, "constructor", target)
    if target.endswith(".from_pretrained") and not _SWITCHES.isdisjoint(record.entries):
        return _block(record, "arguments", target)
    return None


def _block(record: Record, role: str, target: str, *, training: bool = False) -> Document:
    options = settings_of(record)
    model = next((options[key] for key in _MODELS if key in options), None)
    branch = record.source.branch(record.start)
    block = Block(role, record.place, options, target, model, training, branch)
    return Document(blocks=(block,))


def _chart_engine(record: Record, context: Context) -> Document | None:
    """``vllmConfig`` of a chart. What it makes of a false switch depends on its version."""
    config = record.record("vllmConfig", "vllm_config")
    if config is None:
        return None
    service = options_as_service(config, context, "vllm")
    settings = {plain(key): word for key, word in service.settings.items()}
    model = settings_of(record).get("modelURL")
    unsure = {
        key: settings.pop(key)
        for key in _CHART_OPTIONS & settings.keys()
        if settings[key].text.lower() == "false"
    }
    settings = _with_model(settings, model)
    cache = record.record("lmcacheConfig")
    if cache is not None and cache.text("kvRole") == "kv_consumer":
        unsure = {}  # it decodes what others have read
    services = [replace(service, settings=settings)] if settings else []
    if unsure:
        condition = Branch("the chart passes a false value on")
        services.append(replace(service, settings=_with_model(unsure, model), branch=condition))
    return Document(tuple(services))


def _ray_llm(record: Record, context: Context) -> Document | None:
    """An ``llm_configs`` item of Ray Serve."""
    options = record.record("engine_kwargs")
    loading = record.record("model_loading_config")
    if options is None or loading is None:
        return None
    service = options_as_service(options, context, "vllm")
    known = settings_of(loading)
    model = known.get("model_source") or known.get("model_id")
    return Document((replace(service, settings=_with_model(service.settings, model)),))


def _serving_properties(record: Record, context: Context) -> Document | None:
    """``serving.properties`` of DJL as the text of a key."""
    for key, entry in record.entries.items():
        if keys.PROPERTIES.fullmatch(key) and isinstance(entry.value, Scalar):
            if is_nothing(entry.value):
                continue
            services = properties(entry.value.piece).services
            return Document(tuple(replace(one, image=context.image) for one in services))
    return None


_ROOTS: tuple[Shape, ...] = (
    _webui,
    _axolotl,
    _llama_factory,
    _lm_eval,
    _localai,
    _engine_file,
)
_ANYWHERE: tuple[Shape, ...] = (_hydra, _chart_engine, _ray_llm, _serving_properties)
