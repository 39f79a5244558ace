"""An opened data set: labels, and images from the cache."""

from __future__ import annotations

import copy
import difflib
import hashlib
import json
import re
import shlex
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from attrxfer.data.cache import Progress, cache_key, open_images
from attrxfer.errors import DataError, printable
from attrxfer.interfaces import SPLITS, Broken, Counterfactuals, Dataset, Records, Selection
from attrxfer.storage.cache import cache_folder
from attrxfer.storage.conversion import to_tensor

if TYPE_CHECKING:
    from torch import Tensor

NAMED = 10
"""Broken images that ``describe`` names, at most; the rest is counted."""


@dataclass(frozen=True)
class CachedDataset:
    """The opened data set of a task.

    Attributes:
        records: Labels of all N images.
        usable: Bool (N,): readable, and kept by the selection.
        broken: The images that could not be read.
        unselected: Number of readable images that the selection left out; None where there is no selection.
        key: Key of the image cache; equal for equal images.
        cached: uint8 (N, S, S, 3), memory-mapped.
        dataset: The data set that the images come from.
    """

    records: Records
    usable: NDArray[np.bool_]
    broken: tuple[Broken, ...]
    unselected: int | None
    key: str
    cached: NDArray[np.uint8]
    dataset: Dataset

    def images_u8(self, rows: NDArray[np.int64], flip: NDArray[np.bool_] | None = None) -> NDArray[np.uint8]:
        """uint8 images (n, S, S, 3) of these rows, mirrored where ``flip`` (n,) is True."""
        images = self.cached[rows]
        if flip is not None:
            images[flip] = images[flip, :, ::-1]
        return images

    def read(self, rows: Sequence[int], size: int) -> list[NDArray[np.uint8] | Broken]:
        """Images of these rows at another side in pixels, (size, size, 3) each, read from the data set itself."""
        resized = copy.copy(self.dataset)
        resized.size = size
        return resized.read(rows)

    def images(self, rows: NDArray[np.int64], flip: NDArray[np.bool_] | None = None) -> Tensor:
        """float32 images (n, 3, S, S) in -1..1 of these rows, channels last in memory, mirrored where ``flip`` (n,) is True."""
        return to_tensor(self.images_u8(rows, flip))

    def truth(self, rows: NDArray[np.int64], target: Mapping[str, bool], strength: float = 1.0) -> NDArray[np.uint8] | None:
        """Exact counterfactuals of these rows.

        Args:
            rows: (n,).
            target: The attributes of the counterfactuals.
            strength: Degree in 0..1 of the target attributes that are missing in a row: 0 is absent, 1 is present.

        Returns:
            uint8 (n, S, S, 3); None if the data set cannot draw counterfactuals.
        """
        if not isinstance(self.dataset, Counterfactuals):
            return None
        missing = np.stack([self.records.attributes[name][rows] != value for name, value in target.items()], axis=1)
        images = self.images_u8(rows)
        for pattern in np.unique(missing, axis=0):
            same = (missing == pattern).all(1)
            names = [name for name, absent in zip(target, pattern, strict=True) if absent]
            wanted = {name: strength if target[name] else 1 - strength for name in names}
            if wanted:
                images[same] = self.dataset.counterfactual(rows[same].tolist(), wanted)
        return images

    def satisfies(self, conditions: Mapping[str, bool]) -> NDArray[np.bool_]:
        """Bool (N,): which images meet all conditions.

        Raises:
            DataError: An attribute is unknown.
        """
        return satisfies(self.records, conditions)

    def rows(self, split: str, conditions: Mapping[str, bool] | None) -> NDArray[np.int64]:
        """Usable rows of a split that meet the conditions."""
        inside = self.usable & (self.records.split == SPLITS.index(split))
        return np.flatnonzero(inside & self.satisfies(conditions or {}))

    def mean_landmarks(self, rows: NDArray[np.int64]) -> NDArray[np.float32] | None:
        """Mean landmarks (P, 2) of these rows, in pixels of the images; they describe how the data are aligned.

        None if the data set has no landmarks, or none of these rows has all of them.
        """
        if self.records.landmarks is None:
            return None
        known = self.records.landmarks[rows]
        known = known[~np.isnan(known).any((1, 2))]
        return known.mean(0, dtype=np.float64).astype(np.float32) if len(known) else None

    def describe(self) -> str:
        """A text: images and people of each split, counts of each attribute, what was left out, broken images."""
        lines = [describe(self.records, self.usable)]
        if self.unselected is not None:
            lines.append(f"{self.unselected or 'none'} left out by the selection")
        if self.broken:
            lines.append(f"{len(self.broken)} broken, skipped:")
            lines += [f"  {printable(name)}: {printable(reason)}" for name, reason in self.broken[:NAMED]]
            lines += [f"  and {len(self.broken) - NAMED} more"] if len(self.broken) > NAMED else []
        return "\n".join(lines)

    def __repr__(self) -> str:
        side = self.cached.shape[1]
        return f"<CachedDataset: {len(self.records)} images of {side} px, {int(self.usable.sum())} usable>"


def satisfies(records: Records, conditions: Mapping[str, bool]) -> NDArray[np.bool_]:
    """Bool (N,): which images meet all conditions.

    Raises:
        DataError: An attribute is unknown.
    """
    require_attributes(records, {"task": conditions})
    met = np.ones(len(records), bool)
    for name, wanted in conditions.items():
        met &= records.attributes[name] == wanted
    return met


TASK = "task"
"""The place in a recipe that names the task's attributes."""


def require_attributes(records: Records, names: Mapping[str, Collection[str]]) -> None:
    """Check that the data have these attributes.

    Args:
        records: The labels.
        names: Attributes by the place in the recipe that names them: "task", "identity[0].network".

    Raises:
        DataError: Some are unknown; the message has the nearest known name of each, and lists all known names.
    """
    known = list(records.attributes)
    unknown = list(dict.fromkeys(name for own in names.values() for name in own if name not in known))
    if not unknown:
        return
    places = [place for place, own in names.items() if not set(own).isdisjoint(unknown)]
    of_task = TASK in places
    if of_task:  # components that read the task's attributes are no second mistake
        places = [TASK, *(place for place in places if not set(names[place]) & set(unknown) <= set(names[TASK]))]
    choose = f"; choose with: {guided_setting(next(iter(known), 'NAME'))}" if of_task else ""
    near = {name: difflib.get_close_matches(name, known, n=1) for name in unknown}
    named = ", ".join(f'"{name}"' + (f' (did you mean "{near[name][0]}"?)' if near[name] else "") for name in unknown)
    raise DataError(f"{', '.join(places)}: the data have no attribute {named}; they have {', '.join(known) or 'none'}{choose}")


def guided_setting(name: str) -> str:
    r"""What to type so that an attribute is the one that results should have.

    >>> print(guided_setting("bright"), guided_setting("not bright"))
    --set task.guided={bright=true} --set 'task.guided={"not bright"=true}'
    """
    bare = re.fullmatch("[A-Za-z0-9_-]+", name) is not None
    setting = f"task.guided={{{name if bare else json.dumps(name, ensure_ascii=False)}=true}}"
    return f"--set {setting if bare else shlex.quote(setting)}"


def describe(records: Records, usable: NDArray[np.bool_]) -> str:
    """A table: images, people and counts of each attribute among the usable images of each split; below it, how many people
    are in two splits, and the notes."""
    by_split = [np.flatnonzero(usable & (records.split == number)) for number in range(len(SPLITS))]
    lines = [f"{len(records)} images, {int(usable.sum())} usable", f"{'':24}" + "".join(f"{split:>12}" for split in SPLITS)]
    lines.append(f"{'images':24}" + "".join(f"{len(rows):>12}" for rows in by_split))
    identity = records.identity
    if identity is not None:
        lines.append(f"{'people':24}" + "".join(f"{len(np.unique(identity[rows])):>12}" for rows in by_split))
    for name, values in records.attributes.items():
        lines.append(f"{name:24}" + "".join(f"{int(values[rows].sum()):>12}" for rows in by_split))
    if identity is not None:
        people, splits = np.unique(np.concatenate([np.unique(identity[rows]) for rows in by_split]), return_counts=True)
        if shared := int((splits > 1).sum()):
            lines.append(
                f"{shared} of {len(people)} people are in more than one split: scores are also of people seen in training"
            )
    return "\n".join([*lines, *map(printable, records.notes)])


def labels_key(records: Records, usable: NDArray[np.bool_]) -> str:
    """A hash that is equal where the same images are used, with the same splits, people and attributes.

    Args:
        records: The labels of N images.
        usable: Which of them are used (N,).
    """
    names = sorted(records.attributes)
    digest = hashlib.sha256(json.dumps(names).encode())
    for array in (usable, records.split, records.identity, *(records.attributes[name] for name in names)):
        digest.update(b"" if array is None else array.tobytes())
    return digest.hexdigest()


def open_data(
    dataset: Dataset,
    *,
    selection: Selection | None,
    size: int,
    records: Records | None = None,
    folder: Path | None = None,
    progress: Progress = lambda done, count: None,
) -> CachedDataset:
    """Open a data set: read its labels, and its images from the cache (they are decoded first if need be).

    Args:
        dataset: Where the images come from.
        selection: Decides which images are used; None uses all.
        size: Side of the images in pixels.
        records: The labels, if they were read already.
        folder: The cache's folder; None is the user's cache.
        progress: Called with the number of decoded images, and with the number of all.

    Raises:
        DataError: There are no images, or none can be used.
    """
    records = dataset.records() if records is None else records
    if not len(records):
        raise DataError("the data set has no images")
    images, broken = open_images(dataset, len(records), size, folder or cache_folder(), progress)
    names = {item.name for item in broken}
    readable = np.array([name not in names for name in records.names])
    selected = selection.keep(records) if selection is not None else np.ones(len(records), bool)
    usable = readable & selected
    if not usable.any():
        first = f"; the first: {printable(broken[0].name)}: {printable(broken[0].reason)}" if broken else ""
        raise DataError(
            f"none of the {len(records)} images can be used: {len(broken)} broken, {int((~selected).sum())} not selected{first}"
        )
    unselected = None if selection is None else int((readable & ~selected).sum())
    return CachedDataset(records, usable, broken, unselected, cache_key(dataset, size), images, dataset)
