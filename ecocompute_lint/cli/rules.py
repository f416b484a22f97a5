"""``ecolint rules`` and ``ecolint rule CODE``."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Any

import click

from ecocompute_lint.cli.terminal import style_for, write, write_bytes

if TYPE_CHECKING:
    from ecocompute_lint.engine.rule import Example, Rule
    from ecocompute_lint.report.style import Style

_FORMAT = click.option("--format", "form", type=click.Choice(("text", "json")), default="text")
_COLOR = click.option("--color", type=click.Choice(("auto", "always", "never")), default="auto")
_CONTEXT = {"help_option_names": ["-h", "--help"]}
_MEANING = {
    "exact": "exact: the program's outputs cannot change, except for speed or a crash",
    "numeric": "numeric: outputs may change numerically",
    "manual": "manual: advice only, there is no edit",
}


@click.command(context_settings=_CONTEXT)
@_FORMAT
@_COLOR
def rules(form: str, color: str) -> int:
    """List the rules, those of the configured directories too."""
    found = _load()
    if form == "json":
        _write_json([_data(rule) for rule in found])
        return 0
    style = style_for(sys.stdout, color)
    width = max((len(rule.name) for rule in found), default=0)
    for rule in found:
        level = _level(rule, style, 6)
        note = "" if rule.enabled else " (off unless selected by its code)"
        fix = "/".join(kind.label for kind in rule.fix_levels)
        write(f"{rule.code}  {level}  {rule.name:<{width}}  {fix:<12}  {rule.summary}{note}\n")
    return 0


@click.command(context_settings=_CONTEXT)
@click.argument("code")
@_FORMAT
@_COLOR
def rule(code: str, form: str, color: str) -> int:
    """Explain one rule: what, why, bad and good, the repair."""
    found = _find(code)
    if form == "json":
        _write_json(_data(found))
    else:
        write(_explained(found, style_for(sys.stdout, color)))
    return 0


def _load() -> tuple[Rule, ...]:
    from ecocompute_lint.config import SettingsFinder
    from ecocompute_lint.engine.catalogue import load_rules

    return load_rules(SettingsFinder().here().rules)


def _find(code: str) -> Rule:
    found = _load()
    for one in found:
        if code.upper() == one.code or code.lower() == one.name:
            return one
    import difflib

    known = [name for one in found for name in (one.code, one.name)]
    near = difflib.get_close_matches(code.upper(), known, 1) or difflib.get_close_matches(
        code.lower(), known, 1
    )
    suggestion = f" Did you mean {near[0]}?" if near else ""
    raise click.UsageError(f"unknown rule {code!r}.{suggestion} `ecolint rules` lists them")


def _level(one: Rule, style: Style, width: int = 0) -> str:
    from ecocompute_lint.report.style import LEVEL_STYLES

    return style.paint(f"{one.level.label.upper():<{width}}", LEVEL_STYLES[one.level])


def _explained(one: Rule, style: Style) -> str:
    def title(text: str) -> str:
        return "\n" + style.paint(text, "bold")

    lines = [f"{style.paint(one.code, 'bold')}  {_level(one, style)}  {one.name}", "", one.summary]
    if not one.enabled:
        lines.append("Off unless selected by its full code.")
    lines += [title("Why"), *_indented(one.rationale)]
    for number, example in enumerate(one.examples, 1):
        suffix = f" {number}" if len(one.examples) > 1 else ""
        suffix += f" ({example.file})" if example.file else ""
        suffix += f" on {example.gpu}" if example.gpu else ""
        lines += [title(f"Bad{suffix}"), *_indented(example.bad.rstrip())]
        lines += [title(f"Good{suffix}"), *_indented(example.good.rstrip())]
    if one.fix is not None:
        meaning = _MEANING[one.fix_levels[0].label]
        lines += [title("Repair"), f"  {one.fix.description}", f"  {meaning}"]
        if one.fix.advice:
            lines += style.wrap(one.fix.advice, "  ")
    lines += [title("Applies to"), f"  {_applies(one)}"]
    if one.references:
        lines += [title("References"), *(f"  {reference}" for reference in one.references)]
    silence = f"  # noqa: {one.code}    or    # ecolint: ignore[{one.code}] reason"
    lines += [title("Silence"), silence]
    return "\n".join(lines) + "\n"


def _applies(one: Rule) -> str:
    if one.category == "energy":
        return "inference code (training code too with --context all)"
    if one.category == "hardware":
        return "inference code, where a GPU is configured (--gpu); training code with --context all"
    return "all code"


def _indented(text: str) -> list[str]:
    return [f"  {line}".rstrip() for line in text.splitlines()]


def _data(one: Rule) -> dict[str, Any]:
    return {
        "code": one.code,
        "name": one.name,
        "level": one.level.label,
        "category": one.category,
        "enabled": one.enabled,
        "summary": one.summary,
        "rationale": one.rationale,
        "fix": None
        if one.fix is None
        else {
            "level": one.fix_levels[0].label,
            "description": one.fix.description,
            "advice": one.fix.advice,
        },
        "examples": [_example(example) for example in one.examples],
        "references": list(one.references),
    }


def _example(one: Example) -> dict[str, str]:
    gpu = {"gpu": one.gpu} if one.gpu else {}
    file = {"file": one.file} if one.file else {}
    return {"bad": one.bad, "good": one.good, **gpu, **file}


def _write_json(data: Any) -> None:
    text = json.dumps(data, indent=2, ensure_ascii=False) + "\n"
    write_bytes(text.encode("utf-8", "backslashreplace"))
