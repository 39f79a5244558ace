"""The card of a model, which may come from anywhere: its schema, and how it is read and checked before it is used.

The card is attrxfer.json in a bundle, and the metadata of an exported file.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from itertools import pairwise
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, model_validator

from attrxfer.errors import BundleError
from attrxfer.media.tiles import MOST
from attrxfer.model.attribute_regression import VALUES
from attrxfer.model.texture import STATISTICS
from attrxfer.storage.files import is_file_name

FORMAT = 2
WEIGHTS, METADATA = "model.safetensors", "attrxfer.json"
LARGEST_CARD = 4_000_000
"""Bytes of a card, at most."""
DEEPEST, LONGEST_KEY, LONGEST_TEXT, MOST_ITEMS, LARGEST_NUMBER = 32, 200, 10_000, 10_000, 1e15
"""What a card may hold, at most: levels, characters of a key and of a text, items of a list or table, and a number's size."""
LARGEST_SIZE = 4096
"""Side in pixels of a model's images, at most."""
SHOWN = 60
"""Characters of a key that an error shows, at most."""
CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")
"""Characters that change what a terminal shows, or that cannot be written."""


def _file_name(text: str) -> str:
    if not is_file_name(text):
        raise ValueError("no plain file name")
    return text


Name = Annotated[str, Field(min_length=1, max_length=LONGEST_KEY)]
FileName = Annotated[str, Field(max_length=LONGEST_KEY), AfterValidator(_file_name)]
Digest = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
Number = Annotated[float, Field(ge=-LARGEST_NUMBER, le=LARGEST_NUMBER, allow_inf_nan=False)]
NotNegative = Annotated[float, Field(ge=0, le=LARGEST_NUMBER, allow_inf_nan=False)]
Share = Annotated[float, Field(ge=0, le=1)]
Count = Annotated[int, Field(ge=0, le=2**53)]
Pixels = Annotated[int, Field(ge=1, le=2**20)]
Offset = Annotated[int, Field(ge=0, le=2**20)]


class Part(BaseModel):
    """A table of the card. It may hold further keys, which another version wrote."""

    model_config = ConfigDict(extra="allow", strict=True, protected_namespaces=())


class Step(Part):
    """A network of the chain, with its settings."""

    kind: Literal["generator", "enhancer"]
    use: Name


class Task(Part):
    """The task's name, which becomes part of file names, and the attributes of results."""

    name: FileName
    guided: Annotated[dict[Name, bool], Field(min_length=1, max_length=1000)]


class FramingTable(Part):
    """``Framing``: the part that is kept lies within the file's pixels."""

    source: Annotated[list[Pixels], Field(min_length=2, max_length=2)]
    crop: Annotated[list[Offset], Field(min_length=4, max_length=4)]

    @model_validator(mode="after")
    def _inside(self) -> FramingTable:
        (width, height), (left, top, *sides) = self.source, self.crop
        if not (0 < sides[0] <= width - left and 0 < sides[1] <= height - top):
            raise ValueError("crop is not inside source")
        return self


class TextureTable(Part):
    """``Texture``."""

    mean: Annotated[list[Number], Field(min_length=STATISTICS, max_length=STATISTICS)]
    precision: Annotated[
        list[Annotated[list[Number], Field(min_length=STATISTICS, max_length=STATISTICS)]],
        Field(min_length=STATISTICS, max_length=STATISTICS),
    ]
    limit: Number


class RegressionTable(Part):
    """``AttributeRegression``."""

    weights: Annotated[list[Number], Field(min_length=VALUES, max_length=VALUES)]
    bias: Number
    accuracy: Share


class ResponseTable(Part):
    """``Response``."""

    strengths: Annotated[list[Share], Field(min_length=2, max_length=1000)]
    shares: Annotated[list[Share], Field(min_length=2, max_length=1000)]

    @model_validator(mode="after")
    def _rises(self) -> ResponseTable:
        if len(self.strengths) != len(self.shares):
            raise ValueError("as many shares as strengths are needed")
        if self.strengths[0] != 0 or self.strengths[-1] != 1 or any(low >= high for low, high in pairwise(self.strengths)):
            raise ValueError("strengths do not rise from 0 to 1")
        return self


class Score(Part):
    """A score; ``low`` and ``high`` are there together or not at all."""

    value: Number | None
    low: Number = 0.0
    high: Number = 0.0
    n: Count
    unit: str
    better: Literal["higher", "lower", ""]
    role: str = ""

    @model_validator(mode="after")
    def _bounds(self) -> Score:
        if ("low" in self.model_fields_set) != ("high" in self.model_fields_set):
            raise ValueError("low and high are needed together")
        return self


class Scores(Part):
    """What ``attrxfer evaluate`` found; an empty table before."""

    images: Count = 0
    people: Count = 0
    scores: dict[Name, Score] = {}
    slices: dict[Name, dict[Name, Score]] = {}

    @model_validator(mode="after")
    def _counted(self) -> Scores:
        if self.scores and not {"images", "people"} <= self.model_fields_set:
            raise ValueError("scores without the number of images and people")
        return self


class Trained(Part):
    """How long training took, and on what; an empty table where it is not known."""

    seconds: NotNegative = 0.0
    device: str = ""
    threads: Count = 0
    processes: Count = 0
    precision: str = ""


class Used(Part):
    """A component of a recipe."""

    use: Name


class RecipeTask(Part):
    """The task of a recipe."""

    input: dict[Name, bool] | None = None


class RecipeTable(Part):
    """The recipe that the model was trained with."""

    data: Used
    task: RecipeTask
    reference: str | None = None
    selection: Used | None = None
    generator: Used | None = None
    discriminator: Used | None = None
    adversarial: Used | None = None
    enhancer: Used | list[Used] = []
    identity: Used | list[Used] = []
    regularizer: Used | list[Used] = []
    metric: Used | list[Used] = []


class ExportedCard(Part):
    """What is in every exported file."""

    sha256: Annotated[dict[FileName, Digest], Field(max_length=1000)]
    chain: Annotated[list[Step], Field(min_length=1, max_length=100)]
    task: Task
    size: Annotated[int, Field(ge=16, le=LARGEST_SIZE, multiple_of=16)]
    recipe: RecipeTable
    plugins: dict[Name, str]
    licences: list[str]
    framing: FramingTable | None = None
    alignment: (
        Annotated[
            list[Annotated[list[Number], Field(min_length=2, max_length=2)]],
            Field(min_length=1, max_length=1000),
        ]
        | None
    ) = None
    weights: dict[Name, str] | None = None
    texture: TextureTable | None = None
    attribute: RegressionTable | None = None
    response: ResponseTable | None = None
    reach: Annotated[int, Field(ge=0, le=MOST)] | None = None

    @model_validator(mode="after")
    def _in_order(self) -> ExportedCard:
        if WEIGHTS not in self.sha256:
            raise ValueError(f"no checksum of {WEIGHTS}")
        if [step.kind for step in self.chain] != ["generator", *["enhancer"] * (len(self.chain) - 1)]:
            raise ValueError("chain is no generator with enhancers after it")
        return self


class Card(ExportedCard):
    """What is in attrxfer.json."""

    scores: Scores
    trained: Trained | None = None


def read_card(path: Path) -> dict[str, Any]:
    """The content of an attrxfer.json.

    Raises:
        BundleError: It is damaged, or has another format.
    """
    if path.stat().st_size > LARGEST_CARD:
        raise BundleError(f"{path}: damaged (larger than {LARGEST_CARD / 1e6:.0f} MB)")
    metadata = parsed(path, path.read_bytes())
    check_card(path, metadata, Card, "bundle", "train it again")
    return metadata


def parsed(path: Path, text: bytes | str) -> Any:
    """Read JSON of a stranger.

    Args:
        path: The file that holds it, for the message.
        text: The JSON.

    Raises:
        BundleError: It is no JSON, or nested too deeply to read.
    """
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise BundleError(f"{path}: damaged ({error})") from None


def check_card(path: Path, metadata: object, schema: type[ExportedCard], what: str, remedy: str) -> None:
    """Refuse a card of another format than ``FORMAT``, or one that the schema does not fit.

    Args:
        path: The file that holds it, for the message.
        metadata: The card, as JSON gave it.
        schema: ``Card`` or ``ExportedCard``.
        what: What the file is, for example "bundle".
        remedy: What to do with a file of an older format.

    Raises:
        BundleError: One line with the file, the first wrong key and what is wrong.
    """
    stated = metadata.get("format") if isinstance(metadata, Mapping) else None
    if stated == 1:
        raise BundleError(f"{path}: {what} of format 1; this version reads format {FORMAT}: {remedy}")
    if type(stated) is not int or stated != FORMAT:
        raise BundleError(f"{path}: not a {what} of format {FORMAT}; it may need another version of attrxfer")
    fault = next(_faults(metadata, ()), None) or _misfit(metadata, schema)
    if fault is not None:
        raise BundleError(f"{path}: damaged ({fault})")


def _faults(value: object, place: tuple[str, ...]) -> Iterator[str]:
    """What no part of a card may hold, known to the schema or not."""
    where = _shown(place)
    if len(place) > DEEPEST:
        yield f"{where}: more than {DEEPEST} levels"
    elif isinstance(value, str):
        if CONTROL.search(value):
            yield f"{where}: holds control characters"
        elif len(value) > LONGEST_TEXT:
            yield f"{where}: more than {LONGEST_TEXT} characters"
    elif isinstance(value, int | float) and not abs(value) <= LARGEST_NUMBER:
        yield f"{where}: no number of usual size"
    elif isinstance(value, list | dict) and len(value) > MOST_ITEMS:
        yield f"{where}: more than {MOST_ITEMS} items"
    elif isinstance(value, list):
        for number, item in enumerate(value):
            yield from _faults(item, (*place, str(number)))
    elif isinstance(value, dict):
        for key, item in value.items():
            if CONTROL.search(key) or len(key) > LONGEST_KEY:
                yield f"{where}: a key holds control characters or is longer than {LONGEST_KEY}"
            yield from _faults(item, (*place, key))


def _misfit(metadata: object, schema: type[ExportedCard]) -> str | None:
    """The first part that the schema does not fit."""
    try:
        schema.model_validate(metadata)
    except ValidationError as errors:
        error = errors.errors(include_url=False, include_context=False, include_input=False)[0]
        message = error["msg"].removeprefix("Value error, ")
        message = "missing" if error["type"] == "missing" else message[0].lower() + message[1:]
        place = tuple(str(part) for part in error["loc"] if str(part) not in ("Used", "list[Used]", "[key]"))
        return f"{_shown(place)}: {message}" if place else message
    return None


def _shown(place: tuple[str, ...]) -> str:
    """A key as errors show it."""
    text = CONTROL.sub("?", ".".join(place))
    return text if len(text) <= SHOWN else f"{text[:SHOWN]}..."
