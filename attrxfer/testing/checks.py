"""What is checked, by kind: one function a promise, its name the promise. A broken promise is an AssertionError."""

from __future__ import annotations

import copy
import inspect
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from attrxfer.engine.checkpoint import pack, unpack
from attrxfer.interfaces import Batch, Broken, Each, Whole
from attrxfer.testing.fakes import BATCH, COUNT, SIZE, Discriminator, a_run, pictures, squares
from attrxfer.testing.subject import Subject


# ---------------------------------------------------------------- every kind
def check_its_table_reads_back(subject: Subject) -> None:
    """The filled table, defaults written out, is valid and fills to itself."""
    filled = subject.spec()
    table = {key: value for key, value in filled.table().items() if key != "use"}
    assert subject.spec(**table).table() == filled.table()


def check_unknown_settings_are_refused(subject: Subject) -> None:
    try:
        subject.spec(no_such_setting=1)
    except Exception as error:
        assert "no_such_setting" in str(error), f"the message does not name the setting: {error}"
        return
    raise AssertionError("a setting that does not exist was accepted")


def check_every_setting_is_documented(subject: Subject) -> None:
    """The class's docstring, or a base class's, names every parameter; common ones of all stages are known."""
    cls = subject.component.load()
    text = " ".join(inspect.getdoc(base) or "" for base in cls.__mro__[:-1] if base is not nn.Module)
    assert inspect.getdoc(cls), f"{cls.__name__} has no docstring"
    common = {"size", "steps", "batch", "rate", "betas"}
    missing = [name for name in subject.spec().values if name not in common and name not in text]
    assert not missing, f"the docstring of {cls.__name__} says nothing of {', '.join(missing)}"


def check_it_is_described(subject: Subject) -> None:
    component = subject.component
    assert component.summary and "\n" not in component.summary, "summary: one line that says what it is"


# ---------------------------------------------------------------- networks
def check_pictures_come_out_as_they_went_in(subject: Subject) -> None:
    """Shape (N, 3, S, S) is kept at two sizes, values are finite and within -1..1 in eval mode."""
    network = subject.build().eval()
    for size in (SIZE, 2 * SIZE):
        with torch.no_grad():
            output = network(pictures(2, size))
        assert output.shape == (2, 3, size, size), f"{tuple(output.shape)} for pictures of side {size}"
        _in_range(output)


def check_a_picture_does_not_depend_on_its_neighbours(subject: Subject) -> None:
    """In eval mode a picture becomes the same alone and in a batch."""
    network = subject.build().eval()
    images = pictures(3)
    with torch.no_grad():
        whole, alone = network(images), network(images[1:2])
    torch.testing.assert_close(whole[1:2], alone, rtol=1e-3, atol=1e-4)


def check_every_parameter_learns(subject: Subject) -> None:
    network = subject.build().train()
    network(pictures(BATCH).requires_grad_(True)).square().mean().backward()
    idle = [name for name, parameter in network.named_parameters() if parameter.grad is None]
    assert not idle, f"no gradient reaches {', '.join(idle)}"


def check_parts_hold_the_output(subject: Subject) -> None:
    """A generator that offers ``parts`` gives its output there, and a mask within 0..1."""
    network = subject.build().eval()
    if not hasattr(network, "parts"):
        return
    with torch.no_grad():
        parts, output = network.parts(pictures()), network(pictures())
    torch.testing.assert_close(parts["output"], output)
    if "mask" in parts:
        assert parts["mask"].shape == (2, 1, SIZE, SIZE) and 0 <= parts["mask"].min() <= parts["mask"].max() <= 1


def check_weights_load_again(subject: Subject) -> None:
    """Weights alone make a network that does the same: nothing else is learned."""
    first, second = subject.build().eval(), subject.build().eval()
    second.load_state_dict(first.state_dict())
    with torch.no_grad():
        _equal(_call(first), _call(second))


def check_it_gives_a_logit_and_feature_maps(subject: Subject) -> None:
    found = subject.build()(pictures(3))
    assert found.logit.shape == (3,), f"logit {tuple(found.logit.shape)}"
    _maps(found.features, 3)


def check_gradients_reach_the_picture(subject: Subject) -> None:
    network = subject.build()
    images = pictures().requires_grad_(True)
    found = network(images)
    maps = found.features if hasattr(found, "features") else found
    torch.stack([each.float().square().mean() for each in maps]).sum().backward()
    assert images.grad is not None and images.grad.abs().sum() > 0


def check_it_is_frozen_and_gives_maps(subject: Subject) -> None:
    """A features network trains only in a stage of its own."""
    network = subject.build()
    assert not any(parameter.requires_grad for parameter in network.parameters()), "parameters can be trained by accident"
    _maps(network(pictures(3)), 3)


# ---------------------------------------------------------------- losses
def check_both_sides_are_finite_scalars(subject: Subject) -> None:
    term, discriminator = subject.build(), Discriminator()
    terms = term.discriminator_loss(discriminator, pictures(seed=1), pictures(seed=2), 0)
    assert terms, "no terms for D"
    for name, value in {**terms, "generator": term.generator_loss(torch.randn(BATCH))}.items():
        assert value.shape == () and torch.isfinite(value), name
    torch.stack(list(terms.values())).sum().backward()
    assert all(parameter.grad is not None for parameter in discriminator.parameters())


def check_a_fooled_discriminator_costs_the_generator_less(subject: Subject) -> None:
    term = subject.build()
    assert term.generator_loss(torch.full((BATCH,), 3.0)) < term.generator_loss(torch.full((BATCH,), -3.0))


def check_equal_rows_augment_equally(subject: Subject) -> None:
    term = subject.build()
    images = pictures(1).expand(2, -1, -1, -1).clone().requires_grad_(True)
    augmented = term.augment(images, torch.full((2, 8), 0.7))
    assert augmented.shape == images.shape
    torch.testing.assert_close(augmented[0], augmented[1])
    (gradient,) = torch.autograd.grad(augmented.sum(), images)
    assert gradient.abs().sum() > 0, "T's gradient does not pass the augmentation"


def check_it_is_a_finite_scalar_with_gradient(subject: Subject) -> None:
    """And it has a weight, which it leaves to the stage."""
    loss = subject.build()
    assert loss.weight >= 0
    run = a_run(squares())
    value = loss(run.transfer(pictures(), 0))
    assert value.shape == () and torch.isfinite(value)
    value.backward()
    gradients = [parameter.grad for parameter in run.generator.parameters() if parameter.grad is not None]
    assert sum(float(gradient.abs().sum()) for gradient in gradients) > 0, "no gradient reaches T"


def check_a_copy_of_the_source_costs_nothing(subject: Subject) -> None:
    """An identity loss is 0 when T(x) is x, and more when it is not."""
    loss, run = subject.build(), a_run(squares())
    changed = loss(run.transfer(pictures(), 0))
    run.generator.head.bias.data[3] = -1e4  # the mask closes: T(x) = x
    run.generator.head.weight.data[3] = 0
    same = loss(run.transfer(pictures(), 0))
    assert abs(float(same.detach())) < 1e-6 < float(changed.detach())


def check_d_is_left_as_it_was(subject: Subject) -> None:
    """A loss of T changes no parameter and no gradient of D's when those are frozen."""
    loss, run = subject.build(), a_run(squares())
    run.discriminator.requires_grad_(False)
    before = copy.deepcopy(run.discriminator.state_dict())
    loss(run.transfer(pictures(), 0)).backward()
    assert all(torch.equal(value, before[name]) for name, value in run.discriminator.state_dict().items())


def check_enhanced_pictures_stay_pictures(subject: Subject) -> None:
    enhancer = subject.build().eval()
    with torch.no_grad():
        output = enhancer(pictures(seed=1), pictures(seed=2))
    assert output.shape == (2, 3, SIZE, SIZE)
    _in_range(output)


# ---------------------------------------------------------------- data
def check_labels_are_of_one_length(subject: Subject) -> None:
    records = subject.build().records()
    count = len(records)
    assert count and len(set(records.names)) == count, "names must be there and unique"
    for name, values in records.attributes.items():
        assert values.shape == (count,) and values.dtype == bool, name
    assert records.split.shape == (count,) and records.split.dtype == np.uint8 and records.split.max() <= 2
    assert records.identity is None or records.identity.shape == (count,)
    assert records.landmarks is None or (records.landmarks.shape[0] == count and records.landmarks.shape[2] == 2)


def check_no_person_is_in_two_splits(subject: Subject) -> None:
    records = subject.build().records()
    if records.identity is not None:
        for person in np.unique(records.identity):
            assert len(np.unique(records.split[records.identity == person])) == 1, f"person {person} is in two splits"


def check_pictures_are_read_in_any_order(subject: Subject) -> None:
    data = subject.build()
    last = len(data.records()) - 1
    forth, back = data.read([0, last]), data.read([last, 0])
    for one, other in zip(forth, reversed(back), strict=True):
        if not isinstance(one, Broken):
            assert one.shape == (SIZE, SIZE, 3) and one.dtype == np.uint8 and np.array_equal(one, other)


def check_equal_settings_have_one_fingerprint(subject: Subject) -> None:
    assert subject.build().fingerprint() == subject.build().fingerprint() != subject.build(size=2 * SIZE).fingerprint()


def check_it_chooses_pictures(subject: Subject) -> None:
    kept = subject.build().keep(squares().records)
    assert kept.shape == (COUNT,) and kept.dtype == bool


def check_masks_lie_where_the_picture_does(subject: Subject) -> None:
    """Zeros and ones, and a mirrored picture has a mirrored mask."""
    data, locator = squares(), subject.build()
    if hasattr(locator, "check_data"):
        locator.check_data(data)
    rows = np.array([3, 3])
    plain_, turned = locator.masks(data, Batch(data.images(rows), torch.zeros(2), rows, np.array([False, True])))
    assert plain_.shape == (1, SIZE, SIZE) and plain_.dtype == np.float32 and set(np.unique(plain_)) <= {0, 1}
    assert np.array_equal(plain_, turned[..., ::-1])


# ---------------------------------------------------------------- stages and metrics
def check_steps_are_finite_and_repeatable(subject: Subject) -> None:
    """Two stages that begin alike take equal steps, and what they return are finite scalars by name."""
    one, other = (_stage(subject) for _ in range(2))
    for index in range(2):
        torch.manual_seed(index)
        first = one.step(index)
        torch.manual_seed(index)
        assert first, "a step returns its losses"
        for name, value in other.step(index).items():
            assert value.shape == () and torch.isfinite(value) and not value.requires_grad, name
            torch.testing.assert_close(first[name], value, rtol=0, atol=0)


def check_its_state_can_be_kept(subject: Subject) -> None:
    """The state packs into tensors and JSON, and loads into a stage that has not begun."""
    stage = _stage(subject)
    stage.step(0)
    tensors: dict[str, Tensor] = {}
    packed = pack(stage.state_dict(), tensors)
    _stage(subject).load_state_dict(unpack(packed, tensors))
    stage.finish()


def check_previews_are_pictures(subject: Subject) -> None:
    stage = _stage(subject)
    if not hasattr(stage, "preview"):
        return
    with torch.no_grad():
        found = stage.preview(pictures())
    for made in [found] if isinstance(found, Tensor) else found.values():
        assert made.shape == (2, 3, SIZE, SIZE) and torch.isfinite(made).all()


def check_it_returns_scores(subject: Subject) -> None:
    """``Each`` with a number a picture, or ``Whole`` with a number and how many pictures it is from, by name, for results
    of any quality; none, not a wrong one, where it does not apply."""
    for copied in (True, False):
        evaluation = _evaluation(copied)
        for name, found in subject.build()(evaluation).items():
            assert isinstance(name, str) and isinstance(found, Each | Whole), name
            if isinstance(found, Each):
                assert found.values.shape == (len(evaluation.rows),), f"{name}: a number a picture"
                assert not np.isinf(found.values).any(), name
            else:
                assert np.isfinite(found.value) and found.n > 0, name


def check_it_leaves_the_pictures_alone(subject: Subject) -> None:
    evaluation = _evaluation(False)
    before = evaluation.outputs.copy(), evaluation.sources.copy()
    subject.build()(evaluation)
    assert np.array_equal(before[0], evaluation.outputs) and np.array_equal(before[1], evaluation.sources)


def check_results_are_pictures_of_the_inputs_size(subject: Subject) -> None:
    """Or None, where the method does not apply to these data."""
    data = squares()
    rows = data.rows("test", {"bright": False})
    found = subject.build()(data, {"bright": True}, rows)
    assert found is None or (found.shape == (len(rows), SIZE, SIZE, 3) and found.dtype == np.uint8)


# ---------------------------------------------------------------- pieces
def _stage(subject: Subject) -> Any:
    """The stage, prepared on a fresh run and on the component that declares it, whose networks are in train mode."""
    run = a_run(squares())
    memo: dict[str, Any] = {}
    owned = subject.owner()
    torch.manual_seed(0)
    owner = owned.build(memo) if owned is not None else None
    stage = subject.build(memo, steps=2)
    for part in memo.values():
        if hasattr(part, "check_data"):
            part.check_data(run.data)
    stage.prepare(run, owner)
    for module in [run.generator, run.discriminator, *(part for part in memo.values() if isinstance(part, nn.Module))]:
        module.train()
    return stage


def _evaluation(copied: bool) -> Any:
    from attrxfer.evaluate import HeldOut

    data = squares()
    rows = data.rows("test", {"bright": False})
    bright = data.pictures(data.rows("test", {"bright": True}))
    sources = data.pictures(rows)
    outputs = sources.copy() if copied else bright
    assert data.records.identity is not None
    return HeldOut(sources, outputs, bright, rows, data.records.identity[rows], {"bright": True}, data, None, 0)


def _call(network: nn.Module) -> Any:
    inputs = len(inspect.signature(network.forward).parameters)
    torch.manual_seed(0)
    return network(*[pictures(seed=seed) for seed in range(inputs)])


def _equal(one: Any, other: Any) -> None:
    if isinstance(one, Tensor):
        torch.testing.assert_close(one, other)
    else:
        for first, second in zip(one, other, strict=True):
            _equal(first, second)


def _in_range(images: Tensor) -> None:
    assert torch.isfinite(images).all() and images.min() >= -1 and images.max() <= 1, (
        f"values {float(images.min()):.3g} to {float(images.max()):.3g}, expected -1 to 1"
    )


def _maps(features: Any, count: int) -> None:
    assert isinstance(features, tuple) and features, "features: a tuple of maps"
    assert all(maps.dim() == 4 and len(maps) == count and torch.isfinite(maps).all() for maps in features)
