"""A run from its recipe to its bundle: build, train stage by stage, checkpoint, resume."""

from __future__ import annotations

import signal
import time
import zlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from types import FrameType
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from attrxfer.data import CachedDataset, Sets, batch_rows, uniform
from attrxfer.errors import AttrxferError, Interrupted, NonFiniteLoss
from attrxfer.interfaces import Adversarial, Batch, Identity, Regularizer, SetName, Stage
from attrxfer.model import bundle
from attrxfer.model.torch_model import TorchModel
from attrxfer.plugin.host import Host
from attrxfer.plugin.parameters import Spec, build
from attrxfer.recipe import Recipe
from attrxfer.recipe.assembly import open_task
from attrxfer.storage import state as checkpoint
from attrxfer.storage.conversion import to_uint8
from attrxfer.storage.run_folder import RunFolder, environment
from attrxfer.training.devices import AccelerateDevices
from attrxfer.training.diagnostics import Diagnostics, Symptom
from attrxfer.training.logging import Display, Metrics, save_strip
from attrxfer.training.stages import PlannedStage, plan
from attrxfer.training.step import Step

Watch = Callable[[Stage, str, int], None]


@dataclass(frozen=True)
class StageRun:
    """The run as one stage sees it: the implementation of ``interfaces.Run``."""

    stage: str
    seed: int
    flip: bool
    data: CachedDataset
    sets: Sets
    generator: Any
    discriminator: Any
    adversarial: Adversarial
    identity: tuple[Identity, ...]
    regularizer: tuple[Regularizer, ...]
    enhancer: tuple[Any, ...]
    devices: AccelerateDevices
    guided: Mapping[str, bool]

    def batch(self, which: SetName, index: int, size: int) -> Batch:
        rows, flips = batch_rows(
            getattr(self.sets, which), self.seed, self.stage, which, index, size, self.devices.rank, self.devices.world
        )
        mirrored = flips & self.flip
        images = self.devices.images(self.data.images(rows, mirrored))
        labels = torch.from_numpy(self.data.satisfies(self.guided)[rows].astype(np.float32))
        return Batch(images, labels.to(self.devices.device), rows, mirrored)

    def transfer(self, source: Tensor, index: int) -> Step:
        draw = self.uniform("augment", index, len(source), 8)
        return Step(self.generator, self.discriminator, self.adversarial, source, draw)

    def uniform(self, key: str, index: int, size: int, columns: int) -> Tensor:
        numbers = uniform(self.seed, self.stage, key, index, size, columns, self.devices.rank, self.devices.world)
        return torch.from_numpy(numbers).to(self.devices.device)


class Training:
    """Everything a run is made of, built and placed; ``train`` takes it to its bundle.

    ``watch`` is called after each step with the stage, its key and how many of its steps are done.
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
        )
        self.display = Display(enabled=self.devices.main and not quiet)
        self.memo: dict[Any, Any] = {}
        self.data, self.sets = self._open_data()
        self.run = self._build()
        self.planned = plan(self._components(), recipe.stages)
        self.metrics = Metrics(folder)
        self.health = Diagnostics(self._warn, folder.read_info().get("symptoms", []))
        self.stop_requested = False

    def create_folder(self) -> None:
        """Begin a new run: its filled recipe, what it runs on, what it saw."""
        if self.devices.main:
            info = {
                "environment": {
                    **environment(torch.get_num_threads(), self.devices.world, str(self.devices.device)),
                    "precision": self.devices.precision,
                },
                "data": self.data.describe(),
                "sets": {name: len(getattr(self.sets, name)) for name in ("all", "guided", "input")},
            }
            self.folder.create(self.recipe.to_toml(), info)
            self.display.say(self.data.describe())
        self.devices.wait()

    # ------------------------------------------------------------ building

    def _open_data(self) -> tuple[CachedDataset, Sets]:
        if not self.devices.main:
            self.devices.wait()  # the first process fills the cache
        with self.display.console.status("reading images") if self.display.live else _nothing():
            found = open_task(self.recipe, self.memo)
        if self.devices.main:
            self.devices.wait()
        return found

    def _make(self, spec: Spec, key: str = "") -> Any:
        return build(spec, self.memo, key)

    def _build(self) -> StageRun:
        recipe = self.recipe
        torch.manual_seed(recipe.train.seed)
        made = {kind: self._make(getattr(recipe, kind)) for kind in ("generator", "discriminator", "adversarial")}
        for kind in ("identity", "regularizer", "enhancer"):
            made[kind] = tuple(self._make(spec) for spec in getattr(recipe, kind))
        self._build_what_stages_read()
        for component in self.memo.values():
            if hasattr(component, "check_data"):
                component.check_data(self.data)
        for network in self.networks().values():
            self.devices.place(network)
        return StageRun(
            stage="",
            seed=recipe.train.seed,
            flip=recipe.train.flip,
            data=self.data,
            sets=self.sets,
            devices=self.devices,
            guided=recipe.task.guided,
            **made,
        )

    def _build_what_stages_read(self) -> None:
        """Networks that only a stage names are trained and placed like any other."""
        for planned in plan(self._components(), self.recipe.stages):
            for value in self.recipe.stage(planned.name).values.values():
                if isinstance(value, Spec):
                    self._make(value)

    def _components(self) -> list[Any]:
        """All components in a fixed order: nested ones before those that hold them."""
        return list(self.memo.values())

    def networks(self) -> dict[str, nn.Module]:
        """Every torch module that a component is and that is no part of another, by a key that is the same whenever the
        recipe is."""
        modules = {key: item for key, item in self.memo.items() if isinstance(item, nn.Module)}
        inner = {id(part) for module in modules.values() for part in module.modules() if part is not module}
        return {key: module for key, module in modules.items() if id(module) not in inner}

    # ------------------------------------------------------------ training

    def train(self) -> Path:
        """Run or resume all stages, then write the bundle; returns its path.

        Raises Interrupted (checkpoint written, command to resume in the message) on Ctrl-C or SIGTERM, NonFiniteLoss when a
        loss is NaN or infinite.
        """
        first, done, state = self._restore()
        with self._signals(), self.display:
            for number in range(first, len(self.planned)):
                self._run_stage(number, done, state)
                done, state = 0, None
        self.metrics.close()
        if self.devices.main:
            bundle.save(self.folder.bundle, self.chain(), self.metadata())
            rows = self.sets.shown(self.recipe.report.samples)
            finished = TorchModel(bundle.load(self.folder.bundle, self.host.registry), self.devices.device)
            save_strip(self.folder, "result", finished.images(self.data.images_u8(rows)))
        self.devices.wait()
        return self.folder.bundle

    def _run_stage(self, number: int, done: int, state: Any) -> None:
        planned = self.planned[number]
        stage = self._stage(planned)
        if not stage.steps:  # left out by the recipe, or its result was found in the cache
            if planned_steps(self.recipe, planned.name):
                self._draw(stage, planned, 0)
            return
        if state is not None:
            stage.load_state_dict(state)
        self._set_training(True)
        self.display.begin(planned.key, done, stage.steps)
        values: dict[str, float] = {}
        for index in range(done, stage.steps):
            if self._should_stop():
                self._interrupt(number, index, stage)
            values = self.one_step(stage, planned, index)
            self.health.losses(stage, planned.key, index + 1, values)
            self._draw(stage, planned, index + 1)
            if self.watch is not None:
                self.watch(stage, planned.key, index + 1)
            if (index + 1) % self.recipe.train.checkpoint_every == 0 and index + 1 < stage.steps:
                self._save(number, index + 1, stage.state_dict())
        stage.finish()
        self._save(number + 1, 0, None)
        self.display.end(planned.key, values)

    def one_step(self, stage: Stage, planned: PlannedStage, index: int) -> dict[str, float]:
        """One step of a stage, seeded, checked, recorded and shown; returns its scalars."""
        began = time.monotonic()
        torch.manual_seed(zlib.crc32(f"{self.recipe.train.seed}/{planned.key}/{index}".encode()))
        values = self._finite(planned.key, index, stage.step(index))
        self._record(planned, index, values, time.monotonic() - began)
        self.display.advance(index + 1, values)
        return values

    def _stage(self, planned: PlannedStage) -> Stage:
        # what a stage makes for itself begins the same, whatever else the recipe builds
        torch.manual_seed(zlib.crc32(f"{self.recipe.train.seed}/{planned.key}".encode()))
        stage: Stage = self._make(self.recipe.stage(planned.name), planned.key)
        stage.prepare(replace(self.run, stage=planned.key), planned.owner)
        return stage

    def _set_training(self, on: bool) -> None:
        for network in self.networks().values():
            network.train(on)

    def _finite(self, stage: str, index: int, terms: Mapping[str, Tensor]) -> dict[str, float]:
        numbers = torch.stack([term.detach().float() for term in terms.values()])
        if self.devices.world > 1:
            numbers = self.devices.gather(numbers[None]).mean(0)
        values = dict(zip(terms, numbers.tolist(), strict=True))
        bad = [f"{name} = {value}" for name, value in values.items() if not np.isfinite(value)]
        if bad:
            raise NonFiniteLoss(
                f"{stage}, step {index}: {', '.join(bad)}; the last good checkpoint is kept in {self.folder.checkpoints}. "
                f"A lower rate (--set train.lr=...) usually mends it"
            )
        return values

    def _record(self, planned: PlannedStage, index: int, values: dict[str, float], seconds: float) -> None:
        if self.devices.main:
            self.metrics.write(planned.key, index, values, seconds)
        if self.recipe.train.trackers:
            self.devices.log({f"{planned.key}/{name}": value for name, value in values.items()}, index)

    # ------------------------------------------------------------ sample images

    def _draw(self, stage: Stage, planned: PlannedStage, step: int) -> None:
        every = self.recipe.report.samples_every
        preview: Callable[[Tensor], Tensor | Mapping[str, Tensor]] | None = getattr(stage, "preview", None)
        if not self.devices.main or preview is None or not every or (step % every and step != stage.steps):
            return
        rows = self.sets.shown(self.recipe.report.samples)
        self._set_training(False)
        with torch.no_grad():
            images = preview(self.devices.images(self.data.images(rows)))
        self._set_training(True)
        parts = {"": images} if isinstance(images, Tensor) else {f" {name}": made for name, made in images.items()}
        for part, made in parts.items():
            save_strip(self.folder, f"{self.planned.index(planned)}-{planned.key}{part}-{step:07d}", to_uint8(made))
            self.health.samples(stage, planned.key, step, self.data.images_u8(rows), to_uint8(made))
        self._draw_truth(rows)

    def _draw_truth(self, rows: np.ndarray[Any, np.dtype[np.int64]]) -> None:
        if (self.folder.samples / "source.png").exists():
            return
        save_strip(self.folder, "source", self.data.images_u8(rows))
        truth = self.data.truth(rows, self.recipe.task.guided)
        if truth is not None:
            save_strip(self.folder, "truth", truth)

    def _warn(self, symptom: Symptom) -> None:
        if self.devices.main:
            self.display.say(f"warning: {symptom}")
            self.folder.update_info({"symptoms": self.health.found})

    # ------------------------------------------------------------ checkpoints

    def _save(self, stage: int, step: int, state: Any) -> None:
        """Write a checkpoint: the networks, where the run stands, and each process's own state of the stage."""
        states = self.devices.gather_states(state)
        if self.devices.main:
            self.metrics.flush()
            content = {
                "stage": stage,
                "step": step,
                "states": states,
                "networks": {name: network.state_dict() for name, network in self.networks().items()},
            }
            checkpoint.save(self.folder.checkpoints, f"{stage:02d}-{step:08d}", content)
        self.devices.wait()

    def _restore(self) -> tuple[int, int, Any]:
        content = checkpoint.load(self.folder.checkpoints)
        if content is None:
            if self.devices.main:
                self.metrics.rewind([p.key for p in self.planned], 0, 0)
            return 0, 0, None
        if len(content["states"]) != self.devices.world:
            raise AttrxferError(
                f"{self.folder.path}: started with {len(content['states'])} processes, resumed with {self.devices.world}; "
                f"use torchrun --nproc_per_node {len(content['states'])} -m attrxfer run --resume {self.folder.path}"
            )
        networks = self.networks()
        for name, state in content["networks"].items():
            networks[name].load_state_dict(state)
        if self.devices.main:
            self.metrics.rewind([p.key for p in self.planned], content["stage"], content["step"])
        return content["stage"], content["step"], content["states"][self.devices.rank]

    @contextmanager
    def _signals(self) -> Iterator[None]:
        """Ctrl-C and SIGTERM ask for a stop after the step at hand; a second one stops at once."""

        def ask(number: int, frame: FrameType | None) -> None:
            if self.stop_requested:
                raise KeyboardInterrupt
            self.stop_requested = True

        before = {number: signal.signal(number, ask) for number in (signal.SIGINT, signal.SIGTERM)}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def _should_stop(self) -> bool:
        if self.devices.world == 1:
            return self.stop_requested
        asked = torch.tensor([float(self.stop_requested)], device=self.devices.device)
        return bool(self.devices.gather(asked).sum() > 0)

    def _interrupt(self, number: int, index: int, stage: Stage) -> None:
        self._save(number, index, stage.state_dict())
        raise Interrupted(
            f"stopped in {self.planned[number].key} at step {index} of {stage.steps}; go on with: {self.folder.resume_command}"
        )

    # ------------------------------------------------------------ what comes out

    def chain(self) -> list[tuple[Spec, nn.Module]]:
        """What a bundle keeps: the generator, then the enhancers in the recipe's order."""
        specs = [self.recipe.generator, *self.recipe.enhancer]
        return [(spec, self._make(spec)) for spec in specs]

    def metadata(self) -> dict[str, Any]:
        recipe = self.recipe
        framing = getattr(self._make(recipe.data), "framing", None)
        chain = [self.host.registry.get(spec.kind, spec.name) for spec, _ in self.chain()]
        owners = {component.owner for component in chain}
        alignment = self.data.mean_landmarks(np.union1d(self.sets.guided, self.sets.input))
        return {
            "task": {"name": recipe.task.name, "guided": dict(recipe.task.guided)},
            "size": recipe.train.size,
            "framing": framing._asdict() if framing else None,
            "alignment": alignment.tolist() if alignment is not None else None,
            "recipe": recipe.filled(),
            "plugins": {p.name: p.version for p in self.host.plugins() if p.name in owners},
            "licences": sorted({spec.component.licence for spec in recipe.components() if spec.component.licence}),
            "trained": self._trained(),
            "scores": {},
        }

    def _trained(self) -> dict[str, Any]:
        """Where it was trained and how long: seconds of all steps, over all sittings of the run."""
        environment = self.folder.read_info().get("environment", {})
        found = {name: environment[name] for name in ("device", "threads", "processes", "precision") if name in environment}
        return {"seconds": round(sum(line["seconds"] for line in self.folder.read_metrics())), **found}


def planned_steps(recipe: Recipe, stage: str) -> int:
    """How many steps the recipe gives a stage."""
    return int(recipe.stage(stage).values.get("steps", 0))


@contextmanager
def _nothing() -> Iterator[None]:
    yield
