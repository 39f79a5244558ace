"""The tab of one photo: its faces are chosen by a click, and a line in the image compares before and after."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import gradio as gr

from attrxfer.media.detection import plural
from attrxfer_demo import controls
from attrxfer_demo.boxes import clicked
from attrxfer_demo.controls import QUIET, errors_on_the_page, hidden, on
from attrxfer_demo.studio import AS_CROP, Key, PhotoView, Studio

WANTED = "1 with it, -1 without it, 0 as it is."
EMPTY = "Drop a photo: the result will be here."
NOBODY = "None is chosen, so nothing is changed."


class PhotoTab:
    """The controls of the tab and what they do. A photo is analysed once, when it arrives; strength and choice only blend."""

    def __init__(self, studio: Studio) -> None:
        self.studio = studio
        self.key = gr.State(None)
        self.path = gr.State(None)
        self.chosen = gr.State(None)  # the numbers of the subjects that are changed; None: all
        with gr.Row():
            with gr.Column(scale=2, min_width=320):
                self._inputs()
            with gr.Column(scale=3, min_width=320):
                self._outputs()
        self.given = [self.crop, self.path, self.choice, self.strength, self.chosen, *self.wanted]
        self.shown = [self.key, self.photo, self.faces, self.message, self.crop, self.compare, self.command]
        self.shown.append(self.download.button)
        self._events()

    def _inputs(self) -> None:
        self.photo = controls.photo_input("photo")
        self.faces = gr.CheckboxGroup(
            [], label=self._subjects, info="Or click them in the photo.", visible=False, elem_id="faces"
        )
        self.choice = controls.model_choice(self.studio.offers, "choice")
        most = max(len(offer.transfer.can_change) for offer in self.studio.offers)
        self.wanted = [gr.Slider(-1, 1, step=1, buttons=[], **self._slider(0, number)) for number in range(most)]
        self.strength = controls.strength_slider("strength")
        self.crop = gr.Checkbox(False, label=AS_CROP, visible=False, elem_id="crop")
        self.about = gr.Markdown(self._about(0), elem_id="about", elem_classes="about")

    def _outputs(self) -> None:
        self.message = controls.message(EMPTY, "message")
        self.compare = gr.ImageSlider(
            label="Before and after",
            format="png",
            interactive=False,
            visible=False,
            buttons=["fullscreen"],
            max_height=640,
            elem_id="compare",
        )
        self.download = controls.Download("Download", "download")
        self.command = controls.command_box("command")

    def _events(self) -> None:
        message = on(self.message)
        moving = [self.key, self.strength, self.chosen]
        move: dict[str, Any] = {**QUIET, "queue": False, "fn": self.move, "inputs": moving}
        move["outputs"] = [self.compare, self.command]
        arrived, described = [self.path, self.chosen, self.crop], [self.about, *self.wanted]
        for begun in (
            self.photo.input(self.take, [self.photo], arrived, **QUIET),
            self.photo.clear(self.take, [self.photo], arrived, **QUIET),
            self.photo.select(self.click, [self.key, self.chosen], [self.chosen], **QUIET),
            self.faces.input(self.tick, [self.key, self.faces], [self.chosen], **QUIET),
            self.choice.input(self.choose, [self.choice], described, **QUIET),
        ):
            begun.then(self.look, self.given, self.shown, **message).then(**move)  # the slider may have moved in the meantime
        for asked in (self.crop.input, *(slider.release for slider in self.wanted)):
            asked(self.look, self.given, self.shown, **message).then(**move)
        self.strength.input(**move, trigger_mode="always_last")
        self.download.at_click(self.save, moving)

    def follow(self, chosen: Any) -> None:
        """Show the photo and the model that an event chose."""
        described = chosen.then(self.choose, [self.choice], [self.about, *self.wanted], **QUIET)
        described.then(self.look, self.given, self.shown, **on(self.message))

    def take(self, photo: str | None) -> list[Any]:
        """Take a new photo, or none; all its subjects are chosen."""
        return [photo, None, False]

    def click(self, key: Key | None, chosen: list[int] | None, event: gr.SelectData) -> Any:
        """Choose the subject at a point of the photo, or leave it out."""
        if key is None:
            return gr.skip()
        boxes = self.studio.boxes(Key(*key))
        number, everyone = clicked(boxes, *event.index), {each.number for each in boxes}
        if number is None or len(boxes) == 1:
            return gr.skip()
        return self.tick(key, sorted((everyone if chosen is None else set(chosen)) ^ {number}))

    def tick(self, key: Key | None, faces: Sequence[int]) -> list[int] | None:
        """Choose subjects by their numbers; None where they are all."""
        everyone = [each.number for each in self.studio.boxes(Key(*key))] if key else []
        return None if sorted(faces) == sorted(everyone) else sorted(faces)

    def look(
        self, crop: bool, photo: str | None, choice: int, strength: float, chosen: list[int] | None, *sliders: float
    ) -> list[Any]:
        """Show a photo.

        Args:
            crop: It is one crop.
            photo: The photo.
            choice: Number of the offer.
            strength: Strength of the transfer.
            chosen: The numbers of the subjects that are changed; None: all.
            sliders: 1 for an attribute that results should have, -1 for one that they should not have, 0 for one that stays.
        """
        names = self.studio.offers[choice].transfer.can_change
        wanted = {name: value > 0 for name, value in zip(names, sliders, strict=False) if value}
        view = PhotoView(None, EMPTY)
        if photo:
            view = self.studio.look(photo, choice, crop=crop, wanted=wanted, numbers=chosen)
        asked = gr.update(value=crop, visible=view.faceless or crop)
        if view.key is None:
            return [None, gr.skip(), gr.update(visible=False), view.message, asked, *hidden(3)]
        pair, command = self._at(view.key, strength, chosen)
        numbers = [each.number for each in view.boxes]
        several = len(numbers) > 1
        faces = gr.update(choices=[(str(n), n) for n in numbers], value=numbers if chosen is None else chosen, visible=several)
        with errors_on_the_page(view.key.path):
            shown = self.studio.marked(view.key, chosen) if several else pair[0]
        some = chosen is None or bool(chosen)
        compare = gr.update(value=pair, visible=True, slider_position=view.middle)
        return [
            *(view.key, gr.skip() if view.key.crop else gr.update(value=shown), faces, view.message if some else NOBODY, asked),
            *(compare, gr.update(value=command, visible=some), gr.update(visible=some)),
        ]

    def move(self, key: Key | None, strength: float, chosen: list[int] | None) -> list[Any]:
        """Show the photo at another strength."""
        return [gr.skip(), gr.skip()] if key is None else list(self._at(Key(*key), strength, chosen))

    def _at(self, key: Key, strength: float, chosen: list[int] | None) -> tuple[tuple[Path, Path], str]:
        with errors_on_the_page(key.path):
            return self.studio.show(key, strength, chosen), self.studio.command(key, strength, chosen)

    def save(self, key: Key, strength: float, chosen: list[int] | None) -> Path:
        """Write the file to download."""
        with errors_on_the_page(Key(*key).path):
            return self.studio.save(Key(*key), strength, chosen)

    def choose(self, choice: int) -> dict[Any, Any]:
        """Show another model's description, and a slider for each attribute that it can change."""
        sliders = {slider: gr.update(**self._slider(choice, number)) for number, slider in enumerate(self.wanted)}
        return {self.about: self._about(choice), **sliders}

    def _slider(self, choice: int, number: int) -> dict[str, Any]:
        """One of the sliders for what a model for many attributes changes, at first what its recipe's task says."""
        transfer = self.studio.offers[choice].transfer
        if number >= len(transfer.can_change):
            return {"visible": False, "value": 0}
        name = transfer.can_change[number]
        value = 0 if name not in transfer.guided else 1 if transfer.guided[name] else -1
        return {"visible": True, "value": value, "label": name.replace("_", " "), "info": WANTED}

    def _about(self, choice: int) -> str:
        offer = self.studio.offers[choice]
        return f"{offer.about} {offer.crops_only}".strip()

    @property
    def _subjects(self) -> str:
        """What is detected, as a label."""
        found = (plural(offer.photos.subject) for offer in self.studio.offers if offer.photos is not None)
        return f"{next(found, 'subjects').capitalize()} to change"
