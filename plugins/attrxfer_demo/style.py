"""How the page looks: gradio's default theme with the system's fonts, so that none is downloaded, and what it lacks."""

from __future__ import annotations

import gradio as gr

FONTS = ("system-ui", "sans-serif"), ("ui-monospace", "monospace")
CSS = """
.gradio-container { width: 100% !important; max-width: 1180px !important; margin: 0 auto !important; }
#heading h1 { margin: 8px 0 2px; font-size: 1.6rem; }
#heading p, #footer p, .about p, .hint p { color: var(--body-text-color-subdued); margin: 0; }
.message p { color: var(--body-text-color); margin: 0; }
.command .cm-gutters { display: none; }
.examples, .results { border-width: 0 !important; background: none; }
.examples .grid-wrap, .results .grid-wrap { height: auto; min-height: 0; max-height: none; padding: 0; overflow: visible; }
.examples .grid-container { grid-template-columns: repeat(6, 1fr); padding: 0; gap: 6px; }
.results .grid-container { grid-template-columns: repeat(auto-fill, minmax(150px, 1fr)); padding: 0; gap: 8px; }
.examples .thumbnail-item { aspect-ratio: auto; height: auto; }
#video button[aria-label^="Trim"] { display: none; } /* it would load a program from another machine */
.bar { height: 8px; border-radius: 4px; background: var(--neutral-200); overflow: hidden; }
.bar div { height: 100%; background: var(--primary-500); }
@media (max-width: 480px) {
    .tab-container button { padding: 0 6px !important; font-size: 14px !important; }
    .models .wrap { display: grid; grid-template-columns: repeat(2, minmax(0, 1fr)); gap: 6px; }
    .models label { padding: 8px !important; }
    .models label span { font-size: 14px !important; overflow-wrap: anywhere; }
    .examples .grid-container { grid-template-columns: repeat(3, 1fr); }
}
"""
SCROLL = """() => {
    const single = (event) => !event.ctrlKey && (event.touches?.length ?? 1) === 1;
    const scrolls = (event) => single(event) && event.target.closest("#compare .content");
    for (const name of ["wheel", "touchstart", "touchmove"])
        document.addEventListener(name, (event) => scrolls(event) && event.stopPropagation(), true);
}"""
"""Over the compared images, the wheel and one finger scroll the page; with Ctrl, or two fingers, they zoom."""


def theme() -> gr.themes.Base:
    """gradio's default theme with the system's fonts."""
    return gr.themes.Default(primary_hue="blue", neutral_hue="slate", font=FONTS[0], font_mono=FONTS[1], radius_size="sm")
