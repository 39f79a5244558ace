"""The jobs that are killed: what is run, and what their end must be."""

from __future__ import annotations

import json
import shutil
from abc import ABC, abstractmethod
from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar

import numpy as np
from PIL import Image

from attrxfer.media.video import transfer as video
from tests.conftest import TINY
from tests.hostile.cards import METADATA
from tests.hostile.images import use_fixed_subjects
from tests.kills.killing import Moment, run
from tests.media.photos.conftest import smooth
from tests.media.video.made import write

SET = [part for setting in TINY for part in ("--set", setting)]
HALF = 60
"""Changes of files and folders after which a training has written checkpoints, and is not finished."""
Arguments = Sequence[str | Path]


class Job(ABC):
    """A job that may be killed at any moment, and given again.

    Attributes:
        goods: A folder with what all jobs need: a bundle, photos, a video.
        changing: Files whose content says when or how they were made.
    """

    name: ClassVar[str]
    changing: ClassVar[Sequence[str]] = ()

    def __init__(self, goods: Path) -> None:
        self.goods = goods

    def begin(self, folder: Path) -> None:  # noqa: B027 (most need nothing)
        """Make what must be there before the first command."""

    @abstractmethod
    def arguments(self, folder: Path) -> Arguments:
        """What is run the first time, and after each kill."""

    def results(self, folder: Path) -> dict[str, bytes]:
        """The files of the finished job that must be the same to the bit, by their paths."""
        shown = (path for path in (folder / "out").rglob("[!.]*") if path.is_file() and path.name not in self.changing)
        return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(shown)}


class Run(Job):
    """A training from its first moment."""

    name = "run"
    changing = ("run.json", "report.html", "metrics.jsonl", METADATA)

    def arguments(self, folder: Path) -> Arguments:
        out = folder / "out"
        if (out / "recipe.toml").is_file():
            return ["run", "-q", "--resume", out]
        return ["run", "diat_a_gender", "-q", "-o", out, *SET]

    def results(self, folder: Path) -> dict[str, bytes]:
        lines = [json.loads(line) for line in (folder / "out" / "metrics.jsonl").read_text().splitlines()]
        losses = [{key: value for key, value in line.items() if "second" not in key} for line in lines]
        card = json.loads((folder / "out" / "bundle" / METADATA).read_text())
        del card["trained"]["seconds"]
        return {**super().results(folder), "losses": json.dumps(losses).encode(), METADATA: json.dumps(card).encode()}


class Resume(Run):
    """A training that was killed in the middle, and is resumed."""

    name = "resume"

    def begin(self, folder: Path) -> None:
        half = self.goods / "half"
        if not half.is_dir():
            half.mkdir()
            run(super().arguments(half), half, small_pieces, Moment(change=HALF))
        shutil.copytree(half / "out", folder / "out")


class Transfer(Job):
    """A folder of photos."""

    name = "transfer"
    changing = ("manifest.json",)

    def arguments(self, folder: Path) -> Arguments:
        return ["transfer", self.goods / "bundle", self.goods / "photos", "-o", folder / "out", "--skip-existing", "-q"]


class Video(Job):
    """A video in several segments. It is MPEG-4: of the same frames, x264 with threads makes other bytes now and then, about
    once in a thousand segments."""

    name = "video"

    def arguments(self, folder: Path) -> Arguments:
        clip = self.goods / "clip.mp4"
        return ["transfer", self.goods / "bundle", clip, "-o", folder / "out", "--skip-existing", "-q"]


class Export(Job):
    """A bundle in one file."""

    name = "export"

    def arguments(self, folder: Path) -> Arguments:
        return ["export", self.goods / "bundle", "-o", folder / "out" / "model.onnx"]


class Cache(Job):
    """Images decoded into the cache."""

    name = "cache"

    def arguments(self, folder: Path) -> Arguments:
        return ["data", "inspect", self.goods / "faces", "-o", folder / "out" / "page.html"]

    def results(self, folder: Path) -> dict[str, bytes]:
        cached = sorted((folder / "cache" / "images").glob("[!.]*"))
        return {**super().results(folder), **{path.name: path.read_bytes() for path in cached}}


JOBS: Sequence[type[Job]] = (Run, Resume, Transfer, Video, Export, Cache)


def small_pieces() -> None:
    """One subject in every image, and segments of a few frames."""
    use_fixed_subjects()
    video.SEGMENT = 6


def make_goods(goods: Path) -> None:
    """Photos in two formats, a video, and a data set."""
    photos, faces = goods / "photos", goods / "faces"
    (photos / "deep").mkdir(parents=True)
    for number in range(8):
        image = np.roll(smooth(), 9 * number, axis=1)
        Image.fromarray(image).save(photos / ("deep" if number % 2 else "") / f"{number}.{('png', 'jpg')[number % 2]}")
    write(goods / "clip.mp4", [np.roll(smooth(), 3 * i, axis=1) for i in range(20)], "mpeg4", "yuv420p")
    for number in range(600):
        folder = faces / ("smiling" if number % 3 else "serious")
        folder.mkdir(parents=True, exist_ok=True)
        pixels = np.random.default_rng(number).integers(0, 256, (8, 8, 3), np.uint8)
        Image.fromarray(pixels).resize((64, 64)).save(folder / f"{number:03d}.png")
