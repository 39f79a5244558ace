"""attrxfer transfer on photos: what is written, said, noted and left out."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner, Result
from PIL import Image

from attrxfer.cli import cli
from attrxfer.media.provenance import SOURCE_TYPE, read_packet
from attrxfer.workflows import transfer as workflow
from tests.media.photos.conftest import Fake, Fixed, smooth, subject

Run = Callable[..., Result]


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch) -> Run:
    """The command with the fake transfer, and two faces in every image that is not of one colour."""
    monkeypatch.setattr(workflow, "load_model", lambda *arguments, **named: Fake())
    monkeypatch.setattr(workflow, "load_detector", lambda *arguments: Fixed(subject(50, 60, 2), subject(120, 60, 1)))
    return lambda *arguments: CliRunner().invoke(cli, ["transfer", "model", *map(str, arguments)])


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Three photos, one of them deep down, one image without a face, an animation and a broken file."""
    made = tmp_path / "photos"
    (made / "deep").mkdir(parents=True)
    for name in ("a.png", "b.png", "deep/c.png"):
        Image.fromarray(smooth()).save(made / name)
    nobody = Image.new("RGB", (90, 70), "grey")
    nobody.save(made / "nobody.png")
    nobody.save(made / "moving.gif", save_all=True, append_images=[Image.new("RGB", (90, 70), "red")])
    (made / "zero.jpg").write_bytes(b"")
    return made


def written(out: Path) -> set[str]:
    return {path.relative_to(out).as_posix() for path in out.rglob("*") if path.is_file()}


def test_a_folder_comes_out_whole_and_what_was_not_changed_is_said(run: Run, folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    result = run(folder, "-o", out)
    assert result.exit_code == 1
    summary = f"3 written to {out} (6 faces), 2 copied as they were, 1 broken and skipped"
    assert result.stdout.splitlines() == [summary]
    assert result.stderr.splitlines() == [
        f"{folder / 'moving.gif'}: copied: 2 frames or pages: only still images are changed",
        f"{folder / 'nobody.png'}: copied: no face found",
        f"{folder / 'zero.jpg'}: skipped: empty file",
    ]
    assert written(out) == {"a.png", "b.png", "deep/c.png", "nobody.png", "moving.gif", "manifest.json"}
    for name in ("nobody.png", "moving.gif"):
        assert (out / name).read_bytes() == (folder / name).read_bytes()
    with Image.open(out / "deep" / "c.png") as image:
        assert image.size == (160, 120) and (np.asarray(image) != smooth()).any()


def test_the_manifest_says_what_became_of_each_file(run: Run, folder: Path, tmp_path: Path) -> None:
    run(folder, "-o", tmp_path / "out", "--missing", "skip", "--strength", "0.5", "--subjects", "largest")
    found = json.loads((tmp_path / "out" / "manifest.json").read_text())
    assert found["Model"] == "smile" and found["Attribute"] == "Smiling=true" and found["Strength"] == "0.5"
    assert found["ModelSHA256"] == "ab" * 32
    lines = {Path(line["input"]).name: line for line in found["images"]}
    assert lines["a.png"] == {
        "output": "a.png",
        "input": str(folder / "a.png"),
        "outcome": "changed",
        "faces": [{"box": [18, 28, 83, 93]}],
    }
    assert lines["nobody.png"]["output"] is None and lines["nobody.png"]["reason"] == "no face found"
    assert lines["zero.jpg"]["outcome"] == "broken" and lines["moving.gif"]["outcome"] == "left"
    assert written(tmp_path / "out") == {"a.png", "b.png", "deep/c.png", "manifest.json"}


def test_files_have_no_manifest_and_all_well_is_exit_code_0(run: Run, folder: Path, tmp_path: Path) -> None:
    result = run(folder / "a.png", folder / "b.png", "-o", tmp_path / "out")
    assert result.exit_code == 0 and written(tmp_path / "out") == {"a.png", "b.png"} and not result.stderr
    assert run(folder / "a.png", "-q", "-o", tmp_path / "quiet").output == ""


@pytest.mark.parametrize(("faces", "count"), [("all", 2), ("largest", 1), ("1", 1), ("2", 2), ("7", 2)])
def test_the_largest_faces_can_be_chosen(run: Run, folder: Path, tmp_path: Path, faces: str, count: int) -> None:
    result = run(folder / "a.png", "-o", tmp_path / "out", "--subjects", faces)
    assert f"({count} face" in result.stdout
    with Image.open(tmp_path / "out" / "a.png") as image:
        changed = (np.asarray(image) != smooth()).any(2)
    assert changed[60, 50] and changed[60, 120] == (count == 2)


@pytest.mark.parametrize(("faces", "changed"), [("#1", (True, False)), ("#2", (False, True)), ("#2,#1", (True, True))])
def test_faces_can_be_chosen_by_their_numbers(
    run: Run, folder: Path, tmp_path: Path, faces: str, changed: tuple[bool, bool]
) -> None:
    assert run(folder / "a.png", "-o", tmp_path / "out", "--subjects", faces).exit_code == 0
    with Image.open(tmp_path / "out" / "a.png") as image:
        differs = (np.asarray(image) != smooth()).any(2)
    assert (differs[60, 50], differs[60, 120]) == changed


def test_a_number_that_no_face_has_is_said(run: Run, folder: Path, tmp_path: Path) -> None:
    result = run(folder / "a.png", "-o", tmp_path / "out", "--subjects", "#1,#3")
    assert result.exit_code == 1 and "a.png: copied: 2 faces found, no number 3" in result.stderr


def test_results_say_that_they_are(run: Run, folder: Path, tmp_path: Path) -> None:
    run(folder / "a.png", "-o", tmp_path / "with", "--strength", "0.8")
    run(folder / "a.png", "-o", tmp_path / "without", "--no-provenance")
    run(folder / "a.png", "-o", tmp_path / "crop", "--aligned")
    with Image.open(tmp_path / "with" / "a.png") as image:
        said = read_packet(image.info["xmp"])
    digest = "ab" * 32
    wanted = {"Model": "smile", "ModelSHA256": digest, "Attribute": "Smiling=true", "Strength": "0.8"}
    assert said == {"DigitalSourceType": SOURCE_TYPE, **wanted}
    with Image.open(tmp_path / "without" / "a.png") as image:
        assert "xmp" not in image.info
    with Image.open(tmp_path / "crop" / "a.png") as image:
        assert read_packet(image.info["xmp"])["Strength"] == "1" and image.size == (32, 32)


def test_strength_0_is_the_files_own_bytes(run: Run, folder: Path, tmp_path: Path) -> None:
    result = run(folder / "a.png", "-o", tmp_path / "out", "--strength", "0")
    assert result.exit_code == 0 and (tmp_path / "out" / "a.png").read_bytes() == (folder / "a.png").read_bytes()


def test_an_interrupted_transfer_goes_on(run: Run, folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    run(folder, "-o", out)
    first = json.loads((out / "manifest.json").read_text())
    kept = (out / "a.png").stat().st_mtime_ns
    (out / "b.png").unlink()
    result = run(folder, "-o", out, "--skip-existing")
    assert "1 written" in result.stdout and "1 broken" in result.stdout and "4 there already" in result.stdout
    assert (out / "a.png").stat().st_mtime_ns == kept and (out / "b.png").exists()
    assert json.loads((out / "manifest.json").read_text()) == first, "nothing that was noted is lost"


def test_shards_are_disjoint_and_together_everything(run: Run, folder: Path, tmp_path: Path) -> None:
    parts = []
    for part in (1, 2, 3):
        run(folder, "-o", tmp_path / str(part), "--shard", f"{part}/3")
        names = written(tmp_path / str(part))
        assert f"manifest-{part}-of-3.json" in names
        parts.append(names - {f"manifest-{part}-of-3.json"})
    run(folder, "-o", tmp_path / "whole")
    assert set().union(*parts) == written(tmp_path / "whole") - {"manifest.json"}
    assert sum(map(len, parts)) == len(set().union(*parts))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--subjects", "none"], '"none" is neither all, largest, a number from 1 nor a list such as #1,#3'),
        (["--subjects", "#1,#0"], '"#1,#0" is neither all, largest'),
        (["--subjects", "0"], '"0" is neither all, largest'),
        (["--shard", "0/3"], '"0/3" is not I/N with I from 1 to N: the first of four parts is 1/4'),
        (["--shard", "4"], '"4" is not I/N'),
        (["--aligned", "--subjects", "all"], "--aligned takes crops"),
        (["--missing", "burn"], "'burn' is not one of"),
    ],
)
def test_mistakes_are_named(run: Run, folder: Path, arguments: list[str], message: str) -> None:
    result = run(folder, *arguments)
    assert result.exit_code == 2 and message in result.output


def test_a_bundle_that_does_not_know_its_alignment_takes_crops_when_told(
    run: Run, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(workflow, "load_model", lambda *arguments, **named: Fake(alignment=None))
    result = run(folder / "a.png", "-o", tmp_path / "out")
    assert result.exit_code == 2 and not (tmp_path / "out").exists()
    assert "model: does not say how its training images were aligned" in result.output and "--aligned" in result.output
    assert run(folder / "a.png", "--aligned", "-o", tmp_path / "out").exit_code == 0
    with Image.open(tmp_path / "out" / "a.png") as image:
        assert image.size == (32, 32)


@pytest.mark.slow
def test_nothing_needs_torch_or_dlib() -> None:
    import subprocess
    import sys

    code = """
import sys
from attrxfer.media.photos import Photos
from attrxfer.media import processors as works
from attrxfer.media import manifest
print([name for name in ("torch", "dlib", "kornia", "accelerate") if name in sys.modules])
"""
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "[]"


def test_a_folder_is_read_and_written_while_others_are_transferred(
    run: Run, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Many photos: each through the transfer once, none lost, none twice."""
    many = tmp_path / "many"
    many.mkdir()
    for number in range(15):
        (many / f"{number}.png").write_bytes((folder / "a.png").read_bytes())
    fake: Any = Fake()
    monkeypatch.setattr(workflow, "load_model", lambda *arguments, **named: fake)
    assert run(many, "-o", tmp_path / "out").exit_code == 0
    assert len(written(tmp_path / "out")) == 16 and [len(batch) for batch in fake.batches] == [2] * 15
