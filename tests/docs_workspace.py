"""The folder in which the documentation's commands are run: a tiny finished run, photos, and a data set in each layout."""

from __future__ import annotations

import csv
import shutil
from pathlib import Path

import numpy as np
from PIL import Image

from attrxfer.plugin.host import Host
from tests.conftest import TINY
from tests.exported_negative import write_negative
from tests.media.video.made import write as write_video

ROOT = Path(__file__).parents[1]
PEOPLE, EACH = 12, 2


def make(folder: Path, host: Host) -> None:
    """Fill an empty folder with what the pages name."""
    (folder / "recipes").symlink_to(ROOT / "recipes")
    _run(folder / "runs" / "diat_a_gender", host)
    _run(folder / "runs" / "diat_a_many", host)
    shutil.copytree(folder / "runs" / "diat_a_gender", folder / "runs" / "mine")
    faces = _faces(host)
    for number, (face, _) in enumerate(faces[:3]):
        _save(face, folder / "photos" / f"{number}.png")
    _save(face, folder / "photo.jpg")
    _save(face, folder / "crop.png")
    write_negative(folder / "model.onnx", 64)
    _clip(folder / "clip.mp4", faces[1][0])
    _celeba(folder / "celeba", faces)
    _classes(folder / "classes", faces)
    _table(folder / "table", faces)
    _spoil(folder)


def _spoil(folder: Path) -> None:
    """What the pages name to show an error."""
    run = folder / "runs" / "diat_a_gender"
    (folder / "half").mkdir()
    shutil.copy(run / "recipe.toml", folder / "half")
    shutil.copytree(run / "bundle", folder / "changed")
    with (folder / "changed" / "model.safetensors").open("ab") as file:
        file.write(b"x")
    half = (folder / "photos" / "0.png").read_bytes()[:300]
    shutil.copytree(folder / "photos", folder / "mixed")
    (folder / "mixed" / "half.png").write_bytes(half)
    (folder / "mixed" / "note.jpg").write_text("no image")
    shutil.copytree(folder / "classes", folder / "broken")
    (folder / "broken" / "smiling" / "half.png").write_bytes(half)
    (folder / "spoilt").mkdir()
    (folder / "spoilt" / "people.csv").write_text("file,smiling\na.png,1\nb.png,maybe\n")


def _run(folder: Path, host: Host) -> None:
    """A run of the recipe that the folder is named after."""
    from attrxfer.recipe import load
    from attrxfer.workflows import train as job

    job.run(load(folder.name, host, TINY), folder, host, quiet=True)


def _faces(host: Host) -> list[tuple[Image.Image, dict[str, bool]]]:
    """Drawn faces with their attributes, EACH of a person."""
    drawn = host.registry.get("dataset", "synthetic_faces").load()(size=64, faces=PEOPLE * EACH, faces_per_identity=EACH)
    records = drawn.records()
    labels = [{name: bool(values[i]) for name, values in records.attributes.items()} for i in range(PEOPLE * EACH)]
    return [(Image.fromarray(image), own) for image, own in zip(drawn.read(range(PEOPLE * EACH)), labels, strict=True)]


def _save(image: Image.Image, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    image.save(path)


def _clip(path: Path, image: Image.Image) -> None:
    """A video of a few frames that show one image."""
    large = np.asarray(image.resize((256, 256)))
    write_video(path, [large] * 5, "libx264", "yuv420p")


def _celeba(folder: Path, faces: list[tuple[Image.Image, dict[str, bool]]]) -> None:
    names = [f"{number + 1:06d}.jpg" for number in range(len(faces))]
    known = list(faces[0][1])
    rows = []
    for name, (face, own) in zip(names, faces, strict=True):
        _save(face.resize((178, 218)), folder / "img_align_celeba" / name)
        rows.append(" ".join([name, *("1" if own[attribute] else "-1" for attribute in known)]))
    (folder / "list_attr_celeba.txt").write_text("\n".join([str(len(names)), " ".join(known), *rows]) + "\n")
    (folder / "identity_CelebA.txt").write_text("".join(f"{name} {i // EACH}\n" for i, name in enumerate(names)))


def _classes(folder: Path, faces: list[tuple[Image.Image, dict[str, bool]]]) -> None:
    for number, (face, own) in enumerate(faces):
        _save(face, folder / ("smiling" if own["Smiling"] else "serious") / f"{number:03d}.png")


def _table(folder: Path, faces: list[tuple[Image.Image, dict[str, bool]]]) -> None:
    rows = []
    for number, (face, own) in enumerate(faces):
        _save(face, folder / "images" / f"{number:03d}.png")
        rows.append([f"images/{number:03d}.png", int(own["Smiling"]), f"person {number // EACH}"])
    with (folder / "people.csv").open("w", newline="") as file:
        csv.writer(file).writerows([["file", "smiling", "identity"], *rows])
