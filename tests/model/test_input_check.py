"""What a model knows of images before it transfers them: texture, and the attribute."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from pydantic import ValidationError

from attrxfer.model.attribute_regression import AttributeRegression
from attrxfer.model.card import RegressionTable, TextureTable
from attrxfer.model.texture import STATISTICS, Texture, texture

RANDOM = np.random.default_rng(0)
Images = NDArray[np.uint8]


def photographs(count: int, *, smile: bool | None = None) -> Images:
    """Smooth shapes with noise, 32 px; with a bright bar in the lower half where they smile."""
    coarse = RANDOM.uniform(40, 200, (count, 8, 8, 3))
    images = coarse.repeat(4, 1).repeat(4, 2) + RANDOM.normal(0, 8, (count, 32, 32, 3))
    if smile is not None:
        images[:, 22:26, 8:24] = 240 if smile else 15
    return images.clip(0, 255).astype(np.uint8)


def drawings(count: int) -> Images:
    """Flat colours with sharp borders."""
    return RANDOM.uniform(0, 255, (count, 4, 4, 3)).repeat(8, 1).repeat(8, 2).astype(np.uint8)


def test_images_of_another_texture_are_unlike() -> None:
    fitted = Texture.fit(photographs(400))
    assert fitted is not None
    assert fitted.unlike(photographs(200)).mean() < 0.05
    assert fitted.unlike(drawings(50)).all()
    drawn = Texture.fit(drawings(400))
    assert drawn is not None and drawn.unlike(photographs(50)).all() and drawn.unlike(drawings(200)).mean() < 0.05


def test_texture_is_the_same_after_json() -> None:
    import json

    fitted = Texture.fit(photographs(300))
    assert fitted is not None
    table = json.loads(json.dumps(fitted.table()))
    TextureTable.model_validate(table)
    read = Texture.read(table)
    images = np.concatenate([photographs(50), drawings(10)])
    assert read is not None and (read.unlike(images) == fitted.unlike(images)).all()
    assert Texture.read(None) is None


def test_flat_images_have_finite_statistics() -> None:
    assert np.isfinite(texture(np.zeros((2, 16, 16, 3), np.uint8))).all()


def test_a_regression_tells_the_attribute_and_says_how_often() -> None:
    training, held_out = (tuple(photographs(count, smile=smile) for smile in (True, False)) for count in (120, 40))
    fitted = AttributeRegression.fit((training[0], training[1]), (held_out[0], held_out[1]))
    assert fitted is not None and fitted.accuracy == 1
    assert (fitted.probability(photographs(20, smile=True)) > 0.5).all()
    assert (fitted.probability(photographs(20, smile=False)) < 0.5).all()
    read = AttributeRegression.read(fitted.table())
    images = photographs(20, smile=True)
    assert read is not None
    RegressionTable.model_validate(fitted.table())
    np.testing.assert_allclose(read.probability(images), fitted.probability(images), atol=1e-3)


def test_an_attribute_that_is_not_in_the_images_is_told_by_chance() -> None:
    fitted = AttributeRegression.fit((photographs(150), photographs(150)), (photographs(200), photographs(200)))
    assert fitted is not None and 0.35 < fitted.accuracy < 0.65


def test_classes_of_different_size_count_equally() -> None:
    """Images between the two classes are not taken for the larger one."""
    few, many = photographs(60, smile=True), photographs(600, smile=False)
    fitted = AttributeRegression.fit((few, many), (few, many[:60]))
    assert fitted is not None
    swapped = AttributeRegression.fit((many, few), (many[:60], few))
    assert swapped is not None
    images = photographs(50)
    np.testing.assert_allclose(fitted.probability(images), 1 - swapped.probability(images), atol=1e-3)


def test_too_few_images_fit_nothing() -> None:
    assert Texture.fit(photographs(49)) is None
    assert AttributeRegression.fit((photographs(49), photographs(80)), (photographs(9), photographs(9))) is None
    assert AttributeRegression.fit((photographs(80), photographs(80)), (photographs(9), photographs(4))) is None


@pytest.mark.parametrize(
    "table",
    [
        [],
        {"mean": [0.0] * STATISTICS},
        {"mean": [0.0] * STATISTICS, "precision": 3, "limit": 1.0},
        {"mean": [0.0] * STATISTICS, "precision": [[0.0] * STATISTICS] * 2, "limit": 1.0},
        {"mean": [0.0] * STATISTICS, "precision": [[0.0] * STATISTICS] * STATISTICS, "limit": "1"},
        {"mean": [float("nan")] * STATISTICS, "precision": [[0.0] * STATISTICS] * STATISTICS, "limit": 1.0},
    ],
)
def test_a_strangers_texture_is_checked(table: Any) -> None:
    with pytest.raises(ValidationError):
        TextureTable.model_validate(table)


@pytest.mark.parametrize(
    "table",
    [
        "weights",
        {"weights": [0.0] * 703, "bias": 0.0, "accuracy": 0.5},
        {"weights": [0.0] * 704, "bias": None, "accuracy": 0.5},
        {"weights": ["a"] * 704, "bias": 0.0, "accuracy": 0.5},
    ],
)
def test_a_strangers_regression_is_checked(table: Any) -> None:
    with pytest.raises(ValidationError):
        RegressionTable.model_validate(table)
    RegressionTable.model_validate({"weights": [0.0] * 704, "bias": 0.0, "accuracy": 0.5})
