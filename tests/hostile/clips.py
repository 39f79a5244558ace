"""Videos with other bytes, and playlists that are called videos."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping

from tests.hostile.images import use_fixed_subjects
from tests.hostile.spoiling import spoilt_bytes
from tests.hostile.trial import Kind, printed
from tests.media.photos.conftest import smooth
from tests.media.video.made import write

CODECS = {
    "a.mp4": ("libx264", "yuv420p", "aac"),
    "a.mov": ("libx264", "yuv420p", "aac"),
    "a.mkv": ("ffv1", "bgr0", "flac"),
    "a.webm": ("libvpx-vp9", "yuv420p", "libopus"),
    "a.avi": ("mpeg4", "yuv420p", "mp3"),
    "a.ts": ("mpeg2video", "yuv420p", "mp2"),
    "b.mp4": ("libx265", "yuv420p", None),
    "a.flv": ("flv", "yuv420p", None),
}
SECRET = "secret.mp4"
PLAYLISTS = (
    "#EXTM3U\n#EXT-X-TARGETDURATION:9\n#EXTINF:9,\n{path}\n#EXT-X-ENDLIST\n",
    "#EXTM3U\n#EXT-X-TARGETDURATION:9\n#EXTINF:9,\nhttp://127.0.0.1:9/a.ts\n#EXT-X-ENDLIST\n",
    "ffconcat version 1.0\nfile {name}\n",
    "ffconcat version 1.0\nfile '{path}'\n",
    "v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nt=0 0\nm=video 5004 RTP/AVP 96\na=rtpmap:96 H264/90000\n",
    '<?xml version="1.0"?><MPD xmlns="urn:mpeg:dash:schema:mpd:2011" type="static" mediaPresentationDuration="PT1S"><Period>'
    '<AdaptationSet mimeType="video/mp4"><Representation id="1" bandwidth="1"><BaseURL>{path}</BaseURL></Representation>'
    "</AdaptationSet></Period></MPD>",
)
"""What names other files; {path} and {name} are those of a video that the user did not give."""


class Clips(Kind):
    """A video with other bytes."""

    name = "clips"

    def prepare(self) -> None:
        (self.goods / "clips").mkdir()
        for name, (codec, pixels, sound) in CODECS.items():
            write(self.goods / "clips" / name, [smooth()] * 6, codec, pixels, sound=sound)

    def spoil(self, chance: random.Random) -> str:
        name = chance.choice(sorted(CODECS))
        if chance.random() < 0.05:
            secret = self.goods / "clips" / "a.mp4"
            text = chance.choice(PLAYLISTS).format(path=secret.resolve(), name=SECRET)
            (self.input / name).write_text(text)
            (self.input / f".{SECRET}").write_bytes(secret.read_bytes())
            return f"{name}: playlist {text[:60]!r}"
        content, said = spoilt_bytes((self.goods / "clips" / name).read_bytes(), chance, chance.choice((64, 400, 4000)))
        (self.input / name).write_bytes(content)
        return f"{name}: {said}"

    def actions(self) -> Mapping[str, Callable[[], object]]:
        def transfer(*options: str) -> None:
            use_fixed_subjects()
            printed("transfer", self.goods / "bundle", self.input, "-o", self.out, *options, codes=(0, 1))

        return {"transfer": transfer, "strength 0": lambda: transfer("--strength", "0")}
