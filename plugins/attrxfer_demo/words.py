"""What the page calls its models and itself."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from attrxfer.media.detection import plural

if TYPE_CHECKING:
    from attrxfer_demo.offer import Offer

PHRASES = {
    ("Male", False): "Men to women",
    ("Male", True): "Women to men",
    ("Young", True): "Older to younger",
    ("Young", False): "Younger to older",
    ("Mouth_Slightly_Open", True): "Open the mouth",
    ("Mouth_Slightly_Open", False): "Close the mouth",
    ("Eyeglasses", True): "Add glasses",
    ("Eyeglasses", False): "Remove glasses",
    ("Smiling", True): "Add a smile",
    ("Smiling", False): "Remove the smile",
}
"""What a change of one attribute does, by CelebA's name of the attribute and its new value."""


def label(task: Mapping[str, Any]) -> str:
    """What a task does, as people say it; else its name and its attributes before and after.

    >>> label({"name": "gender", "guided": {"Male": False}})
    'Men to women'
    >>> label({"name": "hats", "guided": {"Wearing_Hat": True}})
    'hats: not Wearing Hat → Wearing Hat'
    >>> label({"name": "smile", "guided": {"Smiling": True, "Mouth_Slightly_Open": True}})
    'smile: others → Smiling and Mouth Slightly Open'
    >>> label({"name": "a_method", "guided": {}})
    'a_method'
    """
    guided: dict[str, bool] = task["guided"]
    if not guided:
        return str(task["name"])
    given: dict[str, bool] | None = task.get("input")
    if given is None and len(guided) == 1:
        ((attribute, value),) = guided.items()
        if (attribute, value) in PHRASES:
            return PHRASES[attribute, value]
        given = {attribute: not value}
    return f"{task['name']}: {_listed(given) if given else 'others'} → {_listed(guided)}"


def title(offers: Sequence[Offer]) -> str:
    """What the page does.

    Without a subject that is detected: "Change images"; else "Change faces in photos and videos".
    """
    subjects = sorted({plural(offer.photos.subject) for offer in offers if offer.photos is not None})
    if not subjects:
        return "Change images"
    return f"Change {' and '.join(subjects)} in photos{' and videos' if find_spec('av') else ''}"


def _listed(values: Mapping[str, bool]) -> str:
    return " and ".join(("" if value else "not ") + name.replace("_", " ") for name, value in values.items())
