"""The tab of a video."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import gradio as gr

from attrxfer.errors import AttrxferError
from attrxfer.media.detection import count
from attrxfer_demo import controls
from attrxfer_demo.controls import QUIET, Running, hidden
from attrxfer_demo.guard import LONGEST_VIDEO
from attrxfer_demo.offer import Offer
from attrxfer_demo.videos import Progress, change_video, check_length

EMPTY = f"Drop a video of up to {LONGEST_VIDEO} seconds: the result will be here."
STOPPED = "Stopped."


class VideoTab:
    """The controls of the tab and what they do."""

    def __init__(self, offers: Sequence[Offer], folder: Path) -> None:
        self.offers = [offer for offer in offers if offer.photos is not None]
        self.folder = folder
        with gr.Row():
            with gr.Column(scale=2, min_width=320):
                self.video = gr.Video(label="Video", sources=["upload"], height=280, buttons=[], elem_id="video")
                self.choice = controls.model_choice(self.offers, "video-choice")
                self.strength = controls.strength_slider("video-strength")
                self.running = Running("Change the video", "video")
            with gr.Column(scale=3, min_width=320):
                self.message = controls.message(EMPTY, "video-message")
                self.bar = gr.HTML(visible=False, elem_id="video-bar")
                self.result = gr.Video(label="Result", interactive=False, visible=False, buttons=[], elem_id="video-result")
                self.file = gr.DownloadButton("Download", size="md", visible=False, elem_id="video-download")
                self.command = controls.command_box("video-command")
        shown = [self.message, self.bar, self.result, self.file, self.command]
        self.running.run(self.change, [self.video, self.choice, self.strength], shown)
        self.video.clear(lambda: [EMPTY, *hidden(4)], None, shown, **QUIET)

    def change(self, video: str | None, choice: int, strength: float, request: gr.Request) -> Iterator[list[Any]]:
        """Change a video and show how far it is."""
        if not video:
            yield [EMPTY, *hidden(4)]
            return
        offer, path = self.offers[choice], Path(video)
        command = gr.update(value=offer.command([path.name], strength), visible=True)
        yield ["Reading the video.", *hidden(3), command]
        try:
            check_length(path)
            for step in self.running.steps(change_video(offer, path, strength, self.folder), request):
                if isinstance(step, Progress):
                    yield [_said(step), gr.update(value=bar(step.share), visible=True), *[gr.skip()] * 3]
                    continue
                assert offer.photos is not None
                found = f"{count(step.subjects, offer.photos.subject)} followed through {count(step.frames, 'frame')}."
                notes = [f"{note[0].upper()}{note[1:]}." for note in step.notes]
                both = [gr.update(value=step.path, visible=True) for _ in range(2)]
                yield [" ".join([found, *notes]), gr.update(visible=False), *both, gr.skip()]
                return
        except (AttrxferError, OSError) as error:
            yield [str(error).replace(str(path), path.name) + ".", *hidden(3), gr.skip()]
            return
        yield [STOPPED, *hidden(3), gr.skip()]


def bar(share: float) -> str:
    """A bar that shows a share in 0..1."""
    percent = f"{100 * share:.0f}"
    role = f'role="progressbar" aria-label="Progress" aria-valuenow="{percent}"'
    return f'<div class="bar" {role}><div style="width: {percent}%"></div></div>'


def _said(step: Progress) -> str:
    """How far a video is, in words."""
    left = f"{step.left / 60:.0f} minutes" if step.left > 90 else f"{max(1, round(step.left / 5)) * 5} seconds"
    return f"{step.share:.0%} done, about {left} left."
