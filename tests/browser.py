"""Chromium without a window, for the tests of pages."""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
DRIVER = shutil.which("chromedriver")
FLAGS = (
    "--headless=new --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking "
    "--disable-component-update --disable-sync --disable-dev-shm-usage --window-size=1250,1000"
)
DRAWN = FLAGS.replace("--disable-gpu", "--enable-unsafe-webgpu --use-webgpu-adapter=swiftshader --enable-features=Vulkan")
"""With a graphics processor that the processor plays."""
WAIT = 20.0


@contextmanager
def chromium(downloads: Path, flags: str = FLAGS) -> Iterator[Any]:
    """A driver of Chromium, which saves downloads in a folder; the test is skipped where there is none."""
    webdriver = pytest.importorskip("selenium.webdriver", reason="no selenium")
    if CHROMIUM is None or DRIVER is None:
        pytest.skip("no Chromium, or no chromedriver: apt-get install chromium chromium-driver")
    options = webdriver.ChromeOptions()
    options.binary_location = CHROMIUM
    for flag in flags.split():
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    options.add_experimental_option("prefs", {"download.default_directory": str(downloads)})
    driver = webdriver.Chrome(options=options, service=webdriver.ChromeService(DRIVER))
    try:
        yield driver
    finally:
        driver.quit()


def until(found: Callable[[], Any], seconds: float = WAIT) -> Any:
    """What it finds, as soon as that is true; elements come and go while the page draws itself."""
    from selenium.common.exceptions import WebDriverException

    end = time.monotonic() + seconds
    while time.monotonic() < end:
        try:
            if value := found():
                return value
        except WebDriverException:
            pass
        time.sleep(0.05)
    raise AssertionError("nothing came")


def one(browser: Any, selector: str) -> Any:
    return browser.find_element("css selector", selector)


def errors(browser: Any) -> list[dict[str, Any]]:
    """The errors that the browser logged since it was asked last."""
    return [entry for entry in browser.get_log("browser") if entry["level"] == "SEVERE"]


def requested(browser: Any) -> list[str]:
    """The addresses that the browser requested since it was asked last."""
    messages = [json.loads(entry["message"])["message"] for entry in browser.get_log("performance")]
    return [m["params"]["request"]["url"] for m in messages if m["method"] == "Network.requestWillBeSent"]
