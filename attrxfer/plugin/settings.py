"""A component's settings as text: form, bounds and default of each."""

from __future__ import annotations

import json
import types
import typing
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from attrxfer.plugin.parameters import plain, schema

NAMES = {int: "int", float: "float", bool: "true or false", str: "text", Path: "path", types.NoneType: "none", Any: "anything"}
SIGNS = {"ge": ">=", "gt": ">", "le": "<=", "lt": "<", "multiple_of": "a multiple of"}
LENGTHS = {"min_length": "at least", "max_length": "at most"}


class Setting(NamedTuple):
    """A setting as text.

    Attributes:
        name: The parameter's name.
        form: Its type: "int", "list of float", "a features table".
        bounds: Its bounds; "" without any.
        default: As TOML writes it; "none" for None, "required" without a default.
    """

    name: str
    form: str
    bounds: str
    default: str


def settings(cls: type) -> list[Setting]:
    """The settings of a component's class, in the order of its constructor.

    Raises:
        PluginError: A parameter has a type that no recipe can hold.
    """
    read = schema(cls)
    rows = []
    for name, field in read.model.model_fields.items():
        bounds = ", ".join(_bounds(field.metadata))
        if name in read.nested:
            kind, many = read.nested[name]
            form = f"list of {kind} tables" if many else f"a {kind} table"
        else:
            form = _form(field.annotation)
        rows.append(Setting(name, form, bounds, "required" if field.is_required() else _toml(field.default)))
    return rows


def _form(annotation: Any) -> str:
    origin, arguments = typing.get_origin(annotation), typing.get_args(annotation)
    if origin is typing.Annotated:
        bounds = ", ".join(bound for extra in arguments[1:] for bound in _bounds(getattr(extra, "metadata", [extra])))
        return f"{_form(arguments[0])} {bounds}".rstrip()
    if origin is typing.Literal:
        return " | ".join(_toml(value) for value in arguments)
    if origin in (typing.Union, types.UnionType):
        return " or ".join(_form(argument) for argument in arguments if argument is not types.NoneType)
    if origin in (tuple, list):
        return f"list of {_form(arguments[0])}" if arguments[-1] is ... or origin is list else _sequence(arguments)
    if origin is not None and issubclass(origin, Mapping):
        return f"table of {_form(arguments[-1])}"
    return NAMES.get(annotation, getattr(annotation, "__name__", str(annotation)))


def _sequence(arguments: Iterable[Any]) -> str:
    return f"[{', '.join(_form(argument) for argument in arguments)}]"


def _bounds(metadata: Iterable[Any]) -> Iterable[str]:
    for bound in metadata:
        yield from (f"{sign} {getattr(bound, name)}" for name, sign in SIGNS.items() if hasattr(bound, name))
        yield from (f"{words} {getattr(bound, name)} of them" for name, words in LENGTHS.items() if hasattr(bound, name))


def _toml(value: Any) -> str:
    return "none" if value is None else json.dumps(plain(value), ensure_ascii=False)
