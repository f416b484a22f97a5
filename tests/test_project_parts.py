"""What is done with a name before it is imported counts, wherever its module does it."""

from __future__ import annotations

from pathlib import Path

import pytest
from flow_support import LOAD, QWEN, Tree

MAIN = f"{LOAD}from {{0}} import {{1}}\nm = AutoModelForCausalLM.from_pretrained({QWEN}, {{2}})\n"


@pytest.fixture
def tree(tmp_path: Path) -> Tree:
    return Tree(tmp_path)


def codes(tree: Tree, name: str) -> list[str]:
    return [code for code, _, _ in tree.audit(name)]


def test_a_name_that_its_module_has_from_a_star(tree: Tree) -> None:
    tree.write(
        {
            "settings.py": "INT8 = True\nNONE = False\n",
            "chain.py": "from settings import *\n",
            "a.py": MAIN.format("chain", "INT8", "load_in_8bit=INT8"),
            "b.py": MAIN.format("chain", "NONE", "load_in_8bit=NONE"),
        }
    )
    assert "ECO101" in codes(tree, "a.py")
    assert codes(tree, "b.py") == []


def test_a_dict_that_its_module_adds_to(tree: Tree) -> None:
    given = "load_in_4bit=False, **OPTIONS"
    tree.write(
        {
            "plain.py": "OPTIONS = {'device_map': 'auto'}\n",
            "added.py": "OPTIONS = {'device_map': 'auto'}\nOPTIONS.update(load_in_8bit=True)\n",
            "a.py": MAIN.format("plain", "OPTIONS", given),
            "b.py": MAIN.format("added", "OPTIONS", given),
        }
    )
    assert "ECO101" not in codes(tree, "a.py")
    assert "ECO101" in codes(tree, "b.py")
