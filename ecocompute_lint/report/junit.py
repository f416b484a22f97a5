"""JUnit XML: a suite per file that was looked at, a failed case per finding.

A file without findings is one case that passes, one that could not be analysed is an error.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import TYPE_CHECKING
from xml.etree import ElementTree as Xml

from ecocompute_lint.findings import Finding, Level, Problem
from ecocompute_lint.report.escape import as_text, xml_safe
from ecocompute_lint.report.files import Files
from ecocompute_lint.report.formats import Run
from ecocompute_lint.report.source import excerpt
from ecocompute_lint.report.style import Style
from ecocompute_lint.report.summary import View

if TYPE_CHECKING:
    from ecocompute_lint.audit import FileReport


def render(run: Run) -> str:
    """The document."""
    view = run.view
    files = Files(view)
    root = Xml.Element("testsuites", name="ecolint")
    shown = {id(finding) for finding in view.findings}
    large = {file.path for file in view.report.too_large}
    for file in view.report.files:
        findings = [finding for finding in file.findings if id(finding) in shown]
        if file.status != "skipped" or findings or file.path in large:
            _suite(root, file, findings, view, files)
    for problem in view.report.problems:
        suite = Xml.SubElement(root, "testsuite", name=_clean(problem.path or "ecolint"))
        _error(suite, problem, problem.path or "ecolint")
        _count(suite)
    _count(root)
    root.set("time", f"{view.report.seconds:.3f}")
    return _text(root)


def _suite(
    root: Xml.Element,
    file: FileReport,
    findings: Sequence[Finding],
    view: View,
    files: Files,
) -> None:
    path = files.path(file.path)
    suite = Xml.SubElement(root, "testsuite", name=_clean(path))
    if file.problem is not None:
        _error(suite, file.problem, path)
    elif file.status == "skipped" and not findings:
        case = _case(suite, path, "audit")
        Xml.SubElement(case, "skipped", message=_clean(file.reason))
    elif all(finding.level is Level.GREEN for finding in findings):
        _case(suite, path, "audit")
    for finding in findings:
        _finding(suite, finding, path, view, files)
    _count(suite)


def _finding(suite: Xml.Element, finding: Finding, path: str, view: View, files: Files) -> None:
    place = finding.place
    cell = f"cell {finding.cell}, " if finding.cell is not None else ""
    where = f"{cell}line {place.line}, column {place.column}"
    case = _case(suite, path, f"{finding.code} {finding.name} ({where})")
    if (there := files.place(finding)) is not None:
        case.set("line", str(there.line))
    if finding.level is Level.GREEN:
        Xml.SubElement(case, "system-out").text = _clean(finding.message)
        return
    failure = Xml.SubElement(
        case, "failure", type=finding.level.label, message=_clean(finding.message)
    )
    lines = [f"{path}: {where}", *excerpt(view.lines(finding.path, finding.cell), finding, Style())]
    lines.append(finding.message)
    if finding.fix is not None:
        lines.append(f"Repair ({finding.fix.level.label}): {finding.fix.description}")
    failure.text = _clean("\n".join(lines))


def _error(suite: Xml.Element, problem: Problem, path: str) -> None:
    case = _case(suite, path, problem.code)
    where = f"line {problem.line}: " if problem.line is not None else ""
    text = _clean(f"could not be analysed: {where}{problem.message}")
    Xml.SubElement(case, "error", type=problem.code, message=text).text = text


def _case(suite: Xml.Element, path: str, name: str) -> Xml.Element:
    return Xml.SubElement(
        suite, "testcase", classname=_clean(path), name=_clean(name), file=_clean(path)
    )


def _count(element: Xml.Element) -> None:
    """Say in an element how many cases it holds, and how they ended."""
    cases = element.findall(".//testcase")
    element.set("tests", str(len(cases)))
    for name, kind in (("failures", "failure"), ("errors", "error"), ("skipped", "skipped")):
        element.set(name, str(sum(case.find(kind) is not None for case in cases)))


def _clean(text: str) -> str:
    return xml_safe(as_text(text))


def _text(root: Xml.Element) -> str:
    Xml.indent(root)
    out = io.BytesIO()
    Xml.ElementTree(root).write(out, encoding="utf-8", xml_declaration=True)
    return out.getvalue().decode() + "\n"
