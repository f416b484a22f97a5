"""``ecolint diagnose``: what a setup that was observed most likely does."""

from __future__ import annotations

from typing import Any

import click

from ecocompute_lint.cli import planning
from ecocompute_lint.cli.options import number

_SEEN = (
    click.option(
        "--throughput",
        callback=number,
        metavar="TOK_S",
        required=True,
        help="Generated tokens per second, over the whole batch.",
    ),
    click.option("--power", callback=number, metavar="W", help="Mean board power."),
)


@click.command(context_settings=planning.CONTEXT)
@planning.options(*planning.QUANTIZATION, *_SEEN)
def diagnose(**given: Any) -> int:
    """Explain a throughput and a power that were observed, by what was measured."""
    from ecocompute_lint.advice.parameters import positive

    speed = positive(given["throughput"], "--throughput")
    power = positive(given["power"], "--power") if given["power"] is not None else None
    asked, name = planning.with_precision(given)
    from ecocompute_lint.advice.diagnose import diagnose as ask
    from ecocompute_lint.report import advice_diagnose, advice_json

    found = ask(asked, name, speed, power)
    planning.print_answer(
        given,
        found,
        lambda: advice_diagnose.examination(found),
        lambda: advice_json.examination(found),
    )
    return 0
