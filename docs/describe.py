"""From code to words: settings with their bounds, docstrings as Markdown, signatures."""

from __future__ import annotations

import inspect
import json
import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

from attrxfer.params import schema

COMMON = {
    "size": "side of the pictures in pixels",
    "steps": "of this stage; 0 leaves it out",
    "batch": "pictures a step and process",
    "rate": "of Adam",
    "betas": "of Adam",
}
"""Settings that mean the same in every stage (``size``: everywhere), so that no docstring has to say it again."""

SENTENCE_END = re.compile(r"\.(?=$|\s+[A-Z\"`(])")
BOUNDS = {
    "minimum": "at least {}",
    "exclusiveMinimum": "above {}",
    "maximum": "at most {}",
    "exclusiveMaximum": "below {}",
    "multipleOf": "a multiple of {}",
    "minItems": "at least {} of them",
    "minProperties": "at least {} of them",
}
WORDS = {"integer": "integer", "number": "number", "boolean": "true or false", "string": "text"}
Rows = Sequence[Sequence[str]]


def table(head: Sequence[str], rows: Rows) -> str:
    """A Markdown table; nothing without rows."""
    if not rows:
        return ""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines) + "\n"


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

    >>> entries("A loss. weight: its share. Pictures are in -1..1.", ["weight"])
    ('A loss. Pictures are in -1..1.', {'weight': 'its share'})
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


def described(cls: type, shared: Collection[str] = ()) -> tuple[str, str]:
    """A class by its docstring and its constructor: (what it is, the table of its settings), both Markdown. ``shared``:
    settings whose default is that of [train]."""
    read = schema(cls)
    names = list(read.model.model_fields)
    text = inspect.getdoc(cls) or ""
    intro, said = entries(text, names)
    for base in cls.__mro__[1:-1]:
        if base.__module__.partition(".")[0] != "torch":
            said = entries(inspect.getdoc(base) or "", names)[1] | said
    form = read.model.model_json_schema()
    rows = []
    for name in names:
        entry = form["properties"][name]
        value = nested(*read.nested[name]) if name in read.nested else kind_of(entry, form.get("$defs", {}))
        own = default(entry, name in form.get("required", ()))
        words = prose(said[name]) if name in said else COMMON.get(name, "see above" if f"``{name}``" in text else "")
        rows.append((f"`{name}`", value, f"`[train] {name}`" if name in shared else own, words))
    return "\n\n".join(map(prose, intro.split("\n\n"))), table(("setting", "value", "default", "what it is"), rows)


def nested(kind: str, many: bool) -> str:
    """What fills a parameter that is a component."""
    return f"{'array of tables' if many else 'table'}, [{kind}](/reference/components.md#{kind})"


def default(entry: Mapping[str, Any], required: bool) -> str:
    """A setting's default as a recipe would write it."""
    if required:
        return "must be set"
    value = entry.get("default")
    return "not set" if value is None else f"`{json.dumps(value, ensure_ascii=False)}`"


def kind_of(entry: Mapping[str, Any], definitions: Mapping[str, Any]) -> str:
    """A JSON schema's type and bounds in words.

    >>> kind_of({"type": "array", "items": {"type": "integer", "minimum": 1}, "minItems": 1}, {})
    'array of integers, at least 1; at least 1 of them'
    """
    if "$ref" in entry:
        return kind_of(definitions[entry["$ref"].rpartition("/")[2]], definitions)
    if "anyOf" in entry:
        return " or ".join(kind_of(one, definitions) for one in entry["anyOf"] if one.get("type") != "null")
    if "enum" in entry or "const" in entry:
        return " or ".join(f"`{json.dumps(one)}`" for one in entry.get("enum", [entry.get("const")]))
    return _typed(entry, definitions)


def _typed(entry: Mapping[str, Any], definitions: Mapping[str, Any]) -> str:
    found = {key: entry[key] for key in BOUNDS if key in entry}
    bounds = [BOUNDS[key].format(value if isinstance(value, int) else f"{value:g}") for key, value in found.items()]
    if "prefixItems" in entry:
        first, *_ = (kind_of(one, definitions) for one in entry["prefixItems"])
        return f"array of {len(entry['prefixItems'])} {_plural(first)}"
    if entry.get("type") == "array":
        return "; ".join([f"array of {_plural(kind_of(entry['items'], definitions))}", *bounds])
    if entry.get("type") == "object":
        return "; ".join([f"table, each value {kind_of(entry['additionalProperties'], definitions)}", *bounds])
    word = "path" if entry.get("format") == "path" else WORDS.get(entry.get("type", ""), "any value")
    return ", ".join([word, *bounds])


def _plural(words: str) -> str:
    first, comma, rest = words.partition(", ")
    return f"{first}{'s' if first in ('integer', 'number') else ''}{comma}{rest}"


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
