"""Shell, container, manifest and requirement texts of any size in which one thing is repeated."""

from __future__ import annotations

import json
from collections.abc import Callable

SERVE = "vllm serve m --enforce-eager\n"


def _lines(line: str, count: int) -> str:
    return "".join(line.replace("@", str(number)) for number in range(count))


def _body(start: str, line: str, end: str = "") -> Callable[[int], str]:
    return lambda count: start + _lines(line, count) + end


def _chain(line: str, end: str) -> Callable[[int], str]:
    """Lines of which each uses the one before: ``#`` is the number of that."""

    def text(count: int) -> str:
        lines = (
            line.replace("@", str(number)).replace("#", str(number - 1))
            for number in range(1, count + 1)
        )
        return "".join(lines) + end.replace("@", str(count))

    return text


def _deep(opening: str, middle: str, closing: str) -> Callable[[int], str]:
    return lambda count: opening * count + middle + closing * count


def deep_yaml(count: int) -> str:
    """Mappings nested without end; their text grows with the square of the depth."""
    depth = max(2, int((2 * count) ** 0.5))
    lines = "".join(" " * level + f"k{level}:\n" for level in range(depth))
    return "# vllm\n" + lines + " " * depth + "command: vllm serve m --enforce-eager\n"


def aliases(count: int) -> str:
    """Anchors of which each holds the one before twice."""
    lines = "".join(f"a{n}: &a{n} [*a{n - 1}, *a{n - 1}]\n" for n in range(1, count))
    return "command: vllm serve m --enforce-eager\na0: &a0 [vllm, serve]\n" + lines


def shared_options(count: int) -> str:
    """Compose services that all merge one block of options."""
    rows = _lines("  s@:\n    <<: *base\n    command: --model m@ --enforce-eager\n", count)
    base = "x-base: &base\n  image: vllm/vllm-openai:v0.9.1\n  environment:\n    A: b\n"
    return base + "services:\n" + rows


def compose(count: int) -> str:
    """A compose file of many services."""
    row = (
        "  s@:\n    image: vllm/vllm-openai:v0.9.1\n    environment:\n      - A=b\n    command:\n"
        "      - --model\n      - m@\n      - --enforce-eager\n"
    )
    return "services:\n" + _lines(row, count)


def kubernetes(count: int) -> str:
    """Many documents in one file."""
    return _lines(
        "---\napiVersion: apps/v1\nkind: Deployment\nmetadata: {name: d@}\nspec:\n  template:\n"
        "    spec:\n      containers:\n        - name: c\n          image: vllm/vllm-openai:v0.9\n"
        '          args: ["--model", "m@", "--enforce-eager"]\n',
        count,
    )


def config_json(count: int) -> str:
    """The configuration of a checkpoint with a long vocabulary."""
    config = {
        "architectures": ["LlamaForCausalLM"],
        "model_type": "llama",
        "quantization_config": {"load_in_8bit": True, "quant_method": "bitsandbytes"},
        "id2label": {str(number): f"LABEL_{number}" for number in range(count)},
    }
    return json.dumps(config, indent=2)


def pipfile_lock(count: int) -> str:
    """A lock file of many packages."""
    packages = {
        f"package-{number}": {"version": f"=={number}.0", "hashes": ["sha256:" + "0" * 64] * 3}
        for number in range(count)
    }
    packages["transformers"] = {"version": "==4.44.0", "hashes": []}
    return json.dumps({"_meta": {}, "default": packages, "develop": {}}, indent=4)


SHAPES: dict[str, tuple[str, Callable[[int], str]]] = {
    # -- shell
    "shell commands": ("a.sh", _body("", "vllm serve m@ --enforce-eager --port @\n")),
    "shell long command": ("a.sh", _body("vllm serve m --enforce-eager", " \\\n  --flag-@ v@")),
    "shell functions": (
        "a.sh",
        _body("", "f@() {\n  local x=$X\n  pip install p@\n  echo $x\n}\n", SERVE),
    ),
    "shell setup script": (
        "a.sh",
        _body(
            "set -e\nVENV=/opt/venv\n",
            'install_@() {\n  if [ -z "$P@" ]; then P@="p@==1.0"; fi\n  for x in a b; do\n'
            '    pip install "$P@" --target "$VENV/$x" || return 1\n  done\n'
            '  case "$X" in\n    -f|--force) F=1;;\n    *) echo "usage: $Z";;\n  esac\n}\n'
            'if ! command -v t@ >/dev/null; then install_@ "$@"; fi\n',
            SERVE,
        ),
    ),
    "shell functions that call": ("a.sh", _chain("f@() { f#; pip install p@; }\n", "f@\n" + SERVE)),
    "shell functions that call twice": (
        "a.sh",
        _chain("f@() { f#; f#; pip install p@; }\n", "f@\n" + SERVE),
    ),
    "shell one variable used": (
        "a.sh",
        _body('A="--port 1 --enforce-eager"\n', "vllm serve m@ $A\n"),
    ),
    "shell variables in variables": (
        "a.sh",
        _chain('A@="$A# --flag@"\n', "vllm serve m --enforce-eager $A@\n"),
    ),
    "shell variables doubled": (
        "a.sh",
        _chain('A@="$A#$A# b"\n', "vllm serve m --enforce-eager $A@\n"),
    ),
    "shell doubled words": (
        "a.sh",
        _chain("A@=($A# a ${A#[@]})\n", 'vllm serve m --enforce-eager "${A@[@]}"\n'),
    ),
    "shell text added to": ("a.sh", _body("", 'A+=" --flag@"\n', "vllm serve m $A\n")),
    "shell array added to": ("a.sh", _body("A=()\n", "A+=(--flag@)\n", 'vllm serve m "${A[@]}"\n')),
    "shell long array": ("a.sh", _body("A=(\n", "  --flag@ v\n", ')\nvllm serve m "${A[@]}"\n')),
    "shell array in branches": (
        "a.sh",
        _body("A=(--x)\n", 'if [ "$B@" ]; then A+=(--flag@); fi\n', 'vllm serve m "${A[@]}"\n'),
    ),
    "shell case": (
        "a.sh",
        _body('case "$X" in\n', "  k@) A=--flag@; B=@;;\n", "esac\nvllm serve m $A\n"),
    ),
    "shell elif": (
        "a.sh",
        _body(
            'if [ "$X" = x ]; then A=b\n',
            'elif [ "$X" = k@ ]; then A="--flag@"; vllm serve m $A\n',
            "fi\n",
        ),
    ),
    "shell case in loop": (
        "a.sh",
        _body(
            "while [ $# -gt 0 ]; do\n  case $X in\n",
            "    --k@) K@=$Y; shift 2;;\n",
            "  esac\ndone\nvllm serve m $K1\n",
        ),
    ),
    "shell loops": (
        "a.sh",
        _body("", "for i in 1 2 @; do\n  vllm serve m --port $i --enforce-eager\ndone\n"),
    ),
    "shell deep loops": (
        "a.sh",
        _deep("for i in 1 2; do\n", "vllm serve m --enforce-eager\n", "done\n"),
    ),
    "shell deep branches": (
        "a.sh",
        _deep('if [ "$A" ]; then B=1\n', "vllm serve m --enforce-eager\n", "fi\n"),
    ),
    "shell deep groups": ("a.sh", _deep("{ (\n", "vllm serve m --enforce-eager\n", ") }\n")),
    "shell deep commands": ("a.sh", _deep("echo $(", "vllm serve m --enforce-eager", ")")),
    "shell deep quoted commands": ("a.sh", _deep('echo "$(', "vllm serve m --enforce-eager", ')"')),
    "shell many deep commands": (
        "a.sh",
        _body("", "x=" + "$(echo " * 9 + SERVE.strip() + ")" * 9 + "\n"),
    ),
    "shell deep defaults": ("a.sh", _deep("${A:-", "vllm serve m --enforce-eager", "}")),
    "shell open commands": ("a.sh", _body(SERVE, "echo $(\n")),
    "shell open braces": ("a.sh", _body(SERVE, "echo ${a\n")),
    "shell open quotes": ("a.sh", _body(SERVE, "echo \"$(a 'b\n")),
    "shell open functions": ("a.sh", _body(SERVE, "f@() {\n")),
    "shell open here-documents": ("a.sh", _body(SERVE, "cat <<EOF@\n")),
    "shell open loops": ("a.sh", _body(SERVE, "for i in a; do\n")),
    "shell open arrays": ("a.sh", _body(SERVE, "A=(\n")),
    "shell open tests": ("a.sh", _body(SERVE, "if a@; then\n")),
    "shell open cases": ("a.sh", _body(SERVE, "case x in a\n")),
    "shell open brackets": ("a.sh", _body(SERVE, "((\n")),
    "shell here-documents": (
        "a.sh",
        _body("", "cat > a.sh <<EOF\nvllm serve m@ --enforce-eager\nEOF\n"),
    ),
    "shell one here-document": ("a.sh", _body("bash <<EOF\n", "vllm serve m@\n", "EOF\n")),
    "shell here-document of YAML": (
        "a.sh",
        _body("cat > a.yaml <<EOF\nservices:\n", "  s@:\n    command: vllm serve m\n", "EOF\n"),
    ),
    "shell here-documents of YAML": (
        "a.sh",
        _body("", "cat > a.yaml <<EOF\ncommand: vllm serve m@ --enforce-eager\nEOF\n"),
    ),
    "shell inner scripts": ("a.sh", _body("", 'bash -c "vllm serve m@ --enforce-eager"\n')),
    "shell one inner script": ("a.sh", _body('bash -c "\n', "  vllm serve m@\n", '"\n')),
    "shell chains": ("a.sh", _body(SERVE.strip(), " && [ -n $A@ ] && B=@")),
    "shell lists": ("a.sh", _body("", '[ -f a@ ] || A="a@"\n', SERVE)),
    "shell containers": (
        "a.sh",
        _body("", "docker run -e A=@ --rm vllm/vllm-openai:v0.9 --model m@ --enforce-eager\n"),
    ),
    "shell installs": ("a.sh", _body("", "pip install transformers==4.@ torch\n", SERVE)),
    "shell one install": ("a.sh", _body("pip install", " p@==1.@", "\n" + SERVE)),
    "shell long word": ("a.sh", _body(SERVE + "echo ", "a@\\ b$c")),
    "shell blank text": ("a.sh", _body(SERVE, "          \n")),
    "shell comments": ("a.sh", _body(SERVE, "# about vllm @\n")),
    # -- others that hold shell
    "make recipes": ("Makefile", _body("", "a@:\n\tvllm serve m@ --enforce-eager\n")),
    "make one recipe": ("Makefile", _body("a:\n", "\tvllm serve m@ --enforce-eager\n")),
    "make long command": (
        "Makefile",
        _body("a:\n\tvllm serve m --enforce-eager", " \\\n\t  --flag-@ v@"),
    ),
    "make variables": ("Makefile", _body("", "A@ = --flag@\na@:\n\tvllm serve m $(A@)\n")),
    "make one variable": (
        "Makefile",
        _body("A = --port 1 --enforce-eager\n", "a@:\n\tvllm serve m@ $(A)\n"),
    ),
    "make variables in variables": (
        "Makefile",
        _chain("A@ = $(A#) --flag@\na@:\n\tvllm serve m $(A@)\n", ""),
    ),
    "make variables doubled": (
        "Makefile",
        _chain("A@ = $(A#) $(A#)\na@:\n\tvllm serve m $(A@)\n", ""),
    ),
    "make long variable": (
        "Makefile",
        _body("A = --x", " --flag@", "\n" + "a:\n\tvllm serve m $(A)\n" * 300),
    ),
    "make open calls": ("Makefile", _body("a:\n\tvllm serve m", " $(call x@", "\n")),
    "make many open calls": ("Makefile", _body("", "a:\n\tvllm serve m $(call (((\n")),
    "make continued": ("Makefile", _body("A = b", " \\\n  c@", "\na:\n\tvllm serve m\n")),
    "just recipes": ("justfile", _body("", "a@:\n  vllm serve m@ --enforce-eager\n")),
    "procfile": ("Procfile", _body("", "web@: vllm serve m@ --enforce-eager\n")),
    "batch": ("a.bat", _body("", "vllm serve m@ --enforce-eager ^\n  --port @\n")),
    "batch variables": ("a.bat", _chain("set A@=%A#% --x@\n", "vllm serve m %A@%\n")),
    "systemd": ("a.service", _body("[Service]\n", "ExecStart=vllm serve m@ --enforce-eager\n")),
    # -- Dockerfiles
    "docker runs": ("Dockerfile", _body("FROM a\n", "RUN pip install p@==1.@\n", "CMD " + SERVE)),
    "docker one run": (
        "Dockerfile",
        _body("FROM a\nRUN true", " && \\\n  pip install p@", "\nCMD " + SERVE),
    ),
    "docker environment": (
        "Dockerfile",
        _body("FROM a\n", "ENV A@=b@\n", "CMD " + SERVE),
    ),
    "docker environment used": (
        "Dockerfile",
        _body("FROM a\n", "ENV A@=b@\nRUN echo $A@\n", "CMD " + SERVE),
    ),
    "docker arguments in arguments": (
        "Dockerfile",
        lambda count: "FROM a\n" + _chain('ENV A@="$A# b"\n', "CMD " + SERVE)(count),
    ),
    "docker stages": (
        "Dockerfile",
        lambda count: (
            "FROM vllm/vllm-openai:v0.9 AS s0\n"
            + _chain('FROM s# AS s@\nENV A@=b\nCMD ["--model", "m@", "--enforce-eager"]\n', "")(
                count
            )
        ),
    ),
    "docker long array": (
        "Dockerfile",
        _body('FROM a\nCMD ["vllm", "serve"', ', "--flag@"', "]\n"),
    ),
    "docker comments": ("Dockerfile", _body("FROM a\nRUN a \\\n", "# c@\n", " b\nCMD " + SERVE)),
    "docker here-document": (
        "Dockerfile",
        _body("FROM a\nRUN <<EOF\n", "pip install p@\n", "EOF\nCMD " + SERVE),
    ),
    "docker open here-documents": ("Dockerfile", _body("FROM a\nRUN a \\\n", "<<A@ \\\n", SERVE)),
    # -- YAML
    "compose": ("compose.yaml", compose),
    "compose shared options": ("compose.yaml", shared_options),
    "compose one command": (
        "compose.yaml",
        _body("services:\n  a:\n    command:\n      - vllm\n      - serve\n", "      - --f@\n"),
    ),
    "kubernetes": ("k.yaml", kubernetes),
    "kubernetes environment": (
        "k.yaml",
        _body(
            "kind: Pod\nspec:\n  containers:\n    - image: vllm/vllm-openai:v0.9\n"
            "      args: [--model, m, --enforce-eager]\n      env:\n",
            "        - name: A@\n          value: b@\n",
        ),
    ),
    "deep YAML": ("a.yaml", deep_yaml),
    "deep flow YAML": ("a.yaml", _deep("[", "vllm serve m --enforce-eager", "]")),
    "open flow YAML": ("a.yaml", _body("vllm: serve\na: ", "[")),
    "aliases": ("a.yaml", aliases),
    "long YAML list": ("a.yaml", _body("command: vllm serve m\nl:\n", "  - item @\n")),
    "YAML of numbers": ("a.yaml", _body("command: vllm serve m\nl: [0", ", @", "]\n")),
    "YAML scripts": (
        "ci.yml",
        _body("jobs:\n", "  j@:\n    steps:\n      - run: |\n          vllm serve m@\n"),
    ),
    "one YAML script": (
        "ci.yml",
        _body("jobs:\n  j:\n    steps:\n      - run: |\n", "          vllm serve m@\n"),
    ),
    "YAML templates": (
        "a.yaml",
        _body("", "{{- if .Values.a@ }}\ncommand@: vllm serve {{ .Values.m }}\n{{- end }}\n"),
    ),
    "engine file": ("a.yaml", _body("model: a/b\nenforce-eager: true\n", "key-@: @\n")),
    # -- packages and configurations
    "requirements": ("requirements.txt", _body("transformers==4.44.0\n", "p@==1.@ # vllm\n")),
    "requirements of one": ("requirements.txt", _body("", "transformers==4.@.0\n")),
    "requirements with hashes": (
        "requirements.txt",
        _body("transformers==4.44.0", " \\\n    --hash=sha256:" + "0" * 64, "\n"),
    ),
    "conda": (
        "environment.yml",
        _body("dependencies:\n  - transformers=4.44\n  - pip:\n", "    - p@==1.@\n"),
    ),
    "pyproject": (
        "pyproject.toml",
        _body("[project]\nname = 'a'\ndependencies = [\n", "  'transformers==4.@',\n", "]\n"),
    ),
    "pyproject groups": (
        "pyproject.toml",
        _body(
            "[project]\nname = 'a'\n[project.optional-dependencies]\n",
            "g@ = ['transformers==4.@', 'p@']\n",
        ),
    ),
    "pyproject tables": (
        "pyproject.toml",
        _body("", "[tool.poetry.group.g@.dependencies]\ntransformers = '4.@'\n"),
    ),
    "setup.cfg": (
        "setup.cfg",
        _body("[options]\ninstall_requires =\n", "    transformers==4.@\n"),
    ),
    "uv.lock": (
        "uv.lock",
        _body(
            "version = 1\n",
            '[[package]]\nname = "p@"\nversion = "1.@"\nsource = { registry = "x" }\n',
            '[[package]]\nname = "transformers"\nversion = "4.44.0"\n',
        ),
    ),
    "Pipfile": ("Pipfile", _body("[packages]\ntransformers = '==4.44'\n", "p@ = '==1.@'\n")),
    "Pipfile.lock": ("Pipfile.lock", pipfile_lock),
    "setup.py": (
        "setup.py",
        _body(
            "from setuptools import setup\nsetup(install_requires=[\n",
            "'transformers==4.@',\n",
            "])\n",
        ),
    ),
    "config.json": ("config.json", config_json),
    "properties": ("serving.properties", _body("engine=Python\noption.model_id=a\n", "k@=v@\n")),
    "pbtxt": ("config.pbtxt", _body('name: "a"\nbackend: "vllm"\n', 'input [ {name: "i@"} ]\n')),
}
