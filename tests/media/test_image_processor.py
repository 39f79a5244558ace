"""Which processor an image file needs."""

from __future__ import annotations

import pytest

from attrxfer.media.image_processor import image_processor
from attrxfer.media.photos import Photos
from attrxfer.media.processors import CropProcessor, PhotoProcessor
from attrxfer.media.whole_images import WholeImageProcessor
from tests.media.video.made import Bright as BrightSquares
from tests.media.video.made import Dots


class Whole(Dots):
    """The same, which says that it transfers whole images."""

    reach: int | None = 4


@pytest.mark.parametrize(
    ("reach", "detects", "kind"),
    [
        (None, True, PhotoProcessor),
        (None, False, CropProcessor),
        (4, False, WholeImageProcessor),
        (4, True, WholeImageProcessor),
    ],
)
def test_whole_images_before_subjects_before_crops(reach: int | None, detects: bool, kind: type) -> None:
    model = Dots() if reach is None else Whole()
    photos = Photos(model, BrightSquares()) if detects else None
    made = image_processor(model, photos, 0.5, None, largest=2, numbers=(1, 3), only_without=True)
    assert type(made) is kind
    if isinstance(made, PhotoProcessor):
        assert (made.largest, made.numbers, made.only_without) == (2, (1, 3), True)
    elif isinstance(made, CropProcessor):
        assert made.only_without
