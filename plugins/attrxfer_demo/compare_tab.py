"""The tab that shows what several models make of one photo, next to one another."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import gradio as gr

from attrxfer_demo import controls
from attrxfer_demo.controls import QUIET, errors_on_the_page, hidden, on
from attrxfer_demo.several import pack
from attrxfer_demo.studio import Key, PhotoView, Studio

EMPTY = "Drop a photo: the results will be here."
NONE = "Choose one model or more."


class CompareTab:
    """The controls of the tab and what they do."""

    def __init__(self, studio: Studio) -> None:
        self.studio = studio
        self.keys = gr.State([])
        names = [offer.label for offer in studio.offers]
        with gr.Row():
            with gr.Column(scale=2, min_width=320):
                self.photo = controls.photo_input("side-photo")
                self.models = gr.CheckboxGroup(
                    names, value=names, type="index", label="Changes", elem_id="side-models", elem_classes="models"
                )
                self.strength = controls.strength_slider("side-strength")
            with gr.Column(scale=3, min_width=320):
                self.message = controls.message(EMPTY, "side-message")
                self.results = controls.results("side-results")
                self.download = controls.Download("Download all", "side-download")
                self.command = controls.command_box("side-command")
        shown = [self.keys, self.message, self.results, self.command, self.download.button]
        given = [self.photo, self.models, self.strength]
        moving = [self.keys, self.strength]
        move: dict[str, Any] = {**QUIET, "fn": self.move, "inputs": moving, "outputs": [self.results, self.command]}
        for asked in (self.photo.input, self.photo.clear, self.models.input):
            asked(self.look, given, shown, **on(self.message), trigger_mode="always_last").then(**move)
        self.strength.input(**move, queue=False, trigger_mode="always_last")
        self.download.at_click(self.save, moving)

    def look(self, photo: str | None, models: Sequence[int], strength: float) -> list[Any]:
        """Show what the chosen models make of a photo."""
        if not (photo and models):
            return [[], NONE if photo else EMPTY, *hidden(3)]
        views = {number: self._view(photo, number) for number in sorted(models)}
        keys = [view.key for view in views.values() if view.key is not None]
        said = dict.fromkeys(view.found for view in views.values())
        notes = [f"{self._label(number)}: {' '.join(view.notes)}" for number, view in views.items() if view.notes]
        message = "\n\n".join([*said, *notes])
        if not keys:
            return [[], message, *hidden(3)]
        results, command = self.move(keys, strength)
        return [
            *(keys, message, gr.update(value=results, visible=True)),
            *(gr.update(value=command, lines=len(keys), visible=True), gr.update(visible=True)),
        ]

    def _view(self, photo: str, number: int) -> PhotoView:
        """What is in a photo; a model for many attributes makes what its recipe's task says."""
        transfer = self.studio.offers[number].transfer
        return self.studio.look(photo, number, crop=False, wanted=transfer.guided if transfer.can_change else None)

    def move(self, keys: Sequence[Key], strength: float) -> list[Any]:
        """Show the results at another strength."""
        if not keys:
            return [gr.skip(), gr.skip()]
        found = _keys(keys)
        with errors_on_the_page(found[0].path):
            before = self.studio.close_up(found[0], None)
            after = [(self.studio.close_up(key, strength), self._label(key.offer)) for key in found]
            commands = [self.studio.command(key, strength, out=f"out/{self._folder(key)}") for key in found]
        return [[(before, "Before"), *after], "\n".join(commands)]

    def save(self, keys: Sequence[Key], strength: float) -> Path:
        """Pack the results, each in the folder of its model."""
        found, folder = _keys(keys), self.studio.folder
        with errors_on_the_page(found[0].path), tempfile.TemporaryDirectory(dir=folder) as results:
            files: dict[str, Path] = {}
            for key in found:
                saved = self.studio.save(key, strength, into=Path(results) / self._folder(key))
                files[f"{self._folder(key)}/{Path(key.path).stem}{saved.suffix}"] = saved
            return pack(files, Path(tempfile.mkdtemp(dir=folder)) / f"{Path(found[0].path).stem}-{strength:g}.zip")

    def _folder(self, key: Key) -> str:
        """The folder of a model's results: its name, with a number where another has the same."""
        names = [offer.path.name for offer in self.studio.offers]
        name = names[key.offer]
        return name if names.count(name) == 1 else f"{name}-{key.offer + 1}"

    def _label(self, number: int) -> str:
        return self.studio.offers[number].label


def _keys(keys: Sequence[Key]) -> list[Key]:
    """Keys as gradio hands them back, which may be plain lists."""
    return [Key(*key) for key in keys]
