"""The tab of several photos: all are changed alike, and downloaded in one file."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import gradio as gr

from attrxfer.errors import AttrxferError
from attrxfer.media.images import SUFFIXES
from attrxfer_demo import controls
from attrxfer_demo.controls import QUIET, Running, hidden
from attrxfer_demo.offer import Offer
from attrxfer_demo.several import Finished, transfer_photos, unique_names

EMPTY = "Drop photos: the results will be here."
NAMED = 6
"""Photos with a remark that are named; the others are counted."""


class SeveralTab:
    """The controls of the tab and what they do."""

    def __init__(self, offers: Sequence[Offer], folder: Path) -> None:
        self.offers = offers
        self.folder = folder
        with gr.Row():
            with gr.Column(scale=2, min_width=320):
                self.photos = gr.File(
                    file_count="multiple", file_types=["image", *sorted(SUFFIXES)], label="Photos", height=200, elem_id="photos"
                )
                self.choice = controls.model_choice(offers, "several-choice")
                self.strength = controls.strength_slider("several-strength")
                self.running = Running("Change the photos", "several")
            with gr.Column(scale=3, min_width=320):
                self.message = controls.message(EMPTY, "several-message")
                self.results = controls.results("several-results")
                self.archive = gr.DownloadButton("Download all", size="md", visible=False, elem_id="several-download")
                self.command = controls.command_box("several-command")
        shown = [self.message, self.results, self.archive, self.command]
        self.running.run(self.change, [self.photos, self.choice, self.strength], shown)
        self.photos.clear(lambda: [EMPTY, *hidden(3)], None, shown, **QUIET)

    def change(self, photos: Sequence[str] | None, choice: int, strength: float, request: gr.Request) -> Iterator[list[Any]]:
        """Change photos and show each as soon as it is done."""
        if not photos:
            yield [EMPTY, *hidden(3)]
            return
        offer, paths = self.offers[choice], [Path(photo) for photo in photos]
        command = gr.update(value=offer.command(unique_names(path.name for path in paths), strength), visible=True)
        yield [f"0 of {len(paths)} done.", gr.update(value=[], visible=True), gr.update(visible=False), command]
        shown: list[tuple[Path, str]] = []
        remarks: list[str] = []
        try:
            for step in self.running.steps(transfer_photos(offer, paths, strength, self.folder), request):
                if isinstance(step, Finished):
                    name, reason = step.result.name.name, step.result.reason
                    remarks += [f"{name}: {remark}" for remark in (reason, *step.result.written.notes) if remark]
                    shown += [(step.view, f"{name}: {reason}" if reason else name)] if step.view else []
                    yield [_said(f"{step.done} of {step.total} done.", remarks), shown, gr.skip(), gr.skip()]
                else:
                    yield [gr.skip(), gr.skip(), gr.update(value=step, visible=True), gr.skip()]
        except (AttrxferError, OSError) as error:
            raise gr.Error(f"{error}", print_exception=False) from None


def _said(progress: str, remarks: Sequence[str]) -> str:
    """How far it is, and what is to be said of some photos."""
    more = [f"and {len(remarks) - NAMED} more"] if len(remarks) > NAMED else []
    return "\n".join([progress, "", *(f"- {remark}" for remark in (*remarks[:NAMED], *more))])
