"""The data set ``avatars``: the kind's contract, and what is drawn."""

from __future__ import annotations

import numpy as np
import pytest
from attrxfer_avatars.dataset import Avatars

from attrxfer.errors import DataError
from attrxfer.testing import Check, parametrize_with_checks


@parametrize_with_checks(plugin="avatars")
def test_the_contract(check: Check) -> None:
    check()


def test_only_what_is_asked_for_changes() -> None:
    data = Avatars(count=40)
    rows = list(range(12))
    images, glasses = np.stack(data.read(rows)), data.counterfactual(rows, "Eyeglasses")
    changed = (images != glasses).any(-1).mean((1, 2))
    assert (changed > 0.005).all() and (changed < 0.15).all()
    smile = data.counterfactual(rows, "Smiling")
    rows_changed = (images != smile).any((0, 2, 3)).nonzero()[0]
    assert rows_changed.min() > 24, "a mouth is in the lower part"


def test_between_two_values_is_a_mixture() -> None:
    data = Avatars(count=40)
    own = data.records().attributes["Eyeglasses"][3]
    images = np.stack([data.read([3])[0], data.counterfactual(3, "Eyeglasses")[0]]).astype(float)
    half = data.counterfactual(3, {"Eyeglasses": 0.5})[0]
    assert np.abs(half - images.mean(0)).max() <= 0.5
    assert np.array_equal(data.counterfactual(3, {"Eyeglasses": float(own)})[0], images[0])
    with pytest.raises(DataError, match="not Male"):
        data.counterfactual(3, {"Male": 1.0})
