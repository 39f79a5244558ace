"""From code to words: settings with their bounds, docstrings as Markdown, signatures."""

from __future__ import annotations

import inspect
import re
from collections.abc import Collection, Iterable, Sequence
from typing import Any

from attrxfer.plugin.parameters import schema
from attrxfer.plugin.settings import settings
from attrxfer.report.markdown import table as markdown_table

COMMON = {
    "size": "side of the images in pixels",
    "steps": "of this stage; 0 leaves it out",
    "batch_size": "images a step and process",
    "lr": "of Adam",
    "betas": "of Adam",
}
"""Settings that mean the same in every stage (``size``: everywhere), so that no docstring has to say it again."""

SENTENCE_END = re.compile(r"\.(?=$|\s+[A-Z\"`(])")
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


def doc(thing: Any) -> str:
    """A docstring as Markdown; doctests and indented lines stay code."""
    blocks = []
    for block in (inspect.getdoc(thing) or "").split("\n\n"):
        code = block.startswith((">>>", "    "))
        blocks.append(f"```python\n{inspect.cleandoc(block)}\n```" if code else prose(block))
    return "\n\n".join(blocks)


def entries(text: str, names: Iterable[str]) -> tuple[str, dict[str, str]]:
    """What a docstring says of each name ("name: text." or "one, other: text."), one sentence each, and the rest of it.

    >>> entries("A loss. weight: its share. Images are in -1..1.", ["weight"])
    ('A loss. Images are in -1..1.', {'weight': 'its share'})
    """
    known = set(names)
    found: dict[str, str] = {}
    kept, at = "", 0
    for match in re.finditer(r"(?:(?<=^)|(?<=[.;]\s)|(?<=\n))(\w+(?:, \w+)*):\s+", text):
        listed = match[1].split(", ")
        if match.start() < at or not known.issuperset(listed):
            continue
        end = SENTENCE_END.search(text, match.end())
        following = re.compile(rf"\.\s+(?=(?:{'|'.join(map(re.escape, known))})\b[\w, ]*:\s)").search(text, match.end())
        stop = min(one.end() for one in (end, following) if one) if end or following else len(text)
        said = " ".join(text[match.end() : stop].split()).removesuffix(".")
        found |= dict.fromkeys(listed, said)
        kept += text[at : match.start()]
        at = stop
    kept += text[at:]
    return "\n\n".join(" ".join(block.split()) for block in kept.split("\n\n") if block.strip()), found


def arguments(text: str) -> tuple[str, dict[str, str]]:
    """The ``Args:`` section of a Google-style docstring by name, and the docstring without it.

    >>> arguments("A loss.\\n\\nArgs:\\n    weight: Its share\\n        of all.")
    ('A loss.', {'weight': 'Its share of all'})
    """
    intro, _, section = text.partition("\nArgs:\n")
    section, _, rest = section.partition("\n\n")
    found: dict[str, str] = {}
    name = ""
    for line in section.splitlines():
        match = re.match(r" {4}(\w+): (.*)", line)
        if match:
            name = match[1]
            found[name] = match[2].strip()
        elif name:
            found[name] += f" {line.strip()}"
    return "\n\n".join(part for part in (intro.strip(), rest.strip()) if part), {
        k: v.removesuffix(".") for k, v in found.items()
    }


def described(cls: type, shared: Collection[str] = ()) -> tuple[str, str]:
    """A class by its docstring and its constructor: (what it is, the table of its settings), both Markdown. ``shared``:
    settings whose default is that of [train]."""
    read = schema(cls)
    names = list(read.model.model_fields)
    text = inspect.getdoc(cls) or ""
    intro, args = arguments(text)
    intro, said = entries(intro, names)
    said |= args
    for base in cls.__mro__[1:-1]:
        if base.__module__.partition(".")[0] != "torch":
            own_intro, own_args = arguments(inspect.getdoc(base) or "")
            said = entries(own_intro, names)[1] | own_args | said
    rows = []
    for name, form, bounds, default in settings(cls):
        value = nested(*read.nested[name]) if name in read.nested else ", ".join(filter(None, (form, bounds)))
        own = UNSET.get(default, f"`{default}`")
        words = prose(said[name]) if name in said else COMMON.get(name, "see above" if f"``{name}``" in text else "")
        rows.append((f"`{name}`", value, f"`[train] {name}`" if name in shared else own, words))
    return "\n\n".join(map(prose, intro.split("\n\n"))), table(("setting", "value", "default", "what it is"), rows)


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
