"""The page in a browser: its results are those of ``transfer``, and nothing leaves it. Needs Chromium and npm's packages."""

from __future__ import annotations

import functools
import http.server
import io
import json
import os
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from attrxfer_web.alignment import three_points
from numpy.typing import NDArray
from PIL import ExifTags, Image, ImageCms, PngImagePlugin
from skimage.data import astronaut

import attrxfer
from attrxfer.interfaces import Model
from attrxfer.media.photos import Photos
from attrxfer.media.photos.photo import PhotoResult
from attrxfer.media.provenance import SOURCE_TYPE, provenance_of, read_packet
from tests.browser import DRAWN, chromium, errors, one, requested
from tests.browser import until as until_within

until = functools.partial(until_within, seconds=120)
"""The networks take seconds, and more where others use the cores."""
HOME, END, LEFT = "\ue011", "\ue010", "\ue012"
SENDS = """
const [address, done] = [arguments[0], arguments[1]];
const blocked = new Set();
addEventListener("securitypolicyviolation", (event) => {
  blocked.add(event.violatedDirective);
  if (blocked.size === 3) done([...blocked]);
});
setTimeout(() => done([...blocked]), 20000);
const image = new Image();
image.src = address;
const form = document.createElement("form");
Object.assign(form, { action: address, method: "post" });
document.body.append(form);
form.submit();
try { navigator.sendBeacon(address, "photo"); } catch {}
fetch(address).then(() => done(["fetched"]), () => {});
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
    """Of the page: in its folder, and on a static host that isolates it, so that it may use threads."""
    if request.param == "file":
        yield f"{site.as_uri()}/"
        return
    handler = functools.partial(Isolating, directory=site)
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()


class Isolating(http.server.SimpleHTTPRequestHandler):
    """A static host with the headers that let a page use threads."""

    def end_headers(self) -> None:
        self.send_header("Cross-Origin-Opener-Policy", "same-origin")
        self.send_header("Cross-Origin-Embedder-Policy", "require-corp")
        super().end_headers()


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
    threads = min(4, os.cpu_count() or 1) if address.startswith("http") else 1
    said = f"The networks run on the processor, {threads} thread{'' if threads == 1 else 's'}."
    until(lambda: one(browser, "#engine").text == said)
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


@pytest.mark.slow
def test_a_graphics_processor_is_used_where_it_computes_the_same(trained: Path, packages: None, tmp_path: Path) -> None:
    site = attrxfer.export(trained, "web", "webgpu=true", out=tmp_path / "site")
    Image.fromarray(astronaut()).save(tmp_path / "she.png")
    page = f"{site.as_uri()}/index.html"
    with chromium(tmp_path / "downloads", DRAWN) as browser:
        browser.get(page)
        until(lambda: one(browser, "#engine").text)
        assert one(browser, "#engine").text == "The networks run on the processor, 1 thread: no graphics processor found."
        browser.get(f"{page}?engine=graphics")
        until(lambda: one(browser, "#engine").text)
        if "no graphics processor found" in one(browser, "#engine").text:
            pytest.skip("this Chromium has no software implementation of WebGPU")
        one(browser, "#file").send_keys(str(tmp_path / "she.png"))
        until(lambda: browser.find_elements("css selector", 'figure[data-strength="1"]') and not_working(browser))
        assert one(browser, "#engine").text == "The networks run on the graphics processor (WebGPU)."
        made, _ = downloaded(browser, 0, tmp_path / "downloads" / "she-gender-1.png")
        wanted = transferred(attrxfer.load(trained), astronaut(), browser, 1.0)
        assert difference(wanted.image, astronaut()) > 20 and difference(made, wanted.image) <= 3

        browser.get(f"{page}?engine=graphics")  # results that differ are refused
        until(lambda: one(browser, "#engine").text)
        browser.execute_script(WRONG)
        browser.execute_script("openModel(MODELS[0])")
        until(lambda: "gives other results here" in one(browser, "#engine").text)
        assert one(browser, "#engine").text.startswith("The networks run on the processor, 1 thread: ")
        assert not errors(browser)


WRONG = """
const right = ort.InferenceSession.create;
ort.InferenceSession.create = async (bytes, options) => {
  const session = await right.call(ort.InferenceSession, bytes, { ...options, executionProviders: ["wasm"] });
  if (options.executionProviders[0] === "wasm") return session;
  return { run: async (feeds) => {
    const { results } = await session.run(feeds);
    return { results: { data: results.data.map((value) => 255 - value) } };
  } };
};
"""
"""The graphics processor's results are wrong from now on."""


def not_working(browser: Any) -> bool:
    return not browser.find_elements("css selector", ".working")


# ---------------------------------------------------------------- what the photo's file says of itself


def exif() -> tuple[bytes, bytes]:
    """EXIF of a photo that lies on its side, with a place and a thumbnail; and the same as a result keeps it."""
    tags = Image.Exif()
    tags[ExifTags.Base.Make], tags[ExifTags.Base.Orientation] = "A camera", 6
    tags.get_ifd(ExifTags.IFD.GPSInfo)[ExifTags.GPS.GPSLatitudeRef] = "N"
    plain = tags.tobytes().removeprefix(b"Exif\0\0")
    order: Any = "big" if plain[:2] == b"MM" else "little"
    first = int.from_bytes(plain[4:8], order)
    end = first + 2 + 12 * int.from_bytes(plain[first : first + 2], order)
    with_thumbnail = plain[:end] + len(plain).to_bytes(4, order) + plain[end + 4 :] + b"a thumbnail"
    tags[ExifTags.Base.Orientation] = 1
    upright = tags.tobytes().removeprefix(b"Exif\0\0")
    return with_thumbnail, upright[:end] + bytes(4) + upright[end + 4 :] + b"a thumbnail"


def written(form: str, **options: Any) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(np.full((30, 40, 3), 90, np.uint8)).save(buffer, form, **options)
    return buffer.getvalue()


READ = """
const { exif, lost } = readMetadata(Uint8Array.from(arguments[0]));
return [exif && [...exif], lost];
"""


@pytest.mark.slow
def test_downloads_keep_the_exif_and_say_what_they_lose(site: Path, browser: Any, tmp_path: Path) -> None:
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    own, upright = exif()
    texts = PngImagePlugin.PngInfo()
    texts.add_text("Title", "a lake")
    texts.add_itxt("XML:com.adobe.xmp", "<x/>")
    xmp = b"<x:xmpmeta xmlns:x='adobe:ns:meta/'/>"
    jpeg = written("JPEG", exif=b"Exif\0\0" + own, icc_profile=profile, comment="a comment", xmp=xmp)
    photos: list[tuple[bytes, bytes | None, list[str]]] = [
        (jpeg, upright, ["XMP", "colour profile", "comment"]),
        (written("PNG", exif=own, icc_profile=profile, pnginfo=texts), upright, ["XMP", "colour profile", "texts"]),
        (written("WEBP", exif=b"Exif\0\0" + own, icc_profile=profile, xmp=xmp), upright, ["XMP", "colour profile"]),
        (written("JPEG"), None, []),
        (written("PNG"), None, []),
        (written("BMP"), None, []),
        (written("JPEG", exif=b"Exif\0\0MM\0*\xff\xff\xff\xff"), None, ["EXIF, which is damaged"]),
        (written("TIFF"), None, ["all metadata"]),
        (jpeg[:30], None, ["EXIF, which is damaged"]),
    ]
    browser.get(f"{site.as_uri()}/index.html")
    for content, kept, lost in photos:
        found, said = browser.execute_script(READ, list(content))
        assert (bytes(found) if found else None) == kept and sorted(said) == lost

    image = np.zeros((30, 40, 3), np.uint8)
    image[:, 20:] = 200
    Image.fromarray(image).save(tmp_path / "side.jpg", exif=b"Exif\0\0" + own, icc_profile=profile, quality=95)
    one(browser, "#file").send_keys(str(tmp_path / "side.jpg"))
    until(lambda: one(browser, "#message").text.startswith("No face found."))
    browser.find_elements("css selector", "#results .download")[0].click()
    path = tmp_path / "downloads" / "side-gender-1.png"
    until(path.exists)
    said = "Saved as PNG with the photo's EXIF. Of the photo's file this is not kept: colour profile."
    until(lambda: one(browser, "#message").text == said)
    with Image.open(path) as made:
        assert made.size == (30, 40) and np.asarray(made.convert("L"))[[5, 35], 15].tolist() == pytest.approx([0, 200], abs=5)
        assert made.info["exif"].removeprefix(b"Exif\0\0") == upright
        tags = made.getexif()
        assert tags[ExifTags.Base.Make] == "A camera" and tags.get_ifd(ExifTags.IFD.GPSInfo)
        assert not tags.get_ifd(ExifTags.IFD.IFD1), "no thumbnail"
        assert read_packet(made.info["xmp"])["Attribute"] == "Male=false"
    assert not errors(browser)
