"""Where a changed image says that it was changed: an XMP packet, which keeps what a packet of the file already holds."""

from __future__ import annotations

import re
import threading
from collections.abc import Mapping
from typing import Any
from xml.etree import ElementTree

SOURCE_TYPE = "http://cv.iptc.org/newscodes/digitalsourcetype/compositeWithTrainedAlgorithmicMedia"
"""IPTC's word for an image of which a trained model made some parts."""
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


def statement(metadata: Mapping[str, Any], strength: float) -> dict[str, str]:
    """What is said of a result: the model's name and sha256, the attributes, the strength; a line each, without what XML and
    the comments of videos cannot hold."""
    guided = ", ".join(f"{name}={str(value).lower()}" for name, value in metadata["task"]["guided"].items())
    digest = next(iter(metadata["sha256"].values()), "")
    said = {"Model": metadata["task"]["name"], "ModelSHA256": digest, "Attribute": guided, "Strength": f"{strength:g}"}
    return {key: "".join(sign if sign.isprintable() else " " for sign in str(value)) for key, value in said.items()}


def packet(said: Mapping[str, str], known: bytes | str | None = None) -> bytes:
    """An XMP packet that says so, added to the content of ``known``; what is no XMP, or too long to be kept, is replaced."""
    root = _parsed(known)
    rdf = root.find(f"{{{RDF}}}RDF")
    if rdf is None:
        rdf = ElementTree.SubElement(root, f"{{{RDF}}}RDF")
    kind = f"{{{IPTC}}}DigitalSourceType"
    for description in rdf.findall(f"{{{RDF}}}Description"):
        _forget(description, kind)
    own = ElementTree.SubElement(rdf, f"{{{RDF}}}Description", {f"{{{RDF}}}about": ""})
    ElementTree.SubElement(own, kind).text = SOURCE_TYPE
    for key, value in said.items():
        ElementTree.SubElement(own, f"{{{OWN}}}{key}").text = value
    with WRITING:
        _keep_prefixes(_text(known))
        written = (BEGIN + ElementTree.tostring(root, encoding="unicode") + END).encode()
    return written if len(written) <= LIMIT or known is None else packet(said)


def read(known: bytes | str | None) -> dict[str, str]:
    """What a packet says: {"DigitalSourceType": ..., "Model": ..., ...}; empty when it says nothing of it."""
    found = {}
    for element in _parsed(known).iter():
        space, _, name = element.tag.removeprefix("{").rpartition("}")
        if space in (IPTC, OWN):
            found[name] = element.text or ""
    return found


def _parsed(known: bytes | str | None) -> ElementTree.Element:
    """The ``x:xmpmeta`` element of a packet, a new one where there is none."""
    text = _text(known)
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


def _text(known: bytes | str | None) -> str:
    return known.decode("utf-8", "replace") if isinstance(known, bytes) else known or ""


def _keep_prefixes(text: str) -> None:
    """Let a packet's namespaces be written under the names that it gives them, but for those that are spoken for."""
    fixed = {**PREFIXES, **XML}
    for prefix, space in re.findall(r'xmlns:(\w+)=["\']([^"\']+)["\']', text):
        if prefix not in fixed and space not in fixed.values() and not re.fullmatch(r"ns\d+", prefix):
            ElementTree.register_namespace(prefix, space)


def _forget(description: ElementTree.Element, kind: str) -> None:
    """Take out what an earlier transfer, or the camera, said in our place."""
    description.attrib.pop(kind, None)
    for element in list(description):
        if element.tag == kind or element.tag.startswith(f"{{{OWN}}}"):
            description.remove(element)
