#!/usr/bin/env bash
# Repairs the example application and builds its configs under the real Transformers, 4.57 and 5.x.
# No weights are loaded and nothing but packages is downloaded.
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

for transformers in "transformers==4.57.6" "transformers>=5,<6"; do
    "${install[@]}" "$torch" "$transformers" "bitsandbytes>=0.48" "pytest>=7.4"
    "$work/venv/bin/python" -c '
from importlib.metadata import version
print(*(f"{name} {version(name)}" for name in ("torch", "transformers", "bitsandbytes")), sep=", ")'
    "$work/venv/bin/python" -m pytest -q -o addopts= -p no:cacheprovider tests_real
done
