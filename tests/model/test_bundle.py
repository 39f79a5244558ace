"""Bundles and what is done with them."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

import attrxfer as package
from attrxfer.errors import BundleError
from attrxfer.interfaces import Framing
from attrxfer.media.images import frame
from attrxfer.model import bundle
from attrxfer.model.exported import BATCH, in_batches
from attrxfer.model.inference import through
from attrxfer.model.torch_model import TorchModel
from attrxfer.plugin.host import Host
from attrxfer.recipe import Recipe
from attrxfer.storage.conversion import to_tensor, to_uint8
from attrxfer.storage.files import sha256
from tests.conftest import attrxfer, load_bundle

SIZE = 16


SHARE = {"value": 0.25, "low": 0.2, "high": 0.3, "n": 8, "unit": "share", "better": "higher"}
SCORES = {"images": 8, "people": 8, "scores": {"attribute accuracy": SHARE}}


@pytest.fixture(scope="module")
def trained(trained: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished tiny run that was scored."""
    path = Path(shutil.copytree(trained, tmp_path_factory.mktemp("run") / "run"))
    bundle.add_scores(path / "bundle", SCORES)
    return path


@pytest.fixture
def model(trained: Path, tmp_path: Path) -> Path:
    """A copy of its bundle, to be spoilt."""
    return Path(shutil.copytree(trained / "bundle", tmp_path / "bundle"))


@pytest.fixture(scope="module")
def transfer(trained: Path) -> TorchModel:
    return load_bundle(trained)


def noise(count: int = 2, size: int = SIZE) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (count, size, size, 3), np.uint8)


# ---------------------------------------------------------------- loading


@pytest.mark.slow
def test_a_run_and_its_bundle_load_alike(trained: Path) -> None:
    images = to_tensor(noise())
    one, other = package.load(trained), package.load(str(trained / "bundle"))
    assert isinstance(one, TorchModel)
    torch.testing.assert_close(one(images), other(images))
    assert one.size == SIZE and one.guided == {"Male": False} and one.metadata["scores"] == SCORES


def test_the_card_says_where_the_model_comes_from(trained: Path) -> None:
    metadata = json.loads((trained / "bundle" / "attrxfer.json").read_text())
    assert metadata["recipe"]["train"]["adversarial"]["dstep"] == 2
    alignment = np.array(metadata["alignment"])
    assert alignment.shape == (68, 2) and 0 < alignment.min() < alignment.max() < SIZE, "the drawn faces' mean landmarks"
    assert metadata["plugins"] == {"diat": "0.1.0"} and "MIT" in metadata["licences"]
    assert metadata["chain"] == [
        {"kind": "generator", "use": "masked", "width": 4, "blocks": 1, "norm": "batch", "mask_bias": -1.0}
    ]


@pytest.mark.parametrize("place", [0, 200, -1])
def test_a_changed_byte_is_refused_by_name(model: Path, place: int) -> None:
    file = model / "model.safetensors"
    content = bytearray(file.read_bytes())
    content[place] ^= 1
    file.write_bytes(content)
    with pytest.raises(BundleError, match=r"model\.safetensors: changed since the bundle was made"):
        package.load(model)


def test_what_is_missing_damaged_or_not_finished_is_said(model: Path, tmp_path: Path) -> None:
    (model / "model.safetensors").rename(model / "gone")
    with pytest.raises(BundleError, match=r"model\.safetensors: missing"):
        package.load(model)
    (model / "attrxfer.json").write_text("{")
    with pytest.raises(BundleError, match=r"attrxfer\.json: damaged"):
        package.load(model)
    (model / "attrxfer.json").write_text('{"format": 99}')
    with pytest.raises(BundleError, match="not a bundle of format 2"):
        package.load(model)
    (model / "attrxfer.json").write_text('{"format": 1}')
    with pytest.raises(BundleError, match="bundle of format 1; this version reads format 2: train it again"):
        package.load(model)
    (model / "attrxfer.json").write_text('{"format": 2}')
    with pytest.raises(BundleError, match=r"attrxfer\.json: damaged \(sha256: missing"):
        package.load(model)
    other = tmp_path / "other"
    other.mkdir()
    with pytest.raises(BundleError, match="neither a bundle nor a finished run"):
        package.load(other)
    (other / "recipe.toml").write_text("")
    with pytest.raises(BundleError, match="not finished; finish it with: attrxfer run --resume"):
        package.load(other)


@pytest.mark.parametrize(
    ("part", "value"),
    [
        ("task.name", "../../out"),
        ("task.name", "a\nb"),
        ("task.guided", []),
        ("framing", {"source": [1]}),
        ("alignment", [[1, 2], 3]),
        ("licences", [1]),
        ("size", 0),
    ],
)
def test_a_card_from_anywhere_is_checked_before_it_is_used(model: Path, part: str, value: object) -> None:
    metadata = json.loads((model / "attrxfer.json").read_text())
    first, _, key = part.partition(".")
    metadata[first] = {**metadata[first], key: value} if key else value
    (model / "attrxfer.json").write_text(json.dumps(metadata))
    with pytest.raises(BundleError, match=rf"attrxfer\.json: damaged \({part}[.:]"):
        package.load(model)
    assert attrxfer("export", model).returncode == 2 and not (model.parent.parent / "out.onnx").exists()


def test_a_card_may_leave_out_how_images_were_framed(model: Path) -> None:
    metadata = json.loads((model / "attrxfer.json").read_text())
    (model / "attrxfer.json").write_text(json.dumps({k: v for k, v in metadata.items() if k not in ("framing", "alignment")}))
    loaded = package.load(model)
    assert isinstance(loaded, TorchModel) and loaded.framing is None


def test_weights_of_another_shape_are_refused(model: Path) -> None:
    metadata = json.loads((model / "attrxfer.json").read_text())
    metadata["chain"][0]["width"] = 8
    (model / "attrxfer.json").write_text(json.dumps(metadata))
    with pytest.raises(BundleError, match=r"model\.safetensors: does not fit generator masked: size mismatch"):
        package.load(model)


def test_what_never_were_weights_is_said(model: Path) -> None:
    (model / "model.safetensors").write_bytes(b"\x80\x04pickled")
    metadata = bundle.read_metadata(model)
    digest = sha256(model / "model.safetensors")
    (model / "attrxfer.json").write_text(json.dumps({**metadata, "sha256": {"model.safetensors": digest}}))
    with pytest.raises(BundleError, match=r"model\.safetensors: damaged"):
        package.load(model)
    (model / "attrxfer.json").write_text(json.dumps({**metadata, "sha256": {}}))
    with pytest.raises(BundleError, match=r"attrxfer\.json: damaged \(no checksum of model\.safetensors\)"):
        package.load(model)
    (model / "attrxfer.json").write_text(json.dumps({**metadata, "chain": [{"use": "masked"}]}))
    with pytest.raises(BundleError, match=r"attrxfer\.json: damaged \(chain"):
        package.load(model)


@pytest.mark.slow
def test_loading_needs_no_training_code_and_never_unpickles(trained: Path) -> None:
    code = """
import sys, pickle, attrxfer, torch
def refuse(*arguments, **named): raise AssertionError("unpickled")
pickle.load = pickle.loads = pickle.Unpickler = torch.load = refuse
transfer = attrxfer.load(sys.argv[1])
transfer(torch.zeros(1, 3, 16, 16))
unwanted = ("attrxfer.training", "attrxfer.recipe", "attrxfer_diat.stages", "accelerate", "timm")
names = [m for m in sys.modules if m.startswith(unwanted)]
print(names)
"""
    result = subprocess.run([sys.executable, "-c", code, str(trained)], capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr
    assert result.stdout.strip() == "[]"


# ---------------------------------------------------------------- strength


def test_strength_is_continuous_from_the_input_to_the_transfer(transfer: TorchModel) -> None:
    images = to_tensor(noise())
    assert transfer(images, 0.0) is images
    whole = transfer(images)
    torch.testing.assert_close(transfer(images, 1.0), whole)
    torch.testing.assert_close(transfer(images, 0.5), (images + whole) / 2)
    beyond = transfer(images, 3.0)
    torch.testing.assert_close(beyond, (images + 3 * (whole - images)).clamp(-1, 1))
    assert not torch.allclose(whole, images)


def test_arrays_in_and_out(transfer: TorchModel) -> None:
    array = noise(40)
    results = transfer.images(array)
    assert results.shape == array.shape and results.dtype == np.uint8
    np.testing.assert_array_equal(results[:5], transfer.images(array[:5]))
    assert transfer.images(array, 0.0) is array
    assert transfer.images(array[:0]).shape == (0, SIZE, SIZE, 3)


def test_a_runner_gets_at_most_a_batch_and_nothing_at_strength_zero() -> None:
    seen: list[int] = []

    def run(images: np.ndarray, strength: float) -> np.ndarray:
        seen.append(len(images))
        return 255 - images

    array = noise(BATCH + 3)
    np.testing.assert_array_equal(in_batches(run, array, 1.0), 255 - array)
    assert in_batches(run, array, 0.0) is array and seen == [BATCH, 3]


def test_every_enhancer_sees_the_image_before_it_and_the_source() -> None:
    class Add(torch.nn.Module):
        def forward(self, image: torch.Tensor, source: torch.Tensor) -> torch.Tensor:
            return image / 2 + source / 4

    generator = torch.nn.Identity()
    source = to_tensor(noise())
    torch.testing.assert_close(through([generator, Add(), Add()], source), source * (0.5 * 0.75 + 0.25))


def test_images_survive_the_way_to_floats_and_back() -> None:
    every = np.arange(256, dtype=np.uint8).reshape(1, 16, 16, 1).repeat(3, -1)
    np.testing.assert_array_equal(to_uint8(to_tensor(every)), every)


# ---------------------------------------------------------------- framing


def test_framing_is_the_data_sets_for_its_own_size_and_the_middle_for_others() -> None:
    framing = Framing((20, 30), (2, 4, 10, 10))
    assert Framing.read(json.loads(json.dumps(framing._asdict()))) == framing and Framing.read(None) is None
    image = Image.fromarray(np.arange(20 * 30 * 3, dtype=np.uint32).reshape(30, 20, 3).astype(np.uint8))
    np.testing.assert_array_equal(frame(image, framing, 10), np.asarray(image)[4:14, 2:12])
    np.testing.assert_array_equal(frame(image, None, 20), np.asarray(image)[5:25])
    assert frame(image.resize((7, 50)), framing, 10).shape == (10, 10, 3)


# ---------------------------------------------------------------- the command


def test_info_says_what_a_bundle_is(trained: Path) -> None:
    text = attrxfer("info", trained).stdout
    for expected in ("gender: Male = false", "16 px", "generator masked", "synthetic_faces", "diat 0.1.0", "25.0% (20 to 30%)"):
        assert expected in text
    line = next(line for line in text.splitlines() if line.startswith("differs from it"))
    assert "data synthetic_faces (there celeba), selection frontal (there clusters), generator masked (there diat)" in line
    assert f"; all: attrxfer recipe diff {trained / 'recipe.toml'}" in line


def test_info_names_no_file_that_is_not_there(model: Path) -> None:
    text = attrxfer("info", model).stdout
    assert "paper/diat_a_gender" in text and "recipe.toml" not in text


# ---------------------------------------------------------------- the whole job


@pytest.mark.slow
def test_the_whole_job_scores_and_reports(
    tiny: Callable[..., Recipe], tmp_path: Path, host: Host, capfd: pytest.CaptureFixture[str]
) -> None:
    from attrxfer.workflows import train as job

    recipe = tiny(
        "metric=[{use='attribute_accuracy', steps=3, batch_size=8}, {use='truth'}]", "train.size=32", "data.faces=120"
    )
    folder = job.run(recipe, tmp_path / "run", host)
    said = " ".join("".join(capfd.readouterr()).split())
    assert "differs from paper/diat_a_gender: data synthetic_faces (there celeba), selection frontal" in said
    found = json.loads(folder.scores.read_text())
    assert found.keys() == {"images", "people", "task", "scores", "slices", "curves", "responses"}
    assert list(found["scores"]) == ["result", "input_copy", "nearest_guided", "truth"]
    own = found["scores"]["result"]
    assert own.keys() >= {"attribute accuracy", "closer to truth", "PSNR to truth", "SSIM to truth", "PSNR to truth at 0.5"}
    assert (
        own["attribute accuracy"].keys() == {"value", "low", "high", "n", "unit", "better", "role"}
        and own["attribute accuracy"]["n"] == found["images"]
    )
    assert found["scores"]["truth"]["closer to truth"]["value"] == 1 > found["scores"]["input_copy"]["closer to truth"]["value"]
    metadata = json.loads((folder.bundle / "attrxfer.json").read_text())["scores"]
    assert metadata == {"images": found["images"], "people": found["people"], "scores": own}
    page = folder.report.read_text()
    for expected in (
        "gender",
        "attribute accuracy",
        "nearest_guided",
        "data:image/png;base64,",
        "<svg",
        "dstep = 2",
        "adversarial 5",
        "truth",
    ):
        assert expected in page
    assert "http" not in page and 'src="data:' in page


def test_a_misspelt_bundle_is_named_with_the_nearest_one(trained: Path) -> None:
    result = attrxfer("info", f"{trained}x")
    assert result.returncode == 2 and f'no such file or folder, model or method; did you mean "{trained}"?' in result.stderr
