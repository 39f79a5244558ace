"""XMP packets: read, written, and cleared of what they say of parts that a result does not have."""

from __future__ import annotations

import re
import threading
from xml.etree import ElementTree

RDF = "http://www.w3.org/1999/02/22-rdf-syntax-ns#"
META = "adobe:ns:meta/"
CAMERA = "http://ns.google.com/photos/1.0/camera/"
CONTAINER = "http://ns.google.com/photos/1.0/container/"
GAIN_MAP = "http://ns.adobe.com/hdr-gain-map/1.0/"
XMP_NOTE = "http://ns.adobe.com/xmp/note/"
BEGIN = '<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>\n'
END = '\n<?xpacket end="w"?>'
LONGEST = 60_000
"""Bytes of a packet that a JPEG keeps: it must fit into one segment, with what is added to it."""
SEGMENT = 65_502
"""Bytes of a packet that fit into one segment of a JPEG."""
DEEPEST = 100
"""Levels of elements in a packet: no program writes so many, and Python cannot write thousands."""

PREFIXES = {"rdf": RDF, "x": META}
XML = {"xml": "http://www.w3.org/XML/1998/namespace", "xmlns": "http://www.w3.org/2000/xmlns/"}
WRITING = threading.Lock()
"""ElementTree has one table of prefixes for the whole process."""


def register_prefix(prefix: str, space: str) -> None:
    """Give a namespace a prefix that no packet can change."""
    PREFIXES[prefix] = space
    ElementTree.register_namespace(prefix, space)


for prefix, name in list(PREFIXES.items()):
    register_prefix(prefix, name)


def kept_packet(packet: bytes | str | None, *, jpeg: bool) -> tuple[bytes | str | None, tuple[str, ...]]:
    """What a result keeps of a file's packet.

    Args:
        packet: The packet; None or empty where there is none.
        jpeg: Whether it is a JPEG's, which must be short.

    Returns:
        The packet without its claims of parts that are not kept, None where nothing of it can be kept; and what is lost, in
        words.
    """
    if not packet or not packet.strip():
        return None, ()
    if jpeg and len(packet) > LONGEST:
        return None, (f"its XMP is not kept: {len(packet):,} bytes, more than {LONGEST:,}",)
    root = _element(packet)
    if root is None:
        return None, ("its XMP is not kept: it is damaged",)
    if _is_too_deep(root):
        return None, (f"its XMP is not kept: nested more than {DEEPEST} deep",)
    lost = _remove_claims(root)
    return (write_packet(root, packet) if lost else packet), tuple(dict.fromkeys(filter(None, lost)))


def parse_packet(packet: bytes | str | None) -> ElementTree.Element:
    """The ``x:xmpmeta`` element of a packet, a new one where there is none that can be read and written."""
    found = _element(packet)
    return ElementTree.Element(f"{{{META}}}xmpmeta") if found is None or _is_too_deep(found) else found


def write_packet(root: ElementTree.Element, like: bytes | str | None) -> bytes:
    """A packet of an ``x:xmpmeta`` element, with the prefixes of the packet that it was read from."""
    with WRITING:
        _keep_prefixes(_text(like))
        return (BEGIN + ElementTree.tostring(root, encoding="unicode") + END).encode()


def _element(packet: bytes | str | None) -> ElementTree.Element | None:
    match = re.search(r"<(?:\w+:)?(?:xmpmeta|RDF)\b.*</(?:\w+:)?(?:xmpmeta|RDF)>", _text(packet), re.DOTALL)
    try:
        found = ElementTree.fromstring(match.group()) if match else None
    except ElementTree.ParseError:
        return None
    if found is not None and found.tag == f"{{{RDF}}}RDF":
        whole = ElementTree.Element(f"{{{META}}}xmpmeta")
        whole.append(found)
        return whole
    return found


def _is_too_deep(root: ElementTree.Element) -> bool:
    level = [root]
    for _ in range(DEEPEST):
        level = [child for element in level for child in element]
        if not level:
            return False
    return True


def _remove_claims(root: ElementTree.Element) -> list[str]:
    """Remove what says of a motion photo's video, a gain map or further XMP that the file has them; what each was, in words."""
    lost = []
    for element in list(root.iter()):
        for key in [key for key in element.attrib if _claim(key) is not None]:
            lost.append(_claim(key) or "")
            del element.attrib[key]
        for child in [child for child in element if _claim(child.tag) is not None]:
            lost.append(_claim(child.tag) or "")
            element.remove(child)
    return lost


def _claim(name: str) -> str | None:
    """What is lost, if an attribute or element of this name says that the file has it; empty: what another one names."""
    space, _, local = name.removeprefix("{").rpartition("}")
    if space == CAMERA and local.startswith(("MotionPhoto", "MicroVideo")):
        return "the video of the motion photo is not kept"
    if space == GAIN_MAP:
        return "its gain map is not kept"
    if (space, local) == (XMP_NOTE, "HasExtendedXMP"):
        return "its extended XMP is not kept"
    return "" if space == CONTAINER else None


def _text(packet: bytes | str | None) -> str:
    return packet.decode("utf-8", "replace") if isinstance(packet, bytes) else packet or ""


def _keep_prefixes(text: str) -> None:
    """Let a packet's namespaces keep the prefixes that it gives them, except prefixes that are reserved."""
    fixed = {**PREFIXES, **XML}
    for prefix, space in re.findall(r'xmlns:(\w+)=["\']([^"\']+)["\']', text):
        if prefix not in fixed and space not in fixed.values() and not re.fullmatch(r"ns\d+", prefix):
            ElementTree.register_namespace(prefix, space)
