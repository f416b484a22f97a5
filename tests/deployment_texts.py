"""Generated files other than Python: compose, Kubernetes, shell, requirements, engines' files, …"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass

from fixture_files import FIXTURES, read
from hypothesis import strategies as st
from notebook_support import as_lines

LAUNCHES = (
    "vllm serve org/model-7b",
    "python3 -m vllm.entrypoints.openai.api_server --model org/model-7b",
    "python -m sglang.launch_server --model-path org/model-7b",
    "text-generation-launcher --model-id org/model-7b",
    "lmdeploy serve api_server org/model-7b",
    "exec vllm serve $MODEL",
    "nohup vllm serve org/modèle-7b",
    "docker run --gpus all vllm/vllm-openai:v0.9.1 --model org/model-7b",
    "accelerate launch train.py",
    "pip install 'vllm==0.9.2.dev1' git+https://github.com/huggingface/transformers",
)
FLAGS = (
    "--enforce-eager", "--disable-cuda-graph", "--no-enable-prefix-caching",
    "--disable-radix-cache", "--max-num-seqs 1", "--max-num-seqs=1", "--max-running-requests 1",
    "--dtype float32", "--dtype=float32", "--quantization bitsandbytes", "--quantize bitsandbytes",
    "--load-in-8bit", "--port 8000", "--tensor-parallel-size 2", "--served-model-name 'é 🚀'",
    "$EXTRA", "${EXTRA:-}", '"$@"', "--host '0.0.0.0'",
)  # fmt: skip
IMAGES = ("vllm/vllm-openai:v0.9.1", "lmsysorg/sglang:latest", "ghcr.io/huggingface/tgi:2",
          "ghcr.io/huggingface/text-generation-inference:2.4.0", "${IMAGE}")  # fmt: skip
VARIABLES = ("QUANTIZE=bitsandbytes", "MODEL_ID=org/m-7b", "EXTRA=--enforce-eager", "A='é'")
PACKAGES = ("vllm==0.9.1", "vllm==0.9.2.dev3", "transformers>=4.40", "--pre torch", "numpy # é",
            "git+https://github.com/vllm-project/vllm@main", "sglang[all]", "-r other.txt",
            "transformers @ git+https://github.com/huggingface/transformers", "--index-url "
            "https://download.pytorch.org/whl/nightly/cu128",
            "torch==2.9.0.dev20250701 \\")  # fmt: skip
OTHER = sorted(
    path
    for path in FIXTURES.glob("ECO*/bad_*.*")
    if path.suffix not in (".py", ".ipynb") and ".fixed." not in path.name
)
FIXTURE_TEXTS = tuple((read(path).audited.rsplit("/", 1)[-1], read(path).text) for path in OTHER)
_TRUTH = ("true", "True", "yes", "on", "1", "false", '"true"', "!!bool true", "{{ x }}")


_ENGINE_KEYS = {
    "enforce-eager": _TRUTH,
    "enforce_eager": _TRUTH,
    "max-num-seqs": ("1", "2", "0x1", "~"),
    "dtype": ("float32", "'float32'", "auto"),
    "model": ("org/m-7b", "&m org/m-7b"),
    "enable-prefix-caching": _TRUTH,
    "tensorParallelSize": ("1", "2"),
}
_LOADING_KEYS = {
    "load_in_8bit": _TRUTH,
    "llm_int8_threshold": ("6.0", "0"),
    "_target_": ("transformers.BitsAndBytesConfig",),
    "load_in_4bit": _TRUTH,
    "bnb_4bit_compute_dtype": ("float32", "bfloat16", "null"),
}


@dataclass(frozen=True)
class Deployment:
    """A file by its name, and its text."""

    name: str
    text: str


@st.composite
def lines_of_shell(draw: st.DrawFn) -> str:
    """A command on one line or several, which may be harmless."""
    words = [draw(st.sampled_from(LAUNCHES)), *draw(st.lists(st.sampled_from(FLAGS), max_size=4))]
    gap = draw(st.sampled_from([" ", " ", " \\\n  ", "  ", "\t", " \\\n\\\n "]))
    return gap.join(words) + draw(st.sampled_from(["", "", " &", " | tee log", "; wait", "  # é"]))


@st.composite
def shells(draw: st.DrawFn) -> str:
    """A script."""
    around = st.sampled_from(
        ["{}", "{}", "if [ -n \"$X\" ]; then\n  {}\nfi", "f() {{\n  {}\n}}\nf",
         "cat <<EOF\n{}\nEOF",
         "for x in a b; do {}; done", "case $1 in\n  a) {} ;;\nesac", "( {} )", "bash -c '{}'",
         "ssh host \"{}\"", "X=$({})", "# {}"]
    )  # fmt: skip
    parts = draw(st.lists(st.tuples(around, lines_of_shell()), min_size=1, max_size=3))
    head = draw(
        st.sampled_from(["#!/bin/bash\n", "", "set -e; MODEL=org/x\n", "EXTRA=--enforce-eager\n"])
    )
    return head + "\n".join(form.format(line) for form, line in parts) + "\n"


@st.composite
def words(draw: st.DrawFn) -> list[str]:
    """The words of a command."""
    return re.sub(r"\\\n", "", draw(lines_of_shell())).split()


@st.composite
def commands_in_yaml(draw: st.DrawFn, indent: str) -> str:
    """A value of a key in YAML that is a command, in any style."""
    given = draw(words())
    style = draw(st.sampled_from(["flow", "flow'", "list", "plain", "folded", "literal", "quoted"]))
    if style == "flow":
        return json.dumps(given, ensure_ascii=draw(st.booleans()))
    if style == "flow'":
        return "[" + ", ".join("'" + w.replace("'", "''") + "'" for w in given) + "]"
    if style == "list":
        return "".join(f"\n{indent}  - {json.dumps(w)}" for w in given)
    if style == "quoted":
        return json.dumps(" ".join(given))
    if style in ("folded", "literal"):
        mark = draw(st.sampled_from([">", ">-", "|", "|-", ">+"]))
        half = len(given) // 2
        body = [" ".join(given[:half]) or "exec", " ".join(given[half:])]
        joint = " \\" if mark.startswith("|") else ""
        return f" {mark}\n{indent}  {body[0]}{joint}\n{indent}  {body[1]}"
    return " ".join(given).replace(": ", ":").replace(" #", "")


@st.composite
def composes(draw: st.DrawFn) -> str:
    """A compose file."""
    text = "services:\n"
    for number in range(draw(st.integers(1, 3))):
        variables = draw(st.lists(st.sampled_from(VARIABLES), max_size=2, unique=True))
        text += f"  s{number}:\n    image: {draw(st.sampled_from(IMAGES))}\n"
        if draw(st.integers(0, 3)):
            key = draw(st.sampled_from(["command", "entrypoint", "command"]))
            text += f"    {key}: {draw(commands_in_yaml('    '))}\n"
        if variables:
            text += "    environment:\n" + "".join(f"      - {v}\n" for v in variables)
        text += draw(
            st.sampled_from(["", "    # é 🚀\n", "    <<: *base\n", "    ports: ['1:1']\n"])
        )
    return text.replace("*base", "{}") if "&base" not in text else text


@st.composite
def pods(draw: st.DrawFn) -> str:
    """Kubernetes, one document or two; maybe a template of Helm."""
    kind = draw(st.sampled_from(["Pod", "Deployment", "Job", "InferenceService"]))
    texts = []
    for _ in range(draw(st.integers(1, 2))):
        inner = (
            f"      containers:\n      - name: c\n        image: {draw(st.sampled_from(IMAGES))}\n"
        )
        inner += f"        args: {draw(commands_in_yaml('        '))}\n"
        if draw(st.booleans()):
            inner += "        env:\n        - {name: QUANTIZE, value: bitsandbytes}\n"
        if draw(st.integers(0, 3)) == 0:
            inner += "        {{- if .Values.x }}\n        tty: {{ .Values.y | quote }}\n"
            inner += "        {{- end }}\n"
        texts.append(f"apiVersion: v1\nkind: {kind}\nspec:\n  template:\n    spec:\n{inner}")
    return "---\n".join(texts)


@st.composite
def workflows(draw: st.DrawFn) -> str:
    """A workflow of a forge."""
    steps = [f"      - run: |\n          {line}\n" for line in
             draw(st.lists(lines_of_shell().map(lambda s: s.replace("\n", "\n          ")),
                           min_size=1, max_size=3))]  # fmt: skip
    return "on: push\njobs:\n  a:\n    runs-on: x\n    steps:\n" + "".join(steps)


@st.composite
def engine_files(draw: st.DrawFn) -> str:
    """The own file of an engine, or a Hydra one."""
    keys = draw(st.sampled_from([_ENGINE_KEYS, _ENGINE_KEYS, _LOADING_KEYS]))
    chosen = draw(st.lists(st.sampled_from(sorted(keys)), min_size=1, max_size=5, unique=True))
    rows = [f"{key}: {draw(st.sampled_from(keys[key]))}" for key in chosen]
    if draw(st.booleans()):
        rows = ["quantization_config:", *("  " + row for row in rows)]
    elif draw(st.integers(0, 3)) == 0 and not any("{" in row or "&" in row for row in rows):
        return "quantization_config: {" + ", ".join(rows) + "}\n"
    return "\n".join(rows) + "\n"


@st.composite
def dockerfiles(draw: st.DrawFn) -> str:
    """A Dockerfile."""
    rows = [f"FROM {draw(st.sampled_from(IMAGES))}", *(f"ENV {v}" for v in draw(
        st.lists(st.sampled_from(VARIABLES), max_size=2)))]  # fmt: skip
    for _ in range(draw(st.integers(1, 3))):
        key = draw(st.sampled_from(["RUN", "CMD", "ENTRYPOINT", "cmd", "ARG A=1\nCMD"]))
        value = (
            json.dumps(draw(words()), ensure_ascii=False)
            if draw(st.booleans())
            else draw(lines_of_shell())
        )
        rows.append(f"{key} {value}")
        rows += draw(st.sampled_from([[], [], ["# é"], ["RUN <<EOF", "vllm serve m", "EOF"]]))
    return draw(st.sampled_from(["", "# syntax=docker/dockerfile:1\n"])) + "\n".join(rows) + "\n"


@st.composite
def package_lists(draw: st.DrawFn) -> tuple[str, str]:
    """Requirements of any spelling."""
    rows = draw(st.lists(st.sampled_from(PACKAGES), min_size=1, max_size=5))
    name = draw(st.sampled_from(["requirements.txt", "pyproject.toml", "environment.yml", "uv.lock",
                                 "setup.cfg", "Pipfile", "poetry.lock"]))  # fmt: skip
    if name == "requirements.txt":
        return name, "\n".join(rows) + "\n"
    if name == "pyproject.toml":
        return name, f"[project]\nname = 'x'\ndependencies = {json.dumps(rows)}\n"
    if name == "environment.yml":
        return name, "dependencies:\n- pip:\n" + "".join(f"  - {json.dumps(r)}\n" for r in rows)
    if name == "setup.cfg":
        return name, "[options]\ninstall_requires =\n" + "".join(f"  {row}\n" for row in rows)
    if name == "Pipfile":
        return name, "[packages]\nvllm = {git = 'https://github.com/x/vllm', ref = 'main'}\n"
    version = draw(st.sampled_from(["0.9.1", "0.9.2.dev3", "0.9.1+git.abc", "nightly"]))
    return name, f"[[package]]\nname = 'vllm'\nversion = {version!r}\n"


@st.composite
def others(draw: st.DrawFn) -> tuple[str, str]:
    """Kinds that are a thin layer around lines of shell or keys."""
    line = draw(lines_of_shell())
    flat = re.sub(r"\\\n\s*", "", line)
    options = {"load_in_8bit": draw(st.sampled_from([True, False, "true", None, 1])),
               "quant_method": "bitsandbytes",
               "llm_int8_threshold": draw(st.sampled_from([6.0, 0, "é"]))}  # fmt: skip
    tabbed = line.replace("\n", "\n\t")
    return draw(
        st.sampled_from(
            [
                ("Makefile", f"X ?= 1\nserve: deps\n\t@{tabbed}\n\t-{flat}\n"),
                ("justfile", f"serve:\n    {flat}\n"),
                ("Procfile", f"web: {flat}\n"),
                ("x.service", f"[Service]\nEnvironment=A=é\nExecStart={line}\n"),
                (
                    "x.bat",
                    f"@echo off\r\nset A=1\r\n{flat.replace('$', '%')} ^\r\n --enforce-eager\r\n",
                ),
                ("config.json", json.dumps({"quantization_config": options}, indent=2)),
                ("config.pbtxt", 'backend: "vllm"\nmax_batch_size: 1\n'),
                ("model.json", '{"model": "org/m", "enforce_eager": true}'),
                (
                    "serving.properties",
                    "engine=Python\noption.quantize=bitsandbytes8\noption.a=\\u00e9\n",
                ),
                ("CMD_FLAGS.txt", f"--load-in-8bit {flat}\n"),
            ]
        )
    )


@st.composite
def deployments(draw: st.DrawFn) -> Deployment:
    """A file of any kind but Python, as an editor may have written it."""
    way = draw(st.sampled_from(sorted(_WAYS)))
    name, text = draw(_WAYS[way])
    if draw(st.integers(0, 3)) == 0:
        text = text.rstrip("\n")
    if draw(st.integers(0, 3)) == 0 and "\r" not in text:
        text = text.replace("\n", "\r\n")
    if draw(st.integers(0, 5)) == 0 and not name.endswith((".json", ".lock")):
        cookie = draw(st.sampled_from(["latin-1", "utf-8"]))
        text = f"# vim: set fileencoding={cookie} : é\n{text}"
    return Deployment(name, text)


_WAYS = {
    "compose": composes().map(lambda text: ("docker-compose.yml", text)),
    "pods": pods().map(lambda text: ("templates/pod.yaml", text)),
    "workflow": workflows().map(lambda text: (".github/workflows/a.yml", text)),
    "engine": engine_files().map(lambda text: ("engine.yaml", text)),
    "docker": dockerfiles().map(lambda text: ("Dockerfile", text)),
    "shell": shells().map(lambda text: ("run.sh", text)),
    "packages": package_lists(),
    "others": others(),
    "fixture": st.sampled_from(FIXTURE_TEXTS),
}


# -- notebooks

MAGICS = (
    "%%time\n", "%%capture out\n", "!pip install -q vllm==0.9.2.dev1\n", "%matplotlib inline\n",
    "!vllm serve org/m --enforce-eager &\n", "files = !ls\n", "%load_ext autoreload\nx?\n",
    "%%bash\nvllm serve org/m --enforce-eager\n",
    "%%writefile run.sh\nvllm serve org/m --enforce-eager\n",
    "%%writefile a.py\nfrom transformers import BitsAndBytesConfig as B\n"
    "c = B(load_in_8bit=True)\n",
    "%%script bash\nexec vllm serve org/m --dtype float32\n", "def (\n", "", "# é 🚀",
)  # fmt: skip


@st.composite
def notebooks_of(draw: st.DrawFn, modules: st.SearchStrategy[str]) -> str:
    """A notebook of format 3 or 4 with Python, magics and shell lines, as some program wrote it."""
    parts = draw(st.lists(modules | st.sampled_from(MAGICS), min_size=1, max_size=4))
    cells = []
    for part in parts:
        pieces = re.split(r"\n(?=\S)", part, maxsplit=draw(st.integers(0, 1)))
        cells += [draw(st.sampled_from(["", "", "", "%%time\n", "!ls\n"])) + one for one in pieces]
    old = draw(st.integers(0, 4)) == 0
    made = []
    for cell in cells:
        source = draw(st.sampled_from([cell, as_lines(cell), as_lines(cell)]))
        key = "input" if old else "source"
        made.append({"cell_type": "code", key: source, "metadata": {}, "outputs": []})
        if draw(st.integers(0, 3)) == 0:
            made.append(
                {"cell_type": "markdown", "metadata": {}, "source": ["# load_in_8bit=True"]}
            )
    data = (
        {"worksheets": [{"cells": made}], "nbformat": 3} if old else {"cells": made, "nbformat": 4}
    )
    raw = json.dumps(
        {**data, "metadata": {}, "nbformat_minor": draw(st.integers(0, 5))},
        indent=draw(st.sampled_from([None, 1, 2, "\t"])),
        ensure_ascii=draw(st.booleans()),
    )
    return raw + draw(st.sampled_from(["", "\n"]))
