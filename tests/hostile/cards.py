"""Bundles with a spoilt card."""

from __future__ import annotations

import json
import random
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np

import attrxfer
from tests.hostile.spoiling import spoilt_json
from tests.hostile.trial import Kind, printed
from tests.media.photos.conftest import ALIGNMENT, SIZE

METADATA = "attrxfer.json"


def complete(bundle: Path) -> None:
    """Give a bundle what only longer runs have: scores, and what its training images look like."""
    score = {"value": 0.5, "low": 0.4, "high": 0.6, "n": 8, "unit": "share", "better": "higher", "role": "attribute accuracy"}
    card = json.loads((bundle / METADATA).read_text())
    card |= {
        "scores": {"images": 8, "people": 8, "scores": {"a": score}, "slices": {"some": {"a": score}}},
        "response": {"strengths": [0, 0.5, 1], "shares": [0, 0.5, 1]},
        "texture": {"mean": [0.0] * 9, "precision": np.eye(9).tolist(), "limit": 10.0},
        "attribute": {"weights": [0.0] * 704, "bias": 0.0, "accuracy": 0.75},
        "weights": {"features of somebody": "0" * 64},
    }
    (bundle / METADATA).write_text(json.dumps(card))


def use_five_points(bundle: Path) -> None:
    """Let a bundle of tiny images take the subjects that ``tests.media.photos.conftest.Fixed`` finds."""
    card = json.loads((bundle / METADATA).read_text())
    card["alignment"] = (ALIGNMENT * (card["size"] / SIZE)).tolist()
    (bundle / METADATA).write_text(json.dumps(card))


class Cards(Kind):
    """A bundle whose card is spoilt."""

    name = "cards"

    def spoil(self, chance: random.Random) -> str:
        bundle = shutil.copytree(self.goods / "bundle", self.input / "bundle")
        content, said = spoilt_json((bundle / METADATA).read_text(), chance)
        (bundle / METADATA).write_bytes(content)
        return said

    def actions(self) -> Mapping[str, Callable[[], object]]:
        bundle, photo = self.input / "bundle", self.goods / "photo.png"
        return {
            "info": lambda: printed("info", bundle),
            "load": lambda: attrxfer.load(bundle),
            "transfer": lambda: printed("transfer", "--aligned", bundle, photo, "-o", self.out),
            "pack": lambda: printed("pack", bundle, self.out / "packed"),
        }
