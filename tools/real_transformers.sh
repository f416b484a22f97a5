#!/usr/bin/env bash
# Repairs the example application and builds its configs under the real Transformers, 4.57 and 5.x,
# and rehearses `ecolint measure` there on the CPU, with a tiny model of random weights.
# Nothing but packages is downloaded.
#
#   tools/real_transformers.sh            installs whatever `torch` pip finds (several GB on some machines)
#   tools/real_transformers.sh --local    only with a torch wheel that lies on this machine (pip's
#                                         find-links); without one it says so and ends well
#
# ECOLINT is the command to repair with (default: ecolint of .venv, else of the PATH).
set -euo pipefail
cd "$(dirname "$0")/.."

local_torch="torch==2.13.0"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

if [ -z "${ECOLINT:-}" ]; then
    ECOLINT=ecolint
    [ -x .venv/bin/ecolint ] && ECOLINT=$PWD/.venv/bin/ecolint
fi
export ECOLINT

python3 -m venv "$work/venv"
install=("$work/venv/bin/python" -m pip --disable-pip-version-check install --quiet --no-compile)

if [ "${1:-}" = --local ]; then
    # `--no-index` asks no registry, so that this is quick and never fetches a CUDA build.
    if ! "${install[@]}" --no-index --no-deps "$local_torch" 2>/dev/null; then
        echo "no local wheel of $local_torch: the tests under the real Transformers are left out"
        exit 0
    fi
    torch=$local_torch
else
    torch=torch
fi

# What goes wrong while measuring is the same under both: tried under the second.
for run in "transformers==4.57.6|not trouble" "transformers>=5,<6|"; do
    transformers=${run%|*}
    "${install[@]}" "$torch" "$transformers" "bitsandbytes>=0.48" accelerate "pytest>=7.4" \
        nvidia-ml-py click packaging pathspec platformdirs pyyaml rich
    "$work/venv/bin/python" -c '
from importlib.metadata import version
print(*(f"{name} {version(name)}" for name in ("torch", "transformers", "bitsandbytes")), sep=", ")'
    "$work/venv/bin/python" -m pytest -q -o addopts= -p no:cacheprovider -k "${run#*|}" tests_real
done
