"""The page in a browser: its results are those of ``transfer``, and nothing leaves it. Needs Chromium and npm's packages."""

from __future__ import annotations

import functools
import http.server
import json
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from attrxfer_web.alignment import three_points
from numpy.typing import NDArray
from PIL import Image
from skimage.data import astronaut

import attrxfer
from attrxfer.interfaces import Model
from attrxfer.media.photos import Photos
from attrxfer.media.photos.photo import PhotoResult
from attrxfer.media.provenance import SOURCE_TYPE, provenance_of, read_packet
from tests.browser import chromium, errors, one, requested
from tests.browser import until as until_within

until = functools.partial(until_within, seconds=120)
"""The networks take seconds, and more where others use the cores."""
HOME, END, LEFT = "\ue011", "\ue010", "\ue012"
SENDS = """
const [address, done] = [arguments[0], arguments[1]];
const blocked = [];
addEventListener("securitypolicyviolation", (event) => blocked.push(event.violatedDirective));
const image = new Image();
image.src = address;
const form = document.createElement("form");
Object.assign(form, { action: address, method: "post" });
document.body.append(form);
form.submit();
try { navigator.sendBeacon(address, "photo"); } catch {}
fetch(address).then(() => done(["fetched"]), () => setTimeout(() => done(blocked), 200));
"""
"""Tries to send something; returns what the page's policy blocked."""


@pytest.fixture(scope="module")
def site(trained: Path, packages: None, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return attrxfer.export([trained, trained], "web", out=tmp_path_factory.mktemp("web") / "site")


@pytest.fixture
def browser(tmp_path: Path) -> Iterator[Any]:
    with chromium(tmp_path / "downloads") as driver:
        yield driver


@pytest.fixture(params=["file", "http"])
def address(request: pytest.FixtureRequest, site: Path) -> Iterator[str]:
    """Of the page: in its folder, and on a static host."""
    if request.param == "file":
        yield f"{site.as_uri()}/"
        return
    handler = functools.partial(http.server.SimpleHTTPRequestHandler, directory=site)
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()


class Clicked:
    """Stands for the detector of ``transfer``: the points are those of the page."""

    subject = "face"

    def reduce(self, points: NDArray[Any]) -> NDArray[Any]:
        return three_points(points)

    def detect(self, image: NDArray[np.uint8]) -> NDArray[np.float32]:
        raise AssertionError("the points are given")


def transferred(model: Model, photo: NDArray[np.uint8], browser: Any, strength: float) -> PhotoResult:
    """What ``transfer`` makes of the photo with the page's points."""
    points = np.array(json.loads(one(browser, "#photo").get_attribute("data-faces")))
    return Photos(model, Clicked())(photo, strength, points)


def downloaded(browser: Any, number: int, path: Path) -> tuple[NDArray[np.uint8], dict[str, str]]:
    """The pixels that a result's button saves, and how they say they were made."""
    browser.find_elements("css selector", "#results .download")[number].click()
    until(path.exists)
    with Image.open(path) as image:
        image.load()
        return np.asarray(image.convert("RGB")), read_packet(image.info["xmp"])


def difference(one: NDArray[np.uint8], other: NDArray[np.uint8]) -> int:
    """The largest, in steps of 255."""
    return int(np.abs(one.astype(int) - other).max())


def settled(browser: Any, strength: str) -> bool:
    results = browser.find_elements("css selector", f'figure[data-strength="{strength}"]')
    return len(results) == 2 and not browser.find_elements("css selector", ".working")


@pytest.mark.slow
def test_results_are_those_of_transfer_and_nothing_leaves_the_page(
    address: str, browser: Any, trained: Path, tmp_path: Path
) -> None:
    from selenium.webdriver import ActionChains

    model = attrxfer.load(trained)
    photo = astronaut()
    Image.fromarray(photo).save(tmp_path / "she.png")
    browser.get(f"{address}index.html")
    one(browser, "#file").send_keys(str(tmp_path / "she.png"))
    until(lambda: settled(browser, "1"))
    assert one(browser, "#message").text.startswith("1 face.")
    eyes_and_mouth = json.loads(one(browser, "#photo").get_attribute("data-faces"))[0]
    assert np.abs(np.array(eyes_and_mouth) - [[203, 102], [246, 104], [223, 140]]).max() < 8, "near dlib's"

    # a second face, where there is none: it is rotated, overlaps the first, and leaves the photo
    one(browser, "#place").click()
    for x, y in ((-10, -150), (-20, -240), (50, -200)):
        ActionChains(browser).move_to_element_with_offset(one(browser, "#marks"), x, y).click().perform()
    until(lambda: one(browser, "#message").text.startswith("2 faces.") and settled(browser, "1"))
    # 1.5, the greatest strength, less 14 steps of 0.05
    one(browser, "#strength").send_keys(END + LEFT * 14)
    until(lambda: settled(browser, "0.8"))
    made, provenance = downloaded(browser, 1, tmp_path / "downloads" / "she-gender_2-0.8.png")
    wanted = transferred(model, photo, browser, 0.8)
    assert wanted.mask is not None and len(wanted.points) == 2
    assert difference(wanted.image, photo) > 20
    assert difference(made, wanted.image) <= 2
    assert np.array_equal(made[wanted.mask == 0], photo[wanted.mask == 0])
    assert provenance == {"DigitalSourceType": SOURCE_TYPE, **provenance_of(model, 0.8)}

    # the first face is left out, and the other model hidden
    ActionChains(browser).move_to_element_with_offset(one(browser, "#marks polygon"), -60, 60).click().perform()
    until(lambda: one(browser, "#message").text.startswith("2 faces, 1 to change.") and settled(browser, "0.8"))
    one(browser, "#models label").click()
    assert [figure.is_displayed() for figure in browser.find_elements("css selector", "figure")] == [False, True]
    one(browser, "#strength").send_keys(HOME)
    until(lambda: one(browser, "figure:last-child").get_attribute("data-strength") == "0")
    untouched, _ = downloaded(browser, 1, tmp_path / "downloads" / "she-gender_2-0.png")
    assert np.array_equal(untouched, photo)

    assert not errors(browser)
    asked = [url for url in requested(browser) if not url.startswith(("blob:", "data:"))]
    assert len(asked) > 15 and all(url.startswith(address) for url in asked), asked
    blocked = browser.execute_async_script(SENDS, "http://127.0.0.1:9/")
    assert set(blocked) == {"img-src", "connect-src", "form-action"}


@pytest.mark.slow
def test_large_small_and_transparent_photos(site: Path, browser: Any, trained: Path, tmp_path: Path) -> None:
    """A photo larger than the page shows it is saved at its own size; one without a face asks for clicks."""
    model = attrxfer.load(trained)
    large = np.asarray(Image.fromarray(astronaut()[:300]).resize((1536, 900), Image.Resampling.BICUBIC))
    Image.fromarray(large).save(tmp_path / "large.png")
    browser.get(f"{site.as_uri()}/index.html")
    one(browser, "#file").send_keys(str(tmp_path / "large.png"))
    until(lambda: settled(browser, "1"))
    assert one(browser, "#photo").get_property("width") == 1024
    made, _ = downloaded(browser, 0, tmp_path / "downloads" / "large-gender-1.png")
    wanted = transferred(model, large, browser, 1.0)
    assert len(wanted.crops.crops) == 1 and difference(made, wanted.image) <= 2

    empty = np.zeros((40, 60, 4), np.uint8)
    Image.fromarray(empty).save(tmp_path / "empty.png")
    one(browser, "#file").send_keys(str(tmp_path / "empty.png"))
    until(lambda: one(browser, "#message").text == "No face found. Click the eye on the left in the photo.")
    script = "return [...document.getElementById('photo').getContext('2d').getImageData(0, 0, 1, 1).data]"
    assert browser.execute_script(script) == [255, 255, 255, 255]

    (tmp_path / "text.png").write_text("no image")
    one(browser, "#file").send_keys(str(tmp_path / "text.png"))
    until(lambda: one(browser, "#message").text.startswith("text.png: this browser cannot read it as an image"))
    assert not errors(browser)
