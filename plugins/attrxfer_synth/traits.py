"""The numbers in 0..1 that define a face: traits of the person, traits of the image (nuisance), and attributes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from attrxfer.errors import DataError, did_you_mean

Array = NDArray[np.floating[Any]]
Values = dict[str, Array]

ATTRIBUTES = ("Male", "Young", "Eyeglasses", "Mouth_Slightly_Open", "Smiling")
OF_THE_PERSON = ("Male", "Young")
SHARES = {"Male": 0.5, "Young": 0.6, "Eyeglasses": 0.3, "Mouth_Slightly_Open": 0.5, "Smiling": 0.5}
"""Share of the faces (or people) with each attribute."""

IDENTITY = (
    "face_width",
    "face_length",
    "jaw",
    "chin",
    "skin",
    "skin_warmth",
    "eye_size",
    "eye_distance",
    "eye_tilt",
    "eye_colour",
    "brow_weight",
    "brow_height",
    "brow_slope",
    "nose_width",
    "nose_length",
    "mouth_width",
    "mouth_height",
    "lip_fullness",
    "lip_colour",
    "ear_size",
    "hair_colour",
    "hair_volume",
    "hair_length",
    "hair_wave",
    "parting",
    "hairline",
    "beard",
    "glasses_shape",
    "glasses_colour",
    "clothes_hue",
    "clothes_light",
    "neckline",
)
NUISANCE = (
    "yaw",
    "pitch",
    "roll",
    "shift_x",
    "shift_y",
    "scale",
    "light_x",
    "light_y",
    "light_strength",
    "light_warmth",
    "background_hue",
    "background_light",
    "background_slope",
    "background_colour",
)

SPREAD = 0.2
"""The value of an absent attribute lies in 0..SPREAD, that of a present one in 1 - SPREAD..1."""


def people(seed: int, count: int) -> tuple[Values, Values, NDArray[np.uint8]]:
    """Draw the identity traits, the attributes of the person, and the split of people 0..count-1: (count,) each."""
    drawn = _uniforms(seed, 0, count, len(IDENTITY) + 2 * len(OF_THE_PERSON) + 1)
    traits = {name: drawn[:, i] for i, name in enumerate(IDENTITY)}
    rest = drawn[:, len(IDENTITY) :]
    attributes = {name: _value(rest[:, i], rest[:, i + 2], SHARES[name]) for i, name in enumerate(OF_THE_PERSON)}
    share = drawn[:, -1]
    split = (share >= 0.8).astype(np.uint8) + (share >= 0.9).astype(np.uint8)
    return traits, attributes, split


def shots(seed: int, count: int) -> tuple[Values, Values, Array]:
    """Draw the nuisance traits and attributes of images 0..count-1, (count,) each, and random numbers (count, attributes)
    for ``confounded``."""
    own = [name for name in ATTRIBUTES if name not in OF_THE_PERSON]
    drawn = _uniforms(seed, 1, count, len(NUISANCE) + 2 * len(own) + len(ATTRIBUTES))
    traits = {name: drawn[:, i] for i, name in enumerate(NUISANCE)}
    rest = drawn[:, len(NUISANCE) :]
    attributes = {name: _value(rest[:, i], rest[:, i + len(own)], SHARES[name]) for i, name in enumerate(own)}
    return traits, attributes, drawn[:, -len(ATTRIBUTES) :]


def _uniforms(seed: int, stream: int, count: int, columns: int) -> Array:
    """Random numbers (count, columns). Row i depends on (seed, stream, i) only, so a face is the same in any data set."""
    rows = [np.random.Generator(np.random.PCG64([seed, stream, i])).random(columns, dtype=np.float32) for i in range(count)]
    return np.stack(rows)


def _value(presence: Array, degree: Array, share: float) -> Array:
    return np.where(presence < share, 1 - SPREAD * degree, SPREAD * degree).astype(np.float32)


def confounded(attributes: Values, confound: Mapping[str, float], chance: Array) -> Values:
    """Correlate attributes. ``{"Male*Eyeglasses": 0.8}`` makes Eyeglasses equal to Male in 80% of the images.

    Args:
        attributes: Name -> (N,) in 0..1.
        confound: "FIRST*SECOND" -> strength in -1..1: SECOND follows FIRST, or is its opposite where negative.
        chance: Random numbers (N, attributes) in 0..1, which choose the images.

    Raises:
        DataError: A name is no attribute, a strength is outside -1..1, or the second attribute belongs to the person while
            the first belongs to the image.
    """
    result = dict(attributes)
    for pair, strength in confound.items():
        first, second = read_pair(pair, strength)
        same = (result[first] > 0.5) == (strength > 0)
        value = result[second]
        forced = np.where(same == (value > 0.5), value, 1 - value)
        result[second] = np.where(chance[:, ATTRIBUTES.index(second)] < abs(strength), forced, value)
    return result


def read_pair(pair: str, strength: float) -> tuple[str, str]:
    """The two names of a pair in ``confounded``. Raises what ``confounded`` raises."""
    names = pair.split("*")
    for name in names:
        require(name.strip())
    if len(names) != 2 or not -1 <= strength <= 1:
        raise DataError(f'data.confound: "{pair}" = {strength} is not of the form "Male*Eyeglasses" = -1..1')
    first, second = (name.strip() for name in names)
    if second in OF_THE_PERSON and first not in OF_THE_PERSON:
        raise DataError(f'data.confound: "{pair}": {second} belongs to the person; write "{second}*{first}"')
    return first, second


def require(name: str) -> None:
    """Check a name.

    Raises:
        DataError: Drawn faces have no attribute of this name.
    """
    if name not in ATTRIBUTES:
        raise DataError(f'drawn faces have no attribute "{name}"{did_you_mean(name, ATTRIBUTES)}')


def changed(attributes: Values, rows: Sequence[int], attribute: str | Mapping[str, float]) -> Values:
    """The attributes of these rows, with one flipped or some set to given values in 0..1."""
    chosen = {name: values[list(rows)].copy() for name, values in attributes.items()}
    if isinstance(attribute, str):
        require(attribute)
        chosen[attribute] = 1 - chosen[attribute]
        return chosen
    for name, value in attribute.items():
        require(name)
        already = (chosen[name] > 0.5) == (value > 0.5)
        if value in (0, 1):  # flipped to the same degree; a face that has the value already keeps its own
            chosen[name] = np.where(already, chosen[name], 1 - chosen[name]).astype(np.float32)
        else:
            chosen[name] = np.full_like(chosen[name], value)
    return chosen
