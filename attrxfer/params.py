"""A component's parameters are its annotated, keyword-only constructor: read, checked all at once, filled, built."""

from __future__ import annotations

import functools
import inspect
import json
import types
import typing
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pydantic

from attrxfer.errors import PluginError, Problem, UnknownName, did_you_mean
from attrxfer.interfaces import KINDS
from attrxfer.registry import Component, Registry


@dataclass(frozen=True)
class Spec:
    """A checked component: values are the constructor's arguments, defaults filled in, nested components as Specs."""

    kind: str
    name: str
    component: Component = field(compare=False, repr=False)
    values: Mapping[str, Any]

    def table(self) -> dict[str, Any]:
        """The filled table, as TOML or JSON takes it: ``use`` first; parameters that are None are left out."""
        return {"use": self.name, **plain(self.values)}


def plain(value: Any) -> Any:
    """A value as TOML and JSON take it.

    >>> plain({"layers": (4, 5), "path": Path("a/b"), "none": None})
    {'layers': [4, 5], 'path': 'a/b'}
    """
    if isinstance(value, Spec):
        return value.table()
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items() if item is not None}
    if isinstance(value, tuple | list):
        return [plain(item) for item in value]
    return str(value) if isinstance(value, Path) else value


@dataclass(frozen=True)
class Schema:
    """model: pydantic's reading of the constructor. nested: parameter -> (kind, many) for those filled by components."""

    model: type[pydantic.BaseModel]
    nested: Mapping[str, tuple[str, bool]]


@functools.cache
def schema(cls: type) -> Schema:
    """Read a constructor. Raises PluginError, naming the class, for positional or unannotated parameters."""
    where = f"{cls.__module__}.{cls.__qualname__}"
    parameters = [] if cls.__init__ is object.__init__ else list(inspect.signature(cls.__init__).parameters.values())[1:]  # type: ignore[misc]
    try:
        hints = typing.get_type_hints(cls.__init__, include_extras=True) if parameters else {}  # type: ignore[misc]
    except NameError as error:
        raise PluginError(f"{where}: an annotation of its constructor cannot be resolved: {error}") from None
    fields: dict[str, Any] = {}
    nested: dict[str, tuple[str, bool]] = {}
    for parameter in parameters:
        if parameter.kind is not parameter.KEYWORD_ONLY or parameter.name not in hints:
            raise PluginError(f'{where}: constructor parameter "{parameter.name}" must be keyword-only and annotated')
        default = ... if parameter.default is parameter.empty else parameter.default
        kind = _kind_of(hints[parameter.name])
        if kind is not None:
            nested[parameter.name] = kind
        fields[parameter.name] = (Any if kind is not None else hints[parameter.name], default)
    config = pydantic.ConfigDict(extra="forbid", allow_inf_nan=False, arbitrary_types_allowed=True, protected_namespaces=())
    model = pydantic.create_model(cls.__name__, __config__=config, **fields)
    return Schema(model, nested)


def _kind_of(annotation: Any) -> tuple[str, bool] | None:
    """(kind, many) when an annotation is a kind's Protocol, an optional one, or a tuple of them."""
    for kind, protocol in KINDS.items():
        if annotation is protocol:
            return kind, False
    origin, arguments = typing.get_origin(annotation), typing.get_args(annotation)
    if origin in (typing.Union, types.UnionType):
        found = [_kind_of(argument) for argument in arguments if argument is not types.NoneType]
        return found[0] if len(found) == 1 else None
    if origin is tuple and len(arguments) == 2 and arguments[1] is ...:
        inner = _kind_of(arguments[0])
        return (inner[0], True) if inner is not None else None
    return None


def check(
    kind: str, table: Any, registry: Registry, *, path: str, shared: Mapping[str, Any]
) -> tuple[Spec | None, list[Problem]]:
    """Check a component's table ``{use = NAME, ...}``; every problem at once, or the filled Spec.

    ``shared`` gives values for constructor parameters of the same name that the table does not set.
    """
    if not isinstance(table, Mapping):
        return None, [Problem(path, f"expected a table with use = NAME, found {_show(table)}")]
    name = table.get("use")
    if not isinstance(name, str):
        return None, [Problem(f"{path}.use", f"missing: which {kind}?{did_you_mean('', registry.names(kind))}")]
    if ":" in name:
        return None, [Problem(f"{path}.use", f'"{name}" looks like an import path; recipes hold registered names only')]
    try:
        component = registry.get(kind, name)
    except UnknownName as error:
        return None, [Problem(f"{path}.use", str(error))]
    parameters = {key: value for key, value in table.items() if key != "use"}
    values, problems = check_parameters(component.load(), parameters, registry, path=path, shared=shared)
    return (Spec(kind, name, component, values), []) if not problems else (None, problems)


def check_parameters(
    cls: type, table: Mapping[str, Any], registry: Registry, *, path: str, shared: Mapping[str, Any]
) -> tuple[dict[str, Any], list[Problem]]:
    """Check the parameters of a class (a component's, or a section of the recipe); returns them filled."""
    read = schema(cls)
    known = read.model.model_fields
    given = {**{key: value for key, value in shared.items() if key in known}, **table}
    problems: list[Problem] = []
    nested: dict[str, Any] = {}
    for name, (kind, many) in read.nested.items():
        if given.get(name) is not None and name in table:
            nested[name], found = _check_nested(kind, many, given[name], registry, f"{path}.{name}", shared)
            problems += found
            given[name] = None
    values, found = _validate(read.model, given, path)
    return {**values, **nested}, problems + found


def _check_nested(
    kind: str, many: bool, value: Any, registry: Registry, path: str, shared: Mapping[str, Any]
) -> tuple[Any, list[Problem]]:
    if not many:
        return check(kind, value, registry, path=path, shared=shared)
    if not isinstance(value, list):
        return None, [Problem(path, f"expected an array of tables, found {_show(value)}")]
    checked = [check(kind, item, registry, path=f"{path}[{i}]", shared=shared) for i, item in enumerate(value)]
    return tuple(spec for spec, _ in checked), [problem for _, found in checked for problem in found]


def _validate(model: type[pydantic.BaseModel], given: Mapping[str, Any], path: str) -> tuple[dict[str, Any], list[Problem]]:
    """Strict JSON mode: "yes" is no bool and "2" no int, while arrays become tuples and strings paths."""
    try:
        text = json.dumps(given)
    except TypeError as error:
        return {}, [Problem(path, f"holds a value that JSON does not know: {error}")]
    try:
        filled = model.model_validate_json(text, strict=True)
    except pydantic.ValidationError as errors:
        return {}, [_problem(error, path, list(model.model_fields)) for error in errors.errors()]
    return {name: getattr(filled, name) for name in model.model_fields}, []


def _problem(error: Any, path: str, known: Sequence[str]) -> Problem:
    place = path
    for part in error["loc"]:
        if isinstance(part, int):
            place += f"[{part}]"
        elif str(part).isidentifier():
            place += f".{part}" if place else str(part)
    name = str(error["loc"][0]) if error["loc"] else ""
    if error["type"] == "extra_forbidden":
        return Problem(place, f"unknown key{did_you_mean(name, known)}")
    if error["type"] == "missing":
        return Problem(place, "missing")
    message = error["msg"][0].lower() + error["msg"][1:]
    return Problem(place, f"{message}, found {_show(error['input'])}")


def _show(value: Any) -> str:
    text = json.dumps(plain(value), default=str)
    return text if len(text) <= 60 else text[:57] + "..."


def build(spec: Spec, memo: dict[str, Any]) -> Any:
    """Construct a component, nested ones first; equal specs (same kind, name, values) become one object through ``memo``."""
    key = json.dumps([spec.kind, spec.table()], sort_keys=True)
    if key not in memo:
        arguments = {name: _built(value, memo) for name, value in spec.values.items()}
        memo[key] = spec.component.load()(**arguments)
    return memo[key]


def _built(value: Any, memo: dict[str, Any]) -> Any:
    if isinstance(value, Spec):
        return build(value, memo)
    if isinstance(value, tuple) and any(isinstance(item, Spec) for item in value):
        return tuple(build(item, memo) for item in value)
    return value
