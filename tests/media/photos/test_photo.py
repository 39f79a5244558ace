"""Subjects are cut as the training images were, and put back where they were."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from attrxfer.errors import AttrxferError, UnknownName
from attrxfer.interfaces import Framing
from attrxfer.media.images import frame
from attrxfer.media.photos import Photos, load_detector
from attrxfer.media.photos.similarity import Similarity, estimate_similarity, extract_crop, warp_back
from attrxfer.plugin.host import Host
from tests.media.photos.conftest import ALIGNMENT, SIZE, Fake, Fixed, noise, smooth, subject


@pytest.mark.parametrize("degrees", [0, 17, -40, 90, 180])
@pytest.mark.parametrize("scale", [0.6, 1, 2.5, 9])
@pytest.mark.parametrize("shift", [(0, 0), (31.4, -7.2)])
def test_a_square_is_found_again_to_the_fraction_of_a_pixel(degrees: float, scale: float, shift: tuple[float, float]) -> None:
    x, y = 100 + shift[0], 90 + shift[1]
    found = estimate_similarity(subject(x, y, scale, degrees), ALIGNMENT, SIZE)
    assert found is not None and found.side == pytest.approx(SIZE * scale, rel=1e-5)
    np.testing.assert_allclose(found.corners().mean(0), [x + 0.5, y + 0.5], atol=1e-3)
    upper_left = np.array([-1, -1]) * SIZE * scale / 2
    turn = np.radians(degrees)
    turned = [[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]] @ upper_left
    np.testing.assert_allclose(found.corners()[0], [turned[0] + x + 0.5, turned[1] + y + 0.5], atol=1e-3)


def test_least_squares_evens_out_what_a_finder_gets_wrong() -> None:
    wrong = np.random.default_rng(0).normal(0, 1, (5, 2)).astype(np.float32)
    found = estimate_similarity(subject(60, 60, 3) + wrong, ALIGNMENT, SIZE)
    assert found is not None
    np.testing.assert_allclose(found.corners().mean(0), [60.5, 60.5], atol=3)


def test_points_in_one_place_or_none_are_no_subject() -> None:
    assert estimate_similarity(np.zeros((5, 2), np.float32), ALIGNMENT, SIZE) is None
    assert estimate_similarity(np.full((5, 2), np.nan, np.float32), ALIGNMENT, SIZE) is None


def least_squares(points: NDArray[np.floating], alignment: NDArray[np.floating]) -> tuple[complex, complex]:
    """The closed form: w = rotation z + translation for points as complex numbers, from the pixels' corners."""
    z, w = (pairs[:, 0] + 1j * pairs[:, 1] + (0.5 + 0.5j) for pairs in np.asarray([points, alignment], np.float64))
    away = z - z.mean()
    rotation = complex((w * away.conj()).sum() / (away * away.conj()).real.sum())
    return rotation, complex(w.mean() - rotation * z.mean())


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("count", [2, 3, 5, 68])
def test_the_similarity_is_the_least_squares_one(seed: int, count: int) -> None:
    random = np.random.default_rng(seed)
    points, alignment = random.uniform(0, 400, (count, 2)), random.uniform(0, 64, (count, 2))
    if seed == 0:
        points[:, 1] = 100  # on a line
    elif seed == 1:
        points = alignment * [-1, 1] + 200  # mirrored: the best one without mirroring
    found = estimate_similarity(points.astype(np.float32), alignment.astype(np.float32), SIZE)
    assert found is not None
    rotation, translation = least_squares(points.astype(np.float32), alignment.astype(np.float32))
    np.testing.assert_allclose([found.rotation, found.translation], [rotation, translation], rtol=1e-9, atol=1e-9)


def test_a_point_alone_or_an_alignment_in_one_place_gives_no_similarity() -> None:
    assert estimate_similarity(ALIGNMENT[:1], ALIGNMENT[:1], SIZE) is None
    assert estimate_similarity(ALIGNMENT, np.full((5, 2), 7, np.float32), SIZE) is None


def test_an_upright_crop_is_what_the_training_images_framing_gives() -> None:
    framing = Framing((178, 218), (20, 30, 130, 130))
    image = noise(218, 178)
    own = Similarity(SIZE, complex(SIZE / 130), complex(-20, -30) * SIZE / 130)
    np.testing.assert_array_equal(extract_crop(image, own), frame(Image.fromarray(image), framing, SIZE))


@pytest.mark.parametrize(("degrees", "scale"), [(20, 1.0), (-33, 2.5), (8, 0.7), (45, 6.0)])
def test_where_it_was_cut_it_is_put_back_within_half_a_pixel(degrees: float, scale: float) -> None:
    """A blob of the photo is seen in the crop where the points say, and a blob of the crop lands on it again."""
    image = np.zeros((300, 320, 3), np.float32)
    y, x = np.mgrid[:300, :320]
    spread = 9 * scale**2
    image[:] = 255 * np.exp(-((x - 161.3) ** 2 + (y - 147.7) ** 2) / spread)[..., None]
    own = estimate_similarity(subject(158, 150, scale, degrees), ALIGNMENT, SIZE)
    assert own is not None
    crop = extract_crop(image.astype(np.uint8), own)
    wanted = (own.rotation * complex(161.8, 148.2) + own.translation) - (0.5 + 0.5j)
    np.testing.assert_allclose(centre(crop[..., 0]), [wanted.real, wanted.imag], atol=0.1)
    box = own.bounding_box(320, 300)
    back = warp_back(crop[..., :1].astype(np.float32), own, box)[..., 0]
    found = centre(back) + box[:2]
    assert np.abs(found - [161.3, 147.7]).max() < 0.5


def centre(values: NDArray[np.generic]) -> NDArray[np.float64]:
    weight = np.asarray(values, np.float64).clip(0)
    y, x = np.mgrid[: weight.shape[0], : weight.shape[1]]
    return np.array([(x * weight).sum(), (y * weight).sum()]) / weight.sum()


def test_a_large_subject_is_reduced_without_aliasing() -> None:
    """Lines a pixel wide, which every second or third pixel of a poor reduction would hit or miss."""
    image = np.zeros((1000, 1000, 3), np.uint8)
    image[:, ::2] = 255
    for degrees in (0, 10):
        own = estimate_similarity(subject(500, 500, 20, degrees), ALIGNMENT, SIZE)
        assert own is not None
        assert np.abs(extract_crop(image, own).astype(int) - 127).max() <= 3


def test_a_square_over_the_border_sees_the_border_go_on() -> None:
    image = np.full((60, 60, 3), 200, np.uint8)
    for x, y, degrees in ((2, 30, 0), (58, 3, 25), (-10, 30, 0)):
        own = estimate_similarity(subject(x, y, 1.5, degrees), ALIGNMENT, SIZE)
        assert own is not None and (np.abs(extract_crop(image, own).astype(int) - 200) <= 1).all()


# ---------------------------------------------------------------- whole photos


def test_a_transfer_that_changes_nothing_leaves_every_bit() -> None:
    image = noise()
    for points in ([subject(80, 60, 2, 12)], [subject(3, 4, 3), subject(150, 100, 1)], []):
        changed = Photos(Fake(light=0), Fixed(*points))(image)
        np.testing.assert_array_equal(changed.image, image)
        assert changed.points.shape == (len(points), 5, 2)


@pytest.mark.parametrize("points", [[subject(80, 60, 2, 20)], [subject(60, 60, 2), subject(100, 62, 2)], [subject(2, 2, 2)]])
def test_outside_the_mask_every_bit_stays_and_inside_it_changes(points: list[NDArray[np.float32]]) -> None:
    image = noise()
    before = image.copy()
    changed = Photos(Fake(), Fixed(*points))(image)
    mask = changed.mask
    assert mask is not None and mask.dtype == np.float32 and mask.shape == (120, 160) and 0 <= mask.min() <= mask.max() <= 1
    np.testing.assert_array_equal(image, before)
    np.testing.assert_array_equal(changed.image[mask == 0], image[mask == 0])
    assert (changed.image != image).any() and (mask == 0).any()


def test_a_change_fades_before_the_border_of_its_square() -> None:
    image = np.full((120, 160, 3), 100, np.uint8)
    shifted = Fake()
    shifted.images = lambda images_u8, strength=1.0: stripes(images_u8)  # type: ignore[method-assign]
    column = Photos(shifted, Fixed())(image, points=subject(80, 60, 3)[None]).image[:, 80, 0].astype(int)
    assert column[60] > 130 and np.abs(np.diff(column)).max() <= 5, "no seam"


def stripes(uint8: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Brighter by 40 in the middle half, also across the border above and below."""
    out = uint8.copy()
    out[:, :, SIZE // 4 : -SIZE // 4] += 40
    return out


def test_a_colour_that_drifts_everywhere_is_brought_back() -> None:
    image = smooth()
    drifting = Fake()
    drifting.images = lambda images_u8, strength=1.0: images_u8 - np.uint8(12)  # type: ignore[method-assign]
    np.testing.assert_array_equal(Photos(drifting, Fixed(subject(80, 60, 2)))(image).image, image)


def test_texture_stays_where_the_change_is_small_and_goes_where_it_is_large() -> None:
    image = (np.indices((240, 240)).sum(0) % 2 * 40 + 80).astype(np.uint8)[..., None].repeat(3, 2)
    texture = []
    for light in (8, 150):
        changed = Photos(Fake(light=light), Fixed(subject(120, 120, 6)))(image).image
        texture.append(float(np.abs(np.diff(changed[115:125, 115:125, 0].astype(int), axis=1)).mean()))
    assert texture[0] > 35 and texture[1] < 10


def test_subjects_go_through_the_transfer_in_one_batch_and_strength_is_handed_on() -> None:
    transfer = Fake()
    photos = Photos(transfer, Fixed(subject(40, 60, 1), subject(110, 60, 1)))
    half, whole = (photos(smooth(), strength).image.astype(int) for strength in (0.5, 1.0))
    assert [len(batch) for batch in transfer.batches] == [2, 2]
    gain = (whole - smooth())[60, 40].mean() / (half - smooth())[60, 40].mean()
    assert 1.7 < gain < 2.3


def test_overlapping_squares_share_their_pixels() -> None:
    """Twice the same subject changes the photo as much as once."""
    image = smooth()
    once, twice = (Photos(Fake(), Fixed(*[subject(80, 60, 2)] * n))(image).image.astype(int) for n in (1, 2))
    assert np.abs(once - twice).max() <= 1
    mask = Photos(Fake(), Fixed(subject(70, 60, 2), subject(95, 60, 2)))(image).mask
    assert mask is not None and mask.max() <= 1 + 1e-5


def test_points_that_are_given_are_not_looked_for() -> None:
    blind = Fixed()
    blind.detect = lambda image: pytest.fail("looked for")  # type: ignore[method-assign]
    photos = Photos(Fake(), blind)
    assert (photos(noise(), points=subject(80, 60, 2)[None]).image != noise()).any()
    nobody = photos(noise(), points=np.zeros((0, 5, 2), np.float32))
    assert nobody.mask is None and (nobody.image == noise()).all()


def test_tiny_and_impossible_subjects_are_left_alone() -> None:
    photos = Photos(Fake(), Fixed())
    part = photos.extract(noise(), np.stack([subject(80, 60, 0.5), subject(40, 40, 1), np.zeros((5, 2), np.float32)]))
    assert len(part.similarities) == 1 and part.too_small == (1, 3) and part.boxes() == [(24, 24, 57, 57)]
    assert part.numbers == (2,) and part.only(np.array([False])).numbers == ()
    away = photos(noise(), points=subject(-300, -300, 2)[None])
    np.testing.assert_array_equal(away.image, noise())


def test_a_bundle_without_alignment_is_refused() -> None:
    with pytest.raises(AttrxferError, match="does not say how its training images were aligned"):
        Photos(Fake(alignment=None), Fixed())


# ---------------------------------------------------------------- finders by name


def test_finders_by_name_and_what_is_said_of_others(host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(UnknownName, match='did you mean "dlib"'):
        load_detector("dlb", host.registry)
    with pytest.raises(AttrxferError, match="locator landmarks detects nothing in photos; these do: auto, dlib"):
        load_detector("landmarks", host.registry)
    monkeypatch.setattr("attrxfer_faces.locator.missing_dlib", lambda: ["dlib: pip install 'attrxfer[faces]'"])
    with pytest.raises(AttrxferError, match=r"missing: dlib: pip install 'attrxfer\[faces\]'; .*--aligned"):
        load_detector("dlib", host.registry)
