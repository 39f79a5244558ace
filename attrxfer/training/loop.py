"""The training loop: stage by stage from a recipe to a bundle, with checkpoints from which a run is resumed."""

from __future__ import annotations

import shlex
import time
import zlib
from collections.abc import Callable, Mapping
from contextlib import closing, nullcontext
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from attrxfer.data import CachedDataset, Sets, shortcomings
from attrxfer.errors import AttrxferError, Interrupted, NonFiniteLoss
from attrxfer.interfaces import Stage
from attrxfer.model import bundle
from attrxfer.model.torch_model import TorchModel
from attrxfer.plugin.host import Host
from attrxfer.plugin.parameters import Spec
from attrxfer.recipe import Recipe
from attrxfer.recipe.assembly import Assembly, PlannedStage
from attrxfer.storage.run_folder import RunFolder, environment
from attrxfer.training.changes import begun_with, changed_images, edited_settings
from attrxfer.training.checkpointing import Checkpoints, Position
from attrxfer.training.devices import AccelerateDevices
from attrxfer.training.diagnostics import Diagnostics, Symptom
from attrxfer.training.forecast import seconds_left, shown
from attrxfer.training.interruption import Interruption
from attrxfer.training.logging import Display, Metrics
from attrxfer.training.metadata import bundle_metadata, chain_specs
from attrxfer.training.previews import Previews, save_strip
from attrxfer.training.readings import Readings
from attrxfer.training.stage_run import StageRun, components_of
from attrxfer.training.start import start_generator

Watch = Callable[[Stage, str, int], None]
LENGTHENED = ("adversarial", "enhance")
"""Slots of the stages whose last state is kept, so that a finished run can be lengthened."""


class Training:
    """A run: its data and components, built and placed on the device; ``train`` trains them and writes the bundle.

    Args:
        recipe: The checked recipe.
        folder: The run's folder.
        host: The plugins.
        quiet: Say nothing but errors.
        watch: Called after each step with the stage, its key and how many of its steps are done.

    Raises:
        DataError: The data cannot be used.
    """

    def __init__(
        self, recipe: Recipe, folder: RunFolder, host: Host, *, quiet: bool = False, watch: Watch | None = None
    ) -> None:
        self.recipe, self.folder, self.host, self.watch = recipe, folder, host, watch
        train = recipe.train
        self.devices = AccelerateDevices(
            precision=train.precision,
            channels_last=train.channels_last,
            threads=train.threads,
            trackers=train.trackers,
            folder=folder.path,
            optimizer=train.optimizer,
            deterministic=train.deterministic,
        )
        self.display = Display(enabled=self.devices.main and not quiet)
        self.assembly = Assembly(recipe)
        self.data, self.sets = self._open_data()
        self.run = self._build()
        self.networks: Mapping[str, nn.Module] = self.assembly.networks()
        for network in self.networks.values():
            self.devices.place(network)
        self.stages = list(self.assembly.stages)
        self.metrics = Metrics(folder)
        self.readings = Readings(self.devices)
        info = folder.read_info()
        self.diagnostics = Diagnostics(self._warn, info.get("symptoms", []), info.get("changes"))
        self.previews = Previews(folder, recipe, self.data, self.sets, self.devices, self._set_training)
        self.interruption = Interruption(self.devices.processes)

    def create_folder(self) -> None:
        """Create the folder of a new run, with its filled recipe, its machine and its data."""
        if self.devices.main:
            self.folder.create(self.recipe.to_toml(), self._beginning())
            self.display.say(self.data.describe())
            for doubt in shortcomings(self.data, self.recipe.task.guided, self.recipe.task.input):
                self.display.say(f"warning: {doubt}")
        self.devices.wait()

    def reopen_folder(self) -> None:
        """Open the folder of a run that is resumed: say what was changed since it began, and note again what its run.json lost.

        Raises:
            AttrxferError: The recipe was edited, but the networks are trained already.
        """
        info = self.folder.read_info()
        if not self.devices.main:
            return
        if edited := edited_settings(self.recipe, info):
            if bundle.is_there(self.folder.bundle):
                raise AttrxferError(
                    f"{self.folder.recipe}: was edited ({edited}), but this run is finished; train it anew with: "
                    f"attrxfer run {shlex.quote(str(self.folder.recipe))} -o FOLDER"
                )
            self.display.say(f"warning: {self.folder.recipe} was edited since the run began ({edited})")
        if changed := changed_images(self.data, info):
            self.display.say(f"warning: {changed}: the result is not that of an unbroken run")
        if "environment" not in info:
            self.folder.update_info(self._beginning())

    def _beginning(self) -> dict[str, Any]:
        """What run.json says of a run from its beginning on."""
        machine = environment(torch.get_num_threads(), self.devices.world, str(self.devices.device))
        sets = {"all": len(self.sets.all), "guided": len(self.sets.guided), "input": len(self.sets.input)}
        return {
            "environment": {**machine, "precision": self.devices.precision},
            "sets": sets,
            **begun_with(self.recipe, self.data),
        }

    # ------------------------------------------------------------ building

    def _open_data(self) -> tuple[CachedDataset, Sets]:
        if not self.devices.main:
            self.devices.wait()  # the first process fills the cache
        with self.display.console.status("reading images") if self.display.live else nullcontext():
            opened = self.assembly.open_data(training=True)
        if self.devices.main:
            self.devices.wait()
        return opened

    def _build(self) -> StageRun:
        assembly, recipe = self.assembly, self.recipe
        assembly.build_training()
        assembly.check_data(self.data)
        return StageRun(
            stage="",
            seed=recipe.train.seed,
            flip=recipe.train.flip,
            data=self.data,
            sets=self.sets,
            devices=self.devices,
            guided=recipe.task.guided,
            **components_of(assembly),
        )

    # ------------------------------------------------------------ training

    def train(self) -> Path:
        """Run all stages from the last checkpoint on, and write the bundle.

        Returns:
            The bundle's path.

        Raises:
            Interrupted: Ctrl-C, SIGTERM or SIGHUP; a checkpoint is written, and the message names the command that resumes.
            NonFiniteLoss: A loss is NaN or infinite.
        """
        checkpoints = Checkpoints(self.folder, self.networks, [s.key for s in self.stages], self.devices, self.metrics)
        position = checkpoints.restore()
        if position == Position(0, 0, None):
            start_generator(self.recipe, self.run.generator, self.host)
        seconds = seconds_left(self.recipe, self.run, position)
        if seconds is not None:
            self.display.say(shown(seconds))
            if self.devices.main:
                self.folder.update_info({"forecast": round(seconds)})
        with self.interruption.watched(), self.display, closing(self.metrics):
            for number in range(position.stage, len(self.stages)):
                self._run_stage(checkpoints, position)
                self.assembly.forget(self.stages[number])  # its optimizers, before the next stage makes its own
                position = Position(number + 1, 0, None)
        if self.devices.main:
            self._write_bundle()
        self.devices.wait()
        return self.folder.bundle

    def _run_stage(self, checkpoints: Checkpoints, position: Position) -> None:
        number, done = position.stage, position.step
        planned = self.stages[number]
        stage = self.prepared(planned)
        if not stage.steps:  # left out by the recipe, or its result was found in the cache
            if self.recipe.stage(planned.name).values.get("steps", 0):
                self._preview(stage, planned, 0)
            return
        if position.state is not None:
            stage.load_state_dict(position.state)
        self._set_training(True)
        self.display.begin(planned.key, done, stage.steps)
        values: dict[str, float] = {}
        for index in range(done, stage.steps):
            if self.interruption.asked():
                self.read_steps(stage, planned)
                checkpoints.save(Position(number, index, stage.state_dict()))
                raise Interrupted(
                    f"stopped in {planned.key} at step {index} of {stage.steps}; go on with: {self.folder.resume_command}"
                )
            values = self.one_step(stage, planned, index) or values
            self._preview(stage, planned, index + 1)
            if self.watch is not None:
                self.watch(stage, planned.key, index + 1)
            if (index + 1) % self.recipe.train.checkpoint_every == 0 and index + 1 < stage.steps:
                checkpoints.save(Position(number, index + 1, stage.state_dict()))
        if planned.slot in LENGTHENED:
            checkpoints.keep_end(planned.key, Position(number, stage.steps, stage.state_dict()))
        stage.finish()
        self.devices.share_buffers(self.networks.values())
        checkpoints.save(Position(number + 1, 0, None))
        self.display.end(planned.key, values)

    def one_step(self, stage: Stage, planned: PlannedStage, index: int) -> dict[str, float]:
        """Run one step of a stage, from a seed of its own, in each process another.

        Returns:
            The scalars of the newest step that was read (``read_steps``); none where no step was read now.

        Raises:
            NonFiniteLoss: A scalar of a step that was read is NaN or infinite.
            AttrxferError: The processes do different things.
        """
        began = time.monotonic()
        torch.manual_seed(zlib.crc32(f"{self.recipe.train.seed}/{planned.key}/{index}".encode()) + self.devices.rank)
        with self.devices.processes.step(f"{planned.key}, step {index}"):
            terms = stage.step(index)
            self.devices.processes.will_return(len(terms))
        self.devices.share_buffers(self.networks.values())
        self.readings.keep(index, terms, time.monotonic() - began)
        done, every, samples = index + 1, self.recipe.train.checkpoint_every, self.recipe.report.samples_every
        writes = done == stage.steps or not done % every or (samples and not done % samples)
        return self.read_steps(stage, planned) if writes or self.readings.due else {}

    def read_steps(self, stage: Stage, planned: PlannedStage) -> dict[str, float]:
        """Read, check and record the scalars of the steps since this was called last.

        Returns:
            Those of the newest step; none where there is no new one.

        Raises:
            NonFiniteLoss: One of them is NaN or infinite.
        """
        values: dict[str, float] = {}
        for step, values, seconds in self.readings.read():
            self._refuse_non_finite(planned.key, step, values)
            self._record(planned, step, values, seconds)
            self.diagnostics.losses(stage, planned.key, step + 1, values)
            self.display.advance(step + 1, values)
        return values

    def prepared(self, planned: PlannedStage) -> Stage:
        """Prepare a stage for its first step."""
        stage = self.assembly.stage(planned)
        self.assembly.seed(planned)
        stage.prepare(replace(self.run, stage=planned.key), self.assembly.owner(planned))
        return stage

    def _set_training(self, on: bool) -> None:
        for network in self.networks.values():
            network.train(on)

    def _refuse_non_finite(self, stage: str, step: int, values: Mapping[str, float]) -> None:
        bad = [f"{name} = {value}" for name, value in values.items() if not np.isfinite(value)]
        if bad:
            raise NonFiniteLoss(
                f"{stage}, step {step}: {', '.join(bad)}; the last good checkpoint is kept in {self.folder.checkpoints}. "
                f"A lower learning rate (--set train.lr=...) usually mends it"
            )

    def _record(self, planned: PlannedStage, index: int, values: dict[str, float], seconds: float) -> None:
        if self.devices.main:
            self.metrics.write(planned.key, index, values, seconds)
        if self.recipe.train.trackers:
            self.devices.log({f"{planned.key}/{name}": value for name, value in values.items()}, index)

    def _preview(self, stage: Stage, planned: PlannedStage, step: int) -> None:
        drawn = self.previews.draw(stage, f"{self.stages.index(planned)}-{planned.key}", step)
        for images in (drawn[name] for name in ("", "output") if name in drawn):  # not its mask, for example
            self.diagnostics.samples(stage, planned.key, step, self.previews.sources, images)
            if self.diagnostics.changes:
                self.folder.update_info({"changes": self.diagnostics.changes})

    def _warn(self, symptom: Symptom) -> None:
        if self.devices.main:
            self.display.say(f"warning: {symptom}")
            self.folder.update_info({"symptoms": self.diagnostics.found})

    # ------------------------------------------------------------ the bundle

    def chain(self) -> list[tuple[Spec, nn.Module]]:
        """The networks that the bundle keeps: the generator, then the enhancers in the recipe's order."""
        return [(spec, self.assembly.build(spec)) for spec in chain_specs(self.recipe)]

    def metadata(self) -> dict[str, Any]:
        """The bundle's metadata."""
        return bundle_metadata(self.assembly, self.data, self.sets, self.folder, self.host)

    def _write_bundle(self) -> None:
        bundle.save(self.folder.bundle, self.chain(), self.metadata())
        model = TorchModel(bundle.load(self.folder.bundle, self.host.registry), self.devices.device)
        save_strip(self.folder, "result", model.images(self.previews.sources))
