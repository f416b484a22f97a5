"""Every report keeps to what is new, and calls a finding the same with and without a baseline."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from conftest import TRAP, Command

from ecocompute_lint.report.markdown import LIMIT, MARK

Write = Callable[[str, "str | bytes"], Path]
TWICE = TRAP + "\n\ndef more():\n    return BitsAndBytesConfig(load_in_8bit=True)\n"
SAME = "\n\ndef same():\n" + 2 * "    use(BitsAndBytesConfig(load_in_8bit=True))\n"
NARROWINGS = [("--baseline", "known.json"), ("--since", "HEAD")]
MANY = "".join(f"m{i} = BitsAndBytesConfig(load_in_8bit=True)\n" for i in range(300))
LOBSTER = ("--style", "lobster", "--lang", "en")


@pytest.fixture(autouse=True)
def known(ecolint: Command, git: Command, write: Write) -> None:
    """A repository and a baseline that know the trap in a.py."""
    git("init", "-q", "-b", "main")
    write("a.py", TRAP)
    git("add", "-A", ".")
    assert git("commit", "-qm", "first").status == 0
    assert ecolint("--write-baseline", "known.json").status == 0


def anchors(page: str) -> list[str]:
    return re.findall(r'<article [^>]*id="finding-([0-9a-f]+)"', page)


@pytest.mark.parametrize("narrowing", NARROWINGS, ids=lambda item: str(item[0]))
def test_the_page_holds_what_is_new(
    ecolint: Command, write: Write, narrowing: tuple[str, str]
) -> None:
    nothing = ecolint(*narrowing, "--format", "html").stdout
    assert anchors(nothing) == []
    assert "Nothing to change" not in nothing
    write("a.py", "# moved\n" + TWICE)
    whole = anchors(ecolint("--format", "html").stdout)
    page = ecolint(*narrowing, "--format", "html").stdout
    assert len(whole) == 2
    assert anchors(page) == whole[1:]
    assert "1 finding left out, not new" in page


@pytest.mark.parametrize("form", ["text", "markdown"])
@pytest.mark.parametrize("narrowing", NARROWINGS, ids=lambda item: str(item[0]))
def test_the_lobster_tells_what_is_new(
    ecolint: Command, write: Write, narrowing: tuple[str, str], form: str
) -> None:
    options = (*LOBSTER, *narrowing, "--format", form)
    write("a.py", "# moved\n" + TWICE)
    told = ecolint(*options)
    assert told.status == 1
    assert "Mood: RED" in told.stdout
    assert "a.py:7:12" in told.stdout
    assert "a.py:3:10" not in told.stdout
    assert "findings left out as not new: 1" in told.stdout


def test_the_lobster_does_not_praise_what_it_left_out(ecolint: Command) -> None:
    told = ecolint(*LOBSTER, "--baseline", "known.json")
    assert told.status == 0
    assert told.stdout.startswith("⚪ Mood: GRAY")
    assert "claws clap" not in told.stdout


def test_the_comment_says_how_much_is_not_new(ecolint: Command, write: Write) -> None:
    comment = ecolint("--baseline", "known.json", "--format", "markdown").stdout
    assert "no new findings" in comment
    assert "1 not new" in comment


@pytest.mark.parametrize("form", ["sarif", "gitlab", "html"])
def test_a_fingerprint_does_not_depend_on_what_is_left_out(
    ecolint: Command, write: Write, form: str
) -> None:
    def prints(*options: str) -> list[str]:
        text = ecolint("--format", form, *options).stdout
        return re.findall(r'(?:ngerprint|ecolint/v1)": "(\w+)"', text) or anchors(text)

    write("a.py", TRAP + SAME)
    _, first, second = prints()
    assert prints("--since", "HEAD") == [first, second]
    # Of two that are alike the baseline knows the first.
    ecolint("--write-baseline", "all.json")
    place = write("b", "").with_name("all.json")
    data = json.loads(place.read_text("utf-8"))
    data["findings"] = [item for item in data["findings"] if item["fingerprint"] != second]
    place.write_text(json.dumps(data), "utf-8")
    assert prints("--baseline", "all.json") == [second]


# --- the lobster's comment ------------------------------------------------------------------------


def test_the_lobsters_comment_is_found_again_and_calls_nobody(
    ecolint: Command, write: Write
) -> None:
    write("a.py", TRAP)
    write("@team.py", TRAP.replace("load_in_8bit=True", 'load_in_8bit=True, x="@somebody #12"'))
    comment = ecolint(*LOBSTER, "--format", "markdown").stdout
    assert comment.startswith(f"{MARK}\n\n# ")
    outside = re.sub(r"(?s)```.*?```|`[^`]*`", "", comment)
    assert not re.search(r"[@#]\w", outside)


@pytest.mark.parametrize("language", ["en", "zh"])
def test_the_lobsters_comment_is_cut(ecolint: Command, write: Write, language: str) -> None:
    write("a.py", TRAP + MANY)
    comment = ecolint("--style", "lobster", "--lang", language, "--format", "markdown").stdout
    told = comment.count("\n### ")
    assert len(comment) < LIMIT
    assert 50 < told < 301
    assert f"{301 - told}" in comment


def test_the_cut_of_the_plain_comment_names_the_page(ecolint: Command, write: Write) -> None:
    write(
        "a.py",
        TRAP + "".join(f"m{i} = BitsAndBytesConfig(load_in_8bit=True)\n" for i in range(400)),
    )
    assert "`html`" in ecolint("--format", "markdown").stdout


@pytest.mark.parametrize("options", [("--fix",), ("--diff",)])
def test_repairs_are_told_plainly(ecolint: Command, write: Write, options: tuple[str, ...]) -> None:
    write("ecolint.toml", 'style = "lobster"\n')
    result = ecolint(*options, "--format", "markdown", "--output", "b.md")
    assert result.status in (0, 1)
    comment = write("b", "").with_name("b.md").read_text("utf-8")
    assert "### Fixed" in comment or "### Would be fixed" in comment
    assert "Mood" not in comment


def test_the_page_of_a_dry_run_claims_no_repair(ecolint: Command, write: Write) -> None:
    ecolint("--diff", "--format", "html", "--output", "c.html")
    page = write("b", "").with_name("c.html").read_text("utf-8")
    assert "Repairs that --fix would make" in page
    assert "Repaired by this run" not in page
