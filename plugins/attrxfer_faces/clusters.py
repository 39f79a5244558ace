"""Section 5.1: faces are clustered by their landmarks, and clusters of unsuitable faces are dropped."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import numpy as np
from numpy.typing import NDArray
from pydantic import Field
from scipy.cluster.vq import kmeans2

from attrxfer.interfaces import Records
from attrxfer_faces.points import CELEBA_POINTS, IBUG_POINTS, five_points, pose

RESTARTS = 3


@dataclass(frozen=True)
class Clusters:
    """K clusters of N faces.

    Attributes:
        label: Cluster of each face (N,); -1 for faces without landmarks.
        yaw: Median (K,) of the nose's sideways offset, in eye distances.
        eyes: Median eye distance (K,) as a share of the image's side.
        low_mouth: Median y (K,) of the mouth's middle, as a share of the side; 1 is the lower edge.
        dropped: Which clusters are dropped (K,).
    """

    label: NDArray[np.int64]
    yaw: NDArray[np.float64]
    eyes: NDArray[np.float64]
    low_mouth: NDArray[np.float64]
    dropped: NDArray[np.bool_]


class LandmarkClusters:
    """K-means of the five landmarks. The clusters in which faces are least visible are dropped.

    The paper dropped 14 of 62 clusters, in which "faces are partially invisible in general", and chose them by eye. Clusters
    differ in size, and those of turned faces are small: what is kept here is the share of the faces that 48 of 62 clusters of
    equal size hold. Clusters are ranked by the greatest of three medians: the nose's sideways offset in units of ``yaw`` eye
    distances, the smallness ``eyes`` / eye distance, and the mouth's y in units of ``mouth``. Faces without landmarks are
    kept.

    Args:
        size: Side of the images in pixels.
        clusters: Number of clusters; 62 in the paper.
        drop: Greatest share of the faces that is dropped, by whole clusters from the highest rank down; 14 of 62 in the paper.
        yaw: Sideways offset of the nose, in eye distances, that ranks as high as the two below.
        eyes: Distance between the eyes, as a share of the side.
        mouth: y of the mouth, as a share of the side; 1 is the lower edge.
        seed: Seed of the first cluster centres.
    """

    def __init__(
        self,
        *,
        size: Annotated[int, Field(ge=1)] = 64,
        clusters: Annotated[int, Field(ge=2, le=1000)] = 62,
        drop: Annotated[float, Field(ge=0, lt=1)] = 14 / 62,
        yaw: Annotated[float, Field(gt=0)] = 0.22,
        eyes: Annotated[float, Field(gt=0, lt=1)] = 0.1875,
        mouth: Annotated[float, Field(gt=0, le=1)] = 0.95,
        seed: Annotated[int, Field(ge=0)] = 0,
    ) -> None:
        self.size = size
        self.clusters = clusters
        self.drop = drop
        self.yaw = yaw
        self.eyes = eyes
        self.mouth = mouth
        self.seed = seed

    def keep(self, records: Records) -> NDArray[np.bool_]:
        """Which faces (N,) are not in a dropped cluster."""
        clusters = self.find(records)
        if clusters is None:
            return np.ones(len(records), bool)
        return np.where(clusters.label >= 0, ~clusters.dropped[clusters.label], True)

    def find(self, records: Records) -> Clusters | None:
        """The clusters; None where there are no landmarks of faces, or fewer different faces than clusters."""
        points = records.landmarks
        if points is None or points.shape[1] not in (CELEBA_POINTS, IBUG_POINTS):
            return None
        known = ~np.isnan(points).any((1, 2))
        if len(np.unique(points[known], axis=0)) < self.clusters:
            return None
        points5 = five_points(points[known]).astype(np.float64)
        label = np.full(len(records), -1, np.int64)
        label[known] = self._cluster(points5.reshape(len(points5), -1))
        yaw, distance = pose(points5)
        measures = {
            "yaw": yaw,
            "eyes": distance / self.size,
            "low_mouth": points5[:, 3:, 1].mean(1) / self.size,
        }
        medians = {name: self._medians(values, label[known]) for name, values in measures.items()}
        ratios = (medians["yaw"] / self.yaw, self.eyes / medians["eyes"], medians["low_mouth"] / self.mouth)
        rank = np.argsort(-np.max(ratios, axis=0), kind="stable")
        share = np.cumsum(np.bincount(label[known], minlength=self.clusters)[rank]) / known.sum()
        dropped = np.isin(np.arange(self.clusters), rank[share <= self.drop])
        return Clusters(label, medians["yaw"], medians["eyes"], medians["low_mouth"], dropped)

    def _cluster(self, rows: NDArray[np.float64]) -> NDArray[np.int64]:
        """Cluster of each row, from the k-means run with the least squared distance to the centres."""
        best: tuple[float, NDArray[np.int64]] | None = None
        for restart in range(RESTARTS):
            centres, label = kmeans2(rows, self.clusters, minit="++", seed=self.seed + restart, missing="warn")
            error = float(np.square(rows - centres[label]).sum())
            if best is None or error < best[0]:
                best = (error, label.astype(np.int64))
        assert best is not None
        return best[1]

    def _medians(self, values: NDArray[np.float64], label: NDArray[np.int64]) -> NDArray[np.float64]:
        """The median of each cluster; of an empty one the median of all."""
        return np.array([np.median(values[label == k] if (label == k).any() else values) for k in range(self.clusters)])
