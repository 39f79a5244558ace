"""Layouts and tables as other programs write them: each is read with its right labels, or refused in one line."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from attrxfer_faces.celeba import CelebA
from attrxfer_faces.cells import first_twice, truth
from attrxfer_faces.folder import Folder
from attrxfer_faces.table import Csv
from PIL import Image

from attrxfer.errors import DataError
from attrxfer.interfaces import Broken, Records

NAMES = ("000001.jpg", "000002.jpg", "000003.jpg")
POINTS = "69 109 106 113 77 142 73 152 108 154"


def files(root: Path, *names: str) -> Path:
    """Files of these names: drawn images, or other bytes where the suffix is no image's."""
    for name in names:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.suffix in {".png", ".jpg"}:
            Image.new("RGB", (32, 32), (90, 60, 30)).save(path)
        else:
            path.write_bytes(b"something else")
    return root


def write(path: Path, text: str, encoding: str = "utf-8") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text.encode(encoding))
    return path


def labels(records: Records) -> dict[str, list[bool]]:
    return {name: values.tolist() for name, values in records.attributes.items()}


def refused(dataset: CelebA | Csv | Folder) -> str:
    """The one line with which a data set is refused."""
    with pytest.raises(DataError) as caught:
        dataset.records()
    message = str(caught.value)
    assert "\n" not in message
    return message


# ---------------------------------------------------------------- CelebA


def test_celeba_as_kaggle_ships_it(tmp_path: Path) -> None:
    files(tmp_path / "img_align_celeba" / "img_align_celeba", *NAMES)
    write(tmp_path / "list_attr_celeba.csv", "image_id,Male,Young\n000001.jpg,1,-1\n000002.jpg,-1,-1\n000003.jpg,1,1\n")
    write(tmp_path / "list_eval_partition.csv", "image_id,partition\n000001.jpg,0\n000002.jpg,1\n000003.jpg,2\n")
    header = (
        "image_id,lefteye_x,lefteye_y,righteye_x,righteye_y,nose_x,nose_y,leftmouth_x,leftmouth_y,rightmouth_x,rightmouth_y"
    )
    rows = [f"{name},{POINTS.replace(' ', ',')}" for name in NAMES[:2]]
    write(tmp_path / "list_landmarks_align_celeba.csv", "\n".join([header, *rows]))
    dataset = CelebA(path=tmp_path, size=80)
    records = dataset.records()
    assert CelebA.recognise(tmp_path) == 1.0 and records.names == NAMES and records.notes == ()
    assert labels(records) == {"Male": [True, False, True], "Young": [False, False, True]}
    assert records.split.tolist() == [0, 1, 2] and records.identity is None and records.landmarks is not None
    np.testing.assert_allclose(records.landmarks[1, 0], [(69.5 - 9) / 2 - 0.5, (109.5 - 29) / 2 - 0.5])
    assert np.isnan(records.landmarks[2]).all()
    assert all(isinstance(one, np.ndarray) for one in dataset.read([0, 1, 2]))


def authors(root: Path, images: str, suffix: str) -> Path:
    files(root / "Img" / images, *(name.replace(".jpg", suffix) for name in NAMES))
    write(root / "Anno" / "list_attr_celeba.txt", "3\nMale Young\n" + "".join(f"{name}  1 -1\n" for name in NAMES))
    write(root / "Anno" / "identity_CelebA.txt", "".join(f"{name} {i // 2}\n" for i, name in enumerate(NAMES)))
    write(root / "Anno" / "list_landmarks_align_celeba.txt", f"3\nlefteye_x ...\n{NAMES[0]} {POINTS}\n")
    write(root / "Eval" / "list_eval_partition.txt", "".join(f"{name} {i}\n" for i, name in enumerate(NAMES)))
    return root


@pytest.mark.parametrize("nested", ["", "CelebA"])
def test_celeba_as_the_authors_drive_does(tmp_path: Path, nested: str) -> None:
    authors(tmp_path / nested, "img_align_celeba", ".jpg")
    records = CelebA(path=tmp_path).records()
    assert CelebA.recognise(tmp_path) == 1.0 and records.names == NAMES and records.notes == ()
    assert labels(records) == {"Male": [True] * 3, "Young": [False] * 3}
    assert records.split.tolist() == [0, 1, 2] and records.identity is not None and records.identity.tolist() == [0, 0, 1]
    assert records.landmarks is not None and not np.isnan(records.landmarks[0]).any() and np.isnan(records.landmarks[1:]).all()


def test_png_copies_with_jpg_in_the_lists(tmp_path: Path) -> None:
    dataset = CelebA(path=authors(tmp_path, "img_align_celeba_png", ".png"), size=8)
    records = dataset.records()
    assert records.names == ("000001.png", "000002.png", "000003.png") and records.split.tolist() == [0, 1, 2]
    assert records.landmarks is not None and not np.isnan(records.landmarks[0]).any()
    assert records.notes[0].startswith("3 names taken for files of another suffix (000001.jpg: 000001.png")
    assert all(isinstance(one, np.ndarray) for one in dataset.read([0, 1, 2]))


def celeba(root: Path, text: str, names: Sequence[str] = NAMES) -> CelebA:
    files(root / "img_align_celeba", *names)
    write(root / "list_attr_celeba.txt", text)
    return CelebA(path=root)


def test_an_archive_that_is_not_unpacked_is_named(tmp_path: Path) -> None:
    files(tmp_path, "Img/img_align_celeba.zip")
    write(tmp_path / "Anno" / "list_attr_celeba.txt", "1\nMale\n000001.jpg 1\n")
    assert "Img/img_align_celeba.zip: unpack it here first" in refused(CelebA(path=tmp_path))


def test_a_list_with_numbers_and_words_of_truth(tmp_path: Path) -> None:
    records = celeba(tmp_path, "3\nMale Young\n000001.jpg 1.0 True\n000002.jpg 0 false\n000003.jpg -1.0 1\n").records()
    assert labels(records) == {"Male": [True, False, False], "Young": [True, False, True]}


def test_names_with_blanks_in_lists(tmp_path: Path) -> None:
    dataset = celeba(tmp_path, "2\nMale Young\nmy photo 1.jpg  1 -1\nb.jpg -1  1\n", ["my photo 1.jpg", "b.jpg"])
    write(tmp_path / "list_eval_partition.txt", "my photo 1.jpg 2\nb.jpg 1\n")
    write(tmp_path / "list_landmarks_align_celeba.txt", f"my photo 1.jpg {POINTS}\n")
    records = dataset.records()
    assert records.names == ("my photo 1.jpg", "b.jpg") and labels(records)["Male"] == [True, False]
    assert records.split.tolist() == [2, 1] and records.landmarks is not None and not np.isnan(records.landmarks[0]).any()


def test_what_lists_and_folder_do_not_share_is_counted(tmp_path: Path) -> None:
    files(tmp_path / "img_align_celeba", "extra.jpg")
    notes = celeba(tmp_path, "9\nMale\n" + "".join(f"{name} 1\n" for name in [*NAMES, "gone.jpg"])).records().notes
    assert any("9" in note and "lines for 4 images" in note for note in notes)
    assert any(note.startswith("left out: 1 image of list_attr_celeba.txt not in") and "(gone.jpg)" in note for note in notes)
    assert any("without a line in list_attr_celeba.txt (extra.jpg)" in note for note in notes)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("3\nMale\n000001.jpg often\n", 'list_attr_celeba.txt, line 3, 000001.jpg: "often" for Male is neither 1 nor -1'),
        ("3\n", "list_attr_celeba.txt: expected the number of images, the names of the attributes, and a line for each image"),
        ("", "list_attr_celeba.txt: expected the number of images"),
        ("Male Young\n", "list_attr_celeba.txt: has no line for an image"),
        ("1\nMale Young\n000001.jpg 1\n", "line 3: 000001.jpg has 1 values for 2 attributes"),
        ("1\nMale Young\n000001.jpg 1 1 1\n", "line 3: 000001.jpg has 3 values for 2 attributes"),
        ("2\nMale\n000001.jpg 1\n000001.jpg -1\n", "list_attr_celeba.txt: 000001.jpg is listed twice"),
        ("1\nMale Male\n000001.jpg 1 1\n", 'two attributes are called "Male"'),
        (
            "1\nMale\nx1.jpg 1\n",
            'none of the 1 images that list_attr_celeba.txt names exists; the first is "x1.jpg", but the folder',
        ),
    ],
)
def test_what_is_wrong_in_a_list_is_placed(tmp_path: Path, text: str, message: str) -> None:
    assert message in refused(celeba(tmp_path, text))


@pytest.mark.parametrize(
    ("name", "line", "message"),
    [
        ("list_eval_partition.txt", "9", '"9" is none of 0, 1, 2'),
        ("identity_CelebA.txt", "ann", '"ann" is no whole number'),
        ("list_landmarks_align_celeba.txt", POINTS.replace("69", "left"), "could not convert"),
        ("list_landmarks_align_celeba.txt", POINTS[:-4], "000001.jpg has 9 values for 10 columns"),
    ],
)
def test_what_is_wrong_in_the_other_lists_is_placed(tmp_path: Path, name: str, line: str, message: str) -> None:
    dataset = celeba(tmp_path, "1\nMale\n000001.jpg 1\n", NAMES[:1])
    write(tmp_path / name, f"000001.jpg {line}\n")
    text = refused(dataset)
    assert f"{name}, line 1" in text and message in text


# ---------------------------------------------------------------- tables


def table(root: Path, text: str, encoding: str = "utf-8", name: str = "labels.csv") -> Csv:
    files(root, "0.png", "1.png", "2.png")
    return Csv(path=write(root / name, text, encoding))


@pytest.mark.parametrize(("separator", "name"), [(";", "a.csv"), ("\t", "a.tsv"), ("|", "a.csv"), (",", "a.CSV")])
def test_separators_and_blanks_in_header_cells(tmp_path: Path, separator: str, name: str) -> None:
    rows = [
        [" File ", " Hat", "Split "],
        ["0.png", "1", "Train"],
        ["1.png", "0.0", "val"],
        ["2.png", "1.0 ", "TESTING"],
        ["", "", ""],
    ]
    dataset = table(tmp_path, "\n".join(separator.join(row) for row in rows), name=name)
    records = dataset.records()
    assert records.names == ("0.png", "1.png", "2.png") and labels(records) == {"Hat": [True, False, True]}
    assert records.split.tolist() == [0, 1, 2] and records.notes == ()
    assert Csv.recognise(tmp_path / name) == 1.0 and Csv.recognise(tmp_path) == 0.8


def test_a_table_of_a_spreadsheet(tmp_path: Path) -> None:
    records = table(tmp_path, "sep=;\r\nfile;Hat;\r\n0.png;1;\r\n1.png;0;\r\n;;\r\n").records()
    assert records.names == ("0.png", "1.png") and labels(records) == {"Hat": [True, False]}
    assert "line 4, column Hat" in refused(table(tmp_path, "sep=;\nfile;Hat\n0.png;1\n1.png;maybe\n"))


def test_the_index_that_pandas_writes_is_left_out(tmp_path: Path) -> None:
    records = table(tmp_path, ",file,Hat\n0,0.png,True\n7,1.png,False\n").records()
    assert labels(records) == {"Hat": [True, False]} and records.notes == ("left out: 1 column of labels.csv without a name",)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "latin-1"])
def test_class_names_in_any_encoding(tmp_path: Path, encoding: str) -> None:
    records = table(tmp_path, "image,label\n0.png,thé vert\n1.png,café\n2.png,café\n", encoding).records()
    assert labels(records) == {"café": [False, True, True], "thé vert": [True, False, False]}
    assert bool(records.notes) == (encoding == "latin-1")
    assert encoding != "latin-1" or records.notes[0].endswith("labels.csv: not in UTF-8; read as Windows-1252")


def test_a_label_of_true_and_false_is_one_attribute(tmp_path: Path) -> None:
    assert labels(table(tmp_path, "image,label\n0.png,1\n1.png,0\n").records()) == {"label": [True, False]}


def test_a_table_names_jpgs_that_are_pngs_and_folders_by_backslashes(tmp_path: Path) -> None:
    files(tmp_path, "sub/3.png")
    records = table(tmp_path, "image,Hat\n0.jpg,1\n1,0\nsub\\3.png,1\n").records()
    assert records.names == ("0.png", "1.png", "sub/3.png")
    assert records.notes[0].startswith("3 names of labels.csv taken for files of another name (0.jpg: 0.png")


def test_a_file_that_is_listed_itself_stands_for_no_other(tmp_path: Path) -> None:
    dataset = table(tmp_path, "image,Hat\n0.jpg,1\n0.png,0\n")
    assert dataset.records().names == ("0.jpg", "0.png") and not isinstance(dataset.read([0])[0], np.ndarray)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("file,Hat\na.png,1\nb.png,1\n", "none of its 2 images exists; the first would be"),
        ("file,Hat\na.png,1\nb.png,1\n", "--set data.images=FOLDER"),
        (
            "file,Hat\n0.png,maybe\n",
            'line 2, column Hat: "maybe" is neither true nor false; write 1 or 0, or remove the column',
        ),
        ("file,label\n0.png,a\n1.png,\n", "line 3, column label: no class"),
        ("file,Hat,label\n0.png,1,Hat\n1.png,1,b\n", 'column label: there is another attribute "Hat"'),
        ("file,Hat, Hat\n0.png,1,0\n", 'two columns are called "Hat"'),
        ("file,Hat\n,1\n", "line 2, column file: no file name"),
        ("file,Hat\n0.png,1,7\n", "line 2: not as many values"),
        ('file,Hat\n0.png,"' + "x" * 140_000, "is a quotation mark not closed?"),
        ("file,Hat\n0.png,1\0\n", "not a text file"),
        ("", "no rows"),
    ],
)
def test_what_is_wrong_in_a_table_is_one_line(tmp_path: Path, text: str, message: str) -> None:
    assert message in refused(table(tmp_path, text))


def test_two_tables_in_a_folder_are_named_but_not_hidden_ones(tmp_path: Path) -> None:
    table(tmp_path, "file,Hat\n0.png,1\n")
    write(tmp_path / "._labels.csv", "")
    assert Csv.recognise(tmp_path) == 0.8 and len(Csv(path=tmp_path).records()) == 1
    write(tmp_path / "more.csv", "")
    assert "expected one CSV file, found 2: labels.csv, more.csv; name the one to use" in refused(Csv(path=tmp_path))


def test_duplicates_are_found_in_one_pass() -> None:
    class Counted(str):
        compared = 0

        def __eq__(self, other: object) -> bool:
            Counted.compared += 1
            return str.__eq__(self, other)

        __hash__ = str.__hash__

    names = [Counted(f"{i}.png") for i in range(5000)]
    assert first_twice([*names, "3000.png"]) == "3000.png" and Counted.compared < 5000


@pytest.mark.parametrize(
    ("cell", "meaning"), [("1", True), ("1.0", True), (" Yes ", True), ("-1", False), ("0.0", False), ("2", None), ("", None)]
)
def test_what_cells_mean(cell: str, meaning: bool | None) -> None:
    assert truth(cell) is meaning


# ---------------------------------------------------------------- folders


def test_hidden_and_system_folders_are_no_classes(tmp_path: Path) -> None:
    hidden = (".thumbnails/1.png", "@eaDir/1.png", "__MACOSX/cats/1.png", "cats/.ipynb_checkpoints/2.png")
    records = Folder(path=files(tmp_path, "cats/1.png", "dogs/1.png", *hidden)).records()
    assert records.names == ("cats/1.png", "dogs/1.png") and sorted(records.attributes) == ["cats", "dogs"]
    (note,) = records.notes
    assert note.startswith("left out: 4 hidden or system folders (.thumbnails, @eaDir, __MACOSX and 1 more")


def test_heic_and_other_photos_of_phones_are_images_of_a_class(tmp_path: Path) -> None:
    """Read where pillow-heif is installed; else each is broken, with the remedy."""
    folder = files(tmp_path, "cats/1.png", "dogs/1.png")
    Image.new("RGB", (16, 16), "red").save(folder / "cats" / "2.avif")
    (folder / "dogs" / "2.HEIC").write_bytes(b"\0\0\0\x18ftypheic" + bytes(40))
    data = Folder(path=folder, size=16)
    assert data.records().names == ("cats/1.png", "cats/2.avif", "dogs/1.png", "dogs/2.HEIC")
    _, avif, _, heic = data.read([0, 1, 2, 3])
    assert isinstance(avif, np.ndarray) and np.abs(avif[8, 8].astype(int) - (255, 0, 0)).max() < 8
    assert isinstance(heic, Broken)


def test_files_that_cannot_be_read_are_named_and_counted(tmp_path: Path) -> None:
    names = ("cats/a.xyz", "cats/b.xyz", "dogs/notes.txt", "dogs/._1.png")
    notes = Folder(path=files(tmp_path, "cats/1.png", "dogs/1.png", *names)).records().notes
    assert "left out: 1 hidden file (dogs/._1.png)" in notes
    assert "left out: 3 files that cannot be read here as images (.xyz: 2, .txt: 1; first: cats/a.xyz)" in notes


def test_when_no_file_can_be_read_the_first_is_named(tmp_path: Path) -> None:
    files(tmp_path, "cats/1.xyz", "dogs/1.xyz")
    assert Folder.recognise(tmp_path) == 0.1
    assert "found none; left out: 2 files that cannot be read here as images" in refused(Folder(path=tmp_path))
    assert "first: cats/1.xyz" in refused(Folder(path=tmp_path))


def test_the_folders_of_cyclegan(tmp_path: Path) -> None:
    dataset = Folder(path=files(tmp_path, "trainA/1.png", "trainB/2.png", "testA/3.png", "testB/sub/4.png", "valB/5.png"))
    records = dataset.records()
    assert records.names == ("testA/3.png", "testB/sub/4.png", "trainA/1.png", "trainB/2.png", "valB/5.png")
    assert labels(records) == {"A": [True, False, True, False, False], "B": [False, True, False, True, True]}
    assert records.split.tolist() == [2, 2, 0, 0, 1] and records.notes == ()


@pytest.mark.parametrize("splits", [("Train", "Test"), ("training", "testing"), ("TRAIN", "test")])
def test_split_folders_with_a_stray_image_beside_them(tmp_path: Path, splits: tuple[str, str]) -> None:
    train, test = splits
    names = (f"{train}/no glasses/1.png", f"{train}/glasses/2.png", f"{test}/no glasses/3.png", f"{test}/glasses/4.png")
    records = Folder(path=files(tmp_path, *names, "stray.png", "other/x/5.png")).records()
    of = dict(zip(records.names, records.split.tolist(), strict=True))
    assert of == dict(zip(names, [0, 0, 2, 2], strict=True)) and sorted(records.attributes) == ["glasses", "no glasses"]
    assert [name for name, has in zip(records.names, records.attributes["no glasses"], strict=True) if has] == sorted(
        name for name in names if "no glasses" in name
    )
    (note,) = records.notes
    assert note.startswith("left out: 2 images outside") and "stray.png" in note and "other/x/5.png" in note


def test_a_class_may_be_called_train(tmp_path: Path) -> None:
    records = Folder(path=files(tmp_path, "train/steam/1.png", "car/old/1.png", "bus/1.png")).records()
    assert sorted(records.attributes) == ["bus", "car", "train"] and len(records) == 3


def test_links_to_class_folders_are_followed(tmp_path: Path) -> None:
    files(tmp_path, "elsewhere/1.png", "data/cats/1.png")
    (tmp_path / "data" / "dogs").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "data" / "cats" / "up").symlink_to(tmp_path / "data")
    dataset = Folder(path=tmp_path / "data", size=8)
    records = dataset.records()
    assert records.names == ("cats/1.png", "dogs/1.png") and isinstance(dataset.read([1])[0], np.ndarray)
    assert records.notes == ("left out: cats/up: a link to a folder that it lies in",)


def test_names_that_are_not_utf_8(tmp_path: Path) -> None:
    files(tmp_path, "cats/1.png", "caf\udce9/1.png")
    dataset = Folder(path=tmp_path, size=8)
    assert sorted(dataset.records().attributes) == [r"caf\xe9", "cats"] and len(dataset.fingerprint()) == 64
    assert all(isinstance(one, np.ndarray) for one in dataset.read([0, 1]))
