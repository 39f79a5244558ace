"""attrxfer demo: what it offers, and how it begins."""

from __future__ import annotations

import shlex
import shutil
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from attrxfer_demo import commands
from attrxfer_demo.commands import FIRST, MAKES_IT, free_port
from attrxfer_demo.examples import samples
from attrxfer_demo.offer import offers
from attrxfer_demo.studio import Studio
from attrxfer_demo.words import label, title
from click.testing import CliRunner, Result
from PIL import Image
from skimage.data import astronaut

from attrxfer import export
from attrxfer.cli.boundary import Group
from attrxfer.errors import AttrxferError
from attrxfer.media.photos import Photos, load_detector
from attrxfer.media.processors import CropProcessor, PhotoProcessor
from attrxfer.media.provenance import provenance_of
from attrxfer.plugin.host import Host
from attrxfer.plugin.registry import Component
from attrxfer.recipe import load as load_recipe
from tests.conftest import attrxfer, load_bundle

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]


def invoke(host: Host, *arguments: str) -> Result:
    """attrxfer demo, in this process."""
    return CliRunner().invoke(Group(commands={"demo": commands.demo}), ["demo", *arguments], obj=host.registry)


def test_a_run_offers_its_task_and_its_samples_above_their_results(trained: Path, host: Host) -> None:
    (offer,) = offers([trained], "dlib", host.registry)
    assert offer.label == "Men to women" and offer.about == "Trained on synthetic_faces at 16 px."
    assert offer.photos is not None and not offer.crops_only
    assert offer.command(["me.jpg"], 0.8, crop=False) == shlex.join(
        ["attrxfer", "transfer", str(trained), "me.jpg", "--detector", "dlib", "--strength", "0.8", "-o", "out"]
    )
    assert "--detector" not in offer.command(["me.jpg"], 0.8, crop=True)
    (by_default,) = offers([trained], None, host.registry)
    assert by_default.photos is not None and "--detector" not in by_default.command(["me.jpg"], 0.8, crop=False)
    strips = [np.asarray(Image.open(trained / "samples" / f"{name}.png")) for name in ("source", "result", "truth")]
    found = samples(trained, 16)
    assert len(found) == 2 == strips[0].shape[1] // 16
    source, column, crop = found[1]
    assert (
        crop
        and np.array_equal(source, strips[0][:, 16:])
        and np.array_equal(column, np.concatenate([s[:, 16:] for s in strips]))
    )


@pytest.mark.parametrize("crop", [False, True])
def test_a_download_is_the_file_that_its_command_writes(trained: Path, tmp_path: Path, host: Host, crop: bool) -> None:
    photo, out = tmp_path / "her photo.jpg", tmp_path / "out.jpg"
    Image.fromarray(astronaut()).save(photo, quality=90)
    studio = Studio(offers([trained], "dlib", host.registry), tmp_path / "files")
    key = studio.look(str(photo), 0, crop=crop).key
    assert key is not None
    transfer = load_bundle(trained)
    provenance = provenance_of(transfer, 0.8)
    processor: Any = CropProcessor(transfer, 0.8, provenance)
    if not crop:
        processor = PhotoProcessor(Photos(transfer, load_detector("dlib", host.registry)), 0.8, None, provenance)
    processor.write(out, *processor.transfer([processor.read(photo)]))
    assert studio.save(key, 0.8).read_bytes() == out.read_bytes() != photo.read_bytes()


def test_a_bundle_alone_has_no_samples_and_equal_labels_name_their_bundles(trained: Path, host: Host) -> None:
    run, bundle = offers([trained, trained / "bundle"], "dlib", host.registry)
    assert samples(run.path, 16) and not samples(bundle.path, 16)
    assert bundle.label == f"Men to women ({trained / 'bundle'})"


def test_exported_files_and_methods_are_offered_too(
    trained: Path, tmp_path: Path, host: Host, monkeypatch: pytest.MonkeyPatch
) -> None:
    photo, file = tmp_path / "photo.png", export(trained, out=tmp_path / "model.onnx")
    Image.fromarray(astronaut()).save(photo)
    negate = Component("method", "negate", "tests.attrxfer_demo.conftest:Negate", "")
    monkeypatch.setitem(host.registry._components, ("method", "negate"), negate)
    found = offers([trained, file, Path("negate")], "dlib", host.registry)
    assert found[1].label == f"Men to women ({file})" and found[1].about == found[0].about
    assert found[1].photos is not None and found[2].photos is None and found[2].label == "negate"
    studio = Studio(found, tmp_path / "files")
    keys = [studio.look(str(photo), number, crop=True).key for number in range(3)]
    saved = [np.asarray(Image.open(studio.save(key, 0.5))).astype(int) for key in keys if key is not None]
    assert [image.shape[0] for image in saved] == [16, 16, 64] and np.abs(saved[0] - saved[1]).max() <= 1
    assert np.abs(saved[2] - 127.5).max() < 2, "half way to the negative all is grey"


def test_what_cannot_be_offered_is_one_line(trained: Path, host: Host) -> None:
    for name, said in ((f"{trained}x", f'did you mean "{trained}"?'), ("trut", 'did you mean "truth"?')):
        result = invoke(host, name)
        assert result.exit_code == 2 and said in result.output and len(result.output.splitlines()) == 1
    result = invoke(host, "truth")
    assert result.exit_code == 2 and "makes results for images of a data set only" in result.output


def test_labels_say_what_becomes_what() -> None:
    assert label({"name": "x", "guided": {"Young": True}, "input": {"Young": False, "Male": True}}) == (
        "x: not Young and Male → Young"
    )


def test_without_a_finder_or_alignment_it_says_why_images_are_taken_as_crops(
    trained: Path, tmp_path: Path, host: Host, monkeypatch: pytest.MonkeyPatch
) -> None:
    metadata = (trained / "bundle" / "attrxfer.json").read_text()
    unaligned = Path(shutil.copytree(trained / "bundle", tmp_path / "bundle"))
    (unaligned / "attrxfer.json").write_text(metadata.replace('"alignment": [', '"once": ['))
    (offer,) = offers([unaligned], "dlib", host.registry)
    assert offer.photos is None and "does not know how its training images were aligned" in offer.crops_only
    assert "\n" not in offer.crops_only
    monkeypatch.setattr("attrxfer_faces.locator.missing_dlib", lambda: ["dlib: pip install 'attrxfer[faces]'"])
    (offer,) = offers([trained], None, host.registry)
    assert offer.photos is None and "pip install 'attrxfer[faces]'" in offer.crops_only
    assert "--aligned" in offer.command(["me.jpg"], 1, crop=True)


@pytest.mark.parametrize(
    ("name", "message"), [("dlib", "pip install 'attrxfer\\[faces\\]'"), ("landmarks", "detects nothing in photos")]
)
def test_a_named_detector_that_cannot_detect_is_an_error(
    trained: Path, host: Host, monkeypatch: pytest.MonkeyPatch, name: str, message: str
) -> None:
    monkeypatch.setattr("attrxfer_faces.locator.missing_dlib", lambda: ["dlib: pip install 'attrxfer[faces]'"])
    with pytest.raises(AttrxferError, match=message):
        offers([trained], name, host.registry)


def test_a_locator_that_does_not_exist_is_an_error(trained: Path, host: Host) -> None:
    with pytest.raises(AttrxferError, match='did you mean "dlib"'):
        offers([trained], "dlob", host.registry)


def test_without_a_bundle_it_is_the_readmes_first_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, host: Host) -> None:
    monkeypatch.setattr(Host, "models", lambda self: {})
    assert f"\npip install . && {MAKES_IT}\n" in (ROOT / "README.md").read_text()
    assert Path("runs") / Path(MAKES_IT.split()[-1]).stem == FIRST and load_recipe(FIRST.name, host)
    monkeypatch.chdir(tmp_path)
    result = invoke(host)
    assert result.exit_code == 2 and len(result.output.splitlines()) == 1 and MAKES_IT in result.output
    FIRST.mkdir(parents=True)
    result = invoke(host)
    assert result.exit_code == 2 and f"{FIRST}: no attrxfer.json here" in result.output


def test_without_a_bundle_it_is_also_the_shipped_models(trained: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(Host, "models", lambda self: {"gender": trained / "bundle", "age": trained / "bundle"})
    assert commands._default_models() == (Path("gender"), Path("age"))
    FIRST.mkdir(parents=True)
    assert commands._default_models() == (FIRST, Path("gender"), Path("age"))


def test_without_gradio_it_names_the_command_that_installs_it(
    trained: Path, host: Host, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(commands, "find_spec", lambda name: None)
    result = invoke(host, str(trained))
    assert result.exit_code == 2 and result.output == "attrxfer: missing: gradio: pip install 'attrxfer[ui]'\n"


def test_help_imports_no_gradio() -> None:
    code = (
        "import sys; from attrxfer.plugin.host import load; from attrxfer.cli import cli; load().add_commands(cli); "
        "print('demo' in cli.commands, 'gradio' in sys.modules, 'torch' in sys.modules)"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout == "True False False\n"
    assert "--no-browser" in attrxfer("demo", "--help").stdout


def test_a_taken_port_gives_way_to_the_next_free_one() -> None:
    with socket.socket() as first:
        first.bind(("127.0.0.1", 0))
        first.listen()
        port = first.getsockname()[1]
        assert port < free_port("127.0.0.1", port) <= port + commands.PORTS
    with pytest.raises(AttrxferError, match="--host"):
        free_port("203.0.113.7", 7860)


def test_the_heading_says_what_the_models_change(trained: Path, host: Host) -> None:
    (aligned,) = offers([trained], "dlib", host.registry)
    (crops,) = offers([Path("median")], "dlib", host.registry)
    assert title([aligned, crops]) == "Change faces in photos and videos" and title([crops]) == "Change images"
