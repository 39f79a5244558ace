"""DIAT and DIAT-A ("Deep Identity-aware Transfer of Facial Attributes") as components and recipes."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from attrxfer.plugin.hookspecs import hookimpl

if TYPE_CHECKING:
    from attrxfer.plugin.registry import Registry

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
    registry.generator(
        "masked_many",
        "attrxfer_diat.many.networks:ManyAttributesNetwork",
        summary="the generator masked, told which attributes to change",
        licence="MIT",
    )
    registry.discriminator(
        "diat_many",
        "attrxfer_diat.many.networks:ManyAttributesDiscriminator",
        summary="the discriminator of Table 2, which says which attributes it sees too",
        licence="MIT",
    )
    registry.adversarial(
        "gan_many",
        "attrxfer_diat.many.training:ManyGan",
        summary="attribute loss of many attributes",
        licence="MIT",
        paper="Choi et al.: StarGAN, CVPR 2018",
    )
    registry.stage(
        "adversarial_many",
        "attrxfer_diat.many.training:ManyAttributesTraining",
        summary="Algorithm 1 for many attributes at once",
        licence="MIT",
    )
    registry.discriminator("diat", "attrxfer_diat.discriminator:Discriminator", summary="the discriminator of Table 2", **here)
    registry.adversarial("gan", "attrxfer_diat.adversarial:Gan", summary="attribute loss, eq. 3, non-saturating for T", **here)
    registry.identity(
        "adaptive", "attrxfer_diat.identity:Adaptive", summary="features of the discriminator itself, eq. 12-13", **here
    )
    registry.identity("backbone", "attrxfer_diat.identity:Backbone", summary="features of a network, eq. 1-2", **here)
    registry.features(
        "vgg_face",
        "attrxfer_diat.features:VggFace",
        summary="VGG-Face's first five convolutions, from a file of yours",
        licence="weights: CC BY-NC 4.0",
        paper="Parkhi, Vedaldi, Zisserman: Deep Face Recognition, BMVC 2015",
    )
    registry.features(
        "face_features",
        "attrxfer_diat.features:FaceFeatures",
        summary="the same five convolutions, trained on the run's own data",
        licence="MIT",
    )
    registry.features("timm", "attrxfer_diat.features:Timm", summary="any timm model by name", licence="the model's own")
    registry.identity("pixels", "attrxfer_diat.identity:Pixels", summary="squared difference of the images", licence="MIT")
    registry.features(
        "recognition",
        "attrxfer_diat.recognition.network:RecognitionNetwork",
        summary="people and attributes, learned on the run's own data",
        licence="MIT",
    )
    registry.features(
        "onnx",
        "attrxfer_diat.recognition.network_file:OnnxNetwork",
        summary="a face recognition network, from an ONNX file of yours",
        licence="the recognition network's own",
    )
    registry.identity(
        "embedding",
        "attrxfer_diat.recognition.losses:Embedding",
        summary="a recognition network sees the same person",
        licence="MIT",
    )
    registry.regularizer(
        "classification",
        "attrxfer_diat.recognition.losses:Classification",
        summary="the recognition network sees the wanted attribute",
        licence="MIT",
    )
    registry.stage(
        "recognition",
        "attrxfer_diat.recognition.training:TrainRecognition",
        summary="learns people with a margin softmax, and attributes",
        licence="MIT",
        paper="Wang et al.: CosFace, CVPR 2018",
    )
    registry.regularizer("tv", "attrxfer_diat.regularizer:TotalVariation", summary="total variation, section 3.1.1", **here)
    registry.regularizer(
        "perceptual", "attrxfer_diat.regularizer:Perceptual", summary="T(x) is a fixed point of a denoiser, eq. 4-6", **here
    )
    registry.regularizer(
        "mask_size", "attrxfer_diat.regularizer:MaskSize", summary="T changes little of the image", licence="MIT"
    )
    registry.regularizer(
        "patches",
        "attrxfer_diat.patches:Patches",
        summary="a discriminator of patches takes T(x) for a real image",
        licence="MIT",
        paper="Isola et al.: Image-to-Image Translation with Conditional Adversarial Networks, CVPR 2017",
    )
    registry.enhancer(
        "local", "attrxfer_diat.enhancer:LocalEnhancer", summary="x outside the attribute's region, eq. 10", **here
    )
    registry.enhancer("global", "attrxfer_diat.enhancer:GlobalEnhancer", summary="sharpens what was blurred, eq. 11", **here)
    registry.stage(
        "face_features", "attrxfer_diat.classify:ClassifyFaces", summary="learns people and attributes", licence="MIT"
    )
    registry.stage("reconstruction", "attrxfer_diat.regularizer:Reconstruction", summary="g of eq. 4", **here)
    registry.stage("denoiser", "attrxfer_diat.regularizer:Denoising", summary="f of eq. 5", **here)
    registry.stage("local_enhancer", "attrxfer_diat.enhancer:TrainLocalEnhancer", summary="E of eq. 10", **here)
    registry.stage("global_enhancer", "attrxfer_diat.enhancer:TrainGlobalEnhancer", summary="E of eq. 11", **here)
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
    registry.method(
        "inpainting",
        "attrxfer_diat.inpainting.method:Inpainting",
        summary="baseline [40]: a DCGAN fills the masked region",
        licence="MIT",
        paper="Yeh et al.: Semantic Image Inpainting with Perceptual and Contextual Losses, arXiv:1607.07539",
    )
    registry.method(
        "cnia",
        "attrxfer_diat.cnia:Cnia",
        summary="baseline [26]: each image is optimised towards the features of its guided neighbours",
        licence="MIT",
        paper="Li, Zhang, Zhang: Attribute-driven and Identity-preserving Human Face Generation, arXiv:1608.06434",
    )


@hookimpl
def register_recipes() -> Path:
    """The folder of recipes: beside this file in an installed package, at the repository's root in a checkout."""
    inside = Path(__file__).parent / "recipes"
    return inside if inside.is_dir() else Path(__file__).parents[2] / "recipes"


@hookimpl
def register_self_test() -> str:
    return "diat_a_gender"
