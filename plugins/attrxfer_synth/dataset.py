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
"""Standard deviation of the noise, in steps of 0..255."""


class SyntheticFaces:
    """Drawn faces with CelebA's attribute names: Male, Young, Eyeglasses, Mouth_Slightly_Open, Smiling.

    Every face can be drawn again with another attribute: the same person, pose, light, background and noise. Pixels that the
    attribute does not touch stay equal. What face i shows depends on (seed, i) and ``faces_per_identity`` alone.

    Args:
        size: Side of the images in pixels.
        faces: Number of faces.
        faces_per_identity: Images of each person. A person keeps Male and Young; splits are by person, 80/10/10.
        seed: Another seed gives other people.
        confound: Pairs of attributes that are made to depend on each other, in -1..1. ``{"Male*Eyeglasses" = 0.8}`` gives
            80% of the images with Male also Eyeglasses, and none of those without; -0.8 does the opposite.
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
        """Labels (attribute value > 0.5), splits, identities and the 68 landmarks."""
        _, attributes, split = self._drawn
        labels = {name: attributes[name] > 0.5 for name in ATTRIBUTES}
        names = tuple(f"face-{i:06d}" for i in range(self.faces))
        return Records(names, labels, split[self._person], self._person.astype(np.int64), self._points(range(self.faces)))

    def read(self, rows: Sequence[int]) -> list[NDArray[np.uint8] | Broken]:
        return list(self._draw(rows, self._attributes(rows))[0])

    def fingerprint(self) -> str:
        """A hash of the parameters and of the drawing's own source, so that a changed drawing is drawn anew."""
        source = b"".join(path.read_bytes() for path in sorted(Path(__file__).parent.glob("*.py")))
        parameters = (self.size, self.faces, self.faces_per_identity, self.seed, sorted((self.confound or {}).items()))
        return hashlib.sha256(source + repr(parameters).encode()).hexdigest()

    def counterfactual(self, rows: int | Sequence[int], attribute: str | Mapping[str, float]) -> NDArray[np.uint8]:
        """The same faces (N, size, size, 3) with the other value of the named attribute, or with values in 0..1 by name; 0
        and 1 stand for absent and present to the face's own degree.

        Raises DataError for an unknown attribute.
        """
        chosen = [rows] if isinstance(rows, int) else list(rows)
        return self._draw(chosen, changed(self._drawn[1], chosen, attribute))[0]

    def masks(self, rows: Sequence[int]) -> dict[str, NDArray[np.float32]]:
        """Which share of each pixel shows background, hair, clothes, face, eyes, mouth, glasses: (N, size, size) in 0..1."""
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
        who, lasting, split = people(self.seed, int(self._person[-1]) + 1)
        how, passing, chance = shots(self.seed, self.faces)
        traits = {**{name: values[self._person] for name, values in who.items()}, **how}
        lasting_here = {name: lasting[name][self._person] for name in OF_THE_PERSON}
        # a person's own confounding must not change from image to image
        first = chance[self._person * self.faces_per_identity]
        own = [ATTRIBUTES.index(name) for name in OF_THE_PERSON]
        chance[:, own] = first[:, own]
        return traits, confounded({**lasting_here, **passing}, self.confound or {}, chance), split

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
