"""What the planning commands share: their options, the question they make, the output."""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any, TypeVar

import click

from ecocompute_lint.cli.options import number
from ecocompute_lint.cli.terminal import style_for, write, write_bytes, write_file

if TYPE_CHECKING:
    from ecocompute_lint.advice.question import Question
    from ecocompute_lint.config import Settings
    from ecocompute_lint.knowledge.hardware import Gpu
    from ecocompute_lint.report.document import Document
    from ecocompute_lint.report.lobster.mood import Answer

CONTEXT = {"help_option_names": ["-h", "--help"], "max_content_width": 100}
_F = TypeVar("_F", bound=Callable[..., Any])
_FORMATS = click.Choice(("text", "markdown", "json"))
_STYLES = click.Choice(("plain", "lobster"))
_LANGUAGES = click.Choice(("auto", "en", "zh"))
_COLORS = click.Choice(("auto", "always", "never"))


def _number(name: str, metavar: str, text: str) -> Any:
    return click.option(name, callback=number, metavar=metavar, help=text)


_COMMON: tuple[Any, ...] = (
    click.option("--model", metavar="ID", required=True, help="A model, or a local folder."),
    click.option("--params-b", metavar="B", help="Its size in billions, where nothing tells it."),
    click.option("--gpu", metavar="NAME", help="The GPU (default: that of the configuration)."),
    _number("--batch-size", "N", "Sequences decoded together."),
    _number("--input-tokens", "N", "Tokens read per request."),
    _number("--output-tokens", "N", "Tokens generated per request."),
    _number("--requests-per-month", "N", "Requests a month."),
    click.option("--workload", metavar="TEXT", help='The same in words: "10,000 users/day".'),
    click.option("--region", metavar="CODE", help="Where the GPU stands (default: US)."),
    _number("--electricity-price", "USD", "USD per kWh."),
    _number("--pue", "X", "Energy of the facility over that of the GPU."),
    click.option("--format", "form", type=_FORMATS, default="text"),
    click.option("-o", "--output", metavar="FILE", help="Write to a file."),
    click.option("--color", type=_COLORS, default="auto"),
    click.option("--style", type=_STYLES, help="lobster: told by a lobster, mood first."),
    click.option("--lang", type=_LANGUAGES, help="The language of --style lobster."),
)
QUANTIZATION: tuple[Any, ...] = (
    click.option("--quantization", metavar="Q", help="nf4, int8_default, int8_pure, fp8 or none."),
    click.option("--precision", metavar="P", help="fp16, bf16 or fp32, without quantization."),
)

USE_CASE = click.option(
    "--use-case",
    type=click.Choice(("production", "chat", "batch")),
    default="production",
    help="production: small batches; chat: one at a time, fast; batch: as many as fit.",
)


def options(*more: Any) -> Callable[[_F], _F]:
    """The options that all planning commands have, and `more` before them."""

    def add(function: _F) -> _F:
        for option in reversed((*_COMMON[:3], *more, *_COMMON[3:])):
            function = option(function)
        return function

    return add


def question(given: dict[str, Any], name: str | None = None) -> Question:
    """What is asked: the options given, else the configuration of the current directory.

    `name` is the precision whose throughput turns hours of full load into tokens.

    Raises:
        ConfigError: for anything that cannot be used.
    """
    from ecocompute_lint.advice import parameters
    from ecocompute_lint.advice.question import Question
    from ecocompute_lint.knowledge.economy import Economy
    from ecocompute_lint.knowledge.precisions import BASELINE

    if given["workload"] is not None and given["requests_per_month"] is not None:
        raise parameters.ParameterError(
            "--workload and --requests-per-month say the same thing: leave one out"
        )
    settings = _settings(given)
    gpu, warnings = _gpu(given["gpu"], settings)
    model, doubts = parameters.check_model(given["model"], given["params_b"])
    batch, more = parameters.check_batch_size(settings.batch_size)
    tokens_in, about_input = parameters.check_input_tokens(settings.input_tokens)
    tokens_out, about_output = parameters.check_output_tokens(settings.output_tokens)
    economy = Economy(
        settings.requests_per_month,
        tokens_in,
        tokens_out,
        batch,
        settings.region,
        settings.electricity_usd_per_kwh,
        settings.grid_gco2_per_kwh,
        settings.pue,
        settings.data,
    )
    context = parameters.check_context(model, tokens_in, tokens_out)
    asked = Question(
        gpu,
        model,
        economy,
        warnings=(*warnings, *doubts, *more, *about_input, *about_output, *context),
        assumed=_configured(settings),
    )
    words = given["workload"]
    return asked if words is None else _with_workload(asked, words, name or BASELINE)


def _configured(settings: Settings) -> tuple[str, ...]:
    """Where settings come from that no option gave."""
    from ecocompute_lint.errors import shown

    if settings.source is None:
        return ()
    return (f"What no option says is as in {shown(settings.source)}, or as usual.",)


def _with_workload(asked: Question, text: str, name: str) -> Question:
    from ecocompute_lint.advice.workload import parse
    from ecocompute_lint.knowledge.precisions import precision

    economy = asked.economy
    amount = parse(text)
    speed, assumed = None, asked.assumed
    if amount.kind == "hours":
        figure = asked.choices([(name, economy.batch_size)])[0].estimate.throughput
        if figure is not None:
            speed = figure.value
            setup = f"{precision(name).label} at batch size {economy.batch_size}"
            assumed = (*assumed, f"Hours of full load are those of {setup}.")
    workload = amount.workload(economy.input_tokens, economy.output_tokens, throughput=speed)
    return replace(asked.with_requests(workload), assumed=assumed)


def with_precision(given: dict[str, Any]) -> tuple[Question, str]:
    """What is asked of a setup, and the precision that it has.

    Raises:
        ConfigError: for anything that cannot be used.
    """
    from ecocompute_lint.advice.parameters import check_precision

    gpu, _ = _gpu(given["gpu"], _settings(given))
    chosen, warnings = check_precision(given["precision"], given["quantization"], gpu)
    asked = question(given, chosen.name)
    assumed = asked.assumed
    if given["precision"] is None and given["quantization"] is None:
        assumed = (f"No precision was named: {chosen.label}.", *assumed)
    return replace(asked, warnings=(*asked.warnings, *warnings), assumed=assumed), chosen.name


def _settings(given: dict[str, Any]) -> Settings:
    """The configuration of the current directory under the options given."""
    from ecocompute_lint.config import SettingsFinder

    return SettingsFinder(_overrides(given)).here()


def _overrides(given: dict[str, Any]) -> dict[str, Any]:
    names = {"electricity_price": "electricity_usd_per_kwh"}
    wanted = (
        "batch_size input_tokens output_tokens requests_per_month region electricity_price pue "
        "style lang"
    ).split()
    return {names.get(name, name): given[name] for name in wanted if given.get(name) is not None}


def _gpu(text: str | None, settings: Settings) -> tuple[Gpu, tuple[str, ...]]:
    from ecocompute_lint.advice import parameters
    from ecocompute_lint.knowledge.hardware import DEFAULT_GPU

    if text is None and settings.gpu is None:
        gpu, warnings = parameters.check_gpu(DEFAULT_GPU)
        return gpu, (f"No GPU was named: the {gpu.name} is assumed (--gpu).", *warnings)
    gpu, warnings = parameters.check_gpu(text if text is not None else settings.gpu or DEFAULT_GPU)
    return gpu, () if _is_measured(gpu, settings) else warnings


def _is_measured(gpu: Gpu, settings: Settings) -> bool:
    """Whether the project has rows of its own for a card."""
    if not settings.data:
        return False
    from ecocompute_lint.knowledge.measurements import load_dataset

    rows = load_dataset(settings.data).preferred
    return any(row.origin and row.gpu == gpu.slug for row in rows)


def print_answer(
    given: dict[str, Any],
    found: Answer,
    document: Callable[[], Document],
    data: Callable[[], dict[str, Any]],
) -> None:
    """Write an answer in the format and to the place that were asked for."""
    from ecocompute_lint.report import document as drawing

    target = given["output"]
    if given["form"] == "json" and given["style"] == "lobster":
        raise click.UsageError("--style lobster needs --format text or markdown")
    settings = _settings(given)
    if given["form"] != "json" and settings.style == "lobster":
        _write(given, _told(given, settings, found, document()))
        return
    if given["form"] == "json":
        text = json.dumps(data(), indent=2, ensure_ascii=False) + "\n"
    elif given["form"] == "markdown":
        text = drawing.markdown(document())
    elif target:
        from ecocompute_lint.report.style import Style

        text = drawing.text(document(), Style(), None)
    else:
        width = shutil.get_terminal_size().columns if sys.stdout.isatty() else None
        text = drawing.text(document(), style_for(sys.stdout, given["color"]), width)
    _write(given, text)


def _told(given: dict[str, Any], settings: Settings, found: Answer, plain: Document) -> str:
    """An answer as the lobster tells it."""
    from ecocompute_lint.cli import lobster
    from ecocompute_lint.report.document import markdown
    from ecocompute_lint.report.lobster.planning import document
    from ecocompute_lint.report.style import Style

    if given["form"] == "markdown":
        return markdown(document(found, plain, lobster.voice_of(settings, None)))
    if given["output"]:
        voice = lobster.voice_of(settings, None)
        return lobster.drawn(document(found, plain, voice), voice, Style(), None)
    voice = lobster.voice_of(settings, sys.stdout.encoding)
    width = shutil.get_terminal_size().columns if sys.stdout.isatty() else None
    style = style_for(sys.stdout, given["color"])
    return lobster.drawn(document(found, plain, voice), voice, style, width)


def _write(given: dict[str, Any], text: str) -> None:
    target = given["output"]
    if target:
        try:
            write_file(target, text)
        except OSError as error:
            reason = (error.strerror or str(error)).lower()
            raise click.ClickException(f"--output {target}: {reason}") from None
    elif given["form"] == "json":
        write_bytes(text.encode("utf-8", "backslashreplace"))
    else:
        write(text)
