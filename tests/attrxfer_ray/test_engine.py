"""Ray transfers the same files to the same bytes as one process does, and loses none of them with a worker."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import numpy as np
import pytest
from attrxfer_ray.engine import Ray
from PIL import Image

from attrxfer.errors import AttrxferError, DataError
from attrxfer.media.batch import BatchOptions, FileResult
from attrxfer.media.processors import CropProcessor
from attrxfer.plugin.host import Host
from attrxfer.workflows.transfer import TransferOptions, TransferResult, transfer
from tests.attrxfer_ray.jobs import Deadly, Faulty

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("ray_here")]

COUNT = 12


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Twelve small images and a file that is none."""
    made = tmp_path / "photos"
    made.mkdir()
    draw = np.random.default_rng(0)
    for number in range(COUNT):
        image = Image.fromarray(draw.integers(0, 256, (6, 6, 3)).astype(np.uint8)).resize((20, 24))
        image.save(made / f"{number:02d}.{'jpg' if number % 2 else 'png'}")
    (made / "note.jpg").write_text("no image")
    return made


@pytest.fixture
def small_portions(monkeypatch: pytest.MonkeyPatch) -> None:
    """So that there are several, of one batch here and in a worker."""
    monkeypatch.setattr(CropProcessor, "batch_size", 2)
    monkeypatch.setattr(CropProcessor, "portion", 2)


def crops(**settings: object) -> TransferOptions:
    return TransferOptions(aligned=True, **settings)  # type: ignore[arg-type]


def contents(folder: Path) -> dict[str, bytes]:
    """What is in a folder, without the draft that a killed worker may leave."""
    return {path.name: path.read_bytes() for path in folder.iterdir() if not path.name.startswith(".")}


def results(folder: Path) -> dict[str, bytes]:
    """Without the manifest: nobody noted a file that was written when the transfer was interrupted."""
    return {name: content for name, content in contents(folder).items() if name != "manifest.json"}


def by_ray(model: Path, folder: Path, out: Path, host: Host, workers: int = 2, **named: object) -> TransferResult:
    engine = f'{{use = "ray", workers = {workers}}}'
    return transfer(model, [folder], out, host, crops(engine=engine), **named)  # type: ignore[arg-type]


def test_files_manifest_and_outcomes_are_those_of_one_process(
    trained: Path, folder: Path, tmp_path: Path, host: Host, small_portions: None
) -> None:
    here = transfer(trained, [folder], tmp_path / "here", host, crops())
    there = by_ray(trained, folder, tmp_path / "there", host)
    assert contents(tmp_path / "there") == contents(tmp_path / "here")
    assert there == here and here.batch.written == COUNT and len(here.batch.of("broken")) == 1


def test_relative_paths_are_those_of_the_command(
    trained: Path, folder: Path, tmp_path: Path, host: Host, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    result = by_ray(trained, Path("photos"), Path("out"), host)
    assert result.batch.written == COUNT and (tmp_path / "out" / "00.png").is_file()
    (broken,) = result.batch.of("broken")
    assert broken.source == Path("photos/note.jpg") and not broken.reason.startswith("photos")


def workers() -> list[int]:
    """The processes of this process's workers."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            name, parent = (folder / "cmdline").read_bytes(), _parent(int(folder.name))
            if name.startswith(b"ray::Worker") and _parent(parent) == os.getpid():
                found.append(int(folder.name))
        except OSError:  # it has ended
            continue
    return found


def _parent(process: int) -> int:
    return int(Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[1])


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="finds its workers in /proc")
def test_a_killed_worker_loses_nothing(
    trained: Path, folder: Path, tmp_path: Path, host: Host, small_portions: None, caplog: pytest.LogCaptureFixture
) -> None:
    killed: list[int] = []

    def kill(file: FileResult, done: int, total: int) -> None:
        if not killed:
            killed.extend(workers())
            for process in killed:
                os.kill(process, signal.SIGKILL)

    transfer(trained, [folder], tmp_path / "here", host, crops())
    result = by_ray(trained, folder, tmp_path / "there", host, workers=1, on_result=kill)
    assert len(killed) == 1 and "a worker was lost; another does its files" in caplog.text
    assert result.batch.written == COUNT and contents(tmp_path / "there") == contents(tmp_path / "here")


def test_an_interrupted_transfer_goes_on(trained: Path, folder: Path, tmp_path: Path, host: Host, small_portions: None) -> None:
    def interrupt(file: FileResult, done: int, total: int) -> None:
        raise KeyboardInterrupt

    transfer(trained, [folder], tmp_path / "here", host, crops())
    with pytest.raises(KeyboardInterrupt):
        by_ray(trained, folder, tmp_path / "there", host, on_result=interrupt)
    options = crops(engine="ray", batch=BatchOptions(skip_existing=True))
    result = transfer(trained, [folder], tmp_path / "there", host, options)
    assert result.batch.of("there") and results(tmp_path / "there") == results(tmp_path / "here")


def test_a_task_that_kills_every_worker_is_the_only_one_that_fails(tmp_path: Path) -> None:
    job = Deadly(tmp_path, {3: 99, 7: 1})
    found = dict(Ray(workers=2).run(job, [[0, 1, 2], [3, 4], [5, 6, 7], [8]]))
    failed = found.pop(3)
    assert isinstance(failed, DataError) and str(failed) == "2 workers were lost at it, perhaps for want of memory"
    assert found == {number: 2 * number for number in range(9) if number != 3}
    assert len(list(tmp_path.glob("3-*"))) in (4, 5), "perhaps once beside another portion, twice with its own, twice alone"


def test_workers_that_never_start_end_it_in_one_line(tmp_path: Path) -> None:
    with pytest.raises(AttrxferError, match="^ray: 3 workers ended before they were ready, the last: .*$"):
        list(Ray(workers=1).run(Deadly(tmp_path, {}, opens=False), [[1]]))


def test_a_fault_of_our_own_keeps_its_traceback() -> None:
    with pytest.raises(ZeroDivisionError, match="_work|jobs.py"):
        list(Ray(workers=1).run(Faulty(), [[1]]))


def test_no_worker_queues_what_another_could_begin() -> None:
    from attrxfer_ray.crew import Crew

    given: list[tuple[str, int]] = []

    class Worker:
        def __init__(self, name: str) -> None:
            self.name = name
            self.do = self

        def remote(self, tasks: list[int]) -> object:
            given.append((self.name, tasks[0]))
            return object()

    workers = [Worker(name) for name in "abcd"]

    def opened(portions: int) -> str:
        """Which workers get the portions, one after another, when they have opened the job."""
        given.clear()
        crew = Crew(lambda: (None, None), [[number] for number in range(portions)])
        opening = [object() for _ in workers]
        crew.calls = {call: (worker, None) for call, worker in zip(opening, workers, strict=True)}
        for call, worker in zip(opening, workers, strict=True):
            del crew.calls[call]
            crew.give(worker)
        return "".join(name for name, _ in given)

    assert opened(4) == "abcd" and opened(3) == "abc"
    assert opened(20) == "aabbccdd", "the next portion is there when one is done"
