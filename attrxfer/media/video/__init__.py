"""Any video in, the same video out: subjects are followed from frame to frame, transferred, and put back."""

from attrxfer.media.video.clip import SUFFIXES, is_video
from attrxfer.media.video.flicker import flicker
from attrxfer.media.video.transfer import VideoResult, transfer_video

__all__ = ["SUFFIXES", "VideoResult", "flicker", "is_video", "transfer_video"]
