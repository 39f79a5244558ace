"""The locator that detects subjects in photos, by its name or by default."""

from __future__ import annotations

from attrxfer.errors import AttrxferError
from attrxfer.interfaces import Detector
from attrxfer.plugin.parameters import build, missing_for, named
from attrxfer.plugin.registry import Registry

CROPS = "images that are crops like those trained on need no detector: --aligned"
"""What can be done without one."""


def load_detector(name: str | None, registry: Registry) -> Detector:
    """A registered locator that detects subjects in any image, with its settings at their defaults.

    Args:
        name: The locator's name; None: the default detector.
        registry: Where locators are registered.

    Raises:
        UnknownName: There is no locator of this name.
        AttrxferError: The locator cannot detect (the message says which can), something is missing (it says what installs
            it), or there is not exactly one default.
    """
    name = default_detector(registry) if name is None else name
    spec = named("locator", name, registry)
    if not isinstance(spec.component.load(), Detector):
        others = ", ".join(_detectors(registry)) or "none is installed"
        raise AttrxferError(f"locator {name} detects nothing in photos; these do: {others}")
    missing = missing_for(spec)
    if missing:
        raise AttrxferError(f"detector {name}: missing: {'; '.join(missing)}; {CROPS}")
    detector: Detector = build(spec, {})
    return detector


def default_detector(registry: Registry) -> str:
    """The name of the locator that a plugin set as the default, by ``registry.set_default``.

    Raises:
        AttrxferError: No plugin set one, or several did.
    """
    names = registry.defaults("locator")
    if len(names) == 1:
        return names[0]
    detectors = _detectors(registry)
    if not detectors:
        raise AttrxferError(f"no plugin that detects subjects in photos is installed; {CROPS}")
    problem = f"several plugins set a default detector ({', '.join(names)})" if names else "no plugin sets a default detector"
    raise AttrxferError(f"{problem}; name one with --detector: {', '.join(detectors)}")


def _detectors(registry: Registry) -> list[str]:
    """The names of all locators that detect."""
    return [component.name for component in registry.all("locator") if isinstance(component.load(), Detector)]


def count(number: int, subject: str) -> str:
    """A number of subjects in words.

    >>> count(1, "cat"), count(3, "cat")
    ('1 cat', '3 cats')
    """
    return f"{number} {plural(subject) if number != 1 else subject}"


def plural(subject: str) -> str:
    """The plural of a detector's subject."""
    return f"{subject}s"
