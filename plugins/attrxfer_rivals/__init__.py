"""Components of other papers on attribute transfer, and recipes of their methods: CycleGAN, StarGAN, AttGAN, and the authors'
own revision of DIAT of 2018."""

from __future__ import annotations

from typing import TYPE_CHECKING

from attrxfer.plugin.hookspecs import hookimpl

if TYPE_CHECKING:
    from attrxfer.plugin.registry import Registry

CYCLEGAN = "Zhu et al.: Unpaired Image-to-Image Translation using Cycle-Consistent Adversarial Networks, ICCV 2017"
STARGAN = "Choi et al.: StarGAN: Unified GANs for Multi-Domain Image-to-Image Translation, CVPR 2018"
ATTGAN = "He et al.: AttGAN: Facial Attribute Editing by Only Changing What You Want, TIP 2019"
PIX2PIX = "Isola et al.: Image-to-Image Translation with Conditional Adversarial Networks, CVPR 2017"
PIX2PIX_HD = "Wang et al.: High-Resolution Image Synthesis with Conditional GANs, CVPR 2018"
REVISION = "Li, Zuo, Zhang, You: Deep Identity-aware Transfer of Facial Attributes, arXiv:1610.05586v2, 2018"


@hookimpl
def register_components(registry: Registry) -> None:
    registry.discriminator(
        "patch",
        "attrxfer_rivals.patch_discriminator:PatchDiscriminator",
        summary="PatchGAN: a logit for each patch, with instance or spectral norm",
        licence="MIT",
        paper=PIX2PIX,
    )
    registry.discriminator(
        "multi_scale",
        "attrxfer_rivals.patch_discriminator:MultiScaleDiscriminator",
        summary="a PatchGAN for the image and for each of its reductions by two",
        licence="MIT",
        paper=PIX2PIX_HD,
    )
    registry.discriminator(
        "patch_many",
        "attrxfer_rivals.patch_discriminator:AttributePatchDiscriminator",
        summary="a PatchGAN that says which attributes it sees too",
        licence="MIT",
        paper=STARGAN,
    )
    registry.generator(
        "unet",
        "attrxfer_rivals.unet:UNet",
        summary="encoder and decoder with a shortcut at each scale",
        licence="MIT",
        paper=PIX2PIX,
    )
    registry.generator(
        "masked_by_network",
        "attrxfer_rivals.mask:MaskedByNetwork",
        summary="any generator, and a network of its own that says where it may change the image",
        licence="MIT",
        paper=REVISION,
    )
    registry.generator(
        "stargan",
        "attrxfer_rivals.conditional:StarGenerator",
        summary="a residual network, told which attributes to change beside the image",
        licence="MIT",
        paper=STARGAN,
    )
    registry.generator(
        "attgan",
        "attrxfer_rivals.conditional:AttGenerator",
        summary="encoder and decoder, told which attributes to change between them",
        licence="MIT",
        paper=ATTGAN,
    )
    registry.regularizer(
        "cycle",
        "attrxfer_rivals.cycle:Cycle",
        summary="a second generator transfers back, against a discriminator of its own",
        licence="MIT",
        paper=CYCLEGAN,
    )
    registry.regularizer(
        "changed_back",
        "attrxfer_rivals.reconstruction:ChangedBack",
        summary="T of T(x), told to undo the change, is x",
        licence="MIT",
        paper=STARGAN,
    )
    registry.regularizer(
        "unchanged",
        "attrxfer_rivals.reconstruction:Unchanged",
        summary="T(x), told to change nothing, is x",
        licence="MIT",
        paper=ATTGAN,
    )
    registry.regularizer(
        "attribute_ratio",
        "attrxfer_rivals.mask:AttributeRatio",
        summary="T's mask covers no more than a share of the image",
        licence="MIT",
        paper=REVISION,
    )
