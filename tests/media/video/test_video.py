"""Whole videos through a transfer: what changes, what stays, and what happens to those that cannot be read."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image

from attrxfer.cli.transfer import transfer
from attrxfer.errors import AttrxferError, DataError
from attrxfer.media.photos import Photos
from attrxfer.media.video import transfer as transfers
from attrxfer.media.video import transfer_video
from tests.media.video.made import Bright, Dots, moving, packets, photos, read, scene, times, write

pytestmark = pytest.mark.slow

UNEVEN = [0, 40, 90, 100, 200, 233, 266, 300, 350, 351, 420, 460, 500, 540, 600, 640, 700, 733, 760, 800, 900, 940, 990, 1100]


def test_only_the_subject_changes(tmp_path: Path) -> None:
    source = write(tmp_path / "a.mkv", moving(), times=UNEVEN)
    told: list[tuple[int, int]] = []
    own = photos()
    outcome = transfer_video(
        own, source, tmp_path / "out" / "a.mkv", provenance={"Model": "squares"}, progress=lambda *step: told.append(step)
    )
    before, after = read(source), read(outcome.path)
    assert (outcome.frames, outcome.changed, outcome.subjects, outcome.notes) == (24, 24, 1, ())
    assert len(after) == 24 and times(outcome.path) == times(source) == UNEVEN
    assert packets(outcome.path) == packets(source) and len(packets(source)) > 20
    for image, result, points in zip(before, after, map(Bright().detect, before), strict=True):
        expected = own(image, 1.0, points=points)
        assert expected.mask is not None
        np.testing.assert_array_equal(result[expected.mask == 0], image[expected.mask == 0])
        assert np.abs(result.astype(int) - expected.image).mean() < 0.5 < np.abs(result.astype(int) - image).mean()
    with av.open(source) as old, av.open(outcome.path) as new:
        assert (
            new.metadata["title"] == "Squares"
            and "compositeWithTrainedAlgorithmicMedia; Model=squares" in new.metadata["COMMENT"]
        )
        assert new.streams.video[0].average_rate == old.streams.video[0].average_rate
        assert new.streams.video[0].time_base == old.streams.video[0].time_base
    assert told[-1] == (48, 48) and told == sorted(told)
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["a.mkv"]


FORMS = [
    ("libx264", "yuv420p", "mp4", "aac", {}),
    ("libx264", "yuv420p", "mp4", "aac", {"colorspace": 1, "color_range": 1, "color_primaries": 1, "color_trc": 1}),
    ("libx264", "yuv422p10le", "mkv", "flac", {}),
    ("libvpx-vp9", "yuv420p", "webm", "libopus", {}),
    ("mpeg4", "yuv420p", "avi", "mp3", {}),
    ("mjpeg", "yuvj420p", "mov", "pcm_s16le", {"color_range": 2}),
    ("libx264", "yuv420p", "ts", "aac", {}),
    ("png", "rgba", "mov", "aac", {}),
]


def effort(own: Photos) -> tuple[int, int]:
    """How often it looked for subjects, and how many crops its transfer took."""
    assert isinstance(own.detector, Bright) and isinstance(own.model, Dots)
    return own.detector.calls, own.model.seen


@pytest.mark.parametrize(("codec", "pixels", "suffix", "sound", "colour"), FORMS, ids=str)
def test_the_form_is_kept(
    codec: str,
    pixels: str,
    suffix: str,
    sound: str,
    colour: dict[str, Any],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(transfers, "SEGMENT", 10)
    source = write(tmp_path / f"a.{suffix}", moving(), codec, pixels, sound=sound, **colour)
    outcome = transfer_video(photos(), source, tmp_path / "out" / source.name)
    assert outcome.notes == () and times(outcome.path) == times(source) and packets(outcome.path) == packets(source)
    with av.open(source) as old, av.open(outcome.path) as new:
        assert new.format.name == old.format.name
        one, two = old.streams.video[0], new.streams.video[0]
        for name in ("name", "pix_fmt", "width", "height", "color_range", "colorspace", "color_primaries", "color_trc"):
            assert getattr(two.codec_context, name) == getattr(one.codec_context, name), name
        assert (two.average_rate, two.time_base, two.frames) == (one.average_rate, one.time_base, one.frames)
    before, after = np.stack(read(source)).astype(int), np.stack(read(outcome.path)).astype(int)
    assert np.abs(after - before)[:, :, 84:].mean() < 2 < np.abs(after - before)[:, 18:52, 25:60].mean()


def test_ten_bits_stay_ten(tmp_path: Path) -> None:
    source = write(tmp_path / "a.mkv", moving(6), pixels="yuv420p10le")
    transfer_video(photos(), source, tmp_path / "b.mkv")
    with av.open(source) as old, av.open(tmp_path / "b.mkv") as new:
        for one, two in zip(old.decode(video=0), new.decode(video=0), strict=True):
            a, b = (np.frombuffer(memoryview(frame.planes[0]), np.uint16).reshape(80, -1)[:, :96] for frame in (one, two))
            assert (a[:, 84:] == b[:, 84:]).all() and (a[:8] == b[:8]).all() and (a != b).any()


@pytest.mark.parametrize(("codec", "suffix", "pixels"), [("ffv1", "mkv", "yuv420p"), ("libx264", "mp4", "yuv444p")])
def test_odd_sides(codec: str, suffix: str, pixels: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = write(tmp_path / "a.mkv", [image[:-1, :-1] for image in moving(4)], pixels="yuv420p", sound=None)
    if codec == "libx264":
        monkeypatch.setattr("attrxfer.media.video.encoding.ENCODERS", {"ffv1": "there is none"})
    outcome = transfer_video(photos(), source, tmp_path / f"b.{suffix}")
    with av.open(outcome.path) as new:
        context = new.streams.video[0].codec_context
        assert (context.width, context.height, context.pix_fmt) == (95, 79, pixels)
    notes = ("h264, since ffv1 cannot be written here", "pixels yuv444p instead of yuv420p")
    assert outcome.notes == (notes if codec == "libx264" else ())


@pytest.mark.parametrize("degrees", [90, 180, 270])
def test_frames_are_set_upright(degrees: int, tmp_path: Path) -> None:
    """A phone held sideways writes its frames lying and says how to turn them."""
    upright = moving(4)
    lying = [np.rot90(image, -degrees // 90) for image in upright]
    source = write(tmp_path / "a.mp4", lying, "libx264", "yuv444p", options={"crf": "1"})
    turns = {90: (0, 1, -1, 0), 180: (-1, 0, 0, -1), 270: (0, -1, 1, 0)}
    a, b, c, d = turns[degrees]
    matrix = b"".join((value & 0xFFFFFFFF).to_bytes(4) for value in (a << 16, b << 16, 0, c << 16, d << 16, 0, 0, 0, 1 << 30))
    content = bytearray(source.read_bytes())
    start = content.index(b"tkhd") + 44
    content[start : start + 36] = matrix
    source.write_bytes(content)
    with av.open(source) as container:
        said = next(container.decode(video=0)).rotation % 360
    outcome = transfer_video(photos(), source, tmp_path / "b.mp4")
    result = read(outcome.path)
    with av.open(outcome.path) as container:
        assert next(container.decode(video=0)).rotation == 0
    wanted = [np.rot90(image, said // 90) for image in lying]
    assert outcome.changed == 4 and result[0].shape == wanted[0].shape
    assert np.abs(result[0].astype(int) - wanted[0])[:8].mean() < 8  # a wrong turn: 46


# ---------------------------------------------------------------- going on


class Stopped(KeyboardInterrupt):
    pass


def test_a_stopped_job_goes_on_and_ends_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transfers, "SEGMENT", 8)
    source = write(tmp_path / "a.mp4", moving(30), "mpeg4", "yuv420p")
    whole = photos()
    transfer_video(whole, source, tmp_path / "whole.mp4")
    out, stopping = tmp_path / "out" / "a.mp4", photos()

    def until(count: int) -> Callable[[int, int], Any]:
        def told(done: int, total: int) -> None:
            if done == count:
                raise Stopped

        return told

    for count in (11, 24, 30 + 20, 30 + 28):  # twice while it is looked through, twice while it is changed
        with pytest.raises(Stopped):
            transfer_video(stopping, source, out, progress=until(count))
        assert not out.exists()
    outcome = transfer_video(stopping, source, out)
    assert out.read_bytes() == (tmp_path / "whole.mp4").read_bytes() and outcome.frames == 30
    looks, crops = effort(whole)
    assert effort(stopping)[0] == looks  # no look was taken twice
    assert effort(stopping)[1] < 2 * crops
    assert [path.name for path in out.parent.iterdir()] == ["a.mp4"]


def test_what_was_done_for_another_job_is_not_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transfers, "SEGMENT", 8)
    source = write(tmp_path / "a.mp4", moving(20), "mpeg4", "yuv420p")

    def stop(done: int, total: int) -> None:
        if done == 38:
            raise Stopped

    with pytest.raises(Stopped):
        transfer_video(photos(), source, tmp_path / "b.mp4", 1.0, progress=stop)
    transfer_video(photos(), source, tmp_path / "b.mp4", 0.5)
    transfer_video(photos(), source, tmp_path / "c.mp4", 0.5)
    assert (tmp_path / "b.mp4").read_bytes() == (tmp_path / "c.mp4").read_bytes()


@pytest.mark.parametrize("other", [{"guided": {"dark": False}}, {"metadata": {"keep_identity": 0.6}}, {"name": "more dots"}])
def test_what_was_done_by_another_model_is_not_used(
    other: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One bundle for many attributes, or a model with an option, has one sha256 for all that it makes."""
    monkeypatch.setattr(transfers, "SEGMENT", 8)
    source = write(tmp_path / "a.mp4", moving(20), "mpeg4", "yuv420p")

    def stop(done: int, total: int) -> None:
        if done == 38:
            raise Stopped

    before, after, again = photos(), photos(), photos()
    for name, value in other.items():
        for one in (after, again):
            setattr(one.model, name, {**one.model.metadata, **value} if name == "metadata" else value)
    with pytest.raises(Stopped):
        transfer_video(before, source, tmp_path / "b.mp4", progress=stop)
    transfer_video(after, source, tmp_path / "b.mp4")
    transfer_video(again, source, tmp_path / "c.mp4")
    assert effort(after) == effort(again)


# ---------------------------------------------------------------- nobody, somebody for a while, cuts


def test_a_clip_that_nobody_is_in_is_copied(tmp_path: Path) -> None:
    source = write(tmp_path / "a.mkv", [scene([], seed=i) for i in range(6)])
    outcome = transfer_video(photos(), source, tmp_path / "out" / "b.mkv")
    assert (outcome.frames, outcome.changed, outcome.subjects) == (6, 0, 0)
    assert outcome.path.read_bytes() == source.read_bytes()
    assert not transfer_video(photos(), source, tmp_path / "c.mkv", copy=False).path.exists()
    assert {path.name for path in tmp_path.rglob("*")} == {"a.mkv", "out", "b.mkv"}


def test_only_the_largest(tmp_path: Path) -> None:
    source = write(tmp_path / "a.mkv", [scene([(10 + i / 2, 30, 30), (90, 20, 50)], 160, 100) for i in range(8)])
    assert transfer_video(photos(), source, tmp_path / "b.mkv").subjects == 2
    assert transfer_video(photos(), source, tmp_path / "c.mkv", largest=1).subjects == 1
    changed = (np.stack(read(source)) != np.stack(read(tmp_path / "c.mkv"))).any((0, 1, 3))
    assert changed[90:140].any() and not changed[:60].any()


def test_strength_zero_is_the_file_itself(tmp_path: Path) -> None:
    source = write(tmp_path / "a.mp4", moving(4), "libx264", "yuv420p")
    transfer_video(photos(), source, tmp_path / "out" / "b.mp4", 0)
    assert (tmp_path / "out" / "b.mp4").read_bytes() == source.read_bytes()


def test_who_comes_fades_in_and_a_cut_does_not(tmp_path: Path) -> None:
    square, empty = [scene([(20, 18, 34)], 192, 160)] * 20, [scene([], 192, 160)] * 5
    night = [255 - scene([], 192, 160, seed=1)] * 10
    source = write(tmp_path / "a.mkv", [*empty, *square, *night, *square])
    outcome = transfer_video(photos(), source, tmp_path / "b.mkv")
    pairs = zip(read(source), read(outcome.path), strict=True)
    change = [np.abs(result[30:40, 32:42].astype(int) - image[30:40, 32:42]).mean() for image, result in pairs]
    assert outcome.subjects == 2 and max(change[:6]) == 0 and max(change[25:35]) == 0
    assert 0 < change[7] < change[8] < change[9] < change[14]
    np.testing.assert_allclose(change[11:25], change[14], rtol=0.05)  # until the cut
    np.testing.assert_allclose(change[35:], change[14], rtol=0.05)  # from the cut on


def test_missed_looks_do_not_show(tmp_path: Path) -> None:
    source = write(tmp_path / "a.mkv", moving())
    seen = read(transfer_video(photos(), source, tmp_path / "b.mkv").path)
    missed = read(transfer_video(photos(blind=(9, 10, 15)), source, tmp_path / "c.mkv").path)
    assert max(np.abs(one.astype(int) - other).mean() for one, other in zip(seen, missed, strict=True)) < 0.3


# ---------------------------------------------------------------- what cannot be done


def broken(name: str, folder: Path) -> Path:
    path = folder / name
    if name == "nothing.mp4":
        return path
    if name == "empty.mp4":
        path.write_bytes(b"")
    elif name == "text.mp4":
        path.write_text("no video " * 100)
    elif name == "cut.mp4":  # its index, at its end, is missing
        whole = write(folder / "whole.mp4", moving(4), "libx264", "yuv420p")
        path.write_bytes(whole.read_bytes()[:3000])
    elif name == "sound.mp4":
        with av.open(path, "w") as container:
            stream = container.add_stream("aac", rate=48000, layout="mono")
            frame = av.AudioFrame.from_ndarray(np.zeros((1, 4800), np.float32), format="fltp", layout="mono")
            frame.sample_rate = 48000
            container.mux(stream.encode(frame))
            container.mux(stream.encode())
    elif name == "alpha.webm":
        rgba = write(folder / "rgba.webm", moving(4), "libvpx-vp9", "yuva420p", sound=None)
        path.write_bytes(rgba.read_bytes())
    return path


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("nothing.mp4", "no such file or folder"),
        ("empty.mp4", "not a video"),
        ("text.mp4", "not a video"),
        ("cut.mp4", "not a video"),
        ("sound.mp4", "no image in it, only audio"),
        ("alpha.webm", "has transparency"),
    ],
)
def test_what_cannot_be_read_is_said(name: str, message: str, tmp_path: Path) -> None:
    path = broken(name, tmp_path)
    with pytest.raises(DataError) as error:
        transfer_video(photos(), path, tmp_path / "out" / name)
    assert str(error.value).startswith(f"{path}: ") and message in str(error.value) and "\n" not in str(error.value)
    assert not (tmp_path / "out").exists() or not list((tmp_path / "out").iterdir())


def test_a_file_that_ends_early_is_done_as_far_as_it_goes(tmp_path: Path) -> None:
    whole = write(tmp_path / "whole.mkv", moving(), sound=None)
    part = tmp_path / "part.mkv"
    part.write_bytes(whole.read_bytes()[: whole.stat().st_size // 2])
    outcome = transfer_video(photos(), part, tmp_path / "b.mkv")
    assert 5 < outcome.frames < 24 and len(read(outcome.path)) == outcome.frames


def test_without_pyav_the_remedy_is_named() -> None:
    code = (
        "import sys; sys.modules['av'] = None\n"
        "from importlib import util; util.find_spec = lambda name: None\n"
        "import attrxfer.media.video.reader as reader\n"
        "from pathlib import Path\n"
        "try: reader.VideoReader(Path('a.mp4'))\n"
        "except Exception as error: print(type(error).__name__, error)\n"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert result.stdout == "AttrxferError videos need PyAV: pip install 'attrxfer[video]'\n", result.stderr


def test_the_finder_and_transfer_of_photos_are_used(tmp_path: Path) -> None:
    source = write(tmp_path / "a.mkv", moving(4))
    own = Photos(Dots(), Bright())
    transfer_video(own, source, tmp_path / "b.mkv")
    looks, crops = effort(own)
    assert crops == 4 and looks >= 4


# ---------------------------------------------------------------- the command


def test_the_command_takes_photos_and_videos(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("attrxfer.workflows.transfer.load_model", lambda *given, **options: Dots())
    monkeypatch.setattr("attrxfer.workflows.transfer.load_detector", lambda *given: Bright())
    folder, out = tmp_path / "in", tmp_path / "out"
    (folder / "deep").mkdir(parents=True)
    write(folder / "deep" / "a.mkv", moving(4))
    write(folder / "empty.mkv", [scene([])] * 2)
    (folder / "broken.mp4").write_text("no video")
    Image.fromarray(moving(1)[0]).save(folder / "photo.png")
    result = CliRunner().invoke(transfer, ["model", str(folder), "-o", str(out)])
    assert result.exit_code == 1, result.output
    assert f"1 written to {out} (1 face)\n1 video written to {out} (4 frames, 1 face followed, " in result.stdout
    assert result.stdout.endswith("frames a second), 1 copied as they were, 1 broken and skipped\n")
    assert f"{folder / 'broken.mp4'}: skipped: not a video" in result.stderr
    assert f"{folder / 'empty.mkv'}: copied: no face found\n" in result.stderr
    made = {path.relative_to(out).as_posix() for path in out.rglob("*") if path.is_file()}
    assert made == {"deep/a.mkv", "empty.mkv", "photo.png", "manifest.json"}
    outcomes = {line["input"]: line["outcome"] for line in json.loads((out / "manifest.json").read_text())["images"]}
    assert outcomes[str(folder / "deep" / "a.mkv")] == "changed" and outcomes[str(folder / "broken.mp4")] == "broken"
    again = CliRunner().invoke(transfer, ["model", str(folder / "deep"), "-o", str(out / "deep"), "--skip-existing"])
    assert again.exit_code == 0 and "0 videos written" in again.stdout and "1 there already" in again.stdout
    crops = CliRunner().invoke(transfer, ["model", str(folder / "deep" / "a.mkv"), "-o", str(out), "--aligned"])
    assert isinstance(crops.exception, AttrxferError) and "--aligned takes images only" in str(crops.exception)
    inside = CliRunner().invoke(transfer, ["model", str(folder / "deep" / "a.mkv"), "-o", str(folder / "deep")])
    assert isinstance(inside.exception, AttrxferError) and "would overwrite" in str(inside.exception)
