"""What a repair may never do, over generated files of every kind in any layout."""

from __future__ import annotations

import ast
import difflib
import io
import itertools
import json
import re
import stat
import tokenize
from collections import Counter
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

from deployment_texts import Deployment, deployments, notebooks_of
from hypothesis import assume, event, example, given
from hypothesis import strategies as st
from inference_code import programs
from properties_support import EVERYTHING, OPTIONS, command, examples, folder
from python_layouts import Written, files, layouts, modules

from ecocompute_lint.audit import audit_text, auditor
from ecocompute_lint.config import Settings
from ecocompute_lint.findings import Finding, FixLevel, Level, Operation, Place
from ecocompute_lint.fixes.apply import apply_edits
from ecocompute_lint.repairs import FixOutcome, fixer
from ecocompute_lint.sources.registry import kind_at, suppressions_of
from ecocompute_lint.sources.text import LineMap, decode

DEFAULT = Settings()
CHOICES = {
    "default": DEFAULT,
    "everything": EVERYTHING,
    "on a T4": replace(EVERYTHING, gpu="t4"),
    "exact": replace(EVERYTHING, fix_level=FixLevel.EXACT),
}
LINE_ENDS = re.compile(r"\r\n|\r|\n")
IMPORT = "from transformers import BitsAndBytesConfig\n"
INERT_AND_INVALID = IMPORT + "c = BitsAndBytesConfig(load_in_4bit=True, llm_int8_threshold=0)\n"
# The import that the first call needs moves the second, which cannot be edited.
REFUSED_BELOW_AN_IMPORT = (
    IMPORT
    + "c = BitsAndBytesConfig(load_in_4bit=True)\n"
    + 'print(f"{BitsAndBytesConfig(load_in_8bit=True)}")\n'
)


# -- what a repair leaves


def repaired(name: str, text: str, chosen: Settings) -> FixOutcome:
    """A repaired text: it can be read, stays as it is, and nothing is left that can be mended."""
    audit, fix = auditor(name), fixer(name)
    outcome = fix(text, path=name, settings=chosen)
    if outcome.problem is not None:
        assert outcome.text == text
        assert audit(text, path=name, settings=chosen).problem is not None
        return outcome
    after = audit(outcome.text, path=name, settings=chosen)
    assert after.problem is None, after.problem
    rest = (*outcome.left, *(finding for finding, _ in outcome.refused))
    assert sorted(map(place, after.findings)) == sorted(map(place, rest))
    assert not {"the edit would not parse"} & {reason for _, reason in outcome.refused}
    for finding in outcome.fixed:
        event(f"fixed {finding.code}")
    for finding in outcome.left:
        assert not mendable(finding, outcome.text, name, chosen), finding
    assert fix(outcome.text, path=name, settings=chosen).text == outcome.text
    assert bool(outcome.fixed) == (outcome.text != text)
    assert newlines(outcome.text) <= newlines(text) or not newlines(text)
    assert ends_in_newline(outcome.text) == ends_in_newline(text)
    return outcome


def place(finding: Finding) -> tuple[str, int, Place]:
    """What a finding says, and of what."""
    return finding.code, finding.cell or 0, finding.place


def mendable(finding: Finding, text: str, name: str, chosen: Settings) -> bool:
    """Whether the settings want it mended, and nothing stands against it."""
    fix = finding.fix
    if fix is None or not fix.available or fix.level > chosen.fix_level or name.endswith("ipynb"):
        return False
    lines = {n for step in fix.operations for n in lines_of(step.target)}
    silenced = suppressions_of(kind_at(name), text)
    return silenced is None or not silenced.covers(finding.code, lines)


def lines_of(place: Place) -> range:
    """The lines of a place."""
    return range(place.line, place.end_line + 1)


def newlines(text: str) -> set[str]:
    """The kinds of line ends in a text."""
    return set(LINE_ENDS.findall(text))


def ends_in_newline(text: str) -> bool:
    """Whether the last line is ended."""
    return text.endswith(("\n", "\r"))


# -- Python


@examples(30)
@given(files(), st.sampled_from(sorted(CHOICES)))
@example(Written(INERT_AND_INVALID, b""), "default")
@example(Written(REFUSED_BELOW_AN_IMPORT, b""), "default")
def test_repairs_of_python_are_clean(file: Written, choice: str) -> None:
    text, chosen = file.text, CHOICES[choice]
    before = audit_text(text, path="a.py", settings=chosen).findings
    outcome = repaired("a.py", text, chosen)
    assert outcome.problem is None
    compile(
        outcome.text.replace("\r\n", "\n").replace("\r", "\n"), "a.py", "exec", ast.PyCF_ONLY_AST
    )
    check_tokens(text, outcome.text, steps_of([*before, *outcome.fixed]))
    lost, gained = comments(text) - comments(outcome.text), comments(outcome.text) - comments(text)
    # A comment goes only with the option that it stands behind, or for its own sake.
    assert not lost or any(step.action == "remove" for step in steps_of(outcome.fixed))
    if not any(item.code == "ECO001" for item in outcome.fixed):
        assert not gained


def steps_of(findings: Iterable[Finding]) -> list[Operation]:
    """The steps of the repairs of findings."""
    return [step for item in findings if item.fix for step in item.fix.operations]


def check_tokens(old: str, new: str, steps: Iterable[Operation]) -> None:
    """Tokens change only inside the calls and dicts to be repaired, and in imports."""
    allowed = {n for step in steps for n in lines_of(step.target)} | import_lines(old)
    before, after = tokens(old), tokens(new)
    ours = import_lines(new)
    matcher = difflib.SequenceMatcher(
        None, [one[:2] for one in before], [one[:2] for one in after], False
    )
    for tag, i1, i2, j1, j2 in matcher.get_opcodes():
        if tag == "equal":
            continue
        assert {line for *_, line in before[i1:i2]} <= allowed, before[i1:i2]
        if i1 == i2:
            around = {line for *_, line in before[max(0, i1 - 1) : i1 + 1]}
            assert around & allowed or {line for *_, line in after[j1:j2]} <= ours, after[j1:j2]


def tokens(text: str) -> list[tuple[int, str, int]]:
    """The tokens that mean something, with their lines."""
    plain = LINE_ENDS.sub("\n", text)
    layout = (tokenize.NL, tokenize.NEWLINE, tokenize.COMMENT, tokenize.ENDMARKER)
    found = tokenize.generate_tokens(io.StringIO(plain).readline)
    return [(t.type, t.string, t.start[0]) for t in found if t.type not in layout]


def import_lines(text: str) -> set[int]:
    """The lines on which imports stand."""
    return {
        line
        for node in ast.walk(ast.parse(LINE_ENDS.sub("\n", text)))
        if isinstance(node, (ast.Import, ast.ImportFrom))
        for line in range(node.lineno, (node.end_lineno or node.lineno) + 1)
    }


def comments(text: str) -> Counter[str]:
    """All comments of a text."""
    found = tokenize.generate_tokens(io.StringIO(LINE_ENDS.sub("\n", text)).readline)
    return Counter(token.string for token in found if token.type == tokenize.COMMENT)


# -- other files and notebooks


NO_END = "dtype: float32\r\nenable-prefix-caching: true\r\n\r\nenforce-eager: true"
"""The last line goes, which has no end."""


@examples(30)
@given(deployments(), st.sampled_from(sorted(CHOICES)))
@example(Deployment("engine.yaml", NO_END), "default")
def test_repairs_of_other_files_are_clean(file: Any, choice: str) -> None:
    chosen = CHOICES[choice]
    before = auditor(file.name)(file.text, path=file.name, settings=chosen)
    outcome = repaired(file.name, file.text, chosen)
    allowed = {
        n for step in steps_of([*before.findings, *outcome.fixed]) for n in lines_of(step.target)
    }
    old, new = LINE_ENDS.split(file.text), LINE_ENDS.split(outcome.text)
    for tag, i1, i2, _, _ in difflib.SequenceMatcher(None, old, new, False).get_opcodes():
        if tag != "equal":
            assert set(range(i1 + 1, i2 + 1)) <= allowed, old[i1:i2]
            assert i1 < i2, "no line is added"


@examples(6)
@given(notebooks_of(st.one_of(modules(), layouts(programs()))), st.sampled_from(sorted(CHOICES)))
def test_repairs_of_notebooks_are_clean(raw: str, choice: str) -> None:
    outcome = repaired("a.ipynb", raw, CHOICES[choice])
    assert without_sources(outcome.text) == without_sources(raw)


def without_sources(raw: str) -> Any:
    """A notebook without what stands in its code cells."""
    data = json.loads(raw)
    for cell in [
        *data.get("cells", ()),
        *(c for w in data.get("worksheets", ()) for c in w["cells"]),
    ]:
        if cell["cell_type"] == "code":
            for key in ("source", "input"):
                if key in cell:
                    cell[key] = type(cell[key]).__name__
    return data


# -- several repairs


@examples(8)
@given(st.one_of(layouts(), layouts(programs())), st.data())
def test_repairs_compose_in_any_order(text: str, data: st.DataObject) -> None:
    check_composition("a.py", text, data)


@examples(8)
@given(deployments(), st.data())
def test_repairs_of_other_files_compose_in_any_order(file: Any, data: st.DataObject) -> None:
    # Without these two only the options that are repaired tell whose file it is.
    told = "" if "gpu-memory" in file.text else "gpu-memory-utilization: 0.9\nmodel: org/m-7b\n"
    check_composition(file.name, told * (file.name == "engine.yaml") + file.text, data)


def check_composition(name: str, text: str, data: st.DataObject) -> None:
    """Rule by rule in any order, or all at once: the file says the same in the end."""
    found = auditor(name)(text, path=name, settings=EVERYTHING).findings
    # Whether a comment is of any use is asked of the rules that are selected beside.
    mended = {item.code for item in found if item.fix is not None and item.fix.available}
    codes = sorted(mended - {"ECO001"})
    assume(len(codes) > 1)
    chosen = data.draw(st.lists(st.sampled_from(codes), min_size=2, unique=True))
    at_once = fixer(name)(text, path=name, settings=only(chosen)).text
    for order in itertools.islice(itertools.permutations(chosen), 6):
        step = text
        for _ in range(2):  # what one repair makes mendable is another's in the second round
            for code in order:
                step = fixer(name)(step, path=name, settings=only([code])).text
        assert said(name, step) == said(name, at_once), order


def said(name: str, text: str) -> Any:
    """What a Python text says, with its comments; only where lines are broken may differ."""
    if kind_at(name) != "python":
        return text
    return ast.dump(ast.parse(LINE_ENDS.sub("\n", text))), comments(text)


def only(codes: Iterable[str]) -> Settings:
    """The settings of ``--select``."""
    return replace(EVERYTHING, select=tuple(codes), extend_select=())


# -- through the command


@examples(6)
@given(st.lists(files(), min_size=1, max_size=3), st.sampled_from([0o644, 0o755, 0o600]))
def test_the_command_keeps_encoding_mark_and_mode(written: list[Written], mode: int) -> None:
    with folder() as root:
        paths = [root / f"m{number}.py" for number in range(len(written))]
        for path, file in zip(paths, written, strict=True):
            path.write_bytes(file.data)
            path.chmod(mode)
        command("--fix", "--no-cache", "-j", "1", *OPTIONS)
        for path, file in zip(paths, written, strict=True):
            check_bytes(path, file.data, mode)


@examples(10)
@given(deployments(), st.sampled_from([b"", b"", b"\xef\xbb\xbf"]))
def test_the_command_keeps_other_files_as_well(file: Any, mark: bytes) -> None:
    with folder() as root:
        path = root / file.name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(mark + file.text.encode())
        path.chmod(0o640)
        command("--fix", "--no-cache", "-j", "1", *OPTIONS)
        check_bytes(path, mark + file.text.encode(), 0o640)


def check_bytes(path: Path, old: bytes, mode: int) -> None:
    """The file holds the repaired text, in the encoding it had."""
    new = path.read_bytes()
    python = path.suffix == ".py"
    before, after = decode(old, cookie=python), decode(new, cookie=python)
    assert (after.encoding, after.bom) == (before.encoding, before.bom)
    name = str(path.relative_to(Path.cwd()))
    root = replace(EVERYTHING, root=Path.cwd())
    outcome = fixer(name)(before.text, path=name, settings=root)
    try:
        outcome.text.encode(before.encoding)
    except UnicodeEncodeError:
        assert new == old
    else:
        assert after.text == outcome.text
    assert stat.S_IMODE(path.stat().st_mode) == mode
    assert sorted(p.name for p in path.parent.iterdir() if p.name.endswith(".tmp")) == []


# -- the edits that reports carry


@examples(12)
@given(files())
def test_the_edits_of_each_finding_make_a_text_that_parses(file: Written) -> None:
    report = audit_text(file.text, path="a.py", settings=EVERYTHING, with_edits=True)
    lines = LineMap(file.text)
    for item in report.findings:
        if item.fix is None or not item.fix.edits:
            continue
        changed = apply_edits(file.text, item.fix.edits)
        ast.parse(LINE_ENDS.sub("\n", changed))
        for edit in item.fix.edits:
            lines.span(edit.place)
        after = audit_text(changed, path="a.py", settings=EVERYTHING)
        old, new = (sum(one.code == item.code and one.level > Level.GREEN for one in found.findings)
                    for found in (report, after))  # fmt: skip
        assert new < old, item
