"""Tables, and folders beside them, as other programs and data sets name them."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from attrxfer_faces.cells import NAME_COLUMNS
from attrxfer_faces.folder import Folder
from attrxfer_faces.table import Csv

from attrxfer.errors import DataError
from attrxfer.interfaces import Broken
from tests.attrxfer_faces.test_layouts import files, labels, refused, write


def table(root: Path, text: str, encoding: str = "utf-8", images: str = "") -> Csv:
    """A table, with two images below a folder beside it."""
    files(root, *(f"{images}{number}.png" for number in range(2)))
    return Csv(path=write(root / "labels.csv", text, encoding))


@pytest.mark.parametrize("column", [*NAME_COLUMNS, "Image_Path"])
def test_columns_of_file_names(tmp_path: Path, column: str) -> None:
    assert table(tmp_path, f"Hat,{column}\n1,0.png\n0,1.png\n").records().names == ("0.png", "1.png")


def test_of_two_columns_of_names_the_surer_one_is_taken(tmp_path: Path) -> None:
    records = table(tmp_path, "name,file,Hat\n1,0.png,1\n0,1.png,0\n").records()
    assert records.names == ("0.png", "1.png") and labels(records) == {"name": [True, False], "Hat": [True, False]}


@pytest.mark.parametrize("column", ["label", "class", "classes", "cls", "target", "Category"])
def test_columns_of_classes(tmp_path: Path, column: str) -> None:
    records = table(tmp_path, f"image,{column}\n0.png,no hat\n1.png,hat\n").records()
    assert labels(records) == {"hat": [False, True], "no hat": [True, False]}


def test_splits_as_others_call_them(tmp_path: Path) -> None:
    assert table(tmp_path, "file,Hat,split\n0.png,1,dev\n1.png,0,Eval\n").records().split.tolist() == [1, 2]
    files(tmp_path / "folder", *(f"{split}/{name}/1.png" for split in ("train", "dev", "eval") for name in ("cat", "dog")))
    records = Folder(path=tmp_path / "folder").records()
    assert set(records.attributes) == {"cat", "dog"} and sorted(records.split.tolist()) == [0, 0, 1, 1, 2, 2]


@pytest.mark.parametrize("folder", ["images", "img"])
def test_images_in_a_folder_beside_the_table(tmp_path: Path, folder: str) -> None:
    dataset = table(tmp_path, "file,Hat\n0.png,1\n1.png,0\n", images=f"{folder}/")
    assert dataset.records().notes == (f"images are those in {tmp_path / folder}",)
    assert not any(isinstance(image, Broken) for image in dataset.read([0, 1]))
    assert "images exists" in refused(Csv(path=tmp_path / "labels.csv", images=tmp_path)), "a named folder is no guess"


def test_utf_32_is_text(tmp_path: Path) -> None:
    assert labels(table(tmp_path, "file,Größe\n0.png,1\n1.png,0\n", "utf-32").records()) == {"Größe": [True, False]}


def test_a_folder_around_the_classes_is_named(tmp_path: Path) -> None:
    files(tmp_path, "data/cat/1.png", "data/dog/1.png")
    with pytest.raises(DataError, match=rf"that folder holds classes: did you mean {tmp_path / 'data'}\?"):
        Folder(path=tmp_path).records()


def test_many_rows_and_classes_take_time_in_proportion(tmp_path: Path) -> None:
    """80,000 rows took 43 s, and 500 classes 18 s; 20,000 now take 0.2 s."""
    rows = "".join(f"{row}.png,class {row % 500}\n" for row in range(20_000))
    dataset = table(tmp_path, f"file,label\n{rows}")
    began = time.process_time()
    assert len(dataset.records().attributes) == 500 and time.process_time() - began < 3


def test_a_cell_of_any_length_is_named_by_its_beginning(tmp_path: Path) -> None:
    image, long = "a.png", "9" * 5000
    with pytest.raises(DataError, match=r"9999 \.\.\.\" is neither true nor false") as found:
        table(tmp_path, f"file,smiling\n{image},1\n{image.replace('a', 'b')},{long}\n").records()
    assert len(str(found.value)) < 500 + len(str(tmp_path))
