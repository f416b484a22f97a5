"""The server: what it tells an editor, and when."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from lsprotocol import types
from pygls.lsp.server import LanguageServer
from pygls.uris import to_fs_path

from ecocompute_lint import __version__
from ecocompute_lint.lsp import hover as words
from ecocompute_lint.lsp.actions import KINDS, Actions
from ecocompute_lint.lsp.audits import Audited, audit
from ecocompute_lint.lsp.diagnostics import Shown
from ecocompute_lint.lsp.documents import Document
from ecocompute_lint.lsp.opened import opened

PAUSE = 0.25
"""Seconds without a keystroke after which a changed text is audited."""
WATCHED = ("**/pyproject.toml", "**/ecolint.toml", "**/*.py", "**/*requirements*.txt")
NOTEBOOKS = types.NotebookDocumentSyncOptions(
    notebook_selector=[types.NotebookDocumentFilterWithNotebook(notebook="jupyter-notebook")],
    save=True,
)


@dataclass(frozen=True)
class State:
    """The last audit of a document, and what follows from it."""

    audited: Audited
    shown: Shown
    actions: Actions


class Session:
    """What is open in one editor."""

    def __init__(self, server: LanguageServer, config: Path | None = None) -> None:
        self._server = server
        self._config = config
        # One at a time: audits share what they know, and the editor waits for the last one only.
        self._worker = ThreadPoolExecutor(max_workers=1)
        self._open: set[str] = set()
        self._states: dict[str, State] = {}
        self._waiting: dict[str, asyncio.TimerHandle] = {}
        self._running: set[asyncio.Task[None]] = set()
        self._complaints: dict[str, str] = {}

    # -- what the editor tells

    def put(self, uri: str) -> None:
        """A document was opened."""
        self._open.add(uri)
        self.schedule(uri, 0)

    def drop(self, uri: str, parts: list[str]) -> None:
        """A document was closed: nothing is said of it any more."""
        self._open.discard(uri)
        if (waiting := self._waiting.pop(uri, None)) is not None:
            waiting.cancel()
        self._states.pop(uri, None)
        self._complaints.pop(uri, None)
        for part in parts:
            self._publish(part, None, [])

    def schedule(self, uri: str, pause: float = PAUSE) -> None:
        """Audit a document when it has not changed for a while."""
        if (waiting := self._waiting.pop(uri, None)) is not None:
            waiting.cancel()

        def start() -> None:
            self._waiting.pop(uri, None)
            task = loop.create_task(self.refresh(uri))
            self._running.add(task)
            task.add_done_callback(self._ended)

        loop = asyncio.get_running_loop()
        self._waiting[uri] = loop.call_later(pause, start)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._running.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            text = f"internal error, please report it: {type(error).__name__}: {error}"
            self._server.window_log_message(
                types.LogMessageParams(types.MessageType.Error, f"ecolint: {text}")
            )

    def schedule_all(self) -> None:
        """Audit everything: a file that others rest on has changed."""
        for uri in self._open:
            self.schedule(uri)

    # -- audits

    def document(self, uri: str) -> Document | None:
        """A document as it is now; None for one that is closed or not of our kinds."""
        return opened(self._server.workspace, uri, self._roots()) if uri in self._open else None

    def _roots(self) -> list[str]:
        workspace = self._server.workspace
        places = [to_fs_path(folder.uri) for folder in workspace.folders.values()]
        return [place for place in (*places, workspace.root_path) if place]

    async def refresh(self, uri: str) -> None:
        """Audit a document and publish what is found."""
        document = self.document(uri)
        if document is None:
            return
        loop = asyncio.get_running_loop()
        audited = await loop.run_in_executor(
            self._worker, audit, document, self._roots(), self._config
        )
        now = self.document(uri)
        if now is None or now.stamp != document.stamp:
            return  # changed meanwhile: the next audit is on its way
        shown = Shown(audited, self._encoding)
        self._states[uri] = State(audited, shown, Actions(shown, versioned=self._versioned))
        self._complain(uri, audited.complaint)
        found = await loop.run_in_executor(self._worker, shown.diagnostics)
        versions = {part.uri: part.version for part in document.parts}
        for part, diagnostics in found.items():
            self._publish(part, versions[part], diagnostics)

    async def state(self, uri: str) -> State | None:
        """The audit of a document as it is now."""
        document = self.document(uri)
        if document is None:
            return None
        state = self._states.get(uri)
        if state is None or state.audited.document.stamp != document.stamp:
            await self.refresh(uri)
            state = self._states.get(uri)
        current = state is not None and state.audited.document.stamp == document.stamp
        return state if current else None

    @property
    def _encoding(self) -> str:
        agreed = self._server.workspace.position_encoding
        return types.PositionEncodingKind(agreed).value

    @property
    def _versioned(self) -> bool:
        workspace = self._server.client_capabilities.workspace
        edit = workspace.workspace_edit if workspace is not None else None
        return bool(edit is not None and edit.document_changes)

    # -- what the editor is told

    def _publish(self, uri: str, version: int | None, diagnostics: list[types.Diagnostic]) -> None:
        self._server.text_document_publish_diagnostics(
            types.PublishDiagnosticsParams(uri, diagnostics, version)
        )

    def _complain(self, uri: str, complaint: str) -> None:
        """Say what is wrong with a configuration, once as long as it is."""
        known = complaint in self._complaints.values()
        self._complaints.pop(uri, None)
        if not complaint:
            return
        self._complaints[uri] = complaint
        if not known:
            self._server.window_show_message(
                types.ShowMessageParams(types.MessageType.Error, f"ecolint: {complaint}")
            )

    # -- what it asks

    async def actions(self, params: types.CodeActionParams) -> list[types.CodeAction]:
        """What can be done about the findings in a range."""
        uri = params.text_document.uri
        state = await self.state(self.owner(uri))
        if state is None:
            return []
        return await asyncio.get_running_loop().run_in_executor(
            self._worker, state.actions, uri, params.range, params.context.only
        )

    async def hover(self, params: types.HoverParams) -> types.Hover | None:
        """The evidence of the findings at a position."""
        uri = params.text_document.uri
        state = await self.state(self.owner(uri))
        if state is None:
            return None
        point = types.Range(params.position, params.position)
        found = [finding for _, finding in state.actions.findings(uri, point)]
        if not found:
            return None
        known = self._server.client_capabilities.text_document
        formats = known.hover.content_format if known is not None and known.hover else None
        rich = types.MarkupKind.Markdown in (formats or ())
        write: Callable[..., str] = words.markdown if rich else words.plain
        kind = types.MarkupKind.Markdown if rich else types.MarkupKind.PlainText
        return types.Hover(types.MarkupContent(kind, write(state.audited, found)))

    def owner(self, uri: str) -> str:
        """The document that a text belongs to: the notebook of a cell, else itself."""
        notebook = self._server.workspace.get_notebook_document(cell_uri=uri)
        return notebook.uri if notebook is not None else uri

    # -- what is watched

    async def watch(self) -> None:
        """Ask to be told when configurations and modules on disk change."""
        workspace = self._server.client_capabilities.workspace
        watched = workspace.did_change_watched_files if workspace is not None else None
        if watched is None or not watched.dynamic_registration:
            return
        watchers = [types.FileSystemWatcher(pattern) for pattern in WATCHED]
        options = types.DidChangeWatchedFilesRegistrationOptions(watchers)
        method = types.WORKSPACE_DID_CHANGE_WATCHED_FILES
        await self._server.client_register_capability_async(
            types.RegistrationParams([types.Registration("ecolint-watch", method, options)])
        )


def make(config: Path | None = None) -> LanguageServer:
    """A server; raises ConfigError if the file named as `config` cannot be used."""
    server = LanguageServer(
        "ecolint",
        __version__,
        # Whole texts: what ends a line is read differently by the library and by Python.
        text_document_sync_kind=types.TextDocumentSyncKind.Full,
        notebook_document_sync=NOTEBOOKS,
    )
    session = Session(server, config)
    _texts(server, session)
    _notebooks(server, session)
    _requests(server, session)
    return server


def _texts(server: LanguageServer, session: Session) -> None:
    @server.feature(types.TEXT_DOCUMENT_DID_OPEN)
    def did_open(params: types.DidOpenTextDocumentParams) -> None:
        session.put(params.text_document.uri)

    @server.feature(types.TEXT_DOCUMENT_DID_CHANGE)
    def did_change(params: types.DidChangeTextDocumentParams) -> None:
        session.schedule(params.text_document.uri)

    @server.feature(types.TEXT_DOCUMENT_DID_SAVE)
    def did_save(params: types.DidSaveTextDocumentParams) -> None:
        session.schedule_all()
        session.schedule(params.text_document.uri, 0)

    @server.feature(types.TEXT_DOCUMENT_DID_CLOSE)
    def did_close(params: types.DidCloseTextDocumentParams) -> None:
        session.drop(params.text_document.uri, [params.text_document.uri])


def _notebooks(server: LanguageServer, session: Session) -> None:
    @server.feature(types.NOTEBOOK_DOCUMENT_DID_OPEN)
    def did_open(params: types.DidOpenNotebookDocumentParams) -> None:
        session.put(params.notebook_document.uri)

    @server.feature(types.NOTEBOOK_DOCUMENT_DID_CHANGE)
    def did_change(params: types.DidChangeNotebookDocumentParams) -> None:
        cells = params.change.cells
        structure = cells.structure if cells is not None else None
        for gone in (structure.did_close or ()) if structure is not None else ():
            server.text_document_publish_diagnostics(types.PublishDiagnosticsParams(gone.uri, []))
        session.schedule(params.notebook_document.uri)

    @server.feature(types.NOTEBOOK_DOCUMENT_DID_SAVE)
    def did_save(params: types.DidSaveNotebookDocumentParams) -> None:
        session.schedule_all()
        session.schedule(params.notebook_document.uri, 0)

    @server.feature(types.NOTEBOOK_DOCUMENT_DID_CLOSE)
    def did_close(params: types.DidCloseNotebookDocumentParams) -> None:
        cells = [cell.uri for cell in params.cell_text_documents]
        session.drop(params.notebook_document.uri, cells)


def _requests(server: LanguageServer, session: Session) -> None:
    @server.feature(types.INITIALIZED)
    async def initialized(params: types.InitializedParams) -> None:
        await session.watch()

    @server.feature(types.WORKSPACE_DID_CHANGE_WATCHED_FILES)
    def did_change_files(params: types.DidChangeWatchedFilesParams) -> None:
        session.schedule_all()

    @server.feature(
        types.TEXT_DOCUMENT_CODE_ACTION,
        types.CodeActionOptions(code_action_kinds=KINDS),
    )
    async def code_action(params: types.CodeActionParams) -> list[types.CodeAction]:
        return await session.actions(params)

    @server.feature(types.TEXT_DOCUMENT_HOVER)
    async def hover(params: types.HoverParams) -> types.Hover | None:
        return await session.hover(params)
