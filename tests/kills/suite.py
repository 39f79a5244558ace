"""Kills jobs, gives them again, and compares their ends with those of jobs that were left alone."""

from __future__ import annotations

import random
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from attrxfer.plugin.host import load
from tests.conftest import train
from tests.hostile.cards import use_five_points
from tests.hostile.trial import in_child
from tests.kills.jobs import JOBS, Job, make_goods, small_pieces
from tests.kills.killing import End, Moment, run

MOST_KILLS = 4
"""Kills of one job."""


@dataclass(frozen=True)
class Outcome:
    """What became of a job that was killed.

    Attributes:
        job: Its name.
        trial: Its number, from which it can be made again.
        moments: When it was killed.
        wrong: How its end differs from that of a job that was left alone; empty where it does not.
        left: Hidden files and folders that are still there.
        temporary: What is left in the system's folder of temporary files.
    """

    job: str
    trial: int
    moments: tuple[str, ...]
    wrong: str
    left: tuple[str, ...]
    temporary: int


def outcomes(folder: Path, kills: int, first: int = 0, names: Sequence[str] = ()) -> Iterator[Outcome]:
    """Kill jobs, in turn, until there were so many kills.

    Args:
        folder: For what is written.
        kills: How many.
        first: Number of the first trial.
        names: Which jobs; all where none is named.
    """
    goods = folder / "goods"
    goods.mkdir()
    _, code, _ = in_child(lambda: _prepare(goods))
    assert code == 0, "the good inputs could not be made"
    jobs = [job(goods) for job in JOBS if not names or job.name in names]
    whole = {job.name: _left_alone(job, folder / f"whole-{job.name}") for job in jobs}
    most = max(1, min(MOST_KILLS, kills // len(jobs)))
    trial, done = first, 0
    while done < kills:
        job = jobs[trial % len(jobs)]
        outcome = _killed(job, folder / "killed", trial, *whole[job.name], min(most, kills - done))
        done += len(outcome.moments)
        trial += 1
        yield outcome


def _prepare(goods: Path) -> None:
    train(load(), goods / "run")
    (goods / "run" / "bundle").rename(goods / "bundle")
    use_five_points(goods / "bundle")
    make_goods(goods)


def _left_alone(job: Job, folder: Path) -> tuple[End, dict[str, bytes]]:
    """A job that nobody kills."""
    folder.mkdir()
    job.begin(folder)
    end = run(job.arguments(folder), folder, small_pieces)
    assert end.code == 0, f"{job.name}: {end.said}"
    results = job.results(folder)
    assert results, job.name
    return end, results


def _killed(job: Job, folder: Path, trial: int, whole: End, results: dict[str, bytes], most: int) -> Outcome:
    chance = random.Random(trial)
    folder.mkdir()
    job.begin(folder)
    moments = []
    for _ in range(chance.randint(1, most)):
        moment = Moment.draw(chance, whole.changes, whole.seconds)
        if not run(job.arguments(folder), folder, small_pieces, moment).was_killed:
            break
        moments.append(str(moment))
    end = run(job.arguments(folder), folder, small_pieces)
    wrong = f"exit code {end.code}: {end.said}" if end.code else _difference(job.results(folder), results)
    hidden = (path for part in ("out", "cache") for path in (folder / part).rglob(".*"))
    left = tuple(sorted(path.name for path in hidden if path.name != ".lock"))
    temporary = len(list((folder / "tmp").iterdir()))
    shutil.rmtree(folder)
    return Outcome(job.name, trial, tuple(moments), wrong, left, temporary)


def _difference(results: dict[str, bytes], expected: dict[str, bytes]) -> str:
    """How results differ from those that are expected; empty where they do not."""
    if results.keys() != expected.keys():
        return f"other files: {sorted(results.keys() ^ expected.keys())}"
    return ", ".join(f"{name} differs" for name in results if results[name] != expected[name])
