"""The pipeline: source, gates, facts, rules, findings, and repairs.

`audit_paths` audits files and directories, `audit_text` one text, `fix_text` repairs one text.
"""

from __future__ import annotations

import ast
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ecocompute_lint.findings import Finding, Fix, FixLevel, Level, Operation, Problem
from ecocompute_lint.prefilter import may_matter

if TYPE_CHECKING:
    from ecocompute_lint.config import Settings
    from ecocompute_lint.engine.rule import Rule
    from ecocompute_lint.knowledge.economy import Economy

UNPARSABLE = "ECO000"
STDIN = "<stdin>"
"""What a text without a file is called."""
_LARGEST_FILE = 4_000_000
_LARGEST_NOTEBOOK = 50_000_000  # most of one are outputs
_LARGER = "larger than"
_MOST_ROUNDS = 8
_OVERLAPS = "overlaps"
_NO_HELP = "the edit would not mend it"


@dataclass(frozen=True, slots=True)
class FileReport:
    """What became of one file.

    `status` is ``examined`` (analysed), ``skipped`` (nothing to analyse; `reason` says why) or
    ``failed`` (`problem` says why). `suppressed` counts findings that comments silence.
    """

    path: str
    status: str
    findings: tuple[Finding, ...] = ()
    suppressed: int = 0
    problem: Problem | None = None
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Report:
    """What became of a run: its files in order, and problems that belong to no audited file."""

    files: tuple[FileReport, ...]
    problems: tuple[Problem, ...] = ()
    seconds: float = 0.0

    @property
    def findings(self) -> tuple[Finding, ...]:
        """All findings, in reading order."""
        return tuple(finding for file in self.files for finding in file.findings)

    @property
    def examined(self) -> int:
        """How many files were analysed."""
        return sum(file.status == "examined" for file in self.files)

    @property
    def skipped(self) -> int:
        """How many files were passed over although they are of a kind that is audited."""
        return sum(file.status == "skipped" and file.reason != IRRELEVANT for file in self.files)

    @property
    def too_large(self) -> tuple[FileReport, ...]:
        """The files that were passed over for their size."""
        return tuple(file for file in self.files if file.reason.startswith(_LARGER))

    @property
    def failed(self) -> tuple[Problem, ...]:
        """The problems of files, then those of the run."""
        return (*(file.problem for file in self.files if file.problem), *self.problems)


@dataclass(frozen=True, slots=True)
class FixOutcome:
    """A repaired text: what was mended, what is left to do by hand, what could not be edited."""

    text: str
    fixed: tuple[Finding, ...] = ()
    left: tuple[Finding, ...] = ()
    refused: tuple[tuple[Finding, str], ...] = ()
    problem: Problem | None = None


IRRELEVANT = "nothing to look at"
"""Why most files are passed over."""


def audit_text(
    text: str,
    *,
    path: str = STDIN,
    settings: Settings | None = None,
    tree: ast.Module | None = None,
    suppressions: bool = True,
    with_edits: bool = False,
    thorough: bool = False,
) -> FileReport:
    """Audit one Python text as if it stood at `path`.

    `tree` is its parsed module, if the caller has one. `suppressions` honours ``# noqa`` comments.
    `with_edits` works out the edits of each repair. `thorough` parses even a text without a word
    that matters, so that broken code is reported. Never raises for any text.
    """
    from ecocompute_lint.sources.python import Unparsable, parse, read

    settings = _settings(settings)
    loads = settings.gpu is not None
    relevant = may_matter(text, loads=loads)
    if not relevant and not thorough:
        return FileReport(path, "skipped", reason=IRRELEVANT)
    silenced = suppressions_of(text)
    if silenced is not None and silenced.skip_file:
        return FileReport(path, "skipped", reason="skip-file")
    try:
        if not relevant:
            parse(text)
            return FileReport(path, "skipped", reason=IRRELEVANT)
        file = Path(path) if path != STDIN else None
        facts = read(text, tree, file, settings.root, loads=loads).facts
    except Unparsable as error:
        problem = Problem(UNPARSABLE, path, error.reason, error.line, error.column)
        return FileReport(path, "failed", problem=problem)
    except RecursionError:
        problem = Problem(UNPARSABLE, path, "nested too deeply to be analysed")
        return FileReport(path, "failed", problem=problem)
    if not facts:
        return FileReport(path, "examined")
    from ecocompute_lint.engine.judge import judge
    from ecocompute_lint.sources.lookup import pins_around

    found = judge(
        facts,
        rules_for(settings, path),
        path=path,
        gpu=settings.gpu,
        context=settings.context,
        base=settings.root,
        economy=economy_of(settings),
        pins=pins_around(file, settings.root),
    )
    kept = [item for item in found if item.confidence >= settings.min_confidence]
    shown = [
        item
        for item in kept
        if not suppressions
        or silenced is None
        or not silenced.covers(item.code, silencing_lines(item))
    ]
    if with_edits:
        shown = [_with_edits(text, item, tree) for item in shown]
    return FileReport(path, "examined", tuple(shown), len(kept) - len(shown))


def _settings(settings: Settings | None) -> Settings:
    if settings is not None:
        return settings
    from ecocompute_lint.config import Settings as Defaults

    return Defaults()


@lru_cache(maxsize=8)
def economy_of(settings: Settings) -> Economy:
    """What the settings say of workload, place and measurements."""
    from ecocompute_lint.knowledge.economy import Economy

    return Economy(
        requests_per_month=settings.requests_per_month,
        input_tokens=settings.input_tokens,
        output_tokens=settings.output_tokens,
        batch_size=settings.batch_size,
        region=settings.region,
        usd_per_kwh=settings.electricity_usd_per_kwh,
        gco2_per_kwh=settings.grid_gco2_per_kwh,
        pue=settings.pue,
        data=settings.data,
    )


def suppressions_of(text: str) -> Any:
    """What the comments of a text silence; None where none can."""
    lowered = text.lower()
    if "noqa" not in lowered and "ecolint:" not in lowered:
        return None
    from ecocompute_lint.suppress import Suppressions

    return Suppressions.from_text(text)


def rules_for(settings: Settings, path: str) -> Iterator[Rule]:
    """The rules that the settings have on for a file."""
    from ecocompute_lint.engine.catalogue import load_rules

    for rule in load_rules(settings.rules):
        on = rule.enabled or rule.code in (*settings.select, *settings.extend_select)
        if on and settings.enabled(rule.code, path):
            yield rule


def silencing_lines(finding: Finding) -> Iterable[int]:
    """The lines on which a comment silences a finding: its first and last, and its marks'."""
    places = (finding.place, *finding.marks)
    return {line for place in places for line in (place.line, place.end_line)}


# -- files


def is_notebook(path: str) -> bool:
    """Whether a file is a notebook, by its name."""
    return path.lower().endswith(".ipynb")


def too_large(path: str, size: int) -> str:
    """Why a file of so many bytes is passed over; empty where it is not."""
    most = _LARGEST_NOTEBOOK if is_notebook(path) else _LARGEST_FILE
    return f"{_LARGER} {most // 10**6} MB" if size > most else ""


def audit_file(
    file: Path,
    path: str,
    settings: Settings,
    *,
    with_edits: bool = False,
    thorough: bool = False,
) -> FileReport:
    """Audit one file; `path` is what it is called in reports."""
    from ecocompute_lint.sources.text import UnreadableSource, decode

    try:
        size = file.stat().st_size
        if reason := too_large(path, size):
            return FileReport(path, "skipped", reason=reason)
        data = file.read_bytes()
    except OSError as error:
        reason = error.strerror or str(error)
        return FileReport(path, "failed", problem=Problem(UNPARSABLE, path, reason))
    if not thorough and not may_matter(data, loads=settings.gpu is not None):
        return FileReport(path, "skipped", reason=IRRELEVANT)
    try:
        text = decode(data).text
    except UnreadableSource as error:
        problem = Problem(UNPARSABLE, path, error.reason, error.line)
        return FileReport(path, "failed", problem=problem)
    audit = auditor(path)
    return _guarded(
        path,
        lambda: audit(text, path=path, settings=settings, with_edits=with_edits, thorough=thorough),
    )


def auditor(path: str) -> Callable[..., FileReport]:
    """What audits the text of a file of that name."""
    if not is_notebook(path):
        return audit_text
    from ecocompute_lint.notebooks import audit_notebook

    return audit_notebook


def fixer(path: str) -> Callable[..., FixOutcome]:
    """What repairs the text of a file of that name."""
    if not is_notebook(path):
        return fix_text
    from ecocompute_lint.notebooks import fix_notebook

    return fix_notebook


def _guarded(path: str, work: Callable[[], FileReport]) -> FileReport:
    """One file must not end the run for the others."""
    from ecocompute_lint.config import ConfigError
    from ecocompute_lint.engine.catalogue import RuleError

    try:
        return work()
    except (ConfigError, RuleError):
        raise
    except Exception as error:  # a fault of ours: name the file and go on
        text = f"internal error, please report it: {type(error).__name__}: {error}"
        return FileReport(path, "failed", problem=Problem(UNPARSABLE, path, text))


def audit_paths(
    paths: Sequence[str | Path],
    *,
    overrides: Mapping[str, Any] | None = None,
    config: Path | None = None,
    with_edits: bool = False,
) -> Report:
    """Audit files and directories.

    Each file is audited under the configuration nearest above it, or under `config`; `overrides`
    are settings that win over it, as the command's options do. Raises ConfigError and RuleError.
    """
    from ecocompute_lint.discovery import discover

    start = time.perf_counter()
    files: list[FileReport] = []
    problems: list[Problem] = []
    for item in discover([Path(path) for path in paths], overrides or {}, config=config):
        if isinstance(item, Problem):
            problems.append(item)
        else:
            # Who names a file wants to know if it is broken. A hook names whatever has changed.
            thorough = item.explicit and not item.settings.force_exclude
            report = audit_file(
                item.file, item.path, item.settings, with_edits=with_edits, thorough=thorough
            )
            files.append(report)
    return Report(tuple(files), tuple(problems), time.perf_counter() - start)


# -- repairs


def _with_edits(text: str, finding: Finding, tree: ast.Module | None) -> Finding:
    if finding.fix is None or not finding.fix.available:
        return finding
    edits, refused = _edits(text, finding.fix.operations, tree)
    if refused or not edits:
        return replace(finding, fix=Fix(FixLevel.MANUAL, finding.fix.description))
    return replace(finding, fix=replace(finding.fix, edits=edits))


def _edits(
    text: str, operations: Sequence[Operation], tree: ast.Module | None
) -> tuple[tuple[Any, ...], dict[Operation, str]]:
    from ecocompute_lint.fixes.plan import plan_edits
    from ecocompute_lint.sources.python import parse

    plan = plan_edits(text, operations, tree if tree is not None else parse(text))
    return plan.edits, dict(plan.refused)


@dataclass(frozen=True, slots=True)
class _Step:
    """One round of repairs: the new text, what it mends, what could not be edited."""

    text: str
    after: FileReport
    done: tuple[Finding, ...] = ()
    refused: tuple[tuple[Finding, str], ...] = ()


def fix_text(text: str, *, path: str = STDIN, settings: Settings | None = None) -> FixOutcome:
    """Repair everything in a text that the settings allow; a second call changes nothing.

    Each round is audited again. An edit that does not parse, or that mends nothing, is taken back.
    """
    settings = _settings(settings)
    report = audit_text(text, path=path, settings=settings)
    if report.problem is not None:
        return FixOutcome(text, problem=report.problem)
    fixed: list[Finding] = []
    step = _Step(text, report)
    for _ in range(_MOST_ROUNDS):
        before = step.text
        step = _round(step.text, step.after, settings)
        fixed.extend(step.done)
        if step.text == before:
            break
    handled = {(finding.code, finding.place) for finding, _ in step.refused}
    left = tuple(item for item in step.after.findings if (item.code, item.place) not in handled)
    return FixOutcome(step.text, tuple(fixed), left, step.refused)


def _round(text: str, report: FileReport, settings: Settings) -> _Step:
    """Apply what can be applied at once."""
    from ecocompute_lint.fixes.apply import apply_edits

    wanted = [item for item in report.findings if _wanted(item, settings)]
    silenced = suppressions_of(text)
    if silenced is not None:
        wanted = [item for item in wanted if not _touches_silenced(item, silenced)]
    operations = [step for item in wanted if item.fix for step in item.fix.operations]
    if not operations:
        return _Step(text, report)
    edits, reasons = _edits(text, operations, None)
    done: list[Finding] = []
    refused: list[tuple[Finding, str]] = []
    for item in wanted:
        steps = item.fix.operations if item.fix is not None else ()
        why = [reasons[step] for step in steps if step in reasons]
        if not why:
            done.append(item)
        elif why[0] != _OVERLAPS:
            refused.append((item, why[0]))
    if not edits:
        return _Step(text, report, refused=tuple(refused))
    changed = apply_edits(text, edits)
    after = audit_text(changed, path=report.path, settings=settings)
    if after.status == "failed" or _bad(after) > _bad(report) + len(done):
        # Never seen; should it happen, the text stays as it was.
        return _Step(text, report, refused=tuple((item, _NO_HELP) for item in wanted))
    return _Step(changed, after, tuple(done), tuple(refused) if changed == text else ())


def _bad(report: FileReport) -> int:
    """How many findings there are, good choices not counted."""
    return sum(finding.level > Level.GREEN for finding in report.findings)


def _wanted(finding: Finding, settings: Settings) -> bool:
    return (
        finding.fix is not None
        and finding.fix.available
        and finding.fix.level <= settings.fix_level
    )


def _touches_silenced(finding: Finding, silenced: Any) -> bool:
    """A line with a suppression of this code is never rewritten."""
    steps = finding.fix.operations if finding.fix is not None else ()
    lines = {line for step in steps for line in range(step.target.line, step.target.end_line + 1)}
    return bool(silenced.covers(finding.code, lines))
