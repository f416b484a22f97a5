"""``ecolint measure``: the protocol of the data as a command."""

from __future__ import annotations

import os
import shutil
import sys
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ecocompute_lint.cli.terminal import say, style_for, write, write_file

if TYPE_CHECKING:
    from ecocompute_lint.knowledge.hardware import Gpu
    from ecocompute_lint.measure.plan import Plan
    from ecocompute_lint.measure.power import Meter
    from ecocompute_lint.measure.recipes import Recipe
    from ecocompute_lint.measure.rows import Book
    from ecocompute_lint.report.document import Document

_CONTEXT = {"help_option_names": ["-h", "--help"], "max_content_width": 100}
_INSTALL = "pip install 'ecocompute-lint[measure]'"
_FILE = click.Path(dir_okay=False, path_type=Path)
_COUNT = click.IntRange(min=1)
_SECONDS = click.FloatRange(min=0)
_LONG = 3600.0
"""Seconds over which the time left is reckoned: runs may take minutes each."""


@click.command(context_settings=_CONTEXT)
@click.option("--model", metavar="ID|PATH", help="A model on the hub, or a local folder.")
@click.option(
    "--random-weights",
    "random",
    metavar="CONFIG",
    help="Make random weights for this config.json; no download. --model names it then.",
)
@click.option("--outliers", is_flag=True, help="Scale some norm channels of random weights.")
@click.option(
    "--precisions",
    metavar="NAMES",
    help="fp16, bf16, fp32, nf4, nf4_no_compute_dtype, nf4_dq, int8_default, int8_pure, fp8, "
    "fp8_compiled, fp8_dynamic (default: fp16,bf16,nf4,int8_default,int8_pure,fp8).",
)
@click.option("--batch-sizes", metavar="N,N", default="1,8,32", show_default=True)
@click.option("--input-tokens", type=_COUNT, default=512, show_default=True)
@click.option("--output-tokens", type=_COUNT, default=256, show_default=True)
@click.option("--runs", type=click.IntRange(min=2), default=10, show_default=True)
@click.option("-o", "--output", type=_FILE, default="rows.csv", show_default=True)
@click.option("--again", is_flag=True, help="Measure anew what the file has already.")
@click.option("--dry-run", is_flag=True, help="Print the plan and the memory it needs, no more.")
@click.option("--device", type=click.IntRange(min=0), default=0, help="Which CUDA device.")
@click.option("--gpu", metavar="NAME", help="The card, where the driver's name does not tell it.")
@click.option(
    "--idle-seconds",
    type=_SECONDS,
    default=10.0,
    show_default=True,
    help="How long idle power is measured before anything is loaded.",
)
@click.option(
    "--settle-seconds",
    type=_SECONDS,
    default=10.0,
    show_default=True,
    help="Rest before each further load.",
)
@click.option(
    "--power-trace",
    "trace",
    type=_FILE,
    metavar="FILE",
    help="Rehearse on the CPU with recorded powers: rows are marked simulated and never used.",
)
@click.option("--color", type=click.Choice(("auto", "always", "never")), default="auto")
def measure(**given: Any) -> int:
    """Measure what a model draws on this GPU, as the bundled data were measured.

    Writes rows that `data = ["rows.csv"]` in the configuration makes all commands use. Run it again
    to go on after an interruption. docs/measure.md explains the protocol.
    """
    from ecocompute_lint.measure.plan import without_gpu

    recipes = _recipes(given["precisions"])
    if given["trace"] is not None:
        without_gpu(recipes)
    if given["dry_run"]:
        gpu = _named_gpu(given["gpu"])
        _print(given, lambda report: report.planned(_plan(given, recipes, gpu), gpu, _shown(given)))
        return 0
    _needs(recipes, given["trace"] is None)
    meter, gpu, card, driver = _sensor(given)
    try:
        return _session(given, _plan(given, recipes, gpu), meter, card, driver)
    finally:
        meter.close()


# --- what is asked --------------------------------------------------------------------------------


def _recipes(text: str | None) -> list[Recipe]:
    from ecocompute_lint.measure.recipes import USUAL, find_recipe

    names = USUAL if text is None else [part for part in text.split(",") if part.strip()]
    if not names:
        raise click.UsageError("--precisions: name at least one")
    return list(dict.fromkeys(map(find_recipe, names)))


def _plan(given: dict[str, Any], recipes: list[Recipe], gpu: Gpu | None) -> Plan:
    from ecocompute_lint.knowledge.hardware import DEFAULT_GPU, find_gpu
    from ecocompute_lint.measure import plan

    card = gpu or find_gpu(DEFAULT_GPU)  # the need of memory does not depend on it
    assert card is not None
    subject = plan.subject(given["model"], given["random"], given["outliers"])
    sizes = plan.batch_sizes(given["batch_sizes"])
    lengths = given["input_tokens"], given["output_tokens"]
    return plan.plan(card, subject, recipes, sizes, *lengths, given["runs"])


def _named_gpu(text: str | None) -> Gpu | None:
    """The card of --gpu, else that of the configuration."""
    from ecocompute_lint.advice.parameters import check_gpu
    from ecocompute_lint.config import SettingsFinder

    name = text if text is not None else SettingsFinder().here().gpu
    return check_gpu(name)[0] if name is not None else None


def _needs(recipes: list[Recipe], power: bool) -> None:
    """Say what has to be installed, all of it at once."""
    from ecocompute_lint.measure import models

    wanted = (*models.NEEDED, *(name for recipe in recipes for name in recipe.packages))
    missing = models.missing(tuple(dict.fromkeys(wanted)))
    if power and models.missing(("pynvml",)):
        missing.append("nvidia-ml-py")
    if missing:
        raise click.ClickException(
            f"measuring needs {', '.join(missing)}, not installed here.\n"
            f"Install what it takes with the extra: {_INSTALL}\n"
            "--dry-run prints the plan without it."
        )


def _sensor(given: dict[str, Any]) -> tuple[Meter, Gpu, str, str]:
    """Where power comes from; the card, what the driver calls it, and the driver."""
    from ecocompute_lint.measure import nvml, recorded

    named = _named_gpu(given["gpu"])
    if given["trace"] is not None:
        meter = recorded.Trace(given["trace"])
        if named is None:
            raise click.UsageError("--power-trace: say with --gpu which card it was recorded on")
        return meter, named, "", ""
    try:
        # NVML counts cards in this order, CUDA by itself in another one.
        os.environ.setdefault("CUDA_DEVICE_ORDER", "PCI_BUS_ID")
        visible = os.environ.get("CUDA_VISIBLE_DEVICES")
        card = nvml.nvml_card(given["device"], visible)
    except nvml.NoCard as error:
        raise click.ClickException(_without_card(str(error))) from None
    from ecocompute_lint.measure.models import cuda_missing

    if lack := cuda_missing(given["device"]):
        raise click.ClickException(_without_card(lack))
    if card.others:
        say(f"warning: {card.others} other process(es) compute on this card: close them")
    return card.meter, _card(card.name, given["gpu"]), card.name, card.driver


def _card(name: str, asked: str | None) -> Gpu:
    """The card of the data that the driver's name means, or that the user says it is."""
    from ecocompute_lint.advice.parameters import check_gpu
    from ecocompute_lint.errors import ConfigError
    from ecocompute_lint.knowledge.hardware import find_gpu, known_gpus

    found = find_gpu(name)
    if asked is None:
        if found is None:
            raise ConfigError(
                f"the card is a {name}, which is not among those that rows can name. "
                f"{known_gpus(name)}. --gpu says which of them it is"
            )
        return found
    wanted, _ = check_gpu(asked)
    if found is not None and found != wanted:
        raise ConfigError(f"--gpu {asked}: this card is a {name} ({found.slug})")
    return wanted


def _without_card(why: str) -> str:
    from ecocompute_lint.advice.protocol import BY_HAND

    steps = "\n".join(f"  {number}. {text}" for number, text in enumerate(BY_HAND, 1))
    return (
        f"nothing can be measured here: {why}.\n"
        "It takes an NVIDIA GPU with its driver and a CUDA build of torch. What the command does "
        f"there, and you can do by hand:\n{steps}\n"
        "--dry-run prints the plan, --power-trace rehearses it."
    )


# --- the run --------------------------------------------------------------------------------------


def _session(given: dict[str, Any], plan: Plan, meter: Meter, card: str, driver: str) -> int:
    from ecocompute_lint.measure import session as work
    from ecocompute_lint.measure.models import Models
    from ecocompute_lint.measure.power import SensorError

    book: Book | None = None
    device = "cpu" if meter.simulated else f"cuda:{given['device']}"
    library = Models(plan, device)
    try:
        plan = _sized(plan, library.check())
        book = _book(given, plan, meter, card, driver)
        pauses = work.Pauses(given["idle_seconds"], given["settle_seconds"])
        with _Watch(work.steps(plan, book)) as watch:
            outcomes = work.work_off(plan, book, library, meter, pauses, watch)
    except work.LoadError as error:
        raise click.ClickException(f"{plan.subject.path}: {error}") from None
    except SensorError as error:
        raise click.ClickException(f"idle power could not be read: {error}") from None
    except work.Unsaved as error:
        from ecocompute_lint.measure.rows import as_text

        raise click.ClickException(
            f"--output {given['output']}: {_reason(error.error)}. The file has what it had before; "
            f"the row that did not get into it:\n{as_text([error.row])}"
        ) from None
    except KeyboardInterrupt:
        if book is not None:
            say(f"{_kept(given, plan, book)}; the same command goes on from there")
        raise
    finally:
        library.close()
    _print(given, lambda report: report.summary(plan, outcomes, book.name, book.idle))
    return _end(given, outcomes)


def _sized(plan: Plan, size: float) -> Plan:
    """The plan with the model's size, where nothing else told it."""
    subject = plan.subject
    if subject.size.params_total_b is not None:
        return plan
    known = replace(subject.size, params_total_b=round(size, 4), resolved_by="structure")
    return replace(plan, subject=replace(subject, size=known))


def _book(given: dict[str, Any], plan: Plan, meter: Meter, card: str, driver: str) -> Book:
    from ecocompute_lint.measure.models import versions
    from ecocompute_lint.measure.rows import VERSIONS, RowFile, Session

    output = given["output"]
    _check_place(output)
    found = {**versions(), "driver": driver}
    session = Session(
        meter.how,
        meter.simulated,
        card,
        tuple((name, found[name]) for name in VERSIONS),
        datetime.now(),
    )
    file = RowFile(output, lambda text: write_file(str(output), text))
    book = file.begin(plan, session, given["again"])
    if any(book.done(item) for item in plan.configurations):
        say(f"{_kept(given, plan, book)}: going on")
    return book


def _kept(given: dict[str, Any], plan: Plan, book: Book) -> str:
    done = sum(book.done(item) is not None for item in plan.configurations)
    return f"{given['output']} has {done} of {len(plan.configurations)} configurations"


def _check_place(output: Path) -> None:
    """Better now than after the first configuration."""
    import tempfile

    if output.exists() and not output.is_file():
        raise click.ClickException(f"--output {output}: is no file")
    try:
        with tempfile.NamedTemporaryFile(prefix=".ecolint.", dir=output.resolve().parent):
            pass
    except OSError as error:
        raise click.ClickException(f"--output {output}: {_reason(error)}") from None


def _reason(error: OSError) -> str:
    return (error.strerror or str(error)).lower()


def _end(given: dict[str, Any], outcomes: Any) -> int:
    missing = sum(outcome.row is None for outcome in outcomes)
    rows = [outcome.row for outcome in outcomes if outcome.row is not None]
    unsteady = sum("quality gate failed" in row["note"] for row in rows)
    if any(row["quality"] == "raw" for row in rows):
        write(f'\nUse them: data = ["{given["output"]}"] in the configuration.\n')
    if unsteady:
        say(f"{unsteady} of {len(rows)} failed the quality gate; estimates use none of those")
    return 1 if missing or (unsteady and rows[0]["quality"] != "simulated") else 0


def _shown(given: dict[str, Any]) -> str:
    from ecocompute_lint.errors import shown

    return shown(given["output"])


def _print(given: dict[str, Any], document: Any) -> None:
    from ecocompute_lint.measure import report
    from ecocompute_lint.report.document import text

    made: Document = document(report)
    width = shutil.get_terminal_size().columns if sys.stdout.isatty() else None
    write(text(made, style_for(sys.stdout, given["color"]), width))


class _Watch:
    """A bar with the time left on a terminal; a line for each configuration everywhere."""

    def __init__(self, total: int) -> None:
        self._total = total
        self._bar: Any = None
        self._task: Any = None

    def __enter__(self) -> _Watch:
        if sys.stderr.isatty() and self._total:
            from rich.console import Console
            from rich.progress import (
                BarColumn,
                MofNCompleteColumn,
                Progress,
                TextColumn,
                TimeElapsedColumn,
                TimeRemainingColumn,
            )

            self._bar = Progress(
                TextColumn("{task.description}"),
                BarColumn(),
                MofNCompleteColumn(),
                TextColumn("runs, left"),
                TimeRemainingColumn(),
                TextColumn("of"),
                TimeElapsedColumn(),
                console=Console(stderr=True),
                transient=True,
                speed_estimate_period=_LONG,
            )
            self._task = self._bar.add_task("", total=self._total)
            self._bar.start()
        return self

    def __exit__(self, *error: object) -> None:
        if self._bar is not None:
            self._bar.stop()

    def doing(self, what: str) -> None:
        """This begins."""
        if self._bar is not None:
            self._bar.update(self._task, description=what)

    def step(self, count: int = 1) -> None:
        """So many steps are done."""
        if self._bar is not None:
            self._bar.advance(self._task, count)

    def say(self, text: str) -> None:
        """A line to keep, above the bar."""
        if self._bar is None:
            say(text)
        else:
            self._bar.console.print(f"ecolint: {text}", markup=False, highlight=False)
