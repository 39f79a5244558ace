"""Checks of backends and exporters."""

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
"""Greatest difference between a backend of lower precision and torch, in steps of 255."""


def check_results_are_those_of_torch(subject: Subject) -> None:
    """At two strengths and two batch sizes, up to ``ROUNDING`` steps of 255."""
    graph, examples = _graph(), tiny_data().images_u8(np.arange(4))
    run = subject.build().prepare(graph, examples, f"contract-{time.time_ns()}")  # a key that no cache has
    for count, strength in ((4, 1.0), (3, 0.5)):
        _near(run(examples[:count], strength), graph, examples[:count], strength)


def check_the_file_gives_back_metadata_and_results(subject: Subject) -> None:
    """The suffix also begins with a dot."""
    graph, examples = _graph(), tiny_data().images_u8(np.arange(4))
    exporter, metadata = subject.build(), {"size": SIZE, "licences": ["MIT", "é"]}
    assert exporter.suffix.startswith("."), "the suffix must begin with a dot"
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"model{exporter.suffix}"
        exporter.export(graph, examples, path, metadata)
        run, found = exporter.open(path)
        assert found == metadata
        _near(run(examples[:3], 0.5), graph, examples[:3], 0.5)


def check_a_damaged_file_is_refused(subject: Subject) -> None:
    """``open`` raises a BundleError that names the file."""
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
        expected = graph(torch.from_numpy(images), torch.tensor(strength)).numpy()
    assert found.shape == expected.shape and found.dtype == np.uint8
    difference = int(np.abs(found.astype(int) - expected).max())
    assert difference <= ROUNDING, f"differs from torch by {difference} of 255"
