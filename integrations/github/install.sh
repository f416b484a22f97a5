#!/usr/bin/env bash
# Installs ecolint into an environment of its own, so that the job's Python stays what it was.
#
# ECOLINT_VERSION      a version from the package index; empty: the checkout of the action
# ECOLINT_BASE_PYTHON  the Python to build on; empty: the runner's
set -euo pipefail
here=$(dirname "${BASH_SOURCE[0]}")
# shellcheck source=integrations/github/common.sh
. "$here/common.sh"

find_python() {
    local candidate
    for candidate in "${ECOLINT_BASE_PYTHON:-}" python3 python; do
        [ -n "$candidate" ] || continue
        # Isolated (-I) here and below: modules of the audited repository are never imported.
        if "$candidate" -I -c 'import sys; sys.exit(sys.version_info < (3, 10))' 2>/dev/null; then
            printf '%s\n' "$candidate"
            return
        fi
    done
    fail "no Python 3.10 or newer on this runner: set the input python-version"
}

requirement=$GITHUB_ACTION_PATH
if [ -n "${ECOLINT_VERSION:-}" ]; then
    [[ $ECOLINT_VERSION =~ ^[A-Za-z0-9.!+_-]+$ ]] || fail "version: not a version: $ECOLINT_VERSION"
    requirement=ecocompute-lint==$ECOLINT_VERSION
fi

base=$(find_python) || {
    printf '%s\n' "$base"
    exit 2
}
environment=$(mktemp -d "$RUNNER_TEMP/ecolint.XXXXXX")
"$base" -I -m venv "$environment"
python=$environment/bin/python
[ -e "$python" ] || python=$environment/Scripts/python.exe
"$python" -I -m pip --disable-pip-version-check --no-input install --quiet "$requirement"
"$python" -I -m ecocompute_lint --version
output python "$python"
