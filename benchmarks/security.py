"""Attacks by structure and by long texts: what was tried, and whether anything grew out of hand.

    python benchmarks/security.py            print the figures
    python benchmarks/security.py --write    store them for the page on reliability

A text of every kind of file is blown up with one sign, or a few, over and over; audited twice, the
second time four times as long, it may take four times as long, not sixteen.
"""

from __future__ import annotations

import ast
import json
import platform
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

from regexes import all_of_them  # noqa: E402

from ecocompute_lint import __version__  # noqa: E402
from ecocompute_lint.ambiguity import is_ambiguous  # noqa: E402
from ecocompute_lint.audit import auditor  # noqa: E402

STORED = ROOT / "benchmarks" / "reliability" / "security.json"
SHORT, LONG = 1_500, 6_000
MOST_GROWTH = 8
LEAST_SECONDS = 0.25
LOAD = "from transformers import BitsAndBytesConfig\nBitsAndBytesConfig(load_in_8bit=True)\n"
# fmt: off
TEXTS = {
    "a.py": [LOAD + "# %s\n", LOAD + 'x = "%s"\n',
             LOAD + 'import os\nos.system("pip install %s")\n'],
    "Dockerfile": [
        "FROM vllm/vllm-openai\nRUN pip install torch vllm %s\n",
        'FROM vllm/vllm-openai\nCMD ["vllm","serve","%s"]\n',
        "FROM vllm/vllm-openai\nENV A=%s\nCMD vllm serve x --y %s\n",
    ],
    "k.yaml": [
        "services:\n  a:\n    image: vllm/vllm-openai\n    command: vllm serve x %s\n",
        'args: ["vllm","serve", "%s"]\n', "a: vllm serve >-\n  %s\n", "a: |\n  vllm serve %s\n",
        "apiVersion: {{ %s }}\nimage: vllm/vllm-openai\n",
    ],
    "s.sh": ["vllm serve x %s\n", "A=%s vllm serve x\n", 'vllm serve "%s"\n', "%s vllm serve x\n",
             "cat <<E\n%s\nE\nvllm serve x --z ${A:-%s}\n"],
    "requirements.txt": ["vllm==0.2 %s\n", "vllm%s\n", "vllm @ git+https://x/%s\n"],
    "pyproject.toml": ['[project]\ndependencies=["vllm==0.2 %s"]\n',
                       '[tool.poetry.dependencies]\nvllm="%s"\n'],
    "Makefile": ["a:\n\tvllm serve x %s\n", "A=%s\na:\n\tvllm serve $(A)\n"],
    "justfile": ["a:\n  vllm serve x %s\n"],
    "a.bat": ["vllm serve x %s\n", "set A=%s\nvllm serve x\n"],
    "a.service": ["[Service]\nExecStart=vllm serve x %s\n"],
    "setup.cfg": ["[options]\ninstall_requires =\n  vllm==0.2 %s\n"],
    "environment.yml": ["dependencies:\n  - vllm=0.2 %s\n"],
    "Procfile": ["web: vllm serve x %s\n"],
    "n.ipynb": ["!pip install vllm %s\n", "%%bash\nvllm serve %s\n",
                "import torch\n!vllm serve %s\n"],
}
# fmt: on
SIGNS = [" ", "#", "a ", '"', "\\", "(", "{{", "${", "$(", "-", "--a ", "=", "a=", ",", ";", "."]
SIGNS += ["a/", "<", "%", "a:", "- ", "\\\n", "\n", "noqa ", "[a]"]


def main(arguments: Sequence[str]) -> int:
    """Run the command."""
    found = all_of_them()
    ambiguous = [place for (text, flags), place in found.items() if is_ambiguous(text, flags)]
    tried, grown = _texts()
    result = {
        "title": "Hostile input",
        "command": "python benchmarks/security.py --write",
        "versions": {"ecolint": __version__, "Python": platform.python_version()},
        "rows": [
            ["regular expressions of the package and its rules", f"{len(found):,}"],
            ["of them, such as could take exponential time", f"{len(ambiguous):,}"],
            ["texts blown up with one sign over and over", f"{tried:,}"],
            ["of them, such as took far more than in proportion", f"{len(grown):,}"],
            ["names and sources that would command a terminal or a runner", _count("PAYLOADS")],
            ["programs that a repository's git configuration named, none run", _count("PROGRAMS")],
            ["modules of a repository that were called like others, none imported",
             _count("SHADOWS")],
        ],
        "notes": ["What is promised, and which tests attack it: [SECURITY.md](../SECURITY.md)."],
    }  # fmt: skip
    text = json.dumps(result, indent=1) + "\n"
    if "--write" in arguments:
        STORED.parent.mkdir(exist_ok=True)
        STORED.write_text(text, encoding="utf-8")
    print(text, *ambiguous, *grown, sep="\n")
    return bool(ambiguous or grown)


def _texts() -> tuple[int, list[str]]:
    tried, grown = 0, []
    for name, text, sign in _combinations():
        tried += 1
        short, long = (_seconds(name, text, sign, length) for length in (SHORT, LONG))
        if long > LEAST_SECONDS and long / max(short, 0.001) > MOST_GROWTH:
            grown.append(f"{name}: {text!r} with {sign!r}: {short:.2f} s, then {long:.2f} s")
    return tried, grown


def _combinations() -> Iterator[tuple[str, str, str]]:
    for name, texts in TEXTS.items():
        _seconds(name, texts[0], "a", 100)  # what is imported once
        yield from ((name, text, sign) for text in texts for sign in SIGNS)


def _seconds(name: str, text: str, sign: str, length: int) -> float:
    """How long the audit of a text takes on the processor."""
    text = text.replace("%s", sign * (length // len(sign)))
    if name.endswith(".ipynb"):
        cell = {"cell_type": "code", "source": text, "metadata": {}, "outputs": []}
        shell = {"metadata": {}, "nbformat": 4, "nbformat_minor": 4}
        text = json.dumps({"cells": [{**cell, "execution_count": None}], **shell})
    start = time.process_time()
    report = auditor(name)(text, path=name, with_edits=True, thorough=True)
    if report.problem is not None and "internal error" in report.problem.message:
        raise SystemExit(f"{name}: {report.problem.message}")
    return time.process_time() - start


def _count(table: str) -> str:
    """How many entries a table of the tests has."""
    for file in sorted((ROOT / "tests").glob("test_security*.py")):
        for node in ast.parse(file.read_text("utf-8")).body:
            target = node.targets[0] if isinstance(node, ast.Assign) else None
            if isinstance(target, ast.Name) and target.id == table:
                module = __import__(file.stem)
                return f"{len(getattr(module, table)):,}"
    raise SystemExit(f"there is no table {table}")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
