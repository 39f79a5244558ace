"""Bundles with spoilt weights, and files of weights that a user is given."""

from __future__ import annotations

import io
import json
import os
import pickle
import random
import shutil
import struct
import zipfile
from collections.abc import Callable, Mapping
from typing import ClassVar

import torch

import attrxfer
from attrxfer.storage.files import read_tensors, sha256
from tests.hostile.cards import METADATA
from tests.hostile.spoiling import ODD, spoilt_bytes, with_other_bytes
from tests.hostile.trial import MARK, Kind, printed

WEIGHTS = "model.safetensors"
HEADER = (
    *((b'"F32"', b'"I64"'), (b'"F32"', b'"F99"'), (b'"F32"', b'"C64"'), (b"[4", b"[8"), (b"weight", b"height")),
    *((b"0.", b"1."), (b",", b" "), (b'"shape":[', b'"shape":[-1,'), (b'"shape":[', b'"shape":[9999999999,')),
)
"""What of a header is replaced, and by what."""


class _Runs:
    """What a pickle runs when it is read."""

    def __reduce__(self) -> tuple[Callable[[str], int], tuple[str]]:
        return os.system, (f"touch {MARK}",)


class Weights(Kind):
    """A bundle whose weights are spoilt, and a file of torch with other bytes, or with a pickle that runs a program."""

    name = "weights"
    more_seconds: ClassVar = {"export": 10.0}  # torch's exporter is slow

    def spoil(self, chance: random.Random) -> str:
        bundle = shutil.copytree(self.goods / "bundle", self.input / "bundle")
        weights = (bundle / WEIGHTS).read_bytes()
        content, said = self._spoilt(weights, chance)
        (bundle / WEIGHTS).write_bytes(content)
        (self.input / "a.safetensors").write_bytes(content)
        card = json.loads((bundle / METADATA).read_text())
        card["sha256"][WEIGHTS] = sha256(bundle / WEIGHTS)
        (bundle / METADATA).write_text(json.dumps(card))
        pickled, done = self._pickled(chance)
        (self.input / "a.pth").write_bytes(pickled)
        return f"{said}; {done}"

    def actions(self) -> Mapping[str, Callable[[], object]]:
        bundle, photo = self.input / "bundle", self.goods / "photo.png"
        return {
            "load": lambda: attrxfer.load(bundle),
            "transfer": lambda: printed("transfer", "--aligned", bundle, photo, "-o", self.out),
            "safetensors": lambda: read_tensors(self.input / "a.safetensors"),
            "torch": lambda: read_tensors(self.input / "a.pth"),
            "export": lambda: printed("transfer", "--aligned", bundle, photo, "-o", self.out, "--backend", "onnx"),
        }

    @staticmethod
    def _spoilt(weights: bytes, chance: random.Random) -> tuple[bytes, str]:
        (length,) = struct.unpack("<Q", weights[:8])
        how = chance.choice(("length", "words", "words", "header", "tree", "bytes"))
        head, header, body = weights[:8], weights[8 : 8 + length], weights[8 + length :]
        if how == "length":
            head = struct.pack("<Q", chance.choice((0, 1, length - 1, length + 1, 2**31, 2**40, 2**63)))
        elif how == "words":
            header = header.replace(*chance.choice(HEADER), chance.choice((1, 1000)))
        elif how == "header":
            header = with_other_bytes(header, chance)
        elif how == "tree":
            tree = json.loads(header)
            name = chance.choice(list(tree))
            tree[name][chance.choice(("dtype", "shape", "data_offsets"))] = chance.choice(ODD)
            header = json.dumps(tree).encode()
            head = struct.pack("<Q", len(header))
        else:
            return spoilt_bytes(weights, chance)
        return head + header + body[: chance.choice((None, None, 100))], f"{how} of the weights"

    @staticmethod
    def _pickled(chance: random.Random) -> tuple[bytes, str]:
        buffer = io.BytesIO()
        hidden = chance.random() < 0.3
        tensors = {"weight": torch.zeros(2, 3), "bias": torch.zeros(3)}
        old = chance.random() < 0.3
        torch.save(tensors, buffer, _use_new_zipfile_serialization=not old)
        content = buffer.getvalue()
        if hidden and old:
            return pickle.dumps({"weight": _Runs()}), "a pickle that runs a program"
        if hidden:
            out = io.BytesIO()
            with zipfile.ZipFile(io.BytesIO(content)) as archive, zipfile.ZipFile(out, "w") as other:
                for name in archive.namelist():
                    inside = pickle.dumps({"weight": _Runs()}, 2) if name.endswith("data.pkl") else archive.read(name)
                    other.writestr(name, inside)
            return out.getvalue(), "a pickle that runs a program, in a zip"
        return spoilt_bytes(content, chance)
