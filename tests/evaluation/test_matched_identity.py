"""Matched identity: fakes whose curves are known, and the command on people an embedding can tell apart."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any, ClassVar

import numpy as np
import pytest
from attrxfer_synth.dataset import SyntheticFaces
from numpy.typing import NDArray
from PIL import Image

from attrxfer import export
from attrxfer.evaluation.matched_identity import BOTH, STRENGTHS, add_matched_identity, matched_identity, matched_strength
from attrxfer.evaluation.scores import HeldOutInputs, Scorecard, score
from attrxfer.interfaces import MATCHED, PerImageScore
from attrxfer.model.calling import CallableModel
from attrxfer.plugin.host import Host
from attrxfer.plugin.registry import Registry
from attrxfer.recipe import load
from attrxfer.workflows.train import run
from tests.attrxfer_faces.test_metrics import onnx_file
from tests.conftest import TINY, attrxfer

COUNT = 100
OTHER = 0.8
"""The share of other photos that are verified."""


@pytest.mark.parametrize(
    ("curve", "wanted", "expected"),
    [
        (lambda s: 1 - 0.4 * s, 0.8, 0.5),
        (lambda s: 1 - 0.4 * s, 0.45, 1.375),
        (lambda s: 1 - 0.4 * s, 0.1, STRENGTHS[-1]),
        (lambda s: float(s < 0.7), 1.0, 0.65),
        (lambda s: 1 / (1 + np.exp(12 * (s - 0.9))), 0.85, 0.755),
    ],
)
def test_a_strength_is_found_where_the_curve_crosses(curve: Callable[[float], float], wanted: float, expected: float) -> None:
    asked: list[float] = []

    def told(strength: float) -> float:
        asked.append(strength)
        return curve(strength)

    assert matched_strength(told, wanted) == pytest.approx(expected, abs=0.065)
    assert len(asked) <= len(STRENGTHS) + 2


# ---------------------------------------------------------------- fakes


class FakeTransfer:
    """Every pixel is the strength in hundredths."""

    name, size, framing, alignment = "fake", 2, None, None

    def __init__(self) -> None:
        self.made: list[int] = []
        self.guided: Mapping[str, bool] = {}
        self.metadata: Mapping[str, Any] = {}

    def images(self, images_u8: NDArray[np.uint8], strength: float = 1.0) -> NDArray[np.uint8]:
        self.made.append(len(images_u8))
        return np.full_like(images_u8, round(100 * strength))


def at(evaluation: Any) -> NDArray[np.float64]:
    return evaluation.outputs[:, 0, 0, 0] / 100.0


def succeeds(evaluation: Any) -> Mapping[str, PerImageScore]:
    """An image in a hundred more with each hundredth of strength."""
    return {"has it": PerImageScore((np.arange(COUNT) < 50 * at(evaluation)).astype(float), "share", role="attribute accuracy")}


def same(evaluation: Any) -> Mapping[str, PerImageScore]:
    """As many are lost, the last ones first; on test images a tenth more. Real images: ``OTHER`` of them pass."""
    if evaluation.picked is not None:
        return {"same one": PerImageScore((np.arange(COUNT) < OTHER * COUNT).astype(float), "share", role="verification rate")}
    lost = 40 * at(evaluation) + 10 * (evaluation.rows[0] == COUNT)
    return {
        "same one": PerImageScore((np.arange(COUNT) < COUNT - lost).astype(float), "share", role="verification rate"),
        "other": PerImageScore(np.ones(COUNT)),
    }


class Once(CallableModel):
    """The same, computed once for all strengths."""

    name, size, framing, alignment = "once", 2, None, None

    def __init__(self) -> None:
        self.runs: list[int] = []
        self.guided: Mapping[str, bool] = {}
        self.metadata: Mapping[str, Any] = {}

    def images(self, images_u8: NDArray[np.uint8], strength: float = 1.0) -> NDArray[np.uint8]:
        return self.at_any_strength(images_u8)(strength)

    def at_any_strength(self, images_u8: NDArray[np.uint8]) -> Callable[[float], NDArray[np.uint8]]:
        self.runs.append(len(images_u8))
        return lambda strength: np.full_like(images_u8, round(100 * strength))


class OtherPhoto:
    same_subject: ClassVar[bool] = True

    def picks(self, data: Any, target: Mapping[str, bool], rows: NDArray[np.int64]) -> NDArray[np.int64]:
        return np.roll(rows, 1)


class NoOther(OtherPhoto):
    def picks(self, data: Any, target: Mapping[str, bool], rows: NDArray[np.int64]) -> Any:
        return None

    def __call__(self, data: Any, target: Mapping[str, bool], rows: NDArray[np.int64]) -> None:
        return None


def registry(method: str = "OtherPhoto") -> Registry:
    found = Registry()
    found.add("method", "other_photo", f"{__name__}:{method}", summary="")
    return found


def given(first: int) -> HeldOutInputs:
    sources = np.zeros((COUNT, 2, 2, 3), np.uint8)
    data: Any = SimpleNamespace(images_u8=lambda rows: sources)
    return HeldOutInputs(data, np.arange(first, first + COUNT), sources, np.arange(COUNT), None, {"a": True}, 0)


def test_the_strength_is_chosen_on_validation_and_measured_on_test() -> None:
    validation, test, transfer = given(0), given(COUNT), FakeTransfer()
    mine, theirs = test.results(transfer.images(test.sources, 1.0), transfer), test.results(test.sources)
    results = [(score("mine", mine, [succeeds, same]), mine), (score("theirs", theirs, [succeeds, same]), theirs)]
    transfer.made.clear()
    (own, _), (other, _) = add_matched_identity(results, test, validation, registry())
    assert list(own.scores)[:3] == [MATCHED, "verification rate at equal verification", "strength of equal verification"]
    assert own.scores["strength of equal verification"]["value"] == pytest.approx(0.5, abs=0.03), "1 - 0.4 s falls to 0.8 there"
    assert own.scores[MATCHED]["value"] == pytest.approx(0.25, abs=0.03) and own.scores[MATCHED]["n"] == COUNT
    assert own.scores[MATCHED]["low"] < 0.25 < own.scores[MATCHED]["high"]
    assert own.scores["verification rate at equal verification"]["value"] == pytest.approx(0.7, abs=0.03), (
        "what the test inputs say"
    )
    assert own.scores[BOTH]["value"] == own.scores[MATCHED]["value"], "the accurate ones come first, the lost ones last"
    assert own.scores[BOTH]["n"] == COUNT and BOTH not in other.scores
    assert "has it" in own.scores and own.scores[MATCHED]["role"] == MATCHED and MATCHED not in other.scores, (
        "a folder's results have no strength"
    )
    assert len(transfer.made) <= 5


def test_networks_run_once_for_all_strengths_that_are_tried() -> None:
    test, model = given(COUNT), Once()
    matched = matched_identity(given(0), score("", test.results(test.sources), [succeeds, same]), registry())
    assert matched is not None
    scores = matched.scores(model, test)
    assert scores["strength of equal verification"]["value"] == pytest.approx(0.5, abs=0.03)
    assert model.runs == [COUNT, COUNT], "once for the validation inputs, and once for the test inputs"


def test_there_is_no_matched_identity_where_it_cannot_be_measured() -> None:
    test = given(COUNT)
    card = score("mine", test.results(test.sources), [succeeds, same])
    assert matched_identity(given(0), card, registry()) is not None
    assert matched_identity(None, card, registry()) is None
    assert (
        matched_identity(given(0), card, Registry()) is None and matched_identity(given(0), card, registry("NoOther")) is None
    )
    for metric in (succeeds, same):
        assert matched_identity(given(0), score("", test.results(test.sources), [metric]), registry()) is None
    assert add_matched_identity(
        [(Scorecard("me", test.sources, {}, {}), test.results(test.sources))], test, given(0), registry()
    )


# ---------------------------------------------------------------- the command


def photographs(folder: Path) -> Path:
    """Drawn people as CelebA keeps photographs, so that nobody knows their truth."""
    faces = SyntheticFaces(size=218, faces=96)
    records, rows = faces.records(), np.arange(96)
    assert records.identity is not None
    (folder / "img_align_celeba").mkdir(parents=True)
    names = [f"{row:06d}.png" for row in rows]
    for name, image in zip(names, faces.read(rows.tolist()), strict=True):
        Image.fromarray(np.asarray(image)[:, 20:198]).save(folder / "img_align_celeba" / name)
    known = list(records.attributes)
    signs = np.where(np.stack([records.attributes[name] for name in known], axis=1), 1, -1)
    points = (faces.celeba_points(rows.tolist()) - [20, 0]).reshape(96, 10).round().astype(int)
    lists = {"list_attr_celeba.txt": signs, "list_landmarks_align_celeba.txt": points}
    lists |= {"identity_CelebA.txt": records.identity[:, None], "list_eval_partition.txt": records.split[:, None]}
    for file, values in lists.items():
        head = [str(len(rows)), " ".join(known)] if file == "list_attr_celeba.txt" else []
        lines = [f"{name} {' '.join(map(str, row))}" for name, row in zip(names, values.tolist(), strict=True)]
        (folder / file).write_text("\n".join([*head, *lines]) + "\n")
    return folder


@pytest.mark.slow
def test_evaluate_prints_matched_identity_first(tmp_path: Path, host: Host) -> None:
    trained = run(load("diat_a_gender", host, (*TINY, "train.size=32")), tmp_path / "run", host, quiet=True).path
    data, network = photographs(tmp_path / "photos"), onnx_file(tmp_path / "face.onnx")
    identity = f"{{use='identity', network='{network}', false_accept=0.05}}"
    metrics = f"metric=[{{use='attribute_accuracy', steps=4, batch_size=8}}, {identity}]"
    out, file = tmp_path / "scores", export(trained, out=tmp_path / "model.onnx")
    done = attrxfer("evaluate", file, trained, "--data", data, "--set", metrics, "--set", "selection=[]", "-o", out)
    assert done.returncode == 0, done.stderr
    found = json.loads((out / "scores.json").read_text())
    scores = found["scores"]
    own, exported = scores[str(trained)], scores[str(file)]
    assert exported[MATCHED]["value"] == pytest.approx(own[MATCHED]["value"], abs=0.2), "an exported file is a model too"
    curves = [[point["strength"] for point in found["curves"][str(model)]] for model in (file, trained)]
    assert curves[0] == curves[1] and len(curves[0]) > 3
    assert MATCHED in own and 0 < own["strength of equal verification"]["value"] <= STRENGTHS[-1]
    copied = scores["input_copy"]
    assert copied["verification rate"]["value"] == 1 and copied["identity similarity"]["value"] == pytest.approx(1)
    assert (
        scores["another_photo"]["nearest is its own input"]["value"] == 0
        and scores["stranger"]["verification rate"]["value"] < 1
    )
    assert MATCHED in done.stdout and MATCHED in (out / "table.md").read_text()
    page = (out / "page.html").read_text()
    assert MATCHED in page and "chosen on validation inputs" in page


@pytest.mark.slow
def test_a_run_is_scored_at_matched_identity_first(tmp_path: Path, host: Host) -> None:
    data, network = photographs(tmp_path / "photos"), onnx_file(tmp_path / "face.onnx")
    identity = f"{{use='identity', network='{network}', false_accept=0.05}}"
    settings = [setting for setting in TINY if not setting.startswith(("data.", "metric"))]
    settings += [f"metric=[{{use='attribute_accuracy', steps=4, batch_size=8}}, {identity}]", "selection=[]", "train.size=32"]
    table = {"use": "celeba", "path": str(data)}
    folder = run(load("diat_a_gender", host, settings, table), tmp_path / "run", host, quiet=True)
    own = json.loads(folder.scores.read_text())["scores"]["result"]
    assert next(iter(own)) == MATCHED and own[MATCHED]["role"] == MATCHED
    assert own["verification rate"]["role"] == "verification rate"
    report = folder.report.read_text()
    first = report.index(f"<span>{MATCHED}</span>")
    assert first < report.index("<span>attribute accuracy</span>") < report.index("<span>verification rate</span>")


@pytest.mark.slow
def test_validation_inputs_are_read_only_where_identity_is_scored(
    tiny: Callable[..., Any], tmp_path: Path, host: Host, monkeypatch: pytest.MonkeyPatch
) -> None:
    from attrxfer.evaluation import candidates
    from attrxfer.workflows import evaluate

    asked: list[bool] = []

    def held_out(*arguments: Any, validation: bool = False) -> Any:
        asked.append(validation)
        return original(*arguments, validation=validation)

    original = candidates.held_out
    monkeypatch.setattr(evaluate, "held_out", held_out)
    run(tiny("metric=[{use='truth'}]", "train.size=32"), tmp_path / "run", host, quiet=True)
    assert asked == [False]
