"""A plugin of odd components, for tests of the assembly and of preflight."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from attrxfer.errors import Problem
from attrxfer.interfaces import Features, Generator, RecipeView, Run, TransferStep
from attrxfer.plugin.hookspecs import hookimpl
from attrxfer.plugin.registry import Registry


@hookimpl
def register_components(registry: Registry) -> None:
    here = "tests.recipe.fakes"
    registry.enhancer("deblur", f"{here}:Deblur", summary="brings a stage")
    registry.features("taught", f"{here}:Taught", summary="brings two stages, of the first slots")
    registry.features("large", f"{here}:Large", summary="takes images of one size only")
    registry.regularizer("keeper", f"{here}:Keeper", summary="no torch module, holds networks")
    registry.regularizer("picky", f"{here}:Picky", summary="says what it does not like")
    registry.regularizer("broken", f"{here}:Broken", summary="fails in its first call")
    registry.regularizer("wide", f"{here}:Wide", summary="is no scalar")
    registry.regularizer("stubborn", f"{here}:Stubborn", summary="cannot be built")
    registry.regularizer("unsure", f"{here}:Unsure", summary="fails in its check")
    registry.generator("fragile", f"{here}:Fragile", summary="fails in training mode only")
    registry.stage("deblur", f"{here}:Quiet", summary="trains nothing")
    registry.stage("classify", f"{here}:Quiet", summary="trains nothing")
    registry.stage("warm", f"{here}:Quiet", summary="trains nothing")
    registry.stage("zz", f"{here}:OwnNetwork", summary="trains a network of its own")
    registry.stage("keep", f"{here}:TrainKeeper", summary="trains what keeper holds")


class Deblur(nn.Module):
    stages: ClassVar[Any] = (("enhance", "deblur"),)

    def __init__(self, *, bias: float = 0.0) -> None:
        super().__init__()
        self.bias = nn.Parameter(torch.tensor(bias))

    def forward(self, image: Tensor, source: Tensor) -> Tensor:
        return image + self.bias


class Taught(nn.Module):
    stages: ClassVar[Any] = (("features", "classify"), ("pretrain", "warm"))

    def __init__(self, *, channels: int = 2) -> None:
        super().__init__()
        self.layer = nn.Conv2d(3, channels, 1)
        self.requires_grad_(False)

    def forward(self, images: Tensor) -> tuple[Tensor, ...]:
        return (self.layer(images),)


class Large(nn.Module):
    def forward(self, images: Tensor) -> tuple[Tensor, ...]:
        raise ValueError("this network takes 224 px")


class Keeper:
    """A plain class with networks in an attribute and in a dict."""

    stages: ClassVar[Any] = (("features", "keep"),)

    def __init__(self, *, weight: float = 1.0) -> None:
        self.weight = weight
        self.first = nn.Conv2d(3, 3, 1)
        self.others = {"second": nn.Conv2d(3, 1, 1)}

    def __call__(self, step: TransferStep) -> Tensor:
        return self.others["second"](self.first(step.output)).square().mean()


class Picky:
    def __init__(self, *, network: Features, layer: int = 1, part: str = "output", weight: float = 1.0) -> None:
        self.network, self.layer, self.part, self.weight = network, layer, part, weight

    def check_recipe(self, recipe: RecipeView) -> Iterable[Problem]:
        if self.layer > len(recipe.features(self.network)):
            yield Problem("layer", f"the network has {len(recipe.features(self.network))} maps")
        if self.part not in recipe.generator_parts:
            yield Problem("part", f"the generator has {', '.join(recipe.generator_parts)}")
        if len(recipe.discriminator_features) < 2:
            yield Problem("", "the discriminator is too small")

    def __call__(self, step: TransferStep) -> Tensor:
        return step.parts[self.part].square().mean()


class Broken:
    def __init__(self, *, weight: float = 1.0) -> None:
        self.weight = weight

    def __call__(self, step: TransferStep) -> Tensor:
        return step.discriminate(step.output).features[99].mean()


class Fragile(nn.Module):
    def __init__(self, *, width: int = 4, blocks: int = 1) -> None:
        super().__init__()

    def forward(self, images: Tensor) -> Tensor:
        if self.training:
            raise RuntimeError("more than one value expected")
        return images


class Stubborn(Broken):
    def __init__(self, *, weight: float = 1.0) -> None:
        raise RuntimeError("no such model")


class Unsure(Broken):
    def check_recipe(self, recipe: RecipeView) -> Iterable[Problem]:
        raise KeyError("mask")


class Wide(Broken):
    def __call__(self, step: TransferStep) -> Tensor:
        return step.output.mean((1, 2, 3))


class Quiet:
    def __init__(self, *, steps: int = 1) -> None:
        self.steps = steps

    def prepare(self, run: Run, owner: Any) -> None:
        self.owner = owner

    def step(self, index: int) -> Mapping[str, Tensor]:
        return {"nothing": torch.zeros(())}

    def finish(self) -> None: ...

    def state_dict(self) -> dict[str, Any]:
        return {}

    def load_state_dict(self, state: dict[str, Any]) -> None: ...


class OwnNetwork(Quiet):
    """Its network is a part of the run: it must be placed, saved and restored."""

    def __init__(self, *, network: Generator, steps: int = 3, lr: float = 1e-3, batch_size: int = 4) -> None:
        super().__init__(steps=steps)
        self.network, self.lr, self.batch_size = network, lr, batch_size

    def trained(self) -> list[nn.Module]:
        assert isinstance(self.network, nn.Module)
        return [self.network]

    def prepare(self, run: Run, owner: Any) -> None:
        self.run, self.owner = run, owner
        self.optimizers = [run.devices.optimizer(network, self.lr, (0.9, 0.999)) for network in self.trained()]

    def step(self, index: int) -> Mapping[str, Tensor]:
        images = self.run.batch("all", index, self.batch_size).images
        losses = {}
        for number, (network, optimizer) in enumerate(zip(self.trained(), self.optimizers, strict=True)):
            loss = (network(images) - images.mean()).square().mean()
            self.run.devices.update(optimizer, loss)
            losses[f"loss {number}"] = loss.detach()
        return losses

    def state_dict(self) -> dict[str, Any]:
        return {"optimizers": [optimizer.state_dict() for optimizer in self.optimizers]}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        for optimizer, saved in zip(self.optimizers, state["optimizers"], strict=True):
            optimizer.load_state_dict(saved)


class TrainKeeper(OwnNetwork):
    def __init__(self, *, steps: int = 3, lr: float = 1e-2, batch_size: int = 4) -> None:
        Quiet.__init__(self, steps=steps)
        self.lr, self.batch_size = lr, batch_size

    def trained(self) -> list[nn.Module]:
        return [self.owner.first, self.owner.others["second"]]

    def prepare(self, run: Run, owner: Any) -> None:
        self.owner = owner
        super().prepare(run, owner)
