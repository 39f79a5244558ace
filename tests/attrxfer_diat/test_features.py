"""VGG-Face out of every file people have, the features components, and what is said where there is none."""

from __future__ import annotations

import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
import torch
from attrxfer_diat.features import FaceFeatures, Timm, VggFace
from attrxfer_diat.vgg_face import LAYERS, MEAN, TIMM, checked_hash, read_weights
from safetensors.torch import save_file
from scipy.io import savemat
from torch import Tensor

from attrxfer.errors import DataError
from attrxfer.interfaces import NamesWeights
from attrxfer.model.bundle import read_metadata
from attrxfer.plugin.host import Host
from attrxfer.recipe import load
from attrxfer.recipe.assembly import Assembly
from attrxfer.storage.files import sha256
from tests.conftest import TINY, attrxfer, train

Weights = dict[str, Tensor]


@pytest.fixture(scope="module")
def weights() -> Weights:
    """VGG-Face's shapes with random numbers, small enough that maps stay finite."""
    generator = torch.Generator().manual_seed(0)
    made: Weights = {}
    inputs = 3
    for name, units in LAYERS.items():
        made[f"{name}.weight"] = torch.randn(64 * units, inputs, 3, 3, generator=generator) * (2 / (9 * inputs)) ** 0.5
        made[f"{name}.bias"] = torch.randn(64 * units, generator=generator)
        inputs = 64 * units
    return made


def bgr(name: str, weight: Tensor) -> Tensor:
    return weight.flip(1) if name == "conv1_1" else weight


def write_torch(path: Path, weights: Weights) -> Path:
    torch.save({**weights, "fc8.weight": torch.zeros(2, 2)}, path / "vgg_face_dag.pth")
    return path / "vgg_face_dag.pth"


def write_timm(path: Path, weights: Weights) -> Path:
    renamed = {f"features.{TIMM[k.partition('.')[0]]}.{k.partition('.')[2]}": v for k, v in weights.items()}
    save_file(renamed, path / "vgg.safetensors")
    return path / "vgg.safetensors"


def write_keras(path: Path, weights: Weights) -> Path:
    """keras-vggface: /conv1_1/conv1_1_W_1:0, kernels (3, 3, in, out), BGR."""
    with h5py.File(path / "vgg.h5", "w") as file:
        for name in LAYERS:
            file[f"{name}/{name}_W_1:0"] = bgr(name, weights[f"{name}.weight"]).permute(2, 3, 1, 0).numpy()
            file[f"{name}/{name}_b_1:0"] = weights[f"{name}.bias"].numpy()
    return path / "vgg.h5"


def write_mat(path: Path, weights: Weights) -> Path:
    """MatConvNet: layers{i}.name, .weights = {kernel (3, 3, in, out), bias}."""
    layers = np.empty((1, len(LAYERS) + 1), object)
    layers[0, 0] = {"name": "relu0", "type": "relu"}
    for i, name in enumerate(LAYERS, 1):
        pair = np.empty((1, 2), object)
        pair[0, 0] = weights[f"{name}.weight"].permute(2, 3, 1, 0).numpy()
        pair[0, 1] = weights[f"{name}.bias"].numpy()[:, None]
        layers[0, i] = {"name": name, "type": "conv", "weights": pair}
    savemat(path / "vgg_face.mat", {"layers": layers})
    return path / "vgg_face.mat"


class Torch7Writer:
    """Torch7's binary format as its File:writeObject writes it."""

    def __init__(self) -> None:
        self.bytes = b""
        self.count = 0

    def add(self, form: str, *values: Any) -> None:
        self.bytes += struct.pack(f"<{form}", *values)

    def text(self, text: str) -> None:
        self.add("i", len(text))
        self.bytes += text.encode()

    def begin(self, kind: int, name: str = "") -> None:
        self.count += 1
        self.add("ii", kind, self.count)
        if name:
            self.text("V 1")
            self.text(name)

    def value(self, value: Any) -> None:
        if isinstance(value, Tensor):
            self.tensor(value)
        elif isinstance(value, dict):
            self.begin(3)
            self.add("i", len(value))
            for key, item in value.items():
                self.value(key)
                self.value(item)
        elif isinstance(value, str):
            self.add("i", 2)
            self.text(value)
        elif isinstance(value, tuple):
            self.begin(4, value[0])
            self.value(value[1])
        else:
            self.add("id", 1, float(value))

    def tensor(self, tensor: Tensor) -> None:
        tensor = tensor.contiguous()
        self.begin(4, "torch.FloatTensor")
        self.add(f"i{tensor.ndim}q{tensor.ndim}qq", tensor.ndim, *tensor.shape, *tensor.stride(), 1)
        self.begin(4, "torch.FloatStorage")
        self.add("q", tensor.numel())
        self.bytes += tensor.numpy().tobytes()


def write_torch7(path: Path, weights: Weights) -> Path:
    """Oxford's VGG_FACE.t7: an nn.Sequential whose kernels (out, in, 3, 3) take BGR."""
    modules: dict[int, Any] = {}
    for name in LAYERS:
        weight = bgr(name, weights[f"{name}.weight"])
        fields = {"weight": weight, "bias": weights[f"{name}.bias"], "kW": 3, "nInputPlane": weight.shape[1]}
        modules[len(modules) + 1] = ("nn.SpatialConvolution", fields)
        modules[len(modules) + 1] = ("nn.ReLU", {"inplace": 1})
    writer = Torch7Writer()
    writer.value(("nn.Sequential", {"modules": modules}))
    (path / "VGG_FACE.t7").write_bytes(writer.bytes)
    return path / "VGG_FACE.t7"


def plain_forward(weights: Weights, images: Tensor) -> list[Tensor]:
    """The five maps, straight from the definition: RGB 0..255 minus the mean, convolution, ReLU, pooling before 3 and 5."""
    maps = (images + 1) / 2 * 255 - torch.tensor(MEAN)[None, :, None, None]
    found = []
    for name in LAYERS:
        if name in ("conv2_1", "conv3_1"):
            maps = torch.nn.functional.max_pool2d(maps, 2, 2)
        maps = torch.nn.functional.conv2d(maps, weights[f"{name}.weight"], weights[f"{name}.bias"], padding=1).clamp_min(0)
        found.append(maps)
    return found


@pytest.mark.parametrize("write", [write_torch, write_timm, write_keras, write_mat, write_torch7])
def test_vgg_face_from_every_format(write: Callable[[Path, Weights], Path], weights: Weights, tmp_path: Path) -> None:
    network = VggFace(path=write(tmp_path, weights))
    images = torch.rand(2, 3, 32, 32, generator=torch.Generator().manual_seed(1)) * 2 - 1
    maps = network(images)
    assert [tuple(m.shape[1:]) for m in maps] == [(64, 32, 32), (64, 32, 32), (128, 16, 16), (128, 16, 16), (256, 8, 8)]
    for own, expected in zip(maps, plain_forward(weights, images), strict=True):
        torch.testing.assert_close(own, expected, rtol=1e-4, atol=1e-2)
    assert not any(parameter.requires_grad for parameter in network.parameters())


@pytest.mark.slow
def test_the_structure_is_that_of_timms_vgg16() -> None:
    import timm

    theirs = timm.create_model("vgg16", features_only=True, out_indices=(0, 1, 2)).state_dict()
    shapes = [tuple(t.shape) for name, t in theirs.items() if name.endswith("weight")][:5]
    own = [tuple(t.shape) for name, t in FaceFeatures(width=64).state_dict().items() if name.endswith("weight")]
    assert own == shapes


def test_files_that_are_not_vgg_face_are_named(weights: Weights, tmp_path: Path) -> None:
    path = tmp_path / "w.safetensors"
    save_file({k: v for k, v in weights.items() if "conv2_2" not in k}, path)
    with pytest.raises(DataError, match=r"w\.safetensors: has no layer conv2_2"):
        read_weights(path)
    save_file({**weights, "conv1_1.weight": torch.zeros(64, 3, 5, 5)}, path)
    with pytest.raises(DataError, match="conv1_1 has shapes"):
        read_weights(path)
    for name in ("w.t7", "w.mat", "w.h5", "w.pth"):
        (tmp_path / name).write_bytes(b"\x05\x00\x00\x00nonsense")
        with pytest.raises(DataError, match=f"{name}: "):
            read_weights(tmp_path / name)
    (tmp_path / "w.onnx").write_bytes(b"")
    with pytest.raises(DataError, match="not a known format of VGG-Face"):
        read_weights(tmp_path / "w.onnx")


def test_the_hash_is_compared_only_when_one_is_given(weights: Weights, tmp_path: Path) -> None:
    path = write_torch(tmp_path, weights)
    assert checked_hash(path) == checked_hash(path, sha256(path)) == sha256(path)
    with pytest.raises(DataError, match="expected abc"):
        checked_hash(path, "abc")


def test_a_pickle_is_not_executed(tmp_path: Path) -> None:
    class Evil:
        def __reduce__(self) -> Any:
            return (Path.touch, (tmp_path / "executed",))

    torch.save(Evil(), tmp_path / "evil.pth")
    with pytest.raises(DataError, match=r"evil\.pth"):
        read_weights(tmp_path / "evil.pth")
    assert not (tmp_path / "executed").exists()


def test_missing_weights_are_one_line_before_anything_starts(host: Host, tmp_path: Path) -> None:
    table = "identity={use='backbone', network={use='vgg_face'}}"
    assert len(Assembly(load("diat_a_gender", host, (*TINY, table))).missing()) == 1
    sets = [part for setting in (*TINY, table) for part in ("--set", setting)]
    result = attrxfer("run", "diat_a_gender", *sets, "-o", tmp_path / "run", env={"ATTRXFER_VGG_FACE": ""})
    assert result.returncode == 2 and not (tmp_path / "run").exists()
    (line,) = result.stderr.strip().splitlines()
    for word in ("vgg_face_dag.pth", "robots.ox.ac.uk", "ATTRXFER_VGG_FACE", "face_features"):
        assert word in line
    checked = attrxfer("recipe", "check", "diat_a_gender", *sets, env={"ATTRXFER_VGG_FACE": ""})
    assert checked.returncode == 0 and "missing: VGG-Face" in checked.stdout


@pytest.mark.slow
def test_any_timm_model_by_a_file_of_its_weights(tmp_path: Path) -> None:
    import timm

    assert Timm.missing(name="test_resnet") and not Timm.missing(name="test_resnet", pretrained=True)
    assert "nowhere" in Timm.missing(name="test_resnet", weights=tmp_path / "nowhere")[0]
    torch.manual_seed(0)
    model: Any = timm.create_model("test_resnet", pretrained=False).eval()
    save_file(model.state_dict(), tmp_path / "w.safetensors")
    network = Timm(name="test_resnet", weights=tmp_path / "w.safetensors", out=(1, 2)).train()
    images = torch.rand(2, 3, 64, 64) * 2 - 1
    maps = network(images)
    mean, std = (torch.tensor(model.pretrained_cfg[key]).view(1, 3, 1, 1) for key in ("mean", "std"))
    expected = model.forward_intermediates(((images + 1) / 2 - mean) / std, intermediates_only=True)[1:3]
    assert len(maps) == 2
    for own, theirs in zip(maps, expected, strict=True):
        torch.testing.assert_close(own, theirs)


def test_what_trained_a_model_is_in_its_licences(weights: Weights, tmp_path: Path, host: Host) -> None:
    from attrxfer.storage.run_folder import RunFolder
    from attrxfer.training.loop import Training

    table = f"identity={{use='backbone', network={{use='vgg_face', path='{write_torch(tmp_path, weights)}'}}}}"
    training = Training(load("diat_a_gender", host, (*TINY, table)), RunFolder(tmp_path / "run"), host, quiet=True)
    assert any("CC BY-NC" in licence for licence in training.metadata()["licences"])


@pytest.mark.slow
def test_the_hash_of_a_users_weights_is_in_the_bundle_and_info_prints_it(weights: Weights, tmp_path: Path, host: Host) -> None:
    path = write_torch(tmp_path, weights)
    table = f"identity={{use='backbone', network={{use='vgg_face', path='{path}'}}}}"
    trained = train(host, tmp_path / "run", (*TINY, table))
    kept = read_metadata(trained / "bundle")["weights"]
    assert kept == {"features vgg_face, identity.network": sha256(path)}
    (line,) = [line for line in attrxfer("info", trained).stdout.splitlines() if "vgg_face" in line]
    assert line.split() == ["weights", "of", "features", "vgg_face,", "identity.network", sha256(path)]


@pytest.mark.slow
def test_the_hash_of_vgg_face_is_printed_once_and_named(
    weights: Weights, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = write_torch(tmp_path, weights)
    networks = [VggFace(path=path), VggFace(path=path)]
    assert all(isinstance(network, NamesWeights) for network in networks)
    assert {network.weights_sha256 for network in networks} == {sha256(path)}
    assert capsys.readouterr().err == f"VGG-Face: {path}, sha256 {sha256(path)}\n"
    assert not isinstance(FaceFeatures(width=4), NamesWeights)
