"""Auditing and repairing what is open, under the settings that the command would find."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from ecocompute_lint.audit import UNPARSABLE, FileReport, Report, auditor, too_large
from ecocompute_lint.config import ConfigError, SettingsFinder
from ecocompute_lint.engine.catalogue import RuleError
from ecocompute_lint.findings import Finding, Level, Problem
from ecocompute_lint.lsp.documents import Document

if TYPE_CHECKING:
    from ecocompute_lint.config import Settings
    from ecocompute_lint.narrowing import Key

_LIBRARIES = frozenset(("site-packages", "dist-packages"))
"""Where editors lead to, but nobody repairs anything."""


@dataclass(frozen=True)
class Audited:
    """What became of an open document."""

    document: Document
    settings: Settings | None = None
    whole: FileReport | None = None
    """With what a baseline knows."""
    findings: tuple[Finding, ...] = ()
    """What is shown."""
    problem: Problem | None = None
    complaint: str = ""
    """What is wrong with the configuration."""
    spared: frozenset[Key] = frozenset()

    @property
    def repairable(self) -> bool:
        """Whether there is anything that the settings allow to repair."""
        return any(map(self.repairs, self.findings))

    def repairs(self, finding: Finding) -> bool:
        """Whether the settings allow the repair of a finding."""
        fix = finding.fix
        level = self.settings.fix_level if self.settings is not None else None
        return level is not None and fix is not None and fix.available and fix.level <= level


class Finder:
    """The settings around one document, read afresh.

    Without a configuration file their root is the opened folder that the document lies in.
    """

    def __init__(self, path: str, roots: Sequence[str], config: Path | None) -> None:
        """Raises ConfigError if the file named as `config` cannot be used."""
        self._finder = SettingsFinder(None, config)
        above = [Path(root) for root in roots if Path(path).is_relative_to(root)]
        self.inside = bool(above)
        self._root = max(above, key=lambda root: len(root.parts), default=Path(path).parent)

    def __call__(self, path: str | Path) -> Settings:
        """The settings for a file. Raises ConfigError."""
        found = self._finder(path)
        return found if found.source is not None else replace(found, root=self._root)


def audit(document: Document, roots: Sequence[str], config: Path | None) -> Audited:
    """Audit what is open. Never raises."""
    try:
        return _audited(document, Finder(document.path, roots, config))
    except (ConfigError, RuleError) as error:
        return Audited(document, complaint=str(error))
    except Exception as error:  # a fault of ours must not end the server
        text = f"internal error, please report it: {type(error).__name__}: {error}"
        return Audited(document, problem=Problem(UNPARSABLE, document.path, text))


def _audited(document: Document, finder: Finder) -> Audited:
    from ecocompute_lint.discovery import is_excluded

    path, text = document.path, document.text
    settings = finder(path)
    library = not finder.inside and not _LIBRARIES.isdisjoint(Path(path).parts)
    if library or too_large(path, len(text)) or is_excluded(path, finder):
        return Audited(document, settings)
    whole = auditor(path)(text, path=path, settings=settings, with_edits=True)
    report, spared = _narrowed(whole, text, finder) if settings.baseline else (whole, frozenset())
    shown = (item for item in report.findings if item.level > Level.GREEN or settings.show_good)
    return Audited(document, settings, whole, tuple(shown), report.problem, spared=spared)


def _narrowed(
    whole: FileReport, text: str, finder: Callable[[str], Settings]
) -> tuple[FileReport, frozenset[Key]]:
    """Without what the baseline knows."""
    from ecocompute_lint.narrowing import Narrowing

    narrowing = Narrowing(finder, (whole.path,))
    (report,) = narrowing(Report((whole,)), lambda _: text).files
    return report, narrowing.spared.get(whole.path, frozenset())


# -- new texts


def repaired(audited: Audited, finding: Finding) -> str | None:
    """The text with one repair made, None where it cannot be."""
    fix = finding.fix
    if fix is None or not fix.available or not fix.edits:
        return None
    return audited.document.edited(fix.edits)


def all_repaired(audited: Audited) -> tuple[str, int] | None:
    """The text with all repairs that the settings allow, and how many they are."""
    from ecocompute_lint.narrowing import key_of
    from ecocompute_lint.repairs import fixer

    if not audited.repairable:
        return None
    path, text = audited.document.path, audited.document.text
    outcome = fixer(path)(
        text,
        path=path,
        settings=audited.settings,
        unwanted=(lambda item: key_of(item) in audited.spared) if audited.spared else None,
    )
    if outcome.problem is not None or outcome.text == text:
        return None
    return outcome.text, len(outcome.fixed)


def ignored(audited: Audited, finding: Finding) -> str | None:
    """The text with a comment that silences a finding, None where none can stand."""
    from ecocompute_lint.annotate import annotate

    if audited.whole is None or audited.settings is None or finding.level is Level.GREEN:
        return None
    text = audited.document.text
    made = annotate(text, audited.whole, [finding], "", audited.settings)
    return made.text if made.done and made.text != text else None


def reference(audited: Audited, code: str) -> str | None:
    """The page about a rule that its first reference leads to."""
    from ecocompute_lint.engine.catalogue import load_rules

    rules = load_rules(audited.settings.rules if audited.settings is not None else ())
    found = next((rule for rule in rules if rule.code == code), None)
    web = [url for url in found.references if url.startswith("https://")] if found else []
    return web[0] if web else None
