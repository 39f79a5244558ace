"""The page: a heading, a tab for each thing it does, and how it is served."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import gradio as gr
from starlette.middleware import Middleware

from attrxfer.plugin.distribution import install
from attrxfer_demo.compare_tab import CompareTab
from attrxfer_demo.examples import Examples
from attrxfer_demo.examples_tab import ExamplesTab
from attrxfer_demo.guard import LARGEST_FILE, Guard
from attrxfer_demo.offer import Offer
from attrxfer_demo.photo_folder import deleting_old
from attrxfer_demo.photo_tab import PhotoTab
from attrxfer_demo.several_tab import SeveralTab
from attrxfer_demo.studio import Studio
from attrxfer_demo.style import CSS, SCROLL, theme
from attrxfer_demo.video_tab import VideoTab
from attrxfer_demo.words import title

if TYPE_CHECKING:
    from attrxfer.plugin.registry import Registry

SWEEP, OLD = 60, 3600
"""Seconds between two searches for old files, and age at which an unused file is deleted."""
FOOTER = (
    "What you drop here goes to the machine that runs this page, nowhere else, and is deleted after an hour. Results are made "
    "by a network and may be wrong; each file says in its metadata how it was made."
)


@contextmanager
def serving(offers: Sequence[Offer], registry: Registry, folder: Path, host: str, port: int) -> Iterator[str]:
    """Serve the page inside the context; gives its address. gradio's temporary files go to ``folder`` too."""
    page = build(offers, registry, folder)
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
        with deleting_old(folder, SWEEP, OLD):
            yield url
    finally:
        page.close(verbose=False)


def build(offers: Sequence[Offer], registry: Registry, folder: Path) -> gr.Blocks:
    """The page of some models. ``folder``: where what is shown and downloaded is written."""
    studio, heading = Studio(offers, folder), title(offers)
    with gr.Blocks(title=f"{heading} – attrxfer", analytics_enabled=False, delete_cache=(SWEEP, OLD)) as page:
        gr.Markdown(f"# {heading}\n\n{' · '.join(offer.label for offer in offers)}", elem_id="heading")
        with gr.Tabs(elem_id="tabs") as tabs:
            with gr.Tab("Photo", id="photo"):
                photo_tab = PhotoTab(studio)
            if len(offers) > 1:
                with gr.Tab("Compare", id="compare"):
                    CompareTab(studio)
            with gr.Tab("Several", id="several"):
                SeveralTab(offers, folder)
            if any(offer.photos is not None for offer in offers):
                with gr.Tab("Video", id="video"):
                    if find_spec("av"):
                        VideoTab(offers, folder)
                    else:
                        gr.Markdown(f"Videos need PyAV: `{install('video')}`, then start the page again.")
            with gr.Tab("Examples", id="examples") as tab:
                ExamplesTab(Examples(offers, registry, folder), tab, tabs, photo_tab)
        gr.Markdown(FOOTER, elem_id="footer")
    return page
