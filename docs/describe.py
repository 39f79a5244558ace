"""From code to words: settings with their bounds, docstrings as Markdown, signatures."""

from __future__ import annotations

import inspect
import re
from collections.abc import Collection, Sequence
from typing import Any, NamedTuple

from sphinx.ext.napoleon import Config
from sphinx.ext.napoleon.docstring import GoogleDocstring

from attrxfer.plugin.docstrings import parameters
from attrxfer.plugin.parameters import schema
from attrxfer.plugin.settings import settings
from attrxfer.report.markdown import table as markdown_table

CONFIG: Any = Config(napoleon_use_param=True, napoleon_use_ivar=True, napoleon_use_rtype=False)
"""Sections become fields of reST: ``:param NAME:``, ``:ivar NAME:``, ``:returns:``, ``:raises ERROR:``."""
FIELD = re.compile(r":(param|ivar|returns|raises) ?(\w*): (.*?)(?=^:|\Z)", re.M | re.S)
LABELS = {"param": "", "ivar": "", "returns": "Returns", "raises": "Raises"}
UNSET = {"required": "must be set", "none": "not set"}
Rows = Sequence[Sequence[str]]


def table(head: Sequence[str], rows: Rows) -> str:
    """A Markdown table; nothing without rows."""
    return markdown_table(head, rows) + "\n" if rows else ""


def prose(text: str) -> str:
    """A docstring's plain text as Markdown: what Markdown would read as markup is escaped, except code.

    >>> print(prose("of 3*S*S, in ``a_b``"))
    of 3\\*S\\*S, in `a_b`
    """
    parts = re.split(r"(``.+?``|`[^`\n]+`)", text)
    escaped = [re.sub(r"([\\*_\[\]<>#])", r"\\\1", part) if i % 2 == 0 else part for i, part in enumerate(parts)]
    return "".join(part.replace("``", "`") for part in escaped)


class Docstring(NamedTuple):
    """A Google-style docstring in parts.

    Attributes:
        text: What stands before and between the sections, in blocks as they were written.
        fields: The entries of the sections: (section as reST names it, name or error, words), in their order.
    """

    text: Sequence[str]
    fields: Sequence[tuple[str, str, str]]


def docstring(thing: Any) -> Docstring:
    """Read the docstring of a class or function with Sphinx's reader of the Google style.

    >>> def loss():
    ...     '''A loss.
    ...
    ...     Args:
    ...         weight: Its share
    ...             of all.
    ...     '''
    >>> docstring(loss)
    Docstring(text=['A loss.'], fields=[('param', 'weight', 'Its share of all.')])
    """
    text = str(GoogleDocstring(inspect.getdoc(thing) or "", CONFIG))
    fields = [(section, name, " ".join(words.split())) for section, name, words in FIELD.findall(text)]
    return Docstring([block for block in FIELD.sub("", text).strip().split("\n\n") if block], fields)


def doc(thing: Any) -> str:
    """A docstring as Markdown: doctests stay code, entries of sections are a list."""
    read = docstring(thing)
    blocks = [f"```python\n{block}\n```" if block.startswith(">>>") else prose(block) for block in read.text]
    lines = []
    for section, name, words in read.fields:
        label = " ".join(filter(None, (LABELS[section], name and f"`{name}`")))
        lines.append(f"- {label}: {prose(words)}")
    return "\n\n".join([*blocks, "\n".join(lines)]).strip()


def described(cls: type, shared: Collection[str] = ()) -> tuple[str, str]:
    """A class by its docstring and its constructor.

    Args:
        cls: A component's class, or a section of the recipe.
        shared: Settings whose default is that of [train].

    Returns:
        What it is, and the table of its settings, both Markdown.
    """
    read = schema(cls)
    words = parameters(cls)
    rows = []
    for name, form, bounds, default in settings(cls):
        value = nested(*read.nested[name]) if name in read.nested else ", ".join(filter(None, (form, bounds)))
        own = UNSET.get(default, f"`{default}`")
        rows.append(
            (f"`{name}`", value, f"`[train] {name}`" if name in shared else own, prose(words.get(name, "").removesuffix(".")))
        )
    text = "\n\n".join(prose(block) for block in docstring(cls).text)
    return text, table(("setting", "value", "default", "what it is"), rows)


def nested(kind: str, many: bool) -> str:
    """What fills a parameter that is a component."""
    return f"{'array of tables' if many else 'table'}, [{kind}](/reference/components.md#{kind})"


def signature(name: str, thing: Any) -> str:
    """``name(parameters) -> result`` on as many lines as it takes, without quotes round annotations."""
    text = re.sub(r"""(: |-> )(['"])(.*?)\2""", r"\1\3", str(inspect.signature(thing)))
    text = text.replace("(self, ", "(").replace("(self)", "()")
    if len(name + text) <= 100:
        return name + text
    inside, _, result = text.removeprefix("(").rpartition(")")
    return f"{name}(\n" + "".join(f"    {part.strip()},\n" for part in split(inside)) + f"){result}"


def split(parameters: str) -> list[str]:
    """At the commas that stand in no bracket.

    >>> split("a: dict[str, int], *, b: int = 1")
    ['a: dict[str, int]', '*', 'b: int = 1']
    """
    parts, depth = [""], 0
    for character in parameters:
        depth += (character in "[({") - (character in "])}")
        if character == "," and not depth:
            parts.append("")
        else:
            parts[-1] += character
    return [part.strip() for part in parts]
