"""What losses and stages say of a recipe that they do not fit."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pytest
from attrxfer_diat.classify import ClassifyFaces
from attrxfer_diat.enhancer import TrainGlobalEnhancer, TrainLocalEnhancer
from attrxfer_diat.features import FaceFeatures
from attrxfer_diat.generator import MaskedTransformNetwork
from attrxfer_diat.identity import Adaptive, Backbone
from attrxfer_diat.recognition.training import TrainRecognition
from attrxfer_diat.regularizer import Denoising, MaskSize, Perceptual, Reconstruction

from attrxfer.interfaces import ChecksRecipe, Features
from attrxfer.testing.fakes import Discriminator, Generator

ANYONE = object()


class FakeRecipe:
    """A recipe whose networks have these shapes."""

    size = 16

    def __init__(
        self, parts: Sequence[str] = ("output",), layers: int = 6, maps: int = 5, brings: object | None = ANYONE
    ) -> None:
        self.brings = brings
        self.generator, self.discriminator = Generator(), Discriminator()
        self.generator_parts: Mapping[str, tuple[int, ...]] = dict.fromkeys(parts, (1, 1, 16, 16))
        self.discriminator_features = [(1, 4, 8, 8)] * layers
        self.maps = [(1, 4, 8, 8)] * maps

    def features(self, network: Features, size: int | None = None) -> Sequence[tuple[int, ...]]:
        return self.maps

    def owner(self, stage: object) -> object | None:
        return self.brings


def said(component: Any, **shapes: Any) -> list[str]:
    assert isinstance(component, ChecksRecipe)
    return [str(problem) for problem in component.check_recipe(FakeRecipe(**shapes))]


@pytest.fixture
def phi() -> FaceFeatures:
    return FaceFeatures(width=4)


def test_layers_that_d_does_not_have() -> None:
    assert said(Adaptive()) == []
    assert said(Adaptive(layers=(4, 9))) == ["layers: [4, 9]: this network has layers 1 to 6"]
    assert said(Adaptive(layers=(0,))) == ["layers: [0]: this network has layers 1 to 6"]
    assert said(Adaptive(layer_weights=(1.0,))) == ["layer_weights: [1.0]: there are 2 layers"]
    assert said(Adaptive(), layers=4) == ["layers: [4, 5]: this network has layers 1 to 4"]


def test_layers_that_a_backbone_does_not_have(phi: FaceFeatures) -> None:
    assert said(Backbone(network=phi)) == []
    assert said(Backbone(network=phi, layers=(6,), layer_weights=(1.0, 2.0))) == [
        "layers: [6]: this network has layers 1 to 5",
        "layer_weights: [1.0, 2.0]: there are 1 layers",
    ]


def test_a_generator_without_a_mask() -> None:
    assert said(MaskSize(), parts=("output", "mask")) == []
    assert said(MaskSize()) == ['this generator learns no mask; generator.use = "masked" does']


def test_eq_10_compares_two_maps(phi: FaceFeatures) -> None:
    stage = TrainLocalEnhancer(network=phi, locator=object())  # type: ignore[arg-type]
    assert said(stage, maps=2) == []
    assert said(stage, maps=1) == ["network: eq. 10 compares the first 2 maps of this network; it has 1"]


def test_layers_that_the_perceptual_regularizer_does_not_have(phi: FaceFeatures) -> None:
    owner = Perceptual(network=phi, reconstruction=MaskedTransformNetwork(width=4, blocks=1))
    assert said(Reconstruction(), brings=owner) == []
    assert said(Reconstruction(layers=(4, 9)), brings=owner) == ["layers: [4, 9]: this network has layers 1 to 5"]


@pytest.mark.parametrize(
    ("stage", "owner"),
    [
        (Reconstruction(), "regularizer perceptual"),
        (Denoising(), "regularizer perceptual"),
        (TrainGlobalEnhancer(), "enhancer global"),
        (ClassifyFaces(), "features face_features"),
        (TrainRecognition(), "features recognition"),
    ],
)
def test_a_stage_without_what_it_trains(stage: Any, owner: str) -> None:
    assert said(stage, brings=None) == [f"this stage trains {owner}, which the recipe does not have; take it out of stages"]
