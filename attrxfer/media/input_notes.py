"""What a model knows of images before it transfers them, in words."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from attrxfer.interfaces import ChecksInputs, InputCheck, Model
from attrxfer.media.detection import count

LIKELY = 0.5
"""Probability from which an image counts as having the attributes, where such images are to be left alone."""
NEARLY_CERTAIN = 0.9
"""Probability from which it is said that an image seems to have them."""


def check_inputs(model: Model, images_u8: NDArray[np.uint8]) -> InputCheck:
    """The model's check of images uint8 (N, S, S, 3); both parts are None for a model that checks no inputs."""
    return model.check_inputs(images_u8) if isinstance(model, ChecksInputs) and len(images_u8) else InputCheck(None, None)


def without_attributes(check: InputCheck) -> NDArray[np.bool_]:
    """Which of N images do not seem to have the guided attributes. ``check.guided`` must not be None."""
    assert check.guided is not None
    return np.asarray(check.guided <= LIKELY)


def notes_on(check: InputCheck, subject: str) -> Iterator[str]:
    """What the user should know of N subjects, in words.

    Args:
        check: Of their crops.
        subject: What they are, in the singular.
    """
    if check.unlike is not None and check.unlike.any():
        number = int(check.unlike.sum())
        are = "are" if number > 1 else "is"
        yield f"{count(number, subject)} {are} unlike the images that the model was trained on: expect a poor result"
    if check.guided is not None and (check.guided > NEARLY_CERTAIN).any():
        sure = check.guided[check.guided > NEARLY_CERTAIN]
        yield f"{_seem(len(sure), subject)} ({', '.join(f'{each:.0%}' for each in sure)} certain)"


def _seem(number: int, subject: str) -> str:
    return f"{count(number, subject)} {'seem' if number > 1 else 'seems'} to have the attribute already"


def left_out_note(number: int, subject: str) -> str:
    """That subjects were left alone, since they have the attributes already."""
    return f"{_seem(number, subject)}, left alone"
