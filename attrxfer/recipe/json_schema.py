"""The JSON schema of recipes, by which editors complete and check them while they are written.

A file that extends another one may leave out anything, so the schema requires little: it refuses unknown keys, names and
values of a wrong type or outside their bounds. ``attrxfer recipe check`` decides whether a recipe is valid.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from attrxfer.plugin.docstrings import parameters
from attrxfer.plugin.parameters import schema
from attrxfer.plugin.registry import Component, Registry
from attrxfer.recipe.schema import FORMAT, MANY, ONE, Report, Task, Train

DRAFT = "http://json-schema.org/draft-07/schema#"
"""The newest draft that editors of TOML read."""
Node = dict[str, Any]


def json_schema(registry: Registry) -> Node:
    """The schema of a recipe's file, for the components that are registered.

    Raises:
        PluginError: A component cannot be imported.
    """
    definitions = _Definitions(registry)
    stages = registry.names("stage")
    train = _table(Train, definitions)
    train["properties"] |= {name: {"$ref": f"#/definitions/train.{name}"} for name in stages}
    sections: Node = {
        "extends": {"type": "string", "description": "The recipe that this one is laid over: a registered name or a file."},
        "format": {"const": FORMAT, "description": "Format of the recipe; 2 where it is left out."},
        "reference": {"type": "string", "description": "The registered recipe that this one is compared with."},
        "with_data": {"type": "string", "description": "The registered recipe that replaces this one with data of the user's."},
        "stages": {
            "type": "array",
            "items": {"enum": stages},
            "description": "The stages to run, in this order. Without it they follow from the components.",
        },
        "task": _table(Task, definitions),
        "data": definitions.kind("dataset"),
        "selection": {"anyOf": [definitions.kind("selection"), {"type": "array", "maxItems": 0}]},
        **{kind: definitions.kind(kind) for kind in ONE},
        **{kind: {"anyOf": [definitions.kind(kind), _array(definitions.kind(kind))]} for kind in MANY},
        "train": train,
        "report": _table(Report, definitions),
    }
    for name in stages:
        definitions.nodes[f"train.{name}"] = definitions.component(registry.get("stage", name), use=False)
    return {
        "$schema": DRAFT,
        "title": "attrxfer recipe",
        "type": "object",
        "properties": sections,
        "additionalProperties": False,
        "anyOf": [{"required": ["extends"]}, {"required": ["task", "data", *ONE]}],
        "definitions": dict(sorted(definitions.nodes.items())),
    }


class _Definitions:
    """The definitions of kinds and components, each written when it is first referred to."""

    def __init__(self, registry: Registry) -> None:
        self.registry = registry
        self.nodes: Node = {}

    def kind(self, kind: str) -> Node:
        """A reference to the table of a component of this kind."""
        if kind not in self.nodes:
            self.nodes[kind] = {}  # a component may hold one of its own kind
            tables = []
            names: dict[str, Node] = {}
            for component in self.registry.all(kind):
                key = f"{kind}.{component.name}"
                self.nodes[key] = self.component(component, use=True)
                names |= {name: {} for name in self.nodes[key]["properties"]}
                tables.append({"$ref": f"#/definitions/{key}"})
            names.pop("use", None)
            laid_over = {"type": "object", "not": {"required": ["use"]}, "properties": names, "additionalProperties": False}
            self.nodes[kind] = {"anyOf": [*tables, laid_over]}
        return {"$ref": f"#/definitions/{kind}"}

    def component(self, component: Component, *, use: bool) -> Node:
        """The table of a component, which names it by ``use``, or of a stage, which its place names."""
        table = _table(component.load(), self)
        table["description"] = component.summary
        if use:
            table["properties"] = {"use": {"enum": [component.name]}, **table["properties"]}
            table["required"] = ["use"]
        return table


def _table(cls: type, definitions: _Definitions) -> Node:
    """The table that sets the parameters of a class."""
    read = schema(cls)
    described = parameters(cls)
    properties: Node = {}
    for name, node in read.model.model_json_schema().get("properties", {}).items():
        own = _plain(node)
        if name in read.nested:
            kind, many = read.nested[name]
            bounds: Node = {key: own[key] for key in ("minItems", "maxItems") if key in own}
            own = {**_array(definitions.kind(kind)), **bounds} if many else definitions.kind(kind)
        if name in described:
            own = {"description": described[name], **({"allOf": [own]} if "$ref" in own else own)}
        properties[name] = own
    return {"type": "object", "properties": properties, "additionalProperties": False}


def _array(items: Node) -> Node:
    return {"type": "array", "items": items}


def _plain(node: Mapping[str, Any]) -> Node:
    """A node of pydantic's schema in draft 7, without titles, and without null, which TOML does not have."""
    plain: Node = {}
    for key, value in node.items():
        if key == "title" or (key == "default" and value is None):
            continue
        if key == "anyOf":
            choices = [_plain(choice) for choice in value if choice != {"type": "null"}]
            plain |= choices[0] if len(choices) == 1 else {"anyOf": choices}
        elif key == "prefixItems":
            plain["items"] = [_plain(item) for item in value]
        elif key == "const":
            plain["enum"] = [value]
        else:
            plain[key] = _plain(value) if isinstance(value, Mapping) else value
    return plain
