"""Data sets on disk (CelebA's official layout, a folder a class, a table) and the choice of frontal faces."""

from __future__ import annotations

from typing import TYPE_CHECKING

from attrxfer.hookspecs import hookimpl

if TYPE_CHECKING:
    from attrxfer.registry import Registry


@hookimpl
def register_components(registry: Registry) -> None:
    registry.dataset(
        "celeba",
        "attrxfer_faces.celeba:CelebA",
        summary="a folder with img_align_celeba/ and list_attr_celeba.txt",
        licence="MIT (the pictures: non-commercial research)",
    )
    registry.dataset(
        "folder", "attrxfer_faces.folder:Folder", summary="a folder with a folder of pictures a class", licence="MIT"
    )
    registry.dataset("csv", "attrxfer_faces.table:Csv", summary="a CSV table of file names and attributes", licence="MIT")
    registry.selection(
        "frontal",
        "attrxfer_faces.selection:Frontal",
        summary="faces turned little to the side, by landmarks",
        licence="MIT",
    )
    registry.locator(
        "landmarks",
        "attrxfer_faces.locator:Landmarks",
        summary="a region of the face: the widened hull of its landmarks, section 3.2",
        licence="MIT",
    )
