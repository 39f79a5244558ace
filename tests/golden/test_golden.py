"""What others rely on, written down: names of components, recipe keys, the Python API, the JSON schema of recipes.

A change of it shows in a commit's difference. Renew the files with ``pytest tests/golden --renew``.
"""

from __future__ import annotations

import inspect
import json
import re
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import attrxfer
from attrxfer import interfaces
from attrxfer.plugin.host import Host
from attrxfer.recipe import load
from attrxfer.recipe.json_schema import json_schema
from tests.golden.conftest import Golden

HERE = Path(__file__).parent
SCHEMA = HERE.parents[1] / "docs" / "recipe.schema.json"


def test_components(host: Host, golden: Golden) -> None:
    golden(HERE / "components.txt", "".join(f"{one.kind} {one.name}\n" for one in host.registry.all()))


def test_recipe_keys(host: Host, golden: Golden) -> None:
    found = {key for name in host.recipes() for key in keys(load(name, host).filled(), "")}
    golden(HERE / "recipe_keys.txt", "".join(f"{key}\n" for key in sorted(found)))


def test_python_api(golden: Golden) -> None:
    golden(HERE / "python_api.txt", "".join(f"{line}\n" for module in (attrxfer, interfaces) for line in public(module)))


def test_json_schema(host: Host, golden: Golden) -> None:
    golden(SCHEMA, json.dumps(json_schema(host.registry), indent=2) + "\n")


def keys(value: Any, place: str) -> Iterator[str]:
    """The keys of a filled recipe; a component's carry its name: "identity[adaptive].weight"."""
    if isinstance(value, list) and value and isinstance(value[0], dict):
        for item in value:
            yield from keys(item, place)
    elif isinstance(value, dict) and place not in ("task.guided", "task.input"):
        if "use" in value:
            place = f"{place}[{value['use']}]"
            yield place
        for key, inner in value.items():
            if key != "use":
                yield from keys(inner, f"{place}.{key}".lstrip("."))
    else:
        yield place


def public(module: ModuleType) -> Iterator[str]:
    """The signature of each public name, and of each public member of a class."""
    for name in sorted(module.__all__):
        thing = getattr(module, name)
        full = f"{module.__name__}.{name}"
        if inspect.isclass(thing):
            yield f"class {full}"
            yield from members(thing)
        elif inspect.isroutine(thing):
            yield f"{full}{signature(thing)}"
        else:
            yield f"{full} = {sorted(thing) if isinstance(thing, dict) else thing}"


def members(cls: type) -> Iterator[str]:
    """The annotated attributes, properties and methods that a class itself has."""
    annotations = inspect.get_annotations(cls)
    for name, annotation in annotations.items():
        yield f"  {name}: {getattr(annotation, '__forward_arg__', annotation)}"
    for name, value in vars(cls).items():
        if name in annotations or (name.startswith("_") and name != "__call__"):
            continue
        if isinstance(value, property):
            yield f"  {name}: {signature(value.fget).removeprefix('(self) -> ')}"
        elif isinstance(value, staticmethod | classmethod):
            yield f"  {name}{signature(value.__func__)}"
        elif inspect.isfunction(value):
            yield f"  {name}{signature(value)}"


def signature(thing: Any) -> str:
    """A signature without quotes round its annotations."""
    return re.sub(r"""(: |-> )(['"])(.*?)\2""", r"\1\3", str(inspect.signature(thing)))
