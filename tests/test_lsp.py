"""The language server under a real client, over standard input and output."""

from __future__ import annotations

from pathlib import Path

import pytest
from conftest import FIXED, TRAP
from lsp_support import EMACS, NEOVIM, VSCODE, editing, play
from lsprotocol import types as lsp


def codes(found: list[lsp.Diagnostic]) -> list[str]:
    return [str(one.code) for one in found]


@pytest.mark.parametrize("like", [VSCODE, NEOVIM, EMACS])
def test_what_is_found_is_shown_from_opening_to_closing(tmp_path: Path, like: str) -> None:
    async def scenario() -> None:
        async with editing(tmp_path, "--stdio", like=like) as editor:
            (trap,) = await editor.open("serve.py", TRAP)
            assert (trap.code, trap.source) == ("ECO101", "ecolint")
            print(trap)
            assert editor.under(TRAP, trap.range) == "BitsAndBytesConfig(load_in_8bit=True)"
            assert trap.code_description is not None
            assert trap.code_description.href.startswith("https://")
            assert await editor.change("serve.py", FIXED) == []
            assert codes(await editor.change("serve.py", "\n" + TRAP)) == ["ECO101"]
            before = len(editor.published)
            uri = editor.uri("serve.py")
            editor.client.text_document_did_close(
                lsp.DidCloseTextDocumentParams(lsp.TextDocumentIdentifier(uri))
            )
            assert await editor.diagnostics(uri, since=before) == []

    play(scenario())
