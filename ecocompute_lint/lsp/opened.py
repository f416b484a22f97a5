"""The editor's state of a document as something to audit."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from urllib.parse import unquote

from lsprotocol.types import NotebookCellKind, NotebookDocument
from pygls.uris import to_fs_path, urlparse
from pygls.workspace import Workspace

from ecocompute_lint.lsp.documents import Document, Part
from ecocompute_lint.sources.kinds import NOTEBOOK, PYTHON, kind_of


def opened(workspace: Workspace, uri: str, roots: Sequence[str]) -> Document | None:
    """A document as it stands in the editor; None for one that is not read."""
    notebook = workspace.get_notebook_document(notebook_uri=uri)
    if notebook is not None:
        path = _path(uri, roots)
        path = path if kind_of(path) == NOTEBOOK else f"{path}.ipynb"
        return Document(uri, path, NOTEBOOK, tuple(_cells(workspace, notebook)))
    text = workspace.text_documents.get(unquote(uri))
    if text is None:
        return None
    path = _path(uri, roots)
    # Scripts without an ending, and texts that were never saved: the editor knows the language.
    kind = kind_of(path) or (PYTHON if text.language_id == "python" else None)
    if kind == NOTEBOOK and text.language_id == "python":
        path, kind = f"{path}.py", PYTHON  # a cell that is given as a text of its own
    if kind is None:
        return None
    return Document(uri, path, kind, (Part(uri, text.version, text.source),))


def _cells(workspace: Workspace, notebook: NotebookDocument) -> Iterator[Part]:
    for number, cell in enumerate(notebook.cells):
        text = workspace.text_documents.get(unquote(cell.document))
        yield Part(
            cell.document,
            text.version if text is not None else None,
            text.source if text is not None else "",
            number,
            (text.language_id if text is not None else None) or "python",
            cell.kind == NotebookCellKind.Code,
        )


def _path(uri: str, roots: Sequence[str]) -> str:
    """Where a document is, or where it is taken to stand if it was never saved."""
    path = to_fs_path(uri)
    if path:
        return os.path.normpath(path)
    name = os.path.basename(urlparse(uri)[2]) or "untitled"
    return os.path.join(roots[0] if roots else os.getcwd(), name)
