"""What backends and exporters promise."""

from __future__ import annotations

import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch

from attrxfer.errors import BundleError
from attrxfer.model.inference import Graph
from attrxfer.testing.fakes import SIZE, Generator, tiny_data
from attrxfer.testing.subject import Subject

ROUNDING = 4
"""Steps of 255 by which a backend of lower precision may differ from torch."""


def check_it_runs_a_chain_as_torch_does(subject: Subject) -> None:
    """Equal to the graph itself at two strengths and two batch sizes, to ``ROUNDING`` steps of 255."""
    graph, examples = _graph(), tiny_data().images_u8(np.arange(4))
    run = subject.build().prepare(graph, examples, f"contract-{time.time_ns()}")  # nothing is found in a cache
    for count, strength in ((4, 1.0), (3, 0.5)):
        _near(run(examples[:count], strength), graph, examples[:count], strength)


def check_the_file_gives_back_card_and_results(subject: Subject) -> None:
    """And its suffix begins with a dot."""
    graph, examples = _graph(), tiny_data().images_u8(np.arange(4))
    exporter, metadata = subject.build(), {"size": SIZE, "licences": ["MIT", "é"]}
    assert exporter.suffix.startswith("."), "a suffix with its dot"
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"model{exporter.suffix}"
        exporter.export(graph, examples, path, metadata)
        run, found = exporter.open(path)
        assert found == metadata
        _near(run(examples[:3], 0.5), graph, examples[:3], 0.5)


def check_a_damaged_file_is_refused(subject: Subject) -> None:
    """With a BundleError that names it."""
    exporter = subject.build()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"model{exporter.suffix}"
        path.write_bytes(b"not a network")
        try:
            exporter.open(path)
        except BundleError as error:
            assert path.name in str(error), "the message does not name the file"
            return
    raise AssertionError("a damaged file was opened")


def _graph() -> Graph:
    torch.manual_seed(0)
    return Graph((Generator(),)).eval()


def _near(found: Any, graph: Graph, images: Any, strength: float) -> None:
    with torch.no_grad():
        wanted = graph(torch.from_numpy(images), torch.tensor(strength)).numpy()
    assert found.shape == wanted.shape and found.dtype == np.uint8
    difference = int(np.abs(found.astype(int) - wanted).max())
    assert difference <= ROUNDING, f"differs from torch by {difference} of 255"
