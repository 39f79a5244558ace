"""Each rival's recipe trains, resumes where it has a second generator, and combines with what others bring."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from attrxfer_diat.stages import AdversarialTraining
from safetensors.numpy import load_file

from attrxfer.errors import Interrupted
from attrxfer.plugin.host import Host
from attrxfer.recipe import Recipe, load
from attrxfer.recipe.assembly import Assembly
from attrxfer.recipe.preflight import preflight
from attrxfer.recipe.small import small_recipe
from attrxfer.storage.run_folder import RunFolder
from attrxfer.training.loop import Training
from attrxfer.workflows.train import resume, run

TRAIN: dict[str, Any] = {"size": 32}


def small(name: str, host: Host, **overrides: Any) -> Recipe:
    return small_recipe(f"rivals/{name}", host, train=TRAIN, **overrides)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "stage", "terms"),
    [
        ("cyclegan", "adversarial", {"D guided", "D generated", "D back", "T attribute", "T regularizer"}),
        ("stargan", "adversarial_many", {"D gradient penalty", "D attributes", "T attributes", "T regularizer"}),
        ("attgan", "adversarial_many", {"D gradient penalty", "D attributes", "T attributes", "T regularizer"}),
        ("diat_2018", "adversarial", {"D gradient penalty", "T identity", "T identity 2", "T regularizer"}),
    ],
)
def test_it_trains(name: str, stage: str, terms: set[str], tmp_path: Path, host: Host) -> None:
    recipe = small(name, host)
    made = run(recipe, tmp_path / "run", host, quiet=True)
    lines = [line for line in made.read_metrics() if line["stage"] == stage]
    assert lines and all(terms <= line.keys() for line in lines)
    weights = load_file(made.path / "bundle" / "model.safetensors")
    assert all(np.isfinite(value).all() for value in weights.values())


@pytest.mark.slow
def test_a_run_with_two_generators_resumes_with_the_same_weights(tmp_path: Path, host: Host) -> None:
    recipe = small("cyclegan", host)
    whole = run(recipe, tmp_path / "whole", host, quiet=True)
    stopping = Training(recipe, RunFolder(tmp_path / "again"), host, quiet=True)
    stopping.create_folder()
    original = AdversarialTraining.step

    def step(self: AdversarialTraining, index: int) -> Any:
        if index == 2:
            raise KeyboardInterrupt
        return original(self, index)

    with pytest.MonkeyPatch.context() as patch, pytest.raises((KeyboardInterrupt, Interrupted)):
        patch.setattr(AdversarialTraining, "step", step)
        stopping.train()
    resume(tmp_path / "again", host, quiet=True)
    one, other = (load_file(path / "bundle" / "model.safetensors") for path in (whole.path, tmp_path / "again"))
    assert one.keys() == other.keys() and all(np.array_equal(one[name], other[name]) for name in one)


@pytest.mark.slow
@pytest.mark.parametrize("sets", [
    ("adversarial.loss=relativistic", "adversarial.r1=1", "adversarial.r2=1"),
    ("adversarial.loss=hinge", 'discriminator={use="multi_scale", scales=2, width=4}', "identity=[]"),
    ("adversarial.loss=least_squares", 'discriminator={use="patch", width=4, norm="spectral"}', "identity.layers=[1]"),
    ("adversarial.loss=wasserstein", "adversarial.gradient_penalty=10", 'generator={use="unet", width=4, depth=2}'),
])  # fmt: skip
def test_any_recipe_takes_the_parts(sets: Sequence[str], tmp_path: Path, host: Host) -> None:
    short = ("train.adversarial.steps=2", "train.pretrain_discriminator.steps=2", "data.faces=48", "train.size=32", "metric=[]")
    recipe = load(
        "diat_a_gender",
        host,
        [*sets, *short, "train.batch_size=4", "train.adversarial.batch_size=4", "report.samples=2", "train.threads=1"],
    )
    made = run(recipe, tmp_path / "run", host, quiet=True)
    assert (made.path / "bundle" / "model.safetensors").is_file()


@pytest.mark.parametrize(
    ("name", "sets", "said"),
    [
        ("stargan", ("adversarial.gradient_penalty=0",), "adversarial.gradient_penalty: "),
        ("diat_2018", ('generator={use="unet"}',), "regularizer: this generator makes no mask"),
    ],
)
def test_what_does_not_fit_is_said_before_training(name: str, sets: Sequence[str], said: str, host: Host) -> None:
    problems = preflight(Assembly(load(f"rivals/{name}", host, ("train.size=32", "data.faces=48", *sets))))
    assert any(str(problem).startswith(said) for problem in problems), list(map(str, problems))


def test_the_second_generator_is_placed_and_stored_but_not_in_the_bundle(host: Host) -> None:
    recipe = small("cyclegan", host)
    assembly = Assembly(recipe)
    assembly.build_training()
    cycle = assembly.many("regularizer")[0]
    held = list(assembly.networks().values())
    assert cycle.generator in held and cycle.discriminator in held and cycle.generator is not assembly.one("generator")
