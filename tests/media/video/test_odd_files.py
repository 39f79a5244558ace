"""Videos as cameras and phones write them: timecode and data tracks, mirrored images, names that look like addresses."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from click.testing import CliRunner
from numpy.typing import NDArray

from attrxfer.cli import cli
from attrxfer.media.video import transfer_video
from attrxfer.workflows import transfer as workflow
from tests.media.video.made import Bright, Dots, moving, photos, read, write

pytestmark = pytest.mark.slow


def with_timecode(path: Path) -> Path:
    """A clip with a timecode track, as a Canon or GoPro writes it."""
    images = moving(6)
    with av.open(path, "w") as container:
        stream: Any = container.add_stream("libx264", rate=25)
        stream.height, stream.width = images[0].shape[:2]
        stream.pix_fmt = "yuv420p"
        stream.metadata["timecode"] = "01:02:03:04"
        for image in images:
            frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(image), format="rgb24")
            container.mux(stream.encode(frame.reformat(format="yuv420p")))
        container.mux(stream.encode())
    return path


def with_data_track(path: Path) -> Path:
    """A clip with sound and a data track of a kind that FFmpeg has no name for: a second sound track whose kind is changed."""
    plain = write(path.with_name("plain.mp4"), moving(6), "libx264", "yuv420p")
    with av.open(plain) as source, av.open(plain) as again, av.open(path, "w") as container:
        copies = {stream.index: container.add_stream_from_template(stream) for stream in source.streams}
        second = container.add_stream_from_template(again.streams.audio[0])
        for packet in source.demux():
            if packet.dts is not None:
                packet.stream = copies[packet.stream_index]
                container.mux(packet)
        for sound in again.demux(audio=0):
            if sound.dts is not None:
                sound.stream = second
                container.mux(sound)
    content = path.read_bytes()
    for old, new in ((b"soun", b"meta"), (b"mp4a", b"djmd")):
        before, _, after = content.rpartition(old)
        content = before + new + after
    path.write_bytes(content)
    plain.unlink()
    return path


def test_a_timecode_track_is_kept(tmp_path: Path) -> None:
    source = with_timecode(tmp_path / "a.mov")
    with av.open(source) as container:
        assert [stream.type for stream in container.streams] == ["video", "data"]
    outcome = transfer_video(photos(), source, tmp_path / "b.mov")
    assert outcome.changed == 6 and outcome.notes == ()
    with av.open(tmp_path / "b.mov") as container:
        assert [stream.type for stream in container.streams] == ["video", "data"]
        assert container.streams[1].metadata["timecode"] == "01:02:03:04"


def test_a_data_track_that_cannot_be_kept_is_named_before_frames_are_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = with_data_track(tmp_path / "a.mp4")
    outcome = transfer_video(photos(), source, tmp_path / "b.mp4")
    assert outcome.changed == 6
    assert outcome.notes == ("mp4 holds no data of this kind (unknown): left out",)
    with av.open(tmp_path / "b.mp4") as container:
        assert [stream.type for stream in container.streams] == ["video", "audio"]
        assert sum(packet.size for packet in container.demux(audio=0)) > 1000


TURNS = {
    "mirrored": ((-1, 0, 0, 1), lambda image: image[:, ::-1]),
    "upside down": ((1, 0, 0, -1), lambda image: image[::-1]),
    "mirrored and turned": ((0, 1, 1, 0), lambda image: image.transpose(1, 0, 2)),
    "mirrored and turned back": ((0, -1, -1, 0), lambda image: image[::-1, ::-1].transpose(1, 0, 2)),
    "clockwise": ((0, 1, -1, 0), lambda image: np.rot90(image, -1)),
    "counter-clockwise": ((0, -1, 1, 0), lambda image: np.rot90(image, 1)),
    "half a turn": ((-1, 0, 0, -1), lambda image: image[::-1, ::-1]),
}


@pytest.mark.parametrize("name", TURNS)
def test_a_display_matrix_that_turns_or_mirrors_is_applied(name: str, tmp_path: Path) -> None:
    """(a, b, c, d): a stored pixel (x, y) is shown at (ax + cy, bx + dy), by the MP4 standard."""
    matrix, shown = TURNS[name]
    stored = moving(4)
    source = write(tmp_path / "a.mp4", stored, "libx264", "yuv444p", options={"crf": "1"})
    a, b, c, d = matrix
    values = (a << 16, b << 16, 0, c << 16, d << 16, 0, 0, 0, 1 << 30)
    content = bytearray(source.read_bytes())
    start = content.index(b"tkhd") + 44
    content[start : start + 36] = b"".join((value & 0xFFFFFFFF).to_bytes(4) for value in values)
    source.write_bytes(content)
    outcome = transfer_video(photos(), source, tmp_path / "b.mp4")
    result = read(outcome.path)[0].astype(int)
    wanted: NDArray[Any] = shown(stored[0])
    assert outcome.changed == 4 and result.shape == wanted.shape
    errors = {other: turn(stored[0]) for other, (_, turn) in TURNS.items()}
    distances = {other: np.abs(result - image).mean() for other, image in errors.items() if image.shape == result.shape}
    assert min(distances, key=lambda other: distances[other]) == name


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Any:
    monkeypatch.setattr(workflow, "load_model", lambda *arguments, **named: Dots())
    monkeypatch.setattr(workflow, "load_detector", lambda *arguments: Bright())
    monkeypatch.chdir(tmp_path)
    return lambda *arguments: CliRunner().invoke(cli, ["transfer", "model", *map(str, arguments)])


def test_a_name_with_a_colon_is_no_address(run: Any, tmp_path: Path) -> None:
    write(tmp_path / "plain.mp4", moving(4), "libx264", "yuv420p").rename(tmp_path / "12:30.mp4")
    result = run("12:30.mp4", "-o", "out")
    assert result.exit_code == 0 and len(read(tmp_path / "out" / "12:30.mp4")) == 4
    assert run("12:30.mp4", "-o", "1:2.mp4").exit_code == 0 and len(read(tmp_path / "1:2.mp4")) == 4


def test_clips_of_cameras_and_phones_are_taken(run: Any, tmp_path: Path) -> None:
    (tmp_path / "clips").mkdir()
    for name in ("a.3gp", "b.m2ts"):
        write(tmp_path / "clips" / name, moving(4), "libx264", "yuv420p")
    result = run("clips", "-o", "out")
    assert result.exit_code == 0 and result.stdout.startswith("2 videos written to out")
    assert [len(read(tmp_path / "out" / name)) for name in ("a.3gp", "b.m2ts")] == [4, 4]


def test_a_library_that_fails_at_one_clip_leaves_the_others(run: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("a.mp4", "b.mp4"):
        write(tmp_path / name, moving(4), "libx264", "yuv420p")
    detect = Bright.detect

    def fail_once(self: Bright, image: NDArray[np.uint8]) -> NDArray[np.float32]:
        if not failed:
            failed.append(True)
            raise RuntimeError("the library stumbled")
        return detect(self, image)

    failed: list[bool] = []
    monkeypatch.setattr(Bright, "detect", fail_once)
    result = run("a.mp4", "b.mp4", "-o", "out")
    assert result.exit_code == 1 and "a.mp4: skipped: RuntimeError: the library stumbled" in result.stderr
    assert [path.name for path in sorted((tmp_path / "out").glob("[!.]*"))] == ["b.mp4"]


def test_a_long_name_is_no_obstacle(run: Any, tmp_path: Path) -> None:
    name = "c" * 251 + ".mp4"
    write(tmp_path / "plain.mp4", moving(4), "libx264", "yuv420p").rename(tmp_path / name)
    assert run(name, "-o", "out").exit_code == 0 and len(read(tmp_path / "out" / name)) == 4
