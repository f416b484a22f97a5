"""Configurations of engines, loaders and checkpoints, and the kinds of files by name."""

from __future__ import annotations

import pytest

from ecocompute_lint.findings import Place
from ecocompute_lint.sources import kinds, model_config, properties
from ecocompute_lint.sources.documents import UNKNOWN, Block, Service
from ecocompute_lint.sources.manifests import read
from ecocompute_lint.sources.text import LineMap


def service(text: str, path: str = "config.yaml") -> Service:
    (found,) = read(text, path).services
    return found


def block(text: str, path: str = "config.yaml") -> Block:
    (found,) = read(text, path).blocks
    return found


def cut(text: str, place: Place | None) -> str:
    assert place is not None
    start, end = LineMap(text).span(place)
    return text[start:end]


def test_the_file_of_vllm_serve() -> None:
    text = "model: a/b\nenforce-eager: true  # memory\nmax-num-seqs: 1\nport: 8000\n"
    found = service(text)
    assert found.engine == "vllm"
    assert found.settings["enforce-eager"].text == "true"
    assert cut(text, found.settings["enforce-eager"].removal) == "enforce-eager: true  # memory\n"


@pytest.mark.parametrize(
    "text",
    [
        "model: a/b\nport: 8000\n",
        "enforce_eager: true\nmax_num_seqs: 1\n",
        "model: a/b\ngpu_memory_utilization: 0.8\nscheme: x\ncadence: nightly\ntest: y\n",
        "wandb_version: 1\nmodel: {value: a}\nload_in_8bit: {value: true}\n",
    ],
)
def test_what_only_looks_like_the_file_of_an_engine(text: str) -> None:
    assert not read(text, "config.yaml")


@pytest.mark.parametrize(
    ("text", "engine"),
    [
        (
            "no-enable-prefix-caching: true\nmax-num-batched-tokens: 8192\nstream-interval: 20\n",
            "vllm",
        ),
        ("tensor-parallel-size: 8\nenforce-eager: true\n", "vllm"),
        (
            "disaggregation-mode: prefill\ndisable-radix-cache: true\ntp-size: '8'\nx-y: 1\n",
            "sglang",
        ),
    ],
)
def test_engine_files_without_a_model_are_known_by_their_dashes(text: str, engine: str) -> None:
    assert service(text).engine == engine
    assert not read(text.replace("-", "_"), "config.yaml")


def test_one_switch_alone_is_no_engine_file() -> None:
    assert not read("enforce-eager: true\nname: x\n", "config.yaml")


def test_run_logs_are_never_read() -> None:
    text = "_target_: transformers.BitsAndBytesConfig\nload_in_8bit: true\n"
    assert not read(text, "wandb/run-20240101_1-abc/files/config.yaml")
    assert read(text, "conf/quantization.yaml")


def test_sglang_and_localai() -> None:
    text = "model-path: a/b\ndisable-radix-cache: true\ntp-size: 2\n"
    assert service(text).engine == "sglang"
    text = "name: x\nbackend: vllm\nparameters: {model: a/b}\nenforce_eager: true\n"
    found = service(text)
    assert found.engine == "vllm"
    assert found.settings["model"].text == "a/b"


def test_training_configurations_say_so() -> None:
    axolotl = block("base_model: a/b\nload_in_8bit: true\nadapter: lora\ndatasets: []\n")
    factory = block("model_name_or_path: a/b\nstage: sft\nquantization_bit: 8\n")
    assert axolotl.training
    assert factory.training
    assert axolotl.model is not None
    assert axolotl.model.text == "a/b"


def test_llama_factory_that_infers() -> None:
    found = service(
        "model_name_or_path: a/b\ntemplate: llama3\ninfer_backend: vllm\nvllm_enforce_eager: true\n"
    )
    assert found.engine == "vllm"
    assert {key: word.text for key, word in found.settings.items()} == {
        "model": "a/b",
        "enforce_eager": "true",
    }


@pytest.mark.parametrize(
    "given", ["pretrained=a/b,load_in_8bit=True", "{pretrained: a/b, load_in_8bit: true}"]
)
def test_lm_eval(given: str) -> None:
    found = block(f"model: hf\nmodel_args: {given}\ntasks: [x]\n")
    assert found.role == "arguments"
    assert found.model is not None
    assert found.model.text == "a/b"
    assert found.options["load_in_8bit"].text.lower() == "true"


def test_hydra_constructor_with_a_default_of_the_environment() -> None:
    text = (
        "model:\n  quantization:\n    _target_: transformers.BitsAndBytesConfig\n"
        "    load_in_8bit: ${oc.env:INT8,true}\n    llm_int8_threshold: ${threshold}\n"
    )
    found = block(text)
    assert found.role == "constructor"
    assert found.options["load_in_8bit"].text == "true"
    assert found.options["load_in_8bit"].variable == "INT8"
    assert found.options["llm_int8_threshold"].text == UNKNOWN


def test_settings_of_models_in_the_web_ui() -> None:
    text = ".*:\n  load_in_8bit: false\nllama-7b$:\n  loader: Transformers\n  load_in_8bit: true\n"
    every, one = read(text, "user_data/models/config-user.yaml").blocks
    assert (every.role, every.model) == ("webui", None)
    assert one.model is not None
    assert one.options["load_in_8bit"].text == "true"
    assert not read(text, "models.yaml")
    flags = properties.flags("# --load-in-4bit\n--load-in-8bit --model a/b\n", "CMD_FLAGS.txt")
    (found,) = flags.blocks
    assert found.model is not None
    assert set(found.options) == {"load_in_8bit", "model"}


def test_ray_serve() -> None:
    text = """\
applications:
  - args:
      llm_configs:
        - model_loading_config: {model_id: m, model_source: a/b}
          engine_kwargs: {enforce_eager: true, tensor_parallel_size: 2}
"""
    found = service(text)
    assert found.engine == "vllm"
    assert found.settings["model"].text == "a/b"
    assert found.settings["enforce_eager"].text == "true"


def test_serving_properties_also_in_a_text_of_yaml() -> None:
    text = (
        "engine=Python\noption.model_id=a/b\noption.rolling_batch=vllm\noption.enforce_eager=true\n"
    )
    (found,) = properties.read(text, "serving.properties").services
    assert found.engine == "vllm"
    assert found.settings["model"].text == "a/b"
    assert cut(text, found.settings["enforce_eager"].removal) == "option.enforce_eager=true\n"
    lines = "".join(f"      {line}\n" for line in text.splitlines())
    nested = f"experiments:\n  - image_uri: x/djl-inference:1\n    serving.properties: |\n{lines}"
    inner = service(nested)
    assert cut(nested, inner.settings["enforce_eager"].place) == "true"
    assert inner.image is not None
    first, last = LineMap(nested).span(inner.settings["rolling_batch"].removal or inner.place)
    left = nested[:first] + nested[last:]
    assert left == nested.replace("      option.rolling_batch=vllm\n", "")
    first, last = LineMap(nested).span(inner.settings["enforce_eager"].removal or inner.place)
    assert nested[:first] + nested[last:] == nested.replace("      option.enforce_eager=true\n", "")


def test_configuration_of_a_checkpoint() -> None:
    text = """\
{
  "_name_or_path": "meta-llama/Llama-2-7b-hf",
  "model_type": "llama",
  "quantization_config": {
    "_load_in_8bit": true,
    "load_in_8bit": true,
    "llm_int8_threshold": 6.0,
    "quant_method": "bitsandbytes"
  }
}
"""
    (found,) = model_config.read(text, "ckpt/config.json").blocks
    assert (found.role, found.target) == ("checkpoint", "bitsandbytes")
    assert found.model is not None
    assert found.model.text == "meta-llama/Llama-2-7b-hf"
    assert cut(text, found.options["llm_int8_threshold"].place) == "6.0"
    assert cut(text, found.options["llm_int8_threshold"].removal).count(",") == 1
    nameless = text.replace("_name_or_path", "x")
    (found,) = model_config.read(nameless, "phi-2-8bit/config.json").blocks
    assert found.model is not None
    assert found.model.text == "phi-2-8bit"
    assert not model_config.read('{"quantization_config": {"load_in_8bit": true}}', "config.json")
    assert not model_config.read('{"quantization_config": {', "config.json")


def test_engine_arguments_in_json() -> None:
    text = '{"model": "a/b", "enforce_eager": true, "gpu_memory_utilization": 0.5}'
    (found,) = model_config.read(text, "model_repository/vllm/1/model.json").services
    assert found.settings["enforce_eager"].text == "true"


def test_triton_batches_of_a_model_that_generates() -> None:
    text = 'name: "llm"\nbackend: "python"\nmax_batch_size: 1 # one\ninput [ { name: "prompt" } ]\n'
    (found,) = model_config.pbtxt(text, "llm/config.pbtxt").services
    assert {key: word.text for key, word in found.settings.items()} == {
        "name": "llm",
        "backend": "python",
        "max_batch_size": "1",
    }
    assert not model_config.pbtxt(text.replace("prompt", "image"), "x/config.pbtxt")


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("a/docker-compose.gpu.yml", "yaml"),
        ("Dockerfile", "dockerfile"),
        ("Dockerfile.cuda", "dockerfile"),
        ("vllm.Dockerfile", "dockerfile"),
        ("environment-gpu.yml", "conda"),
        ("requirements-dev.txt", "requirements"),
        ("requirements/gpu.txt", "requirements"),
        ("constraints.txt", "requirements"),
        ("notes.txt", None),
        ("README.md", None),
        ("GNUmakefile", "make"),
        ("run.SH", "shell"),
        ("user_data\\CMD_FLAGS.txt", "webui-flags"),
        ("package.json", None),
        ("model/config.json", "model-config"),
        ("x.ipynb", "notebook"),
        ("serve.py", "python"),
    ],
)
def test_kinds_by_name(name: str, kind: str | None) -> None:
    assert kinds.kind_of(name) == kind


def test_only_files_with_a_word_of_the_tables_may_matter() -> None:
    assert kinds.may_matter("yaml", b"image: vllm/vllm-openai")
    assert kinds.may_matter("shell", b"pip install --pre torch")
    assert not kinds.may_matter("yaml", b"image: nginx\n")
    assert not kinds.may_matter("model-config", b'{"model_type": "llama"}')
    assert kinds.read("yaml", "model: a\nenforce-eager: true\n", "c.yaml")
