"""Whether a result still shows the person of its input: by dlib for photographs, by a network of its own for drawn faces."""

from __future__ import annotations

import functools
import shutil
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import torch
from attrxfer_diat.recognition.network import RecognitionNetwork
from attrxfer_faces.metrics import Identity
from numpy.typing import NDArray

from attrxfer.data import CachedDataset
from attrxfer.evaluation.scores import HeldOutInputs, score
from attrxfer.interfaces import SPLITS, DatasetView, Evaluation, Metric, PerImageScore
from attrxfer.plugin.host import Host
from attrxfer.recipe import load
from attrxfer.storage.conversion import to_tensor
from attrxfer.storage.run_folder import RunFolder
from benchmarks.rivals.train import train

OTHER_PEOPLE = 1000
"""Seed of the drawn people whom the verifying network learns: none of them is in the data that are scored."""
FALSE_ACCEPT = 0.01
"""Share of pairs of different people that are verified."""
LIMIT = 300
Rows = NDArray[np.int64]
Images = NDArray[np.uint8]


class DrawnIdentity:
    """The share of results that a network verifies as the person of their input: the cosine of the two embeddings is above
    that of all but ``FALSE_ACCEPT`` of the pairs of different people in the validation split.

    Args:
        network: A recognition network that was trained on other people.
    """

    def __init__(self, network: RecognitionNetwork) -> None:
        self.network = network.eval()

    def __call__(self, evaluation: Evaluation) -> Mapping[str, PerImageScore]:
        of_results, of_inputs = self._embeddings(evaluation.outputs), self._embeddings(evaluation.sources)
        cosine = (of_results * of_inputs).sum(1)
        verified = (cosine > self._threshold(evaluation.data)).astype(float)
        return {
            "identity similarity": PerImageScore(cosine, role="identity similarity"),
            "verification rate": PerImageScore(verified, "share", role="verification rate"),
        }

    def _embeddings(self, images: Images) -> NDArray[np.float64]:
        with torch.no_grad():
            parts = [self.network.describe(part).embedding for part in to_tensor(images).split(64)]
        return torch.cat(parts).double().numpy()

    @functools.cached_property
    def _thresholds(self) -> dict[str, float]:
        return {}

    def _threshold(self, data: DatasetView) -> float:
        if data.key not in self._thresholds:
            rows = data.rows("validation", None)
            rows = rows[np.linspace(0, len(rows) - 1, min(len(rows), LIMIT)).astype(int)]
            people = data.records.identity
            assert people is not None
            of_rows = self._embeddings(data.images_u8(rows))
            different = people[rows][:, None] != people[rows][None]
            self._thresholds[data.key] = float(np.quantile((of_rows @ of_rows.T)[different], 1 - FALSE_ACCEPT))
        return self._thresholds[data.key]


def verifier(real: bool, size: int, steps: int, faces: int, folder: Path, host: Host) -> Metric:
    """The metric of verification.

    Args:
        real: Whether the data are photographs.
        size: Side of the images in pixels.
        steps: Training steps of the network for drawn faces.
        faces: Drawn faces that it is trained on.
        folder: Where its run is written.
        host: The plugins.
    """
    if real:
        return Identity()
    sets = [
        *('stages=["recognition"]', 'identity={use="embedding", network={use="recognition"}}', "train.start="),
        *(f"data.seed={OTHER_PEOPLE}", f"data.faces={faces}", f"train.size={size}", f"train.recognition.steps={steps}"),
        *("metric=[]", "report.evaluate=0", "train.threads=1"),
    ]
    shutil.rmtree(folder, ignore_errors=True)  # it is the same every time
    made = train(load("diat_a_gender", host, sets), RunFolder(folder), host, None)
    network = made.assembly.many("identity")[0].network
    assert isinstance(network, RecognitionNetwork)
    return DrawnIdentity(network)


def level(held: HeldOutInputs, identity: Metric) -> float:
    """The verification rate that results are matched with: that of the exact truth; for photographs, which have none, that of
    the next image of the same person, for inputs whose person has one."""
    if held.truth is not None:
        results, counted = held.results(held.truth), np.ones(len(held.rows), bool)
    else:
        picked = np.array([_another(held.data, row) for row in held.rows])
        results, counted = held.results(held.data.images_u8(picked), picked=picked), picked != held.rows
    found = score("", results, [identity])
    label = found.label("verification rate")
    assert label is not None
    return float(np.nanmean(found.per_image[label][counted]))


def _another(data: CachedDataset, row: int) -> int:
    """The next usable image of the same person in the same split; the image itself where there is none."""
    people = data.records.identity
    assert people is not None
    rows = data.rows(SPLITS[data.records.split[row]], None)
    own = rows[people[rows] == people[row]].tolist()
    return int(own[(own.index(row) + 1) % len(own)])
