"""pytest fixtures for the tests of plugins. pytest loads them wherever attrxfer is installed; torch only when one is used."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from attrxfer.data import CachedDataset
    from attrxfer.storage.run_folder import RunFolder

# failed checks then show both sides of a comparison
pytest.register_assert_rewrite("attrxfer.testing.contract")


@pytest.fixture(scope="session")
def attrxfer_cache() -> Iterator[Path]:
    """The folder of a temporary cache, also in $ATTRXFER_CACHE, so that the user's cache is not changed."""
    from attrxfer.storage.cache import temporary_cache

    with temporary_cache() as folder:
        yield folder


@pytest.fixture
def tiny_data() -> CachedDataset:
    """An opened data set (``CachedDataset``) of 24 drawn heads of 32 pixels.

    It has the attributes "bright" and "round", three images of each subject, all three splits, and five landmarks (eyes,
    nose, corners of the mouth).
    """
    from attrxfer.testing import fakes

    return fakes.tiny_data()


@pytest.fixture
def tiny_data_folder(tmp_path: Path) -> Path:
    """The same images as files, in a layout for ``--data``."""
    from attrxfer.testing import fakes

    folder = tmp_path / "tiny_data"
    folder.mkdir()
    return fakes.write_tiny_data(folder)


@pytest.fixture
def run_recipe(tmp_path_factory: pytest.TempPathFactory, attrxfer_cache: Path) -> Callable[..., RunFolder]:
    """``run_recipe(recipe, **overrides)`` runs a whole recipe in a small form, in seconds, and returns its ``RunFolder``.

    ``recipe`` is a name, a file, or a table. Networks become narrow, stages have 3 steps, images 16 pixels, and there are no
    metrics. ``overrides`` are sections that are merged into the recipe and are not made smaller:

        run = run_recipe("NAME", identity={"use": "edges", "weight": 2.0})
        assert all("T identity" in line for line in run.read_metrics() if line["stage"] == "adversarial")

    It raises InvalidRecipe with all problems of the recipe, and AttrxferError if something is not installed.
    """

    def run(recipe: Any, **overrides: Any) -> RunFolder:
        from attrxfer.plugin import host
        from attrxfer.testing.runs import run_small

        return run_small(recipe, tmp_path_factory.mktemp("run"), host.load(), **overrides)

    return run
