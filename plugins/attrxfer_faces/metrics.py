"""Metrics of real faces: identity, by an embedding of dlib or of another network, and dlib's landmarks."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

import numpy as np
from numpy.typing import NDArray
from pydantic import Field
from scipy.spatial.distance import cdist, pdist, squareform

from attrxfer.errors import DataError, Problem
from attrxfer.interfaces import AggregateScore, DatasetView, Evaluation, PerImageScore, RecipeView, Role
from attrxfer_faces.dlib_models import SAME, Faces, missing_dlib
from attrxfer_faces.embedding import Embedder, load_embedder, missing_embedder
from attrxfer_faces.locator import face_landmarks
from attrxfer_faces.points import five_points

PARTS = {"eyes, nose and contour": (*range(17), *range(27, 48)), "mouth": tuple(range(48, 68))}
"""iBUG's points in two groups: a change of the mouth should not move the first."""
LIMIT = 500
"""Greatest number of validation images whose pairs set a network's threshold."""
Images = NDArray[np.uint8]


class OfFaces:
    """Base of the metrics here. It keeps dlib's models, and what was computed of real images."""

    @classmethod
    def missing(cls, **parameters: Any) -> Sequence[str]:
        return missing_dlib()

    @functools.cached_property
    def faces(self) -> Faces:
        return Faces()

    @functools.cached_property
    def _stored(self) -> dict[tuple[Any, ...], NDArray[Any]]:
        return {}

    def once(self, what: str, data: DatasetView, rows: NDArray[np.int64], find: Callable[[], NDArray[Any]]) -> NDArray[Any]:
        """``find()`` on its first call for ``what`` and these rows of the data; later the same array."""
        key = (what, data.key, rows.tobytes())
        if key not in self._stored:
            self._stored[key] = find()
        return self._stored[key]


class Identity(OfFaces):
    """Whether results still show the person of their input, by a face embedding.

    A result is cut out where the face of its input is. Drawn faces get no score: they have the exact truth.
    Faces for a network are aligned by five points, as for ArcFace: the data set's landmarks, or dlib's where it has none.

    Args:
        network: An ONNX file, or a state dict (safetensors or torch's) of ``architecture``; None uses dlib's embedding.
        architecture: timm's name of the network, for a state dict.
        false_accept: Share of the validation split's pairs of different people that are nearer than the threshold of
            verification. It sets the threshold of a network; dlib has a fixed one.
        flip: Add the embedding of the mirrored face (networks only).
    """

    def __init__(
        self,
        *,
        network: Path | None = None,
        architecture: str = "",
        false_accept: Annotated[float, Field(gt=0, lt=1)] = 1e-3,
        flip: bool = False,
    ) -> None:
        self.network = network
        self.architecture = architecture
        self.false_accept = false_accept
        self.flip = flip

    @classmethod
    def missing(cls, **parameters: Any) -> Sequence[str]:
        network = parameters.get("network")
        return missing_dlib() if network is None else missing_embedder(network, parameters.get("architecture", ""))

    def check_recipe(self, recipe: RecipeView) -> Iterator[Problem]:
        """A problem when the file holds no face embedding."""
        try:
            if self.network is not None:
                _ = self.embedder
        except DataError as error:
            yield Problem("network", str(error))

    def check_data(self, data: DatasetView) -> None:
        """Check that faces can be aligned.

        Raises:
            DataError: The data set has no landmarks, and dlib is not installed.
        """
        if self.network is not None and face_landmarks(data) is None and missing_dlib():
            raise DataError(f"metric identity: the data set has no landmarks of a face; missing: {missing_dlib()[0]}")

    def groups(self, data: DatasetView, rows: NDArray[np.int64]) -> Mapping[str, NDArray[np.bool_]]:
        """Images whose inner face is darker, and lighter, than the median; empty without landmarks of the data set."""
        points = face_landmarks(data)
        if points is None:
            return {}
        light = skin_brightness(data.images_u8(rows), five_points(points[rows]))
        darker = light < np.median(light)
        return {"darker skin": darker, "lighter skin": ~darker}

    def __call__(self, evaluation: Evaluation) -> Mapping[str, PerImageScore | AggregateScore]:
        """Score results.

        Returns:
            "identity similarity" to the input (cosine, at most 1) and, with dlib, "identity distance". "verification rate":
            share of results that are nearer to their input than the threshold. "same person": share whose nearest input
            shows the same person. "nearest is its own input". With a network "similarity that verifies", the threshold.
            Empty where there is exact truth.
        """
        if evaluation.truth is not None:
            return {}
        data, rows, picked = evaluation.data, evaluation.rows, evaluation.picked
        of_inputs, of_results = self.of_rows(data, rows), self._results(evaluation)
        distance = cdist(of_results, of_inputs)
        unscored = np.isnan(of_results).any(1) | np.isnan(of_inputs).any(1)
        if picked is not None and not np.array_equal(picked, rows):
            unscored |= picked == rows  # there was no other image to pick
        nearest = np.where(np.isnan(distance), np.inf, distance).argmin(1)
        people, own = evaluation.people, distance.diagonal()
        limit = SAME if self.network is None else self.threshold(data)
        shares: list[tuple[str, Role, NDArray[np.bool_]]] = [
            ("same person", "", people[nearest] == people),
            ("nearest is its own input", "", nearest == np.arange(len(people))),
        ]
        if limit is not None:
            shares.insert(0, ("verification rate", "verification rate", own < limit))
        scores: dict[str, PerImageScore | AggregateScore] = {}
        if self.network is None:
            distances = np.where(unscored, np.nan, own)
            scores["identity distance"] = PerImageScore(distances, better="lower", role="identity similarity")
        similarities = np.where(unscored, np.nan, _cosine(of_results, of_inputs))
        scores["identity similarity"] = PerImageScore(similarities, role="identity similarity")
        if self.network is not None and limit is not None:
            scores["similarity that verifies"] = AggregateScore(1 - limit**2 / 2, len(data.rows("validation", None)))
        for label, role, correct in shares:
            scores[label] = PerImageScore(np.where(unscored, np.nan, correct), "share", role=role)
        return scores

    def of_rows(self, data: DatasetView, rows: NDArray[np.int64]) -> NDArray[Any]:
        """Embeddings (N, C) of the data's own images."""
        return self.once("embeddings", data, rows, lambda: self._embeddings(data, data.images_u8(rows), rows))

    def threshold(self, data: DatasetView) -> float | None:
        """The distance that the share ``false_accept`` of the validation split's pairs of different people is below.

        None where people are unknown, or there are fewer than two.
        """
        people, rows = data.records.identity, data.rows("validation", None)
        if people is None or not len(rows):
            return None
        rows = rows[np.linspace(0, len(rows) - 1, min(len(rows), LIMIT)).astype(int)]
        embeddings = self.of_rows(data, rows)
        strangers = squareform(people[rows][:, None] != people[rows][None], checks=False)
        distance = pdist(embeddings)[strangers]
        distance = distance[np.isfinite(distance)]
        return float(np.quantile(distance, self.false_accept)) if len(distance) else None

    @functools.cached_property
    def embedder(self) -> Embedder:
        assert self.network is not None
        return load_embedder(self.network, self.architecture)

    def _results(self, evaluation: Evaluation) -> NDArray[Any]:
        if evaluation.picked is not None:
            return self.of_rows(evaluation.data, evaluation.picked)
        return self._embeddings(evaluation.data, evaluation.outputs, evaluation.rows)

    def _embeddings(self, data: DatasetView, images: Images, rows: NDArray[np.int64]) -> NDArray[Any]:
        """Embeddings (N, C) of images whose faces are at the same place as in the data's images of these rows."""
        if self.network is None:
            return self.faces.embeddings(images, data.images_u8(rows))
        return self.embedder(images, self._points(data, rows), flip=self.flip)

    def _points(self, data: DatasetView, rows: NDArray[np.int64]) -> NDArray[Any]:
        landmarks = face_landmarks(data)
        if landmarks is not None:
            return five_points(landmarks[rows])
        return five_points(self.once("points", data, rows, lambda: _landmarks(self.faces, data.images_u8(rows))))


class Landmarks(OfFaces):
    """Mean distance between dlib's 68 landmarks of a result and of its input, in distances between the eyes.

    The mouth, and eyes, nose and contour, have separate scores. A result counts only if a face is found in it and its input.
    """

    def __call__(self, evaluation: Evaluation) -> Mapping[str, PerImageScore]:
        """Score results: "landmark error of PART" for each part."""
        data, rows = evaluation.data, evaluation.rows
        sources = self.once("landmarks", data, rows, lambda: _landmarks(self.faces, evaluation.sources))
        outputs = _landmarks(self.faces, evaluation.outputs)
        eyes = np.linalg.norm(sources[:, 36:42].mean(1) - sources[:, 42:48].mean(1), axis=1)
        moved = np.linalg.norm(outputs - sources, axis=2) / eyes[:, None]
        return {
            f"landmark error of {part}": PerImageScore(moved[:, list(points)].mean(1), better="lower", role="unchanged")
            for part, points in PARTS.items()
        }


def _cosine(one: NDArray[Any], other: NDArray[Any]) -> NDArray[np.float64]:
    """Cosine similarity of rows (N, C) with rows (N, C): (N,)."""
    lengths = np.linalg.norm(one, axis=1) * np.linalg.norm(other, axis=1)
    return np.asarray((one * other).sum(1) / lengths, np.float64)


def _landmarks(faces: Faces, images: Images) -> NDArray[np.float64]:
    return np.stack([faces.landmarks(image) for image in images]).astype(np.float64)


CHEEK = 0.15
"""Half the side of the square that is looked at on each cheek, in distances between the eyes."""


def skin_brightness(images: Images, points: NDArray[Any]) -> NDArray[np.float64]:
    """The median luminance (N,) in 0..255 of the cheeks, halfway from each eye to the corner of the mouth below it.

    Args:
        images: uint8 (N, S, S, 3).
        points: Left eye, right eye, nose and corners of the mouth (N, 5, 2), in pixels.
    """
    found = []
    for image, (left, right, _, *corners) in zip(images, points, strict=True):
        half = max(1, round(CHEEK * float(np.linalg.norm(right - left))))
        values = []
        for eye, corner in zip((left, right), corners, strict=True):
            x, y = np.rint((eye + corner) / 2).astype(int).clip(half, image.shape[0] - 1 - half)
            values.append(image[y - half : y + half + 1, x - half : x + half + 1].mean(-1).reshape(-1))
        found.append(np.median(np.concatenate(values)))
    return np.array(found, np.float64)
