"""A transfer by the workers of an engine: the outcomes are those of one process."""

from __future__ import annotations

import pickle
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from attrxfer.errors import AttrxferError, DataError, InvalidRecipe, Problem, UnknownName
from attrxfer.media.batch import BatchOptions
from attrxfer.media.processors import PhotoProcessor
from attrxfer.model.calling import CallableModel
from attrxfer.plugin.registry import Registry
from attrxfer.workflows import transfer as workflow
from attrxfer.workflows.transfer import TransferJob, TransferOptions, transfer
from attrxfer.workflows.workers import load_engine
from tests.media.photos.conftest import Fake, Fixed, smooth, subject

COUNT = 7


class Bright(CallableModel):
    """Makes crops brighter, by more the larger the strength; says nothing else."""

    def __init__(self) -> None:
        fake = Fake()
        self.name, self.size, self.guided, self.framing = fake.name, fake.size, fake.guided, fake.framing
        self.alignment, self.metadata = fake.alignment, fake.metadata

    def images(self, images_u8: NDArray[np.uint8], strength: float = 1.0) -> NDArray[np.uint8]:
        return Fake().images(images_u8, strength)


class Measures(Fixed):
    """Finds one cat, and measures how much brighter a result is."""

    subject = "cat"

    def __init__(self) -> None:
        super().__init__(subject(80, 60, 2))

    def distances(self, inputs: NDArray[np.uint8], results: NDArray[np.uint8]) -> NDArray[np.float64]:
        return np.abs(results.astype(float) - inputs).max((1, 2, 3)) / 60


def use_fakes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Take ``Bright`` for any model and ``Measures`` for any detector, and give workers two photos at once."""
    monkeypatch.setattr(workflow, "load_model", lambda *arguments, **named: Bright())
    monkeypatch.setattr(workflow, "load_detector", lambda *arguments: Measures())
    monkeypatch.setattr(PhotoProcessor, "portion", 2)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Photos with a cat, one without, a file that is no image; and the model and detector for them."""
    use_fakes(monkeypatch)
    made = tmp_path / "photos"
    made.mkdir()
    for number in range(COUNT):
        Image.fromarray(np.roll(smooth(), 5 * number, 1)).save(made / f"{number}.png")
    Image.new("RGB", (90, 70), "grey").save(made / "nobody.png")
    (made / "note.jpg").write_text("no image")
    (made / "text.txt").write_text("no image")
    return made


class Host:
    """The plugins of these tests: engines only."""

    registry = Registry()


Host.registry.engine("threads", "tests.docs_examples.engine:Threads", summary="threads")
Host.registry.engine("loses", f"{__name__}:Loses", summary="loses a task")
HOST: Any = Host()


class Loses:
    """An engine whose workers are lost at every first task of a portion."""

    def run(self, job: Any, portions: Any) -> Iterator[Any]:
        work = job.open()
        for tasks in portions:
            yield tasks[0], DataError("2 workers were lost at it")
            yield from zip(tasks[1:], work(tasks[1:]), strict=True)


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


@pytest.mark.parametrize("settings", [{}, {"keep_identity": 0.35}, {"batch": BatchOptions(copy_skipped=False, shard=(2, 2))}])
def test_files_manifest_outcomes_and_notes_are_the_same(folder: Path, tmp_path: Path, settings: dict[str, Any]) -> None:
    here = transfer("model", [folder], tmp_path / "here", HOST, TransferOptions(**settings))
    done: list[int] = []
    options = TransferOptions(engine='{use = "threads", workers = 3}', **settings)
    there = transfer(
        "model", [folder], tmp_path / "there", HOST, options, on_result=lambda file, number, total: done.append(number)
    )
    assert there == here and contents(tmp_path / "there") == contents(tmp_path / "here")
    assert done == list(range(1, len(here.batch.files) + 1))
    assert any("identity kept" in note for note in there.notes) == ("keep_identity" in settings)


def test_what_is_there_is_given_to_no_worker(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    transfer("model", [folder], tmp_path / "out", HOST, TransferOptions())
    before = contents(tmp_path / "out")
    (tmp_path / "out" / "3.png").unlink()
    options = TransferOptions(engine="threads", batch=BatchOptions(skip_existing=True))
    result = transfer("model", [folder], tmp_path / "out", HOST, options)
    assert [file.name.name for file in result.batch.of("changed")] == ["3.png"] and len(result.batch.of("there")) == COUNT
    assert contents(tmp_path / "out") == before, "the manifest too"


def test_a_file_whose_workers_were_lost_is_named_and_the_others_go_on(folder: Path, tmp_path: Path) -> None:
    result = transfer("model", [folder], tmp_path / "out", HOST, TransferOptions(engine="loses"))
    lost = [file.name.name for file in result.batch.of("broken") if file.reason == "2 workers were lost at it"]
    assert lost == ["0.png", "2.png", "4.png", "6.png", "note.jpg"]
    assert [file.name.name for file in result.batch.of("changed")] == ["1.png", "3.png", "5.png"]


@pytest.mark.parametrize(
    ("text", "kind", "message"),
    [
        ("thread", UnknownName, 'no engine "thread"; did you mean "threads"?'),
        ('{use = "threads", worker = 3}', InvalidRecipe, 'engine.worker: unknown key; did you mean "workers"?'),
        ('{use = "threads", workers = 0}', InvalidRecipe, "engine.workers: "),
        ("{use = threads}", AttrxferError, "{use = threads}: no table of TOML"),
    ],
)
def test_an_engine_that_is_not_there_is_one_line(text: str, kind: type[AttrxferError], message: str) -> None:
    with pytest.raises(kind) as caught:
        load_engine(text, Host.registry)
    assert message in str(caught.value) and "\n" not in str(caught.value)


def test_a_job_is_small_and_its_errors_travel() -> None:
    job = TransferJob("gender", TransferOptions(aligned=True), {"Model": "gender"}, ())
    assert pickle.loads(pickle.dumps(job)) == job and len(pickle.dumps(job)) < 2000
    error = InvalidRecipe("recipe.toml", [Problem("train.size", "too small")])
    assert str(pickle.loads(pickle.dumps(error))) == str(error)
