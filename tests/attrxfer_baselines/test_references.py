"""Reference rows: what real images score."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from attrxfer.evaluation.candidates import candidate, held_out, reference_rows
from attrxfer.plugin.host import Host
from attrxfer.recipe import Recipe
from attrxfer.recipe.assembly import Assembly

Tiny = Callable[..., Recipe]


@pytest.mark.slow
def test_reference_rows_of_real_people_are_another_photo_and_a_stranger(tiny: Tiny, host: Host) -> None:
    recipe = tiny("data.faces=240")
    data, sets = Assembly(recipe).open_data()
    data = replace(data, dataset=SimpleNamespace())  # as of photographs, no truth is known
    given = held_out(recipe, data, sets, 12)
    assert given is not None and given.truth is None
    found = {one.name: one.outputs for one in reference_rows(given, host.registry)}
    assert found.keys() == {"input_copy", "nearest_guided", "another_photo", "stranger"}
    identity = data.records.identity
    assert identity is not None
    known = {data.images_u8(np.array([row])).tobytes(): row for row in data.rows("test", None)}
    for name, same in (("another_photo", True), ("stranger", False)):
        rows = [known[image.tobytes()] for image in found[name]]
        assert ((identity[rows] == given.people) == same).all(), name
    assert (np.array([known[p.tobytes()] for p in found["another_photo"]]) != given.rows).all()
    assert candidate("stranger", given, host).outputs.tobytes() == found["stranger"].tobytes()
