"""The detector by name and by default."""

from __future__ import annotations

import pytest

from attrxfer.errors import AttrxferError, UnknownName
from attrxfer.media.detection import default_detector, load_detector
from attrxfer.plugin.host import Host
from attrxfer.plugin.registry import Registry


def test_the_default_detector_is_the_one_that_a_plugin_sets(host: Host) -> None:
    assert default_detector(host.registry) == "dlib"


def test_without_a_default_the_detectors_are_listed() -> None:
    registry = Registry()
    registry.locator("cats", "attrxfer_faces.locator:Dlib", summary="cats")
    with pytest.raises(AttrxferError, match="no plugin sets a default detector; name one with --detector: cats"):
        load_detector(None, registry)
    with pytest.raises(AttrxferError, match="no plugin that detects subjects in photos is installed; .*--aligned"):
        load_detector(None, Registry())


def test_two_defaults_are_named() -> None:
    registry = Registry()
    for name in ("cats", "dogs"):
        registry.locator(name, "attrxfer_faces.locator:Dlib", summary=name)
        registry.set_default("locator", name)
    with pytest.raises(AttrxferError, match=r"several plugins set a default detector \(cats, dogs\); name one with --detector"):
        load_detector(None, registry)


def test_only_what_is_registered_can_be_the_default() -> None:
    with pytest.raises(UnknownName, match='no locator "cats"'):
        Registry().set_default("locator", "cats")
