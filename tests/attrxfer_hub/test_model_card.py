"""The page that a pushed bundle gets on the hub."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from attrxfer_hub.model_card import model_card
from attrxfer_hub.publish import without_paths

from attrxfer.model import bundle
from attrxfer.plugin.host import Host
from attrxfer.recipe import Recipe
from tests.attrxfer_hub.conftest import hub


@pytest.fixture
def card(model: Path) -> dict[str, Any]:
    return without_paths(bundle.read_metadata(model / "bundle"))[0]


def test_the_head_is_what_the_hub_reads(card: dict[str, Any], host: Host) -> None:
    read = hub.ModelCard(model_card(card, "me/younger", host.registry)).data
    assert read.license == "other" and read.license_name == "see-licences" and read.library_name == "attrxfer"
    assert read.datasets == ["flwrlabs/celeba"] and read.pipeline_tag == "image-to-image" and "gender" in read.tags
    (result,) = read.eval_results
    assert (result.metric_type, result.metric_value, result.dataset_name) == ("success", 0.25, "celeba")
    assert read.license_link.startswith("https://") and read.model_name == "younger"


def test_the_card_says_what_whoever_uses_it_must_know(card: dict[str, Any], host: Host) -> None:
    text = model_card(card, "me/younger", host.registry)
    for expected in (
        "**Not for commercial use.**",
        "images without **Male = false** in",
        "attrxfer pull me/younger",
        'attrxfer.load("younger")',
        "for non-commercial research only",
        "Training took 1.5 minutes (cpu, 2 threads)",
        "8 held-out images of 5 people",
        "| success | 25.0% | 20 to 30% | 8 | more |",
        "## Where it differs from `paper/diat_a_gender`",
        "| train.adversarial.dstep | 2 | 125 |",
        "| generator `masked` | in the weights | diat 0.1.0 | MIT |",
        "| data `celeba` | trained on | faces | MIT (the images: non-commercial research) |",
        "have their consent",
        "Not for identification",
    ):
        assert expected in text
    assert "$" not in text and "metric.0" not in text


def test_only_drawn_faces_under_mit_are_called_mit(card: dict[str, Any], host: Host) -> None:
    recipe = {**card["recipe"], "data": {"use": "synthetic_faces"}}
    drawn = {**card, "recipe": recipe, "licences": ["MIT"], "scores": {}}
    text = model_card(drawn, "me/x", host.registry)
    assert "license: mit\n" in text and "works on drawn faces only" in text and "the model was not scored" in text
    assert "Not for commercial use" not in text and "model-index" not in text
    own = {**drawn, "recipe": {**recipe, "data": {"use": "folder", "path": "faces"}}}
    text = model_card(own, "me/x", host.registry)
    assert "license: other\n" in text and "licence of the images is not recorded" in text and "datasets:" not in text


def test_a_card_can_be_made_of_what_is_not_installed_here(card: dict[str, Any], host: Host) -> None:
    recipe = {**card["recipe"], "reference": "theirs/recipe", "identity": {"use": "theirs"}, "data": {"use": "theirs"}}
    text = model_card({**card, "recipe": recipe}, "me/x", host.registry)
    assert "| identity `theirs` | trained with | not installed where this was written |  |" in text
    assert "Where it differs" not in text


def test_texts_of_a_stranger_s_card_are_shown_as_they_are(card: dict[str, Any], host: Host) -> None:
    licences = ["<script>x</script>", "![x](http://x)", "**MIT** `x`"]
    text = model_card({**card, "licences": licences}, "me/x", host.registry)
    assert "- &lt;script&gt;x&lt;/script&gt;\n- ![x&#93;(http://x)\n- &#42;&#42;MIT&#42;&#42; &#96;x&#96;\n" in text
    assert "<script>" not in text


@pytest.mark.slow
def test_a_run_tells_its_bundle_how_long_it_took(tiny: Callable[..., Recipe], tmp_path: Path, host: Host) -> None:
    from attrxfer.storage.run_folder import RunFolder
    from attrxfer.training.loop import Training

    training = Training(tiny(), RunFolder(tmp_path / "run"), host, quiet=True)
    training.create_folder()
    trained = bundle.read_metadata(training.train())["trained"]
    assert trained["seconds"] >= 0 and trained["device"] == "cpu" and trained["processes"] == 1 and trained["precision"] == "no"
