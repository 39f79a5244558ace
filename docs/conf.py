"""Sphinx: sphinx-build -W docs build/docs. Nothing is fetched, neither by the build nor by its pages."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING

sys.path.insert(0, str(Path(__file__).parents[1]))

from docs.generate import PAGES

if TYPE_CHECKING:
    from sphinx.application import Sphinx

project = "attrxfer"
extensions = ["myst_parser"]
myst_heading_anchors = 3
smartquotes = False  # -- of an option is no dash

html_theme = "furo"
html_title = "attrxfer"
html_copy_source = False
html_show_copyright = False
html_show_sourcelink = False
html_static_path = ["_static"]
html_css_files = ["site.css"]


def fill(app: Sphinx, docname: str, source: list[str]) -> None:
    """Put the generated parts where a page asks for them."""
    source[0] = re.sub(r"<!-- generate: (\w+) -->", lambda match: PAGES[match[1]](), source[0])


def setup(app: Sphinx) -> None:
    app.connect("source-read", fill)
    app.connect("env-get-outdated", lambda app, env, added, changed, removed: env.found_docs)
