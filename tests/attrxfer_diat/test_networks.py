"""Tables 1 and 2, size by size."""

from __future__ import annotations

import pytest
import torch
from attrxfer_diat.discriminator import Discriminator
from attrxfer_diat.generator import MaskedTransformNetwork, ResidualBlock, TransformNetwork
from torch import Tensor, nn

TABLE_1 = [
    (32, 128, 128),
    (64, 64, 64),
    (128, 32, 32),
    *[(128, 32, 32)] * 5,
    (64, 64, 64),
    (32, 127, 127),
    (3, 128, 128),
]
TABLE_2 = [(32, 64, 64), (32, 64, 64), (64, 32, 32), (64, 32, 32), (128, 16, 16), (128, 8, 8)]


def test_every_activation_of_table_1_at_128() -> None:
    network = TransformNetwork().eval()
    sizes: list[tuple[int, ...]] = []
    rows: list[nn.Module] = [m for m in network.trunk if isinstance(m, nn.Conv2d | ResidualBlock)]
    rows += [m for m in network.up if isinstance(m, nn.ConvTranspose2d)]
    for row in rows:
        row.register_forward_hook(lambda module, inputs, output: sizes.append(tuple(output.shape[1:])))
    network(torch.zeros(1, 3, 128, 128))
    assert sizes == TABLE_1


def test_every_activation_of_table_2_at_128() -> None:
    network = Discriminator(size=128)
    logit, features, attributes = network(torch.zeros(2, 3, 128, 128))
    assert attributes is None
    assert [tuple(maps.shape[1:]) for maps in features] == TABLE_2
    assert [layer.out_features for layer in network.head if isinstance(layer, nn.Linear)] == [1000, 1]
    assert logit.shape == (2,)


def test_parameters_of_table_1() -> None:
    """1.68 million with a batch norm, as PAPER.md counts."""
    assert sum(p.numel() for p in TransformNetwork().parameters()) == pytest.approx(1.68e6, rel=0.01)


@pytest.mark.parametrize("network", [TransformNetwork, MaskedTransformNetwork])
@pytest.mark.parametrize("size", [16, 48, 80])
@pytest.mark.parametrize("norm", ["none", "batch", "instance", "group"])
def test_any_size_divisible_by_16(network: type[nn.Module], size: int, norm: str) -> None:
    made = network(width=4, blocks=1, norm=norm)
    images = torch.rand(2, 3, size, size) * 2 - 1
    output: Tensor = made(images)
    assert output.shape == images.shape
    assert output.abs().max() <= 1
    assert Discriminator(size=size, width=4, hidden=5)(images).logit.shape == (2,)


def test_output_padding_is_on_the_first_deconvolution_alone() -> None:
    padding = [m.output_padding for m in TransformNetwork().up if isinstance(m, nn.ConvTranspose2d)]
    assert padding == [(1, 1), (0, 0), (0, 0)]


def test_mask_zero_is_the_identity_and_mask_one_the_residual() -> None:
    network = MaskedTransformNetwork(width=4, blocks=1, mask_bias=-1.0).eval()
    images = torch.rand(2, 3, 16, 16) * 2 - 1
    parts = network.parts(images)
    expected = images + parts["mask"] * (parts["residual"] - images)
    torch.testing.assert_close(parts["output"], expected)
    with torch.no_grad():
        assert network.head.bias is not None
        network.head.weight[3].zero_()
        network.head.bias[3] = -40.0
        torch.testing.assert_close(network(images), images)
        network.head.bias[3] = 40.0
        torch.testing.assert_close(network(images), network.parts(images)["residual"])
