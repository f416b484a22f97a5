"""``ecolint compare``: every precision of a model on a card."""

from __future__ import annotations

from typing import Any

import click

from ecocompute_lint.cli import planning


@click.command(context_settings=planning.CONTEXT)
@planning.options()
def compare(**given: Any) -> int:
    """Compare the precisions of a model on a GPU: energy, speed, memory, cost."""
    from ecocompute_lint.advice.compare import compare as ask
    from ecocompute_lint.report import advice, advice_json

    found = ask(planning.question(given))
    planning.print_answer(
        given,
        found,
        lambda: advice.comparison(found),
        lambda: advice_json.comparison(found),
    )
    return 0
