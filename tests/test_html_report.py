"""The page as text: what stands in it, and that nothing of the audited code acts in it."""

from __future__ import annotations

import base64
import hashlib
import itertools
import json
import re
import subprocess
import sys
from collections import Counter
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from conftest import CLEAN, ROOT, TRAP, Command, environment

DEMO = ROOT / "fixtures" / "demo_app"
BATCHES = """\
from transformers import AutoModelForCausalLM, AutoTokenizer

tokenizer = AutoTokenizer.from_pretrained("mistralai/Mistral-7B-Instruct-v0.2")
model = AutoModelForCausalLM.from_pretrained("mistralai/Mistral-7B-Instruct-v0.2").to("cuda")


def answers(prompts):
    out = []
    for prompt in prompts:
        inputs = tokenizer(prompt, return_tensors="pt").to("cuda")
        out.append(model.generate(**inputs, max_new_tokens=64))
    return out
"""
ATTACKS = (
    "<script>window.pwned=1</script>",
    '"><img src=x onerror=window.pwned=1>',
    "</script><script>window.pwned=1</script>",
    "</style><style>body{display:none}</style>",
    "{{ 7*7 }}{% raw %}",
    "\x1b]0;pwned\x07\x1b[31m",
    "\u202eesrever",
)
VOID = {"meta", "link", "input", "wbr"}


class Page(HTMLParser):
    """The elements of a page, checked for closing in order."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.raw: dict[str, str] = {}
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        assert len(dict(attrs)) == len(attrs), "an attribute twice"
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] in ("script", "style"):
            self.raw[self.open[-1]] = self.raw.get(self.open[-1], "") + data

    def values(self, name: str) -> list[str]:
        return [value for _, attrs in self.elements if (value := attrs.get(name))]

    def count(self, tag: str) -> int:
        return sum(name == tag for name, _ in self.elements)


def html(ecolint: Command, *arguments: str, **options: Any) -> str:
    done = ecolint("--format", "html", "--exit-zero", *arguments, **options)
    assert done.status == 0, done.stderr
    assert done.stderr == ""
    return done.raw.decode("utf-8")


def text_of(page: str) -> str:
    """What a reader sees, roughly: no tags, no runs of blanks."""
    body = re.sub(r"<(script|style).*?</\1>", " ", page.partition("<body>")[2], flags=re.DOTALL)
    plain = re.sub(r"<wbr>|</?sub>", "", body)
    plain = re.sub(r"<[^>]+>", " ", plain)
    for name, char in (("&lt;", "<"), ("&gt;", ">"), ("&#34;", '"'), ("&#39;", "'")):
        plain = plain.replace(name, char)
    return " ".join(plain.replace("&amp;", "&").split())


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> str:
    out = tmp_path_factory.mktemp("demo") / "report.html"
    _run("--output", str(out), str(DEMO))
    return out.read_text(encoding="utf-8")


def _run(*arguments: str, **changes: str) -> None:
    command = [sys.executable, "-m", "ecocompute_lint", "--isolated", "--exit-zero"]
    subprocess.run(
        [*command, "--format", "html", *arguments],
        cwd=ROOT,
        env=environment(PYTHONPATH=str(ROOT), **changes),
        check=True,
    )


# --- what stands in it --------------------------------------------------------------------------


def test_the_page_says_what_the_json_report_says(ecolint: Command) -> None:
    facts = ecolint("--format", "json", "--exit-zero", str(DEMO)).json
    page = html(ecolint, str(DEMO))
    text = text_of(page)
    cost = facts["summary"]["cost"]
    assert f"${cost['usd_per_month']['value']:,.2f} a month could be saved" in text
    assert f"${cost['usd_per_month']['low']:,.2f} to ${cost['usd_per_month']['high']:,.2f}" in text
    assert f"{cost['kg_co2e_per_month']:,.0f} kg a month" in text
    assert all(sentence in text for sentence in cost["assumptions"])
    shown = [item for item in facts["findings"] if item["level"] != "green"]
    assert Page(page).count("article") == len(shown)
    for item in shown:
        assert f"{item['code']} {item['name']}" in text
        assert item["message"].replace("`", "") in text.replace(" ,", ",") or "`" in item["message"]
        for choice in item["evidence"].get("choices", ()):
            if item["cost"] and (energy := choice["energy_j_per_1k_tok"]):
                assert f"{energy['value']:,.0f} J/1k tokens" in text
                assert f"{choice['per_month']['usd']['value']:,.2f} a month" in text
        for row in item["evidence"].get("rows", ()):
            assert row in text


def test_what_is_deployed_costs_what_the_findings_say(ecolint: Command) -> None:
    facts = ecolint("--format", "json", "--exit-zero", str(DEMO)).json["findings"]
    by_place = {
        (item["path"], *item["evidence"]["deployment"]): item["cost"]["now"]["usd"]["value"]
        for item in facts
        if item["cost"]
    }
    text = text_of(html(ecolint, str(DEMO)))
    assert f"Electricity now ${sum(by_place.values()):,.2f} a month" in text


def test_repairs_are_shown_as_differences(ecolint: Command, write: Any) -> None:
    write("a.py", TRAP)
    page = html(ecolint, ".")
    assert re.search(r"<del>.*?config = BitsAndBytesConfig\(load_in_8bit=True\)</del>", page)
    new = "config = BitsAndBytesConfig(load_in_8bit=True, llm_int8_threshold=0.0)"
    assert re.search(rf"<ins>.*?{re.escape(new)}</ins>", page)


def test_a_notebook_names_its_cell(ecolint: Command, write: Any) -> None:
    cell = {"cell_type": "code", "metadata": {}, "outputs": [], "execution_count": None}
    cells = [{**cell, "source": "import os\n"}, {**cell, "source": TRAP}]
    notebook = {"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 5}
    write("n.ipynb", json.dumps(notebook))
    text = text_of(html(ecolint, "."))
    assert "cell 1, line 2" in text
    assert "load_in_8bit=True, llm_int8_threshold=0.0" in text


def test_a_curve_begins_where_the_code_stands(ecolint: Command, write: Any) -> None:
    write("a.py", BATCHES)
    facts = ecolint("--format", "json", "--exit-zero", "--gpu", "a800", ".").json["findings"]
    choices = next(f for f in facts if f["code"] == "ECO201")["evidence"]["choices"]
    page = html(ecolint, "--gpu", "a800", ".")
    points = dict(re.findall(r"<title>batch size (\d+): ([\d,.]+) J \(", page))
    assert {"1", "2", "4", "8", "16", "32", "64"} <= set(points)
    for choice in choices:
        energy = choice["energy_j_per_1k_tok"]["value"]
        assert float(points[str(choice["batch_size"])].replace(",", "")) == pytest.approx(
            energy, rel=0.01
        )
    assert page.count(" now") >= 1
    assert re.search(r'class="point measured now"', page)


def test_the_chart_has_every_measured_model_of_the_card(ecolint: Command) -> None:
    rows = ecolint("data", "--rows", "rtx4090d", "--format", "json").json["rows"]
    wanted = Counter(
        row["model"]
        for row in rows
        if row["preferred"] and row["batch_size"] == 1 and row["change_pct"] is not None
        if row["precision"] != "fp16" and row["quality"] in ("raw", "published")
    )
    page = html(ecolint, str(DEMO))
    chart = page.partition('id="measured-title"')[2].partition("</section>")[0]
    assert wanted
    for model, count in wanted.items():
        drawn = chart.partition(f'<span class="model">{model} ')[2].partition("</div>")[0]
        assert drawn.count('class="mark ') == count, model


def test_a_card_without_measurements_says_whose_it_borrows(ecolint: Command, write: Any) -> None:
    write("a.py", BATCHES)
    assert "is scaled from it" in text_of(html(ecolint, "--gpu", "h100-sxm", "."))


def test_without_findings_there_is_a_page_too(ecolint: Command, write: Any) -> None:
    write("a.py", CLEAN)
    page = html(ecolint, ".")
    text = text_of(page)
    assert "No findings." in text
    assert "could be saved" not in text
    Page(page)


def test_findings_without_figures_promise_nothing(ecolint: Command, write: Any) -> None:
    write("a.py", TRAP)
    text = text_of(html(ecolint, "."))
    assert "1 finding in 1 file" in text
    assert "$" not in text.partition("Findings")[0]
    assert "not known" in text


def test_files_that_cannot_be_read_are_named(ecolint: Command, write: Any) -> None:
    write("bad.py", "from transformers import BitsAndBytesConfig\nload_in_8bit=(\n")
    done = ecolint("--format", "html", ".")
    assert done.status == 2
    assert "bad.py:2 ECO000" in text_of(done.stdout)
    assert "bad.py" in done.stderr


def test_what_was_repaired_is_told(ecolint: Command, write: Any) -> None:
    path = write("a.py", TRAP)
    text = text_of(html(ecolint, "--fix", "."))
    assert "llm_int8_threshold=0.0" in path.read_text()
    assert "Repaired by this run a.py:2 ECO101" in text


def test_good_choices_appear_where_they_are_asked_for(ecolint: Command, write: Any) -> None:
    write("a.py", (ROOT / "fixtures" / "ECO903" / "choice_explicit.py").read_text())
    shown = html(ecolint, "--show-good", ".")
    assert 'data-level="green"' in shown
    assert 'data-level="green"' not in html(ecolint, ".")


def test_it_goes_to_a_file_beside_other_formats(ecolint: Command, write: Any) -> None:
    folder = write("a.py", TRAP).parent
    done = ecolint("--format", "html", "-o", "r.html", "--format", "concise", ".")
    assert "ECO101" in done.stdout
    assert (folder / "r.html").read_text(encoding="utf-8").startswith("<!doctype html>")


def test_a_page_that_cannot_be_written_leaves_nothing(ecolint: Command, write: Any) -> None:
    write("a.py", TRAP)
    done = ecolint("--format", "html", "-o", "no/such/r.html", ".")
    assert done.status == 2
    assert "--output no/such/r.html: no such directory" in done.stderr


def test_the_same_input_gives_the_same_bytes(tmp_path: Path) -> None:
    for number, seed in enumerate(("1", "2")):
        _run("--output", str(tmp_path / f"{number}.html"), str(DEMO), PYTHONHASHSEED=seed)
    assert (tmp_path / "0.html").read_bytes() == (tmp_path / "1.html").read_bytes()


def test_without_jinja_the_remedy_is_told(write: Any) -> None:
    folder = write("a.py", TRAP).parent
    script = (
        "import sys; sys.modules['jinja2'] = None\n"
        "from ecocompute_lint.cli import main; sys.exit(main(['--format', 'html', '.']))"
    )
    done = subprocess.run(
        [sys.executable, "-c", script],
        cwd=folder,
        env=environment(PYTHONPATH=str(ROOT)),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert done.stdout == ""
    assert "needs Jinja2" in done.stderr
    assert "pip install" in done.stderr
    assert "Traceback" not in done.stderr


def test_other_formats_do_not_load_jinja(write: Any) -> None:
    folder = write("a.py", TRAP).parent
    script = (
        "import sys\nfrom ecocompute_lint.cli import main; main(['--format', 'json', '.'])\n"
        "sys.exit('jinja2' in sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", script],
        cwd=folder,
        env=environment(PYTHONPATH=str(ROOT)),
        capture_output=True,
        check=False,
    )
    assert done.returncode == 0


# --- what it is made of -------------------------------------------------------------------------


def test_the_page_is_well_formed(demo: str) -> None:
    page = Page(demo)
    ids = page.values("id")
    assert len(ids) == len(set(ids))
    for name in ("aria-labelledby", "href"):
        for value in page.values(name):
            if name == "aria-labelledby" or value.startswith("#"):
                assert value.lstrip("#") in ids
    levels = [int(tag[1]) for tag, _ in page.elements if re.fullmatch("h[1-6]", tag)]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after <= before + 1 for before, after in itertools.pairwise(levels))


def test_the_policy_allows_one_style_and_one_script_and_no_network(demo: str) -> None:
    page = Page(demo)
    policy = next(
        attrs["content"] or ""
        for _, attrs in page.elements
        if attrs.get("http-equiv") == "Content-Security-Policy"
    )
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert "http" not in policy
    for tag in ("style", "script"):
        assert page.count(tag) == 1
        digest = base64.b64encode(hashlib.sha256(page.raw[tag].encode()).digest()).decode()
        assert f"{tag}-src 'sha256-{digest}'" in policy
    assert not page.values("style")
    assert not page.values("src")
    assert "url(" not in page.raw["style"].replace("url(#hatch-", "")
    assert "@import" not in page.raw["style"]


# --- hostile names and source -------------------------------------------------------------------


def hostile(folder: Path) -> None:
    """A tree whose names, models, comments and texts attack the page."""
    head = "from transformers import AutoModelForCausalLM\n"
    for number, attack in enumerate(ATTACKS):
        model = json.dumps(f"{attack}-7b").replace("\\u202e", "\u202e")
        code = (
            f"{head}# {attack}\nm = AutoModelForCausalLM.from_pretrained({model}, load_in_8bit=True"
        )
        lines = f"{code}, revision={attack!r})  # {attack}\nm.generate()\n"
        name = attack.replace("/", "\u2215").replace("\x00", "")
        (folder / f"{number}{name}.py").write_text(lines, encoding="utf-8", newline="\n")
    (folder / "<").mkdir()
    (folder / "<" / "script><script>window.pwned=1<").mkdir()
    (folder / "<" / "script><script>window.pwned=1<" / "script>.py").write_text(TRAP)
    lone = f'{head}m = AutoModelForCausalLM.from_pretrained("\\ud800x-7b", load_in_8bit=True)\n'
    (folder / "lone.py").write_text(lone + "m.generate()\n")
    (folder / "broken<b>.py").write_text(
        "from transformers import BitsAndBytesConfig\nload_in_8bit(\n"
    )


@pytest.mark.skipif(sys.platform == "win32", reason="such names cannot be had there")
def test_hostile_names_and_source_stay_text(ecolint: Command, write: Any) -> None:
    folder = write("a.py", CLEAN).parent
    hostile(folder)
    done = ecolint("--format", "html", ".")
    text = done.raw.decode("utf-8")
    page = Page(text)
    assert page.count("script") == 1
    assert page.count("style") == 1
    assert page.count("img") == 0
    assert page.count("b") == len(re.findall(r"<b>\d+</b>", text))
    assert not [name for _, attrs in page.elements for name in attrs if name.startswith("on")]
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\ud800-\udfff]", text)
    shown = text_of(text)
    for attack in ATTACKS[:5]:
        assert " ".join(attack.split()) in shown.replace("\u2215", "/")
    assert "49" not in re.sub(r"[\w.]*49[\w.]+|[\w.]+49", "", shown.partition("Rules")[0])
    assert "\\x1b" in shown
    assert "\\u202e" in shown


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere names are text")
def test_a_name_that_is_no_text_is_shown(ecolint: Command, write: Any) -> None:
    folder = write("a.py", CLEAN).parent
    (folder / "b\udcff.py").write_text(TRAP)
    assert "b\N{REPLACEMENT CHARACTER}.py" in html(ecolint, ".")


@pytest.mark.parametrize("kind", ["text", "concise", "html"])
def test_half_a_character_in_a_model_name_breaks_nothing(
    ecolint: Command, write: Any, kind: str
) -> None:
    code = 'm = AutoModelForCausalLM.from_pretrained("\\ud800x-7b", load_in_8bit=True)\n'
    write("a.py", f"from transformers import AutoModelForCausalLM\n{code}m.generate()\n")
    done = ecolint("--format", kind, "--exit-zero", ".")
    assert done.status == 0
    assert "ECO101" in done.stdout
