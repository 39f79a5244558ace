"""python -m benchmarks.strength: how far the ways from x to T(x) are from the true ones, which drawn faces have.

Three ways are compared: blending of pixels, x + s (T(x) - x); interpolation of weights, from those of a T that
reconstructs to those that the transfer training made of them (section 5.6 asks for it); and a T for many attributes that is
told a part of the change, T(x, s c).
"""

from __future__ import annotations

import copy
import json
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import click
import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from attrxfer.errors import AttrxferError
from attrxfer.evaluation.candidates import held_out
from attrxfer.interfaces import Conditional
from attrxfer.model import bundle
from attrxfer.model.condition import Fixed, change_of
from attrxfer.model.inference import through
from attrxfer.model.torch_model import TorchModel
from attrxfer.plugin import host as hosts
from attrxfer.plugin.host import Host
from attrxfer.recipe import Recipe, load
from attrxfer.recipe.assembly import Assembly
from attrxfer.report.curves import chart
from attrxfer.storage.conversion import to_tensor, to_uint8
from attrxfer.storage.files import write_text
from attrxfer.workflows.train import run

STRENGTHS = (0.25, 0.5, 0.75, 1.0)
"""Above 1 there is no truth."""
TRUTHS = tuple(step / 20 for step in range(21))
Images = NDArray[np.uint8]
Way = Callable[[float], Images]


def trained(recipe: Recipe, folder: Path, host: Host) -> bundle.Bundle:
    """The bundle of a recipe; what is finished is not trained again."""
    if not bundle.is_there(folder):
        run(recipe, folder, host, resume=(folder / "recipe.toml").is_file())
    return bundle.load(folder, host.registry)


def ways(start: bundle.Bundle, end: bundle.Bundle, told: bundle.Bundle, images: Images) -> dict[str, Way]:
    """The ways by name, each from a strength to images.

    Args:
        start: T as it reconstructs.
        end: T as it transfers, trained from ``start``.
        told: T that is told the change, and so its strength.
        images: x, uint8 (N, S, S, 3).
    """
    return {
        "nothing changed": lambda strength: images,
        "pixels blended": TorchModel(end).at_any_strength(images),
        "weights interpolated": lambda strength: made(between(start.chain[0], end.chain[0], strength), images),
        "T told the strength": of_told(told, images),
        "the same T, pixels blended": TorchModel(told).at_any_strength(images),
    }


def of_told(told: bundle.Bundle, images: Images) -> Way:
    """T(x, s c), where c is the change that makes the guided attributes of the bundle's task."""
    network = told.chain[0]
    assert isinstance(network, Conditional)
    change = change_of(network.attributes, told.metadata["task"]["guided"])
    return lambda strength: made(Fixed(network, strength * change), images)


def made(network: nn.Module, images: Images) -> Images:
    """What a network in eval mode makes of images, uint8 (N, S, S, 3)."""
    with torch.no_grad():
        return to_uint8(through([network.eval()], to_tensor(images)).clamp(-1, 1))


def between(start: nn.Module, end: nn.Module, strength: float) -> nn.Module:
    """A network whose floating-point weights and statistics lie between those of two of the same form."""
    network, first, last = copy.deepcopy(end), start.state_dict(), end.state_dict()
    network.load_state_dict(
        {name: torch.lerp(first[name], value, strength) if value.is_floating_point() else value for name, value in last.items()}
    )
    return network.eval()


def distance(images: Images, truth: Images) -> NDArray[np.float64]:
    """Root of the mean squared difference of each image, in 0..255: (N,)."""
    return np.sqrt(np.square(images.astype(np.float64) - truth).mean((1, 2, 3)))


def nearest(images: Images, truths: Mapping[float, Images]) -> NDArray[np.float64]:
    """The strength (N,) whose truth is nearest to each image."""
    found = np.stack([distance(images, truth) for truth in truths.values()])
    return np.array(list(truths))[found.argmin(0)]


def told_recipe(name: str, recipe: Recipe, host: Host, sets: Sequence[str]) -> Recipe:
    """The recipe of a T that is told the change of another recipe's task, trained for as many iterations."""
    guided = dict(recipe.task.guided)
    attributes = json.dumps(list(guided))
    wanted = ", ".join(f"{attribute} = {str(value).lower()}" for attribute, value in guided.items())
    steps = recipe.stage("adversarial").values["steps"]
    own = [
        f"task.guided={{{wanted}}}",
        f"generator.attributes={attributes}",
        f"discriminator.attributes={attributes}",
        f"train.adversarial_many.steps={steps}",
    ]
    return load(name, host, [*sets, *own])


@click.command()
@click.option("--recipe", default="diat_a_gender", show_default=True, help="Of drawn faces.")
@click.option("--reconstruction", default=300, show_default=True, help="Steps of eq. 8, from which the transfer begins.")
@click.option("--told", default="diat_a_many", show_default=True, help="Of a T that is told the change.")
@click.option("--images", default=100, show_default=True, help="Test images.")
@click.option("--set", "sets", multiple=True, metavar="A.B=C", help="Change a setting of all runs.")
@click.option("-o", "--out", type=click.Path(path_type=Path), default=Path("runs/strength"), show_default=True)
def main(recipe: str, reconstruction: int, told: str, images: int, sets: tuple[str, ...], out: Path) -> None:
    """Train all, measure all ways, and write table.md and curve.svg."""
    host = hosts.load()
    try:
        steps = [f"train.pretrain_generator.steps={reconstruction}", "train.adversarial.steps=1"]
        first = load(recipe, host, [*sets, *steps])
        start = trained(first, out / "start", host)
        second = load(recipe, host, [*sets, f"train.start={out.absolute() / 'start'}"])
        end = trained(second, out / "end", host)
        third = trained(told_recipe(told, second, host, sets), out / "told", host)
        data, rows = Assembly(second).open_data()
        inputs = held_out(second, data, rows, images)
        truths = {}
        for strength in TRUTHS:
            drawn = None if inputs is None else data.truth(inputs.rows, inputs.target, strength)
            if drawn is None:
                raise AttrxferError(f"{recipe}: no truth at strength {strength:g}: take a recipe of drawn faces")
            truths[strength] = drawn
        assert inputs is not None
        found = ways(start, end, third, inputs.sources)
    except AttrxferError as error:
        click.echo(f"strength: {error}", err=True)
        sys.exit(error.exit_code)
    lines = ["| way | " + " | ".join(f"s = {s:g}" for s in STRENGTHS) + " |", "|---|" + "---|" * len(STRENGTHS)]
    curves: dict[str, list[tuple[float, float]]] = {}
    for name, way in found.items():
        cells = []
        for strength in STRENGTHS:
            results = way(strength)
            far = float(distance(results, truths[strength]).mean())
            curves.setdefault(name, []).append((strength, far))
            cells.append(f"{far:.1f} ({float(nearest(results, truths).mean()):.2f})")
        lines.append(f"| {name} | " + " | ".join(cells) + " |")
    table = "\n".join(lines) + "\n"
    write_text(out / "table.md", table)
    write_text(out / "curve.svg", str(chart(curves, "strength")))
    click.echo(f"Root mean squared distance to the truth at s, of 255 (and the strength whose truth is nearest):\n\n{table}")


if __name__ == "__main__":
    main()
