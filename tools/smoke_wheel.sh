#!/usr/bin/env bash
# Installs a wheel into an environment of its own, outside any checkout, and uses it.
#
#   tools/smoke_wheel.sh dist/ecocompute_lint-0.1.0-py3-none-any.whl
set -euo pipefail
wheel=$(realpath "$1")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

fail() {
    echo "smoke test: $*" >&2
    exit 1
}

python3 -m venv venv
venv/bin/python -m pip --disable-pip-version-check install -q "$wheel" flake8
bin=$work/venv/bin
mkdir project
cd project
cat >bad.py <<'END'
from transformers import AutoModelForCausalLM, BitsAndBytesConfig

config = BitsAndBytesConfig(load_in_8bit=True)
model = AutoModelForCausalLM.from_pretrained("org/small-1b", quantization_config=config)
END

where=$("$bin/python" -c 'import ecocompute_lint; print(ecocompute_lint.__file__)')
case $where in "$work"/*) ;; *) fail "imported from $where" ;; esac

# says TEXT COMMAND...: whether the command succeeds and prints the text. No pipe into `grep -q`:
# it closes the pipe at the first match, and the command may fail for that.
says() {
    local text=$1
    shift
    "$@" >output.txt 2>&1 || fail "status $? of $*: $(cat output.txt)"
    grep -q -- "$text" output.txt || fail "no '$text' from $*: $(cat output.txt)"
}

"$bin/ecolint" --version
says '^ecolint ' "$bin/python" -m ecocompute_lint --version
says '^ECO111 ' "$bin/ecolint" rules
says 'int8-outlier-decomposition' "$bin/ecolint" rule ECO101
says 'rtx4090d' "$bin/ecolint" gpus
says 'registry' "$bin/ecolint" models mistralai/Mistral-7B-v0.1
says '10.5281/zenodo' "$bin/ecolint" data
says 'J/1k tok' "$bin/ecolint" compare --model mistralai/Mistral-7B-v0.1 --gpu rtx4090d
says '"citation"' "$bin/ecolint" optimize --model Qwen/Qwen2.5-14B --gpu a800 --format json
says 'ecocompute' "$bin/flake8" --version
says '^bad.py:3:10: ECO101' "$bin/flake8" --isolated --exit-zero --select ECO bad.py
says '^bad.py:3:10: ECO101' "$bin/ecolint" --exit-zero --quiet .
says '<h1>' "$bin/ecolint" --exit-zero --format html .

status=0
"$bin/ecolint" --quiet . >output.txt || status=$?
[ "$status" = 1 ] || fail "exit status $status for a trap"

# A model this small costs more in INT8 than in 16 bit, repaired or not.
says 'fixed' "$bin/ecolint" --exit-zero --fix bad.py
grep -q 'llm_int8_threshold=0.0' bad.py || fail "not repaired"
says 'no findings' "$bin/ecolint" --select ECO101 bad.py
[ "$(find "$work/venv" -name 'ECO101.yaml' | wc -l)" = 1 ] || fail "the rules are there twice"
