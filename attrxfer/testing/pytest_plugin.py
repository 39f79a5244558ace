"""Fixtures for the tests of plugins, there in every project that has attrxfer installed. torch is imported when one is used."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from attrxfer.data import CachedDataset
    from attrxfer.storage.run_folder import RunFolder

# a broken promise then shows both sides of its comparison
pytest.register_assert_rewrite("attrxfer.testing.checks")


@pytest.fixture(scope="session")
def attrxfer_cache() -> Iterator[Path]:
    """A cache of the tests' own, so that the user's stays as it is: the folder, also in $ATTRXFER_CACHE."""
    from attrxfer.storage.cache import temporary_cache

    with temporary_cache() as folder:
        yield folder


@pytest.fixture
def tiny_data() -> CachedDataset:
    """24 drawn heads of 32 px, opened (``attrxfer.data.Data``): attributes "bright" and "round", three images a subject,
    all three splits, and five landmarks (eyes, nose, corners of the mouth)."""
    from attrxfer.testing import fakes

    return fakes.tiny_data()


@pytest.fixture
def tiny_data_folder(tmp_path: Path) -> Path:
    """The same images on disk, in a layout that ``--data`` understands."""
    from attrxfer.testing import fakes

    folder = tmp_path / "tiny_data"
    folder.mkdir()
    return fakes.write_tiny_data(folder)


@pytest.fixture
def run_recipe(tmp_path_factory: pytest.TempPathFactory, attrxfer_cache: Path) -> Callable[..., RunFolder]:
    """``run_recipe(recipe, **overrides)`` runs all of a recipe in seconds and returns its folder (a
    ``RunFolder``: ``path``, ``bundle``, ``read_metrics()``, ...).

    recipe: a name, a file, or a table. Networks become narrow, stages 3 steps long, images 16 px wide, metrics none;
    overrides are sections laid over the recipe and stand as they are:

        run = run_recipe("NAME", identity={"use": "edges", "weight": 2.0})
        assert all("T identity" in line for line in run.read_metrics() if line["stage"] == "adversarial")

    Raises what ``attrxfer run`` would say: InvalidRecipe with every problem, AttrxferError for what is not installed.
    """

    def run(recipe: Any, **overrides: Any) -> RunFolder:
        from attrxfer.plugin import host
        from attrxfer.testing.runs import run_small

        return run_small(recipe, tmp_path_factory.mktemp("run"), host.load(), **overrides)

    return run
