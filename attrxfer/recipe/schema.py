"""Recipes: TOML that names components and settings. Nothing is built before all of it is valid."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Annotated, Any, Literal

import tomlkit
from pydantic import Field

from attrxfer.errors import InvalidRecipe
from attrxfer.plugin.parameters import Spec, check, plain
from attrxfer.plugin.registry import Registry

SHARED = ("size", "batch_size", "lr", "betas")
"""Keys of [train] that also fill equally named parameters of stages which their own table does not set; components share
only ``size``, because the batch size and the lr of a metric or an enhancer are not those of the training."""

ONE = ("generator", "discriminator", "adversarial")
MANY = ("identity", "regularizer", "enhancer", "metric")
PLAIN = ("format", "stages", "reference")
FORMAT = 2
"""The format of recipes. A recipe that states none is read as this one; a filled recipe states it."""
RENAMED = {"rate": "lr", "batch": "batch_size"}
"""Settings of format 1, with their names now."""
SECTIONS = ("task", "data", "selection", *ONE, *MANY, "train", "report")
Positive = Annotated[int, Field(ge=1)]
Count = Annotated[int, Field(ge=0)]
Beta = Annotated[float, Field(ge=0, lt=1)]
Conditions = dict[str, bool]


@dataclass(frozen=True, kw_only=True)
class Task:
    """[task]: what to transfer.

    Attributes:
        name: Names the task in reports and file names.
        guided: Attributes that results should have: {ATTRIBUTE = true or false}.
        input: Attributes of the images to transfer; without it all images that are not guided.
        max_inputs: Size of the input set, a random choice of images (the paper's 2,000); 0 takes all.
        max_guided: Size of the guided set, a random choice of images; 0 takes all.
    """

    name: str
    guided: Annotated[Conditions, Field(min_length=1)]
    input: Annotated[Conditions, Field(min_length=1)] | None = None
    max_inputs: Count = 2000
    max_guided: Count = 0


@dataclass(frozen=True, kw_only=True)
class Train:
    """[train]: what all stages share; [train.STAGE] holds what differs.

    Attributes:
        size: Side of the images in pixels.
        start: A model whose generator's weights T starts with: a bundle, a finished run, or a shipped model's name; "" for
            none. The images may have another size than the model's. D starts anew.
        seed: Seed of all random numbers.
        batch_size: Images in a step, for each process.
        lr: Learning rate.
        betas: Adam's two decay rates. For "rmsprop" and "sgd" the first is the momentum; for "rmsprop" the second is the
            decay of the squared gradients.
        optimizer: What all stages train with: "adam", "rmsprop" or "sgd".
        precision: accelerate's mixed precision, or "auto": bf16 where the machine computes in it natively.
        deterministic: Whether torch takes algorithms that give the same bits each time, which are slower; on a GPU a resumed
            run ends with bitwise the same weights only with them. torch warns of operations that have none.
        channels_last: Whether networks and images lie in memory as NHWC.
        flip: Whether images are mirrored at random.
        checkpoint_every: Steps from one checkpoint to the next.
        threads: Processor threads that torch uses; 0 for all.
        trackers: accelerate's trackers by name ("tensorboard"), beside metrics.jsonl.
    """

    size: Annotated[int, Field(ge=16, le=1024, multiple_of=16)] = 64
    start: str = ""
    seed: Annotated[int, Field(ge=0, lt=2**32)] = 0
    batch_size: Positive = 16
    lr: Annotated[float, Field(gt=0)] = 2e-4
    betas: tuple[Beta, Beta] = (0.5, 0.999)
    optimizer: Literal["adam", "rmsprop", "sgd"] = "adam"
    precision: Literal["auto", "no", "bf16", "fp16"] = "no"
    deterministic: bool = False
    channels_last: bool = True
    flip: bool = True
    checkpoint_every: Positive = 200
    threads: Count = 0
    trackers: tuple[str, ...] = ()


SETTINGS_OF_TRAIN = tuple(setting.name for setting in fields(Train))


@dataclass(frozen=True, kw_only=True)
class Report:
    """[report]: what is drawn and scored.

    Attributes:
        samples_every: Steps from one row of sample images to the next; 0 draws one at a stage's end only.
        samples: Images in a row.
        evaluate: Test images that are scored at the end; 0 scores all.
    """

    samples_every: Count = 200
    samples: Positive = 8
    evaluate: Count = 300


@dataclass(frozen=True, repr=False)
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

    def __repr__(self) -> str:
        guided = ", ".join(f"{name} = {str(value).lower()}" for name, value in self.task.guided.items())
        named = {"data": (self.data,)} | {
            kind: specs for kind, specs in self.specs.items() if kind not in ("discriminator", "adversarial", "metric")
        }
        parts = [f"{kind} {' + '.join(spec.name for spec in specs)}" for kind, specs in named.items() if specs]
        return f"Recipe({self.source!r}, {self.task.name}: {guided}; {', '.join(parts)}; {self.train.size} px)"

    @classmethod
    def load(cls, source: str | Path, *overrides: str, data: str | Path | None = None) -> Recipe:
        """Read and check a recipe, with the plugins of this process.

        Args:
            source: A file, or a registered name.
            overrides: Settings "a.b=c" that change the recipe.
            data: Images to train on instead of the recipe's.

        Raises:
            AttrxferError: There is no such recipe, no data set reads the images, or the recipe is invalid.
        """
        from attrxfer.data import data_table
        from attrxfer.plugin.host import load as load_host
        from attrxfer.recipe.loading import load

        host = load_host()
        return load(source, host, overrides, None if data is None else data_table(Path(data), host.registry.all("dataset")))

    @property
    def specs(self) -> dict[str, tuple[Spec, ...]]:
        """The components of each kind in ``ONE`` and ``MANY``, in the recipe's order."""
        one = {"generator": (self.generator,), "discriminator": (self.discriminator,), "adversarial": (self.adversarial,)}
        return one | {
            "identity": self.identity,
            "regularizer": self.regularizer,
            "enhancer": self.enhancer,
            "metric": self.metric,
        }

    def stage(self, name: str) -> Spec:
        """The settings of a stage: its [train.STAGE] table, or its defaults. Raises InvalidRecipe when one is missing."""
        if name in self.stage_specs:
            return self.stage_specs[name]
        spec, problems = check("stage", {"use": name}, self.registry, path=f"train.{name}", shared=shared(vars(self.train)))
        if spec is None:
            raise InvalidRecipe(self.source, problems)
        return spec

    def filled(self) -> dict[str, Any]:
        """The whole recipe as TOML or JSON takes it, defaults included; loading it again gives an equal recipe."""
        table: dict[str, Any] = {"format": FORMAT}
        if self.stages is not None:
            table["stages"] = list(self.stages)
        if self.reference is not None:
            table["reference"] = self.reference
        table["task"] = plain(vars(self.task))
        table["data"] = self.data.table()
        if self.selection is not None:
            table["selection"] = self.selection.table()
        for kind, specs in self.specs.items():
            tables = [spec.table() for spec in specs]
            table[kind] = tables[0] if len(tables) == 1 else tables
        table["train"] = plain(vars(self.train))
        for name, spec in sorted(self.stage_specs.items()):
            table["train"][name] = plain(spec.values)
        table["report"] = plain(vars(self.report))
        return table

    def with_absolute_paths(self) -> Recipe:
        """The same recipe, whose paths mean the same in every folder."""
        changed = {part.name: _absolute(getattr(self, part.name)) for part in fields(self) if part.init}
        start = Path(self.train.start)
        if self.train.start and start.exists():  # else it is a shipped model's name
            changed["train"] = replace(self.train, start=str(start.absolute()))
        return replace(self, **changed)

    def to_toml(self) -> str:
        """``filled`` as the text of a recipe file, which opens with its command as every recipe does."""
        opening = f"# attrxfer run recipe.toml        {self.source}, every setting written out\n"
        return opening + tomlkit.dumps(self.filled())

    def digest(self) -> str:
        """Hex sha256 of the filled recipe."""
        return hashlib.sha256(json.dumps(self.filled(), sort_keys=True).encode()).hexdigest()


def _absolute(value: Any) -> Any:
    """A value of a recipe with all its paths absolute."""
    if isinstance(value, Spec):
        return replace(value, values={key: _absolute(inner) for key, inner in value.values.items()})
    if isinstance(value, Mapping):
        return {key: _absolute(inner) for key, inner in value.items()}
    if isinstance(value, tuple):
        return tuple(map(_absolute, value))
    return value.absolute() if isinstance(value, Path) else value


def shared(train: Mapping[str, Any]) -> dict[str, Any]:
    """The settings of [train] that stages share, as JSON takes them."""
    return {key: plain(train[key]) for key in SHARED}
