"""The cache, batches and sets."""

from __future__ import annotations

import errno
import shlex
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from attrxfer.data import CachedDataset, batch_rows, make_sets, open_data, recognise, shortcomings, uniform
from attrxfer.data.dataset import describe, require_attributes
from attrxfer.errors import DataError
from attrxfer.interfaces import Broken, Records
from attrxfer.plugin.registry import Component
from attrxfer.recipe.merging import apply_overrides

SIZE = 8


class Squares:
    """Plain squares whose grey is their row number; every seventh is broken."""

    size = SIZE

    def __init__(self, count: int = 30) -> None:
        self.count, self.reads = count, 0

    def records(self) -> Records:
        rows = np.arange(self.count)
        attributes = {"even": rows % 2 == 0, "big": rows >= 20, "never": rows < 0}
        split = np.where(rows < 20, 0, np.where(rows < 25, 1, 2)).astype(np.uint8)
        return Records(tuple(f"{row}.png" for row in rows), attributes, split, rows // 3)

    def read(self, rows: Sequence[int]) -> list[NDArray[np.uint8] | Broken]:
        self.reads += 1
        return [Broken(f"{row}.png", "torn") if row % 7 == 3 else np.full((SIZE, SIZE, 3), row, np.uint8) for row in rows]

    def fingerprint(self) -> str:
        return f"squares {self.count}"


def opened(folder: Path, dataset: Squares | None = None) -> CachedDataset:
    return open_data(dataset or Squares(), selection=None, size=SIZE, folder=folder)


# ---------------------------------------------------------------- cache


def test_few_images_and_a_class_that_a_split_lacks_are_named(tmp_path: Path) -> None:
    data = opened(tmp_path)
    assert shortcomings(data, {"even": True}, None) == [
        "only 9 training images with even=true: expect a poor result; 100 are few",
        "only 8 training images that are to be transferred: expect a poor result; 100 are few",
    ]
    assert shortcomings(data, {"big": False}, {"even": True})[1:] == [
        "only 0 training images that are to be transferred: expect a poor result; 100 are few",
        "the validation split has no images with big=false: samples come from another split",
        "the test split has no images with big=false: scores on it cannot be told",
    ]


def test_images_are_decoded_once(tmp_path: Path) -> None:
    first, second = Squares(), Squares()
    one, two = opened(tmp_path, first), opened(tmp_path, second)
    assert (first.reads, second.reads) == (1, 0)
    rows = np.array([5, 0, 29])
    np.testing.assert_array_equal(one.images_u8(rows), two.images_u8(rows))
    assert one.images_u8(rows)[:, 0, 0, 0].tolist() == [5, 0, 29]
    assert one.broken == two.broken == tuple(Broken(f"{row}.png", "torn") for row in (3, 10, 17, 24))
    assert not one.usable[[3, 10, 17, 24]].any() and one.usable.sum() == 26


@pytest.mark.parametrize("damage", ["truncate", "garbage", "no json", "half json"])
def test_a_damaged_cache_is_made_anew(tmp_path: Path, damage: str, caplog: pytest.LogCaptureFixture) -> None:
    opened(tmp_path)
    (array,) = tmp_path.rglob("*.npy")
    if damage == "truncate":
        array.write_bytes(array.read_bytes()[:500])
    elif damage == "garbage":
        array.write_bytes(b"nothing of the kind")
    elif damage == "no json":
        array.with_suffix(".json").unlink()
    else:
        array.with_suffix(".json").write_text('[["3.png"')
    again = Squares()
    data = opened(tmp_path, again)
    assert again.reads == 1 and data.images_u8(np.array([6]))[0, 0, 0, 0] == 6 and len(data.broken) == 4
    said = f"{array}: damaged (" in caplog.text and "the images are decoded again" in caplog.text
    assert said is (damage != "no json"), "without its list the cache was not finished"


def test_a_disk_that_fills_up_while_images_are_cached_is_an_error_that_names_the_cache(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not SIGBUS, as through a memory map: the images are written in order."""

    def full(*arguments: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("attrxfer.storage.files.os.fsync", full)
    with pytest.raises(OSError, match="No space left on device") as error:
        opened(tmp_path)
    assert str(error.value.filename).startswith(str(tmp_path / "images")) and not list((tmp_path / "images").iterdir())


def test_few_images_are_decoded_ahead_of_those_that_are_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A slow disk must not fill the memory."""
    monkeypatch.setattr("attrxfer.data.cache.CHUNK", 1)
    monkeypatch.setattr("os.cpu_count", lambda: 2)
    squares = Squares(100)
    ahead: list[int] = []

    def slowly(done: int, count: int) -> None:
        time.sleep(0.002)
        ahead.append(squares.reads - done)

    open_data(squares, selection=None, size=SIZE, folder=tmp_path, progress=slowly)
    assert len(ahead) == 100 and max(ahead) <= 5


@pytest.mark.slow
def test_two_processes_fill_the_cache_at_once(tmp_path: Path) -> None:
    code = "import sys; from pathlib import Path; from tests.data.test_data import opened; print(opened(Path(sys.argv[1])).key)"
    command = [sys.executable, "-c", code, str(tmp_path)]
    root = Path(__file__).parents[2]
    both = [subprocess.Popen(command, cwd=root, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    keys = {process.communicate(timeout=60)[0] for process in both}
    assert len(keys) == 1 and all(process.returncode == 0 for process in both)
    assert {p.suffix for p in (tmp_path / "images").iterdir()} == {".npy", ".json"}


def test_images_are_floats_of_the_images_and_flips_leave_the_cache_alone(tmp_path: Path) -> None:
    data = opened(tmp_path)
    rows = np.array([1, 2])
    images = data.images(rows)
    assert images.shape == (2, 3, SIZE, SIZE) and images.dtype == torch.float32
    assert images.is_contiguous(memory_format=torch.channels_last)
    expected = torch.from_numpy(data.images_u8(rows).astype(np.float32)).permute(0, 3, 1, 2) / 127.5 - 1
    torch.testing.assert_close(images, expected)

    class Ramps(Squares):
        def read(self, rows: Sequence[int]) -> list[NDArray[np.uint8] | Broken]:
            ramp = np.arange(SIZE, dtype=np.uint8)[None, :, None] * 10
            return [np.broadcast_to(ramp, (SIZE, SIZE, 3)).copy() for _ in rows]

        def fingerprint(self) -> str:
            return "ramps"

    ramps = opened(tmp_path, Ramps())
    before = ramps.images_u8(rows).copy()
    flipped = ramps.images(rows, np.array([True, False]))
    torch.testing.assert_close(flipped[0], flipped[1].flip(-1))
    np.testing.assert_array_equal(ramps.images_u8(rows), before)


# ---------------------------------------------------------------- batches


@pytest.mark.slow
@given(count=st.integers(1, 50), size=st.integers(1, 20), seed=st.integers(0, 5), index=st.integers(0, 40))
def test_two_processes_share_what_one_would_see(count: int, size: int, seed: int, index: int) -> None:
    rows = np.arange(100, 100 + count)
    whole, flips = batch_rows(rows, seed, "stage", "all", index, 2 * size, 0, 1)
    halves = [batch_rows(rows, seed, "stage", "all", index, size, rank, 2) for rank in (0, 1)]
    np.testing.assert_array_equal(whole, np.concatenate([half[0] for half in halves]))
    np.testing.assert_array_equal(flips, np.concatenate([half[1] for half in halves]))
    numbers = uniform(seed, "stage", "key", index, 2 * size, 3, 0, 1)
    shares = [uniform(seed, "stage", "key", index, size, 3, rank, 2) for rank in (0, 1)]
    np.testing.assert_array_equal(numbers, np.concatenate(shares))
    assert numbers.shape == (2 * size, 3) and (numbers >= 0).all() and (numbers < 1).all()


@pytest.mark.parametrize(("count", "size"), [(12, 4), (10, 4), (3, 8)])
def test_every_image_comes_once_an_epoch(count: int, size: int) -> None:
    rows = np.arange(count)
    seen = np.concatenate([batch_rows(rows, 0, "s", "all", i, size, 0, 1)[0] for i in range(3 * count)])
    epochs = seen[: 3 * size * count].reshape(-1, count)
    assert all(sorted(epoch) == list(range(count)) for epoch in epochs)
    assert len({tuple(epoch) for epoch in epochs}) > 1


def test_batches_differ_by_seed_stage_set_and_number() -> None:
    rows = np.arange(1000)

    def batch(seed: int = 0, stage: str = "a", which: str = "all", index: int = 0) -> tuple[int, ...]:
        return tuple(batch_rows(rows, seed, stage, which, index, 16, 0, 1)[0])

    assert len({batch(), batch(seed=1), batch(stage="b"), batch(which="input"), batch(index=1)}) == 5
    assert batch() == batch()


# ---------------------------------------------------------------- sets


def test_inputs_are_the_complement_unless_named(tmp_path: Path) -> None:
    data = opened(tmp_path)
    sets = make_sets(data, {"even": True}, None, 0, 0)
    assert sets.guided.tolist() == [0, 2, 4, 6, 8, 12, 14, 16, 18]
    assert sets.input.tolist() == [1, 5, 7, 9, 11, 13, 15, 19]
    assert sets.validation_input.tolist() == [21, 23] and sets.test_input.tolist() == [25, 27, 29]
    assert set(sets.all) == set(sets.guided) | set(sets.input)


def test_the_cap_depends_on_the_seed_alone(tmp_path: Path) -> None:
    data = opened(tmp_path)
    one, same, other = (make_sets(data, {"even": True}, None, 4, seed).input.tolist() for seed in (0, 0, 1))
    assert one == same != other and len(one) == 4


def test_the_guided_set_can_be_limited_too(tmp_path: Path) -> None:
    data = opened(tmp_path)
    few, whole = make_sets(data, {"even": True}, None, 0, 0, max_guided=3), make_sets(data, {"even": True}, None, 0, 0)
    assert len(few.guided) == 3 and set(few.guided) < set(whole.guided) and few.guided.tolist() == sorted(few.guided)
    assert few.input.tolist() == whole.input.tolist()


def test_what_is_empty_or_unknown_is_said(tmp_path: Path) -> None:
    data = opened(tmp_path)
    with pytest.raises(DataError, match=r'no attribute "evne" .did you mean "even".*even, big, never.*--set task.guided='):
        make_sets(data, {"evne": True}, None, 0, 0)
    with pytest.raises(DataError, match=r"task.guided: no training image meets \{'never': True\}"):
        make_sets(data, {"never": True}, None, 0, 0)
    with pytest.raises(DataError, match=r"task.input: no training image meets not \{'never': False\}"):
        make_sets(data, {"never": False}, None, 0, 0)
    with pytest.raises(DataError, match=r"task.input: no training image meets \{'big': True\}"):
        make_sets(data, {"even": True}, {"big": True}, 0, 0)


def test_the_remedy_for_a_name_with_blanks_can_be_typed(tmp_path: Path) -> None:
    records = Records(("a", "b"), {"no glasses": np.array([True, False])}, np.zeros(2, np.uint8))
    with pytest.raises(DataError, match="no attribute") as caught:
        require_attributes(records, {"task": ["Male"]})
    typed = str(caught.value).partition("; choose with: ")[2]
    option, setting = shlex.split(typed)
    assert typed == "--set 'task.guided={\"no glasses\"=true}'" and option == "--set"
    assert apply_overrides({}, [setting]) == ({"task": {"guided": {"no glasses": True}}}, [])


def test_what_reads_the_attributes_of_the_task_is_no_second_mistake() -> None:
    records = Records(("a", "b"), {"bright": np.array([True, False])}, np.zeros(2, np.uint8))
    read = {"task": ["Male"], "identity[1].network": ["Male"], "regularizer[0]": ["Male", "Young"]}
    with pytest.raises(DataError, match=r'^task, regularizer\[0\]: the data have no attribute "Male", "Young"; they have'):
        require_attributes(records, read)
    with pytest.raises(DataError, match=r"^regularizer\[0\]: the data have no attribute"):
        require_attributes(records, {"task": ["bright"], "regularizer[0]": ["Young"]})


def test_notes_and_odd_names_are_described_in_one_line_each() -> None:
    records = Records(("a",), {}, np.zeros(1, np.uint8), notes=("left out: 1 image (caf\udce9\n.jpg)",))
    assert describe(records, np.ones(1, bool)).splitlines()[-1] == r"left out: 1 image (caf\xe9\x0a.jpg)"


def test_when_no_image_can_be_used_the_first_is_named(tmp_path: Path) -> None:
    class Torn(Squares):
        def read(self, rows: Sequence[int]) -> list[NDArray[np.uint8] | Broken]:
            return [Broken(f"{row}.png", "torn") for row in rows]

        def fingerprint(self) -> str:
            return "torn"

    with pytest.raises(
        DataError, match=r"none of the 30 images can be used: 30 broken, 0 not selected; the first: 0.png: torn"
    ):
        opened(tmp_path, Torn())


def test_what_was_seen_is_described(tmp_path: Path) -> None:
    text = opened(tmp_path).describe()
    assert "30 images, 26 usable" in text and "4 broken, skipped:" in text and "  3.png: torn" in text
    assert [line.split() for line in text.splitlines() if line.startswith("even")] == [["even", "9", "2", "2"]]


@pytest.mark.parametrize(("kept", "said"), [(30, "none left out by the selection"), (20, "9 left out by the selection")])
def test_what_a_selection_left_out_is_said_even_where_it_is_nothing(tmp_path: Path, kept: int, said: str) -> None:
    class First:
        def keep(self, records: Records) -> NDArray[np.bool_]:
            return np.arange(len(records)) < kept

    data = open_data(Squares(), selection=First(), size=SIZE, folder=tmp_path)
    assert said in data.describe().splitlines()
    assert "selection" not in opened(tmp_path).describe()


# ---------------------------------------------------------------- recognising


class Sure:
    @staticmethod
    def recognise(path: Path) -> float:
        return 1.0


class Unsure:
    @staticmethod
    def recognise(path: Path) -> float:
        return 0.5


class Never:
    @staticmethod
    def recognise(path: Path) -> float:
        return 0.0


def component(cls: type, name: str) -> Component:
    return Component("dataset", name, f"{__name__}:{cls.__name__}", f"the {name} layout")


def test_the_surest_data_set_is_taken(tmp_path: Path) -> None:
    known = [component(Unsure, "unsure"), component(Sure, "sure"), component(Squares, "silent")]
    assert recognise(tmp_path, known) == "sure"


def test_no_idea_two_ideas_and_no_path(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="not a layout that an installed data set reads .never: the never layout"):
        recognise(tmp_path, [component(Never, "never")])
    with pytest.raises(DataError, match='could be "b" or "a"; say which'):
        recognise(tmp_path, [component(Sure, "a"), component(Sure, "b")])
    (tmp_path / "my data").mkdir()
    with pytest.raises(DataError, match=r"--set data.use=b --set 'data.path=.*/my data'$"):
        recognise(tmp_path / "my data", [component(Sure, "a"), component(Sure, "b")])
    with pytest.raises(DataError, match="no such file or folder"):
        recognise(tmp_path / "nowhere", [component(Sure, "a")])
