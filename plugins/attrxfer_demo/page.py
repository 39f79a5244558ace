"""The page: gradio's controls, which call a ``Studio``."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import gradio as gr
from starlette.middleware import Middleware

from attrxfer.errors import AttrxferError
from attrxfer_demo.guard import LARGEST_FILE, Guard
from attrxfer_demo.offer import Offer
from attrxfer_demo.studio import AS_CROP, Key, PhotoView, Studio

STRONGEST, STEP = 1.5, 0.05
SWEEP, OLD = 60, 3600
"""Seconds between two searches for old files, and age at which an unused file is deleted."""
WANTED = "1 with it, -1 without it, 0 as it is."
EMPTY = "The result will be here."
FONTS = ("system-ui", "sans-serif"), ("ui-monospace", "monospace")
CSS = """
.gradio-container { width: 100% !important; max-width: 1180px !important; margin: 0 auto !important; }
#message p { color: var(--body-text-color); margin: 0; }
#about p { color: var(--body-text-color-subdued); margin: 0; }
#command .cm-gutters { display: none; }
#samples { border-width: 0 !important; background: none; }
#samples .grid-wrap { height: auto; min-height: 0; max-height: none; padding: 0; overflow: visible; }
#samples .grid-container { grid-template-columns: repeat(auto-fill, minmax(56px, 1fr)); padding: 0; gap: 6px; }
#samples .thumbnail-item { aspect-ratio: auto; height: auto; }
"""
CLICK = "() => document.getElementById('file').click()"
"""gradio's download button takes an existing file. Here the file is written at a click, then a hidden button is clicked."""

SCROLL = """() => {
    const single = (event) => !event.ctrlKey && (event.touches?.length ?? 1) === 1;
    const scrolls = (event) => single(event) && event.target.closest("#compare .content");
    for (const name of ["wheel", "touchstart", "touchmove"])
        document.addEventListener(name, (event) => scrolls(event) && event.stopPropagation(), true);
}"""
"""Over the images, the wheel and one finger scroll the page; with Ctrl, or two fingers, they zoom."""


@contextmanager
def serving(offers: Sequence[Offer], folder: Path, host: str, port: int) -> Iterator[str]:
    """Serve the page inside the context; gives its address. gradio's temporary files go to ``folder`` too."""
    page = build(Studio(offers, folder))
    _, url, _ = page.launch(
        server_name=f"[{host}]" if ":" in host else host,
        server_port=port,
        share=False,
        max_file_size=LARGEST_FILE,
        app_kwargs={"middleware": [Middleware(Guard, folder=folder)]},
        quiet=True,
        prevent_thread_lock=True,
        ssr_mode=False,
        run_history=False,
        enable_monitoring=False,
        show_error=True,
        footer_links=[],
        theme=theme(),
        css=CSS,
        js=SCROLL,
    )
    try:
        yield url
    finally:
        page.close(verbose=False)


def theme() -> gr.themes.Base:
    """gradio's default theme with the system's fonts, so that no font is downloaded."""
    return gr.themes.Default(primary_hue="slate", neutral_hue="slate", font=FONTS[0], font_mono=FONTS[1], radius_size="sm")


def build(studio: Studio) -> gr.Blocks:
    """The page of a studio's offers."""
    with gr.Blocks(title="attrxfer", analytics_enabled=False, delete_cache=(SWEEP, OLD)) as page:
        Controls(studio)
    return page


class Controls:
    """The page's controls and what they do. A photo is analysed once, when it arrives; the slider only blends."""

    def __init__(self, studio: Studio) -> None:
        self.studio = studio
        self.key = gr.State(None)
        with gr.Row():
            with gr.Column(scale=2, min_width=320):
                self._inputs()
            with gr.Column(scale=3, min_width=320):
                self._outputs()
        self._events()

    def _inputs(self) -> None:
        names = [offer.label for offer in self.studio.offers]
        self.photo = gr.Image(
            label="Photo",
            type="filepath",
            image_mode=None,
            format="png",
            sources=["upload", "webcam", "clipboard"],
            buttons=[],
            height=280,
            elem_id="photo",
        )
        # keeps the uploaded file as it is; gradio's own step reports only "error" where Pillow cannot open it
        self.photo.preprocess = lambda payload: payload.path if payload else None  # type: ignore[method-assign]
        self.choice = gr.Radio(names, value=names[0], type="index", label="Attribute", elem_id="choice")
        most = max(len(offer.transfer.can_change) for offer in self.studio.offers)
        self.wanted = [gr.Slider(-1, 1, step=1, buttons=[], **self._slider(0, number)) for number in range(most)]
        self.strength = gr.Slider(
            0,
            STRONGEST,
            value=1.0,
            step=STEP,
            label="Strength",
            info="0 is the photo itself, 1 what was trained.",
            buttons=[],
            elem_id="strength",
        )
        self.crop = gr.Checkbox(False, label=AS_CROP, visible=False, elem_id="crop")
        self.about = gr.Markdown(self._about(0), elem_id="about")

    def _outputs(self) -> None:
        self.message = gr.Markdown(EMPTY, elem_id="message")
        self.compare = gr.ImageSlider(
            label="Before and after",
            format="png",
            interactive=False,
            visible=False,
            buttons=["fullscreen"],
            max_height=640,
            elem_id="compare",
        )
        self.download = gr.Button("Download", size="md", visible=False, elem_id="download")
        self.file = gr.DownloadButton(visible="hidden", elem_id="file")
        self.command = gr.Code(
            label="The same on the command line",
            interactive=False,
            lines=1,
            wrap_lines=True,
            show_line_numbers=False,
            buttons=["copy"],
            visible=False,
            elem_id="command",
        )
        found = self._samples(0)
        self.heading = gr.Markdown("Samples of the run, results below. Choose one to try it.", visible=bool(found))
        self.samples = gr.Gallery(
            found,
            show_label=False,
            format="png",
            height="auto",
            object_fit="contain",
            allow_preview=False,
            buttons=[],
            visible=bool(found),
            elem_id="samples",
        )

    def _events(self) -> None:
        described = [self.about, self.heading, self.samples, *self.wanted]
        shown = [self.key, self.message, self.crop, self.compare, self.command, self.download]
        given = [self.photo, self.choice, self.strength, *self.wanted]
        again = [self.crop, *given]
        quiet: dict[str, Any] = {"api_visibility": "private", "show_progress": "hidden"}
        on_message = {**quiet, "show_progress": "minimal", "show_progress_on": [self.message]}
        saving = {**quiet, "show_progress": "minimal", "show_progress_on": [self.download]}
        moving = {**quiet, "queue": False, "fn": self.move, "inputs": [self.key, self.strength]}
        moving["outputs"] = [self.compare, self.command]
        chosen = self.samples.select(self.sample, [self.choice], [self.photo], **quiet)
        for view in (
            self.photo.input(self.look, given, shown, **on_message),
            self.photo.clear(self.look, given, shown, **on_message),
            self.crop.input(self.look_again, again, shown, **on_message),
            self.choice.input(self.choose, [self.choice], described, **quiet).then(self.look_again, again, shown, **on_message),
            *(slider.release(self.look_again, again, shown, **on_message) for slider in self.wanted),
            chosen.then(self.look_at_crop, given, shown, **on_message),
        ):
            view.then(**moving)  # the slider may have moved in the meantime
        self.strength.input(**moving, trigger_mode="always_last")
        self.download.click(self.save, [self.key, self.strength], [self.file], **saving).then(None, js=CLICK)

    def look(self, photo: str | None, choice: int, strength: float, *sliders: float) -> list[Any]:
        """Show a new photo, or nothing when it was removed."""
        return self.look_again(False, photo, choice, strength, *sliders)

    def look_again(self, crop: bool, photo: str | None, choice: int, strength: float, *sliders: float) -> list[Any]:
        """Show a photo; ``crop``: it is one crop; ``sliders``: 1 for an attribute that results should have, -1 for one that
        they should not have, 0 for one that stays."""
        names = self.studio.offers[choice].transfer.can_change
        wanted = {name: value > 0 for name, value in zip(names, sliders, strict=False) if value}
        view = self.studio.look(photo, choice, crop=crop, wanted=wanted) if photo else PhotoView(None, EMPTY)
        asked = gr.update(value=crop, visible=view.faceless or crop)
        if view.key is None:
            return [None, view.message, asked, *[gr.update(visible=False)] * 3]
        pair, command = self._at(view.key, strength)
        compare = gr.update(value=pair, visible=True, slider_position=view.middle)
        return [view.key, view.message, asked, compare, gr.update(value=command, visible=True), gr.update(visible=True)]

    def look_at_crop(self, photo: str, choice: int, strength: float, *sliders: float) -> list[Any]:
        """Show an image that is known to be a crop."""
        return self.look_again(self.studio.offers[choice].photos is not None, photo, choice, strength, *sliders)

    def move(self, key: Key | None, strength: float) -> list[Any]:
        """Show the photo at another strength."""
        return [gr.skip(), gr.skip()] if key is None else list(self._at(Key(*key), strength))

    def _at(self, key: Key, strength: float) -> tuple[tuple[Path, Path], str]:
        with _errors_on_the_page():
            return self.studio.show(key, strength), self.studio.command(key, strength)

    def save(self, key: Key, strength: float) -> Path:
        """Write the file to download."""
        with _errors_on_the_page():
            return self.studio.save(Key(*key), strength)

    def choose(self, choice: int) -> list[Any]:
        """Show another model's description, samples, and a slider for each attribute that it can change."""
        found = self._samples(choice)
        sliders = [gr.update(**self._slider(choice, number)) for number in range(len(self.wanted))]
        return [self._about(choice), gr.update(visible=bool(found)), gr.update(value=found, visible=bool(found)), *sliders]

    def sample(self, choice: int, event: gr.SelectData) -> Path:
        """Take the source of a chosen sample as the photo."""
        return self.studio.sample(choice, event.index)

    def _slider(self, choice: int, number: int) -> dict[str, Any]:
        """One of the sliders for what a model for many attributes changes, at first what its recipe's task says."""
        transfer = self.studio.offers[choice].transfer
        if number >= len(transfer.can_change):
            return {"visible": False, "value": 0}
        name = transfer.can_change[number]
        value = 0 if name not in transfer.guided else 1 if transfer.guided[name] else -1
        return {"visible": True, "value": value, "label": name.replace("_", " "), "info": WANTED}

    def _samples(self, choice: int) -> list[Any]:
        return [column for _, column in self.studio.offers[choice].samples]

    def _about(self, choice: int) -> str:
        offer = self.studio.offers[choice]
        return f"{offer.about} {offer.crops_only}".strip()


@contextmanager
def _errors_on_the_page() -> Iterator[None]:
    """Show errors that a user can correct on the page."""
    try:
        yield
    except (AttrxferError, OSError) as error:
        raise gr.Error(f"{error}. Drop the photo again.", print_exception=False) from None
