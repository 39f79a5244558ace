"""Several photos at once, in one archive; and models side by side."""

from __future__ import annotations

import os
import threading
import time
import zipfile
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from attrxfer_demo import several
from attrxfer_demo.several import Finished, transfer_photos
from attrxfer_demo.steps import Steps
from attrxfer_demo.studio import Studio
from numpy.typing import NDArray
from PIL import Image
from skimage.data import astronaut

from attrxfer.media import provenance
from tests.attrxfer_demo.conftest import Known, Negative, offer

Make = Callable[..., SimpleNamespace]
FACE = (120.0, 20.0, 150.0)


@pytest.fixture
def photos(tmp_path: Path) -> list[Path]:
    """Two photos of one name, and a file that is none."""
    exif = Image.Exif()
    exif[0x010F] = "a camera"
    paths = [tmp_path / "in" / folder / "me.jpg" for folder in ("a", "b")]
    for number, path in enumerate(paths):
        path.parent.mkdir(parents=True)
        Image.fromarray(np.roll(astronaut(), number, 1)).save(path, quality=95, exif=exif)
    (tmp_path / "in" / "letter.jpg").write_text("Dear")
    return [*paths, tmp_path / "in" / "letter.jpg"]


def test_the_archive_holds_the_files_that_a_transfer_writes(photos: list[Path], tmp_path: Path) -> None:
    own, folder = offer(Negative(), Known(FACE)), tmp_path / "files"
    folder.mkdir()
    *finished, archive = transfer_photos(own, photos, 0.8, folder)
    assert isinstance(archive, Path) and archive.name == "negative-0.8.zip"
    told = [step for step in finished if isinstance(step, Finished)]
    assert [(step.result.name.name, step.result.outcome, step.done, step.total) for step in told] == [
        *(("me.jpg", "changed", 1, 3), ("me-2.jpg", "changed", 2, 3), ("letter.jpg", "broken", 3, 3)),
    ]
    assert told[2].view is None and told[2].result.reason == "not an image" and told[0].view is not None
    studio = Studio([own], tmp_path / "one")
    with zipfile.ZipFile(archive) as file:
        assert file.namelist() == ["me-2.jpg", "me.jpg"]
        for name, photo in zip(("me.jpg", "me-2.jpg"), photos, strict=False):
            key = studio.look(str(photo), 0, crop=False).key
            assert key is not None and file.read(name) == studio.save(key, 0.8).read_bytes(), "as for one photo"
        with file.open("me.jpg") as one, Image.open(one) as image:
            assert image.getexif()[0x010F] == "a camera"
            assert provenance.read_packet(image.info["xmp"])["Strength"] == "0.8"
    kept = [path.name for path in folder.rglob("*") if path.is_file()]
    assert sorted(kept) == ["me-2.jpg.jpg", "me.jpg.jpg", "negative-0.8.zip"], "results are kept once"


def test_photos_that_wait_for_long_are_not_deleted(photos: list[Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(several, "KEPT_EVERY", 0.0)
    folder = tmp_path / "files"
    folder.mkdir()
    for photo in photos:
        os.utime(photo, (0, 0))
    steps = iter(transfer_photos(offer(Negative(), Known(FACE)), photos, 1.0, folder))
    next(steps)
    assert all(photo.stat().st_mtime > 0 for photo in photos)
    photos[2].unlink()
    assert len([step for step in steps if isinstance(step, Finished)]) == 2, "a file that is gone ends nothing"


class Waiting(Negative):
    """Goes on with a second photo only when it may."""

    def __init__(self) -> None:
        super().__init__()
        self.may, self.photos = threading.Event(), 0

    def images(self, uint8: NDArray[np.uint8], strength: float = 1.0) -> NDArray[np.uint8]:
        self.photos += 1
        if self.photos > 1:
            self.may.wait(30)
        return super().images(uint8, strength)


def test_stopped_work_ends_at_its_next_step(photos: list[Path], tmp_path: Path) -> None:
    transfer = Waiting()
    steps = transfer_photos(offer(transfer, Known(FACE)), photos, 1.0, tmp_path)
    told = []
    for step in steps:
        told.append(step)
        steps.stop()
        transfer.may.set()
    assert len(told) == 1 and not list(tmp_path.rglob("*.zip"))


def test_closing_waits_for_no_step_and_the_work_cleans_up_after_it() -> None:
    next_step, cleaned = threading.Event(), threading.Event()

    def work(tell: Callable[[int], None]) -> None:
        try:
            tell(1)
            next_step.wait(30)
            tell(2)
            pytest.fail("it goes on")
        finally:
            cleaned.set()

    told = iter(Steps(work))
    assert next(told) == 1
    began = time.monotonic()
    told.close()  # type: ignore[attr-defined]
    assert time.monotonic() - began < 10 and not cleaned.is_set()
    next_step.set()
    assert cleaned.wait(10)


def test_an_error_of_the_work_is_that_of_its_steps() -> None:
    def work(tell: Callable[[int], None]) -> None:
        tell(1)
        raise OSError("disk full")

    told = iter(Steps(work))
    assert next(told) == 1
    with pytest.raises(OSError, match="disk full"):
        next(told)


def test_models_side_by_side_have_a_result_and_a_command_each(photos: list[Path], tmp_path: Path) -> None:
    gr = pytest.importorskip("gradio")
    from attrxfer_demo.compare_tab import EMPTY, NONE, CompareTab

    both = [offer(Negative(), Known(FACE)), offer(Negative(), Known(FACE))]
    with gr.Blocks():
        tab = CompareTab(Studio(both, tmp_path / "files"))
    keys, message, results, command, download = tab.look(str(photos[0]), [0, 1], 1.0)
    assert message == "1 face found." and download["visible"]
    assert [name for _, name in results["value"]] == ["Before", "negative", "negative"]
    written = [path for folder in (tmp_path / "files").iterdir() for path in folder.iterdir()]
    assert sorted(written) == sorted(Path(path) for path, _ in results["value"]), "what is not shown, gradio does not delete"
    sizes = {max(Image.open(path).size) for path, _ in results["value"]}
    assert len(sizes) == 1 and 150 <= sizes.pop() <= 152, "only what is changed is shown"
    assert [line.split()[-1] for line in command["value"].splitlines()] == ["out/negative-1", "out/negative-2"]
    archives = [tab.save(keys, 1.0) for _ in range(2)]
    with zipfile.ZipFile(archives[0]) as file:
        assert file.namelist() == ["negative-1/me.jpg", "negative-2/me.jpg"]
    left = {path for path in (tmp_path / "files").rglob("*") if path.is_file()}
    assert left == {*written, *archives} and archives[0] != archives[1], "each visitor has an archive, and nothing else is left"
    assert tab.look(None, [0], 1.0)[1] == EMPTY and tab.look(str(photos[0]), [], 1.0)[1] == NONE
    assert tab.look(str(photos[2]), [0], 1.0)[1] == "letter.jpg: not an image."


def test_work_that_is_stopped_while_it_waits_does_not_begin() -> None:
    gr = pytest.importorskip("gradio")
    from attrxfer_demo.controls import Running

    me, other = (gr.Request(session_hash=name) for name in ("me", "other"))
    with gr.Blocks():
        running = Running("Change", "several")

    def told(request: Any) -> list[int]:
        work: Steps[int] = Steps(lambda tell: tell(1))
        return list(running.steps(work, request))

    running.wait(me)
    assert not running.stop(me)["interactive"]
    assert told(me) == [] and told(other) == [1]
    assert running.wait(me)[1]["value"] == "Stop" and told(me) == [1], "the next work is another one"
