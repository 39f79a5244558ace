"""Scorecards: intervals over people, slices, candidates of every form, a network that scores what it taught; and compare."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from attrxfer_metrics.memory import peak_memory
from PIL import Image

from attrxfer.errors import AttrxferError
from attrxfer.evaluation.candidates import candidate, held_out, of_method
from attrxfer.evaluation.leakage import refuse_teachers
from attrxfer.evaluation.scores import Scorecard, mean, score, slices
from attrxfer.interfaces import AggregateScore, Counterfactuals, PerImageScore
from attrxfer.model.loading import load_model
from attrxfer.model.resized import ResizedModel
from attrxfer.plugin.host import Host
from attrxfer.recipe import Recipe, load
from attrxfer.recipe.assembly import Assembly
from attrxfer.report.score_text import shown
from attrxfer.report.scorecard import markdown
from attrxfer.workflows.train import run
from tests.conftest import attrxfer

Tiny = Callable[..., Recipe]
SETTINGS = (
    "train.size=32",
    "data.faces=240",
    "report.evaluate=12",
    "metric=[{use='attribute_accuracy', steps=4, batch_size=8}, "
    "{use='kid', steps=4, batch_size=8}, {use='truth'}, {use='preserved'}, {use='cost'}]",
)


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory, host: Host) -> Path:
    from tests.conftest import TINY

    recipe = load("diat_a_gender", host, (*TINY, *SETTINGS))
    return run(recipe, tmp_path_factory.mktemp("scored") / "run", host, quiet=True).path


# ---------------------------------------------------------------- numbers


def test_an_interval_is_over_people_not_images() -> None:
    """Fifty images of each of 30 people say no more than one of each."""
    own = np.random.default_rng(0).normal(size=30)
    people = np.arange(30)
    one, many = mean(PerImageScore(own), people), mean(PerImageScore(np.repeat(own, 50)), np.repeat(people, 50))
    single = mean(PerImageScore(own), np.zeros(30, int))
    assert single.low is None and single.value == pytest.approx(own.mean()), "one person says nothing of others"
    assert many.n == 1500 and one.n == 30 and many.value == pytest.approx(one.value)
    assert (one.low, one.high) == pytest.approx((many.low, many.high))
    assert one.high - one.low == pytest.approx(2 * 1.96 * own.std() / 30**0.5, rel=0.15)  # type: ignore[operator]


def test_images_without_a_number_are_left_out() -> None:
    found = mean(PerImageScore(np.array([1.0, np.nan, 3.0]), "dB"), np.array([0, 1, 2]))
    assert found.value == 2 and found.n == 2 and found.unit == "dB"
    nothing = mean(PerImageScore(np.array([np.nan])), np.array([0]))
    assert nothing.n == 0 and shown({"value": None, "n": 0, "unit": "share"}) == ("–", "")


def test_a_metrics_own_interval_is_kept_and_nan_is_no_json() -> None:
    def metric(evaluation: Any) -> dict[str, PerImageScore | AggregateScore]:
        return {"set": AggregateScore(3.0, 2, 1.0, 4.0, better="lower"), "none": PerImageScore(np.full(2, np.nan))}

    card = score("me", SimpleNamespace(outputs=None, people=np.arange(2)), [metric])  # type: ignore[arg-type]
    assert card.scores["set"] == {"value": 3.0, "low": 1.0, "high": 4.0, "n": 2, "unit": "", "better": "lower", "role": ""}
    assert json.loads(json.dumps(card.scores, allow_nan=False))["none"]["value"] is None


def test_slices_show_whom_a_model_fails() -> None:
    """A model that succeeds with the young alone."""
    young = np.arange(40) < 20
    records = SimpleNamespace(attributes={"Young": young, "Male": np.ones(40, bool), "Hat": np.arange(40) < 5})
    given: Any = SimpleNamespace(
        data=SimpleNamespace(records=records), rows=np.arange(40), people=np.arange(40), target={"Male": 0}
    )
    hit = {"unit": "share", "better": "higher", "role": "attribute accuracy"}
    card = Scorecard("me", np.zeros(0, np.uint8), {"hit": hit}, {"hit": young.astype(float)})
    found = slices(card, given)
    assert found.keys() == {"Young", "not Young", "not Hat"}, "five hats are too few, and Male is the task itself"
    assert found["Young"]["hit"]["value"] == 1 and found["not Young"]["hit"]["value"] == 0
    assert found["Young"]["hit"]["n"] == 20


def test_a_metric_adds_groups_of_its_own() -> None:
    class Halves:
        def __call__(self, evaluation: Any) -> dict[str, PerImageScore]:
            return {"hit": PerImageScore((np.arange(40) < 10).astype(float), "share", role="attribute accuracy")}

        def groups(self, data: Any, rows: Any) -> dict[str, Any]:
            return {"first": rows < 20, "last": rows >= 20, "few": rows < 3}

    records = SimpleNamespace(attributes={})
    given: Any = SimpleNamespace(
        data=SimpleNamespace(records=records), rows=np.arange(40), people=np.arange(40), target={}, outputs=np.zeros(0)
    )
    found = slices(score("me", given, [Halves()]), given)
    assert {name: group["hit"]["value"] for name, group in found.items()} == {"first": 0.5, "last": 0.0}


# ---------------------------------------------------------------- candidates


@pytest.mark.slow
def test_a_run_is_scored_beside_its_reference_rows(trained: Path) -> None:
    found = json.loads((trained / "scores.json").read_text())
    truth, copy, own = (found["scores"][name] for name in ("truth", "input_copy", "result"))
    assert truth["PSNR to truth"]["value"] == 100 and truth["closer to truth"]["value"] == 1
    assert copy["PSNR where nothing should change"]["value"] == 100 and copy["colour shift"]["value"] == 0
    assert own["million parameters"]["value"] > 0 and "million parameters" not in copy
    assert own["GFLOP an image"]["value"] > 0 and own["milliseconds an image"]["value"] > 0


@pytest.mark.slow
@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="only Linux tells a process's peak memory")
def test_peak_memory_grows_with_the_batch(trained: Path) -> None:
    few, many = (peak_memory(trained / "bundle", count) for count in (1, 256))
    found = json.loads((trained / "scores.json").read_text())["scores"]["result"]["peak memory of a batch"]
    assert few is not None and many is not None and found["unit"] == "MB" and 0 < found["value"] < many
    # 256 images in, and as many out, of 3 x 32 x 32 numbers of 4 bytes
    assert many - few > 2 * 256 * 3 * 32 * 32 * 4 / 2**20
    assert peak_memory(trained / "nothing", 1) is None


@pytest.mark.slow
def test_candidates_of_every_form_in_one_command(trained: Path, tmp_path: Path, host: Host) -> None:
    results = tmp_path / "theirs"
    recipe = load(trained / "recipe.toml", host)
    data, sets = Assembly(recipe).open_data()
    given = held_out(recipe, data, sets, 6)
    assert given is not None and given.truth is not None
    for row, image in zip(given.rows, given.truth, strict=True):
        results.mkdir(exist_ok=True)
        Image.fromarray(image).save(results / f"{data.records.names[row]}.png")
    out = tmp_path / "scores"
    done = attrxfer("evaluate", trained, results, "nearest_guided", "--limit", "6", "-o", out)
    assert done.returncode == 0, done.stderr
    found = json.loads((out / "scores.json").read_text())
    assert list(found["scores"]) == [str(trained), str(results), "nearest_guided", "input_copy", "truth"]
    assert found["scores"][str(results)]["closer to truth"]["value"] == 1, "labels are keyed by file name"
    assert found["images"] == 6 and [point["strength"] for point in found["curves"][str(trained)]] == [
        0.25,
        0.5,
        0.75,
        1,
        1.25,
    ]
    text = (out / "page.html").read_text()
    assert "best by PSNR to truth" in text and "<svg" in text and "http" not in text and str(results) in text
    assert (out / "table.md").read_text().count("\n") == 2 + 5
    assert "closer to truth" in done.stdout and "page.html" in done.stdout


@pytest.mark.slow
def test_mistakes_are_one_line(trained: Path, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "few").mkdir()
    Image.new("RGB", (32, 32)).save(tmp_path / "few" / "somebody.png")
    other = trained.parent / "other.toml"
    other.write_text(f'extends = "{trained}/recipe.toml"\n[task]\nguided = {{Smiling = true}}\n')
    for arguments, message in (
        (["input_copi"], 'did you mean "input_copy"'),
        (["input_copy"], "name a recipe with --recipe, e.g. diat_a_gender"),
        ([trained, tmp_path / "empty"], "empty: no images here"),
        ([trained, tmp_path / "few"], "few: no result for face-"),
        ([trained, "--recipe", other], "makes {'Male': False}, but {'Smiling': True} is scored"),
        ([trained, "--data", tmp_path / "nowhere"], "nowhere: no such file or folder"),
        ([trained, "--set", "train.size=48"], "data.size is 32, but train.size is 48: set both, to the same"),
        ([trained, "another_photo"], "method another_photo does not apply to these data"),
        ([trained, "--set", "metric=[{use='attribute_acuracy'}]"], 'did you mean "attribute_accuracy"'),
    ):
        result = attrxfer("evaluate", *arguments, "-o", tmp_path / "out")
        assert result.returncode == 2, (arguments, result.stderr)
        assert message in result.stderr and len(result.stderr.splitlines()) == 1, result.stderr
    assert not (tmp_path / "out").exists()


@pytest.mark.slow
def test_models_of_other_sizes_are_scored_at_the_largest(trained: Path, tmp_path: Path, host: Host) -> None:
    from tests.conftest import TINY

    large = run(load("diat_a_gender", host, (*TINY, *SETTINGS, "train.size=48")), tmp_path / "large", host, scored=False)
    few = ("--set", "metric=[{use='truth'}]", "--limit", "4")
    done = attrxfer("evaluate", trained, large.path, *few, "-o", tmp_path / "both")
    assert done.returncode == 0, done.stderr
    scores = json.loads((tmp_path / "both" / "scores.json").read_text())["scores"]
    alone = attrxfer("evaluate", large.path, *few, "-o", tmp_path / "alone")
    assert alone.returncode == 0
    assert json.loads((tmp_path / "alone" / "scores.json").read_text())["scores"][str(large.path)] == scores[str(large.path)]
    small = attrxfer("evaluate", trained, large.path, *few, "--recipe", trained / "recipe.toml", "-o", tmp_path / "small")
    assert small.returncode == 0, small.stderr
    at_its_own = json.loads((tmp_path / "small" / "scores.json").read_text())["scores"][str(trained)]["PSNR to truth"]["value"]
    assert scores[str(trained)]["PSNR to truth"]["value"] == pytest.approx(at_its_own, abs=1)


def test_a_resized_model_adds_its_change_and_nothing_else(trained: Path) -> None:
    model = load_model(trained)
    images = np.random.default_rng(0).integers(0, 256, (3, 64, 64, 3), np.uint8)
    resized = ResizedModel(model, 64)
    assert np.array_equal(resized.images(images, 0), images)
    assert resized.images(images[:0]).shape == (0, 64, 64, 3)
    assert np.array_equal(ResizedModel(model, 32).images(images[:, :32, :32]), model.images(images[:, :32, :32]))
    smooth = np.broadcast_to(np.linspace(0, 255, 64).astype(np.uint8)[None, :, None, None], (1, 64, 64, 3))
    own = np.stack([np.asarray(Image.fromarray(smooth[0]).resize((32, 32)))])
    change = model.images(own).astype(float).mean() - own.mean()
    assert resized.images(smooth).astype(float).mean() - smooth.mean() == pytest.approx(change, abs=2)


def test_a_network_that_taught_a_model_does_not_score_it(tiny: Tiny, tmp_path: Path) -> None:
    taught = "{use='timm', name='test_resnet', pretrained=true}"
    recipe = tiny(f"identity={{use='backbone', network={taught}}}", f"metric=[{{use='kid', features={taught}}}]")
    recipes = {"runs/mine": recipe.filled()}
    with pytest.raises(AttrxferError, match=r"runs/mine: was trained with features timm, which metric kid reads"):
        refuse_teachers(recipes, recipe)
    located = "metric=[{use='kid'}, {use='preserved', locator={use='auto', region='mouth'}}]"
    other = tiny(f"identity={{use='backbone', network={taught}}}", located)
    refuse_teachers({"runs/mine": other.filled()}, other)  # a locator is no network
    file = tmp_path / "face.safetensors"
    file.touch()
    taught = f"{{use='timm', name='test_resnet', weights='{file}'}}"
    other = tiny(f"identity={{use='backbone', network={taught}}}", f"metric=[{{use='identity', network='{file}'}}]")
    with pytest.raises(AttrxferError, match=r"was trained with .*face.safetensors, which metric identity reads"):
        refuse_teachers({"runs/mine": other.filled()}, other)
    untrained = tiny("metric=[{use='kid', features={use='face_features', width=4}}]")
    with pytest.raises(AttrxferError, match="metric kid: features face_features learn"):
        refuse_teachers({}, untrained)


def test_another_output_or_name_of_a_network_does_not_hide_that_it_taught(tiny: Tiny, tmp_path: Path) -> None:
    one, copy, other = (tmp_path / name for name in ("one.safetensors", "copy.safetensors", "other.safetensors"))
    for file, content in ((one, b"weights"), (copy, b"weights"), (other, b"others!")):
        file.write_bytes(content)

    def refused(taught: str, scores: str) -> bool:
        recipe = tiny(f"identity={{use='backbone', network={{{taught}}}}}", f"metric=[{{use='kid', features={{{scores}}}}}]")
        try:
            refuse_teachers({"runs/mine": recipe.filled()}, recipe)
        except AttrxferError as error:
            assert "runs/mine: was trained with " in str(error)
            return True
        return False

    net, of = "use='timm', name='test_resnet'", "use='timm', name='test_resnet', weights"
    assert refused(f"{net}, pretrained=true", f"{net}, pretrained=true, out=[1]")
    assert refused(f"{of}='{one}'", f"{of}='{one}', out=[1]")
    assert refused(f"{of}='{one}'", f"{of}='{copy}'")
    assert refused("use='vgg_face'", f"use='vgg_face', path='{one}'"), "the first may be the same file, by ATTRXFER_VGG_FACE"
    assert not refused(f"{of}='{one}'", f"{of}='{other}'")
    assert not refused(f"{net}, pretrained=true", "use='timm', name='test_vit', pretrained=true")
    assert not refused("use='vgg_face'", f"{of}='{one}'")


def test_a_metrics_mistake_stops_a_run_before_its_first_stage(tiny: Tiny, tmp_path: Path, host: Host) -> None:
    for metric, message in (
        ("{use='attribute_accuracy', network='resnet999'}", "a timm network of the name"),
        ("{use='kid', features={use='face_features', width=4}}", "learn"),
    ):
        with pytest.raises(AttrxferError, match=message):
            run(tiny(f"metric=[{metric}]"), tmp_path / "run", host, quiet=True)
        assert not (tmp_path / "run").exists()


def test_half_a_truth_is_made_of_what_an_image_lacks(tiny: Tiny) -> None:
    """Men to young women: a young man's half truth is half a woman, and as young as he was."""
    recipe = tiny("data.faces=120")
    data, _ = Assembly(recipe).open_data()
    attributes = data.records.attributes
    rows = np.flatnonzero(attributes["Male"] & attributes["Young"])[:3]
    target = {"Male": False, "Young": True}
    half = data.truth(rows, target, 0.5)
    assert half is not None and isinstance(data.dataset, Counterfactuals)
    assert np.array_equal(half, data.dataset.counterfactual(rows.tolist(), {"Male": 0.5}))
    has = np.flatnonzero(~attributes["Male"] & attributes["Young"])[:2]
    whole = data.truth(has, target)
    assert whole is not None and np.array_equal(whole, data.images_u8(has)), "what has it all is its own truth"


def test_results_are_matched_by_their_path_not_by_a_name_that_two_share(tmp_path: Path) -> None:
    names = ("B/001.jpg", "C/001.jpg", "C/002.jpg")
    images = np.random.default_rng(0).integers(0, 256, (3, 8, 8, 3)).astype(np.uint8)
    for name, image in zip(names, images, strict=True):
        path = tmp_path / "theirs" / Path(name).with_suffix(".png")
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(image).save(path)
    data = SimpleNamespace(records=SimpleNamespace(names=names))
    host = Host([])
    given: Any = SimpleNamespace(data=data, rows=np.array([1, 0]), sources=images[:2])
    assert np.array_equal(candidate(str(tmp_path / "theirs"), given, host).outputs, images[[1, 0]])
    flat = tmp_path / "flat"
    flat.mkdir()
    Image.fromarray(images[0]).save(flat / "001.png")
    with pytest.raises(AttrxferError, match=r"flat: no result for C/001"):
        candidate(str(flat), given, host)
    alone: Any = SimpleNamespace(data=data, rows=np.array([0]), sources=images[:1])
    assert np.array_equal(candidate(str(flat), alone, host).outputs, images[:1]), "a lone name needs no path"


class Darker:
    """A method that can be applied to any image."""

    def __call__(self, data: Any, target: Any, rows: Any) -> Any:
        raise AssertionError("its results have no strength")

    def transfer(self, images_u8: Any, strength: float) -> Any:
        return (images_u8 * (1 - strength / 2)).astype(np.uint8)


class Still:
    """A method for images of a data set only."""

    def __call__(self, data: Any, target: Any, rows: Any) -> Any:
        return np.zeros((len(rows), 16, 16, 3), np.uint8)


class NotInstalled(Still):
    @classmethod
    def missing(cls, **parameters: object) -> list[str]:
        return ["the extra x: pip install x"]


def test_the_strength_of_a_method_is_applied_or_refused_and_what_is_missing_is_one_line() -> None:
    host = Host([])
    for name in ("Darker", "Still", "NotInstalled"):
        host.registry.add("method", name, f"{__name__}:{name}", summary="")
    given: Any = SimpleNamespace(
        data=None, target={"a": True}, rows=np.arange(2), sources=np.full((2, 16, 16, 3), 100, np.uint8)
    )
    half = candidate("Darker", given, host, 0.5)
    assert half.name == "Darker at 0.5" and half.model is not None and (half.outputs == 75).all()
    still = candidate("Still", given, host)
    assert still.name == "Still" and still.model is None and not still.outputs.any()
    with pytest.raises(AttrxferError, match=r"^method Still has no strength: score it without --strength$"):
        candidate("Still", given, host, 0.5)
    with pytest.raises(AttrxferError, match=r"^method NotInstalled is missing the extra x: pip install x$"):
        candidate("NotInstalled", given, host)
    with pytest.raises(AttrxferError, match=r"^method NotInstalled is missing the extra x: pip install x$"):
        of_method("NotInstalled", given, host.registry)


# ---------------------------------------------------------------- tables


@pytest.mark.slow
def test_tables_show_intervals_and_what_is_better(trained: Path) -> None:
    share = {"value": 0.5, "low": 0.4, "high": 0.6, "n": 9, "unit": "share", "better": "higher"}
    text = markdown({"a": {"attribute accuracy": share}, "b": {}})
    assert text.splitlines()[2:] == ["| a | 50.0% (40 to 60%) |", "| b |  |"]
    assert "attribute accuracy ↑" in (trained / "report.html").read_text()


@pytest.mark.slow
def test_compare_puts_runs_side_by_side(trained: Path, tiny: Tiny, tmp_path: Path, host: Host) -> None:
    other = run(tiny(*SETTINGS, "identity.weight=0.7"), tmp_path / "other", host, quiet=True).path
    result = attrxfer("compare", trained, other)
    assert result.returncode == 0, result.stderr
    lines = [line.split() for line in result.stdout.splitlines()]
    assert ["identity.weight", "0.3", "0.7"] in lines
    assert any(line[:2] == ["attribute", "accuracy"] and len(line) > 3 for line in lines)
    assert attrxfer("compare", trained, tmp_path).returncode == 2


@pytest.mark.slow
def test_classifier_train_prints_its_accuracy(tmp_path: Path) -> None:
    arguments = ("classifier", "train", "--size", "16", "--steps", "3", "--batch-size", "8")
    result = attrxfer(*arguments, env={"ATTRXFER_CACHE": str(tmp_path)})
    assert result.returncode == 0, result.stderr
    assert "real test images" in result.stdout and "Smiling" in result.stdout and "% right" in result.stdout
    kept = list((tmp_path / "attribute_classifiers").iterdir())
    assert len(kept) == 1
    before = kept[0].stat().st_mtime_ns
    assert attrxfer(*arguments, env={"ATTRXFER_CACHE": str(tmp_path)}).stdout == result.stdout
    assert kept[0].stat().st_mtime_ns == before
