"""A real browser for the tests of the page: Debian's Chromium, driven by its own driver."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

BROWSER = shutil.which("chromium") or shutil.which("google-chrome") or ""
DRIVER = shutil.which("chromedriver") or ""
SWITCHES = (
    "--headless=new --disable-gpu --no-first-run --disable-background-networking --hide-scrollbars "
    "--window-size=1200,900 --disable-component-update --disable-sync --disable-extensions "
    "--disable-dev-shm-usage"
).split()


class Browser:
    """One window."""

    def __init__(self, driver: Any) -> None:
        self.driver = driver
        self.wide()

    def open(self, path: Path, query: str = "") -> None:
        self.driver.get_log("performance")  # what earlier pages did is not this one's
        self.driver.get_log("browser")
        self.driver.get(path.absolute().as_uri() + query)

    def js(self, script: str, *arguments: Any) -> Any:
        return self.driver.execute_script(script, *arguments)

    def all(self, selector: str) -> list[Any]:
        return list(self.driver.find_elements("css selector", selector))

    def one(self, selector: str) -> Any:
        return self.driver.find_element("css selector", selector)

    def seen(self, selector: str) -> list[Any]:
        return [node for node in self.all(selector) if node.is_displayed()]

    def command(self, name: str, **parameters: Any) -> Any:
        return self.driver.execute_cdp_cmd(name, parameters)

    def size(self, width: int, height: int) -> None:
        self.command(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=height,
            deviceScaleFactor=1,
            mobile=width < 500,
        )

    def wide(self) -> None:
        self.size(1200, 900)

    def phone(self) -> None:
        self.size(360, 740)

    def media(self, medium: str = "", **features: str) -> None:
        """What the page is shown on: ``print``, and features such as the colour scheme.

        Nothing moves unless it is asked to, so that what is clicked stays where it is.
        """
        features = {"prefers_reduced_motion": "reduce", **features}
        named = [{"name": k.replace("_", "-"), "value": v} for k, v in features.items()]
        self.command("Emulation.setEmulatedMedia", media=medium, features=named)

    def scripts(self, on: bool) -> None:
        self.command("Emulation.setScriptExecutionDisabled", value=not on)

    def errors(self) -> list[str]:
        return [entry["message"] for entry in self.driver.get_log("browser")]

    def requests(self) -> list[str]:
        """The addresses that were asked for since the page was opened, but for those refused."""
        entries = self.driver.get_log("performance")
        found: dict[str, str] = {}
        for message in (json.loads(entry["message"])["message"] for entry in entries):
            about = message["params"]
            if message["method"] == "Network.requestWillBeSent":
                found[about["requestId"]] = about["request"]["url"]
            elif about.get("blockedReason") == "csp":
                found.pop(about["requestId"], None)
        return list(found.values())


@contextmanager
def browser(home: Path) -> Iterator[Browser]:
    """A browser with an empty profile."""
    from selenium import webdriver
    from selenium.webdriver.chrome.service import Service

    options = webdriver.ChromeOptions()
    options.binary_location = BROWSER
    for switch in SWITCHES:
        options.add_argument(switch)
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        options.add_argument("--no-sandbox")  # there is none for root
    options.add_argument(f"--user-data-dir={home}")
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    driver = webdriver.Chrome(options=options, service=Service(DRIVER))
    try:
        yield Browser(driver)
    finally:
        driver.quit()
