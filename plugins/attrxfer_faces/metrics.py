"""Who is in a result, and where the parts of the face are: dlib's answers, for real faces."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.distance import cdist

from attrxfer.interfaces import Each, Evaluation
from attrxfer_faces.dlib_models import SAME, Faces, missing

PARTS = {"eyes, nose and contour": (*range(17), *range(27, 48)), "mouth": tuple(range(48, 68))}
"""iBUG's points by what a change of the mouth or of the brows leaves alone."""
Pictures = NDArray[np.uint8]


class OfFaces:
    """dlib's models, loaded once, and what they find in the inputs, which every candidate is compared with."""

    def __init__(self) -> None:
        self._key = ""
        self._own: Any = None

    @classmethod
    def needs(cls) -> Sequence[str]:
        return missing()

    @functools.cached_property
    def faces(self) -> Faces:
        return Faces()

    def of_inputs(self, evaluation: Evaluation, find: Callable[[], NDArray[Any]]) -> NDArray[Any]:
        """What ``find`` finds in the inputs of this evaluation, looked for once."""
        key = f"{evaluation.data.key} {hash(evaluation.rows.tobytes())}"
        if key != self._key:
            self._key, self._own = key, find()
        found: NDArray[Any] = self._own
        return found


class Identity(OfFaces):
    """Whether results still show the person of their input, by dlib's face embedding, cut where the input's face is.

    Drawn people, whom dlib cannot tell apart, are left to the exact truth.
    """

    def __call__(self, evaluation: Evaluation) -> Mapping[str, Each]:
        """ "identity distance" to the input, "verified" (below dlib's 0.6), "same person" (of all inputs, the nearest shows
        this person), "nearest is its own input"; empty where there is exact truth."""
        if evaluation.truth is not None:
            return {}
        sources = evaluation.sources
        known = self.of_inputs(evaluation, lambda: self.faces.embeddings(sources, sources))
        found = known if evaluation.outputs is sources else self.faces.embeddings(evaluation.outputs, sources)
        distance = cdist(found, known)
        unseen = np.isnan(found).any(1) | np.isnan(known).any(1)
        nearest = np.where(np.isnan(distance), np.inf, distance).argmin(1)
        people, own = evaluation.people, distance.diagonal()
        verdicts = {
            "verified": own < SAME,
            "same person": people[nearest] == people,
            "nearest is its own input": nearest == np.arange(len(people)),
        }
        shares = {name: Each(np.where(unseen, np.nan, values), "share") for name, values in verdicts.items()}
        return {"identity distance": Each(own.copy(), better="lower"), **shares}


class Landmarks(OfFaces):
    """How far dlib's 68 landmarks of results are from those of their inputs, in distances between the eyes, the mouth apart
    from eyes, nose and contour. Faces that it does not find in both are left out."""

    def __call__(self, evaluation: Evaluation) -> Mapping[str, Each]:
        """ "landmark error of PART" for each of the parts."""
        sources = self.of_inputs(evaluation, lambda: _landmarks(self.faces, evaluation.sources))
        outputs = _landmarks(self.faces, evaluation.outputs)
        eyes = np.linalg.norm(sources[:, 36:42].mean(1) - sources[:, 42:48].mean(1), axis=1)
        moved = np.linalg.norm(outputs - sources, axis=2) / eyes[:, None]
        return {
            f"landmark error of {part}": Each(moved[:, list(points)].mean(1), better="lower") for part, points in PARTS.items()
        }


def _landmarks(faces: Faces, pictures: Pictures) -> NDArray[np.float64]:
    return np.stack([faces.landmarks(picture) for picture in pictures]).astype(np.float64)
