"""Subjects are marked in a photo, chosen by a click, and only those that are chosen are changed."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from attrxfer_demo.boxes import NumberedBox, clicked, draw_boxes
from PIL import Image
from skimage.data import astronaut

from attrxfer.media.processors import PhotoProcessor
from attrxfer.media.provenance import provenance_of

Make = Callable[..., SimpleNamespace]
LEFT, RIGHT, TINY = (20.0, 20.0, 150.0), (300.0, 250.0, 120.0), (400.0, 40.0, 12.0)


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    path = tmp_path / "us.png"
    Image.fromarray(astronaut()).save(path)
    return path


def test_a_click_is_that_of_the_nearest_box_that_holds_it() -> None:
    boxes = (NumberedBox(1, (0, 0, 100, 100)), NumberedBox(3, (80, 0, 120, 100)))
    assert [clicked(boxes, x, 50) for x in (10, 85, 99, 110, 130)] == [1, 3, 3, 3, None]


def test_boxes_of_chosen_subjects_are_coloured_and_others_are_white() -> None:
    boxes = (NumberedBox(1, (20, 20, 120, 120)), NumberedBox(2, (140, 20, 190, 120)))
    drawn = draw_boxes(np.zeros((200, 200, 3), np.uint8), boxes, [1])
    assert drawn[70, 20].tolist() == [0x25, 0x63, 0xEB] and drawn[70, 140].tolist() == [255, 255, 255]
    assert not drawn[70, 70].any(), "the photo inside is untouched"


def test_only_chosen_subjects_are_changed_and_the_command_says_which(a_studio: Make, photo: Path) -> None:
    made = a_studio(LEFT, RIGHT, TINY)
    view = made.studio.look(str(photo), 0, crop=False)
    assert [each.number for each in view.boxes] == [1, 2], "what is too small cannot be chosen"
    for number, (left, top, right, bottom) in view.boxes:
        x, y, side = (LEFT, RIGHT)[number - 1]
        assert x < left < x + side / 2 < right < x + side and y < top < y + side / 2 < bottom < y + side
    middle = made.studio.look(str(photo), 0, crop=False, numbers=[2]).middle
    assert middle == pytest.approx(100 * (300 + 60) / 512, abs=0.3), "the line lies on the face that is changed"
    before, after = (np.asarray(Image.open(each)).astype(int) for each in made.studio.show(view.key, 1.0, [2]))
    changed = np.abs(after - before).max(2) > 30
    assert not changed[20:170, 20:170].any() and changed[260:360, 310:410].any()
    assert "--subjects '#2' --strength 1" in made.studio.command(view.key, 1.0, [2])
    assert "--subjects" not in made.studio.command(view.key, 1.0)
    assert made.transfer.asked == made.detector.asked == 1, "another choice only blends"


@pytest.mark.parametrize("numbers", [(1,), (2,), (1, 2)])
def test_a_download_is_what_the_command_writes_for_the_chosen(
    a_studio: Make, photo: Path, tmp_path: Path, numbers: tuple[int, ...]
) -> None:
    studio = a_studio(LEFT, RIGHT).studio
    key, offer, out = studio.look(str(photo), 0, crop=False).key, studio.offers[0], tmp_path / "out.png"
    processor = PhotoProcessor(offer.photos, 0.8, None, provenance_of(offer.transfer, 0.8), numbers=numbers)
    item = processor.read(photo)
    assert item is not None
    processor.write(out, *processor.transfer([item]))
    assert studio.save(key, 0.8, numbers).read_bytes() == out.read_bytes()


@pytest.mark.parametrize(
    ("largest", "numbers", "changed", "too_small"), [(None, (2, 3), (2,), 1), (1, (), (1,), 0), (None, (), (1, 2), 1)]
)
def test_subjects_keep_their_numbers_where_some_are_chosen(
    a_studio: Make, photo: Path, largest: int | None, numbers: tuple[int, ...], changed: tuple[int, ...], too_small: int
) -> None:
    photos = a_studio(LEFT, RIGHT, TINY).studio.offers[0].photos
    item = PhotoProcessor(photos, 1.0, largest, numbers=numbers).read(photo)
    assert item is not None and item.crops.numbers == changed and item.crops.too_small == (3,)
    assert item.too_small == too_small, "only those that were to be changed"


def test_clicks_and_ticks_choose_the_same(a_studio: Make, photo: Path) -> None:
    gr = pytest.importorskip("gradio")
    from attrxfer_demo.photo_tab import NOBODY, PhotoTab

    with gr.Blocks():
        tab = PhotoTab(a_studio(LEFT, RIGHT).studio)
    path, chosen, crop = tab.take(str(photo))

    def look(chosen: Any) -> list[Any]:
        return tab.look(crop, path, 0, 1.0, chosen)

    def click(key: Any, chosen: Any, x: float, y: float) -> Any:
        return tab.click(key, chosen, gr.SelectData(None, {"index": [x, y], "value": None}))

    key, _, faces, message, *_, command, _ = look(chosen)
    assert faces["choices"] == [("1", 1), ("2", 2)] and faces["value"] == [1, 2] and faces["visible"]
    assert message == "2 faces found; all are changed." and "--subjects" not in command["value"]
    chosen = click(key, chosen, 95, 95)
    assert chosen == [2] == tab.tick(key, [2])
    *_, message, _, _, command, _ = look(chosen)
    assert message == "2 faces found; 1 is changed." and "--subjects '#2'" in command["value"]
    none = click(key, chosen, 360, 310)
    assert none == [] and look(none)[3] == NOBODY and not look(none)[-1]["visible"]
    assert click(key, [2], 95, 95) is None, "all are chosen again"
    assert click(key, None, 500, 5) == gr.skip(), "nobody is there"
    assert tab.take(None) == [None, None, False]
