"""Faces: data sets on disk, selection of frontal faces, locators of face regions, metrics of identity and landmarks."""

from __future__ import annotations

from typing import TYPE_CHECKING

from attrxfer.plugin.hookspecs import hookimpl

if TYPE_CHECKING:
    import click

    from attrxfer.plugin.registry import Registry


PAPER = "Li, Zuo, Zhang: Deep Identity-aware Transfer of Facial Attributes, arXiv:1610.05586"


@hookimpl
def register_components(registry: Registry) -> None:
    registry.dataset(
        "celeba",
        "attrxfer_faces.celeba:CelebA",
        summary="a folder with img_align_celeba/ and list_attr_celeba.txt",
        licence="MIT (the images: non-commercial research)",
    )
    registry.dataset(
        "folder", "attrxfer_faces.folder:Folder", summary="a folder with a folder of images for each class", licence="MIT"
    )
    registry.dataset("csv", "attrxfer_faces.table:Csv", summary="a CSV table of file names and attributes", licence="MIT")
    registry.dataset(
        "sunglasses",
        "attrxfer_faces.sunglasses:ByBrightness",
        summary="another data set, with attributes that tell sunglasses from clear glasses",
        licence="MIT",
    )
    registry.selection(
        "frontal",
        "attrxfer_faces.selection:Frontal",
        summary="nearly frontal faces, by landmarks",
        licence="MIT",
    )
    registry.selection(
        "clusters",
        "attrxfer_faces.clusters:LandmarkClusters",
        summary="clusters of the landmarks; clusters of unsuitable faces are dropped, section 5.1",
        licence="MIT",
        paper=PAPER,
    )
    for name, target, where in (
        ("landmarks", "Landmarks", "of the data set"),
        ("dlib", "Dlib", "that dlib finds (extra faces)"),
        ("auto", "Auto", "of the data set, or of dlib where it has none"),
    ):
        registry.locator(
            name,
            f"attrxfer_faces.locator:{target}",
            summary=f"a region of the face: the widened hull of the landmarks {where}, section 3.2",
            licence="iBUG 300-W: not for commercial use" if name == "dlib" else "MIT",
            paper=PAPER,
        )
    registry.set_default("locator", "dlib")

    registry.metric(
        "identity",
        "attrxfer_faces.metrics:Identity",
        summary="whether results show the person of their input, by the face embedding of dlib (extra faces) or of a network",
        licence="MIT",
    )
    registry.metric(
        "landmarks",
        "attrxfer_faces.metrics:Landmarks",
        summary="how far the landmarks moved, found by dlib (extra faces)",
        licence="iBUG 300-W: not for commercial use",
    )


@hookimpl
def register_commands(group: click.Group) -> None:
    from attrxfer_faces.commands import data

    group.add_command(data)
