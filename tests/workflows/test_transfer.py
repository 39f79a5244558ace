"""The transfer workflow: which models, which words, which files."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from attrxfer.errors import AttrxferError
from attrxfer.interfaces import InputCheck
from attrxfer.media.batch import BatchOptions, FileResult
from attrxfer.media.provenance import SOURCE_TYPE, read_packet
from attrxfer.plugin.host import Host
from attrxfer.workflows import transfer as workflow
from attrxfer.workflows.transfer import TransferOptions, transfer
from tests.media.photos.conftest import Fake, Fixed, smooth, subject
from tests.media.video.made import Bright, Dots, moving, write


class Cats(Fixed):
    """Finds two cats."""

    subject = "cat"

    def __init__(self) -> None:
        super().__init__(subject(50, 60, 2), subject(120, 60, 1))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two photos."""
    made = tmp_path / "photos"
    made.mkdir()
    for name in ("a.png", "b.png"):
        Image.fromarray(smooth()).save(made / name)
    return made


@pytest.fixture
def cats(monkeypatch: pytest.MonkeyPatch) -> Fake:
    """A model of cats, which is what is loaded."""
    model = Fake()
    monkeypatch.setattr(workflow, "load_model", lambda *arguments, **named: model)
    monkeypatch.setattr(workflow, "load_detector", lambda *arguments: Cats())
    return model


def test_subjects_are_called_what_the_detector_calls_them(cats: Fake, folder: Path, tmp_path: Path, host: Host) -> None:
    result = transfer("model", [folder], tmp_path / "out", host)
    assert result.subject == "cat" and result.batch.files[0].written.subjects == 2
    lines = json.loads((tmp_path / "out" / "manifest.json").read_text())["images"]
    assert [len(line["cats"]) for line in lines] == [2, 2]
    Image.new("RGB", (90, 70), "grey").save(tmp_path / "nobody.png")
    (left,) = transfer("model", [tmp_path / "nobody.png"], tmp_path / "out", host).batch.files
    assert (left.outcome, left.reason) == ("copied", "no cat found")


def test_a_model_without_task_and_weights_gives_its_name_as_provenance(
    cats: Fake, folder: Path, tmp_path: Path, host: Host
) -> None:
    """A method knows neither."""
    cats.metadata, cats.guided, cats.alignment = {"method": {"use": "a_method"}}, {}, None
    cats.name = "a_method"
    transfer("a_method", [folder / "a.png"], tmp_path / "out", host, TransferOptions(aligned=True))
    with Image.open(tmp_path / "out" / "a.png") as image:
        assert read_packet(image.info["xmp"]) == {
            "DigitalSourceType": SOURCE_TYPE,
            "Model": "a_method",
            "Strength": "1",
        }


def test_a_method_of_a_data_set_is_refused_before_anything_is_written(folder: Path, tmp_path: Path, host: Host) -> None:
    for aligned in (False, True):
        with pytest.raises(AttrxferError, match="method input_copy makes results for images of a data set only"):
            transfer("input_copy", [folder], tmp_path / "out", host, TransferOptions(aligned=aligned))
    assert not (tmp_path / "out").exists()


def test_only_a_bundle_chooses_its_backend(cats: Fake, folder: Path, tmp_path: Path, host: Host) -> None:
    with pytest.raises(AttrxferError, match="model: only a bundle's networks can be run by another backend"):
        transfer("model", [folder], tmp_path / "out", host, TransferOptions(backend="onnx"))


@pytest.mark.slow
def test_shards_divide_photos_and_videos_together(tmp_path: Path, host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workflow, "load_model", lambda *arguments, **named: Dots())
    monkeypatch.setattr(workflow, "load_detector", lambda *arguments: Bright())
    folder = tmp_path / "in"
    folder.mkdir()
    write(folder / "a.mkv", moving(2))
    for name in ("b.png", "c.png"):
        Image.fromarray(moving(1)[0]).save(folder / name)
    write(folder / "d.mkv", moving(2))
    parts = []
    for part in (1, 2):
        options = TransferOptions(batch=BatchOptions(shard=(part, 2)))
        result = transfer("model", [folder], tmp_path / "out", host, options)
        parts.append([file.name.name for file in result.batch.files])
    assert parts == [["c.png", "a.mkv"], ["b.png", "d.mkv"]], "every second file; images before videos"
    assert {path.name for path in (tmp_path / "out").iterdir()} >= {"a.mkv", "b.png", "c.png", "d.mkv"}


def test_an_interrupted_folder_leaves_a_manifest_of_what_is_done(cats: Fake, folder: Path, tmp_path: Path, host: Host) -> None:
    def interrupt(file: FileResult, done: int, total: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        transfer("model", [folder], tmp_path / "out", host, on_result=interrupt)
    lines = json.loads((tmp_path / "out" / "manifest.json").read_text())["images"]
    assert [line["output"] for line in lines] == ["a.png"]


def test_no_video_is_a_crop(tmp_path: Path, cats: Fake, host: Host) -> None:
    write(tmp_path / "a.mkv", moving(2))
    with pytest.raises(AttrxferError, match="--aligned takes images only, and this is a video"):
        transfer("model", [tmp_path / "a.mkv"], tmp_path / "out", host, TransferOptions(aligned=True))


class Informed(Fake):
    """Knows its training images: the first subject of a photo has the attribute already, the last is unlike them."""

    certain = 0.97

    def __init__(self) -> None:
        super().__init__()
        self.metadata = {**self.metadata, "attribute": {}}

    def check_inputs(self, images_u8: NDArray[np.uint8]) -> InputCheck:
        guided, unlike = np.full(len(images_u8), 0.1), np.zeros(len(images_u8), bool)
        guided[0], unlike[-1] = self.certain, True
        return InputCheck(unlike, guided)


@pytest.fixture
def informed(cats: Fake, monkeypatch: pytest.MonkeyPatch) -> Informed:
    model = Informed()
    monkeypatch.setattr(workflow, "load_model", lambda *arguments, **named: model)
    return model


def test_what_the_model_knows_of_its_inputs_is_said(informed: Informed, folder: Path, tmp_path: Path, host: Host) -> None:
    transfer("model", [folder], tmp_path / "out", host)
    for line in json.loads((tmp_path / "out" / "manifest.json").read_text())["images"]:
        assert line["notes"] == [
            "1 cat is unlike the images that the model was trained on: expect a poor result",
            "1 cat seems to have the attribute already (97% certain)",
        ]
        assert len(line["cats"]) == 2, "and both are changed"


def test_only_without_leaves_alone_what_has_the_attribute(informed: Informed, folder: Path, tmp_path: Path, host: Host) -> None:
    informed.certain = 0.6
    (photo,) = transfer("m", [folder / "a.png"], tmp_path / "out", host, TransferOptions(only_without=True)).batch.files
    assert photo.written.subjects == 1
    assert "1 cat seems to have the attribute already, left alone" in photo.written.notes
    transfer("m", [folder / "a.png"], tmp_path / "both", host)
    one, both = (np.asarray(Image.open(tmp_path / name / "a.png")).astype(int) for name in ("out", "both"))
    changed = np.abs(both - smooth()).max((0, 2)) > 0
    assert (np.abs(one - smooth()).max((0, 2)) > 0).sum() < changed.sum(), "the first cat is as it was"
    options = TransferOptions(aligned=True, only_without=True)
    (crop,) = transfer("m", [folder / "a.png"], tmp_path / "crops", host, options).batch.files
    assert (crop.outcome, crop.reason) == ("copied", "1 crop seems to have the attribute already, left alone")
    informed.certain = 0.4
    (crop,) = transfer("m", [folder / "a.png"], tmp_path / "crops", host, options).batch.files
    assert crop.outcome == "changed"


def test_only_without_needs_a_model_that_can_tell(cats: Fake, folder: Path, tmp_path: Path, host: Host) -> None:
    with pytest.raises(AttrxferError, match="cannot tell which images have the attribute already: leave --only-without out"):
        transfer("m", [folder], tmp_path / "out", host, TransferOptions(only_without=True))


def test_only_without_takes_no_video(informed: Informed, tmp_path: Path, host: Host) -> None:
    write(tmp_path / "clip.mp4", moving(3))
    with pytest.raises(AttrxferError, match="clip.mp4: --only-without takes images only, and this is a video"):
        transfer("m", [tmp_path / "clip.mp4"], tmp_path / "out", host, TransferOptions(only_without=True))
