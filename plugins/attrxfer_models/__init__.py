"""Models for photographs of faces: ``attrxfer transfer gender photo.jpg``. For non-commercial research only.

They were trained on CelebA, whose licence allows no other use (LICENCE.md). No image of CelebA is part of this package.
"""

from __future__ import annotations

from pathlib import Path

from attrxfer.plugin.hookspecs import hookimpl


@hookimpl
def register_models() -> Path:
    """The folder of the bundles: each is named by its task."""
    return Path(__file__).parent / "models"
