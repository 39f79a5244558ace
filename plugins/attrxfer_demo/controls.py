"""The controls that several tabs have, each built alike."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import gradio as gr

from attrxfer.errors import AttrxferError
from attrxfer_demo.offer import Offer
from attrxfer_demo.steps import Step, Steps

STRONGEST, STEP = 1.5, 0.05
QUIET: dict[str, Any] = {"api_visibility": "private", "show_progress": "hidden"}
"""Of events that show no progress."""


def on(*components: Any) -> dict[str, Any]:
    """Of events that show their progress on these components."""
    return {**QUIET, "show_progress": "minimal", "show_progress_on": list(components)}


def photo_input(elem_id: str) -> gr.Image:
    """Takes a photo: dropped, chosen, pasted or by the camera."""
    photo = gr.Image(
        label="Photo",
        type="filepath",
        image_mode=None,
        format="jpeg",
        sources=["upload", "webcam", "clipboard"],
        buttons=[],
        height=320,
        elem_id=elem_id,
    )
    # keeps the uploaded file as it is; gradio's own step reports only "error" where Pillow cannot open it
    photo.preprocess = lambda payload: payload.path if payload else None  # type: ignore[method-assign]
    return photo


def model_choice(offers: Sequence[Offer], elem_id: str) -> gr.Radio:
    """Chooses one of the models; of a single one, shows which it is."""
    names = [offer.label for offer in offers]
    return gr.Radio(names, value=names[0], type="index", label="Change", elem_id=elem_id, elem_classes="models")


def strength_slider(elem_id: str) -> gr.Slider:
    """Sets the strength."""
    info = "0 leaves everything as it is, 1 is as trained, more exaggerates."
    return gr.Slider(0, STRONGEST, value=1.0, step=STEP, label="Strength", info=info, buttons=[], elem_id=elem_id)


def message(text: str, elem_id: str) -> gr.Markdown:
    """Says what became of what the user gave."""
    return gr.Markdown(text, elem_id=elem_id, elem_classes="message")


def command_box(elem_id: str, lines: int = 1) -> gr.Code:
    """Shows the command that does the same; hidden while there is none."""
    return gr.Code(
        label="The same on the command line",
        interactive=False,
        lines=lines,
        wrap_lines=True,
        show_line_numbers=False,
        buttons=["copy"],
        visible=False,
        elem_id=elem_id,
        elem_classes="command",
    )


def results(elem_id: str) -> gr.Gallery:
    """Shows results, larger at a click; hidden while there are none."""
    return gr.Gallery(
        show_label=False,
        format="jpeg",
        height="auto",
        object_fit="contain",
        buttons=["fullscreen"],
        interactive=False,
        visible=False,
        elem_id=elem_id,
        elem_classes="results",
    )


class Download:
    """A button that has a file made, and then downloads it; hidden while there is nothing.

    gradio's own button takes a file that exists. Here the file is written at a click, then a hidden button is clicked.
    """

    def __init__(self, text: str, elem_id: str) -> None:
        self.button = gr.Button(text, size="md", visible=False, elem_id=elem_id)
        self._file = gr.DownloadButton(visible="hidden", elem_id=f"{elem_id}-file")
        self._click = f"() => document.getElementById('{elem_id}-file').click()"

    def at_click(self, save: Callable[..., Path], inputs: Sequence[Any]) -> None:
        """What makes the file."""
        self.button.click(save, inputs, [self._file], **on(self.button)).then(None, js=self._click)


class Running:
    """A button that begins long work, and one that stops it. Each visitor has one work at a time."""

    def __init__(self, text: str, elem_id: str) -> None:
        self.begin = gr.Button(text, variant="primary", elem_id=f"{elem_id}-run")
        self.end = gr.Button("Stop", visible=False, elem_id=f"{elem_id}-stop")
        self._running: dict[str | None, Steps[Any]] = {}
        self._stopped: set[str | None] = set()

    def run(self, work: Callable[..., Iterator[Any]], inputs: Sequence[Any], outputs: Sequence[Any]) -> None:
        """What the button begins; ``outputs``: the first is a message."""
        both = [self.begin, self.end]
        begun = self.begin.click(self.wait, None, both, **QUIET)
        begun.then(work, inputs, outputs, **on(outputs[0])).then(lambda: self._shown(running=False), None, both, **QUIET)
        self.end.click(self.stop, None, [self.end], queue=False, **QUIET)

    def steps(self, steps: Steps[Step], request: gr.Request) -> Iterator[Step]:
        """The steps of work, until its visitor stops it."""
        self._running[request.session_hash] = steps
        if request.session_hash in self._stopped:
            steps.stop()
        try:
            yield from steps
        finally:
            self._running.pop(request.session_hash, None)

    def wait(self, request: gr.Request) -> list[Any]:
        """Let a visitor's work wait for those before it."""
        self._stopped.discard(request.session_hash)
        return self._shown(running=True)

    def stop(self, request: gr.Request) -> Any:
        """End a visitor's work at its next step; where it waits for another visitor's, at its turn."""
        self._stopped.add(request.session_hash)
        if (steps := self._running.get(request.session_hash)) is not None:
            steps.stop()
        return gr.update(value="Stopping", interactive=False)

    def _shown(self, *, running: bool) -> list[Any]:
        return [gr.update(visible=not running), gr.update(value="Stop", interactive=True, visible=running)]


@contextmanager
def errors_on_the_page(photo: str) -> Iterator[None]:
    """Show errors that a user can correct on the page; ``photo``: the one that is worked on."""
    try:
        yield
    except (AttrxferError, OSError) as error:
        remedy = "" if Path(photo).exists() else " Drop the photo again."
        raise gr.Error(f"{error}.{remedy}", print_exception=False) from None


def hidden(number: int) -> list[Any]:
    """Updates that hide so many components."""
    return [gr.update(visible=False) for _ in range(number)]
