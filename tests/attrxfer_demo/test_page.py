"""The page in a browser: a photo in, the slider moved, the result down. Needs Chromium and its driver."""

from __future__ import annotations

import base64
import io
import os
import queue
import re
import signal
import subprocess
import sys
import threading
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image
from skimage.data import astronaut

from attrxfer.media import provenance
from tests.browser import chromium, errors, one, requested, until

LOCAL = "127.0.0.1"
WATCHED = f"""
import sys

def watch(event, arguments):
    asked = {{"socket.connect": lambda: arguments[1][0], "socket.getaddrinfo": lambda: arguments[0]}}.get(event, lambda: None)()
    if isinstance(asked, str) and asked not in ("{LOCAL}", "localhost", "") and not asked.startswith("/"):
        print("ASKED", asked, flush=True)

sys.addaudithook(watch)
from attrxfer.cli import main
main()
"""
"""The command line, which says when the process asks any other machine."""


class Server:
    """``attrxfer demo`` in a process of its own. said: its lines."""

    def __init__(self, *arguments: str) -> None:
        command = [sys.executable, "-c", WATCHED, "demo", *arguments]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        self.printed: list[str] = []
        self.lines: queue.Queue[str | None] = queue.Queue()
        threading.Thread(target=self._read, daemon=True).start()
        self.url = self._found(r"page: (http://\S+/)")
        self.folder = Path(self._found(r"kept in (\S+)"))

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.printed.append(line.rstrip())
            self.lines.put(line)
        self.lines.put(None)

    def _found(self, pattern: str) -> str:
        while not (match := re.search(pattern, "\n".join(self.printed))):
            assert self.lines.get(timeout=60) is not None, self.printed
        return match.group(1)

    def stop(self) -> int:
        self.process.send_signal(signal.SIGINT)
        return self.process.wait(timeout=30)


@pytest.fixture
def server(trained: Path) -> Iterator[Server]:
    server = Server(str(trained), "--no-browser", "--port", str(20000 + os.getpid() % 20000))
    yield server
    server.process.terminate()  # it deletes its photos
    server.process.wait(timeout=30)


@pytest.fixture
def browser(tmp_path: Path) -> Iterator[Any]:
    with chromium(tmp_path / "downloads") as driver:
        yield driver


@pytest.mark.slow
def test_a_photo_is_dropped_changed_by_the_slider_and_downloaded(server: Server, browser: Any, tmp_path: Path) -> None:
    photo, downloads = tmp_path / "she.jpg", tmp_path / "downloads"
    Image.fromarray(astronaut()).save(photo, quality=95)
    browser.get(server.url)
    until(lambda: one(browser, "#photo input[type=file]")).send_keys(str(photo))
    first = until(lambda: after(browser))
    assert one(browser, "#message").text == "1 face found."
    assert browser.title == "Change faces in photos and videos – attrxfer"
    assert one(browser, "#heading").text.splitlines() == ["Change faces in photos and videos", "Men to women"]

    seen = shown(browser)
    one(browser, "#strength input[type=range]").send_keys("\ue011")  # the key Home
    until(lambda: after(browser) not in (None, first))
    until(lambda: np.abs(shown(browser) - seen).max() > 20)
    assert "--strength 0 -o out" in one(browser, "#command").text
    assert np.array_equal(image(browser, 0), image(browser, 1)), "strength 0 is the photo"

    one(browser, "#strength input[type=range]").send_keys("\ue014" * 10)  # ten times the key Right
    until(lambda: "--strength 0.5 -o out" in one(browser, "#command").text and (after(browser) or "").endswith("/0.5.jpg"))
    until(lambda: np.abs(image(browser, 0) - image(browser, 1)).max() > 10)

    one(browser, "#download").click()
    file = until(lambda: next(downloads.glob("*.jpg"), None))
    with Image.open(file) as opened:
        assert opened.size == (512, 512)
        assert provenance.read_packet(opened.info["xmp"])["Strength"] == "0.5"
    outside_left_alone(browser)
    assert server.stop() == 0 and not server.folder.exists(), server.printed
    assert not [line for line in server.printed if "ASKED" in line or "Traceback" in line], server.printed


@pytest.mark.slow
def test_faces_are_chosen_by_a_click_and_several_photos_come_in_one_archive(
    server: Server, browser: Any, tmp_path: Path
) -> None:
    from selenium.webdriver.common.action_chains import ActionChains

    photos, downloads = [tmp_path / "us.png", tmp_path / "nobody.png"], tmp_path / "downloads"
    Image.fromarray(np.concatenate([astronaut(), astronaut()], 1)).save(photos[0])
    Image.new("RGB", (90, 90), "grey").save(photos[1])
    browser.get(server.url)
    until(lambda: one(browser, "#photo input[type=file]")).send_keys(str(photos[0]))
    until(lambda: after(browser))
    assert one(browser, "#message").text == "2 faces found; all are changed."
    until(lambda: len(browser.find_elements("css selector", "#faces input:checked")) == 2)
    shown = one(browser, "#photo img")
    width = shown.size["width"]  # the photo is half as high as wide, in the middle of its element
    left_face = round(-0.28 * width), round(-0.3 * width / 2)
    ActionChains(browser).move_to_element_with_offset(shown, *left_face).click().perform()
    until(lambda: one(browser, "#message").text == "2 faces found; 1 is changed.")
    assert "--subjects '#" in one(browser, "#command").text

    tab(browser, "Several")
    until(lambda: one(browser, "#photos input[type=file]")).send_keys("\n".join(map(str, photos)))
    until(lambda: len(browser.find_elements("css selector", "#photos tr.file")) == 2)
    one(browser, "#several-run").click()
    until(lambda: one(browser, "#several-download").is_displayed())
    assert one(browser, "#several-message").text.splitlines() == ["2 of 2 done.", "nobody.png: no face found"]
    assert "us.png nobody.png --strength 1 -o out" in one(browser, "#several-command").text
    one(browser, "#several-download").click()
    archive = until(lambda: next(downloads.glob("*.zip"), None))
    with zipfile.ZipFile(archive) as file:
        assert file.namelist() == ["nobody.png", "us.png"] and file.read("nobody.png") == photos[1].read_bytes()

    tab(browser, "Examples")
    until(lambda: len(browser.find_elements("css selector", "#examples-0 button.thumbnail-item")) == 2)
    one(browser, "#examples-0 button.thumbnail-item").click()
    until(lambda: "gender-sample-1.png --aligned" in one(browser, "#command").text)
    outside_left_alone(browser)


def tab(browser: Any, name: str) -> None:
    """Open a tab."""
    until(lambda: next(each for each in browser.find_elements("css selector", "[role=tab]") if each.text == name)).click()


def after(browser: Any) -> str | None:
    """The address of the result that is shown."""
    pair = browser.find_elements("css selector", "#compare img")
    return pair[1].get_attribute("src") if len(pair) > 1 else None


def shown(browser: Any) -> NDArray[np.int16]:
    """The pixels of the comparison, as they are on the screen."""
    image = Image.open(io.BytesIO(one(browser, "#compare").screenshot_as_png))
    return np.asarray(image.convert("RGB")).astype(np.int16)


def image(browser: Any, which: int) -> NDArray[np.int16]:
    """The pixels (H, W, 4) of the photo before or after, as the browser has them."""
    script = """
        const image = document.querySelectorAll("#compare img")[arguments[0]], canvas = document.createElement("canvas");
        canvas.width = image.naturalWidth; canvas.height = image.naturalHeight;
        const context = canvas.getContext("2d");
        context.drawImage(image, 0, 0);
        return canvas.toDataURL("image/png");
    """
    address = browser.execute_script(script, which)
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(address.partition(",")[2])))).astype(np.int16)


def outside_left_alone(browser: Any) -> None:
    """The browser met no error, and asked no other machine."""
    assert not errors(browser)
    asked = requested(browser)
    assert asked and {urlsplit(url).hostname for url in asked if not url.startswith(("data:", "blob:"))} == {LOCAL}
