"""A real editor's side of the Language Server Protocol, over the standard streams of a server."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, TypeVar

from conftest import environment
from lsprotocol import types as lsp
from pygls.protocol import default_converter
from pytest_lsp import LanguageClient, client_capabilities
from pytest_lsp.client import DEFAULT_CLIENT_FEATURES, register_lsp_features

from ecocompute_lint.sources.text import LineMap

VSCODE, NEOVIM, EMACS = "visual-studio-code", "neovim", "emacs"
_FOREVER = 60
"""Seconds after which a server that says nothing has failed."""
_UNITS = {"utf-8": ("utf-8", 1), "utf-16": ("utf-16-le", 2), "utf-32": ("utf-32-le", 4)}
_T = TypeVar("_T")


def play(scenario: Awaitable[_T]) -> _T:
    """Run what an editor does."""
    return asyncio.run(asyncio.wait_for(scenario, _FOREVER))


class Editor:
    """An editor with a folder open."""

    def __init__(self, client: LanguageClient, folder: Path) -> None:
        self.client = client
        self.folder = folder
        self.published: list[lsp.PublishDiagnosticsParams] = []
        self.registered: asyncio.Future[Sequence[lsp.Registration]] = asyncio.Future()
        self.encoding = "utf-16"
        self.capabilities = lsp.ServerCapabilities()
        self.texts: dict[str, tuple[int, str]] = {}
        self._news = asyncio.Condition()

    # -- what the server says

    def register(self, params: lsp.RegistrationParams) -> None:
        self.registered.set_result(params.registrations)

    async def hear(self, params: lsp.PublishDiagnosticsParams) -> None:
        async with self._news:
            self.published.append(params)
            self._news.notify_all()

    async def diagnostics(
        self, uri: str, version: int | None = None, *, since: int = 0
    ) -> list[lsp.Diagnostic]:
        """Wait for what the server says of a version of a text, after so many other messages."""

        def said() -> list[lsp.PublishDiagnosticsParams]:
            return [
                one
                for one in self.published[since:]
                if one.uri == uri and (version is None or one.version == version)
            ]

        async with self._news:
            await self._news.wait_for(lambda: bool(said()))
        return list(said()[-1].diagnostics)

    # -- what the user does

    def uri(self, name: str) -> str:
        """The address of a file in the folder; addresses are left as they are."""
        return name if ":" in name else (self.folder / name).as_uri()

    def start(self, name: str, text: str, language: str = "python") -> str:
        """Open a text; its address."""
        uri = self.uri(name)
        self.texts[uri] = (1, text)
        self.client.text_document_did_open(
            lsp.DidOpenTextDocumentParams(lsp.TextDocumentItem(uri, language, 1, text))
        )
        return uri

    async def open(self, name: str, text: str, language: str = "python") -> list[lsp.Diagnostic]:
        """Open a text, and wait for what is found."""
        before = len(self.published)
        return await self.diagnostics(self.start(name, text, language), 1, since=before)

    def close(self, name: str) -> None:
        """Close a text."""
        self.client.text_document_did_close(
            lsp.DidCloseTextDocumentParams(lsp.TextDocumentIdentifier(self.uri(name)))
        )

    def save(self, name: str) -> int:
        """Save a text; how many messages there were before."""
        before = len(self.published)
        self.client.text_document_did_save(
            lsp.DidSaveTextDocumentParams(lsp.TextDocumentIdentifier(self.uri(name)))
        )
        return before

    def type(self, name: str, text: str) -> int:
        """Change a text as a whole; its version."""
        uri = self.uri(name)
        version = self.texts[uri][0] + 1
        self.texts[uri] = (version, text)
        self.client.text_document_did_change(
            lsp.DidChangeTextDocumentParams(
                lsp.VersionedTextDocumentIdentifier(version, uri),
                [lsp.TextDocumentContentChangeWholeDocument(text)],
            )
        )
        return version

    async def change(self, name: str, text: str) -> list[lsp.Diagnostic]:
        """Change a text, and wait for what is found."""
        version = self.type(name, text)
        return await self.diagnostics(self.uri(name), version)

    async def actions(
        self, name: str, within: lsp.Range, only: Sequence[str] | None = None
    ) -> list[lsp.CodeAction]:
        """What can be done at a range."""
        found = await self.client.text_document_code_action_async(
            lsp.CodeActionParams(
                lsp.TextDocumentIdentifier(self.uri(name)),
                within,
                lsp.CodeActionContext([], only=list(only) if only else None),
            )
        )
        assert all(isinstance(one, lsp.CodeAction) for one in found or [])
        return [one for one in found or [] if isinstance(one, lsp.CodeAction)]

    async def hover(self, name: str, at: lsp.Position) -> lsp.MarkupContent | None:
        """What is shown at a position."""
        found = await self.client.text_document_hover_async(
            lsp.HoverParams(lsp.TextDocumentIdentifier(self.uri(name)), at)
        )
        if found is None:
            return None
        assert isinstance(found.contents, lsp.MarkupContent)
        return found.contents

    def files_changed(self, *names: str) -> int:
        """Say that files on disk have changed; how many messages there were before."""
        before = len(self.published)
        events = [lsp.FileEvent(self.uri(name), lsp.FileChangeType.Changed) for name in names]
        self.client.workspace_did_change_watched_files(lsp.DidChangeWatchedFilesParams(events))
        return before

    # -- edits

    def applied(self, action: lsp.CodeAction, name: str) -> str:
        """The text after an action, as an editor makes its edits."""
        uri = self.uri(name)
        version, text = self.texts[uri]
        edit = action.edit
        assert edit is not None
        if edit.document_changes is not None:
            (one,) = edit.document_changes
            assert isinstance(one, lsp.TextDocumentEdit)
            assert (one.text_document.uri, one.text_document.version) == (uri, version)
            edits: Sequence[Any] = one.edits
        else:
            assert edit.changes is not None
            assert list(edit.changes) == [uri]
            edits = edit.changes[uri]
        for one_edit in sorted(edits, key=lambda item: item.range.start, reverse=True):
            start, end = (
                self.offset(text, at) for at in (one_edit.range.start, one_edit.range.end)
            )
            text = text[:start] + one_edit.new_text + text[end:]
        return text

    def offset(self, text: str, at: lsp.Position) -> int:
        """Where a position is in a text, in the encoding that was agreed on."""
        lines = LineMap(text)
        code, width = _UNITS[self.encoding]
        line = lines.line_text(at.line + 1).encode(code)
        assert len(line) >= at.character * width, "a position behind the end of its line"
        return lines.offset(at.line + 1, 1) + len(line[: at.character * width].decode(code))

    def under(self, text: str, within: lsp.Range) -> str:
        """The text in a range."""
        return text[self.offset(text, within.start) : self.offset(text, within.end)]


@asynccontextmanager
async def editing(
    folder: Path,
    *arguments: str,
    like: str = VSCODE,
    encodings: Sequence[lsp.PositionEncodingKind | str] | None = None,
    change: Callable[[lsp.ClientCapabilities], None] = lambda known: None,
) -> AsyncIterator[Editor]:
    """An editor that knows what a real one does, with a server of its own."""
    client = LanguageClient(converter_factory=default_converter)
    editor = Editor(client, folder)

    async def publish(params: lsp.PublishDiagnosticsParams) -> None:
        await editor.hear(params)

    def register(params: lsp.RegistrationParams) -> None:
        editor.register(params)

    told = {
        lsp.TEXT_DOCUMENT_PUBLISH_DIAGNOSTICS: publish,
        lsp.CLIENT_REGISTER_CAPABILITY: register,
    }
    register_lsp_features(client, {**DEFAULT_CLIENT_FEATURES, **told})
    command = ("-m", "ecocompute_lint", "lsp", *arguments)
    await client.start_io(sys.executable, *command, cwd=folder, env=environment())
    known = client_capabilities(like)
    change(known)
    if encodings is not None:
        known.general = known.general or lsp.GeneralClientCapabilities()
        known.general.position_encodings = list(encodings)
    folders = [lsp.WorkspaceFolder(folder.as_uri(), folder.name)]
    result = await client.initialize_session(
        lsp.InitializeParams(known, root_uri=folder.as_uri(), workspace_folders=folders)
    )
    editor.capabilities = result.capabilities
    agreed = lsp.PositionEncodingKind(result.capabilities.position_encoding or "utf-16")
    editor.encoding = agreed.value
    try:
        yield editor
    finally:
        await client.shutdown_session()
    server = client._server
    assert server is not None
    assert await server.wait() == 0
    await client.stop()
