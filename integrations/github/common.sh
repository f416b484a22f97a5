# shellcheck shell=bash
# What the scripts of the action share.

# pip starts Pythons that are not isolated: the job's modules are not for them.
unset PYTHONPATH PYTHONHOME

# A message of one line; what it quotes cannot begin a workflow command.
escaped() {
    local text=$1
    text=${text//'%'/%25}
    text=${text//$'\r'/%0D}
    text=${text//$'\n'/%0A}
    printf '%s' "$text"
}

say() {
    printf '::%s title=ecolint::%s\n' "$1" "$(escaped "$2")"
}

fail() {
    say error "$1"
    exit 2
}

# output NAME VALUE: an output of the step.
output() {
    case $2 in *$'\n'* | *$'\r'*) fail "a line break in $1" ;; esac
    printf '%s=%s\n' "$1" "$2" >>"$GITHUB_OUTPUT"
}
