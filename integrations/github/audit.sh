#!/usr/bin/env bash
# Audits, and leaves reports and their places for the steps after it. Findings do not fail this step:
# the last one does that, when everything has been shown and uploaded.
#
# Reads the inputs of action.yml as ECOLINT_*, and ECOLINT_BASE, the commit that a pull request is to be
# merged into.
set -euo pipefail
here=$(dirname "${BASH_SOURCE[0]}")
# shellcheck source=integrations/github/common.sh
. "$here/common.sh"

# refuse MESSAGE: the run cannot begin.
refuse() {
    output exit-status 2
    fail "$1"
}

# one_of INPUT VALUE ALLOWED...
one_of() {
    local input=$1 value=$2 allowed
    shift 2
    for allowed in "$@"; do
        if [ "$value" = "$allowed" ]; then return; fi
    done
    refuse "$input: '$value' is none of: $*"
}

check_inputs() {
    one_of only-changed "$ECOLINT_ONLY_CHANGED" true false
    one_of summary "$ECOLINT_SUMMARY" true false
    one_of sarif "$ECOLINT_SARIF" true false
    one_of comment "$ECOLINT_COMMENT" true false
    one_of annotations "$ECOLINT_ANNOTATIONS" auto true false
    [[ $ECOLINT_CATEGORY =~ ^[A-Za-z0-9._:/-]+$ ]] ||
        refuse "category: letters, digits and . _ : / - only, not '$ECOLINT_CATEGORY'"
}

# The words of the input `args`, each ended by a zero byte.
words() {
    "$ECOLINT_PYTHON" -I -c '
import os, shlex, sys
try:
    words = shlex.split(os.environ["ECOLINT_ARGS"])
except ValueError as error:
    sys.exit(f"args: {error}")
sys.stdout.buffer.write(b"".join(os.fsencode(word) + b"\0" for word in words))
'
}

add_args() {
    local file=$reports/args message word
    message=$(words 2>&1 >"$file") || refuse "$message"
    while IFS= read -r -d '' word; do command+=("$word"); done <"$file"
}

add_paths() {
    local path
    command+=(--)
    while IFS= read -r path; do
        path=${path%$'\r'}
        path=${path#"${path%%[![:space:]]*}"}
        path=${path%"${path##*[![:space:]]}"}
        if [ -n "$path" ]; then command+=("$path"); fi
    done <<<"$ECOLINT_PATHS"
}

# The commit that a pull request starts from has to be here, with all that lies between.
fetch_history() {
    local base=$1 hint="check out with 'fetch-depth: 0'"
    export GIT_TERMINAL_PROMPT=0
    [[ $base =~ ^[0-9a-f]{40,64}$ ]] || refuse "only-changed: not a commit: $base"
    if [ "$(git rev-parse --is-shallow-repository)" = true ]; then
        git fetch --quiet --no-tags --no-recurse-submodules --unshallow origin \
            "$base" "$(git rev-parse HEAD)" || refuse "only-changed: the history cannot be fetched; $hint"
    elif ! git cat-file -e "$base^{commit}" 2>/dev/null; then
        git fetch --quiet --no-tags --no-recurse-submodules origin "$base" ||
            refuse "only-changed: $base cannot be fetched; $hint"
    fi
}

add_since() {
    if [ "$ECOLINT_ONLY_CHANGED" = false ]; then return; fi
    if [ -z "$ECOLINT_BASE" ]; then
        say notice "only-changed: this is no pull request, so everything is reported"
        return
    fi
    git rev-parse --git-dir >/dev/null || refuse "only-changed: not in a git repository"
    fetch_history "$ECOLINT_BASE"
    command+=("--since=$ECOLINT_BASE")
}

# Names and code of the audited repository are printed: no line of them may be a workflow command.
run_unheard() {
    local token
    token=$(od -An -N16 -tx1 /dev/urandom | tr -d ' \n')
    printf '::stop-commands::%s\n' "$token"
    status=0
    COLUMNS=${COLUMNS:-120} "$@" || status=$?
    printf '\n::%s::\n' "$token"
}

# written OUTPUT FILE: the output is the file, if it was written.
written() {
    if [ -s "$2" ]; then output "$1" "$2"; else output "$1" ""; fi
}

check_inputs
cd -- "$ECOLINT_WORKING_DIRECTORY" || refuse "working-directory: cannot be entered"
reports=$(mktemp -d "$RUNNER_TEMP/ecolint-reports.XXXXXX")
command=(
    "$ECOLINT_PYTHON" -I -m ecocompute_lint check
    --color=always
    --format text
    --format json --output "$reports/ecolint.json"
    --format sarif --output "$reports/ecolint.sarif"
    --format markdown --output "$reports/ecolint.md"
    --format github --output "$reports/annotations.txt"
)
if [ -n "$ECOLINT_GPU" ]; then command+=("--gpu=$ECOLINT_GPU"); fi
if [ -n "$ECOLINT_FAIL_ON" ]; then command+=("--fail-on=$ECOLINT_FAIL_ON"); fi
add_args
add_since
add_paths
run_unheard "${command[@]}"

case $ECOLINT_ANNOTATIONS$ECOLINT_SARIF in
    true* | autofalse) if [ -s "$reports/annotations.txt" ]; then cat "$reports/annotations.txt"; fi ;;
esac
if [ "$ECOLINT_SUMMARY" = true ] && [ -s "$reports/ecolint.md" ]; then
    cat "$reports/ecolint.md" >>"$GITHUB_STEP_SUMMARY"
fi

findings=
if [ -s "$reports/ecolint.json" ]; then
    findings=$("$ECOLINT_PYTHON" -I -c '
import json, sys
with open(sys.argv[1], encoding="utf-8") as file:
    print(json.load(file)["summary"]["findings"])
' "$reports/ecolint.json")
fi
output exit-status "$status"
output findings "$findings"
written sarif-file "$reports/ecolint.sarif"
written markdown-file "$reports/ecolint.md"
written json-file "$reports/ecolint.json"
# Addresses in the SARIF report begin at the root of the repository.
output root "$(git rev-parse --show-toplevel 2>/dev/null || pwd)"
case $status in
    0) ;;
    1) say notice "findings fail this job: $findings in all" ;;
    *) say error "the run failed; the log of this step says why" ;;
esac
