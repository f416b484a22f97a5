#!/usr/bin/env bash
# Puts the report into a comment on the pull request, or into the one that an earlier run made: an
# invisible first line tells it. Where there is nothing to say and nothing was said, it says nothing.
# A token that may not comment is no failure of the audit.
#
# ECOLINT_PULL_REQUEST  the node id of the pull request
# ECOLINT_MARKDOWN, ECOLINT_FINDINGS, ECOLINT_STATUS  what the audit left; ECOLINT_CATEGORY, ECOLINT_TOKEN
set -euo pipefail
here=$(dirname "${BASH_SOURCE[0]}")
# shellcheck source=integrations/github/common.sh
. "$here/common.sh"

export GH_HOST=${GITHUB_SERVER_URL#*://}
export GH_TOKEN=$ECOLINT_TOKEN GH_ENTERPRISE_TOKEN=$ECOLINT_TOKEN
export GH_PROMPT_DISABLED=1 GH_NO_UPDATE_NOTIFIER=1
export ECOLINT_MARKER="<!-- ecolint: $ECOLINT_CATEGORY -->"

give_up() {
    say warning "no comment on the pull request: $1. It needs the permission 'pull-requests: write', which pull requests from forks do not get."
    exit 0
}

# The node id of our comment. Others can write the marker too: only what this token wrote counts.
earlier_comment() {
    # shellcheck disable=SC2016  # the variables are those of the query
    gh api graphql --paginate -f pull="$ECOLINT_PULL_REQUEST" -f query='
query($pull: ID!, $endCursor: String) {
  node(id: $pull) {
    ... on PullRequest {
      comments(first: 100, after: $endCursor) {
        nodes { id body viewerDidAuthor }
        pageInfo { hasNextPage endCursor }
      }
    }
  }
}' --jq '.data.node.comments.nodes[] | select(.viewerDidAuthor and (.body | startswith(env.ECOLINT_MARKER))) | .id'
}

# change MUTATION ID: MUTATION is a field of GraphQL that takes the id and the text of a comment.
change() {
    gh api graphql --silent -f id="$2" -F body=@"$text" -f query="
mutation(\$id: ID!, \$body: String!) { $1 { clientMutationId } }"
}

command -v gh >/dev/null || give_up "there is no gh on this runner"
comments=$(earlier_comment) || give_up "the comments cannot be read"
comment=${comments%%$'\n'*}
if [ -z "$comment" ] && [ "$ECOLINT_FINDINGS" = 0 ] && [ "$ECOLINT_STATUS" = 0 ]; then
    exit 0
fi

text=$(mktemp "$RUNNER_TEMP/ecolint-comment.XXXXXX")
{
    printf '%s\n' "$ECOLINT_MARKER"
    cat -- "$ECOLINT_MARKDOWN"
    printf '\n[The log of this audit](%s/%s/actions/runs/%s)\n' \
        "$GITHUB_SERVER_URL" "$GITHUB_REPOSITORY" "$GITHUB_RUN_ID"
} >"$text"
# shellcheck disable=SC2016  # the variables are those of the query
if [ -n "$comment" ]; then
    change 'updateIssueComment(input: {id: $id, body: $body})' "$comment" || give_up "it cannot be updated"
else
    change 'addComment(input: {subjectId: $id, body: $body})' "$ECOLINT_PULL_REQUEST" || give_up "it cannot be made"
fi
