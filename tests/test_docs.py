"""The documentation says what is there."""

from __future__ import annotations

import re
import subprocess
import sys
from xml.etree import ElementTree

from conftest import ROOT, Command, environment

from ecocompute_lint.config_keys import _KEYS as KEYS
from ecocompute_lint.engine.catalogue import (
    _EVIDENCE_KEYS,
    ATTRIBUTES,
    OPERATORS,
    PRECISION_NAMES,
)
from ecocompute_lint.knowledge.apis import BITSANDBYTES_PARAMETERS

README = (ROOT / "README.md").read_text(encoding="utf-8")


def test_generated_parts_are_fresh() -> None:
    done = subprocess.run(
        [sys.executable, "tools/docs.py", "--check"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        env=environment(),
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_picture_is_whole_and_loads_nothing() -> None:
    picture = ElementTree.parse(ROOT / "docs" / "ecolint.svg").getroot()
    width, height = (float(size) for size in picture.attrib["viewBox"].split()[2:])
    assert "(docs/ecolint.svg)" in README
    rows = [node for node in picture.iter("{http://www.w3.org/2000/svg}text") if node.get("y")]
    for node in rows:
        assert float(node.attrib["y"]) < height
        assert float(node.attrib["x"]) + float(node.get("textLength", "0")) < width
    said = re.sub(r"\s+", " ", " ".join(node.text or "" for node in rows).replace("\xa0", " "))
    for words in (
        "$ ecolint fixtures/",
        "ECO101 RED",
        "ECO201 YELLOW",
        "J/1k tok",
        "2 fixable with",
    ):
        assert words in said
    source = (ROOT / "docs" / "ecolint.svg").read_text(encoding="utf-8")
    assert not re.search(
        r"url\((?!#)|href|@import|<script|http(?!://www\.w3\.org/2000/svg\")", source
    )


def test_there_are_exactly_two_set_up_commands() -> None:
    blocks = re.findall(r"<!-- set-up: (\w+) -->\n```sh\n(.*?)```", README, re.DOTALL)
    assert [name for name, _ in blocks] == ["run", "test"]
    for _, command in blocks:
        assert command.count("\n") == 1
        assert command.startswith("python3 -m venv .venv && ")


def test_every_key_and_option_is_documented(ecolint: Command) -> None:
    text = (ROOT / "docs" / "configuration.md").read_text(encoding="utf-8")
    for key in KEYS:
        assert f"`{key.replace('_', '-')}`" in text, key
    options = set(re.findall(r"--[a-z][a-z-]+", ecolint("--help").stdout)) - {"--help"}
    assert {option for option in options if f"`{option}" not in text} == set()


def test_what_rules_can_say_is_documented() -> None:
    text = (ROOT / "docs" / "writing-rules.md").read_text(encoding="utf-8")
    own = ATTRIBUTES - set(BITSANDBYTES_PARAMETERS)
    verdicts = ("wasteful.", "saves.", "unneeded.")
    plain = {name for name in own if not name.startswith(("load.", *verdicts))}
    spoken = (*(f"{verdict}PRECISION" for verdict in verdicts), "pinned.PACKAGE")
    for word in (*OPERATORS, *PRECISION_NAMES, *plain, *spoken, "evidence"):
        assert f"`{word}`" in text, word
    for key in _EVIDENCE_KEYS:
        assert f"\n  {key}: " in text, key


def test_what_commands_print_in_documents_is_what_they_print() -> None:
    stale = (
        "<!-- file: serve.sh -->\n```sh\nvllm serve m --enforce-eager\n```\n"
        "<!-- notebook: a.ipynb -->\n```python\n# cell 0:\nx = 1\n"
        "# cell 1:\n!vllm serve m --enforce-eager\n```\n"
        "<!-- run: ecolint --quiet . -->\nanything\n<!-- end -->\n"
    )
    done = subprocess.run(
        [
            sys.executable,
            "-c",
            "import sys, examples; print(examples.with_outputs(sys.stdin.read()))",
        ],
        input=stale,
        cwd=ROOT / "tools",
        capture_output=True,
        text=True,
        env=environment(PYTHONPATH=str(ROOT)),
        check=True,
    )
    assert "anything" not in done.stdout
    assert "$ ecolint --quiet .\na.ipynb:cell 1:1:" in done.stdout
    assert "\nserve.sh:1:14: ECO306 YELLOW" in done.stdout
