"""Whole image files through a model of patches: size, format and metadata stay, nothing is detected."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from attrxfer.errors import AttrxferError
from attrxfer.media.provenance import read_packet
from attrxfer.plugin.host import Host
from attrxfer.workflows import transfer as workflow
from attrxfer.workflows.transfer import TransferOptions, transfer
from tests.media.photos.conftest import SIZE, Fake, smooth


class Negative(Fake):
    """Makes negatives; notes the shapes that it was given."""

    def __init__(self, reach: int | None = 3) -> None:
        super().__init__(alignment=None)
        self.reach = reach

    def images(self, images_u8: NDArray[np.uint8], strength: float = 1.0) -> NDArray[np.uint8]:
        self.batches.append(images_u8)
        return np.rint(images_u8 + strength * (255.0 - 2 * images_u8.astype(float))).astype(np.uint8)


@pytest.fixture
def negative(monkeypatch: pytest.MonkeyPatch) -> Negative:
    model = Negative()
    monkeypatch.setattr(workflow, "load_model", lambda *arguments, **named: model)
    return model


def pixels(path: Path) -> NDArray[np.uint8]:
    with Image.open(path) as image:
        return np.asarray(image.convert("RGB"))


def test_an_image_keeps_its_size_format_and_metadata(negative: Negative, tmp_path: Path, host: Host) -> None:
    source = tmp_path / "a.png"
    photo = Image.fromarray(smooth()).resize((90, 70))
    exif = photo.getexif()
    exif[271] = "Camera"
    photo.save(source, exif=exif, dpi=(300, 300))
    result = transfer("model", [source], tmp_path / "out", host)
    assert result.batch.files[0].outcome == "changed"
    with Image.open(tmp_path / "out" / "a.png") as image:
        assert image.size == (90, 70) and image.format == "PNG" and image.getexif()[271] == "Camera"
        assert read_packet(image.info["xmp"])["Model"].startswith("smile")
    assert np.array_equal(pixels(tmp_path / "out" / "a.png"), 255 - pixels(source))
    assert {batch.shape for batch in negative.batches} == {(1, 80, 96, 3)}, "not resized: continued to multiples of 16"
    assert SIZE < 70


def test_a_large_image_is_given_in_tiles(negative: Negative, tmp_path: Path, host: Host) -> None:
    image = np.random.default_rng(0).integers(0, 256, (1300, 40, 3)).astype(np.uint8)
    Image.fromarray(image).save(tmp_path / "a.png")
    transfer("model", [tmp_path / "a.png"], tmp_path / "out", host, TransferOptions(strength=0.5))
    assert len(negative.batches) == 3 and max(batch.shape[1] for batch in negative.batches) == 512
    assert np.abs(pixels(tmp_path / "out" / "a.png").astype(float) - 127.5).max() <= 1


def test_a_folder_broken_files_and_strength_zero(negative: Negative, tmp_path: Path, host: Host) -> None:
    (tmp_path / "in").mkdir()
    Image.fromarray(smooth()).save(tmp_path / "in" / "a.jpg")
    (tmp_path / "in" / "b.jpg").write_bytes(b"no image")
    result = transfer("model", [tmp_path / "in"], tmp_path / "out", host)
    assert [file.outcome for file in result.batch.files] == ["changed", "broken"]
    assert [line["outcome"] for line in json.loads((tmp_path / "out" / "manifest.json").read_text())["images"]] == [
        "changed",
        "broken",
    ]
    transfer("model", [tmp_path / "in" / "a.jpg"], tmp_path / "zero", host, TransferOptions(strength=0))
    assert (tmp_path / "zero" / "a.jpg").read_bytes() == (tmp_path / "in" / "a.jpg").read_bytes()


@pytest.mark.parametrize(
    ("options", "named"),
    [
        (TransferOptions(aligned=True), "--aligned"),
        (TransferOptions(largest=1), "--subjects"),
        (TransferOptions(numbers=(2,)), "--subjects"),
        (TransferOptions(detector="dlib"), "--detector"),
        (TransferOptions(keep_identity=0.5), "--keep-identity"),
    ],
)
def test_options_for_subjects_are_refused(
    options: TransferOptions, named: str, negative: Negative, tmp_path: Path, host: Host
) -> None:
    Image.fromarray(smooth()).save(tmp_path / "a.png")
    with pytest.raises(AttrxferError, match=f"transfers whole images at their own size: leave {named} out"):
        transfer("model", [tmp_path / "a.png"], tmp_path / "out", host, options)
    assert not (tmp_path / "out").exists()


def test_what_looks_farther_than_can_be_measured_is_said(negative: Negative, tmp_path: Path, host: Host) -> None:
    negative.reach = 128
    Image.fromarray(smooth()).save(tmp_path / "a.png")
    (file,) = transfer("model", [tmp_path / "a.png"], tmp_path / "out", host).batch.files
    assert file.written.notes == ["the network looks farther than 128 pixels: in large images, parts may differ in tone"]


def test_a_model_of_subjects_is_as_before(negative: Negative, tmp_path: Path, host: Host) -> None:
    negative.reach = None
    Image.fromarray(smooth()).save(tmp_path / "a.png")
    with pytest.raises(AttrxferError, match="does not say how its training images were aligned"):
        transfer("model", [tmp_path / "a.png"], tmp_path / "out", host)
