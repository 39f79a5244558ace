"""A face recognition network from an ONNX file."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from attrxfer_diat.recognition.crop import ARCFACE, WHOLE
from attrxfer_diat.recognition.description import read_output, read_source
from attrxfer_diat.recognition.losses import NO_ATTRIBUTES, Classification, Embedding
from attrxfer_diat.recognition.network_file import OnnxNetwork
from torch import Tensor, nn
from torch.nn.functional import normalize

from attrxfer.errors import DataError
from attrxfer.plugin.host import Host
from attrxfer.recipe import load
from attrxfer.storage.files import sha256
from attrxfer.testing.fakes import SIZE, Discriminator, Gan, random_images, tiny_data
from attrxfer.training.step import Step
from tests.attrxfer_diat.onnx_file import write_onnx

pytest.importorskip("onnx2torch")


N = 4


class Brighter(nn.Module):
    """T(x) = x + change."""

    def __init__(self, change: float) -> None:
        super().__init__()
        self.change = nn.Parameter(torch.tensor(change))

    def forward(self, images: Tensor) -> Tensor:
        return images + self.change


def draw(key: str, columns: int) -> Tensor:
    return torch.rand(N, columns, generator=torch.Generator().manual_seed(len(key)))


def a_step(change: float) -> Step:
    return Step(Brighter(change), Discriminator(), Gan(), random_images(N, SIZE), draw)


@pytest.fixture(scope="module")
def means(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_onnx(tmp_path_factory.mktemp("onnx") / "means.onnx")


def quarters(images: Tensor) -> Tensor:
    return torch.nn.functional.adaptive_avg_pool2d(images, 2).flatten(1)


def test_the_whole_image_is_read_in_the_values_that_the_network_expects(means: Path) -> None:
    images = random_images(N, 16)
    plain = OnnxNetwork(path=means)
    assert (plain.embedding, plain.attributes, plain.weights_sha256) == (12, (), sha256(means))
    (maps,) = plain(images)
    assert maps.shape == (N, 12, 1, 1)
    torch.testing.assert_close(maps.flatten(1), quarters(images), atol=1e-5, rtol=0)  # 16 px to 8 px: the mean of two pixels
    bytes_ = OnnxNetwork(path=means, black=0, white=255, bgr=True)
    torch.testing.assert_close(bytes_(images)[0].flatten(1), quarters((images.flip(1) + 1) * 127.5), atol=1e-2, rtol=0)
    embedding, logits = plain.describe(images)
    torch.testing.assert_close(embedding, normalize(quarters(images)), atol=1e-5, rtol=0)
    assert logits.shape == (N, 0)


def test_only_the_crop_is_read_and_the_border_goes_on(means: Path) -> None:
    images = random_images(N, 16)
    lower = OnnxNetwork(path=means, crop=(0.5, 0.5, 1.0, 1.0))
    torch.testing.assert_close(lower(images)[0].flatten(1), quarters(images[..., 8:, 8:]), atol=1e-5, rtol=0)
    beyond = OnnxNetwork(path=means, crop=(-1.0, 0.0, 0.0, 1.0))(images)[0].flatten(1)
    edge = images[..., :1].expand(-1, -1, -1, 16)
    torch.testing.assert_close(beyond, quarters(edge), atol=1e-5, rtol=0)


def test_the_identity_loss_compares_its_embeddings_and_moves_t(means: Path) -> None:
    net = OnnxNetwork(path=means)
    assert Embedding(network=net, margin=0.99)(a_step(0.0)) == 0, "an unchanged image costs nothing"
    step = a_step(0.8)
    loss = Embedding(network=net, margin=1.0)(step)
    cosine = (read_source(net, step).embedding * read_output(net, step).embedding).sum(1)
    torch.testing.assert_close(loss, (1 - cosine).mean())
    loss.backward()
    gradient = step._generator.change.grad
    assert gradient is not None and gradient.abs() > 0
    assert not any(parameter.requires_grad for parameter in net.parameters())
    assert not net.train().training, "its batch statistics stay"


def test_its_hash_is_printed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = write_onnx(tmp_path / "printed.onnx")
    OnnxNetwork(path=path)
    assert capsys.readouterr().err == f"recognition network: {path}, sha256 {sha256(path)}\n"


def test_it_knows_no_attributes(means: Path) -> None:
    problems = Classification(network=OnnxNetwork(path=means), guided={"bright": True}).check_recipe(None)  # type: ignore[arg-type]
    assert [str(problem) for problem in problems] == [f"network: {NO_ATTRIBUTES}"]


def test_a_file_that_is_no_such_network_is_named(means: Path, tmp_path: Path) -> None:
    broken = tmp_path / "broken.onnx"
    broken.write_bytes(means.read_bytes()[:-30])
    text = tmp_path / "text.onnx"
    text.write_text("no network")
    grey = write_onnx(tmp_path / "grey.onnx", channels=1)
    cases: list[tuple[Path, dict[str, Any], str]] = [
        (broken, {}, "cannot be read as an ONNX network"),
        (text, {}, "cannot be read as an ONNX network"),
        (grey, {}, r"its inputs have the shapes \[\[0, 1, 8, 8\]\]; one input \(N, 3, H, W\)"),
        (means, {"sha256": "abc"}, "expected abc"),
    ]
    for path, settings, said in cases:
        with pytest.raises(DataError, match=f"{path.name}: .*{said}|{said}"):
            OnnxNetwork(path=path, **settings)
    assert OnnxNetwork.missing(path=tmp_path / "gone.onnx") == [
        f"the recognition network {tmp_path / 'gone.onnx'}: no such file"
    ]
    assert OnnxNetwork.missing(path=means) == []


def test_a_recipe_names_the_file(means: Path, host: Host) -> None:
    table = f'[{{use="embedding", network={{use="onnx", path="{means}", crop=[0.1, 0.1, 0.9, 0.9]}}}}]'
    recipe = load("photos", host, [f"identity={table}"])
    assert recipe.identity[0].values["network"].values["path"] == means
    with pytest.raises(Exception, match="left, top, right, bottom"):
        load("photos", host, [f"identity={table.replace('[0.1, 0.1, 0.9, 0.9]', '[0.9, 0.1, 0.1, 0.9]')}"])


def test_the_crop_follows_the_landmarks_of_the_data(means: Path, caplog: pytest.LogCaptureFixture) -> None:
    data = tiny_data()
    net = OnnxNetwork(path=means)
    net.check_data(replace(data, records=replace(data.records, landmarks=None)))
    assert net.crop == WHOLE and "the network gets the whole image" in caplog.text
    left, top, width = 0.125, 0.25, 0.5  # of the image's side: where the network's input should lie
    points = ((np.array([left, top]) + width * ARCFACE) * SIZE - 0.5).astype(np.float32)
    landmarks = np.repeat(points[None], len(data.records), 0)
    landmarks[0] = np.nan  # unknown in one image
    placed = replace(data, records=replace(data.records, landmarks=landmarks))
    net.check_data(placed)
    np.testing.assert_allclose(net.crop, (0.125, 0.25, 0.625, 0.75), atol=1e-5)
    fixed = OnnxNetwork(path=means, crop=(0.0, 0.0, 0.5, 0.5))
    fixed.check_data(placed)
    assert fixed.crop == (0.0, 0.0, 0.5, 0.5)
