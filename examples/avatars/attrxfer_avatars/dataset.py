"""The data set ``avatars``."""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Mapping, Sequence
from functools import cached_property
from importlib.metadata import version
from importlib.resources import files
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated, ClassVar

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from pydantic import Field

from attrxfer.errors import DataError
from attrxfer.interfaces import Broken, Records

STYLE = "lorelei"
MODULES = {"dicebear": "dicebear-core", "dicebear_styles": "dicebear-styles", "resvg_py": "resvg-py"}
"""What draws, by module, with the names of the packages."""
BACKGROUNDS = ("f2e8d5", "cfe3f2", "d9f0d3", "f2d5dc", "e3d9f2")
SKINS = ("ffffff", "f6dcc4", "e0b48f", "b57e56")
MOUTHS = {True: 18, False: 9}
"""How many happy and sad mouths the style has."""
ATTRIBUTES = ("Eyeglasses", "Smiling")
Image8 = NDArray[np.uint8]


class Avatars:
    """Avatars with CelebA's attribute names Eyeglasses and Smiling. Each is a person of its own; splits are 80/10/10.

    Every avatar can be drawn again with or without glasses, and with a happy or sad mouth; all else stays as it is.

    Args:
        size: Side of the images in pixels.
        count: Number of avatars.
        seed: Another seed gives other avatars.
    """

    small_settings: ClassVar[Mapping[str, int]] = {"count": 48}

    def __init__(
        self,
        *,
        size: Annotated[int, Field(ge=16, le=1024)] = 64,
        count: Annotated[int, Field(ge=20)] = 2000,
        seed: Annotated[int, Field(ge=0)] = 0,
    ) -> None:
        self.size = size
        self.count = count
        self.seed = seed

    @classmethod
    def missing(cls, **parameters: object) -> Sequence[str]:
        lacking = [package for module, package in MODULES.items() if find_spec(module) is None]
        return [f"{', '.join(lacking)}: pip install {' '.join(lacking)}"] if lacking else []

    def records(self) -> Records:
        """Labels and splits of all avatars."""
        split = np.searchsorted((0.8, 0.9), np.arange(self.count) / self.count, side="right").astype(np.uint8)
        names = tuple(f"avatar-{row:05d}" for row in range(self.count))
        return Records(names, {name: values.copy() for name, values in self._labels.items()}, split)

    def read(self, rows: Sequence[int]) -> list[Image8 | Broken]:
        return [self._draw(row, {name: bool(values[row]) for name, values in self._labels.items()}) for row in rows]

    def fingerprint(self) -> str:
        """A hash of the parameters, of this file, and of the versions of what draws."""
        drawn_by = [version(package) for package in MODULES.values()]
        parameters = repr((self.size, self.count, self.seed, drawn_by)).encode()
        return hashlib.sha256(Path(__file__).read_bytes() + parameters).hexdigest()

    def counterfactual(self, rows: int | Sequence[int], attribute: str | Mapping[str, float]) -> Image8:
        """The same avatars with other attributes, (N, size, size, 3).

        Args:
            rows: One row or several.
            attribute: An attribute whose value is flipped; or values in 0..1 by name. A value between is a mixture of both
                drawings.

        Raises:
            DataError: An attribute is unknown.
        """
        unknown = {attribute} - set(ATTRIBUTES) if isinstance(attribute, str) else attribute.keys() - set(ATTRIBUTES)
        if unknown:
            raise DataError(f"avatars have the attributes {', '.join(ATTRIBUTES)}, not {', '.join(sorted(unknown))}")
        chosen = [rows] if isinstance(rows, int) else list(rows)
        made = [self._counterfactual(row, attribute) for row in chosen]
        return np.stack(made) if made else np.zeros((0, self.size, self.size, 3), np.uint8)

    def _counterfactual(self, row: int, attribute: str | Mapping[str, float]) -> Image8:
        own = {name: float(values[row]) for name, values in self._labels.items()}
        wanted = {**own, **({attribute: 1 - own[attribute]} if isinstance(attribute, str) else attribute)}
        mixed = np.zeros((self.size, self.size, 3))
        for glasses in (False, True):
            for smiling in (False, True):
                shares = [wanted[n] if has else 1 - wanted[n] for n, has in zip(ATTRIBUTES, (glasses, smiling), strict=True)]
                if np.prod(shares):
                    mixed += np.prod(shares) * self._draw(row, {"Eyeglasses": glasses, "Smiling": smiling})
        return np.asarray(mixed.round(), np.uint8)

    @cached_property
    def _labels(self) -> dict[str, NDArray[np.bool_]]:
        random = np.random.default_rng([self.seed, 1])
        return {name: random.uniform(size=self.count) < 0.5 for name in ATTRIBUTES}

    @cached_property
    def _style(self) -> object:
        from dicebear import Style

        return Style(json.loads(files("dicebear_styles").joinpath(f"{STYLE}.json").read_text("utf-8")))

    def _draw(self, row: int, attributes: Mapping[str, bool]) -> Image8:
        import resvg_py
        from dicebear import Avatar

        random = np.random.default_rng([self.seed, 2, row])
        smiling = attributes["Smiling"]
        mouth = int(random.integers(MOUTHS[False])) + 1  # there are at least as many happy ones
        options = {
            "seed": f"{self.seed}-{row}",
            "glassesProbability": 100 * attributes["Eyeglasses"],
            "mouthVariant": [f"{'happy' if smiling else 'sad'}{mouth:02d}"],
            "backgroundColor": [str(random.choice(BACKGROUNDS))],
            "skinColor": [str(random.choice(SKINS))],
        }
        svg = Avatar(self._style, options).to_string()
        png = bytes(resvg_py.svg_to_bytes(svg_string=svg, width=self.size, height=self.size, skip_system_fonts=True))
        with Image.open(io.BytesIO(png)) as image:
            return np.asarray(image.convert("RGB"))
