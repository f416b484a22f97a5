"""The formats of the audit's report: one table, each module imported when it is asked for.

A format is a function from a run to a text.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from typing import TYPE_CHECKING, Any

from ecocompute_lint.frozen import dataclass

if TYPE_CHECKING:
    from ecocompute_lint.config import Settings
    from ecocompute_lint.report.repair import Repaired
    from ecocompute_lint.report.style import Style
    from ecocompute_lint.report.summary import View


@dataclass(frozen=True)
class Run:
    """What a format is made of."""

    view: View
    style: Style
    settings: Callable[[str | None], Settings]
    """The settings of a file; of the current directory for None."""
    repaired: Sequence[Repaired] | None = None
    """What a repair did, file by file; None where none was asked for."""
    dry: bool = False
    """Whether the repair was only shown."""
    quiet: bool = False
    statistics: bool = False


@dataclass(frozen=True, slots=True)
class Format:
    """A format: where its function is, and what it is like."""

    place: str
    """``module:function`` below this package."""
    about: str
    """What it is for, as the help says it."""
    edits: bool = False
    """Whether it shows the edits of each repair."""
    told: bool = False
    """Whether it says to the one who reads it which files could not be analysed."""
    terminal: bool = False
    """Whether it is drawn for a terminal; the others are UTF-8 wherever they go."""
    retold: bool = False
    """Whether another style than the plain one changes it: those for people to read."""
    needs: str = ""
    """A function as in `place` that raises ConfigError where something is not installed."""

    def prepare(self) -> None:
        """Say what is missing before the audit, not after it. Raises ConfigError."""
        if self.needs:
            _function(self.needs)()

    def render(self, run: Run) -> str:
        """The report."""
        text: str = _function(self.place)(run)
        return text


def _function(place: str) -> Callable[..., Any]:
    module, name = place.split(":")
    function: Callable[..., Any] = getattr(import_module(f"ecocompute_lint.report.{module}"), name)
    return function


FORMATS: Mapping[str, Format] = {
    "text": Format("plain:text", "for people", told=True, terminal=True, retold=True),
    "concise": Format("plain:concise", "a line per finding", told=True, terminal=True),
    "json": Format("json_report:document", "for programs", edits=True),
    "sarif": Format("sarif:render", "SARIF 2.1.0, for code scanning", edits=True),
    "github": Format("github:render", "annotations of a GitHub workflow", told=True),
    "gitlab": Format("gitlab:render", "GitLab's code quality report"),
    "junit": Format("junit:render", "JUnit XML"),
    "markdown": Format(
        "markdown:render", "a comment on a pull request", edits=True, told=True, retold=True
    ),
    "html": Format("html:render", "a web page in one file", edits=True, needs="html:ready"),
}
