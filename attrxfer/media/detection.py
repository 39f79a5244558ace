"""The locator that finds subjects in photos, by its name."""

from __future__ import annotations

from attrxfer.errors import AttrxferError
from attrxfer.interfaces import Finder
from attrxfer.plugin.parameters import build, named, needs
from attrxfer.plugin.registry import Registry

DEFAULT = "dlib"


def finder(name: str, registry: Registry) -> Finder:
    """A registered locator that finds subjects in any image, with its settings at their defaults.

    Raises UnknownName when there is none of that name, AttrxferError when it cannot find (it says which can) or when this
    machine lacks what it needs (it says what installs it).
    """
    spec = named("locator", name, registry)
    if not issubclass(spec.component.load(), Finder):
        able = [component.name for component in registry.all("locator") if issubclass(component.load(), Finder)]
        raise AttrxferError(f"locator {name} cannot find anything in photos; these can: {', '.join(able) or 'none installed'}")
    lacking = needs(spec)
    if lacking:
        raise AttrxferError(
            f"to find faces in photos, locator {name} needs {'; '.join(lacking)}; "
            f"images that are crops like those trained on need none: --aligned"
        )
    found: Finder = build(spec, {})
    return found
