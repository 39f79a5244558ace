"""Every built-in component keeps the promises of its kind, and components that break them are caught."""

from __future__ import annotations

import csv
import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import pytest
import torch
from attrxfer_diat.vgg_face import LAYERS
from attrxfer_metrics.lpips import CHANNELS
from PIL import Image
from pydantic import Field
from safetensors.torch import save_file
from torch import Tensor, nn

from attrxfer.errors import AttrxferError
from attrxfer.interfaces import Broken, TransferStep
from attrxfer.plugin.host import Host
from attrxfer.plugin.registry import Registry
from attrxfer.testing import CHECKS, Check, checks, parametrize_with_checks
from attrxfer.testing.fakes import tiny_data
from attrxfer.testing.findings import of_component
from attrxfer.testing.subject import Subject
from tests.attrxfer_diat.onnx_file import write_onnx

FILES = Path(tempfile.gettempdir()) / f"attrxfer-contract-{os.getpid()}"
FACES: dict[str, Any] = {"use": "face_features", "width": 4}
PEOPLE: dict[str, Any] = {"use": "recognition", "attributes": ["bright", "round"], "channels": [4, 4, 8], "embedding": 8}
SMALL: dict[str, Any] = {"use": "diat", "width": 4, "blocks": 1, "norm": "none"}
QUICK = {"steps": 2, "batch_size": 4}
EXAMPLES: Mapping[tuple[str, str], Mapping[str, Any]] = {
    ("generator", "diat"): {"width": 4, "blocks": 1},
    ("generator", "masked"): {"width": 4, "blocks": 1},
    ("generator", "masked_many"): {"width": 4, "blocks": 1, "attributes": ["bright", "round"]},
    ("generator", "unet"): {"width": 4},
    ("generator", "masked_by_network"): {"width": 4, "transform": SMALL},
    ("generator", "stargan"): {"width": 4, "blocks": 1, "attributes": ["bright", "round"]},
    ("generator", "attgan"): {"width": 4, "attributes": ["bright", "round"]},
    ("discriminator", "patch"): {"width": 4},
    ("discriminator", "multi_scale"): {"width": 4},
    ("discriminator", "patch_many"): {"width": 4, "attributes": ["bright", "round"]},
    ("regularizer", "cycle"): {"generator": SMALL, "discriminator": {"use": "patch", "width": 4}},
    ("discriminator", "diat"): {"width": 4, "hidden": 8},
    ("discriminator", "diat_many"): {"width": 4, "hidden": 8, "attributes": ["bright", "round"]},
    ("features", "vgg_face"): {"path": str(FILES / "vgg.safetensors")},
    ("features", "timm"): {"name": "test_resnet", "weights": str(FILES / "timm.safetensors")},
    ("features", "face_features"): {"width": 4},
    ("features", "onnx"): {"path": str(FILES / "network.onnx")},
    ("features", "recognition"): {key: value for key, value in PEOPLE.items() if key != "use"},
    ("identity", "backbone"): {"network": FACES},
    ("identity", "embedding"): {"network": PEOPLE, "margin": 1.0},
    ("regularizer", "classification"): {"network": PEOPLE},
    ("regularizer", "perceptual"): {"network": FACES, "reconstruction": SMALL},
    ("enhancer", "global"): {"network": SMALL},
    ("dataset", "synthetic_faces"): {"faces": 30},
    ("dataset", "celeba"): {"path": str(FILES / "celeba")},
    ("dataset", "folder"): {"path": str(FILES / "folder")},
    ("dataset", "csv"): {"path": str(FILES / "table.csv"), "images": str(FILES / "folder" / "smile")},
    ("selection", "clusters"): {"clusters": 2},
    ("locator", "landmarks"): {"region": "mouth"},
    ("locator", "dlib"): {"region": "mouth"},
    ("locator", "auto"): {"region": "mouth"},
    ("stage", "local_enhancer"): {"network": FACES, "locator": {"use": "auto", "region": "mouth"}, **QUICK},
    ("stage", "adversarial"): {"pool": 2, "batch_size": 4},
    ("stage", "adversarial_many"): {"pool": 2, "batch_size": 4},
    ("method", "cnia"): {"steps": 2, "network": FACES},
    ("dataset", "sunglasses"): {"of": {"use": "synthetic_faces", "faces": 24}},
    ("method", "inpainting"): {"steps": 2, "train_steps": 2, "width": 4, "locator": {"use": "landmarks", "region": "mouth"}},
    ("metric", "attribute_accuracy"): QUICK,
    ("metric", "kid"): QUICK,
    ("metric", "lpips"): {"weights": [str(FILES / "alexnet.safetensors")]},
}


@pytest.fixture(scope="module", autouse=True)
def files() -> Iterator[None]:
    """What some components read: weights and images."""
    import timm
    import torchvision

    for folder in ("celeba/img_align_celeba", "folder/smile", "folder/frown"):
        (FILES / folder).mkdir(parents=True, exist_ok=True)
    widths = [3, *(64 * units for units in LAYERS.values())]
    shapes = zip(LAYERS, widths[:-1], widths[1:], strict=True)
    weights = {f"{name}.weight": torch.randn(outputs, inputs, 3, 3) / 64 for name, inputs, outputs in shapes}
    zeros = {f"{name}.bias": torch.zeros(64 * units) for name, units in LAYERS.items()}
    save_file({**weights, **zeros}, FILES / "vgg.safetensors")
    layers = torchvision.models.alexnet(weights=None).features.state_dict()
    maps = {f"lin{i}.model.1.weight": torch.rand(1, channels, 1, 1) for i, channels in enumerate(CHANNELS["alexnet"])}
    save_file({**{f"features.{name}": value for name, value in layers.items()}, **maps}, FILES / "alexnet.safetensors")
    write_onnx(FILES / "network.onnx")
    network = timm.create_model("test_resnet", pretrained=False)
    save_file(network.state_dict(), FILES / "timm.safetensors")
    names = [f"{i:06d}.jpg" for i in range(1, 13)]
    for number, name in enumerate(names):
        array = np.random.default_rng(number).integers(0, 256, (218, 178, 3)).astype(np.uint8)
        for folder in ("celeba/img_align_celeba", "folder/smile", "folder/frown"):
            Image.fromarray(np.roll(array, len(folder))).save(FILES / folder / name)
    rows = "\n".join(f"{name} {1 if i % 2 else -1}" for i, name in enumerate(names))
    (FILES / "celeba" / "list_attr_celeba.txt").write_text(f"{len(names)}\nSmiling\n{rows}\n")
    with (FILES / "table.csv").open("w", newline="") as file:
        csv.writer(file).writerows([["file", "smiling"], *[[name, i % 2] for i, name in enumerate(names)]])
    yield
    shutil.rmtree(FILES)


UNTRAINED = "regularizer-perceptual-it_is_a_finite_scalar_with_gradient"


@parametrize_with_checks(
    examples=EXAMPLES, expected_failures={UNTRAINED: "f begins as the identity, of which everything is a fixed point"}
)
def test_every_built_in_keeps_its_promises(
    check: Check, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> None:
    monkeypatch.setenv("ATTRXFER_CACHE", str(tmp_path))
    if check.subject.component.name == "ray":
        request.getfixturevalue("ray_here")  # skips where it is not installed
    if check.subject.component.name == "bf16" and check.missing:
        pytest.skip(f"missing: {check.missing[0]}")
    if check.subject.component.name == "compile" and not shutil.which("c++"):
        pytest.skip("torch.compile needs a C++ compiler")
    assert not check.missing, check.missing
    check()


def test_every_kind_has_promises_and_every_component_is_checked(host: Host) -> None:
    from attrxfer.interfaces import KINDS

    assert CHECKS.keys() == KINDS.keys() and all(CHECKS.values())
    names = {check.name.rpartition("-")[0] for check in checks(host, examples=EXAMPLES)}
    assert names == {f"{component.kind}-{component.name}" for component in host.registry.all()}


# ---------------------------------------------------------------- components that break a promise


class Shrinks(nn.Module):
    """A generator whose images are half as large."""

    def forward(self, images: Tensor) -> Tensor:
        return images[..., ::2, ::2]


class Shouts(nn.Module):
    """A generator that leaves -1..1."""

    def forward(self, images: Tensor) -> Tensor:
        return images * 3


class Mixes(nn.Module):
    """A generator whose images depend on each other."""

    def forward(self, images: Tensor) -> Tensor:
        return (images - images.mean((0, 2, 3), keepdim=True)).clamp(-1, 1)


class StaysBehind(nn.Module):
    """A generator that makes a tensor on the processor, wherever its images are."""

    def forward(self, images: Tensor) -> Tensor:
        return images + torch.zeros(3, 1, 1)


class NeverContent:
    """An identity loss with a floor. weight: of it."""

    def __init__(self, *, weight: Annotated[float, Field(ge=0)] = 1.0) -> None:
        self.weight = weight

    def __call__(self, step: TransferStep) -> Tensor:
        return (step.output - step.source).square().mean() + 0.1


class Detached(NeverContent):
    """A loss without gradient."""

    def __call__(self, step: TransferStep) -> Tensor:
        return (step.output - step.source).square().mean().detach().requires_grad_(True)


class LeavesBehind(NeverContent):
    """A loss whose weights of the colours stay on the processor."""

    def __call__(self, step: TransferStep) -> Tensor:
        return ((step.output - step.source).square() * torch.ones(1, 3, 1, 1)).mean()


class Silent:
    """Says nothing of what can be set."""

    def __init__(self, *, mystery: int = 3, weight: float = 1.0) -> None:
        self.mystery = mystery
        self.weight = weight

    def __call__(self, step: TransferStep) -> Tensor:
        return (step.output - step.source).square().mean()


class Forgets:
    """A stage whose state cannot be kept."""

    def __init__(self, *, steps: int = 1) -> None:
        self.steps = steps

    def prepare(self, run: Any, owner: Any) -> None:
        self.run = run

    def step(self, index: int) -> dict[str, Tensor]:
        return {"loss": torch.rand(())}

    def finish(self) -> None: ...

    def state_dict(self) -> dict[str, Any]:
        return {"run": self.run}

    def load_state_dict(self, state: dict[str, Any]) -> None: ...


class Slips:
    """A stage whose losses are not finite."""

    def __init__(self, *, steps: int = 1) -> None:
        self.steps = steps

    def prepare(self, run: Any, owner: Any) -> None: ...

    def step(self, index: int) -> dict[str, Tensor]:
        return {"loss": torch.tensor(float("nan"))}

    def finish(self) -> None: ...

    def state_dict(self) -> dict[str, Any]:
        return {}

    def load_state_dict(self, state: dict[str, Any]) -> None: ...


class Dwindles(Slips):
    """A stage that returns fewer losses each time it is prepared."""

    prepared = 0

    def prepare(self, run: Any, owner: Any) -> None:
        Dwindles.prepared += 1
        self.count = 99 - Dwindles.prepared

    def step(self, index: int) -> dict[str, Tensor]:
        return {f"loss {i}": torch.zeros(()) for i in range(self.count)}


class Unreadable:
    """A data set none of whose images can be read."""

    def __init__(self, *, size: int = 32) -> None:
        self.size = size

    def records(self) -> Any:
        return tiny_data().records

    def read(self, rows: Any) -> list[Broken]:
        return [Broken(str(row), "not an image") for row in rows]

    def fingerprint(self) -> str:
        return str(self.size)


class Drops:
    """An engine that does one task of each portion, and says nothing of what went wrong."""

    def run(self, job: Any, portions: Any) -> Any:
        for tasks in portions:
            try:
                yield tasks[0], next(job.open()(tasks))
            except (AttrxferError, OSError):
                return


class Hallucinates:
    """A locator that finds someone everywhere."""

    subject = "someone"

    def masks(self, data: Any, batch: Any) -> Any:
        return np.zeros((len(batch.rows), 1, 32, 32), np.float32)

    def detect(self, image: Any) -> Any:
        return np.zeros((1, 5, 2), np.float32)

    def reduce(self, landmarks: Any) -> Any:
        return landmarks


@pytest.mark.parametrize(
    ("kind", "broken", "promise"),
    [
        ("generator", Shrinks, "images_come_out_as_they_went_in"),
        ("generator", Shouts, "images_come_out_as_they_went_in"),
        ("generator", Mixes, "an_image_does_not_depend_on_its_neighbours"),
        ("generator", StaysBehind, "it_runs_on_a_gpu"),
        ("identity", LeavesBehind, "its_loss_runs_on_a_gpu"),
        ("identity", NeverContent, "a_copy_of_the_source_costs_nothing"),
        ("identity", Detached, "it_is_a_finite_scalar_with_gradient"),
        ("identity", Silent, "every_setting_is_documented"),
        ("stage", Forgets, "its_state_can_be_kept"),
        ("locator", Hallucinates, "nothing_is_detected_in_an_empty_image"),
        ("stage", Slips, "steps_are_finite_and_repeatable"),
        ("stage", Dwindles, "steps_are_finite_and_repeatable"),
        ("engine", Drops, "every_task_is_done_once_with_its_portion"),
        ("engine", Drops, "what_ends_a_job_is_said_in_its_own_words"),
        ("engine", Drops, "it_can_be_stopped_early"),
        ("dataset", Unreadable, "images_are_read_in_any_order"),
    ],
)
def test_a_broken_promise_is_found(kind: str, broken: type, promise: str, tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.setenv("ATTRXFER_CACHE", str(tmp_path))
    registry = Registry()
    getattr(registry, kind)("broken", f"{__name__}:{broken.__name__}", summary="breaks a promise")
    subject = Subject(registry.get(kind, "broken"), registry)
    host = type("Host", (), {"registry": registry})()
    failed = []
    for check in checks(host):
        try:
            check()
        except (AssertionError, TypeError):
            failed.append(check.name.rpartition("-")[2])
    assert promise in failed and "its_table_reads_back" not in failed
    assert subject.spec().name == "broken"


class ReadsValues(nn.Module):
    """A generator that reads the value of a tensor, after which nothing is followed."""

    def forward(self, images: Tensor) -> Tensor:
        return images * images.mean().item()


def test_what_a_fake_gpu_cannot_follow_is_skipped_and_not_ok() -> None:
    registry = Registry()
    registry.generator("broken", f"{__name__}:ReadsValues", summary="reads values")
    found = {finding.what: finding for finding in of_component(Subject(registry.get("generator", "broken"), registry))}
    skipped = found["it runs on a gpu"]
    assert skipped.status == "skipped" and skipped.reason.startswith("reads the values of tensors")


def test_expected_failures_are_marked_with_their_reason_and_must_exist() -> None:
    name = "identity-pixels-a_copy_of_the_source_costs_nothing"
    marked = parametrize_with_checks(expected_failures={name: "not yet"}, examples=EXAMPLES)
    (parameter,) = [each for each in marked.args[1] if each.id == name]
    (mark,) = parameter.marks
    assert mark.name == "xfail" and mark.kwargs == {"reason": "not yet", "strict": True}
    with pytest.raises(ValueError, match="no check is named identity-pixels-costs_nothing"):
        parametrize_with_checks(expected_failures={"identity-pixels-costs_nothing": ""}, examples=EXAMPLES)
