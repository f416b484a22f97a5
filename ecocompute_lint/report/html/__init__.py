"""The report as one web page: self-contained, without network, readable without JavaScript.

The text of the page is in ``templates``; what is drawn on it is worked out here as plain data.
"""

from __future__ import annotations

import base64
import hashlib
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ecocompute_lint.errors import ConfigError
from ecocompute_lint.report.style import spelled

if TYPE_CHECKING:
    from jinja2 import Environment

    from ecocompute_lint.report.formats import Run

TEMPLATES = Path(__file__).with_name("templates")
_MISSING = "the html format needs Jinja2, which is not installed here: pip install 'jinja2>=3.1'"


def render(run: Run) -> str:
    """The page. Raises ConfigError where Jinja2 is missing."""
    environment = ready()
    from ecocompute_lint.report.html.page import page

    styles, script = _asset("style.css"), _asset("filter.js")
    return environment.get_template("report.html.j2").render(
        page=page(run),
        styles=_raw(styles),
        script=_raw(script),
        styles_hash=_hash(styles),
        script_hash=_hash(script),
    )


@lru_cache(maxsize=1)
def ready() -> Environment:
    """What fills the templates. Raises ConfigError where Jinja2 is missing."""
    try:
        from jinja2 import Environment, FileSystemLoader, StrictUndefined
    except ImportError:
        raise ConfigError(_MISSING) from None
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        finalize=_printable,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters |= {"prose": _prose, "path": _path}
    return environment


def _printable(value: Any) -> Any:
    """Whatever goes into the page: nothing that a terminal would obey, no halves of characters."""
    from markupsafe import Markup

    if isinstance(value, str) and not isinstance(value, Markup):
        return spelled(value)
    return value


def _prose(text: str) -> Any:
    """A sentence whose words between backquotes are code."""
    from markupsafe import Markup, escape

    parts = spelled(text).split("`")
    if len(parts) % 2 == 0:  # a quote without its partner
        return escape("`".join(parts))
    tagged = (
        Markup("<code>{}</code>").format(part) if index % 2 else escape(part)
        for index, part in enumerate(parts)
    )
    return Markup("").join(tagged)


def _path(text: str) -> Any:
    """A path that may be broken after its slashes."""
    from markupsafe import Markup, escape

    return Markup("/<wbr>").join(map(escape, spelled(text).split("/")))


def _asset(name: str) -> str:
    return TEMPLATES.joinpath(name).read_text(encoding="utf-8")


def _raw(text: str) -> Any:
    from markupsafe import Markup

    return Markup(text)  # a file of ours, never a word of the audited code


def _hash(text: str) -> str:
    """How a policy names the only style, or the only script, that may run."""
    digest = hashlib.sha256(text.encode("utf-8")).digest()
    return f"sha256-{base64.b64encode(digest).decode('ascii')}"
