"""How a result was made, as it is written into its metadata: an XMP packet for images, a comment for videos."""

from __future__ import annotations

import re
import threading
from collections.abc import Mapping
from xml.etree import ElementTree

from attrxfer.interfaces import Model

SOURCE_TYPE = "http://cv.iptc.org/newscodes/digitalsourcetype/compositeWithTrainedAlgorithmicMedia"
"""IPTC's term for an image of which a trained model made some parts."""
IPTC = "http://iptc.org/std/Iptc4xmpExt/2008-02-29/"
OWN = "urn:attrxfer:provenance#"
RDF = "http://www.w3.org/1999/02/22-rdf-syntax-ns#"
META = "adobe:ns:meta/"
BEGIN = '<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>\n'
END = '\n<?xpacket end="w"?>'
LIMIT = 60_000
"""Bytes of a packet that fit into one segment of a JPEG."""

PREFIXES = {"Iptc4xmpExt": IPTC, "attrxfer": OWN, "rdf": RDF, "x": META}
XML = {"xml": "http://www.w3.org/XML/1998/namespace", "xmlns": "http://www.w3.org/2000/xmlns/"}
WRITING = threading.Lock()
"""ElementTree has one table of prefixes for the whole process."""

for prefix, name in PREFIXES.items():
    ElementTree.register_namespace(prefix, name)


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


def xmp_packet(provenance: Mapping[str, str], existing: bytes | str | None = None) -> bytes:
    """An XMP packet with the provenance.

    Args:
        provenance: See ``provenance_of``.
        existing: The file's own packet, whose content is kept; replaced where it is no XMP or too long.
    """
    root = _parsed(existing)
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
    with WRITING:
        _keep_prefixes(_text(existing))
        written = (BEGIN + ElementTree.tostring(root, encoding="unicode") + END).encode()
    return written if len(written) <= LIMIT or existing is None else xmp_packet(provenance)


def read_packet(packet: bytes | str | None) -> dict[str, str]:
    """The provenance in an XMP packet: {"DigitalSourceType": ..., "Model": ..., ...}; empty where there is none."""
    found = {}
    for element in _parsed(packet).iter():
        space, _, name = element.tag.removeprefix("{").rpartition("}")
        if space in (IPTC, OWN):
            found[name] = element.text or ""
    return found


def _parsed(packet: bytes | str | None) -> ElementTree.Element:
    """The ``x:xmpmeta`` element of a packet, a new one where there is none."""
    text = _text(packet)
    match = re.search(r"<(?:\w+:)?(?:xmpmeta|RDF)\b.*</(?:\w+:)?(?:xmpmeta|RDF)>", text, re.DOTALL)
    empty = ElementTree.Element(f"{{{META}}}xmpmeta")
    if match is None:
        return empty
    try:
        found = ElementTree.fromstring(match.group())
    except ElementTree.ParseError:
        return empty
    if found.tag == f"{{{RDF}}}RDF":
        empty.append(found)
        return empty
    return found


def _text(packet: bytes | str | None) -> str:
    return packet.decode("utf-8", "replace") if isinstance(packet, bytes) else packet or ""


def _keep_prefixes(text: str) -> None:
    """Let a packet's namespaces keep the prefixes that it gives them, except prefixes that are reserved."""
    fixed = {**PREFIXES, **XML}
    for prefix, space in re.findall(r'xmlns:(\w+)=["\']([^"\']+)["\']', text):
        if prefix not in fixed and space not in fixed.values() and not re.fullmatch(r"ns\d+", prefix):
            ElementTree.register_namespace(prefix, space)


def _forget(description: ElementTree.Element, kind: str) -> None:
    """Remove what an earlier transfer, or the camera, wrote."""
    description.attrib.pop(kind, None)
    for element in list(description):
        if element.tag == kind or element.tag.startswith(f"{{{OWN}}}"):
            description.remove(element)
