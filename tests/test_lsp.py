"""The language server under a real client, over standard input and output."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from conftest import CLEAN, FIXED, TRAP, YELLOW, Command, environment
from lsp_support import EMACS, NEOVIM, VSCODE, Editor, editing, play
from lsprotocol import types as lsp

Write = Callable[[str, "str | bytes"], Path]
DTYPE = """\
import torch
from transformers import BitsAndBytesConfig

config = BitsAndBytesConfig(load_in_4bit=True, bnb_4bit_compute_dtype=torch.float32)
"""
MISTRAL = """\
from transformers import AutoModelForCausalLM, BitsAndBytesConfig

model = AutoModelForCausalLM.from_pretrained(
    "mistralai/Mistral-7B-v0.1",
    quantization_config=BitsAndBytesConfig(load_in_8bit=True),
)
"""
MODEL_CONFIG = """\
{
  "architectures": ["LlamaForCausalLM"],
  "quantization_config": {
    "load_in_8bit": true, "llm_int8_threshold": 6.0, "quant_method": "bitsandbytes"
  }
}
"""
FIX_ALL = "source.fixAll.ecolint"
EVERYWHERE = lsp.Range(lsp.Position(0, 0), lsp.Position(1000, 0))


def codes(found: list[lsp.Diagnostic]) -> list[str]:
    return [str(one.code) for one in found]


def titled(actions: list[lsp.CodeAction], words: str) -> lsp.CodeAction:
    (found,) = [action for action in actions if words in action.title]
    return found


# -- diagnostics


@pytest.mark.parametrize("like", [VSCODE, NEOVIM, EMACS])
def test_findings_are_shown_from_opening_to_closing(tmp_path: Path, like: str) -> None:
    async def scenario() -> None:
        async with editing(tmp_path, "--stdio", like=like) as editor:
            (trap,) = await editor.open("serve.py", TRAP)
            assert (trap.code, trap.source) == ("ECO101", "ecolint")
            assert trap.severity is lsp.DiagnosticSeverity.Error
            assert "outlier" in trap.message
            assert editor.under(TRAP, trap.range) == "BitsAndBytesConfig(load_in_8bit=True)"
            assert trap.code_description is not None
            assert trap.code_description.href.startswith("https://")
            assert await editor.change("serve.py", FIXED) == []
            (trap,) = await editor.change("serve.py", "\n" + TRAP)
            assert trap.range.start.line == 2
            before = len(editor.published)
            editor.close("serve.py")
            assert await editor.diagnostics(editor.uri("serve.py"), since=before) == []

    play(scenario())


def test_the_last_of_many_changes_counts(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with editing(tmp_path) as editor:
            await editor.open("serve.py", CLEAN)
            for number in range(20):
                editor.type("serve.py", TRAP + f"x = {number}\n")
            version = editor.type("serve.py", YELLOW)
            found = await editor.diagnostics(editor.uri("serve.py"), version)
            assert found
            assert "ECO101" not in codes(found)
            assert found[0].severity is lsp.DiagnosticSeverity.Warning
            # A request for a state that was not audited yet is answered for this state.
            editor.type("serve.py", TRAP)
            titles = [one.title for one in await editor.actions("serve.py", EVERYWHERE)]
            assert any("ECO101" in title for title in titles)
            said = [one.version for one in editor.published]
            assert said == sorted(said)

    play(scenario())


@pytest.mark.parametrize(
    ("offered", "agreed"),
    [
        (None, "utf-16"),
        (["utf-8", "utf-16"], "utf-8"),
        (["utf-32"], "utf-32"),
        (["ebcdic"], "utf-16"),
    ],
)
def test_positions_are_in_the_encoding_agreed_on(
    tmp_path: Path, offered: list[str] | None, agreed: str
) -> None:
    text = (
        "from transformers import BitsAndBytesConfig\n"
        "\f\n"
        'name = "é 😀 漢字\u2028"; config = BitsAndBytesConfig(load_in_8bit=True)  # 😀\r\n'
        "print(config)\r\n"
    )

    async def scenario() -> None:
        async with editing(tmp_path, encodings=offered) as editor:
            assert editor.encoding == agreed
            (trap,) = await editor.open("serve.py", text)
            assert trap.range.start.line == 2
            assert editor.under(text, trap.range) == "BitsAndBytesConfig(load_in_8bit=True)"
            inside = lsp.Range(trap.range.end, trap.range.end)
            action = titled(await editor.actions("serve.py", inside), "numeric")
            fixed = text.replace("=True)", "=True, llm_int8_threshold=0.0)")
            assert editor.applied(action, "serve.py") == fixed

    play(scenario())


def test_every_kind_of_file_is_read_by_its_name(tmp_path: Path) -> None:
    flags = "--model m --quantization bitsandbytes --enforce-eager"

    async def scenario() -> None:
        async with editing(tmp_path) as editor:
            server = f"vllm serve {flags}\n"
            assert "ECO306" in codes(await editor.open("run.sh", server, "shellscript"))
            docker = f"FROM vllm/vllm-openai:v0.6.0\nCMD vllm serve {flags}\n"
            assert "ECO306" in codes(await editor.open("Dockerfile", docker, "dockerfile"))
            assert codes(
                await editor.open("requirements.txt", "bitsandbytes==0.43.0.dev0\n", "pip")
            ) == ["ECO501"]
            # Nobody's, and a script that only the editor knows to be Python.
            editor.start("notes.md", TRAP, "markdown")
            assert codes(await editor.open("serve", TRAP, "python")) == ["ECO101"]
            assert codes(await editor.open("untitled:Untitled-1", TRAP)) == ["ECO101"]
            assert not [one for one in editor.published if one.uri == editor.uri("notes.md")]

    play(scenario())


def test_good_choices_are_hints_where_they_are_asked_for(tmp_path: Path, write: Write) -> None:
    good = (
        "import torch\nfrom transformers import AutoModelForCausalLM, BitsAndBytesConfig\n"
        "nf4 = BitsAndBytesConfig(load_in_4bit=True, bnb_4bit_quant_type='nf4',\n"
        "    bnb_4bit_compute_dtype=torch.bfloat16)\n"
        "model = AutoModelForCausalLM.from_pretrained(\n"
        "    'mistralai/Mistral-7B-Instruct-v0.3', quantization_config=nf4, device_map='auto')\n"
    )

    async def scenario() -> None:
        async with editing(tmp_path) as editor:
            before = await editor.open("serve.py", good)
            assert all(one.severity is not lsp.DiagnosticSeverity.Hint for one in before)
            write("ecolint.toml", "show-good = true\n")
            since = editor.files_changed("ecolint.toml")
            shown = await editor.diagnostics(editor.uri("serve.py"), since=since)
            hints = [one for one in shown if one.severity is lsp.DiagnosticSeverity.Hint]
            assert hints
            assert all(str(one.code).startswith("ECO9") for one in hints)

    play(scenario())


# -- what is read besides the text


def test_imports_lead_to_files_on_disk(tmp_path: Path, write: Write) -> None:
    write("settings.py", "EIGHT = True\n")
    text = (
        "from transformers import BitsAndBytesConfig\nfrom settings import EIGHT\n"
        "config = BitsAndBytesConfig(load_in_8bit=EIGHT)\n"
    )

    async def scenario() -> None:
        async with editing(tmp_path) as editor:
            assert codes(await editor.open("serve.py", text)) == ["ECO101"]
            write("settings.py", "EIGHT = False  # not any more\n")
            since = editor.files_changed("settings.py")
            assert await editor.diagnostics(editor.uri("serve.py"), since=since) == []
            write("settings.py", "EIGHT = True  # it is again\n")
            await editor.open("settings.py", "EIGHT = True  # it is again\n")
            since = editor.save("settings.py")
            found = await editor.diagnostics(editor.uri("serve.py"), since=since)
            assert codes(found) == ["ECO101"]

    play(scenario())


def test_the_configuration_counts_as_it_is_now(tmp_path: Path, write: Write) -> None:
    write("pyproject.toml", '[tool.ecolint]\nextend-exclude = ["old/"]\n')

    async def scenario() -> None:
        async with editing(tmp_path) as editor:
            (watched,) = await editor.registered
            assert watched.method == lsp.WORKSPACE_DID_CHANGE_WATCHED_FILES
            assert "ecolint.toml" in str(watched.register_options)
            uri = editor.uri("serve.py")
            assert codes(await editor.open("serve.py", TRAP)) == ["ECO101"]
            assert await editor.open("old/serve.py", TRAP) == []
            assert await editor.open(".venv/lib/x.py", TRAP) == []
            write("pyproject.toml", '[tool.ecolint]\nignore = ["ECO101"]\n')
            since = editor.files_changed("pyproject.toml")
            assert await editor.diagnostics(uri, since=since) == []
            write("pyproject.toml", '[tool.ecolint]\nfix-level = "exact"\n')
            since = editor.files_changed("pyproject.toml")
            (trap,) = await editor.diagnostics(uri, since=since)
            actions = await editor.actions("serve.py", trap.range)
            assert not [one for one in actions if one.kind == FIX_ALL]

    play(scenario())


def test_a_broken_configuration_is_said_once(tmp_path: Path, write: Write) -> None:
    write("ecolint.toml", "gpu = 'h10'\n")

    async def scenario() -> None:
        async with editing(tmp_path) as editor:
            assert await editor.open("serve.py", TRAP) == []
            assert await editor.open("other.py", TRAP) == []
            assert await editor.change("serve.py", TRAP + "\n") == []
            (message,) = editor.client.messages
            assert message.type is lsp.MessageType.Error
            assert "unknown GPU 'h10'" in message.message
            assert "ecolint.toml" in message.message
            write("ecolint.toml", "gpu = 'h100-sxm'\n")
            since = editor.files_changed("ecolint.toml")
            for name in ("serve.py", "other.py"):
                found = await editor.diagnostics(editor.uri(name), since=since)
                assert "ECO101" in codes(found)
            write("ecolint.toml", "gpu = \n")
            since = editor.files_changed("ecolint.toml")
            for name in ("serve.py", "other.py"):
                assert await editor.diagnostics(editor.uri(name), since=since) == []
            assert len(editor.client.messages) == 2

    play(scenario())


def test_what_a_baseline_knows_is_left_out(tmp_path: Path, write: Write, ecolint: Command) -> None:
    write("pyproject.toml", "[tool.ecolint]\n")
    write("serve.py", TRAP)
    assert ecolint("--write-baseline", "known.json", ".").status == 0
    write("pyproject.toml", '[tool.ecolint]\nbaseline = "known.json"\n')
    both = TRAP + "other = BitsAndBytesConfig(load_in_8bit=True, llm_int8_threshold=5.0)\n"

    async def scenario() -> None:
        async with editing(tmp_path) as editor:
            (new,) = await editor.open("serve.py", both)
            assert "threshold=5.0" in editor.under(both, new.range)
            (action,) = await editor.actions("serve.py", EVERYWHERE, [FIX_ALL])
            assert editor.applied(action, "serve.py") == both.replace("5.0", "0.0")

    play(scenario())


# -- actions


def test_repairs_one_by_one_and_all_at_once(tmp_path: Path) -> None:
    text = TRAP + DTYPE

    async def scenario() -> None:
        async with editing(tmp_path) as editor:
            found = await editor.open("serve.py", text)
            assert len(found) >= 2
            trap = next(one for one in found if one.code == "ECO101")
            action = titled(await editor.actions("serve.py", trap.range), "numeric")
            assert action.kind == lsp.CodeActionKind.QuickFix
            assert not action.is_preferred
            assert action.diagnostics is not None
            assert [one.range for one in action.diagnostics] == [trap.range]
            assert editor.applied(action, "serve.py") == FIXED + DTYPE
            (every,) = await editor.actions("serve.py", EVERYWHERE, ["source.fixAll"])
            assert every.kind == FIX_ALL
            assert await editor.change("serve.py", editor.applied(every, "serve.py")) == []
            assert await editor.actions("serve.py", EVERYWHERE, [FIX_ALL]) == []

    play(scenario())


def test_exact_repairs_are_preferred(tmp_path: Path) -> None:
    text = (
        "from transformers import AutoModelForCausalLM, BitsAndBytesConfig\n"
        'model = AutoModelForCausalLM.from_pretrained("mistralai/Mistral-7B-v0.1")\n'
        "out = model.generate(**inputs, use_cache=False)\n"
    )

    async def scenario() -> None:
        async with editing(tmp_path) as editor:
            (cache,) = [one for one in await editor.open("serve.py", text) if one.code == "ECO301"]
            action = titled(await editor.actions("serve.py", cache.range), "exact")
            assert action.is_preferred
            assert "use_cache=False" not in editor.applied(action, "serve.py")

    play(scenario())


@pytest.mark.parametrize("versioned", [True, False])
def test_a_finding_is_ignored_by_a_comment(tmp_path: Path, versioned: bool) -> None:
    text = TRAP.replace("\n", "\r\n")

    def without_versions(known: lsp.ClientCapabilities) -> None:
        assert known.workspace is not None
        if not versioned:
            known.workspace.workspace_edit = None

    async def scenario() -> None:
        async with editing(tmp_path, change=without_versions) as editor:
            (trap,) = await editor.open("serve.py", text)
            only = [lsp.CodeActionKind.QuickFix.value]
            actions = await editor.actions("serve.py", trap.range, only)
            assert all(one.kind == lsp.CodeActionKind.QuickFix for one in actions)
            action = titled(actions, "ignore this finding")
            after = editor.applied(action, "serve.py")
            assert after == text.replace("True)\r\n", "True)  # noqa: ECO101\r\n")
            assert await editor.change("serve.py", after) == []
            # JSON has no comments.
            (found,) = await editor.open(
                "config.json",
                MODEL_CONFIG,
                "json",
            )
            titles = [one.title for one in await editor.actions("config.json", found.range)]
            assert not [title for title in titles if "ignore" in title]

    play(scenario())


def test_elsewhere_nothing_is_offered(tmp_path: Path) -> None:
    start = lsp.Position(0, 0)

    async def scenario() -> None:
        async with editing(tmp_path) as editor:
            await editor.open("serve.py", TRAP)
            top = lsp.Range(start, start)
            only = [lsp.CodeActionKind.QuickFix.value]
            assert await editor.actions("serve.py", top, only) == []
            assert await editor.actions("serve.py", EVERYWHERE, ["source.fixAll.other"]) == []
            assert await editor.actions("unknown.py", EVERYWHERE) == []
            assert await editor.hover("serve.py", start) is None
            assert await editor.hover("unknown.py", start) is None

    play(scenario())


# -- hover


def test_hover_tells_the_evidence(tmp_path: Path, ecolint: Command, write: Write) -> None:
    write("ecolint.toml", "gpu = 'rtx4090d'\n")
    write("serve.py", MISTRAL)
    (finding,) = [
        one
        for one in ecolint("--format", "json", "serve.py").json["findings"]
        if one["code"] == "ECO101"
    ]

    async def scenario() -> None:
        async with editing(tmp_path) as editor:
            found = await editor.open("serve.py", MISTRAL)
            trap = next(one for one in found if one.code == "ECO101")
            shown = await editor.hover("serve.py", trap.range.start)
            assert shown is not None
            assert shown.kind is lsp.MarkupKind.Markdown
            assert "**ECO101**" in shown.value
            assert "`mistralai/Mistral-7B-v0.1`" in shown.value
            figures = [one["energy_j_per_1k_tok"] for one in finding["evidence"]["choices"]]
            assert figures
            for figure in figures:
                if figure is not None:
                    assert f"| {figure['value']:,.0f} |" in shown.value
            assert "measured" in shown.value
            assert "**Repair:**" in shown.value
            assert "numeric: outputs can change" in shown.value

    play(scenario())


def test_hover_is_plain_where_there_is_no_markdown(tmp_path: Path) -> None:
    def plain(known: lsp.ClientCapabilities) -> None:
        assert known.text_document is not None
        known.text_document.hover = lsp.HoverClientCapabilities(
            content_format=[lsp.MarkupKind.PlainText]
        )

    async def scenario() -> None:
        async with editing(tmp_path, change=plain) as editor:
            (trap, *_) = await editor.open("serve.py", MISTRAL)
            shown = await editor.hover("serve.py", trap.range.start)
            assert shown is not None
            assert shown.kind is lsp.MarkupKind.PlainText
            assert "**" not in shown.value
            assert "mistralai/Mistral-7B-v0.1" in shown.value

    play(scenario())


def test_what_a_file_says_stays_text(tmp_path: Path) -> None:
    name = "x`![a](https://example.org/p.png)<img src=x>\\n\\u202e|*b*"
    text = MISTRAL.replace("mistralai/Mistral-7B-v0.1", name)

    async def scenario() -> None:
        async with editing(tmp_path) as editor:
            (trap, *_) = await editor.open("serve.py", text)
            assert "\u202e" not in trap.message
            shown = await editor.hover("serve.py", trap.range.start)
            assert shown is not None
            assert "\u202e" not in shown.value
            # The name is code as a whole: between two backquotes, which its one cannot end.
            assert shown.value.count("![a]") == 1
            assert "``x`![a](https://example.org/p.png)<img src=x>" in shown.value
            assert "|*b*`` · " in shown.value
            titles = [one.title for one in await editor.actions("serve.py", EVERYWHERE)]
            assert all(title.isprintable() for title in titles)

    play(scenario())


# -- what goes wrong


def test_errors_do_not_end_the_server(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with editing(tmp_path) as editor:
            (broken,) = await editor.open("serve.py", TRAP + "def f(:\n")
            assert broken.code == "ECO000"
            assert broken.severity is lsp.DiagnosticSeverity.Information
            assert broken.range.start.line == 2
            for text in ("\ud800", "\0", TRAP + "(" * 5000, TRAP + "x = '''", ""):
                await editor.change("serve.py", text)
            editor.texts[editor.uri("unknown.py")] = (1, "")
            editor.type("unknown.py", TRAP)
            editor.close("unknown.py")
            editor.client.protocol.notify("ecolint/unheardOf", {"a": 1})
            assert codes(await editor.change("serve.py", TRAP)) == ["ECO101"]

    play(scenario())


@pytest.mark.parametrize("given", [b"", b"Content-Length: 5\r\n\r\nhello", b"junk\r\n\r\n"])
def test_it_ends_with_its_input(tmp_path: Path, given: bytes) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "ecocompute_lint", "lsp"],
        cwd=tmp_path,
        input=given,
        capture_output=True,
        env=environment(),
        check=False,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr


def test_a_bad_file_named_as_configuration_is_said_at_once(ecolint: Command, write: Write) -> None:
    write("bad.toml", "gpu = 'h10'\n")
    result = ecolint("lsp", "--config", "bad.toml")
    assert result.status == 2
    assert "unknown GPU 'h10'" in result.stderr
    assert result.stdout == ""
    assert ecolint("lsp", "--config", "none.toml").status == 2


def test_a_configuration_can_be_named(tmp_path: Path, write: Write) -> None:
    write("mine.toml", 'ignore = ["ECO101"]\n')

    async def scenario() -> None:
        async with editing(tmp_path, "--config", "mine.toml") as editor:
            assert await editor.open("serve.py", TRAP) == []

    play(scenario())


# -- notebooks


async def _open_notebook(editor: Editor, cells: list[str]) -> None:
    documents = [
        lsp.TextDocumentItem(f"cells:{n}", "python", 1, text) for n, text in enumerate(cells)
    ]
    for item in documents:
        editor.texts[item.uri] = (1, item.text)
    kind = lsp.NotebookCellKind.Code
    notebook = lsp.NotebookDocument(
        editor.uri("a.ipynb"),
        "jupyter-notebook",
        1,
        [lsp.NotebookCell(kind, item.uri) for item in documents],
    )
    editor.client.notebook_document_did_open(lsp.DidOpenNotebookDocumentParams(notebook, documents))


def test_notebooks_are_audited_as_their_cells(tmp_path: Path) -> None:
    def cells_too(known: lsp.ClientCapabilities) -> None:
        sync = lsp.NotebookDocumentSyncClientCapabilities()
        known.notebook_document = lsp.NotebookDocumentClientCapabilities(sync)

    first, second = TRAP.splitlines(keepends=True)

    async def scenario() -> None:
        async with editing(tmp_path, change=cells_too) as editor:
            assert editor.capabilities.notebook_document_sync is not None
            await _open_notebook(editor, [first, "!nvidia-smi\n", second])
            (trap,) = await editor.diagnostics("cells:2", 1)
            assert await editor.diagnostics("cells:0", 1) == []
            assert editor.under(second, trap.range) == "BitsAndBytesConfig(load_in_8bit=True)"
            action = titled(await editor.actions("cells:2", trap.range), "numeric")
            fixed = FIXED.splitlines(keepends=True)[1]
            assert editor.applied(action, "cells:2") == fixed
            (every,) = await editor.actions("cells:2", EVERYWHERE, [FIX_ALL])
            assert editor.applied(every, "cells:2") == fixed
            ignore = titled(await editor.actions("cells:2", trap.range), "ignore")
            assert "# noqa: ECO101" in editor.applied(ignore, "cells:2")
            shown = await editor.hover("cells:2", trap.range.start)
            assert shown is not None
            assert "ECO101" in shown.value
            # The cell in the middle goes, and the last one changes.
            uri = lsp.VersionedNotebookDocumentIdentifier(2, editor.uri("a.ipynb"))
            gone = lsp.NotebookDocumentCellChangeStructure(
                lsp.NotebookCellArrayChange(1, 1),
                did_close=[lsp.TextDocumentIdentifier("cells:1")],
            )
            text = lsp.NotebookDocumentCellContentChanges(
                lsp.VersionedTextDocumentIdentifier(2, "cells:2"),
                [lsp.TextDocumentContentChangeWholeDocument("\n" + second)],
            )
            change = lsp.NotebookDocumentChangeEvent(
                cells=lsp.NotebookDocumentCellChanges(structure=gone, text_content=[text])
            )
            since = len(editor.published)
            editor.client.notebook_document_did_change(
                lsp.DidChangeNotebookDocumentParams(uri, change)
            )
            (trap,) = await editor.diagnostics("cells:2", 2)
            assert trap.range.start.line == 1
            assert await editor.diagnostics("cells:1", since=since) == []
            since = len(editor.published)
            editor.client.notebook_document_did_close(
                lsp.DidCloseNotebookDocumentParams(
                    lsp.NotebookDocumentIdentifier(editor.uri("a.ipynb")),
                    [lsp.TextDocumentIdentifier(f"cells:{n}") for n in (0, 2)],
                )
            )
            assert await editor.diagnostics("cells:2", since=since) == []

    play(scenario())


def test_notebooks_are_audited_as_text_too(tmp_path: Path) -> None:
    from notebook_support import sources, written

    raw = written("import torch\n", TRAP)

    async def scenario() -> None:
        async with editing(tmp_path, like=NEOVIM) as editor:
            (trap,) = await editor.open("a.ipynb", raw, "json")
            assert editor.under(raw, trap.range) == "BitsAndBytesConfig(load_in_8bit=True)"
            action = titled(await editor.actions("a.ipynb", trap.range), "numeric")
            assert sources(editor.applied(action, "a.ipynb")) == ["import torch\n", FIXED]
            ignore = titled(await editor.actions("a.ipynb", trap.range), "ignore")
            assert "# noqa: ECO101" in sources(editor.applied(ignore, "a.ipynb"))[1]

    play(scenario())


# -- a real editor

NVIM = shutil.which("nvim")
SCRIPT = """\
local id = vim.lsp.start_client({
  name = "ecolint",
  cmd = { vim.env.PYTHON, "-m", "ecocompute_lint", "lsp" },
  root_dir = vim.fn.getcwd(),
})
vim.lsp.buf_attach_client(0, id)
vim.wait(50000, function() return #vim.diagnostic.get(0) > 0 end, 20)
local params = vim.lsp.util.make_range_params()
params.context = { diagnostics = {}, only = { "source.fixAll" } }
local found = vim.lsp.buf_request_sync(0, "textDocument/codeAction", params, 50000)[id].result
vim.lsp.util.apply_workspace_edit(found[1].edit, "utf-16")
vim.wait(50000, function() return #vim.diagnostic.get(0) == 0 end, 20)
vim.cmd("wq!")
"""


@pytest.mark.skipif(NVIM is None, reason="Neovim is not installed")
def test_neovim_repairs_a_file(tmp_path: Path, write: Write) -> None:
    write("edit.lua", SCRIPT)
    path = write("serve.py", TRAP)
    subprocess.run(
        [str(NVIM), "--headless", "--clean", "serve.py", "-c", "luafile edit.lua"],
        cwd=tmp_path,
        env=environment(PYTHON=sys.executable),
        check=True,
        capture_output=True,
        timeout=120,
    )
    assert path.read_text() == FIXED
