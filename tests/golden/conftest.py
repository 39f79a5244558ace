"""``pytest tests/golden --renew`` writes the golden files anew."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Golden = Callable[[Path, str], None]


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--renew", action="store_true", help="write the golden files anew")


@pytest.fixture
def golden(request: pytest.FixtureRequest) -> Golden:
    """Compare a text with the file that holds it, or write it there with ``--renew``."""

    def compare(path: Path, text: str) -> None:
        if request.config.getoption("--renew", default=False):
            path.write_text(text, encoding="utf-8")
        renew = f"{path.name} differs: if you meant this change, run `pytest tests/golden --renew` and commit the file"
        assert _lines(path) == _compared(path, text), renew

    return compare


def _lines(path: Path) -> list[str]:
    return _compared(path, path.read_text(encoding="utf-8") if path.is_file() else "{}")


def _compared(path: Path, text: str) -> list[str]:
    """The lines that must be equal: of a JSON schema all but its descriptions, which every docstring changes."""
    if path.suffix == ".json":
        text = json.dumps(_without_descriptions(json.loads(text)), indent=1)
    return text.splitlines()


def _without_descriptions(node: Any) -> Any:
    if isinstance(node, dict):
        return {key: _without_descriptions(value) for key, value in node.items() if key != "description"}
    return [_without_descriptions(item) for item in node] if isinstance(node, list) else node
