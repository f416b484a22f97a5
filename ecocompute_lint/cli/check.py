"""``ecolint check``: audit, and repair."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import click

from ecocompute_lint.cli.options import CheckCommand, check_options, destinations
from ecocompute_lint.cli.request import Request

if TYPE_CHECKING:
    pass

STDIN = "-"
# fmt: off
_SETTINGS = (
    "select", "extend_select", "ignore", "min_confidence", "context", "gpu", "fix_level",
    "fail_on", "exclude", "extend_exclude", "exclude_tests", "force_exclude", "show_good",
    "requests_per_month", "input_tokens", "output_tokens", "batch_size", "region",
    "electricity_usd_per_kwh", "pue", "style", "lang",
)
# fmt: on


@click.command(cls=CheckCommand, context_settings={"help_option_names": ["-h", "--help"]})
@check_options
@click.pass_context
def check(ctx: click.Context, /, **given: Any) -> int:
    """Audit files and directories (default: the current directory).

    `-` as the only path reads standard input.
    """
    from ecocompute_lint.cli.terminal import warn_on_stderr

    warn_on_stderr()
    request = _request(given, ctx.meta.get("order", []))
    if given["show_settings"]:
        from ecocompute_lint.cli.show import show_settings

        return show_settings(request.finder, request.paths[0])
    if given["show_files"]:
        from ecocompute_lint.cli.show import show_files

        return show_files(request)
    if request.paths == (STDIN,):
        from ecocompute_lint.cli.stdin import run_on_stdin

        return run_on_stdin(request)
    if request.fix or request.diff:
        from ecocompute_lint.cli.fix import run_fix

        return run_fix(request)
    from ecocompute_lint.cli.run import run_audit

    return run_audit(request)


def _request(given: Mapping[str, Any], order: list[str]) -> Request:
    from ecocompute_lint.config import NO_CONFIG, SettingsFinder

    if given["config"] and given["isolated"]:
        raise click.UsageError("--config and --isolated exclude each other")
    if given["quiet"] and given["verbose"]:
        raise click.UsageError("--quiet and --verbose exclude each other")
    for name in ("select", "extend_select"):
        _check_codes(name, given[name] or ())
    config = NO_CONFIG if given["isolated"] else given["config"]
    # By identity: a zero is no absence, and is refused where settings are read.
    overrides = {
        name: given[name]
        for name in _SETTINGS
        if given[name] is not None and given[name] is not False
    }
    targets = destinations(given["formats"], given["outputs"], order)
    _check_outputs(targets)
    _check_style(given, [name for name, _ in targets])
    return Request(
        paths=_paths(given),
        overrides=overrides,
        config=config,
        finder=SettingsFinder(overrides, config),
        destinations=tuple(targets),
        fix=given["fix"],
        diff=given["diff"],
        exit_zero=given["exit_zero"],
        statistics=given["statistics"],
        quiet=given["quiet"],
        verbose=given["verbose"],
        color=given["color"],
        stdin_filename=given["stdin_filename"] or "<stdin>",
        # Repairs are made from the text as it is, so that its audit had better be as fresh.
        cached=not (given["no_cache"] or given["fix"] or given["diff"]),
        jobs=given["jobs"],
    )


def _paths(given: Mapping[str, Any]) -> tuple[str, ...]:
    paths: tuple[str, ...] = given["paths"]
    if given["stdin_filename"] and paths in ((), (STDIN,)):
        return (STDIN,)
    if STDIN in paths and len(paths) > 1:
        raise click.UsageError("`-` (standard input) stands alone; a file of that name is ./-")
    if given["stdin_filename"]:
        raise click.UsageError("--stdin-filename goes with `-`, not with other paths")
    return paths or (".",)


def _check_codes(name: str, selectors: Sequence[str]) -> None:
    """A mistyped code would select nothing, in silence. File names suffice: no rule is read."""
    from ecocompute_lint.resources import rules_dir

    known = [path.stem for path in rules_dir().glob("*.yaml")] if selectors else []
    for selector in map(str.upper, selectors):
        if selector.startswith("ECO") and not any(code.startswith(selector) for code in known):
            option = "--" + name.replace("_", "-")
            raise click.UsageError(f"no rule {selector!r} ({option}). `ecolint rules` lists them")


def _check_style(given: Mapping[str, Any], formats: Sequence[str]) -> None:
    """The style asked for on the command line has to have something to style."""
    from ecocompute_lint.cli.lobster import FORMATS

    if given["style"] != "lobster":
        return
    for name in ("quiet", "statistics"):
        if given[name]:
            raise click.UsageError(f"--style lobster and --{name} exclude each other")
    if not any(name in FORMATS for name in formats):
        raise click.UsageError(f"--style lobster needs --format {' or '.join(FORMATS)}")


def _check_outputs(targets: list[tuple[str, str | None]]) -> None:
    """Better to say it now than after the audit."""
    for _, place in targets:
        if place is None or place == STDIN:
            continue
        if os.path.isdir(place):
            raise click.UsageError(f"--output {place}: is a directory")
        if not os.path.isdir(os.path.dirname(os.path.abspath(place))):
            raise click.UsageError(f"--output {place}: no such directory")
