"""The flake8 plugin: codes ``ECO...``.

flake8 stays the authority over ``# noqa``, ``--select`` and ``per-file-ignores``. The settings of
``[tool.ecolint]`` and ``ecolint.toml`` hold as well. Nothing is imported for a file that has no
candidate.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from ecocompute_lint import __version__

if TYPE_CHECKING:
    import argparse
    import ast

    from ecocompute_lint.config import Settings, SettingsFinder
    from ecocompute_lint.findings import Problem

_OPTIONS = ("gpu", "min_confidence", "context")


class Plugin:
    """One file under flake8."""

    name = "ecolint"
    version = __version__
    _overrides: ClassVar[dict[str, Any]] = {}
    _config: ClassVar[str | None] = None
    _finder: ClassVar[SettingsFinder | None] = None

    def __init__(self, tree: ast.Module, filename: str, lines: Sequence[str]) -> None:
        """Take what flake8 has read and parsed already."""
        self._tree = tree
        self._filename = filename
        self._lines = lines

    @staticmethod
    def add_options(manager: Any) -> None:
        """Add the ``--ecolint-*`` options."""
        add = manager.add_option
        add("--ecolint-gpu", parse_from_config=True, help="the GPU that the code is to run on")
        add(
            "--ecolint-min-confidence",
            choices=("certain", "likely", "possible"),
            parse_from_config=True,
            help="report findings of at least this confidence",
        )
        add(
            "--ecolint-context",
            choices=("inference", "all"),
            parse_from_config=True,
            help="look at inference code only, or at training code too",
        )
        add(
            "--ecolint-config",
            metavar="FILE",
            parse_from_config=True,
            normalize_paths=True,
            help="the configuration file, in place of the nearest one above each file",
        )

    @classmethod
    def parse_options(cls, options: argparse.Namespace) -> None:
        """Take the options over. Anything wrong with them ends the run with one message."""
        given = {name: getattr(options, f"ecolint_{name}") for name in _OPTIONS}
        cls._overrides = {name: value for name, value in given.items() if value is not None}
        cls._config = options.ecolint_config
        cls._finder = None
        if cls._overrides or cls._config:
            cls._check()

    @classmethod
    def _check(cls) -> None:
        from flake8.exceptions import ExecutionError

        from ecocompute_lint.config import ConfigError

        try:
            cls._settings_finder()
        except ConfigError as error:
            message = str(error).replace("(--", "(--ecolint-")
            raise ExecutionError(f"ecolint: {message}") from None

    @classmethod
    def _settings_finder(cls) -> SettingsFinder:
        if cls._finder is None:
            from pathlib import Path

            from ecocompute_lint.config import SettingsFinder

            config = Path(cls._config) if cls._config else None
            cls._finder = SettingsFinder(cls._overrides, config)
        return cls._finder

    def run(self) -> Iterator[tuple[int, int, str, type[Plugin]]]:
        """The findings as flake8 wants them: lines from 1, columns from 0."""
        from ecocompute_lint.prefilter import may_matter

        text = "".join(self._lines)
        if may_matter(text, loads=True, python=True):
            yield from self._audit(text)

    def _audit(self, text: str) -> Iterator[tuple[int, int, str, type[Plugin]]]:
        from ecocompute_lint.audit import audit_text
        from ecocompute_lint.config import ConfigError
        from ecocompute_lint.engine.catalogue import RuleError
        from ecocompute_lint.findings import Level
        from ecocompute_lint.report.style import safe

        try:
            settings: Settings = self._settings_finder()(self._filename)
            if settings.leaves_out_test(self._filename):
                return
            report = audit_text(
                text, path=self._filename, settings=settings, tree=self._tree, suppressions=False
            )
        except (ConfigError, RuleError) as error:
            yield 1, 0, f"ECO000 {safe(str(error))}", type(self)
            return
        except Exception as error:  # a fault of ours must not end the run of the other plugins
            problem = f"internal error, please report it: {type(error).__name__}: {error}"
            yield 1, 0, f"ECO000 {safe(problem)}", type(self)
            return
        if report.problem is not None:
            yield self._problem(report.problem)
        for finding in report.findings:
            if finding.level > Level.GREEN or settings.show_good:
                text = f"{finding.code} {finding.name}: {safe(finding.message)}"
                yield finding.place.line, finding.place.column - 1, text, type(self)

    def _problem(self, problem: Problem) -> tuple[int, int, str, type[Plugin]]:
        from ecocompute_lint.report.style import safe

        column = max((problem.column or 1) - 1, 0)
        return problem.line or 1, column, f"ECO000 {safe(problem.message)}", type(self)
