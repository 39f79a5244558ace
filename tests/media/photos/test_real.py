"""Real photographs and dlib's detector."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from attrxfer_faces.celeba import CelebA
from attrxfer_synth.dataset import SyntheticFaces
from PIL import Image
from skimage.data import astronaut, coffee

from attrxfer.data import open_data
from attrxfer.interfaces import Detector
from attrxfer.media.photos import Photos, load_detector
from attrxfer.media.photos.similarity import estimate_similarity
from attrxfer.plugin.host import Host
from tests.media.photos.conftest import Fake

pytestmark = pytest.mark.slow

FACES = Path(__file__).parents[4] / "shared" / "data" / "celeba_subset"
EYES = np.array([[203.3, 101.5], [246.4, 103.9]])
"""Of the astronaut, by hand."""
ALIGNED = np.array([[11.8, 16.4], [19.7, 16.4], [15.7, 21.2], [12.2, 24.4], [19.3, 24.4]], np.float32)
"""CelebA's mean points at 32 pixels."""


@pytest.fixture(scope="module")
def dlib(host: Host) -> Detector:
    pytest.importorskip("dlib", reason="the extra faces is not installed")
    return load_detector("dlib", host.registry)


@pytest.mark.parametrize("degrees", [0, 20, -35])
@pytest.mark.parametrize("scale", [0.6, 1.0, 3.0])
def test_the_astronaut_is_found_turned_small_and_large(dlib: Detector, degrees: float, scale: float) -> None:
    image = Image.fromarray(astronaut()).crop((0, 0, 512, 400))
    image = image.resize((round(512 * scale), round(400 * scale)), Image.Resampling.LANCZOS)
    middle = np.array([image.width / 2, image.height / 2])
    turned = np.asarray(image.rotate(degrees, Image.Resampling.BICUBIC))
    found = dlib.detect(turned)
    assert found.shape == (1, 5, 2) and found.dtype == np.float32
    turn = np.radians(-degrees)
    wanted = (EYES * scale - middle) @ np.array([[np.cos(turn), np.sin(turn)], [-np.sin(turn), np.cos(turn)]]) + middle
    np.testing.assert_allclose(found[0, :2], wanted, atol=5 * scale)


def test_the_astronauts_photo_changes_at_her_face_only(dlib: Detector) -> None:
    changed = Photos(Fake(alignment=ALIGNED), dlib)(astronaut())
    different = (changed.image != astronaut()).any(2)
    rows, columns = np.nonzero(different)
    assert len(changed.points) == 1 and different[115, 225]
    assert columns.min() > 130 and columns.max() < 320 and rows.max() < 190
    assert changed.mask is not None and not different[changed.mask == 0].any()


def test_images_without_faces_and_strips_have_none(dlib: Detector) -> None:
    for image in (coffee(), np.zeros((1, 900, 3), np.uint8), np.zeros((2, 1, 3), np.uint8)):
        assert dlib.detect(image).shape == (0, 5, 2)


def test_drawn_and_photographed_training_data_give_the_same_five_points(dlib: Detector) -> None:
    drawn = SyntheticFaces(size=64, faces=40)
    data = open_data(drawn, selection=None, size=64)
    mean = data.mean_landmarks(np.arange(40))
    assert mean is not None and mean.shape == (68, 2)
    np.testing.assert_allclose(dlib.reduce(mean[None])[0], drawn.celeba_points(range(40)).mean(0), atol=1e-3)
    five = drawn.celeba_points(range(3))
    np.testing.assert_array_equal(dlib.reduce(five), five)


@pytest.mark.skipif(not FACES.is_dir(), reason="no CelebA images here")
def test_faces_anywhere_in_a_larger_image_are_framed_as_in_training(dlib: Detector) -> None:
    """Three photographs pasted into a scene, moved, turned and scaled: the square found is CelebA's crop turned likewise."""
    size, crop = 64, (9, 29, 160, 160)
    data = CelebA(path=FACES, size=size, crop=crop)
    records = data.records()
    assert records.landmarks is not None
    alignment = np.nanmean(records.landmarks[records.split == 0], axis=0)
    scene = Image.fromarray(coffee()).resize((1500, 1000))
    spots = [(60, 80, 1.0, 0), (430, 300, 2.0, 18), (1080, 400, 1.4, -25)]
    wanted = []
    frontal = np.flatnonzero(np.abs(records.landmarks[:, 2, 0] - records.landmarks[:, :2, 0].mean(1)) < 2)[:3]
    for row, (x, y, scale, degrees) in zip(frontal, spots, strict=True):
        with Image.open(FACES / "img_align_celeba" / records.names[row]) as image:
            face = image.convert("RGB").resize((round(178 * scale), round(218 * scale)), Image.Resampling.LANCZOS)
        turned = face.rotate(degrees, Image.Resampling.BICUBIC, expand=True)
        scene.paste(turned, (x, y), Image.new("L", face.size, 255).rotate(degrees, expand=True))
        turn = np.exp(-1j * np.radians(degrees))
        own = estimate_similarity(records.landmarks[row], alignment, size)
        assert own is not None
        corners = own.corners() * (crop[2] / size) + crop[:2]
        away = (corners[:, 0] + 1j * corners[:, 1]) * scale - complex(*face.size) / 2
        square = away * turn + complex(*turned.size) / 2 + complex(x, y)
        wanted.append(np.stack([square.real, square.imag], 1))
    fake = Fake(alignment=alignment)
    fake.size = size
    photos = Photos(fake, dlib)
    part = photos.extract(np.asarray(scene), photos.detect(np.asarray(scene)))
    assert len(part.similarities) == 3
    for corners in wanted:
        side = np.linalg.norm(corners[1] - corners[0])
        nearest = min(np.abs(each.corners() - corners).max() for each in part.similarities)
        assert nearest < 0.1 * side, "within a tenth of the square's side"
