"""A training step of the training loop against a bare loop of the same mathematics, in one run.

Both train the same networks on the same images with the same updates; the bare loop is what a short script would do:
no stages, no records, no checks, one batch held in memory. They take turns, so that a drift of the machine hits both.
"""

from __future__ import annotations

import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import torch
from torch.nn.functional import softplus

from attrxfer.plugin import host
from attrxfer.recipe import load
from attrxfer.storage.run_folder import RunFolder
from attrxfer.training.loop import Training
from benchmarks.speed.figure import Figure


def training_loop(training: Training) -> Callable[[int], None]:
    """Steps of the adversarial stage as a run makes them, with records."""
    number = next(i for i, planned in enumerate(training.stages) if planned.name == "adversarial")
    stage = training.prepared(training.stages[number])
    planned = training.stages[number]

    def step(index: int) -> None:
        training.one_step(stage, planned, index)

    return step


def bare_loop(training: Training) -> Callable[[int], None]:
    """Eq. 14 in a plain loop: dstep updates of D, one of T, the average of T."""
    spec = training.recipe.stage("adversarial").values
    gan = training.run.adversarial
    identity = training.recipe.identity[0].values
    T, D = training.run.generator, training.run.discriminator
    optimizer_t = torch.optim.Adam(T.parameters(), lr=spec["lr"], betas=spec["betas"], fused=True)
    optimizer_d = torch.optim.Adam(D.parameters(), lr=spec["lr_discriminator"] or spec["lr"], betas=spec["betas"], fused=True)
    x, a = (
        training.devices.images(training.data.images_u8(rows[: spec["batch_size"]]))
        for rows in (training.sets.input, training.sets.guided)
    )
    average = [p.detach().clone() for p in T.parameters()]
    draw = torch.rand(len(x), 8)

    def step(index: int) -> None:
        with training.devices.autocast():  # the training's precision: what is compared is the loop
            output = T(x)
        for i in range(spec["dstep"]):
            pair = gan.augment(a, draw), gan.augment(output.detach(), draw)
            with training.devices.autocast():
                terms = gan.discriminator_loss(D, *pair, index * spec["dstep"] + i)
            torch.stack(list(terms.values())).sum().backward()
            optimizer_d.step()
            optimizer_d.zero_grad()
        D.requires_grad_(False)
        with training.devices.autocast():
            logit, of_output, _ = D(gan.augment(output, draw))
            with torch.no_grad():
                _, of_source, _ = D(gan.augment(x, draw))
            loss = softplus(-logit).mean()
            for layer in identity["layers"]:
                fx, fo = of_source[layer - 1].float(), of_output[layer - 1].float()
                relative = (fo - fx).square().mean((1, 2, 3)) / 2 / fx.square().mean((1, 2, 3))
                loss = loss + identity["weight"] * relative.mean()
        loss.backward()
        optimizer_t.step()
        optimizer_t.zero_grad()
        D.requires_grad_(True)
        torch._foreach_lerp_(average, list(T.parameters()), 0.002)

    return step


def step_ratio(rounds: int, steps: int, overrides: Sequence[str]) -> list[Figure]:
    """The training loop's step over the bare loop's, and the share of it that waits for data."""
    with tempfile.TemporaryDirectory() as folder:
        loaded = host.load()
        training = Training(load("diat_a_gender", loaded, overrides), RunFolder(Path(folder) / "run"), loaded, quiet=True)
        training.create_folder()
        loops = {"training": training_loop(training), "bare": bare_loop(training)}
        times: dict[str, list[float]] = {name: [] for name in loops}
        for number in range(-1, rounds):
            for name, loop in loops.items():
                began = time.perf_counter()
                for i in range(steps):
                    loop(max(number, 0) * steps + i)
                if number >= 0:
                    times[name].append((time.perf_counter() - began) / steps)
        waiting = _waiting(training)
    ratios = [step / bare for step, bare in zip(times["training"], times["bare"], strict=True)]
    own = statistics.median(times["training"])
    return [
        Figure("training step / bare loop", statistics.median(ratios), "x", min(ratios), max(ratios), reach="at most 1.02"),
        Figure("waiting for data / training step", waiting / own, "share", reach="below 1%"),
        Figure("training step", 1000 * own, "ms"),
    ]


def _waiting(training: Training) -> float:
    """Seconds that a step spends on its batches: one of inputs, dstep of guided images."""
    spec = training.recipe.stage("adversarial").values
    stage = replace(training.run, stage="adversarial")
    times = []
    for index in range(20):
        began = time.perf_counter()
        stage.batch("input", index, spec["batch_size"])
        for i in range(spec["dstep"]):
            stage.batch("guided", index * spec["dstep"] + i, spec["batch_size"])
        times.append(time.perf_counter() - began)
    return statistics.median(times)
