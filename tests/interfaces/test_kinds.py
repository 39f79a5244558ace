"""The kinds of components and their Protocols."""

from __future__ import annotations

from attrxfer import interfaces
from attrxfer.interfaces import Stage
from attrxfer.plugin.host import Host
from attrxfer.plugin.registry import KIND_NAMES


def test_the_registry_knows_the_kinds_of_the_interfaces() -> None:
    assert tuple(interfaces.KINDS) == KIND_NAMES


def test_built_in_stages_meet_the_protocol(host: Host) -> None:
    names = [name for name in vars(Stage) if not name.startswith("_")]
    for component in host.registry.all("stage"):
        assert all(hasattr(component.load(), name) for name in names), component
