"""What is rehearsed: the repaired fixtures, and the examples of the rules."""

from __future__ import annotations

import ast
import difflib
import os
import re
import shlex
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parent.parent
FIXTURES = ROOT / "fixtures"
ECOLINT = shlex.split(
    os.environ.get("ECOLINT", f"{shlex.quote(sys.executable)} -m ecocompute_lint")
)
LIBRARIES = re.compile(
    r"^\s*(?:from|import) (transformers|diffusers|accelerate|peft|bitsandbytes)\b", re.M
)
NOT_HERE = re.compile(r"^\s*(?:from|import) (torchao|vllm|sglang|litgpt)\b", re.M)
MARKED = re.compile(r"# expect: ((?:ECO\d{3} ?)+)")
REMAINING = re.compile(r"# remaining after fix: ((?:ECO\d{3} ?)+)")
OFF_BY_DEFAULT = "ECO001,ECO304,ECO305"


@dataclass(frozen=True)
class Case:
    """A file before and after its repair."""

    name: str
    before: str
    after: str

    @property
    def codes(self) -> set[str]:
        """The rules that report something in the file."""
        return {code for codes in MARKED.findall(self.before) for code in codes.split()}

    @property
    def remaining(self) -> set[str]:
        """The rules that still do after the repair."""
        found = REMAINING.match(self.before)
        return set(found[1].split()) if found else set()

    @property
    def repaired(self) -> list[range]:
        """The lines of each statement that the repair wrote or changed."""
        if ast.dump(ast.parse(self.before)) == ast.dump(ast.parse(self.after)):
            return []  # nothing but comments
        old, new = (text.splitlines() for text in (self.before, self.after))
        changed: set[int] = set()
        for kind, _, _, low, high in difflib.SequenceMatcher(None, old, new, False).get_opcodes():
            if kind != "equal":
                changed |= set(range(low + 1, max(high, low + 1) + 1))
        spans = statements(self.after)
        held = {min((s for s in spans if line in s), key=len, default=None) for line in changed}
        return sorted((span for span in held if span), key=lambda span: span.start)


def statements(text: str) -> list[range]:
    """The lines of each statement; of one with a body, those of its head."""
    found = []
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.stmt) and not isinstance(node, ast.Import | ast.ImportFrom):
            body = getattr(node, "body", None)
            end = body[0].lineno - 1 if body else node.end_lineno or node.lineno
            found.append(range(node.lineno, max(end, node.lineno) + 1))
    return found


def real(text: str) -> bool:
    """Whether a program uses the libraries that are tried, and no engine that needs a card."""
    return bool(LIBRARIES.search(text)) and not NOT_HERE.search(text)


def fixtures() -> list[Case]:
    """Each fixture that is repaired, as the repair is pinned beside it."""
    found = []
    for path in sorted(FIXTURES.glob("*/*.fixed.py")):
        before = path.with_name(path.name.replace(".fixed.py", ".py")).read_text(encoding="utf-8")
        case = Case(f"{path.parent.name}/{path.stem}", before, path.read_text(encoding="utf-8"))
        if real(case.after) and case.repaired:
            found.append(case)
    return found


def broken() -> list[Case]:
    """Fixtures of the rules that say: this code fails, or does what nobody wants."""
    found = []
    for code in ("ECO101", "ECO105", "ECO107", "ECO108", "ECO110", "ECO111"):
        for path in sorted((FIXTURES / code).glob("bad_*.py")):
            text = path.read_text(encoding="utf-8")
            if ".fixed" not in path.name and code in MARKED.sub(r"\1", text) and real(text):
                found.append(Case(f"{code}/{path.stem}", text, text))
    return found


def examples() -> list[Case]:
    """Each example of a rule: its trap, and what the rule's page says is right."""
    return [
        Case(f"{code}-{number}", example["bad"], example["good"])
        for code, number, example in rule_examples()
        if real(example["good"])
    ]


def repaired_examples(folder: Path) -> list[Case]:
    """The traps of all examples as `ecolint --fix` leaves them, where it changes anything."""
    cards: dict[str, list[Path]] = {}
    texts = {}
    for code, number, example in rule_examples():
        card = example.get("gpu", "")
        path = folder / (card or "any") / f"{code}_{number}.py"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(example["bad"], encoding="utf-8")
        texts[path] = example["bad"]
        cards.setdefault(card, []).append(path.parent)
    for card, places in cards.items():
        options = ["--gpu", card] if card else []
        command = [*ECOLINT, "--fix", "--extend-select", OFF_BY_DEFAULT, *options, str(places[0])]
        done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=folder)
        assert done.returncode in (0, 1), done.stdout + done.stderr
    cases = [
        Case(path.stem, before, path.read_text(encoding="utf-8")) for path, before in texts.items()
    ]
    return [case for case in cases if case.before != case.after and real(case.after)]


def rule_examples() -> list[tuple[str, int, dict[str, str]]]:
    """The examples of all rules that are Python."""
    return [
        (rule["code"], number, example)
        for path in sorted((ROOT / "rules").glob("*.yaml"))
        for rule in [yaml.safe_load(path.read_text(encoding="utf-8"))]
        for number, example in enumerate(rule["examples"], 1)
        if not example.get("file")
    ]
