"""Sphinx: sphinx-build -W docs build/docs. Nothing is fetched, neither by the build nor by its pages."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING

sys.path.insert(0, str(Path(__file__).parents[1]))

from docutils import nodes

from docs.generate import PAGES

if TYPE_CHECKING:
    from sphinx.application import Sphinx
    from sphinx.writers.html5 import HTML5Translator

project = "attrxfer"
extensions = ["myst_parser"]
myst_heading_anchors = 3
smartquotes = False  # -- of an option is no dash

html_math_renderer = "mathml"  # MathJax would be fetched from elsewhere
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


def formula(self: HTML5Translator, node: nodes.math | nodes.math_block) -> None:
    """A formula as MathML, which browsers render by themselves."""
    from latex2mathml.converter import convert

    self.body.append(convert(node.astext(), display="block" if isinstance(node, nodes.math_block) else "inline"))
    raise nodes.SkipNode


def setup(app: Sphinx) -> None:
    app.add_html_math_renderer("mathml", (formula, None), (formula, None))
    app.connect("source-read", fill)
    app.connect("env-get-outdated", lambda app, env, added, changed, removed: env.found_docs)
