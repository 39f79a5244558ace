"""Reading the scores.json that ``attrxfer evaluate`` wrote, for the bundle that it scored."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pydantic import BaseModel, NonNegativeInt, ValidationError

from attrxfer.errors import AttrxferError
from attrxfer.model.card import ResponseTable, Score


class ScoresFile(BaseModel):
    """What is read of scores.json: {candidate: {label: score}}, of each candidate's groups {group: {label: score}}, and
    how each candidate responds to strength."""

    images: NonNegativeInt
    people: NonNegativeInt
    scores: dict[str, dict[str, Score]]
    slices: dict[str, dict[str, dict[str, Score]]]
    responses: dict[str, ResponseTable | None] = {}


def read_scores(file: Path) -> dict[str, Any]:
    """The scores of the only candidate in a scores.json, in the form of a bundle's metadata.

    Args:
        file: scores.json, or the folder that holds it.

    Returns:
        {"scores": {"images", "people", "scores": {label: score}, "slices": {group: {label: score}}}, "response": how it
        responds to strength, or null}.

    Raises:
        AttrxferError: It is no such file, or has the scores of several candidates.
    """
    file = file / "scores.json" if file.is_dir() else file
    try:
        content = ScoresFile.model_validate_json(file.read_bytes())
    except OSError as error:
        raise AttrxferError(f"{file}: {error.strerror}") from None
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(map(str, first["loc"]))
        raise AttrxferError(f"{file}: not scores that attrxfer evaluate wrote ({key}: {first['msg'].lower()})") from None
    if len(content.slices) != 1:
        raise AttrxferError(f"{file}: scores of {len(content.slices)} candidates; evaluate the bundle alone")
    ((name, groups),) = content.slices.items()
    if name not in content.scores:
        raise AttrxferError(f'{file}: no scores of "{name}"')
    scores = {
        "images": content.images,
        "people": content.people,
        "scores": _plain(content.scores[name]),
        "slices": {group: _plain(scores) for group, scores in groups.items()},
    }
    response = content.responses.get(name)
    return {"scores": scores, "response": None if response is None else response.model_dump()}


def _plain(scores: dict[str, Score]) -> dict[str, dict[str, Any]]:
    """{label: score}; a score without an interval has no bounds."""
    return {label: score.model_dump(exclude_unset=True) for label, score in scores.items()}
