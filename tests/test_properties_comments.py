"""Comments silence exactly what they name, and those that are added leave nothing to be found."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

from deployment_texts import deployments, notebooks_of
from hypothesis import assume, event, given
from hypothesis import strategies as st
from properties_support import EVERYTHING, OPTIONS, command, examples, folder
from python_layouts import Written, files, modules

from ecocompute_lint.annotate import annotate
from ecocompute_lint.audit import FileReport, auditor, silencing_lines
from ecocompute_lint.config import Settings
from ecocompute_lint.findings import Finding, Level
from ecocompute_lint.markers import markers
from ecocompute_lint.sources.registry import kind_at, suppressions_of
from ecocompute_lint.sources.text import decode

LINE_ENDS = re.compile(r"\r\n|\r|\n")
# Without the rule about the comments themselves, which every comment may wake or silence.
CHOSEN = replace(EVERYTHING, extend_select=("ECO304", "ECO305"))
FORMS = ("# noqa: {}", "# noqa: {} reason", "#noqa:{}", "# NoQA: E501, {}",
         "# type: ignore  # noqa: {}",
         "# ecolint: ignore[{}] reason", "# text # ecolint: ignore[E1, {}]")  # fmt: skip


def audit(name: str, text: str, chosen: Settings = CHOSEN) -> FileReport:
    return auditor(name)(text, path=name, settings=chosen)


def key(item: Finding) -> tuple[str, int, int]:
    """What a comment behind the line cannot move."""
    return item.code, item.place.line, item.place.column


@examples(15)
@given(files(), st.sampled_from(FORMS), st.data())
def test_a_comment_removes_just_what_it_names(
    file: Written, form: str, data: st.DataObject
) -> None:
    report = audit("a.py", file.text)
    assume(report.findings)
    chosen = data.draw(st.sampled_from(report.findings))
    named = data.draw(st.sampled_from([chosen.code, chosen.code, chosen.code[:4], "ECO", "ECO999"]))
    ends = LINE_ENDS.findall(file.text)
    lines = LINE_ENDS.split(file.text)
    number = chosen.place.line
    assume("noqa" not in file.text.lower() and "ecolint" not in file.text.lower())
    lines[number - 1] += "  " + form.format(named)
    text = "".join(line + end for line, end in zip(lines, [*ends, ""], strict=True))
    silenced = suppressions_of("python", text)
    # Inside of a text, behind a backslash, … it is no comment, and changes what the file says.
    assume(silenced is not None and number in silenced.lines and _as_before(file.text, text))
    after = audit("a.py", text)
    gone = [i for i in report.findings if number in silencing_lines(i) and i.code.startswith(named)]
    event(f"{len(gone)} gone")
    assert after.suppressed == report.suppressed + len(gone)
    kept = [key(item) for item in report.findings if item not in gone]
    assert [key(item) for item in after.findings] == kept


def _as_before(old: str, new: str) -> bool:
    import ast

    try:
        dumps = [ast.dump(ast.parse(LINE_ENDS.sub("\n", text))) for text in (old, new)]
    except SyntaxError:
        return False
    return dumps[0] == dumps[1]


@examples(12)
@given(files())
def test_added_comments_in_python_leave_nothing(file: Written) -> None:
    check_annotated("a.py", file.text)


@examples(20)
@given(deployments())
def test_added_comments_in_other_files_leave_nothing(file: Any) -> None:
    check_annotated(file.name, file.text)


@examples(4)
@given(notebooks_of(modules()))
def test_added_comments_in_notebooks_leave_nothing(raw: str) -> None:
    check_annotated("a.ipynb", raw)


def check_annotated(name: str, text: str) -> None:
    """What is done is silent then, what is refused is found, and there is no more to do."""
    report = audit(name, text)
    wanted = [item for item in report.findings if item.level > Level.GREEN]
    made = annotate(text, report, wanted, "measured", CHOSEN)
    after = audit(name, made.text)
    assert after.problem == report.problem
    assert len(made.done) + len(made.refused) == len(wanted)
    left = [item for item in after.findings if item.level > Level.GREEN]
    assert sorted(i.code for i in left) == sorted(i.code for i, _ in made.refused)
    assert len(after.findings) + after.suppressed == len(report.findings) + report.suppressed
    again = annotate(made.text, after, left, "measured", CHOSEN)
    assert again.text == made.text
    if kind_at(name) == "python" and made.text != text:
        assert _as_before(text, made.text)
        assert len(markers(made.text, python=True)) >= len(markers(text, python=True))


@examples(4)
@given(files())
def test_the_command_adds_comments_in_the_encoding_of_the_file(file: Written) -> None:
    with folder() as root:
        path = root / "a.py"
        path.write_bytes(file.data)
        command("--add-noqa", "measured", "--no-cache", *OPTIONS)
        before, after = decode(file.data), decode(path.read_bytes())
        assert (after.encoding, after.bom) == (before.encoding, before.bom)
        assert _as_before(before.text, after.text)
        assert set(LINE_ENDS.findall(after.text)) <= set(LINE_ENDS.findall(before.text)) | {"\n"}
        status, out, err = command("--add-noqa", "measured", "--no-cache", *OPTIONS)
        assert path.read_bytes() == after_bytes(after.text, path.read_bytes()), (out, err)
        assert "0 findings silenced" in err
        assert status in (0, 1)


def after_bytes(text: str, data: bytes) -> bytes:
    """The bytes, which hold that text still."""
    assert decode(data).text == text
    return data
