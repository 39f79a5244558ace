"""Small runs for tests."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from attrxfer.plugin.host import Host
from attrxfer.recipe.small import small_recipe
from attrxfer.storage.run_folder import RunFolder
from attrxfer.workflows import train as job


def run_small(recipe: str | Path | Mapping[str, Any], folder: Path, host: Host, **overrides: Any) -> RunFolder:
    """Run a recipe in a small form (``small_recipe``): train, score, write bundle and report into ``folder``."""
    return job.run(small_recipe(recipe, host, **overrides), folder, host, quiet=True)
