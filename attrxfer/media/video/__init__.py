"""Videos: subjects are tracked from frame to frame, transferred, and put back; everything else in the file stays."""

from attrxfer.media.video.flicker import flicker
from attrxfer.media.video.reader import SUFFIXES, is_video
from attrxfer.media.video.transfer import VideoResult, transfer_video

__all__ = ["SUFFIXES", "VideoResult", "flicker", "is_video", "transfer_video"]
