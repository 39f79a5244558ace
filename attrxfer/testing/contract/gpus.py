"""Checks that a component can run on a GPU, on machines that have none: torch's fake tensors have a device and a shape only."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor, nn
from torch._subclasses.fake_tensor import DataDependentOutputException, DynamicOutputShapeException, FakeTensorMode

from attrxfer.testing.fakes import BATCH, Devices, Run, a_run, random_images, tiny_data
from attrxfer.testing.subject import NotChecked, Subject

GPU = torch.device("cuda")
NO_VALUES = "reads the values of tensors, and those of a fake GPU have none"


class FakeGpu(Devices):
    """A GPU that this machine need not have."""

    device = GPU


def check_it_runs_on_a_gpu(subject: Subject) -> None:
    """All that ``forward`` makes is where the images are. A component that reads values of tensors is not checked."""
    built: dict[str, Any] = {}
    network = subject.build(built).eval()
    with _on_a_gpu(*built.values()) as mode:
        images = _there(mode, random_images(BATCH))
        found = network(images, images) if subject.component.kind == "enhancer" else network(images)
        _require_there(found)


def check_its_loss_runs_on_a_gpu(subject: Subject) -> None:
    """As ``check_it_runs_on_a_gpu``, for a loss."""
    run = a_run(tiny_data())
    built: dict[str, Any] = {}
    loss = subject.build(built)
    with _on_a_gpu(run.generator, run.discriminator, *built.values()):
        there = replace(run, devices=FakeGpu())
        _require_there(loss(there.transfer(_batch(there), 0)))


def check_both_sides_run_on_a_gpu(subject: Subject) -> None:
    """As ``check_it_runs_on_a_gpu``, for what T and D minimise, and for augmentation."""
    run = a_run(tiny_data())
    term = subject.build()
    with _on_a_gpu(run.discriminator, term):
        there = replace(run, devices=FakeGpu())
        draw = there.uniform("augment", 0, BATCH, 8)
        guided, generated = (term.augment(_batch(there), draw) for _ in range(2))
        terms = term.discriminator_loss(run.discriminator, guided, generated, 0)
        _require_there([*terms.values(), term.generator_loss(run.discriminator(generated).logit)])


def _batch(run: Run) -> Tensor:
    return run.batch("all", 0, BATCH).images


@contextmanager
def _on_a_gpu(*components: Any) -> Iterator[FakeTensorMode]:
    """Inside, tensors are fake, and the networks of components are on a GPU."""
    with FakeTensorMode(allow_non_fake_inputs=True) as mode:
        for component in components:
            held = [component] if isinstance(component, nn.Module) else vars(component).values()
            for module in (value for value in held if isinstance(value, nn.Module)):
                _move(mode, module)
        try:
            yield mode
        except (DataDependentOutputException, DynamicOutputShapeException) as error:
            raise NotChecked(NO_VALUES) from error
        except RuntimeError as error:
            if "numpy" in str(error):
                raise NotChecked(NO_VALUES) from error
            if "device" not in str(error).lower():
                raise
            raise AssertionError(f"a tensor is not where the images are: {str(error).splitlines()[0]}") from error


def _move(mode: FakeTensorMode, module: nn.Module) -> None:
    """Put fake copies of a network's parameters and buffers on the GPU. ``Module.to`` cannot: it swaps tensors in place."""
    for part in module.modules():
        for name, parameter in part._parameters.items():
            if parameter is not None:
                moved = nn.Parameter(_there(mode, parameter.detach()), requires_grad=parameter.requires_grad)
                part._parameters[name] = moved
        for name, buffer in part._buffers.items():
            if buffer is not None:
                part._buffers[name] = _there(mode, buffer)


def _there(mode: FakeTensorMode, tensor: Tensor) -> Tensor:
    fake = tensor if mode.is_our_fake(tensor) else mode.from_tensor(tensor)
    return fake.to(GPU)


def _require_there(found: Any) -> None:
    """Raise AssertionError where one of the tensors in ``found`` is on the processor."""
    if isinstance(found, Tensor):
        assert found.device.type == GPU.type, f"a result is on {found.device}, the images are on {GPU}"
    elif isinstance(found, tuple | list):
        for one in found:
            _require_there(one)
