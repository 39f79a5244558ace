"""A model for many attributes on the page: a slider for each."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from attrxfer_demo.offer import offers
from attrxfer_demo.studio import NOTHING_WANTED, Studio
from PIL import Image

from attrxfer.model.loading import load_model
from attrxfer.plugin.host import Host
from attrxfer.recipe import load
from attrxfer.workflows.train import run
from tests.attrxfer_diat.many.test_many import MANY

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def many(tmp_path_factory: pytest.TempPathFactory, host: Host) -> Path:
    return run(load("diat_a_many", host, MANY), tmp_path_factory.mktemp("many") / "run", host, quiet=True).path


@pytest.fixture
def crop(tmp_path: Path) -> Path:
    path = tmp_path / "crop.png"
    Image.fromarray(np.random.default_rng(0).integers(0, 256, (16, 16, 3)).astype(np.uint8)).save(path)
    return path


def test_the_page_makes_what_attributes_on_the_command_line_make(many: Path, crop: Path, tmp_path: Path, host: Host) -> None:
    studio = Studio(offers([many], None, host.registry), tmp_path / "files")
    wanted = {"Young": True, "Eyeglasses": False}
    key = studio.look(str(crop), 0, crop=True, wanted=wanted).key
    assert key is not None
    image = np.asarray(Image.open(crop))
    expected = load_model(str(many), host, attributes=wanted).images(image[None])[0]
    assert np.array_equal(np.asarray(Image.open(studio.save(key, 1.0))), expected)
    assert not np.array_equal(expected, load_model(str(many), host).images(image[None])[0])
    assert "--attribute Young=true --attribute Eyeglasses=false" in studio.command(key, 1.0)


def test_nothing_wanted_is_said(many: Path, crop: Path, tmp_path: Path, host: Host) -> None:
    studio = Studio(offers([many], None, host.registry), tmp_path / "files")
    view = studio.look(str(crop), 0, crop=True, wanted={})
    assert view.key is None and view.message == NOTHING_WANTED


def test_sliders_are_those_of_the_chosen_model(many: Path, trained: Path, crop: Path, tmp_path: Path, host: Host) -> None:
    pytest.importorskip("gradio")
    import gradio as gr
    from attrxfer_demo.photo_tab import PhotoTab

    with gr.Blocks():
        tab = PhotoTab(Studio(offers([trained, many], None, host.registry), tmp_path / "files"))
    assert [slider.visible for slider in tab.wanted] == [False] * 4
    described = tab.choose(1)
    assert [described[slider]["value"] for slider in tab.wanted] == [-1, 0, 0, 0]
    assert described[tab.wanted[0]]["label"] == "Male"
    key, *_, command, _ = tab.look(True, str(crop), 1, 1.0, None, 0, 1, 0, 0)
    assert key.wanted == (("Young", True),) and "--attribute Young=true" in command["value"]
    assert tab.look(True, str(crop), 1, 1.0, None, 0, 0, 0, 0)[3] == NOTHING_WANTED
    assert tab.look(False, str(crop), 0, 1.0, None, 0, 0, 0, 0)[3] != NOTHING_WANTED
