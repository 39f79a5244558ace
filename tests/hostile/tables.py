"""Tables and lists of data sets: CSV files, and CelebA's lists."""

from __future__ import annotations

import random
import shutil
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np
from PIL import Image

from tests.conftest import TINY
from tests.hostile.spoiling import spoilt_bytes
from tests.hostile.trial import Kind, printed

IMAGES = 6
CELLS = (
    *("", " ", "1", "0", "-1", "1.0", "True", "no", "2", "nan", "1e999", "9" * 5000, "-" * 300, "x" * 140_000),
    *(
        "../../../etc/passwd",
        "/dev/zero",
        "/dev/stdin",
        "a\x00b",
        "\x1b[2J",
        "\u202e",
        "=1+1",
        '"',
        '"""',
        "a,b",
        "a;b",
        "é",
        ".",
    ),
)
"""What stands in a cell."""
LINES = ("", ",,,,", "\t", "# note", '"', "a" * 50_000, "x," * 5000, "\x00", "\ufeff", "000001.jpg", "9" * 400)
"""What stands as a line."""
ENCODINGS = ("utf-8", "utf-8", "utf-8", "utf-16", "latin-1", "utf-8-sig")
SET = [part for setting in TINY if not setting.startswith("data.") for part in ("--set", setting)]


def spoilt_table(text: str, separators: Sequence[str], chance: random.Random) -> tuple[bytes, str]:
    """A table with other cells, lines, separators, bytes or another encoding, and what was done."""
    if chance.random() < 0.25:
        return spoilt_bytes(text.encode(), chance, 200)
    lines, said = text.splitlines(), []
    for _ in range(chance.choice((1, 1, 3))):
        row = chance.randrange(len(lines)) if lines else 0
        how = chance.choice(("cell", "cell", "cell", "line", "delete", "twice", "separator", "more", "fewer", "end"))
        if how == "delete" and lines:
            del lines[row]
        elif how == "line":
            lines.insert(row, chance.choice(LINES))
        elif not lines:
            continue
        elif how == "twice":
            lines.insert(row, lines[row])
        elif how == "separator":
            lines = [line.replace(separators[0], chance.choice((*separators, "|", "\u00a0"))) for line in lines]
        elif how == "end":
            lines = [chance.choice(("\r\n", "\r", "\n\n", "\u2028")).join(lines)]
        else:
            cells = lines[row].split(separators[0])
            place = chance.randrange(len(cells))
            cells[place : place + (how == "cell")] = [] if how == "fewer" else [chance.choice(CELLS)]
            lines[row] = separators[0].join(cells[1:] if how == "fewer" else cells)
        said.append(f"{how} {row}")
    encoding = chance.choice(ENCODINGS)
    return "\n".join([*lines, ""]).encode(encoding, "replace"), f"{', '.join(said)} in {encoding}"


def save_images(folder: Path, names: Sequence[str]) -> None:
    """Images of noise."""
    folder.mkdir(parents=True)
    for number, name in enumerate(names):
        pixels = np.random.default_rng(number).integers(0, 256, (218, 178, 3), np.uint8)
        Image.fromarray(pixels).resize((44, 54)).resize((178, 218)).save(folder / name)


class _Table(Kind):
    @property
    def data(self) -> Path:
        return self.input / "data"

    def actions(self) -> Mapping[str, Callable[[], object]]:
        return {
            "inspect": lambda: printed("data", "inspect", self.data, "-o", self.out / "page.html"),
            "train": lambda: printed("run", "diat_a_gender", "--data", self.data, "-o", self.out / "run", "-q", *SET),
            "data": lambda: printed("data", "inspect", self.data, "-o", self.out / "page.html", "--size", "32"),
        }


class Tables(_Table):
    """A CSV file of images."""

    name = "tables"

    def prepare(self) -> None:
        names = [f"{number}.png" for number in range(IMAGES)]
        save_images(self.goods / "table", names)
        rows = [f"{name},{i % 2},{i // 3},{('train', 'train', 'test')[i % 3]},p{i // 2}" for i, name in enumerate(names)]
        (self.goods / "table" / "a.csv").write_text("\n".join(["file,Male,Smiling,split,identity", *rows, ""]))

    def spoil(self, chance: random.Random) -> str:
        shutil.copytree(self.goods / "table", self.data)
        content, said = spoilt_table((self.data / "a.csv").read_text(), (",", ";", "\t"), chance)
        (self.data / "a.csv").write_bytes(content)
        return said


class Lists(_Table):
    """CelebA's lists, one of them spoilt."""

    name = "lists"
    files = ("list_attr_celeba", "list_eval_partition", "list_landmarks_align_celeba", "identity_CelebA")

    def prepare(self) -> None:
        folder = self.goods / "celeba"
        names = [f"{number + 1:06d}.jpg" for number in range(IMAGES)]
        save_images(folder / "img_align_celeba", names)
        values: dict[str, list[str]] = {
            "list_attr_celeba": [f"{1 if i % 2 else -1} {1 if i % 3 else -1}" for i in range(IMAGES)],
            "list_eval_partition": [str(i % 3) for i in range(IMAGES)],
            "list_landmarks_align_celeba": [" ".join(str(60 + 7 * j + i) for j in range(10)) for i in range(IMAGES)],
            "identity_CelebA": [str(i // 2) for i in range(IMAGES)],
        }
        heads = {
            "list_attr_celeba": f"{IMAGES}\nMale Smiling\n",
            "list_landmarks_align_celeba": f"{IMAGES}\na b c d e f g h i j\n",
        }
        for name, rows in values.items():
            lines = "".join(f"{image} {row}\n" for image, row in zip(names, rows, strict=True))
            (folder / f"{name}.txt").write_text(heads.get(name, "") + lines)

    def spoil(self, chance: random.Random) -> str:
        shutil.copytree(self.goods / "celeba", self.data)
        name = chance.choice((self.files[0], *self.files))
        file = self.data / f"{name}.txt"
        content, said = spoilt_table(file.read_text(), (" ", ",", "\t"), chance)
        file.write_bytes(content)
        if chance.random() < 0.2:
            file.rename(file.with_suffix(".csv"))
        return f"{name}: {said}"
