"""What a notebook shows of an object: one line with what matters."""

from __future__ import annotations

import numpy as np

from attrxfer.evaluation.scores import HeldOutInputs, HeldOutResults, Scorecard
from attrxfer.plugin.host import Host
from attrxfer.recipe import load
from attrxfer.recipe.assembly import Assembly
from attrxfer.workflows.evaluate import ScoredTask
from tests.conftest import TINY

IMAGES = np.zeros((3, 16, 16, 3), np.uint8)
ROWS = np.arange(3)


def test_a_recipe_and_its_assembly(host: Host) -> None:
    recipe = load("diat_a_gender", host, (*TINY, "identity=[]"))
    assert repr(recipe) == "Recipe('diat_a_gender', gender: Male = false; data synthetic_faces, generator masked; 16 px)"
    stages = "pretrain_generator, pretrain_discriminator, adversarial"
    assert repr(Assembly(recipe)) == f"Assembly('diat_a_gender', 0 components built, stages {stages})"


def test_plugins_and_their_components(host: Host) -> None:
    assert repr(host.registry) == f"Registry({len(host.registry.all())} components of 16 kinds)"
    assert repr(host).startswith("Host(backends, baselines, ")


def test_scores(host: Host) -> None:
    data = Assembly(load("diat_a_gender", host, TINY)).open_data()[0]
    held = HeldOutInputs(data, ROWS, IMAGES, np.zeros(3, np.int64), None, {"Male": False}, 0)
    results = HeldOutResults(IMAGES, IMAGES, None, ROWS, held.people, held.target, data, None, 0)
    of = "3 images of 16 px, 1 people, target {'Male': False}"
    assert (repr(held), repr(results)) == (f"HeldOutInputs({of})", f"HeldOutResults({of})")
    share = {"value": 0.5, "low": 0.25, "high": 0.75, "n": 3, "unit": "share", "better": "higher", "role": ""}
    one = Scorecard("runs/a", IMAGES, {"attribute accuracy": share, "truth": {**share, "value": None}}, {})
    assert repr(one) == "Scorecard('runs/a', 3 images: attribute accuracy 0.5, truth -)"
    none = Scorecard("input_copy", IMAGES, {}, {})
    assert repr(none) == "Scorecard('input_copy', 3 images: no scores)"
    task = ScoredTask("gender: Male = false", held.target, ("runs/a",), [(one, results), (none, results)], {}, {})
    accuracy = "runs/a: attribute accuracy 50.0% (25 to 75%)"
    assert repr(task) == f"ScoredTask('gender: Male = false'; 3 images; {accuracy}; 1 reference rows)"
