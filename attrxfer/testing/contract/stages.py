"""Checks of stages, metrics and methods."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from attrxfer.interfaces import AggregateScore, ChecksData, HasPreview, PerImageScore
from attrxfer.storage.state import pack, unpack
from attrxfer.testing.fakes import SIZE, a_run, random_images, tiny_data
from attrxfer.testing.subject import Subject


def check_steps_are_finite_and_repeatable(subject: Subject) -> None:
    """Two equal stages return equal values from a step: finite scalars by name."""
    one, other = (_stage(subject) for _ in range(2))
    for index in range(2):
        torch.manual_seed(index)
        first = one.step(index)
        torch.manual_seed(index)
        assert first, "a step returns its losses"
        second = other.step(index)
        assert first.keys() == second.keys()
        for name, value in second.items():
            assert value.shape == () and torch.isfinite(value) and not value.requires_grad, name
            torch.testing.assert_close(first[name], value, rtol=0, atol=0)


def check_its_state_can_be_kept(subject: Subject) -> None:
    """The state consists of tensors and JSON, and a new stage can load it."""
    stage = _stage(subject)
    stage.step(0)
    tensors: dict[str, Tensor] = {}
    packed = pack(stage.state_dict(), tensors)
    _stage(subject).load_state_dict(unpack(packed, tensors))
    stage.finish()


def check_previews_are_images(subject: Subject) -> None:
    stage = _stage(subject)
    if not isinstance(stage, HasPreview):
        return
    with torch.no_grad():
        found = stage.preview(random_images())
    for made in [found] if isinstance(found, Tensor) else found.values():
        assert made.shape == (2, 3, SIZE, SIZE) and torch.isfinite(made).all()


def check_it_returns_scores(subject: Subject) -> None:
    """Scores by name, for results of any quality; none, not a wrong one, where the metric does not apply.

    A ``PerImageScore`` has a number for each image, an ``AggregateScore`` a number and how many images it is from.
    """
    for copied in (True, False):
        evaluation = _evaluation(copied)
        for name, found in subject.build()(evaluation).items():
            assert isinstance(name, str) and isinstance(found, PerImageScore | AggregateScore), name
            if isinstance(found, PerImageScore):
                assert found.values.shape == (len(evaluation.rows),), f"{name}: there must be a value for each image"
                assert not np.isinf(found.values).any(), name
            else:
                assert np.isfinite(found.value) and found.n > 0, name


def check_it_leaves_the_images_alone(subject: Subject) -> None:
    evaluation = _evaluation(False)
    before = evaluation.outputs.copy(), evaluation.sources.copy()
    subject.build()(evaluation)
    assert np.array_equal(before[0], evaluation.outputs) and np.array_equal(before[1], evaluation.sources)


def check_results_are_images_of_the_inputs_size(subject: Subject) -> None:
    """A method may also return None, if it does not apply to the data."""
    data = tiny_data()
    rows = data.rows("test", {"bright": False})
    built: dict[str, Any] = {}
    method = subject.build(built)
    for part in built.values():
        if isinstance(part, ChecksData):
            part.check_data(data)
    found = method(data, {"bright": True}, rows)
    assert found is None or (found.shape == (len(rows), SIZE, SIZE, 3) and found.dtype == np.uint8)


def _stage(subject: Subject) -> Any:
    """The stage, prepared for a new run, with the component that brings it; all networks are in train mode."""
    run = a_run(tiny_data())
    built: dict[str, Any] = {}
    owned = subject.owner()
    torch.manual_seed(0)
    owner = owned.build(built) if owned is not None else None
    stage = subject.build(built, steps=2)
    for part in built.values():
        if isinstance(part, ChecksData):
            part.check_data(run.data)
    stage.prepare(run, owner)
    for module in [run.generator, run.discriminator, *(part for part in built.values() if isinstance(part, nn.Module))]:
        module.train()
    return stage


def _evaluation(copied: bool) -> Any:
    from attrxfer.evaluation.scores import HeldOutResults

    data = tiny_data()
    rows = data.rows("test", {"bright": False})
    bright = data.images_u8(data.rows("test", {"bright": True}))
    sources = data.images_u8(rows)
    outputs = sources.copy() if copied else bright
    assert data.records.identity is not None
    return HeldOutResults(sources, outputs, bright, rows, data.records.identity[rows], {"bright": True}, data, None, 0)
