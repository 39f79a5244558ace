"""Reads a component's parameters from its constructor, checks a recipe's table against them, and builds the component."""

from __future__ import annotations

import functools
import inspect
import json
import re
import types
import typing
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pydantic

from attrxfer.errors import InvalidRecipe, PluginError, Problem, UnknownName, did_you_mean, one_line
from attrxfer.interfaces import KINDS, HasComponentDefaults, StatesMissing
from attrxfer.plugin.registry import Component, Registry

TOML_NAMES = {"tuple": "array", "dictionary": "table"}
"""What TOML calls the types that pydantic's messages name."""
OWNED = ("generator", "discriminator")
"""Kinds that belong to the component that names them: an enhancer's network is never T, even if the tables are equal."""


NO_PARAMETERS = ("torch.nn.modules.module", "Module")
"""The class whose constructor a torch module without its own inherits. It is named, so that torch is not imported."""


@dataclass(frozen=True)
class Spec:
    """A checked table of a component.

    Attributes:
        kind: The component's kind.
        name: Its registered name.
        component: The registered component.
        values: The constructor's arguments with defaults filled in; nested components are Specs.
    """

    kind: str
    name: str
    component: Component = field(compare=False, repr=False)
    values: Mapping[str, Any]

    def table(self) -> dict[str, Any]:
        """The filled table for TOML or JSON, ``use`` first, without parameters that are None."""
        return {"use": self.name, **plain(self.values)}


def plain(value: Any) -> Any:
    """Convert a value to types of TOML and JSON.

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
    """The parameters of a constructor.

    Attributes:
        model: A pydantic model of them, with Any for parameters that are components.
        nested: (kind, many) of each parameter that is a component, or a tuple of components where ``many``.
    """

    model: type[pydantic.BaseModel]
    nested: Mapping[str, tuple[str, bool]]


@functools.cache
def schema(cls: type) -> Schema:
    """Read a constructor.

    Raises:
        PluginError: A parameter is positional or unannotated, or has a type that no recipe can hold; the message names the
            class.
    """
    where = f"{cls.__module__}.{cls.__qualname__}"
    fields: dict[str, Any] = {}
    nested: dict[str, tuple[str, bool]] = {}
    for parameter, annotation in _parameters(cls, where):
        default = ... if parameter.default is parameter.empty else parameter.default
        kind = _kind_of(annotation)
        if kind is not None:
            nested[parameter.name] = kind
            annotation = _without_protocols(annotation)
        fields[parameter.name] = (annotation, default)
    config = pydantic.ConfigDict(extra="forbid", allow_inf_nan=False, protected_namespaces=())
    try:
        return Schema(pydantic.create_model(cls.__name__, __config__=config, **fields), nested)
    except (pydantic.errors.PydanticUserError, NameError, TypeError) as error:
        reason = one_line(error).partition(". ")[0]  # the rest is advice for authors of pydantic models
        raise PluginError(f"{where}: no recipe can hold a parameter of its constructor: {reason}") from None


def _parameters(cls: type, where: str) -> list[tuple[inspect.Parameter, Any]]:
    """The constructor's parameters with their resolved annotations."""
    init = cls.__init__  # type: ignore[misc]
    owner = next(base for base in cls.__mro__ if "__init__" in vars(base))
    if owner is object or (owner.__module__, owner.__qualname__) == NO_PARAMETERS:
        return []
    try:
        hints = typing.get_type_hints(init, include_extras=True)
    except NameError as error:
        raise PluginError(f"{where}: an annotation of its constructor cannot be resolved: {error}") from None
    found = []
    for parameter in list(inspect.signature(init).parameters.values())[1:]:
        if parameter.kind is not parameter.KEYWORD_ONLY or parameter.name not in hints:
            raise PluginError(f'{where}: constructor parameter "{parameter.name}" must be keyword-only and annotated')
        found.append((parameter, hints[parameter.name]))
    return found


def _without_protocols(annotation: Any) -> Any:
    """An annotation with Any in place of each component; constraints are kept."""
    if typing.get_origin(annotation) is typing.Annotated:
        inner, *constraints = typing.get_args(annotation)
        return typing.Annotated[(_without_protocols(inner), *constraints)]
    return tuple[Any, ...] if typing.get_origin(annotation) is tuple else Any


def _kind_of(annotation: Any) -> tuple[str, bool] | None:
    """(kind, many) if an annotation is a kind's Protocol, optional or not, or a tuple of them; else None."""
    for kind, protocol in KINDS.items():
        if annotation is protocol:
            return kind, False
    origin, arguments = typing.get_origin(annotation), typing.get_args(annotation)
    if origin is typing.Annotated:
        return _kind_of(arguments[0])
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
    """Check a component's table ``{use = NAME, ...}``.

    Args:
        kind: The component's kind.
        table: The table, as TOML or JSON gives it.
        registry: The registered components.
        path: Where the table is in the recipe ("identity"), for problems.
        shared: Values of parameters of the same name that the table does not set.

    Returns:
        The filled Spec and no problems, or None and all problems.
    """
    if not isinstance(table, Mapping):
        return None, [Problem(path, f"expected a table with use = NAME, found {_show(table)}")]
    name = table.get("use")
    if not isinstance(name, str):
        return None, [Problem(f"{path}.use", f"missing: which {kind}{did_you_mean('', registry.names(kind))}")]
    if ":" in name:
        return None, [Problem(f"{path}.use", f'"{name}" looks like an import path; recipes hold registered names only')]
    try:
        component = registry.get(kind, name)
    except UnknownName as error:
        return None, [Problem(f"{path}.use", str(error))]
    parameters = {key: value for key, value in table.items() if key != "use"}
    values, problems = check_parameters(component.load(), parameters, registry, path=path, shared=shared)
    return (Spec(kind, name, component, values), []) if not problems else (None, problems)


def is_table(text: str) -> bool:
    """Whether a component is written as a table: ``{use = "NAME", setting = value}``."""
    return text.lstrip().startswith("{")


def named(
    kind: str,
    name: str,
    registry: Registry,
    *,
    size: int | None = None,
    settings: Mapping[str, Any] | None = None,
    also: Sequence[str] = (),
) -> Spec:
    """The Spec of a component that a command names.

    Args:
        kind: The component's kind.
        name: The component's name.
        registry: The registered components.
        size: Value of the parameter ``size``, if it has one.
        settings: Its settings; None: those by default.
        also: Other names that the command accepts, for the error's suggestion.

    Raises:
        UnknownName: There is no such component; the message has the nearest name.
        InvalidRecipe: A setting has no default, or is wrong.
    """
    names = registry.names(kind)
    if name not in names:
        raise UnknownName(f'no {kind} "{name}"{did_you_mean(name, [*also, *names])}')
    table = {**(settings or {}), "use": name}
    spec, problems = check(kind, table, registry, path=kind, shared={} if size is None else {"size": size})
    if spec is None:
        raise InvalidRecipe(f"{kind} {name}", problems)
    return spec


def check_parameters(
    cls: type, table: Mapping[str, Any], registry: Registry, *, path: str, shared: Mapping[str, Any]
) -> tuple[dict[str, Any], list[Problem]]:
    """Check the parameters of a class, which is a component or a section of the recipe.

    Components that the table leaves out are those of the ability ``HasComponentDefaults``.

    Returns:
        The parameters with defaults filled in, and all problems.
    """
    read = schema(cls)
    known = read.model.model_fields
    table = {**(cls.component_defaults if isinstance(cls, HasComponentDefaults) else {}), **table}
    inherited = {key: value for key, value in shared.items() if key in known and key not in table}
    problems: list[Problem] = []
    nested: dict[str, Any] = {}
    for name, (kind, many) in read.nested.items():
        if name in table:
            check_value = _check_array if many else check
            nested[name], found = check_value(kind, table[name], registry, path=f"{path}.{name}", shared=shared)
            problems += found
    values, found = _validate(read.model, {**inherited, **table}, path, inherited)
    return {**values, **nested}, problems + found


def _check_array(
    kind: str, tables: Any, registry: Registry, *, path: str, shared: Mapping[str, Any]
) -> tuple[Any, list[Problem]]:
    if not isinstance(tables, list):
        return None, []  # the pydantic model reports it
    checked = [check(kind, item, registry, path=f"{path}[{i}]", shared=shared) for i, item in enumerate(tables)]
    return tuple(spec for spec, _ in checked), [problem for _, found in checked for problem in found]


def _validate(
    model: type[pydantic.BaseModel], given: Mapping[str, Any], path: str, inherited: Collection[str]
) -> tuple[dict[str, Any], list[Problem]]:
    """Validate in strict JSON mode: "yes" is no bool and "2" no int, but arrays become tuples, and strings paths."""
    dates = [key for key, value in given.items() if not _is_json(value)]
    if dates:
        return {}, [Problem(_join(path, key), f"no setting is a date; write {given[key]} in quotes") for key in dates]
    try:
        filled = model.model_validate_json(json.dumps(given), strict=True)
    except pydantic.ValidationError as errors:
        known = list(model.model_fields)
        return {}, [_problem(error, path, given, known, inherited) for error in errors.errors()]
    return {name: getattr(filled, name) for name in model.model_fields}, []


def _is_json(value: Any) -> bool:
    """Whether a value of TOML exists in JSON; only dates and times do not."""
    try:
        json.dumps(value)
    except TypeError:
        return False
    return True


def _join(path: str, key: str) -> str:
    return f"{path}.{key}" if path else key


def _problem(error: Any, path: str, given: Mapping[str, Any], known: Sequence[str], inherited: Collection[str]) -> Problem:
    place = _place(path, error["loc"], given)
    name = str(error["loc"][0]) if error["loc"] else ""
    if error["type"] == "extra_forbidden":
        return Problem(place, f"unknown key{did_you_mean(name, known)}")
    if error["type"] == "missing":
        return Problem(place, "missing")
    message = error["msg"][0].lower() + error["msg"][1:]
    message = re.sub(r"^(tuple|dictionary) (.*) after validation", lambda m: f"{TOML_NAMES[m[1]]} {m[2]}", message)
    origin = " in [train]" if name in inherited else ""
    return Problem(place, f"{message}, found {_show(error['input'])}{origin}")


def _place(path: str, location: Sequence[int | str], given: Any) -> str:
    """Convert pydantic's location to a path, without its labels for members of a union."""
    for part in location:
        if isinstance(part, int):
            path += f"[{part}]"
            given = given[part] if isinstance(given, list) and part < len(given) else None
        elif isinstance(given, Mapping) and (part in given or part == location[-1]):
            path = _join(path, part)
            given = given.get(part)
    return path


def _show(value: Any) -> str:
    text = json.dumps(plain(value), default=str)
    return text if len(text) <= 60 else text[:57] + "..."


def component_key(spec: Spec, place: str = "") -> str:
    """What names a component among those that are built together: equal for equal specs (kind, name, values), but ``place``
    for a nested one of the ``OWNED`` kinds, which is never shared ("" where it has no place of its own)."""
    if spec.kind in OWNED and place:
        return place
    return json.dumps([spec.kind, spec.table()], sort_keys=True)


def build(spec: Spec, built: dict[str, Any] | None = None, key: str = "") -> Any:
    """Construct a component, nested ones first.

    Args:
        spec: The checked component.
        built: Components that were built before, by key; new ones are added. Equal specs become one object.
        key: Names this component instead of ``component_key``.
    """
    built = {} if built is None else built
    key = key or component_key(spec)
    if key not in built:
        arguments = {name: _built(value, built, f"{key}.{name}") for name, value in spec.values.items()}
        built[key] = spec.component.load()(**arguments)
    return built[key]


def _built(value: Any, built: dict[str, Any], place: str) -> Any:
    if isinstance(value, Spec):
        return build(value, built, component_key(value, place))
    if isinstance(value, tuple) and any(isinstance(item, Spec) for item in value):
        return tuple(_built(item, built, f"{place}[{i}]") for i, item in enumerate(value))
    return value


def parts(spec: Spec) -> list[Spec]:
    """The components that a spec names directly."""
    values = [item for value in spec.values.values() for item in (value if isinstance(value, tuple) else (value,))]
    return [item for item in values if isinstance(item, Spec)]


def missing_for(spec: Spec) -> list[str]:
    """What is missing on this machine to build the component itself."""
    component = spec.component.load()
    return list(component.missing(**spec.values)) if isinstance(component, StatesMissing) else []


def all_missing_for(spec: Spec) -> list[str]:
    """The same for the component and those nested in it."""
    return [one for inner in with_nested(spec) for one in missing_for(inner)]


def with_nested(spec: Spec) -> list[Spec]:
    """The spec's own components and theirs, innermost first, then the spec itself."""
    return [*(inner for part in parts(spec) for inner in with_nested(part)), spec]
