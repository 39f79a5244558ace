"""Files through ``attrxfer transfer --aligned``: names, formats, what is refused, and what is taken once."""

from __future__ import annotations

import shutil
import struct
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.conftest import attrxfer

SIZE = 16


def noise(seed: int) -> np.ndarray:
    """An image (S, S, 3)."""
    return np.random.default_rng(seed).integers(0, 256, (SIZE, SIZE, 3)).astype(np.uint8)


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    folder = tmp_path / "photos"
    (folder / "deep").mkdir(parents=True)
    one = Image.fromarray(noise(1))
    one.save(folder / "a.png")
    one.resize((40, 30)).save(folder / "b.jpg")
    one.save(folder / "deep" / "c.webp", lossless=True)
    (folder / "broken.jpg").write_bytes((folder / "b.jpg").read_bytes()[:300])
    (folder / "notes.txt").write_text("no image")
    return folder


def test_folders_keep_names_and_formats_and_broken_files_are_named(trained: Path, photos: Path, tmp_path: Path) -> None:
    result = attrxfer("transfer", "--aligned", trained, photos, "-o", tmp_path / "out")
    assert result.returncode == 1
    assert result.stdout == f"3 written to {tmp_path / 'out'}, 1 skipped, 1 broken and skipped\n"
    assert result.stderr.startswith(f"{photos / 'broken.jpg'}: skipped: ")
    written = {p.relative_to(tmp_path / "out").as_posix() for p in (tmp_path / "out").rglob("*") if p.is_file()}
    assert written == {"a.png", "b.jpg", "deep/c.webp", "manifest.json"}
    for name, form in (("a.png", "PNG"), ("b.jpg", "JPEG"), ("deep/c.webp", "WEBP")):
        with Image.open(tmp_path / "out" / name) as image:
            assert image.format == form and image.size == (SIZE, SIZE)


def test_strength_zero_copies_the_file(trained: Path, photos: Path, tmp_path: Path) -> None:
    result = attrxfer("transfer", "--aligned", trained, photos / "a.png", "-o", tmp_path / "out", "--strength", "0")
    assert result.returncode == 0
    assert (tmp_path / "out" / "a.png").read_bytes() == (photos / "a.png").read_bytes()


def test_a_format_that_can_only_be_read_is_copied_at_strength_zero_and_refused_otherwise(trained: Path, tmp_path: Path) -> None:
    header = struct.pack(">4sH6xHIIHH", b"8BPS", 1, 3, SIZE, SIZE, 8, 3)  # Photoshop: 3 channels of 8 bits, RGB
    (tmp_path / "a.psd").write_bytes(header + bytes(3 * 4) + struct.pack(">H", 0) + noise(1).transpose(2, 0, 1).tobytes())
    arguments = ("transfer", "--aligned", trained, tmp_path / "a.psd", "-o", tmp_path / "out")
    refused = attrxfer(*arguments)
    assert refused.returncode == 1 and "a.psd: skipped: " in refused.stderr and not (tmp_path / "out" / "a.psd").exists()
    copied = attrxfer(*arguments, "--strength", "0")
    assert copied.returncode == 0, copied.stderr
    assert (tmp_path / "out" / "a.psd").read_bytes() == (tmp_path / "a.psd").read_bytes()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["{run}", "{photos}/nothing.png"], "nothing.png: no such file or folder"),
        (["{run}", "{photos}/broken.jgp"], 'broken.jgp: no such file or folder; did you mean "{photos}/broken.jpg"?'),
        (["{photos}", "{photos}/a.png"], "neither a bundle nor a finished run"),
        (["{run}", "{photos}/a.png", "-o", "{photos}"], "a.png: the result would overwrite it"),
        (["{run}", "{photos}/a.png", "{photos}/same/a.png", "-o", "{photos}/out"], "would both be written to"),
        (["{run}", "{photos}/empty"], "empty: no images here"),
    ],
)
def test_a_users_mistake_is_one_line_and_exit_code_2(trained: Path, photos: Path, arguments: list[str], message: str) -> None:
    (photos / "empty").mkdir()
    (photos / "same").mkdir()
    shutil.copy(photos / "a.png", photos / "same" / "a.png")
    before = (photos / "a.png").read_bytes()
    result = attrxfer("transfer", "--aligned", *[a.format(run=trained, photos=photos) for a in arguments])
    assert result.returncode == 2
    assert (
        message.format(photos=photos) in result.stderr
        and len(result.stderr.splitlines()) == 1
        and "Traceback" not in result.stderr
    )
    assert (photos / "a.png").read_bytes() == before


@pytest.mark.slow
def test_a_second_transfer_into_the_same_folder_takes_no_results_for_inputs(trained: Path, photos: Path) -> None:
    for _ in range(2):
        result = attrxfer("transfer", "--aligned", trained, photos, "-o", photos / "out")
        assert result.returncode in (0, 1), result.stderr  # one photo is broken
        assert not (photos / "out" / "out").exists()
    (photos / "sub").mkdir()
    shutil.copy(photos / "a.png", photos / "sub" / "a.png")
    result = attrxfer("transfer", "--aligned", trained, photos / "sub", photos / "a.png", "-o", photos)
    assert result.returncode == 2 and "would overwrite it" in result.stderr


def test_what_is_named_twice_is_taken_once(trained: Path, photos: Path, tmp_path: Path) -> None:
    (photos / "broken.jpg").unlink()
    (photos / "notes.txt").unlink()
    result = attrxfer("transfer", "--aligned", trained, photos / "a.png", photos, photos / "a.png", "-o", tmp_path / "out")
    assert result.returncode == 0, result.stderr
    twice = photos / "a.png"
    assert result.stdout == f"3 written to {tmp_path / 'out'}\nleft out, as named already: {twice}, {twice}\n"


def test_a_folder_that_cannot_be_made_is_one_line(trained: Path, photos: Path) -> None:
    out = photos / "a.png" / "out"
    result = attrxfer("transfer", "--aligned", trained, photos, "-o", out)
    assert result.returncode == 2 and result.stderr == f"attrxfer: {out}: Not a directory\n"


def test_what_the_system_refuses_is_one_line(trained: Path, photos: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    result = attrxfer("transfer", "--aligned", trained, photos / "a.png", "-o", tmp_path / "file")
    assert result.returncode == 2 and len(result.stderr.splitlines()) == 1 and "file" in result.stderr
