"""HTML pages from the templates in this folder, which share one base and one style."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from attrxfer.media.images import data_uri


def render(template: str, folder: Path | None = None, **values: object) -> str:
    """Render a self-contained page.

    Args:
        template: Name of a template of attrxfer, or of one in ``folder``.
        folder: More templates, which may extend attrxfer's.
        **values: What the template shows; text is escaped, ``markupsafe.Markup`` is not.
    """
    import jinja2

    loaders: list[jinja2.BaseLoader] = [jinja2.PackageLoader("attrxfer.report")]
    if folder is not None:
        loaders.append(jinja2.FileSystemLoader(folder))
    environment = jinja2.Environment(
        loader=jinja2.ChoiceLoader(loaders),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template(template).render(**values)


def side_by_side(images: NDArray[np.uint8]) -> str:
    """Images (N, S, S, 3) side by side, as a data URI."""
    return data_uri(np.concatenate(list(images), axis=1))
