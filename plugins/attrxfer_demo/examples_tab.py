"""The tab of examples: images, and what the models make of them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import gradio as gr

from attrxfer_demo.controls import QUIET, on
from attrxfer_demo.examples import Examples
from attrxfer_demo.photo_tab import PhotoTab

ABOUT = "Images above, and what each model makes of them below. Click one to try it."
SAMPLES = "Samples of the run."
DRAWN = "Drawn faces: nobody here exists. Models trained on photographs do better on photographs."
NONE = "No examples for these models."
WAIT = "The examples are being made: this takes a moment."


class ExamplesTab:
    """The controls of the tab and what they do. Examples are made when the tab is first opened."""

    def __init__(self, examples: Examples, tab: gr.Tab, tabs: gr.Tabs, photo_tab: PhotoTab) -> None:
        self.examples = examples
        self.about = gr.Markdown(WAIT, elem_id="examples-about", elem_classes="hint")
        self.headings, self.galleries = [], []
        for number in range(len(examples.offers)):
            self.headings.append(gr.Markdown(visible=False))
            gallery = gr.Gallery(
                show_label=False,
                format="jpeg",
                height="auto",
                object_fit="contain",
                allow_preview=False,
                buttons=[],
                visible=False,
                elem_id=f"examples-{number}",
                elem_classes="examples",
            )
            self.galleries.append(gallery)
        shown = [self.about, *self.headings, *self.galleries]
        tab.select(self.show, None, shown, **{**on(self.about), "trigger_mode": "once"})
        for number, gallery in enumerate(self.galleries):
            given = gr.State(number)
            taken = [tabs, photo_tab.choice, photo_tab.photo, photo_tab.path, photo_tab.chosen, photo_tab.crop]
            chosen = gallery.select(self.take, [given], taken, **QUIET)
            photo_tab.follow(chosen)

    def show(self) -> Iterator[list[Any]]:
        """Show the examples of one model after another."""
        total = len(self.examples.offers)
        found = 0
        for number in range(total):
            columns = self.examples.columns(number)
            found += bool(columns)
            updates = [gr.skip()] * (2 * total)
            if columns:
                updates[number] = gr.update(value=self._heading(number), visible=True)
                updates[total + number] = gr.update(value=columns, visible=True)
            yield [WAIT if number < total - 1 else ABOUT if found else NONE, *updates]

    def _heading(self, number: int) -> str:
        """The name of a model, and what its examples are."""
        crop = self.examples.of(number)[0].crop
        return f"### {self.examples.offers[number].label}\n\n{SAMPLES if crop else DRAWN}"

    def take(self, number: int, event: gr.SelectData) -> list[Any]:
        """Take the source of an example as the photo, with its model."""
        path, crop = self.examples.source(number, event.index)
        crop = crop and self.examples.offers[number].photos is not None
        return [gr.Tabs(selected="photo"), self.examples.offers[number].label, path, str(path), None, crop]
