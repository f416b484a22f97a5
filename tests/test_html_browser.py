"""The page in a real browser: it renders, filters, and keeps to itself."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from conftest import ROOT, environment
from test_html_report import BATCHES, hostile
from web import BROWSER, DRIVER, Browser, browser

pytestmark = pytest.mark.skipif(
    not (BROWSER and DRIVER),
    reason="no Chromium with its driver here (Debian: apt install chromium chromium-driver)",
)
CONTRAST = (ROOT / "tests" / "data" / "contrast.js").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def window(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    with browser(tmp_path_factory.mktemp("profile")) as opened:
        yield opened


def page_of(folder: Path, out: Path, *arguments: str) -> Path:
    command = [sys.executable, "-m", "ecocompute_lint", "--isolated", "--format", "html"]
    done = subprocess.run(
        [*command, "--output", str(out), *arguments, "."],
        cwd=folder,
        env=environment(PYTHONPATH=str(ROOT)),
        capture_output=True,
        check=False,
    )
    assert b"internal error" not in done.stderr
    return out


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The page of the example application, and a loop whose batches were measured."""
    folder = tmp_path_factory.mktemp("tree")
    for path in (ROOT / "fixtures" / "demo_app").glob("*.py"):
        (folder / path.name).write_bytes(path.read_bytes())
    (folder / "batches.py").write_text(BATCHES)
    out = tmp_path_factory.mktemp("page") / "report.html"
    return page_of(folder, out, "--show-good")


@pytest.fixture
def page(window: Browser, report: Path) -> Browser:
    window.scripts(True)
    window.media()
    window.wide()
    window.open(report)
    return window


def shown(page: Browser) -> int:
    return len(page.seen(".finding"))


def choose(page: Browser, name: str, value: str) -> None:
    option = page.one(f"select[name={name}] option[value='{value}']")
    option.click()


def test_it_renders_without_an_error_and_asks_for_nothing(page: Browser, report: Path) -> None:
    assert "could be saved" in page.one("h1").text
    assert shown(page) == len(page.all(".finding")) > 10
    assert len(page.seen("svg.bar rect.fill")) > 10
    assert page.seen("svg.plot .point.now")
    assert page.errors() == []
    assert {url for url in page.requests() if not url.startswith("data:")} == {report.as_uri()}


def test_bars_are_as_long_as_their_figures(page: Browser) -> None:
    bars = page.js(
        """return Array.from(document.querySelectorAll('.bars tbody')).map(body =>
             Array.from(body.rows).filter(row => row.querySelector('.fill')).map(row => [
               parseFloat(row.querySelector('.energy').textContent.replace(/,/g, '')),
               row.querySelector('.fill').getBoundingClientRect().width]))"""
    )
    assert bars
    for rows in bars:
        scale = rows[0][1] / rows[0][0]
        for energy, width in rows:
            assert width == pytest.approx(energy * scale, rel=0.02, abs=1)


def test_hatched_bars_are_drawn(page: Browser) -> None:
    fills = page.js(
        """return Array.from(document.querySelectorAll('.bar.scaled .fill'))
             .map(node => getComputedStyle(node).fill.match(/#([\\w-]+)/)[1])"""
    )
    assert fills
    known = {node.get_attribute("id") for node in page.all("pattern")}
    assert set(fills) <= known


def test_the_policy_stops_other_scripts_and_requests(page: Browser) -> None:
    page.js(
        """var s = document.createElement('script'); s.textContent = 'window.pwned = 1';
           document.body.append(s);
           var i = new Image(); i.src = 'http://127.0.0.1:9/x.png'; document.body.append(i);
           document.body.insertAdjacentHTML('beforeend', '<b onclick="window.pwned=1" id=bb>x</b>');
           document.getElementById('bb').click();"""
    )
    assert page.js("return window.pwned") is None
    assert any("Content Security Policy" in line for line in page.errors())
    assert not [url for url in page.requests() if url.startswith("http")]


# --- the filters --------------------------------------------------------------------------------


def test_levels_are_filtered(page: Browser) -> None:
    total = shown(page)
    red = len(page.all(".finding[data-level=red]"))
    assert 0 < red < total
    page.one("input[value=red]").click()
    assert shown(page) == total - red
    assert page.seen(".finding.red") == []
    assert page.one("#count").text == f"{total - red} of {total} shown"
    page.one(".state [data-reset]").click()
    assert shown(page) == total


def test_rules_and_files_are_filtered(page: Browser) -> None:
    total = shown(page)
    choose(page, "code", "ECO101")
    assert {node.get_attribute("data-code") for node in page.seen(".finding")} == {"ECO101"}
    key = page.seen(".file")[-1].get_attribute("data-file")
    choose(page, "file", key)
    assert [node.get_attribute("data-file") for node in page.seen(".file")] == [key]
    choose(page, "code", "")
    choose(page, "file", "")
    assert shown(page) == total


def test_words_are_searched_in_findings_and_paths(page: Browser) -> None:
    field = page.one("input[name=text]")
    field.send_keys("BATCHES.py sequential")
    assert [node.get_attribute("data-code") for node in page.seen(".finding")] == ["ECO201"]
    field.clear()
    field.send_keys("there is no such word")
    assert shown(page) == 0
    assert page.one("#nothing").is_displayed()
    page.one("#nothing button").click()
    assert shown(page) == len(page.all(".finding"))
    assert page.js("return document.activeElement.name") == "text"


def test_a_link_to_a_hidden_finding_brings_it_back(page: Browser) -> None:
    link = page.one(".leading a")
    target = page.one(link.get_attribute("href").partition("/report.html")[2])
    page.one("input[name=text]").send_keys("there is no such word")
    assert not target.is_displayed()
    link.click()
    assert target.is_displayed()


def test_without_scripts_everything_is_there(window: Browser, report: Path) -> None:
    window.media()
    window.wide()
    window.scripts(False)
    window.open(report)
    assert not window.one("#filters").is_displayed()
    assert len(window.seen(".finding")) == len(window.all(".finding")) > 10
    window.scripts(True)


# --- for everyone -------------------------------------------------------------------------------


def test_the_keyboard_reaches_and_works_the_filters(page: Browser) -> None:
    from selenium.webdriver.common.action_chains import ActionChains
    from selenium.webdriver.common.keys import Keys

    reached: list[str] = []
    for _ in range(40):
        ActionChains(page.driver).send_keys(Keys.TAB).perform()
        reached.append(
            page.js(
                "var e = document.activeElement;"
                "var value = e.type === 'checkbox' ? ':' + e.value : '';"
                "return e.name ? e.name + value : e.className"
            )
        )
        if reached[-1].startswith("level:"):
            break
    assert reached[0] == "skip"
    order = [name for name in reached if name in ("text", "code", "file") or ":" in name]
    assert order[:3] == ["text", "code", "file"]
    total = shown(page)
    value = order[3].partition(":")[2]
    outline = page.js(
        "return getComputedStyle(document.activeElement.nextElementSibling).outlineStyle"
    )
    assert outline == "solid"
    ActionChains(page.driver).send_keys(Keys.SPACE).perform()
    assert shown(page) == total - len(page.all(f".finding[data-level={value}]"))


def test_every_control_and_picture_has_a_name(page: Browser) -> None:
    nodes = page.command("Accessibility.getFullAXTree")["nodes"]
    wanted = ("searchbox", "combobox", "checkbox", "button", "link", "image", "article", "region")
    named = [node for node in nodes if node.get("role", {}).get("value") in wanted]
    assert {node["role"]["value"] for node in named} >= {
        "searchbox",
        "combobox",
        "checkbox",
        "link",
    }
    assert [node["role"] for node in named if not node.get("name", {}).get("value")] == []


@pytest.mark.parametrize("width", ["wide", "phone"])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_has_enough_contrast(page: Browser, report: Path, scheme: str, width: str) -> None:
    page.media(prefers_color_scheme=scheme)
    getattr(page, width)()
    page.open(report)
    page.js("document.querySelectorAll('details').forEach(node => { node.open = true; })")
    assert page.js(CONTRAST) == []


def test_light_and_dark_differ(page: Browser) -> None:
    colours = []
    for scheme in ("light", "dark"):
        page.media(prefers_color_scheme=scheme)
        colours.append(page.js("return getComputedStyle(document.body).backgroundColor"))
    light, dark = ([int(part) for part in text[4:-1].split(",")] for text in colours)
    assert min(light) > 200
    assert max(dark) < 60


def test_nothing_is_wider_than_a_phone(page: Browser, report: Path) -> None:
    page.phone()
    page.open(report)
    page.js("document.querySelectorAll('details').forEach(node => { node.open = true; })")
    assert page.js("return document.documentElement.scrollWidth") <= 360
    small = page.js(
        """return Array.from(document.querySelectorAll('select, input[type=search], button, .pill'))
             .filter(node => node.getClientRects().length)
             .filter(node => node.getBoundingClientRect().height < 24).length"""
    )
    assert small == 0


def test_motion_is_only_for_those_who_like_it(page: Browser) -> None:
    behaviours = []
    for wish in ("no-preference", "reduce"):
        page.media(prefers_reduced_motion=wish)
        behaviours.append(
            page.js("return getComputedStyle(document.documentElement).scrollBehavior")
        )
    assert behaviours == ["smooth", "auto"]


def test_on_paper_everything_is_open_and_light(page: Browser) -> None:
    page.media("print", prefers_color_scheme="dark")
    page.js("window.dispatchEvent(new Event('beforeprint'))")
    assert not page.one("#filters").is_displayed()
    assert page.js("return document.querySelectorAll('details:not([open])').length") == 0
    assert page.js("return getComputedStyle(document.body).color") == "rgb(0, 0, 0)"
    page.js("window.dispatchEvent(new Event('afterprint'))")
    assert page.js("return document.querySelectorAll('details:not([open])').length") > 0
    assert len(page.command("Page.printToPDF")["data"]) > 10_000


# --- hostile input ------------------------------------------------------------------------------


@pytest.mark.skipif(sys.platform == "win32", reason="such names cannot be had there")
def test_hostile_names_and_source_do_nothing(
    window: Browser, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    hostile(tmp_path)
    out = page_of(tmp_path, tmp_path_factory.mktemp("hostile") / "report.html")
    window.media()
    window.wide()
    window.open(out)
    assert window.js("return window.pwned") is None
    assert window.js("return document.querySelectorAll('script, img').length") == 1
    assert len(window.seen(".finding")) >= 8
    assert window.errors() == []
    assert {url for url in window.requests() if not url.startswith("data:")} == {out.as_uri()}
    search: Any = window.one("input[name=text]")
    search.send_keys("<script>")
    assert window.seen(".finding")
    assert window.js("return window.pwned") is None
