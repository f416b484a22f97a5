"""``ecolint optimize``: which precision and batch size for a purpose."""

from __future__ import annotations

from typing import Any

import click

from ecocompute_lint.cli import planning


@click.command(context_settings=planning.CONTEXT)
@planning.options(planning.USE_CASE)
def optimize(**given: Any) -> int:
    """Recommend a precision and a batch size for a purpose, with what that rests on."""
    from ecocompute_lint.advice.optimize import USE_CASES
    from ecocompute_lint.advice.optimize import optimize as ask
    from ecocompute_lint.report import advice, advice_json

    found = ask(planning.question(given), USE_CASES[given["use_case"]])
    planning.print_answer(
        given,
        found,
        lambda: advice.recommendation(found),
        lambda: advice_json.recommendation(found),
    )
    return 0
