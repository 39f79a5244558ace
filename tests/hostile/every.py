"""All kinds of input, with the good inputs that they are made of."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from PIL import Image

from attrxfer.plugin.host import load
from tests.conftest import train
from tests.hostile.cards import Cards, complete, use_five_points
from tests.hostile.clips import Clips
from tests.hostile.exported import Exported
from tests.hostile.images import Images
from tests.hostile.recipes import Overrides, Recipes
from tests.hostile.tables import Lists, Tables
from tests.hostile.trial import Kind, Outcome, in_child, run
from tests.hostile.weights import Weights

KINDS: Sequence[type[Kind]] = (Cards, Weights, Exported, Images, Clips, Lists, Tables, Recipes, Overrides)


def outcomes(folder: Path, cases: range, names: Sequence[str] = ()) -> Iterator[Outcome]:
    """Spoil inputs of some kinds, all where none is named, and do with each what a user does.

    Args:
        folder: For what is written.
        cases: Seeds of the spoilt inputs.
        names: The kinds.
    """
    goods = folder / "goods"
    goods.mkdir()
    kinds = [kind(goods, folder / kind.name) for kind in KINDS if not names or kind.name in names]
    _done(lambda: _prepare(goods))
    for kind in kinds:
        _done(kind.prepare)
        yield from run(kind, cases)


def _done(work: object) -> None:
    """Prepare in another process: this one stays without threads, of which its copies would know nothing."""
    assert callable(work)
    _, code, _ = in_child(lambda: work() and None)
    assert code == 0, f"exit code {code}"


def _prepare(goods: Path) -> None:
    """What all kinds need: a bundle and a photo."""
    train(load(), goods / "run")
    (goods / "run" / "bundle").rename(goods / "bundle")
    complete(goods / "bundle")
    use_five_points(goods / "bundle")
    Image.fromarray(np.random.default_rng(0).integers(0, 256, (16, 16, 3), np.uint8)).save(goods / "photo.png")
