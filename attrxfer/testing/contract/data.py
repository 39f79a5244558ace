"""Checks of data sets, selections and locators."""

from __future__ import annotations

import numpy as np
import torch

from attrxfer.errors import DataError
from attrxfer.interfaces import Batch, Broken, ChecksData, Detector
from attrxfer.testing.fakes import COUNT, SIZE, tiny_data
from attrxfer.testing.subject import Subject


def check_labels_are_of_one_length(subject: Subject) -> None:
    records = subject.build().records()
    count = len(records)
    assert count and len(set(records.names)) == count, "names must be there and unique"
    for name, values in records.attributes.items():
        assert values.shape == (count,) and values.dtype == bool, name
    assert records.split.shape == (count,) and records.split.dtype == np.uint8 and records.split.max() <= 2
    assert records.identity is None or records.identity.shape == (count,)
    assert records.landmarks is None or (records.landmarks.shape[0] == count and records.landmarks.shape[2] == 2)


def check_no_person_is_in_two_splits(subject: Subject) -> None:
    records = subject.build().records()
    if records.identity is not None:
        for person in np.unique(records.identity):
            assert len(np.unique(records.split[records.identity == person])) == 1, f"person {person} is in two splits"


def check_images_are_read_in_any_order(subject: Subject) -> None:
    data = subject.build()
    last = len(data.records()) - 1
    forth, back = data.read([0, last]), data.read([last, 0])
    assert not all(isinstance(one, Broken) for one in forth), "no image can be read"
    for one, other in zip(forth, reversed(back), strict=True):
        if not isinstance(one, Broken):
            assert one.shape == (SIZE, SIZE, 3) and one.dtype == np.uint8 and np.array_equal(one, other)


def check_equal_settings_have_one_fingerprint(subject: Subject) -> None:
    assert subject.build().fingerprint() == subject.build().fingerprint() != subject.build(size=2 * SIZE).fingerprint()


def check_it_chooses_images(subject: Subject) -> None:
    kept = subject.build().keep(tiny_data().records)
    assert kept.shape == (COUNT,) and kept.dtype == bool


def check_masks_lie_where_the_image_does(subject: Subject) -> None:
    """Masks hold 0 and 1, and a mirrored image has a mirrored mask."""
    data, locator = tiny_data(), subject.build()
    if isinstance(locator, ChecksData):
        locator.check_data(data)
    rows = np.array([3, 3])
    plain, mirrored = locator.masks(data, Batch(data.images(rows), torch.zeros(2), rows, np.array([False, True])))
    assert plain.shape == (1, SIZE, SIZE) and plain.dtype == np.float32 and set(np.unique(plain)) <= {0, 1}
    assert np.array_equal(plain, mirrored[..., ::-1])
    # a drawn head is nothing to a detector
    assert isinstance(locator, Detector) or plain.any(), "the region of an image with known landmarks is empty"


def check_nothing_is_detected_in_an_empty_image(subject: Subject) -> None:
    """``detect`` gives float32 (0, P, 2) and does not change the image; ``reduce`` gives P points too. Detectors only."""
    locator = subject.build()
    if not isinstance(locator, Detector):
        return
    for height, width in ((48, 64), (301, 17)):
        empty = np.full((height, width, 3), 128, np.uint8)
        found = locator.detect(empty)
        assert found.ndim == 3 and found.shape[::2] == (0, 2) and found.dtype == np.float32, f"{found.shape} {found.dtype}"
        assert (empty == 128).all(), "the image was changed"
    landmarks = tiny_data().records.landmarks
    assert landmarks is not None
    try:
        reduced = locator.reduce(landmarks)
    except DataError:
        return  # landmarks that it does not know
    assert reduced.shape == (COUNT, found.shape[1], 2), "reduce and detect give different numbers of points"
