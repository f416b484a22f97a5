"""The options of ``ecolint check``, in sections."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from ecocompute_lint.report.formats import FORMATS

_REPAIR, _RULES, _FILES = "Repair", "What is reported", "Which files"
_COST, _NEW = "Workload and cost", "Only what is new"
_OUTPUT, _RUN, _CONFIG = "Output", "Speed", "Configuration and help"
_GROUPED = re.compile(r"\d{1,3}(,\d{3})+")
_F = TypeVar("_F", bound=Callable[..., Any])


class SectionOption(click.Option):
    """An option that belongs to a section of the help."""

    def __init__(self, *args: Any, section: str = "Options", **kwargs: Any) -> None:
        """Add `section` to what click knows of an option."""
        super().__init__(*args, **kwargs)
        self.section = section


class CheckCommand(click.Command):
    """A command whose help has sections, and which knows which output belongs to which format."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Remember in which order ``--format`` and ``--output`` were given."""
        _, _, order = self.make_parser(ctx).parse_args(list(args))
        ctx.meta["order"] = [param.name for param in order if param.name in ("formats", "outputs")]
        return super().parse_args(ctx, args)

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The options by section."""
        sections: dict[str, list[tuple[str, str]]] = defaultdict(list)
        for param in self.get_params(ctx):
            record = param.get_help_record(ctx) if isinstance(param, click.Option) else None
            if record is not None:
                sections[getattr(param, "section", _CONFIG)].append(record)
        for section, records in sections.items():
            with formatter.section(section):
                formatter.write_dl(records)


def _codes(ctx: click.Context, param: click.Parameter, values: tuple[str, ...]) -> Any:
    """Several values, each of which may be a list with commas; None where none was given."""
    parts = [part.strip() for value in values for part in value.split(",")]
    return [part for part in parts if part] if values else None


def number(ctx: click.Context, param: click.Parameter, value: str | None) -> Any:
    """A number where the text is one (``1,000,000``, ``1e6``); else the text, for who checks it."""
    if value is None:
        return None
    for read in (int, float):
        try:
            return read(value.replace(",", "") if _GROUPED.fullmatch(value) else value)
        except ValueError:
            pass
    return value


def _option(section: str, *names: str, **kwargs: Any) -> Callable[[_F], _F]:
    return click.option(*names, cls=SectionOption, section=section, **kwargs)


def _list(section: str, name: str, metavar: str, text: str) -> Callable[[_F], _F]:
    return _option(section, name, multiple=True, callback=_codes, metavar=metavar, help=text)


def _choice(section: str, name: str, values: tuple[str, ...], text: str) -> Callable[[_F], _F]:
    return _option(section, name, type=click.Choice(values), help=text)


def _number(name: str, metavar: str, text: str, *names: str) -> Callable[[_F], _F]:
    return _option(_COST, name, *names, callback=number, metavar=metavar, help=text)


def _flag(section: str, *names: str, text: str) -> Callable[[_F], _F]:
    return _option(section, *names, is_flag=True, help=text)


_OPTIONS = (
    click.argument("paths", nargs=-1, type=click.Path(readable=False)),
    _flag(_REPAIR, "--fix", text="Repair what can be repaired, and report what is left."),
    _flag(_REPAIR, "--diff", text="Print the repairs as a diff that git applies; write nothing."),
    _choice(
        _REPAIR,
        "--fix-level",
        ("exact", "numeric"),
        "exact: repairs that cannot change outputs; numeric (default): also those that can "
        "change them numerically.",
    ),
    _list(_RULES, "--select", "CODES", "Only these rules: codes or their beginnings, or ALL."),
    _list(_RULES, "--extend-select", "CODES", "These rules as well."),
    _list(_RULES, "--ignore", "CODES", "Not these rules."),
    _choice(
        _RULES,
        "--min-confidence",
        ("certain", "likely", "possible"),
        "Only findings of at least this confidence (default: likely).",
    ),
    _choice(
        _RULES,
        "--context",
        ("inference", "all"),
        "all: energy rules look at training code too (default: inference).",
    ),
    _option(_RULES, "--gpu", metavar="NAME", help="The GPU that the code is to run on."),
    _flag(_RULES, "--show-good", text="List good choices too."),
    _choice(
        _RULES,
        "--fail-on",
        ("red", "yellow", "never"),
        "The level from which on findings make the exit status 1 (default: red).",
    ),
    _flag(_RULES, "--exit-zero", text="Findings do not change the exit status."),
    _number("--requests-per-month", "N", "How often the model is asked (default: 1,000,000)."),
    _number("--input-tokens", "N", "Tokens read per request (default: 512)."),
    _number("--output-tokens", "N", "Tokens generated per request (default: 256)."),
    _number("--batch-size", "N", "Requests at a time, where the code does not say (default: 1)."),
    _option(
        _COST, "--region", metavar="CODE", help="Whose electricity price and grid (default: US)."
    ),
    _number(
        "--electricity-price",
        "USD",
        "The price of a kWh, in place of the region's.",
        "electricity_usd_per_kwh",
    ),
    _number("--pue", "X", "Energy of the facility over that of the GPU (default: by the card)."),
    _option(_NEW, "--baseline", metavar="FILE", help="Leave out the findings that FILE knows."),
    _option(_NEW, "--write-baseline", metavar="FILE", help="Write all present findings to FILE."),
    _flag(_NEW, "--prune-baseline", text="Take out of the baseline what is no longer found."),
    _option(
        _NEW,
        "--since",
        metavar="REV",
        help="Only findings on lines changed since the branch left REV; new files count whole.",
    ),
    _option(
        _NEW,
        "--add-noqa",
        metavar="REASON",
        help="Silence what is found by comments that give this reason.",
    ),
    _list(_FILES, "--exclude", "PATTERNS", "Leave these out, in place of the usual ones."),
    _list(_FILES, "--extend-exclude", "PATTERNS", "Leave these out as well."),
    _flag(_FILES, "--exclude-tests", text="Leave tests out, by their names and folders."),
    _flag(_FILES, "--force-exclude", text="Leave out excluded files even if they are named."),
    _option(
        _FILES,
        "--stdin-filename",
        metavar="NAME",
        help="What the text on standard input (`-`) is called.",
    ),
    _flag(_FILES, "--show-files", text="List the files that would be looked at."),
    _option(
        _OUTPUT,
        "--format",
        "formats",
        type=click.Choice(tuple(FORMATS)),
        multiple=True,
        help="The format of the report (default: text): "
        + "; ".join(f"{name}: {form.about}" for name, form in FORMATS.items())
        + ". May be given several times, each followed by its --output.",
    ),
    _option(
        _OUTPUT,
        "-o",
        "--output",
        "outputs",
        metavar="FILE",
        multiple=True,
        help="Write the report to a file.",
    ),
    _choice(
        _OUTPUT,
        "--style",
        ("plain", "lobster"),
        "lobster: text told by a lobster, mood first (default: plain).",
    ),
    _choice(
        _OUTPUT,
        "--lang",
        ("auto", "en", "zh"),
        "The language of --style lobster (default: auto, that of the locale).",
    ),
    _flag(_OUTPUT, "--statistics", text="Print how often each rule was found, in place of where."),
    _flag(_OUTPUT, "-q", "--quiet", text="One line per finding and nothing else."),
    _flag(_OUTPUT, "-v", "--verbose", text="Say what became of each file."),
    _option(
        _OUTPUT,
        "--color",
        type=click.Choice(("auto", "always", "never")),
        default="auto",
        help="Colour (default: on a terminal; NO_COLOR and FORCE_COLOR are honoured).",
    ),
    _option(
        _CONFIG,
        "--config",
        type=click.Path(exists=True, dir_okay=False, path_type=Path),
        metavar="FILE",
        help="Use this file, in place of the nearest ecolint.toml or pyproject.toml.",
    ),
    _flag(_CONFIG, "--isolated", text="Use no configuration file."),
    _flag(_RUN, "--no-cache", text="Take no results from earlier runs, and keep none."),
    _option(
        _RUN,
        "-j",
        "--jobs",
        type=click.IntRange(min=0),
        metavar="N",
        help="How many processes analyse files (default: as many as pay).",
    ),
    _flag(_CONFIG, "--show-settings", text="Show the settings for the first path."),
)


def check_options(function: _F) -> _F:
    """Add all options of ``ecolint check`` to a command."""
    for option in reversed(_OPTIONS):
        function = option(function)
    return function


def destinations(
    formats: tuple[str, ...], outputs: tuple[str, ...], order: list[str]
) -> list[tuple[str, str | None]]:
    """Which format goes where: an output belongs to the format before it; None is stdout."""
    pairs: list[tuple[str, str | None]] = []
    names, files = iter(formats), iter(outputs)
    waiting: str | None = None
    for kind in _occurrences(order, len(formats), len(outputs)):
        if kind == "formats":
            pairs.append((next(names), waiting))
            waiting = None
        elif pairs and pairs[-1][1] is None:
            pairs[-1] = (pairs[-1][0], next(files))
        elif waiting is None:
            waiting = next(files)
        else:
            raise click.UsageError("each --output needs a --format of its own")
    if waiting is not None:
        if pairs:
            raise click.UsageError("each --output needs a --format of its own")
        pairs.append(("text", waiting))
    pairs = pairs or [("text", None)]
    places = [place or "-" for _, place in pairs]
    if len(set(places)) < len(places):
        raise click.UsageError("two reports would go to the same place")
    return pairs


def _occurrences(order: list[str], formats: int, outputs: int) -> list[str]:
    # Values from elsewhere than the command line have no place in the order.
    known = order.count("formats") == formats and order.count("outputs") == outputs
    return order if known else ["formats"] * formats + ["outputs"] * outputs
