"""Which of the contract's checks are slow: those that start a runtime, export a network, or look for faces."""

from __future__ import annotations

import pytest

SLOW = ("backend-", "exporter-", "engine-ray-", "metric-landmarks-", "locator-dlib-", "locator-auto-")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if "[" in item.name and item.name.partition("[")[2].startswith(SLOW):
            item.add_marker(pytest.mark.slow)
