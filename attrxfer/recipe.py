"""Recipes: TOML that names components and settings. Nothing is built before all of it is valid."""

from __future__ import annotations

import hashlib
import json
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Annotated, Any, Literal

import tomlkit
from pydantic import Field

from attrxfer.errors import InvalidRecipe, Problem, UnknownName, did_you_mean
from attrxfer.files import is_file_name
from attrxfer.host import Host
from attrxfer.merge import apply_overrides, merge
from attrxfer.params import Spec, check, check_parameters, needs, plain, with_nested
from attrxfer.registry import Registry

SHARED = ("size", "batch", "rate", "betas")
"""Keys of [train] that also fill equally named parameters of stages which their own table does not set; components share
only the first, since a metric's or an enhancer's batch and rate are its own affair."""

ONE = ("generator", "discriminator", "adversarial")
MANY = ("identity", "regularizer", "enhancer", "metric")
PLAIN = ("stages", "reference")
SECTIONS = ("task", "data", "selection", *ONE, *MANY, "train", "report")
Positive = Annotated[int, Field(ge=1)]
Count = Annotated[int, Field(ge=0)]
Beta = Annotated[float, Field(ge=0, lt=1)]
Conditions = dict[str, bool]


@dataclass(frozen=True, kw_only=True)
class Task:
    """[task]: what to transfer.

    name: for people and file names. guided: attributes that results should have, {ATTRIBUTE = true or false}. input:
    attributes of the pictures to transfer; default: all pictures that are not guided. max_inputs: the input set is a
    random choice of this many pictures (the paper's 2,000); 0 takes all.
    """

    name: str
    guided: Annotated[Conditions, Field(min_length=1)]
    input: Annotated[Conditions, Field(min_length=1)] | None = None
    max_inputs: Count = 2000


@dataclass(frozen=True, kw_only=True)
class Train:
    """[train]: what all stages share; [train.STAGE] holds what differs.

    size: side of the pictures in pixels. seed: of everything that is random. batch: pictures a step and process. rate,
    betas: of Adam. precision: accelerate's mixed precision, or "auto": bf16 where the machine has units for it.
    channels_last: memory layout of networks and pictures. flip: mirror pictures at random. checkpoint_every: steps from
    one checkpoint to the next. threads: of the processor, 0 for all. trackers: accelerate's, by name ("tensorboard"),
    beside metrics.jsonl.
    """

    size: Annotated[int, Field(ge=16, le=1024, multiple_of=16)] = 64
    seed: Annotated[int, Field(ge=0, lt=2**32)] = 0
    batch: Positive = 16
    rate: Annotated[float, Field(gt=0)] = 2e-4
    betas: tuple[Beta, Beta] = (0.5, 0.999)
    precision: Literal["auto", "no", "bf16", "fp16"] = "no"
    channels_last: bool = True
    flip: bool = True
    checkpoint_every: Positive = 200
    threads: Count = 0
    trackers: tuple[str, ...] = ()


SETTINGS_OF_TRAIN = tuple(setting.name for setting in fields(Train))


@dataclass(frozen=True, kw_only=True)
class Report:
    """[report]: what is drawn and scored.

    samples_every: steps between sample pictures (0: only at a stage's end). samples: pictures in a sample row. evaluate:
    test pictures that are scored at the end (0: all).
    """

    samples_every: Count = 200
    samples: Positive = 8
    evaluate: Count = 300


@dataclass(frozen=True)
class Recipe:
    """A valid recipe: settings and component specs, all defaults filled in. Recipes are equal whatever file they are from.

    stages: the names that the recipe lists, None when they follow from the components. stage_specs: the [train.STAGE]
    tables it holds. reference: the registered recipe that this one stands for, None where there is none.
    """

    source: str = field(compare=False)
    task: Task
    train: Train
    report: Report
    data: Spec
    selection: Spec | None
    generator: Spec
    discriminator: Spec
    adversarial: Spec
    identity: tuple[Spec, ...]
    regularizer: tuple[Spec, ...]
    enhancer: tuple[Spec, ...]
    metric: tuple[Spec, ...]
    stages: tuple[str, ...] | None
    stage_specs: Mapping[str, Spec]
    reference: str | None
    registry: Registry = field(compare=False, repr=False)

    def stage(self, name: str) -> Spec:
        """The settings of a stage: its [train.STAGE] table, or its defaults. Raises InvalidRecipe when one is missing."""
        if name in self.stage_specs:
            return self.stage_specs[name]
        spec, problems = check("stage", {"use": name}, self.registry, path=f"train.{name}", shared=shared(vars(self.train)))
        if spec is None:
            raise InvalidRecipe(self.source, problems)
        return spec

    def components(self) -> list[Spec]:
        """Every component of a run: those of the tables, nested ones, and those that only its stages name."""
        specs = [self.data, *([self.selection] if self.selection else []), *(getattr(self, kind) for kind in ONE)]
        specs += [spec for kind in MANY for spec in getattr(self, kind)]
        declared = {name for spec in specs for _, name in getattr(spec.component.load(), "stages", ())}
        specs += [spec for name, spec in self.stage_specs.items() if name in (declared if self.stages is None else self.stages)]
        return [inner for spec in specs for inner in with_nested(spec)]

    def needs(self) -> list[str]:
        """What this machine lacks before the recipe can run: files, extras; each with its remedy, none twice."""
        return list(dict.fromkeys(need for spec in self.components() for need in needs(spec)))

    def filled(self) -> dict[str, Any]:
        """The whole recipe as TOML or JSON takes it, defaults included; loading it again gives an equal recipe."""
        table: dict[str, Any] = {} if self.stages is None else {"stages": list(self.stages)}
        if self.reference is not None:
            table["reference"] = self.reference
        table["task"] = plain(vars(self.task))
        table["data"] = self.data.table()
        if self.selection is not None:
            table["selection"] = self.selection.table()
        for kind in ONE:
            table[kind] = getattr(self, kind).table()
        for kind in MANY:
            tables = [spec.table() for spec in getattr(self, kind)]
            table[kind] = tables[0] if len(tables) == 1 else tables
        table["train"] = plain(vars(self.train))
        for name, spec in sorted(self.stage_specs.items()):
            table["train"][name] = plain(spec.values)
        table["report"] = plain(vars(self.report))
        return table

    def to_toml(self) -> str:
        """``filled`` as the text of a recipe file, which opens with its command as every recipe does."""
        opening = f"# attrxfer run recipe.toml        {self.source}, every setting written out\n"
        return opening + tomlkit.dumps(self.filled())

    def digest(self) -> str:
        """Hex sha256 of the filled recipe."""
        return hashlib.sha256(json.dumps(self.filled(), sort_keys=True).encode()).hexdigest()


def differences(table: Mapping[str, Any], other: Mapping[str, Any]) -> list[tuple[str, Any, Any]]:
    """Where two filled recipes differ: (key, value here, value there), None where one has no such key. What names or shows
    a run (task.name, [report], where data lie) is no difference.

    >>> differences({"train": {"size": 64, "batch": 8}}, {"train": {"size": 128, "batch": 8}})
    [('train.size', 64, 128)]
    """
    here, there = dict(_flat(table, ())), dict(_flat(other, ()))
    return [(key, here.get(key), there.get(key)) for key in {**here, **there} if here.get(key) != there.get(key)]


def shown(value: Any) -> str:
    """A setting's value as people read it."""
    return "none" if value is None else json.dumps(value, ensure_ascii=False)


NO_DIFFERENCE = ("reference", "report", "task.name", "data.path")


def _flat(value: Any, path: tuple[str, ...]) -> Iterator[tuple[str, Any]]:
    key = ".".join(path)
    if key in NO_DIFFERENCE:
        return
    if isinstance(value, Mapping) and value and key not in ("task.guided", "task.input"):
        for name, inner in value.items():
            yield from _flat(inner, (*path, name))
    elif isinstance(value, list) and value and all(isinstance(item, Mapping) for item in value):
        for number, item in enumerate(value):
            yield from _flat(item, (*path, str(number)))
    elif value != []:
        yield key, value


def shared(train: Mapping[str, Any]) -> dict[str, Any]:
    """The settings of [train] that stages share, as JSON takes them."""
    return {key: plain(train[key]) for key in SHARED}


def load(source: str | Path, host: Host, overrides: Sequence[str] = (), data: Mapping[str, Any] | None = None) -> Recipe:
    """Read, merge and check a recipe, given by a file's path or a registered name.

    ``data`` is laid over the [data] table as a child's would be, then ``overrides``, texts ``a.b=c``. Raises UnknownName
    for the recipe itself, InvalidRecipe with every problem of its content at once.
    """
    return complete(read(source, host), str(source), host, overrides, data)


def complete(
    table: Mapping[str, Any], source: str, host: Host, overrides: Sequence[str] = (), data: Mapping[str, Any] | None = None
) -> Recipe:
    """Check a merged table, a bundle's for example, after ``data`` and ``overrides`` were laid over it as ``load`` does."""
    if data is not None:
        table = merge(table, {"data": dict(data)}, ())
    table, problems = apply_overrides(table, overrides)
    reference = table.get("reference")
    if isinstance(reference, str) and reference not in host.recipes():
        problems = [*problems, Problem("reference", f'no recipe "{reference}"{did_you_mean(reference, host.recipes())}')]
    return parse(table, host.registry, source, problems)


def read(source: str | Path, host: Host) -> dict[str, Any]:
    """The merged, unchecked table of a recipe and all it extends. Raises InvalidRecipe."""
    return _read(_locate(str(source), None, host), host, ())


def _locate(source: str, beside: Path | None, host: Host) -> Path:
    """A file (also without ``.toml``, also beside the recipe that extends it), else a registered recipe."""
    near = [Path(source)] if beside is None else [beside.parent / source, (beside.parent / source).with_suffix(".toml")]
    for candidate in near:
        if candidate.is_file() and candidate != beside:
            return candidate
    recipes = host.recipes()
    if source in recipes:
        return recipes[source]
    raise UnknownName(f'no recipe "{source}": neither a file nor a registered name{did_you_mean(source, recipes)}')


def _read(path: Path, host: Host, above: tuple[Path, ...]) -> dict[str, Any]:
    if path.resolve() in above:
        chain = " -> ".join(p.name for p in (*above, path))
        raise InvalidRecipe(str(path), [Problem("extends", f"a circle: {chain}")])
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise InvalidRecipe(str(path), [Problem("", f"not TOML: {error}")]) from None
    base = table.pop("extends", None)
    if base is None:
        return table
    if not isinstance(base, str):
        raise InvalidRecipe(str(path), [Problem("extends", "expected the name or path of a recipe")])
    try:
        parent = _read(_locate(base, path, host), host, (*above, path.resolve()))
    except UnknownName as error:
        raise InvalidRecipe(str(path), [Problem("extends", str(error))]) from None
    return merge(parent, table, ())


def parse(table: Mapping[str, Any], registry: Registry, source: str, problems: Sequence[Problem] = ()) -> Recipe:
    """Check a merged table. Raises InvalidRecipe with ``problems`` and every further one."""
    found = list(problems)
    found += [
        Problem(key, f"unknown section{did_you_mean(key, (*SECTIONS, *PLAIN, 'extends'))}")
        for key in table
        if key not in (*SECTIONS, *PLAIN)
    ]
    train_table = table.get("train", {})
    nested = _stage_tables(train_table)
    sections = {
        "task": _section(Task, table.get("task", {}), registry, "task", found),
        "train": _train(train_table, nested, registry, found),
        "report": _section(Report, table.get("report", {}), registry, "report", found),
    }
    settings = shared({**vars(Train()), **(vars(sections["train"]) if sections["train"] else {})})
    parts = _components(table, registry, {"size": settings["size"]}, found)
    specs = _stage_specs(nested, registry, settings, found)
    stages = _stages(table.get("stages"), registry, found)
    reference = table.get("reference")
    if not isinstance(reference, str | None):
        found.append(Problem("reference", "expected the name of a recipe"))
    if sections["task"] and not is_file_name(sections["task"].name):
        found.append(Problem("task.name", "is part of file names: no slashes, no line breaks, and not empty"))
    if found:
        raise InvalidRecipe(source, found)
    return Recipe(source=source, stages=stages, stage_specs=specs, reference=reference, registry=registry, **sections, **parts)


def _stage_tables(train: Any) -> dict[str, Any]:
    """The tables of [train] that are not one of its own settings: they should be stages'."""
    if not isinstance(train, dict):
        return {}
    return {key: value for key, value in train.items() if isinstance(value, dict) and key not in SETTINGS_OF_TRAIN}


def _section(cls: type, table: Any, registry: Registry, path: str, found: list[Problem]) -> Any:
    if not isinstance(table, dict):
        found.append(Problem(path, "expected a table"))
        return None
    values, problems = check_parameters(cls, table, registry, path=path, shared={})
    found += problems
    return None if problems else cls(**values)


def _train(table: Any, nested: Mapping[str, Any], registry: Registry, found: list[Problem]) -> Any:
    if not isinstance(table, dict):
        return _section(Train, table, registry, "train", found)
    return _section(Train, {k: v for k, v in table.items() if k not in nested}, registry, "train", found)


def _components(
    table: Mapping[str, Any], registry: Registry, settings: Mapping[str, Any], found: list[Problem]
) -> dict[str, Any]:
    def one(kind: str, key: str) -> Spec | None:
        spec, problems = check(kind, table.get(key, {}), registry, path=key, shared=settings)
        found.extend(problems)
        return spec

    parts: dict[str, Any] = {"data": one("dataset", "data")}
    parts["selection"] = one("selection", "selection") if table.get("selection", []) != [] else None
    for kind in ONE:
        parts[kind] = one(kind, kind)
    for kind in MANY:
        tables = table.get(kind, [])
        if isinstance(tables, list):
            checked = [check(kind, t, registry, path=f"{kind}[{i}]", shared=settings) for i, t in enumerate(tables)]
        else:
            checked = [check(kind, tables, registry, path=kind, shared=settings)]
        parts[kind] = tuple(spec for spec, _ in checked)
        found.extend(problem for _, problems in checked for problem in problems)
    return parts


def _stage_specs(
    nested: Mapping[str, Any], registry: Registry, settings: Mapping[str, Any], found: list[Problem]
) -> dict[str, Spec]:
    """The checked [train.STAGE] tables; one for a stage that this run does not have is checked all the same."""
    specs: dict[str, Spec] = {}
    known = (*registry.names("stage"), *SETTINGS_OF_TRAIN)
    for name, table in nested.items():
        path = f"train.{name}"
        if name not in registry.names("stage"):
            found.append(Problem(path, f"no such stage or setting{did_you_mean(name, known)}"))
            continue
        if "use" in table:
            found.append(Problem(f"{path}.use", "the stage is named by the table itself; remove this line"))
        spec, problems = check("stage", {**table, "use": name}, registry, path=path, shared=settings)
        found += problems
        if spec is not None:
            specs[name] = spec
    return specs


def _stages(names: Any, registry: Registry, found: list[Problem]) -> tuple[str, ...] | None:
    if names is None:
        return None
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        found.append(Problem("stages", "expected an array of stage names"))
        return None
    known = registry.names("stage")
    for i, name in enumerate(names):
        if name not in known:
            found.append(Problem(f"stages[{i}]", f'no stage "{name}"{did_you_mean(name, known)}'))
    return tuple(names)
