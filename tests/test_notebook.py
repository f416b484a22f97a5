"""Notebooks as a user meets them: found, reported by cell, repaired in place, explained."""

from __future__ import annotations

import json
from pathlib import Path

import jsonschema
import pytest
from conftest import FIXED, TRAP, Command
from notebook_support import code, notebook, prose, sources, written

from ecocompute_lint.audit import FileReport
from ecocompute_lint.config import Settings
from ecocompute_lint.findings import Confidence
from ecocompute_lint.notebooks import audit_notebook, fix_notebook
from ecocompute_lint.report.json_report import SCHEMA
from ecocompute_lint.sources.notebook import read

IMPORTS = "import torch\nfrom transformers import AutoModelForCausalLM, BitsAndBytesConfig"
QUANT = "quant = BitsAndBytesConfig(load_in_8bit=True)"
LOAD = (
    "model = AutoModelForCausalLM.from_pretrained(\n"
    '    "mistralai/Mistral-7B-v0.1",\n'
    "    quantization_config=quant,\n"
    ")"
)


def found(*cells: object, **changes: object) -> list[tuple[str, int | None, int]]:
    return places(audit_notebook(written(*cells, **changes)))  # type: ignore[arg-type]


def places(report: FileReport) -> list[tuple[str, int | None, int]]:
    return [(item.code, item.cell, item.place.line) for item in report.findings]


# -- which cells are read


def test_cells_are_one_program_and_findings_are_in_cells() -> None:
    assert found(prose("# 8 bit"), IMPORTS, "# here\n\n" + QUANT, LOAD) == [("ECO101", 2, 3)]


@pytest.mark.parametrize(
    "magic",
    [
        "!pip install -q bitsandbytes  # don't",
        "%pip install bitsandbytes",
        "%matplotlib inline",
        "%load_ext autoreload\n%autoreload 2",
        "!pip install \\\n  bitsandbytes \\\n  accelerate",
        "torch?",
        "?torch.nn",
        "files = !ls *.json",
        "cd /content",
        "pip install bitsandbytes",
        "if torch.cuda.is_available():\n    !nvidia-smi",
        "%env CUDA_VISIBLE_DEVICES=0",
        "% cd data",
        " !nvidia-smi",
    ],
)
def test_magics_and_shell_lines_move_nothing(magic: str) -> None:
    line = len(magic.split("\n")) + 1
    assert found(IMPORTS, f"{magic}\n{QUANT}", LOAD) == [("ECO101", 1, line)]
    assert found(IMPORTS, f"{QUANT}\n{magic}", LOAD) == [("ECO101", 1, 1)]


@pytest.mark.parametrize(
    "magic", ["%%time", "%%capture out", "\n%%timeit -n 1", "#@title Load\n%%capture\n%%time"]
)
def test_what_such_a_cell_magic_runs_is_python(magic: str) -> None:
    line = len(magic.split("\n")) + 1
    assert found(IMPORTS, f"{magic}\n{QUANT}", LOAD) == [("ECO101", 1, line)]


def test_a_timed_statement_is_kept() -> None:
    assert found(IMPORTS, f"%time {QUANT}", LOAD) == [("ECO101", 1, 1)]


@pytest.mark.parametrize("magic", ["%%html", "%%javascript", "%%sql", "%%R", "%%bash", "%%latex"])
def test_cells_of_other_languages_are_not_python(magic: str) -> None:
    assert found(IMPORTS, f"{magic}\n{QUANT}", LOAD) == []


def test_a_magic_inside_a_string_is_text() -> None:
    prompt = 'prompt = """\n!pip is a tool\n%s of it?\n"""'
    assert found(IMPORTS, f"{prompt}\n!ls\n{QUANT}", LOAD) == [("ECO101", 1, 6)]


def test_a_value_that_a_shell_line_gives_is_not_known() -> None:
    loading = "model = AutoModelForCausalLM.from_pretrained('gpt2', load_in_8bit={})"
    assert found(IMPORTS, "on = !cat flag\n" + loading.format("on")) == []


def test_one_broken_cell_does_not_hide_the_others() -> None:
    prompt = "Write your prompt here: <your prompt>"
    assert found(prompt, IMPORTS, QUANT, LOAD) == [("ECO101", 2, 1)]
    assert [cell.cell for cell in read(written(prompt, IMPORTS)).broken] == [0]


def test_forms_of_colab_are_values() -> None:
    form = '#@title Settings\nbits8 = True #@param {type:"boolean"}'
    assert found(IMPORTS, form, "quant = BitsAndBytesConfig(load_in_8bit=bits8)", LOAD) == [
        ("ECO101", 2, 1)
    ]


def test_what_a_cell_writes_to_a_file_is_a_program_of_its_own() -> None:
    program = f"{IMPORTS}\n{QUANT}\n{LOAD}\n"
    assert found("quant = None", f"%%writefile serve.py\n{program}") == [("ECO101", 1, 4)]
    assert found(IMPORTS, f"%%writefile part.txt\n{QUANT}", LOAD) == []
    assert found(IMPORTS, "%%writefile part.py\nquant = None", LOAD) == []


@pytest.mark.parametrize("language", ["R", "julia", "scala", "C#"])
def test_other_kernels_are_passed_over(language: str) -> None:
    raw = written(IMPORTS, QUANT, LOAD, language=language)
    assert audit_notebook(raw).status == "skipped"


def test_a_cell_in_another_language_is_passed_over() -> None:
    cell = code(QUANT)
    cell["metadata"] = {"vscode": {"languageId": "csharp"}}
    assert found(IMPORTS, cell, LOAD) == []


def test_outputs_and_markdown_are_no_code() -> None:
    assert found(prose(TRAP), code("print('hi')", TRAP)) == []


def test_the_old_format_is_read_and_not_rewritten() -> None:
    cells = [
        {"cell_type": "code", "language": "python", "input": text, "outputs": []}
        for text in (IMPORTS, [QUANT + "\n", LOAD])
    ]
    raw = json.dumps({"worksheets": [{"cells": cells[:1]}, {"cells": cells[1:]}], "nbformat": 3})
    assert places(audit_notebook(raw)) == [("ECO101", 1, 1)]
    outcome = fix_notebook(raw)
    assert outcome.text == raw
    assert "old format" in outcome.refused[0][1]


# -- files that cannot be read


def test_broken_json_is_reported_with_its_place(ecolint: Command, tmp_path: Path) -> None:
    raw = written(IMPORTS, QUANT).replace('"metadata": {}', '<<<<<<< HEAD\n"metadata": {}', 1)
    (tmp_path / "a.ipynb").write_text(raw, encoding="utf-8")
    result = ecolint("a.ipynb")
    assert result.status == 2
    assert "a.ipynb:6:4  ECO000  could not be analysed: not valid JSON" in result.stdout


def test_a_notebook_without_python_that_parses_is_reported() -> None:
    report = audit_notebook(written("from transformers import BitsAndBytesConfig as", "x ="))
    assert report.problem is not None
    assert report.problem.code == "ECO000"
    assert "cell 0, line 1" in report.problem.message


@pytest.mark.parametrize("raw", ["", "\n", "{}", "[]", '{"cells": []}', '{"cells": 3}', "null"])
def test_nothing_in_it_is_no_problem(raw: str) -> None:
    assert audit_notebook(raw, thorough=True).problem is None


@pytest.mark.parametrize("opening", ["[", '{"a":', '{"cells":['])
def test_deep_nesting_is_refused(opening: str) -> None:
    assert audit_notebook(opening * 200_000, thorough=True).status == "failed"


def test_deep_outputs_and_long_strings_are_passed_over() -> None:
    nest = "[" * 500 + "]" * 500
    escapes = '\\"\\\\' * 400_000
    raw = written(IMPORTS, QUANT, LOAD).replace(
        '"outputs": [', f'"outputs": [{nest}, "{escapes}", '
    )
    assert places(audit_notebook(raw)) == [("ECO101", 1, 1)]


def test_sources_that_are_no_text_are_passed_over() -> None:
    odd = {**code("x"), "source": ["x = 1\n", 2]}
    assert found(odd, {**code("x"), "source": {"a": QUANT}}, IMPORTS, QUANT, LOAD) == [
        ("ECO101", 3, 1)
    ]


# -- comments that silence


def test_comments_silence_findings() -> None:
    assert found(IMPORTS, QUANT + "  # noqa: ECO101", LOAD) == []
    assert found("# ecolint: skip-file", IMPORTS, QUANT, LOAD) == []
    report = audit_notebook(written(IMPORTS, QUANT + "  # ecolint: ignore[ECO101]", LOAD))
    assert report.suppressed == 1


# -- repairs


def test_a_repair_changes_one_line_of_the_file(ecolint: Command, tmp_path: Path) -> None:
    before = written(prose("é"), TRAP + "print('done')", code("x", "é", TRAP))
    file = tmp_path / "a.ipynb"
    file.write_bytes(before.encode())
    assert ecolint("--fix", "a.ipynb").status == 0
    after = file.read_bytes().decode()
    assert sources(after)[1] == FIXED + "print('done')"
    changed = [
        (a, b) for a, b in zip(before.splitlines(), after.splitlines(), strict=True) if a != b
    ]
    assert changed == [
        (
            '    "config = BitsAndBytesConfig(load_in_8bit=True)\\n",',
            '    "config = BitsAndBytesConfig(load_in_8bit=True, llm_int8_threshold=0.0)\\n",',
        )
    ]
    assert ecolint("--fix", "a.ipynb").status == 0
    assert file.read_bytes().decode() == after


@pytest.mark.parametrize("indent", [None, 0, 1, 4])
@pytest.mark.parametrize("as_string", [True, False])
def test_a_repair_keeps_how_the_source_is_kept(indent: int | None, as_string: bool) -> None:
    legacy = (
        "model = AutoModelForCausalLM.from_pretrained(\n"
        '    NAME,  # "é" \\ 🚀\n'
        "    load_in_4bit=True,\n"
        "    bnb_4bit_compute_dtype=torch.bfloat16,\n"
        ")"
    )
    cell = code("%%time\n" + legacy)
    if as_string:
        cell["source"] = "%%time\n" + legacy
    data = notebook("import torch\nfrom transformers import AutoModelForCausalLM", cell)
    for ascii_only in (True, False):
        raw = json.dumps(data, indent=indent, ensure_ascii=ascii_only)
        outcome = fix_notebook(raw)
        assert (outcome.left, outcome.refused) == ((), ())
        after = json.loads(outcome.text)
        kept = after["cells"][1]["source"]
        assert isinstance(kept, str) == as_string
        assert "".join(kept).startswith("%%time\nmodel = ")
        assert "quantization_config=BitsAndBytesConfig(" in "".join(kept)
        assert sources(outcome.text)[0].endswith("AutoModelForCausalLM, BitsAndBytesConfig")
        assert json.dumps(after, indent=indent, ensure_ascii=ascii_only) == outcome.text


def test_an_import_does_not_land_in_front_of_a_magic() -> None:
    cells = [
        "%%capture\n!pip install bitsandbytes",
        "import transformers as t",
        "%%time\nm = t.AutoModelForCausalLM.from_pretrained('gpt2', load_in_4bit=True)",
    ]
    outcome = fix_notebook(written(*cells))
    after = sources(outcome.text)
    assert outcome.fixed
    assert after[0] == cells[0]
    assert after[2].startswith("%%time\nm = t.AutoModel")
    assert read(outcome.text).broken == ()


def test_a_program_that_a_cell_writes_is_repaired_in_its_cell() -> None:
    raw = written("x = 1", f"%%writefile serve.py\n{TRAP}")
    outcome = fix_notebook(raw)
    assert sources(outcome.text) == ["x = 1", f"%%writefile serve.py\n{FIXED}"]
    assert [item.cell for item in outcome.fixed] == [1]


def test_lines_with_a_comment_that_silences_are_not_rewritten() -> None:
    raw = written(IMPORTS, QUANT + "  # noqa", LOAD)
    assert fix_notebook(raw).text == raw


def test_a_byte_order_mark_and_carriage_returns_stay(ecolint: Command, tmp_path: Path) -> None:
    raw = b"\xef\xbb\xbf" + written(TRAP).replace("\n", "\r\n").encode()
    file = tmp_path / "a.ipynb"
    file.write_bytes(raw)
    assert ecolint("--fix", "a.ipynb").status == 0
    expected = raw.replace(b"load_in_8bit=True", b"load_in_8bit=True, llm_int8_threshold=0.0")
    assert file.read_bytes() == expected


def test_the_diff_and_standard_input(ecolint: Command, tmp_path: Path) -> None:
    raw = written(TRAP)
    (tmp_path / "a.ipynb").write_text(raw, encoding="utf-8")
    diff = ecolint("--diff", "a.ipynb")
    assert '+    "config = BitsAndBytesConfig(load_in_8bit=True, llm_int8' in diff.stdout
    given = ecolint("-", "--stdin-filename", "a.ipynb", given=raw)
    assert "a.ipynb:cell 0:2:10  ECO101  RED" in given.stdout
    fixed = ecolint("-", "--fix", "--stdin-filename", "a.ipynb", given=raw)
    assert sources(fixed.stdout) == [FIXED]


# -- reports


def test_reports_name_the_cell(ecolint: Command, tmp_path: Path) -> None:
    loop = "for p in prompts:\n    print(model.generate(**tok(p)))"
    raw = written(prose("# A"), IMPORTS, QUANT, LOAD, loop)
    (tmp_path / "a.ipynb").write_text(raw, encoding="utf-8")
    text = ecolint(".").stdout
    assert "a.ipynb:cell 2:1:9  ECO101  RED" in text
    assert "1 │ quant = BitsAndBytesConfig(load_in_8bit=True)" in text
    assert "the loop over `prompts` (line 1)" in text
    assert "a.ipynb:cell 2:1:9: ECO101" in ecolint(".", "--format", "concise").stdout
    document = ecolint(".", "--format", "json").json
    jsonschema.validate(document, json.loads(SCHEMA.read_text(encoding="utf-8")))
    first = document["findings"][0]
    assert (first["code"], first["cell"], first["line"]) == ("ECO101", 2, 1)
    edit = first["fix"]["edits"][0]
    assert (edit["cell"], edit["line"], edit["text"]) == (2, 1, ", llm_int8_threshold=0.0")
    deployments = {
        (item["evidence"]["deployment_cell"], *item["evidence"]["deployment"])
        for item in document["findings"]
        if item["evidence"]
    }
    assert deployments == {(3, 1, 9)}


def test_explain_takes_a_line_of_a_cell(ecolint: Command, tmp_path: Path) -> None:
    raw = written(prose("# A"), IMPORTS, QUANT, LOAD)
    (tmp_path / "a.ipynb").write_text(raw, encoding="utf-8")
    for target in ("a.ipynb:2:1", "a.ipynb:cell 2:1:9"):
        text = ecolint("explain", target).stdout
        assert "a.ipynb:cell 2:1:9  ECO101  RED" in text
        assert "loaded at cell 3, line 1" in text
    near = ecolint("explain", "a.ipynb:1:1").stdout
    assert near.startswith("a.ipynb:cell 1:1  no finding")
    assert "a.ipynb:cell 2:1:9  ECO101" in near
    document = ecolint("explain", "a.ipynb:2:1", "--format", "json").json
    assert (document["cell"], document["findings"][0]["model"]["loaded"]["cell"]) == (2, 3)
    for wrong in ("a.ipynb:2", "a.ipynb:0:1", "a.ipynb:7:1", "a.ipynb:2:9"):
        assert ecolint("explain", wrong).status == 2


def test_minified_notebooks_are_read() -> None:
    raw = json.dumps(notebook(IMPORTS, QUANT, LOAD), separators=(",", ":"))
    settings = Settings(min_confidence=Confidence.CERTAIN)
    assert places(audit_notebook(raw, settings=settings)) == [("ECO101", 1, 1)]


# -- what is handed on


def test_shell_lines_and_scripts_lead_back_to_their_cells() -> None:
    raw = written(
        "!pip install 'a' \\\n  b\nimport os",
        "%%bash\npip install c\n",
        "%pip install d\nfiles = !ls",
        '%%script bash --no-raise-error\necho "é"',
    )
    shells = read(raw).shells
    assert [(shell.cell, shell.text.text) for shell in shells] == [
        (0, "pip install 'a' \\\n  b"),
        (1, "pip install c\n"),
        (2, "pip install d"),
        (2, "ls"),
        (3, 'echo "é"'),
    ]
    for shell in shells:
        start = shell.text.offset(0)
        assert raw[start:].startswith(shell.text.text[:4])
    assert (shells[0].place.line, shells[0].place.column, shells[0].place.end_line) == (1, 2, 2)
