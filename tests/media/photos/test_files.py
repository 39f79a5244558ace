"""Every odd kind of file comes out as it went in, but for the change."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image, ImageCms, JpegImagePlugin, PngImagePlugin

from attrxfer.errors import DataError
from attrxfer.media.batch import Skipped
from attrxfer.media.photos.photo_file import PhotoFile, avif_bits, read_photo
from attrxfer.media.photos.pixels import ORIENTATION_TAG
from attrxfer.media.provenance import SOURCE_TYPE, provenance_of, read_packet, xmp_packet
from tests.media.photos.conftest import Fake, noise, smooth

SAID = {"Model": "smile", "ModelSHA256": "ab" * 32, "Attribute": "Smiling=true", "Strength": "0.8"}
PROFILE = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
XMP = (
    b'<?xpacket begin="" id="W5M0MpCehiHzreSzNTczkc9d"?><x:xmpmeta xmlns:x="adobe:ns:meta/">'
    b'<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"><rdf:Description rdf:about="" '
    b'xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:Iptc4xmpExt="http://iptc.org/std/Iptc4xmpExt/2008-02-29/" '
    b'Iptc4xmpExt:DigitalSourceType="http://cv.iptc.org/newscodes/digitalsourcetype/digitalCapture">'
    b"<dc:creator><rdf:Seq><rdf:li>Ann \xc3\xa9</rdf:li></rdf:Seq></dc:creator></rdf:Description></rdf:RDF></x:xmpmeta>"
    b'<?xpacket end="w"?>'
)


def exif(turn: int = 1) -> Image.Exif:
    tags = Image.Exif()
    tags[ORIENTATION_TAG], tags[0x010F] = turn, "A camera"
    tags.get_ifd(0x8769)[0x9003] = "2024:05:06 07:08:09"
    return tags


def saved(path: Path, image: Image.Image, **options: Any) -> PhotoFile:
    image.save(path, **options)
    return read_photo(path)


def rewritten(file: PhotoFile, pixels: NDArray[np.uint8], said: dict[str, str] | None = SAID) -> Any:
    """The file with another image in it, opened."""
    image = Image.open(io.BytesIO(file.encoded(pixels, said)))
    image.load()
    return image


def brighter(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """By 40 in one corner, as it is seen."""
    out = image.copy()
    out[:40, :40] = np.minimum(out[:40, :40], 215) + 40
    return out


# ---------------------------------------------------------------- formats and metadata


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("a.jpg", {"quality": 93, "subsampling": 1, "comment": b"hello"}),
        ("a.png", {}),
        ("a.webp", {"lossless": True}),
        ("a.tif", {}),
    ],
)
def test_format_exif_profile_resolution_and_xmp_are_kept(tmp_path: Path, name: str, options: dict[str, Any]) -> None:
    extra: dict[str, Any] = {"exif": exif(), "icc_profile": PROFILE, "dpi": (300, 300), **options}
    if name == "a.png":
        extra["pnginfo"] = PngImagePlugin.PngInfo()
        extra["pnginfo"].add_text("Title", "mine")
        extra["pnginfo"].add_itxt("XML:com.adobe.xmp", XMP.decode())
    elif name == "a.tif":
        tags = exif()
        tags[700] = XMP
        extra["exif"] = tags.tobytes()
    else:
        extra["xmp"] = XMP
    image = smooth()
    file = saved(tmp_path / name, Image.fromarray(image), **extra)
    out = rewritten(file, brighter(file.pixels))
    assert out.format == file.image.format and out.size == (160, 120) and out.mode == "RGB"
    assert out.info["icc_profile"] == PROFILE
    assert out.getexif()[0x010F] == "A camera" and out.getexif().get_ifd(0x8769)[0x9003] == "2024:05:06 07:08:09"
    if name != "a.webp":
        assert tuple(round(float(each)) for each in out.info["dpi"]) == (300, 300)
    found = read_packet(out.info["xmp"])
    assert found == {"DigitalSourceType": SOURCE_TYPE, **SAID}
    content = out.info["xmp"] if isinstance(out.info["xmp"], str) else out.info["xmp"].decode()
    assert "Ann é" in content and "digitalCapture" not in content, "the rest of the packet stays; the source type is ours"
    shown = np.asarray(out)
    if name != "a.jpg":
        np.testing.assert_array_equal(shown, brighter(image))
    else:
        assert out.quantization == file.image.quantization and out.info["comment"] == b"hello"  # type: ignore[attr-defined]
        assert JpegImagePlugin.get_sampling(out) == 1
        assert np.abs(shown[60:].astype(int) - file.pixels[60:]).max() <= 3, "compressed again with the same tables"


@pytest.mark.parametrize("compression", ["tiff_lzw", "tiff_adobe_deflate", "packbits", "jpeg"])
def test_a_tiffs_compression_is_kept(tmp_path: Path, compression: str) -> None:
    tags = {270: "a caption", 315: "Ann"}
    file = saved(tmp_path / "a.tif", Image.fromarray(smooth()), compression=compression, tiffinfo=tags, icc_profile=PROFILE)
    out = rewritten(file, brighter(file.pixels))
    assert out.info["compression"] == compression and out.info["icc_profile"] == PROFILE
    assert out.getexif()[270] == "a caption" and out.getexif()[315] == "Ann"
    assert np.abs(np.asarray(out)[60:].astype(int) - file.pixels[60:]).mean() <= (2 if compression == "jpeg" else 0)


def test_a_file_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    file = saved(tmp_path / "a.jpg", Image.fromarray(smooth()), exif=exif())
    file.image.info["exif"] = b"Exif" + bytes(70_000)
    with pytest.raises(DataError, match=r"a\.jpg: cannot be written as JPEG: EXIF data is too long"):
        file.encoded(file.pixels)


def test_without_provenance_the_packet_stays_as_it_was(tmp_path: Path) -> None:
    file = saved(tmp_path / "a.jpg", Image.fromarray(smooth()), xmp=XMP)
    assert rewritten(file, brighter(file.pixels), None).info["xmp"] == XMP
    bare = saved(tmp_path / "b.jpg", Image.fromarray(smooth()))
    assert "xmp" not in rewritten(bare, brighter(bare.pixels), None).info


@pytest.mark.parametrize("known", [b"", b"no xml", b"<x:xmpmeta xmlns:x='adobe:ns:meta/'><broken", XMP + b"\0" * 9, XMP * 200])
def test_any_packet_can_be_added_to_and_twice_says_it_once(known: bytes) -> None:
    once = xmp_packet(SAID, known)
    again = xmp_packet({**SAID, "Strength": "1"}, once)
    assert read_packet(once) == {"DigitalSourceType": SOURCE_TYPE, **SAID}
    assert read_packet(again)["Strength"] == "1" and again.count(b"<attrxfer:Strength>") == 1 and len(again) < 60_000


@pytest.mark.parametrize("turn", range(1, 9))
@pytest.mark.parametrize("name", ["a.jpg", "a.png", "a.webp", "a.tif"])
def test_a_turned_photo_is_changed_where_it_is_seen_and_shows_the_same(tmp_path: Path, turn: int, name: str) -> None:
    options = {"quality": 95, "subsampling": 0} if name == "a.jpg" else {"lossless": True} if name == "a.webp" else {}
    file = saved(tmp_path / name, Image.fromarray(smooth()), exif=exif(turn), **options)
    assert file.pixels.shape[:2] == ((160, 120) if turn > 4 else (120, 160))
    wanted = brighter(file.pixels)
    (tmp_path / "out").write_bytes(file.encoded(wanted, SAID))
    again = read_photo(tmp_path / "out")
    assert np.abs(again.pixels.astype(int) - wanted).mean() < (2 if name == "a.jpg" else 0.01)
    if name != "a.tif":  # Pillow turns those when it reads them
        assert again.image.getexif()[ORIENTATION_TAG] == turn


@pytest.mark.filterwarnings("ignore:Corrupt EXIF")
def test_the_thumbnail_of_the_old_image_is_dropped_and_nothing_else(tmp_path: Path) -> None:
    plain = exif(6).tobytes()
    order = "big" if plain[6:8] == b"MM" else "little"
    count = int.from_bytes(plain[14:16], order)  # type: ignore[arg-type]
    end = 6 + 8 + 2 + 12 * count
    pointing = plain[:end] + (1234).to_bytes(4, order) + plain[end + 4 :] + b"a thumbnail"  # type: ignore[arg-type]
    file = saved(tmp_path / "a.jpg", Image.fromarray(smooth()), exif=pointing)
    kept = rewritten(file, brighter(file.pixels)).info["exif"]
    assert kept == plain[:end] + bytes(4) + plain[end + 4 :] + b"a thumbnail"
    damaged = saved(tmp_path / "b.jpg", Image.fromarray(smooth()), exif=b"Exif\0\0MM\0*\xff\xff\xff\xff")
    assert rewritten(damaged, brighter(damaged.pixels)).info["exif"] == damaged.image.info["exif"]


# ---------------------------------------------------------------- kinds of pixels


def kinds() -> dict[str, Image.Image]:
    rgb, grey = Image.fromarray(smooth()), Image.fromarray(smooth()).convert("L")
    deep = np.asarray(grey).astype(np.uint16) * 257 + np.arange(160, dtype=np.uint16)
    clear = rgb.copy()
    clear.putalpha(Image.fromarray(noise()[..., 0]))
    palette = rgb.quantize(128)
    return {
        "grey.png": grey,
        "grey_alpha.png": clear.convert("LA"),
        "alpha.png": clear,
        "alpha.webp": clear,
        "deep.png": Image.fromarray(deep),
        "deep.tif": Image.fromarray(deep),
        "float.tif": Image.fromarray(np.asarray(grey).astype(np.float32)),
        "inks.tif": rgb.convert("CMYK"),
        "grey.tif": grey,
        "plain.bmp": rgb,
        "palette.gif": palette,
        "palette.png": palette,
        "bits.png": grey.convert("1"),
        "bits.tif": grey.convert("1"),
    }


BECOMES = {"palette.png": "RGB", "bits.png": "L", "bits.tif": "L"}


@pytest.mark.parametrize("name", kinds())
def test_pixels_keep_their_kind_and_outside_the_change_their_values(tmp_path: Path, name: str) -> None:
    image = kinds()[name]
    options: dict[str, Any] = {"lossless": True, "exact": True} if name.endswith("webp") else {}
    if name == "bits.tif":
        options = {"compression": "group4"}
    file = saved(tmp_path / name, image, **options)
    before = np.asarray(file.image).copy()
    wanted = brighter(file.pixels)
    content = file.encoded(wanted, SAID)
    out = Image.open(io.BytesIO(content))
    out.load()
    assert out.format == file.image.format and out.mode == BECOMES.get(name, image.mode)
    if name not in BECOMES:
        np.testing.assert_array_equal(np.asarray(out)[41:], before[41:])
        np.testing.assert_array_equal(np.asarray(out)[:, 41:], before[:, 41:])
    (tmp_path / "again").write_bytes(content)
    again = read_photo(tmp_path / "again").pixels.astype(int)
    np.testing.assert_array_equal(again[41:], file.pixels[41:])
    opaque = np.asarray(out.convert("RGBA"))[:40, :40, 3] > 250
    error = np.abs(again[:40, :40] - wanted[:40, :40])[opaque].mean()
    assert error < (6 if name == "palette.gif" else 3), "and inside, the change is seen"
    if name != "plain.bmp":  # which has no place for it; Pillow does not look for a GIF's
        assert read_packet(content if name == "palette.gif" else out.info["xmp"])["Attribute"] == "Smiling=true"
    assert getattr(out, "n_frames", 1) == 1


def test_transparency_itself_is_never_touched(tmp_path: Path) -> None:
    file = saved(tmp_path / "a.png", kinds()["alpha.png"])
    out = rewritten(file, brighter(file.pixels))
    np.testing.assert_array_equal(np.asarray(out)[..., 3], np.asarray(file.image)[..., 3])


def test_a_cmyk_jpeg_stays_one(tmp_path: Path) -> None:
    file = saved(tmp_path / "a.jpg", Image.fromarray(smooth()).convert("CMYK"), quality=95)
    out = rewritten(file, brighter(file.pixels))
    assert out.mode == "CMYK" and np.abs(np.asarray(out)[60:].astype(int) - np.asarray(file.image)[60:]).max() <= 4


def test_a_transparent_colour_of_a_palette_stays_transparent(tmp_path: Path) -> None:
    image = Image.fromarray(smooth()).quantize(16)
    for name, mode in (("a.gif", "P"), ("a.png", "RGBA")):
        file = saved(tmp_path / name, image, transparency=3)
        out = rewritten(file, brighter(file.pixels))
        assert out.mode == mode
        clear = np.asarray(out.convert("RGBA"))[41:, :, 3] == 0
        np.testing.assert_array_equal(clear, np.asarray(file.image)[41:] == 3)


def test_16_bits_of_colour_become_8_and_that_is_said(tmp_path: Path) -> None:
    """Pillow reads no more; the file is written by hand, as it writes none."""
    import struct
    import zlib

    def chunk(name: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))

    deep = smooth().astype(">u2") * 257
    rows = b"".join(b"\0" + row.tobytes() for row in deep)
    head = struct.pack(">IIBBBBB", 160, 120, 16, 2, 0, 0, 0)
    content = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")
    (tmp_path / "a.png").write_bytes(content)
    file = read_photo(tmp_path / "a.png")
    assert file.notes == ("16 bits a channel become 8",)
    np.testing.assert_array_equal(np.asarray(rewritten(file, file.pixels)), smooth())


@pytest.mark.parametrize(("flags", "bits"), [(0x0C, 8), (0x4C, 10), (0x6C, 12)])
def test_the_bits_of_an_avif_file(flags: int, bits: int, tmp_path: Path) -> None:
    Image.fromarray(smooth()).save(tmp_path / "a.avif")
    content = bytearray((tmp_path / "a.avif").read_bytes())
    at = content.index(b"av1C") + 6
    assert content[at] & 0x60 == 0, "Pillow writes 8 bits"
    content[at] = flags
    (tmp_path / "a.avif").write_bytes(content)
    assert avif_bits(tmp_path / "a.avif") == bits


# ---------------------------------------------------------------- what is not changed


@pytest.mark.slow
def test_animations_and_pages_are_left_as_they_are(tmp_path: Path) -> None:
    frames = [Image.fromarray(noise(seed=seed)) for seed in range(3)]
    for name in ("a.gif", "a.webp", "a.png", "a.tif"):
        frames[0].save(tmp_path / name, save_all=True, append_images=frames[1:])
        with pytest.raises(Skipped, match="3 frames or pages: only still images are changed"):
            read_photo(tmp_path / name)


def test_of_a_phones_double_image_the_first_is_changed(tmp_path: Path) -> None:
    Image.fromarray(smooth()).save(tmp_path / "a.jpg", "MPO", save_all=True, append_images=[Image.fromarray(noise())])
    file = read_photo(tmp_path / "a.jpg")
    out = rewritten(file, brighter(file.pixels))
    assert out.format == "JPEG" and file.notes == ("only its first image is kept",)


def test_broken_files_say_what_is_wrong(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    Image.fromarray(noise()).save(tmp_path / "whole.jpg")
    whole = (tmp_path / "whole.jpg").read_bytes()
    for content, reason in ((b"", "empty file"), (b"text", "not an image"), (whole[:3000], "truncated")):
        (tmp_path / "a.jpg").write_bytes(content)
        with pytest.raises(DataError, match=rf"a\.jpg: .*{reason}"):
            read_photo(tmp_path / "a.jpg")
    Image.fromarray(noise()).save(tmp_path / "a.png")
    (tmp_path / "a.png").write_bytes((tmp_path / "a.png").read_bytes()[:5000])
    with pytest.raises(DataError, match=r"a\.png: "):
        read_photo(tmp_path / "a.png")
    with pytest.raises(DataError, match="none.jpg: "):
        read_photo(tmp_path / "none.jpg")
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 9000)
    with pytest.raises(DataError, match="more than .* million pixels"):
        read_photo(tmp_path / "whole.jpg")


def test_no_photo_spoils_the_packet_of_another() -> None:
    """The table of prefixes is the process's own: what one file calls its namespaces must not break the next file's."""
    xmp_packet(
        SAID, XMP.replace(b"</rdf:RDF>", b'<!-- xmlns:xml="urn:a" xmlns:rdf="urn:b" xmlns:attrxfer="urn:c" --></rdf:RDF>')
    )
    titled = XMP.replace(b"</rdf:RDF>", b'<rdf:Description xml:lang="en"/></rdf:RDF>')
    written = xmp_packet(SAID, titled)
    ElementTree.fromstring(written.partition(b"?>")[2].rpartition(b"<?xpacket")[0])
    assert b'xml:lang="en"' in written and b"<attrxfer:Model>" in written and b"<rdf:RDF" in written


def test_what_a_model_is_called_cannot_break_the_packet_or_add_lines() -> None:
    model = Fake()
    model.metadata = {"task": {"name": "a\0b\nDigitalSourceType=none"}, "sha256": {}}
    said = provenance_of(model, 1.0)
    assert said["Model"] == "a b DigitalSourceType=none"
    assert read_packet(xmp_packet(said))["Model"] == said["Model"]


def test_a_file_that_pillow_stumbles_over_is_named(tmp_path: Path) -> None:
    buffer = io.BytesIO()
    Image.new("RGB", (8, 8)).save(buffer, "TIFF")
    content = bytearray(buffer.getvalue())
    start = int.from_bytes(content[4:8], "little")
    after = start + 2 + 12 * int.from_bytes(content[start : start + 2], "little")
    content[after : after + 4] = len(content).to_bytes(4, "little")
    content += bytes(8)  # a second page that has no width
    (tmp_path / "a.tif").write_bytes(content)
    with pytest.raises(DataError, match=r"a\.tif: Missing dimensions"):
        read_photo(tmp_path / "a.tif")
