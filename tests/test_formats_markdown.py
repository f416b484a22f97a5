"""The comment on a pull request: its parts, its limit, and text that stays text."""

from __future__ import annotations

import re
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path

import notebook_support as nb
import pytest
from conftest import FIXED, IMPORT, ROOT, TRAP, YELLOW, Command, execute
from formats_support import finding, render, report
from markdown_it import MarkdownIt

from ecocompute_lint.findings import Level, Problem
from ecocompute_lint.report.markdown import LIMIT, MARK

Write = Callable[[str, "str | bytes"], Path]
LOAD = (
    "from transformers import AutoModelForCausalLM, BitsAndBytesConfig\n"
    "m = AutoModelForCausalLM.from_pretrained('mistralai/Mistral-7B-Instruct-v0.3',\n"
    "    quantization_config=BitsAndBytesConfig(load_in_8bit=True))\n"
)


class _Page(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.words = ""
        """The text that is no code."""
        self._in_code = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self._in_code |= tag == "code"

    def handle_endtag(self, tag: str) -> None:
        self._in_code &= tag != "code"

    def handle_data(self, data: str) -> None:
        self.words += "" if self._in_code else data


def page(text: str) -> _Page:
    """A comment as a reader sees it."""
    found = _Page()
    found.feed(MarkdownIt("commonmark").enable("table").render(text))
    return found


def headings(text: str) -> list[str]:
    return [line for line in text.splitlines() if re.match("#{2,3} ", line)]


def test_the_parts_and_their_figures(ecolint: Command, write: Write) -> None:
    write("a.py", LOAD)
    write("b.py", YELLOW)
    done = ecolint("--format", "markdown", "--gpu", "rtx4090d")
    text = done.stdout
    assert text.startswith(f"{MARK}\n")
    assert headings(text) == [
        "## ecolint: 2 findings (1 red, 1 yellow) in 2 of 2 files",
        "### Critical issues",
        "### Warnings",
        "### Recommended changes",
        "### Totals",
    ]
    (item,) = [i for i in ecolint("--format", "json", "--gpu", "rtx4090d").json["findings"]
               if i["code"] == "ECO101"]  # fmt: skip
    now, fixed = (
        next(choice for choice in item["evidence"]["choices"] if choice["role"] == role)
        for role in ("now", "fix")
    )
    energy = [choice["energy_j_per_1k_tok"]["value"] for choice in (now, fixed)]
    money = [choice["per_month"]["usd"]["value"] for choice in (now, fixed)]
    impact = next(line for line in text.splitlines() if "Expected impact" in line)
    assert f"{energy[0]:,.0f} → {energy[1]:,.0f} J per 1,000 tokens" in impact
    assert f"USD {money[0]:,.2f} → {money[1]:,.2f} a month" in impact
    saving = item["cost"]["saving"]["usd"]["value"]
    assert f"About **USD {saving:,.2f} a month**" in text
    assert "+    quantization_config=BitsAndBytesConfig(load_in_8bit=True, llm_int8_thr" in text
    assert {"table", "code", "pre", "h3", "h4"} <= page(text).tags


def test_good_practices_only_when_asked_for(ecolint: Command) -> None:
    options = (
        "--isolated",
        "--exit-zero",
        "--format",
        "markdown",
        "fixtures/ECO201/good_batches.py",
    )
    plain = execute(["ecolint", *options], ROOT).stdout
    assert re.search(r"### Good practices\n\n\d+ good choices, not listed here", plain)
    listed = execute(["ecolint", "--show-good", *options], ROOT).stdout
    assert len(re.findall(r"^- `fixtures/ECO201/.*ECO904", listed, re.MULTILINE)) >= 2
    assert "not listed here" not in listed


def test_nothing_to_say(ecolint: Command, write: Write) -> None:
    write("a.py", "print(1)\n")
    text = ecolint("--format", "markdown").stdout
    assert headings(text) == ["## ecolint: no findings in 1 file", "### Totals"]


def test_a_notebook(ecolint: Command, write: Write) -> None:
    write("a.ipynb", nb.written(nb.code(IMPORT), nb.code(TRAP.removeprefix(IMPORT))))
    text = ecolint("--format", "markdown").stdout
    assert "`a.ipynb:cell 1:1`" in text
    old, new = (text_.removeprefix(IMPORT).rstrip() for text_ in (TRAP, FIXED))
    assert f"```diff\n@@ line 1 @@\n-{old}\n+{new}\n```" in text


def test_a_repair_is_told(ecolint: Command, write: Write) -> None:
    write("a.py", TRAP)
    write("b.py", TRAP)
    shown = ecolint("--diff", "--format", "markdown", "-o", "r.md")
    text = Path(write("x", "").parent, "r.md").read_text(encoding="utf-8")
    assert shown.status == 1
    assert "### Would be fixed\n\n- `a.py`: ECO101\n- `b.py`: ECO101" in text
    text = ecolint("--fix", "--format", "markdown").stdout
    assert "### Fixed\n\n- `a.py`: ECO101\n- `b.py`: ECO101" in text
    assert "### Fixed\n\nNothing." in ecolint("--fix", "--format", "markdown").stdout


@pytest.mark.parametrize("message", ["It wastes.", "`a|b` <b>_*" * 300, "😀" * 1000])
def test_it_stays_under_the_limit_and_says_what_is_left_out(message: str) -> None:
    found = [
        finding(f"{number}.py", level, message=message, code=code)
        for number in range(300)
        for level, code in ((Level.YELLOW, "ECO107"), (Level.RED, "ECO101"))
    ]
    problems = [Problem("ECO000", "dir/" * 900 + f"{i}.py", "no " * 900) for i in range(300)]
    text = render("markdown", report(*found, problems=problems), ["x" * 100_000])
    assert len(text) <= LIMIT
    shown = re.findall(r"^#### (ECO\d+) trap", text, re.MULTILINE)
    assert shown
    assert "ECO107" not in shown or shown.count("ECO101") == 300
    left = re.search(r"^> ([\d,]+) findings of 600 left out", text, re.MULTILINE)
    assert left
    assert int(left[1]) == 600 - len(shown)
    changes = re.findall(r"^#### (ECO\d+): ", text, re.MULTILINE)
    assert len(changes) == len(shown)
    assert "### Totals" in text
    assert "- and 280 more" in text


@pytest.mark.parametrize(
    "text",
    [
        "a|b`c``d.py",
        "<img src=x onerror=alert(1)>",
        "`<b>`` <i>",
        "x\n# Heading\n- item",
        "[click](javascript:1) ![i](x)",
        "&commat;team &#64;team @team #12 ~~x~~ **y**",
        "````\n</code></pre><script>",
        "\u202e\x1b[2J\udcff\ud800",
        "\\<b>\\`<i>`",
        " ",
    ],
)
def test_hostile_text_stays_text(text: str) -> None:
    name = text.replace("\ud800", "")
    found = finding(name + ".py", message=f"about {text}", model=text, name=text, gpu=text)
    shown = render("markdown", report(found, problems=[Problem("ECO000", name, text)]), [text])
    shown.encode()
    seen = page(shown)
    allowed = "h2 h3 h4 p pre code ul li strong table thead tbody tr th td blockquote"
    assert seen.tags <= set(allowed.split())
    assert not re.search(r"[@#]\w", seen.words)
    assert headings(shown)[0] == "## ecolint: 1 finding (1 red) in 1 of 2 files"
    assert [line for line in headings(shown) if line.startswith("### ")] == [
        "### Could not be analysed",
        "### Critical issues",
        "### Recommended changes",
        "### Totals",
    ]
