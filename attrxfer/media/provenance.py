"""How a result was made, as it is written into its metadata: an XMP packet for images, a comment for videos."""

from __future__ import annotations

from collections.abc import Mapping
from xml.etree import ElementTree

from attrxfer.interfaces import Model
from attrxfer.media.xmp import RDF, SEGMENT, parse_packet, register_prefix, write_packet

SOURCE_TYPE = "http://cv.iptc.org/newscodes/digitalsourcetype/compositeWithTrainedAlgorithmicMedia"
"""IPTC's term for an image of which a trained model made some parts."""
IPTC = "http://iptc.org/std/Iptc4xmpExt/2008-02-29/"
OWN = "urn:attrxfer:provenance#"

for prefix, name in {"Iptc4xmpExt": IPTC, "attrxfer": OWN}.items():
    register_prefix(prefix, name)


def provenance_of(model: Model, strength: float) -> dict[str, str]:
    """How a result was made, for its metadata.

    Args:
        model: The model; a method has no task and no weights, so that only its name is known.
        strength: Strength of the transfer.

    Returns:
        "Model", "ModelSHA256", "Attribute" and "Strength" as far as they are known. Signs that XML or the comment of a video
        cannot hold are replaced by spaces.
    """
    task = model.metadata.get("task", {})
    values = {
        "Model": str(task.get("name", model.name)),
        "ModelSHA256": str(next(iter(model.metadata.get("sha256", {}).values()), "")),
        "Attribute": ", ".join(f"{name}={str(value).lower()}" for name, value in model.guided.items()),
    }
    known = {**{key: value for key, value in values.items() if value}, "Strength": f"{strength:g}"}
    return {key: "".join(sign if sign.isprintable() else " " for sign in value) for key, value in known.items()}


def xmp_packet(provenance: Mapping[str, str], existing: bytes | str | None = None, limit: int = SEGMENT) -> bytes:
    """An XMP packet with the provenance.

    Args:
        provenance: See ``provenance_of``.
        existing: The file's own packet, whose content is kept; replaced where it is no XMP or the result is too long.
        limit: The greatest length in bytes.
    """
    root = parse_packet(existing)
    rdf = root.find(f"{{{RDF}}}RDF")
    if rdf is None:
        rdf = ElementTree.SubElement(root, f"{{{RDF}}}RDF")
    kind = f"{{{IPTC}}}DigitalSourceType"
    for description in rdf.findall(f"{{{RDF}}}Description"):
        _forget(description, kind)
    own = ElementTree.SubElement(rdf, f"{{{RDF}}}Description", {f"{{{RDF}}}about": ""})
    ElementTree.SubElement(own, kind).text = SOURCE_TYPE
    for key, value in provenance.items():
        ElementTree.SubElement(own, f"{{{OWN}}}{key}").text = value
    written = write_packet(root, existing)
    return written if len(written) <= limit or existing is None else xmp_packet(provenance)


def read_packet(packet: bytes | str | None) -> dict[str, str]:
    """The provenance in an XMP packet: {"DigitalSourceType": ..., "Model": ..., ...}; empty where there is none."""
    found = {}
    for element in parse_packet(packet).iter():
        space, _, name = element.tag.removeprefix("{").rpartition("}")
        if space in (IPTC, OWN):
            found[name] = element.text or ""
    return found


def _forget(description: ElementTree.Element, kind: str) -> None:
    """Remove what an earlier transfer, or the camera, wrote."""
    description.attrib.pop(kind, None)
    for element in list(description):
        if element.tag == kind or element.tag.startswith(f"{{{OWN}}}"):
            description.remove(element)
