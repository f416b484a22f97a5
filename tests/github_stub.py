"""A GitHub for the real `gh`: the calls on comments, over HTTP, for tests.

`gh` speaks plain HTTP with the host github.localhost, and takes a proxy for it: this server.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

PAGE = 2
"""Comments on a page: few, so that a second page is asked for."""


@dataclass
class Comment:
    id: str
    body: str
    ours: bool


@dataclass
class GitHub:
    """The comments of one pull request."""

    comments: list[Comment] = field(default_factory=list)
    writable: bool = True
    readable: bool = True
    tokens: set[str] = field(default_factory=set)
    targets: list[str] = field(default_factory=list)
    address: str = ""

    @property
    def env(self) -> dict[str, str]:
        return {"http_proxy": self.address, "HTTP_PROXY": self.address, "no_proxy": ""}

    def answer(self, query: str, variables: dict[str, Any]) -> dict[str, Any]:
        if "mutation" not in query:
            return self._page(variables) if self.readable else _refusal()
        if not self.writable:
            return _refusal()
        self.targets.append(variables["id"])
        if "addComment" in query:
            self.comments.append(Comment(f"IC_{len(self.comments)}", variables["body"], ours=True))
            return {"data": {"addComment": {"clientMutationId": None}}}
        assert "updateIssueComment" in query
        (comment,) = (each for each in self.comments if each.id == variables["id"])
        comment.body = variables["body"]
        return {"data": {"updateIssueComment": {"clientMutationId": None}}}

    def _page(self, variables: dict[str, Any]) -> dict[str, Any]:
        self.targets.append(variables["pull"])
        first = int(variables.get("endCursor") or 0)
        nodes = [
            {"id": each.id, "body": each.body, "viewerDidAuthor": each.ours}
            for each in self.comments[first : first + PAGE]
        ]
        more = first + PAGE < len(self.comments)
        info = {"hasNextPage": more, "endCursor": str(first + PAGE)}
        return {"data": {"node": {"comments": {"nodes": nodes, "pageInfo": info}}}}


def _refusal() -> dict[str, Any]:
    message = "Resource not accessible by integration"
    return {"data": None, "errors": [{"type": "FORBIDDEN", "message": message}]}


@contextmanager
def serving(github: GitHub) -> Iterator[GitHub]:
    """Serve it while the block runs."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            assert self.path == "http://api.github.localhost/graphql", self.path
            asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            github.tokens.add(self.headers["Authorization"])
            answer = json.dumps(github.answer(asked["query"], asked.get("variables", {})))
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.end_headers()
            self.wfile.write(answer.encode())

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    github.address = f"http://127.0.0.1:{server.server_port}"
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield github
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
