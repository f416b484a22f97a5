"""The choices of a finding side by side: what each draws, costs, and rests on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ecocompute_lint.findings import Finding
from ecocompute_lint.report.style import Style, cells, safe

_BAR = 14
_EIGHTHS = " ▏▎▍▌▋▊▉█"
Choice = Mapping[str, Any]


CHOICE_COLUMNS = ("", "choice", "", "basis", "J/1k tok", "change", "$/month", "")
"""What the columns of `choice_rows` are; the third is a bar, the last a note."""


def choice_rows(finding: Finding, style: Style, fixes: bool) -> list[tuple[str, ...]]:
    """The rows of the table of choices, empty where the data hold no figures for it."""
    choices = [item for item in finding.evidence.get("choices", ()) if item["energy_j_per_1k_tok"]]
    if finding.cost is None or not choices:
        return []
    most = max(item["energy_j_per_1k_tok"]["value"] for item in choices)
    return [_row(item, most, style, fixes) for item in _ordered(choices)]


def evidence_lines(finding: Finding, style: Style, fixes: bool) -> list[str]:
    """The table under a finding, empty where the data hold no figures for it.

    `fixes` says whether ``--fix`` would make the choice that the repair leads to.
    """
    rows = choice_rows(finding, style, fixes)
    if not rows:
        return []
    head = _Row("", "", "", "", "J/1k tok", "", "$/month", "")
    widths = [max(cells(part) for part in column) for column in zip(head, *rows, strict=True)]
    lines = [style.paint(_line(head, widths), "bright_black"), *(_line(r, widths) for r in rows)]
    return [line.rstrip() for line in lines]


class _Row(tuple[str, ...]):
    """role, label, bar, basis, energy, change, money, note."""

    __slots__ = ()
    right = (4, 5, 6)

    def __new__(cls, *parts: str) -> _Row:
        return super().__new__(cls, parts)


def _line(row: Sequence[str], widths: list[int]) -> str:
    parts = []
    for i, (text, width) in enumerate(zip(row, widths, strict=True)):
        pad = " " * (width - cells(text))
        parts.append(pad + text if i in _Row.right else text + pad)
    return "    " + "  ".join(part for part, width in zip(parts, widths, strict=True) if width)


def _row(choice: Choice, most: float, style: Style, fixes: bool) -> _Row:
    energy, month = choice["energy_j_per_1k_tok"], choice["per_month"]
    change = choice["change_vs_now_pct"]
    return _Row(
        _role(choice, fixes),
        safe(choice["label"]),
        bar(energy["value"] / most, style),
        energy["basis"],
        f"{energy['value']:,.0f}",
        "" if change is None else f"{_signed(change, style)} %",
        f"{month['usd']['value']:,.2f}" if month else "",
        _note(choice, style),
    )


def _ordered(choices: list[Choice]) -> list[Choice]:
    """The present choice first, then by energy, the most first."""
    return sorted(
        choices,
        key=lambda item: (item["role"] != "now", -item["energy_j_per_1k_tok"]["value"]),
    )


def _role(choice: Choice, fixes: bool) -> str:
    role = choice["role"]
    if role == "fix":
        return "--fix" if fixes else "or"
    return {"now": "now", "best": "best"}.get(role, "or")


def _note(choice: Choice, style: Style) -> str:
    notes = []
    energy = choice["energy_j_per_1k_tok"]
    if energy["basis"] != "measured":
        notes.append(f"{energy['low']:,.0f} to {energy['high']:,.0f} J")
    loss = choice["accuracy"]
    if loss is not None:
        change = _signed(loss["change_pct"], style, 1)
        notes.append(f"{loss['metric']} {change} % ({loss['gpu']})")
    elif choice["role"] == "fix":
        notes.append("accuracy not measured")
    if choice["fits"] is None and choice["memory_gb"] is not None:
        notes.append(f"may not fit: about {choice['memory_gb']:.0f} GB")
    return ", ".join(notes)


def repair_cost(finding: Finding, style: Style) -> str:
    """What is known of the accuracy that the repair of a finding costs; empty if it costs none."""
    for choice in finding.evidence.get("choices", ()):
        if choice["role"] == "fix":
            loss = choice["accuracy"]
            if loss is None:
                return "accuracy not measured"
            change = _signed(loss["change_pct"], style, 1)
            return f"{loss['metric']} {change} % measured on {loss['model']}, {loss['gpu']}"
    return ""


def _signed(value: float, style: Style, digits: int = 0) -> str:
    text = f"{value:+,.{digits}f}"
    return text.replace("-", "−") if style.unicode else text


def bar(share: float, style: Style, width: int = _BAR) -> str:
    """A bar of this share of the width, in eighths of a cell where the terminal has them."""
    if not style.unicode:
        return "#" * max(1, round(share * width))
    eighths = max(1, round(share * width * 8))
    return "█" * (eighths // 8) + _EIGHTHS[eighths % 8].strip()
