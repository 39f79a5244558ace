"""A video on the page: how far it is, what is too long, and what is left when it is stopped."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from attrxfer_demo import videos
from attrxfer_demo.videos import Progress, change_video, check_length

from attrxfer.errors import DataError
from attrxfer.media.video import VideoResult
from tests.attrxfer_demo.conftest import Known, Negative, offer

av = pytest.importorskip("av")
FRAMES, RATE = 12, 6
FACE = (20.0, 10.0, 60.0)


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    path = tmp_path / "clip.mp4"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("mpeg4", rate=RATE)
        stream.width, stream.height, stream.pix_fmt = 128, 96, "yuv420p"
        image = np.full((96, 128, 3), 60, np.uint8)
        image[30:50, 40:60] = 200  # what differs from the face's border; an even change of all is taken for a drift of colours
        for _ in range(FRAMES):
            container.mux(stream.encode(av.VideoFrame.from_ndarray(image, format="rgb24")))
        container.mux(stream.encode())
    return path


def test_it_says_how_far_it_is_and_gives_the_video(clip: Path, tmp_path: Path) -> None:
    folder = tmp_path / "files"
    folder.mkdir()
    *told, result = change_video(offer(Negative(), Known(FACE)), clip, 0.8, folder)
    shares = [step.share for step in told if isinstance(step, Progress)]
    assert shares == sorted(shares) and 0 < shares[0] < 0.1 and shares[-1] == 1
    assert isinstance(result, VideoResult) and result.frames == FRAMES and result.changed
    assert result.path.name == "clip-negative-0.8.mp4"
    with av.open(str(result.path)) as container:
        assert "Strength=0.8" in str(container.metadata)
        frames = [frame.to_ndarray(format="rgb24").astype(int) for frame in container.decode(video=0)]
    middle = frames[FRAMES // 2]
    assert middle[35:45, 45:55].mean() < 140 and abs(middle[:, 110:].mean() - 60) < 3, "a face is changed, the rest is not"


def test_a_stopped_video_leaves_nothing(clip: Path, tmp_path: Path) -> None:
    folder = tmp_path / "files"
    folder.mkdir()
    steps = change_video(offer(Negative(), Known(FACE)), clip, 1.0, folder)
    for _ in steps:
        steps.stop()
    assert list(folder.rglob("*")) == []


def test_what_takes_too_long_is_refused(clip: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    check_length(clip)
    monkeypatch.setattr(videos, "LONGEST_JOB", 0)
    with pytest.raises(DataError, match="takes more than 0 minutes here"):
        list(change_video(offer(Negative(), Known(FACE)), clip, 1.0, tmp_path))
    monkeypatch.setattr(videos, "LONGEST_VIDEO", 0)
    with pytest.raises(DataError, match="takes 2 seconds, and the page takes 0 at most"):
        check_length(clip)
    (tmp_path / "letter.mp4").write_text("Dear")
    with pytest.raises(DataError, match="not a video"):
        check_length(tmp_path / "letter.mp4")
