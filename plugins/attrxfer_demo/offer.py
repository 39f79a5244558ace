"""The models that the page offers."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from attrxfer.errors import AttrxferError, DataError, UnknownName
from attrxfer.interfaces import Detector
from attrxfer.media.photos import Photos, load_detector
from attrxfer.media.whole_images import reach_of
from attrxfer.model.attribute_words import in_words
from attrxfer.model.calling import CallableModel
from attrxfer.model.loading import CPU, load_model
from attrxfer_demo.words import label

if TYPE_CHECKING:
    from attrxfer.plugin.registry import Registry


@dataclass(frozen=True)
class Offer:
    """A model on the page.

    Attributes:
        path: As the user named it.
        label: Its task and attributes.
        about: Data set and size, for the page.
        transfer: The loaded model.
        photos: Transfers the subjects of photos; None where every image is taken as one crop, or transferred whole.
        crops_only: Why every image is taken as one crop, as sentences; "" if it is not.
        detector: Name of the detector that the user chose; None: the default one.
        device: Where its networks run.
    """

    path: Path
    label: str
    about: str
    transfer: CallableModel
    photos: Photos | None
    crops_only: str
    detector: str | None = None
    device: str = CPU

    def changing(self, wanted: Mapping[str, bool]) -> Offer:
        """This offer of a model for many attributes, held to what results should have."""
        transfer = self.transfer.changing(wanted)
        return replace(self, transfer=transfer, photos=Photos(transfer, self.photos.detector) if self.photos else None)

    @property
    def name(self) -> str:
        """The task's name, for names of files."""
        return str(self.transfer.metadata["task"]["name"])

    def command(
        self,
        names: Sequence[str],
        strength: float,
        *,
        crop: bool = False,
        wanted: Mapping[str, bool] | None = None,
        numbers: Sequence[int] | None = None,
        out: str = "out",
    ) -> str:
        """The command that makes the same results.

        Args:
            names: The files.
            strength: Strength of the transfer.
            crop: The images are taken as crops.
            wanted: Of a model for many attributes: what results should have.
            numbers: The numbers of the subjects that are changed, 1 for the largest; None: all.
            out: The folder of the results.
        """
        attributes = [part for each in (wanted or {}).items() for part in ("--attribute", in_words(dict([each])))]
        detection = ["--detector", self.detector] if self.detector is not None else []
        chosen = ["--subjects", ",".join(f"#{number}" for number in numbers)] if numbers is not None else []
        device = ["--device", self.device] if self.device != CPU else []
        whole = reach_of(self.transfer) is not None
        subjects = [] if whole else ["--aligned"] if crop or self.photos is None else [*detection, *chosen]
        given = [*attributes, *subjects, *device, "--strength", f"{strength:g}", "-o", out]
        return shlex.join(["attrxfer", "transfer", str(self.path), *names, *given])


def offers(paths: Sequence[Path], detector: str | None, registry: Registry, device: str = CPU) -> list[Offer]:
    """An offer for each model.

    Args:
        paths: What ``load_model`` opens.
        detector: The locator that detects subjects in photos; None: the default one. Where the default one cannot
            detect, images are taken as crops.
        registry: Where locators are found.
        device: Where the networks of bundles run.

    Raises:
        UnknownName: No such model or detector.
        AttrxferError: A model cannot be opened, or makes no results for photos; or the named detector cannot detect.
    """
    missing, opened = "", None
    try:
        opened = load_detector(detector, registry)
    except AttrxferError as error:
        if detector is not None or isinstance(error, UnknownName):
            raise
        missing = str(error)
    found = [replace(_offer(path, opened, missing, device), detector=detector) for path in paths]
    labels = [each.label for each in found]
    return [replace(each, label=f"{each.label} ({each.path})") if labels.count(each.label) > 1 else each for each in found]


def _offer(path: Path, detector: Detector | None, missing: str, device: str) -> Offer:
    transfer = load_model(path, device=device)
    transfer.images(np.zeros((1, transfer.size, transfer.size, 3), np.uint8))  # what cannot run fails before the page opens
    metadata = transfer.metadata
    photos, why, whole = None, "", reach_of(transfer) is not None
    if whole:
        pass  # there is nothing to detect
    elif metadata.get("alignment") is None:
        why = "This model does not know how its training images were aligned"
    elif detector is None:
        why = missing
    else:
        try:
            photos = Photos(transfer, detector)
        except DataError as error:
            why = str(error)
    recipe = metadata.get("recipe")  # a method was not trained
    task = {**recipe.get("task", {}), **metadata["task"]} if recipe else metadata["task"]
    about = f"Trained on {recipe['data']['use']} at {transfer.size} px." if recipe else f"Images of {transfer.size} px."
    if whole:
        about += " Whole images are transferred, at their own size."
    if why:
        why = f"{why[0].upper()}{why[1:]}. Images are taken as crops like those trained on."
    many = ", ".join(name.replace("_", " ") for name in transfer.can_change)
    name = f"{task['name']}: {many}" if many else label(task)
    return Offer(path, name, about, transfer, photos, why, device=device)
