"""The locator that finds subjects in photos, by its name."""

from __future__ import annotations

from attrxfer.errors import AttrxferError
from attrxfer.interfaces import Detector
from attrxfer.plugin.parameters import build, missing_for, named
from attrxfer.plugin.registry import Registry

DEFAULT = "dlib"


def detector(name: str, registry: Registry) -> Detector:
    """A registered locator that finds subjects in any image, with its settings at their defaults.

    Raises UnknownName when there is none of that name, AttrxferError when it cannot find (it says which can) or when this
    machine lacks what it needs (it says what installs it).
    """
    spec = named("locator", name, registry)
    if not isinstance(spec.component.load(), Detector):
        able = [component.name for component in registry.all("locator") if isinstance(component.load(), Detector)]
        raise AttrxferError(f"locator {name} cannot find anything in photos; these can: {', '.join(able) or 'none installed'}")
    missing = missing_for(spec)
    if missing:
        raise AttrxferError(
            f"to find faces in photos, locator {name} needs {'; '.join(missing)}; "
            f"images that are crops like those trained on need none: --aligned"
        )
    found: Detector = build(spec, {})
    return found
