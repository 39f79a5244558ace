"""python -m benchmarks.step: a training step of the engine against a bare loop of the same mathematics, in one run.

Both train the same networks on the same pictures with the same updates; the bare loop is what a short script would do:
no stages, no records, no checks, one batch held in memory. They take turns, so that a drift of the machine hits both.
"""

from __future__ import annotations

import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import click
import torch
from torch.nn.functional import softplus

from attrxfer import host
from attrxfer.engine.folder import RunFolder
from attrxfer.engine.run import Training
from attrxfer.recipe import load


def engine_loop(training: Training) -> Callable[[int], None]:
    """Steps of the adversarial stage as a run makes them, with records."""
    number = next(i for i, planned in enumerate(training.planned) if planned.name == "adversarial")
    stage = training._stage(training.planned[number])
    planned = training.planned[number]

    def step(index: int) -> None:
        training.one_step(stage, planned, index)

    return step


def bare_loop(training: Training) -> Callable[[int], None]:
    """Eq. 14 in a plain loop: dstep updates of D, one of T, the average of T."""
    spec = training.recipe.stage("adversarial").values
    gan = training.run.adversarial
    identity = training.recipe.identity[0].values
    T, D = training.run.generator, training.run.discriminator
    optimizer_t = torch.optim.Adam(T.parameters(), lr=spec["rate"], betas=spec["betas"], foreach=True)
    optimizer_d = torch.optim.Adam(D.parameters(), lr=spec["rate"], betas=spec["betas"], foreach=True)
    x, a = (
        training.devices.images(training.data.images(rows[: spec["batch"]]))
        for rows in (training.sets.input, training.sets.guided)
    )
    average = [p.detach().clone() for p in T.parameters()]
    draw = torch.rand(len(x), 8)

    def step(index: int) -> None:
        output = T(x)
        for i in range(spec["dstep"]):
            terms = gan.discriminator_loss(
                D, gan.augment(a, draw), gan.augment(output.detach(), draw), index * spec["dstep"] + i
            )
            torch.stack(list(terms.values())).sum().backward()
            optimizer_d.step()
            optimizer_d.zero_grad()
        D.requires_grad_(False)
        logit, of_output = D(gan.augment(output, draw))
        with torch.no_grad():
            _, of_source = D(gan.augment(x, draw))
        loss = softplus(-logit).mean()
        for layer in identity["layers"]:
            fx, fo = of_source[layer - 1], of_output[layer - 1]
            relative = (fo - fx).square().mean((1, 2, 3)) / 2 / fx.square().mean((1, 2, 3))
            loss = loss + identity["weight"] * relative.mean()
        loss.backward()
        optimizer_t.step()
        optimizer_t.zero_grad()
        D.requires_grad_(True)
        torch._foreach_lerp_(average, list(T.parameters()), 0.002)

    return step


def gemm() -> float:
    """GFLOPS of a 2048 x 2048 matrix product."""
    a = torch.rand(2048, 2048)
    a @ a
    began = time.perf_counter()
    for _ in range(5):
        a @ a
    return 5 * 2 * 2048**3 / (time.perf_counter() - began) / 1e9


@click.command()
@click.option("--rounds", default=12, show_default=True)
@click.option("--steps", default=4, show_default=True, help="Steps of each loop in a round.")
@click.option("--set", "overrides", multiple=True)
def main(rounds: int, steps: int, overrides: tuple[str, ...]) -> None:
    """Print the ratio and the times."""
    with tempfile.TemporaryDirectory() as folder:
        loaded = host.load()
        training = Training(load("diat_a_gender", loaded, overrides), RunFolder(Path(folder) / "run"), loaded, quiet=True)
        training.create_folder()
        loops = {"engine": engine_loop(training), "bare": bare_loop(training)}
        times: dict[str, list[float]] = {name: [] for name in loops}
        for number in range(-1, rounds):
            for name, loop in loops.items():
                began = time.perf_counter()
                for i in range(steps):
                    loop(max(number, 0) * steps + i)
                if number >= 0:
                    times[name].append((time.perf_counter() - began) / steps)
    ratios = [engine / bare for engine, bare in zip(times["engine"], times["bare"], strict=True)]
    click.echo(
        f"engine / bare loop: {statistics.median(ratios):.3f} (median of {rounds}, {min(ratios):.3f} to {max(ratios):.3f})"
    )
    for name, values in times.items():
        click.echo(f"{name}: {1000 * statistics.median(values):.0f} ms a step")
    click.echo(f"matrix product: {gemm():.0f} GFLOPS, {torch.get_num_threads()} threads")


if __name__ == "__main__":
    main()
