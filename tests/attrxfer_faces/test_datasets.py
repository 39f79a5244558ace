"""Data sets on disk, built file by file."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from attrxfer_faces.celeba import CelebA
from attrxfer_faces.folder import Folder
from attrxfer_faces.selection import Frontal
from attrxfer_faces.table import Csv
from PIL import Image

from attrxfer.data import open_data, recognise
from attrxfer.data.dataset import describe
from attrxfer.errors import DataError
from attrxfer.interfaces import Broken, Records
from attrxfer.plugin.host import Host

REAL = Path(__file__).parents[3] / "shared" / "data" / "celeba_subset"


def image(path: Path, size: tuple[int, int] = (178, 218), mode: str = "RGB", shade: int = 120) -> None:
    """An image whose left half is dark and whose right half is ``shade``."""
    path.parent.mkdir(parents=True, exist_ok=True)
    array = np.zeros((size[1], size[0], 3), np.uint8)
    array[:, size[0] // 2 :] = shade
    Image.fromarray(array).convert(mode).save(path)


@pytest.fixture
def celeba(tmp_path: Path) -> Path:
    root = tmp_path / "celeba"
    names = [f"{i:06d}.jpg" for i in range(1, 7)]
    for name in names:
        image(root / "img_align_celeba" / name)
    rows = "\n".join(f"{name} {'1' if i % 2 else '-1':>2} -1" for i, name in enumerate([*names, "999999.jpg"]))
    (root / "list_attr_celeba.txt").write_text(f"7\nMale Young\n{rows}\n")
    (root / "list_eval_partition.txt").write_text("".join(f"{name} {i % 3}\n" for i, name in enumerate(names)))
    (root / "identity_CelebA.txt").write_text("".join(f"{name} {i // 2 + 50}\n" for i, name in enumerate(names)))
    points = "69 109 106 113 77 142 73 152 108 154"
    header = "5\nlefteye_x lefteye_y righteye_x righteye_y nose_x nose_y leftmouth_x leftmouth_y rightmouth_x rightmouth_y"
    (root / "list_landmarks_align_celeba.txt").write_text(
        "\n".join([header, *[f"{name} {points}" for name in names[:5]]]) + "\n"
    )
    return root


# ---------------------------------------------------------------- CelebA


def test_celebas_layout(celeba: Path) -> None:
    dataset = CelebA(path=celeba, size=80)
    records = dataset.records()
    assert records.names == tuple(f"{i:06d}.jpg" for i in range(1, 7))
    assert records.attributes["Male"].tolist() == [False, True] * 3 and not records.attributes["Young"].any()
    assert records.split.tolist() == [0, 1, 2, 0, 1, 2]
    assert records.identity is not None and records.identity.tolist() == [50, 50, 51, 51, 52, 52]
    (read,) = dataset.read([0])
    assert isinstance(read, np.ndarray) and read.shape == (80, 80, 3)
    # the image's middle, x = 89, lies at (89 - 9) / 160 of the crop
    assert read[:, :38].max() < 30 and read[:, 42:].min() > 100


def test_landmarks_move_with_crop_and_size(celeba: Path) -> None:
    points = CelebA(path=celeba, size=80).records().landmarks
    assert points is not None and points.shape == (6, 5, 2)
    np.testing.assert_allclose(points[0, 0], [(69.5 - 9) / 2 - 0.5, (109.5 - 29) / 2 - 0.5])
    assert np.isnan(points[5]).all() and not np.isnan(points[:5]).any()


def test_lists_that_may_be_missing(celeba: Path) -> None:
    for name in ("list_eval_partition.txt", "list_landmarks_align_celeba.txt"):
        (celeba / name).unlink()
    records = CelebA(path=celeba).records()
    assert records.landmarks is None and records.identity is not None
    for person in set(records.identity):
        assert len(set(records.split[records.identity == person])) == 1


@pytest.mark.parametrize("missing", ["list_attr_celeba.txt", "img_align_celeba"])
def test_what_must_be_there_is_named(celeba: Path, missing: str) -> None:
    (celeba / missing).rename(celeba / "gone")
    with pytest.raises(DataError, match=missing):
        CelebA(path=celeba).records()


def test_a_partition_that_forgets_an_image_is_refused(celeba: Path) -> None:
    (celeba / "list_eval_partition.txt").write_text("000001.jpg 0\n")
    with pytest.raises(DataError, match="list_eval_partition.txt: has no line for 000002.jpg and 4 more images"):
        CelebA(path=celeba).records()


def test_an_image_of_another_size_is_cut_to_its_middle(celeba: Path) -> None:
    image(celeba / "img_align_celeba" / "000001.jpg", (300, 100))
    (read,) = CelebA(path=celeba, size=20).read([0])
    assert isinstance(read, np.ndarray) and read.shape == (20, 20, 3)
    assert read[:, :8].max() < 40 and read[:, 12:].min() > 90


def test_broken_images_are_named_and_left_out(celeba: Path, tmp_path: Path) -> None:
    folder = celeba / "img_align_celeba"
    (folder / "000001.jpg").write_bytes((folder / "000002.jpg").read_bytes()[:700])
    (folder / "000003.jpg").write_bytes(b"")
    (folder / "000005.jpg").write_text("this is not an image")
    data = open_data(CelebA(path=celeba, size=16), selection=None, size=16, folder=tmp_path / "cache")
    assert [name for name, _ in data.broken] == ["000001.jpg", "000003.jpg", "000005.jpg"]
    assert all(reason for _, reason in data.broken)
    assert data.usable.tolist() == [False, True, False, True, False, True]
    assert "3 broken, skipped:" in data.describe() and "000005.jpg: not an image" in data.describe()


@pytest.mark.skipif(not REAL.is_dir(), reason="the real faces are not beside this checkout (../shared/data)")
def test_the_real_subset() -> None:
    dataset = CelebA(path=REAL)
    records = dataset.records()
    assert np.bincount(records.split).tolist() == [8513, 768, 716]
    assert records.attributes["Male"].sum() == 3297 and records.attributes["Eyeglasses"].sum() == 540
    assert 8100 < Frontal().keep(records).sum() < 8400
    assert all(not isinstance(one, Broken) for one in dataset.read([0, 1, 2, 3]))


# ---------------------------------------------------------------- a folder a class


def test_a_folder_for_each_class(tmp_path: Path) -> None:
    for i in range(40):
        image(tmp_path / ("cats" if i % 2 else "dogs") / f"sub{i % 3}" / f"{i}.png", (20, 20))
    records = Folder(path=tmp_path).records()
    assert len(records) == 40 and records.names[0].startswith("cats/")
    assert records.attributes["cats"].sum() == 20 and (records.attributes["cats"] ^ records.attributes["dogs"]).all()
    assert set(records.split) == {0, 1, 2} or (records.split == 0).mean() > 0.5
    again = Folder(path=tmp_path).records()
    np.testing.assert_array_equal(records.split, again.split)


def test_split_folders(tmp_path: Path) -> None:
    for split in ("train", "val", "test"):
        for name in ("cats", "dogs"):
            image(tmp_path / split / name / "1.jpg", (20, 20))
    records = Folder(path=tmp_path).records()
    assert sorted(records.attributes) == ["cats", "dogs"] and sorted(records.split) == [0, 0, 1, 1, 2, 2]


def test_one_class_is_too_few(tmp_path: Path) -> None:
    image(tmp_path / "cats" / "1.jpg")
    with pytest.raises(DataError, match=r"two classes or more; found \['cats'\]"):
        Folder(path=tmp_path).records()


@pytest.mark.parametrize("mode", ["L", "RGBA", "P", "CMYK", "LA", "I;16", "1"])
def test_any_mode_becomes_rgb(tmp_path: Path, mode: str) -> None:
    suffix = "jpg" if mode == "CMYK" else "png"
    for name in ("a", "b"):
        path = tmp_path / name / f"1.{suffix}"
        image(path, (20, 20), "RGB" if mode == "I;16" else mode, 255)
        if mode == "I;16":
            array = np.zeros((20, 20), np.uint16)
            array[:, 10:] = 65535
            Image.fromarray(array).save(path)
    (read,) = Folder(path=tmp_path, size=20).read([0])
    assert isinstance(read, np.ndarray) and read.shape == (20, 20, 3) and read.dtype == np.uint8
    assert read[:, :9].max() < 25 and read[:, 11:].min() > 230


def test_transparency_is_laid_on_white(tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        Image.new("RGBA", (8, 8), (0, 0, 0, 0)).save(tmp_path / name / "1.png")
    (read,) = Folder(path=tmp_path, size=8).read([0])
    assert isinstance(read, np.ndarray) and read.min() == 255


def test_exif_turns_the_image_upright(tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        array = np.zeros((20, 20, 3), np.uint8)
        array[:10] = 255
        exif = Image.Exif()
        exif[0x0112] = 6  # turn by 90 degrees clockwise: the top becomes the right
        Image.fromarray(array).save(tmp_path / name / "1.jpg", exif=exif)
    (read,) = Folder(path=tmp_path, size=20).read([0])
    assert isinstance(read, np.ndarray) and read[:, 12:].min() > 220 and read[:, :8].max() < 30


# ---------------------------------------------------------------- CSV


def table(tmp_path: Path, text: str, bom: bool = False) -> Path:
    for i in range(3):
        image(tmp_path / f"{i}.png", (20, 20))
    (tmp_path / "labels.csv").write_text(text, encoding="utf-8-sig" if bom else "utf-8")
    return tmp_path


def test_a_table_of_attributes(tmp_path: Path) -> None:
    text = "filename,Hat,Young,split,identity\n0.png,1,yes,train,ann\n1.png,-1,No,test,ann\n2.png,0,TRUE,validation,bob\n"
    records = Csv(path=table(tmp_path, text, bom=True)).records()
    assert records.names == ("0.png", "1.png", "2.png")
    assert {name: list(values) for name, values in records.attributes.items()} == {
        "Hat": [True, False, False],
        "Young": [True, False, True],
    }
    assert records.split.tolist() == [0, 2, 1]
    assert records.identity is not None and records.identity.tolist() == [0, 0, 1]
    (read,) = Csv(path=tmp_path / "labels.csv", size=8).read([1])
    assert isinstance(read, np.ndarray) and read.shape == (8, 8, 3)


def test_who_is_not_named_is_nobody_else(tmp_path: Path) -> None:
    records = Csv(path=table(tmp_path, "file,Hat,identity\n0.png,1,\n1.png,1,ann\n2.png,0,\n")).records()
    assert records.identity is not None and len(set(records.identity)) == 3
    assert "column identity is empty for 2 images: each counts as a person of its own" in records.notes


def test_people_in_two_splits_are_said(tmp_path: Path) -> None:
    rows = "0.png,1,train,ann\n1.png,1,test,ann\n2.png,0,train,bob\n"
    said = describe(records := Csv(path=table(tmp_path, f"file,Hat,split,identity\n{rows}")).records(), np.ones(3, bool))
    assert "1 of 2 people are in more than one split: scores are also of people seen in training" in said.splitlines()
    assert "more than one split" not in describe(records, np.array([True, False, True])), "images that are not used"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("file,Hat\n0.png,maybe\n", 'line 2, column Hat: "maybe" is neither true nor false'),
        ("file,Hat\n0.png,1\n1.png\n", "line 3: not as many values"),
        ("file,Hat,split\n0.png,1,some\n", 'line 2, column split: "some" is none of train, validation, test'),
        ("picture,Hat\n0.png,1\n", "no column of file names"),
        ("file,Hat\n0.png,1\n0.png,0\n", "0.png is listed twice"),
        ("file,Hat\n", "no rows"),
    ],
)
def test_what_is_wrong_in_a_table_is_placed(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(DataError, match=message):
        Csv(path=table(tmp_path, text)).records()


# ---------------------------------------------------------------- which is it


def test_each_layout_is_recognised(tmp_path: Path, celeba: Path, host: Host) -> None:
    components = host.registry.all("dataset")
    for name in ("a", "b"):
        image(tmp_path / "classes" / name / "1.png")
    csv_folder = tmp_path / "csv"
    csv_folder.mkdir()
    table(csv_folder, "file,Hat\n0.png,1\n")
    assert recognise(celeba, components) == "celeba"
    assert recognise(tmp_path / "classes", components) == "folder"
    assert recognise(csv_folder, components) == recognise(csv_folder / "labels.csv", components) == "csv"
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataError, match="not a layout that an installed data set reads"):
        recognise(tmp_path / "empty", components)


# ---------------------------------------------------------------- frontal


def faces(points: np.ndarray) -> Records:
    count = len(points)
    return Records(tuple(map(str, range(count))), {}, np.zeros(count, np.uint8), None, points.astype(np.float32))


def test_frontal_keeps_what_looks_ahead_and_is_near() -> None:
    ahead = [[20, 30], [44, 30], [32, 40], [24, 50], [40, 50]]
    turned = [[20, 30], [44, 30], [39, 40], [24, 50], [40, 50]]
    far = [[30, 30], [36, 30], [33, 33], [31, 36], [35, 36]]
    unknown = [[np.nan, np.nan]] * 5
    assert Frontal(size=64).keep(faces(np.array([ahead, turned, far, unknown]))).tolist() == [True, False, False, True]
    assert Frontal(size=64, max_yaw=0.5, min_eyes=0.05).keep(faces(np.array([turned, far]))).all()


def test_frontal_reads_68_points_too() -> None:
    points = np.zeros((2, 68, 2))
    points[:, 36:42] = [20, 30]
    points[:, 42:48] = [44, 30]
    points[0, 30], points[1, 30] = [32, 40], [40, 40]
    assert Frontal(size=64).keep(faces(points)).tolist() == [True, False]


def test_without_landmarks_all_are_kept() -> None:
    records = Records(("a",), {}, np.zeros(1, np.uint8))
    assert Frontal().keep(records).tolist() == [True]
