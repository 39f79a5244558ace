"""benchmarks.strength: the measures by hand, and the command on a tiny recipe."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from attrxfer_diat.many.networks import ManyAttributesNetwork
from click.testing import CliRunner
from torch import nn

from attrxfer.model.bundle import Bundle
from attrxfer.storage.conversion import to_tensor, to_uint8
from benchmarks.strength import between, distance, main, nearest, of_told
from tests.conftest import TINY


def test_weights_lie_between() -> None:
    first, last = nn.BatchNorm2d(2), nn.BatchNorm2d(2)
    zero, one = torch.zeros(2), torch.ones(2)
    count = torch.tensor(7)
    none = {"weight": zero, "bias": zero, "running_mean": zero, "running_var": one, "num_batches_tracked": 0 * count}
    first.load_state_dict(none)
    last.load_state_dict(
        {"weight": 4 * one, "bias": zero, "running_mean": zero, "running_var": 3 * one, "num_batches_tracked": count}
    )
    network = between(first, last, 0.25)
    middle = network.state_dict()
    assert middle["weight"].tolist() == [1, 1] and middle["running_var"].tolist() == [1.5, 1.5]
    assert int(middle["num_batches_tracked"]) == 7 and not network.training
    assert last.state_dict()["weight"].tolist() == [4, 4]


def test_distance_and_the_nearest_truth() -> None:
    image = np.full((1, 2, 2, 3), 100, np.uint8)
    assert distance(image, image + 6).tolist() == [6]
    truths = {0.0: image + 50, 0.5: image + 5, 1.0: image - 20}
    assert nearest(np.concatenate([image, image + 40]), truths).tolist() == [0.5, 0.0]


@pytest.mark.slow
def test_a_strength_is_told_as_a_part_of_the_change() -> None:
    torch.manual_seed(0)
    network = ManyAttributesNetwork(attributes=("round", "bright"), width=4, blocks=1, mask_bias=1.0)
    metadata: dict[str, Any] = {"task": {"name": "t", "guided": {"bright": False}}}
    told = Bundle(Path(), metadata, (network.eval(),))
    x = np.random.default_rng(0).integers(0, 256, (2, 16, 16, 3), np.uint8)
    made = of_told(told, x)(0.5)
    with torch.no_grad():
        expected = to_uint8(network(to_tensor(x), torch.tensor([[0.0, -0.5]]).expand(2, -1)))
    assert np.array_equal(made, expected) and (made != x).any()


def test_all_ways_end_where_their_transfer_ends(tmp_path: Path) -> None:
    settings = [argument for one in TINY for argument in ("--set", one)]
    command = ["--reconstruction", "2", "--images", "4", "-o", str(tmp_path / "out"), *settings]
    result = CliRunner().invoke(main, command, catch_exceptions=False)
    assert result.exit_code == 0, result.output
    rows = {line.split("|")[1].strip(): line.split("|")[2:-1] for line in (tmp_path / "out/table.md").read_text().splitlines()}
    pixels, weights = rows["pixels blended"], rows["weights interpolated"]
    assert pixels[3] == weights[3] != rows["nothing changed"][3], "at s = 1 both are T"
    assert pixels[1] != weights[1]
    assert rows["T told the strength"][3] == rows["the same T, pixels blended"][3] != pixels[3]
    assert (tmp_path / "out/curve.svg").read_text().startswith("<svg")
