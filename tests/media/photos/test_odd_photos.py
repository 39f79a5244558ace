"""Photos as phones and other programs write them, names as disks hold them, and what a result cannot keep."""

from __future__ import annotations

import errno
import io
import json
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner, Result
from PIL import Image

from attrxfer.cli import cli
from attrxfer.media import images
from attrxfer.media.images import open_rgb
from attrxfer.media.photos.photo_file import read_photo
from attrxfer.media.photos.pixels import ORIENTATION_TAG
from attrxfer.media.provenance import read_packet
from attrxfer.media.xmp import LONGEST
from attrxfer.workflows import transfer as workflow
from tests.media.photos.conftest import Fake, Fixed, smooth, subject
from tests.media.photos.test_files import SAID, XMP, brighter, exif, rewritten, saved

Run = Callable[..., Result]


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch) -> Run:
    """The command with the fake transfer, and a face in every image that is not of one colour."""
    monkeypatch.setattr(workflow, "load_model", lambda *arguments, **named: Fake())
    monkeypatch.setattr(workflow, "load_detector", lambda *arguments: Fixed(subject(80, 60, 2)))
    return lambda *arguments: CliRunner().invoke(cli, ["transfer", "model", *map(str, arguments)])


def photo(path: Path, **options: Any) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(smooth()).save(path, **options)
    return path


def outcomes(out: Path) -> dict[str, str]:
    found = json.loads((out / "manifest.json").read_text("utf-8"))
    return {Path(line["input"]).name: line["outcome"] for line in found["images"]}


# ---------------------------------------------------------------- kinds of files


def test_photos_of_every_kind_are_taken_and_the_rest_is_named(run: Run, tmp_path: Path) -> None:
    folder, out = tmp_path / "photos", tmp_path / "out"
    for name in ("a.jpg", "b.avif", "c.jp2", "d.ppm", "e.tga", "f.qoi"):
        photo(folder / name)
    photo(folder / "g.jfif", format="JPEG")
    (folder / "h.cr2").write_bytes(b"raw")
    result = run(folder, "-o", out)
    assert result.exit_code == 1
    assert result.stdout.splitlines() == [f"7 written to {out} (7 faces), 1 skipped"]
    assert f"{folder / 'h.cr2'}: skipped: no image or video that can be read here" in result.stderr.splitlines()
    assert outcomes(out) == dict.fromkeys(("a.jpg", "b.avif", "c.jp2", "d.ppm", "e.tga", "f.qoi", "g.jfif"), "changed") | {
        "h.cr2": "left"
    }
    for name in ("a.jpg", "b.avif", "c.jp2", "d.ppm", "e.tga", "f.qoi", "g.jfif"):
        with Image.open(folder / name) as before, Image.open(out / name) as after:
            assert after.format == before.format
            change = np.asarray(after).astype(int) - np.asarray(before)
            assert change[60, 80].min() > 30 and np.abs(change[:8]).max() <= 12, name


def test_hidden_and_system_folders_are_named_and_links_are_followed(run: Run, tmp_path: Path) -> None:
    folder = tmp_path / "photos"
    photo(folder / "a.png")
    for name in (".thumbnails", "@eaDir", "__MACOSX", ".ipynb_checkpoints"):
        photo(folder / name / "b.png")
    photo(tmp_path / "elsewhere" / "c.png")
    (folder / "linked").symlink_to(tmp_path / "elsewhere")
    result = run(folder, "-o", tmp_path / "out")
    assert result.exit_code == 0 and "2 written" in result.stdout
    named = ", ".join(str(folder / name) for name in (".ipynb_checkpoints", ".thumbnails", "@eaDir"))
    assert f"left out, as hidden or made by a system: {named} and 1 more" in result.stdout
    assert sorted(outcomes(tmp_path / "out")) == ["a.png", "c.png"]


@pytest.mark.slow
def test_heic_is_changed_and_keeps_its_metadata(run: Run, tmp_path: Path) -> None:
    heif = pytest.importorskip("pillow_heif", reason="no pillow-heif")
    made = heif.from_pillow(Image.fromarray(smooth()))
    (tmp_path / "photos").mkdir()
    source = tmp_path / "photos" / "IMG_1.HEIC"
    made.save(source, quality=95, exif=exif(6).tobytes(), xmp=XMP)
    (tmp_path / "photos" / "IMG_2.jpg").write_bytes(source.read_bytes())  # so some programs name it
    file = read_photo(source)
    assert file.pixels.shape == (160, 120, 3), "upright"
    wanted = brighter(file.pixels)
    out = rewritten(file, wanted)
    assert out.format == "HEIF" and out.getexif()[0x010F] == "A camera" and out.getexif().get(ORIENTATION_TAG, 1) == 1
    assert read_packet(out.info["xmp"])["Model"] == "smile" and "Ann é" in out.info["xmp"].decode()
    assert np.abs(np.asarray(out).astype(int) - wanted).mean() < 4
    result = run(tmp_path / "photos", "-o", tmp_path / "out")
    assert result.exit_code == 0 and outcomes(tmp_path / "out") == {"IMG_1.HEIC": "changed", "IMG_2.jpg": "changed"}
    assert open_rgb(source).size == (120, 160)


def test_without_its_reader_heic_is_named_with_the_remedy(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    photo(tmp_path / "photos" / "a.jpg")
    (tmp_path / "photos" / "IMG_1.HEIC").write_bytes(b"\0\0\0\x18ftypheic" + bytes(40))
    monkeypatch.setattr(images, "find_spec", lambda name: None)
    result = run(tmp_path / "photos", "-o", tmp_path / "out")
    assert result.exit_code == 1 and "1 written" in result.stdout and "1 broken and skipped" in result.stdout
    assert "IMG_1.HEIC: skipped: HEIC needs pillow-heif: pip install 'attrxfer[heif]'" in result.stderr
    assert outcomes(tmp_path / "out")["IMG_1.HEIC"] == "broken"


@pytest.mark.parametrize("turn", [1, 3, 6, 7])
def test_an_avif_keeps_its_orientation_exif_and_provenance(tmp_path: Path, turn: int) -> None:
    file = saved(tmp_path / "a.avif", Image.fromarray(smooth()), exif=exif(turn), xmp=XMP, quality=95, subsampling="4:4:4")
    wanted = brighter(file.pixels)
    (tmp_path / "out.avif").write_bytes(file.encoded(wanted, SAID))
    again = read_photo(tmp_path / "out.avif")
    assert again.image.format == "AVIF" and again.pixels.shape == wanted.shape
    assert np.abs(again.pixels.astype(int) - wanted).mean() < 4
    assert again.image.getexif()[0x010F] == "A camera"
    assert read_packet(again.xmp)["Attribute"] == "Smiling=true" and b"Ann" in (again.xmp or b"")


def test_floats_in_0_to_1_are_seen_as_brightness(tmp_path: Path) -> None:
    grey = smooth()[..., 0]
    stored = grey.astype(np.float32) / 255
    stored[80:, 100:] = -0.5  # below black
    file = saved(tmp_path / "a.tif", Image.fromarray(stored))
    assert np.abs(file.pixels[:80, :, 0].astype(int) - grey[:80]).max() <= 1
    out = np.asarray(rewritten(file, brighter(file.pixels)))
    np.testing.assert_array_equal(out[41:], stored[41:])
    np.testing.assert_allclose(out[:40, :40], np.minimum(stored[:40, :40], 215 / 255) + 40 / 255, atol=0.02)


# ---------------------------------------------------------------- what a result cannot keep


def camera(claims: str, extra: bytes = b"") -> bytes:
    return XMP.replace(b"</rdf:RDF>", f'<rdf:Description rdf:about="" {claims}/>'.encode() + extra + b"</rdf:RDF>")


@pytest.mark.parametrize(
    ("claims", "gone", "said"),
    [
        (
            'xmlns:GCamera="http://ns.google.com/photos/1.0/camera/" GCamera:MotionPhoto="1" GCamera:MotionPhotoVersion="1"',
            b"MotionPhoto",
            "the video of the motion photo is not kept",
        ),
        (
            'xmlns:GCamera="http://ns.google.com/photos/1.0/camera/" GCamera:MicroVideo="1" GCamera:MicroVideoOffset="9"',
            b"MicroVideo",
            "the video of the motion photo is not kept",
        ),
        (
            'xmlns:xmpNote="http://ns.adobe.com/xmp/note/" xmpNote:HasExtendedXMP="0123456789"',
            b"HasExtendedXMP",
            "its extended XMP is not kept",
        ),
        ('xmlns:hdrgm="http://ns.adobe.com/hdr-gain-map/1.0/" hdrgm:Version="1.0"', b"hdrgm", "its gain map is not kept"),
    ],
)
@pytest.mark.parametrize("provenance", [SAID, None])
def test_xmp_claims_nothing_that_is_gone(
    tmp_path: Path, claims: str, gone: bytes, said: str, provenance: dict[str, str] | None
) -> None:
    file = saved(tmp_path / "a.jpg", Image.fromarray(smooth()), xmp=camera(claims))
    assert file.notes == (said,)
    kept = rewritten(file, brighter(file.pixels), provenance).info["xmp"]
    assert gone not in kept and "Ann é".encode() in kept


def test_the_list_of_appended_items_goes_with_them(tmp_path: Path) -> None:
    extra = (
        b'<rdf:Description rdf:about="" xmlns:Container="http://ns.google.com/photos/1.0/container/">'
        b'<Container:Directory><rdf:Seq><rdf:li rdf:parseType="Resource"/></rdf:Seq></Container:Directory></rdf:Description>'
    )
    claims = 'xmlns:GCamera="http://ns.google.com/photos/1.0/camera/" GCamera:MotionPhoto="1"'
    file = saved(tmp_path / "a.jpg", Image.fromarray(smooth()), xmp=camera(claims, extra))
    kept = rewritten(file, brighter(file.pixels)).info["xmp"]
    assert file.notes == ("the video of the motion photo is not kept",) and b"Directory" not in kept


def test_a_samsungs_appended_data_are_named(tmp_path: Path) -> None:
    path = photo(tmp_path / "a.jpg")
    path.write_bytes(path.read_bytes() + b"MotionPhoto_Data" + bytes(50) + b"SEFHSEFT")
    assert read_photo(path).notes == ("what the phone added behind the image is not kept",)


def long_xmp(length: int) -> bytes:
    return XMP.replace("Ann é".encode(), "Ann é".encode() + b"x" * length)


def test_long_xmp_stays_where_there_is_room_and_is_named_where_there_is_none(tmp_path: Path) -> None:
    from PIL import PngImagePlugin

    info = PngImagePlugin.PngInfo()
    info.add_itxt("XML:com.adobe.xmp", long_xmp(100_000).decode())
    file = saved(tmp_path / "a.png", Image.fromarray(smooth()), pnginfo=info)
    out = rewritten(file, brighter(file.pixels)).info["xmp"]
    assert file.notes == () and "x" * 100_000 in (out if isinstance(out, str) else out.decode())
    fits = saved(tmp_path / "b.jpg", Image.fromarray(smooth()), xmp=long_xmp(LONGEST - 1_000))
    out = rewritten(fits, brighter(fits.pixels)).info["xmp"]
    assert fits.notes == () and b"x" * (LONGEST - 1_000) in out and read_packet(out)["Model"] == "smile"
    long = saved(tmp_path / "c.jpg", Image.fromarray(smooth()), xmp=long_xmp(LONGEST))
    assert len(long.notes) == 1 and "its XMP is not kept: 60," in long.notes[0]
    assert read_packet(rewritten(long, brighter(long.pixels)).info["xmp"]) == read_packet(
        rewritten(file, file.pixels).info["xmp"]
    )


def test_a_packet_nested_thousands_deep_is_named(run: Run, tmp_path: Path) -> None:
    deep = XMP.replace(b"</rdf:RDF>", b"<a>" * 5_000 + b"</a>" * 5_000 + b"</rdf:RDF>")
    photo(tmp_path / "photos" / "a.jpg", xmp=deep)
    photo(tmp_path / "photos" / "b.jpg")
    result = run(tmp_path / "photos", "-o", tmp_path / "out")
    assert result.exit_code == 0 and "2 written" in result.stdout
    assert "a.jpg: its XMP is not kept: nested more than 100 deep" in result.stderr


# ---------------------------------------------------------------- one file is one outcome


@pytest.mark.skipif(sys.platform != "linux", reason="names are bytes on Linux")
def test_a_name_that_is_not_utf_8_and_long_names(run: Run, tmp_path: Path) -> None:
    folder, out = tmp_path / "photos", tmp_path / "out"
    odd = os.fsdecode(b"caf\xe9.png")
    for name in (odd, "x" * 251 + ".png", "b.png"):
        photo(folder / "a.png").rename(folder / name)
    (folder / os.fsdecode(b"broken\xe9.jpg")).write_bytes(b"")
    result = run(folder, "-o", out)
    assert result.exit_code == 1 and "3 written" in result.stdout and "broken\\xe9.jpg: skipped: empty file" in result.stderr
    assert (out / odd).is_file() and outcomes(out)[odd] == "changed"
    assert run(folder, "-o", out, "--skip-existing").stdout.startswith(f"0 written to {out}, 1 broken and skipped, 3 there")


@pytest.mark.parametrize("error", [RuntimeError("no"), RecursionError(), MemoryError(), OSError(errno.EACCES, "not allowed")])
@pytest.mark.parametrize("place", ["read", "write", "transfer"])
def test_whatever_goes_wrong_with_a_file_the_others_go_on(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, place: str, error: Exception
) -> None:
    from attrxfer.media.processors import PhotoProcessor

    for name in ("a.png", "b.png", "c.png"):
        photo(tmp_path / "photos" / name)
    whole, calls = getattr(PhotoProcessor, place), []

    def failing(self: PhotoProcessor, *arguments: Any) -> Any:
        calls.append(arguments)
        if len(calls) == 2:
            raise error
        return whole(self, *arguments)

    monkeypatch.setattr(PhotoProcessor, place, failing)
    result = run(tmp_path / "photos", "-o", tmp_path / "out")
    assert result.exit_code == 1 and "2 written" in result.stdout and "1 broken and skipped" in result.stdout
    said = "not allowed" if isinstance(error, OSError) else type(error).__name__
    assert len(result.stderr.splitlines()) == 1 and said in result.stderr
    assert sorted(outcomes(tmp_path / "out").values()) == ["broken", "changed", "changed"]


def test_a_full_disk_ends_the_job(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("a.png", "b.png"):
        photo(tmp_path / "photos" / name)
    full = OSError(errno.ENOSPC, "No space left on device")
    monkeypatch.setattr("attrxfer.media.processors.write_bytes", lambda *_: (_ for _ in ()).throw(full))
    result = run(tmp_path / "photos", "-o", tmp_path / "out")
    assert result.exit_code == 2 and "No space left on device" in result.stderr and "Traceback" not in result.output


def test_a_copy_that_fails_is_that_files_outcome(run: Run, tmp_path: Path) -> None:
    """A folder stands where a result is to be written."""
    folder, out = tmp_path / "photos", tmp_path / "out"
    folder.mkdir()
    for name in ("a.png", "b.png"):
        Image.new("RGB", (90, 70), "grey").save(folder / name)
    (out / "a.png").mkdir(parents=True)
    result = run(folder, "-o", out)
    assert result.exit_code == 1 and outcomes(out) == {"a.png": "broken", "b.png": "copied"}


# ---------------------------------------------------------------- the manifest and -o


def test_the_manifest_keeps_what_each_file_was_made_with(run: Run, tmp_path: Path) -> None:
    folder, out = tmp_path / "photos", tmp_path / "out"
    photo(folder / "a.png")
    run(folder, "-o", out, "--strength", "0.5")
    photo(folder / "b.png")
    photo(folder / "c.png")
    (out / "c.png").write_bytes((out / "a.png").read_bytes())  # nobody noted how it was made

    def strengths() -> tuple[Any, dict[str, Any]]:
        found = json.loads((out / "manifest.json").read_text())
        return found["Strength"], {line["output"]: line.get("Strength", "as above") for line in found["images"]}

    run(folder, "-o", out, "--skip-existing")
    assert strengths() == ("1", {"a.png": "0.5", "b.png": "as above", "c.png": None})
    run(folder, "-o", out, "--skip-existing", "--strength", "0.5")
    assert strengths() == ("0.5", {"a.png": "as above", "b.png": "1", "c.png": None})
    run(folder, "-o", out)
    assert strengths() == ("1", {"a.png": "as above", "b.png": "as above", "c.png": "as above"})


def test_one_photos_result_can_be_named(run: Run, tmp_path: Path) -> None:
    source = photo(tmp_path / "a.jpg")
    result = run(source, "-o", tmp_path / "deep" / "result.jpeg")
    assert result.exit_code == 0 and [path.name for path in (tmp_path / "deep").iterdir()] == ["result.jpeg"]
    with Image.open(tmp_path / "deep" / "result.jpeg") as image:
        assert image.size == (160, 120) and read_packet(image.info["xmp"])["Model"] == "smile"
    (tmp_path / "folder.jpg").mkdir()
    assert run(source, "-o", tmp_path / "folder.jpg").exit_code == 0 and (tmp_path / "folder.jpg" / "a.jpg").is_file()


def test_a_named_result_that_cannot_be_is_refused(run: Run, tmp_path: Path) -> None:
    source, other = photo(tmp_path / "a.jpg"), photo(tmp_path / "b.jpg")
    for arguments, message in (
        ((source, "-o", tmp_path / "r.png"), f"results keep the format of the file: name it {tmp_path / 'r.jpg'}"),
        ((source, other, "-o", tmp_path / "r.jpg"), "names one file, but several results are to be written"),
        ((tmp_path, "-o", tmp_path / "r.jpg"), "names one file, but several results are to be written"),
        ((source, "-o", source), "the result would overwrite it"),
    ):
        result = run(*arguments)
        assert result.exit_code == 2 and message in result.stderr, result.stderr
    assert not (tmp_path / "r.png").exists() and not (tmp_path / "r.jpg").exists()


# ---------------------------------------------------------------- memory


def test_large_photos_are_not_in_memory_together(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from attrxfer.media import read_ahead
    from attrxfer.media.processors import PhotoProcessor

    for number in range(6):
        photo(tmp_path / "photos" / f"{number}.png")
    inside: list[int] = [0, 0]
    read, write = PhotoProcessor.read, PhotoProcessor.write

    def reading(self: PhotoProcessor, path: Path) -> Any:
        inside[0] += 1
        inside[1] = max(inside)
        return read(self, path)

    def writing(self: PhotoProcessor, path: Path, item: Any) -> Any:
        written = write(self, path, item)
        inside[0] -= 1
        return written

    monkeypatch.setattr(PhotoProcessor, "read", reading)
    monkeypatch.setattr(PhotoProcessor, "write", writing)
    for most, together in ((160 * 120 * 2, 2), (10, 1)):
        monkeypatch.setattr(read_ahead, "MOST_PIXELS", most)
        inside[:] = [0, 0]
        assert run(tmp_path / "photos", "-o", tmp_path / f"out{most}").exit_code == 0
        assert 1 <= inside[1] <= together


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "LA", "CMYK", "I;16"])
def test_strips_give_what_the_whole_image_gives(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, mode: str) -> None:
    grey = Image.fromarray(np.asarray(Image.fromarray(smooth()).convert("L")).astype(np.uint16) * 257)
    image = grey if mode == "I;16" else Image.fromarray(smooth()).convert(mode)
    name = "a.tif" if mode == "CMYK" else "a.png"
    results = []
    for strip in (1 << 30, 1000):
        monkeypatch.setattr(images, "STRIP", strip)
        file = saved(tmp_path / name, image)
        results.append((file.pixels, np.asarray(Image.open(io.BytesIO(file.encoded(brighter(file.pixels), SAID))))))
    np.testing.assert_array_equal(results[0][0], results[1][0])
    np.testing.assert_array_equal(results[0][1], results[1][1])
