"""The benchmark of real trees: that it sees what goes wrong, and how the page shows figures."""

from __future__ import annotations

import json
import sys
import zipfile
from pathlib import Path
from typing import Any

import pytest
from conftest import ROOT

sys.path.insert(0, str(ROOT / "benchmarks"))

import reliability
from robustness import command, python, repairing, trees
from robustness.python import Edit
from robustness.running import Audited, audit, chunks

LOADED = """\
from transformers import AutoModelForCausalLM, BitsAndBytesConfig

config = BitsAndBytesConfig(load_in_8bit=True)
name = "mistralai/Mistral-7B-v0.1"
model = AutoModelForCausalLM.from_pretrained(name, quantization_config=config)
print(model.generate())
"""


@pytest.fixture
def tree(tmp_path: Path) -> trees.Tree:
    folder = tmp_path / "tree"
    folder.mkdir()
    (folder / "load.py").write_bytes(LOADED.replace("\n", "\r\n").encode())
    (folder / "plain.py").write_text("print(1)\n")
    (folder / "broken.py").write_text("def f(:\n")
    return trees.Tree("some code", folder, "package")


def result_of(tree: trees.Tree, home: Path) -> dict[str, Any]:
    kept = home / "results"
    kept.mkdir()
    return command._one(tree, home, kept, False)


def test_a_tree_is_audited_and_its_copy_repaired(tree: trees.Tree, tmp_path: Path) -> None:
    result = result_of(tree, tmp_path)
    assert result["files"] == {"python": 3}
    assert result["findings"] == 1
    assert not result["bad"], result
    assert [one.split(":")[0] for one in result["broken"]] == ["broken.py"]
    repaired = result["repaired"]
    assert repaired["changed"] == repaired["compiled"] == repaired["as_reported"] == 1
    assert (tree.path / "load.py").read_bytes() == LOADED.replace("\n", "\r\n").encode()


def test_what_a_repair_must_not_do_is_told(tmp_path: Path) -> None:
    old, new = tmp_path / "old.py", tmp_path / "new.py"
    old.write_bytes(b"\xef\xbb\xbfx = 1\r\n")
    new.write_bytes(b"x = (\n")
    new.chmod(0o755)
    told = " ".join(repairing._compared(old, new))
    for part in ("mode", "byte-order mark", "newlines", "does not compile"):
        assert part in told
    assert not repairing._compared(old, old)


def test_tokens_outside_of_edits() -> None:
    text = "a = 1\nb = [2, 3]\n"
    after, places = python.applied(text, [Edit(4, 5, "10")])
    assert after == "a = 10\nb = [2, 3]\n"
    assert python.outside(text, [(4, 5)]) == python.outside(after, places)
    joined, places = python.applied(text, [Edit(1, 4, "")])
    assert python.outside(text, [(1, 4)]) != python.outside(joined, places)


def test_tokens_whatever_ends_lines() -> None:
    for text in ("a = 1\r\nb = 2 + \\\r\n  3\r\nc = 4", "a = 1\rb = 2 + \\\r  3\rc = 4\r"):
        at = text.index("4")
        told = [word for _, word in python.outside(text, [(at, at + 1)]) if word.strip()]
        assert told == "a = 1 b = 2 + 3 c =".split()


def test_the_file_that_takes_long_is_found(
    tree: trees.Tree, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("robustness.running.SLOW", 0.0)
    audited = Audited()
    audit(["load.py", "plain.py"], tree.path, audited)
    assert [one.split(":")[0] for one in audited.hangs] == ["load.py", "plain.py"]


def test_files_go_into_runs_by_their_size(tree: trees.Tree) -> None:
    (tree.path / "large.py").write_text("x = 1\n" * 400_000)
    names = ["large.py", "load.py", "plain.py"]
    assert list(chunks(names, tree.path)) == [["large.py"], ["load.py", "plain.py"]]


def test_a_wheel_is_unpacked_without_what_is_no_text(tmp_path: Path) -> None:
    wheel = tmp_path / "some-1.0-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w") as content:
        for name in ("some/a.py", "some/lib.so", "some/lib.so.1.2", "../out.py", "some/x.png"):
            content.writestr(name, "x = 1\n")
    trees.unpack(wheel, tmp_path / "packages")
    found = {path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*.*")}
    assert "packages/some/a.py" in found
    assert not any(name.endswith((".so", ".2", ".png")) for name in found)
    assert not (tmp_path.parent / "out.py").exists()


def test_every_package_has_its_version() -> None:
    names = trees.wanted()
    assert len(names) >= 150
    assert len(set(names)) == len(names)
    assert all(len(name.split("==")) == 2 for name in names)


# --- the page -------------------------------------------------------------------------------------


def test_a_section_shows_figures_and_where_they_are_from() -> None:
    part = {
        "title": "Some trees",
        "command": "python some.py",
        "machine": "two cores",
        "versions": {"ecolint": "1.0", "Python": "3.11"},
        "rows": [["files", 1234], ["a|b", "none"]],
        "notes": ["One thing."],
    }
    assert reliability.section(part) == "\n".join(
        (
            "## Some trees",
            "",
            "Run by `python some.py`; two cores; ecolint 1.0, Python 3.11.",
            "",
            "| what | |",
            "|---|---:|",
            "| files | 1,234 |",
            "| a\\|b | none |",
            "",
            "- One thing.",
        )
    )


def test_sections_have_an_order(tmp_path: Path) -> None:
    for name in ("mutants", "another", "trees"):
        (tmp_path / f"{name}.json").write_text(json.dumps({"title": name}))
    assert [part["title"] for part in reliability.parts(tmp_path)] == [
        "trees",
        "mutants",
        "another",
    ]


def test_the_page_is_fresh() -> None:
    assert reliability.main(["--check"]) == 0
