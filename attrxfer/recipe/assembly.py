"""The components of a recipe, each built once; the stages that they bring, and the networks that they hold."""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from attrxfer.data import CachedDataset, Sets, check_task, make_sets, open_data
from attrxfer.errors import DataError
from attrxfer.interfaces import SLOTS, BringsStages, ChecksData, Metric, ReadsAttributes, Stage
from attrxfer.plugin.parameters import OWNED, Spec, build, component_key, missing_for, parts
from attrxfer.recipe.schema import MANY, ONE, Recipe

if TYPE_CHECKING:
    from torch import nn


@dataclass(frozen=True)
class Placed:
    """A component at its place in a recipe.

    Attributes:
        key: Equal for components that are one object.
        path: Where the recipe names it first: "identity[0].network".
        spec: Its checked settings.
    """

    key: str
    path: str
    spec: Spec


@dataclass(frozen=True)
class PlannedStage:
    """A stage of a run.

    Attributes:
        key: Unique in the run; it names the stage in metrics and seeds its batches.
        name: The registered stage.
        slot: When it runs; None where only the recipe's list of stages names it.
        owner: Key of the component that brings it; None where only the recipe's list of stages names it.
    """

    key: str
    name: str
    slot: str | None
    owner: str | None


class Assembly:
    """The components, stages and networks of a recipe.

    A component is built when it is first asked for: ``build_training`` builds what a run trains with, ``open_data`` the data
    set, ``metrics`` the metrics.

    Args:
        recipe: The recipe.

    Attributes:
        stages: The stages of a run, in their order.
    """

    def __init__(self, recipe: Recipe) -> None:
        self.recipe = recipe
        self._built: dict[str, Any] = {}
        self.stages = self._plan()

    def __repr__(self) -> str:
        stages = ", ".join(stage.key for stage in self.stages)
        return f"Assembly({self.recipe.source!r}, {len(self._built)} components built, stages {stages})"

    # ------------------------------------------------------------ which components, which stages

    def components(self) -> list[Placed]:
        """Every component of a run, each once, nested ones before those that hold them: data, selection, networks and
        losses, metrics, then what only stages name."""
        found = [*self._trained(), *self._of_tables("metric")]
        for stage in self.stages:
            found += _placed(self.recipe.stage(stage.name), f"train.{stage.name}", stage.key)
        return _once(found)

    def missing(self) -> list[str]:
        """The files and extras that are missing on this machine to run the recipe, each with its remedy, none twice."""
        return list(dict.fromkeys(one for place in self.components() for one in missing_for(place.spec)))

    def _trained(self) -> list[Placed]:
        recipe = self.recipe
        found = [*_placed(recipe.data, "data"), *(_placed(recipe.selection, "selection") if recipe.selection else ())]
        for kind in (*ONE, *(kind for kind in MANY if kind != "metric")):
            found += self._of_tables(kind)
        return _once(found)

    def _of_tables(self, kind: str) -> Iterator[Placed]:
        specs = self.recipe.specs[kind]
        for number, spec in enumerate(specs):
            yield from _placed(spec, kind if len(specs) == 1 else f"{kind}[{number}]")

    def _of_stage(self, stage: PlannedStage) -> Iterator[Placed]:
        """The components that a stage's own settings name."""
        for place in _placed(self.recipe.stage(stage.name), f"train.{stage.name}", stage.key):
            if place.spec.kind != "stage":
                yield place

    def _plan(self) -> tuple[PlannedStage, ...]:
        """The stages that the components bring, sorted by slot; or those that the recipe lists, in its order. A component that
        only a stage names may bring stages too."""
        known = self._trained()
        while True:
            stages = self._ordered(known)
            more = [place for stage in stages for place in self._of_stage(stage)]
            grown = _once([*known, *more])
            if len(grown) == len(known):
                return stages
            known = grown

    def _ordered(self, places: list[Placed]) -> tuple[PlannedStage, ...]:
        brought: list[tuple[str, str, str]] = []
        for place in places:
            component = place.spec.component.load()
            if isinstance(component, BringsStages):
                brought += [(slot, name, place.key) for slot, name in component.stages]
        brought.sort(key=lambda item: SLOTS.index(item[0]))
        chosen: list[tuple[str | None, str, str | None]] = [*brought]
        if self.recipe.stages is not None:
            chosen = []
            for name in self.recipe.stages:
                chosen += [item for item in brought if item[1] == name] or [(None, name, None)]
        count: dict[str, int] = {}
        stages = []
        for slot, name, owner in chosen:
            count[name] = count.get(name, 0) + 1
            stages.append(PlannedStage(name if count[name] == 1 else f"{name}_{count[name]}", name, slot, owner))
        return tuple(stages)

    # ------------------------------------------------------------ built components

    def build(self, spec: Spec, key: str = "") -> Any:
        """The component of a spec, built now or before."""
        return build(spec, self._built, key)

    def built(self, place: Placed) -> Any:
        """The component at a place, None before it was built."""
        return self._built.get(place.key)

    def one(self, kind: str) -> Any:
        """The generator, discriminator or adversarial component."""
        return self.build(self.recipe.specs[kind][0])

    def many(self, kind: str) -> tuple[Any, ...]:
        """The identity losses, regularizers or enhancers, in the recipe's order."""
        return tuple(self.build(spec) for spec in self.recipe.specs[kind])

    def build_training(self) -> None:
        """Build all that a run trains with, stages included, from the recipe's seed."""
        import torch

        torch.manual_seed(self.recipe.train.seed)
        for kind in ONE:
            self.one(kind)
        for kind in MANY:
            if kind != "metric":
                self.many(kind)
        for stage in self.stages:
            for part in parts(self.recipe.stage(stage.name)):
                if part.kind not in OWNED:  # those are built with their stage
                    self.build(part)
        for stage in self.stages:
            self.seed(stage)
            self.stage(stage)

    def seed(self, stage: PlannedStage) -> None:
        """Seed torch for a stage, so that its own networks begin the same whatever else the recipe builds."""
        import torch

        torch.manual_seed(zlib.crc32(f"{self.recipe.train.seed}/{stage.key}".encode()))

    def stage(self, stage: PlannedStage) -> Stage:
        """The stage itself."""
        made: Stage = self.build(self.recipe.stage(stage.name), stage.key)
        return made

    def forget(self, stage: PlannedStage) -> None:
        """Let go of a stage that is done, with its optimizers and what else it keeps in memory."""
        self._built.pop(stage.key, None)

    def owner(self, stage: PlannedStage) -> Any:
        """The component that brings a stage; None for a stage that only the recipe's own list names."""
        return None if stage.owner is None else self._built[stage.owner]

    def metrics(self, data: CachedDataset) -> list[Metric]:
        """The recipe's metrics. Raises DataError where one of them, or a part of one, cannot use these data."""
        made = [self.build(spec) for spec in self.recipe.metric]
        for place in self._of_tables("metric"):
            _check_data(self._built[place.key], data)
        return made

    def check_data(self, data: CachedDataset) -> None:
        """Let every component that was built check the data. Raises DataError."""
        for component in self._built.values():
            _check_data(component, data)

    def networks(self) -> dict[str, nn.Module]:
        """Every torch module that a component is, or holds as an attribute, and that is no part of another one. The keys are
        the same whenever the recipe is."""
        from torch import nn

        modules: dict[str, nn.Module] = {}
        for key, component in self._built.items():
            if isinstance(component, nn.Module):
                modules[key] = component
            else:
                modules |= {f"{key}.{name}": module for name, module in _held(component)}
        inner = {id(part) for module in modules.values() for part in module.modules() if part is not module}
        first = {id(module): key for key, module in reversed(modules.items())}
        return {key: modules[key] for key in modules if first[id(modules[key])] == key and id(modules[key]) not in inner}

    # ------------------------------------------------------------ data

    def open_data(self, *, training: bool = False) -> tuple[CachedDataset, Sets]:
        """The opened data of the recipe, and the sets of its task.

        Args:
            training: Whether the attributes that any component reads must be there, or only those of the task and the metrics.

        Raises:
            DataError: The data cannot be used. Unknown attributes, of all components at once, and empty sets are found before
                any image is decoded.
        """
        recipe, task = self.recipe, self.recipe.task
        side = recipe.data.values.get("size", recipe.train.size)
        if side != recipe.train.size:  # a recipe that is written out in full names both
            raise DataError(f"data.size is {side}, but train.size is {recipe.train.size}: set both, to the same")
        dataset = self.build(recipe.data)
        selection = self.build(recipe.selection) if recipe.selection else None
        records = dataset.records()
        places = self.components() if training else self._of_tables("metric")
        check_task(records, task.guided, task.input, selection, {place.path: _attributes_read(place.spec) for place in places})
        data = open_data(dataset, selection=selection, size=recipe.train.size, records=records)
        return data, make_sets(data, task.guided, task.input, task.max_inputs, recipe.train.seed, max_guided=task.max_guided)


def _once(places: list[Placed]) -> list[Placed]:
    """Each component where it is named first."""
    first: dict[str, Placed] = {}
    for place in places:
        first.setdefault(place.key, place)
    return list(first.values())


def _placed(spec: Spec, path: str, key: str = "") -> Iterator[Placed]:
    """A spec's nested components, innermost first, then itself."""
    own = key or component_key(spec)
    for name, value in spec.values.items():
        items = value if isinstance(value, tuple) else (value,)
        for number, item in enumerate(items):
            if isinstance(item, Spec):
                place = name if not isinstance(value, tuple) else f"{name}[{number}]"
                yield from _placed(item, f"{path}.{place}", component_key(item, f"{own}.{place}"))
    yield Placed(own, path, spec)


def _check_data(component: Any, data: CachedDataset) -> None:
    if isinstance(component, ChecksData):
        component.check_data(data)


def _attributes_read(spec: Spec) -> Sequence[str]:
    """Names of the attributes that the component itself reads."""
    component = spec.component.load()
    return component.attributes_read(**spec.values) if isinstance(component, ReadsAttributes) else ()


def _held(component: Any) -> Iterator[tuple[str, nn.Module]]:
    """The torch modules among an object's attributes, also inside lists, tuples and dicts there."""
    from torch import nn

    try:
        attributes = vars(component)
    except TypeError:  # a class with __slots__
        return
    for name, value in attributes.items():
        if isinstance(value, nn.Module):
            yield name, value
        elif isinstance(value, list | tuple):
            yield from ((f"{name}.{i}", item) for i, item in enumerate(value) if isinstance(item, nn.Module))
        elif isinstance(value, Mapping):
            yield from ((f"{name}.{key}", item) for key, item in value.items() if isinstance(item, nn.Module))
