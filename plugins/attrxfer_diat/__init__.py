"""DIAT and DIAT-A ("Deep Identity-aware Transfer of Facial Attributes") as components; recipes come with them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from attrxfer.hookspecs import hookimpl

if TYPE_CHECKING:
    from attrxfer.registry import Registry

PAPER = "Li, Zuo, Zhang: Deep Identity-aware Transfer of Facial Attributes, arXiv:1610.05586"


@hookimpl
def register_components(registry: Registry) -> None:
    here = {"licence": "MIT", "paper": PAPER}
    registry.generator("diat", "attrxfer_diat.generator:TransformNetwork", summary="the transform network of Table 1", **here)
    registry.generator(
        "masked",
        "attrxfer_diat.generator:MaskedTransformNetwork",
        summary="Table 1's trunk with a learned mask",
        licence="MIT",
    )
    registry.discriminator("diat", "attrxfer_diat.discriminator:Discriminator", summary="the discriminator of Table 2", **here)
    registry.adversarial("gan", "attrxfer_diat.adversarial:Gan", summary="attribute loss, eq. 3, non-saturating for T", **here)
    registry.identity(
        "adaptive", "attrxfer_diat.identity:Adaptive", summary="features of the discriminator itself, eq. 12-13", **here
    )
    registry.identity("pixels", "attrxfer_diat.identity:Pixels", summary="squared difference of the pictures", licence="MIT")
    registry.regularizer("tv", "attrxfer_diat.regularizer:TotalVariation", summary="total variation, section 3.1.1", **here)
    registry.stage(
        "pretrain_generator", "attrxfer_diat.stages:PretrainGenerator", summary="T learns to reconstruct, eq. 8", **here
    )
    registry.stage(
        "pretrain_discriminator",
        "attrxfer_diat.stages:PretrainDiscriminator",
        summary="D learns the label, eq. 9",
        **here,
    )
    registry.stage("adversarial", "attrxfer_diat.stages:AdversarialTraining", summary="Algorithm 1, eq. 14", **here)


@hookimpl
def register_recipes() -> Path:
    """Inside the wheel the recipes lie beside this file; in a checkout at the repository's root."""
    inside = Path(__file__).parent / "recipes"
    return inside if inside.is_dir() else Path(__file__).parents[2] / "recipes"
