"""What backends and exporters make of a graph."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from attrxfer_backends.eager import folded
from attrxfer_diat.generator import MaskedTransformNetwork, TransformNetwork
from torch import nn

from attrxfer.model.inference import Graph


@pytest.mark.parametrize("network", [MaskedTransformNetwork, TransformNetwork])
def test_folding_leaves_results_as_they_are_and_no_batch_norm(network: Any) -> None:
    torch.manual_seed(0)
    generator = network(width=8, blocks=2)
    for module in generator.modules():
        if isinstance(module, nn.BatchNorm2d):
            assert module.running_mean is not None and module.running_var is not None
            module.running_mean.normal_(std=0.2)
            module.running_var.uniform_(0.5, 2)
    graph = Graph((generator,)).eval()
    before = {name: tensor.clone() for name, tensor in graph.state_dict().items()}
    made = folded(graph)
    assert not any(isinstance(module, nn.BatchNorm2d) for module in made.modules())
    images = torch.randint(0, 256, (3, 32, 32, 3), dtype=torch.uint8)
    difference = made(images, torch.tensor(1.0)).int() - graph(images, torch.tensor(1.0)).int()
    assert difference.abs().max() <= 1
    assert all(torch.equal(tensor, before[name]) for name, tensor in graph.state_dict().items()), "it is a copy"


@pytest.mark.slow
def test_a_chain_that_computes_with_its_size_keeps_it(tmp_path: Path) -> None:
    """The global enhancer's blur grows with the image: its file takes the trained size, and says so of another."""
    from attrxfer_backends.onnx import open_onnx, to_onnx
    from attrxfer_diat.enhancer import GlobalEnhancer

    from attrxfer.errors import AttrxferError

    torch.manual_seed(0)
    small = TransformNetwork(width=4, blocks=1, norm="none")
    graph = Graph((MaskedTransformNetwork(width=4, blocks=1), GlobalEnhancer(network=small))).eval()
    images = np.random.default_rng(0).integers(0, 256, (3, 32, 32, 3)).astype(np.uint8)
    (tmp_path / "model.onnx").write_bytes(to_onnx(graph, images, {"size": 32}))
    run, metadata = open_onnx(tmp_path / "model.onnx")
    assert metadata == {"size": 32}
    with torch.no_grad():
        wanted = graph(torch.from_numpy(images), torch.tensor(1.0)).numpy()
    assert np.abs(run(images, 1.0).astype(int) - wanted).max() <= 1
    with pytest.raises(AttrxferError, match="takes images of 32 x 32 pixels only"):
        run(np.zeros((1, 64, 64, 3), np.uint8), 1.0)
