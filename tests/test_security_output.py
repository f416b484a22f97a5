"""Names, source and settings that would command a terminal, a runner or a browser if they could."""

from __future__ import annotations

import json
import os
import re
import sys
from pathlib import Path
from xml.etree import ElementTree as Xml

import pytest
from conftest import Command
from test_formats_markdown import page

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="such names cannot be had there")

# Colours, titles, the cursor, the clipboard, answers typed into the shell, C1 forms, direction.
ESCAPES = (
    "\x1b[31m \x1b]0;title\x07 \x1b[2J \x1b]52;c;cHduZWQ=\x07 \x1bP$q\x1b\\ \x9b31m \x9d0;t\x9c "
    "\x08\x08 \x7f \u202e \u2066 \u200b \u2028 \ufeff \x85"
)
COMMANDS = "::set-output name=a::b", "##[add-mask]a", "::stop-commands::a", "::add-mask::ecolint"
MARKUP = (
    "<script>alert(1)</script>",
    "![x](https://example.org/a)",
    "[a](javascript:x)",
    "@org/team",
)
FORMATS = ("text", "concise", "lobster")
_CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b\u2028-\u202e\u2060-\u2069\ufeff]")


def code(payload: str) -> str:
    text = payload.replace("\\", "\\\\").replace('"', '\\"')
    return (
        "from transformers import AutoModelForCausalLM, BitsAndBytesConfig\n"
        f'name = "{text}"\n'
        "AutoModelForCausalLM.from_pretrained(\n"
        f'    "{text}", quantization_config=BitsAndBytesConfig(load_in_8bit=True))  # {payload}\n'
    )


PAYLOADS = [*re.split(" ", ESCAPES), *COMMANDS, *MARKUP, "a\udcffb", "'\"`|\\", "%0A::error::"]


@pytest.fixture
def hostile(write) -> Path:
    """Files with each payload in their names and in their source."""
    root = None
    for number, payload in enumerate(PAYLOADS):
        name = f"{payload.replace('/', '_')}{number}.py"
        text = code(payload).encode("utf-8", "surrogateescape")
        root = write(name, text.replace(b"\xff", b"")).parent
    write("line\n::error::end.py", code("x"))
    assert root is not None
    return root


@pytest.mark.parametrize("form", FORMATS)
def test_nothing_commands_a_terminal(ecolint: Command, hostile: Path, form: str) -> None:
    shape = ["--style=lobster"] if form == "lobster" else [f"--format={form}"]
    found = ecolint("--no-cache", *shape, ".", GITHUB_ACTIONS="true")
    assert found.status in (1, 2)
    assert not _CONTROL.search(found.stdout + found.stderr)
    for line in (found.stdout + found.stderr).splitlines():
        assert not line.lstrip().startswith("::"), line
        assert "##[" not in line
    assert found.stdout.count("ECO101") >= len(PAYLOADS) - 2


def test_explanations_and_repairs(ecolint: Command, hostile: Path) -> None:
    names = sorted(os.listdir(os.fsencode(hostile)))
    for name in names[::5]:
        found = ecolint("explain", os.fsdecode(name) + ":4")
        assert not _CONTROL.search(found.stdout + found.stderr), name
    found = ecolint("--no-cache", "--fix", "--exit-zero", ".")
    assert not _CONTROL.search(found.stdout + found.stderr)


@pytest.mark.parametrize(
    "text",
    ['"\\u001b[31mkey\\n::error::x" = 1', 'baseline = "\\u001b]0;a\\u0007\\n::error::x"',
     'rules = ["\\u001b[2J\\n::error::x"]', 'gpu = "\\u009b31m"', 'exclude = ["\\u001b[31m["]',
     '[per-file-ignores]\n"\\u001b[31m" = ["\\u001b[31m"]', 'style = "\\u001b[31m"'],
)  # fmt: skip
def test_errors_of_settings(ecolint: Command, write, text: str) -> None:
    write("a.py", code("x"))
    write("ecolint.toml", text + "\n")
    found = ecolint("--no-cache")
    assert not _CONTROL.search(found.stdout + found.stderr)
    assert not any(line.startswith("::") for line in (found.stdout + found.stderr).splitlines())


def test_reports_stay_valid(ecolint: Command, hostile: Path, tmp_path_factory) -> None:
    out = tmp_path_factory.mktemp("reports")
    forms = ("json", "sarif", "gitlab", "junit", "markdown", "github", "html")
    asked = [word for form in forms for word in (f"--format={form}", f"--output={out / form}")]
    found = ecolint("--no-cache", *asked, ".", GITHUB_ACTIONS="true")
    assert found.status in (1, 2)
    texts = {form: (out / form).read_bytes().decode("utf-8") for form in forms}
    files = len(PAYLOADS) + 1
    paths = {item["path"] for item in json.loads(texts["json"])["findings"]}
    assert len(paths) >= files - 2
    assert len(json.loads(texts["sarif"])["runs"][0]["results"]) >= files - 2
    assert len(json.loads(texts["gitlab"])) >= files - 2
    assert len(Xml.fromstring(texts["junit"].encode()).findall(".//testcase")) >= files - 2
    for line in texts["github"].splitlines():
        assert re.match(r"::(?:error|warning|notice) file=[^:,]*,|ecolint: ", line), line
    shown = page(texts["markdown"])
    assert not shown.tags & {"img", "script", "a", "iframe", "form", "input", "style"}
    assert "<script>alert" not in texts["html"]
