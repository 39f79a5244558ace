"""report.html (placeholder until the page is written)."""

from __future__ import annotations

from attrxfer.engine.folder import RunFolder
from attrxfer.recipe import Recipe


def write_report(folder: RunFolder, recipe: Recipe) -> None:
    """Write report.html."""
