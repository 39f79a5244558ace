"""Metrics on networks whose weights the user gives: LPIPS, KID and FID on Inception. Random weights have known answers too."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from attrxfer_metrics.inception import Inception, resized
from attrxfer_metrics.kid import Kid, frechet
from attrxfer_metrics.lpips import CHANNELS, Distance, Lpips
from numpy.typing import NDArray
from PIL import Image
from safetensors.torch import save_file
from torch import Tensor

from attrxfer.errors import DataError
from attrxfer.interfaces import Broken, Records
from attrxfer.storage.files import read_tensors

pytestmark = pytest.mark.slow

SIZE = 64
State = Mapping[str, Tensor]


def smooth(seed: int, count: int = 4, size: int = SIZE) -> NDArray[np.uint8]:
    coarse = np.random.default_rng(seed).integers(0, 256, (count, 4, 4, 3))
    return coarse.repeat(size // 4, 1).repeat(size // 4, 2).astype(np.uint8)


def noisy(images: NDArray[np.uint8], strength: float) -> NDArray[np.uint8]:
    noise = np.random.default_rng(0).normal(0, strength, images.shape)
    return (images + noise).clip(0, 255).astype(np.uint8)


# ---------------------------------------------------------------- files


def test_nothing_but_tensors_is_read_from_a_file(tmp_path: Path) -> None:
    class Harmful:
        def __reduce__(self) -> Any:
            return (Path(tmp_path / "ran").touch, ())

    torch.save({"a": torch.ones(2)}, tmp_path / "good.pth")
    save_file({"a": torch.ones(2)}, tmp_path / "good.safetensors")
    for name in ("good.pth", "good.safetensors"):
        assert read_tensors(tmp_path / name)["a"].tolist() == [1, 1]
    torch.save({"a": Harmful()}, tmp_path / "bad.pth")
    torch.save([torch.ones(2)], tmp_path / "list.pth")
    (tmp_path / "torn.safetensors").write_bytes(b"torn")
    for name, message in (
        ("bad.pth", "holds no tensors that can be read safely"),
        ("torn.safetensors", "holds no tensors that can be read safely"),
        ("list.pth", "is not a state dict"),
        ("gone.pth", "no such file"),
    ):
        with pytest.raises(DataError, match=f"{name}: {message}") as error:
            read_tensors(tmp_path / name)
        assert "\n" not in str(error.value)
    assert not (tmp_path / "ran").exists()


# ---------------------------------------------------------------- LPIPS


def convolutions(name: str) -> dict[str, Tensor]:
    """torchvision's random weights, the classifier's among them left out."""
    from torchvision import models

    torch.manual_seed(0)
    with torch.device("meta"):
        shapes = {key: value.shape for key, value in getattr(models, name)(weights=None).state_dict().items()}
    return {
        key: torch.randn(shape) / max(shape[1:].numel(), 1) ** 0.5
        for key, shape in shapes.items()
        if key.startswith("features")
    }


def of_maps(name: str) -> dict[str, Tensor]:
    return {f"lin{i}.model.1.weight": torch.rand(1, channels, 1, 1) for i, channels in enumerate(CHANNELS[name])}


@pytest.fixture(scope="module")
def alexnet(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    folder = tmp_path_factory.mktemp("lpips")
    torch.save({**convolutions("alexnet"), "classifier.1.weight": torch.zeros(3)}, folder / "alexnet.pth")
    save_file(of_maps("alexnet"), folder / "alex.safetensors")
    return folder / "alexnet.pth", folder / "alex.safetensors"


def test_equal_images_are_at_no_distance_noise_moves_them_apart(alexnet: tuple[Path, ...]) -> None:
    metric, sources = Lpips(weights=alexnet), smooth(0)

    def to_input(outputs: NDArray[np.uint8]) -> NDArray[np.floating]:
        return metric(SimpleNamespace(sources=sources, outputs=outputs, truth=None))["LPIPS to the input"].values

    assert (to_input(sources.copy()) == 0).all()
    little, more, most = (to_input(noisy(sources, strength)) for strength in (5, 20, 80))
    assert (little > 0).all() and (little < more).all() and (more < most).all()
    one, other = sources, smooth(1)
    assert np.allclose(metric.network.of_images(one, other), metric.network.of_images(other, one), atol=1e-6)
    given: Any = SimpleNamespace(sources=sources, outputs=other, truth=other)
    found = metric(given)
    assert (found["LPIPS to truth"].values == 0).all() and (found["LPIPS to the input"].values > 0).all()
    assert found["LPIPS to truth"].better == "lower"
    assert (metric.network.of_images(smooth(0, size=32), smooth(1, size=32)) > 0).all(), "the smallest it takes"
    small = smooth(0, size=16)
    assert metric(SimpleNamespace(sources=small, outputs=small, truth=None)) == {}


def test_lpips_by_hand(alexnet: tuple[Path, ...]) -> None:
    """The same, written as the paper's eq. 1 has it, on torchvision's own network."""
    from torchvision.models import alexnet as torchvision_alexnet

    torch.manual_seed(1)
    one, other = torch.rand(2, 2, 3, SIZE, SIZE) * 2 - 1
    given = read_tensors(alexnet[0])
    network = torchvision_alexnet(weights=None).features
    network.load_state_dict({key.removeprefix("features."): given[key] for key in given if key.startswith("features")})
    expected = torch.zeros(2)
    for layer, tap in enumerate((1, 4, 7, 9, 11)):
        maps = []
        for images in (one, other):
            normal = (images - torch.tensor([-0.030, -0.088, -0.188])[:, None, None]) / torch.tensor([0.458, 0.448, 0.450])[
                :, None, None
            ]
            found = network[: tap + 1](normal)
            maps.append(found / found.square().sum(1, keepdim=True).sqrt().clamp(min=1e-10))
        weight = read_tensors(alexnet[1])[f"lin{layer}.model.1.weight"]
        expected += (weight * (maps[0] - maps[1]) ** 2).sum(1).mean((1, 2))
    assert torch.allclose(Distance(alexnet)(one, other), expected, rtol=1e-4)


def test_one_file_with_the_names_of_the_package_lpips(tmp_path: Path, alexnet: tuple[Path, ...]) -> None:
    """vgg16 is known by its shapes; the package's names are understood too."""
    state = {
        **{key.replace("features", "net.slice1"): value for key, value in convolutions("vgg16").items()},
        **of_maps("vgg16"),
    }
    torch.save({**state, "lins.0.model.1.weight": torch.zeros(1), "scaling_layer.shift": torch.zeros(1)}, tmp_path / "vgg.pth")
    whole = Distance([tmp_path / "vgg.pth"])
    assert whole.name == "vgg16" and Distance(alexnet).name == "alexnet"
    assert (whole.of_images(smooth(0), smooth(1)) > 0).all()


def test_missing_and_mismatched_weights_are_one_line(tmp_path: Path, alexnet: tuple[Path, Path]) -> None:
    assert "weights = [...]" in Lpips.missing()[0] and "alexnet-owt-7be5be79.pth" in Lpips.missing()[0]
    assert Lpips.missing(weights=alexnet) == []
    assert "gone.pth: no such file" in Lpips.missing(weights=(alexnet[0], tmp_path / "gone.pth"))[0]
    save_file(of_maps("vgg16"), tmp_path / "vgg.safetensors")
    for files, message in (
        ((alexnet[0], tmp_path / "vgg.safetensors"), "not LPIPS's weights of the five maps of alexnet"),
        ((alexnet[0],), "not LPIPS's weights of the five maps of alexnet"),
        ((alexnet[1],), "not the convolutions of AlexNet or VGG-16"),
    ):
        with pytest.raises(DataError, match=message) as error:
            Distance(files)
        assert "\n" not in str(error.value)


# ---------------------------------------------------------------- Inception


@pytest.fixture(scope="module")
def inception(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Random weights under the names of pt_inception-2015-12-05, in which nothing dies out."""
    from torchvision.models import inception_v3

    torch.manual_seed(0)
    with torch.device("meta"):
        network = inception_v3(weights=None, aux_logits=False, init_weights=False, num_classes=1008)
    state = {}
    for name, value in network.state_dict().items():
        fan = max(value.shape[1:].numel(), 1)
        ones = name.endswith(("bn.weight", "running_var"))
        random = torch.randn(value.shape) * (2 / fan) ** 0.5 if value.dim() > 1 else torch.zeros(value.shape)
        state[name] = torch.ones(value.shape) if ones else random.to(value.dtype)
    path = tmp_path_factory.mktemp("inception") / "pt_inception.safetensors"
    path.parent.mkdir(exist_ok=True)
    save_file({name: value for name, value in state.items() if not name.endswith("num_batches_tracked")}, path)
    return path


def test_inception_gives_2048_numbers_the_same_each_time(inception: Path) -> None:
    network, images = Inception(inception), smooth(0, 2)
    found = network(images)
    assert found.shape == (2, 2048) and found.dtype == np.float32 and found.std() > 0
    assert np.array_equal(found, Inception(inception)(images)) and np.allclose(found[:1], network(images[:1]), atol=1e-4)
    assert not np.allclose(found[0], found[1])


def test_its_pooling_branches_are_those_of_the_first_fid(inception: Path) -> None:
    """Where torchvision counts the border's zeros, they are left out; the last block takes the greatest."""
    network = Inception(inception).network
    pooled = [name for name, block in network.named_children() if hasattr(block, "branch_pool")]
    assert len(pooled) == 9
    for name in pooled:
        block = getattr(network, name)
        seen: list[Tensor] = []
        block.branch_pool.conv.register_forward_pre_hook(lambda module, inputs, seen=seen: seen.extend(inputs))
        ones = torch.ones(1, block.branch_pool.conv.in_channels, 5, 5)
        peak = torch.zeros_like(ones)
        peak[..., 0, 0] = 9
        with torch.no_grad():
            block(ones)
            block(peak)
        assert torch.allclose(seen[0], ones), f"{name}: a corner has fewer neighbours, not smaller ones"
        assert seen[1][0, 0, 1, 1] == pytest.approx(9 if name == "Mixed_7c" else 1), name


def test_another_networks_weights_are_one_line(inception: Path, tmp_path: Path) -> None:
    state = read_tensors(inception)
    state.pop("Mixed_5b.branch1x1.conv.weight")
    save_file(state, tmp_path / "lacks.safetensors")
    save_file(convolutions("alexnet"), tmp_path / "alexnet.safetensors")
    for name in ("lacks", "alexnet"):
        with pytest.raises(DataError, match=rf"{name}\.safetensors: is not FID's Inception") as error:
            Inception(tmp_path / f"{name}.safetensors")
        assert "\n" not in str(error.value)
    assert "gone.pth: no such file; pt_inception" in Kid.missing(inception=tmp_path / "gone.pth")[0]
    assert Kid.missing(inception=inception) == [] and "both set" in Kid.missing(inception=inception, features=object())[0]


def test_images_are_resized_as_clean_fid_does() -> None:
    flat = np.full((8, 8, 3), 77, np.uint8)
    assert np.allclose(resized(flat, 299), 77) and resized(flat, 299).shape == (299, 299, 3)
    board = (np.indices((64, 64)).sum(0) % 2 * 255).astype(np.uint8)[..., None].repeat(3, 2)
    assert np.abs(resized(board, 16) - 127.5).max() < 1, "made smaller, a chessboard is grey: antialiased"
    steps = resized(np.arange(64, dtype=np.uint8).reshape(8, 8)[..., None].repeat(3, 2), 20)
    assert (steps != steps.round()).any(), "not rounded"
    one = Image.fromarray(board[..., 0].astype(np.float32)).resize((20, 20), Image.Resampling.BICUBIC)
    assert np.array_equal(resized(board, 20)[..., 1], np.asarray(one).clip(0, 255))


class Two:
    """Bright images and dark ones, 6 of each in the test split."""

    size = SIZE
    framing = None

    def records(self) -> Records:
        rows = np.arange(14)
        return Records(tuple(map(str, rows)), {"bright": rows % 2 == 0}, np.where(rows < 2, 0, 2).astype(np.uint8))

    def read(self, rows: Any) -> list[NDArray[np.uint8] | Broken]:
        return [noisy(smooth(0, 1), 30)[0] // 3 + np.uint8(row + 120 * (row % 2 == 0)) for row in rows]

    def fingerprint(self) -> str:
        return "two"


def test_fid_and_kid_on_inception(inception: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from attrxfer_metrics.classifier import UsesClassifier

    from attrxfer.data import open_data

    monkeypatch.setattr(UsesClassifier, "_train", lambda *arguments: pytest.fail("a classifier was trained"))
    data = open_data(Two(), selection=None, size=SIZE, folder=tmp_path)
    rows = data.rows("test", {"bright": False})
    real = data.images_u8(data.rows("test", {"bright": True}))
    metric = Kid(inception=inception)
    counted: list[int] = []
    network = metric._inception

    def counting(images: NDArray[np.uint8]) -> Any:
        counted.append(len(images))
        return network(images)

    metric.__dict__["_inception"] = counting

    def found(outputs: NDArray[np.uint8]) -> dict[str, float]:
        given: Any = SimpleNamespace(
            sources=data.images_u8(rows),
            outputs=outputs,
            truth=None,
            rows=rows,
            people=rows,
            target={"bright": True},
            data=data,
        )
        return {name: whole.value for name, whole in metric(given).items()}

    same, copy, noise = found(real), found(data.images_u8(rows)), found(noisy(real, 100))
    assert same.keys() == {"KID on Inception", "FID"}
    assert abs(same["FID"]) < 1e-6 * copy["FID"] and same["FID"] < min(copy["FID"], noise["FID"])
    assert same["KID on Inception"] < min(copy["KID on Inception"], noise["KID on Inception"])
    assert counted == [6] * 4, "the real images are read once"


def test_the_frechet_distance_by_its_formula() -> None:
    from scipy.linalg import sqrtm

    random = np.random.default_rng(0)
    one, other = random.normal(size=(60, 6)) @ random.normal(size=(6, 6)), random.normal(size=(90, 6)) + 0.3
    covariances = np.cov(one.T), np.cov(other.T)
    root = sqrtm(covariances[0] @ covariances[1]).real
    expected = ((one.mean(0) - other.mean(0)) ** 2).sum() + np.trace(covariances[0] + covariances[1] - 2 * root)
    assert frechet(one, other) == pytest.approx(expected)
    few = random.normal(size=(5, 40))  # fewer images than features
    assert frechet(few, few) == pytest.approx(0, abs=1e-9) and frechet(few, few + 1) == pytest.approx(40)
