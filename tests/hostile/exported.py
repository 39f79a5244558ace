"""Exported files: ONNX and OpenVINO, with other bytes, metadata and networks."""

from __future__ import annotations

import functools
import io
import json
import random
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import onnx

import attrxfer
from tests.hostile.spoiling import NUMBERS, spoilt_bytes, spoilt_json
from tests.hostile.trial import Kind, printed

TYPES = ("Relu", "Add", "Reshape", "Tile", "Expand", "Loop", "If", "NoSuchOperation", "ConstantOfShape", "Resize", "Range")
FILES = {"onnx": "model.onnx", "openvino": "model.ov"}


class Exported(Kind):
    """A file that a stranger exported."""

    name = "exported"

    def prepare(self) -> None:
        for exporter, file in FILES.items():
            printed("export", self.goods / "bundle", "--to", exporter, "-o", self.goods / file)

    def spoil(self, chance: random.Random) -> str:
        said = [self._onnx(chance), self._openvino(chance)]
        return "; ".join(said)

    def actions(self) -> Mapping[str, Callable[[], object]]:
        return {
            f"{action} {name}": functools.partial(self._do, action, self.input / file)
            for name, file in FILES.items()
            for action in ("info", "load", "transfer")
        }

    def _do(self, action: str, path: Path) -> None:
        if action == "load":
            attrxfer.load(path)
        elif action == "info":
            printed("info", path)
        else:
            printed("transfer", "--aligned", path, self.goods / "photo.png", "-o", self.out)

    def _onnx(self, chance: random.Random) -> str:
        content = (self.goods / FILES["onnx"]).read_bytes()
        how = chance.choice(("bytes", "card", "card", "network", "network"))
        if how == "bytes":
            content, said = spoilt_bytes(content, chance, 4000)
        else:
            model = onnx.load_from_string(content)
            said = _spoil_card(model, chance) if how == "card" else _spoil_network(model, chance)
            content = model.SerializeToString()
        (self.input / FILES["onnx"]).write_bytes(content)
        return said

    def _openvino(self, chance: random.Random) -> str:
        content = (self.goods / FILES["openvino"]).read_bytes()
        if chance.random() < 0.2:
            content, said = spoilt_bytes(content, chance)
            (self.input / FILES["openvino"]).write_bytes(content)
            return said
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            parts = {name: archive.read(name) for name in archive.namelist()}
        name = chance.choice(sorted(parts))
        how = chance.choice(("spoil", "spoil", "spoil", "remove", "empty", "huge"))
        if how == "remove":
            del parts[name]
        elif how == "empty":
            parts[name] = b""
        elif how == "huge":
            parts[name] = bytes(300_000_000)  # compressed: a small file
        elif name == "metadata.json":
            parts[name], said = spoilt_json(parts[name].decode(), chance)
        elif name == "network.xml":
            parts[name] = _spoilt_words(parts[name], chance)
        else:
            parts[name], said = spoilt_bytes(parts[name], chance)
        with zipfile.ZipFile(self.input / FILES["openvino"], "w", zipfile.ZIP_DEFLATED) as archive:
            for name_, part in parts.items():
                archive.writestr(name_, part)
        return f"{how} {name}"


def _spoil_card(model: Any, chance: random.Random) -> str:
    entry = next(entry for entry in model.metadata_props if entry.key == "attrxfer")
    content, said = spoilt_json(entry.value, chance)
    entry.value = content.decode("utf-8", "replace")
    return said


def _spoil_network(model: Any, chance: random.Random) -> str:
    graph = model.graph
    node = chance.choice(graph.node)
    how = chance.choice(("type", "delete", "wire", "outside", "size", "input", "output", "number"))
    if how == "type":
        node.op_type = chance.choice(TYPES)
    elif how == "delete":
        graph.node.remove(node)
    elif how == "wire" and node.input:
        node.input[0] = chance.choice(graph.node).output[0]
    elif how == "outside":
        tensor = chance.choice(graph.initializer)
        tensor.ClearField("raw_data")
        tensor.data_location = onnx.TensorProto.EXTERNAL
        entry = tensor.external_data.add()
        entry.key, entry.value = "location", chance.choice(("../../../../etc/passwd", "/etc/passwd", "/dev/zero", "nothing"))
    elif how == "size":
        tensor = chance.choice(graph.initializer)
        if tensor.dims:
            tensor.dims[0] = chance.choice((0, 1, 2**31, 2**40, 2**62))
    elif how in ("input", "output"):
        value = chance.choice(graph.input if how == "input" else graph.output)
        if chance.random() < 0.5:
            value.type.tensor_type.elem_type = chance.choice((1, 2, 7, 8, 11))
        for dim in value.type.tensor_type.shape.dim:
            if chance.random() < 0.5:
                dim.dim_value = chance.choice((0, 1, 3, 16, 10**9))
    else:
        numbers = [tensor for tensor in graph.initializer if tensor.data_type == onnx.TensorProto.INT64 and tensor.raw_data]
        if numbers:
            tensor = chance.choice(numbers)
            tensor.raw_data = chance.choice(NUMBERS).to_bytes(8, "little") * (len(tensor.raw_data) // 8)
    return f"{how} of the network ({json.dumps(node.op_type)})"


def _spoilt_words(content: bytes, chance: random.Random) -> bytes:
    """XML in which words or numbers are replaced."""
    if chance.random() < 0.3:
        return spoilt_bytes(content, chance)[0]
    if chance.random() < 0.2:
        return b'<!DOCTYPE a [<!ENTITY b SYSTEM "file:///etc/passwd">]>' + content.replace(b"images", b"&b;")
    words = content.split(b'"')
    for _ in range(chance.choice((1, 3))):
        place = chance.randrange(1, len(words), 2)
        odd = (b"", b"0", b"-1", b"99999999999", b"1,1,999999,999999", b"Convolution", b"x" * 10_000, b"&#0;")
        words[place] = chance.choice(odd)
    return b'"'.join(words)
