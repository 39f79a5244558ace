"""Examples of models: a run's own samples, else drawn faces."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from attrxfer_demo import examples
from attrxfer_demo.examples import DRAWN, Example, Examples, drawn
from PIL import Image

from attrxfer.plugin.host import Host
from attrxfer.plugin.parameters import build, named
from attrxfer.plugin.registry import Registry
from tests.attrxfer_demo.conftest import Known, Negative, offer

FACE = (16.0, 16.0, 40.0)


class Guided(Negative):
    """Makes the negative, as if that were the attribute."""

    def __init__(self, **guided: bool) -> None:
        super().__init__()
        self.guided = guided


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {"DRAWN_SIZE": 72, "CANDIDATES": 24, "SHOWN": 3, "SHOWN_SIZE": 72}.items():
        monkeypatch.setattr(examples, name, value)


def test_drawn_faces_without_the_attribute_are_shown_above_the_results(small: None, host: Host, tmp_path: Path) -> None:
    own = offer(Guided(Male=False, Eyeglasses=True), Known(FACE))
    found = Examples([own], host.registry, tmp_path)
    assert len(found.of(0)) == 3 == len(found.columns(0))
    faces = build(named("dataset", DRAWN, host.registry, settings={"size": 72, "faces": 24, "faces_per_identity": 1}))
    attributes = faces.records().attributes
    wanted = [row for row in range(24) if attributes["Male"][row] and not attributes["Eyeglasses"][row]]
    for example, source in zip(found.of(0), faces.read(wanted[:3]), strict=True):
        assert np.array_equal(example.source, source) and np.array_equal(example.column[:72], source)
        assert np.array_equal(example.column[72:], own.photos(source).image) and not example.crop  # type: ignore[misc]
    path, crop = found.source(0, 1)
    assert path.name == "negative-drawn-2.png" and not crop
    assert np.array_equal(np.asarray(Image.open(path)), found.of(0)[1].source)


def test_there_are_none_of_other_attributes_without_a_face_or_without_drawn_faces(small: None, host: Host) -> None:
    assert not list(drawn(offer(Guided(Wearing_Hat=True), Known(FACE)), host.registry))
    assert not list(drawn(offer(Guided(Male=False), Known()), host.registry))
    assert not list(drawn(offer(Guided(Male=False), None), host.registry))
    assert not list(drawn(offer(Guided(Male=False), Known(FACE)), Registry()))


@pytest.mark.slow
def test_a_run_shows_its_own_samples(trained: Path, host: Host, tmp_path: Path) -> None:
    from attrxfer_demo.offer import offers

    found = Examples(offers([trained], None, host.registry), host.registry, tmp_path)
    assert len(found.columns(0)) == 2 and found.source(0, 0)[1]


def test_only_drawn_faces_are_said_not_to_exist(host: Host, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    gr = pytest.importorskip("gradio")
    from attrxfer_demo.examples_tab import ABOUT, NONE, ExamplesTab
    from attrxfer_demo.photo_tab import PhotoTab
    from attrxfer_demo.studio import Studio

    offers = [offer(Negative(), Known(FACE)) for _ in range(3)]
    image = np.zeros((8, 8, 3), np.uint8)
    known = {0: (Example(image, image, crop=True),), 1: (Example(image, image, crop=False),), 2: ()}
    monkeypatch.setattr(Examples, "of", lambda self, number: known[number])
    with gr.Blocks(), gr.Tabs() as tabs, gr.Tab() as own:
        tab = ExamplesTab(Examples(offers, host.registry, tmp_path), own, tabs, PhotoTab(Studio(offers, tmp_path)))
    first, second, last = tab.show()
    assert "Samples of the run" in first[1]["value"] and "exists" not in first[1]["value"]
    assert "nobody here exists" in second[2]["value"] and last[0] == ABOUT and "exists" not in ABOUT
    monkeypatch.setattr(Examples, "of", lambda self, number: ())
    assert [about for about, *_ in tab.show()][-1] == NONE
