"""The strength of each image is lowered until its subject is near enough."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from attrxfer.errors import AttrxferError
from attrxfer.interfaces import Framing
from attrxfer.model.calling import CallableModel
from attrxfer.model.keep_identity import KeepIdentity


class Brighter(CallableModel):
    """Adds 100 times the strength."""

    def __init__(self) -> None:
        self.name, self.size, self.guided = "brighter", 4, {"bright": True}
        self.framing: Framing | None = None
        self.alignment: NDArray[np.float32] | None = None
        self.metadata: Mapping[str, Any] = {"task": {"name": "bright"}}

    def images(self, images_u8: NDArray[np.uint8], strength: float = 1.0) -> NDArray[np.uint8]:
        return np.clip(images_u8 + 100.0 * strength, 0, 255).astype(np.uint8)


class Distance:
    """The mean difference, doubled for bright images; unknown for black ones."""

    def distances(self, images: NDArray[np.uint8], results: NDArray[np.uint8]) -> NDArray[np.float32]:
        difference = np.abs(results.astype(float) - images).mean((1, 2, 3))
        level = images.mean((1, 2, 3))
        distance = np.where(level > 50, 2 * difference, difference) / 100
        return np.where(level == 0, np.nan, distance).astype(np.float32)


def gray(*levels: int) -> NDArray[np.uint8]:
    return np.stack([np.full((4, 4, 3), level, np.uint8) for level in levels])


def test_each_image_gets_the_largest_strength_that_keeps_its_subject() -> None:
    kept = KeepIdentity(Brighter(), Distance(), 0.6)
    images = gray(40, 100, 0)
    results = kept.images(images, 1.0)
    assert kept.strengths == pytest.approx([0.6, 0.3, 1.0])
    assert results[:, 0, 0, 0].tolist() == [100, 130, 100]
    assert kept.unknown == 1, "nothing to compare: as asked"
    assert (kept.name, kept.size, kept.guided) == ("brighter", 4, {"bright": True})
    assert kept.metadata["keep_identity"] != KeepIdentity(Brighter(), Distance(), 0.5).metadata["keep_identity"]


def test_nothing_above_the_asked_strength_and_the_image_itself_where_none_keeps_it() -> None:
    generous = KeepIdentity(Brighter(), Distance(), 5.0)
    generous.images(gray(40), 0.5)
    assert generous.strengths == [0.5]
    strict = KeepIdentity(Brighter(), Distance(), 0.001)
    images = gray(40, 100)
    assert np.array_equal(strict.images(images, 1.0), images) and strict.strengths == [0, 0]


def test_a_detector_that_cannot_compare_is_refused() -> None:
    with pytest.raises(AttrxferError, match="cannot compare subjects.*leave --keep-identity out"):
        KeepIdentity(Brighter(), object(), 0.6)


def test_transfer_says_how_many_were_lowered(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from PIL import Image

    from attrxfer.plugin import host
    from attrxfer.workflows import transfer as workflow

    monkeypatch.setattr(workflow, "load_model", lambda *arguments, **named: Brighter())
    monkeypatch.setattr(workflow, "load_detector", lambda *arguments: Distance())
    for level in (0, 40, 100):
        Image.fromarray(gray(level)[0]).save(tmp_path / f"{level}.png")
    options = workflow.TransferOptions(aligned=True, keep_identity=0.6)
    result = workflow.transfer("model", [tmp_path], tmp_path / "out", host.load(), options)
    assert result.notes == (
        "identity kept: 2 of 3 at a lower strength than 1, the least 0.3",
        "identity unknown: 1 of 3 showed no subject to compare",
    )
    manifest = json.loads((tmp_path / "out" / "manifest.json").read_text())
    assert "at most 1" in json.dumps(manifest), "the file of an image at a lower strength must not claim another one"
    (written,) = (tmp_path / "out").rglob("100.png")
    assert np.asarray(Image.open(written))[0, 0, 0] == 130
