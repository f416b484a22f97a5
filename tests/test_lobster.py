"""``--style lobster``: mood and alarm first, two languages, the figures of the plain style."""

from __future__ import annotations

import re
import string
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import yaml
from advice_support import answers, ask
from conftest import CLEAN, ROOT, TRAP, YELLOW, Command
from fixture_files import CODES

from ecocompute_lint.audit import Report, audit_file
from ecocompute_lint.cli import main
from ecocompute_lint.config import Settings
from ecocompute_lint.findings import Finding
from ecocompute_lint.knowledge import citation
from ecocompute_lint.messages import LANGUAGES, language, messages, phrases, translated
from ecocompute_lint.report import text
from ecocompute_lint.report.document import Document, Grid, Heading, markdown
from ecocompute_lint.report.document import text as drawn
from ecocompute_lint.report.lobster import audit, planning
from ecocompute_lint.report.lobster.mood import CONDITIONS, Mood, verdict
from ecocompute_lint.report.lobster.voice import LOBSTER, Voice
from ecocompute_lint.report.style import Style, cells, wrapped
from ecocompute_lint.report.summary import View

Write = Callable[[str, str | bytes], Path]
VOICES = [Voice(name) for name in LANGUAGES]
MODEL = "mistralai/Mistral-7B-Instruct-v0.3"
PLAN = ("--model", MODEL, "--gpu", "rtx4090d")
COMMANDS = {
    "compare": (),
    "optimize": (),
    "estimate": ("--quantization", "int8_default"),
    "diagnose": ("--throughput", "10", "--power", "100"),
}
HAN = re.compile("[\u4e00-\u9fff]")


def placeholders(text: str) -> list[str]:
    return sorted(name for _, name, _, _ in string.Formatter().parse(text) if name)


def numbers(text: str) -> set[str]:
    """The numbers of a text, without what names the source of the data."""
    for word in (citation.DOI, citation.LICENCE):
        text = text.replace(word, "")
    return set(re.findall(r"[−+-]?(?<![\w.])\d[\d,.]*(?<![,.])", text.replace("：", " ")))


# --- the catalogues -------------------------------------------------------------------------------


def test_both_languages_have_the_same_keys_and_placeholders() -> None:
    english, chinese = (messages(name) for name in LANGUAGES)
    assert english.keys() == chinese.keys()
    for key, words in english.items():
        assert placeholders(words) == placeholders(chinese[key]), key
        assert words.strip()
        assert chinese[key].strip()


def test_the_chinese_catalogue_is_chinese() -> None:
    latin = {"heading_of", "fix.said", "comma", "stop"}
    for key, words in messages("zh").items():
        assert HAN.search(words) or key in latin, key


def test_phrases_keep_what_stands_in_their_gaps() -> None:
    pairs = yaml.safe_load(
        (ROOT / "ecocompute_lint" / "messages" / "zh.phrases.yaml").read_text("utf-8")
    )
    assert len({source for source, _ in pairs}) == len(pairs)
    for source, other in pairs:
        assert placeholders(source) == placeholders(other), source
        assert set(re.findall(r"`[^`]+`", source)) == set(re.findall(r"`[^`]+`", other)), source


def test_no_message_brings_a_number_of_its_own() -> None:
    for name in LANGUAGES:
        for key, words in messages(name).items():
            if not key.startswith("heading."):
                assert not numbers(words), key


def test_every_condition_and_every_rule_has_words() -> None:
    known = messages("en")
    assert {f"why.{why}" for why in CONDITIONS} == {key for key in known if key[:4] == "why."}
    bad = {code for code in CODES if not code.startswith("ECO9")}
    assert bad <= {key.removeprefix("rule.") for key in known}


REASON = "in a development version (1.0.dev0)"


def _texts(code: str) -> list[str]:
    rule = yaml.safe_load((ROOT / "rules" / f"{code}.yaml").read_text("utf-8"))
    parts = [rule, *rule.get("variants", ())]
    fixes = [part["fix"] for part in parts if part.get("fix")]
    found = [part["message"] for part in parts if part.get("message")]
    return [*found, *(fix[key] for fix in fixes for key in ("description", "advice") if key in fix)]


@pytest.mark.parametrize("code", CODES)
def test_what_a_rule_says_has_a_chinese_phrase(code: str) -> None:
    words_of_packages = {"packages": "torch", "comes": "comes", "reason": REASON}
    for words in _texts(code):
        if "{packages}" in words:
            filled = words.format_map(words_of_packages)
        else:
            filled = re.sub(r"\{\w+\}", "x", words)
        assert HAN.search(translated("zh", filled)), words


def test_an_unknown_sentence_stays_as_it_is() -> None:
    odd = "Somebody wrote this to {nobody}; 3 rows of it. And more."
    assert translated("zh", odd) == odd
    assert translated("en", "FP16 fits no single card that the data know.").startswith("FP16 fits")


def test_a_hostile_text_is_not_taken_for_a_template() -> None:
    hostile = "{0.__class__} is kept"
    said = f"no effect on this configuration, ignored in silence: `{hostile}`."
    assert hostile in translated("zh", said)


@pytest.mark.parametrize("item", phrases("zh"), ids=lambda item: item.other[:20])
def test_a_phrase_matches_its_own_sentence(item: object) -> None:
    literals, names = item.literals, item.names  # type: ignore[attr-defined]
    sentence = "x".join(literals)
    assert item.match(sentence) == dict.fromkeys(names, "x")  # type: ignore[attr-defined]


# --- the language ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("wanted", "environment", "found"),
    [
        ("auto", {}, "en"),
        ("auto", {"LANG": "zh_CN.UTF-8"}, "zh"),
        ("auto", {"LANG": "zh"}, "zh"),
        ("auto", {"LANG": "de_DE.UTF-8"}, "en"),
        ("auto", {"LANG": "C.UTF-8"}, "en"),
        ("auto", {"LC_ALL": "C", "LANG": "zh_CN.UTF-8"}, "en"),
        ("auto", {"LC_ALL": "", "LC_MESSAGES": "zh_TW", "LANG": "en_US"}, "zh"),
        ("en", {"LANG": "zh_CN.UTF-8"}, "en"),
        ("zh", {"LANG": "en_US.UTF-8"}, "zh"),
    ],
)
def test_the_locale_decides(wanted: str, environment: dict[str, str], found: str) -> None:
    assert language(wanted, environment) == found


# --- figures --------------------------------------------------------------------------------------

QUESTIONS = [
    ("mistralai/Mistral-7B-Instruct-v0.3", "rtx4090d", 1, "int8_mixed", 10.0, 100.0),
    ("Qwen/Qwen2.5-3B", "a800", 8, "nf4", 30.0, None),
    ("meta-llama/Llama-3.1-70B-Instruct", "t4", 1, "fp16", 3000.0, 20.0),
    ("google/flan-t5-xl", "rtx5090", 7, "nf4_dq", 5.0, 500.0),
    ("my-org/private-8x7b", "h100-sxm", 128, "fp8_eager", 900.0, 60.0),
]


@pytest.mark.parametrize("voice", VOICES, ids=LANGUAGES)
@pytest.mark.parametrize("asked", QUESTIONS, ids=lambda item: item[0])
def test_answers_have_the_figures_of_the_plain_style(
    asked: tuple[str, str, int, str, float, float | None], voice: Voice
) -> None:
    model, gpu, batch, name, speed, power = asked
    for found, plain, _ in answers(ask(model, gpu, batch_size=batch), name, speed, power):
        told = planning.document(found, plain(found), voice)
        for draw in (markdown, lambda document: drawn(document, Style(), None)):
            assert numbers(draw(told)) <= numbers(draw(plain(found)))
        assert told[0] == Heading(
            audit.title(voice, verdict(found).mood), 1, style=verdict(found).mood.style
        )
        assert type(told[1]).__name__ == "Alert"
        assert citation.DOI in drawn(told[-1:], Style(), None)
        if voice.language == "zh":
            _check_chinese(told)


QUOTED = re.compile(r"`[^`]*`|\([^)]*\)|（[^）]*）|[\w.+-]+ in \w+ on \w+|Hongping Zhang")


def _check_chinese(told: Document) -> None:
    """No English sentence is left, besides what sessions of the data say of themselves."""
    notes = re.compile(r"^[\w.-]+:\d{4}-[\w-]+: ")
    for line in drawn(told, Style(), None).splitlines():
        if notes.match(line.removeprefix("· ")) or citation.DOI in line or "困惑度：" in line:
            continue
        assert not re.search(
            r"\b(?:is|are|was|were|the|and|of|not|than)\b", QUOTED.sub("", line)
        ), line


def _view(paths: list[Path], show_good: bool = False) -> View:
    settings = Settings(gpu="rtx4090d")
    report = Report(tuple(audit_file(path, path.name, settings) for path in paths), (), 0.25)
    shown = tuple(item for item in report.findings if show_good or item.level > 0)
    by_name = {path.name: path for path in paths}

    def repairable(finding: Finding) -> bool:
        return finding.fix is not None and finding.fix.available

    def lines(name: str, cell: int | None) -> list[str]:
        return by_name[name].read_text("utf-8").split("\n") if cell is None else []

    return View(report, shown, repairable, lines)


FIXTURES = {
    code: [
        path
        for path in sorted((ROOT / "fixtures" / code).iterdir())
        if path.is_file() and path.suffix == ".py" and ".fixed" not in path.name
    ]
    for code in CODES
}


@pytest.mark.parametrize("show_good", [False, True], ids=["bad", "good"])
@pytest.mark.parametrize("code", CODES)
def test_audits_have_the_figures_of_the_plain_style(code: str, show_good: bool) -> None:
    view = _view(FIXTURES[code], show_good)
    plain = numbers(text.render(view, Style()))
    for voice in VOICES:
        told = audit.document(view, voice, Style())
        said = drawn(told, Style(), None)
        assert numbers(said) <= plain
        assert numbers(markdown(told)) <= plain
        assert said.startswith(voice.mood(verdict(view).mood))
        for finding in view.findings:
            assert finding.code in said
        assert said.splitlines()[-1].find(citation.DOI) > 0


# --- moods ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("content", "mood"),
    [(TRAP, Mood.RED), (YELLOW, Mood.YELLOW), (CLEAN, Mood.GRAY), ("x = (", Mood.GRAY)],
)
def test_the_worst_finding_decides_the_mood(tmp_path: Path, content: str, mood: Mood) -> None:
    path = tmp_path / "a.py"
    path.write_text(content)
    settings = Settings()
    report = Report((audit_file(path, "a.py", settings, thorough=True),))
    view = View(report, report.findings, lambda _: False, lambda *_: content.split("\n"))
    assert verdict(view).mood is mood


def test_nothing_wrong_in_what_was_examined_is_green(tmp_path: Path) -> None:
    path = tmp_path / "a.py"
    path.write_text(TRAP.replace("load_in_8bit=True", "load_in_8bit=True, llm_int8_threshold=0.0"))
    view = _view([path])
    assert verdict(view).mood is Mood.GREEN
    assert "claws clap" in drawn(audit.document(view, VOICES[0], Style()), Style(), None)


def test_money_lost_without_a_fire_is_orange() -> None:
    view = _view(FIXTURES["ECO201"])
    priced = tuple(
        item for item in view.findings if item.level.label == "yellow" and item.cost is not None
    )
    assert priced
    assert verdict(replace(view, findings=priced)).mood is Mood.ORANGE


# --- drawing --------------------------------------------------------------------------------------


def test_chinese_tables_align() -> None:
    for found, plain, _ in answers(ask(MODEL, "rtx4090d"), "int8_mixed", 10.0, 100.0):
        told = planning.document(found, plain(found), Voice("zh"))
        for grid in (block for block in told if isinstance(block, Grid)):
            bare = replace(grid, bars=())
            lines = drawn([bare], Style(), None).splitlines()
            last = [row[-1] for row in grid.rows]
            if grid.columns[-1].right:
                ends = {cells(line) for line, cell in zip(lines[1:], last, strict=True) if cell}
                assert len(ends) == 1, lines


@pytest.mark.parametrize("width", [40, 60, 80])
def test_chinese_lines_keep_the_width(width: int) -> None:
    style = Style(width=width)
    for words in messages("zh").values():
        for line in style.wrap(words, ""):
            assert cells(line) <= width + 2
            assert len(words) == 1 or line[0] not in "。，、；：？！）"


def test_wrapping_loses_nothing() -> None:
    words = (
        "模型用 torchao 量化到 FP8 却从未编译，每次调用时每一层都要转换（见 `torch.compile`）。 ok"
    )
    for width in range(8, 60):
        assert "".join(wrapped(words, width)).replace(" ", "") == words.replace(" ", "")


# --- the command ----------------------------------------------------------------------------------


def test_the_audit_by_its_locale(ecolint: Command, write: Write) -> None:
    write("a.py", TRAP)
    english = ecolint("--style", "lobster", LC_ALL="", LC_MESSAGES="", LANG="en_US.UTF-8")
    chinese = ecolint("--style", "lobster", LC_ALL="", LC_MESSAGES="", LANG="zh_CN.UTF-8")
    assert english.status == chinese.status == 1
    assert english.stdout.startswith("🔴 Mood: RED")
    assert chinese.stdout.startswith("🔴 心情：红色")
    assert english.stdout.splitlines()[2].startswith("┃ ALERT")
    assert "a.py:2:10" in chinese.stdout
    forced = ecolint("--style", "lobster", "--lang", "en", LC_ALL="zh_CN.UTF-8")
    assert forced.stdout.startswith("🔴 Mood: RED")


def test_off_by_default_and_on_by_configuration(ecolint: Command, write: Write) -> None:
    write("a.py", TRAP)
    assert LOBSTER not in ecolint(LANG="zh_CN.UTF-8").stdout
    write("ecolint.toml", 'style = "lobster"\nlang = "zh"\n')
    assert ecolint().stdout.startswith("🔴 心情：红色")
    assert ecolint("--style", "plain").stdout.startswith("a.py:2:10")
    assert ecolint("-q").stdout.startswith("a.py:2:10")
    assert ecolint("--format", "json").json["findings"]
    assert ecolint("compare", *PLAN).stdout.startswith("🟢 心情：绿色")


@pytest.mark.parametrize("form", ["json", "concise"])
def test_a_style_without_a_report_to_style_is_an_error(ecolint: Command, form: str) -> None:
    result = ecolint("--style", "lobster", "--format", form)
    assert result.status == 2
    assert "--style lobster needs --format text" in result.stderr


@pytest.mark.parametrize("option", ["--quiet", "--statistics"])
def test_a_style_and_a_short_report_exclude_each_other(ecolint: Command, option: str) -> None:
    result = ecolint("--style", "lobster", option)
    assert result.status == 2
    assert f"--style lobster and {option}" in result.stderr


def test_the_reports_beside_it_are_as_they_are(ecolint: Command, write: Write) -> None:
    write("a.py", TRAP)
    both = ("--format", "json", "-o", "a.json", "--format", "text", "-o", "a.txt")
    result = ecolint("--style", "lobster", *both)
    assert result.stdout == ""
    told = write("b", "").with_name("a.txt").read_text("utf-8")
    assert told.startswith("🔴 Mood: RED")
    assert '"findings"' in write("b", "").with_name("a.json").read_text("utf-8")


def test_a_name_that_nobody_knows_is_an_error(ecolint: Command, write: Write) -> None:
    assert ecolint("--style", "crab").status == 2
    assert ecolint("--lang", "fr").status == 2
    write("ecolint.toml", 'style = "crab"\n')
    result = ecolint(".")
    assert result.status == 2
    assert 'style: expected plain or lobster, got "crab"' in result.stderr


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize("form", ["text", "markdown"])
def test_planning_in_both_languages(
    command: str, form: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    arguments = [command, *PLAN, *COMMANDS[command], "--format", form]
    assert main(arguments) == 0
    plain = capsys.readouterr().out
    monkeypatch.setenv("LC_ALL", "zh_CN.UTF-8")
    assert main([*arguments, "--style", "lobster"]) == 0
    chinese = capsys.readouterr().out
    assert main([*arguments, "--style", "lobster", "--lang", "en"]) == 0
    english = capsys.readouterr().out
    assert "心情：" in chinese.splitlines()[0]
    assert "Mood: " in english.splitlines()[0]
    assert numbers(chinese) <= numbers(plain)
    assert numbers(english) <= numbers(plain)
    assert ("> [!" in english) is (form == "markdown")


@pytest.mark.parametrize("command", COMMANDS)
def test_planning_as_json_has_no_style(ecolint: Command, command: str) -> None:
    arguments = (command, *PLAN, *COMMANDS[command], "--format", "json")
    assert ecolint(*arguments, "--style", "lobster").status == 2
    assert ecolint(*arguments, LANG="zh_CN.UTF-8").json["command"] == command


def test_an_output_without_chinese_gets_english(ecolint: Command, write: Write) -> None:
    write("a.py", TRAP)
    quiet = ecolint("--style", "lobster", PYTHONIOENCODING="latin-1", LC_ALL="zh_CN.UTF-8")
    assert quiet.stdout.startswith("Mood: RED")
    assert quiet.stderr == ""
    asked = ecolint("--style", "lobster", "--lang", "zh", PYTHONIOENCODING="ascii")
    assert asked.stdout.startswith("Mood: RED")
    assert "cannot show --lang zh" in asked.stderr
    assert "\\u" not in asked.stdout


def test_an_output_without_pictures_gets_none(ecolint: Command, write: Write) -> None:
    write("a.py", TRAP)
    result = ecolint("--style", "lobster", "--lang", "zh", PYTHONIOENCODING="gbk")
    assert result.raw.decode("gbk").startswith("心情：红色")
    assert "\\U" not in result.raw.decode("gbk")


def test_hostile_names_do_nothing(ecolint: Command, write: Write, tmp_path: Path) -> None:
    name = "a`\x1b[31m<b>@all.py"
    if sys.platform == "win32":
        pytest.skip("such names do not exist there")
    write(name, TRAP)
    result = ecolint("--style", "lobster", "--lang", "zh")
    assert "\x1b" not in result.stdout
    path = tmp_path / name
    report = Report((audit_file(path, name, Settings()),))
    view = View(report, report.findings, lambda _: True, lambda *_: TRAP.split("\n"))
    told = markdown(audit.document(view, VOICES[0], Style()))
    assert "\x1b" not in told
    head = next(line for line in told.splitlines() if line.startswith("###"))
    assert head.endswith("``a`\\x1b[31m<b>@all.py:2:10``")
