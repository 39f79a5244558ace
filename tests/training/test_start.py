"""The generator of a run starts with a trained model's weights."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from attrxfer.errors import InvalidRecipe
from attrxfer.plugin.host import Host
from attrxfer.recipe import Recipe
from attrxfer.storage.run_folder import RunFolder
from attrxfer.training.loop import Training
from attrxfer.workflows.check import require
from tests.conftest import TINY, attrxfer, load_bundle, train

Tiny = Callable[..., Recipe]
NO_STEPS = ("train.pretrain_discriminator.steps=0", "train.adversarial.steps=0")


def generator(run: Path) -> dict[str, torch.Tensor]:
    return load_file(run / "bundle" / "model.safetensors")


def test_untrained_the_generator_is_the_model_s_own(trained: Path, tmp_path: Path, host: Host) -> None:
    theirs = generator(trained)
    for settings, equal in (((f"train.start={trained}",), True), ((), False)):
        own = generator(train(host, tmp_path / f"run{equal}", (*TINY, *NO_STEPS, *settings)))
        assert all(torch.equal(own[key], theirs[key]) for key in theirs) is equal


def test_the_images_may_have_another_size(trained: Path, tiny: Tiny, tmp_path: Path, host: Host) -> None:
    settings = (f"train.start={trained}", "train.size=32")
    require(tiny(*settings), host)
    assert load_bundle(train(host, tmp_path / "run", (*TINY, *settings))).size == 32


def test_a_run_with_a_checkpoint_is_resumed_without_the_model(trained: Path, tiny: Tiny, tmp_path: Path, host: Host) -> None:
    model, run = train(host, tmp_path / "model"), tmp_path / "run"
    train(host, run, (*TINY, f"train.start={model}"))
    before = generator(run)
    model.rename(tmp_path / "elsewhere")
    Training(tiny(f"train.start={model}"), RunFolder(run), host, quiet=True).train()
    assert all(torch.equal(value, before[key]) for key, value in generator(run).items())


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        (["train.start=gendr"], 'gendr: no such file or folder, model or method; did you mean "gender"?'),
        (["train.start=input_copy"], "input_copy: not a bundle, whose generator could be trained further"),
        (["train.start=gender"], "gender has a generator of another form: width = 16 there, 4 here"),
        (["train.start=gender", 'generator={use="diat"}'], 'gender has the generator "masked", this recipe "diat"'),
    ],
)
def test_what_does_not_fit_is_said_before_training(settings: list[str], said: str, tiny: Tiny, host: Host) -> None:
    with pytest.raises(InvalidRecipe) as error:
        require(tiny(*settings), host)
    assert f"train.start: {said}" in str(error.value)


def test_recipe_check_says_it_too() -> None:
    result = attrxfer("recipe", "check", "diat_a_gender", "--set", "train.start=nowhere")
    assert result.returncode == 2 and "train.start: nowhere: no such file or folder" in result.stderr
