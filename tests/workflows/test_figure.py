"""``compare`` and ``figure``: what they write, and what they refuse."""

from __future__ import annotations

import csv
import re
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from attrxfer.report.samples import read_samples
from tests.conftest import attrxfer


@pytest.fixture
def runs(trained: Path, tmp_path: Path) -> tuple[Path, Path, Path]:
    """Two runs of the same inputs, and one of others."""
    made = tuple(shutil.copytree(trained, tmp_path / name) for name in ("one", "two", "else"))
    shutil.copy(made[2] / "samples" / "truth.png", made[2] / "samples" / "source.png")
    return made[0], made[1], made[2]


def test_a_figure_has_every_pixel_and_its_labels_are_text(runs: tuple[Path, Path, Path], tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    out = tmp_path / "grid.svg"
    result = attrxfer("figure", runs[0], runs[1], "-o", out, "--label", "ours & co", "--label", "theirs")
    assert result.returncode == 0 and result.stdout == f"{out}: 2 columns\n", result.stderr
    text = out.read_text()
    labels = [label.strip() for label in re.findall(r"<text[^>]*>([^<]*)</text>", text)]
    assert labels == ["source", "ours &amp; co", "theirs", "truth"]
    assert text.count("<image") == 8
    before = out.read_bytes()
    attrxfer("figure", runs[0], runs[1], "-o", out, "--label", "ours & co", "--label", "theirs")
    assert out.read_bytes() == before
    pdf = tmp_path / "grid.pdf"
    assert attrxfer("figure", runs[0], "--count", "1", "-o", pdf).returncode == 0
    assert pdf.read_bytes().startswith(b"%PDF") and pdf.read_bytes().count(b"/Subtype /Image") == 3


def test_images_of_ones_own_are_transferred(trained: Path, tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    for number, image in enumerate(read_samples(trained)["source"]):
        (tmp_path / "crops").mkdir(exist_ok=True)
        Image.fromarray(image).save(tmp_path / "crops" / f"{number}.png")
    out = tmp_path / "grid.svg"
    result = attrxfer("figure", trained, "gender", "--images", tmp_path / "crops", "-o", out)
    assert result.returncode == 0, result.stderr
    assert out.read_text().count("<image") == 6


def test_what_cannot_be_drawn_is_said(runs: tuple[Path, Path, Path], tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    for arguments, said in (
        ((runs[0], "-o", tmp_path / "a.jpg"), "a figure ends in .pdf, .svg, .eps, .png"),
        ((runs[0], runs[2]), "keep samples of different inputs: give images with --images FOLDER"),
        (("gendr",), 'gendr: no such file or folder, model or method; did you mean "gender"?'),
        (("gender",), "gender: keeps no sample images"),
        ((runs[0], "--label", "a", "--label", "b"), "--label is given 2 times for 1 models"),
    ):
        result = attrxfer("figure", *arguments)
        assert result.returncode == 2 and said in result.stderr


def test_samples_are_read_as_they_were_drawn(trained: Path) -> None:
    found = read_samples(trained)
    assert found.keys() == {"source", "result", "truth"} and found["source"].shape == (2, 16, 16, 3)
    strip = np.asarray(Image.open(trained / "samples" / "source.png").convert("RGB"))
    assert np.array_equal(np.concatenate(list(found["source"]), axis=1), strip)
    assert read_samples(trained / "bundle").keys() == found.keys()


def test_compare_writes_tables_and_a_page(runs: tuple[Path, Path, Path], tmp_path: Path) -> None:
    result = attrxfer("compare", *runs[:2], "gender", "-o", tmp_path / "out")
    assert result.returncode == 0, result.stderr
    with (tmp_path / "out" / "scores.csv").open() as file:
        rows = list(csv.DictReader(file))
    accuracy = [row for row in rows if row["score"] == "attribute accuracy"]
    assert [row["candidate"] for row in accuracy] == ["gender"] and 0 < float(accuracy[0]["value"]) <= 1
    page = (tmp_path / "out" / "page.html").read_text()
    assert page.count("<img") == 4 and "Without sample images, which only the folder of a run has: gender." in page
    assert "generator.width" in page
    assert r"attribute accuracy $\uparrow$" in (tmp_path / "out" / "scores.tex").read_text()
    method = attrxfer("compare", runs[0], "input_copy")
    assert method.returncode == 2 and "a method has neither a recipe nor scores" in method.stderr
