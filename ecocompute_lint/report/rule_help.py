"""What a rule says of itself, for programs that show it beside its findings."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ecocompute_lint.engine.rule import Example, Rule

_REPAIRS = {
    "exact": "`--fix` makes it; outputs cannot change",
    "numeric": "`--fix` makes it; outputs can change numerically",
    "manual": "advice, there is no edit",
}
_LANGUAGES = {"": "python", ".py": "python", ".sh": "sh", ".yaml": "yaml", ".yml": "yaml"}


def plain(rule: Rule) -> str:
    """Why, and what to do."""
    return "\n\n".join([rule.rationale.strip(), *(f"Repair: {text}" for text in _repairs(rule))])


def markdown(rule: Rule) -> str:
    """Why, bad and good, what to do, how to silence it, and where to read on."""
    parts = [f"# {rule.code} {rule.name}", rule.summary, "## Why", rule.rationale.strip()]
    for number, example in enumerate(rule.examples, 1):
        suffix = f" {number}" if len(rule.examples) > 1 else ""
        parts += [f"## Example{suffix}", *_example(example)]
    if repairs := list(_repairs(rule)):
        parts += ["## Repair", "\n".join(f"- {text}" for text in repairs)]
    parts += ["## Silence it", f"`# noqa: {rule.code}` on the line."]
    if rule.references:
        parts += ["## References", "\n".join(f"- <{url}>" for url in rule.references)]
    return "\n\n".join(parts) + "\n"


def _example(example: Example) -> Iterator[str]:
    language = language_of(example.file)
    if example.gpu:
        yield f"With `--gpu {example.gpu}`:"
    for title, text in (("Bad", example.bad), ("Good", example.good)):
        if text:
            yield f"{title}:"
            yield fenced(text, language)


def _repairs(rule: Rule) -> Iterator[str]:
    for fix in rule.fixes:
        yield f"{fix.description.rstrip('.')} ({_REPAIRS[fix.level.label]})."
        if fix.advice:
            yield fix.advice


def language_of(name: str) -> str:
    """How the code of a file of that name is marked in Markdown; empty where it is not known."""
    ending = name[name.rfind(".") :].lower() if "." in name else ""
    if "dockerfile" in name.lower():
        return "dockerfile"
    if ending == ".ipynb":
        return "python"
    return _LANGUAGES.get(ending, "") if name else "python"


def fenced(text: str, language: str) -> str:
    """A block of code that nothing in `text` ends."""
    longest = run = 0
    for char in text:
        run = run + 1 if char == "`" else 0
        longest = max(longest, run)
    fence = "`" * max(3, longest + 1)
    return f"{fence}{language}\n{text.rstrip()}\n{fence}"
