"""``ecolint estimate``: what a setup costs in a month, and what a better one would save."""

from __future__ import annotations

from typing import Any

import click

from ecocompute_lint.cli import planning


@click.command(context_settings=planning.CONTEXT)
@planning.options(*planning.QUANTIZATION, planning.USE_CASE)
def estimate(**given: Any) -> int:
    """Estimate what a setup costs in a month, and what each change to it would save."""
    asked, name = planning.with_precision(given)
    from ecocompute_lint.advice.estimate import estimate as ask
    from ecocompute_lint.advice.optimize import USE_CASES
    from ecocompute_lint.report import advice, advice_json

    found = ask(asked, name, asked.economy.batch_size, USE_CASES[given["use_case"]])
    planning.print_answer(
        given,
        found,
        lambda: advice.estimation(found),
        lambda: advice_json.estimation(found),
    )
    return 0
