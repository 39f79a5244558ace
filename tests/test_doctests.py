"""Every example in a docstring is true. They are run in the installed package: pytest's own collection of doctests would import
the checkout's files a second time, beside those that its plugin has imported already."""

from __future__ import annotations

import doctest
import importlib
import pkgutil
from importlib import metadata
from pathlib import Path

import pytest

import attrxfer

PLUGINS = {point.value for point in metadata.entry_points(group="attrxfer")}
PACKAGES = [attrxfer, *map(importlib.import_module, sorted(name for name in PLUGINS if name.startswith("attrxfer_")))]
MODULES = [
    info.name
    for package in PACKAGES
    for info in pkgutil.walk_packages(package.__path__, f"{package.__name__}.")
    if not info.ispkg
    if ">>>" in Path(package.__path__[0], *info.name.split(".")[1:]).with_suffix(".py").read_text()
]


@pytest.mark.parametrize("name", MODULES)
def test_the_examples_of_a_module_are_true(name: str) -> None:
    found = doctest.testmod(importlib.import_module(name))
    assert found.failed == 0


def test_there_are_examples() -> None:
    assert {"attrxfer.errors", "attrxfer.plugin.registry", "attrxfer_metrics.kid"} <= set(MODULES)
