"""The assembly: which components, stages and networks a recipe has; each built once, placed, saved and restored."""

from __future__ import annotations

from importlib import metadata
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from attrxfer.errors import AttrxferError, DataError, Interrupted, InvalidRecipe
from attrxfer.plugin.host import Host, entry_points
from attrxfer.recipe import Recipe, load
from attrxfer.recipe.assembly import Assembly
from attrxfer.storage.run_folder import RunFolder
from attrxfer.training.loop import Training
from attrxfer.workflows.check import check, require
from tests.conftest import TINY, attrxfer

NETWORK = 'network={use="masked", width=4, blocks=1}'


@pytest.fixture(scope="module")
def odd() -> Host:
    """All plugins, and the fakes."""
    return Host([*entry_points(), metadata.EntryPoint("fakes", "tests.recipe.fakes", "attrxfer")])


def recipe(host: Host, *overrides: str) -> Recipe:
    return load("diat_a_gender", host, (*TINY, *overrides))


def planned(host: Host, *overrides: str) -> list[tuple[str, str, str | None]]:
    assembly = Assembly(recipe(host, *overrides))
    paths = {place.key: place.path for place in assembly.components()}
    return [(stage.key, stage.name, stage.owner and paths[stage.owner]) for stage in assembly.stages]


TWO = 'enhancer=[{use="deblur"}, {use="deblur", bias=0.5}, {use="deblur"}]'
TAUGHT = 'regularizer={use="picky", network={use="taught"}}'


def test_stages_follow_from_components_by_slot_each_components_once(odd: Host) -> None:
    assert planned(odd, TWO, TAUGHT) == [
        ("classify", "classify", "regularizer.network"),
        ("pretrain_generator", "pretrain_generator", "adversarial"),
        ("pretrain_discriminator", "pretrain_discriminator", "adversarial"),
        ("warm", "warm", "regularizer.network"),
        ("adversarial", "adversarial", "adversarial"),
        ("deblur", "deblur", "enhancer[0]"),
        ("deblur_2", "deblur", "enhancer[1]"),
    ]


def test_listed_stages_run_in_the_listed_order(odd: Host) -> None:
    listed = 'stages=["deblur", "adversarial", "classify"]'
    assert planned(odd, TWO, listed) == [
        ("deblur", "deblur", "enhancer[0]"),
        ("deblur_2", "deblur", "enhancer[1]"),
        ("adversarial", "adversarial", "adversarial"),
        ("classify", "classify", None),
    ]


def test_a_component_that_only_a_stage_names_brings_its_own_stages(host: Host) -> None:
    local = 'enhancer=[{use="local"}]'
    stages = planned(host, local, 'train.local_enhancer.network={use="face_features", width=4}')
    assert ("face_features", "face_features", "train.local_enhancer.network") in stages


def test_equal_tables_are_one_component_and_networks_are_found_wherever_they_are_held(odd: Host) -> None:
    assembly = Assembly(recipe(odd, TWO, 'regularizer={use="keeper"}', 'stages=["zz"]', f"train.zz.{NETWORK}"))
    assembly.build_training()
    first, second, third = assembly.many("enhancer")
    assert first is third and first is not second
    networks = assembly.networks()
    own: Any = assembly.stage(assembly.stages[0])
    (keeper,) = assembly.many("regularizer")
    for network in (own.network, keeper.first, keeper.others["second"], first, second, assembly.one("generator")):
        assert sum(network is other for other in networks.values()) == 1, network
    assert own.network is not assembly.one("generator"), "what trains for a stage is no other's"


@pytest.mark.slow
@pytest.mark.parametrize(
    "overrides",
    [("stages=['zz', 'adversarial']", f"train.zz.{NETWORK}"), ('regularizer={use="keeper"}', "stages=['keep', 'adversarial']")],
    ids=["a stage's own network", "networks of a component that is no module"],
)
def test_networks_anywhere_are_placed_saved_and_restored(
    overrides: tuple[str, ...], odd: Host, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def states(training: Training) -> dict[str, torch.Tensor]:
        return {
            f"{key} {name}": tensor.clone()
            for key, network in training.networks.items()
            for name, tensor in network.state_dict().items()
        }

    def begin(name: str, watch: Any = None) -> Training:
        training = Training(recipe(odd, *overrides), RunFolder(tmp_path / name), odd, quiet=True, watch=watch)
        return training

    whole = begin("whole")
    fresh = states(whole)
    whole.create_folder()
    whole.train()

    def stop(stage: Any, key: str, done: int) -> None:
        parts.interruption.requested = key == "adversarial" and done == 2

    parts = begin("parts", stop)
    parts.create_folder()
    with pytest.raises(Interrupted):
        parts.train()
    resumed = begin("parts")
    resumed.train()
    wanted, found = states(whole), states(resumed)
    assert wanted.keys() == found.keys()
    assert all(torch.equal(wanted[name], found[name]) for name in wanted)
    trained = [name for name in wanted if not torch.equal(wanted[name], fresh[name])]
    assert any("zz.network" in name or "keeper" in name for name in trained)
    placed = [module for network in whole.networks.values() for module in network.modules() if isinstance(module, nn.Conv2d)]
    assert all(module.weight.is_contiguous(memory_format=torch.channels_last) for module in placed)


# ---------------------------------------------------------------- preflight


def test_preflight_names_what_components_say_at_their_place(odd: Host) -> None:
    table = 'regularizer=[{use="tv"}, {use="picky", network={use="taught"}, layer=3, part="mask"}]'
    checked = check(recipe(odd, table, "generator={use='diat', width=4, blocks=1}"), odd)
    assert [str(problem) for problem in checked.problems] == [
        "regularizer[1].layer: the network has 1 maps",
        "regularizer[1].part: the generator has output",
    ]
    assert not check(recipe(odd, 'regularizer={use="picky", network={use="taught"}, part="mask"}'), odd).problems


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("stubborn", "cannot be built: RuntimeError: no such model"),
        ("unsure", "regularizer: cannot be checked: KeyError: 'mask'"),
        ("broken", "regularizer: fails on random images: IndexError: tuple index out of range"),
        ("wide", "a loss is one number"),
    ],
)
def test_what_would_fail_in_training_fails_before(name: str, words: str, odd: Host, tmp_path: Path) -> None:
    from attrxfer.workflows.train import run

    bad = recipe(odd, f'regularizer={{use="{name}"}}')
    with pytest.raises(InvalidRecipe, match=words):
        run(bad, tmp_path / "run", odd, quiet=True)
    assert not (tmp_path / "run").exists()


def test_a_generator_that_fails_in_training_mode_is_named(odd: Host) -> None:
    checked = check(recipe(odd, 'generator={use="fragile"}'), odd)
    words = "generator: fails on random images: RuntimeError: more than one value expected"
    assert [str(problem) for problem in checked.problems] == [words]


PERCEPTUAL = f'regularizer={{use="perceptual", network={{use="face_features", width=4}}, reconstruction={NETWORK[8:]}}}'


@pytest.mark.slow
@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ((PERCEPTUAL, "train.reconstruction.layers=[9]"), "train.reconstruction.layers: [9]: this network has layers 1 to 5"),
        (('stages=["denoiser"]',), "train.denoiser: this stage trains regularizer perceptual, which the recipe does not have"),
        ((f'enhancer={{use="global", sigma=300.0, {NETWORK}}}',), "enhancer: fails on random images: "),
        (('data.confound={"Male*Glasses"=0.5}',), 'data.confound: drawn faces have no attribute "Glasses"'),
        (
            ('metric={use="attribute_accuracy", network="vit_tiny_patch16_224"}',),
            "metric.network: vit_tiny_patch16_224 fails on",
        ),
        (('metric={use="lpips", weights=["pyproject.toml"]}',), "metric.weights: pyproject.toml: "),
        (
            ('metric={use="identity", network="pyproject.toml", architecture="test_resnet"}',),
            "metric.network: pyproject.toml: ",
        ),
    ],
)
def test_settings_that_would_fail_in_training_are_named_at_their_place(
    settings: tuple[str, ...], words: str, host: Host
) -> None:
    (problem,) = check(recipe(host, *settings), host).problems
    assert words in str(problem)


def test_decay_rates_and_batches_that_no_stage_can_use(host: Host) -> None:
    for setting in (
        "train.pretrain_discriminator.betas=[0.9, 1.0]",
        "train.face_features.batch_size=1",
        "train.recognition.batch_size=1",
    ):
        with pytest.raises(InvalidRecipe, match=setting.partition("=")[0]):
            recipe(host, setting)


def test_a_nested_network_that_cannot_take_an_image_is_named(odd: Host) -> None:
    (problem,) = check(recipe(odd, 'regularizer={use="picky", network={use="large"}}'), odd).problems
    assert str(problem) == "regularizer.network: fails on an image of 16 px: ValueError: this network takes 224 px"


@pytest.mark.slow
def test_unknown_trackers_are_named_with_the_nearest(host: Host) -> None:
    checked = check(recipe(host, "train.trackers=['tensorbord']"), host)
    assert [str(problem) for problem in checked.problems] == [
        'train.trackers: no tracker "tensorbord"; did you mean "tensorboard"?'
    ]
    result = attrxfer("recipe", "check", "diat_a_gender", "--set", "train.trackers=['tensorbord']")
    assert result.returncode == 2 and "Traceback" not in result.stderr and "did you mean" in result.stderr


def test_trackers_that_are_not_installed_are_missing(host: Host) -> None:
    assert any(
        need.startswith("tracker clearml: pip install")
        for need in check(recipe(host, "train.trackers=['clearml']"), host).missing
    )


def test_what_is_missing_stops_a_run_with_one_line_each(host: Host) -> None:
    with pytest.raises(AttrxferError, match="missing: VGG-Face's weights"):
        require(recipe(host, 'identity={use="backbone", network={use="vgg_face"}}'), host)


def test_the_checks_change_nothing_of_a_run(host: Host) -> None:
    torch.manual_seed(3)
    before = torch.random.get_rng_state()
    checked = recipe(host)
    digest = checked.digest()
    assert check(checked, host) == check(checked, host) and checked.digest() == digest
    assert before.shape == torch.random.get_rng_state().shape


def test_missing_attributes_are_found_before_an_image_is_decoded_each_once(host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    from attrxfer_synth.dataset import SyntheticFaces

    def read(self: Any, rows: Any) -> Any:
        raise AssertionError("an image was read")

    monkeypatch.setattr(SyntheticFaces, "read", read)
    with pytest.raises(DataError) as error:
        Assembly(recipe(host, "task.guided={Mael=false, Zzz=true}", "data.faces=50")).open_data()
    words = str(error.value)
    assert '"Mael" (did you mean "Male"?), "Zzz"' in words and words.count("Eyeglasses") == 1
    network = 'network={use="recognition", attributes=["Smilng", "Male"]}'
    other = 'network={use="recognition", attributes=["Mal", "Smilng", "Eyeglasses"]}'
    losses = f'identity={{use="embedding", {network}}}', f'regularizer={{use="classification", guided={{Mal=true}}, {other}}}'
    wrong = recipe(host, "data.faces=50", *losses)
    with pytest.raises(DataError) as error:
        Assembly(wrong).open_data(training=True)
    words = str(error.value)
    assert words.startswith("identity.network, regularizer.network, regularizer: the data have no attribute ")
    assert '"Smilng" (did you mean "Smiling"?), "Mal" (did you mean "Male"?); they have ' in words
    assert words.count("Smilng") == 1 and "task" not in words
    both = recipe(host, "data.faces=50", "task.guided={Mael=false}", losses[0])
    with pytest.raises(DataError, match=r'^task, identity.network: .* "Mael" \(.*\), "Smilng" \(.*with: --set task.guided='):
        Assembly(both).open_data(training=True)
    with pytest.raises(AssertionError, match="an image was read"):
        Assembly(wrong).open_data()  # only scores are wanted: what trained the model may read other attributes
    with pytest.raises(DataError, match=r"task.input: no training image meets"):
        Assembly(recipe(host, "task.input={Male=false}", "data.faces=50")).open_data()
