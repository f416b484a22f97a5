"""``ecolint check``: audit, and repair."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import Any

import click

from ecocompute_lint.cli.options import CheckCommand, check_options, destinations
from ecocompute_lint.cli.request import Request
from ecocompute_lint.report.formats import FORMATS

STDIN = "-"
# fmt: off
_SETTINGS = (
    "select", "extend_select", "ignore", "min_confidence", "context", "gpu", "fix_level",
    "fail_on", "exclude", "extend_exclude", "exclude_tests", "force_exclude", "show_good",
    "requests_per_month", "input_tokens", "output_tokens", "batch_size", "region",
    "electricity_usd_per_kwh", "pue", "baseline", "style", "lang",
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
    if request.add_noqa is not None:
        from ecocompute_lint.cli.noqa import run_noqa

        return run_noqa(request)
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
    _check_newness(given)
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
    for name, _ in targets:
        FORMATS[name].prepare()
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
        # Texts are changed as they are, so that their audit had better be as fresh.
        cached=not (given["no_cache"] or given["fix"] or given["diff"] or given["add_noqa"]),
        jobs=given["jobs"],
        since=given["since"],
        write_baseline=given["write_baseline"],
        prune_baseline=given["prune_baseline"],
        add_noqa=_reason(given["add_noqa"]),
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


def _check_newness(given: Mapping[str, Any]) -> None:
    """What does not go together with baselines and revisions."""
    writes, place = given["write_baseline"], "--write-baseline"
    for option, other in (
        ("--baseline", given["baseline"]),
        ("--prune-baseline", given["prune_baseline"]),
        ("--since", given["since"]),
        ("--fix", given["fix"]),
        ("--diff", given["diff"]),
        ("--add-noqa", given["add_noqa"]),
    ):
        if writes is not None and other:
            raise click.UsageError(f"{place} and {option} exclude each other")
    reads = STDIN in given["paths"] or given["stdin_filename"]
    for option in ("since", "write_baseline", "prune_baseline", "add_noqa"):
        if reads and given[option]:
            name = option.replace("_", "-")
            raise click.UsageError(f"--{name} goes with files, not with standard input")
    if given["add_noqa"] is not None and given["fix"]:
        raise click.UsageError("--add-noqa and --fix exclude each other: repair first")
    if writes is not None:
        _check_file(place, writes)


def _reason(given: str | None) -> str | None:
    if given is None:
        return None
    from ecocompute_lint.cli.noqa import checked

    return checked(given)


def _check_file(option: str, place: str) -> None:
    """Better to say it now than after the audit."""
    if os.path.isdir(place):
        raise click.UsageError(f"{option} {place}: is a directory")
    if not os.path.isdir(os.path.dirname(os.path.abspath(place))):
        raise click.UsageError(f"{option} {place}: no such directory")


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
    if given["style"] != "lobster":
        return
    for name in ("quiet", "statistics"):
        if given[name]:
            raise click.UsageError(f"--style lobster and --{name} exclude each other")
    if not any(FORMATS[name].retold for name in formats):
        able = " or ".join(name for name, form in FORMATS.items() if form.retold)
        raise click.UsageError(f"--style lobster needs --format {able}")


def _check_outputs(targets: list[tuple[str, str | None]]) -> None:
    for _, place in targets:
        if place is not None and place != STDIN:
            _check_file("--output", place)
