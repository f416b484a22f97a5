"""Writes the generated parts of the documentation: README's blocks, one page per rule, that of the
command line, and what the commands of the other pages print.

python tools/docs.py            rewrite what is stale
python tools/docs.py --check    change nothing; name what is stale and exit with status 1
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "tools")]

from cli_page import cli_page  # noqa: E402
from examples import output, with_outputs  # noqa: E402
from picture import PICTURE, stale_picture  # noqa: E402
from real_libraries import FIGURES, outcomes_section, recorded_figures  # noqa: E402

from ecocompute_lint.engine.catalogue import load_rules  # noqa: E402
from ecocompute_lint.engine.rule import Condition, EvidenceRule, Example, FixRule, Rule  # noqa: E402
from ecocompute_lint.findings import FixLevel  # noqa: E402
from ecocompute_lint.knowledge.economy import NEAR, RED_FROM, REPORTED_FROM  # noqa: E402
from ecocompute_lint.knowledge.precisions import precision  # noqa: E402

README = ROOT / "README.md"
PAGES = ROOT / "docs" / "rules"
DEMO = ("fixtures/demo_app",)
PLANNING = ("compare", "--model", "mistralai/Mistral-7B-v0.1", "--gpu", "rtx4090d")
EXPLAINED = ("explain", "fixtures/demo_app/loader.py:36:17")
SHOWN = 3
"""How many findings of the transcript README shows before it folds the rest."""
SECONDS = re.compile(r"\d+\.\d+ s$", re.MULTILINE)
MEANING = {
    FixLevel.EXACT: "exact: outputs cannot change, except for speed or a crash that goes away",
    FixLevel.NUMERIC: "numeric: outputs may change numerically",
    FixLevel.MANUAL: "manual: advice, no edit",
}
SCOPE = {
    "energy": "inference code (`--context all`: training code too)",
    "correctness": "all code, training included",
    "hardware": "inference code, where a GPU is configured (`--context all`: training code too)",
}


def main(arguments: Sequence[str]) -> int:
    """Write or check everything; the exit status."""
    if set(arguments) - {"--check"}:
        print(__doc__)
        return 2
    rules = load_rules()
    wanted = {PAGES / f"{rule.code}.md": page(rule) for rule in rules}
    wanted[PAGES / "README.md"] = "# The rules\n\n" + table(rules, "") + "\n"
    wanted[README] = readme(README.read_text(encoding="utf-8"), rules)
    for path in sorted((ROOT / "docs").glob("*.md")):
        wanted[path] = with_outputs(path.read_text(encoding="utf-8"))
    wanted[ROOT / "docs" / "cli.md"] = cli_page()
    evidence = ROOT / "docs" / "evidence.md"
    wanted[evidence] = replaced(wanted[evidence], "real libraries", outcomes_section())
    wanted[FIGURES] = recorded_figures()
    stale = [path for path, text in wanted.items() if not same(path, text)]
    orphans = sorted(set(PAGES.glob("*.md")) - set(wanted))
    drawn = [PICTURE] if stale_picture(write="--check" not in arguments) else []
    for path in (*stale, *orphans, *drawn):
        print(path.relative_to(ROOT))
    if "--check" in arguments:
        if stale or orphans or drawn:
            print("stale: run `python tools/docs.py`", file=sys.stderr)
        return 1 if stale or orphans or drawn else 0
    PAGES.mkdir(parents=True, exist_ok=True)
    for path in stale:
        path.write_text(wanted[path], encoding="utf-8", newline="\n")
    for path in orphans:
        path.unlink()
    return 0


def same(path: Path, text: str) -> bool:
    """Whether a file says this already; how long a run took does not count."""
    if not path.exists():
        return False
    return SECONDS.sub("", path.read_text(encoding="utf-8")) == SECONDS.sub("", text)


# --- README -------------------------------------------------------------------------------------


def readme(text: str, rules: Sequence[Rule]) -> str:
    """README with its generated blocks as they should be."""
    text = replaced(text, "rules", table(rules, "docs/rules/"))
    text = replaced(text, "transcript", transcript())
    text = replaced(text, "explanation", explanation())
    return with_outputs(replaced(text, "planning", planning()))


def replaced(text: str, name: str, block: str) -> str:
    """The text with what stands between the markers of a block replaced."""
    begin, end = f"<!-- generated: {name} -->\n", f"<!-- end: {name} -->"
    head, found, rest = text.partition(begin)
    _, ended, tail = rest.partition(end)
    if not found or not ended:
        raise SystemExit(f"there is no block {begin.strip()} … {end}")
    return f"{head}{begin}{block}\n{end}{tail}"


def table(rules: Sequence[Rule], folder: str) -> str:
    """The rules, one a line."""
    lines = ["| code | level | what it finds | repair |", "|---|---|---|---|"]
    for rule in rules:
        link = f"[{rule.code}]({folder}{rule.code}.md) {rule.name}"
        repair = " or ".join(level.label for level in rule.fix_levels) or "none needed"
        level = rule.level.label if rule.enabled else f"{rule.level.label}, off by default"
        lines.append(f"| {link} | {level} | {cell(rule.summary)} | {repair} |")
    return "\n".join(lines)


def cell(text: str) -> str:
    """Text that fits into a table."""
    return text.replace("|", "\\|")


def explanation() -> str:
    """What is said about one line of the demonstration."""
    printed = output([*EXPLAINED], (0,)).rstrip("\n")
    return f"```text\n$ ecolint {' '.join(EXPLAINED)}\n{printed}\n```"


def planning() -> str:
    """What a planning command prints."""
    printed = output([*PLANNING], (0,)).rstrip("\n")
    return f"```text\n$ ecolint {' '.join(PLANNING)}\n\n{printed}\n```"


def transcript() -> str:
    """What the command prints about the demonstration, all but the first findings folded."""
    *findings, summary = output([*DEMO], (1,)).rstrip("\n").split("\n\n")
    shown = "\n\n".join([f"$ ecolint {' '.join(DEMO)}", *findings[:SHOWN]])
    rest = "\n\n".join([*findings[SHOWN:], summary])
    return (
        f"```text\n{shown}\n```\n\n"
        f"<details>\n<summary>the other findings, and the last lines</summary>\n\n"
        f"```text\n{rest}\n```\n\n</details>"
    )


# --- pages --------------------------------------------------------------------------------------


def page(rule: Rule) -> str:
    """The page of one rule."""
    return (
        "\n\n".join(
            [
                f"<!-- generated by tools/docs.py from rules/{rule.code}.yaml -->",
                f"# {rule.code} {rule.name}",
                sentence(rule.summary),
                facts(rule),
                "## Why",
                rule.rationale,
                *figures(rule),
                *examples(rule.examples),
                *repairs(rule),
                "## Silence it",
                f"`# noqa: {rule.code}` on the line, or `# ecolint: ignore[{rule.code}] reason`. "
                "[More on silencing](../suppression.md). "
                "For whole files: `per-file-ignores` in the [configuration](../configuration.md).",
                *references(rule.references),
            ]
        )
        + "\n"
    )


def sentence(text: str) -> str:
    """A summary as a sentence; a name such as bitsandbytes keeps its small letter."""
    named = text.split()[0] in ("bitsandbytes", "torchao", "diffusers", "accelerate")
    return f"{text if named else text[0].upper() + text[1:]}."


def facts(rule: Rule) -> str:
    """What stands about a rule at a glance."""
    rows = [
        ("level", levels_of(rule)),
        ("looks at", SCOPE[rule.category]),
        ("reported at", where(rule)),
        ("repair", "; ".join(MEANING[level] for level in rule.fix_levels) or "none needed"),
    ]
    if rule.unless:
        rows.append(("not beside", f"a finding of {codes(rule.unless)} on the same deployment"))
    if not rule.enabled:
        rows.append(("on by default", f"no: `--extend-select {rule.code}`"))
    return "\n".join(["| | |", "|---|---|", *(f"| {name} | {value} |" for name, value in rows)])


def levels_of(rule: Rule) -> str:
    """The usual level, and those of the variants."""
    others = dict.fromkeys(
        v.level.label for v in rule.variants if v.level not in (None, rule.level)
    )
    more = f" (in some cases {' or '.join(others)})" if others else ""
    if rule.evidence is not None:
        return f"{rule.level.label}{more}; where energies are known, as they say"
    return rule.level.label + more


def figures(rule: Rule) -> Iterator[str]:
    """What the measurements are asked, in words."""
    if rule.category != "energy":
        return
    yield "## Figures"
    if rule.good:
        yield praise(rule.evidence)
        return
    if rule.evidence is None:
        yield "Nobody has measured this: its findings carry no figures, and say so."
        return
    if rule.evidence.batch is not None:
        yield (
            "One request at a time is compared with batch size "
            f"{rule.evidence.batch} in the precision in which the model is loaded. "
            "[How figures come about](../estimator.md)."
        )
        return
    yield compared(rule.evidence)
    for variant in rule.variants:
        if variant.now is not None:
            yield f"Where {conditions(variant.when)}, it is {label(variant.now)} that is compared."
    if rule.evidence.from_break_even:
        yield (
            f"The finding is left out where {listed(rule.evidence.against)} does not surely fit, "
            "where the present precision draws less, and where nothing near enough was measured. "
            "[How figures come about](../estimator.md)."
        )
        return
    yield (
        f"The finding is red where that takes over {RED_FROM:g} % more energy than the best of "
        f"them, else yellow, and it is left out below {REPORTED_FROM:g} %; an estimate within "
        f"{NEAR:g} points of that line is no more than *possible*. Where nothing near enough was "
        "measured it says so and keeps the level above. [How figures come about](../estimator.md)."
    )


def praise(asked: EvidenceRule | None) -> str:
    """What a good choice rests on."""
    if asked is None:
        return "A good choice that is counted as such; it carries no figures."
    return (
        f"{compared(asked)} It is a good choice where it draws less than each of them; one whose "
        "range of estimates leaves that open is no more than *possible*. Where nothing near enough "
        "was measured nothing is said. [How figures come about](../estimator.md)."
    )


def compared(asked: EvidenceRule) -> str:
    """Which precision stands beside which."""
    others = f"{listed(asked.against)}, as far as the GPU's memory goes"
    now = label(asked.now) if asked.now is not None else "the present precision"
    text = f"{now} is compared with {others}"
    if asked.where_it_pays:
        text += (
            f", and with {listed(asked.where_it_pays)} where that saves energy against "
            f"{label('fp16')} or {label('fp16')} does not fit"
        )
    text += "."
    if asked.fix is not None:
        text += f" `--fix` leads to {label(asked.fix)}."
    return text


def listed(names: Sequence[str]) -> str:
    """Precisions as people list them."""
    labels = [label(name) for name in names]
    return " and ".join([", ".join(labels[:-1]), labels[-1]] if labels[1:] else labels)


def label(name: str) -> str:
    """A precision as reports call it."""
    return f"*{precision(name).label}*"


def conditions(found: Sequence[Condition]) -> str:
    """Plain conditions in words."""
    return " and ".join(
        f"`{item.attribute}` {operator.replace('_', ' ')} `{shown(operand)}`"
        for item in found
        for operator, operand in item.operators
    )


def shown(operand: object) -> str:
    """An operand as the rule file writes it."""
    return str(operand).lower() if isinstance(operand, bool) else str(operand)


def examples(found: Sequence[Example]) -> Iterator[str]:
    """Bad and good, side by side as far as Markdown has sides."""
    for number, example in enumerate(found, 1):
        title = f" {number}" if len(found) > 1 else ""
        on = f" on `{example.gpu}`" if example.gpu else ""
        title += f" (`{example.file}`)" if example.file else ""
        fence = f"```{language(example.file)}"
        yield f"## Bad{title}{on}"
        yield f"{fence}\n{example.bad.rstrip()}\n```"
        yield f"## Good{title}{on}"
        yield f"{fence}\n{example.good.rstrip()}\n```"


LANGUAGES = {
    "toml": "toml",
    "yml": "yaml",
    "yaml": "yaml",
    "json": "json",
    "sh": "bash",
    "txt": "text",
    "cfg": "ini",
    "dockerfile": "dockerfile",
}


def language(file: str) -> str:
    """What Markdown calls the language of a file; Python where no file is named."""
    return LANGUAGES.get(file.rpartition(".")[2].lower(), "text") if file else "python"


def where(rule: Rule) -> str:
    """What a finding points at."""
    if rule.facts == ("package",):
        return "the requirement"
    if rule.facts == ("suppression",):
        return "the comment"
    return "the load" if rule.place == "load" else "the call that switches it on"


def repairs(rule: Rule) -> Iterator[str]:
    """What `--fix` does, and what to do by hand; nothing for a good choice."""
    if rule.good:
        return
    yield "## Repair"
    lines = [f"- {fix.level.label}: {fix.description}" for fix in sorted(rule.fixes, key=ease)]
    yield "\n".join(dict.fromkeys(lines))
    for advice in dict.fromkeys(fix.advice for fix in rule.fixes if fix.advice):
        editable = rule.fix_levels[0] < FixLevel.MANUAL
        yield f"Where no edit is possible: {advice}" if editable else advice


def codes(found: Sequence[str]) -> str:
    """Codes as people list them."""
    return " or ".join([", ".join(found[:-1]), found[-1]] if found[1:] else found)


def ease(fix: FixRule) -> FixLevel:
    """The best repairs first."""
    return fix.level


def references(found: Sequence[str]) -> Iterator[str]:
    """Where more is to be read."""
    if found:
        yield "## References"
        yield "\n".join(f"- <{url}>" for url in found)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
