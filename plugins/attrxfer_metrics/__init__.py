"""Metrics: attribute accuracy, realism, similarity where nothing should change, closeness to the exact truth, cost."""

from __future__ import annotations

from typing import TYPE_CHECKING

from attrxfer.plugin.hookspecs import hookimpl

if TYPE_CHECKING:
    import click

    from attrxfer.plugin.registry import Registry


@hookimpl
def register_components(registry: Registry) -> None:
    registry.metric(
        "attribute_accuracy",
        "attrxfer_metrics.attribute_accuracy:AttributeAccuracy",
        summary="share of results that an attribute classifier sees as having the target",
        licence="MIT",
    )
    registry.metric(
        "kid",
        "attrxfer_metrics.kid:Kid",
        summary="distance to real images with the attribute, as sets, on the attribute classifier's features",
        licence="MIT",
        paper="Binkowski et al.: Demystifying MMD GANs, arXiv:1801.01401",
    )
    registry.metric(
        "preserved",
        "attrxfer_metrics.preserved:Preserved",
        summary="PSNR and SSIM to the input where nothing should change, and the shift of the mean colour",
        licence="MIT",
    )
    registry.metric(
        "lpips",
        "attrxfer_metrics.lpips:Lpips",
        summary="learned perceptual distance to the input and to the truth, with weights of the user's own",
        licence="MIT (the weights: BSD-2-Clause)",
        paper="Zhang et al.: The Unreasonable Effectiveness of Deep Features as a Perceptual Metric, arXiv:1801.03924",
    )
    registry.metric("cost", "attrxfer_metrics.cost:Cost", summary="milliseconds, GFLOP, parameters, peak memory", licence="MIT")
    registry.metric(
        "truth",
        "attrxfer_metrics.truth:Truth",
        summary="PSNR, SSIM and closeness to the exact counterfactual",
        licence="MIT",
    )


@hookimpl
def register_commands(group: click.Group) -> None:
    from attrxfer_metrics.commands import classifier

    group.add_command(classifier)
