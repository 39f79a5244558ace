"""What the page's controls do, without a page."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from attrxfer_demo import studio as studios
from attrxfer_demo.studio import Ready, Studio
from numpy.typing import NDArray
from PIL import Image
from skimage.data import astronaut

from attrxfer.errors import DataError
from attrxfer.media import provenance
from tests.attrxfer_demo.conftest import SIZE, Negative, offer
from tests.conftest import load_bundle

Make = Callable[..., SimpleNamespace]
FACE = (120.0, 20.0, 150.0)


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    """A JPEG with EXIF."""
    exif = Image.Exif()
    exif[0x010F] = "a camera"
    path = tmp_path / "her photo.jpg"
    Image.fromarray(astronaut()).save(path, quality=95, exif=exif)
    return path


def pixels(path: Path) -> NDArray[np.int16]:
    return np.asarray(Image.open(path).convert("RGB")).astype(np.int16)


def test_faces_are_found_and_transferred_once_and_the_slider_blends(a_studio: Make, photo: Path) -> None:
    made = a_studio(FACE)
    view = made.studio.look(str(photo), 0, crop=False)
    assert view.message == "1 face found." and not view.faceless
    assert view.middle == pytest.approx(100 * (120 + 75) / 512, abs=0.3)
    shown = {strength: made.studio.show(view.key, strength) for strength in (0, 0.5, 1, 1.5)}
    assert made.transfer.asked == made.detector.asked == 1
    befores = {before for before, _ in shown.values()}
    assert len(befores) == 1
    before = pixels(befores.pop())
    changes = [np.abs(pixels(after) - before)[60:130, 160:230].mean() for _, after in shown.values()]
    assert changes[0] == 0 and changes[1] > 10 and changes[2] > changes[1] + 10 and changes[3] > changes[2]


@pytest.mark.parametrize("strength", [0.3, 1.0, 1.5])
def test_what_is_shown_is_what_a_transfer_makes(a_studio: Make, photo: Path, strength: float) -> None:
    made = a_studio(FACE, (300, 250, 90))
    own = made.studio.offers[0]
    ready = Ready(photo, own, crop=False)
    assert np.array_equal(ready.after(strength), own.photos(pixels(photo).astype(np.uint8), strength).image)


def test_any_strength_is_the_bundles_own_result_to_the_bit(trained: Path, photo: Path) -> None:
    transfer = load_bundle(trained)
    ready = Ready(photo, offer(transfer, None), crop=True)
    for strength in (0, 0.35, 1, 1.5):
        assert np.array_equal(ready.results(strength), transfer.images(ready.crops, strength))


def test_a_photo_that_is_gone_is_an_error_with_its_name(a_studio: Make, photo: Path) -> None:
    studio = a_studio(FACE).studio
    key = studio.look(str(photo), 0, crop=False).key
    for number in range(studios.PHOTOS + studios.REMEMBERED):
        other = photo.with_stem(f"other {number}")
        other.write_bytes(photo.read_bytes())
        studio.look(str(other), 0, crop=False)
    photo.unlink()
    with pytest.raises((DataError, OSError), match="her photo.jpg"):
        studio.show(key, 0.5)


def test_a_download_has_the_photos_size_format_metadata_and_says_how_it_was_made(a_studio: Make, photo: Path) -> None:
    made = a_studio(FACE)
    key = made.studio.look(str(photo), 0, crop=False).key
    path = made.studio.save(key, 0.8)
    assert path.name == "her photo-negative-0.8.jpg"
    with Image.open(path) as image:
        assert image.format == "JPEG" and image.size == (512, 512) and image.getexif()[0x010F] == "a camera"
        said = provenance.read_packet(image.info["xmp"])
    assert said["DigitalSourceType"] == provenance.SOURCE_TYPE
    assert (said["Model"], said["Attribute"], said["Strength"]) == ("negative", "Dark=true", "0.8")
    assert made.studio.save(key, 0).read_bytes() == photo.read_bytes(), "at strength 0 it is the photo itself"


def test_what_of_a_file_cannot_be_kept_is_said(a_studio: Make, photo: Path) -> None:
    two = photo.with_name("two views.mpo")
    view = Image.open(photo)
    view.save(two, "MPO", save_all=True, append_images=[view.rotate(5)])
    assert a_studio(FACE).studio.look(str(two), 0, crop=False).message == "1 face found. Only its first image is kept."


@pytest.mark.slow
def test_a_large_photo_is_shown_small_and_saved_whole(a_studio: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(studios, "VIEW", 128)
    path = tmp_path / "large.png"
    Image.fromarray(astronaut()).save(path)
    made = a_studio(FACE)
    key = made.studio.look(str(path), 0, crop=False).key
    before, after = (pixels(shown) for shown in made.studio.show(key, 1.0))
    whole = Image.open(made.studio.save(key, 1.0))
    assert before.shape == after.shape == (128, 128, 3) and whole.size == (512, 512)
    reduced = np.asarray(whole.resize((128, 128), Image.Resampling.LANCZOS)).astype(np.int16)
    assert np.abs(reduced - before).max() > 60 and np.abs(reduced - after).mean() < 2


def test_no_face_is_said_and_the_image_can_be_taken_as_a_crop(a_studio: Make, photo: Path) -> None:
    made = a_studio()
    view = made.studio.look(str(photo), 0, crop=False)
    assert view.key is None and view.faceless and view.message.startswith("No face found in this image")
    view = made.studio.look(str(photo), 0, crop=True)
    assert view.message == f"The image is taken as one crop; its result has {SIZE} pixels a side."
    assert made.studio.command(view.key, 0.8) == (
        "attrxfer transfer runs/negative 'her photo.jpg' --aligned --strength 0.8 -o out"
    )
    before, after = (pixels(shown) for shown in made.studio.show(view.key, 1.0))
    assert before.shape == (SIZE, SIZE, 3) and np.abs(255 - before - after).mean() < 2, "a negative, but for JPEG's loss"
    with Image.open(made.studio.save(view.key, 1.0)) as image:
        assert image.size == (SIZE, SIZE) and provenance.read_packet(image.info["xmp"])["Strength"] == "1"


def test_several_faces_are_counted_and_tiny_ones_named(a_studio: Make, photo: Path) -> None:
    def words(*squares: tuple[float, float, float]) -> str:
        return str(a_studio(*squares).studio.look(str(photo), 0, crop=False).message)

    assert words(FACE, (300, 250, 90)) == "2 faces found; all are changed."
    assert words(FACE, (300, 250, 90), (10, 10, 12)) == "3 faces found; 2 are changed. 1 smaller than 24 pixels left as it is."
    assert words((10, 10, 12)) == "1 face found, smaller than 24 pixels: it is left as it is."


def test_what_is_no_image_is_said_by_its_name(a_studio: Make, photo: Path, tmp_path: Path) -> None:
    studio = a_studio(FACE).studio
    (tmp_path / "letter.jpg").write_text("Dear")
    assert studio.look(str(tmp_path / "letter.jpg"), 0, crop=False).message == "letter.jpg: not an image."
    (tmp_path / "half.jpg").write_bytes(photo.read_bytes()[:9000])
    view = studio.look(str(tmp_path / "half.jpg"), 0, crop=False)
    assert view.key is None and view.message.startswith("half.jpg: ") and "truncated" in view.message
    assert not view.faceless, "a crop of it is no remedy"


def test_a_bundle_without_alignment_takes_every_image_as_a_crop(photo: Path, tmp_path: Path) -> None:
    studio = Studio([offer(Negative(alignment=None), None)], tmp_path / "files")
    view = studio.look(str(photo), 0, crop=False)
    assert view.key is not None and view.message.startswith("The image is taken as one crop")
    assert "--aligned" in studio.command(view.key, 1.0)


class WholeNegative(Negative):
    """Transfers whole images."""

    reach = 3

    def __init__(self) -> None:
        super().__init__(alignment=None)


def test_a_model_of_whole_images_gets_the_photo_at_its_own_size(photo: Path, tmp_path: Path) -> None:
    studio = Studio([offer(WholeNegative(), None)], tmp_path / "files")
    view = studio.look(str(photo), 0, crop=False)
    assert view.key is not None and view.message == "The whole image is transferred, at its own size."
    saved = studio.save(view.key, 1.0)
    assert pixels(saved).shape == (512, 512, 3) and np.abs(pixels(saved) + pixels(photo) - 255).mean() < 3
    assert "--aligned" not in studio.command(view.key, 1.0)


def test_a_crowd_has_files_of_names_that_a_disk_takes(a_studio: Make, photo: Path) -> None:
    crowd = [(left, top, 26.0) for left in range(5, 480, 30) for top in range(5, 200, 30)]
    studio = a_studio(*crowd).studio
    key = studio.look(str(photo), 0, crop=False).key
    some, others = list(range(2, 100)), list(range(3, 101))
    assert studio.marked(key).name == "marked.jpg" and studio.marked(key, [2, 5]).name == "2+5-marked.jpg"
    made = [path for numbers in (some, others) for path in (studio.marked(key, numbers), studio.show(key, 1.0, numbers)[1])]
    assert len({*made, studio.save(key, 1.0, some), studio.save(key, 1.0, others)}) == 6, "each choice has its own"


def test_a_photo_is_to_be_dropped_again_only_where_it_is_gone(photo: Path) -> None:
    gr = pytest.importorskip("gradio")
    from attrxfer_demo.controls import errors_on_the_page

    for remedy in ("disk full.", "disk full. Drop the photo again."):
        with pytest.raises(gr.Error) as raised, errors_on_the_page(str(photo)):
            raise OSError("disk full")
        assert raised.value.message == remedy
        photo.unlink(missing_ok=True)
