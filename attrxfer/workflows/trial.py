"""One run of an ablation: a variant trained with a seed under a budget."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from attrxfer.errors import AttrxferError, Interrupted
from attrxfer.interfaces import Work
from attrxfer.plugin import host as hosts
from attrxfer.plugin.host import Host
from attrxfer.recipe import Recipe, differences, load, shown
from attrxfer.storage.run_folder import RunFolder
from attrxfer.training.budget import main_stage, steps_for, with_steps
from attrxfer.workflows.train import run

Say = Callable[[str], None]


@dataclass(frozen=True)
class Variant:
    """What is trained with every seed.

    Attributes:
        name: Names its row and its folder.
        recipe: A recipe's file or registered name.
        overrides: Settings "a.b=c" that change it.
    """

    name: str
    recipe: str
    overrides: tuple[str, ...] = ()


@dataclass(frozen=True)
class Budget:
    """How long each run trains, and on how many images it is scored.

    Attributes:
        minutes: Of the stage that trains T against D; None: as the recipe says.
        steps: Steps of this stage; None: as the recipe says.
        images: Held-out images that are scored; 0: all.
    """

    minutes: float | None = None
    steps: int | None = None
    images: int = 300


@dataclass(frozen=True)
class Trial:
    """A run that is trained, here or by a worker.

    Attributes:
        variant: What is trained.
        seed: Of the run.
        folder: Of the run.
        budget: How long.
        overrides: Settings of every variant; they go before the variant's own.
        data: The [data] table; None: the recipe's own.
    """

    variant: Variant
    seed: int
    folder: Path
    budget: Budget
    overrides: tuple[str, ...] = ()
    data: Mapping[str, Any] | None = field(default=None, hash=False)

    @property
    def title(self) -> str:
        """Names it in messages."""
        return f"{self.variant.name}, seed {self.seed}"

    def recipe(self, host: Host) -> Recipe:
        """What it is trained by, before minutes become steps.

        Raises:
            InvalidRecipe: Every problem of the recipe.
        """
        settings = [*self.overrides, *self.variant.overrides, f"train.seed={self.seed}"]
        recipe = load(self.variant.recipe, host, settings, self.data)
        return recipe if self.budget.steps is None else with_steps(recipe, self.budget.steps)

    def train(self, host: Host, say: Say = lambda text: None) -> None:
        """Train it, or go on with it.

        Raises:
            AttrxferError: The folder holds a run of another recipe, or the training failed.
            Interrupted: Ctrl-C or SIGTERM; the same command goes on.
        """
        began = RunFolder(self.folder).recipe.is_file()
        if began:
            recipe = self.require_same(host)
        elif self.budget.minutes is not None:
            recipe = steps_for(self.budget.minutes, self.recipe(host), self.folder, host)
        else:
            recipe = self.recipe(host)
        name = main_stage(recipe)
        say(f"{'going on' if began else 'training'}, {recipe.stage(name).values['steps']} steps of {name}")
        try:
            run(recipe, self.folder, host, resume=began, quiet=True, scored=False)
        except Interrupted as error:
            raise Interrupted(f"{str(error).partition(';')[0]}; go on with the same command") from None

    def require_same(self, host: Host) -> Recipe:
        """The recipe of the run that is in the folder already.

        Raises:
            AttrxferError: It is not the one that is wanted.
        """
        own, wanted = load(RunFolder(self.folder).recipe, host), self.recipe(host)
        if self.budget.minutes is not None:
            wanted = with_steps(wanted, own.stage(main_stage(own)).values["steps"])
        changed = differences(own.filled(), wanted.filled())
        if changed:
            key, there, here = changed[0]
            raise AttrxferError(
                f"{self.folder}: holds a run with {key} {shown(there)}, not {shown(here)}; choose another folder with -o"
            )
        return own


@dataclass(frozen=True)
class TrialJob:
    """What a worker needs to train trials (a ``Job``): nothing but the plugins of its own process."""

    def open(self) -> Work:
        """The work trains each ``Trial`` into its folder, and gives None for it."""
        host = hosts.load()

        def trained(trials: Sequence[Trial]) -> Iterator[None]:
            for trial in trials:
                trial.train(host)
                yield None

        return trained
