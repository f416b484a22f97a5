"""Containers, scripts and engines in YAML: what a manifest is found to run."""

from __future__ import annotations

import pytest
import shell_stub

from ecocompute_lint.findings import Place
from ecocompute_lint.sources.documents import UNKNOWN, Service, Unreadable
from ecocompute_lint.sources.manifests import read
from ecocompute_lint.sources.text import LineMap

shell_stub.install()


def services(text: str, path: str = "deploy.yaml") -> tuple[Service, ...]:
    return read(text, path).services


def only(text: str, path: str = "deploy.yaml") -> Service:
    found = services(text, path)
    assert len(found) == 1, found
    return found[0]


def command(service: Service) -> str:
    return " ".join(word.text for word in service.words)


def cut(text: str, place: Place | None) -> str:
    assert place is not None
    start, end = LineMap(text).span(place)
    return text[start:end]


def without(text: str, service: Service, flag: str) -> str:
    """The file without a word of the command."""
    (word,) = (word for word in service.words if word.text == flag)
    assert word.removal is not None
    start, end = LineMap(text).span(word.removal)
    return text[:start] + text[end:]


COMPOSE = """\
services:
  llm:
    image: vllm/vllm-openai:v0.9.1
    environment:
      - HF_TOKEN=${HF_TOKEN}
      - VLLM_USE_V1=1
    command:
      - --model
      - Qwen/Qwen3-8B
      - --enforce-eager   # saves memory
      - --dtype=${DTYPE:-auto}
    deploy: {resources: {reservations: {devices: [{driver: nvidia}]}}}
"""


def test_compose_with_a_list() -> None:
    service = only(COMPOSE, "docker-compose.yml")
    assert service.image is not None
    assert service.image.text == "vllm/vllm-openai:v0.9.1"
    assert command(service) == "--model Qwen/Qwen3-8B --enforce-eager --dtype=auto"
    assert service.words[3].variable == "DTYPE"
    assert service.environment["VLLM_USE_V1"].text == "1"
    assert service.environment["HF_TOKEN"].text == UNKNOWN
    assert cut(COMPOSE, service.environment["VLLM_USE_V1"].place) == "1"
    assert cut(COMPOSE, service.words[2].place) == "--enforce-eager"
    left = without(COMPOSE, service, "--enforce-eager")
    assert left == COMPOSE.replace("      - --enforce-eager   # saves memory\n", "")


def test_compose_with_a_string_behind_an_entry_point() -> None:
    text = """\
services:
  vllm-service:
    image: vllm/vllm-openai:latest
    entrypoint: ["python3", "-m", "vllm.entrypoints.openai.api_server"]
    command: --model $MODEL --enforce-eager --max-num-seqs 256
"""
    service = only(text)
    assert command(service).startswith("python3 -m vllm.entrypoints.openai.api_server --model")
    assert [cut(text, word.place) for word in service.words][-3] == "--enforce-eager"


def test_compose_script_in_a_string_with_doubled_dollars() -> None:
    text = """\
services:
  xpu:
    image: intel/llm-scaler-vllm:1.1
    environment: {MODEL: "${MODEL}"}
    entrypoint:
      /bin/bash -c "
      source /opt/setvars.sh &&
      python3 -m vllm.entrypoints.openai.api_server \\
      --model $${MODEL} \\
      --no-enable-prefix-caching"
"""
    service = services(text)[-1]
    assert command(service).endswith("--no-enable-prefix-caching")
    assert service.image is not None
    assert service.words[-1].place.line == 10


def test_compose_anchors_and_extended_services() -> None:
    text = """\
x-base: &base
  image: vllm/vllm-openai:latest
services:
  base:
    <<: *base
    command: ["--model", "a"]
  eager:
    extends: {service: base}
    command: ["--model", "b", "--enforce-eager"]
"""
    found = services(text)
    assert [command(service) for service in found] == ["--model a", "--model b --enforce-eager"]
    assert all(service.image is not None for service in found)


DEPLOYMENT = """\
apiVersion: apps/v1
kind: Deployment
metadata:
  name: vllm
spec:
  template:
    spec:
      initContainers:
        - name: fetch
          image: busybox
          command: ["sh", "-c", "echo hello"]
      containers:
        - name: server
          image: "vllm/vllm-openai:v0.8.0"
          command: ["vllm", "serve"]
          args:
            - "$(MODEL)"
            - "--enforce-eager"
            - "--max-num-seqs"
            - "1"
          env:
            - name: MODEL
              value: Qwen/Qwen3-8B
            - name: TOKEN
              valueFrom: {secretKeyRef: {name: a, key: b}}
---
apiVersion: v1
kind: Service
metadata: {name: vllm}
"""


def test_kubernetes_deployment() -> None:
    service = next(one for one in services(DEPLOYMENT) if "vllm" in command(one))
    assert command(service) == "vllm serve Qwen/Qwen3-8B --enforce-eager --max-num-seqs 1"
    assert cut(DEPLOYMENT, service.words[3].place) == '"--enforce-eager"'
    left = without(DEPLOYMENT, service, "--enforce-eager")
    assert left == DEPLOYMENT.replace('            - "--enforce-eager"\n', "")
    entry = cut(DEPLOYMENT, service.environment["MODEL"].removal)
    assert entry == "            - name: MODEL\n              value: Qwen/Qwen3-8B\n"


def test_kubernetes_script_in_arguments() -> None:
    text = """\
kind: Job
apiVersion: batch/v1
spec:
  template:
    spec:
      containers:
        - image: registry.example/llm:1
          command: ["/bin/bash", "-lc"]
          args:
            - |
              set -e
              vllm serve meta-llama/Llama-3.1-8B \\
                --enforce-eager \\
                --port 8000
          env: [{name: A, value: b}]
"""
    service = services(text)[-1]
    (word,) = (word for word in service.words if word.text == "--enforce-eager")
    assert cut(text, word.place) == "--enforce-eager"
    assert service.environment["A"].text == "b"


def test_inference_service_names_its_engine_by_the_format() -> None:
    text = """\
apiVersion: serving.kserve.io/v1beta1
kind: InferenceService
spec:
  predictor:
    model:
      modelFormat: {name: huggingface}
      args: ["--model_id=x/y", "--enforce_eager"]
"""
    service = only(text)
    assert (service.engine, command(service)) == ("vllm", "--model_id=x/y --enforce_eager")


def test_helm_values() -> None:
    text = """\
image:
  repository: vllm/vllm-openai
  tag: "latest"
  command: ["vllm", "serve", "/data/", "--enforce-eager"]
tgi:
  extraCmdArgs: ["--quantize", "bitsandbytes"]
servingEngineSpec:
  modelSpec:
    - name: llama
      repository: lmcache/vllm-openai
      tag: v1
      modelURL: meta-llama/Llama-3.1-8B
      vllmConfig:
        enablePrefixCaching: false
        maxNumSeqs: 1
        extraArgs: ["--enforce-eager"]
"""
    whole, tgi, settings, unsure, extra = services(text)
    assert whole.image is not None
    assert whole.image.text == "vllm/vllm-openai:latest"
    assert (tgi.engine, command(tgi)) == (
        "text-generation-inference",
        "--quantize bitsandbytes",
    )
    assert settings.settings["max-num-seqs"].text == "1"
    assert settings.settings["model"].text == "meta-llama/Llama-3.1-8B"
    assert unsure.branch is not None
    assert unsure.settings["enable-prefix-caching"].text == "false"
    assert command(extra) == "--enforce-eager"


def test_helm_template_arguments_behind_a_condition() -> None:
    text = """\
apiVersion: apps/v1
kind: Deployment
spec:
  containers:
    - image: "{{ .Values.image }}"
      command:
        - vllm
        - serve
        - {{ .Values.model | quote }}
        {{- if .Values.eager }}
        - --enforce-eager
        {{- end }}
"""
    always, eager = services(text)
    assert command(always) == f"vllm serve {UNKNOWN}"
    assert always.branch is None
    assert command(eager).endswith("--enforce-eager")
    assert eager.branch is not None
    assert eager.branch.test == "if .Values.eager"


def test_workflow_steps() -> None:
    text = """\
on: push
jobs:
  serve:
    runs-on: gpu
    env: {MODEL: a/b}
    steps:
      - uses: actions/checkout@v4
      - name: vllm serve x --enforce-eager
        run: |
          vllm serve a/b --enforce-eager
      - if: github.event_name == 'schedule'
        run: vllm serve a/c
"""
    first, second = services(text)
    assert (command(first), first.place.line) == ("vllm serve a/b --enforce-eager", 10)
    assert second.branch is not None
    assert second.branch.test == "github.event_name == 'schedule'"


@pytest.mark.parametrize(
    "text",
    [
        "docker_server:\n  start_command: sh -c 'vllm serve m --max-num-seqs 1'\n",
        "setup: |\n  echo ready\nrun: |\n  vllm serve m --max-num-seqs 1\n",
        "build:\n  script:\n    - vllm serve m --max-num-seqs 1\n",
        "tasks:\n  - command: [/bin/sh, -c]\n    arguments: ['vllm serve m --max-num-seqs 1']\n",
        "data:\n  start.sh: |\n    vllm serve m --max-num-seqs 1\n",
        "x:\n  server_command: vllm serve m --max-num-seqs 1\n",
        "pod:\n  args: >-\n    vllm serve m\n    --max-num-seqs 1\n",
    ],
)
def test_lines_of_shell_under_the_keys_that_hold_them(text: str) -> None:
    service = services(text)[-1]
    assert command(service) == "vllm serve m --max-num-seqs 1"
    assert cut(text, service.words[-1].place) == "1"


@pytest.mark.parametrize(
    "text",
    [
        "description: vllm serve m --enforce-eager\n",
        "steps:\n  - name: vllm serve m --enforce-eager\n",
        "example_model_input: {command: vllm serve m --enforce-eager}\n",
        "metadata:\n  annotations: {command: vllm serve m --enforce-eager}\n",
        "# command: vllm serve m --enforce-eager\nx: 1\n",
        "image: nginx\nargs: [--model, m]\n",
        "nav:\n  - run: vllm serve.md\n",
        "model: x\nenforce_eager: true\nlr: 1e-4\ntrainer: {a: 1}\n",
    ],
)
def test_prose_and_other_programs_run_nothing(text: str) -> None:
    assert not read(text, "a.yaml")


def test_broken_files_count_only_where_they_are_certainly_manifests() -> None:
    broken = "services:\n  vllm: [\n"
    with pytest.raises(Unreadable):
        read(broken, "deploy/docker-compose.yml")
    with pytest.raises(Unreadable) as caught:
        read("apiVersion: v1\nkind: Pod\nspec:\n\t- vllm\n", "pod.yaml")
    assert caught.value.line == 4
    assert not read(broken, "values.yaml")
    assert not read(broken.replace("vllm", "web"), "deploy/docker-compose.yml")
    assert not read("apiVersion: v1\nkind: Pod\nspec: {{ a }\n", "templates/pod.yaml")


def test_the_only_item_of_a_list_goes_with_its_key() -> None:
    text = "llm:\n  image: vllm/vllm-openai:1\n  args:\n    - --enforce-eager\n  port: 1\n"
    assert without(text, only(text), "--enforce-eager") == (
        "llm:\n  image: vllm/vllm-openai:1\n  port: 1\n"
    )


def test_the_only_word_of_a_text_goes_with_its_key() -> None:
    text = "llm:\n  image: vllm/vllm-openai:1\n  args: --enforce-eager\n  port: 1\n"
    assert without(text, only(text), "--enforce-eager") == (
        "llm:\n  image: vllm/vllm-openai:1\n  port: 1\n"
    )


@pytest.mark.parametrize(
    "given", ["--enforce-eager", "\n    - --enforce-eager", ">-\n    --enforce-eager"]
)
def test_nothing_goes_where_a_key_would_be_left_with_nothing(given: str) -> None:
    (word,) = only(f"hopper:\n  extra_args: {given}\n").words
    assert word.removal is None


@pytest.mark.parametrize(
    ("key", "device"),
    [
        ("xpu", "xpu"),
        ("gaudi3", "hpu"),
        ("ascend_910b", "npu"),
        ("intel-xpu", "xpu"),
        ("cpu", "cpu"),
    ],
)
def test_a_key_names_the_device(key: str, device: str) -> None:
    found = only(f"overrides:\n  {key}:\n    extra_args: [--enforce-eager, --port, '1']\n")
    assert found.settings["device"].text == device
    assert "device" not in only("cpu_offload:\n  args: [--enforce-eager, --port, '1']\n").settings


@pytest.mark.parametrize(
    ("prefill", "phase"),
    [
        ("{tp: 8}", "decode"),
        ("{replicas: 2, enabled: true}", "decode"),
        ("{replicas: 0}", None),
        ("{enabled: false, tp: 8}", None),
        ("{}", None),
        ("off", None),
    ],
)
def test_workers_decode_only_where_others_read_the_prompts(prefill: str, phase: str | None) -> None:
    text = f"prefill: {prefill}\ndecode:\n  run: vllm serve a/b --no-enable-prefix-caching\n"
    told = only(text).settings.get("disaggregation-mode")
    assert (told.text if told else None) == phase


def test_phases_by_the_words_of_a_key() -> None:
    worker = "{image: vllm/vllm-openai:1, args: [--model, a/b]}"
    pair = services(f"VllmPrefillWorker: {worker}\nVllmDecodeWorker: {worker}\n")
    assert [one.settings["disaggregation-mode"].text for one in pair] == ["prefill", "decode"]
    alone = services(f"VllmDecodeWorker: {worker}\nOtherPrefill: {worker}\n")
    assert not any("disaggregation-mode" in one.settings for one in alone)


@pytest.mark.parametrize("key", ["base_args", "additionalFlags", "extra_flags", "vllm_args"])
def test_lists_of_flags_under_the_keys_that_hold_them(key: str) -> None:
    assert command(only(f"model_id: a/b\n{key}:\n  - --port=1\n  - --enforce-eager\n")) == (
        "--port=1 --enforce-eager"
    )


@pytest.mark.parametrize(
    ("listed", "left"),
    [
        ("[--enforce-eager, --port, '1']", "[--port, '1']"),
        ("[--port, '1', --enforce-eager]", "[--port, '1']"),
        ("[--a, --enforce-eager, --b]", "[--a, --b]"),
        ("[\n  --a,\n  --enforce-eager,\n  --b]", "[\n  --a,\n  --b]"),
        ("[\n  --a,\n  --enforce-eager\n  ]", "[\n  --a\n  ]"),
    ],
)
def test_an_item_between_brackets_goes_with_one_comma(listed: str, left: str) -> None:
    text = f"image: vllm/vllm-openai:1\nargs: {listed}\n"
    assert without(text, only(text), "--enforce-eager") == text.replace(listed, left)


@pytest.mark.parametrize(
    "listed", ["[--dtype, float32, --port, '1']", "[--port, '1', --dtype, float32]"]
)
def test_a_flag_and_its_value_between_brackets_go_together(listed: str) -> None:
    text = f"image: vllm/vllm-openai:1\nargs: {listed}\n"
    words = only(text).words
    index = [word.text for word in words].index("--dtype")
    first, second = words[index].removal, words[index + 1].removal
    assert first is not None
    assert second is not None
    lines = LineMap(text)
    start, end = lines.span(first)[0], lines.span(second)[1]
    assert text[:start] + text[end:] == "image: vllm/vllm-openai:1\nargs: [--port, '1']\n"
