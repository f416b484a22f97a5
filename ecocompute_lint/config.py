"""Settings: from ``[tool.ecolint]`` in a pyproject.toml or from an ecolint.toml, and from options.

Each file is governed by the nearest configuration file above it. Option values override it.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeAlias

from ecocompute_lint.config_keys import ConfigError as ConfigError
from ecocompute_lint.config_keys import read_options, read_table
from ecocompute_lint.errors import shown as _shown
from ecocompute_lint.findings import Confidence, FixLevel
from ecocompute_lint.frozen import dataclass
from ecocompute_lint.notices import warn
from ecocompute_lint.patterns import Patterns, patterns

OWN_FILE = "ecolint.toml"
PYPROJECT = "pyproject.toml"
Table: TypeAlias = dict[str, Any]
NO_CONFIG = Path(os.devnull)
"""Given as the configuration file: use none at all."""

# fmt: off
DEFAULT_EXCLUDE = (
    ".bzr", ".direnv", ".eggs", ".git", ".hg", ".ipynb_checkpoints",
    ".mypy_cache", ".nox", ".pyenv", ".pytest_cache", ".pytype", ".ruff_cache",
    ".svn", ".tox", ".venv", ".vscode", "__pycache__", "__pypackages__",
    "_build", "buck-out", "build", "dist", "node_modules", "site-packages",
    "venv",
)
# fmt: on
TESTS = ("tests/", "test/", "test_*.py", "*_test.py", "test_*.pyw", "*_test.pyw", "conftest.py")
"""What `exclude_tests` leaves out."""


@dataclass(frozen=True)
class Settings:
    """What governs the audit of one file."""

    select: tuple[str, ...] = ("ALL",)
    extend_select: tuple[str, ...] = ()
    ignore: tuple[str, ...] = ()
    per_file_ignores: tuple[tuple[str, tuple[str, ...]], ...] = ()
    min_confidence: Confidence = Confidence.LIKELY
    context: str = "inference"
    """``inference``: energy rules look at inference code only; ``all``: at training code too."""
    gpu: str | None = None
    """The slug of the card, or None where nobody named one."""
    requests_per_month: int = 1_000_000
    """With the lengths in tokens and the batch size: the workload that costs are reckoned for."""
    input_tokens: int = 512
    output_tokens: int = 256
    batch_size: int = 1
    region: str = "US"
    """Where the GPU stands: a code of ``regions.csv``, whose price and grid None below means."""
    electricity_usd_per_kwh: float | None = None
    grid_gco2_per_kwh: float | None = None
    pue: float | None = None
    """Energy of the facility over that of the GPU; None: as is usual for the card."""
    fail_on: str = "red"
    exclude: tuple[str, ...] = DEFAULT_EXCLUDE
    extend_exclude: tuple[str, ...] = ()
    exclude_tests: bool = False
    """Whether files that are tests by their name or folder are left out."""
    force_exclude: bool = False
    """Whether what is left out is so even where it is named explicitly."""
    rules: tuple[Path, ...] = ()
    """Directories of further rules."""
    data: tuple[Path, ...] = ()
    """CSV files of further measurements, read when a figure is needed."""
    fix_level: FixLevel = FixLevel.NUMERIC
    show_good: bool = False
    baseline: Path | None = None
    """The file of the findings that are known."""
    style: str = "plain"
    """How reports for people are told: ``plain``, or ``lobster`` in the language `lang`."""
    lang: str = "auto"
    root: Path = Path()
    """What patterns are relative to: the directory of the configuration file, else the current."""
    source: Path | None = None
    """The configuration file."""

    def enabled(self, code: str, path: str) -> bool:
        """Whether the rule `code` is on for the file `path`; the longest selector decides."""
        chosen = max(map(_specificity(code), (*self.select, *self.extend_select)), default=-1)
        ignored = max(map(_specificity(code), self.ignore), default=-1)
        if chosen <= ignored:
            return False
        return not any(
            _covers(pattern, self.relative(path))
            for pattern, codes in self.per_file_ignores
            if max(map(_specificity(code), codes), default=-1) >= 0
        )

    def names(self, code: str) -> bool:
        """Whether the rule `code` is selected by its full code, as rules off by default must be."""
        return code in (*self.select, *self.extend_select)

    def covers(self, path: str) -> bool:
        """Whether `path` lies below the root."""
        return os.path.abspath(path).startswith(os.path.abspath(self.root).rstrip(os.sep) + os.sep)

    def relative(self, path: str) -> str:
        """`path` relative to the root, with forward slashes; elsewhere only its name counts."""
        inside = self.covers(path)
        text = os.path.relpath(path, self.root) if inside else os.path.basename(path)
        return text.replace(os.sep, "/")

    @property
    def excluded(self) -> Patterns:
        """The patterns of what is left out."""
        tests = TESTS if self.exclude_tests else ()
        return patterns((*self.exclude, *self.extend_exclude, *tests))

    def leaves_out_test(self, path: str) -> bool:
        """Whether `path` is a test that is left out, for callers that choose files themselves."""
        return self.exclude_tests and patterns(TESTS).matches(self.relative(path))


def _specificity(code: str) -> Any:
    def of(selector: str) -> int:
        if selector == "ALL":
            return 0
        return len(selector) if code.startswith(selector) else -1

    return of


def _covers(pattern: str, path: str) -> bool:
    if pattern.startswith("!"):
        return not _covers(pattern[1:], path)
    return patterns((pattern,)).matches(path)


# --- finding the file ---------------------------------------------------------------------------


def find_config(path: Path) -> Path | None:
    """The configuration file that governs `path`: the nearest one above it."""
    directory = os.path.abspath(path if path.is_dir() else path.parent)
    while True:
        found = _config_in(directory)
        parent = os.path.dirname(directory)
        if found or parent == directory:
            return found[0] if found else None
        directory = parent


def _config_in(directory: str) -> tuple[Path, Table] | None:
    for name in (OWN_FILE, PYPROJECT):
        file = os.path.join(directory, name)
        if os.path.isfile(file) and (table := _table(Path(file))) is not None:
            return Path(file), table
    return None


def _table(path: Path) -> Table | None:
    """The settings in a file, or None for a pyproject.toml that has none for us."""
    from ecocompute_lint.bounded import TOMLError, loads_toml

    shown = _shown(path)
    try:
        data = path.read_bytes()
    except OSError as error:
        raise ConfigError(f"{shown}: cannot be read: {error.strerror}", path=shown) from None
    try:
        table: Any = loads_toml(data.decode("utf-8"))
    except (TOMLError, UnicodeDecodeError) as error:
        _broken(path, shown, data, error)
        return None
    tool = table.get("tool")
    if isinstance(tool, dict) and "ecolint" in tool:
        table = tool["ecolint"]
    elif path.name == PYPROJECT:
        return None
    if not isinstance(table, dict):
        raise ConfigError(f"{shown}: [tool.ecolint]: expected a table", path=shown)
    return table


def _broken(path: Path, shown: str, data: bytes, error: ValueError) -> None:
    if isinstance(error, UnicodeDecodeError):
        line, reason = data.count(b"\n", 0, error.start) + 1, "not valid UTF-8"
    else:
        found = re.search(r"\(at line (\d+), column \d+\)", str(error))
        line = int(found[1]) if found else data.count(b"\n") + 1
        reason = str(error)[: found.start()].strip() if found else str(error)
    message = f"{shown}:{line}: not valid TOML: {reason}"
    if path.name != PYPROJECT or b"ecolint" in data:
        raise ConfigError(message, path=shown, line=line)
    # Somebody else's file, a template perhaps: worth a word, no reason to fail.
    warn("%s (it holds no settings for ecolint)", message)


# --- reading it ---------------------------------------------------------------------------------


def load_settings(config: Path | None, overrides: Mapping[str, Any] | None = None) -> Settings:
    """The settings of one configuration file (None for the defaults) with options over them."""
    if config is None or config == NO_CONFIG:
        return _overridden(Settings(root=Path.cwd()), overrides)
    source = config.absolute()
    table = _table(source)
    if table is None:
        shown = _shown(source)
        raise ConfigError(f"{shown}: has no table [tool.ecolint]", path=shown)
    return _settings(source, table, overrides, named=True)


def _settings(
    source: Path, table: Table, overrides: Mapping[str, Any] | None, *, named: bool = False
) -> Settings:
    """The settings of a file. One that nobody `named` is as trustworthy as the tree around it."""
    if not named and source.is_symlink():
        from ecocompute_lint.confines import holds
        from ecocompute_lint.tree import repository

        root = repository(str(source.parent))
        if root is not None and not holds(root, source):
            shown = _shown(source)
            raise ConfigError(f"{shown}: a link that leads out of {root}", path=shown)
    values = read_table(table, _shown(source), source, confined=not named)
    return _overridden(Settings(root=source.parent, source=source, **values), overrides)


def _overridden(settings: Settings, overrides: Mapping[str, Any] | None) -> Settings:
    options = read_options(overrides or {})
    if "select" in options:
        # A selection on the command line starts afresh.
        settings = replace(settings, ignore=(), extend_select=())
    if added := options.get("extend_select"):
        ignore = tuple(code for code in settings.ignore if not code.startswith(added))
        settings = replace(settings, ignore=ignore)
    for key in ("exclude", "extend_exclude"):
        if key in options:
            options[key] = tuple(_rebased(options[key], settings.root))
    for key in ("extend_select", "extend_exclude"):
        if key in options:
            options[key] = (*getattr(settings, key), *options[key])
    return replace(settings, **options)


def _rebased(lines: Iterable[str], root: Path) -> Iterable[str]:
    """Patterns of the command line are relative to the current directory, the others to `root`."""
    offset = os.path.relpath(os.getcwd(), root)
    for line in lines:
        if offset == "." or "/" not in line.rstrip("/"):
            yield line
            continue
        moved = os.path.normpath(os.path.join(offset, line.lstrip("/"))).replace(os.sep, "/")
        if not moved.startswith("../"):
            yield f"/{moved}/" if line.endswith("/") else f"/{moved}"


class SettingsFinder:
    """The settings of each file: options over the nearest configuration file, read once."""

    def __init__(
        self, overrides: Mapping[str, Any] | None = None, config: Path | None = None
    ) -> None:
        """Raises ConfigError if the options, or the file named as `config`, cannot be used."""
        self._overrides = dict(overrides or {})
        self._fixed = config is not None
        self._default = load_settings(config, self._overrides)
        self._by_directory: dict[str, Settings | ConfigError] = {}

    def __call__(self, path: str | Path) -> Settings:
        """The settings for a file. Raises ConfigError if its configuration cannot be used."""
        if self._fixed:
            return self._default
        found = self._in(os.path.dirname(os.path.abspath(path)))
        if isinstance(found, ConfigError):
            raise found
        return found

    def here(self) -> Settings:
        """The settings of the current directory."""
        return self(os.path.join(os.getcwd(), "_"))

    def _in(self, directory: str) -> Settings | ConfigError:
        found = self._by_directory.get(directory)
        if found is None:
            try:
                config = _config_in(directory)
                found = _settings(*config, self._overrides) if config else self._above(directory)
            except ConfigError as error:
                found = error
            self._by_directory[directory] = found
        return found

    def _above(self, directory: str) -> Settings | ConfigError:
        parent = os.path.dirname(directory)
        return self._default if parent == directory else self._in(parent)
