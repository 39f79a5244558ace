"""An exported file of a model without weights, which makes an image's negative: made in no time, and without torch."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

SIZE = 32


def write_negative(path: Path, size: int = SIZE) -> None:
    """Write an ONNX file as ``attrxfer export`` does: images uint8 (N, size, size, 3) and strength in, results out."""
    from onnx import TensorProto, helper, save

    def node(kind: str, given: str, made: str, **options: Any) -> Any:
        return helper.make_node(kind, given.split(), [made], **options)

    nodes = [
        node("Cast", "images", "x", to=TensorProto.FLOAT),
        node("Add", "x x", "twice"),
        node("Sub", "white twice", "change"),
        node("Mul", "strength change", "scaled"),
        node("Add", "x scaled", "sum"),
        node("Clip", "sum black white", "clipped"),
        node("Round", "clipped", "rounded"),
        node("Cast", "rounded", "results", to=TensorProto.UINT8),
    ]
    shape: list[str | int | None] = ["n", size, size, 3]
    given = [
        helper.make_tensor_value_info("images", TensorProto.UINT8, shape),
        helper.make_tensor_value_info("strength", TensorProto.FLOAT, []),
    ]
    made = [helper.make_tensor_value_info("results", TensorProto.UINT8, shape)]
    constants = [helper.make_tensor(name, TensorProto.FLOAT, [], [value]) for name, value in (("white", 255.0), ("black", 0.0))]
    graph = helper.make_graph(nodes, "negative", given, made, constants)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=10)
    entry = model.metadata_props.add()
    entry.key, entry.value = "attrxfer", json.dumps(metadata(size))
    save(model, str(path))


def metadata(size: int) -> dict[str, object]:
    """What such a file says of itself."""
    from attrxfer.model.card import FORMAT

    return {
        "format": FORMAT,
        "task": {"name": "negative", "guided": {"Dark": True}},
        "size": size,
        "chain": [{"kind": "generator", "use": "masked"}],
        "sha256": {"model.safetensors": "0" * 64},
        "licences": ["MIT"],
        "plugins": {},
        "recipe": {"data": {"use": "synthetic_faces"}, "task": {}},
    }
