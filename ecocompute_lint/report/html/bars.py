"""The choices of a finding as bars: what each draws, costs, and rests on."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ecocompute_lint.advice.sentences import amount, signed
from ecocompute_lint.findings import Finding
from ecocompute_lint.frozen import dataclass

Choice = Mapping[str, Any]
_RANK = {"now": 0, "fix": 1, "best": 1, "alternative": 1}


@dataclass(frozen=True, slots=True)
class Bar:
    """One choice. Lengths are percent of the widest; texts are empty where nothing is known."""

    role: str
    """``now``, ``fix``, ``best`` or ``alternative``."""
    title: str
    label: str
    basis: str
    length: str = ""
    low: str = ""
    high: str = ""
    energy: str = ""
    span: str = ""
    change: str = ""
    usd: str = ""
    kg: str = ""
    notes: tuple[str, ...] = ()


def bars(finding: Finding, fixes: bool) -> tuple[Bar, ...]:
    """The choices of a finding, the present one first, then by energy; none without figures."""
    choices = list(finding.evidence.get("choices", ()))
    known = [item for item in choices if item["energy_j_per_1k_tok"]]
    if not known or finding.cost is None:
        return ()
    most = max(item["energy_j_per_1k_tok"]["high"] for item in known)
    ordered = sorted(known, key=lambda item: (_RANK[item["role"]], -_joules(item)))
    unknown = [item for item in choices if not item["energy_j_per_1k_tok"]]
    return (*(_bar(item, most, fixes) for item in ordered), *(_bare(item) for item in unknown))


def _joules(choice: Choice) -> float:
    return float(choice["energy_j_per_1k_tok"]["value"])


def _bar(choice: Choice, most: float, fixes: bool) -> Bar:
    energy, month, change = (
        choice["energy_j_per_1k_tok"],
        choice["per_month"],
        choice["change_vs_now_pct"],
    )
    return Bar(
        role=choice["role"],
        title=_title(choice["role"], fixes),
        label=choice["label"],
        basis=energy["basis"],
        length=percent(energy["value"] / most),
        low=percent(energy["low"] / most),
        high=percent(energy["high"] / most),
        energy=amount(energy["value"]),
        span="" if energy["low"] == energy["high"] else spanned(energy),
        change="" if change is None else f"{signed(change)} %",
        usd=f"{month['usd']['value']:,.2f}" if month else "",
        kg=amount(month["kg_co2e"]["value"]) if month else "",
        notes=tuple(_notes(choice)),
    )


def _bare(choice: Choice) -> Bar:
    return Bar(choice["role"], "or", choice["label"], "not measured", notes=tuple(_notes(choice)))


def _title(role: str, fixes: bool) -> str:
    if role == "fix":
        return "--fix" if fixes else "or"
    return {"now": "now", "best": "best"}.get(role, "or")


def _notes(choice: Choice) -> Iterable[str]:
    loss = choice["accuracy"]
    if loss is not None:
        where = f"{loss['model']}, {loss['gpu']}"
        yield f"{loss['metric']} {signed(loss['change_pct'], 1)} % ({where})"
    elif choice["role"] == "fix":
        yield "accuracy not measured"
    if choice["fits"] is None and choice["memory_gb"] is not None:
        yield f"may not fit: about {choice['memory_gb']:.0f} GB"


def spanned(figure: Mapping[str, Any]) -> str:
    """The range of a figure."""
    return f"{amount(figure['low'])} to {amount(figure['high'])}"


def percent(share: float) -> str:
    """A length for SVG."""
    return f"{100 * share:.2f}%"
