"""Scores of several seeds as one."""

from __future__ import annotations

import numpy as np
import pytest

from attrxfer.evaluation.seeds import SeedScores, interval, over_seeds

SHARE = {"unit": "share", "better": "higher", "role": "", "n": 2}


def test_the_interval_is_over_people_not_images() -> None:
    random = np.random.default_rng(1)
    person = random.normal(size=20)
    values, people = np.repeat(person, 50), np.repeat(np.arange(20), 50)
    mean, low, high = interval([values.tolist()], [people.tolist()])
    assert mean == pytest.approx(person.mean())
    error = person.std() / 20**0.5
    assert high - low == pytest.approx(2 * 1.96 * error, rel=0.2)
    # seeds that agree say no more about people than one of them
    again = interval([values.tolist()] * 4, [people.tolist()] * 4)
    assert again == pytest.approx((mean, low, high), abs=0.1 * (high - low))


def test_a_score_of_each_image_is_averaged_over_images_of_all_seeds() -> None:
    score = {**SHARE, "value": 0.5}
    seeds = [SeedScores({"a": score}, {"a": [0.0, one, None]}, [0, 1, 1]) for one in (1.0, 0.5)]
    found = over_seeds(seeds)["a"]
    assert found["value"] == pytest.approx((0.5 + 0.25) / 2)
    assert found["low"] < found["value"] < found["high"] and found["unit"] == "share"


def test_a_score_without_images_has_the_interval_of_its_seeds() -> None:
    seeds = [SeedScores({"kid": {**SHARE, "unit": "", "value": value}}, {}, []) for value in (1.0, 2.0, 3.0)]
    found = over_seeds(seeds)["kid"]
    assert found["value"] == 2 and found["low"] == pytest.approx(2 - 4.303 / 3**0.5, abs=1e-3)


def test_one_seed_keeps_its_own_interval_and_a_score_that_a_seed_lacks_is_left_out() -> None:
    score = {**SHARE, "value": 0.5, "low": 0.4, "high": 0.6}
    assert over_seeds([SeedScores({"a": score}, {}, [])]) == {"a": score}
    unknown = SeedScores({"a": {**score, "value": None}}, {}, [])
    found = over_seeds([SeedScores({"a": score, "b": score}, {}, []), unknown])
    assert found.keys() == {"a"} and found["a"]["value"] is None and "low" not in found["a"]
