"""A page of the built site, read."""

from __future__ import annotations

from html.parser import HTMLParser
from pathlib import Path


class Html(HTMLParser):
    """What a page loads, where it links to, and what can be linked to in it."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.loaded: list[str] = []
        self.links: list[str] = []
        self.ids: set[str] = set()
        self.feed(path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = {name: value or "" for name, value in attrs}
        self.ids.add(values.get("id", ""))
        if tag == "a" or values.get("rel") in ("index", "search", "next", "prev", "canonical"):
            self.links.append(values.get("href", ""))
        else:
            self.loaded += [values[name] for name in ("src", "href", "srcset", "data", "poster") if name in values]
