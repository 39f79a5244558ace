"""The data set ``synthetic_faces``."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Annotated, ClassVar

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from attrxfer.errors import DataError, Problem
from attrxfer.interfaces import Broken, RecipeView, Records
from attrxfer_synth.anatomy import Anatomy, anatomy
from attrxfer_synth.draw import REGIONS, draw
from attrxfer_synth.landmarks import five_points, landmarks
from attrxfer_synth.traits import ATTRIBUTES, OF_THE_PERSON, Values, changed, confounded, people, read_pair, shots

CHUNK = 16
NOISE = 1.6
"""Standard deviation of the noise that is added to values in 0..255."""


class SyntheticFaces:
    """Drawn faces with CelebA's attribute names: Male, Young, Eyeglasses, Mouth_Slightly_Open, Smiling.

    Every face can be drawn again with another attribute and the same person, pose, light, background and noise. Pixels that
    the attribute does not change stay equal. Face i depends on ``seed``, i, ``faces_per_identity`` and ``confound`` only.

    Args:
        size: Side of the images in pixels.
        faces: Number of faces.
        faces_per_identity: Images of each person. Male and Young are fixed for a person; splits are by person, 80/10/10.
        seed: Seed of all random numbers; another seed gives other people.
        confound: Pairs of attributes that are correlated, each with a strength in -1..1. ``{"Male*Eyeglasses" = 0.8}`` makes
            Eyeglasses equal to Male in a random 80% of the images; -0.8 makes it the opposite of Male there.
    """

    framing = None
    small_settings: ClassVar[Mapping[str, int]] = {"faces": 48}

    def __init__(
        self,
        *,
        size: Annotated[int, Field(ge=16, le=1024)] = 64,
        faces: Annotated[int, Field(ge=16)] = 6000,
        faces_per_identity: Annotated[int, Field(ge=1)] = 3,
        seed: Annotated[int, Field(ge=0)] = 0,
        confound: Mapping[str, float] | None = None,
    ) -> None:
        self.size = size
        self.faces = faces
        self.faces_per_identity = faces_per_identity
        self.seed = seed
        self.confound = confound

    def check_recipe(self, recipe: RecipeView) -> Iterator[Problem]:
        """Pairs that cannot be made to depend on each other."""
        for pair, strength in (self.confound or {}).items():
            try:
                read_pair(pair, strength)
            except DataError as error:
                yield Problem("confound", str(error).removeprefix("data.confound: "))

    def records(self) -> Records:
        """Labels (attribute value above 0.5), splits, identities and 68 landmarks of all faces."""
        _, attributes, split = self._drawn
        labels = {name: attributes[name] > 0.5 for name in ATTRIBUTES}
        names = tuple(f"face-{i:06d}" for i in range(self.faces))
        return Records(names, labels, split[self._person], self._person.astype(np.int64), self._points(range(self.faces)))

    def read(self, rows: Sequence[int]) -> list[NDArray[np.uint8] | Broken]:
        return list(self._draw(rows, self._attributes(rows))[0])

    def fingerprint(self) -> str:
        """A hash of the parameters and of this plugin's source, so that faces are drawn again after a change of the code."""
        source = b"".join(path.read_bytes() for path in sorted(Path(__file__).parent.glob("*.py")))
        parameters = (self.size, self.faces, self.faces_per_identity, self.seed, sorted((self.confound or {}).items()))
        return hashlib.sha256(source + repr(parameters).encode()).hexdigest()

    def counterfactual(self, rows: int | Sequence[int], attribute: str | Mapping[str, float]) -> NDArray[np.uint8]:
        """Draw faces again with other attributes.

        Args:
            rows: One row or several.
            attribute: An attribute whose value is flipped; or values in 0..1 by name, where 0 and 1 make an attribute
                absent or present to the degree that the face has for it.

        Returns:
            uint8 (N, size, size, 3).

        Raises:
            DataError: An attribute is unknown.
        """
        chosen = [rows] if isinstance(rows, int) else list(rows)
        return self._draw(chosen, changed(self._drawn[1], chosen, attribute))[0]

    def masks(self, rows: Sequence[int]) -> dict[str, NDArray[np.float32]]:
        """The share of each pixel that each of ``REGIONS`` covers: (N, size, size) in 0..1, by name."""
        return self._draw(rows, self._attributes(rows), REGIONS)[1]

    def celeba_points(self, rows: Sequence[int]) -> NDArray[np.float32]:
        """Left eye, right eye, nose, left and right corner of the mouth, in pixels: (N, 5, 2)."""
        return five_points(self._points(rows))

    @cached_property
    def _person(self) -> NDArray[np.int64]:
        return np.arange(self.faces) // self.faces_per_identity

    @cached_property
    def _drawn(self) -> tuple[Values, Values, NDArray[np.uint8]]:
        """Traits and attributes of every face, and the split of every person."""
        identity, of_people, split = people(self.seed, int(self._person[-1]) + 1)
        nuisance, of_images, chance = shots(self.seed, self.faces)
        traits = {**{name: values[self._person] for name, values in identity.items()}, **nuisance}
        attributes = {**{name: of_people[name][self._person] for name in OF_THE_PERSON}, **of_images}
        # an attribute of the person is confounded equally in all images of the person
        first = chance[self._person * self.faces_per_identity]
        fixed = [ATTRIBUTES.index(name) for name in OF_THE_PERSON]
        chance[:, fixed] = first[:, fixed]
        return traits, confounded(attributes, self.confound or {}, chance), split

    def _attributes(self, rows: Sequence[int]) -> Values:
        return {name: values[list(rows)] for name, values in self._drawn[1].items()}

    def _anatomy(self, rows: Sequence[int], attributes: Values) -> Anatomy:
        return anatomy({name: values[list(rows)] for name, values in self._drawn[0].items()}, attributes)

    def _points(self, rows: Sequence[int]) -> NDArray[np.float32]:
        return landmarks(self._anatomy(rows, self._attributes(rows)), self.size)

    def _draw(
        self, rows: Sequence[int], attributes: Values, regions: tuple[str, ...] = ("face",)
    ) -> tuple[NDArray[np.uint8], dict[str, NDArray[np.float32]]]:
        parts = []
        for start in range(0, len(rows) or 1, CHUNK):
            chunk = slice(start, start + CHUNK)
            images, masks = draw(self._anatomy(rows[chunk], {n: v[chunk] for n, v in attributes.items()}), self.size, regions)
            noise = np.array([self._noise(row) for row in rows[chunk]], np.float32).reshape(-1, self.size, self.size, 1)
            parts.append(((images * 255 + noise).round().clip(0, 255).astype(np.uint8), masks))
        return np.concatenate([p for p, _ in parts]), {n: np.concatenate([m[n] for _, m in parts]) for n in parts[0][1]}

    def _noise(self, row: int) -> NDArray[np.float32]:
        generator = np.random.Generator(np.random.PCG64([self.seed, 2, row]))
        return NOISE * generator.standard_normal((self.size, self.size, 1), np.float32)
